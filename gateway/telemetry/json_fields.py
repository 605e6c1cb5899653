"""Fields of an OTLP JSON object, one function for each kind.

An absent or null field is its default; one of another kind is Malformed, which names it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gateway.telemetry.malformed import Malformed

Object = Mapping[str, Any]
_T = TypeVar("_T")
_NOTHING: Object = {}
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def an_object(owner: Object, key: str) -> Object:
    found = owner.get(key)
    if found is None:
        return _NOTHING
    if not isinstance(found, dict):
        raise Malformed(f"{key} must be an object")
    return found


def objects(owner: Object, key: str) -> list[Object]:
    found = owner.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Malformed(f"{key} must be an array of objects")
    return found


def listed(owner: Object, key: str, read: Callable[[Any, str], _T]) -> list[_T]:
    found = owner.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Malformed(f"{key} must be an array")
    return [read(one, key) for one in found]


def text(owner: Object, key: str) -> str:
    found = owner.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Malformed(f"{key} must be text")
    return found


def hex_id(owner: Object, key: str) -> str:
    return text(owner, key).lower()


def switch(owner: Object, key: str) -> bool:
    found = owner.get(key)
    if found is None:
        return False
    if not isinstance(found, bool):
        raise Malformed(f"{key} must be true or false")
    return found


def integer(owner: Object, key: str) -> int:
    found = owner.get(key)
    return 0 if found is None else integer_of(found, key)


def integer_of(found: Any, key: str) -> int:
    if isinstance(found, str):
        try:
            found = int(found)
        except ValueError:
            found = None
    elif isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not -(1 << 63) <= found < 1 << 64:
        raise Malformed(f"{key} must be an integer of 64 bits")
    return found


def real(owner: Object, key: str) -> float | None:
    found = owner.get(key)
    return None if found is None else real_of(found, key)


def real_of(found: Any, key: str) -> float:
    if isinstance(found, str):
        found = _FLOATS.get(found, found)
        try:
            found = float(found)
        except ValueError:
            found = None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Malformed(f"{key} must be a number")
    try:
        return float(found)
    except OverflowError:
        raise Malformed(f"{key} must be a number of 64 bits") from None


def enum(owner: Object, key: str, names: Mapping[str, int]) -> int:
    found = owner.get(key)
    if isinstance(found, str) and not found.lstrip("-").isdecimal():
        return names.get(found, 0)
    value = integer(owner, key)
    if not -(1 << 31) <= value < 1 << 31:
        raise Malformed(f"{key} must be an integer of 32 bits")
    return value
