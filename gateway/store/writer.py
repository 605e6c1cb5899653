"""The writer: one thread that moves ended exchanges into `usage.db` in groups.

Nobody on the request path waits for it. A record stays queued until its transaction is committed; where that fails
(locked, full), the same records are tried again after a pause that grows, so nothing is lost and nothing doubled.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Sequence
from itertools import islice
from threading import Condition, Thread
from typing import Protocol

from gateway.records import ExchangeRecord
from gateway.store.assigning import Assignment
from gateway.store.commit import Committer
from gateway.store.database import passes
from gateway.store.meter import LOCKED, hindrance
from gateway.store.storable import storable

GROUP_ROWS = 50
GROUP_S = 0.2
# With more to write than can be, groups are large: rows that share sums then change these once.
BATCH_ROWS = 20_000
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
# At the end, what a lock keeps back is waited for as long as there is time. A disk that is full or gone comes back in
# none that a system leaves to programs when its user logs out.
HOPELESS_S = 2.0
LAST_PAUSE_S = 0.25

_log = logging.getLogger(__name__)


class Told(Protocol):
    """Hears of what is written."""

    def committed(self, stored: Sequence[ExchangeRecord], refused: Sequence[ExchangeRecord]) -> None:
        """A transaction is over. `refused` are records that no table can hold."""

    def mended(self, record: ExchangeRecord) -> None:
        """A text of this record had to be mended to be written."""

    def assigned(self) -> None:
        """Rows that stood already were told where they belong."""

    def hindered(self, error: sqlite3.Error | None) -> None:
        """Nothing can be written now; None: it can again."""


class Writer:
    """Owns the writing connection through its committer, and tells `told` on its own thread what comes of it."""

    def __init__(self, committer: Committer, told: "Told") -> None:
        self._committer = committer
        self._told = told
        self._queue: deque[ExchangeRecord] = deque()
        self._assignments: deque[Assignment] = deque()
        self._changed = Condition()
        self._taken_in = 0
        self._done = 0
        self._flush_to = 0
        self._closing = False
        self._ending = False
        self._hopeless = False
        self._thread = Thread(target=self._run, name="usage-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def queued(self) -> int:
        return len(self._queue)

    def waiting(self, request_id: str) -> ExchangeRecord | None:
        """The record of this id where it is still to be written."""
        with self._changed:
            return next((record for record in self._queue if record.id == request_id), None)

    def put(self, record: ExchangeRecord) -> None:
        """Queue a record; returns at once."""
        with self._changed:
            self._queue.append(record)
            self._taken_in += 1
            # Waking the thread for each record would cost more than the record.
            if len(self._queue) in (1, GROUP_ROWS):
                self._changed.notify_all()

    def assign(self, assignment: Assignment) -> None:
        """Queue what is learnt of a row once the row itself was put; returns at once."""
        with self._changed:
            self._assignments.append(assignment)
            self._taken_in += 1
            if len(self._assignments) == 1:
                self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that is queued now is committed; False where that took too long."""
        with self._changed:
            target = self._flush_to = self._taken_in
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= target, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Commit what is queued, within the time given or until that is hopeless, and end the thread; False where
        records remain."""
        with self._changed:
            self._ending = True
        flushed = self.flush(min(HOPELESS_S, timeout_s))
        if not flushed and not self._hopeless:
            flushed = self.flush(timeout_s - HOPELESS_S)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        return flushed

    def _run(self) -> None:
        hindered, pause = False, FIRST_PAUSE_S
        while (batch := self._next_batch()) is not None:
            try:
                if batch:
                    self._commit(batch)
                self._assign()
            except sqlite3.Error as error:
                self._told.hindered(error)
                self._hopeless = hindrance(error) != LOCKED
                if not hindered:
                    _log.warning("Usage cannot be stored now (%s); it waits in the journal.", error)
                if not self._pause(pause):
                    return
                hindered, pause = True, min(pause * 2, LONGEST_PAUSE_S)
            else:
                if hindered:
                    self._told.hindered(None)
                    _log.warning("Usage is stored again.")
                self._hopeless = hindered = False
                pause = FIRST_PAUSE_S

    def _next_batch(self) -> list[ExchangeRecord] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._assignments or self._closing)
            if not self._queue and not self._assignments:
                return None
            self._changed.wait_for(
                lambda: len(self._queue) >= GROUP_ROWS or self._flush_to > self._done or self._closing, GROUP_S
            )
            return list(islice(self._queue, BATCH_ROWS))

    def _commit(self, batch: Sequence[ExchangeRecord]) -> None:
        refused: Sequence[ExchangeRecord] = ()
        try:
            self._committer.commit(batch)
        except Exception as error:
            if passes(error):
                raise
            refused = self._commit_singly(batch)
        without = {record.id for record in refused}
        with self._changed:
            for _ in batch:
                self._queue.popleft()
        self._told.committed([record for record in batch if record.id not in without] if without else batch, refused)
        with self._changed:
            self._done += len(batch)
            self._changed.notify_all()

    def _assign(self) -> None:
        """Only after a commit: what is assigned was put before, so it is found unless more waits than a batch."""
        if not self._assignments:
            return
        with self._changed:
            assignments = list(islice(self._assignments, BATCH_ROWS))
            waiting = {record.id for record in self._queue}
        ready = [each for each in assignments if each.request_id not in waiting]
        if ready:
            self._assign_somehow(ready)
        with self._changed:
            for _ in assignments:
                self._assignments.popleft()
            self._assignments.extend(each for each in assignments if each.request_id in waiting)
            self._done += len(ready)
            self._changed.notify_all()
        if ready:
            self._told.assigned()

    def _assign_somehow(self, assignments: Sequence[Assignment]) -> None:
        """What no row can hold must not keep the rest back, nor end the thread. Raises sqlite3.Error where waiting
        helps."""
        try:
            self._committer.assign(assignments)
            return
        except Exception as error:
            if passes(error):
                raise
        for each in assignments:
            try:
                self._committer.assign([each])
            except Exception as error:
                if passes(error):
                    raise
                # The error's own words may repeat what was said.
                _log.error("What was learnt of %s could not be stored (%s).", each.request_id, type(error).__name__)

    def _commit_singly(self, batch: Sequence[ExchangeRecord]) -> list[ExchangeRecord]:
        """A value that SQLite cannot hold must not keep the other records back for ever: those that even so cannot be
        stored."""
        refused = []
        for record in batch:
            sound = storable(record)
            try:
                written = self._committer.commit([sound])
            except Exception as error:
                if passes(error):
                    raise
                _log.exception("The record %s could not be stored; it stays in the journal.", record.id)
                refused.append(record)
            else:
                if written and sound != record:
                    self._told.mended(record)
        return refused

    def _pause(self, seconds: float) -> bool:
        """Wait, or no longer than until what is queued is to be written at the end; False where the writer is to
        end."""
        with self._changed:
            if not self._ending:
                self._changed.wait_for(lambda: self._closing or self._ending, seconds)
            else:
                self._changed.wait_for(lambda: self._closing, min(seconds, LAST_PAUSE_S))
            return not self._closing
