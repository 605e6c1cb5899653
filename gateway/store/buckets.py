"""Buckets: sums per slice of time, added up in memory per commit and then merged into their tables.

Two tables. `buckets` has the totals and one row per value of each single dimension, in quarters of an hour and
rolled up to hours and days; `combined` has one row per combination of all dimensions, by half-hour, which is where
the hours of half-hour zones begin too, and day; as have whole sets of tags in `buckets`. Days are those of the
store's own time zone. A row counts once in each, except that it counts for each of its tags; value 0 stands for rows
without the dimension.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter, itemgetter
from struct import Struct
from typing import Any
from zoneinfo import ZoneInfo

from gateway.records import COST_SOURCES, USAGE_SOURCES, ExchangeRecord
from gateway.store import histogram
from gateway.store.histogram import character_of, of_characters
from gateway.store.measures import (
    COUNTS,
    DURATIONS,
    FAILED_OUTCOMES,
    HISTOGRAMS,
    MEASURES,
    generation_us,
    measure,
)
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

# What few cells have: those without are written, and added to, without naming it.
_RARE = (
    "usage_partial",
    "usage_estimated",
    "usage_none",
    "cost_provider",
    "cost_override",
    *(
        measure
        for count in ("cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens", "output_audio_tokens")
        for measure in (count, f"{count}_known")
    ),
    "web_searches",
    "web_searches_known",
)
_COMMON = tuple(measure for measure in MEASURES if measure not in _RARE)


def _upsert(table: str, keys: Sequence[str], measures: Sequence[str]) -> str:
    columns = [*keys, *measures, *HISTOGRAMS]
    absent = [measure for measure in MEASURES if measure not in measures]
    sums = [f"{name} = {name} + excluded.{name}" for name in measures]
    sums += [f"{name} = merge_histograms({name}, excluded.{name})" for name in HISTOGRAMS]
    return (
        f"INSERT INTO {table} ({', '.join([*columns, *absent])}) "
        f"VALUES ({', '.join(['?'] * len(columns) + ['0'] * len(absent))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sums)}"
    )


BUCKET_KEY = ("level", "dimension", "start", "value")
COMBINED_KEY = ("level", "start", *COMBINED_DIMENSIONS)
ADD_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, MEASURES)
ADD_TO_COMBINED = _upsert("combined", COMBINED_KEY, MEASURES)
_ADD_COMMON_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, _COMMON)
_ADD_COMMON_TO_COMBINED = _upsert("combined", COMBINED_KEY, _COMMON)

Key = tuple[int, ...]
Columns = tuple[int | bytearray, ...]

# What is yet to be added up: packed measures, and for each known duration a character.
Piece = tuple[int, str, str]

# A dimension and a value of it in one integer, which is looked up faster than a pair.
_DIMENSION_BITS = 4
_DIMENSION_MASK = 2**_DIMENSION_BITS - 1

# All measures of a row in one integer of 64-bit lanes: adding many rows is then one addition for each. What is rare
# lies above the rest, so that an integer's length tells whether there is any.
_LANES, _COMMON_LANES = Struct(f"<{len(MEASURES)}q"), Struct(f"<{len(_COMMON)}q")
_RARE_BIT = 8 * _COMMON_LANES.size
_in_order = itemgetter(*map((*_COMMON, *_RARE).index, MEASURES))
_UNITS = {measure: 1 << 64 * at for at, measure in enumerate((*_COMMON, *_RARE))}
# Of each number that a row may know: what to add where it is known, and what it counts in.
_KNOWN_UNITS = tuple((_UNITS[f"{name}_known"], _UNITS[name]) for name in (*COUNTS, *DURATIONS))
_OF_USAGE = {source: _UNITS[f"usage_{source}"] for source in USAGE_SOURCES}
_OF_COST = {source: _UNITS[f"cost_{source}"] for source in COST_SOURCES}
_known_of = attrgetter(*COUNTS, *DURATIONS)

_dimensions_of = attrgetter(*("tags" if name == "tag_set" else name for name in COMBINED_DIMENSIONS))


class _Part:
    """Sums of some rows: packed measures, and the bins of both durations."""

    __slots__ = ("_columns", "latency", "packed", "ttft")

    def __init__(self, packed: int, latency: str, ttft: str) -> None:
        self.packed = packed
        self.latency = latency
        self.ttft = ttft
        self._columns: Columns | None = None

    @property
    def is_common(self) -> bool:
        return self.packed.bit_length() <= _RARE_BIT

    @property
    def columns(self) -> Columns:
        """As they are stored, without what is rare where there is none of it. Kept, because a part that is alone in
        its hour is also the hour's."""
        if self._columns is None:
            if self.is_common:
                measures = _COMMON_LANES.unpack(self.packed.to_bytes(_COMMON_LANES.size, "little"))
            else:
                measures = measures_of(self.packed)
            # Python's SQLite looks for a way to adapt bytes, each time, and none for a bytearray.
            self._columns = (*measures, bytearray(of_characters(self.latency)), bytearray(of_characters(self.ttft)))
        return self._columns


def add(connection: sqlite3.Connection, names: Names, zone: ZoneInfo, records: Iterable[ExchangeRecord]) -> None:
    """Count new rows, within the transaction that writes them."""
    quarters: defaultdict[int, defaultdict[tuple[Any, ...], list[Piece]]]
    quarters = defaultdict(lambda: defaultdict(list))
    for record in records:
        quarters[quarter_of(record.started_us)][_dimensions_of(record)].append(_share(record))
    # Rows alike are added up once, before they are added to the dozen cells that each counts in.
    numbered: dict[tuple[Any, ...], tuple[Key, list[int]]] = {}
    singles: dict[int, defaultdict[int, list[Piece]]] = {}
    combined: defaultdict[Key, list[Piece]] = defaultdict(list)
    for quarter, alike in quarters.items():
        of_quarter = singles[quarter] = defaultdict(list)
        place = (quarter - quarter % HALF_QUARTERS, day_start(quarter, zone))
        for dimensions, pieces in alike.items():
            known = numbered.get(dimensions)
            if known is None:
                known = numbered[dimensions] = _numbered(names, dimensions)
            values, cells = known
            piece = _joined(pieces)
            for cell in cells:
                of_quarter[cell].append(piece)
            combined[place + values].append(piece)
    combinations = _combinations(combined)
    _write(connection, _singles(singles, zone) | _tag_sets(combinations), ADD_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)
    _write(connection, combinations, ADD_TO_COMBINED, _ADD_COMMON_TO_COMBINED)


def values_of(names: Names, record: ExchangeRecord) -> Key:
    """A row's dimensions as numbers, in the order of `COMBINED_DIMENSIONS`."""
    values, _ = _numbered(names, _dimensions_of(record))
    return values


def share_of(record: ExchangeRecord) -> tuple[tuple[int, ...], histogram.Bins, histogram.Bins]:
    """What a row adds to each cell that it counts in: its measures, and both histograms."""
    bins = [{} if us is None else {histogram.bin_of(us): 1} for us in (record.latency_us, record.ttft_us)]
    return tuple(map(int, measure(record))), bins[0], bins[1]


def _numbered(names: Names, dimensions: Sequence[Any]) -> tuple[Key, list[int]]:
    """A row's dimensions as numbers, and those with their values that it counts in."""
    number = names.number
    tags = dimensions[_TAG_SET]
    values = tuple(names.tag_set(tags) if at == _TAG_SET else number(text) for at, text in enumerate(dimensions))
    cells = [(TOTAL, NO_NAME), *((dimension, values[index]) for index, dimension in _SINGLE_IDS)]
    cells += [(DIMENSION_IDS["tag"], number(tag)) for tag in set(tags) or (None,)]
    cells += [(DIMENSION_IDS["tag_key"], number(key)) for key in set(map(tag_key, tags))]
    return values, [value << _DIMENSION_BITS | dimension for dimension, value in cells]


def _share(record: ExchangeRecord) -> Piece:
    latency, ttft = record.latency_us, record.ttft_us
    return (
        packed(record),
        "" if latency is None else character_of(latency),
        "" if ttft is None else character_of(ttft),
    )


def packed(record: ExchangeRecord) -> int:
    """What `measure` says of a row, in lanes: a few additions instead of three dozen values."""
    cost, usage, generation = record.cost_nano, record.usage_source, generation_us(record)
    priced = cost is not None or not record.unpriced
    lanes = _flags(record.outcome in FAILED_OUTCOMES, priced, usage, record.cost_source)
    if cost:
        lanes += cost * _UNITS["cost_nano"]
    if generation is not None:
        lanes += generation * _UNITS["generation_us"] + (record.output_tokens or 0) * _UNITS["generated_tokens"]
    for number, (known, unit) in zip(_known_of(record), _KNOWN_UNITS, strict=True):
        if number is not None:
            lanes += number * unit + known
    return lanes


def measures_of(lanes: int) -> tuple[int, ...]:
    """In the order of `MEASURES`."""
    measures: tuple[int, ...] = _in_order(_LANES.unpack(lanes.to_bytes(_LANES.size, "little")))
    return measures


@lru_cache(maxsize=256)
def _flags(failed: bool, priced: bool, usage_source: str, cost_source: str) -> int:
    lanes = _UNITS["requests"] + failed * _UNITS["errors"] + priced * _UNITS["priced"]
    return lanes + _OF_USAGE.get(usage_source, 0) + _OF_COST.get(cost_source, 0)


def _joined(pieces: Sequence[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    lanes, latency, ttft = zip(*pieces, strict=True)
    return sum(lanes), "".join(latency), "".join(ttft)


def _singles(quarters: Mapping[int, Mapping[int, Sequence[Piece]]], zone: ZoneInfo) -> dict[Key, _Part]:
    cells: dict[Key, _Part] = {}
    # An hour of UTC can lie in two days of a zone, so what is summed once for both is their common piece.
    pieces: defaultdict[Key, list[_Part]] = defaultdict(list)
    for quarter, singles in quarters.items():
        hour, day = quarter - quarter % HOUR_QUARTERS, day_start(quarter, zone)
        for cell, alike in singles.items():
            dimension, value = cell & _DIMENSION_MASK, cell >> _DIMENSION_BITS
            cells[(QUARTER, dimension, quarter, value)] = part = _Part(*_joined(alike))
            pieces[(dimension, hour, day, value)].append(part)
    coarse: defaultdict[Key, list[_Part]] = defaultdict(list)
    for (dimension, hour, day, value), parts in pieces.items():
        piece = _merged(parts)
        coarse[(HOUR, dimension, hour, value)].append(piece)
        coarse[(DAY, dimension, day, value)].append(piece)
    cells.update((key, _merged(parts)) for key, parts in coarse.items())
    return cells


def _combinations(pieces: Mapping[Key, Sequence[Piece]]) -> dict[Key, _Part]:
    coarse: defaultdict[Key, list[_Part]] = defaultdict(list)
    for (half, day, *values), alike in pieces.items():
        piece = _Part(*_joined(alike))
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
    return _Part(
        sum([part.packed for part in parts]),
        "".join([part.latency for part in parts]),
        "".join([part.ttft for part in parts]),
    )


def _write(connection: sqlite3.Connection, cells: Mapping[Key, _Part], any_of: str, common: str) -> None:
    # In key order the tables' pages are each touched once.
    in_order = sorted(cells)
    for statement, is_common in ((any_of, False), (common, True)):
        connection.executemany(
            statement, [key + part.columns for key in in_order if (part := cells[key]).is_common is is_common]
        )
