"""≈ stands before each cost that holds estimates, wherever the window shows one, and before no other."""

from collections.abc import Callable

import pytest

from app.pages.compare_parts import answer_words
from app.pages.conversations_parts import turn_words
from app.pages.conversations_parts.costs import whole_of
from app.pages.models_parts.lines import ModelLine, model_columns
from app.pages.providers_parts.words import cost_words
from gateway import ExchangeRecord, Summary, ThreadRow


def models_cost(summary: Summary) -> str:
    (column,) = (column for column in model_columns() if column.key == "cost")
    return column.text(ModelLine(provider="openai", model="gpt-5.4", usage=summary))


@pytest.mark.parametrize("told", [models_cost, cost_words])
def test_a_sum_with_one_estimate_or_doubtful_price_is_marked(told: Callable[[Summary], str]) -> None:
    def cost(**counted: int) -> str:
        return told(Summary(requests=3, cost_nano=2_000_000_000, usage_sources={"provider": 3, **counted}))

    assert not cost().startswith("≈")
    assert cost(estimated=1) == cost(partial=1) == f"≈{cost()}"
    assert told(Summary(requests=3, cost_nano=2_000_000_000, price_fuzzy_requests=1)) == f"≈{cost()}"


def test_no_traffic_costs_nothing_for_sure() -> None:
    assert cost_words(None) == "$0.00"


@pytest.mark.parametrize(("source", "mark"), [("provider", ""), ("partial", "≈"), ("estimated", "≈")])
def test_an_answer_of_a_comparison_is_marked(source: str, mark: str) -> None:
    row = ExchangeRecord(
        id="req_1",
        started_us=0,
        door="chat",
        key_id="k",
        key="k",
        input_tokens=10,
        output_tokens=20,
        usage_source=source,
        cost_nano=2_000_000_000,
        cost_source="list",
    )
    assert (answer_words.tokens(row), answer_words.cost(row)) == (f"{mark}10 → 20", f"{mark}$2.00")


@pytest.mark.parametrize(
    ("uses", "marked"), [((), False), (("provider", "none"), False), (("provider", "partial"), True)]
)
def test_a_conversation_is_marked_in_the_list_and_before_its_turns_are_read(
    uses: tuple[str, ...], marked: bool
) -> None:
    row = ThreadRow(id="a", title="", started_us=0, ended_us=1, requests=1, cost_nano=10**9, usage_sources=uses)
    assert turn_words.listed_cost(row).startswith("≈") is marked
    assert whole_of(row).marked is marked
