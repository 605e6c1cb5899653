"""The GenAI conventions from 1.37 on: messages in attributes, as JSON text or structured, or in a log record.

Written by OpenTelemetry's own instrumentations, OpenLLMetry from 0.5x, pydantic-ai from format 2, AI SDK 7 and
others. A log record, or a span event, named `gen_ai.client.inference.operation.details` holds the span's attributes
again, with structured messages; where content goes to events only it is the one copy.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.model import Choice, Message, Part, Request, Response, Role, Uri
from gateway.telemetry.observed import Observed, ToolRun
from gateway.telemetry.observed import Role as SpanRole
from gateway.telemetry.readers import spellings
from gateway.telemetry.readers.messages import choices_of, messages_of, settled
from gateway.telemetry.readers.parts import parts_of, written_parts
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.tool_definitions import tools_of
from gateway.telemetry.readers.values import first, items, json_text, parsed, words
from gateway.telemetry.records import Attributes, LogRecord, Span

DETAILS = "gen_ai.client.inference.operation.details"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
SYSTEM, TOOLS = "gen_ai.system_instructions", "gen_ai.tool.definitions"
_DETECTED_BY = (INPUT, OUTPUT, SYSTEM, "gen_ai.operation.name", f"{INPUT}.ref", f"{OUTPUT}.ref", "gen_ai.tool.name")
_TOOL = ("gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
_REFERENCES = (f"{SYSTEM}.ref", f"{INPUT}.ref", f"{OUTPUT}.ref", f"{TOOLS}.ref")


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    details = [record.attributes for record in logs if record.event_name == DETAILS]
    details += [event.attributes for event in span.events if event.name == DETAILS]
    if not details and first(span.attributes, _DETECTED_BY) is None:
        return None
    said = _merged([*details, span.attributes])
    role = role_of(said)
    return Observed(
        reader="semconv",
        role=role,
        operation=words(first(said, spellings.OPERATION)),
        request=request_of(said),
        response=Response(choices=_choices(said)),
        tool=tool_run(said) if role is SpanRole.TOOL else None,
    )


def role_of(said: Attributes) -> SpanRole:
    """By the operation; without one that is known, what stands on the span tells."""
    role = spellings.OPERATIONS.get(words(first(said, spellings.OPERATION)) or "")
    if role is not None:
        return role
    if words(said.get("gen_ai.tool.name")):
        return SpanRole.TOOL
    counted = any(name in said for name in spellings.USAGE["output_tokens"]) or INPUT in said or OUTPUT in said
    asked = first(said, spellings.MODEL_REQUESTED) or first(said, spellings.MODEL)
    return SpanRole.INFERENCE if asked and counted else SpanRole.OTHER


def request_of(said: Attributes) -> Request:
    system = _system(said.get(SYSTEM)) or _reference(said, SYSTEM)
    messages = messages_of(said.get(INPUT))
    if not messages and (kept := _reference(said, INPUT)):
        messages = (Message(Role.USER, kept),)
    return Request(model="", messages=settled(messages, system), tools=tools_of(said.get(TOOLS)))


def tool_run(said: Attributes) -> ToolRun:
    arguments, result = said.get("gen_ai.tool.call.arguments"), said.get("gen_ai.tool.call.result")
    return ToolRun(
        name=words(said.get("gen_ai.tool.name")) or "",
        call_id=words(said.get("gen_ai.tool.call.id")),
        arguments=None if arguments is None else json_text(arguments),
        result=None if result is None else json_text(result),
    )


def _merged(copies: Iterable[Attributes]) -> Attributes:
    """Each attribute from the first copy that has it."""
    said: dict[str, Any] = {}
    for copy in copies:
        for name, value in copy.items():
            if said.get(name) in (None, ""):
                said[name] = value
    return said


def _system(value: Any) -> tuple[Part, ...]:
    """Instructions: parts, or plain words, which some senders quote as JSON."""
    read = parsed(value)
    if isinstance(read, list) and read and isinstance(read[0], dict) and "role" in read[0]:
        return tuple(part for message in messages_of(read) for part in message.parts)
    return written_parts(value)


def _choices(said: Attributes) -> tuple[Choice, ...]:
    value = said.get(OUTPUT)
    if isinstance(value, str) and parsed(value) is None and value:
        return (Choice(parts=parts_of(value)),)
    if value is None and (kept := _reference(said, OUTPUT)):
        return (Choice(parts=kept),)
    return choices_of(items(value))


def _reference(said: Attributes, name: str) -> tuple[Part, ...]:
    """Where the sender put the content instead of sending it."""
    address = words(said.get(f"{name}.ref"))
    return (Uri(address, modality="document"),) if address else ()


# What says nothing of the conversation that is not told elsewhere.
_BESIDE = ("gen_ai.tool.type", "gen_ai.tool.description", "gen_ai.agent.call.id", "traceloop.workflow.name")
_NOISE = ("logfire.json_schema", "logfire.span_type", "model_request_parameters", "gen_ai.openai.api_base")
READER = SpanReader("semconv", read, (INPUT, OUTPUT, SYSTEM, TOOLS, *_TOOL, *_REFERENCES, *_BESIDE, *_NOISE))
