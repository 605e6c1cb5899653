"""What each conversation's rows come to, counted ahead: to rank a year's conversations would else read every row.

`conversation_totals` counts the rows up to a number that stands in `settings`; the settling moves it on, so that
whoever writes rows pays nothing for it. Whoever changes or deletes rows sums up their conversations again within the
same transaction. A question takes what lies wholly within its time from here, and asks the rows for the others.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gateway.store.measures import ROW_EXPRESSIONS
from gateway.store.names import json_array

_COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_SUMMED = (
    "requests",
    "errors",
    "priced",
    "cost_nano",
    "cost_none",
    *(name for count in _COUNTS for name in (count, f"{count}_known")),
    "generated_tokens",
    "generation_us",
)
COLUMNS = ("conversation", "first_us", "last_us", *_SUMMED)
CREATE_TOTALS = (
    "CREATE TABLE conversation_totals (conversation TEXT NOT NULL PRIMARY KEY, "
    f"{', '.join(f'{column} INTEGER NOT NULL' for column in COLUMNS[1:])}) WITHOUT ROWID"
)
# By the name of what conversations are ordered by: NULL where it is unknown. The others only rows can tell.
RANKS: Mapping[str, str] = {
    "cost_usd": "IIF(t.requests > t.cost_none OR t.requests = t.priced, t.cost_nano, NULL)",
    "requests": "t.requests",
    "errors": "t.errors",
    "unpriced_requests": "t.requests - t.priced",
    "tokens_per_s": "t.generated_tokens * 1000000.0 / NULLIF(t.generation_us, 0)",
    **{count: f"IIF(t.{count}_known, t.{count}, NULL)" for count in _COUNTS},
    "ended_at": "t.last_us",
    "started_at": "t.first_us",
    "id": "0",
}

_COUNTED_TO = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'totals_to'"
_SET_COUNTED_TO = (
    "INSERT INTO settings (name, value) VALUES ('totals_to', ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_LAST_ROW = "SELECT COALESCE(MAX(n), 0) FROM requests"
_SUMS = (
    "SELECT b.conversation, MIN(b.started_us), MAX(b.started_us), "
    f"{', '.join(ROW_EXPRESSIONS[name] for name in _SUMMED)} FROM requests b "
)
_ADD = (
    f"INSERT INTO conversation_totals ({', '.join(COLUMNS)}) {_SUMS}"
    "NOT INDEXED WHERE b.n > ? AND b.n <= ? AND b.conversation IS NOT NULL GROUP BY b.conversation "
    "ON CONFLICT (conversation) DO UPDATE SET first_us = MIN(first_us, excluded.first_us), "
    f"last_us = MAX(last_us, excluded.last_us), {', '.join(f'{name} = {name} + excluded.{name}' for name in _SUMMED)}"
)
_OF_ROWS = (
    "SELECT DISTINCT conversation FROM requests WHERE n IN (SELECT value FROM json_each(?)) "
    "AND conversation IS NOT NULL"
)
_FORGET_SOME = "DELETE FROM conversation_totals WHERE conversation IN (SELECT value FROM json_each(?))"
_SUM_AGAIN = (
    f"INSERT INTO conversation_totals ({', '.join(COLUMNS)}) {_SUMS}INDEXED BY requests_conversation "
    "WHERE b.conversation IN (SELECT value FROM json_each(?)) AND b.n <= ? GROUP BY b.conversation"
)
_FORGET_ALL = ("DELETE FROM conversation_totals", "DELETE FROM settings WHERE name = 'totals_to'")
STORED = f"SELECT {', '.join(COLUMNS)} FROM conversation_totals ORDER BY conversation"
TRUE = (
    f"{_SUMS}INDEXED BY requests_conversation WHERE b.conversation IS NOT NULL AND b.n <= ? GROUP BY b.conversation"
)

# By the rows' numbers: SQLite would read an index of all that there is, for it is in the order of the groups.
_SINCE = (
    "SELECT DISTINCT b.conversation FROM requests b NOT INDEXED "
    "WHERE b.n > ? AND b.started_us >= ? AND b.started_us < ? AND b.conversation IS NOT NULL"
)
_ACROSS = (
    "SELECT conversation FROM conversation_totals "
    "WHERE (first_us < ?1 AND last_us >= ?1) OR (first_us < ?2 AND last_us >= ?2)"
)
_WITHIN = " FROM conversation_totals t WHERE t.first_us >= ? AND t.last_us < ?"

Rank = tuple[float, str]


def counted_to(connection: sqlite3.Connection) -> int:
    """The number of the last row that is counted, 0 for none."""
    found = connection.execute(_COUNTED_TO).fetchone()
    return 0 if found is None else int(found[0])


def uncounted(connection: sqlite3.Connection) -> int:
    """How many rows came since, at most."""
    return int(connection.execute(_LAST_ROW).fetchone()[0]) - counted_to(connection)


def count_on(connection: sqlite3.Connection, most: int) -> int:
    """Count the next rows, at most so many, within a transaction; how many numbers that was on."""
    low, last = counted_to(connection), int(connection.execute(_LAST_ROW).fetchone()[0])
    high = min(low + most, last)
    if high <= low:
        return 0
    connection.execute(_ADD, (low, high))
    connection.execute(_SET_COUNTED_TO, (str(high),))
    return high - low


def of_rows(connection: sqlite3.Connection, ns: Iterable[int]) -> list[str]:
    """The conversations that these rows belong to."""
    return [text for (text,) in connection.execute(_OF_ROWS, (json_array(ns),))]


def again(connection: sqlite3.Connection, conversations: Sequence[str]) -> None:
    """Sum up some conversations anew whose rows have changed or gone, within the transaction that did it."""
    # A number beyond the last row is given anew, and then to one that is not counted.
    to = min(counted_to(connection), int(connection.execute(_LAST_ROW).fetchone()[0]))
    connection.execute(_SET_COUNTED_TO, (str(to),))
    some = json_array(conversations)
    connection.execute(_FORGET_SOME, (some,))
    connection.execute(_SUM_AGAIN, (some, to))


def forget(connection: sqlite3.Connection) -> None:
    """Nothing is counted any more, within a transaction."""
    for statement in _FORGET_ALL:
        connection.execute(statement)


def not_told(connection: sqlite3.Connection, start_us: int, end_us: int) -> list[str]:
    """The conversations that rows must be asked for: with rows that are not counted, or some on either side of an end
    of the time."""
    since = connection.execute(_SINCE, (counted_to(connection), start_us, end_us))
    across = connection.execute(_ACROSS, (start_us, end_us))
    return list({text for (text,) in (*since, *across)})


def ranked(
    connection: sqlite3.Connection, rank: str, bounds: tuple[int, int], after: Rank | None, limit: int
) -> Iterator[Rank]:
    """(rank, id) of the conversations wholly within the time, by an expression made of `RANKS`, largest first; among
    equals by id; of those behind `after`."""
    statement = f"SELECT {rank} AS rank, t.conversation{_WITHIN}"
    bound: list[Any] = [*bounds]
    if after is not None:
        statement += " AND (rank < ? OR (rank = ? AND t.conversation > ?))"
        bound += [after[0], *after]
    yield from connection.execute(statement + " ORDER BY rank DESC, t.conversation LIMIT ?", (*bound, limit))
