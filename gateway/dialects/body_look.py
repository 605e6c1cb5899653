"""A look at a client's body that passes as it is: a handful of typed fields, the rest skipped.

What is skipped may hold what no parser of ours takes (1e400, half surrogates); it does not fail the call.
"""

import json
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Raw

from gateway.errors import ClientError, Unsupported

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def look(body: bytes, decoder: "msgspec.json.Decoder[_Shape]") -> _Shape:
    """The fields of the decoder's type. Raises ClientError: bad JSON, or a field of a wrong type (by `param`)."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        _refuse(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _look_slowly(body, decoder.type)


def refuse_later(field: str, *, asked: bool, stream: bool) -> None:
    """Raises Unsupported for an answer that is to be fetched later: there is no door for that, and what it used would
    never be known."""
    if asked and not stream:
        raise Unsupported(f"An answer cannot be fetched later here: leave `{field}` out.", param=field)


class _Named(msgspec.Struct):
    model: Any = None


_NAMED = msgspec.json.Decoder(_Named)


def named_model(body: bytes) -> str | None:
    """The model that a body names, whatever else is wrong with it; None where it names none."""
    try:
        model = look(body, _NAMED).model
    except ClientError:
        return None
    return model if isinstance(model, str) and model else None


def _look_slowly(body: bytes, shape: type[_Shape]) -> _Shape:
    """For bodies with half surrogates, which the fast decoder takes for broken JSON."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ClientError(f"The request body is not valid JSON: {error}.") from error
    if isinstance(value, dict):
        value = {field.name: _raw(field, value[field.name]) for field in _fields(shape) if field.name in value}
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        _refuse(error)


def _fields(shape: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(shape)


def _raw(field: msgspec.structs.FieldInfo, value: Any) -> Any:
    return Raw(json.dumps(value).encode()) if field.type is Raw else value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _refuse(error: msgspec.ValidationError) -> NoReturn:
    said, _, path = str(error).partition(" - at ")
    param = path.strip("`").removeprefix("$").removeprefix(".") or None
    what = f"`{param}`" if param else "The request body"
    raise ClientError(f"{what} has a wrong type: {said[:1].lower()}{said[1:]}.", param=param) from error
