"""Which rows a paint draws, and which have a turn of their own: all new rows at once hold the loop for too long.

What is not drawn keeps its old picture on the screen for that moment. So nothing is left of a paint that is for no
screen, or for a window that had more or fewer pixels before: there is no old picture then.
"""

import math
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.widgets.painting import OldPicture

AT_ONCE = 2
"""Rows that one paint draws: a millisecond of a table with many columns, where the machine is fast."""
# Between two turns, so that the gateway's callbacks have theirs.
_PAUSE_MS = 5


class RowTurns(QObject):
    """For one view, of whose rows a paint draws `at_once`. `due(numbers)`: the rows that were `waiting` are to be
    painted."""

    due = Signal(object)

    def __init__(self, parent: QObject, at_once: int = AT_ONCE) -> None:
        super().__init__(parent)
        self._at_once = at_once
        self.waiting: tuple[int, ...] = ()
        self._old_picture = OldPicture()
        self._rests = False
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self._take)

    def rest(self) -> None:
        """The next paint draws none: with all that changes beside the rows it is long enough."""
        self._rests = True

    def most(self, painter: QPainter, window: QWidget) -> float:
        """How many rows may be drawn with this painter, of a widget in this window."""
        # Where it is made narrower again and again, as while an edge is dragged, what waits has its turn.
        rests, self._rests = self._rests and not self.waiting, False
        if not self._old_picture.stands(painter, window):
            return math.inf
        return 0 if rests else self._at_once

    def in_order(self, numbers: Iterable[int]) -> Sequence[int]:
        """Those that wait come first: where all is painted anew again and again before their turn, as while a
        column's edge is dragged, it would always be the first rows that are drawn."""
        places = {number: place for place, number in enumerate(self.waiting)}
        return sorted(numbers, key=lambda number: places.get(number, len(places)))

    def leave(self, numbers: Iterable[int]) -> None:
        """The rows with these numbers are left for another turn."""
        self.waiting = tuple(dict.fromkeys((*numbers, *self.waiting)))
        if self.waiting:
            self._timer.start()

    def _take(self) -> None:
        numbers, self.waiting = self.waiting, ()
        self.due.emit(numbers)
