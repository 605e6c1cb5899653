"""Work in short steps, as many in each turn of the loop as there is time for: done at once it would hold the loop."""

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer

BUDGET_S = 0.003
"""For which one turn takes steps; the one that is begun last goes beyond it."""
# Between two turns, so that the gateway's callbacks have theirs.
_PAUSE_MS = 8


class InTurns(QObject):
    """One piece of work at a time: what is begun takes the place of what is not done yet."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._steps: Iterator[None] = iter(())
        self._timer = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._timer.timeout.connect(self.go_on)

    def begin(self, steps: Iterator[None], began: float) -> None:
        """Take the first steps now, as far as the turn's time goes that `began` then (seconds of the performance
        counter)."""
        self._steps = steps
        self._take_until(began + BUDGET_S)

    def leave(self) -> None:
        """No further step is taken."""
        self._steps = iter(())
        self._timer.stop()

    def go_on(self) -> None:
        """A turn: one step at least."""
        deadline = time.perf_counter() + BUDGET_S
        if self._take():
            self._take_until(deadline)

    def _take_until(self, deadline: float) -> None:
        while time.perf_counter() < deadline:
            if not self._take():
                return
        self._timer.start()

    def _take(self) -> bool:
        """Whether there was one to take."""
        return next(self._steps, self) is None
