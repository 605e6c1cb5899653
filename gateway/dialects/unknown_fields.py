"""New fields inside objects that a codec takes to pieces: no codec can carry them, so they are named as lost.

Data only but for the search. Objects whose rest travels in a side pocket are not listed, nor those that are told as a
whole where they are lost, nor what is the client's own data (schemas, arguments, metadata). Paths are the door's own.
Field lists: the types of the official SDKs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.dialects.carriage import ANTHROPIC, CHAT, GEMINI, RESPONSES

_OBJECTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    CHAT: {
        "messages[].content[].file": ("file_data", "file_id", "filename"),
        "messages[].content[].image_url": ("detail", "url"),
        "messages[].content[].input_audio": ("data", "format"),
        "messages[].content[].prompt_cache_breakpoint": ("mode", "ttl"),
        # The SDK's parsed answers bring their parsed arguments back.
        "messages[].tool_calls[].function": ("arguments", "name", "parsed_arguments"),
        "messages[].tool_calls[].custom": ("input", "name"),
        "response_format": ("json_schema", "type"),
        "response_format.json_schema": ("description", "name", "schema", "strict"),
        "stream_options": ("include_obfuscation", "include_usage"),
        "tool_choice": ("allowed_tools", "custom", "function", "type"),
        "tool_choice.allowed_tools": ("mode", "tools"),
        "tool_choice.allowed_tools.tools[]": ("custom", "function", "type"),
        "tool_choice.allowed_tools.tools[].function": ("name",),
        "tool_choice.function": ("name",),
        "tools[].custom.format": ("definition", "grammar", "syntax", "type"),
        "tools[].function": ("description", "name", "parameters", "strict"),
    },
    RESPONSES: {
        "input[].content[].input_audio": ("data", "format"),
        "input[].content[].prompt_cache_breakpoint": ("mode", "ttl"),
        "stream_options": ("include_obfuscation",),
        "tool_choice": ("mode", "name", "namespace", "server_label", "tools", "type"),
        "tool_choice.tools[]": ("name", "namespace", "server_label", "type"),
        "text.format": ("description", "name", "schema", "strict", "type"),
    },
    ANTHROPIC: {
        "messages[]": ("content", "role"),
        "messages[].content[].source": ("content", "data", "file_id", "media_type", "type", "url"),
        "messages[].content[].content[].source": ("content", "data", "file_id", "media_type", "type", "url"),
        "metadata": ("user_id",),
        "output_config.format": ("schema", "type"),
        "thinking": ("budget_tokens", "display", "type"),
        "tool_choice": ("disable_parallel_tool_use", "name", "type"),
    },
    GEMINI: {
        "contents[]": ("parts", "role"),
        "contents[].parts[].fileData": ("displayName", "fileUri", "mimeType"),
        "contents[].parts[].functionCall": ("args", "id", "name"),
        "contents[].parts[].functionResponse.parts[].inlineData": ("data", "displayName", "mimeType"),
        "contents[].parts[].inlineData": ("data", "displayName", "mimeType"),
        "generationConfig.thinkingConfig": ("includeThoughts", "thinkingBudget", "thinkingLevel"),
        "systemInstruction": ("parts", "role"),
        "toolConfig.functionCallingConfig": ("allowedFunctionNames", "mode"),
    },
}
_EACH = "[]"


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in path.replace(_EACH, f".{_EACH}").split(".") if step)


_SEARCHES = {
    door: tuple((path, _steps(path), frozenset(known)) for path, known in objects.items())
    for door, objects in _OBJECTS.items()
}


def unknown_fields(body: Mapping[str, Any], door: str) -> tuple[str, ...]:
    """Their paths without numbers, each once."""
    found: dict[str, None] = {}
    for path, steps, known in _SEARCHES[door]:
        for fields in _objects(body, steps):
            if not fields.keys() <= known:
                said = (name for name, value in fields.items() if name not in known and value not in (None, False))
                found |= dict.fromkeys(f"{path}.{name}" for name in said)
    return tuple(found)


def _objects(value: Any, steps: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for at, step in enumerate(steps):
        if step == _EACH:
            if isinstance(value, list):
                for item in value:
                    yield from _objects(item, steps[at + 1 :])
            return
        if not isinstance(value, dict):
            return
        value = value.get(step)
    if isinstance(value, dict):
        yield value
