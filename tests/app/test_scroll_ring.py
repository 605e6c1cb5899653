"""What scrolls and has the keyboard shows a ring where the keyboard brought it there, and no other time."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.widgets import ScrollRing
from tests.waiting import PATIENCE_MS

KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


@pytest.fixture
def area(qtbot: QtBot, qapp: QApplication) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(QWidget())
    ScrollRing(area)
    qtbot.addWidget(area)
    area.resize(300, 200)
    area.show()
    area.activateWindow()
    qtbot.waitUntil(lambda: qapp.activeWindow() is area, timeout=PATIENCE_MS)
    area.clearFocus()
    return area


def ring(area: QScrollArea) -> ScrollRing:
    found = area.findChild(ScrollRing)
    assert isinstance(found, ScrollRing)
    return found


@pytest.mark.parametrize("reason", KEYBOARD)
def test_the_keyboard_brings_it_and_takes_it_away(area: QScrollArea, reason: Qt.FocusReason) -> None:
    before = area.grab().toImage()
    area.setFocus(reason)
    assert ring(area).isVisible() and ring(area).geometry() == area.rect()
    assert area.grab().toImage() != before
    area.clearFocus()
    assert not ring(area).isVisible()
    assert area.grab().toImage() == before


def test_a_mouse_does_not(area: QScrollArea) -> None:
    area.setFocus(Qt.FocusReason.MouseFocusReason)
    assert area.hasFocus() and not ring(area).isVisible()


def test_it_is_as_large_as_what_it_is_around(area: QScrollArea, qtbot: QtBot) -> None:
    area.setFocus(Qt.FocusReason.TabFocusReason)
    area.resize(500, 400)
    qtbot.waitUntil(lambda: ring(area).geometry() == area.rect(), timeout=PATIENCE_MS)


def test_no_bar_of_its_area_hides_a_part_of_it(area: QScrollArea, qtbot: QtBot) -> None:
    """Wherever the area laid itself out, its bar stood over the ring's edge."""
    area.setFocus(Qt.FocusReason.TabFocusReason)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
    area.resize(320, 240)
    qtbot.waitUntil(area.verticalScrollBar().isVisible, timeout=PATIENCE_MS)
    edge = area.grab().toImage().pixelColor(area.width() - 2, area.height() // 2)
    assert edge == area.palette().color(QPalette.ColorRole.Highlight)


@pytest.mark.parametrize("reason", [Qt.FocusReason.TabFocusReason, Qt.FocusReason.MouseFocusReason])
def test_it_comes_back_with_the_window_as_it_was(area: QScrollArea, reason: Qt.FocusReason) -> None:
    area.setFocus(reason)
    area.clearFocus()
    area.setFocus(Qt.FocusReason.ActiveWindowFocusReason)
    assert ring(area).isVisible() is (reason == Qt.FocusReason.TabFocusReason)
