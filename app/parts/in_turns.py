"""Work in short steps, as many in each turn of the loop as there is time for: done at once it would hold the loop."""

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer

BUDGET_S = 0.003
"""For which one turn takes steps; the one that is begun last goes beyond it."""
ALONE = True
"""What a step gives where the next one takes long: that is begun only early in a turn."""
_LATE = 1 / 10
_END = object()
# Between two turns, so that the gateway's callbacks have theirs.
_PAUSE_MS = 8


class InTurns(QObject):
    """One piece of work at a time: what is begun takes the place of what is not done yet."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._steps: Iterator[bool | None] = iter(())
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self.go_on)

    def begin(self, steps: Iterator[bool | None], began: float) -> None:
        """Take the first steps now, as far as the turn's time goes that `began` then (seconds of the performance
        counter)."""
        self._steps = steps
        self._take(began)

    def leave(self) -> None:
        """No further step is taken."""
        self._steps = iter(())
        self._timer.stop()

    def go_on(self) -> None:
        """A turn: one step at least."""
        began = time.perf_counter()
        self._take(began, next(self._steps, _END))

    def _take(self, began: float, told: object = None) -> None:
        """What fits in the turn; `told` by the step before."""
        while told is not _END:
            if time.perf_counter() - began >= (BUDGET_S * _LATE if told is ALONE else BUDGET_S):
                self._timer.start()
                return
            told = next(self._steps, _END)
