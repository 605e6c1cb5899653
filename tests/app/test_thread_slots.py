"""A conversation that grows while it is looked at: what has changed is painted, and each part in a turn of its own."""

import asyncio
import math
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QCursor, QHoverEvent, QPainter, QPaintEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionViewItem, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.loop import TURN_S
from app.pages.conversations_parts import blocks_view, thread_pane
from app.pages.conversations_parts.block import Block
from app.pages.conversations_parts.card import HEAD
from app.pages.conversations_parts.list_view import PAINTED_AT_ONCE, ROW_HEIGHT, ThreadList, _RowPainter
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.thread_pane import ThreadPane
from app.pages.conversations_parts.thread_view import ThreadView
from app.theme import Theme
from app.widgets import Curtain
from gateway import ThreadRow
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.fake_threads import S, plain_thread
from tests.app.spawner import Spawner
from tests.app.test_row_turns import on_screen, whole
from tests.app.test_short_slots import Painted
from tests.app.test_thread_view import said, settled
from tests.app.turns import Turns

WORDS = "An answer of some lines.\n\n"
ANSWERS = tuple(said(WORDS * (1 + number % 3), f"m{number}.0") for number in range(8))


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> Iterator[ThreadView]:
    turns = Turns()
    made = ThreadView(theme, Pictures(turns))
    qtbot.addWidget(made)
    made.resize(560, 500)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.show()
    made.set_blocks(ANSWERS, keep=False)
    settled(made)
    yield made
    turns.close()


def painted_by(view: ThreadView, blocks: tuple[Block, ...]) -> list[int]:
    """From where on the viewport is painted when these blocks are told, once for each paint."""
    painted = Painted(view.viewport())
    view.set_blocks(blocks, keep=True)
    settled(view)
    QApplication.processEvents()
    view.viewport().removeEventFilter(painted)
    return [part.top() for part in painted.parts]


def test_what_comes_below_what_is_in_sight_paints_nothing(view: ThreadView) -> None:
    assert view._tops[-1] > 2 * view.viewport().height()
    assert painted_by(view, (*ANSWERS, said(WORDS, "m8.0"))) == []
    # As it was read anew.
    assert painted_by(view, tuple(replace(block) for block in ANSWERS)) == []


def top(view: ThreadView, number: int) -> float:
    return view._tops[number] - view.verticalScrollBar().value()


CHANGES: dict[str, tuple[Callable[[], tuple[Block, ...]], int]] = {
    "other words": (lambda: (*ANSWERS[:2], said("Short.", "m2.0"), *ANSWERS[3:]), 2),
    "one less": (lambda: (*ANSWERS[:1], *ANSWERS[2:]), 1),
    "one more": (lambda: (*ANSWERS[:1], said("More.", "m9.0"), *ANSWERS[1:]), 1),
    "the end is gone": (lambda: ANSWERS[:2], 2),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_in_sight_is_painted_from_there_on(view: ThreadView, name: str) -> None:
    change, first = CHANGES[name]
    expected = top(view, first)
    paints = painted_by(view, change())
    assert paints and min(paints) >= expected - 2
    before = view.viewport().grab().toImage()
    view.viewport().update()
    QTest.qWait(1)
    assert view.viewport().grab().toImage() == before


def test_a_first_thread_and_another_one_are_painted_whole(view: ThreadView) -> None:
    for blocks in ((), ANSWERS, tuple(said(WORDS, f"other{number}.0") for number in range(8))):
        painted = Painted(view.viewport())
        view.set_blocks(blocks, keep=False)
        settled(view)
        assert max((part.height() for part in painted.parts), default=0) == view.viewport().height()


def test_what_was_not_made_in_its_time_is_painted_when_it_is(
    view: ThreadView, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tuple(said(WORDS, f"late{number}.0") for number in range(8))
    with monkeypatch.context() as no_time:
        no_time.setattr(blocks_view, "_BUDGET_S", -1.0)
        view.set_blocks(others, keep=False)
        view.viewport().repaint()
    # Before its own later turn comes.
    assert min(painted_by(view, others), default=math.inf) <= top(view, 0) + HEAD


def test_of_a_list_that_stays_in_order_the_rows_that_changed_are_painted(qtbot: QtBot, theme: Theme) -> None:
    listed = ThreadList(theme)
    qtbot.addWidget(listed)
    listed.resize(288, 8 * ROW_HEIGHT)
    listed.show()
    rows = [plain_thread(number, NOW_US).row for number in range(20)]
    listed.show_rows(rows, NOW_US, "")
    QTest.qWait(1)
    painted = Painted(listed.viewport())
    listed.show_rows([replace(row) for row in rows], NOW_US, "")
    QTest.qWait(1)
    assert painted.parts == []
    rows[3] = replace(rows[3], requests=rows[3].requests + 7)
    listed.show_rows(rows, NOW_US, "")
    QTest.qWait(1)
    assert [(part.top(), part.height()) for part in painted.parts] == [(3 * ROW_HEIGHT, ROW_HEIGHT)]
    assert listed.threads.rows == rows


def list_of(qtbot: QtBot, theme: Theme, rows: list[ThreadRow], sought: str = "") -> tuple[ThreadList, Painted]:
    listed = ThreadList(theme)
    qtbot.addWidget(listed)
    listed.resize(288, 8 * ROW_HEIGHT)
    listed.show()
    listed.show_rows(rows, NOW_US, "", sought=sought)
    QTest.qWait(1)
    return listed, Painted(listed.viewport())


def painted_rows(painted: Painted) -> list[int]:
    """Those whose middle was painted since the last time."""
    QTest.qWait(1)
    middles = [(place, place * ROW_HEIGHT + ROW_HEIGHT // 2) for place in range(8)]
    found = [place for place, y in middles if any(part.top() <= y <= part.bottom() for part in painted.parts)]
    painted.parts.clear()
    return found


def ended(number: int, seconds: int) -> ThreadRow:
    return replace(plain_thread(number, NOW_US).row, ended_us=NOW_US - seconds * S, errors=0, running=False)


def test_rows_that_are_as_they_were_are_painted_where_their_age_is_another(qtbot: QtBot, theme: Theme) -> None:
    rows = [ended(1, 1), ended(2, 600), ended(3, 7_200)]
    listed, painted = list_of(qtbot, theme, rows)
    listed.show_rows(rows, NOW_US + 9 * S, "")
    assert painted_rows(painted) == [0]
    listed.tell_ages(NOW_US + 70 * S)
    assert painted_rows(painted) == [0, 1]
    listed.tell_ages(NOW_US + 71 * S)
    assert painted_rows(painted) == []


def test_ages_are_told_anew_in_a_window_that_was_minimised(qtbot: QtBot, theme: Theme) -> None:
    listed, painted = list_of(qtbot, theme, [ended(1, 1), ended(2, 7_200)])
    listed.showMinimized()
    listed.showNormal()
    painted_rows(painted)
    listed.tell_ages(NOW_US + 70 * S)
    assert painted_rows(painted) == [0]


def test_other_conversations_are_painted_some_in_each_turn(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, _ = list_of(qtbot, theme, [plain_thread(number, NOW_US).row for number in range(40)])
    turns: list[set[int]] = []
    # Part of each row's paint.
    bracket = _RowPainter._bracket

    def counted(row: _RowPainter, painter: QPainter, box: QRectF, beside: tuple[bool, bool]) -> None:
        turns[-1].add(int(box.top()) // ROW_HEIGHT)
        bracket(row, painter, box, beside)

    monkeypatch.setattr(_RowPainter, "_bracket", counted)
    before = on_screen(listed)
    listed.show_rows([plain_thread(number, NOW_US).row for number in range(40, 90)], NOW_US, "")
    turns.append(set())
    listed.viewport().repaint()
    assert turns == [set(range(PAINTED_AT_ONCE))]
    half, width = PAINTED_AT_ONCE * ROW_HEIGHT, before.width()
    below = QRect(0, half, width, before.height() - half)
    assert on_screen(listed).copy(below) == before.copy(below), "what waits keeps its picture"
    while listed._turns.waiting:
        turns.append(set())
        listed._turns._take()
        # What has changed, now: the next turn may be due by the clock.
        listed.viewport().repaint(0, 0, 1, 1)
    assert all(len(turn) <= PAINTED_AT_ONCE for turn in turns) and set().union(*turns) == set(range(8))
    turns.append(set())
    assert on_screen(listed) == whole(listed)


def scrolled_list(qtbot: QtBot, theme: Theme, rows: list[ThreadRow], chosen: str, value: int) -> ThreadList:
    listed, _ = list_of(qtbot, theme, rows)
    listed.choose(chosen)
    QApplication.processEvents()
    listed.verticalScrollBar().setValue(value)
    QApplication.processEvents()
    return listed


def test_a_list_in_another_order_is_laid_out_in_a_turn_of_its_own(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[int] = []
    lay = ThreadList.doItemsLayout
    monkeypatch.setattr(
        ThreadList, "doItemsLayout", lambda of: (laid.append(of.threads.rowCount()), lay(of)), raising=False
    )
    rows = [ended(number, 600) for number in range(40)]
    listed = scrolled_list(qtbot, theme, rows, rows[30].id, 5 * ROW_HEIGHT + 7)
    reset, moved = QSignalSpy(listed.threads.modelReset), QSignalSpy(listed.threads.layoutChanged)
    # Of a scroll Qt asks which row is under the mouse then.
    listed.move(QCursor.pos() + QPoint(100, 100))
    laid.clear()
    others = [ended(number, 600) for number in (50, 51)]
    for places in ([7, 30, 1], [3, 20]):
        rows = [*(rows[place] for place in places), *(row for n, row in enumerate(rows) if n not in places)]
        listed.show_rows([*rows, *others], NOW_US, listed.chosen_id)
        assert laid == [], "all of it in one turn"
        assert listed.chosen_id == ended(30, 0).id
        QApplication.processEvents()
        assert laid
        laid.clear()
    assert (reset.count(), moved.count()) == (0, 2)
    assert listed.verticalScrollBar().value() == rows.index(ended(5, 600)) * ROW_HEIGHT + 7
    wait_for_paint(qtbot, listed)


def wait_for_paint(qtbot: QtBot, listed: ThreadList) -> None:
    qtbot.waitUntil(lambda: on_screen(listed) == whole(listed))


def test_the_chosen_conversation_is_shown_where_the_list_stood_at_its_beginning(qtbot: QtBot, theme: Theme) -> None:
    rows = [ended(number, 600) for number in range(40)]
    listed = scrolled_list(qtbot, theme, rows, rows[2].id, 0)
    listed.show_rows(rows[3:12] + rows[:3] + rows[12:], NOW_US, rows[2].id)
    assert listed.verticalScrollBar().value() == (11 + 1 - 8) * ROW_HEIGHT
    wait_for_paint(qtbot, listed)


def test_a_list_that_was_scrolled_back_to_its_beginning_stays_there(qtbot: QtBot, theme: Theme) -> None:
    """The chosen conversation lies below; each refresh went there."""
    rows = [ended(number, 600) for number in range(40)]
    listed = scrolled_list(qtbot, theme, rows, rows[30].id, 0)
    rows[2] = replace(rows[2], requests=rows[2].requests + 7)
    for order in (rows, [rows[5], *rows[:5], *rows[6:]], [ended(50, 600), *rows]):
        listed.show_rows(order, NOW_US, rows[30].id)
        QApplication.processEvents()
        assert listed.verticalScrollBar().value() == 0
    assert listed.chosen_id == rows[30].id
    listed.show_rows(rows, NOW_US, rows[31].id)
    assert listed.verticalScrollBar().value() == (31 + 1 - 8) * ROW_HEIGHT, "another one is chosen"


def test_a_list_that_has_become_longer_or_shorter_stays_where_it_is(qtbot: QtBot, theme: Theme) -> None:
    rows = [ended(number, 600) for number in range(40)]
    end = (len(rows) - 8) * ROW_HEIGHT
    listed = scrolled_list(qtbot, theme, rows, rows[39].id, end)
    listed.show_rows([*(ended(number, 600) for number in (50, 51)), *rows], NOW_US, rows[39].id)
    assert listed.verticalScrollBar().value() == end + 2 * ROW_HEIGHT
    listed.show_rows(rows[:20], NOW_US, rows[19].id)
    QApplication.processEvents()
    assert listed.verticalScrollBar().value() == (20 - 8) * ROW_HEIGHT and listed.chosen_id == rows[19].id
    listed.show_rows([], NOW_US, "")
    assert listed.chosen_id == ""
    wait_for_paint(qtbot, listed)


def test_rows_are_compared_once_with_how_they_were_painted_and_not_where_all_are_to_be(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [ended(number, 600) for number in range(40)]
    listed, _ = list_of(qtbot, theme, rows)
    wait_for_paint(qtbot, listed)
    told: list[ThreadRow] = []
    lines = _RowPainter.lines
    monkeypatch.setattr(_RowPainter, "lines", lambda of, row, *more: (told.append(row), lines(of, row, *more))[1])
    listed.tell_ages(NOW_US + S)
    # Two more than fit, of which a part may be seen.
    assert told == rows[:10]
    told.clear()
    listed.show_rows(rows[::-1], NOW_US, "")
    assert told == [], "in another order"
    wait_for_paint(qtbot, listed)
    listed.hide()
    told.clear()
    listed.show()
    listed.tell_ages(NOW_US + 70 * S)
    assert told == [], "shown again"
    wait_for_paint(qtbot, listed)


def test_a_row_that_was_pointed_at_takes_no_highlight_elsewhere(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointed: set[int] = set()
    paint = _RowPainter.paint

    def noted(of: _RowPainter, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        state: Any = option.state
        if state & QStyle.StateFlag.State_MouseOver:
            pointed.add(index.row())
        paint(of, painter, option, index)

    monkeypatch.setattr(_RowPainter, "paint", noted)
    rows = [ended(number, 600) for number in range(20)]
    listed, _ = list_of(qtbot, theme, rows)
    at = QPointF(50, 2.5 * ROW_HEIGHT)
    listed.viewportEvent(QHoverEvent(QEvent.Type.HoverMove, at, at, at))
    qtbot.waitUntil(lambda: pointed == {2})
    pointed.clear()
    listed.show_rows([rows[9], *rows[:9], *rows[10:]], NOW_US, "")
    wait_for_paint(qtbot, listed)
    assert pointed == set()


def test_rows_in_sight_are_laid_out_two_in_a_turn(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [plain_thread(number, NOW_US).row for number in range(40)]
    listed, _ = list_of(qtbot, theme, [])
    turns: list[list[ThreadRow]] = [[]]

    async def next_turn(seconds: float) -> None:
        turns.append([])

    monkeypatch.setattr(_RowPainter, "prepare", lambda _painter, row, *_given: turns[-1].append(row))
    monkeypatch.setattr(asyncio, "sleep", next_turn)
    asyncio.run(listed.prepare(rows, NOW_US))
    # Two more than fit, of which a part may be seen.
    assert turns == [*(rows[first : first + 2] for first in range(0, 10, 2)), []]


def test_a_line_in_which_another_word_is_sought_begins_elsewhere(qtbot: QtBot, theme: Theme) -> None:
    line = "The first word stands here, and the second one far behind all of these others"
    rows = [replace(ended(1, 600), match=line), ended(2, 600)]
    listed, painted = list_of(qtbot, theme, rows, "first")
    listed.show_rows(rows, NOW_US, "", sought="second")
    assert painted_rows(painted) == [0]


def test_the_line_through_a_session_grows_into_the_rows_beside_it(qtbot: QtBot, theme: Theme) -> None:
    rows = [ended(1, 600), replace(ended(2, 600), sessions=("visit",)), ended(3, 600), ended(4, 600)]
    listed, painted = list_of(qtbot, theme, rows)
    listed.show_rows([*rows[:2], replace(rows[2], sessions=("visit",)), rows[3]], NOW_US, "")
    assert painted_rows(painted) == [1, 2]


class Updates(QObject):
    """Which parts are painted together: a list of names for each of a window's updates."""

    def __init__(self, window: QWidget, parts: dict[str, QWidget]) -> None:
        super().__init__(window)
        self.together: list[list[str]] = []
        self._names = {id(widget): name for name, widget in parts.items()}
        self._window = window
        for widget in (window, *parts.values()):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() == QEvent.Type.UpdateRequest:
            self.together.append([])
        elif isinstance(event, QPaintEvent) and self.together and id(watched) in self._names:
            self.together[-1].append(self._names[id(watched)])
        return False


def test_head_thread_timeline_and_costs_are_painted_apart_and_none_that_is_as_it_was(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert thread_pane._PAINTED_S > TURN_S, "what is due within a turn is done in it"
    gateway, thread = FakeGateway(0), plain_thread(1, NOW_US, turns=2)
    pane = ThreadPane(AppContext(gateway, theme, FilterState(tz="UTC"), Spawner()))  # type: ignore[arg-type]
    qtbot.addWidget(pane)
    pane.resize(932, 840)
    pane.show()
    # What is made and told later, by the clock, would be painted beside one of them on a busy machine.
    monkeypatch.setattr(blocks_view, "_BUDGET_S", 10.0)
    for later in (pane._facts, pane._marking):
        later.timeout.disconnect()
    inspector = pane.inspector
    parts: dict[str, QWidget] = {
        "head": pane.head.totals,
        "thread": pane.view.viewport(),
        "timeline": inspector.waterfall,
        "costs": inspector.cost,
    }
    sleep = asyncio.sleep

    def paint() -> None:
        settled(pane.view)
        QApplication.processEvents()
        while not pane.view.bands.waiting.isEmpty():
            QTest.qWait(1)

    async def pause(seconds: float) -> None:
        """Qt has its turn where it is waited for, and only there."""
        if seconds == thread_pane._PAINTED_S:
            paint()
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", pause)

    def read(turns: int, *, keep: bool) -> list[str]:
        gateway.told = [plain_thread(1, NOW_US, turns=turns)]
        paint()
        updates = Updates(pane, parts)
        asyncio.run(pane.read(thread.row.id, keep=keep))
        paint()
        together = ["+".join(sorted(set(names))) for names in updates.together if names]
        # The thread has a turn for each of its bands.
        return [name for name, _turns in groupby(together)]

    read(2, keep=False)
    # Another conversation's pane is painted in turns of its own.
    qtbot.waitUntil(lambda: all(curtain.isHidden() for curtain in pane.findChildren(Curtain)))
    assert read(4, keep=True) == ["head", "thread", "timeline", "costs"]
    assert read(4, keep=True) == []
