"""New fields inside objects that a codec takes to pieces: no codec can carry them, so they are named as lost.

Data only but for the search. Objects whose rest travels in a side pocket are not listed, nor those that are told as a
whole where they are lost, nor what is the client's own data (schemas, arguments, metadata). Paths are the door's own.
Field lists: the types of the official SDKs.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

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
# A tuple: asked of every message and part, it is found faster than a union.
_OPEN = (dict, list)


class _Node(Struct):
    """A place in a body: what is looked at below it, and which fields an object there may have."""

    path: str = ""
    known: frozenset[str] | None = None
    below: dict[str, "_Node"] = {}

    def child(self, step: str) -> "_Node":
        path = self.path + step if step == _EACH or not self.path else f"{self.path}.{step}"
        return self.below.setdefault(step, _Node(path))


def _tree(objects: Mapping[str, tuple[str, ...]]) -> _Node:
    root = _Node()
    for path, known in objects.items():
        node = root
        for step in path.replace(_EACH, f".{_EACH}").split("."):
            node = node.child(step)
        node.known = frozenset(known)
    return root


_TREES = {door: _tree(objects) for door, objects in _OBJECTS.items()}


def unknown_fields(body: Mapping[str, Any], door: str) -> tuple[str, ...]:
    """Their paths without numbers, each once."""
    found: dict[str, None] = {}
    _search(body, _TREES[door], found)
    return tuple(found)


def _search(value: Any, node: _Node, found: dict[str, None]) -> None:
    if isinstance(value, list):
        if (each := node.below.get(_EACH)) is not None:
            for item in value:
                _search(item, each, found)
        return
    if not isinstance(value, dict):
        return
    if node.known is not None and not value.keys() <= node.known:
        said = (name for name, item in value.items() if name not in node.known and item not in (None, False))
        found |= dict.fromkeys(f"{node.path}.{name}" for name in said)
    for step, below in node.below.items():
        # One pass over everything: most of what a history holds is words.
        if isinstance(inner := value.get(step), _OPEN):
            _search(inner, below, found)
