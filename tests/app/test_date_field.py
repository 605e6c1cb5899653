"""A date field's month is made when it is first picked from, and is in the theme's colours then and later; a date is
pasted in any form in which people write it."""

from collections.abc import Iterator
from datetime import date

import pytest
from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QCalendarWidget, QMenu
from pytestqt.qtbot import QtBot

from app.date_field import DateField
from app.theme import Theme


def test_the_month_is_made_when_it_is_opened_and_follows_the_theme(
    qtbot: QtBot, qapp: QApplication, theme: Theme
) -> None:
    field = DateField(theme, "From")
    qtbot.addWidget(field)
    with qtbot.waitExposed(field):
        field.show()
    assert not field.findChildren(QCalendarWidget)
    arrow = QPoint(field.width() - 12, field.height() // 2)
    qtbot.mousePress(field, Qt.MouseButton.LeftButton, pos=arrow)
    (calendar,) = (each for each in qapp.allWidgets() if isinstance(each, QCalendarWidget) and each.isVisible())
    light = theme.color("surface").name()
    assert light in calendar.styleSheet()
    assert calendar is field.calendarWidget()
    qtbot.mouseRelease(field, Qt.MouseButton.LeftButton, pos=arrow)
    calendar.window().close()
    theme.set_mode("dark")
    assert light != theme.color("surface").name() and theme.color("surface").name() in calendar.styleSheet()


@pytest.fixture
def system() -> Iterator[None]:
    usual = QLocale()
    yield
    QLocale.setDefault(usual)


PASTED = [
    ("en_US", "3 Nov 2026"),
    ("en_US", "2026-11-03"),
    ("en_US", " 2026-11-03\n"),
    ("en_US", "2026-11-03T23:04:12.802Z"),
    ("en_US", "11/3/2026"),
    ("en_US", "11/3/26"),
    ("en_GB", "03/11/2026"),
    ("de_DE", "3 Nov. 2026"),
    ("de_DE", "3 Nov 2026"),
    ("de_DE", "3.11.2026"),
    ("de_DE", "03.11.26"),
    ("fr_FR", "mardi 3 novembre 2026"),
    ("ja_JP", "2026/11/03"),
    ("hu_HU", "2026. 11. 03."),
]


@pytest.mark.parametrize(("locale", "text"), PASTED)
def test_a_date_is_pasted_as_the_system_writes_it_and_as_iso(
    qtbot: QtBot, theme: Theme, system: None, locale: str, text: str
) -> None:
    QLocale.setDefault(QLocale(locale))
    field = DateField(theme, "From")
    qtbot.addWidget(field)
    field.show_day(date(2020, 1, 2))
    QGuiApplication.clipboard().setText(text)
    qtbot.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.day() == date(2026, 11, 3) and field.text() == "3 Nov 2026", "in the window's language"


@pytest.mark.parametrize("text", ["", "31 Feb 2026", "tomorrow", "2026-11", "12345678", "2026-11-03x"])
def test_what_is_no_date_changes_none(qtbot: QtBot, theme: Theme, text: str) -> None:
    field = DateField(theme, "From")
    qtbot.addWidget(field)
    field.show_day(date(2020, 1, 2))
    QGuiApplication.clipboard().setText(text)
    qtbot.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert field.day() == date(2020, 1, 2)


def test_the_menu_pastes_a_whole_date_too(qtbot: QtBot, theme: Theme) -> None:
    """It wrote the clipboard into the day, where it had no room."""
    field = DateField(theme, "From")
    qtbot.addWidget(field)
    with qtbot.waitExposed(field):
        field.show()
    QGuiApplication.clipboard().setText("2026-11-03")
    at = QPoint(20, field.height() // 2)
    inner = field.childAt(at) or field
    place = inner.mapFrom(field, at)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, inner.mapToGlobal(place))
    QApplication.sendEvent(inner, event)
    (menu,) = (each for each in QApplication.topLevelWidgets() if isinstance(each, QMenu) and each.isVisible())
    action = menu.findChild(QAction, "edit-paste")
    assert action is not None
    action.trigger()
    menu.close()
    assert field.day() == date(2026, 11, 3)
