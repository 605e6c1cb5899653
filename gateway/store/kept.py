"""From when on rows, and buckets, are all there: what retention has taken away, as every question must know it.

The times stand in the `settings` of the database and are moved on before anything is deleted, so that no answer
counts what is half gone. Nothing there: everything is. A clean-up by a clock that was far ahead leaves times to come:
they are set right by what is there.
"""

import sqlite3

from msgspec import Struct

from gateway.store.quarters import HOUR_QUARTERS, QUARTER_US, quarter_of

ROWS_FROM = "rows_from_us"
BUCKETS_FROM = "buckets_from_us"

_FROM = "SELECT name, CAST(value AS INTEGER) FROM settings WHERE name IN ('rows_from_us', 'buckets_from_us')"
# What is gone does not come back: a time moves on, and back only to where a clean-up that was ended had come.
_MOVE = (
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)"
)
_SET_BACK = "UPDATE settings SET value = ? WHERE name = ?"
# Rows and buckets of a quarter are as many where neither lacks any.
_LAST_UNEQUAL = (
    "SELECT MAX(start) FROM (SELECT start FROM (SELECT start, requests AS n FROM buckets "
    "WHERE level = 0 AND dimension = 0 AND start < ?1 UNION ALL "
    "SELECT quarter_at(started_us), -COUNT(*) FROM requests WHERE started_us < ?1 * ?2 GROUP BY 1) "
    "GROUP BY start HAVING SUM(n) <> 0)"
)
_FIRST = "SELECT MIN(start) FROM buckets WHERE level = 0 AND dimension = 0"


class Kept(Struct, frozen=True):
    """All rows that began at `rows_from_us` or later are there, and all buckets from `buckets_from_us` on; None
    where none was ever taken away. Both are edges of quarters of an hour."""

    rows_from_us: int | None = None
    buckets_from_us: int | None = None

    def from_us(self, name: str) -> int | None:
        """The time of this name, ROWS_FROM or BUCKETS_FROM."""
        return {ROWS_FROM: self.rows_from_us, BUCKETS_FROM: self.buckets_from_us}[name]

    @property
    def both_from_us(self) -> int | None:
        """From when on rows and buckets are both there, and so can be compared."""
        return max((us for us in (self.rows_from_us, self.buckets_from_us) if us is not None), default=None)

    @property
    def either_from_us(self) -> int | None:
        """Before this neither is there; None where one of the two reaches back to the first request."""
        if self.rows_from_us is None or self.buckets_from_us is None:
            return None
        return min(self.rows_from_us, self.buckets_from_us)


def kept(connection: sqlite3.Connection) -> Kept:
    """What this database has still."""
    found = dict(connection.execute(_FROM).fetchall())
    return Kept(found.get(ROWS_FROM), found.get(BUCKETS_FROM))


def move(connection: sqlite3.Connection, name: str, from_us: int) -> None:
    """Say from when on the rest is there; before it is taken away."""
    connection.execute(_MOVE, (name, str(from_us)))


def move_back(connection: sqlite3.Connection, name: str, from_us: int) -> None:
    """Say that more is there than was to be taken away; what was said before that is none of this."""
    connection.execute(_SET_BACK, (str(from_us), name))


def set_right(connection: sqlite3.Connection, now_us: int) -> None:
    """Within a transaction: where rows or buckets are said to be there only from a time to come on, they are there
    from where both tell the same again, and where nothing is left, from now on."""
    have = kept(connection)
    said = ((ROWS_FROM, have.rows_from_us), (BUCKETS_FROM, have.buckets_from_us))
    ahead = {name: us for name, us in said if us is not None and us > now_us}
    if not ahead:
        return
    connection.create_function("quarter_at", 1, quarter_of, deterministic=True)
    until = -(-max(ahead.values()) // QUARTER_US)
    unequal = connection.execute(_LAST_UNEQUAL, (until, QUARTER_US)).fetchone()[0]
    if unequal is not None:
        since = unequal + 1
    else:
        first = connection.execute(_FIRST).fetchone()[0]
        since = quarter_of(now_us) if first is None else first
    for name, us in ahead.items():
        grain = HOUR_QUARTERS if name == BUCKETS_FROM else 1
        connection.execute(_SET_BACK, (str(min(us, -(-since // grain) * grain * QUARTER_US)), name))
