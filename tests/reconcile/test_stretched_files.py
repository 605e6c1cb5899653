"""Files of one form that cut the same time differently, by months and by days or quarters: it counts once."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from gateway.reconcile import Question, reconcile
from gateway.reconcile.bill import Bill, read_bill
from tests.reconcile.bills import opener

FIRST = date(2026, 10, 1)
OCTOBER, NOVEMBER, DECEMBER = ("2026-10-01", "2026-10-31"), ("2026-11-01", "2026-11-30"), ("2026-12-01", "2026-12-31")
QUARTER = ("2026-10-01", "2026-12-31")
FLASH, FEE = "Gemini 2.5 Flash", "Gemini 2.5 Pro"


def table(*lines: tuple[str, str, str, int]) -> str:
    titles = "Usage start date,Usage end date,SKU description,Cost"
    return "\n".join([titles, *(",".join(map(str, line)) for line in lines)])


def by_day(first: int, last: int, cost: int = 1) -> list[tuple[str, str, str, int]]:
    """Lines of the days of October from one to another."""
    days = [(FIRST + timedelta(days=number - 1)).isoformat() for number in range(first, last + 1)]
    return [(day, day, FLASH, cost) for day in days]


def dollars(bill: Bill) -> Decimal:
    return sum((sums.cost for sums in bill.cells.values()), Decimal(0))


def in_any_order(*files: str) -> set[Decimal]:
    return {dollars(read_bill([opener(file) for file in order])) for order in permutations(files)}


@pytest.mark.parametrize(
    "files, whole",
    [
        ([table((*OCTOBER, FLASH, 31)), table(*by_day(1, 31))], 31),
        # Who was downloaded later says more.
        ([table((*OCTOBER, FLASH, 20)), table(*by_day(1, 31))], 31),
        ([table((*OCTOBER, FLASH, 31)), table(*by_day(5, 20))], 31),
        # The days of a month may come in several files, which overlap or do not.
        ([table((*OCTOBER, FLASH, 20)), table(*by_day(1, 15)), table(*by_day(16, 31))], 31),
        ([table((*OCTOBER, FLASH, 31)), table(*by_day(1, 20)), table(*by_day(10, 31))], 31),
        # A quarter beside its months, in one file or in several.
        ([table((*QUARTER, FLASH, 9)), table(*((*month, FLASH, 3) for month in (OCTOBER, NOVEMBER, DECEMBER)))], 9),
        ([table((*QUARTER, FLASH, 9)), table((*OCTOBER, FLASH, 3)), table((*NOVEMBER, FLASH, 3))], 9),
        ([table((*QUARTER, FLASH, 4)), table((*OCTOBER, FLASH, 3)), table((*NOVEMBER, FLASH, 3))], 6),
        # What has another name beside it is of no concern to the days, in however many files it is.
        ([table((*OCTOBER, FEE, 100), *by_day(1, 15)), table((*OCTOBER, FEE, 100), *by_day(16, 31))], 131),
        ([table(*by_day(1, 15)), table((*OCTOBER, FEE, 100), *by_day(16, 31))], 131),
        # Other months are not shared.
        ([table((*NOVEMBER, FLASH, 30)), table(*by_day(1, 31))], 61),
    ],
)
def test_what_files_tell_by_the_day_and_by_longer_times_counts_once(files: Sequence[str], whole: int) -> None:
    assert in_any_order(*files) == {whole}


def test_a_month_of_costs_leaves_the_days_of_usage_alone() -> None:
    costs = "start_time_iso,end_time_iso,amount_value,amount_currency\n2026-10-01,2026-11-01,5,usd"
    titles = "start_time_iso,end_time_iso,model,num_model_requests,input_tokens,output_tokens"
    halves = [
        "\n".join([titles, *(f"2026-10-{day:02d},2026-10-{day:02d},gpt-5,1,2,3" for day in days)])
        for days in (range(1, 16), range(16, 32))
    ]
    for order in permutations([costs, *halves]):
        bill = read_bill([opener(file) for file in order])
        assert (sum(sums.requests for sums in bill.cells.values()), dollars(bill)) == (31, 5)
        assert not bill.shared


@pytest.mark.parametrize("other", [table((*OCTOBER, FLASH, 3)), table(*by_day(2, 4))])
def test_the_days_that_files_share_end_with_the_last_of_a_month(other: str) -> None:
    files = [opener(table((*OCTOBER, FLASH, 4))), opener(other + "\n")]
    found = reconcile(files, lambda _query: (), Question(tz="UTC"))
    assert found.shared is not None
    assert (found.shared.first_day, found.shared.last_day) == OCTOBER
    assert found.shared.taken == 1 and [(day.day, day.last_day) for day in found.days] == [OCTOBER]


@pytest.mark.parametrize("start, end", [("2026-10", "2026-10"), ("2026-10", "2026-11")])
def test_a_line_from_a_month_to_a_month_is_of_the_whole_month(start: str, end: str) -> None:
    bill = read_bill([opener(table((start, end, FLASH, 4)))])
    assert bill.stretches.last(FIRST) == date(2026, 10, 31)
