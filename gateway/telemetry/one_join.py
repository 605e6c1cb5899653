"""One join: what telemetry and the store say around a trace or a session, and what its calls are turns of."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from gateway.store.conversation_rows import Conversations
from gateway.store.joined_turns import Attached, Own, Time, Written, beside, changed, exchanged, times_of, write
from gateway.store.placed_before import PlacedBefore
from gateway.store.placing import Placer
from gateway.store.spans import session_name
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.calls import CALLS, Call, Exchanged, Seen, calls_of
from gateway.telemetry.frames import with_frames
from gateway.telemetry.observed import Observed
from gateway.telemetry.records import LogRecord, Span
from gateway.telemetry.span_tellings import (
    Price,
    app_of,
    conversation_of,
    figures_of,
    identities_of,
    latency_of,
    session_of,
    told_of,
)
from gateway.thread_records import Figures

# So many spans around one are looked at, from within outwards.
MOST_AROUND = 256


class Kind(StrEnum):
    """What a name that was noted is the name of."""

    TRACE = "trace"
    SESSION = "session"
    EXCHANGE = "exchange"


class Loaded:
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


class Looked(Struct, frozen=True, kw_only=True):
    """What a join looks at: tellings by their `id()`, and what finds the exchanges and traces that they may be of."""

    scope: str
    key: str
    trace_id: str | None
    session: str | None
    ids: Collection[str]
    traces: Collection[str]
    times: Sequence[Time]
    first: Collection[int]

    @classmethod
    def of(cls, first: Sequence[Seen], scope: str, key: str, kind: Kind, name: str) -> "Looked | None":
        """None where nothing of `first` is a call."""
        calls = [each for each in first if each.observed.role in CALLS]
        if not calls:
            return None
        return cls(
            scope=scope,
            key=key,
            trace_id=name if kind is Kind.TRACE else None,
            session=name if kind is Kind.SESSION else None,
            ids={id for each in calls for id in _ids(each.observed)},
            traces={each.span.trace_id for each in calls},
            times=times_of((each.span.start_ns, each.span.end_ns) for each in calls),
            first={id(each) for each in first},
        )

    def near(self, connection: sqlite3.Connection, others: Sequence[Seen] = ()) -> list[Exchanged]:
        """Exchanges that these calls may be, and those that other calls say that they are."""
        ids = {*self.ids, *(id for each in others for id in _ids(each.observed))}
        traces = {*self.traces, *(each.span.trace_id for each in others)}
        return exchanged(connection, self.scope, traces, ids, self.times)

    def beside(self, connection: sqlite3.Connection) -> set[str]:
        return beside(connection, self.scope, self.near(connection), self.ids, self.times)

    def write(
        self,
        seen: Sequence[Seen],
        price: Price,
        placed: PlacedBefore,
        connection: sqlite3.Connection,
        placer: Placer,
    ) -> Written:
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
                attached += _attached(call, around, self.session)
                requests += [exchange.request_id for exchange in call.exchanges]
            else:
                own.append(self._own(call, around, price))
        conversations = Conversations(connection, placer.sealed)
        of = self.scope, self.trace_id
        written = write(connection, placer, conversations, *of, own, attached, self.session, placed)
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
            if len(visited) == MOST_AROUND:
                break
            visited.add(above)
            if id(each) not in own:
                found.setdefault(id(each), each)
            above = each.span.parent_span_id
    return list(found.values())


def _attached(call: Call, around: Sequence[Seen], session: str | None) -> list[Attached]:
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
            session_id=session_of(within),
            spans=_spans(call) if exchange is last else (),
            session=None if _spans(call) else session,
        )
        for exchange in call.exchanges
    ]


def _figures(seen: Seen) -> Figures:
    source = "log" if seen.observed.from_session else "span"
    return figures_of(seen.observed, latency_of(seen), source)


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
