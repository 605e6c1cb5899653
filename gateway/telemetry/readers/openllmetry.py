"""OpenLLMetry before 0.5x: `gen_ai.prompt.N.*` and `gen_ai.completion.N.*`, one attribute per field of a message.

Traps seen in payloads: Anthropic's thinking comes as a completion of its own with the role `thinking`; a history's
content may be a JSON list of Anthropic's blocks and repeat in `tool_calls` what it holds. xAI's own SDK writes alike,
its calls as one JSON list (source: `xai_sdk.chat` 1.21).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.model import Request, Response
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers.messages import choices_of, message_of, settled
from gateway.telemetry.readers.parts import parts_of, written_parts
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.tool_definitions import tools_of
from gateway.telemetry.readers.values import in_order, items, nested, parsed, words
from gateway.telemetry.records import LogRecord, Span

_PROMPT, _COMPLETION, _FUNCTIONS = "gen_ai.prompt.", "gen_ai.completion.", "llm.request.functions."
_FRAMES = frozenset({"workflow", "agent", "task", "tool"})


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    if not any(name.startswith((_PROMPT, _COMPLETION)) for name in span.attributes):
        return None
    prompts, completions = nested(span.attributes, _PROMPT), nested(span.attributes, _COMPLETION)
    if not prompts and not completions:
        return None
    messages = [message_of(_plain(item)) for item in prompts]
    kind = words(span.attributes.get("llm.request.type"))
    frame = words(span.attributes.get("traceloop.span.kind")) in _FRAMES
    embeds = kind == "embedding"
    return Observed(
        reader="openllmetry-indexed",
        role=Role.OTHER if frame else Role.EMBEDDINGS if embeds else Role.INFERENCE,
        operation=kind,
        request=Request(
            model="",
            messages=settled(message for message in messages if message is not None),
            tools=tools_of(nested(span.attributes, _FUNCTIONS)),
        ),
        response=Response(choices=choices_of([_plain(item, "assistant") for item in completions], apart=False)),
    )


def _plain(item: Mapping[str, Any], role: str = "user") -> dict[str, Any]:
    """One message; its content may be Anthropic's blocks as JSON text."""
    content = parsed(item.get("content"))
    blocks = (
        content if isinstance(content, list) and written_parts(item["content"]) != parts_of(item["content"]) else None
    )
    calls = in_order(item.get("tool_calls")) or items(item.get("tool_calls"))
    return {"role": role, **item, "tool_calls": calls, "content": blocks or item.get("content")}


READER = SpanReader(
    "openllmetry-indexed",
    read,
    (_PROMPT, _COMPLETION, _FUNCTIONS, "llm.request.type", "llm.headers", "gen_ai.openai.api_base"),
)
