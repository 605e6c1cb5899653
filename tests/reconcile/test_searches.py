"""Web searches: bills charge them in lines that name no model, our rows within what each request cost."""

from collections.abc import ItemsView
from datetime import date
from typing import Any

import pytest

from gateway.reconcile import Question, reconcile
from gateway.reconcile.records import Reconciliation
from gateway.reconcile.searches import SEARCHES, given_to_models
from gateway.reconcile.sums import BillSums, RowSums
from gateway.records import ExchangeRecord
from tests.reconcile import bills
from tests.reconcile.bills import Rows, opener
from tests.reconcile.test_comparison import row

DAY = "2026-10-14"
SONNET, HAIKU = "claude-sonnet-4-6", "claude-haiku-4-5"
# A request's tokens cost three cents, and each of its searches one.
TOKENS_NANO, SEARCH_NANO = 30_000_000, 10_000_000


def searched(number: int, times: int, model: str = SONNET, **more: Any) -> ExchangeRecord:
    cost = TOKENS_NANO + times * SEARCH_NANO
    given = {"provider": "anthropic", "web_searches": times or None, "cost_nano": cost, "id": f"req_{number}"}
    return row(model=model, **given | more)


def claude(model: str, dollars: str, kind: str = "token") -> list[object]:
    return [DAY, model, "Default", "app", "message", "≤ 200k", "", dollars, dollars, kind, "", ""]


def by_claude(rows: list[ExchangeRecord], *lines: list[object], tz: str | None = "UTC") -> Reconciliation:
    cost = bills.text(bills.ANTHROPIC_COSTS, lines)
    return reconcile([opener(cost)], Rows(rows), Question(provider="anthropic", tz=tz))


def kinds(found: Reconciliation) -> list[tuple[str | None, str, int | None]]:
    return [(day.model, part.kind, part.difference_nano) for day in found.days for part in day.parts]


@pytest.mark.parametrize("tz", ["UTC", None])
def test_what_is_charged_for_searches_is_of_the_models_that_searched(tz: str | None) -> None:
    """A bill that was right to the cent told of requests that are missing here, and of other prices."""
    rows = [searched(1, 2), searched(2, 0), searched(3, 1, HAIKU), searched(4, 0, HAIKU)]
    lines = [
        claude("Claude Sonnet 4.6", "0.06"),
        claude("Claude Haiku 4.5", "0.06"),
        claude("", "0.03", "web_search"),
    ]
    found = by_claude(rows, *lines, tz=tz)
    assert kinds(found) == [(HAIKU, "matched", 0), (SONNET, "matched", 0)]
    assert (found.bill.cost_nano, found.here.cost_nano, found.zone) == (150_000_000, 150_000_000, "UTC")


def test_searches_that_none_of_our_requests_made_are_missing_here() -> None:
    found = by_claude([searched(1, 0)], claude("Claude Sonnet 4.6", "0.03"), claude("", "0.05", "web_search"))
    assert kinds(found) == [(SONNET, "matched", 0), ("web searches", "missing_here", 50_000_000)]


def test_searches_at_another_price_are_told() -> None:
    found = by_claude([searched(1, 2)], claude("Claude Sonnet 4.6", "0.03"), claude("", "0.07", "web_search"))
    assert kinds(found) == [(SONNET, "unexplained", 50_000_000)]


def test_other_lines_without_a_model_are_nobodys() -> None:
    lines = [claude("Claude Sonnet 4.6", "0.05"), claude("", "0.04", "code_execution")]
    assert kinds(by_claude([searched(1, 2)], *lines)) == [(None, "missing_here", 40_000_000), (SONNET, "matched", 0)]


def test_a_line_for_searches_that_names_its_model_is_that_ones() -> None:
    rows = [searched(1, 2), searched(2, 2, HAIKU)]
    lines = [claude("Claude Sonnet 4.6", "0.03"), claude("Claude Haiku 4.5", "0.03")]
    of_models = [claude(model, "0.02", "web_search") for model in ("Claude Sonnet 4.6", "Claude Haiku 4.5")]
    assert kinds(by_claude(rows, *lines, *of_models)) == [(HAIKU, "matched", 0), (SONNET, "matched", 0)]


def test_a_day_without_lines_for_its_model_has_those_for_its_searches() -> None:
    """The rest of that day is missing on the bill, and not its searches too."""
    rows = [searched(1, 2), searched(2, 0, HAIKU)]
    found = by_claude(rows, claude("Claude Haiku 4.5", "0.03"), claude("", "0.02", "web_search"))
    assert kinds(found) == [(HAIKU, "matched", 0), (SONNET, "unexplained", -TOKENS_NANO)]


def test_what_is_shared_out_comes_to_what_was_charged() -> None:
    models = [SONNET, HAIKU, "claude-opus-4-6"]
    rows = [searched(number, 1, model) for number, model in enumerate(models)]
    found = by_claude(rows, *(claude(model, "0.03") for model in models), claude("", "0.01", "web_search"))
    assert sorted(day.bill.cost_nano or 0 for day in found.days) == [33_333_333, 33_333_333, 33_333_334]
    assert found.bill.cost_nano == 100_000_000


class Looked(dict[tuple[date, str | None], RowSums]):
    """Sums of ours that count how often they are gone through."""

    times = 0

    def items(self) -> ItemsView[tuple[date, str | None], RowSums]:
        self.times += 1
        return super().items()


def test_our_sums_are_gone_through_once_for_all_days() -> None:
    """For each day anew, in each zone that is tried, a year of a bill that differs took most of its time for it."""
    days = [date(2026, 10, day) for day in range(1, 31)]
    theirs = {(day, SEARCHES): BillSums() for day in days}
    ours = Looked({(day, SONNET): RowSums() for day in days})
    for each in ours.values():
        each.searches = 2
    assert given_to_models(theirs, ours).keys() == ours.keys()
    assert ours.times == 1


def test_openai_s_and_google_s_lines_for_searches() -> None:
    start = int(bills.datetime(2026, 10, 14, tzinfo=bills.ZoneInfo("UTC")).timestamp())
    items = {"gpt-5-2025-08-07, input": "0.03", "web search tool calls": "0.02"}
    lines = [[start, start + 86_400, "", "", cost, "usd", "", "", item, "", "", ""] for item, cost in items.items()]
    rows = [searched(1, 2, "gpt-5", provider="openai")]
    found = reconcile([opener(bills.text(bills.OPENAI_COSTS, lines))], Rows(rows), Question(tz="UTC"))
    assert kinds(found) == [("gpt-5", "matched", 0)]
    titles = ["Service description", "SKU description", "Usage start date", "Usage end date", "Cost ($)"]
    skus = {"Generate content output token count gemini 2.5 flash": "0.03", "Grounding with Google Search": "0.02"}
    charged = [["Gemini API", sku, DAY, DAY, cost] for sku, cost in skus.items()]
    grounded = [searched(1, 2, "gemini-2.5-flash", provider="google")]
    found = reconcile([opener(bills.text(titles, charged))], Rows(grounded), Question(tz="UTC"))
    assert kinds(found) == [("gemini-2.5-flash", "matched", 0)]
