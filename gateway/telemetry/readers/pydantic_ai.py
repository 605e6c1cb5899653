"""pydantic-ai and Logfire: format 1's events in one attribute, the runs' transcripts, and its tool spans.

From format 2 on the calls follow the conventions, which their own reader knows; an agent's run holds the whole
conversation as `pydantic_ai.all_messages`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.model import Message, Request, Response
from gateway.model import Role as MessageRole
from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.messages import messages_of, settled
from gateway.telemetry.readers.parts import written_parts
from gateway.telemetry.readers.reader import SpanReader
from gateway.telemetry.readers.semconv_events import conversation
from gateway.telemetry.readers.tool_definitions import tools_of
from gateway.telemetry.readers.values import items, json_text, mapping, parsed, words
from gateway.telemetry.records import Attributes, LogRecord, Span

_SCOPE = "pydantic-ai"
_EVENTS, _RUN, _TRANSCRIPT = "events", "all_messages_events", "pydantic_ai.all_messages"
_PARAMETERS = "model_request_parameters"
_NAME = "pydantic-ai-v1-events"


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    attributes = span.attributes
    ours = span.scope.name.startswith(_SCOPE)
    if _TRANSCRIPT in attributes or (ours and _RUN in attributes):
        return _run(attributes)
    if not ours:
        return None
    if _EVENTS in attributes:
        return _call(attributes)
    if words(attributes.get("gen_ai.tool.name")) and (
        "tool_arguments" in attributes or "tool_response" in attributes
    ):
        return Observed(reader=_NAME, role=Role.TOOL, tool=_tool(attributes))
    if "agent_name" in attributes and "gen_ai.operation.name" not in attributes:
        return Observed(reader=_NAME, role=Role.AGENT)
    return Observed(reader=_NAME, role=Role.GLUE) if "tools" in attributes else None


def _call(attributes: Attributes) -> Observed:
    told = attributes.get(_EVENTS)
    messages, choices = conversation(_told(told))
    if isinstance(told, str) and parsed(told) is None:
        messages = messages_of(told)
    parameters = mapping(attributes.get(_PARAMETERS))
    tools = tools_of([*items(parameters.get("function_tools")), *items(parameters.get("output_tools"))])
    return Observed(
        reader=_NAME,
        role=Role.INFERENCE,
        request=Request(model="", messages=settled(messages), tools=tools),
        response=Response(choices=choices),
    )


def _run(attributes: Attributes) -> Observed:
    system = written_parts(attributes.get("gen_ai.system_instructions"))
    messages = messages_of(attributes.get(_TRANSCRIPT))
    if not messages:
        said, choices = conversation(_told(attributes.get(_RUN)))
        messages = (*said, *(Message(MessageRole.ASSISTANT, choice.parts) for choice in choices))
    transcript = Request(model=words(attributes.get("model_name")) or "", messages=settled(messages, system))
    return Observed(reader="pydantic-ai", role=Role.AGENT, transcript=transcript)


def _told(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    return [(words(event.get("event.name")) or "", event) for event in items(value) if isinstance(event, dict)]


def _tool(attributes: Attributes) -> ToolRun:
    asked, said = attributes.get("tool_arguments"), attributes.get("tool_response")
    return ToolRun(
        name=words(attributes.get("gen_ai.tool.name")) or "",
        call_id=words(attributes.get("gen_ai.tool.call.id")),
        arguments=None if asked is None else json_text(asked),
        result=None if said is None else json_text(said),
    )


READER = SpanReader(
    _NAME,
    read,
    (
        _EVENTS,
        _RUN,
        _TRANSCRIPT,
        _PARAMETERS,
        "tool_arguments",
        "tool_response",
        "tools",
        "model_name",
        "final_result",
        "pydantic_ai.new_message_index",
        "gen_ai.aggregated_usage.",
        "logfire.json_schema",
        "logfire.span_type",
    ),
)
