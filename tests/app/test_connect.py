"""The Connect page as a person uses it: finding a tool, its key, what is pasted, and the check that turns green."""

import time

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.filters import FilterState
from app.pages.connect import ConnectPage
from app.pages.connect_parts.arrivals import free_name, keys_of
from app.pages.connect_parts.code_block import CodeBlock
from app.pages.connect_parts.snippets import NO_KEY, SHELLS
from app.pages.connect_parts.tool_list import CHOSEN_AFTER_MS
from app.pages.connect_parts.tool_view import ToolView
from app.pages.connect_parts.tools import BY_KEY, CATEGORIES, TOOLS, found
from app.pages.page import RequestTarget, ThreadTarget
from app.theme import Theme
from gateway import ApiKeyRow, Changes, ExchangeRecord, LastTold
from gateway.relaying.clients import USER_AGENTS
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.mouse import click
from tests.app.shown_page import show_page
from tests.app.turns import Turns
from tests.app.whole import PseudoLocale, crossing, cut

KEY = "tk_FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE"
MASKED = "tk_FAKE" + "•" * 12
EVERYTHING = Changes(usage=True, keys=True, providers=True)
# What other people wrote of these: LlamaIndex by its own name, the SDKs behind others.
NAMED = ("claude-code", "codex", "gemini-cli", "cursor", "opencode", "continue", "aider", "qwen-code", "llm",
         "openai-python", "openai-js", "anthropic-python", "anthropic-js", "google-genai", "langchain", "llamaindex",
         "vercel-ai-sdk", "pydantic-ai", "curl", "opentelemetry")  # fmt: skip


def now_us() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(0, now_us=now_us())


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> ConnectPage:
    page = ConnectPage(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
    show_page(page, qtbot)
    look(page, turns)
    return page


def look(page: ConnectPage, turns: Turns) -> None:
    turns(page.refresh(EVERYTHING))
    turns.run()


def choose(page: ConnectPage, turns: Turns, tool: str) -> None:
    page.list.choose(tool)
    turns.run()
    assert page.view.tool is BY_KEY[tool]
    # By itself in another turn.
    page._show_snippets()


def texts(page: ConnectPage) -> list[str]:
    return [block.view.toPlainText() for block in page.view.blocks]


def arrived(gateway: FakeGateway, key: str, **fields: object) -> ExchangeRecord:
    row = ExchangeRecord(
        id="r-first",
        started_us=now_us(),
        door="responses",
        key_id="k9",
        key=key,
        provider="openai",
        model="gpt-5-codex",
        status=200,
        outcome="ok",
        cost_nano=12_345_678,
        cost_source="list",
        usage_source="provider",
        latency_us=1_420_000,
        client="Codex",
    )
    row = msgspec.structs.replace(row, **fields)
    gateway.put(row)
    return row


def test_every_tool_is_there_once_and_its_client_is_one_that_the_gateway_names() -> None:
    assert len({tool.key for tool in TOOLS}) == len({tool.title for tool in TOOLS}) == len(TOOLS)
    assert set(NAMED) <= set(BY_KEY)
    assert {tool.category for tool in TOOLS} == set(CATEGORIES)
    assert {tool.client for tool in TOOLS if tool.client} <= {name for _, name in USER_AGENTS}


def test_tools_are_found_by_any_of_their_words(page: ConnectPage, qtbot: QtBot, turns: Turns) -> None:
    assert page.list.keys() == [tool.key for tool in TOOLS]
    qtbot.keyClicks(page.list.search, "node claude")
    assert page.list.keys() == ["anthropic-js"] == [tool.key for tool in found("NODE  claude")]
    qtbot.waitUntil(lambda: page.view.title.text() == "Anthropic SDK (JavaScript)")
    turns.run()
    page.list.search.setText("no such tool")
    assert page.list.keys() == [] and page.list.nothing.isVisible()
    qtbot.keyClick(page.list.search, Qt.Key.Key_Escape)
    assert page.list.keys() == [tool.key for tool in TOOLS] and not page.list.nothing.isVisible()


def test_a_tool_that_is_found_again_is_not_laid_out_again(laid_out: list[str], page: ConnectPage) -> None:
    page.resize(1000, 1400)
    page.grab()
    assert set(laid_out) == {*CATEGORIES, *(tool.title for tool in TOOLS)}
    laid_out.clear()
    page.list.search.setText("sdk")
    page.list.choose("openai-python")
    page.grab()
    page.list.search.clear()
    page.grab()
    assert laid_out == []


def test_what_is_pasted_for_another_tool_comes_in_the_turn_after_its_name(
    page: ConnectPage, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "codex")
    before = texts(page)
    qtbot.waitUntil(page._curtain.isHidden)
    page.list.choose("curl")
    assert page.view.title.text() == BY_KEY["curl"].title and texts(page)[0] == before[0]
    qtbot.waitUntil(lambda: texts(page)[0] != before[0])
    assert "curl " in texts(page)[0] and page._curtain.isVisible()


def test_a_word_that_is_typed_shows_one_tool_and_not_one_for_each_letter(page: ConnectPage, qtbot: QtBot) -> None:
    shown: list[str] = []
    page.list.chosen.connect(shown.append)
    qtbot.keyClicks(page.list.search, "curl")
    assert page.list.keys() == ["curl"] and not shown
    qtbot.waitUntil(lambda: shown == ["curl"])
    page.list.search.setText("codex")
    qtbot.keyClick(page.list.search, Qt.Key.Key_Return)
    assert shown == ["curl", "codex"] and page.list.view.hasFocus(), "who goes on at once has the tool at once"
    qtbot.wait(2 * CHOSEN_AFTER_MS)
    assert shown == ["curl", "codex"]


def test_the_keyboard_goes_through_the_tools(page: ConnectPage, qtbot: QtBot, turns: Turns) -> None:
    page.list.search.setFocus()
    qtbot.keyClick(page.list.search, Qt.Key.Key_Return)
    assert page.list.view.hasFocus()
    for expected in ("codex", "gemini-cli"):
        qtbot.keyClick(page.list.view, Qt.Key.Key_Down)
        turns.run()
        assert page.list.current == expected and page.view.tool is BY_KEY[expected]
    for _ in range(7):
        qtbot.keyClick(page.list.view, Qt.Key.Key_Down)
    assert page.list.current == "openai-python", "a heading is stepped over"


def test_a_snippet_has_the_live_endpoint_and_no_key_before_one_is_made(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "codex")
    assert 'base_url = "http://127.0.0.1:4210/api/ai/v1"' in texts(page)[0]
    assert texts(page)[1] == f'export FAREGATE_API_KEY={NO_KEY}\ncodex exec "hello"'
    toasts = QSignalSpy(page.toast)
    click(qtbot, page.view.blocks[1].copy_button)
    assert QGuiApplication.clipboard().text() == texts(page)[1]
    assert toasts.at(0)[0] == f"Copied: put your key in place of {NO_KEY}"
    gateway.state = msgspec.structs.replace(gateway.state, url="http://127.0.0.1:4999")
    look(page, turns)
    assert 'base_url = "http://127.0.0.1:4999/api/ai/v1"' in texts(page)[0]


def test_a_key_is_made_for_the_tool_shown_once_and_masked_afterwards(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "codex")
    assert page.view.choices.make.text() == "Make a key"
    click(qtbot, page.view.choices.make)
    turns.run()
    assert gateway.keys[-1].name == "codex"
    assert texts(page)[1] == f'export FAREGATE_API_KEY={MASKED}\ncodex exec "hello"'
    toasts = QSignalSpy(page.toast)
    click(qtbot, page.view.blocks[1].copy_button)
    assert KEY in QGuiApplication.clipboard().text() and toasts.at(0)[0] == "Copied"
    assert texts(page)[1] == f'export FAREGATE_API_KEY={KEY}\ncodex exec "hello"'
    look(page, turns)
    assert KEY in texts(page)[1], "news do not take it away"

    choose(page, turns, "curl")
    choose(page, turns, "codex")
    assert not any(KEY in text for text in texts(page))
    assert page.view.choices.words.text().startswith("Its key codex (tk_FAKE…) was shown once")
    click(qtbot, page.view.choices.make)
    turns.run()
    assert gateway.keys[-1].name == "codex-2"
    page.on_hidden()
    assert not any(KEY in text for text in texts(page))


def test_each_shell_has_its_own_words(page: ConnectPage, qtbot: QtBot, turns: Turns) -> None:
    choose(page, turns, "qwen-code")
    assert page.view.shells.isVisible()
    for shell, line in (
        ("fish", "set -gx OPENAI_BASE_URL http://127.0.0.1:4210/api/ai/v1"),
        ("powershell", "$env:OPENAI_BASE_URL = 'http://127.0.0.1:4210/api/ai/v1'"),
        ("sh", "export OPENAI_BASE_URL=http://127.0.0.1:4210/api/ai/v1"),
    ):
        click(qtbot, page.view.shells.segment(shell))
        assert texts(page)[0].splitlines()[0] == line
    assert list(SHELLS) == ["sh", "fish", "powershell"]
    choose(page, turns, "openai-python")
    assert not page.view.shells.isVisible()


def test_the_check_turns_green_when_the_first_request_arrives(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "codex")
    card = page.view.arrival
    assert card.title.text() == "Codex is not connected yet"
    click(qtbot, page.view.choices.make)
    turns.run()
    assert card.title.text() == "Waiting for the first request from Codex …"
    assert "401" in card.detail.text() and not card.link.isVisible()

    arrived(gateway, "growth", id="r-other", client="curl")
    # Of a key of the same name that is no more.
    arrived(gateway, "codex", id="r-old", client="curl", started_us=gateway.keys[-1].created_us - 1)
    look(page, turns)
    assert card.title.text() == "Waiting for the first request from Codex …"

    row = arrived(gateway, "codex")
    gateway.keys[-1] = msgspec.structs.replace(gateway.keys[-1], last_used_us=row.started_us)
    look(page, turns)
    assert card.words is not None and card.words.tone == "ok"
    assert card.title.text() == "Codex is connected"
    cost = formats.money(row.cost_nano)
    assert card.detail.text() == f"just now · gpt-5-codex · 1.42 s · {cost}"
    went = QSignalSpy(page.navigate)
    click(qtbot, card.link)
    assert went.at(0) == ["requests", RequestTarget("r-first")]


def test_a_request_that_fails_says_why_and_does_not_turn_green(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "codex")
    click(qtbot, page.view.choices.make)
    turns.run()
    arrived(gateway, "codex", id="r-bad", status=404, outcome="error", error_message="No model of that name.")
    look(page, turns)
    card = page.view.arrival
    assert card.words is not None
    assert (card.words.tone, card.detail.text()) == ("bad", "404: No model of that name.")
    assert page.list.view.item(2).data(Qt.ItemDataRole.AccessibleTextRole) == "Codex", "no tick in the list either"
    arrived(gateway, "codex")
    arrived(gateway, "codex", id="r-bad2", status=429, outcome="error", error_message="Too many.")
    look(page, turns)
    assert (card.words.tone, card.words.request) == ("warn", "r-bad2")
    assert card.title.text() == "Codex is connected, but its last request failed"


def test_a_tool_that_came_with_another_key_is_known_by_its_client(
    page: ConnectPage, gateway: FakeGateway, turns: Turns
) -> None:
    arrived(gateway, "growth")
    choose(page, turns, "codex")
    assert page.view.arrival.title.text() == "Codex is connected with the key “growth”"


def test_ticks_stand_at_the_tools_whose_requests_succeeded(
    page: ConnectPage, gateway: FakeGateway, turns: Turns
) -> None:
    subtitles = QSignalSpy(page.subtitle)
    arrived(gateway, "growth")
    arrived(gateway, "growth", id="r-bad", client="Claude Code", status=429, outcome="error")
    page.on_shown()
    look(page, turns)
    assert subtitles.at(0)[0] == f"1 of {len(TOOLS)} tools connected"
    names = [page.list.view.item(number).data(Qt.ItemDataRole.AccessibleTextRole) for number in (1, 2)]
    assert names == ["Claude Code", "Codex, connected"]


def test_the_first_span_turns_it_green(page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns) -> None:
    choose(page, turns, "opentelemetry")
    assert texts(page)[0] == (
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4210\n"
        f"export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20{NO_KEY}\n"
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    )
    click(qtbot, page.view.choices.make)
    turns.run()
    card, own = page.view.arrival, gateway.keys[-1]
    # A key that is used has not yet brought a span.
    gateway.keys[-1] = msgspec.structs.replace(own, last_used_us=now_us())
    look(page, turns)
    assert card.title.text() == "Waiting for the first span …" and "Metrics alone do not count" in card.detail.text()
    span = LastTold(name="chat gpt-4.1", app="billing", key_id="k1", key="growth", stored_us=now_us())
    gateway.last = [span]
    look(page, turns)
    assert card.title.text() == "OpenTelemetry is connected with the key “growth”" and not card.link.isVisible()
    gateway.last.append(msgspec.structs.replace(span, key_id=own.id, key=own.name, conversation_id="c-1"))
    subtitles = QSignalSpy(page.subtitle)
    look(page, turns)
    assert card.title.text() == "OpenTelemetry is connected"
    assert card.detail.text() == "just now · billing · chat gpt-4.1"
    assert subtitles.at(0)[0] == f"1 of {len(TOOLS)} tools connected"
    went = QSignalSpy(page.navigate)
    assert card.link.text() == "Open conversation"
    click(qtbot, card.link)
    assert went.at(0) == ["conversations", ThreadTarget("c-1")]


def test_spans_tick_their_row_when_the_page_opens(
    qtbot: QtBot, page: ConnectPage, gateway: FakeGateway, turns: Turns
) -> None:
    month_us = 31 * 86_400_000_000
    for stored_us, ticked in ((now_us() - month_us, False), (now_us(), True)):
        gateway.last = [LastTold(name="", key_id="k1", key="growth", stored_us=stored_us)]
        page.on_shown()
        look(page, turns)
        item = page.list.view.item(page.list.view.count() - 1)
        words = "OpenTelemetry, connected" if ticked else "OpenTelemetry"
        assert item.data(Qt.ItemDataRole.AccessibleTextRole) == words


def test_ticks_stay_where_the_page_is_shown_again(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    """With the next tool that was chosen they were gone, until something changed."""
    gateway.put(arrived(gateway, "codex"))
    look(page, turns)
    page.on_shown()
    turns.run()
    said = QSignalSpy(page.subtitle)
    page.on_hidden()
    page.on_shown()
    choose(page, turns, "curl")
    assert {said.at(number)[0] for number in range(said.count())} == {f"1 of {len(TOOLS)} tools connected"}
    gateway.put(msgspec.structs.replace(arrived(gateway, "aider"), id="r-second", client="aider"))
    page.on_hidden()
    page.on_shown()
    turns.run()
    assert said.at(said.count() - 1) == [f"2 of {len(TOOLS)} tools connected"], "others came meanwhile"


def test_names_of_keys() -> None:
    def row(name: str, at: int, revoked: int | None = None) -> ApiKeyRow:
        return ApiKeyRow(
            id=name, name=name, prefix="tk_x", role="execute", user=None, tags=(), created_us=at, revoked_us=revoked
        )

    rows = [row("codex", 1, revoked=5), row("codex-2", 2), row("codex-3", 3), row("codexes", 4), row("my codex", 4)]
    assert [one.name for one in keys_of("codex", rows)] == ["codex-3", "codex-2"]
    assert free_name("codex", rows) == "codex-4" and free_name("curl", rows) == "curl"


def test_an_error_is_told_and_mended(page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns) -> None:
    gateway.fails = "The disk is full."
    look(page, turns)
    assert page.banner.isVisible() and page.banner.text() == "The disk is full."
    toasts = QSignalSpy(page.toast)
    click(qtbot, page.view.choices.make)
    turns.run()
    assert toasts.at(0)[0] == "The disk is full." and page.view.choices.make.isEnabled()
    gateway.fails = None
    click(qtbot, page.banner.button)
    turns.run()
    assert not page.banner.isVisible()


def test_what_could_not_be_looked_at_is_told_until_it_is(
    page: ConnectPage, gateway: FakeGateway, turns: Turns
) -> None:
    """It stood until something changed. Of what else could not be read nothing was learnt by that."""
    look(page, turns)

    def later() -> bool:
        page.as_time_passes()
        turns.run()
        return page.banner.isVisible()

    gateway.fails = "The database is locked."
    assert later()
    gateway.fails = None
    assert not later()
    gateway.fails = "The vault is locked."
    look(page, turns)
    gateway.fails = None
    assert later()


@pytest.mark.parametrize("width", [920, 1220])
@pytest.mark.parametrize("longer", [False, True], ids=["English", "40 % longer"])
def test_nothing_is_cut_or_unnamed(
    qtbot: QtBot, qapp: QApplication, theme: Theme, gateway: FakeGateway, turns: Turns, width: int, longer: bool
) -> None:
    locale = PseudoLocale()
    if longer:
        qapp.installTranslator(locale)
    try:
        page = ConnectPage(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
        page.steps_button.setParent(page)
        qtbot.addWidget(page)
        page.resize(width, 640)
        page.show()
        look(page, turns)
        for tool in ("claude-code", "opentelemetry", "curl"):
            choose(page, turns, tool)
            # Steps that wrap are laid out anew once they know their width.
            qtbot.waitUntil(lambda: cut(page.view) == [])
            assert (cut(page.view), crossing(page.view), unnamed(page)) == ([], [], [])
        page.open_first_steps()
        qapp.processEvents()
        assert (cut(page.first_run), crossing(page.first_run), unnamed(page)) == ([], [], [])
    finally:
        qapp.removeTranslator(locale)


def test_steps_are_used_again_for_another_tool_and_keep_no_key(theme: Theme, qtbot: QtBot) -> None:
    """What is hidden exists too: a key that was shown once must not stand in it."""
    view = ToolView(theme)
    qtbot.addWidget(view)
    long = max(TOOLS, key=lambda tool: len(tool.snippets))
    short = next(tool for tool in TOOLS if len(tool.snippets) == 1)
    key = "tk_" + "a1" * 16
    view.show_tool(long, "http://127.0.0.1:4210", ())
    view.show_fresh(key)
    first, blocks = view.blocks[0], list(view.blocks)
    next(block for block in blocks if block.hides).copy_button.click()
    assert len(blocks) > 1 and any(key in block.view.toPlainText() for block in blocks)
    view.show_tool(short, "http://127.0.0.1:4210", ())
    assert view.blocks == [first] and first.step.text() == short.snippets[0].step
    assert not any(block.isVisibleTo(view) for block in blocks[1:])
    assert not any(
        key in text for block in view.findChildren(CodeBlock) for text in (block.view.toPlainText(), block._whole)
    )
    view.show_tool(long, "http://127.0.0.1:4210", ())
    assert view.blocks == blocks and all(block.isVisibleTo(view) for block in blocks)
    assert [block.step.text() for block in blocks] == [
        f"{number}.  {snippet.step}" for number, snippet in enumerate(long.snippets, start=1)
    ]
    assert [block.view.accessibleName() for block in blocks] == [snippet.step for snippet in long.snippets]
