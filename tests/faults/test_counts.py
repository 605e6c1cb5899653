"""Faults that others have with counts and costs: cache writes at no price, counters added twice, tiers by a part only.

Each test is named after the fault that it guards; further ones stand where `index` says.
"""

import json
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.model import Usage
from gateway.prices.pricing import Pricing
from gateway.relaying.tally import Tally

AT_US = 1_795_000_000_000_000
PRICING = Pricing()
COUNTERS = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 100,
    "cache_read_input_tokens": 1000,
    "output_tokens": 50,
}


def claude_stream(first: dict[str, object], last: dict[str, object]) -> bytes:
    """A streamed answer whose counters stand in its first event, its last, or both."""
    events: list[dict[str, object]] = [
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "claude-opus-4-6",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 0, "output_tokens": 0, **first},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": last},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def tallied(dialect: str, stream: bytes) -> tuple[Usage, str]:
    reader, tally = DIALECTS[dialect].reader(), Tally()
    for event in [*reader.feed(stream), *reader.close()]:
        tally.feed(event)
    return tally.verdict(400, answered=True)


def cost(usage: Usage, model: str = "claude-opus-4-6", provider: str = "anthropic") -> int:
    priced = PRICING.price(provider, model, usage, AT_US)
    assert priced.cost_nano is not None
    return priced.cost_nano


@pytest.mark.parametrize("places", list(product(("first", "last", "both"), repeat=4)), ids="-".join)
def test_bifrost_5354_each_counter_counts_once_wherever_it_stands(places: tuple[str, ...]) -> None:
    """maximhq/bifrost#5354, #3451: a cache read in the last event only doubled the prompt."""
    first = {name: n for (name, n), place in zip(COUNTERS.items(), places, strict=True) if place != "last"}
    last = {name: n for (name, n), place in zip(COUNTERS.items(), places, strict=True) if place != "first"}
    # The last event always tells the output, as Anthropic's does.
    usage, source = tallied("anthropic", claude_stream(first, {"output_tokens": 50, **last}))
    assert source == "provider"
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens) == (
        1110,
        1000,
        100,
        50,
    )


def test_litellm_42663_counts_that_grow_while_tools_run_at_the_provider_are_the_last_ones() -> None:
    """A turn with hosted tools reads more than its first event says: priced from that alone it was 20 to 60 % under."""
    first = {"input_tokens": 400, "cache_read_input_tokens": 100}
    last = {
        "input_tokens": 2400,
        "cache_read_input_tokens": 900,
        "output_tokens": 310,
        "server_tool_use": {"web_search_requests": 2},
    }
    usage, _ = tallied("anthropic", claude_stream(first, last))
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.web_searches) == (3300, 900, 310, 2)
    by_hand = Decimal(2400) * 5 + Decimal(900) * Decimal("0.5") + Decimal(310) * 25
    assert cost(usage) == int(by_hand * 1000) + 2 * 10_000_000


@pytest.mark.parametrize(
    ("split", "dollars_per_million"),
    [
        # No split: all of it is a write for five minutes.
        (None, 1000 * Decimal("6.25")),
        ({"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600}, 400 * Decimal("6.25") + 600 * 10),
        # A split that names a part: the rest is a write for five minutes.
        ({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 600}, 400 * Decimal("6.25") + 600 * 10),
        ({"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 0}, 1000 * Decimal("6.25")),
    ],
    ids=["none", "whole", "part", "one kind"],
)
def test_new_api_6353_cache_writes_are_priced_with_a_split_or_without(
    split: dict[str, int] | None, dollars_per_million: Decimal
) -> None:
    """QuantumNous/new-api#6353, #5756: a total without its split cost nothing."""
    told: dict[str, object] = {"input_tokens": 0, "cache_creation_input_tokens": 1000, "output_tokens": 0}
    if split is not None:
        told["cache_creation"] = split
    usage, _ = tallied("anthropic", claude_stream(told, {"output_tokens": 0}))
    assert usage.input_tokens == usage.cache_write_tokens == 1000
    assert cost(usage) == int(dollars_per_million * 1000)


@pytest.mark.parametrize(
    ("provider", "model", "highest_at_base", "base", "above"),
    [
        ("google", "gemini-3.1-pro-preview", 200_000, "2", "4"),
        ("openai", "gpt-5.4", 272_000, "2.5", "5"),
        ("x-ai", "grok-4.3", 199_999, "1.25", "2.5"),
    ],
)
@pytest.mark.parametrize("cached", [0, 150_000])
def test_hermes_agent_93469_the_whole_request_moves_to_the_higher_tier(
    provider: str, model: str, highest_at_base: int, base: str, above: str, cached: int
) -> None:
    """NousResearch/hermes-agent#93469, BerriAI/litellm PR#10597; xAI's tier begins at its number, the others' above."""
    reads = {"google": ("0.2", "0.4"), "openai": ("0.25", "0.5"), "x-ai": ("0.2", "0.4")}[provider]
    for total in (199_999, highest_at_base, highest_at_base + 1):
        high = total > highest_at_base
        plain = Decimal(above if high else base) * (total - cached)
        by_hand = plain + Decimal(reads[high]) * cached
        usage = Usage(input_tokens=total, cached_tokens=cached, output_tokens=0)
        assert cost(usage, model, provider) == int(by_hand * 1000), total


@settings(derandomize=True, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            name: st.none() | st.integers(-10, 10**7)
            for name in ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
        }
    )
)
def test_new_api_5003_contradictory_counts_cost_nothing_below_nought(counts: dict[str, int | None]) -> None:
    """QuantumNous/new-api#5003: more cached than read gave negative tokens and a negative cost."""
    priced = PRICING.price("anthropic", "claude-opus-4-6", Usage(**counts), AT_US)
    assert priced.cost_nano is not None and priced.cost_nano >= 0


@pytest.mark.parametrize("seen", ["nothing", "text", "thinking"])
def test_ccusage_866_what_the_provider_did_not_count_is_never_called_its_count(seen: str) -> None:
    """ccusage#866, #938: placeholders of a log passed for counts; output was 2.7 to 17 times too low."""
    whole = claude_stream({"input_tokens": 7}, {"output_tokens": 9})
    pieces = whole.split(b"\n\n")
    upto = {"nothing": 1, "text": 3, "thinking": 2}[seen]
    usage, source = tallied("anthropic", b"\n\n".join(pieces[:upto]) + b"\n\n")
    assert source == "partial" and usage.input_tokens == 7
    assert (
        tallied("openai_chat", b'data: {"choices": [{"index": 0, "delta": {"content": "Yes."}}]}\n\n')[1]
        == "estimated"
    )


def test_bifrost_4484_a_responses_stream_has_the_counts_of_its_last_event() -> None:
    """maximhq/bifrost#4484, #4846: every streamed row had nought tokens while the wire was right."""
    response = {
        "id": "resp_1",
        "object": "response",
        "model": "gpt-5.4",
        "status": "completed",
        "output": [],
        "usage": {
            "input_tokens": 30,
            "input_tokens_details": {"cached_tokens": 12},
            "output_tokens": 40,
            "output_tokens_details": {"reasoning_tokens": 25},
            "total_tokens": 70,
        },
    }
    begun = {**response, "status": "in_progress", "usage": None}
    stream = b"".join(
        f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': n, 'response': body})}\n\n".encode()
        for n, (kind, body) in enumerate((("response.created", begun), ("response.completed", response)))
    )
    usage, source = tallied("openai_responses", stream)
    assert source == "provider"
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (30, 12, 40, 25)
