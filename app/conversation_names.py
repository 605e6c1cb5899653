"""What conversations are called that are known by their ids: by their titles, which are read when they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.known_errors import KNOWN_ERRORS
from gateway import ThreadQuery, UsageQuery

if TYPE_CHECKING:
    from gateway import Gateway

_MOST_AT_ONCE = 200
_MOST_KEPT = 1_000


class ConversationNames(QObject):
    """`came` after a reading that changes what some are called."""

    came = Signal()

    def __init__(self, gateway: Gateway, spawn: Callable[[Coroutine[Any, Any, Any]], None]) -> None:
        super().__init__()
        self._gateway = gateway
        self._spawn = spawn
        self._titles: dict[str, str] = {}

    def name(self, id: str) -> str:
        """The title, else the id, as far as that is known."""
        return self._titles.get(id) or id

    @property
    def known(self) -> Mapping[str, str]:
        """Titles by id."""
        return self._titles

    def ask(self, ids: Collection[str]) -> None:
        """Read them anew: titles can be changed."""
        if ids:
            self._spawn(self.read(ids))

    async def read(self, ids: Collection[str]) -> None:
        """Wait for the titles of these; where the gateway cannot say, they keep the names that they have."""
        wanted = tuple(dict.fromkeys(ids))[:_MOST_AT_ONCE]
        if not wanted:
            return
        try:
            # More than are wanted: others that were given one of these ids are found by it too.
            page = await self._gateway.threads(
                ThreadQuery(among=UsageQuery(conversation=wanted)), limit=2 * _MOST_AT_ONCE
            )
        except KNOWN_ERRORS:
            return
        before = [self.name(id) for id in wanted]
        for row in page.rows:
            self._titles.pop(row.id, None)
            self._titles[row.id] = row.title
        for id in list(self._titles)[:-_MOST_KEPT]:
            del self._titles[id]
        if [self.name(id) for id in wanted] != before:
            self.came.emit()
