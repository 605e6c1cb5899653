"""What tells, while a file is held over a part of the window, that it can be dropped there and what for."""

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.fonts import ui_font
from app.theme import Theme
from app.widgets.painting import CONTROL_HEIGHT, CONTROL_RADIUS, rounded_box, smooth_painter

_INSET = 8
_PADDING = 16


class DropHint(QWidget):
    """Lies over all of its `over`, which takes the file; hidden at first."""

    def __init__(self, theme: Theme, words: str, over: QWidget) -> None:
        super().__init__(over)
        self._theme = theme
        self._over = over
        self._words = words
        self.setObjectName("drop_hint")
        self.setAccessibleName(words)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over.installEventFilter(self)
        self.hide()

    def show_over(self) -> None:
        self.resize(self._over.size())
        self.raise_()
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.resize(self._over.size())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        veil = QColor(self._theme.color("bg"))
        veil.setAlphaF(0.92)
        painter.fillRect(self.rect(), veil)
        edge = QRectF(self.rect()).adjusted(_INSET, _INSET, -_INSET, -_INSET)
        painter.setPen(QPen(self._theme.color("accent"), 2, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(edge, 10, 10)
        self._paint_words(painter)

    def _paint_words(self, painter: QPainter) -> None:
        font = ui_font(13, 600)
        most = self.width() - 2 * (_INSET + _PADDING)
        width = min(most, QFontMetrics(font).horizontalAdvance(self._words) + 2 * _PADDING)
        place = QRect((self.width() - width) // 2, (self.height() - CONTROL_HEIGHT) // 2, width, CONTROL_HEIGHT)
        rounded_box(painter, QRectF(place), CONTROL_RADIUS, self._theme.color("accent"))
        painter.setFont(font)
        painter.setPen(self._theme.color("on_accent"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self._words)
