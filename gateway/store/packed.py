"""Sums of a pair of values in few bytes, of which thousands add up fast.

Stored are three values: the measures as a MessagePack array, and both histograms (`packed_bins`). All measures
together are one integer of lanes while they are counted, so adding many is one addition for each.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from struct import Struct, pack
from typing import NamedTuple

import msgspec

from gateway.store import histogram, packed_bins
from gateway.store.measures import MEASURES, Sums
from gateway.store.packed_bins import FIRST_BIN

Cell = tuple[bytes, bytes, bytes]
"""Measures, latency and time to first token, as stored."""

MOST_LOOSELY = 4
# Wider than SQLite's integers: a sum that these cannot hold is seen, and spoils no other.
_INTO_LANES, _OUT_OF_LANES = Struct("<" + "q4x" * len(MEASURES)), Struct("<" + "QI" * len(MEASURES))

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
    counts = [0] * (2 * (max(*latency, *ttft, FIRST_BIN) - FIRST_BIN + 1))
    for at, bins in enumerate((latency, ttft)):
        for key, count in bins.items():
            counts[2 * (key - FIRST_BIN) + at] = count
    return Loose(lanes, b"", b"", int.from_bytes(pack(f"<{len(counts)}I", *counts), "little"))


def joined(parts: Sequence[Loose]) -> Loose:
    """At least one together."""
    if len(parts) == 1:
        return parts[0]
    measures, latency, ttft, counts = zip(*parts, strict=True)
    return Loose(sum(measures), b"".join(latency), b"".join(ttft), sum(counts))


def loose_of(measures: Sequence[int], latency: bytes, ttft: bytes) -> Loose:
    """The same of what combinations store."""
    singly = histogram.few(latency, MOST_LOOSELY), histogram.few(ttft, MOST_LOOSELY)
    if singly[0] is not None and singly[1] is not None:
        return Loose(int.from_bytes(_INTO_LANES.pack(*measures), "little"), singly[0], singly[1], 0)
    return loose(measures, histogram.decode(latency), histogram.decode(ttft))


def _places(bins: Mapping[int, int]) -> bytes | None:
    """A byte for each duration; None where these are many, or one of them too long."""
    if not bins:
        return b""
    if sum(bins.values()) > MOST_LOOSELY or max(bins) - FIRST_BIN > 255:
        return None
    return b"".join(bytes((key - FIRST_BIN,)) * count for key, count in bins.items())


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
        counts = packed_bins.of_lanes(self._counts)
        return _encode(measures), _counted(self._latency, counts[::2]), _counted(self._ttft, counts[1::2])


def encode(sums: Sums) -> Cell:
    """Sums in their usual form, as stored."""
    return _encode(sums.values), packed_bins.encode(sums.latency), packed_bins.encode(sums.ttft)


def measures_of(sums: bytes) -> list[int]:
    """The measures of a stored cell. One of before there were as many lacks the last: it has nothing of them."""
    return _whole(_decode(sums))


def _whole(measures: list[int]) -> list[int]:
    return measures + [0] * (len(MEASURES) - len(measures))


def total(cells: Sequence[Cell]) -> Sums:
    """All of at least one stored cell together."""
    if len(cells) == 1:
        ((one, latencies, ttfts),) = cells
        # Most are asked for their percentiles only, which need no decoding.
        return Sums(measures_of(one), latencies, ttfts)
    measures, latency, ttft = zip(*cells, strict=True)
    values = list(map(sum, zip_longest(*map(_decode, measures), fillvalue=0)))
    return Sums(_whole(values), packed_bins.together(latency), packed_bins.together(ttft))


def _counted(places: bytes | bytearray, counts: Sequence[int]) -> bytes:
    """What is counted both ways, as stored."""
    if not any(counts):
        return packed_bins.of_singles(places)
    bins = Counter({at: count for at, count in enumerate(counts) if count})
    bins.update(places)
    return packed_bins.of_places(bins)
