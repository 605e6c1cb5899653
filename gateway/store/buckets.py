"""Buckets: sums per slice of time, added up in memory per commit and then merged into their tables.

Two tables. `buckets` has the totals and one row per value of each single dimension, in quarters of an hour and
rolled up to hours and days; `combined` has one row per combination of all dimensions, by half-hour, which is where
the hours of half-hour zones begin too, and day; as have whole sets of tags in `buckets`. Days are those of the
store's own time zone. A row counts once in each, except that it counts for each of its tags; value 0 stands for rows
without the dimension.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from struct import Struct
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store import histogram
from gateway.store.histogram import Durations, character_of
from gateway.store.measures import (
    DURATIONS,
    FAILED_OUTCOMES,
    HISTOGRAMS,
    MEASURES,
    generation_us,
    measure,
)
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import NO_NAME, Names
from gateway.store.quarters import day_start, half_start, hour_start, quarter_of
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

# What few cells have: those without are written, and added to, without naming it.
RARE_NUMBERS = (
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "web_searches",
)
_RARE_FLAGS = (
    "usage_partial",
    "usage_estimated",
    "usage_none",
    "cost_provider",
    "cost_override",
    *(f"{number}_known" for number in RARE_NUMBERS),
)
_NUMBERS = (
    "cost_nano",
    "generated_tokens",
    "generation_us",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
    *DURATIONS,
)
_FLAGS = tuple(measure for measure in MEASURES if measure not in (*_NUMBERS, *_RARE_FLAGS, *RARE_NUMBERS))
_COMMON = (*_NUMBERS, *_FLAGS)
_ALL = (*_COMMON, *_RARE_FLAGS, *RARE_NUMBERS)


def _upsert(table: str, keys: Sequence[str], measures: Sequence[str]) -> str:
    columns = [*keys, *measures, *HISTOGRAMS]
    absent = [measure for measure in MEASURES if measure not in measures]
    return (
        f"INSERT INTO {table} ({', '.join([*columns, *absent])}) "
        f"VALUES ({', '.join(['?'] * len(columns) + ['0'] * len(absent))}) {adding(keys, measures)}"
    )


def adding(keys: Sequence[str], measures: Sequence[str]) -> str:
    """SQL behind an insertion into a table with these keys: what is there already grows."""
    sums = [f"{name} = {name} + excluded.{name}" for name in measures]
    sums += [f"{name} = merge_histograms({name}, excluded.{name})" for name in HISTOGRAMS]
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sums)}"


BUCKET_KEY = ("level", "dimension", "start", "value")
COMBINED_KEY = ("level", "start", *COMBINED_DIMENSIONS)
ADD_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, MEASURES)
ADD_TO_COMBINED = _upsert("combined", COMBINED_KEY, MEASURES)
_ADD_ALL_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, _ALL)
_ADD_ALL_TO_COMBINED = _upsert("combined", COMBINED_KEY, _ALL)
_ADD_COMMON_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, _COMMON)
_ADD_COMMON_TO_COMBINED = _upsert("combined", COMBINED_KEY, _COMMON)

Key = tuple[int, ...]
Cell = TypeVar("Cell")

# Sums of some rows: packed measures, and both durations.
Piece = tuple[int, Durations, Durations]
# When a row began (µs), its dimensions as numbers, in the order of `COMBINED_DIMENSIONS`, and its share.
Combined = tuple[int, Key, Piece]
# By the key's first numbers, which many have in common, and its last.
Cells = dict[Key, dict[Key, Piece]]

# A dimension and a value of it in one integer, which is looked up faster than a pair.
_DIMENSION_BITS = 4
_DIMENSION_MASK = 2**_DIMENSION_BITS - 1

# All measures of a row in one integer of lanes: adding many rows is then one addition for each. Numbers have lanes of
# 64 bits and what counts rows of 32, for the rows of one commit. What is rare lies above the rest, so that an
# integer's size tells whether there is any.
_LANES = Struct(f"<{len(_NUMBERS)}q{len(_FLAGS) + len(_RARE_FLAGS)}I{len(RARE_NUMBERS)}q")
_COMMON_LANES = Struct(f"<{len(_NUMBERS)}q{len(_FLAGS)}I")
_NUMBER_LANES = Struct(f"<{len(_NUMBERS)}q")
_FIRST_RARE = 1 << 8 * _COMMON_LANES.size
_FLAG_UNITS = {flag: 1 << 8 * _NUMBER_LANES.size + 32 * at for at, flag in enumerate((*_FLAGS, *_RARE_FLAGS))}
_RARE_UNITS = {
    number: 1 << 8 * (_COMMON_LANES.size + 4 * len(_RARE_FLAGS) + 8 * at) for at, number in enumerate(RARE_NUMBERS)
}
NUMBERS_OF_ROWS = ("cost_nano", *_NUMBERS[3:])
_numbers_of = attrgetter(*NUMBERS_OF_ROWS)
_rare_of = attrgetter(*RARE_NUMBERS)
_NOTHING_RARE = (None,) * len(RARE_NUMBERS)

_pack_numbers, _from_bytes = _NUMBER_LANES.pack, int.from_bytes

_dimensions_of = attrgetter(*("tags" if name == "tag_set" else name for name in COMBINED_DIMENSIONS))


def add(connection: sqlite3.Connection, names: Names, zone: ZoneInfo, records: Iterable[ExchangeRecord]) -> None:
    """Count new rows, within the transaction that writes them; their combinations are counted later (`combining`)."""
    quarters: defaultdict[int, list[ExchangeRecord]] = defaultdict(list)
    for record in records:
        quarters[quarter_of(record.started_us)].append(record)
    # Rows alike in some dimensions are added up before they are added to the cells that each counts in.
    together = [(of, _CellsOf(names, cells)) for of, cells in _TOGETHER]
    singles: dict[int, dict[int, Piece]] = {}
    for quarter, some in quarters.items():
        shares = [_share(record) for record in some]
        of_quarter: defaultdict[int, list[Piece]] = defaultdict(list)
        for of, cells_of in together:
            alike: defaultdict[Any, list[Piece]] = defaultdict(list)
            for values, share in zip(map(of, some), shares, strict=True):
                alike[values].append(share)
            for values, piece in _each_joined(alike).items():
                for cell in cells_of[values]:
                    of_quarter[cell].append(piece)
        singles[quarter] = _each_joined(of_quarter)
    _write(connection, _singles(singles, zone), _ADD_ALL_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)


def combine(connection: sqlite3.Connection, zone: ZoneInfo, rows: Iterable[Combined]) -> None:
    """Count rows by all dimensions together, and by whole sets of tags."""
    halves: defaultdict[tuple[int, int], defaultdict[Key, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    of_quarters: dict[int, defaultdict[Key, list[Piece]]] = {}
    for started_us, values, share in rows:
        quarter = quarter_of(started_us)
        of_quarter = of_quarters.get(quarter)
        if of_quarter is None:
            of_quarter = of_quarters[quarter] = halves[half_start(quarter), day_start(quarter, zone)]
        of_quarter[values].append(share)
    combinations = _combinations(halves)
    _write(connection, _tag_sets(combinations), _ADD_ALL_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)
    _write(connection, combinations, _ADD_ALL_TO_COMBINED, _ADD_COMMON_TO_COMBINED)


def combined_of(names: Names, record: ExchangeRecord) -> Combined:
    """A row as `combine` takes it."""
    return record.started_us, values_of(names, record), _share(record)


def values_of(names: Names, record: ExchangeRecord) -> Key:
    """A row's dimensions as numbers, in the order of `COMBINED_DIMENSIONS`."""
    number = names.number
    dimensions = enumerate(_dimensions_of(record))
    return tuple(names.tag_set(value) if at == _TAG_SET else number(value) for at, value in dimensions)


def share_of(record: ExchangeRecord) -> tuple[tuple[int, ...], histogram.Bins, histogram.Bins]:
    """What a row adds to each cell that it counts in: its measures, and both histograms."""
    bins = [{} if us is None else {histogram.bin_of(us): 1} for us in (record.latency_us, record.ttft_us)]
    return tuple(map(int, measure(record))), bins[0], bins[1]


def _cells_of_values(*dimensions: str) -> Callable[[Names, Any], Key]:
    ids = [DIMENSION_IDS[name] for name in dimensions]
    return lambda names, values: tuple(
        names.number(value) << _DIMENSION_BITS | dimension for value, dimension in zip(values, ids, strict=True)
    )


def _cells_of_tags(names: Names, tags: tuple[str, ...]) -> Key:
    cells = [(DIMENSION_IDS["tag"], names.number(tag)) for tag in set(tags) or (None,)]
    cells += [(DIMENSION_IDS["tag_key"], names.number(key)) for key in set(map(tag_key, tags))]
    cells.append((TOTAL, NO_NAME))
    return tuple(value << _DIMENSION_BITS | dimension for dimension, value in cells)


# Dimensions whose values go together: a user has a key or two, a model one provider.
_TOGETHER: Sequence[tuple[Callable[[ExchangeRecord], Any], Callable[[Names, Any], Key]]] = (
    *(
        (attrgetter(*some), _cells_of_values(*some))
        for some in (("user", "key", "client"), ("model", "provider", "app"), ("door", "outcome"))
    ),
    (attrgetter("tags"), _cells_of_tags),
)


class _CellsOf(dict[Any, Key]):
    """The cells that rows with these values of some dimensions count in, each a dimension and a value."""

    def __init__(self, names: Names, cells: Callable[[Names, Any], Key]) -> None:
        super().__init__()
        self._names = names
        self._cells = cells

    def __missing__(self, values: Any) -> Key:
        cells = self[values] = self._cells(self._names, values)
        return cells


def _share(record: ExchangeRecord) -> Piece:
    return piece(packed(record), record.latency_us, record.ttft_us)


def piece(lanes: int, latency_us: int | None, ttft_us: int | None) -> Piece:
    """What a row adds to each cell that it counts in."""
    return (
        lanes,
        "" if latency_us is None else character_of(latency_us),
        "" if ttft_us is None else character_of(ttft_us),
    )


def packed(record: ExchangeRecord) -> int:
    """What `measure` says of a row, in lanes: a few additions instead of three dozen values."""
    return lanes_of(
        _numbers_of(record),
        generation_us(record),
        _rare_of(record),
        (
            record.outcome,
            record.cost_nano is not None or not record.unpriced,
            record.usage_source,
            record.cost_source,
        ),
    )


def lanes_of(
    numbers: Sequence[int | None],
    generation: int | None,
    rare: Sequence[int | None],
    words: tuple[str, bool, str, str],
) -> int:
    """The same of `NUMBERS_OF_ROWS`, `generation_us`, `RARE_NUMBERS`, and (outcome, whether no price is lacking,
    `usage_source`, `cost_source`) of a row."""
    cost, fresh, cached, output, reasoning, latency, ttft = numbers
    lanes = _flags(words, tuple([number is None for number in numbers[1:]])) + _from_bytes(
        _pack_numbers(
            cost or 0,
            0 if generation is None else output or 0,
            generation or 0,
            fresh or 0,
            cached or 0,
            output or 0,
            reasoning or 0,
            latency or 0,
            ttft or 0,
        ),
        "little",
    )
    return lanes if rare == _NOTHING_RARE else lanes + _rare(rare)


def _rare(numbers: Iterable[int | None]) -> int:
    return sum(
        number * _RARE_UNITS[name] + _FLAG_UNITS[f"{name}_known"]
        for name, number in zip(RARE_NUMBERS, numbers, strict=True)
        if number is not None
    )


@lru_cache(maxsize=2048)
def _flags(words: tuple[str, bool, str, str], unknown: tuple[bool, ...]) -> int:
    outcome, priced, usage_source, cost_source = words
    names = ["requests", f"usage_{usage_source}", f"cost_{cost_source}"]
    names += [f"{name}_known" for name, missing in zip(NUMBERS_OF_ROWS[1:], unknown, strict=True) if not missing]
    names += ["errors"] * (outcome in FAILED_OUTCOMES) + ["priced"] * priced
    return sum(_FLAG_UNITS.get(name, 0) for name in names)


def _joined(pieces: Sequence[Piece]) -> Piece:
    lanes, latency, ttft = zip(*pieces, strict=True)
    return sum(lanes), histogram.joined(latency), histogram.joined(ttft)


def _each_joined(pieces: Mapping[Cell, Sequence[Piece]]) -> dict[Cell, Piece]:
    return {cell: some[0] if len(some) == 1 else _joined(some) for cell, some in pieces.items()}


def _singles(quarters: Mapping[int, Mapping[int, Piece]], zone: ZoneInfo) -> Cells:
    """By level, dimension and start, then by value."""
    # An hour of UTC can lie in two days of a zone, so what is summed once for both is their common piece.
    hours: defaultdict[tuple[int, int], defaultdict[int, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    cells: Cells = {}
    for quarter, singles in quarters.items():
        _put(cells, QUARTER, quarter, singles)
        of_hour = hours[hour_start(quarter), day_start(quarter, zone)]
        for cell, piece in singles.items():
            of_hour[cell].append(piece)
    coarse: defaultdict[tuple[int, int], defaultdict[int, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    for (hour, day), pieces in hours.items():
        of_hour, of_day = coarse[HOUR, hour], coarse[DAY, day]
        for cell, piece in _each_joined(pieces).items():
            of_hour[cell].append(piece)
            of_day[cell].append(piece)
    for (level, start), pieces in coarse.items():
        _put(cells, level, start, _each_joined(pieces))
    return cells


def _put(cells: Cells, level: int, start: int, singles: Mapping[int, Piece]) -> None:
    for cell, piece in singles.items():
        key = (level, cell & _DIMENSION_MASK, start)
        of_key = cells.get(key)
        if of_key is None:
            of_key = cells[key] = {}
        of_key[(cell >> _DIMENSION_BITS,)] = piece


def _combinations(halves: Mapping[tuple[int, int], Mapping[Key, Sequence[Piece]]]) -> Cells:
    """By level and start, then by the values of all dimensions."""
    coarse: defaultdict[Key, defaultdict[Key, list[Piece]]] = defaultdict(lambda: defaultdict(list))
    for (half, day), pieces in halves.items():
        of_half, of_day = coarse[HALF, half], coarse[DAY, day]
        for values, piece in _each_joined(pieces).items():
            of_half[values].append(piece)
            of_day[values].append(piece)
    return {key: _each_joined(pieces) for key, pieces in coarse.items()}


def _tag_sets(combinations: Cells) -> Cells:
    cells: Cells = {}
    for (level, start), pieces in combinations.items():
        of_sets: defaultdict[Key, list[Piece]] = defaultdict(list)
        for values, piece in pieces.items():
            of_sets[(values[_TAG_SET],)].append(piece)
        cells[level, DIMENSION_IDS["tag_set"], start] = _each_joined(of_sets)
    return cells


def _columns(piece: Piece) -> tuple[Any, ...]:
    """As they are stored, without what is rare where there is none of it."""
    packed, latency, ttft = piece
    lanes = _COMMON_LANES if packed < _FIRST_RARE else _LANES
    return (
        *lanes.unpack(packed.to_bytes(lanes.size, "little")),
        # Python's SQLite looks for a way to adapt bytes, each time, and none for a bytearray.
        bytearray(histogram.stored(latency)),
        bytearray(histogram.stored(ttft)),
    )


def _write(connection: sqlite3.Connection, cells: Cells, add_all: str, add_common: str) -> None:
    common: list[tuple[Key, Key, Piece]] = []
    others: list[tuple[Key, Key, Piece]] = []
    # In key order the tables' pages are each touched once.
    for key in sorted(cells):
        of_key = cells[key]
        for values in sorted(of_key):
            piece = of_key[values]
            (common if piece[0] < _FIRST_RARE else others).append((key, values, piece))
    for statement, some in ((add_common, common), (add_all, others)):
        # One by one: thousands of rows at once would be looked through by the garbage collection.
        connection.executemany(statement, ((*key, *values, *_columns(piece)) for key, values, piece in some))
