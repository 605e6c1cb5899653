"""Received telemetry becomes turns of conversations, joined with the gateway's own rows.

On a thread of its own: spans of a trace come in any order and late, so each trace is looked at again whenever
something of it lands, after a moment in which the rest of it may come.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from threading import Condition, Thread
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from gateway.access import Principal
from gateway.exchange import Exchange
from gateway.store.conversation_rows import Conversations
from gateway.store.joined_turns import (
    Attached,
    Own,
    Written,
    beside,
    changed,
    exchanged,
    received_last,
    tellers,
    write,
)
from gateway.store.placing import Placer
from gateway.store.spans import session_name
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.calls import CALLS, Call, Exchanged, Seen, calls_of
from gateway.telemetry.frames import with_frames
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.observed import Observed
from gateway.telemetry.records import Batch, LogRecord, Span
from gateway.telemetry.span_tellings import Price, app_of, conversation_of, figures_of, identities_of, told_of
from gateway.telemetry.span_thinning import SpanThinning
from gateway.thread_records import Figures
from gateway.told import Told

# What is exported together arrives together; a trace is looked at when nothing of it came for so long.
QUIET_S = 0.4
LONGEST_S = 3.0
CLOSE_S = 5.0

_log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What a name that was noted is the name of."""

    TRACE = "trace"
    SESSION = "session"
    EXCHANGE = "exchange"


# What is known now may change what was found of other traces, and that what was found of others: so many steps.
STEPS = 4

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
        # Keys that telemetry came with: only their exchanges can have been told of.
        self._scopes: set[str] = set()
        self._busy = False
        self._hurried = False
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
        if told.key is None or told.request_id is None or told.outcome == "running":
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
        while (due := self._next()) is not None:
            (kind, name, scope), key, step = due
            self._attempt(partial(self._join, kind, name, scope, key, step))
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            # The error's own words may repeat what was said.
            _log.warning("Telemetry could not be joined with its requests (%s).", type(error).__name__)

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
                    wait = min(last + self._quiet_s, first + LONGEST_S) - now
                    if wait <= 0 or self._hurried:
                        del self._noted[place]
                        self._busy = True
                        return place, key, step
                    waits.append(wait)
                self._hurried = False
                self._changed.wait(min(waits) if waits else None)

    def _join(self, kind: Kind, name: str, scope: str, key: str, step: int) -> None:
        if kind is Kind.EXCHANGE:
            traces, sessions = self._store.look(partial(_tellers, name))
            self.note(traces, scope, key)
            self.note(sessions, scope, key, Kind.SESSION)
            return
        loaded = _Loaded(self._store, scope)
        first = loaded.first(kind, name)
        calls = [each for each in first if each.observed.role in CALLS]
        if not calls:
            return
        ids = {id for each in calls for id in _ids(each.observed)}
        times = min(each.span.start_ns for each in calls), max(each.span.end_ns for each in calls)
        looked = _Looked(
            scope=scope,
            key=key,
            trace_id=name if kind is Kind.TRACE else None,
            ids=ids,
            traces={each.span.trace_id for each in calls},
            times=times,
            first={id(each) for each in first},
        )
        for other in sorted(self._store.look(looked.beside)):
            loaded.trace(other)
        written = self._store.change(partial(looked.write, loaded.seen, self._price))
        for request_id, app in written.apps:
            self._on_app(request_id, app)
        for request_id in written.detached:
            self._on_detached(request_id, request_id in written.alone)
        if step < STEPS:
            self.note(written.again, scope, key, step=step + 1)
            if kind is Kind.TRACE:
                # A tool's log may tell of them too, and is looked at with the spans beside it.
                for request_id in written.joined:
                    _, sessions = self._store.look(partial(_tellers, request_id))
                    self.note(sessions, scope, key, Kind.SESSION, step=step + 1)


def _tellers(request_id: str, connection: sqlite3.Connection) -> tuple[set[str], set[str]]:
    return tellers(connection, request_id)


class _Loaded:
    """Spans of several traces with what the tools' sessions in them say, each once."""

    def __init__(self, store: ThreadStore, scope: str) -> None:
        self._store = store
        self._scope = scope
        self._known: set[str] = set()
        self.seen: list[Seen] = []

    def first(self, kind: Kind, name: str) -> list[Seen]:
        """What is looked at; of a session with the traces that it names, whose spans stand beside it."""
        if kind is Kind.TRACE:
            self.trace(name)
            return list(self.seen)
        self.session(name)
        found = list(self.seen)
        for trace_id in sorted({each.span.trace_id for each in found} - {""}):
            self.trace(trace_id)
        return found

    def trace(self, trace_id: str) -> None:
        from gateway.telemetry.readers.spans import observe

        if not self._new(f"trace {trace_id}"):
            return
        logs: dict[str | None, list[LogRecord]] = {}
        sessions: dict[str, None] = {}
        for record in self._store.logs_of(trace_id, self._scope):
            logs.setdefault(record.span_id, []).append(record)
            if (name := session_name(record)) is not None:
                sessions[name] = None
        spans = [kept.span for kept in self._store.spans_of(trace_id, self._scope) if kept.span is not None]
        seen = [Seen(span, observe(span, logs.get(span.span_id, ()))) for span in spans]
        # A tool's log records tell its calls.
        self.seen += seen if sessions else with_frames(seen)
        for name in sessions:
            self.session(name)

    def session(self, name: str) -> None:
        from gateway.telemetry.readers.tool_sessions import read_session

        if self._new(f"session {name}"):
            found = read_session(self._store.logs_of_session(name, self._scope))
            self.seen += [Seen(_span_of(observed), observed) for observed in found]

    def _new(self, name: str) -> bool:
        known = name in self._known
        self._known.add(name)
        return not known


class _Looked(Struct, frozen=True, kw_only=True):
    """What a join looks at: tellings by their `id()`, and what finds the exchanges and traces that they may be of."""

    scope: str
    key: str
    trace_id: str | None
    ids: Collection[str]
    traces: Collection[str]
    times: tuple[int, int]
    first: Collection[int]

    def near(self, connection: sqlite3.Connection, others: Sequence[Seen] = ()) -> list[Exchanged]:
        """Exchanges that these calls may be, and those that other calls say that they are."""
        ids = {*self.ids, *(id for each in others for id in _ids(each.observed))}
        traces = {*self.traces, *(each.span.trace_id for each in others)}
        return exchanged(connection, self.scope, traces, ids, *self.times)

    def beside(self, connection: sqlite3.Connection) -> set[str]:
        return beside(connection, self.scope, self.near(connection), self.ids, *self.times)

    def write(self, seen: Sequence[Seen], price: Price, connection: sqlite3.Connection, placer: Placer) -> Written:
        """On the writer's thread: decides on what is stored at that moment."""
        by_id = {(each.span.trace_id, each.span.span_id): each for each in seen if not each.observed.from_session}
        own, attached, requests = [], [], list[str]()
        others: dict[tuple[str, str], int | None] = {}
        for call in calls_of(seen, self.near(connection, seen)):
            # The others only stand beside those that are looked at.
            if not any(id(each) in self.first for each in call.tellings):
                others |= dict.fromkeys(_spans(call), call.exchanges[-1].turn if call.exchanges else None)
                continue
            around = _around(call, by_id)
            if call.exchanges:
                attached += _attached(call, around)
                requests += [exchange.request_id for exchange in call.exchanges]
            else:
                own.append(self._own(call, around, price))
        conversations = Conversations(connection, placer.sealed)
        written = write(connection, placer, conversations, self.scope, self.trace_id, own, attached)
        written.again = changed(connection, self.scope, others)
        written.joined = tuple(requests)
        return written

    def _own(self, call: Call, around: Sequence[Seen], price: Price) -> Own:
        told = told_of(call, around, scope=self.scope, key=self.key, price=price)
        figures = tuple(_figures(each) for each in call.tellings[1:])
        joined = ("id" if _ids(call.tellings[0].observed) else "nested") if figures else None
        return Own(told, _spans(call), figures, joined, identities_of(call)[1:])


def _ids(observed: Observed) -> list[str]:
    response, request_id = observed.response, observed.facts.get("request_id")
    found = (observed.response_id, response.id if response else None, request_id)
    return [id for id in found if isinstance(id, str) and id]


def _around(call: Call, by_id: Mapping[tuple[str, str], Seen]) -> list[Seen]:
    """The spans around a call's tellings, from within outwards."""
    found: dict[int, Seen] = {}
    own = {id(each) for each in call.tellings}
    for telling in call.tellings:
        trace_id, above = telling.span.trace_id, telling.span.parent_span_id
        visited: set[str] = set()
        while above is not None and above not in visited and (each := by_id.get((trace_id, above))) is not None:
            visited.add(above)
            if id(each) not in own:
                found.setdefault(id(each), each)
            above = each.span.parent_span_id
    return list(found.values())


def _attached(call: Call, around: Sequence[Seen]) -> list[Attached]:
    """The tellings add to the exchange that answered; an earlier one of the same call is a failed attempt."""
    last = call.exchanges[-1]
    within = [*call.tellings, *around]
    _, outer = conversation_of(within)
    figures = tuple(_figures(each) for each in call.tellings)
    return [
        Attached(
            turn=exchange.turn,
            figures=figures if exchange is last else (),
            joined=call.joined or "id",
            inferred=call.inferred,
            identities=identities_of(call),
            app=app_of(within),
            agent=next((each.observed.agent for each in within if each.observed.agent), None),
            conversation=outer,
            spans=_spans(call) if exchange is last else (),
        )
        for exchange in call.exchanges
    ]


def _figures(seen: Seen) -> Figures:
    source = "log" if seen.observed.from_session else "span"
    return figures_of(seen.observed, max(0, seen.span.end_ns - seen.span.start_ns) // 1000, source)


def _spans(call: Call) -> tuple[tuple[str, str], ...]:
    return tuple((each.span.trace_id, each.span.span_id) for each in call.tellings if not each.observed.from_session)


def _span_of(observed: Observed) -> Span:
    """A call that only log records tell, as a span."""
    start_ns = observed.started_us * 1000
    return Span(
        trace_id=observed.trace_id or "",
        span_id=observed.span_id or f"log {observed.identity}",
        parent_span_id=observed.parent_span_id,
        start_ns=start_ns,
        end_ns=start_ns + (observed.latency_us or 0) * 1000,
    )


class JoinedTelemetry:
    """A consumer for the intake: keeps what was received, then has it joined."""

    def __init__(self, stored: StoredTelemetry, joiner: Joiner) -> None:
        self._stored = stored
        self._joiner = joiner
        self._thinning = SpanThinning()

    def accept(self, batch: Batch, principal: Principal) -> bool:
        scope, key = principal.key_id, principal.key_name
        kept = replace(batch, spans=tuple(self._thinning.kept(batch.spans)), logs=_mattering(batch.logs))
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
