"""The pane beside a conversation keeps its widths and places: another block, or another conversation, is told without
painting what stays."""

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.pages.conversations_parts.blocks import told
from app.pages.conversations_parts.cost_card import CostCard
from app.pages.conversations_parts.costs import CostLine, CostSplit
from app.pages.conversations_parts.facts import facts_of
from app.pages.conversations_parts.inspector import WIDTH, Inspector
from app.pages.conversations_parts.spans import rows_of
from app.theme import Theme
from tests.app.fake_gateway import NOW_US
from tests.app.fake_threads import plain_thread
from tests.app.test_short_slots import Painted

LINES = tuple(CostLine(name=name, tone="0", tokens=1_000, nano=1_000_000) for name in ("Input", "Output", "Cached"))
THREAD = plain_thread(1, NOW_US, turns=2)
SPLIT = CostSplit(total_nano=3_000_000, lines=LINES)


@pytest.fixture
def inspector(qtbot: QtBot, theme: Theme) -> Inspector:
    made = Inspector(theme)
    qtbot.addWidget(made)
    made.resize(WIDTH, 420)
    with qtbot.waitExposed(made):
        made.show()
    made.show_costs(SPLIT)
    made.show_rows(rows_of(THREAD, told(THREAD, {}).steps), 0)
    settle(made)
    return made


def settle(inspector: Inspector) -> None:
    while inspector.facts.turns._timer.isActive():
        QTest.qWait(1)
    QApplication.processEvents()
    QTest.qWait(1)


def test_facts_that_no_longer_fit_paint_nothing_of_what_stands_above_them(inspector: Inspector) -> None:
    row = next(row for row in inspector.waterfall.rows if row.role == "inference")
    width, bar = inspector.cost.width(), inspector.verticalScrollBar()
    assert bar.maximum() == 0
    painted = [Painted(part) for part in (inspector.cost, inspector.timeline, inspector.waterfall)]
    inspector.show_facts(facts_of(row, THREAD.turns[0], NOW_US, str))
    settle(inspector)
    assert bar.maximum() > 0
    assert [each.parts for each in painted] == [[], [], []]
    assert inspector.cost.width() == width


def test_a_timeline_that_no_longer_fits_paints_nothing_above_it(inspector: Inspector) -> None:
    thread = plain_thread(1, NOW_US, turns=12)
    painted = Painted(inspector.cost)
    inspector.show_rows(rows_of(thread, told(thread, {}).steps), 0)
    settle(inspector)
    assert inspector.verticalScrollBar().maximum() > 0
    assert painted.parts == []


def test_the_bar_stands_in_the_margin(inspector: Inspector) -> None:
    cost = inspector.cost
    left = cost.mapTo(inspector, cost.rect().topLeft()).x()
    assert inspector.width() - left - cost.width() == left
    assert inspector.verticalScrollBar().isVisible()


def test_parts_that_are_not_known_yet_have_the_room_of_those_before(inspector: Inspector) -> None:
    timeline, cost = inspector.timeline, inspector.cost
    place, room = timeline.pos(), cost.sizeHint()
    painted = Painted(timeline)
    inspector.show_costs(CostSplit(total_nano=5_000_000), parts_follow=True)
    settle(inspector)
    assert (timeline.pos(), cost.sizeHint(), painted.parts) == (place, room, [])
    assert cost.split.lines == ()
    inspector.show_costs(CostSplit(total_nano=5_000_000, lines=LINES))
    settle(inspector)
    assert (timeline.pos(), painted.parts) == (place, [])


def test_a_conversation_without_parts_leaves_no_room_for_them(qtbot: QtBot, theme: Theme) -> None:
    card = CostCard(theme)
    qtbot.addWidget(card)
    bare = card.sizeHint()
    card.show_split(SPLIT)
    assert card.sizeHint().height() > bare.height()
    # The parts that were awaited turned out to be none: the same words, and less room.
    card.show_split(CostSplit(total_nano=1), parts_follow=True)
    card.show_split(CostSplit(total_nano=1))
    assert card.sizeHint() == bare
