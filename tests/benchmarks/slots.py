"""How long each single slot of the window takes, in CPU time of its thread.

A slot is an event of Qt's (a click, a timer, a paint) with all that it sends itself, or one step of one of the
window's tasks: the loop can take its turn after each. Other than a beat, a slot is as long on a busy machine as on a
quiet one.
"""

import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from tests.benchmarks.hold_probe import SLOT_S, Pieces
from tests.benchmarks.machine_speed import fixed_work_ms


class Told(NamedTuple):
    """Of a span of time: how many slots there were, the CPU seconds of the longest, and of each that took longer than
    SLOT_S, with what it was; and at its end what a fixed piece of work takes, in ms."""

    count: int = 0
    longest: float = 0.0
    long: Sequence[tuple[float, str]] = ()
    fixed_work_ms: float = 0.0


class Slots:
    """One at a time: what begins while a slot is open is part of it. `passages`: how often this was told of within
    the open one, which takes `passage_s` each and is taken off."""

    def __init__(self) -> None:
        self.open = False
        self.passages, self.passage_s = 0, 0.0
        self._count, self._longest, self._long = 0, 0.0, list[tuple[float, str]]()
        self._began = 0.0

    def begin(self) -> None:
        self.open = True
        self.passages = 0
        self._began = time.thread_time()

    def end(self) -> bool:
        """Whether it was a long one; say `what` it was then."""
        seconds = time.thread_time() - self._began - self.passages * self.passage_s
        self.open = False
        self._count += 1
        self._longest = max(self._longest, seconds)
        if seconds > SLOT_S:
            self._long.append((seconds, ""))
        return seconds > SLOT_S

    def what(self, words: str) -> None:
        """What the long one was that has just ended."""
        now = f"{words} (and then the fixed work took {fixed_work_ms():.2f} ms)"
        self._long[-1] = (self._long[-1][0], now)

    def take(self) -> Told:
        """Those since this was last asked."""
        told = Told(self._count, self._longest, self._long, median(fixed_work_ms() for _ in range(9)))
        self._count, self._longest, self._long = 0, 0.0, []
        return told


class SlotSteps(Pieces):
    """Steps of the window's tasks, each a slot."""

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self._slots = slots
        self._of: object = None

    def begin(self, of: object = None) -> None:
        super().begin(of)
        self._of = of
        self._slots.begin()

    def end(self) -> None:
        if self._of is not None and self._slots.end():
            self._slots.what(f"a step of {getattr(self._of, '__qualname__', '?')}")
        self._of = None
        super().end()
