"""The part of a very long list that is held in memory, without Qt.

Rows come in pages of 256, kept in the order of their last use, forty at most. Newer rows that arrive live stand in
a `head` before the pages, so that the pages keep the offsets that they were read at. Rows that slip in late among the
head's neighbours (a long request that ended after shorter ones began) move the offsets of everything older by
`drift`; pages read from then on are asked for that much further down, and the list on the screen stands still.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")

PAGE_ROWS = 256
MAX_PAGES = 40
MAX_HEAD = PAGE_ROWS * 4


class Window(Generic[Row]):
    """`count` is how many rows the list has in all; `get` answers None where a row is not held."""

    def __init__(self, count: int = 0, first: Sequence[Row] = ()) -> None:
        self.count = count
        self.drift = 0
        self.head: list[Row] = []
        self._pages: OrderedDict[int, Sequence[Row]] = OrderedDict()
        if first:
            self._pages[0] = first

    @property
    def held_pages(self) -> tuple[int, ...]:
        return tuple(self._pages)

    def get(self, row: int) -> Row | None:
        if row < 0:
            return None
        if row < len(self.head):
            return self.head[row]
        number, within = divmod(row - len(self.head), PAGE_ROWS)
        page = self._pages.get(number)
        if page is None or within >= len(page):
            return None
        self._pages.move_to_end(number)
        return page[within]

    def page_number(self, row: int) -> int:
        """The page that holds a row below the head."""
        return (row - len(self.head)) // PAGE_ROWS

    def page_rows(self, number: int) -> tuple[int, int]:
        """First and last row of a page, both within the list."""
        first = len(self.head) + number * PAGE_ROWS
        return first, min(first + PAGE_ROWS, self.count) - 1

    def page_offset(self, number: int) -> int:
        """Where a page is read from: its place among the rows that existed when the list was opened."""
        return number * PAGE_ROWS + self.drift

    def holds(self, number: int) -> bool:
        """Whether a page is held to its full length."""
        page = self._pages.get(number)
        first, last = self.page_rows(number)
        return page is not None and len(page) >= last - first + 1

    def put(self, number: int, rows: Sequence[Row]) -> None:
        self._pages[number] = rows
        self._pages.move_to_end(number)
        while len(self._pages) > MAX_PAGES:
            self._pages.popitem(last=False)

    def prepend(self, rows: Sequence[Row]) -> None:
        """Newer rows, newest first."""
        self.head[:0] = rows
        self.count += len(rows)
