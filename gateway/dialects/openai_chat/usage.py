"""Usage, both ways, to the one definition: input includes cached tokens, output includes reasoning.

OpenAI counts so itself. xAI's chat answers leave reasoning out of `completion_tokens`, and the record on it is
contradictory, so the total decides (vercel/ai#12425, promptfoo#9507). `cost_in_usd_ticks` is xAI's exact price:
10^10 ticks are a dollar, so ten are a nano-dollar.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from gateway.model import Usage

LARGEST_COUNT = 2**53


def parse_usage(raw: Any, service_tier: Any = None) -> Usage | None:
    """The `usage` object of an answer, None where it says nothing readable."""
    if not isinstance(raw, dict):
        return None
    input_details, output_details = _object(raw, "prompt_tokens_details"), _object(raw, "completion_tokens_details")
    prompt, completion = _count(raw, "prompt_tokens"), _count(raw, "completion_tokens")
    reasoning = _count(output_details, "reasoning_tokens")
    usage = Usage(
        input_tokens=prompt,
        cached_tokens=_first(_count(input_details, "cached_tokens"), _count(raw, "prompt_cache_hit_tokens")),
        cache_write_tokens=_count(input_details, "cache_write_tokens"),
        input_audio_tokens=_count(input_details, "audio_tokens"),
        output_tokens=with_reasoning(prompt, completion, reasoning, _count(raw, "total_tokens")),
        reasoning_tokens=reasoning,
        output_audio_tokens=_count(output_details, "audio_tokens"),
        cost_nano=cost_nano(raw.get("cost_in_usd_ticks")),
    )
    if usage == Usage():
        return None
    if isinstance(service_tier, str):
        values = {name: getattr(usage, name) for name in Usage.__struct_fields__}
        return Usage(**{**values, "service_tier": service_tier})
    return usage


def render_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object for a client: the details are always there, with zeros for what is not known."""
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    input_details = {"cached_tokens": usage.cached_tokens or 0, "audio_tokens": usage.input_audio_tokens or 0}
    if usage.cache_write_tokens is not None:
        input_details["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": input_details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens or 0,
            "audio_tokens": usage.output_audio_tokens or 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def with_reasoning(
    prompt: int | None, completion: int | None, reasoning: int | None, total: int | None
) -> int | None:
    """Output tokens with reasoning among them, whichever way the provider counts."""
    if completion is None or not reasoning:
        return completion
    excluded = total == (prompt or 0) + completion + reasoning if total is not None else False
    # Without a total that decides: reasoning larger than the output cannot be inside it.
    return completion + reasoning if excluded or reasoning > completion else completion


def _object(raw: dict[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _count(raw: dict[str, Any], key: str) -> int | None:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_COUNT:
        return None
    return int(value)


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def cost_nano(ticks: Any) -> int | None:
    """xAI's ticks as nano-dollars, None where they are no such number."""
    if isinstance(ticks, bool) or not isinstance(ticks, int | float) or not 0 <= ticks <= 10 * LARGEST_COUNT:
        return None
    return int((Decimal(ticks) / 10).to_integral_value(ROUND_HALF_EVEN))
