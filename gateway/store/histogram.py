"""Durations as sparse log-spaced histograms that add up, so that percentiles survive every roll-up.

Bin i holds (1 ms · G^(i-1), 1 ms · G^i]; a percentile is the nearest rank's bin, told as the value that is equally
far, relatively, from both of its edges: at most 4.4 % off, also above the longest, which is not stored. Few
durations are stored one by one, a byte each behind a mark that MessagePack never begins with: its bin's distance from
that of the shortest. More are a MessagePack map {bin: count}; counting from one millisecond keeps usual bins in one
byte. Neither is in any order, for sorting would be most of the work, so equal histograms can be different bytes.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import ceil, log

import msgspec

GROWTH = 1.09
UNIT_US = 1000
# How far a percentile may be from what it tells, as a share.
MOST_OFF = 0.05
EMPTY = b""
# Beyond, a map is about as small, and read faster.
MOST_SINGLY = 96

_LOG_GROWTH = log(GROWTH)
_MIDDLE = 2 / (GROWTH + 1)
_SINGLE, _MARK = "\xc1", 0xC1
# Of none or one, as two of five histograms are.
_FEWEST = {durations: bytearray(_SINGLE + durations, "latin-1") for durations in map(chr, range(256))}
_FEWEST[""] = bytearray()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode

Bins = dict[int, int]
Durations = str | Bins
"""A few, each as a character, or many, counted."""


def _by_logarithm(us: int) -> int:
    return ceil(log(us / UNIT_US) / _LOG_GROWTH)


# The bin of one microsecond, which is the shortest duration, and of the longest that a database holds.
FIRST_BIN, _LAST_BIN = _by_logarithm(1), _by_logarithm(2**63)


def _start_of(key: int) -> int:
    """The shortest duration, in whole microseconds, that is in this bin or a later one."""
    near = int(UNIT_US * GROWTH ** (key - 1))
    # Long ones are told no finer by their logarithms.
    around = range(max(1, near - 1 - near // 10**9), near + 2 + near // 10**9)
    return around[bisect_left(around, key, key=_by_logarithm)]


# A search is faster than a logarithm.
_STARTS = [_start_of(key) for key in range(FIRST_BIN + 1, _LAST_BIN + 1)]
_CHARACTERS = [chr(place) for place in range(len(_STARTS) + 1)]


def bin_of(us: int) -> int:
    """The bin of a duration in microseconds; anything below one counts as one."""
    return bisect_right(_STARTS, us) + FIRST_BIN


def character_of(us: int) -> str:
    """A duration as `joined` takes it."""
    return _CHARACTERS[bisect_right(_STARTS, us)]


def joined(parts: Sequence[Durations]) -> Durations:
    """Some durations together: characters while they are few, which are joined and counted without a step of Python's
    for each; counted once they are many, so that what is made of them in turn need not count them again."""
    try:
        few = "".join(parts)  # type: ignore[arg-type]
    except TypeError:
        few = "".join([part for part in parts if isinstance(part, str)])
    else:
        if len(few) <= MOST_SINGLY:
            return few
    bins = _counted(few)
    for part in parts:
        if not isinstance(part, str):
            for key, count in part.items():
                bins[key] = bins.get(key, 0) + count
    return bins


def stored(durations: Durations) -> bytearray:
    """As stored, not to be changed: as bytearrays, for which Python's SQLite does not look for a way to adapt them
    each time, as it does for bytes."""
    if isinstance(durations, dict):
        return bytearray(_encode(durations))
    known = _FEWEST.get(durations)
    if known is not None:
        return known
    try:
        return bytearray(_SINGLE + durations, "latin-1")
    except UnicodeEncodeError:
        # One took hours.
        return bytearray(_encode(_counted(durations)))


def _counted(characters: str) -> Bins:
    try:
        return _by_bin(characters.encode("latin-1"))
    except UnicodeEncodeError:
        return _by_bin(map(ord, characters))


def _by_bin(places: Iterable[int]) -> Bins:
    return {place + FIRST_BIN: count for place, count in Counter(places).items()}


def encode(bins: Mapping[int, int]) -> bytes:
    """Bytes as stored; nothing counted is no bytes."""
    return _encode(bins) if bins else EMPTY


def decode(blob: bytes) -> Bins:
    if not blob:
        return {}
    if blob[0] == _MARK:
        return _by_bin(blob[1:])
    return _decode(blob)


def few(blob: bytes, most: int) -> bytes | None:
    """A byte for each of a stored histogram's durations, its distance from the shortest in bins; None where they
    are counted, or more than `most`."""
    if not blob:
        return blob
    return blob[1:] if blob[0] == _MARK and len(blob) <= most + 1 else None


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
    if left[0] == right[0] == _MARK and len(left) + len(right) - 2 <= MOST_SINGLY:
        return left + right[1:]
    bins = decode(left)
    if right[0] == _MARK:
        # Mostly few: counting them first would take longer.
        for place in right[1:]:
            key = place + FIRST_BIN
            bins[key] = bins.get(key, 0) + 1
    else:
        add(bins, _decode(right))
    return encode(bins)


def percentiles(bins: Mapping[int, int], fractions: Sequence[float], mean_ms: float | None) -> list[float | None]:
    """Milliseconds at the nearest ranks (the smallest value with at least a fraction of all at or below it).

    `mean_ms` is that of all durations, which tells more of them where they share a bin."""
    keys = sorted(bins)
    seen = list(accumulate(map(bins.__getitem__, keys)))
    if not seen or not seen[-1]:
        return [None] * len(fractions)
    if len(keys) == 1:
        return of_one_bin(keys[0], seen[0], fractions, mean_ms)
    ranks = (max(1, ceil(fraction * seen[-1])) for fraction in fractions)
    return [middle_ms(keys[bisect_left(seen, rank)]) for rank in ranks]


def of_one_bin(key: int, count: int, fractions: Sequence[float], mean_ms: float | None) -> list[float | None]:
    """`percentiles` of durations that share a bin: their mean, unless what it leaves open for a rank goes further."""
    if mean_ms is None or count == 1:
        return [mean_ms] * len(fractions)
    shortest, longest = GROWTH ** (key - 1), GROWTH**key
    whole = count * mean_ms
    told: list[float | None] = []
    for fraction in fractions:
        rank = max(1, ceil(fraction * count))
        least = max(shortest, (whole - (count - rank) * longest) / rank)
        most = min(longest, (whole - (rank - 1) * shortest) / (count - rank + 1))
        told.append(min(max(mean_ms, most / (1 + MOST_OFF)), least * (1 + MOST_OFF)))
    return told


@lru_cache(maxsize=1024)
def middle_ms(key: int) -> float:
    """A bin's value, in milliseconds."""
    return _MIDDLE * GROWTH**key


def percentile_of(blob: bytes, percent: int, mean_us: float | None) -> float | None:
    """SQL function: a percentile of a stored histogram, in milliseconds."""
    return percentiles(decode(blob), (percent / 100,), None if mean_us is None else mean_us / 1000)[0]


class SumHistograms:
    """SQL aggregate: stored histograms → one."""

    def __init__(self) -> None:
        self._bins: Bins = {}
        self._places = bytearray()

    def step(self, blob: bytes) -> None:
        if not blob:
            return
        if blob[0] == _MARK:
            self._places += blob[1:]
        else:
            add(self._bins, _decode(blob))

    def finalize(self) -> bytes:
        if self._places:
            add(self._bins, _by_bin(self._places))
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
