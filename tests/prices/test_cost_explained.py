"""How the answer says that it was served, and a cost's arithmetic: it adds up to the row's cost, or says why not."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.configuration.extra_providers import ExtraPrice
from gateway.model import Usage
from gateway.price_records import (
    CostExplanation,
    CostPart,
    PriceOverride,
    UnitPrices,
)
from gateway.prices.cost_parts import Share, explained, unit_rows
from gateway.prices.price_plan import Unit
from gateway.prices.pricing import Pricing, usage_of
from gateway.records import ExchangeRecord

AT_US = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * 1_000_000
PRICING = Pricing({"local": {"llama": ExtraPrice(input=0.1, cached=0.03, output=0.4)}})
USED = Usage(input_tokens=1000, output_tokens=100)
STANDARD = {"gpt-4.1": 2_800_000, "claude-opus-5-5": 6_000_000, "claude-haiku-4-5": 1_500_000, "grok-4.3": 1_500_000}
MAKERS = {"gpt-4.1": "openai", "claude-opus-5-5": "anthropic", "claude-haiku-4-5": "anthropic", "grok-4.3": "x-ai"}


@pytest.mark.parametrize(
    ("model", "served", "cost", "fuzzy"),
    [
        ("gpt-4.1", {"service_tier": "default"}, 2_800_000, False),
        ("gpt-4.1", {"service_tier": "auto"}, 2_800_000, False),
        # 3.5 and 14 dollars per million.
        ("gpt-4.1", {"service_tier": "priority"}, 1000 * 3500 + 100 * 14_000, False),
        ("gpt-4.1", {"service_tier": "batch"}, 1000 * 1000 + 100 * 4000, False),
        ("gpt-4.1", {"service_tier": "flex"}, 2_800_000, True),
        ("gpt-4.1", {"service_tier": "scale"}, 2_800_000, True),
        ("claude-opus-5-5", {"service_tier": "standard", "speed": "standard"}, 6_000_000, False),
        ("claude-opus-5-5", {"speed": "fast"}, 1000 * 8000 + 100 * 40_000, False),
        ("claude-opus-5-5", {"service_tier": "batch"}, 1000 * 2000 + 100 * 10_000, False),
        ("claude-opus-5-5", {"service_tier": "priority"}, 6_000_000, True),
        ("claude-haiku-4-5", {"speed": "fast"}, 1_500_000, True),
        ("claude-opus-5-5", {"inference_geo": "us"}, 6_600_000, False),
        ("claude-opus-5-5", {"inference_geo": "global"}, 6_000_000, False),
        ("claude-opus-5-5", {"inference_geo": "us", "service_tier": "batch"}, 3_300_000, False),
        ("claude-opus-5-5", {"inference_geo": "mars"}, 6_000_000, True),
        ("claude-haiku-4-5", {"inference_geo": "us"}, 1_500_000, False),
        ("gpt-4.1", {"inference_geo": "us"}, 2_800_000, True),
        ("grok-4.3", {"service_tier": "priority"}, 1_500_000, True),
    ],
)
def test_how_an_answer_was_served_is_priced_or_flagged(
    model: str, served: dict[str, str], cost: int, fuzzy: bool
) -> None:
    priced = PRICING.price(MAKERS[model], model, replace(USED, **served), AT_US)
    assert (priced.cost_nano, priced.fuzzy, priced.source) == (cost, fuzzy, "list")


def test_a_tier_has_its_price_from_its_own_day() -> None:
    october = int(datetime(2026, 10, 11, tzinfo=UTC).timestamp()) * 1_000_000
    served = replace(USED, service_tier="priority")
    before, after = (PRICING.price("openai", "gpt-4.1", served, at) for at in (october, october + 86_400_000_000))
    assert (before.cost_nano, before.fuzzy, after.cost_nano, after.fuzzy) == (2_800_000, True, 4_900_000, False)


def test_searches_keep_their_price_where_inference_costs_more() -> None:
    searched = replace(USED, web_searches=2, inference_geo="us")
    assert PRICING.price("anthropic", "claude-opus-5-5", searched, AT_US).cost_nano == 6_600_000 + 20_000_000


@pytest.mark.parametrize(
    ("model", "searches", "dollars"), [("gemini-2.5-pro", 5, "0.035"), ("gemini-4-argon", 5, "0.07")]
)
def test_an_answer_of_gemini_2_bills_its_searches_once(model: str, searches: int, dollars: str) -> None:
    priced = PRICING.price("google", model, Usage(input_tokens=0, web_searches=searches), AT_US)
    assert priced.cost_nano == Decimal(dollars) * 10**9


@pytest.mark.parametrize(
    ("provider", "model", "used", "fuzzy"),
    [
        ("openai", "gpt-4.1", Usage(input_tokens=10, input_audio_tokens=4), True),
        ("openai", "gpt-4.1", Usage(output_tokens=10, output_audio_tokens=4), True),
        ("openai", "gpt-4.1", Usage(input_tokens=10, input_audio_tokens=0), False),
        ("openai", "gpt-audio", Usage(input_tokens=10, input_audio_tokens=4), False),
        ("openai", "gpt-audio", Usage(output_tokens=10, output_audio_tokens=4), False),
        ("google", "gemini-2.5-flash", Usage(input_tokens=10, input_audio_tokens=4), False),
        # Google lists one price where audio costs what text does.
        ("google", "gemini-3.1-pro-preview", Usage(input_tokens=10, input_audio_tokens=4), False),
        ("openai", "gpt-5.6-sol", Usage(input_tokens=10, cache_write_tokens=4), False),
        ("openai", "gpt-5.6-sol", Usage(input_tokens=10, cache_write_tokens=4, cache_write_12h_tokens=4), True),
    ],
)
def test_what_the_list_has_no_price_of_its_own_for_is_flagged(
    provider: str, model: str, used: Usage, fuzzy: bool
) -> None:
    priced = PRICING.price(provider, model, used, AT_US)
    assert priced.cost_nano is not None
    assert priced.fuzzy is fuzzy


def row(price_provider: str, model: str, used: Usage, pricing: Pricing = PRICING, **fields: Any) -> ExchangeRecord:
    provider = fields.pop("provider", price_provider)
    priced = pricing.price(price_provider, model, used, AT_US, provider=provider, asked=model)
    said = {name: getattr(used, name) for name in Usage.__struct_fields__ if name in ExchangeRecord.__struct_fields__}
    told = {"cost_nano": priced.cost_nano, "cost_source": priced.source, "price_id": priced.price_id}
    return ExchangeRecord(
        **{"id": "r", "started_us": AT_US, "door": "d", "key_id": "k", "key": "k", "provider": provider}
        | {"model": model, "price_fuzzy": priced.fuzzy, **said, **told, **fields}
    )


def adds_up(explanation: CostExplanation) -> None:
    parts = sum((Decimal(part.amount_nano) for part in explanation.parts), Decimal(0))
    assert str(parts.normalize()) == str(Decimal(explanation.exact_nano or "0").normalize())
    assert int(parts.to_integral_value(ROUND_HALF_EVEN)) == explanation.cost_nano
    for part in explanation.parts:
        assert Decimal(part.amount_nano) * part.per == part.count * Decimal(part.price_usd) * 10**9


FULL = Usage(
    input_tokens=1000, cached_tokens=300, cache_write_tokens=200, cache_write_5m_tokens=150,
    cache_write_1h_tokens=50, output_tokens=90, reasoning_tokens=40, web_searches=2,
)  # fmt: skip


def test_the_parts_of_a_cost() -> None:
    explanation = PRICING.explain("anthropic", row("anthropic", "claude-opus-4-6", FULL))
    assert explanation.parts == (
        CostPart(unit="cache write, 1 hour", count=50, price_usd="10", per=1_000_000, amount_nano="500000"),
        CostPart(unit="cached", count=300, price_usd="0.5", per=1_000_000, amount_nano="150000"),
        CostPart(unit="cache write", count=150, price_usd="6.25", per=1_000_000, amount_nano="937500"),
        CostPart(unit="input", count=500, price_usd="5", per=1_000_000, amount_nano="2500000"),
        CostPart(unit="output", count=90, price_usd="25", per=1_000_000, amount_nano="2250000"),
        CostPart(unit="web searches", count=2, price_usd="10", per=1000, amount_nano="20000000"),
    )
    assert (explanation.exact_nano, explanation.cost_nano) == ("26337500", 26_337_500)
    assert (explanation.tier_above, explanation.notes) == (None, ())
    assert explanation.price_list is not None and explanation.price_list.version


def test_the_tier_the_rounding_and_the_doubts_of_a_cost() -> None:
    tiered = PRICING.explain("google", row("google", "gemini-2.5-pro", Usage(input_tokens=200_001, output_tokens=1)))
    assert (tiered.tier_above, tiered.parts[0].price_usd) == (200_000, "2.5")
    adds_up(tiered)
    # 1 token at 0.025 dollars per million is 25 nano-dollars; 0.0025 would be half of one.
    odd = PRICING.explain("", row("", "llama", Usage(input_tokens=3, cached_tokens=1), provider="local"))
    assert (odd.exact_nano, odd.cost_nano, odd.price_id) == ("230", 230, "local/llama")
    flagged = PRICING.explain("openai", row("openai", "gpt-4.1", replace(USED, service_tier="flex")))
    assert flagged.fuzzy
    assert flagged.notes == ("The list has no price for service tier flex: it counts at the standard price.",)
    kept = Usage(input_tokens=10, cache_write_tokens=4, cache_write_12h_tokens=4)
    half_day = PRICING.explain("openai", row("openai", "gpt-5.6-sol", kept))
    assert half_day.notes == ("The list has no price for cache writes of 12 hours: it counts at the standard price.",)
    named = PRICING.explain("anthropic", row("anthropic", "claude-opus-4-60", USED))
    assert named.notes == ("The list does not know claude-opus-4-60: the price is that of claude-opus-4-6.",)


def test_every_kind_of_row_adds_up_or_says_why_it_does_not() -> None:
    for provider, model in (
        ("anthropic", "claude-opus-4-6"),
        ("openai", "gpt-5.6-sol"),
        ("google", "gemini-2.5-flash"),
    ):
        for used in (FULL, USED, replace(USED, input_tokens=300_001, input_audio_tokens=7)):
            for served in ({}, {"service_tier": "priority"}, {"inference_geo": "us"}, {"speed": "fast"}):
                record = row(provider, model, replace(used, **served))
                explanation = PRICING.explain(provider, record)
                assert explanation.parts
                adds_up(explanation)
    nothing = PRICING.explain("openai", row("openai", "gpt-4.1", Usage()))
    assert (nothing.parts, nothing.notes) == ((), ("Nothing that is billed was used.",))
    told = PRICING.explain("x-ai", row("x-ai", "grok-4.3", replace(USED, cost_nano=7)))
    assert (told.cost_nano, told.notes) == (7, ("The provider gave this figure with its answer.",))
    unknown = PRICING.explain("openai", row("openai", "gpt-6.2-sol", USED))
    assert (unknown.cost_nano, unknown.notes) == (None, ("No price is known, so it counts in no sum.",))
    changed = PRICING.explain("openai", row("openai", "gpt-4.1", USED, cost_nano=1))
    assert changed.parts == () and changed.exact_nano is None
    assert "the prices have changed" in changed.notes[0]


def test_an_override_explains_what_it_priced_also_when_it_is_removed() -> None:
    pricing = Pricing()
    own = PriceOverride(
        id=3,
        created_us=1,
        provider="openai",
        model="*",
        prices=UnitPrices(input="0.3335", output="0", request="0.01"),
    )
    pricing.use_overrides([own])
    record = row("openai", "gpt-4.1", Usage(input_tokens=3, output_tokens=1), pricing)
    # 1000.5 nano-dollars for the tokens: half goes to the even one.
    assert (record.cost_nano, record.price_id) == (10_001_000, "override:3")
    for overrides in ([own], [replace(own, removed_us=9)]):
        pricing.use_overrides(overrides)
        explanation = pricing.explain("openai", record)
        assert (explanation.exact_nano, explanation.price_list) == ("10001000.5", None)
        assert explanation.parts[-1] == CostPart(
            unit="request", count=1, price_usd="0.01", per=1, amount_nano="10000000"
        )
        adds_up(explanation)
    pricing.use_overrides([])
    assert pricing.explain("openai", record).notes == ("The price of yours that it had is gone.",)


def test_a_row_says_all_that_its_price_follows_from() -> None:
    served = replace(FULL, service_tier="priority", speed="fast", inference_geo="us", input_audio_tokens=3)
    kept = usage_of(row("anthropic", "claude-opus-5-5", served))
    assert kept == served


@pytest.mark.parametrize(
    ("used", "lacking"),
    [
        ({"input_audio_tokens": 7}, ["audio input"]),
        ({"output_audio_tokens": 7}, ["audio output"]),
        ({"input_audio_tokens": 7, "output_audio_tokens": 7}, ["audio input", "audio output"]),
        ({}, []),
    ],
)
def test_only_audio_that_was_used_is_told_to_have_no_price_of_its_own(
    used: dict[str, int], lacking: list[str]
) -> None:
    explanation = PRICING.explain("openai", row("openai", "gpt-4.1", replace(USED, **used)))
    words = [f"The list has no price for {each}: it counts at the standard price." for each in lacking]
    assert (list(explanation.notes), explanation.fuzzy) == (words, bool(lacking))


def test_what_a_provider_says_that_it_gave_back_costs_nothing() -> None:
    assert [
        PRICING.price("x-ai", "grok-4.3", replace(USED, cost_nano=nano), AT_US).cost_nano for nano in (-5, 0, 5)
    ] == [
        0,
        0,
        5,
    ]


def test_a_cost_is_explained_by_the_price_that_it_had_while_the_list_has_that() -> None:
    gone = PRICING.explain("openai", replace(row("openai", "gpt-4.1", USED), model="gone", price_id="gone"))
    assert (gone.parts, gone.exact_nano, gone.cost_nano) == ((), None, STANDARD["gpt-4.1"])
    assert (gone.price_list, gone.notes) == (PRICING.list_state, ("The list of prices no longer has this model.",))
    # The list knows a row's model by another name than when it priced it, or the row by none.
    for model in ("claude-haiku-4-5", None):
        kept = PRICING.explain("anthropic", replace(row("anthropic", "claude-opus-5-5", USED), model=model))
        assert (kept.exact_nano, kept.notes) == (str(STANDARD["claude-opus-5-5"]), ())


@pytest.mark.parametrize(
    ("written", "hour", "minutes"),
    [(5, 0, 5), (5, 2, 3), (5, 5, 0), (2, 5, 0), (5, -3, 5), (None, 3, None), (5, None, None)],
)
def test_what_was_written_for_an_hour_was_not_for_five_minutes(
    written: int | None, hour: int | None, minutes: int | None
) -> None:
    kept = row("openai", "gpt-4.1", USED, cache_write_tokens=written, cache_write_1h_tokens=hour)
    assert usage_of(kept).cache_write_5m_tokens == minutes


def test_the_tier_that_is_told_is_that_of_the_model_that_answered() -> None:
    def unit(start: int) -> Unit:
        return Unit("input_tokens", Decimal(1), ((start, Decimal(2)),))

    shares = [Share((unit(10),), {"input_tokens": 11}), Share((unit(50),), {"input_tokens": 60}, " of another")]
    told = explained(CostExplanation(cost_nano=142, source="list"), shares)
    assert (told.exact_nano, told.tier_above) == ("142", 10)
    assert [part.unit for part in told.parts] == ["input", "input of another"]
    assert explained(CostExplanation(cost_nano=120, source="list"), shares[1:]).tier_above is None
    for cost in (None, 141):
        other = explained(CostExplanation(cost_nano=cost, source="list"), shares)
        assert (other.parts, other.exact_nano) == ((), None) and other.notes[0].startswith("Its cost is not what")


def test_units_that_nobody_has_a_word_for_are_not_shown() -> None:
    plan = (Unit("input_tokens", Decimal(1)), Unit("moon_dust", Decimal(1)), Unit("output_tokens", Decimal(2)))
    assert [price.unit for price in unit_rows(plan)] == ["output", "input"]
