"""What lies over the page while an answer takes long: the old numbers at 60 % opacity, and a moving line on top."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import Theme

_DELAY_MS = 150
_STEP_MS = 50
_STEPS = 40


class Veil(QWidget):
    """Covers its parent from 150 ms after `begin` until `end`."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._page = parent
        self._step = 0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._delay = QTimer(self, singleShot=True, interval=_DELAY_MS)
        self._delay.timeout.connect(self._cover)
        self._motion = QTimer(self, interval=_STEP_MS)
        self._motion.timeout.connect(self._move_on)
        self.hide()

    def begin(self) -> None:
        if not self._delay.isActive() and self.isHidden():
            self._delay.start()

    def end(self) -> None:
        self._delay.stop()
        self._motion.stop()
        self.hide()

    def _cover(self) -> None:
        self._step = 0
        self.setGeometry(self._page.rect())
        self.raise_()
        self.show()
        self._motion.start()

    def _move_on(self) -> None:
        self._step = (self._step + 1) % _STEPS
        self.update(0, 0, self.width(), 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ground = QColor(self._theme.color("bg"))
        ground.setAlphaF(0.4)
        painter.fillRect(event.rect(), ground)
        part = self.width() // 4
        left = (self.width() + part) * self._step // _STEPS - part
        painter.fillRect(left, 0, part, 2, self._theme.color("accent"))
