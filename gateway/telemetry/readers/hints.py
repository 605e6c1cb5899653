"""What a telling lacks, and what the sender's user can set so that it is sent."""

from collections.abc import Iterator
from typing import Any

from gateway.counted import counted
from gateway.model import Reasoning
from gateway.telemetry.bounds import note_of_cut
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.records import LEFT_OUT, Span

_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
# By the beginning of the instrumentation's scope, the first that fits; the switch, in words.
SWITCHES: tuple[tuple[str, str], ...] = (
    ("com.anthropic.claude_code", "set OTEL_LOG_USER_PROMPTS=1 and OTEL_LOG_ASSISTANT_RESPONSES=1"),
    ("com.anthropic.sdk", "use an instrumentation beside it: the SDK's own spans carry none"),
    ("codex", "set log_user_prompt = true in the [otel] table of Codex's configuration"),
    ("gemini-cli", "set telemetry.logPrompts and telemetry.traces to true in Gemini CLI's settings"),
    ("opentelemetry.instrumentation.genai", f"set {_CAPTURE}=SPAN_ONLY"),
    ("opentelemetry.instrumentation.google_genai", f"set {_CAPTURE}=SPAN_ONLY"),
    (
        "opentelemetry.util.genai",
        f"set {_CAPTURE}=span_only and OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental",
    ),
    ("opentelemetry.instrumentation.openai_v2", f"set {_CAPTURE}=true, and export logs too"),
    ("openinference.instrumentation", "set OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS to false"),
    ("pydantic-ai", "set include_content=True in InstrumentationSettings"),
    ("opentelemetry.instrumentation.", "set TRACELOOP_TRACE_CONTENT=true"),
    ("ai", "set recordInputs and recordOutputs to true in experimental_telemetry"),
    ("gen_ai", "set recordInputs and recordOutputs to true in the telemetry settings of the AI SDK"),
    ("xai_sdk", "unset XAI_SDK_DISABLE_SENSITIVE_TELEMETRY_ATTRIBUTES"),
    ("gcp.vertex.agent", "set ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true"),
    ("langfuse", "give the observation its input and output"),
)
_OTHERWISE = f"most instrumentations need a switch, such as {_CAPTURE}=SPAN_ONLY"

_CLOSING = {"[": "]", "{": "}"}
# Attributes that hold JSON whenever they look like it.
_STRUCTURED = frozenset(
    {
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"),
        *("ai.prompt.messages", "ai.prompt", "gen_ai.prompt", "gen_ai.completion", "input.value", "output.value"),
        *("events", "all_messages_events", "pydantic_ai.all_messages"),
    }
)
_STRUCTURED_BELOW = ("langfuse.observation.", "traceloop.entity.")


def hints_of(span: Span, telling: Observed) -> tuple[str, ...]:
    return (*telling.hints, *_content(span, telling), *_limits(span))


def _content(span: Span, telling: Observed) -> Iterator[str]:
    if telling.role is not Role.INFERENCE or LEFT_OUT in span.notes:
        return
    asked = telling.request.messages if telling.request else ()
    answers = telling.response.choices if telling.response else ()
    said = [part for choice in answers for part in choice.parts]
    failed = telling.error_message is not None
    if not asked and not said:
        yield f"The content was not sent: {_switch(span.scope.name)}."
    elif not said and not failed:
        yield f"The answer was not sent: {_switch(span.scope.name)}."
    elif not asked:
        yield f"The question was not sent: {_switch(span.scope.name)}."
    usage = telling.response.usage if telling.response else None
    if said and usage and usage.reasoning_tokens and not any(isinstance(part, Reasoning) for part in said):
        yield f"The model reasoned ({usage.reasoning_tokens} tokens), but this library sends no reasoning text."


def _switch(scope: str) -> str:
    return next((switch for start, switch in SWITCHES if scope == start or _within(scope, start)), _OTHERWISE)


def _within(scope: str, start: str) -> bool:
    """Short names must be the whole scope: "ai" begins many."""
    return len(start) > 4 and scope.startswith(start)


def _limits(span: Span) -> Iterator[str]:
    for name, value in span.attributes.items():
        structured = name in _STRUCTURED or name.startswith(_STRUCTURED_BELOW)
        if structured and _cut_short(value) and note_of_cut(name) not in span.notes:
            yield f"{name} was cut short by the sender: raise OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT."
    for dropped, one in ((span.dropped_attributes, "attribute"), (span.dropped_events, "event")):
        if dropped:
            what = f"{counted(dropped, one)} {'was' if dropped == 1 else 'were'}"
            yield f"{what} dropped by the sender: raise OTEL_SPAN_{one.upper()}_COUNT_LIMIT."
    yield from (f"The receiver changed this span: {note}." for note in span.notes)


def _cut_short(value: Any) -> bool:
    """Whether JSON text begins and does not end. Its whole length is not read for that."""
    return isinstance(value, str) and value[:1] in _CLOSING and not value.rstrip().endswith(_CLOSING[value[:1]])
