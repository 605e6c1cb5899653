"""Qt's objects die on Qt's thread: the cycle collector runs here on a timer, and nowhere else.

Left to itself Python collects cycles on whichever thread happens to allocate. A worker that wrote rows would then
destroy widgets that were part of a cycle, which ends the process. What start-up and each page's building have made is
set aside: it lives as long as the window, and need not be looked at again and again.

What is young is looked at some times a second: all that a second of traffic leaves would hold the loop for too long.
"""

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 1000
_YOUNG_TIMES = 5
_SECOND_EVERY = 10
_THIRD_EVERY = 60
# By these seconds the gateway, the pages and the charts have been made; looking at them takes up to 80 ms.
_SETTLED_AT = (5, 30)
# By then a page that was opened shows what it has to show.
_SETTLES_IN = 4


class GarbageTimer(QObject):
    """Make it on Qt's thread; `stop` gives collecting back to Python. Young objects often, older ones less."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._beat = self._look = 0
        self._settling: set[int] = set()
        self._timer = QTimer(self, interval=EVERY_MS // _YOUNG_TIMES)
        self._timer.timeout.connect(self._on_time)
        self._timer.start()

    def set_aside(self) -> None:
        """Everything that lives now will not be looked at again."""
        gc.collect()
        gc.freeze()

    def settle(self) -> None:
        """Something was built that stays: it is set aside as it is, and what completes it later."""
        gc.freeze()
        due = self._beat + _SETTLES_IN
        # Start-up's is set aside with all that there is then, unseen.
        if due > _SETTLED_AT[-1]:
            self._settling.add(due)

    def release(self) -> None:
        """What was built is there no more: all is looked at once again, and what is left then set aside."""
        gc.unfreeze()
        self._settling.add(self._beat + _SETTLES_IN)

    def _on_time(self) -> None:
        self._look += 1
        if self._look % _YOUNG_TIMES:
            gc.collect(0)
        else:
            self.collect()

    def collect(self) -> None:
        """The step of each second."""
        self._beat += 1
        if self._beat in _SETTLED_AT:
            gc.freeze()
        if self._beat in self._settling:
            self._settling.remove(self._beat)
            self.set_aside()
            return
        oldest = 2 if self._beat % _THIRD_EVERY == 0 else 1 if self._beat % _SECOND_EVERY == 0 else 0
        gc.collect(oldest)

    def stop(self) -> None:
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
