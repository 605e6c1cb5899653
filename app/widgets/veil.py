"""What lies over a page while an answer takes long: the old numbers at 60 % opacity, and a moving line on top.

Where there is nothing yet, grey bars stand where the page's parts will: words that are not there cannot be faint.
"""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import Theme
from app.widgets.curtain import Curtain
from app.widgets.painting import rounded_box, smooth_painter
from app.widgets.places import Places, table_places

DELAY_MS = 150
_STEP_MS = 50
_STEPS = 40


class Veil(QWidget):
    """Covers its parent from 150 ms after `begin` until `end`. `empty`: nothing was ever shown there. `places` says
    where the parts will stand."""

    def __init__(self, theme: Theme, parent: QWidget, places: Places = table_places) -> None:
        super().__init__(parent)
        self._places = places
        self._theme = theme
        self._page = parent
        self._step = 0
        self.empty = False
        self.setObjectName("veil")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._delay = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._delay.timeout.connect(self._cover)
        self._motion = QTimer(self, interval=_STEP_MS)
        self._motion.timeout.connect(self._move_on)
        self.hide()
        self._curtain = Curtain(parent)

    def begin(self, *, empty: bool = False) -> None:
        if not self._delay.isActive() and self.isHidden():
            self.empty = empty
            self._delay.start()

    def end(self) -> None:
        self._delay.stop()
        self._motion.stop()
        if not self.isHidden():
            self.hide()
            self._curtain.draw(self._page.rect())

    def _cover(self) -> None:
        self._step = 0
        self.setGeometry(self._page.rect())
        self.raise_()
        self.show()
        self._curtain.draw(self._page.rect())
        self._motion.start()

    def _move_on(self) -> None:
        self._step = (self._step + 1) % _STEPS
        if self.geometry() != self._page.rect():
            self.setGeometry(self._page.rect())
        self.update(0, 0, self.width(), 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        ground = QColor(self._theme.color("bg"))
        if not self.empty:
            ground.setAlphaF(0.4)
        painter.fillRect(event.rect(), ground)
        # The line at the top moves alone.
        if self.empty and event.rect().bottom() > 2:
            self._paint_places(painter)
        part = self.width() // 4
        left = (self.width() + part) * self._step // _STEPS - part
        painter.fillRect(left, 0, part, 2, self._theme.color("accent"))

    def _paint_places(self, painter: QPainter) -> None:
        surface, border, bar = map(self._theme.color, ("surface", "border", "hover"))
        for place in self._places(self.width(), self.height()):
            fill, line = (surface, border) if place.card else (bar, None)
            rounded_box(painter, place.box, place.radius, fill, line)
