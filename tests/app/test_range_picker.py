"""Ranges and buckets: one click, or two local days, daylight saving included."""

import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.range_picker import BUCKETS, RANGES, BucketPicker, RangePicker, day_range

BERLIN = "Europe/Berlin"
HOUR = 3_600_000_000
DAY_US = 24 * HOUR


def us(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=ZoneInfo(BERLIN)).timestamp()) * 1_000_000  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        (date(2026, 11, 16), date(2026, 11, 16), 24),
        (date(2026, 10, 25), date(2026, 10, 25), 25),
        (date(2026, 3, 29), date(2026, 3, 29), 23),
        (date(2026, 10, 24), date(2026, 10, 26), 73),
        (date(2026, 12, 31), date(2027, 1, 1), 48),
    ],
)
def test_local_days(first: date, last: date, hours: int) -> None:
    start, end = day_range(first, last, BERLIN)
    assert start == us(first.year, first.month, first.day)
    assert end - start == hours * HOUR


def test_a_preset_is_one_click(qtbot: QtBot, context: AppContext) -> None:
    picker = RangePicker(context)
    qtbot.addWidget(picker)
    for key, _ in RANGES[:4]:
        QTest.mouseClick(picker.segment(key), Qt.MouseButton.LeftButton)
        assert context.filters.range_key == key
    context.filters.set_range("24h")
    assert picker.current == "24h"


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("1h", QDate(2026, 11, 23)),
        ("24h", QDate(2026, 11, 23)),
        ("7d", QDate(2026, 11, 17)),
        ("30d", QDate(2026, 10, 25)),
        ("12m", QDate(2025, 12, 1)),
        ("all", QDate(2024, 2, 29)),
    ],
)
def test_custom_begins_with_the_days_on_show(qtbot: QtBot, context: AppContext, key: str, first: QDate) -> None:
    """From a month or a year on show it went to the last seven days."""
    context.filters.set_first(us(2024, 2, 29) + 1)
    picker = RangePicker(context, offers_all=True)
    qtbot.addWidget(picker)
    picker.show()
    context.filters.set_range(key)
    picker.segment("custom").click()
    assert (picker.custom.first.date(), picker.custom.last.date()) == (first, QDate(2026, 11, 23))


def test_a_custom_range_is_two_days_and_apply(qtbot: QtBot, context: AppContext) -> None:
    picker = RangePicker(context)
    qtbot.addWidget(picker)
    picker.show()
    context.filters.set_range("7d")
    picker.segment("custom").click()
    assert picker.custom.isVisible()
    assert (picker.current, context.filters.range_key) == ("7d", "7d"), "nothing is chosen until it is applied"
    assert picker.custom.last.date() == QDate(2026, 11, 23)
    picker.custom.first.setDate(QDate(2026, 10, 24))
    picker.custom.last.setDate(QDate(2026, 10, 25))
    picker.custom.apply_button.click()
    assert not picker.custom.isVisible()
    assert context.filters.custom == (us(2026, 10, 24), us(2026, 10, 26))
    assert picker.current == "custom"
    picker.segment("custom").click()
    assert picker.custom.isVisible(), "another custom range can be chosen"
    assert picker.custom.first.date() == QDate(2026, 10, 24)
    assert picker.custom.last.date() == QDate(2026, 10, 25)
    picker.custom.close()


def test_days_in_the_wrong_order_cannot_be_applied(qtbot: QtBot, context: AppContext) -> None:
    picker = RangePicker(context)
    qtbot.addWidget(picker)
    picker.custom.first.setDate(QDate(2026, 11, 3))
    picker.custom.last.setDate(QDate(2026, 11, 2))
    assert not picker.custom.apply_button.isEnabled()
    assert picker.custom.problem.text()
    picker.custom.last.setDate(QDate(2026, 11, 3))
    assert picker.custom.apply_button.isEnabled()
    assert not picker.custom.problem.text()


def test_buckets_that_do_not_fit_cannot_be_chosen(qtbot: QtBot, context: AppContext) -> None:
    picker = BucketPicker(context)
    qtbot.addWidget(picker)
    fitting = {}
    for key in ("1h", "24h", "7d", "30d", "12m"):
        context.filters.set_range(key)
        fitting[key] = [bucket for bucket, _ in BUCKETS if picker.segment(bucket).isEnabled()]
    assert fitting == {
        "1h": ["auto"],
        "24h": ["auto", "hour"],
        "7d": ["auto", "hour", "day"],
        "30d": ["auto", "hour", "day", "week"],
        "12m": ["auto", "day", "week", "month"],
    }
    picker.segment("day").click()
    assert context.filters.bucket == "day"
    context.filters.set_range("1h")
    assert picker.current == "auto"
    context.filters.set_range("7d")
    assert picker.current == "day", "the choice comes back with a range that it fits"
    context.filters.set_bucket("15m")
    assert picker.current == "auto"


def test_buckets_of_which_there_would_be_too_many_cannot_be_chosen(qtbot: QtBot, context: AppContext) -> None:
    """Hours of a year were offered, and days shown for them."""
    filters, now_us = context.filters, time.time_ns() // 1000
    picker = BucketPicker(context)
    qtbot.addWidget(picker)

    def offered() -> list[str]:
        return [bucket for bucket, _ in BUCKETS if picker.segment(bucket).isEnabled()]

    filters.set_range("30d")
    filters.set_bucket("hour")
    for days, fitting in (
        (31, ["auto", "hour", "day", "week", "month"]),
        (400, ["auto", "day", "week", "month"]),
        (900, ["auto", "week", "month"]),
    ):
        filters.set_range("custom", (now_us - days * DAY_US, now_us))
        assert offered() == fitting
        assert picker.current == ("hour" if "hour" in fitting else "auto")
        assert filters.resolved_bucket() in fitting
        filters.set_range("all")
        filters.set_first(now_us - days * DAY_US)
        assert offered() == fitting or days == 31, "all begins with a month"
    assert picker.segment("day").toolTip() == "Daily is too fine for this range"
