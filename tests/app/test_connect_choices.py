"""What a tool's snippets carry, and the call that tries them: keys and models that are chosen, the test and its end."""

import asyncio
import time

import msgspec
import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.fonts import ui_font
from app.pages.connect import ConnectPage
from app.pages.connect_parts.snippets import NO_KEY
from app.pages.connect_parts.tool_list import BEFORE, BEHIND
from app.pages.connect_parts.tools import BY_KEY, TOOLS
from app.pages.connect_parts.trying import Trying
from app.pages.page import RequestTarget
from app.tab_order import tab_stops
from app.theme import Theme
from gateway import TEST_CLIENT, ApiKeyRow, Changes, DoorTrial, ExchangeRecord
from gateway.http.door_trial import TRIED_DOORS
from gateway.relaying.clients import TEST_AGENT, client_name
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.mouse import click
from tests.app.spawner import Spawner
from tests.app.turns import Turns
from tests.app.whole import PseudoLocale, crossing, cut

EVERYTHING = Changes(usage=True, keys=True, providers=True)


@pytest.fixture
def gateway() -> FakeGateway:
    made = FakeGateway(0, now_us=time.time_ns() // 1000)
    made.keys = [key("k-1", "growth", "tk_GROW"), key("k-2", "reader", "tk_READ", role="read")]
    return made


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> ConnectPage:
    page = made_page(AppContext(gateway, theme, FilterState(tz="UTC"), turns))  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.show()
    turns(page.refresh(EVERYTHING))
    turns.run()
    return page


def made_page(context: AppContext) -> ConnectPage:
    page = ConnectPage(context)
    page.steps_button.setParent(page)
    page.resize(1220, 840)
    return page


def key(id: str, name: str, prefix: str, role: str = "execute") -> ApiKeyRow:
    return ApiKeyRow(id=id, name=name, prefix=prefix, role=role, user=None, tags=(), created_us=1)


def choose(page: ConnectPage, turns: Turns, tool: str) -> None:
    page.list.choose(tool)
    turns.run()
    assert page.view.tool is BY_KEY[tool]
    # By itself in another turn.
    page._show_snippets()


def choose_key(page: ConnectPage, turns: Turns, words: str) -> None:
    """As a person does in the open list."""
    box = page.view.choices.keys
    place = box.findText(words, Qt.MatchFlag.MatchStartsWith)
    assert place >= 0
    box.setCurrentIndex(place)
    box.activated.emit(place)
    turns.run()


def pasted(page: ConnectPage) -> str:
    return "\n".join(block.view.toPlainText() for block in page.view.blocks)


class LayoutRequests(QObject):
    """The widgets within one that are to be laid out from now on."""

    def __init__(self, shown: QWidget) -> None:
        super().__init__(shown)
        self.by: list[str] = []
        for widget in (shown, *shown.findChildren(QWidget)):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.by.append(watched.objectName() or type(watched).__name__)
        return False


# keys


def test_key_and_model_are_fields_of_one_width(page: ConnectPage) -> None:
    """A model's button that was as wide as its name did not look like a choice."""
    page.resize(1100, 800)
    QApplication.sendPostedEvents()
    keys, model = page.view.choices.keys, page.view.choices.model
    assert (keys.x(), keys.size()) == (model.x(), model.size())


def test_every_title_is_whole_in_the_list_beside_a_tick(page: ConnectPage) -> None:
    page.resize(1100, 600)
    QApplication.sendPostedEvents()
    view = page.list.view
    metrics = QFontMetrics(ui_font(13, 500))
    room = view.viewport().width() - BEFORE - BEHIND
    assert view.verticalScrollBar().isVisible()
    assert [tool.title for tool in TOOLS if metrics.horizontalAdvance(tool.title) > room] == []


def test_an_existing_key_is_chosen_and_its_place_named(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "qwen-code")
    choices = page.view.choices
    offered = [choices.keys.itemText(number) for number in range(choices.keys.count())]
    assert offered == ["A key made for this tool", "growth (tk_GROW…)"], "a key that may only read calls nothing"
    choose_key(page, turns, "growth")
    assert "OPENAI_API_KEY=tk_GROW_YOUR_KEY" in pasted(page)
    assert choices.words.text() == (
        "The key growth (tk_GROW…) was shown once, when it was made: put it in place of tk_GROW_YOUR_KEY below. Lost "
        "it? Make one for this tool."
    )
    toasts = QSignalSpy(page.toast)
    click(qtbot, page.view.blocks[0].copy_button)
    assert toasts.at(0)[0] == "Copied: put your key in place of tk_GROW_YOUR_KEY"
    assert page.view.arrival.title.text() == "Waiting for the first request from qwen-code …"
    # Each tool has its own.
    choose(page, turns, "llm")
    assert NO_KEY in pasted(page)
    choose(page, turns, "qwen-code")
    assert "tk_GROW_YOUR_KEY" in pasted(page)
    # Making one goes back to the tool's own.
    click(qtbot, choices.make)
    turns.run()
    assert choices.keys.currentText() == "Made for this tool: qwen-code (tk_FAKE…)"
    assert "tk_FAKE••" in pasted(page) and page.view.fresh


def test_a_key_that_is_made_while_another_tool_is_chosen_is_shown_with_its_own(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    """It was never shown, and is not known in full any more."""
    toasts: list[str] = []
    page.toast.connect(toasts.append)
    choose(page, turns, "qwen-code")
    click(qtbot, page.view.choices.make)
    page.list.choose("llm")
    turns.run()
    assert toasts == ["qwen-code has its key, qwen-code: it is shown as soon as you choose qwen-code again."]
    assert not page.view.fresh and NO_KEY in pasted(page)
    choose(page, turns, "qwen-code")
    assert "tk_FAKE••" in pasted(page) and page.view.fresh
    choose(page, turns, "llm")
    choose(page, turns, "qwen-code")
    assert not page.view.fresh, "it is shown once"


def test_a_chosen_key_that_is_revoked_is_no_choice(page: ConnectPage, gateway: FakeGateway, turns: Turns) -> None:
    choose(page, turns, "codex")
    choose_key(page, turns, "growth")
    gateway.keys[0] = msgspec.structs.replace(gateway.keys[0], revoked_us=2)
    turns(page.refresh(EVERYTHING))
    turns.run()
    assert NO_KEY in pasted(page) and page.view.choices.keys.count() == 1
    assert page.view.arrival.title.text() == "Codex is not connected yet", "there is no key to wait for"


def test_what_is_chosen_is_found_again_in_another_window(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, theme: Theme, turns: Turns
) -> None:
    choose(page, turns, "codex")
    choose_key(page, turns, "growth")
    page._choose_model("claude-sonnet-4-6")
    turns.run()
    shell = page.context.shell
    again = made_page(AppContext(gateway, theme, FilterState(tz="UTC"), turns, shell))  # type: ignore[arg-type]
    qtbot.addWidget(again)
    turns(again.refresh(EVERYTHING))
    turns.run()
    choose(again, turns, "codex")
    assert 'model = "claude-sonnet-4-6"' in pasted(again) and "tk_GROW_YOUR_KEY" in pasted(again)
    shell.preferences.keep("connect.codex", "{no such thing")
    choose(again, turns, "curl")
    choose(again, turns, "codex")
    assert 'model = "gpt-5-codex"' in pasted(again)


def test_a_new_key_is_masked_until_it_is_copied_also_by_hand(page: ConnectPage, qtbot: QtBot, turns: Turns) -> None:
    whole = "tk_FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE"
    choose(page, turns, "codex")
    click(qtbot, page.view.choices.make)
    turns.run()
    assert whole not in pasted(page) and "tk_FAKE••••••••••••" in pasted(page)
    assert "masked until it is copied" in page.view.choices.words.text()
    view = page.view.blocks[1].view
    view.selectAll()
    view.copy()
    assert QGuiApplication.clipboard().text() == f'export FAREGATE_API_KEY={whole}\ncodex exec "hello"'
    assert whole not in pasted(page)
    click(qtbot, page.view.blocks[1].copy_button)
    assert QGuiApplication.clipboard().text() == f'export FAREGATE_API_KEY={whole}\ncodex exec "hello"'
    assert whole in pasted(page)
    assert page.view.choices.words.text() == (
        "The key codex is in the snippets until another tool or page is shown. It is shown only this once."
    )
    turns(page.refresh(EVERYTHING))
    turns.run()
    assert "masked" not in page.view.choices.words.text()


def test_whether_requests_arrive_with_a_new_key_is_read_once(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "aider")
    gateway.calls.clear()
    click(qtbot, page.view.choices.make)
    turns.run()
    assert gateway.calls == ["create_api_key", "requests 1 0"]


@pytest.mark.parametrize("steps", [False, True], ids=["tools", "first steps"])
def test_news_that_change_nothing_have_nothing_laid_out_anew(page: ConnectPage, turns: Turns, steps: bool) -> None:
    if steps:
        page.open_first_steps()
    shown = page.first_run if steps else page.view
    for _ in range(3):
        turns(page.refresh(EVERYTHING))
        turns.run()
        QApplication.processEvents()
    asked = LayoutRequests(shown)
    turns(page.refresh(EVERYTHING))
    turns.run()
    QApplication.processEvents()
    assert asked.by == []


# models


def test_a_model_is_found_by_typing_and_stands_in_the_snippets(page: ConnectPage, qtbot: QtBot, turns: Turns) -> None:
    choose(page, turns, "openai-python")
    assert 'model="gpt-4.1-mini"' in pasted(page)
    click(qtbot, page.view.choices.model)
    picker = page.view.choices.picker
    assert picker.isVisible() and len(picker.commands()) > 3
    assert not any("no key" in command.kind for command in picker.commands()), "who cannot be asked is not offered"
    qtbot.keyClicks(picker.search, "sonnet")
    wanted = picker.commands()[0].text
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    turns.run()
    assert f'model="{wanted}"' in pasted(page) and page.view.choices.model.text() == wanted
    choose(page, turns, "openai-js")
    assert 'model: "gpt-4.1-mini"' in pasted(page), "each tool has its own"


def test_small_tasks_go_where_the_model_is_from(page: ConnectPage, gateway: FakeGateway, turns: Turns) -> None:
    choose(page, turns, "claude-code")
    assert "ANTHROPIC_DEFAULT_HAIKU_MODEL=claude-haiku-4-5-20251001" in pasted(page)
    page._choose_model("gpt-5.1")
    turns.run()
    assert "ANTHROPIC_MODEL=gpt-5.1\n" in pasted(page) and "HAIKU_MODEL=gpt-5.1\n" in pasted(page)
    choose(page, turns, "opencode")
    assert '"models": {"gpt-4o": {}, "gpt-4o-mini": {}}' in pasted(page)
    page._choose_model("own/llama-4:70b")
    turns.run()
    assert '"models": {"own/llama-4:70b": {}}' in pasted(page)


def test_a_name_that_a_shell_would_read_otherwise_is_not_pasted(page: ConnectPage, turns: Turns) -> None:
    choose(page, turns, "curl")
    toasts = QSignalSpy(page.toast)
    page._choose_model("gpt$(reboot)")
    turns.run()
    assert "reboot" not in pasted(page)
    assert toasts.at(0)[0] == "gpt$(reboot) cannot be used in a snippet: give it another name."


# the test


def test_the_test_calls_at_the_tools_own_door_and_leads_to_its_request(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "codex")
    card = page.view.trial
    assert card.title.text() == "Test the connection" and not card.link.isVisible()
    click(qtbot, card.button)
    turns.run()
    assert gateway.calls.count("try_door openai_responses gpt-5-codex without a key") == 1
    assert card.words is not None and card.words.tone == "ok"
    assert card.title.text() == "The gateway answered in 420 ms"
    assert card.detail.text() == (
        "r-test · $0.000012 · with a key that was made for this call: yours is not known in full"
    )
    went = QSignalSpy(page.navigate)
    click(qtbot, card.link)
    assert went.at(0) == ["requests", RequestTarget("r-test")]
    # Another model was not tried.
    page._choose_model("claude-sonnet-4-6")
    turns.run()
    assert card.words.request is None
    click(qtbot, page.view.choices.make)
    turns.run()
    click(qtbot, card.button)
    turns.run()
    assert gateway.calls.count("try_door openai_responses claude-sonnet-4-6 with a key") == 1
    assert card.detail.text().endswith("with the key in the snippets")


def test_a_test_that_fails_says_what_to_do(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "gemini-cli")
    gateway.door_trial = DoorTrial(
        ok=False, message="503: Google has no key: add one on the page Providers.", request_id="r-bad", status=503
    )
    card = page.view.trial
    click(qtbot, card.button)
    turns.run()
    assert card.words is not None
    assert (card.title.text(), card.words.tone) == ("The test failed", "bad")
    assert card.detail.text() == gateway.door_trial.message and card.link.isVisible()
    gateway.fails = "The disk is full."
    click(qtbot, card.button)
    turns.run()
    assert card.detail.text() == "The disk is full." and card.button.text() == "Test"


@pytest.mark.parametrize("how", ["button", "tool"])
def test_a_test_is_cancelled(qtbot: QtBot, theme: Theme, gateway: FakeGateway, how: str) -> None:
    async def go() -> None:
        spawn = Spawner()
        page = made_page(AppContext(gateway, theme, FilterState(tz="UTC"), spawn))  # type: ignore[arg-type]
        qtbot.addWidget(page)
        gateway.door_waits = asyncio.Event()
        await page.refresh(EVERYTHING)
        card = page.view.trial
        card.button.click()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (
            card.running and card.button.text() == "Cancel" and card.title.text().startswith("Asking claude-sonnet")
        )
        if how == "button":
            card.button.click()
        else:
            page.list.choose("curl")
        for _ in range(3):
            await asyncio.sleep(0)
        assert not card.running and card.button.text() == "Test"
        assert card.title.text() == "Test the connection"
        assert ("Cancelled" in card.detail.text()) == (how == "button")
        gateway.door_waits.set()
        for _ in range(9):
            await asyncio.sleep(0)
        assert card.words is not None and card.words.request is None
        spawn.check()

    asyncio.run(go())


def test_a_test_that_ends_in_the_turn_in_which_it_is_given_up_is_given_up() -> None:
    async def made() -> DoorTrial:
        return DoorTrial(ok=True, message="")

    async def go() -> None:
        trying = Trying()
        trying.begin(made())
        told = asyncio.ensure_future(trying.end())
        while not (trying._running and trying._running.done()):
            await asyncio.sleep(0)
        assert trying.give_up() and await told is None

    asyncio.run(go())


def test_a_test_alone_does_not_connect_a_tool(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    """The check waits for the tool's own request."""
    choose(page, turns, "aider")
    click(qtbot, page.view.choices.make)
    turns.run()
    assert client_name(TEST_AGENT) == TEST_CLIENT
    row = ExchangeRecord(
        id="r-test",
        started_us=time.time_ns() // 1000,
        door="openai_chat",
        key_id="k9",
        key="aider",
        provider="openai",
        model="gpt-4o",
        status=200,
        outcome="ok",
        client=TEST_CLIENT,
    )
    gateway.put(row)
    page.on_shown()
    turns(page.refresh(EVERYTHING))
    turns.run()
    assert page.view.arrival.title.text() == "Waiting for the first request from aider …"
    assert page.view.arrival.detail.text().startswith("Faregate's test used its key: just now")
    assert "connected" not in str(page.list.view.item(7).data(Qt.ItemDataRole.AccessibleTextRole))
    gateway.put(msgspec.structs.replace(row, id="r-1", client="LiteLLM"))
    turns(page.refresh(EVERYTHING))
    turns.run()
    assert page.view.arrival.title.text() == "aider is connected"


def test_every_tool_calls_at_a_door_that_can_be_tried(page: ConnectPage, turns: Turns) -> None:
    assert {tool.door for tool in TOOLS} == set(TRIED_DOORS)
    choose(page, turns, "opentelemetry")
    assert not page.view.choices.model.isVisible(), "it asks no model"


def test_the_way_of_spans_is_tested_without_a_model(
    page: ConnectPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    choose(page, turns, "opentelemetry")
    card = page.view.trial
    assert card.detail.text().startswith("Sends an export without spans")
    gateway.door_trial = DoorTrial(ok=True, message="The gateway answered.", status=200, ms=4.2)
    click(qtbot, card.button)
    turns.run()
    assert gateway.calls.count("try_door otlp  without a key") == 1
    assert card.title.text() == "The gateway answered in 4 ms" and not card.link.isVisible()
    assert card.detail.text() == "with a key that was made for this call: yours is not known in full"


@pytest.mark.parametrize("width", [920, 1220])
@pytest.mark.parametrize("longer", [False, True], ids=["English", "40 % longer"])
def test_nothing_of_choices_and_test_is_cut_or_unnamed(
    qtbot: QtBot, qapp: QApplication, page: ConnectPage, gateway: FakeGateway, turns: Turns, width: int, longer: bool
) -> None:
    locale = PseudoLocale()
    if longer:
        qapp.installTranslator(locale)
    try:
        page = made_page(page.context)
        qtbot.addWidget(page)
        page.resize(width, 640)
        page.show()
        turns(page.refresh(EVERYTHING))
        turns.run()
        choose(page, turns, "codex")
        choose_key(page, turns, "growth")
        page._choose_model("an-own-provider/" + "a-model-of-a-long-name-" * 4)
        turns.run()
        for trial in (
            gateway.door_trial,
            DoorTrial(ok=False, message="503: Google has no key: add one on the page Providers.", request_id="r-1"),
        ):
            gateway.door_trial = trial
            click(qtbot, page.view.trial.button)
            turns.run()
            qtbot.waitUntil(lambda: cut(page.view) == [])
            assert (cut(page.view), crossing(page.view), unnamed(page)) == ([], [], [])
    finally:
        qapp.removeTranslator(locale)


@pytest.mark.parametrize(("tool", "checks_first"), [("codex", False), ("opentelemetry", True)])
def test_the_keyboard_goes_through_steps_and_checks_as_they_stand(
    page: ConnectPage, turns: Turns, tool: str, checks_first: bool
) -> None:
    # Steps of another tool were there before.
    choose(page, turns, "curl" if tool == "opentelemetry" else "opentelemetry")
    choose(page, turns, tool)
    page.view.show_trial(DoorTrial(ok=True, message="", request_id="r-1"), False)
    turns.run()
    view = page.view
    wanted = [block.copy_button for block in view.blocks] + [view.trial.button]
    found = [widget for widget in tab_stops(view) if widget in wanted]
    assert found == sorted(wanted, key=lambda each: each.mapTo(view, each.rect().topLeft()).y())
    assert (found[0] is view.trial.button) is checks_first


def test_an_export_that_is_given_up_has_no_request_to_look_at(page: ConnectPage, turns: Turns) -> None:
    choose(page, turns, "opentelemetry")
    page.view.trial.button.click()
    (test,) = turns.waiting

    async def give_up() -> None:
        running = asyncio.ensure_future(test)
        await asyncio.sleep(0)
        page._give_up()
        await running

    turns.waiting.clear()
    turns(give_up())
    turns.run()
    assert page.view.trial.detail.text() == "Cancelled."
