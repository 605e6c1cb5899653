"""The keyboard stays where a person put it while something is disabled for a moment."""

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.focus import pause
from app.theme import Theme
from app.widgets import PushButton, SegmentedControl
from tests.app.test_widgets import show_active


class _Form(QWidget):
    """Two fields in a group, and a button before and after it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.before, self.after = PushButton(theme, "Before"), PushButton(theme, "After")
        self.group = QWidget()
        self.first, self.second = QLineEdit(), QLineEdit()
        inner = QVBoxLayout(self.group)
        inner.addWidget(self.first)
        inner.addWidget(self.second)
        column = QVBoxLayout(self)
        for widget in (self.before, self.group, self.after):
            column.addWidget(widget)


@pytest.fixture
def form(qtbot: QtBot, theme: Theme) -> _Form:
    made = _Form(theme)
    qtbot.addWidget(made)
    show_active(qtbot, made)
    return made


def test_what_worked_has_the_keyboard_again(form: _Form) -> None:
    form.before.setFocus()
    resume = pause(form.before)
    assert not form.before.isEnabled() and form.first.hasFocus()
    resume()
    assert form.before.isEnabled() and form.before.hasFocus()
    form.second.setFocus()
    resume = pause(form.group, form.after)
    assert not form.second.isEnabled() and not form.second.hasFocus()
    resume()
    assert form.second.hasFocus(), "a field within what was disabled has it again"


def test_what_a_person_took_elsewhere_stays_there(form: _Form) -> None:
    form.before.setFocus()
    resume = pause(form.before)
    form.after.setFocus()
    resume()
    assert form.after.hasFocus()
    resume = pause(form.before)
    resume()
    assert form.after.hasFocus(), "it never was in what was disabled"


def test_what_is_gone_meanwhile_is_let_be(qtbot: QtBot, theme: Theme) -> None:
    form = _Form(theme)
    show_active(qtbot, form)
    form.second.setFocus()
    resume = pause(form.group, form.before)
    form.group.setParent(None)
    form.group.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    resume()
    assert form.before.isEnabled() and not form.before.hasFocus(), "what is left ends its pause"
    form.close()


def test_tab_reaches_the_choice_from_either_side(qtbot: QtBot, theme: Theme) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    control = SegmentedControl(theme, [("csv", "CSV"), ("jsonl", "JSON lines"), ("tsv", "TSV")])
    before, after = PushButton(theme, "Before"), PushButton(theme, "After")
    for widget in (before, control, after):
        column.addWidget(widget)
    control.set_current("jsonl")
    show_active(qtbot, holder)
    for start, forward in ((before, True), (after, False)):
        start.setFocus()
        start.focusNextPrevChild(forward)
        assert control.segment("jsonl").hasFocus()
    control.set_current("tsv")
    after.setFocus()
    after.focusNextPrevChild(False)
    assert control.segment("tsv").hasFocus(), "also once it was changed without the keyboard"
    QTest.mouseClick(control.segment("csv"), Qt.MouseButton.LeftButton)
    assert control.segment("csv").hasFocus(), "or while it had it: the ring is where the arrow keys go on from"
