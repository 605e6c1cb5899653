"""Received telemetry becomes turns of conversations, joined with the gateway's own rows.

On a thread of its own: spans of a trace come in any order and late, so each trace is looked at again whenever
something of it lands, after a moment in which the rest of it may come.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Condition, Thread
from time import monotonic

from msgspec.structs import replace

from gateway.access import Principal
from gateway.errors import FaregateError
from gateway.exchange import Exchange
from gateway.store.conversation_rows import Conversations
from gateway.store.joined_turns import Attached, Own, exchanged, told_by_spans, write
from gateway.store.placing import Placer
from gateway.store.spans import session_name
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.calls import Call, Seen, calls_of
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.observed import Observed
from gateway.telemetry.records import Batch, LogRecord, Span
from gateway.telemetry.span_tellings import Price, app_of, conversation_of, figures_of, identity_of, told_of
from gateway.telemetry.span_thinning import SpanThinning
from gateway.told import Told

# What is exported together arrives together; a trace is looked at when nothing of it came for so long.
QUIET_S = 0.4
LONGEST_S = 3.0
CLOSE_S = 5.0

_log = logging.getLogger(__name__)
# (trace or session, the key's id, whether a session) → (the key's name, first noted, last noted).
_Key = tuple[str, str, bool]


class Joiner:
    """One gateway's. `on_app` is told a request's id and the app that made it."""

    def __init__(
        self, store: ThreadStore, price: Price, on_app: Callable[[str, str], None], *, quiet_s: float = QUIET_S
    ) -> None:
        self._store = store
        self._price = price
        self._on_app = on_app
        self._quiet_s = quiet_s
        self._noted: dict[_Key, tuple[str, float, float]] = {}
        self._busy = False
        self._hurried = False
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name="joining", daemon=True)
        self._thread.start()

    def note(self, trace_ids: Iterable[str], scope: str, key: str, *, sessions: bool = False) -> None:
        """Something of these traces, or of these sessions, has landed."""
        now = monotonic()
        with self._changed:
            for trace_id in trace_ids:
                place = trace_id, scope, sessions
                _, first, _ = self._noted.get(place, (key, now, now))
                self._noted[place] = key, first, now
            self._changed.notify_all()

    def heard(self, exchange: Exchange, told: Told) -> None:
        """A witness of the capture: an exchange whose caller's span may be here already. Its turn is stored next."""
        if exchange.caller is not None and told.key is not None:
            self.note((exchange.caller.trace_id,), told.scope, told.key)

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
        while (due := self._next()) is not None:
            (name, scope, session), key = due
            try:
                if session:
                    self._join_session(name, scope, key)
                else:
                    self._join_trace(name, scope, key)
            except (sqlite3.Error, FaregateError) as error:
                _log.warning("A trace could not be joined with its requests (%s).", type(error).__name__)
            except Exception as error:
                # The error's own words may repeat what was said.
                _log.error("A trace could not be joined with its requests (%s).", type(error).__name__)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> tuple[_Key, str] | None:
        with self._changed:
            while True:
                if self._closing:
                    return None
                now = monotonic()
                waits = []
                for place, (key, first, last) in self._noted.items():
                    wait = min(last + self._quiet_s, first + LONGEST_S) - now
                    if wait <= 0 or self._hurried:
                        del self._noted[place]
                        self._busy = True
                        return place, key
                    waits.append(wait)
                self._hurried = False
                self._changed.wait(min(waits) if waits else None)

    def _join_trace(self, trace_id: str, scope: str, key: str) -> None:
        from gateway.telemetry.readers.spans import observe

        logs: dict[str | None, list[LogRecord]] = {}
        for record in self._store.logs_of(trace_id, scope):
            logs.setdefault(record.span_id, []).append(record)
        spans = [kept.span for kept in self._store.spans_of(trace_id, scope) if kept.span is not None]
        seen = [Seen(span, observe(span, logs.get(span.span_id, ()))) for span in spans]
        if seen:
            self._write(seen, scope, key, trace_id)

    def _join_session(self, session: str, scope: str, key: str) -> None:
        from gateway.telemetry.readers.tool_sessions import read_session

        found = read_session(self._store.logs_of_session(session, scope))
        seen = [Seen(_span_of(observed), observed) for observed in found]
        if seen:
            self._write(seen, scope, key, None)

    def _write(self, seen: Sequence[Seen], scope: str, key: str, trace_id: str | None) -> None:
        ids = {id for each in seen for id in _ids(each.observed)}
        from_ns, to_ns = min(each.span.start_ns for each in seen), max(each.span.end_ns for each in seen)
        by_id = {each.span.span_id: each for each in seen}

        def work(connection: sqlite3.Connection, placer: Placer) -> list[tuple[str, str]]:
            candidates = exchanged(connection, scope, trace_id or "", ids, from_ns, to_ns)
            told_already = told_by_spans(connection, scope, sorted(ids)) if trace_id is None else set()
            own, attached = [], []
            for call in calls_of(seen, candidates):
                around = _around(call, by_id)
                if call.exchanges:
                    attached += _attached(call, around)
                elif not told_already & {id for each in call.tellings for id in _ids(each.observed)}:
                    told = told_of(call, around, scope=scope, key=key, price=self._price)
                    own.append(Own(told, _spans(call, trace_id)))
            conversations = Conversations(connection, placer.sealed)
            return write(connection, placer, conversations, scope, trace_id, own, attached).apps

        for request_id, app in self._store.change(work):
            self._on_app(request_id, app)


def _ids(observed: Observed) -> list[str]:
    response, request_id = observed.response, observed.facts.get("request_id")
    found = (observed.response_id, response.id if response else None, request_id)
    return [id for id in found if isinstance(id, str) and id]


def _around(call: Call, by_id: Mapping[str, Seen]) -> list[Seen]:
    """The spans around a call's tellings, from within outwards."""
    found: list[Seen] = []
    visited = {each.span.span_id for each in call.tellings}
    above = call.tellings[0].span.parent_span_id
    while above is not None and (each := by_id.get(above)) is not None:
        if above not in visited:
            found.append(each)
        elif each in found:
            break
        visited.add(above)
        above = each.span.parent_span_id
    return found


def _attached(call: Call, around: Sequence[Seen]) -> list[Attached]:
    """The tellings add to the exchange that answered; an earlier one of the same call is a failed attempt."""
    last = call.exchanges[-1]
    within = [*call.tellings, *around]
    source = "log" if call.tellings[0].observed.from_session else "span"
    _, outer = conversation_of(within)
    figures = tuple(
        figures_of(each.observed, max(0, each.span.end_ns - each.span.start_ns) // 1000, source)
        for each in call.tellings
    )
    spans = _spans(call, None if source == "log" else call.tellings[0].span.trace_id)
    return [
        Attached(
            turn=exchange.turn,
            figures=figures if exchange is last else (),
            joined=call.joined or "id",
            inferred=call.inferred,
            identity=identity_of(call),
            app=app_of(within),
            agent=next((each.observed.agent for each in within if each.observed.agent), None),
            conversation=outer,
            spans=spans if exchange is last else (),
        )
        for exchange in call.exchanges
    ]


def _spans(call: Call, trace_id: str | None) -> tuple[tuple[str, str], ...]:
    return () if trace_id is None else tuple((each.span.trace_id, each.span.span_id) for each in call.tellings)


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
            self._joiner.note(sessions, scope, key, sessions=True)
        return True


def _mattering(logs: Sequence[LogRecord]) -> tuple[LogRecord, ...]:
    if not logs:
        return ()
    from gateway.telemetry.readers.tool_sessions import matters

    return tuple(record for record in logs if matters(record))
