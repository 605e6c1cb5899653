"""The view of a breakdown: a header in small text over one line, and rows painted whole."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.overview.breakdown import (
    COSTLIEST,
    NAME,
    SHARE,
    AnyIndex,
    BreakdownModel,
    Line,
    Measure,
    shown_measures,
)
from app.tables.laid_texts import Face, LaidTexts
from app.tables.sort_menu import sort_menu
from app.theme import Theme
from app.translation import tr

ROW_HEIGHT = 30
HEADER_HEIGHT = 27
EDGE = 8
_SQUARE = 8
_BAR = 48
_HEADER_TEXT_HEIGHT = 22
_TITLE_GAP = 4
# Where not even the columns that always stay leave a name its least, it is cut, and no figure.
_CUT_NAME = 48
_SORTED = " ↓"
_TITLE, _FIGURE, _NAME, _SHARE = Face(11, 500), Face(13), Face(13, 500), Face(12)
# All rows and columns of a hundred models; usually there are four rows.
_TEXTS = 600

Placed = Sequence[tuple[Line, int]]
"""Lines, and the top of each in the viewport."""


class Header(QHeaderView):
    """Titles aligned like their cells; the sorted one in text colour, with an arrow."""

    def __init__(self, theme: Theme, model: BreakdownModel, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._rows = model
        self._texts = LaidTexts(2 * len(model.measures))
        self.setSectionsClickable(True)
        self.setFixedHeight(HEADER_HEIGHT)
        self.setAutoFillBackground(False)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEADER_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self._theme.color("surface"))
        painter.setFont(self._texts.font(_TITLE))
        last = self.count() - 1
        for section in range(self.count()):
            if self.isSectionHidden(section):
                continue
            left, width = self.sectionViewportPosition(section), self.sectionSize(section)
            sorted_here = self._rows.sorted_by == section and section != last
            painter.setPen(self._theme.color("text2" if sorted_here else "text3"))
            title = tr(self._rows.measures[section].title)
            if sorted_here:
                title += _SORTED if self._rows.order == Qt.SortOrder.DescendingOrder else " ↑"
            laid = self._texts.laid(title, _TITLE)
            right = left + width - (EDGE if section == last else 0)
            at = right - laid.width if section > 1 else left + (EDGE if section == 0 else 0)
            painter.drawStaticText(QPointF(at, (_HEADER_TEXT_HEIGHT - laid.height) / 2), laid.text)
        painter.fillRect(EDGE, HEADER_HEIGHT - 2, self.viewport().width() - 2 * EDGE, 1, self._theme.color("border"))


class BreakdownTable(QTableView):
    """As tall as its rows; the page scrolls, not the table."""

    line_activated = Signal(object)

    def __init__(self, theme: Theme, model: BreakdownModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = model
        self._hot = -1
        self._texts = LaidTexts(_TEXTS)
        self.setModel(model)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalHeader(Header(theme, model, self))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().sectionClicked.connect(self._sort)
        model.modelReset.connect(self._fit_height)
        theme.changed.connect(self._repaint)
        self._fit_height()

    def _fit_height(self) -> None:
        self.setFixedHeight(HEADER_HEIGHT + max(1, self._rows.rowCount()) * ROW_HEIGHT)

    def lay_out(self) -> None:
        """What the rows in sight say, ahead of their first paint, which takes half as long then."""
        seen = self.viewport().visibleRegion().boundingRect()
        rows = range(seen.top() // ROW_HEIGHT, seen.bottom() // ROW_HEIGHT + 1)
        shown = [measure for column, measure in enumerate(self._rows.measures) if not self.isColumnHidden(column)]
        for line in filter(None, map(self._rows.line, rows)):
            for measure in shown:
                if measure is NAME:
                    self._texts.laid(line.name, _NAME)
                else:
                    self._texts.laid(measure.text(line), _SHARE if measure is SHARE else _FIGURE)

    def _repaint(self) -> None:
        self.viewport().update()
        self.horizontalHeader().viewport().update()

    def _sort(self, column: int) -> None:
        descending = column != 0
        if self._rows.sorted_by == column:
            descending = self._rows.order != Qt.SortOrder.DescendingOrder
        self._rows.sort(column, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)
        self._repaint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.viewport().width() - EDGE
        measures = self._rows.measures
        widths = [self._width(measure) for measure in measures]
        shown = shown_measures(measures, widths, room)
        left = room - sum(width for width, kept in zip(widths, shown, strict=True) if kept)
        for section, (width, kept) in enumerate(zip(widths, shown, strict=True)):
            self.setColumnHidden(section, not kept)
            last = section == len(measures) - 1
            self.setColumnWidth(section, max(_CUT_NAME, left) if section == 0 else width + EDGE * last)

    def _width(self, measure: Measure) -> int:
        """So much that its title, sorted or not, does not reach its neighbour's."""
        if measure is NAME:
            return 0
        return max(measure.width, round(self._texts.laid(tr(measure.title) + _SORTED, _TITLE).width) + _TITLE_GAP)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_hot(self.rowAt(event.position().toPoint().y()))

    def leaveEvent(self, event: object) -> None:
        self._set_hot(-1)

    def _set_hot(self, row: int) -> None:
        if row != self._hot:
            self._hot = row
            line = self._rows.line(row)
            can = line is not None and line.value is not None
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if can else Qt.CursorShape.ArrowCursor)
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._activate(self.rowAt(event.position().toPoint().y()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._activate(self.currentIndex().row())
        else:
            super().keyPressEvent(event)
            self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        shown = [(n, tr(each.title)) for n, each in enumerate(self._rows.measures) if not self.isColumnHidden(n)]
        menu = sort_menu(self, shown, self._rows.sorted_by, self._sort)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def _activate(self, row: int) -> None:
        line = self._rows.line(row)
        if line is not None and line.value is not None:
            self.line_activated.emit(line)

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(event.rect(), self._theme.color("surface"))
        placed = list(self._placed(event.rect().top(), event.rect().bottom()))
        self._paint_ground(painter)
        last = len(self._rows.measures) - 1
        for column, measure in enumerate(self._rows.measures):
            if self.isColumnHidden(column):
                continue
            left, width = self.columnViewportPosition(column), self.columnWidth(column)
            if measure is NAME:
                self._paint_names(painter, left, width, placed)
            elif measure is SHARE:
                self._paint_shares(painter, left, placed)
            else:
                self._paint_figures(painter, left + width - (EDGE if column == last else 0), measure, placed)

    def _placed(self, top: int, bottom: int) -> Iterable[tuple[Line, int]]:
        """The lines that lie between two rows of the viewport's pixels."""
        for row in range(self._rows.rowCount()):
            at = self.rowViewportPosition(row)
            if at + ROW_HEIGHT >= top and at <= bottom:
                line = self._rows.line(row)
                assert line is not None
                yield line, at

    def _paint_ground(self, painter: QPainter) -> None:
        width = self.viewport().width()
        if self._rows.line(self._hot) is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("inset"))
            painter.drawRoundedRect(QRectF(0, self.rowViewportPosition(self._hot), width, ROW_HEIGHT), 7, 7)
        chosen = self.currentIndex().row()
        if self.hasFocus() and self._rows.line(chosen) is not None:
            rect = QRectF(0, self.rowViewportPosition(chosen), width, ROW_HEIGHT)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 1.5))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 7, 7)

    def _paint_figures(self, painter: QPainter, right: int, measure: Measure, placed: Placed) -> None:
        painter.setFont(self._texts.font(_FIGURE))
        painter.setPen(self._theme.color(measure.tone))
        for line, top in placed:
            laid = self._texts.laid(measure.text(line), _FIGURE)
            painter.drawStaticText(QPointF(right - laid.width, top + (ROW_HEIGHT - laid.height) / 2), laid.text)

    def _paint_names(self, painter: QPainter, left: int, width: int, placed: Placed) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        for line, top in placed:
            painter.setBrush(self._theme.series_color(line.slot))
            square = QRectF(left + EDGE, top + (ROW_HEIGHT - 1) // 2 - 3.5, _SQUARE, _SQUARE)
            painter.drawRoundedRect(square, 2, 2)
        left += EDGE + _SQUARE + 8
        room = width - EDGE - _SQUARE - 18
        beside = self._texts.laid(tr(COSTLIEST), _TITLE)
        painter.setFont(self._texts.font(_NAME))
        for line, top in placed:
            painter.setPen(self._theme.color("text" if line.value is not None else "text2"))
            taken = round(beside.width) + 8 if line.costliest else 0
            laid = self._texts.laid(line.name, _NAME, room - taken, middle=True)
            painter.drawStaticText(QPointF(left, top + (ROW_HEIGHT - laid.height) / 2), laid.text)
            if line.costliest:
                self._paint_mark(painter, left + round(laid.width) + 8, top)
                painter.setFont(self._texts.font(_NAME))

    def _paint_mark(self, painter: QPainter, left: int, top: int) -> None:
        laid = self._texts.laid(tr(COSTLIEST), _TITLE)
        painter.setFont(self._texts.font(_TITLE))
        painter.setPen(self._theme.color("warn"))
        painter.drawStaticText(QPointF(left, top + 1 + (ROW_HEIGHT - laid.height) / 2), laid.text)

    def _paint_shares(self, painter: QPainter, left: int, placed: Placed) -> None:
        largest = self._rows.largest_share
        painter.setPen(Qt.PenStyle.NoPen)
        for line, top in placed:
            track = QRectF(left, top + (ROW_HEIGHT - 1) // 2 - 1, _BAR, 4)
            painter.setBrush(self._theme.color("track"))
            painter.drawRoundedRect(track, 2, 2)
            if line.share and largest:
                track.setWidth(max(4.0, _BAR * line.share / largest))
                painter.setBrush(self._theme.series_color(line.slot))
                painter.drawRoundedRect(track, 2, 2)
        painter.setFont(self._texts.font(_SHARE))
        painter.setPen(self._theme.color("text2"))
        for line, top in placed:
            laid = self._texts.laid(SHARE.text(line), _SHARE)
            painter.drawStaticText(QPointF(left + _BAR + 7, top + (ROW_HEIGHT - laid.height) / 2), laid.text)
