"""Sums over rows that match a query."""

import sqlite3

from gateway.records import UsageQuery
from gateway.store import histogram
from gateway.store.filters import condition
from gateway.store.measures import MEASURES, SUM_ROWS, Sums
from gateway.store.pages import EARLIEST, LATEST

_SUM = f"SELECT {SUM_ROWS} FROM requests b WHERE b.started_us >= ? AND b.started_us < ?"


def total(connection: sqlite3.Connection, query: UsageQuery) -> Sums:
    start = EARLIEST if query.start_us is None else query.start_us
    end = LATEST if query.end_us is None else query.end_us
    where = condition(connection, query)
    row = connection.execute(_SUM + where.text, (start, end, *where.values)).fetchone()
    sums = Sums()
    if row[0]:
        values, blobs = row[: len(MEASURES)], row[len(MEASURES) :]
        sums.add(values, histogram.decode(blobs[0]), histogram.decode(blobs[1]))
    return sums
