"""The GenAI conventions 1.27 to 1.36: messages as events, in log records or on the span.

A log record's body is structured; on a span event the same fields are attributes, and what is nested is JSON text.
The event's name is in its own field or, in older records, in the attribute `event.name`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.model import Choice, Message, Request, Response
from gateway.telemetry.observed import Observed
from gateway.telemetry.observed import Role as SpanRole
from gateway.telemetry.readers.messages import choices_of, message_of, messages_of, settled
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.semconv import role_of
from gateway.telemetry.readers.values import items, mapping, parsed
from gateway.telemetry.records import LogRecord, Span

CHOICE = "gen_ai.choice"
MESSAGES: Mapping[str, str] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_PROMPT, _COMPLETION = "gen_ai.content.prompt", "gen_ai.content.completion"
Event = tuple[str, Mapping[str, Any]]


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    told = _on_span(span) or _in_logs(logs)
    if not told:
        return None
    messages, choices = conversation(told)
    role = role_of(span.attributes)
    return Observed(
        reader="semconv-events",
        role=SpanRole.INFERENCE if role is SpanRole.OTHER else role,
        request=Request(model="", messages=settled(messages)),
        response=Response(choices=choices),
    )


def conversation(told: Iterable[Event]) -> tuple[tuple[Message, ...], tuple[Choice, ...]]:
    """The messages that events tell in their order, and the answers."""
    messages: list[Message] = []
    answers: dict[Any, dict[str, Any]] = {}
    for name, fields in told:
        if name == CHOICE:
            inner = mapping(fields.get("message"))
            answer = inner or {"content": fields.get("content"), "tool_calls": fields.get("tool_calls")}
            finish = fields.get("finish_reason")
            answers[fields.get("index", len(answers))] = {"role": "assistant", **answer, "finish_reason": finish}
        elif name in MESSAGES:
            message = message_of({"role": MESSAGES[name], **_without_none(fields)})
            if message is not None:
                messages.append(message)
        elif name == _PROMPT:
            messages += messages_of(fields.get("gen_ai.prompt"))
        elif name == _COMPLETION:
            value = fields.get("gen_ai.completion")
            found = items(value) if parsed(value) is not None else [{"role": "assistant", "content": value}]
            answers |= {len(answers) + n: {"role": "assistant", **mapping(item)} for n, item in enumerate(found)}
    order = sorted(answers) if all(isinstance(index, int) for index in answers) else list(answers)
    return tuple(messages), choices_of(answers[index] for index in order)


def _on_span(span: Span) -> list[Event]:
    return [(event.name, event.attributes) for event in span.events if _is_told(event.name)]


def _in_logs(logs: Sequence[LogRecord]) -> list[Event]:
    records = sorted((record for record in logs if _is_told(record.event_name)), key=lambda record: record.time_ns)
    return [(record.event_name, mapping(record.body) or record.attributes) for record in records]


def _is_told(name: str) -> bool:
    return name in MESSAGES or name in (CHOICE, _PROMPT, _COMPLETION)


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


READER = SpanReader("semconv-events", read)
