"""Sums of a pair of values in few bytes, of which thousands add up fast.

Stored are three values: the measures as a MessagePack array, and both histograms, each as a form's byte and what
follows from it: up to 48 durations are a byte each, in no order; more are the counts of all bins from a first one on,
two or four bytes each, which add up as one large integer. All measures together are one integer of lanes while they
are counted, so adding many is one addition for each.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from struct import Struct, pack, unpack, unpack_from
from typing import NamedTuple

import msgspec

from gateway.store import histogram
from gateway.store.measures import MEASURES, Sums

Cell = tuple[bytes, bytes, bytes]
"""Measures, latency and time to first token, as stored."""

MOST_SINGLY, MOST_LOOSELY = 48, 4
_SINGLY, _NARROW, _WIDE = 1, 2, 4
_TYPES = {_NARROW: "H", _WIDE: "I"}
_HEAD = Struct("<BH")
# The bin of one microsecond, which is the shortest duration.
_FIRST_BIN = histogram.bin_of(1)
# Wider than SQLite's integers: a sum that these cannot hold is seen, and spoils no other.
_INTO_LANES, _OUT_OF_LANES = Struct("<" + "q4x" * len(MEASURES)), Struct("<" + "QI" * len(MEASURES))
_COUNT_BITS, _NARROW_BITS = 32, 16
_EVEN = int.from_bytes(b"\xff\xff\x00\x00" * 1024, "little")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode


class Loose(NamedTuple):
    """Sums that are to be added to others: measures in lanes, few durations as a byte each, many as counts in lanes,
    of latency and of time to first token by turns."""

    measures: int
    latency: bytes
    ttft: bytes
    counts: int


def loose(measures: Sequence[int], latency: Mapping[int, int], ttft: Mapping[int, int]) -> Loose:
    """None of them is negative."""
    lanes = int.from_bytes(_INTO_LANES.pack(*measures), "little")
    singly = _places(latency), _places(ttft)
    if singly[0] is not None and singly[1] is not None:
        return Loose(lanes, singly[0], singly[1], 0)
    counts = [0] * (2 * (max(*latency, *ttft, _FIRST_BIN) - _FIRST_BIN + 1))
    for at, bins in enumerate((latency, ttft)):
        for key, count in bins.items():
            counts[2 * (key - _FIRST_BIN) + at] = count
    return Loose(lanes, b"", b"", int.from_bytes(pack(f"<{len(counts)}I", *counts), "little"))


def _places(bins: Mapping[int, int]) -> bytes | None:
    """A byte for each duration; None where these are many, or one of them too long."""
    if not bins:
        return b""
    if sum(bins.values()) > MOST_LOOSELY or max(bins) - _FIRST_BIN > 255:
        return None
    return b"".join(bytes((key - _FIRST_BIN,)) * count for key, count in bins.items())


class Adder:
    """Sums that grow."""

    __slots__ = ("_counts", "_latency", "_measures", "_ttft")

    def __init__(self) -> None:
        self._measures = self._counts = 0
        self._latency, self._ttft = bytearray(), bytearray()

    def add(self, parts: Iterable[Loose]) -> None:
        measures, latency, ttft, counts = zip(*parts, strict=True)
        self._measures += sum(measures)
        self._latency += b"".join(latency)
        self._ttft += b"".join(ttft)
        self._counts += sum(counts)

    def cell(self) -> Cell:
        """As stored. Raises OverflowError where a measure is beyond 64 bits."""
        halves = _OUT_OF_LANES.unpack(self._measures.to_bytes(_OUT_OF_LANES.size, "little"))
        measures = [low + (high << 64) for low, high in zip(halves[::2], halves[1::2], strict=True)]
        counts = _counts(self._counts)
        return _encode(measures), _counted(self._latency, counts[::2]), _counted(self._ttft, counts[1::2])


def encode(sums: Sums) -> Cell:
    """Sums in their usual form, as stored."""
    return _encode(sums.values), _histogram(_placed(sums.latency)), _histogram(_placed(sums.ttft))


def total(cells: Sequence[Cell]) -> Sums:
    """All of at least one stored cell together."""
    if len(cells) == 1:
        ((one, latencies, ttfts),) = cells
        return Sums(_decode(one), _decoded(latencies), _decoded(ttfts))
    measures, latency, ttft = zip(*cells, strict=True)
    values = list(map(sum, zip(*map(_decode, measures), strict=True)))
    return Sums(values, _together(latency), _together(ttft))


def _counts(lanes: int) -> tuple[int, ...]:
    length = -(-lanes.bit_length() // _COUNT_BITS)
    return unpack(f"<{length}I", lanes.to_bytes(length * 4, "little"))


def _counted(places: bytes | bytearray, counts: Sequence[int]) -> bytes:
    """What is counted both ways, as stored."""
    if not any(counts):
        return _histogram(Counter(places))
    bins = Counter({at: count for at, count in enumerate(counts) if count})
    bins.update(places)
    return _histogram(bins)


def _histogram(bins: Mapping[int, int]) -> bytes:
    """Counts by the place of their bin, as stored."""
    if not bins:
        return histogram.EMPTY
    first, last = min(bins), max(bins)
    if last < 256 and sum(bins.values()) <= MOST_SINGLY:
        return bytes((_SINGLY, *(at for at in sorted(bins) for _ in range(bins[at]))))
    counts = [bins.get(at, 0) for at in range(first, last + 1)]
    form = _NARROW if max(counts) < 1 << _NARROW_BITS else _WIDE
    return pack(f"<BH{len(counts)}{_TYPES[form]}", form, first, *counts)


def _placed(bins: Mapping[int, int]) -> Mapping[int, int]:
    return {key - _FIRST_BIN: count for key, count in bins.items()}


def _together(blobs: Sequence[bytes]) -> histogram.Bins:
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
    bins = _of_places(b"".join(singly))
    for lanes, step, start in ((even, 2, 0), (odd, 2, 1), (whole, 1, 0)):
        if lanes:
            empty = ((lanes & -lanes).bit_length() - 1) // _COUNT_BITS
            key = _FIRST_BIN + start + step * empty
            counts = _counts(lanes >> _COUNT_BITS * empty)
            found = dict(compress(zip(range(key, key + step * len(counts), step), counts, strict=True), counts))
            if bins:
                histogram.add(bins, found)
            else:
                bins = found
    return bins


def _decoded(blob: bytes) -> histogram.Bins:
    if not blob:
        return {}
    if blob[0] == _SINGLY:
        return _of_places(blob[1:])
    form, first = _HEAD.unpack_from(blob)
    counts = unpack_from(f"<{(len(blob) - _HEAD.size) // form}{_TYPES[form]}", blob, _HEAD.size)
    return dict(compress(enumerate(counts, first + _FIRST_BIN), counts))


def _of_places(places: bytes) -> histogram.Bins:
    return {at + _FIRST_BIN: count for at, count in Counter(places).items()}
