"""The timeline: a row of 26 px for each span, indented as a tree, its bar on an axis that shortens long silences.

Only the rows of the exposed part are painted, so that thousands cost what a screenful costs.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFocusEvent,
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
from app.shown_names import short_names
from app.tables.laid_texts import Face, LaidTexts
from app.theme import Theme
from app.translation import tr
from app.widgets.painting import rounded_box, smooth_painter

ROW = 26
AXIS = 24
_BAR = 10
_LABELS = 152
_INDENT = 11
_TICK_GAP = 8
# Where a dotted line repeats: so it is the same whatever part of it is exposed.
_DOTS = 3
_DURATION = 60
_STRONG = ("conversation", "inference", "tool")
# Two for each row; the rows of some screens.
_TEXTS = 200
_LABEL = {True: Face(12, 500), False: Face(12)}
_TIME = Face(11)


def tick_words(seconds: float) -> str:
    """A round time of the axis: "0 s", "250 ms", "2.5 s", "10 s", "5 min", "4 h", "2 d"."""
    for unit, words, least in ((86_400, "d", 86_400), (3_600, "h", 3_600), (60, "min", 120)):
        if seconds >= least:
            return f"{seconds / unit:g} {words}"
    return f"{seconds:g} s" if seconds >= 1 or not seconds else f"{seconds * 1000:g} ms"


_Bar = tuple[SpanRow, QRectF]


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
        # What models are called here, where there is little room.
        self._short: Mapping[str, str] = {}
        self._texts = LaidTexts(_TEXTS)
        self.setObjectName("conversation_timeline")
        self.setAccessibleName(tr("Timeline of the conversation"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_rows(self, rows: Sequence[SpanRow]) -> None:
        if rows == self.rows:
            return
        self.rows = rows
        self._places = {row.key: place for place, row in enumerate(rows)}
        models = list(dict.fromkeys(row.label for row in rows if _is_model(row)))
        self._short = dict(zip(models, short_names(models), strict=True))
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
            # A row that begins between two pixels of the screen has a part of both.
            self.update(self.row_rect(changed).adjusted(-4, -1, 4, 1))
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

    def shown_label(self, row: SpanRow) -> str:
        """What stands before a row's bar; the tooltip has the whole name."""
        return self._short[row.label] if _is_model(row) else row.label

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
        self._paint_axis(painter, chart, event.rect())
        # Kind by kind: to change pen and font for each row takes longer than what is painted with them.
        bars = [(row, self._bar(first + n, chart)) for n, row in enumerate(self.rows[first : last + 1])]
        self._paint_bars(painter, bars, chart)
        self._paint_pictures(painter, bars)
        self._paint_labels(painter, bars)
        self._paint_durations(painter, bars)

    def _paint_axis(self, painter: QPainter, chart: QRectF, exposed: QRect) -> None:
        """Of lines as high as thousands of rows only what is exposed: a dotted one is drawn dot by dot."""
        theme = self._theme
        top = AXIS - 2 + max(0, exposed.top() - AXIS) // _DOTS * _DOTS
        bottom = min(chart.bottom(), exposed.bottom() + 1.0)
        for place, _ in self.axis.ticks:
            x = round(chart.left() + place * chart.width())
            painter.fillRect(QRectF(x, top, 1, bottom - top), theme.color("grid"))
        painter.setPen(QPen(theme.color("border_strong"), 1, Qt.PenStyle.DotLine))
        for place in self.axis.breaks:
            middle = round(chart.left() + place * chart.width()) + 0.5
            painter.drawLine(QPointF(middle, top), QPointF(middle, bottom))
        if exposed.top() < AXIS:
            self._paint_ticks(painter, chart)

    def _paint_ticks(self, painter: QPainter, chart: QRectF) -> None:
        font = ui_font(11)
        painter.setFont(font)
        painter.setPen(self._theme.color("text3"))
        for words, left, width in self.tick_labels(chart, QFontMetrics(font)):
            painter.drawText(QRectF(left - 1, 0, width + 2, AXIS - 6), Qt.AlignmentFlag.AlignCenter, words)

    def tick_labels(self, chart: QRectF, metrics: QFontMetrics) -> list[tuple[str, float, float]]:
        """(words, left, width) of the ticks: all of them, or every second one and so on where they have no room."""
        made = []
        for place, seconds in self.axis.ticks:
            words = tick_words(seconds)
            width = metrics.horizontalAdvance(words)
            made.append((words, chart.left() + place * chart.width() - width / 2, float(width)))
        step = next((step for step in range(1, len(made)) if _stand_apart(made[::step])), max(1, len(made)))
        return made[::step]

    def _paint_bars(self, painter: QPainter, bars: Sequence[_Bar], chart: QRectF) -> None:
        for row, bar in bars:
            color, spoken = self._tone(row), bar
            if row.first_us is not None and not row.failed:
                # Until its first token a call was waited for: the same colour, fainter.
                split = chart.left() + self.axis.at(row.first_us) * chart.width()
                spoken = QRectF(bar)
                spoken.setLeft(min(split, bar.right() - 2))
                _paint_bar(painter, bar, color, 0.4)
            _paint_bar(painter, spoken, color, 0.55 if row.inferred else 1.0)

    def _paint_pictures(self, painter: QPainter, bars: Sequence[_Bar]) -> None:
        ratio = painter.device().devicePixelRatioF()
        for row, bar in bars:
            name = "circle-alert" if row.failed else LOOKS[row.role][0]
            ink = self._theme.color("text2") if row.role == "conversation" else self._tone(row)
            painter.drawPixmap(QPointF(_indent(row), bar.center().y() - 7), icons.pixmap(name, ink, 14, ratio))

    def _paint_labels(self, painter: QPainter, bars: Sequence[_Bar]) -> None:
        for strong in (True, False):
            face = _LABEL[strong]
            painter.setFont(self._texts.font(face))
            painter.setPen(self._theme.color("text" if strong else "text2"))
            for row, bar in bars:
                if (row.role in _STRONG) == strong:
                    left = _indent(row) + 20
                    label = self._texts.laid(self.shown_label(row), face, int(_LABELS - left - 6))
                    painter.drawStaticText(QPointF(left, bar.center().y() - label.height / 2), label.text)

    def _paint_durations(self, painter: QPainter, bars: Sequence[_Bar]) -> None:
        theme = self._theme
        painter.setFont(self._texts.font(_TIME))
        painter.setPen(theme.color("text2"))
        for row, bar in bars:
            words = self._texts.laid(self.duration(row), _TIME)
            box = self._duration_box(row, bar, QSizeF(words.width, words.height))
            # The axis has lines at every tick, and a figure that is struck through is read wrong.
            painter.fillRect(
                box.adjusted(-2, 0, 2, 0), theme.color("inset" if row.key == self.selected else "surface")
            )
            painter.drawStaticText(box.topLeft(), words.text)

    def _duration_box(self, row: SpanRow, bar: QRectF, words: QSizeF) -> QRectF:
        # That of the whole has no room before it; what is wider than the room behind it is rare.
        behind = row.role == "conversation" or bar.right() + 8 + words.width() <= self.width()
        left = bar.right() + 6 if behind else bar.left() - 6 - words.width()
        return QRectF(QPointF(left, bar.center().y() - words.height() / 2), words)

    def duration_rect(self, key: str) -> QRect:
        """Where a row's duration stands, in pixels."""
        place = self._places[key]
        words = self._texts.laid(self.duration(self.rows[place]), _TIME)
        bar = self._bar(place, self._chart())
        return self._duration_box(self.rows[place], bar, QSizeF(words.width, words.height)).toAlignedRect()

    def _bar(self, place: int, chart: QRectF) -> QRectF:
        row = self.rows[place]
        left = chart.left() + self.axis.at(row.start_us) * chart.width()
        right = chart.left() + self.axis.at(row.end_us) * chart.width()
        return QRectF(left, AXIS + place * ROW + (ROW - _BAR) / 2, max(3.0, right - left), _BAR)

    def _tone(self, row: SpanRow) -> QColor:
        return self._theme.color("bad") if row.failed else tone_color(self._theme, LOOKS[row.role][1])

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


def _is_model(row: SpanRow) -> bool:
    """Whether it is called as its model is; an app's span has a name of its own."""
    return row.role == "inference" and row.span is None


def _indent(row: SpanRow) -> float:
    return 2.0 + min(row.depth, 6) * _INDENT


def _stand_apart(labels: Sequence[tuple[str, float, float]]) -> bool:
    return all(left + width + _TICK_GAP <= after for (_, left, width), (_, after, _) in pairwise(labels))


def _paint_bar(painter: QPainter, bar: QRectF, color: QColor, opacity: float) -> None:
    shade = QColor(color)
    shade.setAlphaF(color.alphaF() * opacity)
    painter.setBrush(shade)
    radius = min(3.0, bar.width() / 2)
    if opacity == 1.0:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(bar, radius, radius)
        return
    # By its shade alone a fainter bar would hardly stand out: its edge has the whole colour.
    painter.setPen(QPen(color, 1))
    painter.drawRoundedRect(bar.adjusted(0.5, 0.5, -0.5, -0.5), radius - 0.5, radius - 0.5)
