"""JSON Schema as Anthropic's structured output takes it: closed objects, few keywords.

A constraint that the API refuses moves into the description, where the model still reads it. Key order is kept, so
that the same request gives the same bytes. Source: the SDK's own schema transformation.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

_KEPT = (
    *("type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "allOf"),
    *("$ref", "$defs", "definitions", "description", "title", "default"),
)
_FORMATS = (
    *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"),
    "text",
)
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf")
# Say nothing about a value.
_MEANINGLESS = ("$schema", "$id", "$comment", "examples", "$anchor")


def strict_schema(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema for structured output or a strict tool, and whether a constraint had to become words."""
    out: dict[str, Any] = {}
    words: dict[str, Any] = {}
    lossy = False
    for key, value in schema.items():
        key = "anyOf" if key == "oneOf" and "anyOf" not in schema else key
        if key in _MAPS and isinstance(value, Mapping):
            pairs = {name: _child(item) for name, item in value.items()}
            out[key] = {name: item for name, (item, _) in pairs.items()}
            lossy |= any(lost for _, lost in pairs.values())
        elif key in _LISTS and isinstance(value, list):
            items = [_child(item) for item in value]
            out[key] = [item for item, _ in items]
            lossy |= any(lost for _, lost in items)
        elif key == "items":
            out[key], lost = _child(value)
            lossy |= lost
        elif key in _KEPT or (key == "minItems" and value in (0, 1)) or (key == "format" and value in _FORMATS):
            out[key] = value
        elif key not in _MEANINGLESS:
            words[key] = value
    if "properties" in out or out.get("type") == "object":
        lossy |= out.get("additionalProperties", False) is not False
        out["additionalProperties"] = False
    if words:
        said = ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in words.items())
        out["description"] = "\n\n".join(filter(None, (out.get("description"), f"{{{said}}}")))
    return out, lossy or bool(words)


def _child(schema: Any) -> tuple[Any, bool]:
    return strict_schema(schema) if isinstance(schema, Mapping) else (schema, False)


def object_schema(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """A tool's input schema: always of type object, empty where the tool takes no arguments."""
    if not schema:
        return {"type": "object", "properties": {}}
    return dict(schema) if schema.get("type") == "object" else {"type": "object"} | dict(schema) | {"type": "object"}
