"""JSON Schema as Gemini takes it, and its own older Schema as JSON Schema.

Requests always use `parametersJsonSchema` and `responseJsonSchema`: the older Schema refuses any keyword that it does
not know. What is left out of a schema that matters to a value becomes words in its description. Local references are
put in place; only cycles keep theirs. User data is copied and never changed; key order stays, so that the same
request gives the same bytes. Source: google-genai's descriptions of both fields.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from gateway.dialects.gemini.keys import camel

_KEPT = (
    *("type", "format", "title", "description", "minItems", "maxItems", "minimum", "maximum"),
    *("required", "propertyOrdering"),
)
_MEANINGLESS = ("$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "default", "examples", "deprecated")
# Beyond this many nodes references stay references: a small schema can stand for a very large one.
_MAX_INLINED = 4000
# How many tools' schemas are kept once they were cleaned, and the bytes of the largest, before and after.
_KEPT_SCHEMAS, _LARGEST_KEPT = 512, 16_384
_Schema = dict[str, Any]
_kept: dict[bytes, tuple[Raw, bool]] = {}


class _Cleaner:
    """One pass over one schema; `lossy` tells whether a constraint had to become words."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._kept_refs: dict[str, str] = {}
        self._nodes = 0
        self.lossy = False

    def run(self) -> _Schema:
        out = self._clean(self._root, ())
        definitions: _Schema = {}
        while pending := [(ref, name) for ref, name in self._kept_refs.items() if name not in definitions]:
            for ref, name in pending:
                definitions[name] = self._clean(self._resolve(ref) or {}, (ref,))
        return out | {"$defs": definitions} if definitions else out

    def _resolve(self, ref: str) -> Mapping[str, Any] | None:
        if not ref.startswith("#"):
            return None
        value: Any = self._root
        for step in ref.removeprefix("#").strip("/").split("/"):
            if step:
                step = step.replace("~1", "/").replace("~0", "~")
                value = value.get(step) if isinstance(value, Mapping) else None
        return value if isinstance(value, Mapping) else None

    def _clean(self, schema: Any, seen: tuple[str, ...]) -> _Schema:
        if not isinstance(schema, Mapping):
            # `true` allows anything; `false` and nonsense cannot be said.
            return {}
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return self._reference(ref, schema, seen)
        self._nodes += 1
        schema, seen = self._without_all_of(schema, seen)
        out: _Schema = {}
        words: _Schema = {}
        for key, value in schema.items():
            self._keyword(key, value, seen, out, words)
        if out.get("type") == "array" and "items" not in out and "prefixItems" not in out:
            out["items"] = {}
        if isinstance(out.get("required"), list):
            # Gemini takes only names of properties beside it; in alternatives it may tell these from each other.
            properties = out.get("properties", {})
            named = [name for name in out["required"] if isinstance(name, str) and name in properties]
            if named != out["required"]:
                words["required"] = out["required"]
            out["required"] = named
            if not named:
                del out["required"]
        if words:
            self.lossy = True
            said = ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in words.items())
            out["description"] = "\n\n".join(filter(None, (str(out.get("description") or ""), f"{{{said}}}")))
        return out

    def _without_all_of(
        self, schema: Mapping[str, Any], seen: tuple[str, ...]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """`allOf` has no place in Gemini's schemas: its members become one, as far as they say different things."""
        members = schema.get("allOf")
        if not isinstance(members, list):
            return schema, seen
        merged: _Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for member in members:
            while isinstance(member, Mapping) and isinstance(ref := member.get("$ref"), str):
                if ref in seen:
                    member = {}
                else:
                    seen = (*seen, ref)
                    beside = {key: value for key, value in member.items() if key != "$ref"}
                    member = {**(self._resolve(ref) or {}), **beside}
            if isinstance(member, Mapping):
                member, seen = self._without_all_of(member, seen)
                _merge(merged, member)
        return merged, seen

    def _keyword(self, key: str, value: Any, seen: tuple[str, ...], out: _Schema, words: _Schema) -> None:
        match key:
            case "properties" if isinstance(value, Mapping):
                out[key] = {name: self._clean(item, seen) for name, item in value.items()}
            case "items" | "additionalProperties":
                out[key] = value if isinstance(value, bool) else self._clean(value, seen)
            case "anyOf" | "oneOf" | "prefixItems" if isinstance(value, list):
                out[key] = [self._clean(item, seen) for item in value]
            case "enum" if isinstance(value, list):
                self._enum(value, out, words)
            case "const":
                self._enum([value], out, words)
            case _ if key in _KEPT:
                out[key] = value
            case _ if key not in _MEANINGLESS:
                words[key] = value

    @staticmethod
    def _enum(values: list[Any], out: _Schema, words: _Schema) -> None:
        """Only strings and numbers may be listed."""
        if all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values):
            out["enum"] = values
        else:
            words["enum"] = values

    def _kept_name(self, ref: str) -> str:
        if ref not in self._kept_refs:
            name = ref.rsplit("/", 1)[-1].replace("#", "root")
            self._kept_refs[ref] = name if name not in self._kept_refs.values() else f"{name}{len(self._kept_refs)}"
        return self._kept_refs[ref]

    def _reference(self, ref: str, schema: Mapping[str, Any], seen: tuple[str, ...]) -> _Schema:
        target = self._resolve(ref)
        if target is None:
            self.lossy = True
            return {}
        if ref in seen or self._nodes > _MAX_INLINED:
            return {"$ref": f"#/$defs/{self._kept_name(ref)}"}
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self._clean({**target, **beside}, (*seen, ref))


def _merge(merged: _Schema, member: Mapping[str, Any]) -> None:
    for key, value in member.items():
        if key == "properties" and isinstance(value, Mapping):
            merged[key] = {**merged.get(key, {}), **value}
        elif key == "required" and isinstance(value, list):
            merged[key] = list(dict.fromkeys([*merged.get(key, []), *value]))
        else:
            merged.setdefault(key, value)


def clean_schema(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema with only the keywords that Gemini takes, and whether a constraint had to become words."""
    cleaner = _Cleaner(schema)
    return cleaner.run(), cleaner.lossy


def tool_schema(schema: Mapping[str, Any]) -> tuple[Raw, bool]:
    """A tool's arguments, cleaned and written as JSON, always of type object; and whether a constraint became words.

    Agents send the same tools with each request, so that what was made of them is kept.
    """
    written = msgspec.json.encode(schema)
    if (kept := _kept.get(written)) is not None:
        return kept
    cleaned, lossy = clean_schema(schema)
    if cleaned.get("type") != "object":
        cleaned = {"type": "object"} | cleaned
    out = msgspec.json.encode(cleaned)
    made = Raw(out), lossy
    if len(written) + len(out) <= _LARGEST_KEPT:
        if len(_kept) >= _KEPT_SCHEMAS:
            _kept.clear()
        _kept[written] = made
    return made


def from_google_schema(schema: Any) -> Any:
    """Google's older Schema (upper-case types, `nullable`, counts as strings) as JSON Schema."""
    if not isinstance(schema, Mapping):
        return schema
    out: _Schema = {}
    for name, value in schema.items():
        key = camel(name)
        if key == "properties" and isinstance(value, Mapping):
            out[key] = {field: from_google_schema(item) for field, item in value.items()}
        elif key == "items":
            out[key] = from_google_schema(value)
        elif key == "anyOf" and isinstance(value, list):
            out[key] = [from_google_schema(item) for item in value]
        elif key == "type" and isinstance(value, str):
            out[key] = value.lower()
        elif key.startswith(("min", "max")) and isinstance(value, str) and value.isdigit():
            out[key] = int(value)
        elif value is not None:
            out[key] = value
    if out.pop("nullable", False):
        if isinstance(out.get("type"), str):
            out["type"] = [out["type"], "null"]
        else:
            out["anyOf"] = [*out.get("anyOf", ()), {"type": "null"}]
    return out
