"""A pane that a click chooses: the one before goes in the click's turn, the other comes in the next."""

from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtWidgets import QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.theme import Theme
from app.widgets import PaneTurns


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> QWidget:
    """Two panes of two fields in a stack, and a button beside it."""
    made = QWidget()
    qtbot.addWidget(made)
    column, stack = QVBoxLayout(made), QStackedWidget()
    column.addWidget(QPushButton("beside"))
    column.addWidget(stack)
    for name in ("first", "second"):
        pane = QWidget()
        inner = QVBoxLayout(pane)
        for number in (1, 2):
            field = QLineEdit()
            field.setObjectName(f"{name}_{number}")
            inner.addWidget(field)
        stack.addWidget(pane)
    made.resize(400, 400)
    made.show()
    with qtbot.waitActive(made):
        made.activateWindow()
    return made


@pytest.fixture
def stack(page: QWidget) -> QStackedWidget:
    found = page.findChild(QStackedWidget)
    assert isinstance(found, QStackedWidget)
    return found


@pytest.fixture
def turns(page: QWidget, stack: QStackedWidget) -> PaneTurns:
    return PaneTurns(page, stack)


def shown(turns: PaneTurns, pane: QWidget) -> Callable[[], None]:
    return partial(turns.show, pane)


def test_the_pane_before_goes_in_the_clicks_turn_and_what_is_seen_of_it_stays(
    qtbot: QtBot, stack: QStackedWidget, turns: PaneTurns
) -> None:
    first, second = stack.widget(0), stack.widget(1)
    turns.ask(shown(turns, second))
    assert first.isHidden() and stack.currentWidget() is first
    assert turns.curtain.isVisible() and turns.curtain.geometry() == stack.geometry()
    qtbot.waitUntil(second.isVisible)
    assert stack.currentWidget() is second
    qtbot.waitUntil(turns.curtain.isHidden)


def test_a_pane_that_is_chosen_again_at_once_is_there_again(
    qtbot: QtBot, stack: QStackedWidget, turns: PaneTurns
) -> None:
    first, second = stack.widget(0), stack.widget(1)
    turns.ask(shown(turns, second))
    turns.show(first)
    assert first.isVisible()
    qtbot.wait(20)
    assert stack.currentWidget() is first and first.isVisible() and second.isHidden()


@pytest.mark.parametrize("before", [None, "second_2"])
def test_the_keyboard_goes_with_the_panes_as_a_stack_has_it(
    qtbot: QtBot, page: QWidget, stack: QStackedWidget, turns: PaneTurns, before: str | None
) -> None:
    def field(name: str) -> QLineEdit:
        found = page.findChild(QLineEdit, name)
        assert isinstance(found, QLineEdit)
        return found

    if before is not None:
        stack.setCurrentIndex(1)
        field(before).setFocus()
        stack.setCurrentIndex(0)
    field("first_1").setFocus()
    turns.ask(shown(turns, stack.widget(1)))
    qtbot.waitUntil(stack.widget(1).isVisible)
    assert field(before or "second_1").hasFocus()


def test_the_keyboard_is_again_where_it_was_when_a_pane_comes_back(
    qtbot: QtBot, page: QWidget, stack: QStackedWidget, turns: PaneTurns
) -> None:
    """It came to the pane's first field, and not to the one that a person was typing in."""
    field = page.findChild(QLineEdit, "first_2")
    assert isinstance(field, QLineEdit)
    field.setFocus()
    for pane in (stack.widget(1), stack.widget(0)):
        turns.ask(shown(turns, pane))
        qtbot.waitUntil(pane.isVisible)
    assert field.hasFocus()
    turns.ask(shown(turns, stack.widget(1)))
    field.setEnabled(False)
    qtbot.waitUntil(stack.widget(1).isVisible)
    turns.ask(shown(turns, stack.widget(0)))
    qtbot.waitUntil(stack.widget(0).isVisible)
    first = page.findChild(QLineEdit, "first_1")
    assert first is not None and first.hasFocus()


def test_the_keyboard_stays_where_a_person_took_it(
    qtbot: QtBot, page: QWidget, stack: QStackedWidget, turns: PaneTurns
) -> None:
    beside = page.findChild(QPushButton)
    assert isinstance(beside, QPushButton)
    stack.widget(0).findChildren(QLineEdit)[0].setFocus()
    turns.ask(shown(turns, stack.widget(1)))
    beside.setFocus()
    qtbot.waitUntil(stack.widget(1).isVisible)
    assert beside.hasFocus()
