"""A high widget that paints itself is painted a band at a time: all of it at once holds the loop for too long.

What is not painted yet keeps its old picture on the screen for that moment, so that the widget has to say that it
paints all of itself (`WA_OpaquePaintEvent`). Where there is no old picture, all is painted at once.
"""

from PySide6.QtCore import QObject, QRect, QTimer
from PySide6.QtGui import QPainter, QRegion
from PySide6.QtWidgets import QWidget

from app.widgets.painting import OldPicture, has_old_picture

BAND = 190
"""So many logical pixels of its height are painted at once."""
# Between two turns, so that the gateway's callbacks have theirs.
_PAUSE_MS = 8


class BandTurns(QObject):
    """Of one widget. `waiting` is what of it has its turn later."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self.waiting = QRegion()
        self._next = 0
        self._old_picture = OldPicture()
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(lambda: self._widget.update(self.waiting))

    def due(self, painter: QPainter, asked: QRegion) -> QRegion:
        """What is to be painted now of what a paint is asked for: the band below the one before, and from the top
        again after the last, so that each has its turn where all is painted anew again and again."""
        window, now = self._widget.window(), QRegion(asked)
        if not has_old_picture(painter, window):
            # For a picture that is taken of it: what waits on the screen does so still.
            return now
        if self._old_picture.stands(painter, window):
            below = asked.intersected(self._widget.rect().adjusted(0, self._next, 0, 0))
            box = (asked if below.isEmpty() else below).boundingRect()
            now = asked.intersected(QRect(box.left(), box.top(), box.width(), BAND))
        self.waiting = self.waiting.united(asked).subtracted(now)
        if self.waiting.isEmpty():
            self._next = 0
        else:
            self._next = now.boundingRect().bottom() + 1
            self._timer.start()
        return now

    def scrolled(self, down: int) -> None:
        """What was painted has moved down by so many pixels, and what waits with it."""
        self._next += down
        self.waiting = self.waiting.translated(0, down).intersected(self._widget.rect())
