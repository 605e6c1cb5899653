"""What a span reader said in the words of the recordings' index: what a viewer should show of a call."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.model import (
    Blob,
    File,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.observed import Observed
from gateway.telemetry.records import LogRecord, Span
from tests.telemetry.recorded import JSON, Recording

USAGE = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cached_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
}


def spans_of(recording: Recording) -> tuple[Span, ...]:
    parse = otlp_json.parse_traces if recording.content_type == JSON else otlp_protobuf.parse_traces
    return parse(recording.body).spans


def logs_of(recording: Recording) -> tuple[LogRecord, ...]:
    parse = otlp_json.parse_logs if recording.content_type == JSON else otlp_protobuf.parse_logs
    return parse(recording.body).logs


def call(telling: Observed) -> dict[str, Any]:
    """A call as the index writes it; what was not said is left out."""
    messages = telling.request.messages if telling.request else ()
    system = [part for message in messages if message.role is Role.SYSTEM for part in message.parts]
    history = [message for message in messages if message.role is not Role.SYSTEM]
    choices = telling.response.choices if telling.response else ()
    answers = [Message(Role.ASSISTANT, choice.parts) for choice in choices if choice.parts]
    shown = {
        "model": telling.model or telling.model_requested,
        "provider": telling.provider,
        "response_id": telling.response_id,
        "system": [_part(part) for part in system],
        "input": [_message(message) for message in history],
        "output": [_message(message) for message in answers],
        "usage": usage(telling),
        "error": None
        if telling.error_message is None
        else {"type": telling.error_type, "message": telling.error_message},
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}


def usage(telling: Observed) -> dict[str, int]:
    counts = telling.response.usage if telling.response else None
    return {word: figure for word, name in USAGE.items() if (figure := getattr(counts, name, None)) is not None}


def first_ids(pairs: Iterable[tuple[tuple[str, str], ...]]) -> list[str]:
    """The ids that win on each span, once each, sorted."""
    return sorted({ids[0][1] for ids in pairs if ids})


def _message(message: Message) -> dict[str, Any]:
    return {"role": str(message.role), "parts": [_part(part) for part in message.parts]}


def _part(part: Part) -> Mapping[str, Any]:
    match part:
        case Text():
            return {"type": "text", "content": part.text}
        case Reasoning():
            return {"type": "reasoning", "content": part.text}
        case Refusal():
            return {"type": "refusal", "content": part.text}
        case ToolCall():
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": _json(part.arguments)}
        case ToolCallResponse():
            text = "".join(inner.text for inner in part.content if isinstance(inner, Text))
            return {"type": "tool_call_response", "id": part.id, "response": _json(text)}
        case Blob():
            view = {"type": "blob", "modality": part.modality, "mime_type": part.mime_type, "content": part.data}
            return view | part.extra.get("otel", {})
        case Uri():
            return {"type": "uri", "modality": part.modality, "mime_type": part.mime_type, "uri": part.uri}
        case File():
            return {"type": "file", "modality": part.modality, "mime_type": part.mime_type, "file_id": part.file_id}
        case Opaque():
            assert part.dialect == "otel"
            return part.value


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
