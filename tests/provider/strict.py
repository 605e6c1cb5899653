"""Request bodies against the official SDKs' own types, as strictly as the real providers take them.

The SDKs' TypedDicts allow unknown keys and validate iterables lazily; here every reachable TypedDict is told to
forbid extras, and the result is walked to the end so that each lazy iterator is really checked.
"""

import json
import types
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import NoExtraItems, get_type_hints, is_typeddict


class Rejected(Exception):
    """The request is refused: `param` is the field to blame, `code` and `status` the provider's."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status


def load(raw: bytes) -> dict[str, Any]:
    """The body as a JSON object. Raises Rejected."""
    try:
        body = json.loads(raw)
    except (ValueError, UnicodeDecodeError) as error:
        raise Rejected("We could not parse the JSON body of your request.") from error
    if not isinstance(body, dict):
        raise Rejected("The JSON body must be an object.")
    return body


def strict_adapter(kind: Any) -> TypeAdapter[Any]:
    """An adapter of a TypedDict (or a union of them) that forbids unknown keys at every depth."""
    _forbid_extras(kind, set())
    return TypeAdapter(kind)


def validate(adapter: TypeAdapter[Any], value: Any) -> None:
    """Raises Rejected, naming the field."""
    try:
        found = adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise _rejection(error) from None
    _exhaust(found, "")


def validate_model(model: type[BaseModel], value: Any, where: str) -> Any:
    """A pydantic model of google-genai, which forbids extras by itself. Raises Rejected."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _rejection(error, where) from None


def check_strict_schema(schema: Any, where: str) -> None:
    """OpenAI's rules for a schema that is to be followed strictly, at every depth. Raises Rejected."""
    if isinstance(schema, list):
        for item in schema:
            check_strict_schema(item, where)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False:
            raise Rejected(f"Invalid schema for {where}: 'additionalProperties' must be false.", param=where)
        if set(schema.get("required") or ()) != set(properties):
            raise Rejected(f"Invalid schema for {where}: 'required' must hold every key in properties.", param=where)
    for value in schema.values():
        check_strict_schema(value, where)


def _rejection(error: ValidationError, where: str = "") -> Rejected:
    # Of a union's many complaints the deepest one is about the branch that was meant.
    worst = max(error.errors(include_url=False), key=lambda item: len(item["loc"]))
    parts = [str(part) for part in worst["loc"] if not str(part)[:1].isupper() and "[" not in str(part)]
    param = ".".join([where, *parts] if where else parts)
    if worst["type"] == "extra_forbidden":
        return Rejected(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
    return Rejected(f"Invalid value for '{param}': {worst['msg']}.", param=param, code="invalid_value")


def _exhaust(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _exhaust(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple | Iterator):
        index = 0
        try:
            for index, item in enumerate(value):
                _exhaust(item, f"{where}.{index}")
        except ValidationError as error:
            # A lazy iterator knows its own place only.
            raise _rejection(error, where) from None


def _forbid_extras(kind: Any, seen: set[Any]) -> None:
    if kind in seen:
        return
    seen.add(kind)
    for argument in get_args(kind):
        if not isinstance(argument, str | int | bool | types.NoneType):
            _forbid_extras(argument, seen)
    if is_typeddict(kind):
        # A type that says itself which further items it takes is left to that: pydantic warns of both.
        extra = {"extra": "forbid"} if getattr(kind, "__extra_items__", NoExtraItems) is NoExtraItems else {}
        kind.__pydantic_config__ = {**extra, "arbitrary_types_allowed": True}
        for hint in get_type_hints(kind).values():
            _forbid_extras(hint, seen)
