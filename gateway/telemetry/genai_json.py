"""Messages of the neutral model as OpenTelemetry GenAI messages: for the read API, copies and exported spans.

Source: the message schemas of semantic-conventions-genai v0.1.0. Extra keys are allowed everywhere there: a refusal
is a text with `refusal`, a failed tool's result has `is_error`, and a block of one dialect keeps its own type and
stands whole under `value`.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import msgspec

from gateway.model import (
    Blob,
    Choice,
    File,
    HostedTool,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Response,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
)

Json = dict[str, Any]


def part_json(part: Part) -> Json:
    match part:
        case Text():
            return {"type": "text", "content": part.text}
        case Refusal():
            return {"type": "text", "content": part.text, "refusal": True}
        case Reasoning():
            return {"type": "reasoning", "content": part.text}
        case ToolCall():
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": _arguments(part)}
        case ToolCallResponse():
            named = {"name": part.name} if part.name else {}
            failed = {"is_error": True} if part.is_error else {}
            return {"type": "tool_call_response", "id": part.id, **named, "response": _result(part), **failed}
        case Blob():
            return _said(
                type="blob",
                modality=part.modality,
                mime_type=part.mime_type,
                filename=part.filename,
                content=part.data,
            )
        case Uri():
            return _said(type="uri", modality=part.modality, mime_type=part.mime_type, uri=part.uri)
        case File():
            return _said(
                type="file",
                modality=part.modality,
                mime_type=part.mime_type,
                filename=part.filename,
                file_id=part.file_id,
            )
        case Opaque():
            return {"type": str(part.value.get("type") or "opaque"), "dialect": part.dialect, "value": part.value}


def message_json(role: Role, parts: Sequence[Part], *, name: str | None = None, finish: str | None = None) -> Json:
    """`finish` is the answer's finish reason, as this project spells it."""
    message: Json = {"role": role.value, "parts": [part_json(part) for part in parts]}
    if name:
        message["name"] = name
    if finish:
        message["finish_reason"] = {"tool_calls": "tool_call"}.get(finish, finish)
    return message


def tool_json(tool: Tool | HostedTool) -> Json:
    if isinstance(tool, HostedTool):
        return {"type": tool.type, "dialect": tool.dialect, "value": tool.value}
    kind = "custom" if tool.custom else "function"
    return _said(type=kind, name=tool.name, description=tool.description, parameters=tool.parameters)


def content_attributes(request: Request | None, response: Response | None) -> Mapping[str, str]:
    """What was said as a span's attributes: JSON texts. Those of which nothing is known are left out."""
    found: dict[str, Any] = {}
    if request is not None:
        system = tuple(takewhile(lambda message: message.role is Role.SYSTEM, request.messages))
        found["gen_ai.system_instructions"] = [part_json(part) for message in system for part in message.parts]
        found["gen_ai.input.messages"] = [_message(message) for message in request.messages[len(system) :]]
        found["gen_ai.tool.definitions"] = [tool_json(tool) for tool in request.tools]
    if response is not None:
        found["gen_ai.output.messages"] = [_answer(choice) for choice in response.choices]
    return {name: msgspec.json.encode(value).decode() for name, value in found.items() if value}


def _message(message: Message) -> Json:
    return message_json(message.role, message.parts, name=message.name)


def _answer(choice: Choice) -> Json:
    reason = None if choice.finish_reason is None else choice.finish_reason.value
    return message_json(Role.ASSISTANT, choice.parts, finish=reason)


def _arguments(call: ToolCall) -> Any:
    if call.custom:
        return call.arguments
    return _parsed(call.arguments or "{}")


def _result(result: ToolCallResponse) -> Any:
    """A text alone is the response itself, parsed where it is JSON; else the list of its parts."""
    match result.content:
        case (Text(text=text),):
            return _parsed(text) if text[:1] in ("{", "[") else text
        case ():
            return ""
        case parts:
            return [part_json(part) for part in parts]


def _parsed(text: str) -> Any:
    """JSON of which nothing is lost in parsing, else the text as the model wrote it."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    # A number that JSON carries and a float does not.
    return value if _sound(value) else text


def _sound(value: Any, depth: int = 0) -> bool:
    if depth > 200:
        return False
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    if isinstance(value, dict):
        return all(_sound(each, depth + 1) for each in value.values())
    if isinstance(value, list):
        return all(_sound(each, depth + 1) for each in value)
    return True


def _said(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
