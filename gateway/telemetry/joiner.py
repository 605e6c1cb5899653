"""Received telemetry becomes turns of conversations, joined with the gateway's own rows.

On a thread of its own: spans of a trace come in any order and late, so each trace is looked at again whenever
something of it lands, after a moment in which the rest of it may come.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Condition, Thread
from time import monotonic

from msgspec.structs import replace

from gateway.capture.capture import NO_TURN
from gateway.keys.access import Principal
from gateway.relaying.exchange import Exchange
from gateway.store.database import passes
from gateway.store.joined_turns import received_last, tellers
from gateway.store.placed_before import PlacedBefore
from gateway.store.spans import session_name
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.one_join import Kind, Loaded, Looked
from gateway.telemetry.records import Batch, LogRecord
from gateway.telemetry.span_tellings import Price
from gateway.telemetry.span_thinning import SpanThinning
from gateway.told import Told

# What is exported together arrives together; a trace is looked at when nothing of it came for so long.
QUIET_S = 0.4
LONGEST_S = 3.0
CLOSE_S = 5.0
# After a failure that may pass.
REST_S = 1.0
# A session of three thousand calls takes two seconds to be read, and grows all day: what took longer than SLOW_S is
# left alone for REST_TIMES as long, so that others have most of the time.
SLOW_S, REST_TIMES, LONGEST_REST_S = 1.0, 4.0, 300.0
# What is known now may change what was found of other traces, and that what was found of others: so many steps.
STEPS = 4

_NOBODY: tuple[set[str], set[str]] = set(), set()
_log = logging.getLogger(__name__)

# (what it is, its name, the key's id) → (the key's name, first noted, last noted, after how many steps).
_Key = tuple[Kind, str, str]


class Joiner:
    """One gateway's. `on_app` is told a request's id and the app that made it; `on_detached` a request's id whose app
    nobody knows any more, and whether its conversation is its alone again."""

    def __init__(
        self,
        store: ThreadStore,
        price: Price,
        on_app: Callable[[str, str], None],
        on_detached: Callable[[str, bool], None],
        *,
        quiet_s: float = QUIET_S,
    ) -> None:
        self._store = store
        self._price = price
        self._on_app = on_app
        self._on_detached = on_detached
        self._quiet_s = quiet_s
        self._noted: dict[_Key, tuple[str, float, float, int]] = {}
        # Until when what took long is left alone; of the joining thread.
        self._rests: dict[_Key, float] = {}
        self._placed = PlacedBefore()
        # Keys that telemetry came with: only their exchanges can have been told of.
        self._scopes: set[str] = set()
        # What the last run left is not noted yet.
        self._busy = True
        self._hurried = False
        # By what may pass: it is said once, and not with each attempt.
        self._failing = False
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name="joining", daemon=True)
        self._thread.start()

    def note(self, names: Iterable[str], scope: str, key: str, kind: Kind = Kind.TRACE, *, step: int = 0) -> None:
        """Something of these traces or sessions has landed, or these exchanges have ended."""
        now = monotonic()
        with self._changed:
            self._scopes.add(scope)
            for name in names:
                place = kind, name, scope
                _, first, _, earlier = self._noted.get(place, (key, now, now, step))
                self._noted[place] = key, first, now, min(step, earlier)
            self._changed.notify_all()

    def heard(self, exchange: Exchange, told: Told) -> None:
        """A witness of the capture: an exchange that telemetry may have told of already. Its turn is stored next."""
        stored = told.outcome != "running" and NO_TURN not in told.hints
        if told.key is None or told.request_id is None or not stored:
            return
        if exchange.caller is not None:
            self.note((exchange.caller.trace_id,), told.scope, told.key)
        if told.scope in self._scopes:
            self.note((told.request_id,), told.scope, told.key, Kind.EXCHANGE)

    def flush(self, timeout_s: float = CLOSE_S) -> bool:
        """Look at all that was noted, now; False where that took too long."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._noted and not self._busy, timeout_s)

    def close(self) -> None:
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        self._attempt(self._begin)
        self._is_done()
        while (due := self._next()) is not None:
            (kind, name, scope), key, step = due
            began = monotonic()
            done = self._attempt(partial(self._join, kind, name, scope, key, step))
            self._rest((kind, name, scope), monotonic() - began)
            if not done:
                self.note((name,), scope, key, kind, step=step)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, REST_S)
            self._is_done()

    def _is_done(self) -> None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()

    def _attempt(self, work: Callable[[], None]) -> bool:
        """False where it failed and may succeed later."""
        try:
            work()
        except Exception as error:
            failed_before, self._failing = self._failing, passes(error)
            if not (failed_before and self._failing):
                # The error's own words may repeat what was said.
                _log.warning("Telemetry could not be joined with its requests (%s).", type(error).__name__)
            return not self._failing
        self._failing = False
        return True

    def _rest(self, place: _Key, taken_s: float) -> None:
        now = monotonic()
        self._rests = {other: until for other, until in self._rests.items() if until > now}
        if taken_s > SLOW_S:
            self._rests[place] = now + min(LONGEST_REST_S, REST_TIMES * taken_s)

    def _begin(self) -> None:
        """What landed just before an end may not have been looked at."""
        traces, sessions = self._store.look(received_last)
        for trace_id, scope, key in traces:
            self.note((trace_id,), scope, key)
        for session, scope, key in sessions:
            self.note((session,), scope, key, Kind.SESSION)

    def _next(self) -> tuple[_Key, str, int] | None:
        with self._changed:
            while True:
                if self._closing:
                    return None
                now = monotonic()
                waits = []
                for place, (key, first, last, step) in self._noted.items():
                    due = min(last + self._quiet_s, first + LONGEST_S)
                    wait = max(due, self._rests.get(place, due)) - now
                    if wait <= 0 or self._hurried:
                        del self._noted[place]
                        self._busy = True
                        return place, key, step
                    waits.append(wait)
                self._hurried = False
                self._changed.wait(min(waits) if waits else None)

    def _join(self, kind: Kind, name: str, scope: str, key: str, step: int) -> None:
        if kind is Kind.EXCHANGE:
            self._find_tellers(name, scope, key)
            return
        loaded = Loaded(self._store, scope)
        first = loaded.first(kind, name)
        looked = Looked.of(first, scope, key, kind, name)
        if looked is None:
            return
        for other in sorted(self._store.look(looked.beside)):
            loaded.trace(other)
        written = self._store.change(partial(looked.write, loaded.seen, self._price, self._placed))
        if written.prints is not None:
            self._placed.note((looked.trace_id, looked.session, scope), written.prints)
        for request_id, app in written.apps:
            self._on_app(request_id, app)
        for request_id in written.detached:
            self._on_detached(request_id, request_id in written.alone)
        if step < STEPS:
            self.note(written.again, scope, key, step=step + 1)
            if kind is Kind.TRACE:
                # A tool's log may tell of them too, and is looked at with the spans beside it.
                for request_id in written.joined:
                    _, sessions = self._store.look(partial(_tellers, request_id)) or _NOBODY
                    self.note(sessions, scope, key, Kind.SESSION, step=step + 1)

    def _find_tellers(self, request_id: str, scope: str, key: str) -> None:
        """An exchange is heard of before it is stored, which may take long on a busy disk."""
        found = self._store.look(partial(_tellers, request_id))
        if found is None:
            behind = not self._store.flush(LONGEST_S)
            found = self._store.look(partial(_tellers, request_id))
            if found is None and behind:
                self.note((request_id,), scope, key, Kind.EXCHANGE)
        traces, sessions = found or _NOBODY
        self.note(traces, scope, key)
        self.note(sessions, scope, key, Kind.SESSION)


def _tellers(request_id: str, connection: sqlite3.Connection) -> tuple[set[str], set[str]] | None:
    return tellers(connection, request_id)


class JoinedTelemetry:
    """A consumer for the intake: keeps what was received, then has it joined."""

    def __init__(self, stored: StoredTelemetry, joiner: Joiner) -> None:
        self._stored = stored
        self._joiner = joiner
        self._thinning = SpanThinning()

    def accept(self, batch: Batch, principal: Principal) -> bool:
        scope, key = principal.key_id, principal.key_name
        kept = replace(batch, spans=tuple(self._thinning.kept(batch.spans, scope)), logs=_mattering(batch.logs))
        if not self._stored.accept(kept, principal):
            return False
        traces = {span.trace_id for span in kept.spans} | {log.trace_id for log in kept.logs if log.trace_id}
        self._joiner.note(traces, scope, key)
        if kept.logs:
            sessions = {name for record in kept.logs if (name := session_name(record)) is not None}
            self._joiner.note(sessions, scope, key, Kind.SESSION)
        return True


def _mattering(logs: Sequence[LogRecord]) -> tuple[LogRecord, ...]:
    if not logs:
        return ()
    from gateway.telemetry.readers.tool_sessions import matters

    return tuple(record for record in logs if matters(record))
