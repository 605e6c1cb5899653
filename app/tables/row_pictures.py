"""Rows of a table as pictures: a row that was painted before, or ahead of its paint, is only put where it stands.

Where new rows come in at the top, Qt has all that is in sight painted anew, each second under load. A picture shows
its row on the table's own ground; what is chosen or pointed at is painted as it is. Those of the rows in sight are
kept, and as many more, as far as memory goes.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPixmap

from app.tables.painter import Cell, PaintedRow, RowPainter
from app.theme import Theme

MOST_BYTES = 16_000_000
_BYTES_A_PIXEL = 4


class RowPictures:
    """For one view. A row is known by the object that it is: what is read anew is painted anew."""

    def __init__(self, theme: Theme, painter: RowPainter) -> None:
        self._theme = theme
        self._painter = painter
        self._made: OrderedDict[tuple[int, bool], tuple[Any, QPixmap]] = OrderedDict()
        self._of: tuple[object, ...] = ()
        self._cells: Sequence[Cell] = ()
        self._size, self._ratio, self._most = QSize(), 1.0, 0

    def __len__(self) -> int:
        return len(self._made)

    def clear(self) -> None:
        self._made.clear()

    def fit(self, cells: Sequence[Cell], size: QSize, ratio: float, in_sight: int, told: Hashable) -> bool:
        """Whether pictures of such rows are kept: of these cells, of `size` logical pixels, `in_sight` of them at
        once. `told`: what else their words follow; those of before are let go where it changes."""
        of = (tuple((cell.column.key, cell.left, cell.width) for cell in cells), size, ratio, told)
        if of != self._of:
            self._made.clear()
            self._of, self._cells, self._size, self._ratio = of, cells, size, ratio
        a_row = max(1, round(size.width() * ratio) * round(size.height() * ratio) * _BYTES_A_PIXEL)
        self._most = min(2 * in_sight, MOST_BYTES // a_row)
        return self._most >= in_sight

    def draw(self, rows: Sequence[tuple[Any, bool]]) -> None:
        """Make pictures of those that have none, each a record and whether it is faint: together, since a row alone
        takes twice as long as beside others. The record None is a row that is not there yet."""
        found = {(id(record), faint): (record, faint) for record, faint in rows}
        lacking = [(record, faint) for record, faint in found.values() if self.held(record, faint=faint) is None]
        if not lacking:
            return
        one = self._size * self._ratio
        painted = [PaintedRow(row, n * one.height() / self._ratio, faint) for n, (row, faint) in enumerate(lacking)]
        sheet = QPixmap(one.width(), one.height() * len(lacking))
        sheet.setDevicePixelRatio(self._ratio)
        sheet.fill(self._theme.color("surface"))
        painter = QPainter(sheet)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._painter.paint(painter, list(self._cells), painted, self._size.height())
        painter.end()
        for n, (record, faint) in enumerate(lacking):
            # With the row itself: as long as it lives, no other has its id.
            cut = sheet.copy(0, n * one.height(), one.width(), one.height())
            self._made[id(record), faint] = (record, cut)
        while len(self._made) > self._most:
            self._made.popitem(last=False)

    def paint(self, painter: QPainter, rows: Sequence[PaintedRow]) -> None:
        """Each where it stands."""
        self.draw([(row.record, row.faint) for row in rows])
        for record, top, faint in rows:
            _, picture = self._made[id(record), faint]
            painter.drawPixmap(QPointF(0, top), picture)

    def held(self, record: Any, *, faint: bool) -> QPixmap | None:
        """The row's picture, where it is kept."""
        found = self._made.get((id(record), faint))
        if found is None:
            return None
        self._made.move_to_end((id(record), faint))
        return found[1]
