"""Sessions of log records as tests write them: events a few milliseconds apart, in the words of each tool."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import structs

from gateway.model import Message, Part, Text, ToolCall, ToolCallResponse
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.records import Batch, LogRecord, Scope
from tests.telemetry.recorded import JSON, recording

T0_NS = 1_795_479_184_000_000_000
MS = 1_000_000
TRACE, SPAN = "5b8aa5a2d2c872e8321cf37308d69df2", "051581bf3cb55c13"


def recorded_logs(file: str) -> tuple[LogRecord, ...]:
    return decoded(file).logs


def decoded(file: str) -> Batch:
    """A recording as it is received."""
    one = recording(file)
    decoders = otlp_json if one.content_type == JSON else otlp_protobuf
    parse: Callable[[bytes], Batch] = getattr(decoders, f"parse_{one.signal}")
    return parse(one.body)


def claude(name: str, at_ms: int, **said: Any) -> LogRecord:
    """Event `name` of session s-1, prompt p-1."""
    attributes = {
        "session.id": "s-1",
        "event.name": name,
        "event.sequence": at_ms,
        "prompt.id": "p-1",
        **dotted(said),
    }
    return LogRecord(
        time_ns=T0_NS + at_ms * MS,
        event_name=name,
        body=f"claude_code.{name}",
        attributes=attributes,
        resource={"service.name": "claude-code"},
        scope=Scope("com.anthropic.claude_code.events", "2.1.197"),
        trace_id=TRACE,
        span_id=SPAN,
    )


def codex(name: str, at_ms: int, **said: Any) -> LogRecord:
    """Event codex.`name` of conversation c-1; its own name is a place in Codex's source."""
    attributes = {"conversation.id": "c-1", "event.name": f"codex.{name}", "model": "gpt-5.1-codex", **dotted(said)}
    return LogRecord(
        time_ns=T0_NS + at_ms * MS,
        event_name="event otel/src/events/session_telemetry.rs:703",
        attributes=attributes,
        resource={"service.name": "codex_cli_rs"},
        scope=Scope("codex_otel.log_only"),
    )


def gemini(name: str, at_ms: int, **said: Any) -> LogRecord:
    """Event gemini_cli.`name` of session g-1, prompt p-1."""
    full = name if name.startswith("gen_ai.") else f"gemini_cli.{name}"
    attributes = {"session.id": "g-1", "event.name": full, "prompt_id": "p-1", "role": "main", **dotted(said)}
    return LogRecord(
        time_ns=T0_NS + at_ms * MS,
        event_name=full,
        attributes=attributes,
        resource={"service.name": "gemini-cli", "session.id": "g-1"},
        scope=Scope("gemini-cli"),
    )


def dotted(said: dict[str, Any]) -> dict[str, Any]:
    """Keyword names with two underscores are attributes with a dot."""
    return {name.replace("__", "."): value for name, value in said.items()}


def calls(told: Iterable[Observed]) -> list[Observed]:
    return [one for one in told if one.role is Role.INFERENCE]


def runs(told: Iterable[Observed]) -> list[Observed]:
    return [one for one in told if one.role is Role.TOOL]


def lines(call: Observed) -> list[str]:
    """What a viewer shows of a call: a line per message, the answer after an arrow."""
    said = [f"{message.role}: {_parts(message)}" for message in (call.request.messages if call.request else ())]
    for choice in call.response.choices if call.response else ():
        said.append(f"→ {'; '.join(map(_part, choice.parts))}")
    return said


def _parts(message: Message) -> str:
    return "; ".join(map(_part, message.parts))


def _part(part: Part) -> str:
    match part:
        case ToolCall():
            return f"{part.name}({part.arguments}) #{part.id}"
        case ToolCallResponse():
            text = "".join(piece.text for piece in part.content if isinstance(piece, Text))
            return f"#{part.id}{' failed' if part.is_error else ''}: {text}"
        case _:
            kind = type(part).__name__.lower()
            return getattr(part, "text", kind) if isinstance(part, Text) else f"[{kind}] {getattr(part, 'text', '')}"


def without_identity(told: Iterable[Observed]) -> list[Observed]:
    return [structs.replace(one, identity="") for one in told]
