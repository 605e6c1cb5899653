"""Durations as sparse log-spaced histograms that add up, so that percentiles survive every roll-up.

Bin i holds (1 ms · G^(i-1), 1 ms · G^i]; a percentile is the nearest rank's bin, told as the value that is equally
far, relatively, from both of its edges: at most 4.4 % off. Counting from one millisecond keeps usual bins in one
byte of the stored MessagePack map {bin: count}; its keys are in no order, for sorting would be most of the work, so
equal histograms can be different bytes.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import ceil, log

import msgspec

GROWTH = 1.09
UNIT_US = 1000
EMPTY = b""

_LOG_GROWTH = log(GROWTH)
_MIDDLE = 2 / (GROWTH + 1)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode

Bins = dict[int, int]


def bin_of(us: int) -> int:
    """The bin of a duration in microseconds; anything below one counts as one."""
    return ceil(log((us if us > 1 else 1) / UNIT_US) / _LOG_GROWTH)


def encode(bins: Mapping[int, int]) -> bytes:
    """Bytes as stored; nothing counted is no bytes."""
    return _encode(bins) if bins else EMPTY


def decode(blob: bytes) -> Bins:
    return _decode(blob) if blob else {}


def add(into: Bins, bins: Mapping[int, int], sign: int = 1) -> None:
    """Add counts in place, or with `sign` -1 take them out; a bin that comes to nothing is dropped."""
    for key, count in bins.items():
        total = into.get(key, 0) + sign * count
        if total:
            into[key] = total
        else:
            into.pop(key, None)


def merge(left: bytes, right: bytes) -> bytes:
    """Two stored histograms as one."""
    if not left:
        return right
    if not right:
        return left
    bins = _decode(left)
    add(bins, _decode(right))
    return encode(bins)


def percentiles(bins: Mapping[int, int], fractions: Sequence[float]) -> list[float | None]:
    """Milliseconds at the nearest ranks (the smallest value with at least a fraction of all at or below it)."""
    keys = sorted(bins)
    seen = list(accumulate(map(bins.__getitem__, keys)))
    if not seen or not seen[-1]:
        return [None] * len(fractions)
    ranks = (max(1, ceil(fraction * seen[-1])) for fraction in fractions)
    return [middle_ms(keys[bisect_left(seen, rank)]) for rank in ranks]


@lru_cache(maxsize=1024)
def middle_ms(key: int) -> float:
    """A bin's value, in milliseconds."""
    return _MIDDLE * GROWTH**key


def percentile_of(blob: bytes, percent: int) -> float | None:
    """SQL function: a percentile of a stored histogram, in milliseconds."""
    return percentiles(decode(blob), (percent / 100,))[0]


class SumHistograms:
    """SQL aggregate: stored histograms → one."""

    def __init__(self) -> None:
        self._bins: Bins = {}

    def step(self, blob: bytes) -> None:
        if blob:
            add(self._bins, _decode(blob))

    def finalize(self) -> bytes:
        return encode(self._bins)


class HistogramOf:
    """SQL aggregate: microseconds → their histogram; NULL is not counted."""

    def __init__(self) -> None:
        self._bins: Bins = {}

    def step(self, us: int | None) -> None:
        if us is not None:
            key = bin_of(us)
            self._bins[key] = self._bins.get(key, 0) + 1

    def finalize(self) -> bytes:
        return encode(self._bins)
