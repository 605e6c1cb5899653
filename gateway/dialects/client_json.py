"""A client's JSON body, checked against a wire shape; what is wrong is named by the client's own path."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from gateway.dialects.json_text import decode_json
from gateway.errors import ClientError

T = TypeVar("T")
_NAMED = re.compile(r"(?:required|unknown) field `([^`]*)`")
_AT = re.compile(r" - at `\$?(.*)`$")


def decode_object(body: bytes) -> dict[str, Any]:
    """Raises ClientError where the body is not a JSON object in UTF-8."""
    try:
        value = decode_json(body)
    except ValueError as error:
        raise ClientError(f"The body is not valid JSON ({error}): send a JSON object.") from None
    if not isinstance(value, dict):
        raise ClientError("The body is not a JSON object: send one.")
    return value


def shaped(value: Any, shape: type[T], path: str = "") -> T:
    """The value as `shape`. Raises ClientError naming the field."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise misshapen(error, path) from None


def misshapen(error: msgspec.ValidationError, path: str = "") -> ClientError:
    """The shape's complaint as the client's own error, its path below `path`."""
    text = str(error)
    found = _AT.search(text)
    where = (path + (found.group(1) if found else "")).lstrip(".")
    reason = _AT.sub("", text)
    if named := _NAMED.search(reason):
        where = f"{where}.{named.group(1)}".lstrip(".")
    return ClientError(f"{where or 'The body'}: {reason}." if where else f"{reason}.", param=where or None)


def within(error: msgspec.ValidationError, place: str) -> msgspec.ValidationError:
    """The same complaint with the place of what holds it, such as `.content` or `[2]`."""
    reason, _, path = str(error).partition(" - at `$")
    return msgspec.ValidationError(f"{reason} - at `${place}{path or '`'}")


def rest(value: Mapping[str, Any], shape: type[msgspec.Struct], *besides: str) -> dict[str, Any]:
    """The fields that a shape does not know, nulls left out: they travel in the side pocket."""
    known = shape.__struct_encode_fields__
    return {k: v for k, v in value.items() if v is not None and k not in known and k not in besides}
