"""Many changes, one look: what has changed is told at most once a second, and only while someone looks.

Where a look takes long, since there is much to read or the gateway has much to do, the next one waits for longer: the
window's reading must not make slow what it tells of.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from gateway import Changes

INTERVAL_MS = 1000
# A look may take a fifth of the time; that much a second is what a quiet machine needs for the largest page.
_TIMES_AS_LONG = 5
_LONGEST_MS = 3000.0
EVERYTHING = Changes(**dict.fromkeys(Changes.__struct_fields__, True))
NOTHING = Changes()


class Coalescer(QObject):
    """`due` carries the gathered changes. The first one after a quiet second is told at once."""

    due = Signal(object)

    def __init__(
        self,
        interval_ms: int = INTERVAL_MS,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._interval_ms = interval_ms
        self._took_ms = 0.0
        self._clock = clock
        self._pending = NOTHING
        self._active = False
        self._last = float("-inf")
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._tell)

    @property
    def pending(self) -> Changes:
        return self._pending

    def mark(self, changes: Changes) -> None:
        """Gather a change; it is kept while nobody looks."""
        self._pending |= changes
        self._arm()

    def set_active(self, active: bool) -> None:
        """Whether someone looks: the window is neither hidden nor minimised, and can show an answer."""
        if active != self._active:
            self._active = active
            if active:
                self._arm()
            else:
                self._timer.stop()

    def looked(self, took_s: float) -> None:
        """What was told has been read and shown, in so many seconds."""
        self._took_ms = took_s * 1000
        if self._timer.isActive():
            self._timer.stop()
            self._arm()

    @property
    def pause_ms(self) -> float:
        """From one look's beginning to the next one's."""
        return max(self._interval_ms, min(_LONGEST_MS, self._took_ms * _TIMES_AS_LONG))

    def _arm(self) -> None:
        if self._active and self._pending != NOTHING and not self._timer.isActive():
            waited_ms = (self._clock() - self._last) * 1000
            self._timer.start(round(min(self.pause_ms, max(0.0, self.pause_ms - waited_ms))))

    def _tell(self) -> None:
        changes, self._pending = self._pending, NOTHING
        self._last = self._clock()
        self.due.emit(changes)
