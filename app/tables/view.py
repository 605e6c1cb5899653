"""The one table view: fixed rows, whole-row painting, row selection, hover, keyboard.

It never looks at a row that is not on the screen: columns are as wide as they say (what is left goes to those that
grow), typing letters searches nothing, and copying takes the ranges that are selected, not their rows one by one.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QHelpEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QMenu, QTableView, QToolTip, QWidget

from app import formats
from app.tables.arranged_view import ArrangedView
from app.tables.column import tab_separated
from app.tables.model import RowModel
from app.tables.painter import Cell, PaintedRow, RowPainter
from app.tables.row_pictures import RowPictures
from app.tables.row_turns import RowTurns
from app.tables.sort_menu import sort_menu
from app.theme import DENSITIES, Theme
from app.translation import counted, later, tr
from app.widgets.scroll_bar import KeptScrollBar

# The usual one; the theme says which is in force.
ROW_HEIGHT = DENSITIES["comfortable"]
# Rows that are laid out in one turn of the loop: a millisecond.
_AT_ONCE = 2


class TableView(ArrangedView):
    """`opened(row)`: a row was clicked, or Enter or Space pressed on it. `copy_asked`: Ctrl+C. `moved(row)`: the
    current row changed. `menu_offered(menu, row)`: a row's menu is about to open, and may be added to."""

    opened = Signal(int)
    moved = Signal(int)
    copy_asked = Signal()
    menu_offered = Signal(object, int)

    def __init__(
        self, theme: Theme, model: RowModel[Any], name: str, parent: QWidget | None = None, *, pictures: bool = False
    ) -> None:
        """`pictures`: rows are kept as they were painted; for long lists, whose words follow from the row, the day
        and what `forget_pictures` is called for."""
        super().__init__(theme, model, parent)
        self._theme = theme
        self._painter = RowPainter(theme, pictures=pictures)
        self._pictures = RowPictures(theme, self._painter) if pictures else None
        self._turns = RowTurns(self)
        self._turns.due.connect(lambda numbers: self.viewport().update(self._places(numbers)))
        self._hovered = -1
        self._faint = _never
        self.setAccessibleName(name)
        self._behave()
        theme.changed.connect(self._theme_changed)

    def _behave(self) -> None:
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        # Without one, the style paints its own window colour where the scroll bars meet.
        self.setCornerWidget(QWidget())
        self.setVerticalScrollBar(KeptScrollBar(self))
        # What a paint leaves for another turn stays as it was.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setAlternatingRowColors(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        vertical = self.verticalHeader()
        vertical.hide()
        vertical.setSectionResizeMode(vertical.ResizeMode.Fixed)
        self._take_row_height()

    def _take_row_height(self) -> None:
        vertical, height = self.verticalHeader(), self._theme.row_height
        vertical.setMinimumSectionSize(height)
        vertical.setDefaultSectionSize(height)

    def set_faint(self, faint: Any) -> None:
        """`faint(row) -> bool` tells which rows are painted as no longer counting."""
        self._faint = faint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit_columns()
        if self.viewport().isVisible() and event.size().width() != event.oldSize().width():
            # What makes room for it, or takes it, is painted in the same turn: a drawer and what is moved by that.
            self._turns.rest()

    # selection and keys

    def selected_ranges(self) -> list[tuple[int, int]]:
        """First and last row of each selected run, from the top, without overlap."""
        selection = self.selectionModel().selection()
        parts = (selection.at(number) for number in range(selection.count()))
        ranges = sorted((part.top(), part.bottom()) for part in parts)
        merged: list[tuple[int, int]] = []
        for first, last in ranges:
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return merged

    @property
    def first_selected(self) -> int:
        """The first selected row; -1 where none is."""
        ranges = self.selected_ranges()
        return ranges[0][0] if ranges else -1

    def copy_rows(self, rows: Sequence[Any]) -> str:
        """Put these rows on the clipboard, in the columns on show; what to say of it."""
        QGuiApplication.clipboard().setText(tab_separated(self.shown_columns(), rows))
        return counted(len(rows), later("1 row copied"), later("{count} rows copied"))

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # type: ignore[override]
        super().currentChanged(current, previous)
        if current.row() != previous.row():
            # Qt has the cell painted anew; the edge of its row may be elsewhere.
            self.viewport().update(self._places(row for row in (previous.row(), current.row()) if row >= 0))
            self.moved.emit(current.row())

    def keyboardSearch(self, search: str) -> None:
        """Nothing: the built-in search reads every row."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        key = event.key()
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_asked.emit()
        elif plain and row >= 0 and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(row)
        elif plain and key in (Qt.Key.Key_J, Qt.Key.Key_K):
            self._step(1 if key == Qt.Key.Key_J else -1)
        elif plain and event.text().isprintable() and event.text().strip():
            # Letters are shortcuts of the page and window, not a search through rows.
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _step(self, rows: int) -> None:
        target = min(max(self.currentIndex().row() + rows, 0), self._rows.rowCount() - 1)
        if target >= 0:
            self.setCurrentIndex(self._rows.index(target, max(self.currentIndex().column(), 0)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        row = self.rowAt(int(event.position().y()))
        if event.button() == Qt.MouseButton.LeftButton and not event.modifiers() and row >= 0:
            self.opened.emit(row)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(int(event.position().y())))

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._hover(-1)
        super().scrollContentsBy(dx, dy)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("rows_menu")
        menu.addAction(tr("Copy rows"), self.copy_asked.emit)
        row = self.rowAt(event.pos().y()) if event.reason() == event.Reason.Mouse else self.currentIndex().row()
        if row >= 0:
            self.menu_offered.emit(menu, row)
        if sortable := [(n, column.title) for n, column in self._by_place() if column.sortable]:
            arrow = self._header().arrow
            menu.addMenu(sort_menu(menu, sortable, arrow and arrow[0], self._header_clicked))
        # Arrows move between cells, of which the row is shown: the menu names the column.
        section = self.currentIndex().column() if event.reason() == event.Reason.Keyboard else -1
        # Where one was hidden in which they stood, none is meant.
        columns = self.columns_menu(menu, -1 if self.isColumnHidden(section) else section)
        # It ends with the menu that it is part of.
        columns.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        columns.setTitle(tr("Columns"))
        menu.addMenu(columns)
        menu.popup(event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            QToolTip.showText(event.globalPos(), self.told_at(index), self.viewport(), self.visualRect(index))
            return True
        return super().viewportEvent(event)

    def told_at(self, index: QModelIndex) -> str:
        """What pointing at a cell tells: what its column has to say of it, else the whole of a text that is cut."""
        row = self._rows.row(index.row())
        if row is None:
            return ""
        column = self._rows.columns[index.column()]
        if column.tooltip is not None and (told := column.tooltip(row)):
            return told
        cut = self._painter.width_of(column, [row]) > self.columnWidth(index.column())
        return column.text(row) if cut else ""

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            for each in (row, self._hovered):
                if each >= 0:
                    self.viewport().update(self._place(each))
            self._hovered = row

    # painting

    def needed_width(self, section: int) -> int:
        first, last = self.visible_rows()
        rows = [row for number in range(first, last + 1) if (row := self._rows.row(number)) is not None]
        return self._painter.width_of(self._rows.columns[section], rows)

    def visible_rows(self) -> tuple[int, int]:
        """First and last row on the screen; (0, -1) where there are none."""
        last = self.rowAt(self.viewport().height() - 1)
        return max(self.rowAt(0), 0), last if last >= 0 else self._rows.rowCount() - 1

    async def prepare(self, rows: Sequence[Any]) -> None:
        """Lay out what these rows will say at the top of the view, a few in each turn of the loop: all at once, in
        their first paint, they would hold it."""
        most = self._rows_in_sight if self.isVisible() else 0
        for first in range(0, min(most, len(rows)), _AT_ONCE):
            self._prepare_some(rows[first : first + _AT_ONCE])
            await asyncio.sleep(0)

    @property
    def _rows_in_sight(self) -> int:
        """At most, the cut ones too."""
        return self.viewport().height() // self._theme.row_height + 2

    def _prepare_some(self, rows: Sequence[Any]) -> None:
        cells = tuple(self._cells())
        if self._pictures is None or not self._fit_pictures(cells):
            self._painter.prepare(cells, rows, self.devicePixelRatioF())
            return
        self._pictures.draw([(row, self._faint(row)) for row in rows])

    def _fit_pictures(self, cells: Sequence[Cell]) -> bool:
        assert self._pictures is not None
        size = QSize(self.viewport().width(), self._theme.row_height)
        return self._pictures.fit(cells, size, self.devicePixelRatioF(), self._rows_in_sight, formats.today())

    def forget_pictures(self) -> None:
        """What rows say has changed though they have not."""
        if self._pictures is not None:
            self._pictures.clear()
            self.viewport().update()

    def _cells(self) -> Iterable[Cell]:
        header = self.horizontalHeader()
        width = self.viewport().width()
        for section, column in enumerate(self._rows.columns):
            if not self.isColumnHidden(section):
                left, size = header.sectionViewportPosition(section), header.sectionSize(section)
                if left < width and left + size > 0:
                    yield Cell(column, left, size)

    def paintEvent(self, event: QPaintEvent) -> None:
        area = event.region()
        painter = QPainter(self.viewport())
        self._paint_rows(painter, area, self._places_in(area))
        painter.end()

    def _places_in(self, area: QRegion) -> dict[int, QRect]:
        """Where the rows stand that have a part of it."""
        box = area.boundingRect()
        first, last = self.rowAt(box.top()), self.rowAt(box.bottom())
        if first < 0:
            return {}
        numbers = range(first, (last if last >= 0 else self._rows.rowCount() - 1) + 1)
        places = {number: self._place(number) for number in numbers}
        if area.rectCount() > 1:
            places = {number: place for number, place in places.items() if area.intersects(place)}
        return places

    def _paint_rows(self, painter: QPainter, area: QRegion, places: Mapping[int, QRect]) -> None:
        cells = list(self._cells())
        pictures = self._pictures if self._pictures is not None and self._fit_pictures(cells) else None
        most, grounds = self._turns.most(painter, self.window()), self._grounds(places)
        plain: list[PaintedRow] = []
        drawn: list[PaintedRow] = []
        left: list[int] = []
        fresh = 0
        # Else the edge of a row's picture is a part of a pixel, which needs a ground.
        whole_pixels = self.devicePixelRatioF().is_integer()
        bare = QRegion(area)
        for number in self._turns.in_order(places):
            record, place = self._rows.row(number), places[number]
            row = PaintedRow(record, place.top(), record is not None and self._faint(record))
            # One picture serves all rows that are not there yet.
            held = pictures is not None and (record is None or pictures.held(record, faint=row.faint) is not None)
            if number in grounds or (record is None and not held):
                drawn.append(row)
                continue
            if not held:
                fresh += 1
                if fresh > most:
                    left.append(number)
                    bare -= place
                    continue
            if pictures is None:
                drawn.append(row)
                continue
            plain.append(row)
            if whole_pixels:
                bare -= place
        self._turns.leave(left)
        self._fill(painter, area, bare, grounds)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if pictures is not None:
            pictures.paint(painter, plain)
        if drawn:
            self._painter.paint(painter, cells, drawn, self._theme.row_height)
        current = places.get(self.currentIndex().row()) if self.hasFocus() else None
        if current is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.fillRect(current.adjusted(0, 0, 2 - current.width(), 0), self._theme.color("accent"))

    def _fill(
        self, painter: QPainter, area: QRegion, bare: QRegion, grounds: Mapping[int, tuple[QRect, str]]
    ) -> None:
        """What lies below words: the table's own ground where it is `bare`, which takes half a millisecond for all of
        a large one, and those of rows that stand out."""
        painter.setClipRegion(bare)
        # A pixel of a screen that lies half within it is filled as a whole, or what was there shines through.
        painter.fillRect(area.boundingRect().adjusted(-1, -1, 1, 1), self._theme.color("surface"))
        painter.setClipping(False)
        # Of grounds too: what a smooth edge leaves on a pixel of the next row, no clip of this one takes away.
        for place, ground in grounds.values():
            painter.fillRect(place, self._theme.color(ground))

    def _grounds(self, places: Mapping[int, QRect]) -> dict[int, tuple[QRect, str]]:
        """Of the rows that stand out: where they have which colour below their words."""
        # Asked once: the model is asked for its rows and columns with each question.
        chosen = self.selected_ranges() if self.selectionModel().hasSelection() else []
        found = {self._hovered: (places[self._hovered], "hover")} if self._hovered in places else {}
        for first, last in chosen:
            found |= {number: (places[number], "accent_soft") for number in places if first <= number <= last}
        return found

    def _place(self, number: int) -> QRect:
        return QRect(0, self.rowViewportPosition(number), self.viewport().width(), self._theme.row_height)

    def _places(self, numbers: Iterable[int]) -> QRegion:
        region = QRegion()
        for number in numbers:
            region += self._place(number)
        return region

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.hidden.emit()
        self.forget_pictures()

    def _theme_changed(self) -> None:
        self._painter.forget()
        self.forget_pictures()
        if self.verticalHeader().defaultSectionSize() != self._theme.row_height:
            self._take_row_height()
        self.fit_columns()
        self.viewport().update()
        self.horizontalHeader().viewport().update()


def _never(row: object) -> bool:
    return False
