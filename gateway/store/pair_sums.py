"""What pairs tell of days and months: their sums for each slice of time and each value."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence

from gateway.store.filters import ids_of
from gateway.store.measures import Sums
from gateway.store.names import NO_NAME, json_array
from gateway.store.packed import Cell, total
from gateway.store.pairs import Pair, Part, Side
from gateway.store.plan import TAG_KEY_PREFIX, CellRange

# A cell in one number, which JSON reads fast: slice, level, and its start from 2³¹ quarters before the epoch on.
SLICE_BITS, LEVEL_BITS, FIRST_START = 36, 32, -(2**31)
CELL_STARTS = (
    f"(SELECT value >> {SLICE_BITS} AS slice, (value >> {LEVEL_BITS}) & 15 AS level, "
    f"(value & {2**LEVEL_BITS - 1}) + {FIRST_START} AS start FROM json_each(?)) s"
)
_SUMS = ", b.sums, b.latency, b.ttft "
# A side that is not grouped by is all one group.
_GROUPS = {at: f"SELECT s.slice, {value}{_SUMS}" for at, value in ((None, NO_NAME), (0, "b.value"), (1, "b.other"))}
_AT = "b.level = s.level AND b.start = s.start AND b.pair = ?"
_LED = (
    f"FROM {CELL_STARTS} CROSS JOIN pairs t CROSS JOIN pairs b WHERE t.level = s.level AND t.start = s.start "
    f"AND t.pair = ? AND t.value = {NO_NAME} AND b.value = t.other AND {_AT}"
)
_STRAIGHT = f"FROM {CELL_STARTS} CROSS JOIN pairs b WHERE {_AT}"
_OF_IDS = (" AND b.value IN (SELECT value FROM json_each(?))", " AND b.other IN (SELECT value FROM json_each(?))")
_OF_KEY = (
    " AND b.value IN (SELECT tag FROM tag_set_members WHERE key IN (SELECT value FROM json_each(?)))",
    " AND b.other IN (SELECT tag FROM tag_set_members WHERE key IN (SELECT value FROM json_each(?)))",
)


def in_one(index: int, level: int, start: int) -> int:
    """A cell as `CELL_STARTS` reads it."""
    return (index << SLICE_BITS) | (level << LEVEL_BITS) | (start - FIRST_START)


def pair_sums(
    connection: sqlite3.Connection, parts: Sequence[Part], cells: Sequence[CellRange]
) -> Iterator[tuple[tuple[int, int], Sums, int]]:
    """((slice, value), sums, sign): what to add, or take away; 0 is no value."""
    starts = json_array(in_one(index, level, start) for index, level, start, _ in cells)
    for pair, apart, sign in parts:
        found: defaultdict[tuple[int, int], list[Cell]] = defaultdict(list)
        for index, value, sums, latency, ttft in _read(connection, pair, starts):
            found[index, NO_NAME if apart else value].append((sums, latency, ttft))
        while found:
            key, stored = found.popitem()
            yield key, total(stored).packed(), sign


def _read(connection: sqlite3.Connection, pair: Pair, starts: str) -> sqlite3.Cursor:
    statement = _GROUPS[pair.grouped] + (_LED if pair.led else _STRAIGHT)
    bound: list[str | int] = [starts, *reversed(pair.needed)]
    for at, side in enumerate(pair.sides):
        if side.restricted:
            statement += (_OF_IDS if side.by is None else _OF_KEY)[at]
            bound.append(json_array(_ids(connection, side)))
    return connection.execute(statement, bound)


def _ids(connection: sqlite3.Connection, side: Side) -> list[int]:
    if side.by is not None:
        return ids_of(connection, (side.by.removeprefix(TAG_KEY_PREFIX),))
    return [NO_NAME] if side.texts is None else ids_of(connection, side.texts)
