"""Connections to `usage.db`: one way to open them, for the writer and for a pool of readers.

WAL lets readers and the writer pass each other. `synchronous=NORMAL` survives the death of the process, which is
what the journal promises too. Readers are switched to query-only; a pool, because worker threads come and go.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic, sleep

from gateway.store.asking import stoppable, was_stopped
from gateway.store.histogram import HistogramOf, SumHistograms, merge, percentile_of

BUSY_TIMEOUT_S = 5.0
# How often who waits for the write lock asks for it: SQLite asks ten times in a second, once it was held for a while.
ASKED_EVERY_S = 0.01
# Of what is read, and of what one writes who comes back to the same pages in every transaction.
CACHE_KIB, WRITERS_CACHE_KIB = 6_000, 32_000
LEAST_CACHE_KIB = 2_000


TEMPORARY = ""
HOLDS_FUNCTION = "holds"
# After a large transaction or a long read the log is cut to this again, as soon as all of it is in the database.
WAL_BYTES = 8 * 1024 * 1024
_WAL_LIMIT = f"PRAGMA journal_size_limit = {WAL_BYTES:d}"


def readers_kib(writers_kib: int) -> int:
    """What each reader keeps beside a writer that keeps so much: a page's questions are asked by half a dozen at
    once, so that where memory counts they keep little."""
    return min(CACHE_KIB, max(writers_kib * 2 // 5, LEAST_CACHE_KIB))


class Moved(sqlite3.OperationalError):
    """The file is not where it was opened: what is written to it now would be in no database of this folder."""

    sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED

    def __init__(self, path: Path | str) -> None:
        super().__init__(f"{Path(path).name} was moved, replaced or deleted while Faregate runs")


class _Connection(sqlite3.Connection):
    """Knows the file that it was opened with."""

    path: Path | str = TEMPORARY
    file: tuple[int, int] | None = None

    def is_in_place(self) -> bool:
        return self.file is None or self.file == _file_at(self.path)


def _file_at(path: Path | str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_database(
    path: Path | str, *, busy_timeout_s: float = BUSY_TIMEOUT_S, cache_kib: int = CACHE_KIB
) -> sqlite3.Connection:
    """A connection in autocommit mode, to be used by one thread at a time, that knows our functions.

    Every connection keeps up to `cache_kib` of pages for itself; what is read again the system has too.
    A new file is its owner's alone; `TEMPORARY` is a database that goes with its connection. Raises OSError or
    sqlite3.Error.
    """
    if path != TEMPORARY:
        # The write-ahead log takes its mode from the database. Only a new file is opened here: closing any descriptor
        # of a database would drop the locks that this process holds on it through other connections, and the next
        # process to leave would take the log away under them.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False, factory=_Connection
    )
    if path != TEMPORARY:
        connection.path, connection.file = path, _file_at(path)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{cache_kib:d}")
        connection.execute(_WAL_LIMIT)
    except sqlite3.Error:
        connection.close()
        raise
    connection.create_function(HOLDS_FUNCTION, 2, _holds, deterministic=True)
    connection.create_function("merge_histograms", 2, merge, deterministic=True)
    connection.create_function("percentile_of", 3, percentile_of, deterministic=True)
    connection.create_aggregate("sum_histograms", 1, SumHistograms)  # type: ignore[arg-type]
    connection.create_aggregate("histogram_of", 1, HistogramOf)  # type: ignore[arg-type]
    return connection


def _holds(text: str | None, folded: str) -> bool:
    """Whether a text, in whichever case, holds one that is case-folded already."""
    return text is not None and folded in text.casefold()


def open_existing(path: Path, *, cache_kib: int = CACHE_KIB) -> sqlite3.Connection:
    """A further connection to a database that is open already: where its file has gone no other is begun in its
    place. Raises sqlite3.Error, Moved among them."""
    if not path.exists():
        raise Moved(path)
    return open_database(path, cache_kib=cache_kib)


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its first moment, rolled back on any exception. The lock is
    waited for as long as the connection waits for any. Raises Moved where the file went away under the connection."""
    _begin(connection)
    try:
        yield
        if isinstance(connection, _Connection) and not connection.is_in_place():
            raise Moved(connection.path)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection) -> None:
    (timeout_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    until = monotonic() + timeout_ms / 1000
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() >= until:
                    raise
            sleep(ASKED_EVERY_S)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout_ms:d}")


def passes(error: Exception) -> bool:
    """Whether the database's state is in the way, as a lock, a full disk or damage is: it would befall anything that
    was to be written."""
    # A damaged file has no class of its own.
    of_its_state = isinstance(error, sqlite3.OperationalError | sqlite3.InternalError)
    code = getattr(error, "sqlite_errorcode", 0)
    return (of_its_state or type(error) is sqlite3.DatabaseError) and code & 0xFF != sqlite3.SQLITE_ERROR


class Readers:
    """Query-only connections, lent one thread at a time; a read is one snapshot. Each keeps up to `cache_kib`."""

    def __init__(self, path: Path, cache_kib: int = CACHE_KIB) -> None:
        self._path = path
        self._cache_kib = cache_kib
        # The one that was used last is lent first.
        self._idle: list[sqlite3.Connection] = []
        self._unused = 0
        self._lock = Lock()
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements all see the same state, and stop when the question that this thread asks is
        dropped. Raises sqlite3.Error."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
            self._unused = min(self._unused, len(self._idle))
        if connection is None:
            connection = open_existing(self._path, cache_kib=self._cache_kib)
            connection.execute("PRAGMA query_only = 1")
        try:
            connection.execute("BEGIN")
            try:
                with stoppable(connection):
                    yield connection
            finally:
                connection.execute("ROLLBACK")
        except BaseException as error:
            if was_stopped(error):
                self._put_back(connection)
            else:
                connection.close()
            raise
        self._put_back(connection)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def let_go(self) -> None:
        """Close those that nobody needed since this was last called, with the pages that they keep."""
        with self._lock:
            unused, self._idle = self._idle[: self._unused], self._idle[self._unused :]
            self._unused = len(self._idle)
        for connection in unused:
            connection.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
