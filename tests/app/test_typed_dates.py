"""A date that is typed or pasted over another one is the one that stands there then."""

from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.date_field import DateField
from app.theme import Theme

BEFORE = date(2026, 10, 26)


@pytest.fixture
def field(qtbot: QtBot, theme: Theme) -> DateField:
    made = DateField(theme, "From")
    qtbot.addWidget(made)
    made.show_day(BEFORE)
    made.show()
    made.setFocus()
    made.setSelectedSection(DateField.Section.DaySection)
    return made


@pytest.mark.parametrize("whole", [False, True], ids=["over the day", "over all of it"])
@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("7 Nov 2026", date(2026, 11, 7)),
        ("05 Nov 2026", date(2026, 11, 5)),
        ("1 Nov 2026", date(2026, 11, 1)),
        ("23 Dec 2025", date(2025, 12, 23)),
        ("9-Jan-2027", date(2027, 1, 9)),
        ("31 Oct 2026", date(2026, 10, 31)),
    ],
)
def test_what_is_typed_is_the_date(field: DateField, text: str, day: date, whole: bool) -> None:
    if whole:
        field.selectAll()
    QTest.keyClicks(field, text)
    assert field.day() == day


@pytest.mark.parametrize("text", ["2026-11-07", "7 Nov 2026", " 7.11.2026\n"])
def test_a_whole_date_is_pasted(field: DateField, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.day() == date(2026, 11, 7)
    QGuiApplication.clipboard().setText("next week")
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.day() == date(2026, 11, 7)
