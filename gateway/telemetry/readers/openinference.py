"""OpenInference: messages flattened into indexed attributes, the whole request and answer as JSON beside them.

Traps seen in payloads: a content item of type `tool_use` repeats a call; the Responses API's one answer is split over
several output messages; LangGraph's CHAIN spans carry a lossy copy of the messages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.model import Choice, Request, Response
from gateway.telemetry.observed import Observed, Role, ToolRun
from gateway.telemetry.readers.bodies import answer_of, asked_of
from gateway.telemetry.readers.messages import choices_of, message_of, settled
from gateway.telemetry.readers.options import body_options
from gateway.telemetry.readers.reader import SpanReader, filled
from gateway.telemetry.readers.tool_definitions import tools_of
from gateway.telemetry.readers.usage import usage_of
from gateway.telemetry.readers.values import in_order, json_text, mapping, nested, truth, words
from gateway.telemetry.records import Attributes, LogRecord, Span

KIND = "openinference.span.kind"
# What stands in the place of content that the app's settings keep back.
HIDDEN = "__REDACTED__"
_ROLES: Mapping[str, Role] = {
    "LLM": Role.INFERENCE,
    "EMBEDDING": Role.EMBEDDINGS,
    "TOOL": Role.TOOL,
    "AGENT": Role.AGENT,
    "CHAIN": Role.GLUE,
    "RETRIEVER": Role.SIDE,
    "RERANKER": Role.SIDE,
    "GUARDRAIL": Role.STEP,
    "EVALUATOR": Role.STEP,
    "PROMPT": Role.STEP,
}


def read(span: Span, logs: Sequence[LogRecord]) -> Observed | None:
    attributes = span.attributes
    kind = words(attributes.get(KIND))
    if kind is None:
        return None
    role = _ROLES.get(kind.upper(), Role.OTHER)
    metadata = mapping(attributes.get("metadata"))
    agent = words(metadata.get("lc_agent_name")) or (span.name if role is Role.AGENT else None)
    telling = Observed(reader="openinference", role=role, agent=words(attributes.get("agent.name")) or agent)
    if role is Role.TOOL:
        return msgspec.structs.replace(telling, tool=_tool(span))
    if role is not Role.INFERENCE:
        return telling
    parameters = mapping(attributes.get("llm.invocation_parameters"))
    request, answered = (
        filled(_request(attributes), body_options(parameters)),
        answer_of(_sent(attributes, "output.value")),
    )
    if not request.messages or not request.model:
        # The whole body is as large as the history: it is read only for what the attributes leave out.
        request = filled(request, asked_of(_sent(attributes, "input.value")))
    return msgspec.structs.replace(
        telling,
        request=request,
        response=filled(Response(choices=_choices(attributes), usage=usage_of(attributes)), answered),
        response_id=answered.id,
        model=answered.model,
        model_requested=request.model or None,
        previous_response_id=words(parameters.get("previous_response_id")),
        streamed=truth(parameters.get("stream")),
    )


def _sent(attributes: Attributes, name: str) -> Any:
    value = attributes.get(name)
    return None if value == HIDDEN else value


def _request(attributes: Attributes) -> Request:
    messages = [message_of(_plain(item)) for item in nested(attributes, "llm.input_messages.")]
    tools = [mapping(item.get("tool")).get("json_schema") for item in nested(attributes, "llm.tools.")]
    return Request(
        model="",
        messages=settled(message for message in messages if message is not None),
        tools=tools_of(tools),
    )


def _choices(attributes: Attributes) -> tuple[Choice, ...]:
    return choices_of([_plain(item) for item in nested(attributes, "llm.output_messages.")], apart=False)


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """One message as the table of parts knows it."""
    message = mapping(item.get("message"))
    content: list[Any] = [] if message.get("content") in (None, "", HIDDEN) else [message["content"]]
    content += [part for entry in in_order(message.get("contents")) for part in _content(mapping(entry))]
    fields: dict[str, Any] = {
        "role": message.get("role", "assistant"),
        "content": content[0] if len(content) == 1 and isinstance(content[0], str) else content,
        "tool_calls": [mapping(entry).get("tool_call") for entry in in_order(message.get("tool_calls"))],
    }
    if name := words(message.get("function_call_name")):
        arguments = message.get("function_call_arguments_json")
        fields["function_call"] = {"name": name, "arguments": arguments}
    return fields | {key: message[key] for key in ("name", "tool_call_id") if key in message}


def _content(entry: Mapping[str, Any]) -> list[Any]:
    inner, call = mapping(entry.get("message_content")), mapping(entry.get("tool_call"))
    if call:
        return [{"type": "tool_use", **call}]
    image = mapping(mapping(inner.get("image")).get("image"))
    if image:
        return [{"type": "image", **inner, "image": image.get("url")}]
    audio = mapping(mapping(inner.get("audio")).get("audio"))
    if audio:
        return [{"type": "audio", "url": audio.get("url"), "mime_type": audio.get("mime_type")}]
    return [inner] if inner else []


def _tool(span: Span) -> ToolRun:
    attributes = span.attributes
    asked = attributes.get("input.value", attributes.get("tool.parameters"))
    said = attributes.get("output.value")
    return ToolRun(
        name=words(attributes.get("tool.name")) or span.name,
        call_id=words(attributes.get("tool_call.id")),
        arguments=None if asked is None else json_text(asked),
        result=None if said is None else json_text(said),
    )


READER = SpanReader(
    "openinference",
    read,
    (
        KIND,
        "llm.input_messages.",
        "llm.output_messages.",
        "llm.tools.",
        "llm.invocation_parameters",
        "input.value",
        "input.mime_type",
        "output.value",
        "output.mime_type",
        "tool.name",
        "tool.parameters",
        "tool_call.id",
        "metadata",
        # Vectors: long, and nothing to read.
        "embedding.embeddings.",
    ),
)
