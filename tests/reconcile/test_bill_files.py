"""What files of a bill speak of, where they end, and how far reading them has come."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.reconcile import bill as bills
from gateway.reconcile.bill import Bill, read_bill
from tests.reconcile.bills import opener

UTC = ZoneInfo("UTC")
FIRST = date(2026, 11, 1)


def of_days(*days: int) -> str:
    lines = [f"{FIRST + timedelta(days=day)},gpt-5,{day}" for day in days]
    return "\n".join(["Date,Model,Cost", *lines])


def spans(files: Sequence[str]) -> list[tuple[int, int]]:
    found = read_bill([opener(file) for file in files]).spans(UTC)
    return [((first - FIRST).days, (last - FIRST).days) for first, last in found]


def test_files_that_follow_within_a_week_are_one_span_and_others_are_apart() -> None:
    assert spans([of_days(0, 2), of_days(9, 10)]) == [(0, 10)]
    assert spans([of_days(0, 2), of_days(10, 11)]) == [(0, 2), (10, 11)]
    assert spans([of_days(30, 31), of_days(0, 2), of_days(33, 34)]) == [(0, 2), (30, 34)]
    assert spans([of_days(20, 29), of_days(0, 1), of_days(21, 22)]) == [(0, 1), (20, 29)]


FIRST_OF_LONG = date(2026, 10, 25)


def until(start: str, end: str) -> Bill:
    header = "start_time_iso,end_time_iso,amount_value,amount_currency"
    return read_bill([opener(f"{header}\n{start},{end},5,usd")])


@pytest.mark.parametrize(
    "start, end",
    [
        # The day on which the clocks go back has twenty-five hours.
        ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("2026-10-25", "2026-10-26"),
        ("2026-10-25", "2026-10-26T00:00:00Z"),
        ("2026-10-25T00:00:00Z", "2026-10-26"),
    ],
)
def test_a_line_may_be_as_long_as_the_longest_day(start: str, end: str) -> None:
    assert until(start, end).lines == 1


@pytest.mark.parametrize(
    "start, end",
    [
        ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00.000001+01:00"),
        ("2026-10-25", "2026-10-27"),
        ("2026-10-25", "2026-10-27T00:00:00Z"),
        ("2026-10-25T00:00:00Z", "2026-10-27"),
    ],
)
def test_a_longer_one_is_a_stretch(start: str, end: str) -> None:
    assert until(start, end).stretches.last(FIRST_OF_LONG) is not None


def test_progress_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bills, "_PROGRESS_LINES", 2)
    heard: list[int] = []
    for progress in (None, heard.append):
        assert read_bill([opener(of_days(0, 1, 2, 3, 4))], progress=progress).lines == 5
    assert heard == [2, 4]
