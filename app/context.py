"""What every page is handed: the gateway, the theme, the window's filters, a way to start work that is kept, what
conversations and providers are called, which colours names have, and the shell around the pages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from app.colour_slots import Colours
from app.conversation_names import ConversationNames
from app.filter_words import CONVERSATION, PROVIDER
from app.filters import FilterState
from app.provider_names import ProviderNames
from app.shell import Shell
from app.theme import Theme

if TYPE_CHECKING:
    from gateway import Gateway

Spawn = Callable[[Coroutine[Any, Any, Any]], None]


class AppContext:
    """`spawn(coroutine)` starts a task that its owner keeps; an error in it is shown to the user."""

    def __init__(
        self, gateway: Gateway, theme: Theme, filters: FilterState, spawn: Spawn, shell: Shell | None = None
    ) -> None:
        self.gateway = gateway
        self.theme = theme
        self.filters = filters
        self.spawn = spawn
        self.shell = shell or Shell(theme, filters)
        self.colours = Colours(self.shell.preferences)
        self.conversation_names = ConversationNames(gateway, spawn)
        self.provider_names = ProviderNames(gateway)

    def value_name(self, dimension: str, value: str) -> str:
        """What a filter's value is called, as far as that is known."""
        if dimension == CONVERSATION:
            return self.conversation_names.name(value)
        return self.provider_names.name(value) if dimension == PROVIDER else value
