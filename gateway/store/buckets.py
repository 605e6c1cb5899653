"""Buckets: sums per slice of time, added up in memory per commit and then merged into their tables.

Two tables. `buckets` has the totals and one row per value of each single dimension, in quarters of an hour and
rolled up to hours and days; `combined` has one row per combination of all dimensions, by half-hour, which is where
the hours of half-hour zones begin too, and day; as have whole sets of tags in `buckets`. Days are those of the
store's own time zone. A row counts once in each, except that it counts for each of its tags; value 0 stands for rows
without the dimension.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store import histogram
from gateway.store.measures import HISTOGRAMS, MEASURES, measure
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import NO_NAME, Names
from gateway.store.quarters import HALF_QUARTERS, HOUR_QUARTERS, day_start, quarter_of
from gateway.tags import tag_key

QUARTER, HOUR, DAY, HALF = 0, 1, 2, 3
TOTAL = 0
DIMENSION_IDS: Mapping[str, int] = {
    "provider": 1,
    "model": 2,
    "key": 3,
    "user": 4,
    "app": 5,
    "door": 6,
    "outcome": 7,
    "tag": 8,
    "tag_key": 9,
    "client": 10,
    "tag_set": 11,
}
_TAG_SET = COMBINED_DIMENSIONS.index("tag_set")
_SINGLE_IDS = tuple(
    (index, DIMENSION_IDS[name]) for index, name in enumerate(COMBINED_DIMENSIONS) if index != _TAG_SET
)

_PLUS = ", ".join(
    [
        *(f"{name} = {name} + excluded.{name}" for name in MEASURES),
        *(f"{name} = merge_histograms({name}, excluded.{name})" for name in HISTOGRAMS),
    ]
)


def _upsert(table: str, keys: Sequence[str]) -> str:
    columns = [*keys, *MEASURES, *HISTOGRAMS]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {_PLUS}"
    )


BUCKET_KEY = ("level", "dimension", "start", "value")
COMBINED_KEY = ("level", "start", *COMBINED_DIMENSIONS)
ADD_TO_BUCKETS = _upsert("buckets", BUCKET_KEY)
ADD_TO_COMBINED = _upsert("combined", COMBINED_KEY)

Key = tuple[int, ...]
Share = tuple[int, int | None, int | None]

# A dimension and a value of it in one integer, which is looked up faster than a pair.
_DIMENSION_BITS = 4
_DIMENSION_MASK = 2**_DIMENSION_BITS - 1

# All measures of a row in one integer of 64-bit lanes: adding many rows is then one addition for each.
_LANES = Struct(f"<{len(MEASURES)}q")


class _Part:
    """Sums of some rows: packed measures, and both histograms."""

    __slots__ = ("_columns", "latency", "packed", "ttft")

    def __init__(self, packed: int, latency: histogram.Bins, ttft: histogram.Bins) -> None:
        self.packed = packed
        self.latency = latency
        self.ttft = ttft
        self._columns: tuple[int | bytes, ...] | None = None

    @property
    def columns(self) -> tuple[int | bytes, ...]:
        """As they are stored. Kept, because a part that is alone in its hour is also the hour's."""
        if self._columns is None:
            measures = _LANES.unpack(self.packed.to_bytes(_LANES.size, "little"))
            self._columns = (*measures, histogram.encode(self.latency), histogram.encode(self.ttft))
        return self._columns


def add(connection: sqlite3.Connection, names: Names, zone: ZoneInfo, records: Iterable[ExchangeRecord]) -> None:
    """Count new rows, within the transaction that writes them; their texts must have been learnt."""
    quarters: defaultdict[int, defaultdict[int, list[Share]]] = defaultdict(lambda: defaultdict(list))
    pieces: defaultdict[Key, list[Share]] = defaultdict(list)
    cells_of: dict[Key, list[int]] = {}
    for record in records:
        values = values_of(names, record)
        cells = cells_of.get(values)
        if cells is None:
            cells = cells_of[values] = _cells(names, values, record.tags)
        share = _share(record)
        quarter = quarter_of(record.started_us)
        singles = quarters[quarter]
        for cell in cells:
            singles[cell].append(share)
        pieces[(quarter - quarter % HALF_QUARTERS, day_start(quarter, zone), *values)].append(share)
    combinations = _combinations(pieces)
    connection.executemany(ADD_TO_BUCKETS, _rows(_singles(quarters, zone) | _tag_sets(combinations)))
    connection.executemany(ADD_TO_COMBINED, _rows(combinations))


def values_of(names: Names, record: ExchangeRecord) -> Key:
    """A row's dimensions as numbers, in the order of `COMBINED_DIMENSIONS`; its texts must have been learnt."""
    number = names.number
    return (
        number(record.user),
        number(record.model),
        names.tag_set_id(record.tags),
        number(record.provider),
        number(record.key),
        number(record.app),
        number(record.door),
        number(record.outcome),
        number(record.client),
    )


def share_of(record: ExchangeRecord) -> tuple[tuple[int, ...], histogram.Bins, histogram.Bins]:
    """What a row adds to each cell that it counts in: its measures, and both histograms."""
    bins = [{} if us is None else {histogram.bin_of(us): 1} for us in (record.latency_us, record.ttft_us)]
    return tuple(map(int, measure(record))), bins[0], bins[1]


def _cells(names: Names, values: Key, tags: Sequence[str]) -> list[int]:
    """The dimensions and values that a row counts in."""
    cells = [(TOTAL, NO_NAME), *((dimension, values[index]) for index, dimension in _SINGLE_IDS)]
    cells += [(DIMENSION_IDS["tag"], names.id(tag)) for tag in set(tags) or (None,)]
    cells += [(DIMENSION_IDS["tag_key"], names.id(key)) for key in set(map(tag_key, tags))]
    return [value << _DIMENSION_BITS | dimension for dimension, value in cells]


def _share(record: ExchangeRecord) -> Share:
    latency, ttft = record.latency_us, record.ttft_us
    return (
        int.from_bytes(_LANES.pack(*measure(record)), "little"),
        None if latency is None else histogram.bin_of(latency),
        None if ttft is None else histogram.bin_of(ttft),
    )


def _sum(shares: Sequence[Share]) -> _Part:
    packed = 0
    latencies: histogram.Bins = {}
    ttfts: histogram.Bins = {}
    for each, latency, ttft in shares:
        packed += each
        if latency is not None:
            latencies[latency] = latencies.get(latency, 0) + 1
        if ttft is not None:
            ttfts[ttft] = ttfts.get(ttft, 0) + 1
    return _Part(packed, latencies, ttfts)


def _singles(quarters: Mapping[int, Mapping[int, Sequence[Share]]], zone: ZoneInfo) -> dict[Key, _Part]:
    cells: dict[Key, _Part] = {}
    # An hour of UTC can lie in two days of a zone, so what is summed once for both is their common piece.
    pieces: defaultdict[Key, list[_Part]] = defaultdict(list)
    for quarter, singles in quarters.items():
        hour, day = quarter - quarter % HOUR_QUARTERS, day_start(quarter, zone)
        for cell, shares in singles.items():
            dimension, value = cell & _DIMENSION_MASK, cell >> _DIMENSION_BITS
            cells[(QUARTER, dimension, quarter, value)] = part = _sum(shares)
            pieces[(dimension, hour, day, value)].append(part)
    coarse: defaultdict[Key, list[_Part]] = defaultdict(list)
    for (dimension, hour, day, value), parts in pieces.items():
        piece = _merged(parts)
        coarse[(HOUR, dimension, hour, value)].append(piece)
        coarse[(DAY, dimension, day, value)].append(piece)
    cells.update((key, _merged(parts)) for key, parts in coarse.items())
    return cells


def _combinations(pieces: Mapping[Key, Sequence[Share]]) -> dict[Key, _Part]:
    coarse: defaultdict[Key, list[_Part]] = defaultdict(list)
    for (half, day, *values), shares in pieces.items():
        piece = _sum(shares)
        coarse[(HALF, half, *values)].append(piece)
        coarse[(DAY, day, *values)].append(piece)
    return {key: _merged(parts) for key, parts in coarse.items()}


def _tag_sets(combinations: Mapping[Key, _Part]) -> dict[Key, _Part]:
    cells: defaultdict[Key, list[_Part]] = defaultdict(list)
    for (level, start, *values), part in combinations.items():
        cells[(level, DIMENSION_IDS["tag_set"], start, values[_TAG_SET])].append(part)
    return {key: _merged(parts) for key, parts in cells.items()}


def _merged(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    latency: histogram.Bins = {}
    ttft: histogram.Bins = {}
    packed = 0
    for part in parts:
        packed += part.packed
        histogram.add(latency, part.latency)
        histogram.add(ttft, part.ttft)
    return _Part(packed, latency, ttft)


def _rows(cells: Mapping[Key, _Part]) -> Iterator[tuple[int | bytes, ...]]:
    # In key order the tables' pages are each touched once.
    for key in sorted(cells):
        yield key + cells[key].columns
