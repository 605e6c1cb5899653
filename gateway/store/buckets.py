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
from operator import attrgetter, itemgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store.measures import HISTOGRAMS, MEASURES
from gateway.store.migrations import BUCKET_KEY, COMBINED_DIMENSIONS, COMBINED_KEY
from gateway.store.names import NO_NAME, Names
from gateway.store.quarters import day_start, half_start, hour_start, quarter_of
from gateway.store.shares import ALL, COMMON, FIRST_RARE, Piece, columns, joined, share
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


def _upsert(table: str, keys: Sequence[str], measures: Sequence[str]) -> str:
    columns = [*keys, *measures, *HISTOGRAMS]
    absent = [measure for measure in MEASURES if measure not in measures]
    return (
        f"INSERT INTO {table} ({', '.join([*columns, *absent])}) "
        f"VALUES ({', '.join(['?'] * len(columns) + ['0'] * len(absent))}) {_adding(keys, measures)}"
    )


def _adding(keys: Sequence[str], measures: Sequence[str]) -> str:
    """SQL behind an insertion into a table with these keys: what is there already grows."""
    sums = [f"{name} = {name} + excluded.{name}" for name in measures]
    sums += [f"{name} = merge_histograms({name}, excluded.{name})" for name in HISTOGRAMS]
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sums)}"


ADD_ALL_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, ALL)
ADD_ALL_TO_COMBINED = _upsert("combined", COMBINED_KEY, ALL)
_ADD_COMMON_TO_BUCKETS = _upsert("buckets", BUCKET_KEY, COMMON)
_ADD_COMMON_TO_COMBINED = _upsert("combined", COMBINED_KEY, COMMON)

Key = tuple[int, ...]
Cell = TypeVar("Cell")

# When a row began (µs), its dimensions as numbers, in the order of `COMBINED_DIMENSIONS`, and its share.
Combined = tuple[int, Key, Piece]
# By half-hour and day, then by the values of all dimensions.
Halves = defaultdict[tuple[int, int], defaultdict[Key, list[Piece]]]
# By the key's first numbers, which many have in common, and its last.
Cells = dict[Key, Mapping[Key, Piece]]

# A dimension and a value of it in one integer, which is looked up faster than a pair.
DIMENSION_BITS = 4
DIMENSION_MASK = 2**DIMENSION_BITS - 1

# Dimensions whose values go together: a user has a key or two, a model one provider.
TOGETHER = (("user", "key", "client"), ("model", "provider", "app"), ("door", "outcome"))

_dimensions_of = attrgetter(*("tags" if name == "tag_set" else name for name in COMBINED_DIMENSIONS))


def add(
    connection: sqlite3.Connection,
    names: Names,
    zone: ZoneInfo,
    records: Iterable[ExchangeRecord],
    *,
    combinations: bool = False,
) -> None:
    """Count new rows, within the transaction that writes them, with their `combinations` or without, which are then
    counted later (`combining`)."""
    quarters: defaultdict[int, list[ExchangeRecord]] = defaultdict(list)
    for record in records:
        quarters[quarter_of(record.started_us)].append(record)
    # Rows alike in some dimensions are added up before they are added to the cells that each counts in.
    together = [(of, _Known(names, cells)) for of, cells in _CELLS_OF]
    numbers = _Known(names, _numbers_of)
    singles: dict[int, dict[int, Piece]] = {}
    halves = _halves()
    for quarter, some in quarters.items():
        all_alike: defaultdict[Any, list[Piece]] = defaultdict(list)
        for values, added in zip(map(_dimensions_of, some), map(share, some), strict=True):
            all_alike[values].append(added)
        pieces = _each_joined(all_alike)
        singles[quarter] = _of_quarter(together, pieces)
        if combinations:
            of_half = halves[half_start(quarter), day_start(quarter, zone)]
            for values, piece in pieces.items():
                of_half[numbers[values]].append(piece)
    _write(connection, _singles(singles, zone), ADD_ALL_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)
    if combinations:
        _write_combinations(connection, halves)


def _of_quarter(
    together: Sequence[tuple[Callable[[Any], Any], "_Known"]], pieces: Mapping[Any, Piece]
) -> dict[int, Piece]:
    """By dimension and value, of the pieces of all dimensions together."""
    of_cells: defaultdict[int, list[Piece]] = defaultdict(list)
    for of, cells_of in together:
        alike: defaultdict[Any, list[Piece]] = defaultdict(list)
        for values, piece in pieces.items():
            alike[of(values)].append(piece)
        for values, piece in _each_joined(alike).items():
            for cell in cells_of[values]:
                of_cells[cell].append(piece)
    return _each_joined(of_cells)


def combine(connection: sqlite3.Connection, zone: ZoneInfo, rows: Iterable[Combined]) -> None:
    """Count rows by all dimensions together, and by whole sets of tags."""
    halves = _halves()
    of_quarters: dict[int, defaultdict[Key, list[Piece]]] = {}
    for started_us, values, added in rows:
        quarter = quarter_of(started_us)
        of_quarter = of_quarters.get(quarter)
        if of_quarter is None:
            of_quarter = of_quarters[quarter] = halves[half_start(quarter), day_start(quarter, zone)]
        of_quarter[values].append(added)
    _write_combinations(connection, halves)


def _halves() -> Halves:
    return defaultdict(lambda: defaultdict(list))


def _write_combinations(connection: sqlite3.Connection, halves: Halves) -> None:
    combinations = _combinations(halves)
    _write(connection, _tag_sets(combinations), ADD_ALL_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)
    _write(connection, combinations, ADD_ALL_TO_COMBINED, _ADD_COMMON_TO_COMBINED)


def values_of(names: Names, record: ExchangeRecord) -> Key:
    """A row's dimensions as numbers, in the order of `COMBINED_DIMENSIONS`."""
    return _numbers_of(names, _dimensions_of(record))


def _numbers_of(names: Names, values: Sequence[Any]) -> Key:
    tags = values[_TAG_SET]
    return (
        *map(names.number, values[:_TAG_SET]),
        names.tag_set(tags),
        *map(names.number, values[_TAG_SET + 1 :]),
    )


def _cells_of_values(*dimensions: str) -> Callable[[Names, Any], Key]:
    ids = [DIMENSION_IDS[name] for name in dimensions]
    return lambda names, values: tuple(
        names.number(value) << DIMENSION_BITS | dimension for value, dimension in zip(values, ids, strict=True)
    )


def _cells_of_tags(names: Names, tags: tuple[str, ...]) -> Key:
    cells = [(DIMENSION_IDS["tag"], names.number(tag)) for tag in set(tags) or (None,)]
    cells += [(DIMENSION_IDS["tag_key"], names.number(key)) for key in set(map(tag_key, tags))]
    cells.append((TOTAL, NO_NAME))
    return tuple(value << DIMENSION_BITS | dimension for dimension, value in cells)


# Some of all dimensions, and the cells that rows count in because of these, each a dimension and a value.
_CELLS_OF: Sequence[tuple[Callable[[Any], Any], Callable[[Names, Any], Key]]] = (
    *((itemgetter(*map(COMBINED_DIMENSIONS.index, some)), _cells_of_values(*some)) for some in TOGETHER),
    (itemgetter(_TAG_SET), _cells_of_tags),
)


class _Known(dict[Any, Key]):
    """What values of dimensions are as numbers."""

    def __init__(self, names: Names, told: Callable[[Names, Any], Key]) -> None:
        super().__init__()
        self._names = names
        self._told = told

    def __missing__(self, values: Any) -> Key:
        numbers = self[values] = self._told(self._names, values)
        return numbers


def _each_joined(pieces: Mapping[Cell, Sequence[Piece]]) -> dict[Cell, Piece]:
    return {cell: some[0] if len(some) == 1 else joined(some) for cell, some in pieces.items()}


def _added_up(some: Sequence[Mapping[Cell, Piece]]) -> Mapping[Cell, Piece]:
    """At least one together, cell by cell."""
    if len(some) == 1:
        return some[0]
    pieces: defaultdict[Cell, list[Piece]] = defaultdict(list)
    for each in some:
        for cell, piece in each.items():
            pieces[cell].append(piece)
    return _each_joined(pieces)


def _singles(quarters: Mapping[int, Mapping[int, Piece]], zone: ZoneInfo) -> Cells:
    """By level, dimension and start, then by value."""
    # An hour of UTC can lie in two days of a zone, so what is summed once for both is their common piece.
    hours: defaultdict[tuple[int, int], list[Mapping[int, Piece]]] = defaultdict(list)
    cells: Cells = {}
    for quarter, singles in quarters.items():
        _put(cells, QUARTER, quarter, singles)
        hours[hour_start(quarter), day_start(quarter, zone)].append(singles)
    coarse: defaultdict[tuple[int, int], list[Mapping[int, Piece]]] = defaultdict(list)
    for (hour, day), some in hours.items():
        common = _added_up(some)
        coarse[HOUR, hour].append(common)
        coarse[DAY, day].append(common)
    for (level, start), some in coarse.items():
        _put(cells, level, start, _added_up(some))
    return cells


def _put(cells: Cells, level: int, start: int, singles: Mapping[int, Piece]) -> None:
    of_keys: defaultdict[Key, dict[Key, Piece]] = defaultdict(dict)
    for cell, piece in singles.items():
        of_keys[level, cell & DIMENSION_MASK, start][(cell >> DIMENSION_BITS,)] = piece
    cells.update(of_keys)


def _combinations(halves: Mapping[tuple[int, int], Mapping[Key, Sequence[Piece]]]) -> Cells:
    """By level and start, then by the values of all dimensions."""
    coarse: defaultdict[Key, list[Mapping[Key, Piece]]] = defaultdict(list)
    for (half, day), pieces in halves.items():
        common = _each_joined(pieces)
        coarse[HALF, half].append(common)
        coarse[DAY, day].append(common)
    return {key: _added_up(some) for key, some in coarse.items()}


def _tag_sets(combinations: Cells) -> Cells:
    cells: Cells = {}
    for (level, start), pieces in combinations.items():
        of_sets: defaultdict[int, list[Piece]] = defaultdict(list)
        for values, piece in pieces.items():
            of_sets[values[_TAG_SET]].append(piece)
        each = _each_joined(of_sets)
        cells[level, DIMENSION_IDS["tag_set"], start] = {(tag_set,): piece for tag_set, piece in each.items()}
    return cells


def _write(connection: sqlite3.Connection, cells: Cells, add_all: str, add_common: str) -> None:
    common: list[tuple[Key, Key, Piece]] = []
    others: list[tuple[Key, Key, Piece]] = []
    # In key order the tables' pages are each touched once.
    for key in sorted(cells):
        of_key = cells[key]
        for values in sorted(of_key):
            piece = of_key[values]
            (common if piece[0] < FIRST_RARE else others).append((key, values, piece))
    for statement, some, rare in ((add_common, common, False), (add_all, others, True)):
        # One by one: thousands of rows at once would be looked through by the garbage collection.
        connection.executemany(statement, ((*key, *values, *columns(piece, rare)) for key, values, piece in some))
