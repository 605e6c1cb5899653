"""An example value for a JSON Schema: what a simulated model passes to a tool, or answers where JSON was asked for.

Only required properties, so that it stays small; references and unions are followed, and recursion ends at a depth.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any

_PROPER_NOUN = re.compile(r"(?<![.!?] )(?<!^)\b[A-ZÀ-Þ][\w-]+")
_NUMBER = re.compile(r"\d+")
_DEEPEST = 8
# Agents run these in a shell, often without asking: the user's own words must not become a command there.
_COMMANDS = ("cmd", "command", "commands", "script")


def example(schema: Mapping[str, Any], words: str) -> Any:
    """A value with every required property; strings and numbers are taken from `words` where they hold some."""
    return _value(schema, words, schema, 0)


def _value(schema: Mapping[str, Any], words: str, root: Mapping[str, Any], depth: int) -> Any:
    schema = _resolve(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        named = [item for item in schema["enum"] if str(item).lower() in words.lower()]
        return (named or schema["enum"])[0]
    kind = _kind(schema)
    match kind:
        case "object":
            return _object(schema, words, root, depth)
        case "array":
            return [] if depth > _DEEPEST else [_value(schema.get("items") or {}, words, root, depth + 1)]
        case "integer" | "number":
            found = _NUMBER.search(words)
            return _within(int(found.group()) if found else 1, schema)
        case "boolean":
            return True
        case "null":
            return None
    return _string(words, schema)


def _object(schema: Mapping[str, Any], words: str, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or ()
    if depth > _DEEPEST:
        return {}
    return {
        name: _command(words, properties.get(name) or {})
        if name in _COMMANDS
        else _value(properties.get(name) or {}, words, root, depth + 1)
        for name in required
    }


def _command(words: str, schema: Mapping[str, Any]) -> Any:
    """What a tool runs: a command that does nothing but say the words."""
    return ["echo", words] if _kind(schema) == "array" else f"echo {shlex.quote(words)}"


def _resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a local `$ref`, or the first branch of a union that is not null."""
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found: Any = root
        for name in reference[2:].split("/"):
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}
    for word in ("anyOf", "oneOf"):
        branches = schema.get(word)
        if branches:
            return next((item for item in branches if item.get("type") != "null"), branches[0])
    return schema


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list | tuple):
        kind = next((name for name in kind if name != "null"), "null")
    if kind is None:
        return "object" if "properties" in schema else "string"
    return str(kind).lower()


def _string(words: str, schema: Mapping[str, Any]) -> str:
    found = _PROPER_NOUN.findall(words)
    text = found[-1] if found else " ".join(words.split(" ")[-4:]).strip(" .!?")
    return text[: schema["maxLength"]] if isinstance(schema.get("maxLength"), int) else text


def _within(number: int, schema: Mapping[str, Any]) -> int | float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float):
        number = max(number, int(low))
    if isinstance(high, int | float):
        number = min(number, int(high))
    return number
