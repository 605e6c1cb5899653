"""Claude Code's own spans (its tracing beta): a turn, the model calls and tool runs below it.

Its counts are Anthropic's raw ones, which leave the cache out of the input. `gen_ai.response.id` is the request id of
the HTTP answer and no message's. No text of answers and no thinking is sent.
"""

from collections.abc import Mapping, Sequence

from gateway.model import Choice, Message, Request, Response, Text
from gateway.model import Role as MessageRole
from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.spellings import FINISHES
from gateway.telemetry.readers.usage import usage_of
from gateway.telemetry.readers.values import Names, first, json_text, microseconds, words
from gateway.telemetry.records import LogRecord, Span

SCOPE = "com.anthropic.claude_code"
_ROLES: Mapping[str, Role] = {
    "llm_request": Role.INFERENCE,
    "tool": Role.TOOL,
    "interaction": Role.AGENT,
    "tool.execution": Role.GLUE,
    "tool.blocked_on_user": Role.GLUE,
}
_USAGE: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("input_tokens",),
    "output_tokens": ("output_tokens",),
    "cached_tokens": ("cache_read_tokens",),
    "cache_write_tokens": ("cache_creation_tokens",),
}
_COUNTED = Names(_USAGE)
_ASKED_OF_TOOL = ("tool_input", "full_command", "file_path", "pattern", "url", "query")
_SAID_BY_TOOL = "tool.output"


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    if not span.scope.name.startswith(SCOPE):
        return None
    attributes = span.attributes
    role = _ROLES.get(words(attributes.get("span.type")) or "", Role.OTHER)
    model = words(attributes.get("model"))
    finish = FINISHES.get(words(attributes.get("stop_reason")) or "")
    prompt = words(attributes.get("user_prompt"))
    return Observed(
        reader="claude-code",
        role=role,
        provider="anthropic" if role is Role.INFERENCE else None,
        model_requested=model,
        model=model,
        response=Response(
            usage=usage_of(attributes, _COUNTED, exclusive=True),
            choices=(Choice(finish_reason=finish),) if finish else (),
        ),
        ttft_us=microseconds(attributes.get("ttft_ms"), 1000),
        tool=_tool(span) if role is Role.TOOL else None,
        transcript=Request(model="", messages=(Message(MessageRole.USER, (Text(prompt),)),)) if prompt else None,
        native=True,
    )


def _tool(span: Span) -> ToolRun:
    attributes = span.attributes
    asked = first(attributes, _ASKED_OF_TOOL)
    told = next((event.attributes for event in span.events if event.name == _SAID_BY_TOOL), {})
    said = first(told, ("output", "content", "result"))
    return ToolRun(
        name=words(attributes.get("tool_name")) or span.name,
        call_id=words(first(attributes, ("gen_ai.tool.call.id", "tool_use_id"))),
        arguments=None if asked is None else json_text(asked),
        result=None if said is None else json_text(said),
        is_error=attributes.get("success") is False,
    )


READER = SpanReader(
    "claude-code",
    read,
    (
        *(name for names in _USAGE.values() for name in names),
        *_ASKED_OF_TOOL,
        "span.type",
        "model",
        "ttft_ms",
        "stop_reason",
        "user_prompt",
        "user_prompt_length",
        "tool_name",
        "tool_use_id",
        "gen_ai.tool.call.id",
        "request_id",
        "duration_ms",
        "success",
        "status_code",
        "error",
    ),
)
