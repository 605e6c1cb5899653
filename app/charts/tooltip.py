"""The card beside the pointer: a bucket's name, a row for each series, their total.

One widget that paints itself: a layout of labels would cost more than the whole move of the crosshair may.
"""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.fonts import ui_font
from app.shown_names import one_line
from app.theme import Theme

_PADDING = 11
_TITLE_HEIGHT = 22
_ROW_HEIGHT = 17
_NOTE_HEIGHT = 15
_SWATCH = 8
_GAP = 8
_COLUMN_GAP = 16
_OFFSET = 12
_EDGE = 4
_NAME_MAX = 150

Row = tuple[QColor, str, str]
"""Swatch, name, value."""


class Tooltip(QWidget):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._card = parent
        self.title = ""
        self.rows: tuple[Row, ...] = ()
        self.note = ""
        self._aligned = False
        self.setObjectName("chart.tooltip")
        self._name_font, self._value_font = ui_font(12), ui_font(12, 600)
        self._note_font = ui_font(11)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_rows(
        self, title: str, rows: tuple[Row, ...], x: int, bounds: QRect, note: str = "", *, aligned: bool = False
    ) -> None:
        """Beside column `x` within `bounds` (the parent's pixels); on its left where the right has no room. `note`
        stands below the rows. `aligned`: the values are of one kind, and their points stand below each other."""
        self.title, self.note, self._aligned = title, note, aligned
        self.rows = tuple((swatch, one_line(name), value) for swatch, name, value in rows)
        size = self.sizeHint()
        if size.height() > self._card.height() - 2 * _EDGE:
            # All of its rows come first: of the note the words before its colon say enough.
            self.note = note.partition(": ")[0]
            size = self.sizeHint()
        left = x + _OFFSET
        if left + size.width() > bounds.right():
            left = x - _OFFSET - size.width()
        top = min(bounds.top(), self._card.height() - size.height() - _EDGE)
        self.setGeometry(QRect(QPoint(max(left, _EDGE), max(top, _EDGE)), size))
        self.show()
        self.raise_()
        self.update()

    def sizeHint(self) -> QSize:
        names, values = QFontMetrics(self._name_font), QFontMetrics(self._value_font)
        name = min(max((names.horizontalAdvance(row[1]) for row in self.rows), default=0), _NAME_MAX)
        value = max((values.horizontalAdvance(row[2]) + room for row, room in self._placed(values)), default=0)
        inner = max(_SWATCH + _GAP + name + _COLUMN_GAP + value, names.horizontalAdvance(self.title) + 4)
        lines = _wrapped(self.note)
        inner = max(inner, *(QFontMetrics(self._note_font).horizontalAdvance(text) for text in lines), 0)
        height = _TITLE_HEIGHT + _ROW_HEIGHT * len(self.rows) + _NOTE_HEIGHT * len(lines)
        return QSize(inner + 2 * _PADDING, _PADDING + height + _PADDING - 4)

    def _placed(self, values: QFontMetrics) -> list[tuple[Row, int]]:
        """Each row, and the room behind its value that puts points below each other: a sum has fewer decimals."""
        decimals = [values.horizontalAdvance(_decimals(row[2])) if self._aligned else 0 for row in self.rows]
        most = max(decimals, default=0)
        return [(row, most - width) for row, width in zip(self.rows, decimals, strict=True)]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("border_strong"), 1))
        painter.setBrush(self._theme.color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        width = self.width() - 2 * _PADDING
        middle_left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        middle_right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.setFont(ui_font(12, 500))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(QRect(_PADDING, _PADDING - 3, width, 18), middle_left, self.title)
        names, values = QFontMetrics(self._name_font), QFontMetrics(self._value_font)
        top = _PADDING + _TITLE_HEIGHT - 3
        for (swatch, name, value), behind in self._placed(values):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(swatch)
            painter.drawRoundedRect(QRectF(_PADDING, top + 5, _SWATCH, _SWATCH), 2, 2)
            painter.setFont(self._name_font)
            painter.setPen(self._theme.color("text2"))
            room = width - _SWATCH - _GAP - values.horizontalAdvance(value) - behind - _GAP
            text = names.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(QRect(_PADDING + _SWATCH + _GAP, top, room, _ROW_HEIGHT), middle_left, text)
            painter.setFont(self._value_font)
            painter.setPen(self._theme.color("text"))
            painter.drawText(QRect(_PADDING, top, width - behind, _ROW_HEIGHT), middle_right, value)
            top += _ROW_HEIGHT
        painter.setFont(self._note_font)
        painter.setPen(self._theme.color("text3"))
        for text in _wrapped(self.note):
            painter.drawText(QRect(_PADDING, top, width, _NOTE_HEIGHT), middle_left, text)
            top += _NOTE_HEIGHT


def _decimals(value: str) -> str:
    """What stands from the point on; "" where there is none."""
    _, point, digits = value.rpartition(".")
    return point + digits if point else ""


def _wrapped(note: str) -> tuple[str, ...]:
    """A line for each part of a note: what stands before its colon, and what after."""
    head, colon, rest = note.partition(": ")
    return (f"{head}:", *rest.split(", ", 1)) if colon else (head,) if head else ()
