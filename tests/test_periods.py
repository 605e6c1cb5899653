from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.periods import period_before, shifted, whole_months
from gateway.records import UsageQuery

LONG_AFTER = 4 * 10**17


def us(text: str, tz: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("tz", "start", "end", "before"),
    [
        ("UTC", "2026-11-20", "2026-11-27", "2026-11-13"),
        ("UTC", "2026-11-20T10:30", "2026-11-20T11:00", "2026-11-20T10:00"),
        # The clocks change within, and the week before is a week on the wall all the same.
        ("Europe/Berlin", "2026-03-29", "2026-03-30", "2026-03-28"),
        ("Europe/Berlin", "2026-03-30", "2026-03-31", "2026-03-29"),
        ("Europe/Berlin", "2026-10-26", "2026-11-02", "2026-10-19"),
        ("Asia/Kathmandu", "2026-11-20", "2026-11-21", "2026-11-19"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-05", "2026-10-03"),
        # What begins within a day is as long to the second.
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-30T12:00", "2026-03-28T11:00"),
    ],
)
def test_the_period_before(tz: str, start: str, end: str, before: str) -> None:
    query = UsageQuery(start_us=us(start, tz), end_us=us(end, tz), tz=tz, model=("gpt-5",))
    found = period_before(query, LONG_AFTER)
    assert found is not None and (found.start_us, found.end_us) == (us(before, tz), query.start_us)
    assert (found.tz, found.model) == (tz, ("gpt-5",))


def test_an_open_end_is_now_and_an_open_beginning_has_nothing_before() -> None:
    found = period_before(UsageQuery(start_us=1000), 1700)
    assert found is not None and (found.start_us, found.end_us) == (300, 1000)
    assert period_before(UsageQuery(end_us=1000), 1700) is None


@given(
    st.integers(-(10**17), 10**17),
    st.integers(0, 10**15),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]),
)
def test_both_periods_meet_and_are_as_long_but_for_a_change_of_the_clocks(start: int, span: int, tz: str) -> None:
    found = period_before(UsageQuery(start_us=start, end_us=start + span, tz=tz), LONG_AFTER)
    assert found is not None and found.end_us == start and found.start_us is not None
    assert abs((start - found.start_us) - span) <= timedelta(hours=2) / timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("tz", "start", "end", "before"),
    [
        # The first moment of that Sunday is one o'clock: midnight is skipped.
        ("America/Santiago", "2026-09-06T01:00", "2026-09-07", "2026-09-05"),
        ("America/Santiago", "2026-09-07", "2026-09-08", "2026-09-06T01:00"),
        ("Africa/Cairo", "2026-04-20", "2026-04-24T01:00", "2026-04-16"),
        # Midnight comes twice: the day before ends with the first, and not with the second an hour later.
        ("America/Havana", "2026-11-01", "2026-11-02", "2026-10-31"),
    ],
)
def test_days_that_a_change_of_the_clocks_begins_are_whole_days(tz: str, start: str, end: str, before: str) -> None:
    found = period_before(UsageQuery(start_us=us(start, tz), end_us=us(end, tz), tz=tz), LONG_AFTER)
    assert found is not None and found.start_us == us(before, tz)


def test_a_midnight_that_comes_again_begins_no_day() -> None:
    again = us("2026-11-01", "America/Havana") + 3_600_000_000
    end = us("2026-11-02", "America/Havana")
    found = period_before(UsageQuery(start_us=again, end_us=end, tz="America/Havana"), LONG_AFTER)
    assert found is not None and found.start_us == again - (end - again)


@pytest.mark.parametrize(
    ("tz", "start", "end", "before"),
    [
        ("UTC", "2026-11-01", "2026-12-01", "2026-10-01"),
        ("UTC", "2026-03-01", "2026-04-01", "2026-02-01"),
        ("UTC", "2024-03-01", "2024-05-01", "2024-01-01"),
        ("Europe/Berlin", "2026-01-01", "2027-01-01", "2025-01-01"),
        ("Australia/Lord_Howe", "2026-10-01", "2026-11-01", "2026-09-01"),
        # A month that is not over is compared day by day.
        ("UTC", "2026-11-01", "2026-11-30", "2026-10-03"),
        ("UTC", "2026-11-02", "2026-12-02", "2026-10-03"),
    ],
)
def test_whole_months_are_compared_with_as_many_whole_months(tz: str, start: str, end: str, before: str) -> None:
    """30 days before November began on October 2: a day of October was left out."""
    found = period_before(UsageQuery(start_us=us(start, tz), end_us=us(end, tz), tz=tz), LONG_AFTER)
    assert found is not None and (found.start_us, found.end_us) == (us(before, tz), us(start, tz))


@pytest.mark.parametrize(
    ("start", "end", "now", "before"),
    [
        # Half of November against all of October said that half was saved.
        ("2026-11-01", "2026-12-01", "2026-11-16T06:00", ("2026-10-01", "2026-10-16T06:00")),
        ("2026-11-24", "2026-12-01", "2026-11-30T18:00", ("2026-11-17", "2026-11-23T18:00")),
        # September has no 31st day: all of it.
        ("2026-10-01", "2026-11-01", "2026-10-31T12:00", ("2026-09-01", "2026-10-01")),
        ("2026-11-01T10:30", "2026-11-01T11:30", "2026-11-01T11:00", ("2026-11-01T09:30", "2026-11-01T10:00")),
        # Of a range that has not begun nothing has passed.
        ("2026-12-01", "2027-01-01", "2026-11-16", ("2026-11-01", "2026-11-01")),
        # One that is over is compared as a whole.
        ("2026-11-01", "2026-12-01", "2026-12-01", ("2026-10-01", "2026-11-01")),
    ],
)
def test_of_a_range_that_is_not_over_as_much_of_the_period_before(
    start: str, end: str, now: str, before: tuple[str, str]
) -> None:
    found = period_before(UsageQuery(start_us=us(start), end_us=us(end)), us(now))
    assert found is not None and (found.start_us, found.end_us) == (us(before[0]), us(before[1]))


def test_before_the_first_years_of_the_calendar_months_are_not_counted() -> None:
    start, end = us("0001-02-01"), us("0002-03-01")
    found = period_before(UsageQuery(start_us=start, end_us=end), LONG_AFTER)
    assert found is not None and found.start_us == 2 * start - end


def test_a_range_that_is_open_is_of_no_whole_months() -> None:
    for query in (UsageQuery(), UsageQuery(start_us=us("2026-11-01")), UsageQuery(end_us=us("2026-12-01"))):
        assert whole_months(query) is None
    assert whole_months(UsageQuery(start_us=us("2026-11-01"), end_us=us("2027-02-01"))) == 3


@pytest.mark.parametrize(
    ("start", "end", "before", "after"),
    [
        # The clocks of Berlin go back on October 25.
        ("2026-10-24", "2026-10-27", "2026-10-21", "2026-10-30"),
        ("2026-10-25", "2026-10-26", "2026-10-24", "2026-10-27"),
        ("2026-10-01", "2026-11-01", "2026-09-01", "2026-12-01"),
        # What begins within a day is as long to the second.
        ("2026-10-24T12:00", "2026-10-25T12:00", "2026-10-23T11:00", "2026-10-26T13:00"),
    ],
)
def test_a_range_is_moved_by_whole_days_and_months_both_ways(start: str, end: str, before: str, after: str) -> None:
    tz = "Europe/Berlin"
    begins, ends = us(start, tz), us(end, tz)
    assert shifted(begins, ends, tz, -1) == (us(before, tz), begins)
    assert shifted(begins, ends, tz, 1) == (ends, us(after, tz))
    assert shifted(begins, ends, tz, 0) == (begins, ends)


def test_a_range_is_moved_several_times() -> None:
    tz = "Europe/Berlin"
    assert shifted(us("2026-01-01", tz), us("2026-02-01", tz), tz, -2) == (us("2025-11-01", tz), us("2025-12-01", tz))
