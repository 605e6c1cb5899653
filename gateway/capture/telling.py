"""From what was heard of an exchange to what is told of it. Pure; redaction and switches come after."""

from collections.abc import Sequence
from operator import attrgetter

from gateway.capture.heard import Heard
from gateway.errors import UpstreamError
from gateway.events import Assembler, Event
from gateway.header_records import HeaderGroup
from gateway.model import Request, Response, Usage
from gateway.records import ExchangeRecord
from gateway.relaying.exchange import Exchange
from gateway.relaying.trace_context import own_trace_id, server_span_id
from gateway.told import Told

RUNNING = "running"
_SOURCE = "gateway"
_NO_ANSWER = "The answer could not be read, so it is not kept."
_USAGE_FIELDS = tuple(name for name in Usage.__struct_fields__ if name in ExchangeRecord.__struct_fields__)
_used = attrgetter(*_USAGE_FIELDS)


def answer_of(heard: Heard) -> tuple[Response | None, tuple[str, ...]]:
    """The answer as far as it came, and what is to be said of it."""
    if heard.response is not None:
        return heard.response, ()
    if heard.batches:
        return folded(heard.batches), ()
    if heard.answer is None or heard.door.operation.read_usage is not None:
        return None, ()
    try:
        return heard.dialect.parse_response(heard.answer), ()
    except UpstreamError:
        return None, (_NO_ANSWER,)


def folded(batches: Sequence[Sequence[Event]]) -> Response | None:
    """A stream's events as a response; None where it said nothing."""
    assembler = Assembler()
    for events in tuple(batches):
        for event in events:
            assembler.feed(event)
    response = assembler.response()
    return response if response.choices or response.id else None


def told(
    exchange: Exchange,
    heard: Heard,
    *,
    request: Request | None,
    response: Response | None,
    hints: tuple[str, ...],
    headers: tuple[HeaderGroup, ...] = (),
) -> Told:
    """What is told of an exchange that has ended, or of one that still runs."""
    record, caller = exchange.record, exchange.caller
    response_id = response.id if response is not None else None
    written = f"{heard.door.dialect.answer_prefix}{exchange.id.removeprefix('req_')}"
    return Told(
        source=_SOURCE,
        scope=exchange.principal.key_id,
        started_us=exchange.started_us,
        request_id=exchange.id,
        trace_id=caller.trace_id if caller else own_trace_id(exchange.id),
        span_id=server_span_id(exchange.id),
        parent_span_id=caller.span_id if caller else None,
        key=exchange.principal.key_name,
        user=exchange.end_user or exchange.principal.user,
        principal=exchange.principal.user,
        app=record.app if record is not None else None,
        client=exchange.client,
        tags=exchange.tags,
        conversation=exchange.conversation_id,
        parent_conversation=exchange.parent_conversation,
        session_id=exchange.session_id,
        previous_response_id=_previous(request),
        response_id=response_id,
        client_response_id=None if heard.own or response is None else written,
        door=exchange.door,
        provider=exchange.provider,
        model_requested=exchange.model_requested,
        model=record.model if record is not None else exchange.model,
        request=request,
        response=response,
        usage=_usage(record),
        usage_source=record.usage_source if record is not None else "none",
        cost_nano=record.cost_nano if record is not None else None,
        cost_source=record.cost_source if record is not None else "none",
        status=record.status if record is not None else 0,
        outcome=record.outcome if record is not None else RUNNING,
        error_type=record.error_type if record is not None else None,
        error_message=exchange.failure,
        latency_us=record.latency_us if record is not None else None,
        ttft_us=record.ttft_us if record is not None else None,
        streamed=exchange.streamed,
        dropped=exchange.dropped,
        adapted=exchange.adapted,
        hints=hints,
        headers=headers,
    )


def _usage(record: ExchangeRecord | None) -> Usage:
    if record is None:
        return Usage()
    return Usage(**dict(zip(_USAGE_FIELDS, _used(record), strict=True)))


def _previous(request: Request | None) -> str | None:
    """The answer that a request of Responses, or of an Anthropic thread, goes on from, which its provider keeps."""
    if request is None:
        return None
    for pocket in request.extra.values():
        thread = pocket.get("thread")
        kept = thread.get("previous_message_id") if isinstance(thread, dict) else None
        if isinstance(found := pocket.get("previous_response_id") or kept, str):
            return found
    return None
