"""Ranges and buckets: one click, or two local days, daylight saving included."""

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
