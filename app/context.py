"""What every page is handed: the gateway, the theme, the window's filters, a way to start work that is kept, what
conversations are called, which colours names have, and the shell around the pages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from app.colour_slots import Colours
from app.conversation_names import ConversationNames
from app.filters import FilterState
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
