"""JSON from clients and providers, as forgiving as the wire demands; pure.

The fast decoder takes nearly everything. What it refuses though it is legal JSON (half a surrogate pair, a number
beyond a double's range) is read again slowly; nothing else is forgiven.
"""

import json
import math
import sys
from codecs import BOM_UTF8
from typing import Any, NoReturn, TypeVar

import msgspec

ANY_DECODER = msgspec.json.Decoder()

_Shape = TypeVar("_Shape")


def decode_as(data: bytes, decoder: "msgspec.json.Decoder[_Shape]") -> _Shape:
    """JSON in a given shape. Raises ValueError: bad JSON, or another shape (`ValueError.__cause__` says where)."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = decode_json(data)
    try:
        return msgspec.convert(value, decoder.type)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def decode_json(data: bytes) -> Any:
    """Any JSON value. Raises ValueError.

    Half a surrogate pair (`"\\ud83d"`, which JavaScript writes for a cut string) is legal JSON but no text: it
    becomes U+FFFD. A number beyond a double's range (`1e400`) becomes the largest double. A mark of UTF-8 at the
    beginning is passed over.
    """
    data = data.removeprefix(BOM_UTF8)
    try:
        return ANY_DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"\\u" not in data and not isinstance(error, msgspec.ValidationError):
            # The fast decoder counts places from the beginning of the string.
            data.decode()
            raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error
    try:
        value = json.loads(data, parse_float=_in_range, parse_constant=_no_constant)
        text = json.dumps(value, ensure_ascii=False)
        return ANY_DECODER.decode(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def is_object(data: bytes) -> bool:
    """Whether these bytes are a whole JSON object, to the most forgiving of readers."""
    if data.lstrip()[:1] != b"{":
        return False
    try:
        json.loads(data.decode("utf-8", "replace"))
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _in_range(digits: str) -> float:
    value = float(digits)
    return math.copysign(sys.float_info.max, value) if math.isinf(value) else value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
