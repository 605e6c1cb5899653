"""Bills that name requests: how many are named, and what is told of those of which the bill says less."""

from typing import Any

import pytest

from gateway.reconcile import named
from gateway.reconcile.records import Part
from gateway.records import ExchangeRecord
from tests.reconcile.test_comparison import DAY_US, NOON_US, compared, row

HEADER = "Date,Model,Request ID,Input tokens,Output tokens"


def rows(*numbers: int, **fields: Any) -> list[ExchangeRecord]:
    return [row(id=f"req_{number}", started_us=NOON_US + number, **fields) for number in numbers]


def lines(*numbers: int, model: str = "gpt-5", tokens: int = 5, cost: str = "", day: int = 14) -> list[str]:
    return [f"2026-10-{day},{model},req_{number},{tokens},1{cost}" for number in numbers]


def test_so_many_of_each_kind_are_named_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "MOST_NAMED", 2)
    found = compared(rows(1, 2, 3, 8, 9), HEADER, *lines(1, 2, 3, tokens=6), *lines(4, 5, 6))
    assert [(each.id, each.kind) for each in found.requests] == [
        ("req_1", "usage_drift"),
        ("req_2", "usage_drift"),
        ("req_4", "missing_here"),
        ("req_5", "missing_here"),
        ("req_8", "missing_there"),
        ("req_9", "missing_there"),
    ]
    assert {part.kind: part.requests for part in found.parts} == {
        "usage_drift": 3,
        "missing_here": 3,
        "missing_there": 2,
    }


def test_what_a_bill_without_costs_has_more_is_worth_nobody_knows_how_much() -> None:
    found = compared(rows(1), HEADER, *lines(1, 2))
    (lacking,) = found.requests
    assert (lacking.kind, lacking.difference_nano) == ("missing_here", None)
    assert Part(kind="missing_here", requests=1, here_nano=0, bill_nano=None) in found.parts
    dear = compared(rows(1), f"{HEADER},Cost", *lines(1, 2, cost=",0.000007"))
    assert [each.difference_nano for each in dear.requests] == [7_000]


def test_days_and_models_of_named_requests_come_in_order() -> None:
    models = ["gpt-4.1", "gpt-4o", "gpt-5", "gpt-5-nano", "o3"]
    written = [
        line
        for day in (15, 14)
        for number, model in reversed(list(enumerate(models)))
        for line in lines(number + 10 * day, model=model, day=day)
    ]
    found = compared([], HEADER, *written)
    assert [(day.day, day.model) for day in found.days] == [
        (day, model) for day in ("2026-10-14", "2026-10-15") for model in models
    ]


def test_amounts_of_whole_days_without_models_are_told_as_one() -> None:
    found = compared(rows(1), f"{HEADER},Cost", *lines(1, 2, model="", cost=",0.000007"))
    assert {each.model for each in found.requests} == {None}
    assert [(day.model, [part.kind for part in day.parts]) for day in found.days] == [
        (None, ["matched", "missing_here"])
    ]
    mixed = compared([], f"{HEADER},Cost", *lines(1, cost=","), *lines(2, model="", cost=",0.000007"))
    assert [(each.id, each.model) for each in mixed.requests] == [("req_1", None), ("req_2", None)]


def test_why_named_requests_may_differ_is_told_where_some_do() -> None:
    aborted = rows(1, 2, outcome="aborted")
    differing = compared(aborted, HEADER, *lines(1, 2, tokens=6))
    assert dict(differing.days[0].reasons) == {"aborted": 2}
    assert dict(compared(aborted, HEADER, *lines(1, 2)).days[0].reasons) == {}


def test_rows_of_other_days_that_no_bill_names_are_not_missing() -> None:
    early = row(id="req_9", started_us=NOON_US - DAY_US)
    late = row(id="req_8", started_us=NOON_US + DAY_US)
    found = compared([early, *rows(1), late], HEADER, *lines(1))
    assert not found.requests and [(day.day, day.matched) for day in found.days] == [("2026-10-14", True)]


def test_rows_of_a_caller_s_own_key_are_not_missing_on_the_bill() -> None:
    found = compared(rows(8, byok=True, model="o3"), HEADER, *lines(1))
    assert [(day.model, [part.kind for part in day.parts]) for day in found.days] == [("gpt-5", ["missing_here"])]
