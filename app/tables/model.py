"""Two Qt models over a tuple of columns: `ListModel` for short lists, `WindowedModel` for lists of any length.

The windowed one knows the full count at once, so that the scroll bar is true and any place is one jump away. A row
that is not held is a placeholder; asking for it queues its page, which a coroutine reads (never the GUI thread) and
`dataChanged` then shows. The page asked for last is read first, two at a time, and a fast drag over thousands of
pages reads only where it stops.
"""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.known_errors import KNOWN_ERRORS
from app.tables.column import Column
from app.tables.window import MAX_HEAD, PAGE_ROWS, Window

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex

LOADING = "…"
_READS_AT_ONCE = 2
_QUEUE_LENGTH = 4
_NOWHERE = QModelIndex()


class RowModel(QAbstractTableModel, Generic[Row]):
    """What the view needs of a table: its columns, and a row or None where it is not there yet."""

    def __init__(self, columns: Sequence[Column[Row]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)

    def row(self, number: int) -> Row | None:
        raise NotImplementedError

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DisplayRole:
            row = self.row(index.row())
            return LOADING if row is None else column.text(row)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.meaning or None
        return column.title if role == Qt.ItemDataRole.DisplayRole else None


class ListModel(RowModel[Row]):
    """All rows in memory, sortable by the columns that say so; for lists of at most some hundreds.

    `key` says what a row is known by. With it, what is chosen stays chosen and the list stays where it is scrolled
    to when rows come anew or in another order.
    """

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        parent: QObject | None = None,
        *,
        key: Callable[[Row], Hashable] | None = None,
    ) -> None:
        super().__init__(columns, parent)
        self._key = key
        self.rows: tuple[Row, ...] = ()
        self._sorted_by: tuple[int, bool] | None = None

    def row(self, number: int) -> Row | None:
        return self.rows[number] if 0 <= number < len(self.rows) else None

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Replaces everything; the order is the last one asked for by a header, else the one given."""
        self._arrange(tuple(rows))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if column < 0 or not self.columns[column].sortable:
            return
        self._sorted_by = (column, order == Qt.SortOrder.DescendingOrder)
        self._arrange(self.rows)

    def _arrange(self, rows: tuple[Row, ...]) -> None:
        if self._sorted_by is not None:
            rows = self._sorted(rows, *self._sorted_by)
        if self._key is None:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
            return
        if list(map(self._key, rows)) == list(map(self._key, self.rows)):
            # Where all stay where they are, nothing is laid out anew.
            shown, self.rows = self.rows, rows
            self._tell_changed(shown)
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        keys = [self._key(self.rows[index.row()]) for index in before]
        self.rows = rows
        places = {self._key(row): number for number, row in enumerate(self.rows)}
        after = [
            self.index(places[key], index.column()) if key in places else QModelIndex()
            for key, index in zip(keys, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _tell_changed(self, before: tuple[Row, ...]) -> None:
        """From the first row that says something else to the last one."""
        changed = [number for number, (old, new) in enumerate(zip(before, self.rows, strict=True)) if old != new]
        if changed:
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], len(self.columns) - 1))

    def _sorted(self, rows: tuple[Row, ...], column: int, descending: bool) -> tuple[Row, ...]:
        """Unknown values stand last whichever way the rest is turned."""
        value = self.columns[column].value

        def key(row: Row) -> Any:
            found = value(row)
            return found.casefold() if isinstance(found, str) else found

        known = [row for row in rows if value(row) is not None]
        unknown = [row for row in rows if value(row) is None]
        return (*sorted(known, key=key, reverse=descending), *unknown)


class WindowedModel(RowModel[Row]):
    """`load(offset, limit)` reads rows of the list as it was when it was opened; `spawn` runs the coroutine.

    `arrived` tells that a page was shown; `failed` carries one sentence, and the page is asked for again only after
    `open`, `prepend` or `retry`.
    """

    arrived = Signal(int, int)
    failed = Signal(str)

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        load: Callable[[int, int], Awaitable[Sequence[Row]]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(columns, parent)
        self._load = load
        self._spawn = spawn
        self._window: Window[Row] = Window()
        self._queue: list[int] = []
        self._reading: set[int] = set()
        self._broken: set[int] = set()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else self._window.count

    def row(self, number: int) -> Row | None:
        """The row, or None while its page is on the way; there is none at -1, where nothing is chosen."""
        found = self._window.get(number)
        if found is None and 0 <= number < self._window.count:
            self._want(self._window.page_number(number))
        return found

    def held(self, number: int) -> Row | None:
        """The row if it is here; asks for nothing."""
        return self._window.get(number)

    @property
    def drift(self) -> int:
        return self._window.drift

    @property
    def held_pages(self) -> tuple[int, ...]:
        return self._window.held_pages

    @property
    def head_length(self) -> int:
        """Rows that came live since the list was opened."""
        return len(self._window.head)

    @property
    def wants_reopening(self) -> bool:
        """Whether so many rows came live that the list should be opened anew, so that memory stays bounded."""
        return self.head_length >= MAX_HEAD

    def open(self, count: int, first: Sequence[Row]) -> None:
        """Another list, or the same anew; `first` is its first page."""
        self.beginResetModel()
        self._window = Window(count, first)
        self._queue.clear()
        self._reading = set()
        self._broken = set()
        self.endResetModel()

    def prepend(self, rows: Sequence[Row]) -> None:
        """Newer rows, newest first; the selection stays with its rows."""
        if not rows:
            return
        self.beginInsertRows(_NOWHERE, 0, len(rows) - 1)
        self._window.prepend(rows)
        self._broken.clear()
        self.endInsertRows()

    def shorten(self, count: int) -> None:
        """The oldest rows left the range: `count` remain."""
        if 0 <= count < self._window.count:
            self.beginRemoveRows(_NOWHERE, count, self._window.count - 1)
            self._window.count = count
            self.endRemoveRows()

    def drifted(self, rows: int) -> None:
        """So many rows slipped in among the newest since the list was opened: older pages lie further down."""
        self._window.drift = rows

    def retry(self) -> None:
        self._broken.clear()
        if rows := self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(rows - 1, len(self.columns) - 1))

    async def fetch(self, first: int, last: int) -> list[Row]:
        """Rows first to last, reading the pages that are not held without showing them; for copying."""
        rows: list[Row] = []
        number = first
        while number <= last:
            row = self._window.get(number)
            if row is not None:
                rows.append(row)
                number += 1
                continue
            window = self._window
            page = window.page_number(number)
            read = await self._load(window.page_offset(page), PAGE_ROWS)
            start, end = window.page_rows(page)
            part = read[number - start : min(last, end) - start + 1]
            if not part:
                break
            rows += part
            number += len(part)
        return rows

    def _want(self, page: int) -> None:
        if page in self._reading or page in self._broken:
            return
        if page in self._queue:
            self._queue.remove(page)
        self._queue.append(page)
        del self._queue[:-_QUEUE_LENGTH]
        self._read_next()

    def _read_next(self) -> None:
        while self._queue and len(self._reading) < _READS_AT_ONCE:
            page = self._queue.pop()
            self._reading.add(page)
            self._spawn(self._read(page, self._window, self._reading))

    async def _read(self, page: int, window: Window[Row], reading: set[int]) -> None:
        """A page of the window that asked; where the list was opened anew meanwhile, it is thrown away."""
        try:
            rows = await self._load(window.page_offset(page), PAGE_ROWS)
        except BaseException as error:
            if window is self._window:
                self._broken.add(page)
            if not isinstance(error, KNOWN_ERRORS):
                raise
            if window is self._window:
                self.failed.emit(str(error))
        else:
            if window is self._window:
                self._show(page, rows)
        finally:
            reading.discard(page)
        if window is self._window:
            self._read_next()

    def _show(self, page: int, rows: Sequence[Row]) -> None:
        self._window.put(page, rows)
        if not self._window.holds(page):
            self._broken.add(page)
        first, last = self._window.page_rows(page)
        if first <= last:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))
            self.arrived.emit(first, last)
