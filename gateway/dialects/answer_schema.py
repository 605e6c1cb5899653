"""The schema of a structured answer, on its way to dialects that say more or less of it than the client's own."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gateway.model import ResponseFormat

# Those whose clients say themselves whether a schema is to be followed strictly.
_SAYS_STRICT = frozenset(("", "openai_chat", "openai_responses"))
# What OpenAI takes in a schema that is followed strictly, and how deep it may go; bounds and patterns are left out,
# which not all of its models take.
_STRICT_KEYWORDS = frozenset(
    (
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"),
        *("$ref", "$defs", "definitions", "title", "description"),
    )
)
_SAYS_WHAT = frozenset(("type", "enum", "const", "anyOf", "$ref"))
_DEEPEST = 10


def with_description(schema: Mapping[str, Any], description: str | None) -> Mapping[str, Any]:
    """OpenAI's dialects describe a format beside its schema; what the schema says itself stands."""
    return schema if not description or "description" in schema else {"description": description, **schema}


def held_strictly(asked: ResponseFormat, door: str) -> ResponseFormat:
    """For OpenAI's dialects, where a schema is a wish unless it is said to be strict: Anthropic and Gemini hold their
    models to it without a word. So it is said where the schema already is one that OpenAI takes so."""
    if asked.strict is not None or asked.schema is None or door in _SAYS_STRICT:
        return asked
    root = asked.schema.get("type") == "object" and "anyOf" not in asked.schema
    return replace(asked, strict=True) if root and _is_strict(asked.schema) else asked


def _is_strict(schema: Any, depth: int = 0) -> bool:
    if not isinstance(schema, Mapping) or not schema.keys() <= _STRICT_KEYWORDS or depth > _DEEPEST:
        return False
    properties = schema.get("properties", {})
    if not isinstance(properties, Mapping) or schema.keys().isdisjoint(_SAYS_WHAT):
        return False
    if _is(schema, "array") and "items" not in schema:
        return False
    if _is(schema, "object") or properties:
        required = schema.get("required", [])
        whole = isinstance(required, list) and sorted(map(str, required)) == sorted(properties)
        if schema.get("additionalProperties") is not False or not whole:
            return False
    inner = [*properties.values(), *_named(schema, "$defs"), *_named(schema, "definitions")]
    choices = schema.get("anyOf", [])
    inner += choices if isinstance(choices, list) else [None]
    inner += [schema["items"]] if "items" in schema else []
    return all(_is_strict(item, depth + 1) for item in inner)


def _named(schema: Mapping[str, Any], name: str) -> list[Any]:
    found = schema.get(name, {})
    return list(found.values()) if isinstance(found, Mapping) else [None]


def _is(schema: Mapping[str, Any], kind: str) -> bool:
    said = schema.get("type")
    return said == kind or (isinstance(said, list) and kind in said)
