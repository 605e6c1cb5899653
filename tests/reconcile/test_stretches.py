"""Bills of weeks and months: each stretch is compared as a whole, as exactly as a day is."""

import calendar
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.reconcile import CSV_COLUMNS, Question, csv_rows, lines, opener, reconcile, render
from gateway.reconcile.records import Reconciliation
from gateway.reconcile.stretches import Stretches, last_day
from gateway.reconcile.values import moment
from gateway.records import ExchangeRecord, UsageQuery
from tests.reconcile import bills
from tests.reconcile.bills import US, Billed

UTC, LOS_ANGELES = ZoneInfo("UTC"), ZoneInfo("America/Los_Angeles")
ROWS = bills.ledger("google", first=date(2026, 9, 20), days=60, per_day=2)
FLASH, LITE = "gemini-2.5-flash", "gemini-2.5-flash-lite"


def asked(query: UsageQuery) -> Iterable[ExchangeRecord]:
    assert query.start_us is not None and query.end_us is not None
    return (row for row in ROWS if query.start_us <= row.started_us < query.end_us)


def compared(text: str, **question: str) -> Reconciliation:
    return reconcile([opener(text.encode())], asked, Question(**question))  # type: ignore[arg-type]


def of_october(zone: ZoneInfo, without: int = 0) -> list[Billed]:
    billed = bills.within(bills.billed(ROWS), date(2026, 10, 1), date(2026, 10, 31), zone)
    return [request for number, request in enumerate(billed) if not without or number % without]


def google_month(requests: Iterable[Billed]) -> str:
    first = int(datetime(2026, 10, 1, 12, tzinfo=LOS_ANGELES).timestamp()) * US
    by_day = bills.google([replace(request, us=first) for request in requests], LOS_ANGELES)
    return by_day.replace("2026-10-01,2026-10-01", "2026-10-01,2026-10-31")


def kinds(found: Reconciliation) -> list[tuple[str, str | None, str | None, str]]:
    return [(day.day, day.last_day, day.model, part.kind) for day in found.days for part in day.parts]


def test_a_cost_table_of_a_month_is_compared_as_a_month() -> None:
    found = compared(google_month(of_october(LOS_ANGELES)))
    month = ("2026-10-01", "2026-10-31")
    assert kinds(found) == [(*month, FLASH, "matched"), (*month, LITE, "matched")]
    assert (found.first_day, found.last_day) == month


def test_what_a_month_of_a_bill_lacks_is_found_to_the_nano_dollar() -> None:
    found = compared(google_month(of_october(LOS_ANGELES, without=33)))
    here = {part.kind: part for part in found.parts}
    lacking = [request for number, request in enumerate(of_october(LOS_ANGELES)) if not number % 33]
    assert here.keys() == {"matched", "missing_there"}
    assert here["missing_there"].here_nano == sum(int(request.dollars * 10**9) for request in lacking)
    assert abs(here["matched"].difference_nano or 0) <= found.tolerance_nano


@pytest.mark.parametrize(
    "written", ["2026-10", "202610", "Oct 2026", "October 2026", "10/2026", "2026/10", "2026-10-01"]
)
def test_a_table_by_month_is_read_however_it_writes_its_months(written: str) -> None:
    lines_of = []
    for model in (FLASH, LITE):
        requests = [request for request in of_october(UTC) if request.model == model]
        dollars = sum((request.dollars for request in requests), Decimal(0))
        lines_of.append([written, model, dollars, sum(r.input for r in requests), sum(r.output for r in requests)])
    table = bills.text(["Month", "Model", "Cost", "Input tokens", "Output tokens"], lines_of)
    found = compared(table, tz="UTC")
    assert {kind for *_, kind in kinds(found)} == {"matched"}
    assert {(day.day, day.last_day) for day in found.days} == {("2026-10-01", "2026-10-31")}


def test_days_within_a_stretch_are_compared_with_it() -> None:
    """Usage by the day, and costs by the month."""
    usage = [
        [day, model, sum(r.input for r in found), sum(r.cached for r in found), sum(r.output for r in found)]
        for (day, model), found in bills.cells(of_october(UTC), UTC).items()
    ]
    costs = [
        ["2026-10", model, sum((r.dollars for r in of_october(UTC) if r.model == model), Decimal(0)), "", "", ""]
        for model in (FLASH, LITE)
    ]
    titles = ["Date", "Model", "Cost", "Input tokens", "Cached tokens", "Output tokens"]
    table = bills.text(titles, [*([*row[:2], "", *row[2:]] for row in usage), *costs])
    assert kinds(compared(table, tz="UTC")) == [
        ("2026-10-01", "2026-10-31", FLASH, "matched"),
        ("2026-10-01", "2026-10-31", LITE, "matched"),
    ]


def test_a_stretch_is_told_by_its_first_and_last_day_everywhere() -> None:
    found = compared(google_month(of_october(LOS_ANGELES, without=33)))
    assert all(row[0] == "2026-10-01 to 2026-10-31" for row in lines(found)[1])
    assert {day["last_day"] for day in render(found)["days"]} == {"2026-10-31"}
    assert {row["last_day"] for row in csv_rows(found)} == {"2026-10-31"} and "last_day" in CSV_COLUMNS


@pytest.mark.parametrize(
    "start, end, last",
    [
        # One day, whether its end or its last moment is written.
        ("2026-10-01", "2026-10-01", None),
        ("2026-10-01", "2026-10-02", None),
        ("1790812800", "1790899200", None),
        # An end that is the beginning of what follows.
        ("2026-10-01", "2026-11-01", "2026-10-31"),
        ("2026-10-05", "2026-10-12", "2026-10-11"),
        ("2026-10-01T00:00:00-07:00", "2026-11-01T00:00:00-07:00", "2026-10-31"),
        ("2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00", "2026-10-31"),
        ("2026-10-01 00:00:00", "2026-10-04 00:00:00", "2026-10-03"),
        # An end that is still of it.
        ("2026-10-01", "2026-10-31", "2026-10-31"),
        ("2026-10-01", "2026-10-03", "2026-10-03"),
        ("2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-10-31"),
        ("2026-10-01 00:00:00", "2026-10-31 23:59:59", "2026-10-31"),
    ],
)
def test_the_last_day_of_a_line(start: str, end: str, last: str | None) -> None:
    begins, ends = (moment(text, day_is_first=False) for text in (start, end))
    assert last_day(begins, ends) == (None if last is None else date.fromisoformat(last))


def test_stretches_that_overlap_are_one_and_those_that_meet_are_two() -> None:
    stretches = Stretches()
    assert (stretches.first(date(2026, 10, 7)), stretches.last(date(2026, 10, 7))) == (date(2026, 10, 7), None)
    for month in (9, 10):
        stretches.add(date(2026, month, 1), date(2026, month, calendar.monthrange(2026, month)[1]))
    assert stretches.first(date(2026, 9, 30)) == date(2026, 9, 1)
    assert stretches.first(date(2026, 10, 1)) == date(2026, 10, 1)
    assert stretches.last(date(2026, 10, 31)) == date(2026, 10, 31)
    assert (stretches.first(date(2026, 11, 1)), stretches.last(date(2026, 8, 31))) == (date(2026, 11, 1), None)
    stretches.add(date(2026, 9, 20), date(2026, 10, 5))
    assert {stretches.first(date(2026, month, 25)) for month in (9, 10)} == {date(2026, 9, 1)}
    assert stretches.last(date(2026, 9, 2)) == date(2026, 10, 31)
