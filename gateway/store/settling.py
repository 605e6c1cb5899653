"""The settling: counts combinations, then the pairs of hours, days and months that are over, from the newest on, and
the totals of conversations.

Hours and days are counted from their combinations, months from their days; hours only of the last days, for who looks
at these looks closely. It goes in short transactions with pauses between them, so that the writer gets its turn. A
mark with a number of its own stands in `settled` meanwhile: whoever changes anything within takes it away, and then
what was counted is left for another time; so does a second one that settles.
"""

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import closing, contextmanager
from heapq import merge
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from gateway.store import combining, conversation_totals
from gateway.store.buckets import DAY, HOUR, TOTAL
from gateway.store.commit import day_zone
from gateway.store.counting import Counting, Row, pieces
from gateway.store.database import WRITERS_CACHE_KIB, open_existing, readers_kib, writing
from gateway.store.kept import kept
from gateway.store.names import json_array
from gateway.store.packed import encode, total
from gateway.store.pairs import (
    MONTH,
    SETTLED,
    Key,
    left_out_of,
    numbers,
)
from gateway.store.quarters import (
    QUARTER_US,
    day_start,
    hour_start,
    month_end,
    month_start,
    quarter_of,
)

# Who ends late began earlier: most of what still comes for a day comes within this time.
GRACE_US = QUARTER_US
WRITE_ROWS, DELETE_ROWS = 300, 2000
# Of rows whose conversations are counted at once.
COUNTED_ROWS = 4000
# Cells of a slice in memory at once, each of some kilobytes. A pair that has more is left to the combinations, which
# are hardly more.
MOST_CELLS = 40_000

# How long hours are told, beyond a week.
HOURS_US = 8 * 86_400_000_000

_WITH_ROWS = (
    f"SELECT b.start, s.state FROM buckets b LEFT JOIN settled s ON s.level = b.level AND s.start = b.start "
    f"WHERE b.level = ? AND b.dimension = {TOTAL} AND b.start >= ? AND b.start < ? ORDER BY b.start DESC"
)
_STATE = "SELECT state FROM settled WHERE level = ? AND start = ?"
_CLAIM = "INSERT OR REPLACE INTO settled (level, start, state, cells) VALUES (?, ?, ?, 0)"
_SETTLE = "UPDATE settled SET state = ?, cells = ?, left_out = ? WHERE level = ? AND start = ?"
_OLD_KEYS = "SELECT pair, value, other FROM pairs WHERE level = ?1 AND start = ?2 ORDER BY 1, 2, 3 LIMIT ?3"
_FORGET_HOURS = f"DELETE FROM settled WHERE level = {HOUR} AND start < ?"
_HOUR_KEYS = (
    f"SELECT start, pair, value, other FROM pairs WHERE level = {HOUR} AND start < ?1 ORDER BY 1, 2, 3, 4 LIMIT ?2"
)
_DELETE_HOURS = f"DELETE FROM pairs WHERE level = {HOUR} AND (start, pair, value, other) IN ({_HOUR_KEYS})"
_DELETE_OLD = f"DELETE FROM pairs WHERE level = ?1 AND start = ?2 AND (pair, value, other) IN ({_OLD_KEYS})"
_INSERT = "INSERT INTO pairs (level, start, pair, value, other, sums, latency, ttft) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_LEFT_OUT = "SELECT left_out FROM settled WHERE level = ? AND start = ?"
_CELLS = (
    f"SELECT value, other, sums, latency, ttft FROM pairs WHERE level = {DAY} AND start = ? AND pair = ? "
    "ORDER BY value, other"
)

Between = Callable[[float], bool]


class _Stopped(Exception):
    """It was told to stop."""


class _Changed(Exception):
    """The day is no longer as it was counted."""


def settle(path: Path, now_us: int, between: Between, cache_kib: int = WRITERS_CACHE_KIB) -> int:
    """Count the pairs of all that is over at `now_us` and not settled; how many hours, days and months that were.

    `between` is called after each short piece of work with the seconds that it took; it waits, and says whether to go
    on. `cache_kib` is how much of the database the connection keeps that writes. Raises sqlite3.Error; what is
    settled until then stays so.
    """
    with (
        closing(open_existing(path, cache_kib=cache_kib)) as connection,
        closing(open_existing(path, cache_kib=readers_kib(cache_kib))) as reader,
    ):
        return _Settling(connection, reader, between).run(now_us)


def cells_of_month(connection: sqlite3.Connection, days: Sequence[int], without: Set[int]) -> Iterator[Row]:
    """A month's pairs by those of its days, which are all settled, but for some; in order."""
    for number in numbers():
        if number not in without:
            cells = merge(*(connection.execute(_CELLS, (day, number)) for day in days), key=itemgetter(0, 1))
            for (value, other), same in groupby(cells, itemgetter(0, 1)):
                yield (number, value, other, *encode(total([cell[2:] for cell in same])))


def with_rows(connection: sqlite3.Connection, level: int, low: int, high: int) -> list[tuple[int, int | None]]:
    """The hours or days between two quarters, newest first, and their states: None where nobody counted."""
    return connection.execute(_WITH_ROWS, (level, low, high)).fetchall()


class _Settling:
    """Writes through one connection and reads through another, whose view stays as it was at the claim."""

    def __init__(self, connection: sqlite3.Connection, reader: sqlite3.Connection, between: Between) -> None:
        self._connection = connection
        self._reader = reader
        self._between = between
        self._zone: ZoneInfo = day_zone(connection)
        self._since = perf_counter()
        self._left_out: Set[int] = frozenset()
        self._done = 0

    def run(self, now_us: int) -> int:
        first_us = kept(self._connection).buckets_from_us
        first = -(2**62) if first_us is None else -(-first_us // QUARTER_US)
        until = quarter_of(now_us - GRACE_US)
        try:
            while self._combined_some():
                pass
            self._hours(first, until)
            self._conversations()
            self._days(first, until)
        except _Stopped:
            pass
        return self._done

    def _hours(self, first: int, until: int) -> None:
        oldest = until - HOURS_US // QUARTER_US
        with self._step():
            self._connection.execute(_FORGET_HOURS, (oldest,))
        while self._deleted_hours(oldest):
            pass
        for hour, state in with_rows(self._connection, HOUR, max(first, oldest), hour_start(until)):
            if state != SETTLED:
                self._settle_one((HOUR, hour))

    def _conversations(self) -> None:
        # What comes meanwhile waits for the next time, for it may never end.
        while self._counted_some() == COUNTED_ROWS:
            pass

    def _counted_some(self) -> int:
        with self._step():
            return conversation_totals.count_on(self._connection, COUNTED_ROWS)

    def _combined_some(self) -> bool:
        """Whether there are more."""
        with self._step():
            return combining.count_on(self._connection, day_zone(self._connection))

    def _days(self, first: int, until: int) -> None:
        days = with_rows(self._connection, DAY, first, day_start(until, self._zone))
        for month, of_month in groupby(days, lambda each: month_start(each[0], self._zone)):
            for day, state in of_month:
                if state != SETTLED:
                    self._settle_one((DAY, day))
            if month >= first and month_end(month, self._zone) <= until:
                self._settle_month(month)

    def _deleted_hours(self, before: int) -> int:
        with self._step():
            return self._connection.execute(_DELETE_HOURS, (before, DELETE_ROWS)).rowcount

    def _settle_one(self, key: Key) -> None:
        token = _token()
        with self._step():
            # Rows may have come since: their combinations are not counted yet.
            if self._state(key) == SETTLED or self._lacks(key):
                return
            self._connection.execute(_CLAIM, (*key, token))
        self._settle(key, token, self._of(key))

    def _lacks(self, key: Key) -> bool:
        _, low, high = pieces(key, self._zone)
        return combining.lacks(self._connection, low * QUARTER_US, high * QUARTER_US)

    def _settle_month(self, month: int) -> None:
        key, token = (MONTH, month), _token()
        with self._step():
            state = self._state(key)
            days = with_rows(self._connection, DAY, month, month_end(month, self._zone))
            if state == SETTLED or any(each != SETTLED for _, each in days):
                return
            self._connection.execute(_CLAIM, (*key, token))
        self._settle(key, token, self._of_month([day for day, _ in days]))

    def _settle(self, key: Key, token: int, rows: Iterable[Row]) -> None:
        """Count one anew, unless it changes meanwhile or cannot be counted."""
        cells, chunk = 0, []
        try:
            while self._deleted_some(key, token):
                pass
            with self._snapshot():
                for row in rows:
                    chunk.append((*key, *row))
                    if len(chunk) == WRITE_ROWS:
                        cells += self._write(key, token, chunk)
                        chunk = []
            cells += self._write(key, token, chunk)
            left_out = json_array(sorted(self._left_out)) if self._left_out else None
            with self._claimed(key, token):
                self._connection.execute(_SETTLE, (SETTLED, cells, left_out, *key))
        except (_Changed, OverflowError):
            return
        self._done += 1

    def _of(self, key: Key) -> Iterator[Row]:
        with closing(Counting(self._reader, self._reader, most=MOST_CELLS)) as counting:
            for _ in counting.read(*pieces(key, self._zone)):
                self._pause()
            self._left_out = counting.left_out
            yield from counting.cells()

    def _of_month(self, days: Sequence[int]) -> Iterator[Row]:
        left_out: set[int] = set()
        for day in days:
            mark = self._reader.execute(_LEFT_OUT, (DAY, day)).fetchone()
            if mark is None:
                raise _Changed
            left_out |= left_out_of(*mark)
        self._left_out = left_out
        yield from cells_of_month(self._reader, days, left_out)

    def _write(self, key: Key, token: int, rows: Sequence[tuple[int | bytes, ...]]) -> int:
        with self._claimed(key, token):
            self._connection.executemany(_INSERT, rows)
        return len(rows)

    def _deleted_some(self, key: Key, token: int) -> int:
        with self._claimed(key, token):
            return self._connection.execute(_DELETE_OLD, (*key, DELETE_ROWS)).rowcount

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._reader.execute("BEGIN")
        try:
            yield
        finally:
            self._reader.execute("ROLLBACK")

    def _state(self, key: Key) -> int | None:
        """What its mark says. Raises _Stopped where days begin at other times by now (`check.rebuild`)."""
        if day_zone(self._connection) != self._zone:
            raise _Stopped
        found = self._connection.execute(_STATE, key).fetchone()
        return None if found is None else int(found[0])

    @contextmanager
    def _claimed(self, key: Key, token: int) -> Iterator[None]:
        """A transaction in which the mark still stands. Raises _Changed."""
        with self._step():
            if self._state(key) != token:
                raise _Changed
            yield

    @contextmanager
    def _step(self) -> Iterator[None]:
        with writing(self._connection):
            yield
        self._pause()

    def _pause(self) -> None:
        if not self._between(perf_counter() - self._since):
            raise _Stopped
        self._since = perf_counter()


def _token() -> int:
    return secrets.randbits(62) + 1
