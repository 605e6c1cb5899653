"""The view of a breakdown: a header in small text over one line, and rows painted whole."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.fonts import ui_font
from app.overview.breakdown import COSTLIEST, LEAST_NAME, NAME, SHARE, AnyIndex, BreakdownModel, Line, shown_measures
from app.theme import Theme
from app.translation import tr

ROW_HEIGHT = 30
HEADER_HEIGHT = 27
EDGE = 8
_SQUARE = 8
_BAR = 48


class Header(QHeaderView):
    """Titles aligned like their cells; the sorted one in text colour, with an arrow."""

    def __init__(self, theme: Theme, model: BreakdownModel, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._rows = model
        self.setSectionsClickable(True)
        self.setFixedHeight(HEADER_HEIGHT)
        self.setAutoFillBackground(False)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEADER_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self._theme.color("surface"))
        painter.setFont(ui_font(11, 500))
        last = self.count() - 1
        for section in range(self.count()):
            if self.isSectionHidden(section):
                continue
            left, width = self.sectionViewportPosition(section), self.sectionSize(section)
            rect = QRect(left + (EDGE if section == 0 else 0), 0, width - (EDGE if section in (0, last) else 0), 22)
            side = Qt.AlignmentFlag.AlignRight if section > 1 else Qt.AlignmentFlag.AlignLeft
            sorted_here = self._rows.sorted_by == section and section != last
            painter.setPen(self._theme.color("text2" if sorted_here else "text3"))
            title = tr(self._rows.measures[section].title)
            if sorted_here:
                title += " ↓" if self._rows.order == Qt.SortOrder.DescendingOrder else " ↑"
            painter.drawText(rect, side | Qt.AlignmentFlag.AlignVCenter, title)
        painter.fillRect(EDGE, HEADER_HEIGHT - 2, self.viewport().width() - 2 * EDGE, 1, self._theme.color("border"))


class BreakdownTable(QTableView):
    """As tall as its rows; the page scrolls, not the table."""

    line_activated = Signal(object)

    def __init__(self, theme: Theme, model: BreakdownModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = model
        self._hot = -1
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
        shown = shown_measures(measures, room)
        left = room - sum(measure.width for measure, kept in zip(measures, shown, strict=True) if kept)
        for section, (measure, kept) in enumerate(zip(measures, shown, strict=True)):
            self.setColumnHidden(section, not kept)
            last = section == len(measures) - 1
            self.setColumnWidth(section, max(LEAST_NAME, left) if section == 0 else measure.width + EDGE * last)

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
        largest = self._rows.largest_share
        for row in range(self._rows.rowCount()):
            top = self.rowViewportPosition(row)
            if top + ROW_HEIGHT < event.rect().top() or top > event.rect().bottom():
                continue
            line = self._rows.line(row)
            assert line is not None
            self._paint_ground(painter, row, top)
            for column, measure in enumerate(self._rows.measures):
                if self.isColumnHidden(column):
                    continue
                rect = QRect(self.columnViewportPosition(column), top, self.columnWidth(column), ROW_HEIGHT)
                if measure is NAME:
                    self._paint_name(painter, rect, line)
                elif measure is SHARE:
                    self._paint_share(painter, rect, line, largest)
                else:
                    last = column == len(self._rows.measures) - 1
                    painter.setFont(ui_font(13))
                    painter.setPen(self._theme.color(measure.tone))
                    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    painter.drawText(rect.adjusted(0, 0, -EDGE if last else 0, 0), right, measure.text(line))

    def _paint_ground(self, painter: QPainter, row: int, top: int) -> None:
        rect = QRectF(0, top, self.viewport().width(), ROW_HEIGHT)
        if row == self._hot:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("inset"))
            painter.drawRoundedRect(rect, 7, 7)
        if self.hasFocus() and row == self.currentIndex().row():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("accent"), 1.5))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 7, 7)

    def _paint_name(self, painter: QPainter, rect: QRect, line: Line) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.series_color(line.slot))
        painter.drawRoundedRect(QRectF(rect.left() + EDGE, rect.center().y() - 3.5, _SQUARE, _SQUARE), 2, 2)
        font = ui_font(13, 500)
        painter.setFont(font)
        painter.setPen(self._theme.color("text" if line.value is not None else "text2"))
        room = rect.adjusted(EDGE + _SQUARE + 8, 0, -10, 0)
        small = ui_font(11, 500)
        mark = tr(COSTLIEST) if line.costliest else ""
        beside = QFontMetrics(small).horizontalAdvance(mark) + 8 if mark else 0
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        text = QFontMetrics(font).elidedText(line.name, Qt.TextElideMode.ElideMiddle, room.width() - beside)
        painter.drawText(room, left, text)
        if mark:
            painter.setFont(small)
            painter.setPen(self._theme.color("warn"))
            painter.drawText(room.adjusted(QFontMetrics(font).horizontalAdvance(text) + 8, 1, 0, 1), left, mark)

    def _paint_share(self, painter: QPainter, rect: QRect, line: Line, largest: float) -> None:
        track = QRectF(rect.left(), rect.center().y() - 1, _BAR, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("border"))
        painter.drawRoundedRect(track, 2, 2)
        if line.share and largest:
            track.setWidth(max(4.0, _BAR * line.share / largest))
            painter.setBrush(self._theme.series_color(line.slot))
            painter.drawRoundedRect(track, 2, 2)
        painter.setFont(ui_font(12))
        painter.setPen(self._theme.color("text2"))
        room = rect.adjusted(_BAR + 7, 0, 0, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, SHARE.text(line))
