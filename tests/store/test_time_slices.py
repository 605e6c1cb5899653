from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ClientError
from gateway.records import BUCKET_WIDTHS
from gateway.store.quarters import QUARTER_S, day_end, day_start
from gateway.store.time_slices import MOST_SLICES, slices
from gateway.time_zones import EARLIEST_US, LATEST_US, midnight, zone_of

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Pacific/Chatham",
)


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def starts(start: str, end: str, width: str, zone: str) -> list[str]:
    found = slices(us(start), us(end), width, ZoneInfo(zone))
    return [datetime.fromtimestamp(low // 1_000_000, UTC).strftime("%d %H:%M") for low, _ in found]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29T10:00+00:00", "Europe/Berlin", 23),
        ("2026-10-25T10:00+00:00", "Europe/Berlin", 25),
        ("2026-03-28T10:00+00:00", "Europe/Berlin", 24),
        ("2026-04-05T00:00+00:00", "Australia/Lord_Howe", 24.5),
        ("2026-10-04T00:00+00:00", "Australia/Lord_Howe", 23.5),
        # Midnight itself is skipped; the day begins at one o'clock.
        ("2026-09-06T12:00+00:00", "America/Santiago", 23),
        ("2026-06-01T00:00+00:00", "Asia/Kolkata", 24),
    ],
)
def test_days_of_a_change_of_clocks_have_their_true_length(day: str, zone: str, hours: float) -> None:
    ((low, high),) = slices(us(day), us(day) + 1, "day", ZoneInfo(zone))
    assert (high - low) / 3_600_000_000 == hours


def test_hours_begin_where_the_local_clock_strikes() -> None:
    assert starts("2026-06-01T00:10+00:00", "2026-06-01T02:00+00:00", "hour", "Asia/Kolkata") == [
        "31 23:30",
        "01 00:30",
        "01 01:30",
    ]
    assert starts("2026-06-01T00:10+00:00", "2026-06-01T02:00+00:00", "hour", "Asia/Kathmandu") == [
        "31 23:15",
        "01 00:15",
        "01 01:15",
    ]


def test_the_repeated_hour_is_two_slices_and_the_skipped_one_none() -> None:
    autumn = slices(us("2026-10-24T22:00+00:00"), us("2026-10-25T23:00+00:00"), "hour", ZoneInfo("Europe/Berlin"))
    spring = slices(us("2026-03-28T23:00+00:00"), us("2026-03-29T22:00+00:00"), "hour", ZoneInfo("Europe/Berlin"))
    assert (len(autumn), len(spring)) == (25, 23)
    assert {high - low for low, high in autumn + spring} == {3_600_000_000}


@pytest.mark.parametrize(
    ("day", "begins", "lengths"),
    [("2010-03-14", "02:30", [60, 1, 59, 60]), ("2010-11-07", "01:30", [60, 1, 59, 60])],
)
def test_a_change_within_an_hour_cuts_it(day: str, begins: str, lengths: list[int]) -> None:
    """Until 2011 Newfoundland's clocks changed a minute after midnight."""
    start = us(f"{day}T{begins}+00:00")
    found = slices(start, start + 180 * 60_000_000, "hour", ZoneInfo("America/St_Johns"))
    assert [(high - low) // 60_000_000 for low, high in found] == lengths


def test_a_change_by_half_an_hour_leaves_one_shorter_hour() -> None:
    lengths = [
        (high - low) // 60_000_000
        for low, high in slices(
            us("2026-04-04T13:00+00:00"), us("2026-04-04T17:00+00:00"), "hour", ZoneInfo("Australia/Lord_Howe")
        )
    ]
    assert sorted(set(lengths)) == [30, 60]
    assert lengths.count(30) == 1


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    assert starts("2026-11-25T00:00+00:00", "2026-12-02T00:00+00:00", "week", "UTC") == ["23 00:00", "30 00:00"]
    assert starts("2026-01-31T23:30+00:00", "2026-03-01T00:00+00:00", "month", "Europe/Berlin") == [
        "31 23:00",
        "28 23:00",
    ]


def test_a_skipped_date_is_no_slice() -> None:
    days = slices(us("2011-12-29T10:00+00:00"), us("2012-01-01T10:00+00:00"), "day", ZoneInfo("Pacific/Apia"))
    assert all(low < high for low, high in days)
    assert [(high - low) // 3_600_000_000 for low, high in days] == [24, 24, 24]


@given(
    start=st.integers(us("2024-01-01T00:00+00:00"), us("2027-12-31T00:00+00:00")),
    hours=st.integers(1, 80),
    width=st.sampled_from(BUCKET_WIDTHS),
    zone=st.sampled_from(ZONES),
)
def test_slices_touch_each_other_and_cover_the_range(start: int, hours: int, width: str, zone: str) -> None:
    end = start + hours * 3_600_000_000
    found = slices(start, end, width, ZoneInfo(zone))
    assert found[0][0] <= start < found[0][1]
    assert found[-1][0] < end <= found[-1][1]
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert all(low < high for low, high in found)


@given(
    quarter=st.integers(us("2024-01-01T00:00+00:00") // 900_000_000, us("2027-12-31T00:00+00:00") // 900_000_000),
    zone=st.sampled_from(ZONES),
)
def test_days_of_buckets_are_the_days_of_slices(quarter: int, zone: str) -> None:
    at = quarter * QUARTER_S * 1_000_000
    ((low, high),) = slices(at, at + 1, "day", ZoneInfo(zone))
    assert day_start(quarter, ZoneInfo(zone)) * QUARTER_S * 1_000_000 == low
    assert day_end(quarter, ZoneInfo(zone)) * QUARTER_S * 1_000_000 == high


def test_too_many_unknown_widths_and_unknown_zones_are_the_clients_fault() -> None:
    with pytest.raises(ClientError) as many:
        slices(0, (MOST_SLICES + 1) * 60_000_000, "1m", ZoneInfo("UTC"))
    assert many.value.param == "bucket"
    assert len(slices(0, MOST_SLICES * 60_000_000, "1m", ZoneInfo("UTC"))) == MOST_SLICES
    with pytest.raises(ClientError) as width:
        slices(0, 0, "decade", ZoneInfo("UTC"))
    assert width.value.param == "bucket"
    for name in ("Mars/Olympus", "", "../../etc/passwd", "/etc/localtime", "a\0b", "Europe"):
        with pytest.raises(ClientError) as zone:
            zone_of(name)
        assert zone.value.param == "tz"


@pytest.mark.parametrize("width", ["1m", "15m", "hour", "day", "week", "month"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_ends_of_the_calendar_have_slices(width: str, zone: str) -> None:
    for low, high in ((EARLIEST_US, EARLIEST_US + 1), (LATEST_US - 1, LATEST_US)):
        ((begin, end),) = slices(low, high, width, ZoneInfo(zone))
        assert begin <= low and high <= end


def test_an_empty_range_has_no_slices() -> None:
    assert slices(5, 5, "day", ZoneInfo("UTC")) == []


# Where a day does not begin at midnight, or where the clocks change just then.
BEGINNINGS = [
    # Half past eleven became half past twelve: midnight was within what was skipped.
    ("America/Toronto", "1919-03-31", "1919-03-31T04:30+00:00"),
    # Midnight became one o'clock.
    ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00+00:00"),
    ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00+00:00"),
    ("America/Asuncion", "2023-10-01", "2023-10-01T04:00+00:00"),
    # Eleven o'clock became midnight.
    ("America/Nuuk", "2026-03-29", "2026-03-29T01:00+00:00"),
    # The whole day was left out.
    ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00+00:00"),
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00+00:00"),
    ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00+00:00"),
    # Midnight came twice.
    ("America/Havana", "2026-11-01", "2026-11-01T04:00+00:00"),
]


@pytest.mark.parametrize(("zone", "day", "begins"), BEGINNINGS)
def test_a_day_begins_with_its_first_second(zone: str, day: str, begins: str) -> None:
    where, wanted = ZoneInfo(zone), date.fromisoformat(day)
    found = midnight(wanted, where)
    assert datetime.fromtimestamp(found, UTC) == datetime.fromisoformat(begins)
    before, first = (datetime.fromtimestamp(at, where).date() for at in (found - 1, found))
    assert before < wanted <= first


def test_a_time_just_after_a_skipped_midnight_is_in_its_own_day() -> None:
    """What came in the half-hour between was counted to the day before."""
    at = us("1919-03-31T04:45+00:00")
    ((low, high),) = slices(at, at + 1, "day", ZoneInfo("America/Toronto"))
    assert (low, high - low) == (us("1919-03-31T04:30+00:00"), int(23.5 * 3_600_000_000))


@pytest.mark.parametrize(("start", "end"), [(EARLIEST_US - 1, EARLIEST_US + 1), (LATEST_US - 1, LATEST_US + 1)])
def test_a_time_that_no_calendar_has_is_refused(start: int, end: int) -> None:
    with pytest.raises(ClientError, match="outside the years"):
        slices(start, end, "month", ZoneInfo("UTC"))
