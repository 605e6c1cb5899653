"""Histograms of durations in few bytes, of which thousands add up fast, and percentiles that need no more than these.

A form's byte and what follows from it: up to 48 durations are a byte each, in order; more are the counts of all bins
from a first one on, two or four bytes each, which add up as one large integer. A bin's place is its distance from
that of one microsecond, which is the shortest duration.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, compress
from math import ceil
from struct import Struct, pack, unpack

from gateway.store import histogram

MOST_SINGLY = 48
FIRST_BIN = histogram.FIRST_BIN
COUNT_BITS = 32
_SINGLY, _NARROW, _WIDE = 1, 2, 4
_TYPES = {_NARROW: "H", _WIDE: "I"}
_HEAD = Struct("<BH")
_middle_ms = histogram.middle_ms
_NARROW_BITS = 16
_EVEN = int.from_bytes(b"\xff\xff\x00\x00" * 1024, "little")


def encode(bins: histogram.Bins) -> bytes:
    """As stored."""
    return of_places({key - FIRST_BIN: count for key, count in bins.items()})


def of_places(counts: Mapping[int, int]) -> bytes:
    """Counts by the place of their bin, as stored."""
    if not counts:
        return histogram.EMPTY
    first, last = min(counts), max(counts)
    if last < 256 and sum(counts.values()) <= MOST_SINGLY:
        return bytes((_SINGLY, *(at for at in sorted(counts) for _ in range(counts[at]))))
    row = [counts.get(at, 0) for at in range(first, last + 1)]
    form = _NARROW if max(row) < 1 << _NARROW_BITS else _WIDE
    return pack(f"<BH{len(row)}{_TYPES[form]}", form, first, *row)


def of_singles(places: bytes | bytearray) -> bytes:
    """The same of a byte for each duration, in any order."""
    if places and len(places) <= MOST_SINGLY:
        return bytes((_SINGLY, *sorted(places)))
    return of_places(Counter(places))


def decode(blob: bytes) -> histogram.Bins:
    if not blob:
        return {}
    if blob[0] == _SINGLY:
        return _of_singles(blob[1:])
    first, counts = _row(blob)
    return dict(compress(enumerate(counts, first + FIRST_BIN), counts))


def percentiles(blob: bytes, fractions: Sequence[float], mean_ms: float | None) -> list[float | None]:
    """As `histogram.percentiles` tells of the same durations."""
    if not blob:
        return [None] * len(fractions)
    if blob[0] == _SINGLY:
        count = len(blob) - 1
        if blob[1] == blob[-1]:
            return histogram.of_one_bin(blob[1] + FIRST_BIN, count, fractions, mean_ms)
        return [_middle_ms(blob[ceil(fraction * count) or 1] + FIRST_BIN) for fraction in fractions]
    first, counts = _row(blob)
    if len(counts) == 1:
        return histogram.of_one_bin(first + FIRST_BIN, counts[0], fractions, mean_ms)
    seen = list(accumulate(counts))
    first, count = first + FIRST_BIN, seen[-1]
    return [_middle_ms(first + bisect_left(seen, ceil(fraction * count) or 1)) for fraction in fractions]


def together(blobs: Sequence[bytes]) -> histogram.Bins:
    """All of these as one."""
    singly: list[bytes] = []
    even = odd = whole = 0
    for blob in blobs:
        if not blob:
            continue
        if blob[0] == _SINGLY:
            singly.append(blob[1:])
            continue
        form, first = _HEAD.unpack_from(blob)
        lanes = int.from_bytes(blob[_HEAD.size :], "little") << 8 * form * first
        if form == _NARROW:
            # Neighbours in lanes of twice the width, so that sums have room.
            even += lanes & _EVEN
            odd += (lanes >> _NARROW_BITS) & _EVEN
        else:
            whole += lanes
    bins = _of_singles(b"".join(singly))
    for lanes, step, start in ((even, 2, 0), (odd, 2, 1), (whole, 1, 0)):
        if lanes:
            empty = ((lanes & -lanes).bit_length() - 1) // COUNT_BITS
            key = FIRST_BIN + start + step * empty
            counts = of_lanes(lanes >> COUNT_BITS * empty)
            found = dict(compress(zip(range(key, key + step * len(counts), step), counts, strict=True), counts))
            if bins:
                histogram.add(bins, found)
            else:
                bins = found
    return bins


def of_lanes(lanes: int) -> tuple[int, ...]:
    """Counts that were added as one integer."""
    length = -(-lanes.bit_length() // COUNT_BITS)
    return unpack(f"<{length}I", lanes.to_bytes(length * 4, "little"))


def _row(blob: bytes) -> tuple[int, tuple[int, ...]]:
    """The place of the first bin, and the counts from there on."""
    form, first = _HEAD.unpack_from(blob)
    return first, _counts_of(form, len(blob) - _HEAD.size)(blob, _HEAD.size)


@lru_cache(maxsize=1024)
def _counts_of(form: int, length: int) -> Callable[[bytes, int], tuple[int, ...]]:
    return Struct(f"<{length // form}{_TYPES[form]}").unpack_from


def _of_singles(places: bytes) -> histogram.Bins:
    return {at + FIRST_BIN: count for at, count in Counter(places).items()}
