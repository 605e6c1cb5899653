"""The Vercel AI SDK 4 to 6, and 7 in its legacy form: `ai.*` attributes on nested spans.

The outer `ai.generateText`, `streamText`, `generateObject` and `streamObject` are frames that repeat prompt, answer
and summed usage; the inner `.doGenerate` and `.doStream` are the calls; `ai.toolCall` runs a tool.
"""

from collections.abc import Sequence
from typing import Any

from gateway.model import Choice, Part, Reasoning, Request, Response, Text
from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.bodies import asked_of
from gateway.telemetry.readers.messages import messages_of, one_choice, settled
from gateway.telemetry.readers.parts import tool_call
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.tool_definitions import tools_of
from gateway.telemetry.readers.values import first, items, json_text, parsed, words
from gateway.telemetry.records import Attributes, LogRecord, Span

OPERATION = "ai.operationId"


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    attributes = span.attributes
    operation = words(attributes.get(OPERATION))
    if operation is None:
        return None
    role = _role(operation)
    if role is Role.TOOL:
        return Observed(reader="vercel-ai", role=role, operation=operation, tool=_tool(attributes))
    asked = asked_of(first(attributes, ("ai.prompt", "ai.value"))) if role is Role.AGENT else _asked(attributes)
    return Observed(
        reader="vercel-ai",
        role=role,
        operation=operation,
        request=asked,
        response=Response(choices=_choices(attributes)),
        streamed=operation.endswith(".doStream") or None,
    )


def _role(operation: str) -> Role:
    if operation == "ai.toolCall":
        return Role.TOOL
    if operation.endswith((".doGenerate", ".doStream")):
        return Role.INFERENCE
    return Role.EMBEDDINGS if operation.endswith(".doEmbed") else Role.AGENT


def _asked(attributes: Attributes) -> Request:
    return Request(
        model="",
        messages=settled(messages_of(attributes.get("ai.prompt.messages"))),
        tools=tools_of(attributes.get("ai.prompt.tools")),
    )


def _choices(attributes: Attributes) -> tuple[Choice, ...]:
    parts: list[Part] = []
    if thought := words(attributes.get("ai.response.reasoning")):
        parts.append(Reasoning(thought))
    if said := words(attributes.get("ai.response.text")):
        parts.append(Text(said))
    elif (made := attributes.get("ai.response.object")) is not None:
        parts.append(Text(json_text(made)))
    parts += [tool_call(call) for call in items(attributes.get("ai.response.toolCalls")) if isinstance(call, dict)]
    return one_choice(parts, words(attributes.get("ai.response.finishReason")))


def _tool(attributes: Attributes) -> ToolRun:
    result = _result(attributes.get("ai.toolCall.result"))
    arguments = attributes.get("ai.toolCall.args")
    return ToolRun(
        name=words(attributes.get("ai.toolCall.name")) or "",
        call_id=words(attributes.get("ai.toolCall.id")),
        arguments=None if arguments is None else json_text(arguments),
        result=result,
    )


def _result(value: Any) -> str | None:
    """A text that the SDK quotes as JSON is the text."""
    read = parsed(value)
    if isinstance(read, str):
        return read
    return None if value is None else json_text(value)


READER = SpanReader(
    "vercel-ai",
    read,
    (
        OPERATION,
        "operation.name",
        "resource.name",
        "ai.prompt",
        "ai.prompt.",
        "ai.response.",
        "ai.toolCall.",
        # Retries, header names and the like say nothing of the conversation, and headers may hold secrets.
        "ai.settings.",
        "ai.request.headers.",
        "ai.usage.",
        "ai.value",
        "ai.values",
        "ai.schema",
    ),
)
