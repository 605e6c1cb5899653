"""A tool call's arguments between JSON text, as the neutral model keeps it, and the object that some dialects want.

Agents replay what a model got wrong, so that bad JSON in a history is carried and not refused: as `{"_raw": text}`,
and JSON that is no object as `{"value": …}`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.dialects.json_text import decode_json


def to_object(text: str) -> tuple[Mapping[str, Any], bool]:
    """The arguments as an object, and whether they had to be wrapped."""
    if not text.strip():
        return {}, False
    try:
        value = decode_json(text.encode())
    except ValueError:
        return {"_raw": text}, True
    if isinstance(value, dict):
        return value, False
    return {"value": value}, True


# What a freeform tool is where there are functions only.
FREEFORM_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's whole input, as plain text."}},
    "required": ["input"],
    "additionalProperties": False,
}


# Of its arguments, around the input's words as `in_freeform` writes them piece by piece.
FREEFORM_BEGIN, FREEFORM_END = '{"input":"', '"}'


def in_freeform(text: str) -> str:
    """A piece of a freeform input as it stands inside the JSON string."""
    return msgspec.json.encode(text)[1:-1].decode()


def to_text(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def from_freeform(text: str) -> str:
    """The input of a freeform tool that was sent as a function with one string, `input`; else the text as it is."""
    try:
        value = decode_json(text.encode())
    except ValueError:
        return text
    said = value.get("input") if isinstance(value, dict) else None
    return said if isinstance(said, str) else text
