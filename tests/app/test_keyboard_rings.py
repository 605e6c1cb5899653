"""A ring stands around what the keyboard came to, and nothing that was pressed."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.charts.card import ChartCard
from app.charts.cost import money_axis
from app.charts.latency import duration_axis
from app.charts.scatter import ScatterCard, ScatterSpec
from app.overview.cards import FigureCard
from app.pages.conversations_parts.list_view import ThreadList
from app.theme import Theme
from app.widgets import PushButton, Stars
from tests.app.test_sources import TOKENS
from tests.app.test_widgets import show_active

SCATTER = ScatterSpec(title="S", x_title="Cost", y_title="Time", x_text=money_axis, y_text=duration_axis)
Reason = Qt.FocusReason


@pytest.mark.parametrize(
    "make",
    [
        Stars,
        lambda theme: ChartCard(TOKENS, theme),
        lambda theme: ScatterCard(SCATTER, theme),
        lambda theme: FigureCard(theme, "requests", "Requests", "activity"),
    ],
    ids=["stars", "chart", "scatter", "figure"],
)
def test_the_ring_is_the_keyboards_and_comes_back_with_the_window(
    qtbot: QtBot, theme: Theme, make: Callable[[Theme], QWidget]
) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    widget, other = make(theme), PushButton(theme, "Other")
    column.addWidget(widget)
    column.addWidget(other)
    show_active(qtbot, holder)

    def is_ringed() -> bool:
        at = QPoint(0, widget.height() // 2)
        return widget.grab().toImage().pixelColor(at) == theme.color("accent")

    seen = []
    for reason in (Reason.TabFocusReason, Reason.ActiveWindowFocusReason, Reason.MouseFocusReason):
        other.setFocus()
        assert not is_ringed()
        widget.setFocus(reason)
        seen.append(is_ringed())
    assert seen == [True, True, False]
    other.setFocus()
    widget.setFocus(Reason.PopupFocusReason)
    assert not is_ringed(), "a menu over what was pressed brings none"


def test_a_list_knows_the_keyboard_brought_it_there_when_its_window_comes_back(qtbot: QtBot, theme: Theme) -> None:
    shown = ThreadList(theme)
    qtbot.addWidget(shown)
    show_active(qtbot, shown)
    for reason in (Reason.TabFocusReason, Reason.MouseFocusReason):
        shown.clearFocus()
        shown.setFocus(reason)
        shown.clearFocus()
        shown.setFocus(Reason.ActiveWindowFocusReason)
        assert shown.by_keyboard is (reason == Reason.TabFocusReason)
