"""The second breakdown table while the rows of a tab are still on their way, which takes a second or two of a year."""

import asyncio

import msgspec
import pytest
from PySide6.QtCore import QPoint, QSignalBlocker, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.colour_slots import Colours
from app.context import AppContext
from app.overview.breakdown_card import BreakdownCard
from app.pages.overview import OverviewPage
from app.preferences import Preferences
from app.theme import Theme
from gateway import Breakdown, BreakdownRow, Summary
from tests.app.shown_page import shown_overview


@pytest.fixture
def page(qtbot: QtBot, context: AppContext) -> OverviewPage:
    context.filters.set_range("7d")
    return shown_overview(qtbot, context)


def test_a_row_of_the_tab_before_leads_to_what_it_is(qtbot: QtBot, theme: Theme) -> None:
    card = BreakdownCard(theme, ("provider", "user", "tag"), Colours(Preferences()))
    qtbot.addWidget(card)
    card.resize(580, 300)
    card.show()
    rows = Breakdown(rows=(BreakdownRow(value="openai", summary=Summary(requests=3, cost_nano=5)),))
    card.set_breakdown(rows, "provider", 5)
    card.tabs["tag"].click()
    spot = QPoint(60, card.table.rowViewportPosition(0) + 10)
    with qtbot.waitSignal(card.line_activated) as led:
        QTest.mouseClick(card.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert (led.args[0], led.args[1].value) == ("provider", "openai")
    card.set_breakdown(msgspec.structs.replace(rows, overlapping=True), "tag", 5)
    with qtbot.waitSignal(card.line_activated) as led:
        QTest.mouseClick(card.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert led.args[0] == "tag"


def test_an_answer_for_the_tab_before_is_none_for_this_one(page: OverviewPage) -> None:
    """It comes in the moment in which another tab is chosen."""
    side, answers = page.parts.by_side, page.answers
    assert answers is not None
    providers = {row.value for row in answers.by_side.rows}
    with QSignalBlocker(side):
        side.tabs["user"].click()
    asyncio.run(page._show(answers, 0))
    shown = []
    side.line_activated.connect(lambda dimension, line: shown.append((dimension, line.value)))
    line = side.model.line(0)
    assert line is not None
    side.table.line_activated.emit(line)
    assert shown == [("provider", line.value)] and line.value in providers
