"""A scroll bar whose place is kept, so that nothing beside it is laid out anew, and that is seen where it scrolls."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar


class KeptScrollBar(QScrollBar):
    """On the ground of its area's viewport, in the margin of what scrolls."""

    @classmethod
    def in_margin(cls, area: QAbstractScrollArea, margin: int) -> int:
        """Gives the area one for good; what is left of a right `margin` besides it, in pixels."""
        bar = cls(area)
        area.setVerticalScrollBar(bar)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        return max(0, margin - bar.sizeHint().width())

    def __init__(self, area: QAbstractScrollArea) -> None:
        super().__init__(area)
        self._area = area

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            # It paints all of itself, which the style unsays: what stands behind it would be painted with each change
            # of what there is to scroll.
            self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._area.viewport().palette().window())
        painter.end()
        if self.maximum() > self.minimum():
            super().paintEvent(event)
