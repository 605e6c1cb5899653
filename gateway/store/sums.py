"""Sums for each slice of time and each value of a dimension, from buckets where they can tell, else from rows.

Where a row counts for each of its tags, sets of tags are summed first, of which there are fewer than rows.

All slices go into one statement as a JSON array that the table is joined to, so 5,000 slices are one question. What
the parts give adds up in `Sums`, whichever table it came from.
"""

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from gateway.records import UsageQuery
from gateway.store import combining
from gateway.store.buckets import DIMENSION_IDS, TOTAL
from gateway.store.commit import day_zone
from gateway.store.filters import CONVERSATION, NAMED_DIMENSIONS, Condition, condition, ids_of
from gateway.store.measures import IN_BUCKETS, MEASURES, SUM_BUCKETS, SUM_ROWS, Sums
from gateway.store.names import NO_NAME, json_array
from gateway.store.pair_sums import CELL_STARTS, in_one, pair_sums
from gateway.store.pairs import Part
from gateway.store.plan import TAG, TAG_KEY_PREFIX, CellRange, RowRange, Singles, Source, TagSets, starts
from gateway.store.quarters import QUARTER_US

Value = int | str
Table = dict[tuple[int, Value], Sums]

_NO_SUCH_ID = -1
_CELL_RANGES = (
    "(SELECT json_extract(value, '$[0]') AS slice, json_extract(value, '$[1]') AS level, "
    "json_extract(value, '$[2]') AS low, json_extract(value, '$[3]') AS high FROM json_each(?)) s"
)
_ROW_RANGES = (
    "(SELECT json_extract(value, '$[0]') AS slice, json_extract(value, '$[1]') AS low, "
    "json_extract(value, '$[2]') AS high FROM json_each(?)) s"
)
_IN_CELLS = " WHERE b.level = s.level AND b.start >= s.low AND b.start < s.high"
_AT_CELLS = " WHERE b.level = s.level AND b.start = s.start"
_IN_ROWS = " WHERE b.started_us >= s.low AND b.started_us < s.high"
_GROUPED = " GROUP BY 1, 2"

_SINGLES = f"{SUM_BUCKETS} FROM {_CELL_RANGES} CROSS JOIN buckets b{_IN_CELLS} AND b.dimension = ?"
_SETS = (
    f" FROM {_CELL_RANGES} CROSS JOIN "
    f"(SELECT *, value AS tag_set FROM buckets WHERE dimension = {DIMENSION_IDS['tag_set']}) b"
)
_OF_VALUES = " AND b.value IN (SELECT value FROM json_each(?))"
_OF_KEY = " AND b.value IN (SELECT tag FROM tag_set_members WHERE key = ?)"
_EACH_VALUE, _TOGETHER = "SELECT s.slice, b.value, ", "SELECT s.slice, 0, "

_MEMBERS = "SELECT tag_set, tag FROM tag_set_members WHERE tag_set IN (SELECT value FROM json_each(?))"
_MEMBERS_OF_KEY = _MEMBERS + " AND key = ?"
_NO_MORE = Condition((), ())
_VALUE_OF = {name: f"b.{name}" for name in (*NAMED_DIMENSIONS, CONVERSATION)}


class _Side(Struct, frozen=True):
    """A table that all filters and groups can be asked of: its sums, where they come from, and the time's part."""

    sums: str
    origin: str
    within: str


_COMBINED = _Side(SUM_BUCKETS, f" FROM {_CELL_RANGES} CROSS JOIN combined b", _IN_CELLS)
_COMBINED_SOUGHT = _Side(SUM_BUCKETS, f" FROM {CELL_STARTS} CROSS JOIN combined b", _AT_CELLS)
_TAG_SETS = _Side(SUM_BUCKETS, _SETS, _IN_CELLS)
# Named indexes, because the planner has no statistics to choose by.
_ROWS = _Side(SUM_ROWS, f" FROM {_ROW_RANGES} CROSS JOIN requests b INDEXED BY requests_started", _IN_ROWS)
_ROWS_OF_CONVERSATION = _Side(
    SUM_ROWS, f" FROM {_ROW_RANGES} CROSS JOIN requests b INDEXED BY requests_conversation", _IN_ROWS
)
# Rows that no combination counts yet: each finds its slice by a search, for both may be many.
_ROWS_SINCE = _Side(
    SUM_ROWS,
    " FROM (SELECT n, slice_at(started_us) AS slice FROM requests r NOT INDEXED WHERE r.n > ?) s "
    "CROSS JOIN requests b ON b.n = s.n",
    " WHERE s.slice IS NOT NULL",
)
_ROWS_OF_TRACE = _Side(SUM_ROWS, f" FROM {_ROW_RANGES} CROSS JOIN requests b INDEXED BY requests_trace", _IN_ROWS)


class Plan(Struct, frozen=True):
    """What makes up an answer: cells and rows, what pairs tell of whole days and months, and what of all that was
    not asked for."""

    source: Source
    cells: Sequence[CellRange]
    rows: Sequence[RowRange]
    parts: Sequence[Part] = ()
    told: Sequence[CellRange] = ()
    less_cells: Sequence[CellRange] = ()
    less_rows: Sequence[RowRange] = ()


def gather(
    connection: sqlite3.Connection, query: UsageQuery, by: str | None, plan: Plan, more: Condition = _NO_MORE
) -> Table:
    """Sums by (slice, value); a value is a number of `names`, 0 for none, or the text of a conversation. `more` is
    asked besides the query's filters."""
    table: Table = {}
    where = condition(connection, query)
    where = Condition(where.sql + more.sql, where.values + more.values)
    if plan.told:
        for key, sums, sign in pair_sums(connection, plan.parts, plan.told):
            _put(table, key, sums, sign)
    for cells, rows, sign in ((plan.cells, plan.rows, 1), (plan.less_cells, plan.less_rows, -1)):
        if cells:
            _add_cells(connection, query, by, plan.source, where, cells, table, sign)
            if not isinstance(plan.source, Singles):
                _add_uncounted(connection, by, where, cells, table, sign)
        if rows:
            side = _ROWS_OF_CONVERSATION if query.conversation else _ROWS_OF_TRACE if query.trace else _ROWS
            _add_side(connection, side, by, where, (_json(rows),), table, sign)
    return {key: sums for key, sums in table.items() if sums["requests"]}


def _add_cells(
    connection: sqlite3.Connection,
    query: UsageQuery,
    by: str | None,
    source: Source,
    where: Condition,
    cells: Sequence[CellRange],
    table: Table,
    sign: int,
) -> None:
    if isinstance(source, Singles):
        _add_singles(connection, by, source, cells, table, sign)
    elif isinstance(source, TagSets):
        _add_side(connection, _TAG_SETS, by, where, (_json(cells),), table, sign)
    elif query.user + query.model:
        sought = _json_of_starts(cells, day_zone(connection))
        _add_side(connection, _COMBINED_SOUGHT, by, where, (sought,), table, sign)
    else:
        _add_side(connection, _COMBINED, by, where, (_json(cells),), table, sign)


def _add_uncounted(
    connection: sqlite3.Connection,
    by: str | None,
    where: Condition,
    cells: Sequence[CellRange],
    table: Table,
    sign: int,
) -> None:
    """What these cells lack yet, from its rows."""
    since = combining.uncounted(connection)
    if since is None:
        return
    first, last = since.first_us // QUARTER_US, since.last_us // QUARTER_US
    rows = [
        (index, low * QUARTER_US, high * QUARTER_US) for index, _, low, high in cells if low <= last and high > first
    ]
    for apart in _apart(rows):
        connection.create_function("slice_at", 1, _finder(apart), deterministic=True)
        _add_side(connection, _ROWS_SINCE, by, where, (since.after,), table, sign)


def _apart(rows: Iterable[RowRange]) -> list[list[RowRange]]:
    """The ranges in lists, in each of which none overlap and all are in order."""
    lists: list[list[RowRange]] = []
    for row in sorted(rows, key=itemgetter(1)):
        fitting = next((some for some in lists if some[-1][2] <= row[1]), None)
        if fitting is None:
            lists.append([row])
        else:
            fitting.append(row)
    return lists


def _finder(rows: Sequence[RowRange]) -> Callable[[int], int | None]:
    """The slice of a moment."""
    lows = [low for _, low, _ in rows]

    def slice_at(us: int) -> int | None:
        at = bisect_right(lows, us) - 1
        return rows[at][0] if at >= 0 and us < rows[at][2] else None

    return slice_at


def _add_singles(
    connection: sqlite3.Connection,
    by: str | None,
    source: Singles,
    cells: Sequence[CellRange],
    table: Table,
    sign: int,
) -> None:
    ranges = _json(cells)
    if by is not None and by.startswith(TAG_KEY_PREFIX):
        key = key_id(connection, by)
        statement = _EACH_VALUE + _SINGLES + _OF_KEY + _GROUPED
        _add(table, connection.execute(statement, (ranges, source.dimension, key)), sign)
        # Who lacks the key: everything, less what has it.
        _add(table, connection.execute(_TOGETHER + _SINGLES + _GROUPED, (ranges, TOTAL)), sign)
        having = (ranges, DIMENSION_IDS["tag_key"], json_array([key]))
        _add(table, connection.execute(_TOGETHER + _SINGLES + _OF_VALUES + _GROUPED, having), -sign)
        return
    statement = (_TOGETHER if by is None else _EACH_VALUE) + _SINGLES
    bound: tuple[str | int, ...] = (ranges, source.dimension)
    if source.values is not None:
        statement += _OF_VALUES
        bound += (json_array(ids_of(connection, source.values)),)
    _add(table, connection.execute(statement + _GROUPED, bound), sign)


def _add_side(
    connection: sqlite3.Connection,
    side: _Side,
    by: str | None,
    where: Condition,
    bound: Sequence[str | int],
    table: Table,
    sign: int,
) -> None:
    tagged = by is not None and (by == TAG or by.startswith(TAG_KEY_PREFIX))
    value = "b.tag_set" if tagged else "0" if by is None else _VALUE_OF[by]
    statement = "".join(("SELECT s.slice, ", value, ", ", side.sums, side.origin, side.within, where.text, _GROUPED))
    found = connection.execute(statement, (*bound, *where.values))
    if tagged:
        assert by is not None
        of_sets: Table = {}
        _add(of_sets, found, 1)
        _spread(connection, by, of_sets, table, sign)
    else:
        _add(table, found, sign)


def _spread(connection: sqlite3.Connection, by: str, of_sets: Table, table: Table, sign: int) -> None:
    """Sums of sets of tags to each of their tags, or to none."""
    bound: list[str | int] = [json_array({tag_set for _, tag_set in of_sets})]
    if by != TAG:
        bound.append(key_id(connection, by))
    tags: defaultdict[Value, list[int]] = defaultdict(list)
    for tag_set, tag in connection.execute(_MEMBERS if by == TAG else _MEMBERS_OF_KEY, bound):
        tags[tag_set].append(tag)
    for (index, tag_set), sums in of_sets.items():
        for tag in tags.get(tag_set) or (NO_NAME,):
            table.setdefault((index, tag), Sums()).add(sums.values, sums.latency, sums.ttft, sign)


def _add(table: Table, found: Iterable[Sequence[Any]], sign: int) -> None:
    histograms = 2 + len(MEASURES)
    for row in found:
        key = (row[0], NO_NAME if row[1] is None else row[1])
        _put(table, key, Sums(list(row[2:histograms]), row[histograms], row[-1], IN_BUCKETS), sign)


def _put(table: Table, key: tuple[int, Value], sums: Sums, sign: int) -> None:
    """`sums` belongs to the table from then on."""
    if sign > 0 and key not in table:
        table[key] = sums
    else:
        table.setdefault(key, Sums()).add(sums.values, sums.latency, sums.ttft, sign)


def key_id(connection: sqlite3.Connection, by: str) -> int:
    """The number of the tag key in `tag:KEY`, or one that nothing has."""
    return next(iter(ids_of(connection, (by.removeprefix(TAG_KEY_PREFIX),))), _NO_SUCH_ID)


def _json(ranges: Sequence[CellRange] | Sequence[RowRange]) -> str:
    return msgspec.json.encode(ranges).decode()


def _json_of_starts(cells: Sequence[CellRange], zone: ZoneInfo) -> str:
    return json_array(in_one(*cell) for cell in starts(cells, zone))
