"""The store of conversations: one thread that writes `traces.db`, and snapshots for everybody who reads it.

What was said is queued, bounded by number and size, and nobody waits for it; beyond the bound it is refused and
counted. Telemetry is different: its senders are answered only when it is there, so those calls wait for their
transaction.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Condition, Thread
from typing import Any, TypeVar

from gateway.header_records import ExchangeHeaders
from gateway.keys.sealing import derive_for
from gateway.schema import bring_up, unusable
from gateway.store.cache_misses import Unit
from gateway.store.chain import Hasher
from gateway.store.content import PAGE_BYTES, Sealed
from gateway.store.conversation_rows import Conversations, conversation_number
from gateway.store.database import (
    WRITERS_CACHE_KIB,
    Readers,
    open_database,
    open_existing,
    passes,
    readers_kib,
    writing,
)
from gateway.store.last_told import last_told
from gateway.store.meter import LOCKED, content_hindrance, hindrance
from gateway.store.names import json_array
from gateway.store.placing import Placer
from gateway.store.removal import delete_thread
from gateway.store.signing import UNSIGNED, Signing
from gateway.store.spans import KeptSpan, logs_of, logs_of_session, put_logs, put_spans, spans_of
from gateway.store.thread_lists import page
from gateway.store.thread_reads import thread, thread_of_request
from gateway.store.thread_search import Search
from gateway.store.told_size import told_size
from gateway.store.trace_reads import trace
from gateway.store.trace_schema import STEPS, STEPS_NAME
from gateway.store.turn_headers import headers_of_request, headers_of_thread
from gateway.store.writer import HOPELESS_S, LAST_PAUSE_S
from gateway.telemetry.records import LogRecord, Span
from gateway.thread_records import LastTold, ThreadPage, ThreadQuery, Trace
from gateway.thread_records import Thread as Conversation
from gateway.told import Told

FILE = "traces.db"
MOST_WAITING = 20_000
MOST_BYTES = 64 * 2**20
BATCH, BATCH_BYTES = 128, 2 * 2**20
# What comes at nearly the same time shares a transaction, and the pages of indexes that it writes; where several just
# did, more is waited for: one of forty calls writes a third fewer pages than four of ten do.
GROUP_S, BUSY_GROUP_S = 0.05, 0.2
BUSY = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0
# A checkpoint waits for the disk: every 4 MB, which is half of what the log may keep.
CHECKPOINT_PAGES = 4096
PURPOSE = "conversations"

_TELL = (
    "SELECT t.request_id, c.name FROM turns t JOIN conversations c ON c.id = t.conversation "
    "WHERE t.id IN (SELECT value FROM json_each(?)) AND t.request_id IS NOT NULL"
)
_REQUESTS_OF = "SELECT request_id FROM turns WHERE conversation = ? AND request_id IS NOT NULL"

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
# Work for the writer's thread, within a transaction of its own.
Work = Callable[[sqlite3.Connection, Placer], _T]


def _nobody(*_: Any) -> None:
    return


class ThreadStore:
    """One data folder's. `key` is the folder's seal key, from which this store's own keys are derived.

    `on_commit` is called after each transaction that changed something, `on_joined` with a request's id and the name
    of its conversation where that was recognised or has changed; both on the writer's thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: bytes,
        on_commit: Callable[[], None] = _nobody,
        on_joined: Callable[[str, str], None] = _nobody,
        most: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
        unsigned: int = UNSIGNED,
        cache_kib: int = WRITERS_CACHE_KIB // 2,
    ) -> None:
        self.path = folder / FILE
        self._cache_kib = cache_kib
        self._sealed = Sealed(key, Hasher(derive_for(key, f"{PURPOSE} names")))
        self._on_commit = on_commit
        self._on_joined = on_joined
        self._most, self._most_bytes = most, most_bytes
        self._queue: deque[tuple[Told, int]] = deque()
        self._work: deque[tuple[Work[Any], Future[Any]]] = deque()
        self._bytes = 0
        self._refused = 0
        self._unstorable = 0
        self._hindered: str | None = None
        self._taken_in = self._done = 0
        self._changed = Condition()
        self._flush_to = 0
        self._closing = False
        self._ending = False
        self._hopeless = False
        self._group_s = GROUP_S
        self._readers = Readers(self.path, readers_kib(cache_kib))
        self._search = Search(self._sealed)
        self._signing = Signing(self.path, self._sealed, unsigned)
        self._thread = Thread(target=self._run, name="conversations", daemon=True)

    def start(self) -> None:
        """Raises FaregateError where the database cannot be used."""
        try:
            self._connection = open_database(self.path, cache_kib=self._cache_kib)
            # Of a new file. Most messages are about half of SQLite's usual page, of which the rest would stay empty.
            self._connection.execute(f"PRAGMA page_size = {PAGE_BYTES:d}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES:d}")
            bring_up(self._connection, self.path, STEPS_NAME, STEPS)
            self._connection.execute("PRAGMA secure_delete = ON")
        except (OSError, sqlite3.Error) as error:
            raise unusable(self.path, error) from None
        self._thread.start()
        self._signing.start()

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, within a bounded time or until that is hopeless, and end."""
        if not self._thread.is_alive():
            return
        with self._changed:
            self._ending = True
        flushed = self.flush(min(HOPELESS_S, timeout_s))
        if not flushed and not self._hopeless:
            flushed = self.flush(timeout_s - HOPELESS_S)
        if not flushed:
            _log.warning("%d exchanges' content was not stored before the end.", len(self._queue))
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._signing.close()
        for _, waiting in self._work:
            waiting.set_exception(unusable(self.path, OSError("it is being closed")))
        self._readers.close()
        self._connection.close()

    def let_go(self) -> None:
        """Give up connections and what a search has found, where they have not been needed lately."""
        self._readers.let_go()
        self._search.let_go()

    # Writing.

    def put(self, told: Told) -> bool:
        """Queue a telling; False where there is no room, which is counted. Never waits."""
        size = told_size(told)
        with self._changed:
            if self._closing or len(self._queue) >= self._most or self._bytes + size > self._most_bytes:
                self._refused += 1
                return False
            self._queue.append((told, size))
            self._bytes += size
            self._taken_in += 1
            # Waking the thread for each would cost more than all the rest here.
            if len(self._queue) in (1, BATCH) or self._bytes - size < BATCH_BYTES <= self._bytes:
                self._changed.notify_all()
        return True

    @property
    def refused(self) -> int:
        """Tellings that found no room, or that no table could hold, since the start."""
        return self._refused + self._unstorable

    @property
    def hindered(self) -> Mapping[str, int]:
        """How many tellings wait because the database takes none now, by the meter's reason."""
        kind, waiting = self._hindered, len(self._queue)
        return {kind: waiting} if kind is not None and waiting else {}

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was put is in the database; False where that took too long."""
        with self._changed:
            target = self._flush_to = self._taken_in
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= target, timeout_s)

    def put_spans(self, spans: Sequence[Span], *, scope: str, key: str) -> None:
        """Keep spans by trace and span; returns once they are there. Raises sqlite3.Error."""
        self.change(lambda connection, _: put_spans(connection, self._sealed, spans, scope, key))

    def put_logs(self, records: Sequence[LogRecord], *, scope: str, key: str) -> None:
        """Keep log records by what they say; returns once they are there. Raises sqlite3.Error."""
        self.change(lambda connection, _: put_logs(connection, self._sealed, records, scope, key))

    def delete_thread(self, name: str) -> bool:
        """Take a conversation away with all that only it said; False where there is none of this name or given id."""
        deleted = self.change(lambda connection, placer: delete_thread(connection, name))
        if deleted:
            self.cut_log()
        return deleted

    def cut_log(self) -> None:
        """Leave nothing in the database's log of what was deleted. Raises sqlite3.Error."""
        with closing(open_existing(self.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def rename_thread(self, name: str, title: str | None) -> bool:
        """Give a conversation a title of the user's own; None takes it away again."""

        def rename(connection: sqlite3.Connection, _: Placer) -> bool:
            number = conversation_number(connection, name)
            if number is not None:
                Conversations(connection, self._sealed).entitle(number, title or None)
            return number is not None

        return self.change(rename)

    def change(self, work: Work[_T]) -> _T:
        """Do this on the writer's thread, in a transaction of its own, and wait for it. Raises what it raises."""
        future: Future[_T] = Future()
        with self._changed:
            if self._closing:
                raise unusable(self.path, OSError("it is being closed"))
            self._work.append((work, future))
            self._changed.notify_all()
        return future.result()

    # Reading, from any thread but the loop's. All raise sqlite3.Error.

    def look(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask the database something of one's own; what is read is of one moment."""
        with self._readers.snapshot() as connection:
            return work(connection)

    def threads(
        self,
        query: ThreadQuery,
        *,
        limit: int = 50,
        cursor: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ThreadPage:
        """A page of conversations. `progress` is told of a search how many of how many messages were looked at.
        Raises ClientError for a sort or cursor that is none."""
        with self._readers.snapshot() as connection:
            among: Mapping[int, str] | None = None
            if query.text:
                among = self._search.find(connection, query.text, progress or _nobody)
            return page(connection, self._sealed, query, limit=limit, cursor=cursor, among=among)

    def thread(self, name: str, *, scope: str | None = None, unit: Unit | None = None) -> Conversation | None:
        """A conversation, whole; None where there is none, or none of this scope."""
        with self._readers.snapshot() as connection:
            return thread(connection, self._sealed, name, scope, unit)

    def thread_of_request(self, request_id: str) -> tuple[str, int] | None:
        """The conversation of a request, and the number of its turn there."""
        with self._readers.snapshot() as connection:
            return thread_of_request(connection, request_id)

    def headers_of_request(self, request_id: str, scope: str | None = None) -> ExchangeHeaders:
        """A request's headers as far as they are kept, and else why they are not."""
        with self._readers.snapshot() as connection:
            return headers_of_request(connection, self._sealed, request_id, scope)

    def headers_of_thread(self, name: str, scope: str | None = None) -> Mapping[str, ExchangeHeaders]:
        """Those of a conversation, by request."""
        with self._readers.snapshot() as connection:
            return headers_of_thread(connection, self._sealed, name, scope)

    def requests_of(self, name: str) -> tuple[str, ...]:
        """The ids of a conversation's requests; nothing that was said is opened for it."""
        with self._readers.snapshot() as connection:
            return tuple(id for (id,) in connection.execute(_REQUESTS_OF, (conversation_number(connection, name),)))

    def trace(self, trace_id: str, scope: str | None = None) -> Trace | None:
        """A trace's spans, received and the gateway's own; None where nothing of it is known."""
        with self._readers.snapshot() as connection:
            return trace(connection, self._sealed, trace_id, scope)

    def spans_of(self, trace_id: str, scope: str | None = None) -> tuple[KeptSpan, ...]:
        """The spans of a trace that were received, in order of time."""
        with self._readers.snapshot() as connection:
            return spans_of(connection, self._sealed, trace_id, scope)

    def logs_of(self, trace_id: str, scope: str | None = None) -> tuple[LogRecord, ...]:
        """The log records of a trace that were received, in order of time."""
        with self._readers.snapshot() as connection:
            return logs_of(connection, self._sealed, trace_id, scope)

    def logs_of_session(self, session: str, scope: str) -> tuple[LogRecord, ...]:
        """The log records of a tool's session (`spans.session_name`), in order of time."""
        with self._readers.snapshot() as connection:
            return logs_of_session(connection, self._sealed, session, scope)

    def last_told(self, scopes: Collection[str] | None = None) -> LastTold | None:
        """What telemetry told last, with any key or with some; None where that was long ago, or nothing."""
        with self._readers.snapshot() as connection:
            return last_told(connection, self._sealed, scopes)

    # The writer's thread.

    def _run(self) -> None:
        placer = Placer(self._connection, self._sealed)
        pause = FIRST_PAUSE_S
        while self._wait():
            self._do_work(placer)
            batch = self._batch()
            if not batch:
                continue
            try:
                self._place_somehow(placer, [told for told, _ in batch])
            except sqlite3.Error as error:
                if self._hindered is None:
                    _log.warning("Conversations cannot be stored now (%s); they wait in memory.", error)
                self._hindered, self._hopeless = content_hindrance(error), hindrance(error) != LOCKED
                self._rest(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            pause, self._hindered, self._hopeless = FIRST_PAUSE_S, None, False
            self._settle(batch)

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._work or self._closing)
            self._changed.wait_for(self._is_due, self._group_s)
            return not self._closing

    def _is_due(self) -> bool:
        full = len(self._queue) >= BATCH or self._bytes >= BATCH_BYTES
        return bool(full or self._flush_to > self._done or self._work or self._closing)

    def _batch(self) -> list[tuple[Told, int]]:
        with self._changed:
            batch: list[tuple[Told, int]] = []
            size = 0
            for each in islice(self._queue, BATCH):
                size += each[1]
                if batch and size > BATCH_BYTES:
                    break
                batch.append(each)
            return batch

    def _settle(self, batch: Sequence[tuple[Told, int]]) -> None:
        self._group_s = BUSY_GROUP_S if len(batch) >= BUSY else GROUP_S
        with self._changed:
            for _, size in batch:
                self._queue.popleft()
                self._bytes -= size
            self._done += len(batch)
            self._changed.notify_all()
        self._tell()

    def _place_somehow(self, placer: Placer, batch: Sequence[Told]) -> None:
        """What no table can hold must not keep the rest back. Raises sqlite3.Error where waiting helps."""
        try:
            self._place(placer, batch)
            return
        except Exception as error:
            if passes(error):
                raise
        refused = 0
        for told in batch:
            try:
                self._place(placer, [told])
            except Exception as error:
                if passes(error):
                    raise
                refused += 1
                # The error's own words may repeat what was said.
                _log.error("What %s said could not be stored (%s).", told.request_id, type(error).__name__)
        self._unstorable += refused

    def _place(self, placer: Placer, batch: Iterable[Told]) -> None:
        try:
            with writing(self._connection):
                placer.begin()
                placer.place(*batch)
                joined = self._joined(placer.finish())
        except BaseException:
            placer.start_over()
            raise
        self._tell_joined(joined)

    def _do_work(self, placer: Placer) -> None:
        while self._work:
            with self._changed:
                work, future = self._work.popleft()
            try:
                with writing(self._connection):
                    placer.begin()
                    result = work(self._connection, placer)
                    joined = self._joined(placer.finish())
            except BaseException as error:
                future.set_exception(error)
                continue
            finally:
                placer.start_over()
            self._tell_joined(joined)
            self._tell()
            future.set_result(result)

    def _joined(self, turns: Iterable[int]) -> list[tuple[str, str]]:
        found = set(turns)
        return self._connection.execute(_TELL, (json_array(found),)).fetchall() if found else []

    def _tell_joined(self, joined: Iterable[tuple[str, str]]) -> None:
        try:
            for request_id, name in joined:
                self._on_joined(request_id, name)
        except Exception:
            _log.exception("Where a stored request belongs could not be told")

    def _tell(self) -> None:
        self._signing.wake()
        try:
            self._on_commit()
        except Exception:
            _log.exception("What follows a stored conversation failed")

    def _rest(self, seconds: float) -> None:
        with self._changed:
            if self._ending:
                seconds = min(seconds, LAST_PAUSE_S)
                self._changed.wait_for(lambda: self._closing or self._work, seconds)
            else:
                self._changed.wait_for(lambda: self._closing or self._work or self._ending, seconds)
