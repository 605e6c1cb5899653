"""Whatever a provider counts: no cost is negative, each grows with all that is counted, and its parts add up to it."""

import json
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.model import MEDIA, Usage
from gateway.prices.pricing import Pricing
from gateway.records import ExchangeRecord
from tests.golden.test_costs import ANSWERS, AT_US

PRICING = Pricing()
COUNT = st.integers(0, 300_000)
MODELS = {
    "anthropic": ("anthropic", ("claude-opus-4-6", "claude-haiku-5-5", "claude-sonnet-4-5")),
    "openai_chat": ("openai", ("gpt-5.4", "gpt-5.6-sol", "gpt-audio", "o3")),
    "openai_responses": ("openai", ("gpt-6.1-sol", "gpt-5.4")),
    "gemini": ("google", ("gemini-2.5-pro", "gemini-3.1-pro-preview", "gemini-2.5-flash")),
}
# What each dialect counts apart, so that more of it is more to pay, and what makes its usage object of that.
COUNTED = {
    "anthropic": ("plain", "cached", "written_5m", "written_1h", "output", "thinking", "searches"),
    "openai_chat": ("plain", "cached", "written", "audio", "output", "reasoning", "spoken"),
    "openai_responses": ("plain", "cached", "written", "output", "reasoning", "searches"),
    "gemini": ("plain", "cached", "audio", "tools", "output", "thoughts"),
}


def wire(dialect: str, n: dict[str, int]) -> Any:
    if dialect == "anthropic":
        split = {"ephemeral_5m_input_tokens": n["written_5m"], "ephemeral_1h_input_tokens": n["written_1h"]}
        return {
            "input_tokens": n["plain"],
            "cache_read_input_tokens": n["cached"],
            "cache_creation_input_tokens": n["written_5m"] + n["written_1h"],
            "cache_creation": split,
            "output_tokens": n["output"] + n["thinking"],
            "output_tokens_details": {"thinking_tokens": n["thinking"]},
            "server_tool_use": {"web_search_requests": n["searches"]},
        }
    if dialect == "openai_chat":
        put, got = n["plain"] + n["cached"] + n["written"] + n["audio"], n["output"] + n["reasoning"] + n["spoken"]
        of_input = {"cached_tokens": n["cached"], "cache_write_tokens": n["written"], "audio_tokens": n["audio"]}
        of_output = {"reasoning_tokens": n["reasoning"], "audio_tokens": n["spoken"]}
        usage = {"prompt_tokens": put, "completion_tokens": got, "total_tokens": put + got}
        return {"usage": {**usage, "prompt_tokens_details": of_input, "completion_tokens_details": of_output}}
    if dialect == "openai_responses":
        put, got = n["plain"] + n["cached"] + n["written"], n["output"] + n["reasoning"]
        of_input = {"cached_tokens": n["cached"], "cache_write_tokens": n["written"]}
        usage = {"input_tokens": put, "output_tokens": got, "total_tokens": put + got}
        usage |= {"input_tokens_details": of_input, "output_tokens_details": {"reasoning_tokens": n["reasoning"]}}
        return {"usage": usage, "tool_usage": {"web_search": {"num_requests": n["searches"]}}}
    put = n["plain"] + n["cached"] + n["audio"]
    return {
        "usageMetadata": {
            "promptTokenCount": put,
            "cachedContentTokenCount": n["cached"],
            "toolUsePromptTokenCount": n["tools"],
            "candidatesTokenCount": n["output"],
            "thoughtsTokenCount": n["thoughts"],
            "totalTokenCount": put + n["tools"] + n["output"] + n["thoughts"],
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": n["audio"]}],
        }
    }


def parsed(dialect: str, model: str, counts: dict[str, int]) -> Usage:
    body = json.dumps(ANSWERS[dialect].whole({"model": model, "whole": wire(dialect, counts)})).encode()
    usage = DIALECTS[dialect].parse_response(body).usage
    assert usage is not None
    return usage


@pytest.mark.parametrize("dialect", COUNTED)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_more_of_anything_costs_more(dialect: str, data: st.DataObject) -> None:
    provider, models = MODELS[dialect]
    model = data.draw(st.sampled_from(models))
    counts = data.draw(st.fixed_dictionaries(dict.fromkeys(COUNTED[dialect], COUNT)))
    usage = parsed(dialect, model, counts)
    assert (usage.input_tokens or 0) + (usage.output_tokens or 0) == sum(counts.values()) - counts.get("searches", 0)
    priced = PRICING.price(provider, model, usage, AT_US)
    assert priced.cost_nano is not None and priced.cost_nano >= 0
    for name in COUNTED[dialect]:
        more = {**counts, name: counts[name] + data.draw(st.integers(1, 50_000))}
        larger = PRICING.price(provider, model, parsed(dialect, model, more), AT_US)
        assert larger.cost_nano is not None and larger.cost_nano > priced.cost_nano, name


@settings(max_examples=80, deadline=None)
@given(
    pair=st.sampled_from([(provider, model) for provider, models in MODELS.values() for model in models]),
    used=st.builds(
        Usage,
        **{
            name: st.none() | st.integers(-5, 400_000)
            for name in Usage.__struct_fields__
            # A row keeps the writes of an hour and of all lifetimes: the others follow.
            if name.endswith(("_tokens", "_searches")) and name != "cache_write_5m_tokens"
        },
        rare_counts=st.lists(st.tuples(st.sampled_from(MEDIA), st.integers(-5, 400_000))).map(tuple),
        service_tier=st.sampled_from((None, "default", "flex", "priority", "batch", "other")),
        speed=st.sampled_from((None, "fast")),
        inference_geo=st.sampled_from((None, "us", "eu")),
    ),
)
def test_the_parts_of_any_cost_add_up_to_it(pair: tuple[str, str], used: Usage) -> None:
    provider, model = pair
    priced = PRICING.price(provider, model, used, AT_US)
    kept = {name: getattr(used, name) for name in Usage.__struct_fields__ if name in ExchangeRecord.__struct_fields__}
    row = ExchangeRecord(
        **{
            **kept, "id": "r", "started_us": AT_US, "door": "d", "key_id": "k", "key": "k", "provider": provider,
            "model": model, "cost_nano": priced.cost_nano, "cost_source": priced.source, "price_id": priced.price_id,
        }
    )  # fmt: skip
    explained = PRICING.explain(provider, row)
    assert all(part.count > 0 and Decimal(part.amount_nano) >= 0 for part in explained.parts)
    total = sum((Decimal(part.amount_nano) for part in explained.parts), Decimal(0))
    assert int(total.to_integral_value(ROUND_HALF_EVEN)) == priced.cost_nano
    assert explained.exact_nano is None or Decimal(explained.exact_nano) == total
