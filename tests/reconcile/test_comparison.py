"""The days of a comparison: which there are, in which order, and whose bill it is taken for."""

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.reconcile import Question, reconcile
from gateway.reconcile.records import Reconciliation
from gateway.records import ExchangeRecord, UsageQuery
from tests.reconcile.bills import Rows, opener

DAY_US = 86_400_000_000
# 2026-10-14T12:00Z.
NOON_US = 20_740 * DAY_US + DAY_US // 2


def row(day: int = 0, model: str = "gpt-5", **fields: Any) -> ExchangeRecord:
    given: dict[str, Any] = {"id": f"req_{day}_{model}", "started_us": NOON_US + day * DAY_US, "door": "openai_chat"}
    given |= {"key_id": "k", "key": "k", "provider": "openai", "model": model, "status": 200, "outcome": "ok"}
    given |= {"input_tokens": 5, "output_tokens": 1, "cost_nano": 7_000, "latency_us": 1}
    return ExchangeRecord(**given | fields)


def compared(rows: Sequence[ExchangeRecord], *lines: str, provider: str | None = "openai") -> Reconciliation:
    return reconcile([opener("\n".join(lines))], Rows(rows), Question(provider=provider, tz="UTC"))


def test_days_come_in_order_and_their_models_by_name() -> None:
    models = ["gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-5", "gpt-5-mini", "gpt-5-nano", "o3", "o4-mini"]
    lines = [f"2026-10-{day},{model},5,1" for day in (15, 14) for model in reversed(models)]
    found = compared([row(0, model) for model in models], "Date,Model,Input tokens,Output tokens", *lines)
    assert [(day.day, day.model) for day in found.days] == [
        (day, model) for day in ("2026-10-14", "2026-10-15") for model in models
    ]


def test_a_bill_without_costs_has_no_rounding() -> None:
    found = compared([row()], "Date,Model,Input tokens,Output tokens", "2026-10-14,gpt-5,5,1")
    assert (found.tolerance_nano, found.days[0].tolerance_nano, found.bill.cost_nano) == (0, 0, None)
    named = compared([row()], "Date,Model,Request ID,Input tokens,Output tokens", "2026-10-14,gpt-5,req_0_gpt-5,5,1")
    assert [(day.matched, day.tolerance_nano) for day in named.days] == [(True, 0)]


def test_a_day_of_own_keys_alone_that_the_bill_does_not_have_is_none() -> None:
    lines = ["Date,Model,Input tokens,Output tokens", "2026-10-14,gpt-5,5,1", "2026-10-16,gpt-5,5,1"]
    found = compared([row(0), row(1, byok=True), row(2)], *lines)
    assert [(day.day, day.matched) for day in found.days] == [("2026-10-14", True), ("2026-10-16", True)]


def test_whose_bill_it_is_shows_in_the_models_that_are_known() -> None:
    lines = ["Date,Model,Input tokens,Output tokens", "2026-10-14,gpt-5,5,1", "2026-10-14,unheard-of,5,1"]
    assert compared([row()], *lines, provider=None).provider == "openai"


def test_a_call_without_an_answer_adds_no_tokens_of_one() -> None:
    lines = ["Date,Model,Input tokens,Output tokens,Cost", "2026-10-14,gpt-5,5,0,0.000007"]
    found = compared([row(output_tokens=None)], *lines)
    assert (found.here.output_tokens, [part.kind for part in found.parts]) == (0, ["matched"])


def test_rows_are_asked_for_two_days_around_those_of_the_bill() -> None:
    asked: list[UsageQuery] = []

    def rows(query: UsageQuery) -> Iterator[ExchangeRecord]:
        asked.append(query)
        return iter(())

    lines = "Date,Model,Input tokens\n2026-10-14,gpt-5,5\n2026-10-16,gpt-5,5\n"
    reconcile([opener(lines)], rows, Question(provider="openai", tz="UTC"))
    (query,) = asked
    assert (query.start_us, query.end_us) == (20_738 * DAY_US, 20_745 * DAY_US) and query.provider == ("openai",)


def test_the_models_of_named_requests_show_whose_bill_it_is_too() -> None:
    lines = ["Date,Model,Request ID,Input tokens", "2026-10-14,gpt-5,req_0_gpt-5,5"]
    assert compared([row()], *lines, provider=None).provider == "openai"


def test_what_the_bill_counts_is_told_in_order() -> None:
    header = "Date,Model,Requests,Input tokens,Cached tokens,Cache write tokens,Output tokens"
    found = compared([row()], header, "2026-10-14,gpt-5,1,5,0,0,1")
    assert found.counts == ("cache_write", "cached", "input", "output", "requests") and found.days[0].matched
