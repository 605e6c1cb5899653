"""The clean-up: takes away what retention no longer keeps, and gives its space on the disk back.

Everything goes in transactions of some ten milliseconds with pauses between them, so that the writer gets its turn;
requests wait for neither. First it is written down from when on data is complete, then older data goes: whoever
asks in between, or after a kill, counts the same.
"""

import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

from gateway.configuration.setting_values import Keep, oldest_us
from gateway.records import Cleaned
from gateway.store.database import open_existing, writing
from gateway.store.kept import ROWS_FROM, kept, move, move_back
from gateway.store.retention import DATABASES, Count, Kind, Pruned

TARGET_S = 0.01
FIRST_ENTRIES, MOST_ENTRIES = 100, 5000
# Left for what comes next: growing the file again costs more than it saves.
RESERVE_BYTES = 1 << 20
# A size is a limit, not an aim: the next hour should not pass it at once.
AIM = 0.97
SIZE_ROUNDS = 4
INCREMENTAL = 2
PAGES, FREE_PAGES, PAGE_SIZE = "PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size"
GIVE_BACK = "PRAGMA incremental_vacuum(256)"

NOTHING_MORE: Mapping[str, int] = MappingProxyType({})

_log = logging.getLogger(__name__)

Between = Callable[[float], bool]
Progress = Callable[[int], None]


class _Stopped(Exception):
    """It was told to stop."""


def _nobody(_entries: int) -> None:
    return


def clean_up(
    folder: Path,
    keeps: Mapping[str, Keep],
    now_us: int,
    between: Between,
    progress: Progress = _nobody,
    until: Mapping[str, int] = NOTHING_MORE,
) -> Cleaned:
    """Bound every database of a folder by the settings of its kinds, which `keeps` has by name. By `until`, all of a
    kind that began before a time goes, however long it is kept.

    `between` is called after each transaction with the seconds that it took; it waits, and says whether to go on.
    `progress` is told how many entries each transaction took away. Raises sqlite3.Error; what is done until then
    stays done.
    """
    done = Cleaned()
    for pruned in DATABASES:
        path = folder / pruned.file
        if done.finished and path.exists():
            with closing(open_existing(path)) as connection:
                more = _CleanUp(connection, path, between, progress).run(pruned, keeps, now_us, until)
            done = Cleaned(
                taken={**done.taken, **more.taken},
                names=done.names + more.names,
                freed_bytes=done.freed_bytes + more.freed_bytes,
                finished=more.finished,
            )
    return done


def newest_us(folder: Path) -> int | None:
    """When the last of all that is bounded here began; None where there is nothing. Raises sqlite3.Error."""
    found = []
    for pruned in DATABASES:
        if (folder / pruned.file).exists():
            with closing(open_existing(folder / pruned.file)) as connection:
                found += [connection.execute(kind.last).fetchone()[0] for kind in pruned.kinds]
    return max((us for us in found if us is not None), default=None)


def used_bytes(connection: sqlite3.Connection) -> int:
    """What is in use of a database's file."""
    return (_number(connection, PAGES) - _number(connection, FREE_PAGES)) * _number(connection, PAGE_SIZE)


def shares(connection: sqlite3.Connection, pruned: Pruned) -> Mapping[str, int]:
    """About how many bytes of a file each of its kinds takes, with indexes."""
    weights = {kind.name: _number(connection, kind.count) * kind.entry_bytes for kind in pruned.kinds}
    whole = max(1, sum(weights.values()))
    used = used_bytes(connection)
    return {name: used * weight // whole for name, weight in weights.items()}


def next_step(entries: int, seconds: float, most: int) -> int:
    """How many entries to take at once, so that it takes about TARGET_S, where so many have taken this long."""
    if seconds > TARGET_S:
        return max(1, entries // 2)
    return min(most, entries * 2) if seconds < TARGET_S / 2 else entries


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


class _CleanUp:
    def __init__(self, connection: sqlite3.Connection, path: Path, between: Between, progress: Progress) -> None:
        self._connection = connection
        self._path = path
        self._between = between
        self._progress = progress
        self._taken: dict[str, int] = {}

    def run(self, pruned: Pruned, keeps: Mapping[str, Keep], now_us: int, until: Mapping[str, int]) -> Cleaned:
        taken = self._taken = {kind.name: 0 for kind in pruned.kinds}
        names, before, finished = 0, _number(self._connection, PAGES), True
        try:
            if pruned.set_right is not None:
                with writing(self._connection):
                    pruned.set_right(self._connection, now_us)
            while pruned.count is not None and self._counted(pruned.count):
                pass
            for kind in pruned.kinds:
                self._take(kind, oldest_us(keeps[kind.name], now_us), until.get(kind.name))
            for kind in pruned.kinds:
                self._take_by_size(pruned, kind, keeps[kind.name], now_us)
            if any(taken.values()) and pruned.sweep is not None:
                names = pruned.sweep(self._connection, self.in_steps, lambda: self._pause(TARGET_S))
            self._give_back()
        except _Stopped:
            finished = False
        freed = max(0, before - _number(self._connection, PAGES)) * _number(self._connection, PAGE_SIZE)
        return Cleaned(taken=taken, names=names, freed_bytes=freed, finished=finished)

    def _counted(self, count: Count) -> bool:
        begins = perf_counter()
        with writing(self._connection):
            more = count(self._connection)
        if more:
            self._pause(perf_counter() - begins)
        return more

    def in_steps(self, take: Callable[[int], int]) -> int:
        """Call with a number of entries, each time in a transaction, until nothing was taken; how many were."""
        total, entries = 0, FIRST_ENTRIES
        while True:
            with writing(self._connection):
                begins = perf_counter()
                taken = take(entries)
            seconds = perf_counter() - begins
            if not taken:
                return total
            total += taken
            self._progress(taken)
            entries = next_step(entries, seconds, MOST_ENTRIES)
            self._pause(seconds)

    def _pause(self, seconds: float) -> None:
        if not self._between(seconds):
            raise _Stopped

    def _take(self, kind: Kind, *befores_us: int | None) -> int:
        """Take what began before the last of these times, rounded down to the kind's grain; how much. What a kill in
        the middle of a clean-up has left is shown to nobody: it goes too."""
        said_us = None if kind.from_name is None else kept(self._connection).from_us(kind.from_name)
        before_us = max((us for us in (*befores_us, said_us) if us is not None), default=None)
        if before_us is None:
            return 0
        before_us -= before_us % kind.grain_us
        first = self._connection.execute(kind.first).fetchone()[0]
        if first is None or first >= before_us:
            return 0
        if kind.from_name is not None:
            with writing(self._connection):
                move(self._connection, kind.from_name, before_us)

        def some(most: int) -> int:
            gone = kind.take(self._connection, before_us, most)
            self._taken[kind.name] += gone
            return gone

        try:
            return self.in_steps(some)
        except BaseException:
            # Whoever follows it may end it by an error of theirs. Where the database takes nothing now, what is said
            # of it stays.
            if kind.from_name == ROWS_FROM:
                with suppress(sqlite3.Error):
                    self._show_the_rest(kind, before_us, said_us)
            raise

    def _show_the_rest(self, kind: Kind, before_us: int, said_us: int | None) -> None:
        """Rows that were to go and stay, since somebody has changed their mind, are there for everybody again: from
        the next grain on, for the first one's may lack some."""
        with writing(self._connection):
            first = self._connection.execute(kind.first).fetchone()[0]
            if first is not None and first < before_us:
                whole_us = (first // kind.grain_us + 1) * kind.grain_us
                move_back(self._connection, ROWS_FROM, min(before_us, max(whole_us, said_us or whole_us)))

    def _take_by_size(self, pruned: Pruned, kind: Kind, keep: Keep, now_us: int) -> None:
        for _ in range(SIZE_ROUNDS):
            most = keep.size_bytes
            if most is None or used_bytes(self._connection) <= most:
                break
            has = shares(self._connection, pruned)[kind.name]
            if has <= most:
                break
            places = _number(self._connection, kind.placed)
            place = self._connection.execute(kind.place, (int(places * (1 - AIM * most / has)),)).fetchone()
            # At least one grain goes, and what happens now stays.
            cut = min(place[0] + kind.grain_us, now_us) if place else now_us
            if not self._take(kind, cut):
                break

    def _give_back(self) -> None:
        if _number(self._connection, "PRAGMA auto_vacuum") != INCREMENTAL and not self._rewrite():
            return
        spare = RESERVE_BYTES // _number(self._connection, PAGE_SIZE)
        while _number(self._connection, FREE_PAGES) > spare:
            begins = perf_counter()
            # A script, because `execute` takes a statement without columns for finished after its first page.
            self._connection.executescript(GIVE_BACK)
            self._pause(perf_counter() - begins)
        # Without waiting: whoever reads now only puts it off to the next time.
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _rewrite(self) -> bool:
        """A database that was put together by other means (from a dump) cannot shrink until it is written anew; False
        where the disk has no room for that."""
        size, free = self._path.stat().st_size, shutil.disk_usage(self._path.parent).free
        if free < 3 * size:
            needed = 3 * size // 10**6
            _log.warning("%s cannot give space back: that takes %d MB free on its disk, once.", self._path, needed)
            return False
        self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("VACUUM")
        return True
