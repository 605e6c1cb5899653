"""The usage store: what the gateway calls to record exchanges and to ask about them.

`begin` and `end` run on the event-loop thread and touch only the journal and a queue. What is asked lies in
`questions`, and everything else in its own module.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Event, Lock
from time import monotonic, perf_counter
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.configuration.setting_values import Keep
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.price_records import Repricing, RepricingPreview
from gateway.records import (
    Cleaned,
    Completeness,
    ExchangeRecord,
    Sizes,
    UsageQuery,
)
from gateway.schema import unusable
from gateway.store import check, combining, repricing
from gateway.store.assigning import Assignment
from gateway.store.clean_up import NOTHING_MORE, clean_up, newest_us
from gateway.store.commit import Committer, day_zone, unknown
from gateway.store.database import WRITERS_CACHE_KIB, Readers, open_database, open_existing, readers_kib, writing
from gateway.store.journal import Journal
from gateway.store.meter import NOTHING, Meter, hindrance
from gateway.store.migrations import migrate
from gateway.store.questions import Questions
from gateway.store.repriced_rows import Price
from gateway.store.repriced_rows import Progress as RepricingProgress
from gateway.store.rows import in_chunks
from gateway.store.settling import settle
from gateway.store.sizes import rows_before, sizes
from gateway.store.writer import Writer

_T = TypeVar("_T")

DATABASE = "usage.db"
JOURNAL = "journal"
CLOSE_TIMEOUT_S = 10.0
REPLAY_TIMEOUT_S = 5.0
# For what is asked for by a request's id and has just ended: rows, and what was said, are written in groups.
JUST_ENDED_S = 2.0
# Between two steps of a clean-up; however long one took, e.g. while another program held the database.
LEAST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.1
# How long a pause between two steps of the settling is, by the step before it.
SETTLING_PAUSE = 4.0
HISTORY_ROWS = 20_000
# With the database out of reach for long, memory keeps this many ended exchanges; later ones are in the journal only.
QUEUED_ROWS = 20_000

_log = logging.getLogger(__name__)


def _going_on(_entries: int) -> bool:
    return True


class UsageStore(Questions):
    """Requests, attempts and buckets of one data folder.

    `on_commit` is called on the writer's thread after each transaction. `day_zone` (an IANA name) is whose days a
    new database rolls up; queries in any other zone are as exact, from hours. `cache_kib` is how much of the database
    a connection keeps that writes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_commit: Callable[[], None] | None = None,
        day_zone: str = "UTC",
        cache_kib: int = WRITERS_CACHE_KIB,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._on_commit = on_commit
        self._day_zone = day_zone
        self._cache_kib = cache_kib
        self._meter = Meter()
        self._deferred: dict[str, None] = {}
        self._deferred_lock = Lock()
        self._history: Committer | None = None
        self._history_lock = Lock()
        self._clean_up_lock = Lock()
        self._combine_lock = Lock()
        self._settle_lock = Lock()
        self._stopped = Event()
        self._closing = False
        self._journal: Journal
        self._connection: sqlite3.Connection
        self._writer: Writer

    def start(self, on_upgrade: Callable[[str], object] | None = None) -> None:
        """Migrate, replay what processes that are gone left in the journal, start the writer.

        `on_upgrade` is told a sentence where the first of these takes long. Raises FaregateError where the database
        cannot be used, OSError where the journal cannot.
        """
        folder = self._folder / JOURNAL
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / DATABASE
        connection = self._connected(path, on_upgrade)
        try:
            self._journal = Journal(folder)
            orphaned = self._journal.adopt(QUEUED_ROWS)
            self._note_found(connection, orphaned)
        except sqlite3.Error as error:
            connection.close()
            raise unusable(path, error) from None
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._closing, self._history = False, None
        self._stopped.clear()
        self._readers = Readers(path, readers_kib(self._cache_kib))
        self._writer = Writer(Committer(connection), self)
        self._deferred.update(dict.fromkeys(self._journal.unread))
        for record in orphaned:
            self._writer.put(record)
        self._writer.start()
        self.flush(REPLAY_TIMEOUT_S)

    def _note_found(self, connection: sqlite3.Connection, orphaned: Sequence[ExchangeRecord]) -> None:
        left = {record.id for record in orphaned}.union(self._journal.unread)
        new = unknown(connection, left)
        interrupted = sum(record.outcome == "interrupted" and record.id in new for record in orphaned)
        self._meter.found(
            recovered=len(new) - interrupted,
            interrupted=interrupted,
            damaged_lines=self._journal.damaged_lines,
            unopened_files=self._journal.unopened_files,
        )

    def _connected(self, path: Path, on_upgrade: Callable[[str], object] | None) -> sqlite3.Connection:
        try:
            connection = open_database(path, cache_kib=self._cache_kib)
            try:
                migrate(connection, path, day_zone=self._day_zone, on_upgrade=on_upgrade)
            except BaseException:
                connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise unusable(path, error) from None
        return connection

    def close(self) -> None:
        """Commit what is queued; what cannot be (the database locked, the disk full) stays in the journal."""
        self._closing = True
        self._stopped.set()
        for lock in (self._clean_up_lock, self._combine_lock, self._settle_lock):
            with lock:
                pass
        flushed = self._writer.close(CLOSE_TIMEOUT_S)
        self._journal.close()
        if self._journal.waiting:
            _log.error("The disk refused %d exchanges to the end: they are lost.", self._journal.waiting)
        elif not flushed:
            _log.warning("Some usage could not be stored yet; it is kept in the journal for the next start.")
        self._readers.close()
        with self._history_lock:
            if self._history is not None:
                self._history.connection.close()
        self._connection.close()

    def begin(self, record: ExchangeRecord) -> None:
        """An exchange has begun; call before the provider is called. Never raises, never waits."""
        self._meter.begin()
        self._journal.begin(record)

    def end(self, record: ExchangeRecord) -> None:
        """An exchange has ended; call before the client's last byte. Never raises, never waits."""
        self._meter.end(record.id)
        kept = self._journal.end(record)
        if self._writer.queued < QUEUED_ROWS:
            self._writer.put(record)
        elif kept:
            with self._deferred_lock:
                self._deferred[record.id] = None
        else:
            self._meter.lost((record.id,))
            self._journal.forget(record.id)

    def assign(
        self,
        request_id: str,
        *,
        conversation_id: str | None = None,
        app: str | None = None,
        error_message: str | None = None,
    ) -> None:
        """What was learnt of an exchange after its end: its row, and the sums that count its app, follow; None leaves
        it as it is. From any thread; never raises, never waits."""
        if (conversation_id, app, error_message) != (None, None, None):
            self._writer.assign(Assignment.of(request_id, conversation_id, app, error_message))

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that has ended is in the database; False where that took too long."""
        until = monotonic() + timeout_s
        deferred = True
        while deferred:
            # Asked before, not after: what is taken up meanwhile lies behind the place that is waited for.
            deferred = bool(self._deferred)
            if not self._writer.flush(max(0.0, until - monotonic())):
                return False
            # What was put off just as the last rows were written would wait for the next ones.
            self._take_up_deferred()
        return True

    def request(self, request_id: str) -> ExchangeRecord | None:
        """A row by its id; whoever has had an answer finds its row, though that is still to be written."""
        queued = bool(self._writer.queued or self._deferred)
        found = super().request(request_id)
        if found is None and queued:
            self.flush(JUST_ENDED_S)
            # With the database locked for long it is as it will be written.
            found = self._writer.waiting(request_id) or super().request(request_id)
        return found

    def let_go(self) -> None:
        """Give up connections that have not been needed lately."""
        self._readers.let_go()

    def completeness(
        self, seen: int | None = None, running: int | None = None, uncaptured: Mapping[str, int] = NOTHING
    ) -> Completeness:
        """Since the start of this process. `seen` and `running` as the server counts them, by itself; the call
        belongs on the event-loop thread, where all that it compares is counted."""
        return self._meter.reading(self._journal.unsafe, seen, running, uncaptured)

    def insert_history(self, records: Iterable[ExchangeRecord]) -> int:
        """Write many ended exchanges, past the journal, and say how many were new. `close` ends it midway.

        Raises sqlite3.Error.
        """
        inserted = 0
        for chunk in in_chunks(records, HISTORY_ROWS):
            # Of two writers the one that has just written gets the lock again: what happens now would wait for long.
            self._writer.flush(REPLAY_TIMEOUT_S)
            # A connection must not be closed under the thread that uses it.
            with self._history_lock:
                if self._closing:
                    break
                if self._history is None:
                    connection = open_existing(self._folder / DATABASE, cache_kib=self._cache_kib)
                    self._history = Committer(connection)
                inserted += self._history.commit(chunk)
            self._tell()
        return inserted

    def rebuild(self) -> None:
        """Make buckets anew from the rows, as far back as these are kept. The writer waits meanwhile.

        Days are then those of this store's zone, unless buckets remain that cannot be made anew. Raises
        sqlite3.Error, with nothing changed.
        """
        check.rebuild(self._folder / DATABASE, ZoneInfo(self._day_zone))
        self._tell()

    def clean_up(
        self,
        keeps: Mapping[str, Keep],
        now_us: int,
        progress: Callable[[int], bool] = _going_on,
        until: Mapping[str, int] = NOTHING_MORE,
    ) -> Cleaned:
        """Take away what is too old or too much by the settings of retention, and give its space on the disk back.

        `keeps` goes by kind, as the settings do, and so does `until`, before when all goes. It takes as long as it
        takes, in steps between which the writer has its turn; `close` ends it, and so does `progress`, which is told
        the entries so far after each step and says whether to go on. Raises sqlite3.Error; what is done until then
        stays done.
        """
        entries = 0

        def count(taken: int) -> None:
            nonlocal entries
            entries += taken

        def between(taken_s: float) -> bool:
            return progress(entries) and self._gave_way(taken_s)

        with self._clean_up_lock:
            cleaned = clean_up(self._folder, keeps, now_us, between, count, until)
        if any(cleaned.taken.values()):
            self._tell()
        return cleaned

    def newest_us(self) -> int | None:
        """When the last of what a clean-up bounds began; None where there is nothing."""
        return newest_us(self._folder)

    def _gave_way(self, taken_s: float) -> bool:
        """Let the writer have its turn; False where the store closes."""
        # A writer that waits tries again within 10 ms.
        if self._stopped.wait(max(LEAST_PAUSE_S, min(taken_s, LONGEST_PAUSE_S))):
            return False
        self._writer.flush(REPLAY_TIMEOUT_S)
        return not self._closing

    def combine(self) -> None:
        """Count the combinations of new rows, for fast answers.

        It takes as long as it takes, mostly in pauses; `close` ends it. Raises sqlite3.Error; what is done until then
        stays done.
        """
        with self._readers.snapshot() as connection:
            if combining.uncounted(connection) is None:
                return
        with self._combine_lock, closing(open_existing(self._folder / DATABASE)) as connection:
            more = not self._closing
            while more:
                begins = perf_counter()
                with writing(connection):
                    more = combining.count_on(connection, day_zone(connection))
                more = more and self._kept_back(perf_counter() - begins)

    def settle(self, now_us: int) -> int:
        """Count the pairs of the days and months that are over, for fast answers; how many of these that were.

        It takes as long as it takes, mostly in pauses; `close` ends it. Raises sqlite3.Error; what is done until then
        stays done.
        """
        with self._settle_lock:
            return settle(self._folder / DATABASE, now_us, self._kept_back, self._cache_kib)

    def _kept_back(self, taken_s: float) -> bool:
        """Leave most of the time to others; False where the store closes."""
        return not self._stopped.wait(max(LEAST_PAUSE_S, SETTLING_PAUSE * taken_s))

    def sizes(self) -> Sizes:
        """What the data folder takes on the disk."""
        with self._readers.snapshot() as connection:
            return sizes(DataFolder(self._folder), connection)

    def rows_before(self, us: int) -> tuple[int, int]:
        """How many rows began before a time, and about how many bytes they take."""
        with self._readers.snapshot() as connection:
            return rows_before(connection, us)

    def preview_repricing(
        self, query: UsageQuery, price: Price, progress: RepricingProgress | None = None
    ) -> RepricingPreview:
        """What `apply_repricing` would do. Raises ClientError where rows of that time are gone."""
        with self._readers.snapshot() as connection:
            return repricing.preview(connection, self._texts, query, price, self._unless_closing(progress))

    def apply_repricing(
        self,
        query: UsageQuery,
        price: Price,
        at_us: int,
        expected: RepricingPreview | None = None,
        progress: RepricingProgress | None = None,
    ) -> Repricing:
        """Give rows and buckets the costs of today's prices, as one transaction; the writer waits meanwhile.

        With `expected` only if that many rows change by that much. Raises ClientError, sqlite3.Error or what
        `progress` raises, with nothing changed; `close` ends it so too.
        """
        with closing(open_existing(self._folder / DATABASE)) as connection:
            applied = repricing.apply(connection, query, price, at_us, expected, self._unless_closing(progress))
        self._tell()
        return applied

    def undo_repricing(self, number: int, at_us: int, progress: RepricingProgress | None = None) -> Repricing:
        """Give rows and buckets back what they were before, likewise. Raises as `apply_repricing`."""
        with closing(open_existing(self._folder / DATABASE)) as connection:
            undone = repricing.undo(connection, number, at_us, self._unless_closing(progress))
        self._tell()
        return undone

    def _unless_closing(self, progress: RepricingProgress | None) -> RepricingProgress:
        def told(done: int, total: int) -> None:
            if self._closing:
                raise FaregateError("Faregate ends: the re-pricing was given up, and nothing is changed.")
            if progress is not None:
                progress(done, total)

        return told

    # What the writer tells, on its own thread.

    def committed(self, stored: Sequence[ExchangeRecord], refused: Sequence[ExchangeRecord]) -> None:
        self._journal.committed([record.id for record in stored])
        self._meter.wrote(stored)
        self._meter.refused(refused)
        if self._deferred:
            self._take_up_deferred()
        self._tell()

    def mended(self, record: ExchangeRecord) -> None:
        self._meter.mended(record)

    def assigned(self) -> None:
        self._tell()

    def hindered(self, error: sqlite3.Error | None) -> None:
        self._meter.hindered = None if error is None else hindrance(error)

    def _take_up_deferred(self) -> None:
        """Queue what found the queue full, from the journal, once the database takes rows again."""
        with self._deferred_lock:
            # Where nothing came back, nothing will be committed that would call this again.
            while self._deferred and (room := QUEUED_ROWS - self._writer.queued) > 0:
                ids = list(islice(self._deferred, room))
                found = self._journal.read_back(set(ids))
                for record in found:
                    self._writer.put(record)
                for request_id in ids:
                    del self._deferred[request_id]
                self._meter.lost(set(ids).difference(record.id for record in found))
                if found:
                    return

    def _tell(self) -> None:
        if self._on_commit is None:
            return
        try:
            self._on_commit()
        except RuntimeError as error:
            # The listener's event loop may be gone while the last rows are written.
            _log.debug("Nobody listens for new usage any more: %s", error)
