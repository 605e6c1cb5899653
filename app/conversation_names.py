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
# Of conversations that are found by these ids too, such as all of one session.
_MOST_PAGES = 10


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
            titles = await self._read(wanted)
        except KNOWN_ERRORS:
            return
        before = [self.name(id) for id in wanted]
        for id, title in titles.items():
            self._titles.pop(id, None)
            self._titles[id] = title
        for id in list(self._titles)[:-_MOST_KEPT]:
            del self._titles[id]
        if [self.name(id) for id in wanted] != before:
            self.came.emit()

    async def _read(self, wanted: Collection[str]) -> dict[str, str]:
        """Titles by id, of these as far as there are such."""
        query, titles, cursor = ThreadQuery(among=UsageQuery(conversation=tuple(wanted))), dict[str, str](), None
        left = set(wanted)
        for _ in range(_MOST_PAGES):
            page = await self._gateway.threads(query, limit=_MOST_AT_ONCE, cursor=cursor)
            titles |= {row.id: row.title for row in page.rows if row.id in left}
            left -= titles.keys()
            cursor = page.next_cursor
            if not left or cursor is None:
                break
        return titles
