"""The timeline: a row of 26 px for each span, indented as a tree, its bar on an axis that shortens long silences.

Only the rows of the exposed part are painted, so that thousands cost what a screenful costs.
"""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import formats, icons
from app.focus import KEYBOARD_REASONS
from app.fonts import ui_font
from app.pages.conversations_parts.axis import Axis
from app.pages.conversations_parts.card import tone_color
from app.pages.conversations_parts.spans import LOOKS, SpanRow
from app.theme import Theme
from app.translation import tr
from app.widgets.painting import rounded_box, smooth_painter

ROW = 26
AXIS = 24
_BAR = 10
_LABELS = 152
_INDENT = 11
_DURATION = 50
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_STRONG = ("conversation", "inference", "tool")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def tick_words(seconds: float) -> str:
    """A round time of the axis: "0 s", "250 ms", "2.5 s", "10 s", "5 min"."""
    if seconds >= 120:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s" if seconds >= 1 or not seconds else f"{seconds * 1000:g} ms"


class _Words(NamedTuple):
    """What is written in a row, in which font, and how wide the second is: measured once."""

    label: str
    font: QFont
    duration: str
    width: int


class Waterfall(QWidget):
    """`chosen(row)` when a row is chosen here. `selected` is the key of the marked one."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: Sequence[SpanRow] = ()
        self.axis = Axis(())
        self.selected = ""
        self._places: dict[str, int] = {}
        self._words: dict[str, _Words] = {}
        self.setObjectName("conversation_timeline")
        self.setAccessibleName(tr("Timeline of the conversation"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_rows(self, rows: Sequence[SpanRow]) -> None:
        self.rows = rows
        self._places = {row.key: place for place, row in enumerate(rows)}
        self._words.clear()
        self.axis = Axis((row.start_us, row.end_us) for row in rows if row.role != "conversation")
        if self.selected not in self._places:
            self.selected = ""
        self.updateGeometry()
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def select(self, key: str) -> None:
        """Marks a row without telling anyone."""
        if key == self.selected or (key and key not in self._places):
            return
        for changed in (self.selected, key):
            self.update(self.row_rect(changed).adjusted(-4, 0, 4, 0))
        self.selected = key
        if key:
            row = self.rows[self._places[key]]
            self.setAccessibleDescription(
                tr("{label}, {row}, {since} after the start").format(
                    label=row.label, row=self.duration(row), since=self._since(row)
                )
            )
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def row_rect(self, key: str) -> QRect:
        place = self._places.get(key)
        return QRect() if place is None else QRect(0, AXIS + place * ROW, self.width(), ROW)

    @staticmethod
    def duration(row: SpanRow) -> str:
        words = formats.duration((row.end_us - row.start_us) / 1000)
        return f"≈{words}" if row.inferred else words

    def _since(self, row: SpanRow) -> str:
        return formats.duration((row.start_us - self.rows[0].start_us) / 1000)

    def sizeHint(self) -> QSize:
        return QSize(300, AXIS + len(self.rows) * ROW + 4)

    # painting

    def _chart(self) -> QRectF:
        return QRectF(_LABELS, AXIS, max(40.0, self.width() - _LABELS - _DURATION), self.height() - AXIS)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.rows:
            return
        painter = smooth_painter(self)
        chart = self._chart()
        first = max(0, (event.rect().top() - AXIS) // ROW)
        last = min(len(self.rows) - 1, (event.rect().bottom() - AXIS) // ROW)
        for place in range(first, last + 1):
            if self.rows[place].key == self.selected:
                box = QRectF(-2, AXIS + place * ROW, self.width() + 4, ROW)
                rounded_box(painter, box, 6, self._theme.color("inset"))
                if self.hasFocus():
                    rounded_box(painter, box.adjusted(2, 0, -2, 0), 6, None, self._theme.color("accent"))
        self._paint_axis(painter, chart)
        for place in range(first, last + 1):
            self._paint_row(painter, self.rows[place], AXIS + place * ROW, chart)

    def _paint_axis(self, painter: QPainter, chart: QRectF) -> None:
        theme, font = self._theme, ui_font(11)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        taken = -1e9
        for place, seconds in self.axis.ticks:
            x = chart.left() + place * chart.width()
            painter.fillRect(QRectF(round(x), AXIS - 2, 1, chart.height()), theme.color("grid"))
            words = tick_words(seconds)
            half = metrics.horizontalAdvance(words) / 2
            if x - half > taken:
                painter.setPen(theme.color("text3"))
                painter.drawText(QRectF(x - half - 1, 0, 2 * half + 2, AXIS - 6), Qt.AlignmentFlag.AlignCenter, words)
                taken = x + half + 6
        painter.setPen(QPen(theme.color("border_strong"), 1, Qt.PenStyle.DotLine))
        for place in self.axis.breaks:
            x = round(chart.left() + place * chart.width()) + 0.5
            painter.drawLine(QPointF(x, AXIS - 2), QPointF(x, chart.bottom()))

    def _paint_row(self, painter: QPainter, row: SpanRow, top: int, chart: QRectF) -> None:
        theme = self._theme
        icon, tone = LOOKS[row.role]
        ink = theme.color("text2") if row.role == "conversation" else tone_color(theme, tone)
        x = 2 + min(row.depth, 6) * _INDENT
        middle = top + ROW / 2
        picture = icons.pixmap("circle-alert" if row.failed else icon, theme.color("bad") if row.failed else ink, 14)
        painter.drawPixmap(QRectF(x, middle - 7, 14, 14), picture, QRectF(picture.rect()))
        words = self._words.get(row.key) or self._measured(row, _LABELS - x - 26)
        painter.setFont(words.font)
        painter.setPen(theme.color("text" if row.role in _STRONG else "text2"))
        painter.drawText(QRectF(x + 20, top, _LABELS - x - 24, ROW), _LEFT, words.label)
        left = chart.left() + self.axis.at(row.start_us) * chart.width()
        right = chart.left() + self.axis.at(row.end_us) * chart.width()
        bar = QRectF(left, middle - _BAR / 2, max(3.0, right - left), _BAR)
        self._paint_bar(painter, row, bar, chart)
        self._paint_duration(painter, row, bar, words)

    def _measured(self, row: SpanRow, room: int) -> _Words:
        font, duration = ui_font(12, 500 if row.role in _STRONG else 400), self.duration(row)
        label = QFontMetrics(font).elidedText(row.label, Qt.TextElideMode.ElideRight, room)
        width = QFontMetrics(ui_font(11)).horizontalAdvance(duration) + 2
        self._words[row.key] = words = _Words(label, font, duration, width)
        return words

    def _paint_bar(self, painter: QPainter, row: SpanRow, bar: QRectF, chart: QRectF) -> None:
        color = self._theme.color("bad") if row.failed else tone_color(self._theme, LOOKS[row.role][1])
        radius = min(3.0, bar.width() / 2)
        if row.inferred:
            painter.setOpacity(0.55)
        if row.first_us is not None and not row.failed:
            # Until its first token a call was waited for: the same colour, fainter.
            split = chart.left() + self.axis.at(row.first_us) * chart.width()
            painter.setOpacity(0.4)
            rounded_box(painter, bar, radius, color)
            painter.setOpacity(1.0)
            spoken = QRectF(min(split, bar.right() - 2), bar.top(), 0, bar.height())
            spoken.setRight(bar.right())
            rounded_box(painter, spoken, min(radius, spoken.width() / 2), color)
        else:
            rounded_box(painter, bar, radius, color)
        painter.setOpacity(1.0)

    def _paint_duration(self, painter: QPainter, row: SpanRow, bar: QRectF, written: _Words) -> None:
        words, advance = written.duration, written.width
        painter.setFont(ui_font(11))
        if row.role == "conversation" and bar.width() > advance + 16:
            painter.setPen(self._theme.color("text"))
            painter.drawText(bar.adjusted(6, -3, 0, 3), _LEFT, words)
            return
        painter.setPen(self._theme.color("text2"))
        if bar.right() + 6 + advance <= self.width():
            painter.drawText(QRectF(bar.right() + 6, bar.top() - 4, advance, bar.height() + 8), _LEFT, words)
        else:
            painter.drawText(
                QRectF(bar.left() - 6 - advance, bar.top() - 4, advance, bar.height() + 8), _RIGHT, words
            )

    # choosing

    def _row_at(self, y: float) -> SpanRow | None:
        place = int((y - AXIS) // ROW)
        return self.rows[place] if y >= AXIS and 0 <= place < len(self.rows) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_J: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_K: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or event.modifiers() or not self.rows:
            super().keyPressEvent(event)
            return
        place = self._places.get(self.selected, -1 if step > 0 else 0) + step
        self._choose(self.rows[max(0, min(place, len(self.rows) - 1))])

    def _choose(self, row: SpanRow) -> None:
        self.select(row.key)
        self.chosen.emit(row)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos().y())
            words = ""
            if row is not None:
                words = tr("{label}\n{row}, {since} after the start").format(
                    label=row.label, row=self.duration(row), since=self._since(row)
                )
                words += tr("\nInferred: the time between two calls") if row.inferred else ""
            QToolTip.showText(event.globalPos(), words)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.selected and self.rows and event.reason() in KEYBOARD_REASONS:
            self.select(self.rows[0].key)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
