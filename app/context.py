"""What every page is handed: the gateway, the theme, the window's filters, and a way to start work that is kept."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from app.filters import FilterState
from app.theme import Theme

if TYPE_CHECKING:
    from gateway import Gateway

Spawn = Callable[[Coroutine[Any, Any, Any]], None]


class AppContext:
    """`spawn(coroutine)` starts a task that its owner keeps; an error in it is shown to the user."""

    def __init__(self, gateway: Gateway, theme: Theme, filters: FilterState, spawn: Spawn) -> None:
        self.gateway = gateway
        self.theme = theme
        self.filters = filters
        self.spawn = spawn
