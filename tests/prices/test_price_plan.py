"""What is counted, at which price, and that each token is counted once: by hand, unit by unit."""

from decimal import Decimal

import pytest

from gateway.model import Usage
from gateway.price_records import UnitPrices
from gateway.prices.price_plan import NoUnitPrice, Plan, amounts, cost, count, own_plan, rounded, scaled

WHOLE = Usage(
    input_tokens=1000,
    cached_tokens=100,
    cache_write_tokens=200,
    cache_write_5m_tokens=120,
    cache_write_1h_tokens=50,
    input_audio_tokens=40,
    output_tokens=500,
    reasoning_tokens=100,
    output_audio_tokens=60,
    web_searches=3,
)
PRICES = UnitPrices(
    input="1",
    cached="2",
    cache_write_5m="3",
    cache_write_1h="4",
    output="5",
    reasoning="6",
    input_audio="7",
    output_audio="8",
    web_search="9",
    file_search="2.5",
    map_search="25",
    code_container="0.03",
    request="0.25",
)
ZERO = dict.fromkeys(count(Usage()), 0)


def paid(plan: Plan, usage: Usage) -> dict[str, tuple[int, Decimal, int | None]]:
    return {each.unit.usage_key: (each.count, each.nano, each.tier_start) for each in amounts(plan, count(usage))}


COUNTS = {
    "nothing": (Usage(), {}),
    "negative": (Usage(input_tokens=-5, cached_tokens=-2, output_tokens=-1, web_searches=-3), {}),
    "negative parts": (Usage(input_tokens=9, cached_tokens=-2, output_tokens=4), {"input": 9, "output": 4}),
    "input not said": (
        Usage(cached_tokens=3, cache_write_tokens=4),
        {"input": 7, "cache_read": 3, "cache_write": 4},
    ),
    "cached beyond input": (
        Usage(input_tokens=5, cached_tokens=10, cache_write_tokens=2),
        {"input": 5, "cache_read": 5},
    ),
    "written beyond the rest": (
        Usage(input_tokens=5, cached_tokens=2, cache_write_tokens=4),
        {"input": 5, "cache_read": 2, "cache_write": 3},
    ),
    "written by lifetimes alone": (
        Usage(input_tokens=10, cache_write_5m_tokens=2, cache_write_1h_tokens=3),
        {"input": 10, "cache_write": 5, "cache_write_5m": 2, "cache_write_1h": 3},
    ),
    "lifetimes beyond what was written": (
        Usage(input_tokens=6, cache_write_tokens=1, cache_write_5m_tokens=4, cache_write_1h_tokens=4),
        {"input": 6, "cache_write": 6, "cache_write_5m": 2, "cache_write_1h": 4},
    ),
    "an hour beyond all": (
        Usage(input_tokens=4, cache_write_1h_tokens=9),
        {"input": 4, "cache_write": 4, "cache_write_1h": 4},
    ),
    "audio in the cache": (
        Usage(input_tokens=9, cached_tokens=3, cache_write_tokens=2, input_audio_tokens=7),
        {"input": 9, "cache_read": 3, "cache_write": 2, "input_audio": 4},
    ),
    "audio beyond output": (
        Usage(output_tokens=5, output_audio_tokens=9, reasoning_tokens=4),
        {"output": 5, "output_audio": 5},
    ),
    "reasoning beside audio": (
        Usage(output_tokens=5, output_audio_tokens=2, reasoning_tokens=4),
        {"output": 5, "output_audio": 2, "output_reasoning": 3},
    ),
}


@pytest.mark.parametrize(("usage", "expected"), COUNTS.values(), ids=COUNTS)
def test_no_part_is_larger_than_its_whole(usage: Usage, expected: dict[str, int]) -> None:
    assert count(usage) == ZERO | {f"{name}_tokens": number for name, number in expected.items()}


def test_each_token_is_in_one_amount_at_its_own_price() -> None:
    per_token = {
        "cache_write_5m_tokens": (120, 3000),
        "cache_write_1h_tokens": (50, 4000),
        "cache_write_tokens": (30, 3000),
        "cache_read_tokens": (100, 2000),
        "input_audio_tokens": (40, 7000),
        "input_tokens": (660, 1000),
        "output_reasoning_tokens": (100, 6000),
        "output_audio_tokens": (60, 8000),
        "output_tokens": (340, 5000),
        "web_searches": (3, 9_000_000),
        "requests": (1, 250_000_000),
    }
    expected = {key: (number, Decimal(nano), None) for key, (number, nano) in per_token.items()}
    assert paid(own_plan(PRICES), WHOLE) == expected
    assert cost(own_plan(PRICES), count(WHOLE)) == sum(number * nano for number, nano in per_token.values())


def test_what_has_no_price_of_its_own_costs_what_is_less_specific() -> None:
    found = paid(own_plan(UnitPrices(input="1", output="5", web_search="9")), WHOLE)
    assert {key: nano for key, (_, nano, _) in found.items()} == {
        **{key: 1000 for key in count(WHOLE) if key.startswith(("input", "cache"))},
        **{key: 5000 for key in count(WHOLE) if key.startswith("output")},
        "web_searches": 9_000_000,
    }
    assert sum(number for number, _, _ in found.values()) == 1503
    written = paid(own_plan(UnitPrices(input="1", output="5", cache_write_5m="3", web_search="9")), WHOLE)
    assert {key: nano for key, (_, nano, _) in written.items() if "write" in key} == {
        "cache_write_5m_tokens": 3000,
        "cache_write_1h_tokens": 3000,
        "cache_write_tokens": 3000,
    }


@pytest.mark.parametrize(("prices", "key"), [(UnitPrices(input="1"), "output"), (UnitPrices(output="1"), "input")])
def test_what_was_used_without_a_price_is_no_cost(prices: UnitPrices, key: str) -> None:
    with pytest.raises(NoUnitPrice, match=f"{key}_tokens"):
        cost(own_plan(prices), count(Usage(input_tokens=1, output_tokens=1)))
    used = Usage(input_tokens=0 if key == "input" else 1, output_tokens=0 if key == "output" else 1)
    assert cost(own_plan(prices), count(used)) == 1000


def test_a_tier_moves_the_whole_request() -> None:
    plan = own_plan(PRICES, 1000, UnitPrices(input="10", output="50"))
    base = paid(plan, WHOLE)
    assert base == paid(own_plan(PRICES), WHOLE)
    above = paid(plan, Usage(input_tokens=1001, cached_tokens=100, output_tokens=5))
    assert above == {
        "cache_read_tokens": (100, Decimal(10_000), 1000),
        "input_tokens": (901, Decimal(10_000), 1000),
        "output_tokens": (5, Decimal(50_000), 1000),
        "requests": (1, Decimal(250_000_000), None),
    }
    assert own_plan(PRICES, 1000, None) == own_plan(PRICES, None, PRICES) == own_plan(PRICES)


def test_a_factor_is_for_tokens_alone() -> None:
    plan = own_plan(PRICES, 1000, UnitPrices(input="10"))
    half = scaled(plan, Decimal("0.5"))
    for before, after in zip(plan, half, strict=True):
        of_tokens = before.usage_key.endswith("_tokens")
        factor = Decimal("0.5") if of_tokens else Decimal(1)
        assert after.nano is not None and before.nano is not None and after.nano == before.nano * factor
        assert after.tiers == tuple((start, None if nano is None else nano * factor) for start, nano in before.tiers)
        assert (after.usage_key, after.inside, after.per) == (before.usage_key, before.inside, before.per)
    assert [
        unit.nano for unit in scaled(own_plan(UnitPrices(input="1")), Decimal(2)) if unit.usage_key[:6] == "output"
    ] == [
        None,
        None,
        None,
    ]


def test_a_cost_is_rounded_once_to_the_even_neighbour() -> None:
    plan = own_plan(UnitPrices(input="0.0005", output="0.0005"))
    costs = [rounded(cost(plan, count(Usage(input_tokens=number, output_tokens=1)))) for number in (0, 1, 2, 3, 4)]
    # Halves of a nano-dollar each, added up before they are rounded.
    assert costs == [0, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("audio", "media", "found"),
    [
        # Of a hundred tokens in and fifty out: audio and reasoning have what images and video leave.
        (90, {"input_image": 60, "input_video": 20, "output_image": 10, "output_video": 3}, (60, 20, 20, 10, 3, 37)),
        (90, {"input_image": 60, "input_video": 60}, (60, 40, 0, 0, 0, 45)),
        (90, {"input_video": 120, "output_video": 120}, (0, 100, 0, 0, 50, 0)),
        (15, {"input_image": -1, "output_image": 40, "output_video": 40}, (0, 0, 15, 40, 10, 0)),
        (15, {"file_searches": 1}, (0, 0, 15, 0, 0, 45)),
    ],
)
def test_media_take_no_more_than_there_was(audio: int, media: dict[str, int], found: tuple[int, ...]) -> None:
    usage = Usage(
        input_tokens=100,
        input_audio_tokens=audio,
        output_tokens=50,
        reasoning_tokens=45,
        rare_counts=tuple(media.items()),
    )
    counts = count(usage)
    names = ("input_image", "input_video", "input_audio", "output_image", "output_video", "output_reasoning")
    assert tuple(counts[f"{name}_tokens"] for name in names) == found
