"""The drawer's tabs: what a request said, question and answer rebuilt as JSON, the call as curl, and where time went."""

import json
import shlex
import time

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.pages.conversations_parts.block import OPEN, text_of
from app.pages.page import RequestTarget
from app.pages.requests import RequestsPage
from app.pages.requests_parts.request_details import RequestDetails
from app.pages.requests_parts.said import said_of
from app.pages.requests_parts.timing_bar import TimingBar, time_words, timing_parts
from app.parts.highlight import spans
from app.parts.piece import Code, Tree
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets.curtain import USUAL
from app.widgets.drawer import WIDTH
from app.widgets.width_grip import GRIP
from gateway import (
    HEADERS_ANSWERED,
    HEADERS_ASKED,
    HEADERS_GIVEN,
    HEADERS_SENT,
    Changes,
    ExchangeHeaders,
    ExchangeRecord,
    HeaderGroup,
    Text,
    Thread,
    ToolCall,
)
from tests.app.accessible import unnamed
from tests.app.fake_gateway import NO_HEADERS, FakeGateway
from tests.app.fake_threads import full_thread, plain_thread
from tests.app.test_thread_slots import Updates
from tests.app.turns import Turns
from tests.app.whole import PseudoLocale, crossing, cut


@pytest.fixture
def gateway() -> FakeGateway:
    """Each of the newest three rows is the turn of a conversation; the next ones said nothing that is kept."""
    now_us = time.time_ns() // 1000
    made = FakeGateway(60, now_us=now_us - 5_000_000)
    made.told = [plain_thread(1, now_us, turns=3), full_thread(now_us)]
    ids = ("plain_1_2", "req_0000", "plain_1_0")
    made.rows[:3] = [msgspec.structs.replace(row, id=id) for row, id in zip(made.rows, ids, strict=False)]
    return made


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> RequestsPage:
    filters = FilterState(tz="Europe/Berlin")
    filters.set_range("30d")
    made = RequestsPage(AppContext(gateway, theme, filters, turns))  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(1220, 840)
    made.show()
    made.on_shown()
    turns(made.refresh(Changes(usage=True, keys=True, providers=True, state=True)))
    turns.run()
    return made


def opened(page: RequestsPage, turns: Turns, row: int, tab: str = "summary") -> RequestDetails:
    page.view.selectRow(row)
    page._open_row(row)
    # A turn earlier than by itself.
    page._opening.leave()
    page._open_drawer()
    page.details.show_tab(tab)
    turns.run()
    return page.details


def said(details: RequestDetails) -> str:
    return "\n".join(text_of(block) for block in details.view.blocks)


def test_the_summary_reads_nothing_that_was_said(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    details = opened(page, turns, 0)
    assert details.stack.currentWidget() is details.panel
    assert "thread" not in gateway.calls and "thread_of_request" not in gateway.calls


def test_tabs_and_filters_stand_on_one_line_beside_the_table(page: RequestsPage, turns: Turns) -> None:
    page.context.filters.set_dimension("outcome", ("ok",))
    turns.run()
    opened(page, turns, 0)
    QApplication.processEvents()
    assert page.drawer.isVisible() and page.filter_bar.width() >= page.filter_bar.sizeHint().width()
    assert len({tab.y() for tab in page.details.tabs.values()}) == 1 and len(page.details.tabs) == 6
    bar, field = page.filter_bar, page.filter_field
    assert bar.save_button.isVisible() and bar.save_button.y() == bar.add_button.y() == bar.chips[0].y()
    assert field.width() >= 132
    # Where there is much room, the field takes no more than it can use.
    page.drawer.close_drawer()
    QApplication.processEvents()
    assert field.width() == 420 and page.columns_button.width() == page.columns_button.sizeHint().width()
    assert page.live.x() - page.live_word.geometry().right() < 12
    buttons = [page.details.curl_button, page.drawer.close_button]
    assert [button.parentWidget() for button in buttons] == [page.drawer] * 2


def test_messages_are_those_of_the_turn(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    details = opened(page, turns, 0, "messages")
    text = said(details)
    assert "Question 2 of conversation 1" in text and "Answer 2 about topic1." in text
    assert "Question 0" not in text, "what was said before stands in the conversation"
    assert details.view.blocks[0].title == "4 earlier messages"
    first = opened(page, turns, 2, "messages")
    assert "Question 0 of conversation 1" in said(first) and "earlier" not in first.view.blocks[0].title


def test_question_and_answer_are_rebuilt_as_json(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    details = opened(page, turns, 0, "request")
    request = json.loads(text_of(details.view.blocks[0]))
    assert details.view.blocks[0].right == "rebuilt from what was kept"
    texts = [part["content"] for message in request["messages"] for part in message["parts"]]
    assert texts == [
        "Question 0 of conversation 1", "Answer 0 about topic1.", "Question 1 of conversation 1",
        "Answer 1 about topic1.", "Question 2 of conversation 1",
    ]  # fmt: skip
    assert [message["role"] for message in request["messages"]] == ["user", "assistant"] * 2 + ["user"]
    details.show_tab("response")
    response = json.loads(text_of(details.view.blocks[0]))
    assert [part["content"] for message in response["messages"] for part in message["parts"]] == [
        "Answer 2 about topic1."
    ]
    assert details.view.shown("response") == OPEN
    calls = len(gateway.calls)
    details.show_tab("request")
    turns.run()
    assert len(gateway.calls) == calls, "what was read serves all tabs"


def test_json_is_a_tree_with_system_and_tools(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    details = opened(page, turns, 1, "request")
    request = json.loads(text_of(details.view.blocks[0]))
    assert request["model"] == "claude-sonnet-4.5"
    assert request["system_instructions"][0]["content"].startswith("You are a careful senior engineer")
    assert {tool["name"] for tool in request["tools"] if "name" in tool} >= {"read_file", "run_tests"}
    card = details.view._card(0)
    assert any(isinstance(entry.piece, Tree) for entry in card._entries)


HEADERS = ExchangeHeaders(
    groups=(
        HeaderGroup(
            whose=HEADERS_ASKED,
            line="POST /api/ai/v1/chat/completions",
            names=("Host", "Authorization"),
            values=("127.0.0.1:4210", "Bearer tk_…a1b2"),
        ),
        HeaderGroup(whose=HEADERS_SENT, attempt=1, line="POST http://p/v1", names=("accept",), values=("*/*",)),
        HeaderGroup(whose=HEADERS_SENT, attempt=2, line="POST http://p/v1", names=("accept",), values=("text/x",)),
        HeaderGroup(whose=HEADERS_ANSWERED, attempt=2, line="200", names=("server",), values=("far",)),
        HeaderGroup(whose=HEADERS_GIVEN, line="200", names=("x-request-id",), values=("plain_1_2",)),
    )
)


def test_headers_stand_by_message_and_are_read_when_they_are_looked_at(
    page: RequestsPage, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.headers["plain_1_2"] = HEADERS
    details = opened(page, turns, 0, "headers")
    assert "thread" not in gateway.calls
    assert details.record is not None
    provider = page.context.provider_names.known[details.record.provider or ""]
    titles = [(block.title, block.detail, block.right) for block in details.view.blocks]
    assert titles == [
        ("From the caller", "POST /api/ai/v1/chat/completions", ""),
        (f"To {provider}", "POST http://p/v1", "attempt 1"),
        (f"To {provider}", "POST http://p/v1", "attempt 2"),
        (f"From {provider}", "200", "attempt 2"),
        ("To the caller", "200", ""),
    ]
    assert text_of(details.view.blocks[0]) == "Host: 127.0.0.1:4210\nAuthorization: Bearer tk_…a1b2"
    (code,) = (entry.piece for entry in details.view._card(0)._entries)
    assert isinstance(code, Code) and (code.language, code.whole) == ("http", text_of(details.view.blocks[0]))
    assert [code.text[start : start + length] for start, length, _ in spans(code.text, code.language)] == [
        "Host",
        "Authorization",
    ]
    details.search.setText("far")
    assert details.view.current == details.view.blocks[3].key
    details.search.setText("")
    details.show_tab("messages")
    turns.run()
    assert "Question 2 of conversation 1" in said(details)
    calls = len(gateway.calls)
    for tab in ("messages", "request", "response", "headers"):
        details.show_tab(tab)
        assert details.search.placeholderText() == details.search.accessibleName() == f"Find in the {tab}"
    turns.run()
    assert [block.kind for block in details.view.blocks] == ["headers"] * 5 and len(gateway.calls) == calls


def test_it_is_said_why_there_are_no_headers(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    gateway.headers["plain_1_2"] = HEADERS
    details = opened(page, turns, 0, "headers")
    details = opened(page, turns, 1, "headers")
    assert details.stack.currentWidget() is details.no_headers
    assert details.no_headers.text_label.text() == NO_HEADERS
    gateway.fails = "The store of conversations is locked: close the other program that reads it."
    details = opened(page, turns, 2, "headers")
    assert details.stack.currentWidget() is details.failed
    gateway.fails = None
    details = opened(page, turns, 0, "headers")
    assert "Authorization: Bearer tk_…a1b2" in said(details)


def test_words_are_found(page: RequestsPage, turns: Turns) -> None:
    details = opened(page, turns, 0, "messages")
    details.search.setText("topic1")
    assert details.view._words == "topic1"
    found = next(block for block in details.view.blocks if block.key == details.view.current)
    assert "Answer 2 about topic1." in text_of(found)


def test_what_is_not_kept_is_told(page: RequestsPage, turns: Turns) -> None:
    details = opened(page, turns, 5, "messages")
    assert details.stack.currentWidget() is details.nothing
    details = opened(page, turns, 0, "messages")
    assert "Question 2" in said(details)


def test_a_failure_can_be_tried_again(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    gateway.fails = "The store of conversations is locked: close the other program that reads it."
    details = opened(page, turns, 0, "messages")
    assert details.stack.currentWidget() is details.failed
    assert details.failed.text_label.text() == gateway.fails
    gateway.fails = None
    details.failed.action.emit()
    turns.run()
    assert "Question 2" in said(details)


@pytest.mark.parametrize(("tab", "shown"), [("summary", "panel"), ("attempts", "attempts")])
def test_a_failure_covers_no_tab_that_was_opened_meanwhile(
    page: RequestsPage, gateway: FakeGateway, turns: Turns, tab: str, shown: str
) -> None:
    gateway.fails = "The store of conversations is locked: close the other program that reads it."
    details = opened(page, turns, 0)
    details.show_tab("messages")
    details.show_tab(tab)
    turns.run()
    assert details.stack.currentWidget() is getattr(details, shown)
    gateway.fails = None
    details.show_tab("messages")
    turns.run()
    assert "Question 2" in said(details)


def test_an_answer_for_another_request_is_dropped(page: RequestsPage, turns: Turns) -> None:
    details = opened(page, turns, 0)
    details.show_tab("messages")
    page.view.selectRow(2)
    page._open_row(2)
    turns.run()
    assert "Question 0" in said(details) and "Question 2" not in said(details)


def test_the_tab_stays_while_walking_through_rows(page: RequestsPage, qtbot: QtBot, turns: Turns) -> None:
    details = opened(page, turns, 0, "response")
    page.view.setFocus()
    page._details.stop()
    QTest.keyClick(page.view, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: details.record is not None and details.record.id == "req_0000")
    turns.run()
    assert details.tab == "response"
    assert "I will look at the test first." in said(details)


# as curl


def test_the_call_is_copied_as_curl_without_its_key(page: RequestsPage, qtbot: QtBot, turns: Turns) -> None:
    details = opened(page, turns, 0)
    with qtbot.waitSignal(page.toast):
        details.curl_button.click()
        turns.run()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[0] == "curl" and words[1] == "http://127.0.0.1:4210/api/ai/v1/chat/completions"
    assert "authorization: Bearer $FAREGATE_API_KEY" in words
    body = json.loads(words[words.index("-d") + 1])
    assert [message["content"] for message in body["messages"]][-1] == "Question 2 of conversation 1"


def test_without_content_the_message_is_to_be_filled_in(page: RequestsPage, qtbot: QtBot, turns: Turns) -> None:
    details = opened(page, turns, 5)
    with qtbot.waitSignal(page.toast) as toast:
        details.copy_curl()
        turns.run()
    assert "put one in" in toast.args[0]
    words = shlex.split(QGuiApplication.clipboard().text())
    assert details.record is not None
    body = json.loads(words[words.index("-d") + 1])
    assert body["model"] == (details.record.model_requested or details.record.model)


def beside_each_other(branch: str | None) -> Thread:
    """Three calls of one conversation that nothing joins."""
    thread = plain_thread(1, 0, turns=3)
    turns = (msgspec.structs.replace(each, parent=None, branch=branch if each.n else None) for each in thread.turns)
    return msgspec.structs.replace(thread, turns=tuple(turns))


@pytest.mark.parametrize(
    ("thread", "number", "asked", "never_told"),
    [
        (beside_each_other("parallel"), 2, 1, "Answer"),
        (beside_each_other(None), 2, 1, "Question 0"),
        (beside_each_other("parallel"), 1, 1, "Answer"),
        (full_thread(0), 7, 10, "You review changes"),
    ],
    ids=["side by side", "one after the other", "in between", "after a sub-agent"],
)
def test_a_call_was_told_only_what_it_continued(thread: Thread, number: int, asked: int, never_told: str) -> None:
    """Models that are compared are asked in one conversation: no answer is a part of another's question."""
    said = said_of(thread, number, "http://localhost:1")
    [part] = said.blocks["request"][0].parts
    assert isinstance(part, ToolCall)
    assert len(json.loads(part.arguments)["messages"]) == asked
    assert never_told not in part.arguments and never_told not in said.curl


def test_quotes_in_what_was_said_stay_within_their_word() -> None:
    thread: Thread = plain_thread(3, 0, turns=1)
    message = msgspec.structs.replace(thread.messages[0], parts=(Text("it's `here` $HOME"),))
    said = said_of(msgspec.structs.replace(thread, messages=(message, *thread.messages[1:])), 0, "http://x")
    words = shlex.split(said.curl)
    assert json.loads(words[words.index("-d") + 1])["messages"][-1]["content"] == "it's `here` $HOME"


# where the time went


@pytest.mark.parametrize(
    ("latency", "ttft", "overhead", "parts"),
    [
        (2_100_000, 947_000, 930, [("Gateway", 930), ("To the first token", 946_070), ("First to last token", 1_153_000)]),
        (500_000, None, 800, [("Gateway", 800), ("Provider and client", 499_200)]),
        (500_000, 100_000, None, [("To the first token", 100_000), ("First to last token", 400_000)]),
        (500, 500, 900, [("Gateway", 500), ("To the first token", 0), ("First to last token", 0)]),
        (None, None, None, []),
    ],
)  # fmt: skip
def test_the_parts_come_to_the_latency(
    gateway: FakeGateway, latency: int | None, ttft: int | None, overhead: int | None, parts: list[tuple[str, int]]
) -> None:
    row: ExchangeRecord = msgspec.structs.replace(
        gateway.rows[0], latency_us=latency, ttft_us=ttft, overhead_us=overhead, streamed=True
    )
    found = timing_parts(row)
    assert [(name, us) for name, us, _ in found] == parts
    assert sum(us for _, us, _ in found) == (latency or 0)
    # An answer in one piece has no first token before its last.
    whole = timing_parts(msgspec.structs.replace(row, streamed=False))
    assert "To the first token" not in [name for name, _, _ in whole]
    assert sum(us for _, us, _ in whole) == (latency or 0)


@pytest.mark.parametrize(
    ("us", "words"),
    [(40, "0.04 ms"), (1_304, "1.30 ms"), (9_994, "9.99 ms"), (9_996, "10.0 ms"), (35_304, "35.3 ms"),
     (99_949, "99.9 ms"), (99_951, "100 ms"), (1_710_000, "1.71 s")],
)  # fmt: skip
def test_a_part_s_time_has_three_digits(us: int, words: str) -> None:
    assert time_words(us) == words


def test_the_bar_is_drawn_and_spoken(qtbot: QtBot, theme: Theme, gateway: FakeGateway) -> None:
    bar = TimingBar(theme)
    qtbot.addWidget(bar)
    row = msgspec.structs.replace(gateway.rows[0], latency_us=2_000_000, ttft_us=1_000_000, overhead_us=1_000)
    row = msgspec.structs.replace(row, streamed=True)
    bar.show_row(row)
    bar.resize(380, bar.sizeHint().height())
    bar.show()
    assert bar.accessibleName() == "Gateway 1.00 ms, To the first token 999 ms, First to last token 1.00 s"
    widths = bar.widths()
    assert sum(widths) == pytest.approx(380)
    assert widths[0] == 2.0, "a thousandth is still to be seen"
    image = bar.grab().toImage()
    ratio = image.devicePixelRatio()
    colours = {image.pixelColor(round(x * ratio), round(4 * ratio)).name() for x in (0.8, 100, 300)}
    assert len(colours) == 3


def test_nothing_is_cut_in_a_longer_language(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> None:
    longer = PseudoLocale()
    QApplication.installTranslator(longer)
    try:
        context = AppContext(gateway, theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]
        details = RequestDetails(context)
        qtbot.addWidget(details)
        details.resize(WIDTH, 700)
        details.show()
        for row, tab in ((0, "summary"), (0, "messages"), (0, "request"), (5, "response")):
            details.show_record(gateway.rows[row], str.title, gateway.explain(gateway.rows[row]))
            details.show_tab(tab)
            turns.run()
            QApplication.processEvents()
            assert cut(details) == [] and crossing(details) == [], tab
            lines = details.panel.widget()
            needed = lines.minimumSizeHint().width() if lines is not None else 0
            assert needed <= WIDTH - GRIP, "the drawer cuts what needs more"
    finally:
        QApplication.removeTranslator(longer)


@pytest.mark.parametrize("tab", ["summary", "attempts"])
def test_lines_that_a_tab_shows_again_are_painted_in_pieces(
    page: RequestsPage, turns: Turns, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tab: str
) -> None:
    """Sixty labels in one paint took ten milliseconds."""
    # However fast the machine is, no piece follows another one in the same turn.
    monkeypatch.setattr("app.widgets.curtain._TOGETHER_S", 0)
    details = opened(page, turns, 0, tab)
    panel = details.panel if tab == "summary" else details.attempts
    curtain = panel._curtain
    qtbot.waitUntil(lambda: panel.body is not None and panel.body.isVisible() and curtain.isHidden())
    # Whatever the paints before have taught.
    curtain._most = USUAL
    details.show_tab("headers")
    turns.run()
    QApplication.processEvents()
    labels = {str(number): label for number, label in enumerate(panel.findChildren(TextLabel))}
    updates = Updates(page, labels)
    details.show_tab(tab)
    assert curtain.isVisible()
    qtbot.waitUntil(curtain.isHidden)
    counts = [len(names) for names in updates.together if names]
    assert sum(counts) == sum(not label.visibleRegion().isEmpty() for label in labels.values())
    assert max(counts) <= 2 * USUAL < sum(counts) if tab == "summary" else len(counts) > 1


def test_everything_has_a_name(page: RequestsPage, turns: Turns) -> None:
    for tab in ("messages", "request", "response", "summary"):
        details = opened(page, turns, 0, tab)
        assert unnamed(details) == []


@pytest.mark.parametrize(("button", "key"), [("conversation_asked", "conversations"), ("replay_asked", "compare")])
def test_what_was_said_is_opened_elsewhere_only_where_it_is_kept(
    page: RequestsPage, gateway: FakeGateway, turns: Turns, qtbot: QtBot, button: str, key: str
) -> None:
    """Another page would show what others said, and say for four seconds that it is not of this request."""
    asked, told = QSignalSpy(page.navigate), QSignalSpy(page.toast)
    opened(page, turns, 1)
    getattr(page.panel, button).emit("req_0000")
    turns.run()
    assert [asked.at(0), told.count()] == [[key, RequestTarget("req_0000")], 0]
    getattr(page.panel, button).emit(gateway.rows[5].id)
    turns.run()
    assert asked.count() == 1
    assert told.at(0) == ["The messages of this request were not kept"]
