"""A pause of the capture: for some minutes nothing of what is said is kept, and every exchange is counted as ever.

It is in no file, so that it ends with the process and cannot be forgotten; the longest is a quarter of an hour.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from gateway.errors import FaregateError

LONGEST_MIN = 15
PAUSED = "What was said is not kept: the capture was paused then."
# Pauses that are remembered, for telemetry that comes after one and tells of it.
_MOST_PAUSES = 64


class _Span(NamedTuple):
    """Microseconds since the epoch."""

    from_us: int
    to_us: int


def _now_us() -> int:
    return time.time_ns() // 1000


class Pause:
    """Belongs to the event-loop thread, but for `touches`. `steady_s` is a clock that nobody sets: a wall clock that
    is put back makes no pause longer."""

    def __init__(self, now_us: Callable[[], int] = _now_us, steady_s: Callable[[], float] = time.monotonic) -> None:
        self._now_us = now_us
        self._steady_s = steady_s
        self._ends_s = float("-inf")
        # Replaced and never changed, as another thread reads it.
        self._spans: tuple[_Span, ...] = ()

    def begin(self, minutes: float) -> None:
        """Pause from now on; one that runs goes on for so long from now. Raises FaregateError."""
        if not 0 < minutes <= LONGEST_MIN:
            raise FaregateError(f"The capture pauses for up to {LONGEST_MIN} minutes: choose a number above 0.")
        start = self._spans[-1].from_us if self.left_s > 0 else self._now_us()
        before = self._spans[:-1] if self.left_s > 0 else self._spans
        self._ends_s = self._steady_s() + minutes * 60
        self._spans = (*before, _Span(start, self._now_us() + round(minutes * 60_000_000)))[-_MOST_PAUSES:]

    def end(self) -> None:
        if self.left_s > 0:
            *before, last = self._spans
            self._spans = (*before, _Span(last.from_us, self._now_us()))
        self._ends_s = float("-inf")

    def take_over(self, other: "Pause") -> None:
        """Go on as that one does: it ends when that was to end, and its pauses are remembered here."""
        self._ends_s, self._spans = other._ends_s, other._spans

    @property
    def left_s(self) -> float:
        """Seconds until it ends by itself, 0 where there is none."""
        return max(self._ends_s - self._steady_s(), 0.0)

    @property
    def until_us(self) -> int | None:
        """When it ends by itself, in microseconds since the epoch; None where there is none."""
        return self._spans[-1].to_us if self.left_s > 0 else None

    @property
    def known(self) -> bool:
        """Whether there was any."""
        return bool(self._spans)

    def touches(self, from_us: int, to_us: int) -> bool:
        """Whether any moment between the two, both inclusive, was in a pause; from any thread."""
        return any(span.from_us <= to_us and from_us <= span.to_us for span in self._spans)
