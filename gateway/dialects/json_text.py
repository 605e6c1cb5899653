"""JSON from clients and providers, as forgiving as the wire demands; pure.

The fast decoder takes nearly everything. What it refuses though it is legal JSON (half a surrogate pair) is read
again slowly; nothing else is forgiven.
"""

import json
from typing import Any, TypeVar

import msgspec

ANY_DECODER = msgspec.json.Decoder()

_Shape = TypeVar("_Shape")


def decode_as(data: bytes, decoder: "msgspec.json.Decoder[_Shape]") -> _Shape:
    """JSON in a given shape. Raises ValueError: bad JSON, or another shape (`ValueError.__cause__` says where)."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = decode_json(data)
    try:
        return msgspec.convert(value, decoder.type)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def decode_json(data: bytes) -> Any:
    """Any JSON value. Raises ValueError.

    Half a surrogate pair (`"\\ud83d"`, which JavaScript writes for a cut string) is legal JSON but no text: it
    becomes U+FFFD.
    """
    try:
        return ANY_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"\\u" not in data:
            raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
        return ANY_DECODER.decode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
