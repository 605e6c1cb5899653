"""Requests one by one, newest first: pages by key, by place, and in a stream that never holds more than a page.

The order is (start, number of the row), which an index holds; a cursor names the last row seen, so pages neither
skip nor repeat while new rows come in.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.records import ExchangeRecord, RequestPage, UsageQuery
from gateway.store.cursors import EARLIEST, LATEST, Cursors
from gateway.store.filters import Condition, condition
from gateway.store.names import Texts
from gateway.store.rows import REQUEST_COLUMNS, read

Place = tuple[int, int]

_PAGE = (
    f"SELECT {REQUEST_COLUMNS} FROM requests b WHERE b.started_us >= ? AND b.started_us < ? "
    "AND (b.started_us, b.n) < (?, ?)"
)
_COUNT = "SELECT COUNT(*) FROM requests b WHERE b.started_us >= ? AND b.started_us < ?"
_NEWEST_FIRST = " ORDER BY b.started_us DESC, b.n DESC LIMIT ? OFFSET ?"
_ONE = f"SELECT {REQUEST_COLUMNS} FROM requests b WHERE b.id = ?"

_CURSORS = Cursors(msgspec.json.Decoder(tuple[str, Place]))


def render_cursor(place: Place) -> str:
    """Opaque text for the row after which the next page begins."""
    return _CURSORS.render(place)


def parse_cursor(cursor: str | None) -> Place:
    """Raises ClientError for anything that `render_cursor` did not make."""
    return (LATEST, LATEST) if cursor is None else _CURSORS.parse(cursor)


def page(
    connection: sqlite3.Connection, texts: Texts, query: UsageQuery, *, limit: int, offset: int, after: Place
) -> tuple[list[ExchangeRecord], Place | None]:
    """Up to `limit` rows, and the place of the last where more may follow."""
    start, end = _bounds(query)
    # Of two upper bounds SQLite seeks by one and looks at each row for the other: both are the nearer one.
    end = min(end, after[0] + 1)
    where = condition(connection, query)
    rows = _select(connection, where, (start, end, *after), limit + 1, offset)
    more = len(rows) > limit
    rows = rows[:limit]
    records = read(connection, texts, rows)
    return records, ((records[-1].started_us, rows[-1][0]) if more and records else None)


def count(connection: sqlite3.Connection, query: UsageQuery) -> int:
    """How many rows match, counted one by one."""
    where = condition(connection, query)
    found: int = connection.execute(_COUNT + where.text, (*_bounds(query), *where.values)).fetchone()[0]
    return found


def _bounds(query: UsageQuery) -> tuple[int, int]:
    start = EARLIEST if query.start_us is None else max(EARLIEST, min(query.start_us, LATEST))
    return start, LATEST if query.end_us is None else max(EARLIEST, min(query.end_us, LATEST))


def one(connection: sqlite3.Connection, texts: Texts, request_id: str) -> ExchangeRecord | None:
    rows = connection.execute(_ONE, (request_id,)).fetchall()
    return read(connection, texts, rows)[0] if rows else None


def as_page(records: Sequence[ExchangeRecord], last: Place | None, complete_from_us: int | None) -> RequestPage:
    cursor = None if last is None else render_cursor(last)
    return RequestPage(rows=tuple(records), next_cursor=cursor, complete_from_us=complete_from_us)


def _select(
    connection: sqlite3.Connection, where: Condition, bounds: tuple[int, ...], limit: int, offset: int
) -> list[tuple[Any, ...]]:
    statement = _PAGE + where.text + _NEWEST_FIRST
    return connection.execute(statement, (*bounds, *where.values, limit, offset)).fetchall()
