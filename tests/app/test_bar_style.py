"""Scroll bars look as rules of a stylesheet had them, and cost next to nothing."""

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QScrollArea, QScrollBar, QStyle, QStyleOptionSlider, QWidget
from pytestqt.qtbot import QtBot

from app.bar_style import LEAST_LENGTH, WIDTH
from app.theme import DARK, LIGHT, Theme

PART, ORIENTATION = QStyle.SubControl, Qt.Orientation
LENGTH = 200


@pytest.fixture
def host(qtbot: QtBot, theme: Theme) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(300, 300)
    with qtbot.waitExposed(made):
        made.show()
    return made


def a_bar(host: QWidget, orientation: Qt.Orientation = ORIENTATION.Vertical, length: int = LENGTH) -> QScrollBar:
    bar = QScrollBar(orientation, host)
    bar.resize(QSize(WIDTH, length) if orientation == ORIENTATION.Vertical else QSize(length, WIDTH))
    bar.setRange(0, 100)
    bar.setPageStep(100)
    bar.show()
    return bar


def place(bar: QScrollBar, part: QStyle.SubControl) -> QRect:
    option = QStyleOptionSlider()
    bar.initStyleOption(option)
    return bar.style().subControlRect(QStyle.ComplexControl.CC_ScrollBar, option, part, bar)


def colour(bar: QScrollBar, at: QPoint) -> QColor:
    found: QColor = bar.grab().toImage().pixelColor(at)
    return found


@pytest.mark.parametrize("orientation", list(ORIENTATION))
def test_the_handle_has_the_whole_length(host: QWidget, orientation: Qt.Orientation) -> None:
    bar = a_bar(host, orientation)
    upright = orientation == ORIENTATION.Vertical
    across = bar.sizeHint().width() if upright else bar.sizeHint().height()
    assert across == WIDTH
    for value, begin in ((0, 0), (50, LENGTH // 4), (100, LENGTH // 2)):
        bar.setValue(value)
        half = QRect(0, begin, WIDTH, LENGTH // 2) if upright else QRect(begin, 0, LENGTH // 2, WIDTH)
        assert place(bar, PART.SC_ScrollBarSlider) == half
        assert place(bar, PART.SC_ScrollBarGroove) == bar.rect()
        for arrow in (PART.SC_ScrollBarAddLine, PART.SC_ScrollBarSubLine):
            assert not place(bar, arrow).intersects(bar.rect())


def test_a_handle_of_much_can_be_grasped(host: QWidget) -> None:
    bar = a_bar(host)
    bar.setRange(0, 1_000_000)
    bar.setValue(1_000_000)
    assert place(bar, PART.SC_ScrollBarSlider) == QRect(0, LENGTH - LEAST_LENGTH, WIDTH, LEAST_LENGTH)


def test_what_lies_behind_shows_and_the_handle_tells_the_mouse(host: QWidget, theme: Theme) -> None:
    bar = a_bar(host)
    on, beside, below = QPoint(WIDTH // 2, 50), QPoint(1, 50), QPoint(WIDTH // 2, 150)
    for mode, tokens in (("dark", DARK), ("light", LIGHT)):
        theme.set_mode(mode)
        QTest.mouseMove(bar, below)
        assert colour(bar, on).name() == tokens.border_strong.lower()
        assert colour(bar, beside).name() == colour(bar, below).name() == tokens.bg.lower()
        QTest.mouseMove(bar, on)
        assert colour(bar, on).name() == tokens.text3.lower()
        QTest.mouseMove(bar, below)
        assert colour(bar, on).name() == tokens.border_strong.lower()


def test_no_bar_has_rules_of_its_own(qtbot: QtBot, theme: Theme) -> None:
    """They took up to seventy kilobytes for each, four megabytes of what an hour's use left in memory."""
    area, box = QScrollArea(), QComboBox()
    area.setWidget(QLabel("word\n" * 99))
    box.addItems([str(number) for number in range(99)])
    for each in (area, box):
        qtbot.addWidget(each)
        each.resize(100, 100)
        each.show()
    box.showPopup()
    try:
        for bar in (area.verticalScrollBar(), *box.view().findChildren(QScrollBar)):
            assert bar.styleSheet() == "" and WIDTH in bar.sizeHint().toTuple()
        assert not area.verticalScrollBar().testAttribute(Qt.WidgetAttribute.WA_StyleSheet)
    finally:
        box.hidePopup()
