"""A time axis on which long silences take little room, so that a conversation of days stays readable. Pure."""

from bisect import bisect_right
from collections.abc import Iterable

_STEPS_S = (
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1200,
    1800,
    3600,
)
_SILENCE_SHARE = 0.04
_LEAST_SILENCE_US = 20_000_000
_TICKS = 4


class Axis:
    """`at(us)` from 0 to 1. `breaks` are the places of shortened silences, which come to `silent_us`; `ticks` (place,
    seconds of activity)."""

    def __init__(self, intervals: Iterable[tuple[int, int]]) -> None:
        self._segments = _merged(sorted(intervals))
        busy = sum(end - start for start, end in self._segments)
        self.busy_us = max(1, busy)
        silence = self.busy_us * _SILENCE_SHARE
        self._starts = [start for start, _ in self._segments]
        self._offsets: list[float] = []
        offset = 0.0
        for start, end in self._segments:
            self._offsets.append(offset)
            offset += end - start + silence
        self.silent_us = self._segments[-1][1] - self._segments[0][0] - busy if self._segments else 0
        self._whole = max(1.0, offset - silence)
        self._silence = silence

    def at(self, us: int) -> float:
        if not self._segments:
            return 0.0
        number = max(0, bisect_right(self._starts, us) - 1)
        start, end = self._segments[number]
        inside = max(0, min(us, end) - start)
        return min(1.0, (self._offsets[number] + inside) / self._whole)

    @property
    def breaks(self) -> list[float]:
        return [(offset - self._silence / 2) / self._whole for offset in self._offsets[1:]]

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """At most five, on round steps of the time in which something happened."""
        seconds = self.busy_us / 1e6
        step = next((step for step in _STEPS_S if seconds / step <= _TICKS), None)
        if step is None:
            step = 3600.0 * max(1, round(seconds / 3600 / _TICKS))
        made = []
        number, before = 0, 0.0
        for (start, end), offset in zip(self._segments, self._offsets, strict=True):
            length = (end - start) / 1e6
            while number * step <= before + length + 1e-9:
                inside = (number * step - before) * 1e6
                made.append(((offset + inside) / self._whole, number * step))
                number += 1
            before += length
        return made


def _merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Busy times; a silence below twenty seconds, or below a quarter of all that went before, is none."""
    made: list[tuple[int, int]] = []
    for start, end in intervals:
        end = max(end, start + 1)
        if made and start - made[-1][1] <= max(_LEAST_SILENCE_US, (made[-1][1] - made[0][0]) // 4):
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((start, end))
    return made
