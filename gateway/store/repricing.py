"""Rows priced anew: what would change, the change as one transaction, and its way back.

Both walk the same rows in the order of their time, some thousands in memory at once, so that what a preview says is
what applying does. A re-pricing keeps what each changed row was before, and undoing it gives rows and buckets their
very numbers back. Meanwhile the writer waits, the journal holds, and readers see the state before.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.counted import counted, dollars
from gateway.errors import ClientError, missing
from gateway.price_records import Repricing, RepricingPreview
from gateway.read_api import render_time
from gateway.records import UsageQuery
from gateway.store import combining, conversation_totals
from gateway.store.commit import day_zone
from gateway.store.database import writing
from gateway.store.kept import kept
from gateway.store.names import FIXED_IDS, Names, Texts
from gateway.store.repriced_rows import CHUNK_ROWS, DIMENSIONS, Change, Price, Progress, Walk
from gateway.store.shifts import Cells, Shift, shift

_KEEP_BEFORE = "INSERT INTO repriced VALUES (?, ?, ?, ?, ?, ?, ?)"
_SET_COST = "UPDATE requests SET cost_nano = ?, cost_source = ?, price_id = ?, price_fuzzy = ? WHERE n = ?"
_SET_ATTEMPT = "UPDATE attempts SET cost_nano = ? WHERE request = ? AND n = ?"

_COLUMNS = "id, at_us, query, examined, changed, from_nano, to_nano, first_us, last_us, undone_us"
_ALL = f"SELECT {_COLUMNS} FROM repricings ORDER BY id DESC"
_ONE = f"SELECT {_COLUMNS} FROM repricings WHERE id = ?"
_NEXT = "SELECT COALESCE(MAX(id), 0) + 1 FROM repricings"
_ADD = f"INSERT INTO repricings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
_SET_UNDONE = "UPDATE repricings SET undone_us = ? WHERE id = ?"
_FORGET = "DELETE FROM repriced WHERE repricing = ?"
_BACK = (
    "SELECT r.n, r.cost_nano, r.cost_source, r.price_id, r.price_fuzzy, r.attempt, "
    f"b.started_us, b.cost_nano, b.cost_source, b.price_fuzzy, {DIMENSIONS} "
    "FROM repriced r JOIN requests b ON b.n = r.n WHERE r.repricing = ? AND r.n > ? ORDER BY r.n LIMIT ?"
)
_LATER = (
    "SELECT MAX(l.repricing) FROM repriced e CROSS JOIN repriced l ON l.n = e.n AND l.repricing > e.repricing "
    "WHERE e.repricing = ?"
)

_encode = msgspec.json.Encoder().encode
_decode_query = msgspec.json.Decoder(UsageQuery).decode


def preview(
    connection: sqlite3.Connection, texts: Texts, query: UsageQuery, price: Price, progress: Progress | None = None
) -> RepricingPreview:
    """What applying would do. `connection` is a snapshot. Raises ClientError where rows of that time are gone."""
    _refuse_gone(connection, query)
    walk = Walk(connection, texts, query, price, progress)
    for _ in walk.changes():
        pass
    return walk.preview()


def apply(
    connection: sqlite3.Connection,
    query: UsageQuery,
    price: Price,
    at_us: int,
    expected: RepricingPreview | None = None,
    progress: Progress | None = None,
) -> Repricing:
    """Give the rows today's prices, in one transaction; `at_us` is now.

    With `expected` only if that many rows change by that much. Raises ClientError, sqlite3.Error or what `progress`
    raises, with nothing changed.
    """
    names, cells = Names(connection), Cells(connection)
    with writing(connection):
        _refuse_gone(connection, query)
        zone = day_zone(connection)
        combining.catch_up(connection, zone)
        number: int = connection.execute(_NEXT).fetchone()[0]
        walk = Walk(connection, Texts(), query, price, progress)
        for changes in walk.changes():
            _change(connection, names, number, changes)
            _sum_up_again(connection, [change.n for change in changes])
            shift(connection, cells, zone, map(_shift_of, changes))
        done = walk.preview()
        _refuse_other(done, expected)
        applied = Repricing(
            id=number,
            at_us=at_us,
            query=query,
            examined=done.examined,
            changed=done.changed,
            from_nano=done.from_nano,
            to_nano=done.to_nano,
            first_us=walk.first_us,
            last_us=walk.last_us,
        )
        connection.execute(_ADD, (number, at_us, _encode(query).decode(), *_numbers(applied)))
    _shrink_log(connection)
    return applied


def undo(connection: sqlite3.Connection, number: int, at_us: int, progress: Progress | None = None) -> Repricing:
    """Give the rows of a re-pricing back what they were, in one transaction; `at_us` is now.

    Raises ClientError, sqlite3.Error or what `progress` raises, with nothing changed.
    """
    cells = Cells(connection)
    with writing(connection):
        applied = _undoable(connection, number)
        zone = day_zone(connection)
        # What was re-priced was counted then.
        last, done = 0, 0
        while rows := connection.execute(_BACK, (number, last, CHUNK_ROWS)).fetchall():
            last, done = rows[-1][0], done + len(rows)
            connection.executemany(_SET_COST, ((*row[1:5], row[0]) for row in rows))
            connection.executemany(_SET_ATTEMPT, ((row[1], row[0], row[5]) for row in rows if row[5] is not None))
            _sum_up_again(connection, [row[0] for row in rows])
            shift(connection, cells, zone, map(_shift_back, rows))
            if progress is not None:
                progress(done, applied.changed)
        connection.execute(_FORGET, (number,))
        connection.execute(_SET_UNDONE, (at_us, number))
    _shrink_log(connection)
    return msgspec.structs.replace(applied, undone_us=at_us)


def every(connection: sqlite3.Connection) -> tuple[Repricing, ...]:
    """All that were ever applied, newest first."""
    return tuple(map(_repricing, connection.execute(_ALL)))


def _change(connection: sqlite3.Connection, names: Names, number: int, changes: Sequence[Change]) -> None:
    source = FIXED_IDS
    connection.executemany(
        _KEEP_BEFORE,
        [
            (n, number, record.cost_nano, source[record.cost_source], price_id, record.price_fuzzy, attempt)
            for n, record, _, price_id, attempt, _ in changes
        ],
    )
    connection.executemany(
        _SET_COST,
        [(to.cost_nano, source[to.source], names.number(to.price_id), to.fuzzy, n) for n, _, to, *_ in changes],
    )
    connection.executemany(
        _SET_ATTEMPT,
        [(change.to.cost_nano, change.n, change.attempt) for change in changes if change.attempt is not None],
    )


def _sum_up_again(connection: sqlite3.Connection, ns: Sequence[int]) -> None:
    conversation_totals.again(connection, conversation_totals.of_rows(connection, ns))


def _shift_of(change: Change) -> Shift:
    _, record, to, _, _, values = change
    source = FIXED_IDS
    before = record.cost_nano, source[record.cost_source], record.price_fuzzy
    return Shift(record.started_us, values, *before, to.cost_nano, source[to.source], to.fuzzy)


def _shift_back(row: Sequence[Any]) -> Shift:
    """Of a row of `_BACK`."""
    _, nano, source, _, fuzzy, _, started_us, now_nano, now_source, now_fuzzy, *values = row
    return Shift(started_us, tuple(values), now_nano, now_source, bool(now_fuzzy), nano, source, bool(fuzzy))


def _undoable(connection: sqlite3.Connection, number: int) -> Repricing:
    found = connection.execute(_ONE, (number,)).fetchone()
    if found is None:
        raise missing(f"There is no re-pricing {number}.")
    applied = _repricing(found)
    if applied.undone_us is not None:
        raise _conflict(f"The re-pricing {number} was undone at {render_time(applied.undone_us)} already.")
    (later,) = connection.execute(_LATER, (number,)).fetchone()
    if later is not None:
        raise _conflict(f"The re-pricing {later} has changed the same rows since: undo that first.")
    from_us = kept(connection).rows_from_us
    if from_us is not None and applied.first_us < from_us:
        raise _conflict(
            f"Of its requests those from {render_time(applied.first_us)} to {render_time(from_us)} are gone, "
            "so what they cost stays in the sums as it is."
        )
    return applied


def _refuse_gone(connection: sqlite3.Connection, query: UsageQuery) -> None:
    from_us = kept(connection).rows_from_us
    if from_us is not None and (query.start_us is None or query.start_us < from_us):
        since = "" if query.start_us is None else f"from {render_time(query.start_us)} "
        raise _conflict(
            f"The requests {since}to {render_time(from_us)} are kept as sums only, and sums cannot be priced anew: "
            f"choose a time from {render_time(from_us)} on.",
            param="from",
        )


def _refuse_other(done: RepricingPreview, expected: RepricingPreview | None) -> None:
    if expected is not None and (done.changed, done.difference_nano) != (expected.changed, expected.difference_nano):
        raise _conflict(
            f"It would now change {counted(done.changed, 'row')} by {dollars(done.difference_nano)}, "
            f"and not {expected.changed:,} by {dollars(expected.difference_nano)}: look at the preview again."
        )
    if not done.changed:
        raise _conflict("No row would cost anything else by today's prices: there is nothing to change.")


def _conflict(message: str, param: str | None = None) -> ClientError:
    return ClientError(message, status=409, param=param)


def _repricing(row: Sequence[Any]) -> Repricing:
    fields = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Repricing(**{**fields, "query": _decode_query(fields["query"])})


def _numbers(applied: Repricing) -> tuple[int, ...]:
    return (
        applied.examined,
        applied.changed,
        applied.from_nano,
        applied.to_nano,
        applied.first_us,
        applied.last_us,
    )


def _shrink_log(connection: sqlite3.Connection) -> None:
    """Give back the write-ahead log's space, which is that of all that was changed; readers may prevent it."""
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
