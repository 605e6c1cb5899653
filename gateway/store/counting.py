"""Pairs counted from the combinations of an hour or a day, in memory.

Rows of combinations are held and added up by some of their dimensions first: what these make together is added to the
pairs, of which each row counts for a hundred. One group of dimensions is gone through after the other, and the pairs
of those that are through are put by on disk.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import closing
from itertools import chain, combinations, starmap
from operator import itemgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from gateway.store.buckets import DAY, DIMENSION_IDS, HALF, HOUR, TOGETHER, TOTAL
from gateway.store.database import LEAST_CACHE_KIB, TEMPORARY, open_database
from gateway.store.measures import HISTOGRAMS, MEASURES
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import NO_NAME, json_array
from gateway.store.packed import Adder, Loose, joined, loose_of
from gateway.store.pairs import Key, dimension_of, in_order, mirrored, number_of, ones_of, ordered
from gateway.store.quarters import HOUR_QUARTERS, day_end

# Rows read at once; held until they are added to their pairs, some kilobyte each; and sums that are added at once.
READ_ROWS, MOST_HELD, SPREAD_SUMS = 300, 10_000, 300

_COLUMNS = ", ".join((*COMBINED_DIMENSIONS, *MEASURES, *HISTOGRAMS))
_COMBINATIONS = f"SELECT {_COLUMNS} FROM combined WHERE level = ? AND start >= ? AND start < ?"
_MEMBERS = "SELECT tag, key FROM tag_set_members WHERE tag_set = ?"
# `counted` is the pair that they were counted as.
_CREATE_COMPLETE = """
CREATE TABLE complete (
    pair INTEGER, value INTEGER, other INTEGER, counted INTEGER, sums BLOB, latency BLOB, ttft BLOB,
    PRIMARY KEY (pair, value, other)
) WITHOUT ROWID"""
_PUT_BY = "INSERT INTO complete VALUES (?, ?, ?, ?, ?, ?, ?)"
_COMPLETE = (
    "SELECT pair, value, other, sums, latency, ttft FROM complete "
    "WHERE counted NOT IN (SELECT value FROM json_each(?)) ORDER BY pair, value, other"
)
_TAG, _TAG_KEY = DIMENSION_IDS["tag"], DIMENSION_IDS["tag_key"]
_MEASURES_AT = len(COMBINED_DIMENSIONS)
_HISTOGRAMS_AT = _MEASURES_AT + len(MEASURES)

# There are far fewer of all that two of these make than of combinations.
_GROUPS = (*TOGETHER, ("tag_set",))
_TAG_SETS = len(_GROUPS) - 1
_DIMENSIONS_OF = [[DIMENSION_IDS[name] for name in group] for group in _GROUPS]
_VALUES_OF = [itemgetter(*map(COMBINED_DIMENSIONS.index, group)) for group in _GROUPS]
_CROSSED = list(combinations(range(len(_GROUPS)), 2))

_K = TypeVar("_K")
_V = TypeVar("_V")

Row = tuple[int, int, int, bytes, bytes, bytes]
"""Pair, value, other, and what is stored of their sums."""
Both = tuple[int, int]
"""Two integers of `in_order`."""
Held = defaultdict[Any, list[Loose]]
"""By the values that rows are alike in."""


def cells_of(
    connection: sqlite3.Connection, members: sqlite3.Connection, key: Key, zone: ZoneInfo, without: Set[int]
) -> Iterator[Row]:
    """An hour's or day's pairs by its combinations, but for some, in order. `members` is where sets of tags are
    explained."""
    with closing(Counting(connection, members, most=None, without=without)) as counting:
        for _ in counting.read(*pieces(key, zone)):
            pass
        yield from counting.cells()


def pieces(key: Key, zone: ZoneInfo) -> tuple[int, int, int]:
    """The combinations that an hour or a day is made of: their level, and from which quarter to which."""
    level, start = key
    return (HALF, start, start + HOUR_QUARTERS) if level == HOUR else (DAY, start, day_end(start, zone))


class Counting:
    """Sums of pairs, and which of these are too many. To be closed."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        members: sqlite3.Connection,
        *,
        most: int | None,
        without: Set[int] = frozenset(),
    ) -> None:
        self.left_out = set(without)
        self._connection = connection
        self._members = members
        self._most = most
        # Rows by their values of each group.
        self._held: list[tuple[list[Any], Loose]] = []
        self._sums: defaultdict[Both, Adder] = defaultdict(Adder)
        # What is through, and how many there are of each pair that was counted.
        self._put_by = open_database(TEMPORARY, cache_kib=LEAST_CACHE_KIB)
        # Nothing is committed: it goes with its closing.
        self._put_by.execute("BEGIN")
        self._put_by.execute(_CREATE_COMPLETE)
        self._complete: Counter[int] = Counter()
        self._tags: dict[int, Sequence[int]] = {}

    def read(self, level: int, low: int, high: int) -> Iterator[None]:
        """Count the combinations of this level, some at each step. Raises OverflowError where a sum is beyond 64
        bits."""
        cursor = self._connection.execute(_COMBINATIONS, (level, low, high))
        held, all_held = 0, True
        while rows := cursor.fetchmany(READ_ROWS):
            self._hold(rows)
            held += len(rows)
            yield
            if held >= MOST_HELD:
                yield from self._spread()
                held, all_held = 0, False
        yield from self._spread(completing=all_held)
        yield from self._complete_sums()

    def cells(self) -> Iterator[Row]:
        """What was counted, as it is stored, in order."""
        yield from self._put_by.execute(_COMPLETE, (json_array(self.left_out),))

    def close(self) -> None:
        self._put_by.close()

    def _hold(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            part = loose_of(row[_MEASURES_AT:_HISTOGRAMS_AT], *row[_HISTOGRAMS_AT:])
            self._held.append(([values_of(row) for values_of in _VALUES_OF], part))

    def _spread(self, *, completing: bool = False) -> Iterator[None]:
        """Add what is held to its pairs, some at each step. `completing`: it is all that there is, so that no sum is
        added to once its groups are through."""
        held, self._held = self._held, []
        for group in range(len(_GROUPS)):
            alone: Held = defaultdict(list)
            for of_groups, part in held:
                alone[of_groups[group]].append(part)
            for sums in _taken(alone):
                self._add((both, part) for values, part in sums for both in self._within(group, values))
                yield
            if completing:
                yield from self._complete_sums()
        for group, other in _CROSSED:
            crossed: Held = defaultdict(list)
            for of_groups, part in held:
                crossed[of_groups[group], of_groups[other]].append(part)
            # First for each value on one side: many rows have these in common.
            halfway: Held = defaultdict(list)
            for sums in _taken(crossed):
                for (values, others), part in sums:
                    for one in self._ones(other, others):
                        halfway[values, one].append(part)
                yield
            for sums in _taken(halfway):
                self._add(
                    (ordered(one, two), part) for (values, two), part in sums for one in self._ones(group, values)
                )
                yield
            if completing:
                yield from self._complete_sums()

    def _complete_sums(self) -> Iterator[None]:
        """Nothing is added any more to what was summed up: it goes to the disk, some at each step."""
        for some in _some_at_a_time(self._sums):
            self._put_by.executemany(_PUT_BY, chain.from_iterable(starmap(self._rows, some)))
            yield

    def _rows(self, both: Both, sums: Adder) -> Iterator[tuple[int | bytes, ...]]:
        number, cell = _number(both), sums.cell()
        self._complete[number] += 1
        for one, two in mirrored(*both):
            yield (_number((one, two)), dimension_of(one)[1], dimension_of(two)[1], number, *cell)

    def _add(self, found: Iterable[tuple[Both, Loose]]) -> None:
        parts_of: defaultdict[Both, list[Loose]] = defaultdict(list)
        for both, part in found:
            parts_of[both].append(part)
        for both, parts in parts_of.items():
            if not self.left_out or _number(both) not in self.left_out:
                self._sums[both].add(parts)
        while self._most is not None and len(self._sums) + self._complete.total() > self._most:
            self._leave_out()

    def _within(self, group: int, values: Any) -> Iterator[Both]:
        """The pairs of a group's values, with each other and with all that there is."""
        if group == 0:
            yield TOTAL, TOTAL
        ones = self._ones(group, values)
        yield from ((TOTAL, one) for one in ones)
        yield from (ordered(one, two) for one, two in combinations(ones, 2))

    def _ones(self, group: int, values: Any) -> Sequence[int]:
        """What a group's values count for."""
        return self._tags_of(values) if group == _TAG_SETS else ones_of(_DIMENSIONS_OF[group], values)

    def _tags_of(self, tag_set: int) -> Sequence[int]:
        known = self._tags.get(tag_set)
        if known is None:
            members = self._members.execute(_MEMBERS, (tag_set,)).fetchall()
            tags = sorted({tag for tag, _ in members}) or [NO_NAME]
            known = self._tags[tag_set] = in_order({_TAG: tags, _TAG_KEY: sorted({key for _, key in members})})
        return known

    def _leave_out(self) -> None:
        counted = Counter(map(_number, self._sums))
        counted.update(self._complete)
        ((number, _),) = counted.most_common(1)
        self.left_out.add(number)
        del self._complete[number]
        for both in [both for both in self._sums if _number(both) == number]:
            del self._sums[both]


def _number(both: Both) -> int:
    return number_of(dimension_of(both[0])[0], dimension_of(both[1])[0])


def _taken(held: Held) -> Iterator[list[tuple[Any, Loose]]]:
    """What is held, added up, some at a time; then nothing is held."""
    for some in _some_at_a_time(held):
        yield [(values, joined(parts)) for values, parts in some]


def _some_at_a_time(taken: dict[_K, _V]) -> Iterator[list[tuple[_K, _V]]]:
    """All of it, which is gone from there then."""
    while taken:
        yield [taken.popitem() for _ in range(min(SPREAD_SUMS, len(taken)))]
