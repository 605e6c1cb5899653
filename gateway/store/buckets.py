"""Buckets: sums per slice of time, added up in memory per commit and then merged into their tables.

Two tables. `buckets` has the totals and one row per value of each single dimension, in quarters of an hour and
rolled up to hours and days; `combined` has one row per combination of all dimensions, by half-hour, which is where
the hours of half-hour zones begin too, and day; as have whole sets of tags in `buckets`. Days are those of the
store's own time zone. A row counts once in each, except that it counts for each of its tags; value 0 stands for rows
without the dimension.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store.insertion import Insertion
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


def _adding(table: str, keys: Sequence[str], measures: Sequence[str]) -> Insertion:
    """Into a table with these keys, and with nothing of other measures: what is there already grows."""
    columns = dict.fromkeys((*keys, *measures, *HISTOGRAMS), "?")
    absent = dict.fromkeys((measure for measure in MEASURES if measure not in measures), "0")
    sums = [f"{name} = {name} + excluded.{name}" for name in measures]
    sums += [f"{name} = merge_histograms({name}, excluded.{name})" for name in HISTOGRAMS]
    return Insertion(table, columns | absent, f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sums)}")


ADD_ALL_TO_BUCKETS = _adding("buckets", BUCKET_KEY, ALL)
ADD_ALL_TO_COMBINED = _adding("combined", COMBINED_KEY, ALL)
_ADD_COMMON_TO_BUCKETS = _adding("buckets", BUCKET_KEY, COMMON)
_ADD_COMMON_TO_COMBINED = _adding("combined", COMBINED_KEY, COMMON)

Key = tuple[int, ...]
Cell = TypeVar("Cell")

# When a row began (µs), its dimensions as numbers, in the order of `COMBINED_DIMENSIONS`, and its share.
Combined = tuple[int, Key, Piece]
# By half-hour and day, then some sums by the values of all dimensions, which are to be added up.
Halves = defaultdict[tuple[int, int], list[Mapping[Key, Piece]]]
# By the key's first numbers, which many have in common, and its last.
Cells = dict[Key, Mapping[Key, Piece]]

# A dimension and a value of it in one integer, which is looked up faster than a pair.
DIMENSION_BITS = 4
DIMENSION_MASK = 2**DIMENSION_BITS - 1

# Dimensions whose values go together: a user has a key or two, a model one provider.
TOGETHER = (("user", "key", "client"), ("model", "provider", "app"), ("door", "outcome"))
# From the values of these, then the set of tags, to the order of `COMBINED_DIMENSIONS`.
_in_order = itemgetter(*map((*chain.from_iterable(TOGETHER), "tag_set").index, COMBINED_DIMENSIONS))


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
    groups = [_Alike(told) for told in _groups(names)]
    singles: dict[int, dict[int, Piece]] = {}
    halves: Halves = defaultdict(list)
    for quarter, some in quarters.items():
        pieces = _of_all_alike(groups, some)
        singles[quarter] = _of_quarter(groups, pieces)
        if combinations:
            halves[half_start(quarter), day_start(quarter, zone)].append(_by_values(groups, pieces))
    _write(connection, _singles(singles, zone), ADD_ALL_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)
    if combinations:
        _write_combinations(connection, halves)


def _of_all_alike(groups: Sequence["_Alike"], records: Sequence[ExchangeRecord]) -> dict[Key, Piece]:
    """By the numbers of what rows are alike in."""
    numbers = (map(group.__getitem__, map(group.of, records)) for group in groups)
    return _summed(zip(zip(*numbers, strict=True), map(share, records), strict=True))


def _of_quarter(groups: Sequence["_Alike"], pieces: Mapping[Key, Piece]) -> dict[int, Piece]:
    """By dimension and value. Rows alike in some dimensions are added up before they are added to the cells that each
    counts in."""
    of_cells: defaultdict[int, list[Piece]] = defaultdict(list)
    for at, group in enumerate(groups):
        some = _summed((alike[at], piece) for alike, piece in pieces.items())
        for number, piece in some.items():
            for cell in group.cells[number]:
                of_cells[cell].append(piece)
    return _joined_once(of_cells)


def _by_values(groups: Sequence["_Alike"], pieces: Mapping[Key, Piece]) -> dict[Key, Piece]:
    """By the values of all dimensions, in their order."""
    users, models, doors, tags = (group.numbers for group in groups)
    return {
        _in_order(users[user] + models[model] + doors[door] + tags[some]): piece
        for (user, model, door, some), piece in pieces.items()
    }


def combine(connection: sqlite3.Connection, zone: ZoneInfo, rows: Iterable[Combined]) -> None:
    """Count rows by all dimensions together, and by whole sets of tags."""
    of_quarters: dict[int, list[tuple[Key, Piece]]] = {}
    of_halves: dict[tuple[int, int], list[tuple[Key, Piece]]] = {}
    for started_us, values, added in rows:
        quarter = quarter_of(started_us)
        of_quarter = of_quarters.get(quarter)
        if of_quarter is None:
            half = half_start(quarter), day_start(quarter, zone)
            of_quarter = of_quarters[quarter] = of_halves.setdefault(half, [])
        of_quarter.append((values, added))
    halves: Halves = defaultdict(list)
    for half, pieces in of_halves.items():
        halves[half].append(_summed(pieces))
    _write_combinations(connection, halves)


def _write_combinations(connection: sqlite3.Connection, halves: Halves) -> None:
    combinations = _combinations(halves)
    _write(connection, _tag_sets(combinations), ADD_ALL_TO_BUCKETS, _ADD_COMMON_TO_BUCKETS)
    _write(connection, combinations, ADD_ALL_TO_COMBINED, _ADD_COMMON_TO_COMBINED)


def values_of(names: Names, record: ExchangeRecord) -> Key:
    """A row's dimensions as numbers, in the order of `COMBINED_DIMENSIONS`."""
    values: Key = _in_order(tuple(chain.from_iterable(told.numbers(told.of(record)) for told in _groups(names))))
    return values


class _Told(NamedTuple):
    """What of a row some dimensions are, and by it: their values as numbers, and the cells that it counts in because
    of these, each a dimension and a value."""

    of: Callable[[ExchangeRecord], Any]
    numbers: Callable[[Any], Key]
    cells: Callable[[Any], Iterable[tuple[int, int]]]


def _groups(names: Names) -> Iterator[_Told]:
    """Of `TOGETHER`, and of sets of tags."""
    for dimensions in TOGETHER:
        yield _told_together(names, dimensions)
    yield _Told(attrgetter("tags"), lambda tags: (names.tag_set(tags),), lambda tags: _cells_of_tags(names, tags))


def _told_together(names: Names, dimensions: Sequence[str]) -> _Told:
    ids = [DIMENSION_IDS[name] for name in dimensions]

    def numbers(texts: Iterable[str | None]) -> Key:
        return tuple(map(names.number, texts))

    return _Told(attrgetter(*dimensions), numbers, lambda texts: zip(ids, numbers(texts), strict=True))


def _cells_of_tags(names: Names, tags: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    yield TOTAL, NO_NAME
    for tag in set(tags) or (None,):
        yield DIMENSION_IDS["tag"], names.number(tag)
    for key in set(map(tag_key, tags)):
        yield DIMENSION_IDS["tag_key"], names.number(key)


class _Alike(dict[Any, int]):
    """A number for what rows are alike in, counted from 0, so that they are put together by small numbers."""

    def __init__(self, told: _Told) -> None:
        super().__init__()
        self.of = told.of
        self.numbers: list[Key] = []
        self.cells: list[Sequence[int]] = []
        self._told = told

    def __missing__(self, texts: Any) -> int:
        number = self[texts] = len(self)
        self.numbers.append(self._told.numbers(texts))
        self.cells.append([value << DIMENSION_BITS | dimension for dimension, value in self._told.cells(texts)])
        return number


def _summed(pieces: Iterable[tuple[Cell, Piece]]) -> dict[Cell, Piece]:
    """Pieces added up by their cells. Most cells of combinations have one, for which no list is made."""
    cells: dict[Cell, Piece] = {}
    others: defaultdict[Cell, list[Piece]] = defaultdict(list)
    for cell, piece in pieces:
        if cell in cells:
            others[cell].append(piece)
        else:
            cells[cell] = piece
    for cell, some in others.items():
        cells[cell] = joined([cells[cell], *some])
    return cells


def _joined_once(pieces: Mapping[Cell, Sequence[Piece]]) -> dict[Cell, Piece]:
    """The same where cells may have the same pieces, as those of all rows, of their only door, and of a key that each
    of their sets of tags has: what these come to is worked out once."""
    known: dict[Key, Piece] = {}
    cells: dict[Cell, Piece] = {}
    for cell, some in pieces.items():
        if len(some) == 1:
            cells[cell] = some[0]
            continue
        same = tuple(map(id, some))
        piece = known.get(same)
        if piece is None:
            piece = known[same] = joined(some)
        cells[cell] = piece
    return cells


def _added_up(some: Sequence[Mapping[Cell, Piece]]) -> Mapping[Cell, Piece]:
    """At least one together, cell by cell."""
    return some[0] if len(some) == 1 else _summed(chain.from_iterable(each.items() for each in some))


def _added_up_once(some: Sequence[Mapping[Cell, Piece]]) -> Mapping[Cell, Piece]:
    """The same as `_joined_once` does it."""
    if len(some) == 1:
        return some[0]
    pieces: defaultdict[Cell, list[Piece]] = defaultdict(list)
    for each in some:
        for cell, piece in each.items():
            pieces[cell].append(piece)
    return _joined_once(pieces)


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
        common = _added_up_once(some)
        coarse[HOUR, hour].append(common)
        coarse[DAY, day].append(common)
    for (level, start), some in coarse.items():
        _put(cells, level, start, _added_up_once(some))
    return cells


def _put(cells: Cells, level: int, start: int, singles: Mapping[int, Piece]) -> None:
    of_keys: defaultdict[Key, dict[Key, Piece]] = defaultdict(dict)
    for cell, piece in singles.items():
        of_keys[level, cell & DIMENSION_MASK, start][(cell >> DIMENSION_BITS,)] = piece
    cells.update(of_keys)


def _combinations(halves: Halves) -> Cells:
    """By level and start, then by the values of all dimensions."""
    coarse: defaultdict[Key, list[Mapping[Key, Piece]]] = defaultdict(list)
    for (half, day), some in halves.items():
        common = _added_up(some)
        coarse[HALF, half].append(common)
        coarse[DAY, day].append(common)
    return {key: _added_up(some) for key, some in coarse.items()}


def _tag_sets(combinations: Cells) -> Cells:
    cells: Cells = {}
    for (level, start), pieces in combinations.items():
        cells[level, DIMENSION_IDS["tag_set"], start] = _summed(
            ((values[_TAG_SET],), piece) for values, piece in pieces.items()
        )
    return cells


def _write(connection: sqlite3.Connection, cells: Cells, add_all: Insertion, add_common: Insertion) -> None:
    others: list[tuple[Key, Key, Piece]] = []

    def common() -> Iterator[tuple[Any, ...]]:
        # In key order the tables' pages are each touched once.
        for key in sorted(cells):
            of_key = cells[key]
            for values in sorted(of_key):
                piece = of_key[values]
                if piece[0] < FIRST_RARE:
                    yield (*key, *values, *columns(piece, False))
                else:
                    others.append((key, values, piece))

    add_common.write(connection, common(), sum(map(len, cells.values())))
    add_all.write(connection, ((*key, *values, *columns(piece, True)) for key, values, piece in others), len(others))
