"""Every text in a record, for whoever must see or change them all."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from operator import attrgetter
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
_Way = Callable[[Any, Callable[[str], str]], Any]
_WAYS: dict[type, _Way] = {}
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
    return _way(type(value))(value, change)  # type: ignore[no-any-return]


def _text(value: str, change: Callable[[str], str]) -> str:
    return change(value)


def _as_it_is(value: Any, _change: Callable[[str], str]) -> Any:
    return value


def _sequence(value: Any, change: Callable[[str], str]) -> Any:
    new: list[Any] | None = None
    known = _WAYS.get
    for at, item in enumerate(value):
        changed = item if (way := known(type(item)) or _way(type(item))) is _as_it_is else way(item, change)
        if new is not None:
            new.append(changed)
        elif changed is not item:
            new = [*value[:at], changed]
    return value if new is None else type(value)(new)


def _mapping(value: Mapping[Any, Any], change: Callable[[str], str]) -> Mapping[Any, Any]:
    new, same = {}, True
    for name, item in value.items():
        new_name, new_item = _way(type(name))(name, change), _way(type(item))(item, change)
        same = same and new_name is name and new_item is item
        new[new_name] = new_item
    return value if same else new


def _record(kind: type[msgspec.Struct]) -> _Way:
    """For records of this type; those that say nothing stay as they are."""
    kept = _NO_TEXTS.get(kind, frozenset())
    names = tuple(name for name in kind.__struct_fields__ if name not in kept)
    if not names and kind is not Blob:
        return _as_it_is
    values_of: Callable[[Any], tuple[Any, ...]] = attrgetter(*names) if len(names) > 1 else _values_of(names)

    def way(value: msgspec.Struct, change: Callable[[str], str]) -> msgspec.Struct:
        changes = {}
        known = _WAYS.get
        for name, old in zip(names, values_of(value), strict=True):
            # Most fields of most records say nothing.
            if not old or (way := known(type(old)) or _way(type(old))) is _as_it_is:
                continue
            if (new := way(old, change)) is not old:
                changes[name] = new
        if isinstance(value, Blob) and (data := _file_text(value, change)) is not value.data:
            changes["data"] = data
        return msgspec.structs.replace(value, **changes) if changes else value

    return way


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: tuple(getattr(value, name) for name in names)


def _way(kind: type) -> _Way:
    """How a value of this type is gone through."""
    return _WAYS.get(kind) or _WAYS.setdefault(kind, _way_of(kind))


def _way_of(kind: type) -> _Way:
    if issubclass(kind, str) and not issubclass(kind, Enum):
        return _text
    if issubclass(kind, msgspec.Struct):
        return _record(kind)
    if issubclass(kind, Mapping):
        return _mapping
    return _sequence if issubclass(kind, tuple | list) else _as_it_is


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
