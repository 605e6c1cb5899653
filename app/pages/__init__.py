"""The pages, in the order of the sidebar: an explicit list, and each page's module imported when it is first opened.

A row says what the sidebar shows, so that the window is painted before pages and charts are loaded.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.pages.page import Page


class PageEntry(NamedTuple):
    """`load` imports the page's class; `group` is the sidebar's heading, "" puts a page at the foot, where it has no
    number."""

    key: str
    title: str
    icon: str
    group: str
    load: "Callable[[], type[Page]]"


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
    PageEntry("overview", "Overview", "layout-dashboard", "Observe", _overview),
    PageEntry("requests", "Requests", "list", "Observe", _requests),
    PageEntry("conversations", "Conversations", "messages-square", "Observe", _conversations),
    PageEntry("compare", "Compare", "columns-2", "Observe", _compare),
    PageEntry("providers", "Providers", "plug", "Set up", _providers),
    PageEntry("api_keys", "API keys", "key-round", "Set up", _api_keys),
    PageEntry("connect", "Connect", "link", "Set up", _connect),
    PageEntry("models", "Models & prices", "coins", "Set up", _models),
    PageEntry("settings", "Settings", "settings", "", _settings),
)
