"""Prices as the gateway tells them: each for its own number of its own unit, in reading order, in dollars where they
leave the window."""

import csv
from decimal import Decimal
from io import StringIO

import pytest
from msgspec.structs import replace

from app.pages.compare_parts.rating_lines import answer_columns
from app.pages.compare_parts.rating_lines import model_columns as rated_columns
from app.pages.models_parts.details import facts
from app.pages.models_parts.lines import ModelLine, model_columns, price_changes
from app.price_words import LISTED
from app.tables.column import comma_separated, dollars, tab_separated
from gateway import PriceOverride, PriceRow, RatedModel, Summary, UnitPrices
from gateway.prices.cost_parts import UNIT_WORDS
from gateway.prices.pricing import Pricing

NOVEMBER_US = 1_795_000_000_000_000


def price_facts(row: PriceRow) -> list[tuple[str, str]]:
    told = facts(ModelLine(provider=row.provider, model=row.model, price=row), "UTC", "Anthropic")
    assert told[0] == ("Provider", "Anthropic")
    titles = tuple(LISTED.values())
    return [(title, text) for title, text in told if title.startswith(titles)]


def own(prices: UnitPrices) -> PriceRow:
    pricing = Pricing()
    pricing.use_overrides([PriceOverride(provider="openai", model="m", prices=prices, id=1, created_us=1)])
    return pricing.price_row("", "openai", "m", NOVEMBER_US)


def test_every_unit_that_the_gateway_tells_has_a_title() -> None:
    assert set(LISTED) == set(UNIT_WORDS.values())


def test_a_listed_models_prices_are_for_what_they_are_for() -> None:
    """Anthropic takes ten dollars for a thousand searches, and not for a million."""
    assert price_facts(Pricing().price_row("anthropic", "anthropic", "claude-sonnet-4-6", NOVEMBER_US)) == [
        ("Input", "$3.00 per 1M"),
        ("Cached input", "$0.30 per 1M"),
        ("Cache write", "$3.75 per 1M"),
        ("Cache write, 1 h", "$6.00 per 1M"),
        ("Output", "$15.00 per 1M"),
        ("Web searches", "$10.00 per 1,000"),
    ]


def test_a_price_of_ones_own_for_every_unit() -> None:
    prices = UnitPrices(
        input="2", cached="0.2", cache_write_5m="2.5", cache_write_1h="4", output="10", reasoning="12",
        input_audio="3", output_audio="20", web_search="10", request="0.001",
    )  # fmt: skip
    told = dict(price_facts(own(prices)))
    assert told["Audio input"] == "$3.00 per 1M" and told["Reasoning"] == "$12.00 per 1M"
    assert (told["Web searches"], told["Request"]) == ("$10.00 per 1,000", "$0.001")
    assert set(told) <= set(LISTED.values()) and len(told) >= 10


def test_a_price_is_told_whole() -> None:
    """Rounded as a cost is, it would read as another one, and its change as none."""
    before, after = (own(UnitPrices(input="2", cached=price)) for price in ("0.0375", "0.038"))
    assert dict(price_facts(before))["Cached input"] == "$0.0375 per 1M"
    assert price_changes([before], [after]) == ("m (openai): cached input $0.0375 → $0.038",)


def test_tiers_stand_behind_their_base() -> None:
    told = price_facts(Pricing().price_row("openai", "openai", "gpt-5.4", NOVEMBER_US))
    assert told[:2] == [("Input", "$2.50 per 1M"), ("Input above 272k", "$5.00 per 1M")]


def test_what_a_newer_list_changed_is_said_with_the_same_words() -> None:
    before, after = (own(UnitPrices(input="2", web_search=price)) for price in ("10", "12"))
    assert price_changes([before], [after]) == ("m (openai): web searches $10.00 → $12.00",)


@pytest.mark.parametrize(
    ("nano", "text"),
    [(4_250_000, "0.004250000"), (1, "0.000000001"), (0, "0.000000000"), (-1_500_000_000, "-1.500000000")],
)
def test_money_leaves_the_window_in_dollars(nano: int, text: str) -> None:
    line = ModelLine(provider="openai", model="m", price=own(UnitPrices(input="2.5")), usage=Summary(cost_nano=nano))
    (row,) = csv.DictReader(StringIO(comma_separated(model_columns(), [line])))
    assert (row["Cost (USD)"], row["Input (USD per 1M)"]) == (text, "2.500000000")
    assert Decimal(text) == Decimal(nano) / 10**9
    titles, values = (each.split("\t") for each in tab_separated(model_columns(), [line]).splitlines())
    assert values[titles.index("Cost (USD)")] == text


def test_means_and_times_have_their_units_too() -> None:
    model = RatedModel(
        provider=None, model="m", stars=4.0, ratings=2, cost_nano=2_500_000.4, ttft_us=1500.0, latency_us=2_000_000.0
    )
    (row,) = csv.DictReader(StringIO(comma_separated(rated_columns(len), [model])))
    assert (row["Cost (USD)"], row["TTFT (ms)"], row["Total (ms)"]) == ("0.002500000", "1.5", "2000.0")
    titles = [f"{column.title} ({column.unit})" for column in answer_columns(len) if column.unit]
    assert titles == ["TTFT (ms)", "Total (ms)", "Cost (USD)"]
    assert dollars(None) is None
    (unpriced,) = csv.DictReader(StringIO(comma_separated(model_columns(), [ModelLine(provider="p", model="m")])))
    assert unpriced["Input (USD per 1M)"] == unpriced["Cost (USD)"] == ""


def test_the_columns_of_prices_are_the_specifications_and_whole_in_the_smallest_window_as_far_as_the_cost() -> None:
    keys = [column.key for column in model_columns() if not column.optional]
    assert keys == [
        *("model", "provider", "input", "cached", "cache_write", "output", "source", "requests", "cost"),
        *("state", "context"),
    ]
    first = model_columns()[: keys.index("cost") + 1]
    bar = 12
    assert sum(column.width for column in first) == 1024 - 56 - 2 * 24 - 2 - bar, "and no sliver of the next"


def test_what_is_written_to_a_cache_has_a_column() -> None:
    column = next(column for column in model_columns() if column.key == "cache_write")
    listed = Pricing().price_row("anthropic", "anthropic", "claude-sonnet-4-6", NOVEMBER_US)
    mine = own(UnitPrices(input="2", cache_write_5m="2.5"))
    lines = [ModelLine(provider=row.provider, model=row.model, price=row) for row in (listed, mine)]
    lines.append(ModelLine(provider="p", model="m"))
    assert [column.text(line) for line in lines] == ["$3.750", "$2.500", "—"]


def test_a_prices_source_says_since_when_it_holds() -> None:
    source = next(column for column in model_columns(str, lambda: "Europe/Berlin") if column.key == "source")
    assert source.tooltip is not None
    dated = PriceRow(provider="p", model="m", source="override", valid_from_us=1_761_951_600_000_000)
    assert source.tooltip(ModelLine(provider="p", model="m", price=dated)) == "Edited, valid from 1 Nov 2025"
    listed = replace(dated, source="list", valid_from_us=None)
    assert source.tooltip(ModelLine(provider="p", model="m", price=listed)) == "List, valid always"
    assert source.tooltip(ModelLine(provider="p", model="m")) == ""
