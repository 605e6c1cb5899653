"""The GenAI conventions 1.27 to 1.36: messages as events, in log records or on the span.

A log record's body is structured; on a span event the same fields are attributes, and what is nested is JSON text.
The event's name is in its own field or, in older records, in the attribute `event.name`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.model import Choice, Message, Request, Response, Text
from gateway.telemetry.observed import Observed, ToolRun
from gateway.telemetry.observed import Role as SpanRole
from gateway.telemetry.readers.messages import choices_of, message_of, messages_of, settled
from gateway.telemetry.readers.parts import result_parts, written_parts
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.semconv import role_of, tool_run
from gateway.telemetry.readers.spellings import OPERATION
from gateway.telemetry.readers.values import first, items, json_text, mapping, parsed
from gateway.telemetry.records import Attributes, LogRecord, Span

CHOICE = "gen_ai.choice"
_TOOL_MESSAGE = "gen_ai.tool.message"
MESSAGES: Mapping[str, str] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    _TOOL_MESSAGE: "tool",
}
_PROMPT, _COMPLETION = "gen_ai.content.prompt", "gen_ai.content.completion"
# Where Azure's libraries put the event's whole body, as JSON.
_WHOLE = "gen_ai.event.content"
Event = tuple[str, Mapping[str, Any]]


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    told = _on_span(span) or _in_logs(logs)
    if not told:
        return None
    messages, choices = conversation(told)
    role = role_of(span.attributes)
    if role is SpanRole.TOOL:
        return Observed(reader="semconv-events", role=role, tool=_tool(span.attributes, told))
    if role is SpanRole.OTHER and first(span.attributes, OPERATION) is None:
        # The first of these conventions had no operations: who tells messages asks a model.
        role = SpanRole.INFERENCE
    return Observed(
        reader="semconv-events",
        role=role,
        request=Request(model="", messages=settled(messages)),
        response=Response(choices=choices),
    )


def _tool(attributes: Attributes, told: Iterable[Event]) -> ToolRun:
    """A tool's run whose arguments and result stand in events of messages, as Strands writes them."""
    asked = next((fields.get("content") for name, fields in told if name == _TOOL_MESSAGE), None)
    said = next((fields.get("message") for name, fields in told if name == CHOICE), None)
    run = tool_run(attributes)
    return msgspec.structs.replace(
        run,
        arguments=run.arguments if asked is None else json_text(asked),
        result=run.result if said is None else _plain(result_parts(items(said) or said)),
    )


def _plain(parts: Iterable[Any]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def conversation(told: Iterable[Event]) -> tuple[tuple[Message, ...], tuple[Choice, ...]]:
    """The messages that events tell in their order, and the answers."""
    messages: list[Message] = []
    answers: dict[Any, dict[str, Any]] = {}
    for name, fields in told:
        if name == CHOICE:
            answer = _answer(fields)
            finish = fields.get("finish_reason")
            answers[fields.get("index", len(answers))] = {"role": "assistant", **answer, "finish_reason": finish}
        elif name in MESSAGES:
            said = {name: value for name, value in fields.items() if value is not None}
            message = message_of({"role": MESSAGES[name], **said, "content": _content(fields)})
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


def _answer(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A choice's message: nested, or its content alone, or its fields beside the index."""
    value = fields.get("message", fields)
    inner = mapping(value)
    return {**inner, "content": _content(inner)} if inner else {"content": _content({"content": value})}


def _content(fields: Mapping[str, Any]) -> Any:
    """Content as it is; parts that were written as JSON text as the parts."""
    content = fields.get("content")
    return list(written_parts(content)) if isinstance(content, str) and isinstance(parsed(content), list) else content


def _on_span(span: Span) -> list[Event]:
    return [
        (event.name, {**event.attributes, **mapping(event.attributes.get(_WHOLE))})
        for event in span.events
        if _is_told(event.name)
    ]


def _in_logs(logs: Sequence[LogRecord]) -> list[Event]:
    records = sorted((record for record in logs if _is_told(record.event_name)), key=lambda record: record.time_ns)
    return [(record.event_name, mapping(record.body) or record.attributes) for record in records]


def _is_told(name: str) -> bool:
    return name in MESSAGES or name in (CHOICE, _PROMPT, _COMPLETION)


READER = SpanReader("semconv-events", read)
