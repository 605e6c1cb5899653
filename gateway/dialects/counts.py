"""Counts and costs out of a provider's usage object, where any field may be missing or nonsense.

What an answer cost is said in two ways, in chat and in Responses. xAI's `cost_in_usd_ticks` is exact: 10^10 ticks are
a dollar, ten a nano-dollar. OpenRouter's `cost` is what it charged, a number of credits, each a dollar; where the
caller's own key at the model's maker was used (`is_byok`) the maker charges `cost_details.upstream_inference_cost`
beside it (OpenRouter's page on usage accounting). A `cost` that is no number (Perplexity's is an object) is none.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from gateway.model import MOST_NANO, MOST_TOKENS, Part, Reasoning, Refusal, Text, ToolCall, Usage

# What a double and a database hold exactly.
LARGEST_COUNT = 2**53


def object_in(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside, empty where there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def count_in(raw: Mapping[str, Any], key: str) -> int | None:
    """A count, None where it is missing or none."""
    value = raw.get(key)
    if type(value) is int:
        return value if 0 <= value <= MOST_TOKENS else None
    return int(value) if isinstance(value, float) and 0 <= value <= MOST_TOKENS else None


def text_in(raw: Mapping[str, Any], key: str) -> str | None:
    """A text, None where it is missing or none."""
    value = raw.get(key)
    return value if isinstance(value, str) else None


def first_said(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def said_cost(raw: Mapping[str, Any]) -> int | None:
    """What a usage object says that the answer cost, in nano-dollars; None where it says nothing."""
    ticks, charged = cost_nano(raw.get("cost_in_usd_ticks")), dollars_nano(raw.get("cost"))
    if ticks is not None or charged is None or raw.get("is_byok") is not True:
        return first_said(ticks, charged)
    upstream = dollars_nano(object_in(raw, "cost_details").get("upstream_inference_cost"))
    # A fee alone is not what the answer cost.
    return None if upstream is None else charged + upstream


def dollars_nano(dollars: Any) -> int | None:
    """A number of dollars as nano-dollars, None where it is no such number."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float) or not 0 <= dollars <= MOST_NANO / 10**9:
        return None
    return int((Decimal(str(dollars)) * 10**9).to_integral_value(ROUND_HALF_EVEN))


def cost_nano(ticks: Any) -> int | None:
    """xAI's ticks as nano-dollars, None where they are no such number."""
    if isinstance(ticks, bool) or not isinstance(ticks, int | float) or not 0 <= ticks <= 10 * MOST_NANO:
        return None
    return int((Decimal(ticks) / 10).to_integral_value(ROUND_HALF_EVEN))


def as_it_failed(usage: Usage | None, *, said: bool) -> Usage | None:
    """What an answer counts that failed: of what was `said` before, many count nought. None of the noughts beside it
    is known then, nor that it cost nothing."""
    if usage is None or usage.output_tokens or not said:
        return usage
    return Usage(**{name: getattr(usage, name) or None for name in Usage.__struct_fields__})


def said_bytes(parts: Iterable[Part]) -> int:
    """UTF-8 bytes of all that these say: of what the deltas of a stream would bring."""
    return sum(len(_text(part).encode("utf-8", "surrogatepass")) for part in parts)


def _text(part: Part) -> str:
    match part:
        case Text() | Reasoning() | Refusal():
            return part.text
        case ToolCall():
            return part.arguments
    return ""
