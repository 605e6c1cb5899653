"""A filter as a chip: a click opens it, its cross (or Delete) takes it away."""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app import icons
from app.fonts import ui_font
from app.shown_names import one_line
from app.theme import Theme
from app.translation import tr
from app.widgets.painting import focus_ring, rounded_box, smooth_painter

_HEIGHT = 26
_PADDING = 13
_CROSS = 14
_CROSS_TARGET = 30
_MAX_TEXT = 320
_LEAST_TEXT = 60


class Chip(QAbstractButton):
    """`removed` when the cross is pressed, `clicked` elsewhere. A long text is cut, and whole in the tooltip."""

    removed = Signal()

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None, *, most_text: int = _MAX_TEXT) -> None:
        super().__init__(parent)
        self._theme = theme
        self._most_text = most_text
        self.setFont(ui_font(13, 500))
        self.set_words(text)
        self.setAccessibleDescription(tr("Enter changes this filter, Delete removes it"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_words(self, text: str, tooltip: str | None = None) -> None:
        """`tooltip` where there is more to say than the text."""
        self.setText(one_line(text))
        self.setToolTip(tooltip or text)
        self.setAccessibleName(text)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        text = min(self._most_text, QFontMetrics(self.font()).horizontalAdvance(self.text()))
        return QSize(_PADDING + text + _CROSS_TARGET, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """In a narrow pane its text is cut, and its cross stays within reach."""
        return QSize(min(self.sizeHint().width(), _PADDING + _LEAST_TEXT + _CROSS_TARGET), _HEIGHT)

    @property
    def cross(self) -> QRect:
        """Where a press takes the chip away."""
        return QRect(self.width() - _CROSS_TARGET, 0, _CROSS_TARGET, self.height())

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos) and not self.cross.contains(pos)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.cross.contains(event.position().toPoint()):
            self.removed.emit()
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        box = QRectF(self.rect())
        accent = self._theme.color("accent")
        rounded_box(painter, box, _HEIGHT / 2, self._theme.color("accent_soft"))
        painter.setPen(accent)
        room = QRect(_PADDING, 0, self.width() - _PADDING - _CROSS_TARGET, self.height())
        text = QFontMetrics(self.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width() + 1)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        place = QRect(0, 0, _CROSS, _CROSS)
        place.moveCenter(self.cross.center())
        painter.drawPixmap(place, icons.pixmap("x", accent, _CROSS, self.devicePixelRatioF()))
        if self.hasFocus():
            focus_ring(painter, box, _HEIGHT / 2, accent)
