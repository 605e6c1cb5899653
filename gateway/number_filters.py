"""Filters by a row's numbers as people write them (`>=400`, `>$0.01`, `<5s`, `>10k`) ↔ `NumberCondition`. Pure.

The window's filter field and the read API take the same words. Without a unit, money is dollars, time milliseconds.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from gateway.errors import ClientError
from gateway.records import OPERATORS, NumberCondition

LARGEST = 10**15

# Spaces that one repetition took are never tried by another: many of them would take for ever.
_WRITTEN = re.compile(r"\s*+(>=|<=|[<>=≥≤]?)\s*+(\$?)\s*+(\d[\d_]*(?:\.\d+)?|\.\d+)\s*+([a-zµ]*)\s*+", re.IGNORECASE)
_SIGNS: Mapping[str, str] = {"": "=", "≥": ">=", "≤": "<="}


class _Kind(Struct, frozen=True):
    """`units`: what one of each comes to in the row's own unit, the first being what `number_text` writes."""

    units: Mapping[str, int]
    example: str
    dollars: bool = False


_WHOLE = _Kind({"": 1}, ">=400")
_COUNT = _Kind({"": 1, "k": 1000, "m": 1_000_000}, ">10000")
_TIME = _Kind({"": 1000, "us": 1, "µs": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "min": 60_000_000}, ">5s")
_MONEY = _Kind({"": 1_000_000_000}, ">0.01", dollars=True)
_KINDS: Mapping[str, _Kind] = {
    "status": _WHOLE,
    "cost": _MONEY,
    "latency": _TIME,
    "ttft": _TIME,
    "overhead": _TIME,
    "tokens": _COUNT,
    "input": _COUNT,
    "output": _COUNT,
    "cached": _COUNT,
    "reasoning": _COUNT,
}
NUMBERS = tuple(_KINDS)


def parse_number(field: str, text: str) -> NumberCondition:
    """What `>5s` asks of a field of `NUMBERS`. Raises ClientError with a sentence that says how to write it."""
    kind = _KINDS[field]
    write = f"write it as {field}:{kind.example}"
    found = _WRITTEN.fullmatch(text)
    unit = found and kind.units.get(found[4].lower())
    if found is None or unit is None or (found[2] and not kind.dollars):
        raise ClientError(f"“{text}” is no number for {field}: {write}.", param=field)
    value = Decimal(found[3].replace("_", "")) * unit
    if value != value.to_integral_value() or value > LARGEST:
        raise ClientError(f"“{text}” is too fine or too large for {field}: {write}.", param=field)
    operator = _SIGNS.get(found[1], found[1])
    assert operator in OPERATORS
    return NumberCondition(field=field, operator=operator, value=int(value))


def number_text(condition: NumberCondition) -> str:
    """The words that `parse_number` reads as this condition; seconds where they are whole."""
    kind = _KINDS[condition.field]
    unit = "s" if kind is _TIME and condition.value % 1_000_000 == 0 and condition.value else ""
    value = Decimal(condition.value) / kind.units[unit]
    shown = f"{value.normalize():f}"
    sign = "" if condition.operator == "=" else condition.operator
    return f"{sign}{shown}{unit or ('ms' if kind is _TIME else '')}"
