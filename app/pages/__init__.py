"""The pages, in the order of the sidebar: an explicit list, and each page's module imported when it is first opened.

A row says what the sidebar shows, so that the window is painted before pages and charts are loaded.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.pages.page_parts import Part, compare_tabs, model_tabs, setting_sections, tools
from app.translation import later

if TYPE_CHECKING:
    from app.pages.page import Page


class PageEntry(NamedTuple):
    """`load` imports the page's class; `group` is the sidebar's heading, "" puts a page at the foot, where it has no
    number. `parts` says what of it can be found by a name of its own, and may import what knows."""

    key: str
    title: str
    icon: str
    group: str
    load: "Callable[[], type[Page]]"
    parts: Callable[[], Sequence[Part]] = tuple


def _overview() -> "type[Page]":
    from app.pages.overview import OverviewPage

    return OverviewPage


def _requests() -> "type[Page]":
    from app.pages.requests import RequestsPage

    return RequestsPage


def _conversations() -> "type[Page]":
    from app.pages.conversations import ConversationsPage

    return ConversationsPage


def _compare() -> "type[Page]":
    from app.pages.compare import ComparePage

    return ComparePage


def _providers() -> "type[Page]":
    from app.pages.providers import ProvidersPage

    return ProvidersPage


def _api_keys() -> "type[Page]":
    from app.pages.api_keys import ApiKeysPage

    return ApiKeysPage


def _connect() -> "type[Page]":
    from app.pages.connect import ConnectPage

    return ConnectPage


def _models() -> "type[Page]":
    from app.pages.models import ModelsPage

    return ModelsPage


def _settings() -> "type[Page]":
    from app.pages.settings import SettingsPage

    return SettingsPage


PAGES: tuple[PageEntry, ...] = (
    PageEntry("overview", later("Overview"), "layout-dashboard", later("Observe"), _overview),
    PageEntry("requests", later("Requests"), "list", later("Observe"), _requests),
    PageEntry("conversations", later("Conversations"), "messages-square", later("Observe"), _conversations),
    PageEntry("compare", later("Compare"), "columns-2", later("Observe"), _compare, compare_tabs),
    PageEntry("providers", later("Providers"), "plug", later("Set up"), _providers),
    PageEntry("api_keys", later("API keys"), "key-round", later("Set up"), _api_keys),
    PageEntry("connect", later("Connect"), "link", later("Set up"), _connect, tools),
    PageEntry("models", later("Models & prices"), "coins", later("Set up"), _models, model_tabs),
    PageEntry("settings", later("Settings"), "settings", "", _settings, setting_sections),
)
