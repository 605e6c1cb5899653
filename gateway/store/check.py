"""Do the buckets say what the rows say? And buckets made anew from the rows, where they do not.

Both count all rows through the code that counts new ones, into temporary tables; the check walks the two in key
order, so memory stays constant whatever the history. Buckets that began while rows are gone (retention) are neither
judged nor touched: nothing else knows any more what happened then. Pairs of settled days and months are judged too,
and so are the totals of conversations; where buckets are made anew both go, and follow when all is settled again.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store import buckets, combining, conversation_totals, histogram
from gateway.store.buckets import DAY
from gateway.store.commit import day_zone
from gateway.store.counting import cells_of
from gateway.store.cursors import EARLIEST, LATEST
from gateway.store.database import TEMPORARY, WRITERS_CACHE_KIB, open_database, open_existing, writing
from gateway.store.kept import kept
from gateway.store.migrations import BUCKET_KEY, COMBINED_KEY, CREATE_BUCKETS, CREATE_COMBINED
from gateway.store.names import Names, Texts
from gateway.store.packed import measures_of
from gateway.store.pairs import MONTH, SETTLED, left_out_of
from gateway.store.quarters import QUARTER_S, month_end, quarter_of
from gateway.store.rows import REQUEST_COLUMNS, read
from gateway.store.settling import cells_of_month, with_rows

CHUNK_ROWS = 10_000
MOST_DIFFERENCES = 100

_LEVELS = ("quarter", "hour", "day", "half-hour", "month")
_CHUNK = (
    f"SELECT {REQUEST_COLUMNS} FROM requests b WHERE b.n > ? AND b.n <= ? AND b.started_us >= ? ORDER BY b.n LIMIT ?"
)
_CELLS: Mapping[str, str] = {
    "buckets": f"SELECT * FROM buckets WHERE start >= ? ORDER BY {', '.join(BUCKET_KEY)}",
    "combined": f"SELECT * FROM combined WHERE start >= ? ORDER BY {', '.join(COMBINED_KEY)}",
}
_KEY_LENGTHS = {"buckets": len(BUCKET_KEY), "combined": len(COMBINED_KEY)}
_TABLES = (CREATE_BUCKETS, CREATE_COMBINED)
# A temporary table hides the one of its name, so what counts new rows counts into it.
_HIDE = tuple(create.replace("CREATE TABLE", "CREATE TEMP TABLE") for create in _TABLES)
_REPLACE = (
    "DELETE FROM main.buckets WHERE start >= ?",
    "DELETE FROM main.combined WHERE start >= ?",
    "INSERT INTO main.buckets SELECT * FROM temp.buckets WHERE start >= ?",
    "INSERT INTO main.combined SELECT * FROM temp.combined WHERE start >= ?",
)
_PAIRS = "SELECT pair, value, other, sums, latency, ttft FROM pairs WHERE level = ? AND start = ? ORDER BY 1, 2, 3"
_SETTLED = f"SELECT level, start, left_out FROM settled WHERE state = {SETTLED} ORDER BY 1, 2"
# What is settled anew follows from the new buckets.
_FORGET_PAIRS = ("DELETE FROM main.settled", "DELETE FROM main.pairs")
_SET_DAY_ZONE = "UPDATE settings SET value = ? WHERE name = 'day_zone'"

Cell = tuple[Any, ...]


def check(connection: sqlite3.Connection) -> list[str]:
    """What differs, in words, at most 100 lines; nothing where buckets equal rows. `connection` is a snapshot."""
    with closing(open_database(TEMPORARY, cache_kib=WRITERS_CACHE_KIB)) as shadow:
        for statement in _TABLES:
            shadow.execute(statement)
        from_us = _from_us(connection)
        first = (quarter_of(from_us),)
        _count(connection, shadow, day_zone(connection), from_us, combining.counted_to(connection))
        differences: list[str] = []
        told = chain(
            _unequal_cells(connection, shadow, first),
            _unequal_pairs(connection, shadow, first[0]),
            _unequal_totals(connection),
        )
        for difference in told:
            if len(differences) == MOST_DIFFERENCES:
                return [*differences, "There are more differences than these."]
            differences.append(difference)
    return differences


def rebuild(path: Path, zone: ZoneInfo) -> None:
    """Make buckets anew as far back as rows are kept, with days of this zone, or of the one before where older
    buckets stay. One transaction. Raises sqlite3.Error, nothing changed."""
    with closing(open_existing(path, cache_kib=WRITERS_CACHE_KIB)) as connection, writing(connection):
        if kept(connection).both_from_us is not None:
            zone = day_zone(connection)
        # Rows of a time that is not made anew may wait too.
        combining.catch_up(connection, day_zone(connection))
        for statement in _HIDE:
            connection.execute(statement)
        from_us = _from_us(connection)
        connection.execute(_SET_DAY_ZONE, (zone.key,))
        _count(connection, connection, zone, from_us, LATEST)
        combining.all_counted(connection)
        for statement in _REPLACE:
            connection.execute(statement, (quarter_of(from_us),))
        for statement in _FORGET_PAIRS:
            connection.execute(statement)
        conversation_totals.forget(connection)


def _from_us(connection: sqlite3.Connection) -> int:
    from_us = kept(connection).both_from_us
    return EARLIEST if from_us is None else from_us


def _count(
    source: sqlite3.Connection, target: sqlite3.Connection, zone: ZoneInfo, from_us: int, combined_to: int
) -> None:
    """The combinations of rows up to a number only, all else of all rows."""
    names, texts = Names(source), Texts()
    for low, high in ((0, combined_to), (combined_to, LATEST)):
        for records in _chunks(source, texts, from_us, low, high):
            names.bound()
            buckets.add(target, names, zone, records, combinations=high == combined_to)


def _chunks(
    connection: sqlite3.Connection, texts: Texts, from_us: int, last: int, high: int
) -> Iterator[list[ExchangeRecord]]:
    """The rows whose numbers lie behind `last`, up to `high`."""
    while rows := connection.execute(_CHUNK, (last, high, from_us, CHUNK_ROWS)).fetchall():
        last = rows[-1][0]
        yield read(connection, texts, rows)


def _unequal_cells(connection: sqlite3.Connection, shadow: sqlite3.Connection, first: tuple[int]) -> Iterator[str]:
    for table, statement in _CELLS.items():
        stored, true = connection.execute(statement, first), shadow.execute(statement, first)
        for key, have, want in _unequal(stored, true, _KEY_LENGTHS[table]):
            yield _in_words(table, key, have, want)


def _unequal_pairs(connection: sqlite3.Connection, shadow: sqlite3.Connection, first: int) -> Iterator[str]:
    """Of hours and days whose rows are gone, by their buckets; of months by their days."""
    zone = day_zone(connection)
    for level, start, text in connection.execute(_SETTLED):
        left_out = left_out_of(text)
        if level == MONTH:
            days = with_rows(connection, DAY, start, month_end(start, zone))
            true = cells_of_month(connection, [day for day, _ in days], left_out)
        else:
            true = cells_of(shadow if start >= first else connection, connection, (level, start), zone, left_out)
        for key, have, want in _unequal(connection.execute(_PAIRS, (level, start)), true, 3, _readable_pair):
            wrong = "not stored" if have is None else "stored for nothing" if want is None else "not the sums"
            yield f"pairs, {_LEVELS[level]} from {_begins(start)}, pair, value and other {key}: {wrong}."


def _unequal_totals(connection: sqlite3.Connection) -> Iterator[str]:
    to = conversation_totals.counted_to(connection)
    stored = connection.execute(conversation_totals.STORED)
    true = connection.execute(conversation_totals.TRUE, (to,))
    for (conversation,), have, want in _unequal(stored, true, 1, tuple):
        wrong = "not stored" if have is None else "stored for nothing" if want is None else "not the sums"
        yield f"conversation_totals, {conversation!r}: {wrong}."


def _readable(cell: Cell) -> Cell:
    return tuple(histogram.decode(value) if isinstance(value, bytes) else value for value in cell)


def _readable_pair(cell: Cell) -> Cell:
    pair, value, other, sums, *durations = cell
    return pair, value, other, measures_of(sums), *durations


def _unequal(
    stored: Iterator[Cell], true: Iterator[Cell], key_length: int, readable: Callable[[Cell], Cell] = _readable
) -> Iterator[tuple[Cell, Cell | None, Cell | None]]:
    """(key, stored, true) of cells that differ or lack a partner; both come in key order."""
    have, want = next(stored, None), next(true, None)
    while have is not None or want is not None:
        if want is None or (have is not None and have[:key_length] < want[:key_length]):
            assert have is not None
            yield have[:key_length], have, None
            have = next(stored, None)
        elif have is None or want[:key_length] < have[:key_length]:
            yield want[:key_length], None, want
            want = next(true, None)
        else:
            if have != want and readable(have) != readable(want):
                yield have[:key_length], have, want
            have, want = next(stored, None), next(true, None)


def _in_words(table: str, key: Sequence[int], have: Cell | None, want: Cell | None) -> str:
    start = key[2] if table == "buckets" else key[1]
    stored = "no bucket" if have is None else f"{have[len(key)]} requests"
    true = "no rows" if want is None else f"{want[len(key)]} requests"
    place = f"{table}, {_LEVELS[key[0]]} from {_begins(start)}, key {tuple(key)}"
    if have is not None and want is not None and have[len(key)] == want[len(key)]:
        return f"{place}: the sums differ from those of the rows."
    return f"{place}: {stored} stored, {true} counted from rows."


def _begins(start: int) -> str:
    return datetime.fromtimestamp(start * QUARTER_S, UTC).strftime("%Y-%m-%dT%H:%MZ")
