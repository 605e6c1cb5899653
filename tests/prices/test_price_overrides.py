"""The user's own prices: which one counts, what it leaves open, and that its arithmetic adds up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.configuration.extra_providers import ExtraPrice
from gateway.model import MEDIA, Usage
from gateway.price_records import PriceOverride, UnitPrices
from gateway.prices.price_plan import amounts, count, own_plan
from gateway.prices.pricing import NO_PRICE, Pricing

NOVEMBER, DECEMBER = 1_793_491_200_000_000, 1_796_083_200_000_000
WHOLE = UnitPrices(
    input="2", cached="0.2", cache_write_5m="2.5", cache_write_1h="4", output="10", reasoning="12", input_audio="3",
    output_audio="20", web_search="10", request="0.001",
)  # fmt: skip
USED = Usage(input_tokens=1000, output_tokens=100)


def override(id: int, prices: UnitPrices = WHOLE, **fields: Any) -> PriceOverride:
    return PriceOverride(
        **{"provider": "openai", "model": "gpt-4.1", "created_us": 1, "id": id, "prices": prices, **fields}
    )


def priced_by(overrides: list[PriceOverride], at_us: int = DECEMBER, usage: Usage = USED, **asked: str) -> Any:
    pricing = Pricing({"openai": {"gpt-4.1": ExtraPrice(input=7, output=7)}})
    pricing.use_overrides(overrides)
    named = {"provider": "openai", "model": "gpt-4.1", "asked": "gpt-4.1", **asked}
    return pricing.price("openai", named["model"], usage, at_us, provider=named["provider"], asked=named["asked"])


def test_each_unit_at_its_own_price() -> None:
    used = Usage(
        input_tokens=1000, cached_tokens=300, cache_write_tokens=250, cache_write_5m_tokens=100,
        cache_write_1h_tokens=50, input_audio_tokens=200, output_tokens=500, reasoning_tokens=100,
        output_audio_tokens=50, web_searches=3,
    )  # fmt: skip
    # Written: 100 for 5 minutes, 50 for an hour, 100 without a lifetime, as for 5 minutes. Plain: 250 in, 350 out.
    dollars = Decimal(
        250 * 2_000 + 300 * 200 + 200 * 2_500 + 50 * 4_000 + 200 * 3_000 + 350 * 10_000 + 100 * 12_000 + 50 * 20_000
    )
    assert priced_by([override(1)], usage=used).cost_nano == dollars + 3 * 10_000_000 + 1_000_000


def test_what_is_not_given_costs_what_the_less_specific_unit_costs() -> None:
    used = Usage(
        input_tokens=1000, cached_tokens=300, cache_write_tokens=100, cache_write_1h_tokens=50,
        cache_write_5m_tokens=50, input_audio_tokens=10, output_tokens=100, reasoning_tokens=40, output_audio_tokens=5,
    )  # fmt: skip
    flat = UnitPrices(input="2", output="10")
    assert priced_by([override(1, flat)], usage=used).cost_nano == 1000 * 2_000 + 100 * 10_000
    written = UnitPrices(input="2", output="10", cache_write_5m="2.5")
    assert priced_by([override(1, written)], usage=used).cost_nano == 900 * 2_000 + 100 * 2_500 + 100 * 10_000


def test_what_is_used_and_has_no_price_leaves_no_price() -> None:
    for prices, used in (
        (UnitPrices(input="2"), USED),
        (UnitPrices(output="2"), USED),
        (UnitPrices(request="0.01"), USED),
    ):
        assert priced_by([override(1, prices)], usage=used) == NO_PRICE
    assert priced_by([override(1, UnitPrices(input="0", output="0"))]).cost_nano == 0


@pytest.mark.parametrize(
    ("overrides", "at_us", "price_id"),
    [
        ([override(1, valid_to_us=DECEMBER)], DECEMBER - 1, "override:1"),
        ([override(1, valid_to_us=DECEMBER)], DECEMBER, "openai/gpt-4.1"),
        ([override(1, valid_from_us=DECEMBER)], DECEMBER, "override:1"),
        ([override(1, valid_from_us=DECEMBER)], DECEMBER - 1, "openai/gpt-4.1"),
        # The one that began last; of two that began together, the one that was made last.
        ([override(1, valid_from_us=DECEMBER), override(2)], DECEMBER, "override:1"),
        ([override(1, valid_from_us=DECEMBER), override(2)], NOVEMBER, "override:2"),
        ([override(1), override(2)], DECEMBER, "override:2"),
        # The model's own before that of all models.
        ([override(1), override(2, model="*", valid_from_us=NOVEMBER)], DECEMBER, "override:1"),
        ([override(1, removed_us=5), override(2, model="*")], DECEMBER, "override:2"),
        ([override(1, removed_us=5)], DECEMBER, "openai/gpt-4.1"),
        ([override(1, provider="xai")], DECEMBER, "openai/gpt-4.1"),
        ([override(1, model="gpt-4.1-mini")], DECEMBER, "openai/gpt-4.1"),
    ],
)
def test_which_override_counts(overrides: list[PriceOverride], at_us: int, price_id: str) -> None:
    for rows in (overrides, overrides[::-1]):
        priced = priced_by(rows, at_us)
        assert (priced.price_id, priced.source, priced.fuzzy) == (price_id, "override", False)


def test_the_model_that_answered_then_the_one_that_was_asked() -> None:
    both = [override(1, model="grok-4.3", provider="xai"), override(2, model="grok-3", provider="xai")]
    assert priced_by(both, provider="xai", model="grok-4.3", asked="grok-3").price_id == "override:1"
    assert priced_by(both[1:], provider="xai", model="grok-4.3", asked="grok-3").price_id == "override:2"


def test_the_order_of_sources() -> None:
    """Override, the provider's own figure, the list at the request's date, none."""
    said = replace(USED, cost_nano=5)
    pricing = Pricing()
    orders = []
    for overrides in ([override(1)], []):
        pricing.use_overrides(overrides)
        for used in (said, USED):
            for model in ("gpt-4.1", "no-such-model"):
                priced = pricing.price("openai", model, used, DECEMBER, provider="openai", asked=model)
                orders.append(priced.source)
    assert orders == ["override", "provider", "override", "none", "provider", "provider", "list", "none"]


@pytest.mark.parametrize(("tokens", "rate"), [(199_999, 2_000), (200_000, 2_000), (200_001, 5_000)])
def test_the_whole_request_moves_to_the_tier_above_its_start(tokens: int, rate: int) -> None:
    tiered = override(
        1,
        UnitPrices(input="2", output="10"),
        tier_start=200_000,
        tier_prices=UnitPrices(input="5", output="10"),
    )
    cached = Usage(input_tokens=tokens, cached_tokens=150_000, output_tokens=0)
    assert priced_by([tiered], usage=cached).cost_nano == tokens * rate


PRICE = st.none() | st.decimals(0, 1000, places=6).map(str)
PRICES = st.builds(UnitPrices, **dict.fromkeys(UnitPrices.__struct_fields__, PRICE))


def tokens_by_medium() -> st.SearchStrategy[tuple[tuple[str, int], ...] | None]:
    return st.none() | st.lists(st.tuples(st.sampled_from(MEDIA), st.integers(-10, 400_000))).map(tuple)


COUNTS = {
    name: st.none() | st.integers(-10, 400_000)
    for name in Usage.__struct_fields__
    if name.endswith(("tokens", "searches"))
}


@settings(max_examples=80, deadline=None)
@given(
    prices=PRICES,
    tier=PRICES,
    used=st.builds(Usage, rare_counts=tokens_by_medium(), **COUNTS),
    more=st.integers(1, 100_000),
)
def test_costs_are_never_negative_and_each_token_counts_once(
    prices: UnitPrices, tier: UnitPrices, used: Usage, more: int
) -> None:
    whole = replace(prices, input="1", output="1", web_search="1")
    plan = own_plan(whole, 200_000, replace(tier, input="1", output="1", web_search="1"))
    counts = count(used)
    parts = list(amounts(plan, counts))
    assert all(part.count > 0 and part.nano >= 0 for part in parts)
    tokens = sum(part.count for part in parts if part.unit.usage_key.endswith("_tokens"))
    assert tokens == counts["input_tokens"] + counts["output_tokens"]
    flat = override(1, whole)
    before = priced_by([flat], usage=used).cost_nano
    for name in ("output_tokens", "web_searches"):
        larger = replace(used, **{name: max(0, getattr(used, name) or 0) + more})
        assert priced_by([flat], usage=larger).cost_nano >= before


def test_a_model_is_priced_by_ones_own_while_any_price_of_it_stands() -> None:
    pricing = Pricing({"local": {"llama": ExtraPrice(input=1, output=1)}})
    removed = override(1, model="gone", removed_us=5)
    both = [override(2, model="replaced", removed_us=5), override(3, model="replaced")]
    masked = override(4, provider="local", model="llama")
    for last in (masked, replace(masked, removed_us=5)):
        pricing.use_overrides([removed, *both, last])
        assert pricing.own_models() == (("local", "llama"), ("openai", "replaced"))
