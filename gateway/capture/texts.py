"""Every text in a record, for whoever must see or change them all."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

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
    return _mapped(value, change)  # type: ignore[no-any-return]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    return _way(type(value))(value, change)


def _text(value: str, change: Callable[[str], str]) -> str:
    return change(value)


def _as_it_is(value: Any, _change: Callable[[str], str]) -> Any:
    return value


def _sequence(value: Any, change: Callable[[str], str]) -> Any:
    new = [_way(type(item))(item, change) for item in value]
    for one, other in zip(new, value, strict=True):
        if one is not other:
            return type(value)(new)
    return value


def _struct(value: msgspec.Struct, change: Callable[[str], str]) -> msgspec.Struct:
    changes = {}
    fields = _fields(type(value))
    for name, old in zip(fields.names, fields.of(value), strict=True):
        # Most fields of most records say nothing.
        if old and (way := _way(type(old))) is not _as_it_is and (new := way(old, change)) is not old:
            changes[name] = new
    if isinstance(value, Blob) and (data := _file_text(value, change)) is not value.data:
        changes["data"] = data
    return msgspec.structs.replace(value, **changes) if changes else value


def _mapping(value: Mapping[Any, Any], change: Callable[[str], str]) -> Mapping[Any, Any]:
    new = {_mapped(name, change): _mapped(item, change) for name, item in value.items()}
    same = all(
        name is other and one is item for (name, one), (other, item) in zip(new.items(), value.items(), strict=False)
    )
    return value if same and len(new) == len(value) else new


def _way(kind: type) -> _Way:
    """How a value of this type is gone through."""
    return _WAYS.get(kind) or _WAYS.setdefault(kind, _way_of(kind))


def _way_of(kind: type) -> _Way:
    if issubclass(kind, str) and not issubclass(kind, Enum):
        return _text
    if issubclass(kind, msgspec.Struct):
        return _struct if _fields(kind).names or kind is Blob else _as_it_is
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


class _Fields(NamedTuple):
    """The fields of a record that may say something, and what gives their values."""

    names: tuple[str, ...]
    of: Callable[[Any], tuple[Any, ...]]


@cache
def _fields(kind: type[msgspec.Struct]) -> _Fields:
    kept = _NO_TEXTS.get(kind, frozenset())
    names = tuple(name for name in kind.__struct_fields__ if name not in kept)
    if len(names) > 1:
        return _Fields(names, attrgetter(*names))
    return _Fields(names, lambda value: tuple(getattr(value, name) for name in names))
