"""Qt's objects die on Qt's thread: the cycle collector runs here on a timer, and nowhere else.

Left to itself Python collects cycles on whichever thread happens to allocate. A worker that wrote rows would then
destroy widgets that were part of a cycle, which ends the process. What start-up and each page's building have made is
set aside: it lives as long as the window, and need not be looked at again and again. So is, each two seconds, what
lives then, as long as that does not become more and more. A look is mostly at what still lives, which under traffic
are some thousand things. Done seldom it takes more than eight milliseconds; done often it sets aside more of what is
still in use, and is looked at no more where it becomes garbage. Nothing is older than that, so no look is at what is
old: with such a one Python also frees what it keeps for coming objects, and it takes nearly twice as long.

What is young is looked at sooner only where there is much of it: a request leaves no cycles, or some dozens of small
things where it fails.
"""

import gc
import sys

from PySide6.QtCore import QObject, QTimer

# Python's generations up to which is looked.
_YOUNG, _ALL = 1, 2
EVERY_MS = 1000
_ALL_EVERY = 2
MANY = 20_000
"""So many objects more than after the last look, as Python counts them: four hundred failed requests leave them."""
COUNTED_EVERY = 900
MOST_GROWN = 200_000
"""By so many pieces of memory all that lives may grow before what is set aside is looked at again: some of it may be
garbage. An hour of use makes half of that, in caches; looking takes up to 80 ms. Counting what is set aside would say
it more closely, and take twenty milliseconds itself; this takes a quarter of one."""
# By these seconds the gateway, the pages and the charts have been made; looking at them takes up to 80 ms.
_SETTLED_AT = (5, 30)
# By then a page that was opened shows what it has to show.
_SETTLES_IN = 4


class GarbageTimer(QObject):
    """Make it on Qt's thread; `stop` gives collecting back to Python."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._beat = 0
        self._settling: set[int] = set()
        # What was taken back has not been looked at yet.
        self._taken_back = False
        # How much there was when what is set aside was known to live.
        self._known: int | None = None
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def set_aside(self) -> None:
        """Everything that lives now will not be looked at again."""
        gc.collect()
        self._taken_back = False
        self._freeze()

    def settle(self) -> None:
        """Something was built that stays: it is set aside as it is, and what completes it later."""
        self._freeze()
        due = self._beat + _SETTLES_IN
        # Start-up's is set aside with all that there is then, unseen.
        if due > _SETTLED_AT[-1]:
            self._settling.add(due)

    def release(self) -> None:
        """What was built is there no more: all is looked at once again, and what is left then set aside."""
        gc.unfreeze()
        self._taken_back = True
        self._settling.add(self._beat + _SETTLES_IN)

    def collect(self) -> None:
        """The step of each second."""
        self._beat += 1
        if self._beat in _SETTLED_AT:
            self._freeze()
        if self._beat in self._settling:
            self._settling.remove(self._beat)
            self.set_aside()
        elif self._beat % COUNTED_EVERY == 0:
            self._look_for_growth()
        elif self._beat % _ALL_EVERY == 0:
            gc.collect(_ALL if self._taken_back or self._beat <= _SETTLED_AT[-1] else _YOUNG)
            self._taken_back = False
            gc.freeze()
        elif self._beat < _SETTLED_AT[-1] or gc.get_count()[0] >= MANY:
            # What start-up leaves is not to be set aside with what it makes.
            gc.collect(_YOUNG)

    def _freeze(self) -> None:
        """What lives now is meant to stay, however much it is."""
        gc.freeze()
        self._known = None

    def _look_for_growth(self) -> None:
        """Whether there is much more than lived when it was counted last."""
        count = sys.getallocatedblocks()
        if self._known is None:
            self._known = count
        elif count - self._known > MOST_GROWN:
            gc.unfreeze()
            self.set_aside()

    def stop(self) -> None:
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
