"""Tool definitions in the shapes of the conventions, OpenAI, Anthropic, Google, the AI SDK and pydantic-ai."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.model import HostedTool, Tool
from gateway.telemetry.readers.parts import OTEL
from gateway.telemetry.readers.values import first, items, mapping, words

_SCHEMAS = (
    "parameters",
    "input_schema",
    "inputSchema",
    "parametersJsonSchema",
    "parameters_json_schema",
    "json_schema",
)
_GOOGLE = ("functionDeclarations", "function_declarations")
_FUNCTIONS = frozenset({"function", "custom", "dynamic"})


def tools_of(value: Any) -> tuple[Tool | HostedTool, ...]:
    """Tools from a list or its JSON text; each entry may be JSON text itself."""
    found: list[Tool | HostedTool] = []
    for item in items(value):
        fields = mapping(item)
        declared = first(fields, _GOOGLE)
        if isinstance(declared, list):
            found += [tool for inner in declared if (tool := _tool(mapping(inner))) is not None]
        elif (tool := _tool(fields)) is not None:
            found.append(tool)
    return tuple(found)


def _tool(fields: Mapping[str, Any]) -> Tool | HostedTool | None:
    inner = fields.get("function")
    flat = {**fields, **inner} if isinstance(inner, dict) else fields
    name = words(flat.get("name"))
    kind = words(fields.get("type")) or ""
    schema = mapping(first(flat, _SCHEMAS))
    if not schema and kind and kind not in _FUNCTIONS:
        # A tool that the provider runs: named by its type, without a schema of ours.
        return HostedTool(OTEL, kind, msgspec.to_builtins(fields))
    if name is None:
        return None
    strict = flat.get("strict")
    return Tool(
        name=name,
        description=words(flat.get("description")),
        parameters=schema or None,
        strict=strict if isinstance(strict, bool) else None,
        custom=kind == "custom",
    )
