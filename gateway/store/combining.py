"""Combinations and sets of tags, counted a moment after their rows, so that whoever writes rows pays nothing for it.

`combined`, and what `buckets` has by whole sets of tags, count the rows up to a number that stands in `settings`; a
step moves it on. Rows behind it answer for themselves wherever these cells are asked. Whoever changes the share of a
row that is not counted yet leaves these cells alone; who changes or deletes many counts them first. Many rows that
come at once, as a history does or what waited for the database, are counted as they are written: reading them back
would take longer.
"""

import sqlite3
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from gateway.store.buckets import Combined, combine
from gateway.store.measures import DURATIONS, PRICED
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import FIXED_IDS
from gateway.store.shares import NUMBERS_OF_ROWS, RARE_NUMBERS, lanes_of, piece

# The more at once, the more of them share a day's sums. A step takes some ten milliseconds, for which the writer
# waits; where a history came in, as many rows as one transaction of that, which are no more than add up for sure.
STEP_ROWS, CATCH_UP_ROWS = 2000, 20_000
# Fewer than so many share too little to be counted as they are written.
AT_ONCE_ROWS = 1000

_COUNTED_TO = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'combined_to'"
_SET_COUNTED_TO = "UPDATE settings SET value = ? WHERE name = 'combined_to'"
_LAST_ROW = "SELECT COALESCE(MAX(n), 0) FROM requests"
# By the rows' numbers: SQLite would read the index of their times.
_SINCE = "SELECT MIN(started_us), MAX(started_us) FROM requests NOT INDEXED WHERE n > ?"
_SINCE_WITHIN = "SELECT 1 FROM requests NOT INDEXED WHERE n > ? AND started_us >= ? AND started_us < ? LIMIT 1"
_VALUES_END = 1 + len(COMBINED_DIMENSIONS)
_NUMBERS_END = _VALUES_END + len(NUMBERS_OF_ROWS)
_RARE_END = _NUMBERS_END + len(RARE_NUMBERS)
_OUTCOME = 1 + COMBINED_DIMENSIONS.index("outcome")
_COST = _VALUES_END + NUMBERS_OF_ROWS.index("cost_nano")
_LATENCY, _TTFT = (_VALUES_END + NUMBERS_OF_ROWS.index(duration) for duration in DURATIONS)
_COLUMNS = (
    *("started_us", *COMBINED_DIMENSIONS, *NUMBERS_OF_ROWS, *RARE_NUMBERS),
    *("generation_us", "usage_source", "cost_source", "price_fuzzy"),
)
_ROWS = (
    f"SELECT {', '.join(f'b.{column}' for column in _COLUMNS)}, {PRICED} "
    "FROM requests b NOT INDEXED WHERE b.n > ? AND b.n <= ?"
)
_word_of = {number: text for text, number in FIXED_IDS.items()}.get


class Uncounted(NamedTuple):
    """The rows behind a number: when the first of them and the last began."""

    after: int
    first_us: int
    last_us: int


def counted_to(connection: sqlite3.Connection) -> int:
    """The number of the last row that is counted, 0 for none."""
    return int(connection.execute(_COUNTED_TO).fetchone()[0])


def uncounted(connection: sqlite3.Connection) -> Uncounted | None:
    """What is not counted yet; None where all is."""
    after = counted_to(connection)
    first_us, last_us = connection.execute(_SINCE, (after,)).fetchone()
    return None if first_us is None else Uncounted(after, first_us, last_us)


def lacks(connection: sqlite3.Connection, start_us: int, end_us: int) -> bool:
    """Whether rows of this time are not counted yet."""
    return connection.execute(_SINCE_WITHIN, (counted_to(connection), start_us, end_us)).fetchone() is not None


def count_on(connection: sqlite3.Connection, zone: ZoneInfo) -> bool:
    """Count the next `STEP_ROWS` rows, or `CATCH_UP_ROWS` where so many wait, within a transaction; whether there are
    more. `zone` is the one whose days the database has."""
    low, last = counted_to(connection), _last(connection)
    high = min(low + (STEP_ROWS if last - low < CATCH_UP_ROWS else CATCH_UP_ROWS), last)
    if low < high:
        _count(connection, zone, low, high)
    return high < last


def at_once(connection: sqlite3.Connection, zone: ZoneInfo, rows: int) -> bool:
    """Whether so many rows, which are about to be written, are to be counted with them, within their transaction.
    Those before them are counted first, where a step is enough for these; `all_counted` tells afterwards."""
    return rows >= AT_ONCE_ROWS and not count_on(connection, zone)


def catch_up(connection: sqlite3.Connection, zone: ZoneInfo) -> None:
    """Count all there is, within a transaction."""
    last = _last(connection)
    for low in range(counted_to(connection), last, CATCH_UP_ROWS):
        _count(connection, zone, low, min(low + CATCH_UP_ROWS, last))


def _count(connection: sqlite3.Connection, zone: ZoneInfo, low: int, high: int) -> None:
    combine(connection, zone, map(_combined, connection.execute(_ROWS, (low, high))))
    _set(connection, high)


def all_counted(connection: sqlite3.Connection) -> None:
    """All that there is was counted by other means, within a transaction."""
    _set(connection, _last(connection))


def keep_within(connection: sqlite3.Connection) -> None:
    """After rows have gone, within their transaction: a number beyond the last row is given anew, and then to one
    that is not counted."""
    _set(connection, min(counted_to(connection), _last(connection)))


def _last(connection: sqlite3.Connection) -> int:
    return int(connection.execute(_LAST_ROW).fetchone()[0])


def _set(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(_SET_COUNTED_TO, (str(number),))


def _combined(row: tuple[Any, ...]) -> Combined:
    generation, usage_source, cost_source, fuzzy, priced = row[_RARE_END:]
    numbers: Any = row[_VALUES_END:_NUMBERS_END]
    lanes = lanes_of(
        numbers,
        generation,
        row[_NUMBERS_END:_RARE_END],
        _word_of(row[_OUTCOME], ""),
        bool(priced),
        _word_of(usage_source, ""),
        _word_of(cost_source, ""),
        bool(fuzzy) and row[_COST] is not None,
    )
    return row[0], row[1:_VALUES_END], piece(lanes, row[_LATENCY], row[_TTFT])
