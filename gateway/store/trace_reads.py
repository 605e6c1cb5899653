"""One trace: the spans that were received, and the gateway's own exchanges among them, in order of time."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.store.content import Sealed
from gateway.store.spans import KeptSpan, spans_of
from gateway.telemetry.observed import Role
from gateway.telemetry.records import SpanKind, StatusCode
from gateway.thread_records import Trace, TraceSpan

# The number of a turn is its place in its conversation. All of a conversation are numbered at once: a long session in
# one trace has thousands.
_NUMBERED = (
    "WITH numbered AS MATERIALIZED (SELECT id, "
    "ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY started_us, id) - 1 AS number "
    "FROM turns WHERE conversation IN ({conversations})) "
)
_TURNS = (
    _NUMBERED.format(conversations="SELECT conversation FROM turns WHERE trace_id = ?1")
    + "SELECT t.span_id, t.parent_span_id, t.request_id, t.source, t.started_us, t.latency_us, t.outcome, t.door, "
    "t.provider, t.model, t.app, t.input_tokens, t.output_tokens, t.cost_nano, t.status, c.name, n.number "
    "FROM turns t JOIN conversations c ON c.id = t.conversation JOIN numbered n ON n.id = t.id "
    "WHERE t.trace_id = ?1 AND (?2 IS NULL OR t.scope = ?2) ORDER BY t.started_us, t.id"
)
_SPAN_TURNS = (
    _NUMBERED.format(
        conversations="SELECT w.conversation FROM spans s JOIN turns w ON w.id = s.turn WHERE s.trace_id = ?1"
    )
    + "SELECT s.span_id, t.request_id, c.name, n.number FROM spans s JOIN turns t ON t.id = s.turn "
    "JOIN conversations c ON c.id = t.conversation JOIN numbered n ON n.id = t.id WHERE s.trace_id = ?1"
)
_STATUS = {StatusCode.OK: "ok", StatusCode.ERROR: "error"}
_FAILED = ("error", "interrupted")


def trace(connection: sqlite3.Connection, sealed: Sealed, trace_id: str, scope: str | None) -> Trace | None:
    """None where nothing of this trace is known, or nothing of this scope."""
    turns = list(_own(connection, trace_id, scope))
    of_span = {span_id: found for span_id, *found in connection.execute(_SPAN_TURNS, (trace_id,))}
    received = [_received(kept, of_span.get(kept.span_id)) for kept in spans_of(connection, sealed, trace_id, scope)]
    known = {span.span_id for span in received}
    spans = sorted(
        (*received, *(span for span in turns if span.span_id not in known and span.source == "gateway")),
        key=lambda span: span.started_us,
    )
    if not spans:
        return None
    names = dict.fromkeys(span.conversation_id for span in spans if span.conversation_id)
    return Trace(trace_id=trace_id, spans=tuple(spans), conversation_ids=tuple(names))


def _own(connection: sqlite3.Connection, trace_id: str, scope: str | None) -> Iterator[TraceSpan]:
    for row in connection.execute(_TURNS, (trace_id, scope)):
        span_id, parent, request_id, source, started, latency, outcome, door, provider, model, app, *more = row
        input_tokens, output_tokens, cost_nano, status, name, number = more
        attributes: dict[str, Any] = {
            "gen_ai.provider.name": provider,
            "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": input_tokens,
            "gen_ai.usage.output_tokens": output_tokens,
            "faregate.cost.usd": None if cost_nano is None else cost_nano / 1e9,
            "faregate.request.id": request_id,
            "faregate.door": door,
            "http.response.status_code": status or None,
        }
        yield TraceSpan(
            span_id=span_id or request_id or "",
            parent_span_id=parent,
            name=f"chat {model}" if model else "chat",
            kind="server",
            started_us=started,
            duration_us=latency or 0,
            status="error" if outcome in _FAILED else "ok",
            attributes={key: value for key, value in attributes.items() if value is not None},
            role="inference",
            request_id=request_id,
            conversation_id=name,
            turn=number,
            app=app,
            source=source,
        )


def _received(kept: KeptSpan, turn: Sequence[Any] | None) -> TraceSpan:
    from gateway.telemetry.readers.spans import observe

    span = kept.span
    if span is None:
        return TraceSpan(
            span_id=kept.span_id,
            parent_span_id=None,
            name="(cannot be opened)",
            kind="internal",
            started_us=0,
            duration_us=0,
            status="unset",
        )
    observed = observe(span)
    request_id, name, number = turn or (None, None, None)
    return TraceSpan(
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        name=span.name,
        kind=SpanKind(span.kind).name.lower() if span.kind in set(SpanKind) else "unspecified",
        started_us=span.start_ns // 1000,
        duration_us=max(0, span.end_ns - span.start_ns) // 1000,
        status=_STATUS.get(StatusCode(span.status), "unset") if span.status in set(StatusCode) else "unset",
        attributes=span.attributes,
        events=tuple((event.name, event.time_ns // 1000, event.attributes) for event in span.events),
        resource=span.resource,
        role=observed.role.value,
        glue=observed.role is Role.GLUE,
        request_id=request_id,
        conversation_id=name,
        turn=number,
        app=observed.app,
        hints=observed.hints,
    )
