"""Keeps an area as it was painted last and gives it free from top to bottom, a band in each turn of the loop.

A whole page painted at once holds the loop for forty milliseconds and more, so many widgets has it. What lies under a
widget that says it paints all of itself is not painted; this one paints nothing, so that the old picture stays.

Where much stands in a band, the next ones are lower: a row of cards takes longer than an empty ground.
"""

import time

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer
from PySide6.QtWidgets import QWidget

BAND = 140
"""Logical pixels that one turn paints of a page at most."""
LEAST_BAND = 70
"""Lower ones hardly take less each: whatever stands in a band is painted as a whole and cut."""
# Between two bands, so that the gateway's callbacks have their turns.
_PAUSE_MS = 8
# What a band should take of this thread's time.
_LONG_S, _SHORT_S = 0.004, 0.0015


class Curtain(QWidget):
    """Over its parent; whoever changes much there calls `draw` before. `most`: how high a band may be, in logical
    pixels."""

    def __init__(self, parent: QWidget, most: int = BAND) -> None:
        super().__init__(parent)
        self._under = parent
        self._most = most
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._band = self._lowest = most
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._lift)
        parent.installEventFilter(self)
        self.hide()

    def draw(self, area: QRect) -> None:
        """Cover this part of the parent, and begin to give it free. Where nothing is on show there is nothing to
        keep."""
        if area.height() > BAND and self._under.isVisible() and self._under.updatesEnabled():
            self.setGeometry(area)
            self.raise_()
            self.show()
            # What took long the last time is likely to stand there again.
            self._band, self._lowest = min(self._lowest, area.height()), self._most
            self._timer.start()

    def _lift(self) -> None:
        free = self.geometry()
        free.setHeight(min(self._band, free.height()))
        if free.height() == self.height():
            self.end()
        else:
            self.raise_()
            self.setGeometry(self.geometry().adjusted(0, free.height(), 0, 0))
        began = time.thread_time()
        self._under.repaint(free)
        self._learn(time.thread_time() - began)
        # Counted from here: a timer that goes on by itself would be due again after a long paint.
        if not self.isHidden():
            self._timer.start()

    def _learn(self, seconds: float) -> None:
        """From how long a band took, how high the next one may be."""
        if seconds > _LONG_S:
            self._band = max(LEAST_BAND, self._band // 2)
        elif seconds < _SHORT_S:
            self._band = min(self._most, self._band * 2)
        self._lowest = min(self._lowest, self._band)

    def end(self) -> None:
        """All of it is free."""
        self._timer.stop()
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Of another size there is no old picture.
        if event.type() == QEvent.Type.Resize and watched is self._under:
            self.end()
        return super().eventFilter(watched, event)
