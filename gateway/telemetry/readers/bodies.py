"""Whole requests and answers in a provider's own JSON, as OpenInference, LangSmith and Langfuse keep them.

All four providers' shapes and LangChain's are told apart by the fields that only they have. This is no codec: what
is cut short or unknown is read as far as it goes.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.model import Choice, Message, Part, Request, Response, Role, Text
from gateway.telemetry.readers import spellings
from gateway.telemetry.readers.messages import choices_of, messages_of, one_choice, settled
from gateway.telemetry.readers.options import body_options
from gateway.telemetry.readers.parts import parts_of
from gateway.telemetry.readers.tool_definitions import tools_of
from gateway.telemetry.readers.usage import body_usage
from gateway.telemetry.readers.values import first, items, mapping, parsed, words

_MESSAGES = ("messages", "input", "contents", "prompt")
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")


def asked_of(value: Any) -> Request:
    """A request's messages, tools and options; an empty one where there is nothing to read."""
    read = parsed(value)
    if isinstance(read, list):
        return Request(model="", messages=settled(messages_of(read)))
    body = mapping(read)
    if not body:
        said = words(value) if read is None else words(read)
        return Request(model="", messages=(Message(Role.USER, (Text(said),)),) if said else ())
    if "role" in body and "content" in body:
        return Request(model="", messages=settled(messages_of([body])))
    body = {**mapping(body.get("config")), **mapping(body.get("generationConfig")), **body}
    told = first(body, _MESSAGES)
    # A plain text here is the question itself, also where it happens to be JSON.
    messages = (Message(Role.USER, (Text(told),)),) if isinstance(told, str) else messages_of(told)
    return msgspec.structs.replace(
        body_options(body),
        messages=settled(messages, _system(first(body, _SYSTEM))),
        tools=tools_of(body.get("tools")),
    )


def answer_of(value: Any) -> Response:
    """An answer's id, model, choices and counts; an empty one where there is nothing to read."""
    read = parsed(value)
    body = mapping(read)
    if not body:
        said = words(value) if read is None else words(read)
        choices = (
            choices_of(read, apart=False) if isinstance(read, list) else one_choice((Text(said),) if said else ())
        )
        return Response(choices=choices)
    beside = {**_langchain(body), **body}
    return Response(
        id=words(first(beside, ("id", "responseId", "response_id"))),
        model=words(first(beside, ("model", "modelVersion", "model_version", "model_name"))),
        choices=_choices(body),
        usage=body_usage(first(beside, ("usage", "usageMetadata", "usage_metadata"))),
    )


def _system(value: Any) -> tuple[Part, ...]:
    return parts_of(value.get("parts", value) if isinstance(value, dict) else value)


def _choices(body: Mapping[str, Any]) -> tuple[Choice, ...]:
    if isinstance(body.get("choices"), list):
        return choices_of(
            [
                {"role": "assistant", **mapping(item.get("message")), **_finish(item)}
                for item in _maps(body["choices"])
            ]
        )
    if isinstance(body.get("candidates"), list):
        return choices_of(
            [{"role": "model", **mapping(item.get("content")), **_finish(item)} for item in _maps(body["candidates"])]
        )
    if isinstance(body.get("output"), list):
        return choices_of(body["output"], apart=False)
    if isinstance(body.get("generations"), list):
        return _generations(body)
    if "content" in body or "tool_calls" in body:
        return choices_of([{"role": "assistant", **body}])
    said = words(first(body, ("text", "output", "completion", "answer", "result")))
    return one_choice((Text(said),)) if said else ()


def _finish(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"finish_reason": first(item, ("finish_reason", "finishReason"))}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in items(value) if isinstance(item, dict)]


def _langchain(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What LangChain's first answer holds beside its words: the provider's own metadata and LangChain's counts."""
    batch = body.get("generations")
    while isinstance(batch, list) and batch:
        batch = batch[0]
    generation = mapping(batch)
    message = mapping(generation.get("message"))
    fields = mapping(message.get("kwargs", message.get("data", message)))
    metadata = mapping(fields.get("response_metadata"))
    return {
        **metadata,
        "usage": fields.get("usage_metadata") or first(metadata, ("token_usage", "usage")),
        "finish_reason": first(metadata, ("finish_reason", "stop_reason"))
        or mapping(generation.get("generation_info")).get("finish_reason"),
    }


def _generations(body: Mapping[str, Any]) -> tuple[Choice, ...]:
    batch = body["generations"]
    batch = batch[0] if batch and isinstance(batch[0], list) else batch
    told = [item.get("message") or {"role": "assistant", "content": item.get("text")} for item in _maps(batch)]
    finish = spellings.FINISHES.get(words(_langchain(body).get("finish_reason")) or "")
    return tuple(
        msgspec.structs.replace(choice, finish_reason=choice.finish_reason or finish) for choice in choices_of(told)
    )
