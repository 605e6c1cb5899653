"""A switch, 36 × 20: on and off differ in colour, in the knob's place, and in what a screen reader says."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.theme import Theme
from app.widgets.painting import focus_ring, smooth_painter

_TRACK = QSize(36, 20)
_TARGET = QSize(40, 28)


class ToggleSwitch(QAbstractButton):
    """Checkable; `toggled` as with any Qt button. Give it an accessible name."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return _TARGET

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        track = QRectF(0, 0, _TRACK.width(), _TRACK.height())
        track.moveCenter(QPointF(self.rect().center()) + QPointF(0.5, 0.5))
        radius = track.height() / 2
        painter.setPen(QPen(QColor(0, 0, 0, 0)))
        painter.setBrush(self._theme.color("ok" if self.isChecked() else "border_strong"))
        painter.drawRoundedRect(track, radius, radius)
        painter.setBrush(QColor("#FFFFFF"))
        offset = track.width() - radius if self.isChecked() else radius
        painter.drawEllipse(QPointF(track.left() + offset, track.center().y()), radius - 2, radius - 2)
        if self.hasFocus():
            focus_ring(painter, track.adjusted(-2, -2, 2, 2), radius + 2, self._theme.color("accent"))
