"""A date field's month is made when it is first picked from, and is in the theme's colours then and later."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QCalendarWidget
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
