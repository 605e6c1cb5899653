"""The Conversations page as a person uses it: the list, a search, one conversation and its costs, and what is done."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.filters import FilterSnapshot, FilterState
from app.pages.connect_parts.code_block import CodeBlock
from app.pages.conversations import PAGE_ROWS, ConversationsPage
from app.pages.conversations_parts.block import text_of
from app.pages.conversations_parts.inspector import WIDTH as INSPECTOR_WIDTH
from app.pages.conversations_parts.list_pane import SORTS
from app.pages.conversations_parts.list_pane import WIDTH as LIST_WIDTH
from app.pages.conversations_parts.list_view import ROW_HEIGHT, ThreadList, state_of, title_of
from app.pages.conversations_parts.thread_pane import MOST_TRACES
from app.pages.conversations_parts.turn_words import listed_cost
from app.pages.page import RequestTarget, ThreadTarget
from app.pages.requests import RequestsPage
from app.theme import Theme
from gateway import Changes, FaregateError, Reasoning, TagCondition, Thread, ThreadPage, ThreadQuery
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.fake_threads import FULL, TRACE, S, full_thread, plain_thread, trace_of
from tests.app.turns import Turns

TOLD = Changes(conversations=True)
NO_MODIFIER = Qt.KeyboardModifier.NoModifier


def now_us() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def full() -> Thread:
    return full_thread(now_us())


@pytest.fixture
def gateway(full: Thread) -> FakeGateway:
    made = FakeGateway(20, now_us=now_us())
    made.told = [full, *(plain_thread(number, now_us()) for number in range(150))]
    made.traces = {TRACE: trace_of(full)}
    return made


@pytest.fixture
def context(theme: Theme, gateway: FakeGateway, turns: Turns) -> AppContext:
    filters = FilterState(tz="Europe/Berlin")
    filters.set_range("30d")
    return AppContext(gateway, theme, filters, turns)  # type: ignore[arg-type]


def show(qtbot: QtBot, page: ConversationsPage, turns: Turns, width: int = 1220) -> ConversationsPage:
    qtbot.addWidget(page)
    page.resize(width, 840)
    page.show()
    page.on_shown()
    turns(page.refresh(Changes(usage=True, providers=True, conversations=True)))
    turns.run()
    return page


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, turns: Turns) -> ConversationsPage:
    return show(qtbot, ConversationsPage(context), turns)


def open_full(page: ConversationsPage, turns: Turns) -> ConversationsPage:
    page.thread_pane.open(FULL)
    turns.run()
    return page


def refresh(page: ConversationsPage, turns: Turns, changes: Changes = TOLD) -> None:
    turns(page.refresh(changes))
    turns.run()


def listed(page: ConversationsPage) -> list[str]:
    return [row.id for row in page.pane.list.threads.rows]


def search(page: ConversationsPage, turns: Turns, text: str) -> None:
    page.pane.search.setText(text)
    QTest.keyClick(page.pane.search, Qt.Key.Key_Return)
    turns.run()


def texts(page: ConversationsPage) -> list[str]:
    """What the labels of the facts say, once they do."""
    while page.thread_pane._marking.isActive() or page.thread_pane._facts.isActive():
        QTest.qWait(5)
    return [f"{label} {value}" for label, value in page.thread_pane.inspector.facts._facts.lines]  # type: ignore[union-attr]


# the list


def test_the_list_is_newest_first_and_the_first_one_is_open(page: ConversationsPage, gateway: FakeGateway) -> None:
    newest = sorted(gateway.told, key=lambda thread: -thread.row.ended_us)
    assert listed(page) == [thread.row.id for thread in newest[:PAGE_ROWS]]
    assert page.thread_pane.id == page.pane.list.chosen_id == newest[0].row.id
    assert page.pane.width() == LIST_WIDTH
    assert page.pane.list.sizeHintForRow(0) == ROW_HEIGHT


def test_how_long_ago_one_ended_is_told_anew_as_time_passes(
    page: ConversationsPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = page.pane.list.threads.index(1)
    ended_us = page.pane.list.threads.rows[1].ended_us
    for minutes, shown in ((5, page.as_time_passes), (7, page.on_shown)):
        monkeypatch.setattr("app.pages.conversations._now_us", lambda now=ended_us + minutes * 60 * S: now)
        shown()
        assert f"{minutes} min ago" in spoken.data(Qt.ItemDataRole.AccessibleTextRole)


def test_rows_say_title_models_calls_cost_and_state(full: Thread) -> None:
    row = full.row
    assert title_of(row) == "Fix flaky payment webhook test"
    assert title_of(msgspec.structs.replace(row, title="")) == "claude-sonnet-4.5, content not kept"
    assert state_of(row, row.ended_us) == ("1 error", "bad")
    assert state_of(msgspec.structs.replace(row, errors=0), row.ended_us + 120 * S) == ("2 min ago", "text2")
    assert listed_cost(row) == "$0.2360"
    assert listed_cost(msgspec.structs.replace(row, unpriced=1)) == "≈$0.2360"
    assert listed_cost(msgspec.structs.replace(row, usage_sources=("provider", "partial"))) == "≈$0.2360"
    assert listed_cost(msgspec.structs.replace(row, usage_sources=("provider", "none"))) == "$0.2360"
    days_later = state_of(msgspec.structs.replace(row, errors=0), row.ended_us + 3 * 86_400 * S)
    assert days_later[0] == formats.clock(row.ended_us, now_us=row.ended_us + 3 * 86_400 * S)[:-6]
    assert state_of(msgspec.structs.replace(row, running=1), row.ended_us) == ("running", "accent")


def test_a_row_is_read_out_whole(page: ConversationsPage) -> None:
    place = page.pane.list.threads.place_of(FULL)
    assert place is not None
    said = page.pane.list.threads.index(place).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "Fix flaky payment webhook test, claude-sonnet-4.5 +1, 8 calls, $0.2360, 1 error"


def test_more_rows_are_read_as_the_end_comes_near(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    assert len(listed(page)) == PAGE_ROWS
    for _ in range(4):
        page.pane.list.verticalScrollBar().setValue(page.pane.list.verticalScrollBar().maximum())
        turns.run()
        QTest.qWait(1)
    assert len(listed(page)) == len(set(listed(page))) == len(gateway.told)


def test_a_list_that_is_asked_anew_does_not_go_on_as_it_was(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    """The end of the old list comes near before the new one is there: its next page is of another order."""
    bar = page.pane.list.verticalScrollBar()
    page.pane.set_sort("oldest")
    bar.setValue(bar.maximum())
    assert len(turns.waiting) == 1
    turns.run()
    oldest = [thread.row.id for thread in sorted(gateway.told, key=lambda thread: thread.row.ended_us)]
    assert listed(page) == oldest[: len(listed(page))]


def test_a_session_is_named_above_and_holds_together_what_stands_by_time_only(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    of_visit = {2, 5, 10, 100, 140}
    gateway.told = [
        msgspec.structs.replace(each, row=msgspec.structs.replace(each.row, sessions=("visit",)))
        if place in of_visit
        else each
        for place, each in enumerate(gateway.told)
    ]
    for sort, together in (("newest", True), ("cost", False), ("oldest", True)):
        page.pane.set_sort(sort)
        refresh(page, turns)
        places = [place for place, row in enumerate(page.pane.list.threads.rows) if row.sessions]
        assert len(places) > 1 and (places[-1] - places[0] == len(places) - 1) is together, sort
    page.pane.set_sort("newest")
    refresh(page, turns)
    (first, *_) = [row for row in page.pane.list.threads.rows if row.sessions]
    page.thread_pane.open(first.id)
    turns.run()
    assert "session: visit" in page.thread_pane.head._tags.words


@pytest.mark.parametrize("sort", sorted(SORTS))
def test_orders(page: ConversationsPage, turns: Turns, gateway: FakeGateway, sort: str) -> None:
    page.pane.set_sort(sort)
    turns.run()
    rows = page.pane.list.threads.rows
    keys = {
        "newest": [-row.ended_us for row in rows],
        "oldest": [row.ended_us for row in rows],
        "cost": [-(row.cost_nano or 0) for row in rows],
        "duration": [-row.duration_us for row in rows],
        "requests": [-row.requests for row in rows],
    }[sort]
    assert keys == sorted(keys)
    assert SORTS[sort].lower() in page.pane.sort_button.accessibleName()


def test_the_windows_filters_narrow_the_list(page: ConversationsPage, turns: Turns, context: AppContext) -> None:
    for narrow in (
        lambda: context.filters.set_dimension("user", ("ana", "nobody")),
        lambda: context.filters.set_dimension("app", ("payments",)),
        lambda: context.filters.set_dimension("model", ("gpt-5.1",)),
        lambda: context.filters.add_tag(TagCondition(("team:platform",))),
    ):
        narrow()
        turns.run()
        assert listed(page) == [FULL]
        context.filters.clear()
        turns.run()
    context.filters.add_tag(TagCondition(("team:platform",), negated=True))
    turns.run()
    assert FULL not in listed(page) and listed(page)


def test_a_long_filter_keeps_its_cross_within_the_pane(
    page: ConversationsPage, turns: Turns, context: AppContext
) -> None:
    context.filters.set_dimension("model", tuple(f"a-model-with-a-long-name-{number}" for number in range(9)))
    turns.run()
    QTest.qWait(1)
    (chip,) = page.pane.filter_bar.chips
    assert chip.geometry().right() < page.pane.filter_bar.width()
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton, NO_MODIFIER, chip.cross.center())
    assert context.filters.dimensions == {}


def test_the_query_takes_the_range_and_the_filters(page: ConversationsPage, context: AppContext) -> None:
    context.filters.set_dimension("key", ("ci",))
    query = page.query()
    assert query.among.key == ("ci",)
    assert query.among.start_us is not None and query.among.end_us is not None
    assert (query.text, query.sort) == (None, "newest")


def test_the_count_stands_in_the_header(page: ConversationsPage, context: AppContext, turns: Turns) -> None:
    spy = QSignalSpy(page.subtitle)
    refresh(page, turns)
    assert spy.at(0) == ["151 in range"]
    context.filters.set_range("custom", (1, now_us()))
    turns.run()
    days = context.filters.words(now_us())
    assert days.startswith("1 Jan 1970") and spy.at(spy.count() - 1) == [f"151 in range · {days}"]


def test_a_new_conversation_appears_and_the_shown_one_stays(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    open_full(page, turns)
    new = msgspec.structs.replace(
        plain_thread(3, now_us()),
        row=msgspec.structs.replace(plain_thread(3, now_us()).row, id="new", ended_us=now_us() - 1),
    )
    gateway.told.append(new)
    refresh(page, turns)
    assert listed(page)[0] == "new"
    assert page.thread_pane.id == page.pane.list.chosen_id == FULL


def test_the_list_stands_still_when_something_new_comes_above(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    bar = page.pane.list.verticalScrollBar()
    bar.setValue(20 * ROW_HEIGHT + 7)
    turns.run()
    at = page.pane.list.threads.rows[20].id
    newest = plain_thread(4, now_us())
    row = msgspec.structs.replace(newest.row, id="new", ended_us=now_us() - 1)
    gateway.told.append(msgspec.structs.replace(newest, row=row))
    refresh(page, turns)
    assert page.pane.list.threads.rows[21].id == at
    assert bar.value() == 21 * ROW_HEIGHT + 7


def test_the_shown_conversation_grows_in_place(page: ConversationsPage, turns: Turns, gateway: FakeGateway) -> None:
    shorter = msgspec.structs.replace(
        plain_thread(200, now_us(), turns=2),
        row=msgspec.structs.replace(plain_thread(200, now_us(), turns=2).row, id="grow"),
    )
    gateway.told = [shorter]
    page.thread_pane.open("grow")
    turns.run()
    before = [block.key for block in page.thread_pane.view.blocks]
    longer = plain_thread(200, now_us(), turns=3)
    gateway.told = [msgspec.structs.replace(longer, row=msgspec.structs.replace(longer.row, id="grow"))]
    refresh(page, turns)
    after = [block.key for block in page.thread_pane.view.blocks]
    assert after[: len(before)] == before and len(after) > len(before)
    calls = gateway.calls.count("thread")
    refresh(page, turns)
    assert gateway.calls.count("thread") == calls, "nothing new, nothing read"


# searching


def test_a_search_finds_what_was_said_and_marks_it(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    spy = QSignalSpy(page.subtitle)
    search(page, turns, "WALL CLOCK")
    assert listed(page) == [FULL]
    assert spy.at(spy.count() - 1) == ["1 found"]
    assert page.thread_pane.id == FULL
    block = page.thread_pane.block(page.thread_pane.view.current)
    assert block is not None and "wall clock" in str(block.parts[0])
    search(page, turns, "")
    assert len(listed(page)) == PAGE_ROWS


def test_what_is_found_nowhere_is_said(page: ConversationsPage, turns: Turns) -> None:
    search(page, turns, "no such words")
    assert page.pane.stack.currentWidget() is page.pane.none
    assert "“no such words”" in page.pane.none.text()


def test_the_lines_that_a_search_found_are_laid_out_before_they_are_shown(
    page: ConversationsPage, gateway: FakeGateway, turns: Turns, laid_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "so many words that nobody asked for stand before"
    gateway.told = [
        msgspec.structs.replace(thread, row=msgspec.structs.replace(thread.row, match=f"{line} question {number}"))
        for number, thread in enumerate(gateway.told)
    ]
    before: list[int] = []
    show_rows: Callable[..., None] = page.pane.list.show_rows
    monkeypatch.setattr(
        page.pane.list, "show_rows", lambda *rows, **more: (before.append(len(laid_out)), show_rows(*rows, **more))
    )
    search(page, turns, "question")
    turns.run()
    page.pane.list.grab()
    assert len(before) == 1 and any(text.startswith("…") and "question" in text for text in laid_out)
    assert not any("question" in text for text in laid_out[before[0] :])


def test_typing_searches_after_a_pause(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, qtbot: QtBot
) -> None:
    gateway.calls.clear()
    QTest.keyClicks(page.pane.search, "topic3")
    qtbot.waitUntil(lambda: bool(turns.waiting))
    turns.run()
    assert [call for call in gateway.calls if call.startswith("threads")] == ["threads newest topic3"]


def test_a_model_and_a_tag_that_are_typed_become_filters(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    """The words beside them are searched for; before Return is pressed, a filter is still typed."""
    filters, asked = page.context.filters, gateway.calls
    asked.clear()
    page.pane.search.setText("model:son flaky tag:team:platform")
    page.pane._submit()
    turns.run()
    assert [call for call in asked if call.startswith("threads")] == ["threads newest flaky"]
    assert not filters.is_filtered
    search(page, turns, "model:son flaky tag:team:platform")
    assert page.pane.search.text() == "flaky" == page._search
    assert filters.dimensions["model"] == ("claude-sonnet-4.5",)
    assert filters.tags == (TagCondition(("team:platform",)),)


@pytest.mark.parametrize("text", ["error: no such host", "model: the word", "tag:a|b", "supermodel:x"])
def test_what_is_no_filter_is_searched_for(page: ConversationsPage, turns: Turns, text: str) -> None:
    search(page, turns, text)
    assert page._search == text and not page.context.filters.is_filtered


def test_a_search_can_be_cancelled(
    page: ConversationsPage, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listed(page)
    ended: list[str] = []

    async def threads(query: ThreadQuery, *, limit: int, progress: Callable[[int, int], None]) -> ThreadPage:
        progress(32_000, 100_000)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        raise AssertionError

    monkeypatch.setattr(gateway, "threads", threads)

    async def search_and_cancel() -> None:
        page._search = "words"
        page._stale = True
        task = asyncio.get_running_loop().create_task(page.refresh(TOLD))
        while page._reading is None:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert page.pane.cancel_button.isVisible()
        assert page.pane.progress_words.text() == "Searched 32,000 of 100k"
        page.pane.cancel_button.click()
        await task

    asyncio.run(search_and_cancel())
    assert ended == ["cancelled"]
    assert listed(page) == before
    assert not page.pane.cancel_button.isVisible()


def test_a_newer_question_stops_an_older_one(
    page: ConversationsPage, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = gateway.threads, []

    async def threads(query: ThreadQuery, *, limit: int, progress: Callable[[int, int], None]) -> ThreadPage:
        asked.append(query.text)
        if query.text == "slow":
            await asyncio.sleep(60)
        return await real(query, limit=limit)

    monkeypatch.setattr(gateway, "threads", threads)

    async def both() -> None:
        page._search, page._stale = "slow", True
        slow = asyncio.get_running_loop().create_task(page.refresh(TOLD))
        while not asked:
            await asyncio.sleep(0)
        page._search, page._stale = "wall clock", True
        await page.refresh(TOLD)
        await slow

    asyncio.run(both())
    assert asked == ["slow", "wall clock"]
    assert listed(page) == [FULL]


# one conversation


def test_where_a_call_is_replayed_is_said_where_there_is_room(page: ConversationsPage, turns: Turns) -> None:
    head = open_full(page, turns).thread_pane.head
    said = []
    for width in (460, 700):
        head.resize(width, head.height())
        said.append(head.replay_button.text())
    assert said == ["Replay", "Replay in Compare"]


def test_the_head_says_title_tags_and_sums(page: ConversationsPage, turns: Turns) -> None:
    head = open_full(page, turns).thread_pane.head
    assert head.title.text() == "Fix flaky payment webhook test"
    assert head.totals.text() == "8 calls · ≈58,940 tokens · 34.9 s"
    assert head._tags.words == ["team: platform", "env: dev", "user: ana", "app: payments"]


def test_the_inspector_says_cost_times_and_facts(page: ConversationsPage, turns: Turns) -> None:
    inspector = open_full(page, turns).thread_pane.inspector
    assert inspector.width() == INSPECTOR_WIDTH
    assert inspector.cost.total == "≈$0.236"
    assert inspector.times.text() == "25m 16s total · 31.9 s model · pauses cut"
    silent = formats.duration(inspector.waterfall.axis.silent_us / 1000)
    assert inspector.times.toolTip().startswith(f"{silent} of silence take no room on the axis")
    rows = inspector.waterfall.rows
    inspector.show_rows(rows[2:3], 0)
    assert inspector.times.text().endswith(" model") and inspector.times.toolTip() == ""
    inspector.show_rows(rows, 1)
    assert inspector.all_button.text() == "Show all: 1 more"
    rows = len(inspector.waterfall.rows)
    inspector.all_button.click()
    assert len(inspector.waterfall.rows) == rows + 1
    assert inspector.all_button.text() == "Hide what is between"


def test_a_click_on_a_span_scrolls_the_thread(page: ConversationsPage, turns: Turns) -> None:
    pane = open_full(page, turns).thread_pane
    row = next(row for row in pane.rows if row.label == "execute_tool read_file")
    point = pane.inspector.waterfall.row_rect(row.key).center()
    QTest.mouseClick(pane.inspector.waterfall, Qt.MouseButton.LeftButton, NO_MODIFIER, point)
    block = pane.block(pane.view.current)
    assert block is not None and block.detail == "read_file"
    assert pane.inspector.waterfall.selected == row.key
    assert "Kind Tool call" in texts(page)
    assert pane.inspector.facts.title.text() == "execute_tool read_file"
    assert (
        pane.inspector.facts._facts is not None and "gen_ai.tool.call.id = call_1" in pane.inspector.facts._facts.raw
    )


def test_walking_through_the_thread_marks_the_spans(page: ConversationsPage, turns: Turns) -> None:
    pane = open_full(page, turns).thread_pane
    pane.view.setFocus()
    marked = []
    for _ in range(8):
        QTest.keyClick(pane.view, Qt.Key.Key_J)
        while pane._marking.isActive():
            QApplication.processEvents()
        marked.append(pane.inspector.waterfall.selected)
    assert marked[4] == "spana3", "the reasoning of the first call"
    assert marked[6] == "spana4", "its tool"
    assert marked[7] == "turn1", "the call that no span tells of"
    assert "Model claude-sonnet-4.5" in texts(page)


def test_scrolling_marks_the_timeline_in_a_turn_of_its_own(page: ConversationsPage, turns: Turns) -> None:
    pane = open_full(page, turns).thread_pane
    waterfall, bar = pane.inspector.waterfall, pane.view.verticalScrollBar()
    before = waterfall.selected
    bar.setValue(bar.maximum())
    assert waterfall.selected == before
    while pane._marking.isActive():
        QApplication.processEvents()
    assert waterfall.selected not in ("", before)
    bar.setValue(0)
    chosen = waterfall.rows[2]
    waterfall._choose(chosen)
    assert not pane._marking.isActive() and waterfall.selected == chosen.key


def test_keys_of_the_timeline(page: ConversationsPage, turns: Turns) -> None:
    waterfall = open_full(page, turns).thread_pane.inspector.waterfall
    waterfall.setFocus(Qt.FocusReason.TabFocusReason)
    assert waterfall.selected == "conversation"
    QTest.keyClick(waterfall, Qt.Key.Key_Down)
    assert waterfall.selected == waterfall.rows[1].key
    assert "fix_test" in waterfall.accessibleDescription()


def test_another_way_is_shown_and_its_spans(page: ConversationsPage, turns: Turns) -> None:
    pane = open_full(page, turns).thread_pane
    pane.view.way_chosen.emit(3, 4)
    turns.run()
    said = [block.title for block in pane.view.blocks]
    assert "Branch 1 of 2" in said
    assert "turn4" in [row.key for row in pane.rows] and "turn5" not in [row.key for row in pane.rows]


def test_a_sub_agent_opens(page: ConversationsPage, turns: Turns) -> None:
    pane = open_full(page, turns).thread_pane
    before = len(pane.view.blocks)
    pane.view.toggle("b6")
    turns.run()
    assert len(pane.view.blocks) == before + 4
    pane.view.toggle("b6")
    turns.run()
    assert len(pane.view.blocks) == before


def test_a_sub_agent_that_is_opened_while_its_thread_is_told_stays_open(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conversation that goes on is told in each second: it was shut again by what had begun before."""
    gateway.traces.clear()
    pane = open_full(page, turns).thread_pane
    before = len(pane.view.blocks)

    async def pressed_meanwhile(function: Callable[..., Any], *given: Any) -> Any:
        made = function(*given)
        if not pane._asides:
            pane.view.toggle("b6")
            await turns.waiting.pop()
        return made

    monkeypatch.setattr(asyncio, "to_thread", pressed_meanwhile)
    turns(pane.read(pane.id, keep=True))
    turns.run()
    assert len(pane.view.blocks) == len(pane.told.blocks) == before + 4


def test_a_timeline_says_how_many_traces_were_not_read(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, full: Thread
) -> None:
    unread = open_full(page, turns).thread_pane.inspector.unread
    assert unread.isHidden()
    ids = (TRACE, *(f"{number:032x}" for number in range(MOST_TRACES + 5)))
    gateway.told = [msgspec.structs.replace(full, trace_ids=ids)]
    turns(page.thread_pane.read(page.thread_pane.id, keep=True))
    turns.run()
    assert not unread.isHidden() and unread.text() == "Without the spans of 6 more traces"


def test_a_heavy_block_opens(page: ConversationsPage, turns: Turns, gateway: FakeGateway) -> None:
    long = "\n".join(f"thought {n}" for n in range(9_000))
    heavy = plain_thread(300, now_us(), turns=1)
    answer = msgspec.structs.replace(heavy.messages[1], parts=(Reasoning(long),))
    gateway.told = [msgspec.structs.replace(heavy, messages=(heavy.messages[0], answer))]
    pane = page.thread_pane
    pane.open(heavy.row.id)
    turns.run()
    block = next(block for block in pane.view.blocks if block.kind == "reasoning")
    pane.view.toggle(block.key)
    assert pane.view.shown(block.key) == "folded"
    turns.run()
    assert pane.view.shown(block.key) == "open"


def test_words_that_are_searched_for_are_found_also_on_another_way(page: ConversationsPage, turns: Turns) -> None:
    pane = page.thread_pane
    for words, shown in (("A FIXTURE HIDES", True), ("said nowhere", False)):
        pane.open(FULL, words=words)
        turns.run()
        said = [block for block in pane.view.blocks if "A fixture hides it." in text_of(block)]
        assert bool(said) is shown
        assert not shown or pane.view.current == said[0].key


def test_a_request_leads_to_its_turn_also_on_another_way(page: ConversationsPage, turns: Turns) -> None:
    page.show_target(RequestTarget("req_0004"))
    turns.run()
    pane = page.thread_pane
    block = pane.block(pane.view.current)
    assert pane.id == FULL and block is not None and (block.turn, block.kind) == (4, "assistant")


def test_a_request_whose_words_were_not_kept_says_so(page: ConversationsPage, turns: Turns) -> None:
    spy = QSignalSpy(page.toast)
    page.show_target(RequestTarget("req_unknown"))
    turns.run()
    assert spy.at(0) == ["The messages of this request were not kept"]


def test_requests_and_conversations_lead_to_each_other(
    page: ConversationsPage, turns: Turns, context: AppContext, qtbot: QtBot, gateway: FakeGateway
) -> None:
    spy = QSignalSpy(page.navigate)
    pane = open_full(page, turns).thread_pane
    pane.view.step(1)
    pane.view.go_to(next(block.key for block in pane.view.blocks if block.kind == "reasoning"))
    assert "Cost $0.030 · list price" in texts(page)
    pane.inspector.facts.request_button.click()
    assert spy.at(0) == ["requests", RequestTarget("req_0000")]
    requests = RequestsPage(context)
    qtbot.addWidget(requests)
    requests.show()
    gateway.rows = [msgspec.structs.replace(gateway.rows[0], id="req_0000")]
    requests.show_target(RequestTarget("req_0000"))
    turns.run()
    assert requests.drawer.isVisible() and requests.panel.record is gateway.rows[0]
    back = QSignalSpy(requests.navigate)
    button = requests.panel.findChild(type(page.export_button), "request_conversation")
    assert button is not None
    button.click()
    turns.run()
    assert back.at(0) == ["conversations", RequestTarget("req_0000")]
    replay = requests.panel.findChild(type(page.export_button), "request_replay")
    assert replay is not None
    replay.click()
    turns.run()
    assert back.at(1) == ["compare", RequestTarget("req_0000")]


def test_the_chosen_call_is_replayed_else_the_last_one(page: ConversationsPage, turns: Turns) -> None:
    spy = QSignalSpy(page.navigate)
    pane = open_full(page, turns).thread_pane
    pane.head.replay_button.click()
    block = next(block for block in pane.view.blocks if block.kind == "assistant")
    pane.view.go_to(block.key)
    page.actions_of_thread.act("replay")
    dict(page.actions_of_thread.block_actions(block))["Replay in Compare"]()
    thread = pane.thread_shown
    assert thread is not None and block.turn is not None and block.turn < thread.turns[-1].n
    assert spy.at(0) == ["compare", ThreadTarget(FULL, thread.turns[-1].n)]
    assert spy.at(1) == spy.at(2) == ["compare", ThreadTarget(FULL, block.turn)]


def test_its_requests_are_filtered_where_they_share_an_id(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    spy = QSignalSpy(page.navigate)
    open_full(page, turns).thread_pane.head.requests_button.click()
    turns.run()
    assert spy.at(0) == ["requests", RequestTarget("req_0007")]
    gateway.rows = [msgspec.structs.replace(gateway.rows[0], id="req_0007", conversation_id="session-1")]
    page.thread_pane.head.requests_button.click()
    turns.run()
    filters = spy.at(1)[1]
    assert isinstance(filters, FilterSnapshot) and filters.dimensions == {"conversation": ("session-1",)}


# what can be done


def test_copies(page: ConversationsPage, turns: Turns) -> None:
    spy = QSignalSpy(page.toast)
    open_full(page, turns).actions_of_thread.act("copy_json")
    turns.run()
    assert json.loads(QGuiApplication.clipboard().text())["id"] == FULL
    page.actions_of_thread.act("copy_markdown")
    turns.run()
    assert QGuiApplication.clipboard().text().startswith("# Fix flaky")
    assert [spy.at(n)[0] for n in range(2)] == ["Copied as JSON", "Copied as Markdown"]
    page.thread_pane.go_to_turn(3)
    page.actions_of_thread.act("copy_curl")
    assert "50" in QGuiApplication.clipboard().text() and "wall clock" not in QGuiApplication.clipboard().text()
    assert "FAREGATE_API_KEY" in spy.at(2)[0]


def test_a_blocks_menu(page: ConversationsPage, turns: Turns, qtbot: QtBot) -> None:
    pane = open_full(page, turns).thread_pane
    block = next(block for block in pane.view.blocks if block.kind == "assistant")
    actions = dict(page.actions_of_thread.block_actions(block))
    assert list(actions) == [
        "Copy the block as Markdown",
        "Copy the call as curl",
        "Replay in Compare",
        "Open the request",
    ]
    actions["Copy the call as curl"]()
    copied = QGuiApplication.clipboard().text()
    assert "curl http://127.0.0.1:4210/api/ai/v1/chat/completions" in copied and "tk_" not in copied
    pane.view.menu_asked.emit(block.key, QPoint(10, 10))
    menu = QApplication.activePopupWidget()
    assert menu is not None and menu.objectName() == "block_actions"
    menu.close()


@pytest.mark.parametrize(("name", "start"), [("a.json", "{"), ("a.md", "# Fix flaky"), ("a.csv", "n,parent,")])
def test_exports(page: ConversationsPage, turns: Turns, tmp_path: Path, name: str, start: str) -> None:
    open_full(page, turns).start_export()
    dialog = page.findChild(QFileDialog, "conversation_export_file")
    assert dialog is not None
    assert [Path(file).name for file in dialog.selectedFiles()] == ["fix-flaky-payment-webhook-test.md"]
    saved = QSignalSpy(page.context.shell.saved)
    dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    turns.run()
    assert saved.at(0) == [f"Saved as {name}", tmp_path]
    assert (tmp_path / name).read_text("utf-8").startswith(start)


def test_a_file_that_cannot_be_written_is_said(page: ConversationsPage, turns: Turns, tmp_path: Path) -> None:
    open_full(page, turns)
    turns(page.actions_of_thread.export_to(tmp_path / "missing" / "a.md"))
    with pytest.raises(FaregateError, match=r"a.md cannot be written .*: choose another folder"):
        turns.run()


def test_a_title_is_changed_in_place(page: ConversationsPage, turns: Turns, gateway: FakeGateway) -> None:
    head = open_full(page, turns).thread_pane.head
    page.pane.list.setFocus()
    head.start_renaming()
    assert head.edit.hasFocus()
    head.edit.setText("A better title")
    QTest.keyClick(head.edit, Qt.Key.Key_Return)
    assert page.pane.list.hasFocus(), "the keyboard goes back to where it was"
    turns.run()
    assert gateway.told[0].row.title == "A better title"
    assert head.title.text() == "A better title"
    assert title_of(next(row for row in page.pane.list.threads.rows if row.id == FULL)) == "A better title"
    head.start_renaming()
    head.edit.setText("never mind")
    QTest.keyClick(head.edit, Qt.Key.Key_Escape)
    assert page.pane.list.hasFocus()
    turns.run()
    assert gateway.told[0].row.title == "A better title"


def test_a_title_that_is_typed_is_not_lost(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, qtbot: QtBot
) -> None:
    pane = open_full(page, turns).thread_pane
    head = pane.head
    head.start_renaming()
    head.edit.setText("Half a ti")
    turns(pane.read(FULL, keep=True))
    turns.run()
    assert (head.edit.isVisible(), head.edit.text()) == (True, "Half a ti"), "the conversation has grown meanwhile"
    for reason in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
        QApplication.sendEvent(head.edit, QFocusEvent(QEvent.Type.FocusOut, reason))
        assert head.edit.isVisible(), "a menu or another window only borrows the keyboard"
    head.edit.setText("A whole title")
    page.pane.search.setFocus(Qt.FocusReason.MouseFocusReason)
    turns.run()
    assert (head.title.isVisible(), head.title.text()) == (True, "A whole title")
    assert gateway.told[0].row.title == "A whole title"
    assert gateway.calls.count(f"rename_thread {FULL}") == 1
    head.start_renaming()
    head.edit.setText("Of another one")
    turns(pane.read(listed(page)[3]))
    turns.run()
    assert head.title.isVisible() and gateway.calls.count(f"rename_thread {FULL}") == 1


def test_deleting_asks_and_then_shows_the_neighbour(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    open_full(page, turns)
    place = page.pane.list.threads.place_of(FULL)
    assert place is not None
    QTest.keyClick(page.pane.list, Qt.Key.Key_Delete)
    box = page.findChild(QMessageBox, "question.delete_conversation")
    assert box is not None and "Fix flaky payment webhook test" in box.informativeText()
    keep, delete = (next(b for b in box.buttons() if b.text() == words) for words in ("Keep", "Delete"))
    assert box.defaultButton() is keep
    delete.click()
    turns.run()
    assert f"delete_thread {FULL}" in gateway.calls
    assert FULL not in listed(page)
    assert page.thread_pane.id == listed(page)[place]


def test_links_are_opened_only_in_browser_or_mail(
    page: ConversationsPage, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("app.links.QDesktopServices.openUrl", lambda url: opened.append(url.toString()))
    for address in (
        "https://example.org/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "mailto:a@example.org",
        "x",
    ):
        open_full(page, turns).thread_pane.view.link_asked.emit(address)
    assert opened == ["https://example.org/a", "mailto:a@example.org"]


# states


def test_without_conversations_the_page_says_how_they_come_about(
    qtbot: QtBot, context: AppContext, turns: Turns, gateway: FakeGateway
) -> None:
    gateway.told = []
    page = show(qtbot, ConversationsPage(context), turns)
    assert page.stack.currentWidget() is page.empty
    call, spans = page.empty.findChildren(CodeBlock)
    for block, words in (
        (call, "x-conversation-id: my-first"),
        (spans, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4210"),
    ):
        assert block.view.horizontalScrollBar().maximum() == 0, "a line is not cut"
        block.copy_button.click()
        assert words in QGuiApplication.clipboard().text()
    gateway.told = [plain_thread(1, now_us())]
    refresh(page, turns)
    assert page.stack.currentWidget() is not page.empty
    assert page.thread_pane.id == "conv_0001"


def test_filters_that_match_nothing_are_said(page: ConversationsPage, turns: Turns, context: AppContext) -> None:
    context.filters.set_dimension("user", ("nobody",))
    turns.run()
    assert "filters" in page.pane.none.text()
    assert page.thread_pane.id, "what is being read stays"


def test_an_error_is_said_and_tried_again(page: ConversationsPage, turns: Turns, gateway: FakeGateway) -> None:
    gateway.fails = "The database is locked; try again."
    refresh(page, turns)
    assert page.pane.banner.isVisible() and page.pane.banner.text() == "The database is locked; try again."
    assert listed(page), "what was there stays"
    gateway.fails = None
    page.pane.banner.action.emit()
    turns.run()
    assert not page.pane.banner.isVisible()


def test_a_conversation_that_is_gone_or_fails_says_so(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway
) -> None:
    pane = page.thread_pane
    pane.open("gone")
    turns.run()
    assert pane.stack.currentWidget() is pane.failed and "no longer exists" in pane.failed.text_label.text()
    assert not page.export_button.isEnabled()
    gateway.fails = "The content cannot be opened: its key is missing."
    pane.open(FULL)
    turns.run()
    assert "its key is missing" in pane.failed.text_label.text()
    gateway.fails = None
    pane.failed.action.emit()
    turns.run()
    assert pane.id == FULL


def test_of_two_asked_for_the_last_one_is_shown(page: ConversationsPage, turns: Turns) -> None:
    first, second = listed(page)[5:7]

    async def both() -> None:
        await asyncio.gather(page.thread_pane.read(first), page.thread_pane.read(second))

    asyncio.run(both())
    assert page.thread_pane.id == second


def test_narrow_windows_show_the_inspector_as_a_tab(page: ConversationsPage, turns: Turns) -> None:
    pane = open_full(page, turns).thread_pane
    assert pane.view.isVisible() and pane.inspector.isVisible() and not pane.head.panes.isVisible()
    page.resize(1000, 700)
    assert pane.view.isVisible() and not pane.inspector.isVisible() and pane.head.panes.isVisible()
    pane.head.panes.segment("inspector").click()
    assert not pane.view.isVisible() and pane.inspector.isVisible()
    assert pane.inspector.width() > 600
    page.resize(1220, 840)
    assert pane.view.isVisible() and pane.inspector.width() == INSPECTOR_WIDTH


def test_keys_of_the_page(page: ConversationsPage, turns: Turns) -> None:
    open_full(page, turns)
    page.pane.list.setFocus()
    QTest.keyClick(page.pane.list, Qt.Key.Key_J)
    assert page.thread_pane.view.current == page.thread_pane.view.blocks[0].key
    assert page.thread_pane.id == FULL, "a letter chooses no other conversation"
    QTest.keyClick(page.pane.list, Qt.Key.Key_Return)
    assert page.thread_pane.view.hasFocus()
    page.pane.list.setFocus()
    QTest.keyClick(page.pane.list, Qt.Key.Key_Slash)
    assert page.pane.search.hasFocus()
    QTest.keyClicks(page.pane.search, "jk")
    assert page.pane.search.text() == "jk"
    QTest.keyClick(page.pane.search, Qt.Key.Key_Escape)
    assert page.pane.search.text() == ""


def test_arrow_keys_open_the_neighbour(page: ConversationsPage, turns: Turns) -> None:
    page.pane.list.setFocus()
    QTest.keyClick(page.pane.list, Qt.Key.Key_Down)
    turns.run()
    assert page.thread_pane.id == listed(page)[1]


def test_everything_that_takes_the_keyboard_has_a_name(page: ConversationsPage, turns: Turns) -> None:
    open_full(page, turns)
    assert unnamed(page) == []


def test_the_page_lives_through_a_flip_of_the_theme(
    page: ConversationsPage, turns: Turns, theme: Theme, qtbot: QtBot
) -> None:
    open_full(page, turns)
    theme.set_mode("dark")
    qtbot.wait(1)
    image = page.grab().toImage()
    for x, y in ((6, 700), (500, 830), (1100, 830)):
        assert image.pixelColor(x, y).lightness() < 60


def test_conversations_of_a_session_stand_together_in_order_of_time(qtbot: QtBot, theme: Theme) -> None:
    rows = [plain_thread(number, now_us()).row for number in range(6)]
    of_visit = {number: msgspec.structs.replace(rows[number], sessions=("visit",)) for number in (1, 3, 5)}
    rows = [of_visit.get(number, row) for number, row in enumerate(rows)]
    # One that has the session's id itself, and one of another app.
    rows[2] = msgspec.structs.replace(rows[2], id="visit")
    rows.append(msgspec.structs.replace(of_visit[5], id="conv_other", app="elsewhere"))
    shown = ThreadList(theme)
    qtbot.addWidget(shown)
    shown.resize(LIST_WIDTH, 10 * ROW_HEIGHT)

    def ids() -> list[str]:
        return [row.id for row in shown.threads.rows]

    shown.show_rows(rows[:4], now_us(), "conv_0003", together=False)
    assert ids() == ["conv_0000", "conv_0001", "visit", "conv_0003"] and shown.chosen_id == "conv_0003"
    shown.show_rows(rows[:4], now_us(), "conv_0003")
    assert ids() == ["conv_0000", "conv_0001", "visit", "conv_0003"]
    shown.add_rows(rows[4:])
    assert ids() == ["conv_0000", "conv_0001", "visit", "conv_0003", "conv_0005", "conv_0004", "conv_other"]
    assert shown.chosen_id == "conv_0003"
    beside = [shown.threads.beside(shown.threads.index(place)) for place in range(7)]
    assert beside == [(False, False), (False, True), *[(True, True)] * 2, (True, False), *[(False, False)] * 2]
    words = [shown.threads.index(place).data(Qt.ItemDataRole.AccessibleTextRole) for place in (0, 1)]
    assert ["Session visit" in each for each in words] == [False, True]
    picture = shown.grab().toImage()
    scale = picture.devicePixelRatio()

    def line_at(y: float) -> bool:
        return picture.pixelColor(round(13 * scale), round(y * scale)) == theme.color("border_strong")

    # Through the rows of the session, and from none to the next.
    assert [line_at(place * ROW_HEIGHT) for place in range(1, 7)] == [False, True, True, True, False, False]
    assert [line_at((place + 0.5) * ROW_HEIGHT) for place in range(7)] == [False, *[True] * 4, False, False]


def test_how_many_calls_there_were_is_not_cut(qtbot: QtBot, theme: Theme, laid_out: list[str]) -> None:
    """ "300…" may be three hundred thousand: the model's name is cut in its place. So it is for other models."""
    shown = ThreadList(theme)
    qtbot.addWidget(shown)
    shown.resize(LIST_WIDTH, 3 * ROW_HEIGHT)
    name = "a-model-with-a-name-that-leaves-no-room"
    shown.show_rows(
        (msgspec.structs.replace(plain_thread(1, now_us()).row, models=(name, "b", "c"), requests=300),),
        now_us(),
        "",
    )
    shown.grab()
    assert " +2  ·  300 calls" in laid_out
    assert any(text.startswith("a-model") and text.endswith("…") for text in laid_out)


def test_the_list_lays_out_a_text_once(qtbot: QtBot, theme: Theme, laid_out: list[str]) -> None:
    """Under traffic it is painted every second: sixty texts cut and shaped each time would be half of its paint."""
    shown = ThreadList(theme)
    qtbot.addWidget(shown)
    shown.resize(LIST_WIDTH, 3 * ROW_HEIGHT)
    long = msgspec.structs.replace(
        plain_thread(1, now_us()).row, title="A title for which there is no room here " * 3
    )
    shown.show_rows((long, plain_thread(2, now_us()).row), now_us(), "")
    shown.grab()
    assert any(text.startswith("A title") and text.endswith("…") for text in laid_out)
    assert listed_cost(long) in laid_out
    first = len(laid_out)
    shown.grab()
    assert len(laid_out) == first
    shown.resize(LIST_WIDTH - 40, 3 * ROW_HEIGHT)
    shown.grab()
    assert len(laid_out) > first, "another width leaves other words"
    laid_out.clear()
    theme.set_mode("dark")
    shown.grab()
    assert not laid_out, "a text has the colour that it is painted in"


def test_who_has_scrolled_far_down_stays_there_while_conversations_come_and_go(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pages.conversations.MOST_ROWS", PAGE_ROWS)
    shown = page.pane.list
    for _ in range(3):
        shown.verticalScrollBar().setValue(shown.verticalScrollBar().maximum())
        turns.run()
        QTest.qWait(1)
    before = listed(page)
    assert len(before) == len(gateway.told) == 151
    shown.verticalScrollBar().setValue(100 * ROW_HEIGHT + 7)
    assert shown._top_row() == (before[100], 7)
    # A new one, one from far below that goes on, and one of those that are read again is gone.
    told = {thread.row.id: thread for thread in (*gateway.told, plain_thread(500, now_us()))}
    new, moved, gone = (told[id] for id in ("conv_0500", before[140], before[20]))
    gateway.told = [
        *(thread for thread in gateway.told if thread not in (moved, gone)),
        *(
            msgspec.structs.replace(thread, row=msgspec.structs.replace(thread.row, ended_us=now_us() + late * S))
            for late, thread in enumerate((moved, new), 1)
        ),
    ]
    turns(page.refresh(Changes(usage=True)))
    turns.run()
    stay = [id for id in before if id not in (moved.row.id, gone.row.id)]
    assert listed(page) == [new.row.id, moved.row.id, *stay]
    assert shown._top_row() == (before[100], 7)


def test_a_conversation_far_down_that_is_deleted_is_gone_from_the_list(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pages.conversations.MOST_ROWS", PAGE_ROWS)
    shown = page.pane.list
    shown.verticalScrollBar().setValue(shown.verticalScrollBar().maximum())
    turns.run()
    before = listed(page)
    assert len(before) == 2 * PAGE_ROWS
    shown.verticalScrollBar().setValue(80 * ROW_HEIGHT)
    gone = before[90]
    turns(page.thread_pane.read(gone))
    turns(page.actions_of_thread._delete(gone))
    turns.run()
    assert f"delete_thread {gone}" in gateway.calls
    assert listed(page) == [id for id in before if id != gone]


def test_a_conversation_far_down_that_is_renamed_has_its_title_in_the_list(
    page: ConversationsPage, turns: Turns, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pages.conversations.MOST_ROWS", PAGE_ROWS)
    shown = page.pane.list
    shown.verticalScrollBar().setValue(shown.verticalScrollBar().maximum())
    turns.run()
    shown.verticalScrollBar().setValue(80 * ROW_HEIGHT)
    before = listed(page)
    id = before[90]
    turns(page.thread_pane.read(id))
    turns(page.actions_of_thread._rename(id, "What it is about"))
    turns.run()
    assert listed(page) == before and shown.threads.index(90).data() == "What it is about"
    assert page.thread_pane.head.title.text() == "What it is about"


def test_times_are_told_anew_by_another_clock_and_on_another_day(
    page: ConversationsPage, context: AppContext, turns: Turns
) -> None:
    """Those of a conversation that stood there stayed as they were."""
    open_full(page, turns)
    pane = page.thread_pane
    times = [block.right for block in pane.view.blocks]
    try:
        context.shell.preferences.set("clock", "12")
        turns.run()
        assert [block.right for block in pane.view.blocks] != times
        assert any(block.right.endswith(("am", "pm")) for block in pane.view.blocks)
    finally:
        context.shell.preferences.set("clock", "24")
        turns.run()
    assert [block.right for block in pane.view.blocks] == times


def test_rows_are_shown_in_one_turn_and_counted_in_another(
    page: ConversationsPage, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def show_rows(*_rows: object, **_more: object) -> None:
        done.append("rows")
        asyncio.get_running_loop().call_soon(done.append, "the gateway's turn")

    monkeypatch.setattr(page.pane.list, "show_rows", show_rows)
    monkeypatch.setattr(page, "_tell_count", lambda _page: done.append("count"))
    turns(page.refresh(Changes(usage=True)))
    turns.run()
    assert done == ["rows", "the gateway's turn", "count"]


def test_what_providers_are_called_is_read_once_for_all_pages(
    qtbot: QtBot, context: AppContext, turns: Turns, fake_gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns(context.provider_names.read())
    turns.run()
    asked: list[str] = []
    monkeypatch.setattr(fake_gateway, "providers", lambda: asked.append("providers"))
    page = show(qtbot, ConversationsPage(context), turns)
    assert page.pane.list.threads.rows and asked == []
