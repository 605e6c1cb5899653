"""The fields of a recorded stream that its provider may leave out, by the official SDK's types, and the stream without.

A field may be missing where the SDK's type does not require it, and where the type does not know it at all.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
from anthropic.types import RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

TYPES: dict[str, TypeAdapter[Any]] = {
    "openai_chat": TypeAdapter(ChatCompletionChunk),
    "openai_responses": TypeAdapter(ResponseStreamEvent),
    "anthropic": TypeAdapter(RawMessageStreamEvent),
    "gemini": TypeAdapter(GenerateContentResponse),
}

# Which keys and indices lead to a field.
Steps = tuple[str | int, ...]


def without_each(dialect: str, stream: bytes) -> Iterator[tuple[str, Any, bytes, bytes]]:
    """Each field's path ("choices[].delta", after the event's type where it has one) and value, the stream without
    the field, and the stream with null in its place."""
    events = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    for at, event in enumerate(events):
        head, mark, data = event.rpartition(b"data: ")
        if not mark or not data.startswith(b"{"):
            continue
        value = msgspec.json.decode(data)
        for steps in optional(dialect, value):
            changed = [
                b"\n\n".join([*events[:at], head + mark + msgspec.json.encode(other), *events[at + 1 :]])
                for other in (_without(value, steps), _without(value, steps, null=True))
            ]
            yield _path(value, steps), _at(value, steps), changed[0], changed[1]


def optional(dialect: str, value: dict[str, Any]) -> list[Steps]:
    """The ways to all fields of one event that may be missing; none where the SDK cannot read the event."""
    try:
        # Google's types rename some keys in what they are given.
        typed = TYPES[dialect].validate_python(deepcopy(value))
    except ValidationError:
        return []
    return list(_optional(typed, value, ()))


def _optional(typed: Any, value: Any, steps: Steps) -> Iterator[Steps]:
    if isinstance(typed, list | tuple) and isinstance(value, list):
        for index, (inner, item) in enumerate(zip(typed, value, strict=True)):
            yield from _optional(inner, item, (*steps, index))
    if not isinstance(typed, BaseModel) or not isinstance(value, dict):
        return
    names = {field.alias or name: (name, field) for name, field in type(typed).model_fields.items()}
    for key, item in value.items():
        if key not in names:
            yield (*steps, key)
            continue
        name, field = names[key]
        if not field.is_required():
            yield (*steps, key)
        yield from _optional(getattr(typed, name), item, (*steps, key))


def _path(value: dict[str, Any], steps: Steps) -> str:
    kind = [str(value["type"])] if isinstance(value.get("type"), str) else []
    return ".".join([*kind, *(("[]" if isinstance(step, int) else step) for step in steps)]).replace(".[]", "[]")


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value


def _without(value: Any, steps: Steps, *, null: bool = False) -> Any:
    first, *rest = steps
    if isinstance(value, list):
        return [_without(item, tuple(rest), null=null) if at == first else item for at, item in enumerate(value)]
    if not rest:
        return {**value, first: None} if null else {key: item for key, item in value.items() if key != first}
    return {key: _without(item, tuple(rest), null=null) if key == first else item for key, item in value.items()}
