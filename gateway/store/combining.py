"""Combinations and sets of tags, counted a moment after their rows, so that whoever writes rows pays nothing for it.

`combined`, and what `buckets` has by whole sets of tags, count the rows up to a number that stands in `settings`; a
step moves it on. Rows behind it answer for themselves wherever these cells are asked. Whoever changes the share of a
row that is not counted yet leaves these cells alone; who changes or deletes many counts them first.
"""

import sqlite3
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.store.buckets import BUCKET_KEY, COMBINED_KEY, DAY, DIMENSION_IDS, HALF, adding
from gateway.store.measures import HISTOGRAMS, MEASURES, SUM_ROWS
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.quarters import HALF_QUARTERS, day_start, quarter_of

# Some ten milliseconds, for which the writer waits.
STEP_ROWS = 1000

_COUNTED_TO = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'combined_to'"
_SET_COUNTED_TO = (
    "INSERT INTO settings (name, value) VALUES ('combined_to', ?) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_LAST_ROW = "SELECT COALESCE(MAX(n), 0) FROM requests"
# By the rows' numbers: SQLite would read the index of their times.
_SINCE = "SELECT MIN(started_us), MAX(started_us) FROM requests NOT INDEXED WHERE n > ?"
_SINCE_WITHIN = "SELECT 1 FROM requests NOT INDEXED WHERE n > ? AND started_us >= ? AND started_us < ? LIMIT 1"
_ROWS = f"{SUM_ROWS} FROM requests b NOT INDEXED WHERE b.n > ? AND b.n <= ?"
_SUMS = ", ".join((*MEASURES, *HISTOGRAMS))
_VALUES = ", ".join(f"b.{name}" for name in COMBINED_DIMENSIONS)
_COUNT = tuple(
    statement
    for level, start in ((HALF, "half_of"), (DAY, "day_of"))
    for statement in (
        f"INSERT INTO combined ({', '.join(COMBINED_KEY)}, {_SUMS}) SELECT {level}, {start}(b.started_us), "
        f"{_VALUES}, {_ROWS} GROUP BY 2, {_VALUES} {adding(COMBINED_KEY, MEASURES)}",
        f"INSERT INTO buckets ({', '.join(BUCKET_KEY)}, {_SUMS}) SELECT {level}, {DIMENSION_IDS['tag_set']}, "
        f"{start}(b.started_us), b.tag_set, {_ROWS} GROUP BY 3, 4 {adding(BUCKET_KEY, MEASURES)}",
    )
)


class Uncounted(NamedTuple):
    """The rows behind a number: when the first of them and the last began."""

    after: int
    first_us: int
    last_us: int


def counted_to(connection: sqlite3.Connection) -> int:
    """The number of the last row that is counted, 0 for none."""
    found = connection.execute(_COUNTED_TO).fetchone()
    return 0 if found is None else int(found[0])


def uncounted(connection: sqlite3.Connection) -> Uncounted | None:
    """What is not counted yet; None where all is."""
    after = counted_to(connection)
    first_us, last_us = connection.execute(_SINCE, (after,)).fetchone()
    return None if first_us is None else Uncounted(after, first_us, last_us)


def lacks(connection: sqlite3.Connection, start_us: int, end_us: int) -> bool:
    """Whether rows of this time are not counted yet."""
    return connection.execute(_SINCE_WITHIN, (counted_to(connection), start_us, end_us)).fetchone() is not None


def count_on(connection: sqlite3.Connection, zone: ZoneInfo) -> bool:
    """Count the next `STEP_ROWS` rows, within a transaction; whether there are more. `zone` is the one whose days the
    database has."""
    low, last = counted_to(connection), _last(connection)
    high = min(low + STEP_ROWS, last)
    if high <= low:
        return False
    connection.create_function("half_of", 1, _half_of, deterministic=True)
    connection.create_function("day_of", 1, lambda us: day_start(quarter_of(us), zone), deterministic=True)
    for statement in _COUNT:
        connection.execute(statement, (low, high))
    _set(connection, high)
    return high < last


def catch_up(connection: sqlite3.Connection, zone: ZoneInfo) -> None:
    """Count all there is, within a transaction."""
    while count_on(connection, zone):
        pass


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


def _half_of(us: int) -> int:
    quarter = quarter_of(us)
    return quarter - quarter % HALF_QUARTERS
