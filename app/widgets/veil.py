"""What lies over a page while an answer takes long: the old numbers at 60 % opacity, and a moving line on top.

Where there is nothing yet, grey bars stand where the page's parts will: words that are not there cannot be faint.

What stands on the screen is made faint as it is: painting all of a page again below the veil takes thirty to sixty
milliseconds. Of what changes below it later that part is painted, and made faint again.
"""

from contextlib import AbstractContextManager

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.theme import Theme
from app.widgets.curtain import Curtain
from app.widgets.painting import rounded_box, smooth_painter
from app.widgets.places import Places, table_places

DELAY_MS = 150
# What lies under such a widget is not painted.
_PAINTS_ALL = Qt.WidgetAttribute.WA_OpaquePaintEvent
_STEP_MS = 50
_STEPS = 40
_LINE = 2


class _Line(QWidget):
    """A part of its length in the accent, which moves on from left to right. It paints all of itself: nothing under
    it is painted for that, twenty times a second."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._step = 0
        self.setAttribute(_PAINTS_ALL)

    def begin(self) -> None:
        self._step = 0
        self.update()

    def move_on(self) -> None:
        self._step = (self._step + 1) % _STEPS
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        part = self.width() // 4
        left = (self.width() + part) * self._step // _STEPS - part
        painter.fillRect(self.rect(), self._theme.color("bg"))
        painter.fillRect(left, 0, part, self.height(), self._theme.color("accent"))


class Veil(QWidget):
    """Covers its parent from 150 ms after `begin` until `end`. `empty`: nothing was ever shown there. `places` says
    where the parts will stand."""

    def __init__(self, theme: Theme, parent: QWidget, places: Places = table_places) -> None:
        super().__init__(parent)
        self._places = places
        self._theme = theme
        self._page = parent
        self._line = _Line(theme, self)
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

    def kept(self) -> AbstractContextManager[None]:
        """The page stays as it is seen within: what changes is painted once, when all of it is there."""
        return self._curtain.kept(self._page.rect())

    def _cover(self) -> None:
        self._line.begin()
        self.setGeometry(self._page.rect())
        self.raise_()
        # What waits to be painted is on the screen then, before the veil covers it.
        QCoreApplication.sendEvent(self.window(), QEvent(QEvent.Type.UpdateRequest))
        self.setAttribute(_PAINTS_ALL)
        self.show()
        # A widget that comes is to be painted at once, and a second time in a later turn.
        QCoreApplication.sendPostedEvents(self, QEvent.Type.UpdateLater)
        self.repaint()
        self.setAttribute(_PAINTS_ALL, self.empty)
        self._motion.start()

    def _move_on(self) -> None:
        self._line.move_on()
        if self.geometry() != self._page.rect():
            self.setGeometry(self._page.rect())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._line.setGeometry(0, 0, self.width(), _LINE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        ground = QColor(self._theme.color("bg"))
        if not self.empty:
            ground.setAlphaF(0.4)
        painter.fillRect(event.rect(), ground)
        if self.empty:
            self._paint_places(painter)

    def _paint_places(self, painter: QPainter) -> None:
        surface, border, bar = map(self._theme.color, ("surface", "border", "hover"))
        for place in self._places(self.width(), self.height()):
            fill, line = (surface, border) if place.card else (bar, None)
            rounded_box(painter, place.box, place.radius, fill, line)
