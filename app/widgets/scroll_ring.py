"""A ring around a scroll area that the keyboard came to: its content covers whatever the area itself would paint."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QPaintEvent, QPalette
from PySide6.QtWidgets import QScrollArea, QWidget

from app.focus import by_keyboard
from app.widgets.painting import focus_ring, smooth_painter

_RADIUS = 7


class ScrollRing(QWidget):
    """Lies over its scroll area as long as that has the keyboard, and lets the mouse through."""

    def __init__(self, area: QScrollArea) -> None:
        super().__init__(area)
        self._area = area
        self._by_keyboard = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        area.installEventFilter(self)
        beside = self._beside = area.verticalScrollBar().parentWidget()
        assert beside is not None
        beside.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._beside:
            if event.type() == QEvent.Type.ZOrderChange:
                # An area raises its bar whenever it lays itself out.
                self.raise_()
        elif isinstance(event, QFocusEvent):
            if event.gotFocus():
                self._by_keyboard = by_keyboard(event, self._by_keyboard)
            self._cover(event.gotFocus() and self._by_keyboard)
        elif event.type() == QEvent.Type.Resize and self.isVisible():
            self._cover(True)
        return super().eventFilter(watched, event)

    def _cover(self, shown: bool) -> None:
        if shown:
            self.setGeometry(self._area.rect())
            self.raise_()
        self.setVisible(shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        focus_ring(painter, QRectF(self.rect()), _RADIUS, self.palette().color(QPalette.ColorRole.Highlight))
