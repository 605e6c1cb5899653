"""Counts and costs out of a provider's usage object, where any field may be missing or nonsense.

`cost_in_usd_ticks` is xAI's exact price, in chat and in Responses: 10^10 ticks are a dollar, ten a nano-dollar.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

LARGEST_COUNT = 2**53


def object_in(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside, empty where there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def count_in(raw: Mapping[str, Any], key: str) -> int | None:
    """A count, None where it is missing or none."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_COUNT:
        return None
    return int(value)


def first_said(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def cost_nano(ticks: Any) -> int | None:
    """xAI's ticks as nano-dollars, None where they are no such number."""
    if isinstance(ticks, bool) or not isinstance(ticks, int | float) or not 0 <= ticks <= 10 * LARGEST_COUNT:
        return None
    return int((Decimal(ticks) / 10).to_integral_value(ROUND_HALF_EVEN))
