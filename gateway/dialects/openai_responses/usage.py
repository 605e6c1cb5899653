"""Usage, both ways: input includes cached tokens, output includes reasoning, as in the neutral counts.

xAI's Responses answers count so too, unlike its chat answers. Source: the SDK's ResponseUsage.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.dialects.counts import count_in, object_in, said_cost
from gateway.dialects.openai_responses.hosted_uses import hosted_uses, searches
from gateway.dialects.openai_responses.wire import Wire
from gateway.model import Usage

_NOTHING = Usage()


def parse_usage(response: Mapping[str, Any]) -> Usage | None:
    """What a response object says that it used, None where it says nothing readable."""
    raw = response.get("usage")
    if not isinstance(raw, dict):
        return None
    of_input, of_output = object_in(raw, "input_tokens_details"), object_in(raw, "output_tokens_details")
    counted = Usage(
        input_tokens=count_in(raw, "input_tokens"),
        cached_tokens=count_in(of_input, "cached_tokens"),
        cache_write_tokens=count_in(of_input, "cache_write_tokens"),
        cache_write_12h_tokens=count_in(object_in(of_input, "cache_write_tokens_details"), "ttl_12h_tokens"),
        input_audio_tokens=count_in(of_input, "audio_tokens"),
        output_tokens=count_in(raw, "output_tokens"),
        reasoning_tokens=count_in(of_output, "reasoning_tokens"),
        output_audio_tokens=count_in(of_output, "audio_tokens"),
        rare_counts=hosted_uses(response),
        web_searches=searches(response),
        cost_nano=said_cost(raw),
    )
    if counted == _NOTHING:
        return None
    tier = response.get("service_tier")
    values = {name: getattr(counted, name) for name in Usage.__struct_fields__}
    return Usage(**{**values, "service_tier": tier if isinstance(tier, str) else None})


def usage_of_items(items: Sequence[Wire]) -> Usage:
    """What these output items alone tell: no tokens."""
    output = {"output": items}
    return Usage(rare_counts=hosted_uses(output), web_searches=searches(output))


def render_usage(usage: Usage) -> Wire:
    """The `usage` object for a client: the details are always there, with zeros for what is not known."""
    used_in, used_out = usage.input_tokens or 0, usage.output_tokens or 0
    body: Wire = {
        "input_tokens": used_in,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
        },
        "output_tokens": used_out,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": used_in + used_out,
    }
    if usage.cost_nano is not None:
        body["cost_in_usd_ticks"] = usage.cost_nano * 10
    return body
