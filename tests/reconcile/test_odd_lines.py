"""Lines that bills have beside those of models and days: sums, credits, refunds; and bills that name no model."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.reconcile import Question, lines, mapping_of, opener, reconcile, render
from gateway.reconcile.records import Reconciliation
from gateway.records import ExchangeRecord, UsageQuery
from tests.reconcile import bills

UTC = ZoneInfo("UTC")
FIRST, LAST = date(2026, 11, 3), date(2026, 11, 5)
ROWS = bills.ledger("openai", first=FIRST, days=3, per_day=4)
BILLED = bills.within(bills.billed(ROWS), FIRST, LAST, UTC)
WHOLE = sum((request.dollars for request in BILLED), Decimal(0))


def rows(query: UsageQuery) -> Iterable[ExchangeRecord]:
    assert query.start_us is not None and query.end_us is not None
    return [row for row in ROWS if query.start_us <= row.started_us < query.end_us]


def compared(*files: str, tz: str | None = "UTC", map: str = "") -> Reconciliation:
    question = Question(provider="openai", tz=tz, mapping=mapping_of(map) if map else {})
    return reconcile([opener(text.encode()) for text in files], rows, question)


def by_day(zone: ZoneInfo = UTC) -> list[list[object]]:
    billed = bills.within(bills.billed(ROWS), FIRST, LAST, zone)
    return [
        [day, model, sum(r.input for r in found), sum(r.output for r in found), sum(r.dollars for r in found)]
        for (day, model), found in bills.cells(billed, zone).items()
    ]


def table(lines_of: Iterable[Iterable[object]]) -> str:
    return bills.text(["Date", "Model", "Input tokens", "Output tokens", "Cost"], [list(each) for each in lines_of])


@pytest.mark.parametrize("word", ["Total", "subtotal", "Summe:"])
def test_a_sum_in_the_place_of_a_model_counts_nothing(word: str) -> None:
    summed = compared(table([*by_day(), [LAST, word, 9, 9, WHOLE]]))
    assert [part.kind for part in summed.parts] == ["matched"] and summed.lines == len(by_day())


def test_a_bill_of_totals_alone_is_compared_as_a_whole() -> None:
    month = compared(f"Month,Paid\n2026-11,{WHOLE}\n", map="time=Month,cost=Paid")
    assert [(day.day, day.last_day, day.model) for day in month.days] == [("2026-11-01", "2026-11-30", None)]
    others = sum(row.cost_nano or 0 for row in ROWS if row.started_us >= bills._midnight(LAST, UTC) * bills.US)
    assert month.bill.cost_nano == int(WHOLE * 10**9) and others
    (part,) = compared(
        bills.text(["Day", "Paid"], [[day, paid] for day, *_, paid in by_day()]), map="time=Day,cost=Paid"
    ).parts
    assert (part.kind, part.here_nano, part.bill_nano) == ("matched", *[int(WHOLE * 10**9)] * 2)


def test_a_credit_is_a_difference_with_its_sign() -> None:
    found = compared(table([*by_day(), [LAST, "Credit grant", "", "", "-5.5"]]))
    credit = next(day for day in found.days if day.model == "credit-grant")
    assert [(part.kind, part.difference_nano) for part in credit.parts] == [("missing_here", -5_500_000_000)]
    (told,) = [part for day in render(found)["days"] if day["model"] == "credit-grant" for part in day["parts"]]
    assert (told["difference_usd"], told["difference_percent"]) == ("-5.500000000", -100.0)
    said, differing = lines(found)
    assert any(" -$5.500000 (" in sentence and "difference -$5.500000" in sentence for sentence in said)
    assert [row[4] for row in differing] == ["-$5.500000 (-100.00 %)"]


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Asia/Tehran", "America/St_Johns", "Asia/Yangon"])
def test_days_that_begin_at_odd_minutes_are_found(zone: str) -> None:
    found = compared(table(by_day(ZoneInfo(zone))), tz=None)
    assert {part.kind for part in found.parts} == {"matched"} and found.zone_source == "tried"
