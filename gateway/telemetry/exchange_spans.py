"""An exchange as OpenTelemetry spans: one for the door, one for each call to a provider.

Names and attributes: the HTTP conventions and the GenAI conventions (semantic-conventions-genai v0.1.0; for older
consumers also the former name of cache writes). What they have no word for is in `faregate.*`. The door's span is the
child of the caller's, a provider's call that of the door's; the call is the inference, the door's span is not.
An error's words may repeat what was sent: they are those of what is told, redacted and only where that is kept.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from gateway.model import Request, Response
from gateway.records import AttemptRecord, ExchangeRecord
from gateway.relaying.trace_context import TraceContext, attempt_span_id, own_trace_id, server_span_id
from gateway.telemetry.records import Scope, Span, SpanKind, StatusCode
from gateway.told import Told

SCOPE_NAME = "faregate"
OPERATIONS: Mapping[str, str] = {"embeddings": "embeddings", "count": "count_tokens"}
# The conventions' names of providers; another provider keeps its own.
PROVIDER_NAMES: Mapping[str, str] = {"google": "gcp.gemini", "xai": "x_ai"}
# W3C: bit 0 of the flags is "sampled", bit 8 of a span's flags says that whether the parent is remote is known.
SAMPLED, PARENT_REMOTE = 0x01, 0x300
_REQUEST_FIELDS: Mapping[str, str] = {
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}


class Upstream(Struct, frozen=True):
    """Where a provider is called: its host and port."""

    address: str
    port: int


def upstream_of(base_url: str) -> Upstream:
    """Of a provider's base URL, which was checked when it was set."""
    parts = urlsplit(base_url)
    return Upstream(parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443))


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a span says that no row knows: who we are, which route was asked, where providers are."""

    instance: str
    version: str
    scheme: str = "http"
    address: str = "127.0.0.1"
    port: int = 0
    upstreams: Mapping[str, Upstream] = {}

    @property
    def resource(self) -> Mapping[str, Any]:
        return {
            "service.name": SCOPE_NAME,
            "service.version": self.version,
            "service.instance.id": self.instance,
        }


def exchange_spans(
    record: ExchangeRecord,
    told: Told,
    around: Surroundings,
    *,
    path: str,
    operation: str = "chat",
    caller: TraceContext | None = None,
) -> tuple[Span, ...]:
    """The door's span first, then one per attempt. Without the caller's span they are a trace of their own."""
    trace_id = record.trace_id or own_trace_id(record.id)
    server = server_span_id(record.id)
    scope = Scope(SCOPE_NAME, around.version)
    flags = (caller.flags if caller else SAMPLED) & 0xFF
    failed = record.outcome in ("error", "interrupted")
    door = Span(
        trace_id=trace_id,
        span_id=server,
        parent_span_id=record.span_id,
        trace_state=caller.state if caller else "",
        flags=flags | (PARENT_REMOTE if record.span_id else 0),
        name=f"POST {path}",
        kind=SpanKind.SERVER,
        start_ns=record.started_us * 1000,
        end_ns=(record.started_us + (record.latency_us or 0)) * 1000,
        # The HTTP conventions: what the client did wrong is no error of the server's span.
        status=StatusCode.ERROR if failed and (record.status >= 500 or record.status < 400) else StatusCode.UNSET,
        status_message=told.error_message or "" if failed else "",
        attributes=_door_attributes(record, around, path),
        resource=around.resource,
        scope=scope,
    )
    calls = tuple(
        Span(
            trace_id=trace_id,
            span_id=attempt_span_id(record.id, attempt.n),
            parent_span_id=server,
            flags=flags,
            name=f"{OPERATIONS.get(operation, operation)} {attempt.model}",
            kind=SpanKind.CLIENT,
            start_ns=attempt.started_us * 1000,
            end_ns=(attempt.started_us + attempt.latency_us) * 1000,
            status=StatusCode.ERROR if _failed(attempt, record) else StatusCode.UNSET,
            status_message=told.error_message or "" if attempt is record.attempts[-1] else "",
            attributes=_call_attributes(record, attempt, told, around, OPERATIONS.get(operation, operation)),
            resource=around.resource,
            scope=scope,
        )
        for attempt in record.attempts
    )
    return door, *calls


def _failed(attempt: AttemptRecord, record: ExchangeRecord) -> bool:
    last = attempt is record.attempts[-1]
    return attempt.error_type is not None or (last and record.outcome in ("error", "interrupted"))


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != () and value != ""}


def _door_attributes(record: ExchangeRecord, around: Surroundings, path: str) -> Mapping[str, Any]:
    return _said(
        {
            "http.request.method": "POST",
            "http.route": path,
            "url.path": path,
            "url.scheme": around.scheme,
            "http.response.status_code": record.status or None,
            "server.address": around.address,
            "server.port": around.port or None,
            "error.type": record.error_type,
            "user.id": record.user,
            "gen_ai.conversation.id": record.conversation_id,
            "faregate.request.id": record.id,
            "faregate.door": record.door,
            "faregate.requested_model": record.model_requested,
            "faregate.key.name": record.key,
            "faregate.client": record.client,
            "faregate.outcome": record.outcome,
            "faregate.tags": record.tags,
            "faregate.dropped": record.dropped,
            "faregate.adapted": record.adapted,
            "faregate.overhead_us": record.overhead_us,
        }
    )


def _call_attributes(
    record: ExchangeRecord, attempt: AttemptRecord, told: Told, around: Surroundings, operation: str
) -> Mapping[str, Any]:
    last = attempt is record.attempts[-1]
    upstream = around.upstreams.get(attempt.provider)
    values: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": PROVIDER_NAMES.get(attempt.provider, attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.request.stream": record.streamed or None,
        "gen_ai.conversation.id": record.conversation_id,
        "user.id": record.principal,
        "server.address": upstream.address if upstream else None,
        "server.port": upstream.port if upstream else None,
        "http.response.status_code": attempt.status,
        "error.type": attempt.error_type or (record.error_type if last else None),
        "faregate.request.id": record.id,
        "faregate.attempt": attempt.n,
        "faregate.key.name": record.key,
        "faregate.end_user": record.end_user,
        "faregate.upstream.request_id": attempt.upstream_request_id,
        "gen_ai.usage.input_tokens": attempt.input_tokens,
        "gen_ai.usage.output_tokens": attempt.output_tokens,
        "faregate.cost.usd": None if attempt.cost_nano is None else attempt.cost_nano / 1e9,
    }
    if told.request is not None:
        values |= _request_attributes(told.request)
    if last:
        values |= _answer_attributes(record, told)
    return _said(values)


def _answer_attributes(record: ExchangeRecord, told: Told) -> Mapping[str, Any]:
    """What only the answer that stands says."""
    return {
        "gen_ai.response.model": record.model,
        "gen_ai.response.id": told.response_id,
        "gen_ai.response.finish_reasons": _finish_reasons(told.response),
        "gen_ai.response.time_to_first_chunk": None if record.ttft_us is None else _since_sent(record) / 1e6,
        "gen_ai.usage.input_tokens": record.input_tokens,
        "gen_ai.usage.output_tokens": record.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": record.cached_tokens,
        "gen_ai.usage.cache_write.input_tokens": record.cache_write_tokens,
        "gen_ai.usage.cache_creation.input_tokens": record.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": record.reasoning_tokens,
        "faregate.usage.source": record.usage_source,
        "faregate.cost.usd": None if record.cost_nano is None else record.cost_nano / 1e9,
        "faregate.cost.source": record.cost_source,
        "faregate.cost.price_id": record.price_id,
        "faregate.service_tier": record.service_tier,
    }


def _since_sent(record: ExchangeRecord) -> int:
    """From the last attempt's start to the first content, µs."""
    return max(0, record.started_us + (record.ttft_us or 0) - record.attempts[-1].started_us)


def _finish_reasons(response: Response | None) -> tuple[str, ...]:
    if response is None:
        return ()
    return tuple(str(choice.finish_reason) for choice in response.choices if choice.finish_reason is not None)


def _request_attributes(request: Request) -> Mapping[str, Any]:
    values: dict[str, Any] = {
        f"gen_ai.request.{name}": getattr(request, field) for field, name in _REQUEST_FIELDS.items()
    }
    values["gen_ai.request.stop_sequences"] = request.stop
    values["gen_ai.request.choice.count"] = request.choice_count if (request.choice_count or 1) > 1 else None
    if request.reasoning is not None:
        values["gen_ai.request.reasoning.level"] = request.reasoning.effort
    return values
