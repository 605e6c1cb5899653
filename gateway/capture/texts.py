"""Every text in a record, for whoever must see or change them all."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import msgspec

from gateway.model import (
    Blob,
    Choice,
    File,
    HostedTool,
    Message,
    Opaque,
    Origin,
    Request,
    Response,
    Tool,
    ToolCall,
    ToolCallResponse,
    Uri,
    Usage,
)
from gateway.told import Told

_T = TypeVar("_T")
# What is no text of anybody's but a word or id of ours and the providers', by record; base64 is no text either.
_NO_TEXTS: Mapping[type, frozenset[str]] = {
    Told: frozenset(Told.__struct_fields__) - {"request", "response", "title", "error_message"},
    Request: frozenset({"model", "origin", "service_tier"}),
    Response: frozenset({"id", "model"}),
    Choice: frozenset({"finish_reason"}),
    Message: frozenset({"role"}),
    Tool: frozenset({"name"}),
    HostedTool: frozenset({"dialect", "type"}),
    ToolCall: frozenset({"id", "name"}),
    ToolCallResponse: frozenset({"id", "name"}),
    Blob: frozenset({"mime_type", "data", "modality"}),
    Uri: frozenset({"modality", "mime_type"}),
    File: frozenset({"file_id", "modality", "mime_type"}),
    Opaque: frozenset({"dialect"}),
    Usage: frozenset(Usage.__struct_fields__),
    Origin: frozenset(Origin.__struct_fields__),
}
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-ndjson")


def mapped(value: _T, change: Callable[[str], str]) -> _T:
    """The same with every text changed; what nothing changes in is the very same object."""
    return _mapped(value, change)  # type: ignore[no-any-return]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else change(value)
    if isinstance(value, msgspec.Struct):
        return _struct(value, change)
    if isinstance(value, Mapping):
        return _mapping(value, change)
    if isinstance(value, tuple | list):
        new = [_mapped(item, change) for item in value]
        same = all(one is other for one, other in zip(new, value, strict=True))
        return value if same else type(value)(new)
    return value


def _struct(value: msgspec.Struct, change: Callable[[str], str]) -> msgspec.Struct:
    changes = {}
    for name in _fields(type(value)):
        old = getattr(value, name)
        if old is not None and (new := _mapped(old, change)) is not old:
            changes[name] = new
    if isinstance(value, Blob) and (data := _file_text(value, change)) is not value.data:
        changes["data"] = data
    return msgspec.structs.replace(value, **changes) if changes else value


def _file_text(blob: Blob, change: Callable[[str], str]) -> str:
    """The data of a file that holds text, which is text like any other."""
    if not blob.mime_type.startswith(_TEXT_TYPES):
        return blob.data
    try:
        text = b64decode(blob.data).decode()
    except ValueError:
        return blob.data
    new = change(text)
    return blob.data if new == text else b64encode(new.encode()).decode()


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    kept = _NO_TEXTS.get(kind, frozenset())
    return tuple(name for name in kind.__struct_fields__ if name not in kept)


def _mapping(value: Mapping[Any, Any], change: Callable[[str], str]) -> Mapping[Any, Any]:
    new: dict[Any, Any] = {}
    same = True
    for name, item in value.items():
        key = change(name) if isinstance(name, str) else name
        new[key] = _mapped(item, change)
        same = same and key == name and new[key] is item
    return value if same else new
