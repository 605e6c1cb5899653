"""The Langfuse SDK: input and output of an observation as JSON, in whatever shape the app's provider speaks."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.bodies import answer_of, asked_of
from gateway.telemetry.readers.options import body_options
from gateway.telemetry.readers.reader import SpanReader, filled
from gateway.telemetry.readers.shared import since_start
from gateway.telemetry.readers.usage import body_usage
from gateway.telemetry.readers.values import count, json_text, mapping, nano_dollars, parsed, words
from gateway.telemetry.records import Attributes, LogRecord, Span

TYPE = "langfuse.observation.type"
_APART = frozenset(
    {
        *("input_cached_tokens", "input_cache_read", "input_cache_creation"),
        *("output_reasoning_tokens", "output_reasoning"),
    }
)
_ROLES: Mapping[str, Role] = {
    "generation": Role.INFERENCE,
    "embedding": Role.EMBEDDINGS,
    "tool": Role.TOOL,
    "agent": Role.AGENT,
    "chain": Role.GLUE,
    "retriever": Role.SIDE,
    "evaluator": Role.STEP,
    "guardrail": Role.STEP,
}


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    attributes = span.attributes
    kind = words(attributes.get(TYPE))
    if kind is None:
        return None
    role = _ROLES.get(kind.lower(), Role.OTHER)
    telling = Observed(
        reader="langfuse",
        role=role,
        agent=span.name if role is Role.AGENT else None,
        cost_nano=_cost(attributes),
        error_message=_failure(attributes),
        ttft_us=since_start(span, attributes.get("langfuse.observation.completion_start_time")),
    )
    if role is Role.TOOL:
        return msgspec.structs.replace(telling, tool=_tool(span))
    if role is not Role.INFERENCE:
        return telling
    asked = asked_of(attributes.get("langfuse.observation.input"))
    options = body_options(mapping(attributes.get("langfuse.observation.model.parameters")))
    answered = answer_of(attributes.get("langfuse.observation.output"))
    usage = body_usage(_plain_counts(mapping(attributes.get("langfuse.observation.usage_details"))))
    return msgspec.structs.replace(
        telling,
        request=filled(options, asked),
        response=msgspec.structs.replace(answered, usage=usage or answered.usage),
        response_id=answered.id,
        model_requested=words(attributes.get("langfuse.observation.model.name")),
        model=answered.model or words(attributes.get("langfuse.observation.model.name")),
    )


def _plain_counts(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """Langfuse's own names count what is cached and what is thought apart; a provider's names stay as they are.

    Senders that count them within say so by the total, which is then no more than input and output.
    """
    own = {name: count(usage.get(name)) or 0 for name in ("input", "output")}
    if "input" not in usage or count(usage.get("total")) == sum(own.values()):
        return usage
    return {
        **usage,
        **{
            name: said + sum(count(usage[key]) or 0 for key in usage if key.startswith(f"{name}_") and key in _APART)
            for name, said in own.items()
            if name in usage
        },
    }


def _cost(attributes: Attributes) -> int | None:
    details = mapping(attributes.get("langfuse.observation.cost_details"))
    if "total" in details:
        return nano_dollars(details["total"])
    parts = [nano_dollars(value) for value in details.values()]
    return sum(part for part in parts if part) if any(part is not None for part in parts) else None


def _failure(attributes: Attributes) -> str | None:
    if (words(attributes.get("langfuse.observation.level")) or "").upper() != "ERROR":
        return None
    return words(attributes.get("langfuse.observation.status_message")) or ""


def _tool(span: Span) -> ToolRun:
    asked, said = (span.attributes.get(f"langfuse.observation.{name}") for name in ("input", "output"))
    spoken = parsed(said)
    return ToolRun(
        name=span.name,
        arguments=None if asked is None else json_text(asked),
        result=None if said is None else spoken if isinstance(spoken, str) else json_text(said),
        is_error=_failure(span.attributes) is not None,
    )


READER = SpanReader(
    "langfuse",
    read,
    (
        TYPE,
        "langfuse.observation.input",
        "langfuse.observation.output",
        "langfuse.observation.level",
        "langfuse.observation.status_message",
        "langfuse.observation.model.name",
        "langfuse.observation.model.parameters",
        "langfuse.observation.usage_details",
        "langfuse.observation.cost_details",
        "langfuse.observation.completion_start_time",
        "langfuse.internal.",
    ),
)
