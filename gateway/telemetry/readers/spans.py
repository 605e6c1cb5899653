"""The readers of spans in the order in which they are tried, and the one function that uses them.

A further way of writing spans is a file with its `READER`, which says only what no other has, and a line here.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from gateway.model import Choice, Message, Request, Response
from gateway.model import Role as MessageRole
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import (
    anthropic_sdk,
    bare,
    claude_code,
    codex,
    gemini_cli,
    google_adk,
    langfuse,
    langsmith,
    openinference,
    openllmetry,
    pydantic_ai,
    semconv,
    semconv_events,
    traceloop,
    vercel_ai,
)
from gateway.telemetry.readers import shared as shared_attributes
from gateway.telemetry.readers.failures import error_kind
from gateway.telemetry.readers.hints import hints_of
from gateway.telemetry.readers.langchain import plain_run
from gateway.telemetry.readers.reader import SpanReader, filled
from gateway.telemetry.readers.spellings import CALLS
from gateway.telemetry.records import LogRecord, Span, SpanKind

# The tools' and SDKs' own spans are told by their scope; then the most telling mark first.
READERS: tuple[SpanReader, ...] = (
    claude_code.READER,
    codex.READER,
    gemini_cli.READER,
    anthropic_sdk.READER,
    openinference.READER,
    vercel_ai.READER,
    langfuse.READER,
    openllmetry.READER,
    langsmith.READER,
    pydantic_ai.READER,
    google_adk.READER,
    semconv.READER,
    semconv_events.READER,
    traceloop.READER,
    bare.READER,
)
# Whose messages are taken before all others' where several stand on one span: they are structured by a standard.
STRUCTURED = semconv.READER.name
EVALUATION = "gen_ai.evaluation.result"
# Attributes of every kind of span, which say nothing of a conversation.
_STANDARD = ("server.", "client.", "network.", "http.", "url.", "user_agent.", "code.", "thread.", "otel.")
# Logfire announces a span that still runs by one of its own id, with the same attributes: it is no second call.
_SPAN_TYPE, _PENDING = "logfire.span_type", "pending_span"
_GLUE = ("http.request.method", "http.method", "db.system", "db.system.name", "rpc.system", "messaging.system")


def observe(span: Span, logs: Sequence[LogRecord] = ()) -> Observed:
    """What a span says, with the log records that stand under it. Never raises: what cannot be read stays a fact."""
    said = [(reader, telling) for reader in READERS if (telling := _told(reader, span, logs)) is not None]
    common = shared_attributes.shared(span, logs)
    if span.attributes.get(_SPAN_TYPE) == _PENDING:
        placeholder = Observed(reader="logfire-pending", role=Role.GLUE)
        return _finished(span, logs, filled(placeholder, common), [reader for reader, _ in said])
    if len(said) > 1 and said[-1][0] is bare.READER:
        # It knows nothing but a model's name, and guesses.
        said.pop()
    if not said:
        return _finished(span, logs, msgspec.structs.replace(common, reader="none", role=_role_alone(span)), ())
    merged = said[0][1]
    for _, telling in (*said[1:], (None, common)):
        merged = filled(merged, telling)
    role = next((telling.role for _, telling in said if telling.role is not Role.OTHER), Role.OTHER)
    merged = msgspec.structs.replace(merged, role=role, **_content([telling for _, telling in said], merged, common))
    return _finished(span, logs, merged, [reader for reader, _ in said])


def observe_records(records: Sequence[LogRecord]) -> Observed:
    """What log records of one span say where the span itself was not sent, or has not come: at least one record."""
    first = records[0]
    said: dict[str, Any] = {}
    for record in records:
        said |= {name: value for name, value in record.attributes.items() if name not in said}
    times = [record.time_ns for record in records if record.time_ns]
    stand_in = Span(
        trace_id=first.trace_id or "",
        span_id=first.span_id or "",
        attributes=said,
        start_ns=min(times, default=0),
        end_ns=max(times, default=0),
        resource=first.resource,
        scope=first.scope,
    )
    return msgspec.structs.replace(
        observe(stand_in, records),
        from_session=True,
        identity=f"{stand_in.trace_id}/{stand_in.span_id}",
        started_us=stand_in.start_ns // 1000,
        trace_id=first.trace_id,
        span_id=first.span_id,
    )


def _told(reader: SpanReader, span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    """A reader's telling. A sender that misshapes its attributes loses what this reader would have said, no more."""
    try:
        return reader.read(span, logs)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        fault = f"The attributes are not as {reader.name} writes them ({type(error).__name__})."
        return Observed(reader=reader.name, role=Role.OTHER, hints=(fault,))


def _content(tellings: Sequence[Observed], merged: Observed, common: Observed) -> dict[str, Any]:
    """Messages and answers of the reader that has them best, with the finish reasons from wherever they stand."""
    best = sorted(tellings, key=lambda telling: not telling.native and telling.reader != STRUCTURED)
    messages = next((told.request.messages for told in best if told.request and told.request.messages), ())
    choices = next((told.response.choices for told in best if told.response and _spoken(told.response)), ())
    request = merged.request or Request(model="", messages=())
    response = merged.response or Response()
    endings = (common.response.choices if common.response else ()) or response.choices
    choices = tuple(_ended(choice, endings) for choice in choices) or endings
    model = request.model or merged.model_requested or merged.model or ""
    return {
        "request": msgspec.structs.replace(request, model=model, messages=messages, stream=bool(merged.streamed)),
        "response": msgspec.structs.replace(response, id=merged.response_id, model=merged.model, choices=choices),
    }


def _spoken(response: Response) -> bool:
    return any(choice.parts for choice in response.choices)


def _ended(choice: Choice, endings: Sequence[Choice]) -> Choice:
    if choice.finish_reason is not None or choice.index >= len(endings):
        return choice
    return msgspec.structs.replace(choice, finish_reason=endings[choice.index].finish_reason)


def _finished(span: Span, logs: Sequence[LogRecord], telling: Observed, readers: Sequence[SpanReader]) -> Observed:
    if telling.role not in CALLS:
        telling = _as_frame(telling)
    if telling.tool is not None:
        telling = msgspec.structs.replace(telling, tool=plain_run(telling.tool))
    kind = error_kind(span, logs, telling.error_type, telling.error_message)
    hints = hints_of(span, telling)
    return msgspec.structs.replace(telling, error_kind=kind, hints=hints, facts=_facts(span, logs, readers))


def _as_frame(telling: Observed) -> Observed:
    """A frame is no call: the messages that it repeats become its transcript, beside what it counts."""
    asked = telling.request.messages if telling.request else ()
    answered = telling.response.choices if telling.response else ()
    spoken = tuple(Message(MessageRole.ASSISTANT, choice.parts) for choice in answered if choice.parts)
    transcript = telling.transcript
    told_as_run = telling.role is Role.TOOL
    if transcript is None and (asked or spoken) and telling.request is not None and not told_as_run:
        transcript = msgspec.structs.replace(telling.request, messages=(*asked, *spoken))
    counted = telling.response is not None and telling.response.usage is not None
    return msgspec.structs.replace(
        telling,
        request=None,
        response=Response(usage=telling.response.usage) if counted and telling.response else None,
        transcript=transcript,
    )


def _role_alone(span: Span) -> Role:
    """A span without any word of models: the plumbing below an app, or something of the app's own."""
    plumbing = span.kind in (SpanKind.CLIENT, SpanKind.INTERNAL) and any(name in span.attributes for name in _GLUE)
    return Role.GLUE if plumbing else Role.OTHER


def _facts(span: Span, logs: Sequence[LogRecord], readers: Sequence[SpanReader]) -> Mapping[str, Any]:
    """The attributes that nobody read, and what evaluations said of the call."""
    names, prefixes = _reads(tuple(reader.reads for reader in readers))
    facts = {
        name: value for name, value in span.attributes.items() if name not in names and not name.startswith(prefixes)
    }
    judged = [dict(one.attributes) for one in span.events if one.name == EVALUATION]
    judged += [dict(one.attributes) for one in logs if one.event_name == EVALUATION]
    return facts | {EVALUATION: judged} if judged else facts


@cache
def _reads(of_readers: tuple[tuple[str, ...], ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names and beginnings of names that these readers, and all of them, understand."""
    found = {name for reads in (shared_attributes.READS, _STANDARD, *of_readers) for name in reads}
    prefixes = {name for name in found if name.endswith((".", "*"))}
    return frozenset(found - prefixes), tuple(name.rstrip("*") for name in prefixes)
