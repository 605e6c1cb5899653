"""LangSmith in OpenTelemetry mode: the whole request and answer as JSON in `gen_ai.prompt` and `gen_ai.completion`.

`langsmith.trace.session_name` is a project and no chat session. Metadata repeats every environment variable of
LangSmith's, keys included: none of that is told on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.bodies import answer_of, asked_of
from gateway.telemetry.readers.reader import SpanReader, filled
from gateway.telemetry.readers.usage import usage_of
from gateway.telemetry.readers.values import json_text, mapping, words
from gateway.telemetry.records import LogRecord, Span

KIND = "langsmith.span.kind"
_METADATA = "langsmith.metadata."
# Joined by commas.
_TAGS = "langsmith.span.tags"
_ROLES: Mapping[str, Role] = {
    "llm": Role.INFERENCE,
    "embedding": Role.EMBEDDINGS,
    "tool": Role.TOOL,
    "retriever": Role.SIDE,
    "prompt": Role.STEP,
    "parser": Role.STEP,
    "chain": Role.GLUE,
}


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    attributes = span.attributes
    kind = words(attributes.get(KIND))
    if kind is None:
        return None
    role = _ROLES.get(kind.lower(), Role.OTHER)
    asked, said = attributes.get("gen_ai.prompt"), attributes.get("gen_ai.completion")
    telling = Observed(
        reader="langsmith",
        role=role,
        model_requested=words(attributes.get(f"{_METADATA}ls_model_name")),
        tags=tuple(tag.strip() for tag in (words(attributes.get(_TAGS)) or "").split(",") if tag.strip()),
    )
    if role is Role.TOOL:
        run = ToolRun(
            name=words(attributes.get("gen_ai.tool.name")) or span.name,
            arguments=None if asked is None else json_text(asked),
            result=None if said is None else _output(said),
        )
        return msgspec.structs.replace(telling, tool=run)
    if role is not Role.INFERENCE:
        return telling
    request, response = asked_of(asked), answer_of(said)
    usage = usage_of(attributes)
    counted = filled(usage, response.usage) if usage and response.usage else usage or response.usage
    return msgspec.structs.replace(
        telling,
        request=request,
        response=msgspec.structs.replace(response, usage=counted),
        response_id=response.id,
        model_requested=telling.model_requested or request.model or None,
        model=response.model,
    )


def _output(said: Any) -> str:
    """What a function returned stands below `output` where it is no mapping itself."""
    body = mapping(said)
    return json_text(body["output"] if list(body) == ["output"] else said)


READER = SpanReader(
    "langsmith",
    read,
    (
        KIND,
        _TAGS,
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.usage.input_token_details",
        "gen_ai.usage.output_token_details",
        f"{_METADATA}ls_*",
        f"{_METADATA}lc_versions",
        f"{_METADATA}usage_metadata",
        f"{_METADATA}LANGSMITH_*",
        "gen_ai.serialized.name",
        "langsmith.trace.session_name",
        "langsmith.trace.session_id",
    ),
)
