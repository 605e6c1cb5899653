"""One transaction: rows, attempts, tags and buckets of a batch of records, all or nothing.

Idempotent by id: a record whose row exists is left out of rows and buckets alike, so a replay never doubles.
"""

import sqlite3
from collections.abc import Collection, Sequence
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store import buckets, combining, rows
from gateway.store.assigning import Assignment, assign
from gateway.store.database import writing
from gateway.store.migrations import DAY_ZONE
from gateway.store.names import SWEPT, Names, json_array
from gateway.store.pairs import unsettle_rows
from gateway.store.storable import adds_up, storable


def day_zone(connection: sqlite3.Connection) -> ZoneInfo:
    """The time zone whose days are rolled up in this database."""
    return ZoneInfo(connection.execute(DAY_ZONE).fetchone()[0])


def unknown(connection: sqlite3.Connection, ids: Collection[str]) -> set[str]:
    """Those of these requests that have no row yet."""
    known = connection.execute(rows.KNOWN_REQUESTS, (json_array(ids),))
    return set(ids).difference(request_id for (request_id,) in known)


class Committer:
    """Writes batches through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._names = Names(connection)
        self._swept: object = None

    def commit(self, records: Sequence[ExchangeRecord]) -> int:
        """Write what is new and return how many that were. Raises sqlite3.Error, with nothing written."""
        try:
            with writing(self.connection):
                fresh = self._fresh(records)
                if fresh:
                    self._forget_swept()
                    self._names.bound()
                    # Asked each time: another process may have made the buckets anew with days of another zone.
                    zone = day_zone(self.connection)
                    at_once = combining.at_once(self.connection, zone, len(fresh))
                    rows.insert(self.connection, self._names, fresh)
                    buckets.add(self.connection, self._names, zone, fresh, combinations=at_once)
                    if at_once:
                        combining.all_counted(self.connection)
                    unsettle_rows(self.connection, zone, (record.started_us for record in fresh))
        except BaseException:
            self._names.forget()
            raise
        return len(fresh)

    def assign(self, assignments: Sequence[Assignment]) -> None:
        """Tell rows where they belong. Raises sqlite3.Error, with nothing changed."""
        try:
            with writing(self.connection):
                self._forget_swept()
                assign(self.connection, self._names, day_zone(self.connection), assignments)
        except BaseException:
            self._names.forget()
            raise

    def _forget_swept(self) -> None:
        """A clean-up, of another process perhaps, may have deleted names that are known here."""
        swept = self.connection.execute(SWEPT).fetchone()
        if swept != self._swept:
            self._names.forget()
            self._swept = swept

    def _fresh(self, records: Sequence[ExchangeRecord]) -> list[ExchangeRecord]:
        by_id = {record.id: record if adds_up(record) else storable(record) for record in records}
        known = self.connection.execute(rows.KNOWN_REQUESTS, (json_array(by_id),))
        for (request_id,) in known.fetchall():
            del by_id[request_id]
        return list(by_id.values())
