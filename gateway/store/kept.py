"""From when on rows, and buckets, are all there: what retention has taken away, as every question must know it.

The times stand in the `settings` of the database and are moved on before anything is deleted, so that no answer
counts what is half gone. Nothing there: everything is.
"""

import sqlite3

from msgspec import Struct

ROWS_FROM = "rows_from_us"
BUCKETS_FROM = "buckets_from_us"
CONTENT_FROM = "content_from_us"

_FROM = "SELECT name, CAST(value AS INTEGER) FROM settings WHERE name IN ('rows_from_us', 'buckets_from_us')"
# A time only ever moves on: what is gone does not come back.
_MOVE = (
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value "
    "WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)"
)


class Kept(Struct, frozen=True):
    """All rows that began at `rows_from_us` or later are there, and all buckets from `buckets_from_us` on; None
    where none was ever taken away. Both are edges of quarters of an hour."""

    rows_from_us: int | None = None
    buckets_from_us: int | None = None

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
