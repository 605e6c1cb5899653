"""Telemetry with everything left out that somebody said: what is kept where content is switched off.

What is not known to be a figure, an id or a word of a convention goes: apps put what they like into attributes, and
no list of those that hold content is ever complete. A failure stays one, its message does not: it may repeat what was
sent.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gateway.telemetry.readers.shared import READS
from gateway.telemetry.readers.values import json_text, mapping
from gateway.telemetry.records import LEFT_OUT, Attributes, Batch, LogRecord, Scope, Span, SpanEvent, SpanLink

_GONE = "(not kept)"
# Longer words are sentences.
_LONGEST = 512

# Words of the conventions that are an app's own text all the same.
_SAID = frozenset({"logfire.msg", "ai.settings.stopSequences", "gen_ai.request.stop_sequences"})
_FAILED = frozenset({"error", "error.message", "exception.message", "langfuse.observation.status_message"})
_WORDS = frozenset(
    {
        *READS,
        *("event.name", "event.timestamp", "event.kind", "span.type", "model", "model_name", "slug", "role", "speed"),
        *("effort", "query_source", "prompt.id", "tool_name", "function_name", "decision", "source", "success"),
        *("endpoint", "provider_name", "error_type", "exception.type", "originator", "app.version", "terminal.type"),
        *("auth_type", "stop_reason", "level", "phase", "transport", "wire_api", "thread.name", "target", "name"),
        *("ai.operationId", "ai.response.timestamp", "openinference.span.kind", "traceloop.span.kind"),
        *("traceloop.workflow.name", "langsmith.span.kind", "langsmith.metadata.ls_model_name", "agent.type"),
        *("langsmith.metadata.ls_provider", "tool.name", "openai.api.type", "embedding.model_name"),
        *("langfuse.observation.type", "langfuse.observation.model.name", "langfuse.observation.level"),
        *("langfuse.observation.usage_details", "langfuse.observation.cost_details", "ai.toolCall.name"),
        *("langfuse.observation.completion_start_time", "gen_ai.tool.name", "gen_ai.tool.type", "span_type", "tools"),
        *("http.method", "http.request.method", "http.route", "url.scheme", "url.path", "logfire.span_type"),
    }
)
# JSON of which some fields are figures and ids.
_FIELDS: Mapping[str, frozenset[str]] = {
    "metadata": frozenset({"session_id", "conversation_id", "thread_id", "user_id", "lc_agent_name"}),
    "llm.invocation_parameters": frozenset(
        {
            *("model", "model_name", "stream", "temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"),
            *("max_output_tokens", "reasoning_effort", "previous_response_id"),
        }
    ),
}
_BEGINNINGS = (
    *("service.", "telemetry.", "server.", "network.", "rpc.", "os.", "host.", "deployment.", "cloud.", "k8s."),
    *("container.", "faregate.", "code.", "codex.turn.", "codex.request.", "app_server.", "startup."),
)
# Ids, and what a message is without what it says.
_ENDINGS = (".id", "_id", ".role", ".finish_reason", "finish_reason", ".tool_calls.name", "function.name", ".type")
_FIGURE = re.compile(r"-?\d[\d.:eE+\-TZ]{0,40}")


def without_content(batch: Batch) -> Batch:
    """Figures, ids, models and names of all that a batch holds; each item says in its notes that it was changed."""
    return replace(batch, spans=tuple(map(_span, batch.spans)), logs=tuple(map(_record, batch.logs)))


def _span(span: Span) -> Span:
    return replace(
        span,
        trace_state="",
        status_message=_GONE if span.status_message else "",
        attributes=_kept(span.attributes),
        events=tuple(map(_event, span.events)),
        links=tuple(map(_link, span.links)),
        resource=_kept(span.resource),
        scope=_scope(span.scope),
        notes=(*span.notes, LEFT_OUT),
    )


def _event(event: SpanEvent) -> SpanEvent:
    return replace(event, attributes=_kept(event.attributes))


def _link(link: SpanLink) -> SpanLink:
    return replace(link, attributes=_kept(link.attributes))


def _record(record: LogRecord) -> LogRecord:
    return replace(
        record,
        body=None,
        attributes=_kept(record.attributes),
        resource=_kept(record.resource),
        scope=_scope(record.scope),
        notes=(*record.notes, LEFT_OUT),
    )


def _scope(scope: Scope) -> Scope:
    return replace(scope, attributes=_kept(scope.attributes)) if scope.attributes else scope


def _kept(attributes: Attributes) -> Mapping[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in attributes.items():
        if name in _FAILED:
            kept[name] = _GONE if value else value
        elif name in _FIELDS:
            said = mapping(value)
            kept[name] = json_text({key: said[key] for key in said if key in _FIELDS[name] and _is_short(said[key])})
        elif _is_plain(value) or (name not in _SAID and _is_word(name) and _is_short(value)):
            kept[name] = value
    return kept


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return _FIGURE.fullmatch(value) is not None
    return value is None or isinstance(value, bool | int | float)


def _is_word(name: str) -> bool:
    return name in _WORDS or name.startswith(_BEGINNINGS) or name.endswith(_ENDINGS)


def _is_short(value: Any) -> bool:
    """A word or a list of them. A structure is what somebody built."""
    if isinstance(value, list | tuple):
        return all(isinstance(each, str | bool | int | float) and _is_short(each) for each in value)
    return len(value) <= _LONGEST if isinstance(value, str) else _is_plain(value)
