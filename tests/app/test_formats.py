"""Numbers, money, durations and times, at and around every step."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app import formats

NANO = 1_000_000_000
MON_18_03 = 1_795_456_980_000_000
"""Mon 23 Nov 2026, 18:03:00 UTC."""


@pytest.mark.parametrize(
    ("amounts", "places"),
    [
        ((), 2),
        ((0, 0), 2),
        ((300_000_000, 158_000_000), 3),
        # To three decimals these come to 0.459, beside a sum of 0.458.
        ((152_600_000, 152_600_000, 152_600_000), 4),
        # To two 0.99 beside 1.00.
        ((334_000_000, 334_000_000, 334_000_000), 3),
        # Exactly between two: more decimals say no more.
        ((1_005_000_000, 1_010_000_000), 3),
        ((600_000_000, 600_000_000), 2),
        ((2_000_000, 3_000_000), 6),
        ((400, 400, 400), 7),
        # As a conversation of a fraction of a cent: 0.002322 beside 0.002323.
        ((340_300, 1_542_500, 440_000), 7),
    ],
)
def test_parts_have_as_many_decimals_as_let_them_come_to_their_sum(amounts: tuple[int, ...], places: int) -> None:
    assert formats.adding_places(amounts) == places


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (None, "—"),
        (0, "0"),
        (999, "999"),
        (12_482, "12,482"),
        (99_999, "99,999"),
        (100_000, "100k"),
        (123_499, "123k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_200_000, "1.2M"),
        (1_234_567, "1.23M"),
        (71_400_000, "71.4M"),
        (99_960_000, "100M"),
        (999_999_999, "1B"),
        (2_500_000_000_000, "2.5T"),
        (-123_456, "-123k"),
        (79.6, "80"),
    ],
)
def test_counts(n: float | None, text: str) -> None:
    assert formats.count(n) == text


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "—"),
        (0, "$0.00"),
        (1_500_000_000, "+$1.50"),
        (-4_000_000, "−$0.004000"),
        (1, "<$0.000001"),
        (-1, "<$0.000001"),
    ],
)
def test_differences_of_money(nano: int | None, text: str) -> None:
    assert formats.money_difference(nano) == text


def test_what_is_next_to_nothing_has_no_sign() -> None:
    assert formats.money(-1) == formats.money_column(-1) == formats.money_column_difference(-1) == "<$0.000001"
    assert formats.money_column_difference(-40_000, 4) == "<$0.0001"


@pytest.mark.parametrize(
    ("nano", "places", "text", "difference"),
    [
        (None, 4, "—", "—"),
        (0, 4, "$0.0000", "$0.0000"),
        (1_234_567_890_123, 2, "$1,234.57", "+$1,234.57"),
        (-52_034_567_890, 4, "-$52.0346", "−$52.0346"),
        (5_175_000, 3, "$0.005", "+$0.005"),
    ],
)
def test_a_column_of_money_has_the_same_decimals(nano: int | None, places: int, text: str, difference: str) -> None:
    assert formats.money_column(nano, places) == text
    assert formats.money_column_difference(nano, places) == difference


@pytest.mark.parametrize(
    ("largest", "places"),
    [
        (None, 2),
        (0, 2),
        (1_000, 6),
        (9_999_499, 6),
        (10_000_000, 3),
        (999_400_000, 3),
        (999_500_000, 2),
        (-(10**13), 2),
    ],
)
def test_decimals_go_by_the_largest_amount(largest: int | None, places: int) -> None:
    assert formats.money_places(largest) == places
    if largest and abs(largest) < 10**13:
        assert formats.money_column(largest, places) == formats.money(largest), "it reads as it does alone"


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "—"),
        (0, "$0.000"),
        (15_000_000_000, "$15.000"),
        (25_000_000, "$0.025"),
        (37_500_000, "$0.0375"),
        (400, "$0.0000004"),
        (1_250_000_000_000, "$1,250.000"),
    ],
)
def test_prices_have_three_decimals_and_more_where_they_need_them(nano: int | None, text: str) -> None:
    assert formats.price(nano) == text


def test_the_ends_of_a_range_are_told_alike() -> None:
    assert formats.minute(MON_18_03, "UTC", now_us=MON_18_03) == "23 Nov 18:03"
    assert formats.minute(MON_18_03 - 30 * 86_400_000_000, "UTC", now_us=MON_18_03) == "24 Oct 18:03"
    assert formats.minute(0, "UTC", now_us=MON_18_03) == "1 Jan 1970 00:00"


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "—"),
        (0, "$0.00"),
        (1, "<$0.000001"),
        (999, "<$0.000001"),
        (1_000, "$0.000001"),
        (15_900, "$0.000016"),
        (9_999_000, "$0.009999"),
        (9_999_999, "$0.010"),
        (10_000_000, "$0.010"),
        (54_321_000, "$0.054"),
        (999_400_000, "$0.999"),
        (999_600_000, "$1.00"),
        (214_860_000_000, "$214.86"),
        (9_999 * NANO, "$9,999.00"),
        (9_999_996_000_000, "$10.0k"),
        (12_345 * NANO, "$12.3k"),
        (999_960 * NANO, "$1.00M"),
        (-1_500_000_000, "-$1.50"),
    ],
)
def test_money(nano: int | None, text: str) -> None:
    assert formats.money(nano) == text


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (None, "—"),
        (0, "$0.000000"),
        (400, "<$0.000001"),
        (9_200_000, "$0.009200"),
        (1_234_567_890_000, "$1,234.567890"),
    ],
)
def test_money_in_a_column_has_six_decimals(nano: int | None, text: str) -> None:
    assert formats.money_column(nano) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "—"),
        (0, "0 ms"),
        (0.3, "<1 ms"),
        (640.4, "640 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1420, "1.42 s"),
        (9_994, "9.99 s"),
        (9_996, "10.0 s"),
        (12_400, "12.4 s"),
        (59_940, "59.9 s"),
        (59_960, "1m 00s"),
        (125_000, "2m 05s"),
        (3_599_900, "1h 00m"),
        (3_725_000, "1h 02m"),
    ],
)
def test_durations(ms: float | None, text: str) -> None:
    assert formats.duration(ms) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(None, "—"), (0, "0.0%"), (0.0004, "<0.1%"), (0.001, "0.1%"), (0.0108, "1.1%"), (0.53, "53.0%"), (1, "100.0%")],
)
def test_percent(fraction: float | None, text: str) -> None:
    assert formats.percent(fraction) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (108.4, 100, "+8.4%"),
        (93.7, 100, "−6.3%"),
        (100, 100, "0.0%"),
        (100.04, 100, "<0.1%"),
        (99.96, 100, "<0.1%"),
        (2500, 100, "+2,400%"),
        (5, 0, None),
        (5, None, None),
        (None, 5, None),
    ],
)
def test_deltas(now: float | None, before: float | None, text: str | None) -> None:
    assert formats.delta_percent(now, before) == text


def test_deltas_of_rates_are_points() -> None:
    assert formats.delta_points(0.0108, 0.0068) == "+0.4 pp"
    assert formats.delta_points(0.0068, 0.0108) == "−0.4 pp"
    assert formats.delta_points(0.01, 0.01) == "0.0 pp"
    assert formats.delta_points(0.0104, 0.01) == "<0.1 pp"


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), "23 Nov"),
        (date(2026, 11, 16), date(2026, 11, 23), "16 – 23 Nov"),
        (date(2026, 10, 28), date(2026, 11, 3), "28 Oct – 3 Nov"),
        (date(2025, 10, 28), date(2025, 11, 3), "28 Oct – 3 Nov 2025"),
        (date(2025, 11, 23), date(2025, 11, 23), "23 Nov 2025"),
        (date(2025, 12, 28), date(2026, 1, 3), "28 Dec 2025 – 3 Jan 2026"),
    ],
)
def test_days(first: date, last: date, text: str) -> None:
    assert formats.days(first, last, this_year=2026) == text


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (MON_18_03 + 72_802_999, "18:04:12.802"),
        (MON_18_03 - 24 * 3_600_000_000, "22 Nov 18:03"),
        (MON_18_03 - 366 * 24 * 3_600_000_000, "22 Nov 2025 18:03"),
    ],
)
def test_clock(us: int, text: str) -> None:
    assert formats.clock(us, "UTC", now_us=MON_18_03) == text


def test_clock_uses_the_zone_it_is_given() -> None:
    assert formats.clock(MON_18_03, "Asia/Tokyo", now_us=MON_18_03).startswith("03:03:00")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "just now"), (-3, "just now"), (12, "12 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7199, "1 h ago")],
)
def test_ago(seconds: int, text: str) -> None:
    assert formats.ago(MON_18_03 - seconds * 1_000_000, MON_18_03) == text


def test_long_ago_is_a_date() -> None:
    assert "Nov" in formats.ago(MON_18_03 - 3 * 86_400_000_000, MON_18_03)


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "18:03:00.000"), (1, "22 Nov 18:03"), (330, "28 Dec 18:03"), (510, "1 Jul 2025"), (730, "23 Nov 2024")],
)
def test_in_rows_the_year_stands_only_where_it_must(days: int, text: str) -> None:
    formats.use_clock("UTC", twelve_hours=False)
    us = MON_18_03 - days * 86_400_000_000
    # A month later of what is not of this year but could be no other.
    now_us = MON_18_03 if days != 330 else us + 30 * 86_400_000_000
    assert formats.row_clock(us, now_us=now_us) == text
    assert formats.row_ago(us, now_us) == (text if days else "just now")
    formats.use_clock(None, twelve_hours=False)


def test_a_folder_of_the_users_own_begins_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert formats.folder(tmp_path / "data" / "faregate") == "~/data/faregate"
    assert formats.folder(tmp_path.parent / "elsewhere") == str(tmp_path.parent / "elsewhere")


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (None, "—"),
        (0, "0"),
        (0.04, "<0.1"),
        (0.1, "0.1"),
        (7.46, "7.5"),
        (9.94, "9.9"),
        # Rounded first: ten is "10" wherever it came from.
        (9.96, "10"),
        (10.4, "10"),
        (1_204.2, "1,204"),
        (123_456, "123k"),
    ],
)
def test_rates(n: float | None, text: str) -> None:
    assert formats.rate(n) == text


@pytest.mark.parametrize("tz", ["Europe/Berlin", None])
def test_of_an_hour_that_the_clock_repeats_it_is_told_which(tz: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        moments = [round((twice + timedelta(hours=hour)).timestamp() * 1_000_000) for hour in (-1, 0, 1, 2)]
        assert [formats.minute(us, tz, now_us=us) for us in moments] == [
            "25 Oct 01:30",
            "25 Oct 02:30 CEST",
            "25 Oct 02:30 CET",
            "25 Oct 03:30",
        ]
        assert formats.clock(moments[2], tz, now_us=moments[2]) == "02:30:00.000 CET"
        assert tz is not None or formats.time_of_day(moments[1]) == "02:30 CEST"
        # An hour that it skips is in no row, and none beside it is marked.
        skipped = round(datetime(2026, 3, 29, 1, 0, tzinfo=UTC).timestamp() * 1_000_000)
        assert formats.minute(skipped, tz, now_us=skipped) == "29 Mar 03:00"
    finally:
        monkeypatch.undo()
        time.tzset()
