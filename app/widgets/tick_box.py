"""A box with a tick: Fusion's own has an outline that the dark ground swallows."""

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from app import icons
from app.fonts import ui_font
from app.theme import Theme
from app.widgets.painting import focus_ring, rounded_box, smooth_painter

_BOX = 16
_GAP = 8
_MARGIN = 3


class TickBox(QCheckBox):
    """Its text is its accessible name."""

    def __init__(self, theme: Theme, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._theme = theme
        self.setFont(ui_font(13))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        words = QFontMetrics(self.font()).horizontalAdvance(self.text())
        return QSize(2 * _MARGIN + _BOX + _GAP + words + 4, 28)

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = smooth_painter(self), self._theme
        if not self.isEnabled():
            painter.setOpacity(0.5)
        box = QRectF(_MARGIN, (self.height() - _BOX) / 2, _BOX, _BOX)
        ticked = self.isChecked()
        ground, line = ("accent", "accent") if ticked else ("surface", "text3")
        rounded_box(painter, box, 4, theme.color(ground), theme.color(line))
        if ticked:
            picture = icons.pixmap("check", theme.color("on_accent"), 14, self.devicePixelRatioF())
            painter.drawPixmap(QRect(_MARGIN + 1, round(box.top()) + 1, 14, 14), picture)
        painter.setPen(theme.color("text"))
        words = self.rect().adjusted(_MARGIN + _BOX + _GAP, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            focus_ring(painter, box.adjusted(-3, -3, 3, 3), 6, theme.color("accent"))
