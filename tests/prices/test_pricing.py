"""Prices: worked vectors, agreement with genai-prices' own calculation, and nothing negative whatever is counted."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices import types as price_types
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.configuration.extra_providers import ExtraPrice
from gateway.model import Usage
from gateway.price_records import PriceRow
from gateway.prices.pricing import NO_PRICE, Pricing
from gateway.records import ExchangeRecord
from tests.large_calls import cpu_costs

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
AT_US = int(AT.timestamp() * 1e6)
PRICING = Pricing()

MODELS = {
    "anthropic": "claude-opus-4-6 claude-sonnet-4-6 claude-haiku-4-5 claude-haiku-4-5-20251001 claude-opus-5-5 "
    "claude-sonnet-5-5 claude-haiku-5-5 claude-fable-5-2 claude-opus-5 claude-sonnet-5 claude-opus-4-8 "
    "claude-opus-4-5 claude-sonnet-4-5",
    "openai": "gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-4.1 gpt-4.1-mini gpt-4.1-nano o3 o4-mini gpt-4o gpt-4o-mini "
    "gpt-5 gpt-5-mini gpt-5.2 gpt-5.3-codex gpt-5.5 gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna gpt-6-sol gpt-6-luna "
    "gpt-6-astra gpt-6.1-sol gpt-6.1-terra text-embedding-3-small text-embedding-3-large text-embedding-ada-002",
    "google": "gemini-3.1-pro-preview gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini-2.0-flash "
    "gemini-3-flash-preview gemini-3.1-flash-lite gemini-3.5-flash gemini-3.5-flash-lite gemini-3.6-flash "
    "gemini-3.8-flash gemini-4-argon gemini-embedding-001",
    "x-ai": "grok-4-1-fast-reasoning grok-4-1-fast-non-reasoning grok-3 grok-3-mini grok-4.3 "
    "grok-4.5 grok-4.6 grok-4.7 grok-build-0.1",
}
PAIRS = [(provider, model) for provider, names in MODELS.items() for model in names.split()]


def usage(**counts: Any) -> Usage:
    return Usage(**{"input_tokens": 0, "output_tokens": 0, **counts})


def nano(dollars: str) -> int:
    return int(Decimal(dollars) * 1_000_000_000)


VECTORS = [
    ("anthropic", "claude-opus-4-6", usage(input_tokens=10_000, cached_tokens=4_000, cache_write_tokens=3_000, cache_write_5m_tokens=2_000, cache_write_1h_tokens=1_000, output_tokens=500), "0.0520"),
    ("anthropic", "claude-opus-4-6", usage(input_tokens=300_000, output_tokens=1_000), "1.525"),
    ("anthropic", "claude-haiku-4-5", usage(input_tokens=1_000, output_tokens=1_000), "0.006"),
    ("openai", "gpt-5.4", usage(input_tokens=272_000, output_tokens=1_000), "0.695"),
    ("openai", "gpt-5.4", usage(input_tokens=272_001, output_tokens=1_000), "1.382505"),
    ("openai", "gpt-4.1", usage(input_tokens=10_000, cached_tokens=6_000, output_tokens=1_000), "0.019"),
    ("openai", "o3", usage(input_tokens=1_000, output_tokens=2_000, reasoning_tokens=1_500), "0.018"),
    ("google", "gemini-3.1-pro-preview", usage(input_tokens=200_000, output_tokens=1_000), "0.412"),
    ("google", "gemini-3.1-pro-preview", usage(input_tokens=200_001, output_tokens=1_000), "0.818004"),
    ("google", "gemini-2.5-pro", usage(input_tokens=200_001, output_tokens=1_000), "0.5150025"),
    ("google", "gemini-2.5-flash", usage(input_tokens=1_000, input_audio_tokens=400, output_tokens=100), "0.00083"),
    ("x-ai", "grok-4-1-fast-reasoning", usage(input_tokens=1_000, output_tokens=1_000), "0.0007"),
    ("x-ai", "grok-4.3", usage(input_tokens=1_000, cached_tokens=500, output_tokens=1_000), "0.003225"),
    ("openai", "text-embedding-3-small", usage(input_tokens=1_000_000), "0.02"),
    # BerriAI/litellm#9812: input counts cached and written tokens once. 10 plain, 100 written, 1000 read.
    ("anthropic", "claude-opus-4-6", usage(input_tokens=1_110, cached_tokens=1_000, cache_write_tokens=100, cache_write_5m_tokens=100), "0.001175"),
    # BerriAI/litellm#14849: cached tokens are not billed a second time as input.
    ("google", "gemini-2.5-flash", usage(input_tokens=1_000, cached_tokens=800), "0.000084"),
    # QuantumNous/new-api#6353: a cache write without the split by lifetime is billed, as a five-minute one.
    ("anthropic", "claude-opus-4-6", usage(input_tokens=1_000, cache_write_tokens=1_000), "0.00625"),
    ("anthropic", "claude-opus-4-6", usage(input_tokens=1_000, cache_write_tokens=1_000, cache_write_1h_tokens=400), "0.00775"),
    ("anthropic", "claude-opus-4-6", usage(input_tokens=1_000, cache_write_5m_tokens=600, cache_write_1h_tokens=400), "0.00775"),
    ("anthropic", "claude-opus-4-6", usage(web_searches=2), "0.02"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "model", "used", "dollars"), VECTORS)
def test_worked_vectors(provider: str, model: str, used: Usage, dollars: str) -> None:
    priced = PRICING.price(provider, model, used, AT_US)
    assert (priced.cost_nano, priced.source, priced.price_id) == (nano(dollars), "list", model)


@pytest.mark.parametrize(
    ("provider", "model", "start", "above"),
    [("google", "gemini-3.1-pro-preview", 200_000, 2), ("openai", "gpt-5.4", 272_000, 2), ("x-ai", "grok-4.3", 199_999, 2), ("anthropic", "claude-haiku-5-5", 100_000, 5)],
)  # fmt: skip
def test_the_whole_request_moves_to_the_higher_tier(provider: str, model: str, start: int, above: int) -> None:
    """NousResearch/hermes-agent#93469, BerriAI/litellm PR#10597; cached tokens count towards the threshold."""
    for cached in (0, 1_000):
        at, over = (
            PRICING.price(provider, model, usage(input_tokens=n, cached_tokens=cached), AT_US).cost_nano
            for n in (start, start + 1)
        )
        assert at is not None and over is not None
        assert over == pytest.approx(at * above, rel=1e-3)


def reference(provider: str, model: str, counts: dict[str, int], context: dict[str, str] | None, at: datetime) -> int:
    calculated = genai_prices.calc_price(
        price_types.Usage(**counts), model, provider_id=provider, genai_request_timestamp=at, price_context=context
    )
    return round(calculated.total_price * 1_000_000_000)


@pytest.mark.parametrize(("provider", "model"), PAIRS)
@pytest.mark.parametrize("total", [1, 9_999, 100_001, 250_000, 300_001])
def test_equals_the_calculation_of_genai_prices(provider: str, model: str, total: int) -> None:
    read, write_5m, write_1h, output = total // 3, total // 7, total // 11, total // 5
    # Up to Gemini 2.x all searches of an answer bill as one.
    searches = 1 if (provider, model[:9]) in (("google", "gemini-2."),) else 3
    counts = {"input_tokens": total, "cache_read_tokens": read, "cache_write_tokens": write_5m + write_1h, "cache_write_5m_tokens": write_5m, "cache_write_1h_tokens": write_1h, "input_audio_tokens": total // 13, "cache_audio_read_tokens": 0, "cache_audio_write_tokens": 0, "output_tokens": output, "output_reasoning_tokens": output // 2, "web_searches": searches}  # fmt: skip
    used = Usage(input_tokens=total, cached_tokens=read, cache_write_tokens=write_5m + write_1h, cache_write_5m_tokens=write_5m, cache_write_1h_tokens=write_1h, input_audio_tokens=total // 13, output_tokens=output, reasoning_tokens=output // 2, web_searches=3)  # fmt: skip
    for at in (AT, datetime(2025, 10, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)):
        for tier, speed in ((None, None), ("priority", None), ("flex", None), ("default", None), (None, "fast")):
            context = {key: value for key, value in (("service_tier", tier), ("speed", speed)) if value} or None
            said = Usage(
                **{name: getattr(used, name) for name in Usage.__struct_fields__}
                | {"service_tier": tier, "speed": speed}
            )
            priced = PRICING.price(provider, model, said, int(at.timestamp() * 1e6))
            assert priced.cost_nano == reference(provider, model, counts, context, at)


def test_every_model_of_the_table_equals_genai_prices() -> None:
    counts = {"input_tokens": 250_000, "output_tokens": 1_000}
    for provider in get_snapshot().providers:
        if provider.id not in MODELS:
            continue
        for model in provider.models:
            if provider.find_model(model.id) is not model:
                continue
            priced = PRICING.price(provider.id, model.id, Usage(**counts), AT_US)
            assert priced.cost_nano == reference(provider.id, model.id, counts, None, AT), model.id


def test_the_provider_s_own_figure_wins() -> None:
    used = usage(input_tokens=1_000, output_tokens=1_000, cost_nano=123)
    assert PRICING.price("x-ai", "grok-4.3", used, AT_US).cost_nano == 123
    assert PRICING.price("x-ai", "no-such-model", used, AT_US).source == "provider"


def test_an_unknown_model_has_no_price_and_not_a_price_of_zero() -> None:
    """farion1231/cc-switch#2093."""
    for provider, model in (("openai", "gpt-6.2-sol"), ("openai", ""), ("no-such-provider", "gpt-4.1")):
        for _ in range(2):
            priced = PRICING.price(provider, model, usage(input_tokens=1), AT_US)
            assert (priced.cost_nano, priced.source, priced.price_id) == (None, "none", None)


@pytest.mark.parametrize("used", [Usage(), usage()])
def test_nothing_used_costs_nothing(used: Usage) -> None:
    priced = PRICING.price("openai", "gpt-4.1", used, AT_US)
    assert (priced.cost_nano, priced.source) == (0, "list")


def test_what_is_not_billed_costs_nothing() -> None:
    assert PRICING.price("anthropic", "claude-opus-4-6", usage(input_tokens=9), AT_US, free=True).cost_nano == 0


def test_prices_of_the_request_s_own_day() -> None:
    before = PRICING.price(
        "google",
        "gemini-4-argon",
        usage(input_tokens=1_000_000),
        int(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp() * 1e6),
    )
    after = PRICING.price(
        "google",
        "gemini-4-argon",
        usage(input_tokens=1_000_000),
        int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1e6),
    )
    assert (before.cost_nano, after.cost_nano) == (nano("2"), nano("4"))


@pytest.mark.parametrize(
    ("provider", "model", "price_id", "fuzzy"),
    [
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5", False),
        ("openai", "gpt-4o-2024-08-06", "gpt-4o", False),
        ("openai", "GPT-4o", "gpt-4o", False),
        ("x-ai", "grok-4-0709", "grok-4-0709", False),
        ("anthropic", "claude-opus-4-60", "claude-opus-4-6", True),
        ("openai", "gpt-5.1-chat-latest", "gpt-5.1", True),
        ("x-ai", "grok-4-1-fast", "grok-4-1-fast-reasoning", True),
    ],
)
def test_a_match_by_more_than_a_date_is_flagged(provider: str, model: str, price_id: str, fuzzy: bool) -> None:
    """genai-prices matches by prefix, so that a model to come could be priced as an old one unseen."""
    priced = PRICING.price(provider, model, usage(input_tokens=1), AT_US)
    assert (priced.price_id, priced.fuzzy) == (price_id, fuzzy)


def units(row: PriceRow) -> dict[tuple[str, int | None], str]:
    return {(price.unit, price.above): price.usd for price in row.prices}


def test_list_prices() -> None:
    row = PRICING.price_row("openai", "openai", "gpt-5.4", AT_US)
    assert (row.source, row.price_id, row.fuzzy) == ("list", "gpt-5.4", False)
    assert units(row) == {
        ("input", None): "2.5",
        ("input", 272_000): "5",
        ("cached", None): "0.25",
        ("cached", 272_000): "0.5",
        ("output", None): "15",
        ("output", 272_000): "22.5",
        ("web searches", None): "10",
        ("file searches", None): "2.5",
    }
    assert units(PRICING.price_row("openai", "openai", "text-embedding-3-small", AT_US)) == {("input", None): "0.02"}
    unknown = PRICING.price_row("openai", "openai", "gpt-6.2-sol", AT_US)
    assert (unknown.source, unknown.price_id, unknown.prices) == ("none", None, ())


def test_from_when_and_until_when_a_list_price_is_valid() -> None:
    december = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 1_000_000
    now = PRICING.price_row("google", "google", "gemini-4-argon", AT_US)
    then = PRICING.price_row("google", "google", "gemini-4-argon", december)
    assert (now.valid_to_us, then.valid_from_us, then.valid_to_us) == (december, december, None)
    assert (units(now)["input", None], units(then)["input", None]) == ("2", "4")


COUNT = st.one_of(st.none(), st.integers(-10, 400_000))


@settings(max_examples=60, deadline=None)
@given(
    pair=st.sampled_from(PAIRS),
    counts=st.fixed_dictionaries({
        name: COUNT
        for name in Usage.__struct_fields__
        if name not in ("cost_nano", "rare_counts", "service_tier", "speed", "inference_geo")
    }),
    more=st.integers(1, 100_000),
)  # fmt: skip
def test_cost_is_never_negative_and_grows_with_what_is_used(
    pair: tuple[str, str], counts: dict[str, int | None], more: int
) -> None:
    """QuantumNous/new-api#5003: more cached than input tokens made the cost negative."""
    priced = PRICING.price(*pair, Usage(**counts), AT_US)
    assert priced.cost_nano is not None and priced.cost_nano >= 0
    for name in ("output_tokens", "web_searches"):
        larger = PRICING.price(*pair, Usage(**{**counts, name: max(0, counts[name] or 0) + more}), AT_US)
        assert larger.cost_nano is not None and larger.cost_nano >= priced.cost_nano
    if counts["input_tokens"] is not None:
        larger = PRICING.price(
            *pair, Usage(**{**counts, "input_tokens": max(0, counts["input_tokens"]) + more}), AT_US
        )
        assert larger.cost_nano is not None and larger.cost_nano >= priced.cost_nano


def test_names_from_clients_do_not_fill_memory() -> None:
    pricing = Pricing()
    for n in range(5_000):
        pricing._list._matches[("openai", f"x{n}")] = None
    pricing.price("openai", "gpt-4.1", usage(input_tokens=1), AT_US)
    assert len(pricing._list._matches) == 1


def test_a_warm_price_is_cheap() -> None:
    """Beside genai-prices' own calculation (about 90 µs), whose checks a request need not repeat."""
    used = VECTORS[0][2]
    PRICING.price("anthropic", "claude-opus-4-6", used, AT_US)
    ours, theirs = cpu_costs(
        [
            lambda: [PRICING.price("anthropic", "claude-opus-4-6", used, AT_US) for _ in range(200)],
            lambda: [
                reference("anthropic", "claude-opus-4-6", {"input_tokens": 10_000}, None, AT) for _ in range(200)
            ],
        ],
        runs=4,
    )
    assert ours < theirs / 2


def test_what_the_list_is_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version stands in a file: a conversation of thousands of turns explains the price of each."""
    looked: list[str] = []
    monkeypatch.setattr("gateway.prices.price_list.version", lambda name: looked.append(name) or "1.2.3")
    pricing = Pricing()
    record = ExchangeRecord(
        id="r", started_us=AT_US, door="chat", key_id="", key="", provider="openai", model="gpt-4.1",
        price_id="gpt-4.1", cost_source="list", cost_nano=2_000, input_tokens=1, output_tokens=0,
    )  # fmt: skip
    told = [pricing.explain("openai", record).price_list for _ in range(3)]
    assert {state.version for state in told if state is not None} == {"1.2.3"}
    assert len(looked) == 1 and pricing.list_state is told[0]


OWN = Pricing(
    {
        "local": {
            "llama-3": ExtraPrice(input=0.1, output=0.4),
            "cachy": ExtraPrice(input=2, cached=0.2, cache_write=2.5, output=8),
            "half": ExtraPrice(input=1),
            "*": ExtraPrice(input=0.05, output=0.05),
        },
        "free": {"*": ExtraPrice(input=0, output=0)},
        "openai": {"gpt-4.1": ExtraPrice(input=1, output=1)},
    }
)


@pytest.mark.parametrize(
    ("provider", "model", "asked", "counts", "cost", "price_id"),
    [
        ("local", "llama-3", "llama-3", {"input_tokens": 5, "output_tokens": 2}, 1300, "local/llama-3"),
        # A third of a nano-dollar is never lost on the way, only at the end.
        ("local", "llama-3", "llama-3", {"input_tokens": 1_000_003, "output_tokens": 0}, 100_000_300, "local/llama-3"),
        ("local", "cachy", "cachy", {"input_tokens": 1000, "cached_tokens": 600, "cache_write_tokens": 100, "output_tokens": 10}, 300 * 2000 + 600 * 200 + 100 * 2500 + 10 * 8000, "local/cachy"),
        ("local", "llama-3", "llama-3", {"input_tokens": 1000, "cached_tokens": 600, "output_tokens": 0}, 100_000, "local/llama-3"),
        ("local", "half", "half", {"input_tokens": 7, "output_tokens": 0}, 7000, "local/half"),
        ("local", "another", "other", {"input_tokens": 20, "output_tokens": 20}, 2000, "local/*"),
        # A server that calls its model by the name of a file.
        ("local", "/models/llama.gguf", "llama-3", {"input_tokens": 5, "output_tokens": 2}, 1300, "local/llama-3"),
        ("local", "llama-3", "auto", {"input_tokens": 5, "output_tokens": 2}, 1300, "local/llama-3"),
        ("local", "llama-3", "llama-3", {}, 0, "local/llama-3"),
        ("free", "m", "m", {"input_tokens": 9, "output_tokens": 9}, 0, "free/*"),
        ("openai", "gpt-4.1", "gpt-4.1", {"input_tokens": 1, "output_tokens": 1}, 2000, "openai/gpt-4.1"),
    ],
)  # fmt: skip
def test_the_users_own_prices(
    provider: str, model: str, asked: str, counts: dict[str, int], cost: int, price_id: str
) -> None:
    priced = OWN.price("", model, usage(**counts), AT_US, provider=provider, asked=asked)
    assert (priced.cost_nano, priced.source, priced.price_id, priced.fuzzy) == (cost, "override", price_id, False)


def test_half_a_price_of_ones_own_is_none_where_the_other_half_is_used() -> None:
    used = usage(input_tokens=7, output_tokens=1)
    assert OWN.price("", "half", used, AT_US, provider="local", asked="half") == NO_PRICE
    assert OWN.price("", "gpt-4.1", used, AT_US, provider="elsewhere", asked="gpt-4.1") == NO_PRICE


def test_ones_own_price_comes_before_the_providers_figure_and_that_before_the_list() -> None:
    said = usage(input_tokens=5, output_tokens=2, cost_nano=7)
    own = OWN.price("", "llama-3", said, AT_US, provider="local")
    assert (own.cost_nano, own.source) == (1300, "override")
    told = OWN.price("openai", "gpt-4.1-mini", said, AT_US, provider="openai")
    assert (told.cost_nano, told.source, told.price_id) == (7, "provider", None)
    listed = OWN.price("openai", "gpt-4.1-mini", usage(input_tokens=5), AT_US, provider="openai")
    assert (listed.source, listed.price_id) == ("list", "gpt-4.1-mini")
    counted = OWN.price("", "llama-3", usage(input_tokens=5), AT_US, free=True, provider="local")
    assert (counted.cost_nano, counted.source) == (0, "list")


def test_own_prices_in_the_list_of_models() -> None:
    rows = {m: OWN.price_row("", "local", m, AT_US) for m in ("cachy", "half", "unheard-of")}
    assert [rows[m].price_id for m in rows] == ["local/cachy", "local/half", "local/*"]
    assert [units(rows[m]).get(("cached", None)) for m in rows] == ["0.2", "1", "0.05"]
    assert [units(rows[m]).get(("output", None)) for m in rows] == ["8", None, "0.05"]
    assert OWN.price_row("", "elsewhere", "cachy", AT_US).source == "none"


@pytest.mark.parametrize(
    ("model", "media"),
    [
        ("gemini-2.5-flash", {"cached_audio": 300, "input_image": 50}),
        ("gemini-2.5-flash-image", {"output_image": 400}),
        ("gemini-embedding-2", {"input_image": 50, "input_video": 70}),
        ("gemini-omni-flash-preview", {"output_video": 250}),
    ],
)
def test_media_cost_what_genai_prices_makes_of_them(model: str, media: dict[str, int]) -> None:
    """There audio that was cached counts as audio too; in ours each token is counted once."""
    read = 400 if "cached_audio" in media else 0
    counts = {"input_tokens": 900, "output_tokens": 500 if "embedding" not in model else 0}
    used = Usage(**counts, cached_tokens=read, input_audio_tokens=320, rare_counts=tuple(media.items()))
    theirs = {**counts, "cache_read_tokens": read, "input_audio_tokens": 320}
    theirs["cache_audio_read_tokens"] = media.pop("cached_audio", 0)
    theirs |= {f"{name}_tokens": count for name, count in media.items()}
    assert PRICING.price("google", model, used, AT_US).cost_nano == reference("google", model, theirs, None, AT)
