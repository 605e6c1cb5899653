"""Sums of a pair of values in few bytes, of which thousands add up fast.

Stored are three values: the measures as a MessagePack array, and both histograms, each as a form's byte and what
follows from it: up to 48 durations are a byte each, in no order; more are the counts of all bins from a first one on,
two or four bytes each, which add up as one large integer. In memory all of it is one integer of lanes, so adding a
cell to another is one addition.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from struct import Struct, pack, unpack, unpack_from

import msgspec

from gateway.store import histogram
from gateway.store.measures import MEASURES, Sums

Cell = tuple[bytes, bytes, bytes]
"""Measures, latency and time to first token, as stored."""

MOST_SINGLY = 48
_SINGLY, _NARROW, _WIDE = 1, 2, 4
_TYPES = {_NARROW: "H", _WIDE: "I"}
_HEAD = Struct("<BH")
# The bin of one microsecond, which is the shortest duration.
_FIRST_BIN = histogram.bin_of(1)
# Wider than SQLite's integers: a sum that these cannot hold is seen, and spoils no other.
_INTO_LANES, _OUT_OF_LANES = Struct("<" + "q4x" * len(MEASURES)), Struct("<" + "QI" * len(MEASURES))
_MEASURES_BITS = 8 * _INTO_LANES.size
_MEASURES_MASK = (1 << _MEASURES_BITS) - 1
_COUNT_BITS, _NARROW_BITS = 32, 16
_EVEN = int.from_bytes(b"\xff\xff\x00\x00" * 1024, "little")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode


def lanes_of(measures: Sequence[int], latency: Mapping[int, int], ttft: Mapping[int, int]) -> int:
    """Sums as one integer. None of them is negative."""
    counts = [0] * (2 * (max((*latency, *ttft), default=_FIRST_BIN) - _FIRST_BIN + 1))
    for at, bins in enumerate((latency, ttft)):
        for key, count in bins.items():
            counts[2 * (key - _FIRST_BIN) + at] = count
    wide = pack(f"<{len(counts)}I", *counts)
    return int.from_bytes(_INTO_LANES.pack(*measures) + wide, "little")


def encode_lanes(lanes: int) -> Cell:
    """The sums as stored. Raises OverflowError where a measure is beyond 64 bits."""
    halves = _OUT_OF_LANES.unpack((lanes & _MEASURES_MASK).to_bytes(_OUT_OF_LANES.size, "little"))
    measures = [low + (high << 64) for low, high in zip(halves[::2], halves[1::2], strict=True)]
    counts = _counts(lanes >> _MEASURES_BITS)
    return _encode(measures), _histogram(counts[::2]), _histogram(counts[1::2])


def encode(sums: Sums) -> Cell:
    """Likewise, of sums in their usual form."""
    return _encode(sums.values), _histogram(_listed(sums.latency)), _histogram(_listed(sums.ttft))


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


def _listed(bins: Mapping[int, int]) -> Sequence[int]:
    return [bins.get(key, 0) for key in range(_FIRST_BIN, max(bins) + 1)] if bins else ()


def _histogram(counts: Sequence[int]) -> bytes:
    """Stored counts of all bins from the first one on."""
    used = [at for at, count in enumerate(counts) if count]
    if not used:
        return histogram.EMPTY
    first, last = used[0], used[-1]
    if last < 256 and sum(counts) <= MOST_SINGLY:
        return bytes((_SINGLY, *(at for at in used for _ in range(counts[at]))))
    form = _NARROW if max(counts) < 1 << _NARROW_BITS else _WIDE
    return pack(f"<BH{last + 1 - first}{_TYPES[form]}", form, first, *counts[first : last + 1])


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
            for count in _counts(lanes >> _COUNT_BITS * empty):
                if count:
                    bins[key] = bins.get(key, 0) + count
                key += step
    return bins


def _decoded(blob: bytes) -> histogram.Bins:
    if not blob:
        return {}
    if blob[0] == _SINGLY:
        return _of_places(blob[1:])
    form, first = _HEAD.unpack_from(blob)
    counts = unpack_from(f"<{(len(blob) - _HEAD.size) // form}{_TYPES[form]}", blob, _HEAD.size)
    return {key: count for key, count in enumerate(counts, first + _FIRST_BIN) if count}


def _of_places(places: bytes) -> histogram.Bins:
    return {at + _FIRST_BIN: count for at, count in Counter(places).items()}
