"""The first run as a person goes through it: a provider's key or the demo, the endpoint and a key, the first request."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
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
from app.first_steps import FirstSteps, is_first_run
from app.loop import QtLoop
from app.pages.connect import ConnectPage
from app.pages.page import RequestTarget
from app.preferences import OFF, ON, Preferences
from app.theme import Theme
from gateway import Changes, DataFolder, Gateway, UsageQuery, VaultState, load_settings
from gateway.keys.key_format import check_format
from tests.app.fake_gateway import FakeGateway
from tests.app.mouse import click
from tests.app.turns import Turns
from tests.provider.client import ProviderProcess

SECRET = "sk-ant-canary0123456789abcdefWXYZ"
OPENAI = "sk-proj-canary7Qw2Zk9Lm4Vx8Bt"
KEY = "tk_FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE"
EVERYTHING = Changes(usage=True, keys=True, providers=True)


class Empty(FakeGateway):
    """A folder in which nothing was done yet."""

    def __init__(self) -> None:
        super().__init__(0, now_us=time.time_ns() // 1000)
        self.keys = []
        self.provider_list = [
            msgspec.structs.replace(row, key_source="none", masked=None, state="unconfigured", detail=None)
            for row in self.provider_list
            if row.key_source != "unneeded"
        ]
        self.stored: list[tuple[str, str]] = []

    def check_key_format(self, provider: str, key: str) -> str | None:
        return check_format(provider, key)

    async def store_provider_key(self, provider: str, key: str) -> None:
        self.stored.append((provider, key))
        await super().store_provider_key(provider, key)


@pytest.fixture
def gateway() -> Empty:
    return Empty()


def make_page(qtbot: QtBot, theme: Theme, gateway: object, spawn: object) -> ConnectPage:
    page = ConnectPage(AppContext(gateway, theme, FilterState(tz="UTC"), spawn))  # type: ignore[arg-type]
    page.steps_button.setParent(page)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    page.show()
    return page


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: Empty, turns: Turns) -> ConnectPage:
    page = make_page(qtbot, theme, gateway, turns)
    look(page, turns)
    return page


def look(page: ConnectPage, turns: Turns) -> None:
    turns(page.refresh(EVERYTHING))
    turns.run()


def done(page: ConnectPage) -> list[bool]:
    steps = page.first_run
    return [card.done for card in (steps.provider_card, steps.key_card, steps.request_card)]


def test_an_empty_folder_begins_with_the_steps(page: ConnectPage) -> None:
    assert page.first_run.isVisible() and not page.list.isVisible()
    assert done(page) == [False, False, False]
    assert page.first_run.endpoint.text() == "http://127.0.0.1:4210/api/ai/v1"
    assert page.first_run.provider_card.accessibleName() == "A provider's key: to do"


@pytest.mark.parametrize(
    ("key", "title"),
    [(SECRET, "Anthropic"), (OPENAI, "OpenAI"), ("xai-canary0123456789abcdefgh", "xAI"), ("AQ.canary0123456789abcdef", "Google")],
)  # fmt: skip
def test_the_provider_is_known_by_its_key(page: ConnectPage, qtbot: QtBot, key: str, title: str) -> None:
    steps = page.first_run
    steps.field.edit.setText(key)
    found = steps.recognised()
    assert found is not None and found.title.startswith(title)
    assert steps.hint.text() == f"Looks like a key for {found.title}." and steps.save.isEnabled()


def test_a_key_of_nobody_knows_whom_is_not_tried(page: ConnectPage, gateway: Empty, qtbot: QtBot) -> None:
    steps = page.first_run
    steps.field.edit.setText("0123456789abcdef0123456789abcdef")
    qtbot.keyClick(steps.field.edit, Qt.Key.Key_Return)
    assert not steps.save.isEnabled() and "try_provider_key" not in gateway.calls
    assert "Providers page" in steps.hint.text()


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        (f'"{SECRET}"', "paste it without its name and without quotes"),
        (f"ANTHROPIC_API_KEY={SECRET}", "paste it without its name and without quotes"),
        (f"{SECRET}\nsk-ant-another", "copy it again, in one piece"),
        ("tk_0123456789abcdef", "This is a Faregate key"),
        ("sk-or-v1-0123456789abcdef", "Providers page"),
    ],
)
def test_what_is_no_key_of_anybodys_is_told_as_that(page: ConnectPage, pasted: str, told: str) -> None:
    steps = page.first_run
    steps.field.edit.setText(pasted)
    assert told in steps.hint.text() and not steps.save.isEnabled()


def test_a_key_that_is_refused_is_not_kept(page: ConnectPage, gateway: Empty, qtbot: QtBot, turns: Turns) -> None:
    gateway.trial_ok = False
    steps = page.first_run
    steps.field.edit.setText(SECRET)
    click(qtbot, steps.save)
    turns.run()
    assert gateway.stored == [] and done(page)[0] is False
    assert steps.trial.isVisible() and steps.trial.message.text() == "The provider rejected the key: paste it again."


def test_the_three_steps(page: ConnectPage, gateway: Empty, qtbot: QtBot, turns: Turns) -> None:
    steps = page.first_run
    QGuiApplication.clipboard().setText(f"{SECRET}\n")
    click(qtbot, steps.field.paste)
    with qtbot.waitSignal(page.context.shell.offered) as offered:
        click(qtbot, steps.save)
        turns.run()
    assert offered.args[1] == "Clear the clipboard"
    assert gateway.stored == [("anthropic", SECRET)] and steps.field.text() == ""
    assert done(page) == [True, False, False]
    assert "claude-haiku-4-5" in steps.command.view.toPlainText(), "the model is one of the provider's"

    click(qtbot, steps.endpoint_copy)
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:4210/api/ai/v1"
    click(qtbot, steps.key_button)
    turns.run()
    assert done(page) == [True, True, False] and steps.key.text() == KEY
    assert f"Bearer {KEY}" in steps.command.view.toPlainText()
    longest = max(map(len, steps.command.view.toPlainText().splitlines()))
    assert longest <= 100, "with a key in it, it is read without scrolling"
    click(qtbot, steps.key_button)
    assert QGuiApplication.clipboard().text() == KEY and len(gateway.keys) == 1
    assert steps.request_card.told.text() == "Waiting for it …"

    row = msgspec.structs.replace(FakeGateway(1).rows[0], outcome="ok", started_us=time.time_ns() // 1000)
    gateway.put(msgspec.structs.replace(row, id="bad", outcome="error", status=404, error_message="No such model."))
    look(page, turns)
    assert done(page) == [True, True, False], "a request that failed is told, and is not the third step"
    assert steps.request_card.told.text() == "A request arrived, and failed: No such model."
    gateway.put(row)
    look(page, turns)
    assert done(page) == [True, True, True] and steps.title.text() == "You are set"
    assert formats.money(row.cost_nano) in steps.request_card.told.text()
    went = QSignalSpy(page.navigate)
    click(qtbot, steps.request_link)
    assert went.at(0) == ["requests", RequestTarget(row.id)]
    page.on_hidden()
    assert KEY not in steps.key.text() and KEY not in steps.command.view.toPlainText()
    click(qtbot, steps.leave_button)
    assert went.at(1)[0] == "overview" and page.list.isVisible() and not page.steps_button.isVisible()


def test_every_provider_that_is_ready_is_named(page: ConnectPage, gateway: Empty, turns: Turns) -> None:
    ready = ("openai", "xai")
    gateway.provider_list = [
        msgspec.structs.replace(row, key_source="vault", state="connected") if row.name in ready else row
        for row in gateway.provider_list
    ]
    look(page, turns)
    titles = [row.title for row in gateway.provider_list if row.name in ready]
    assert page.first_run.provider_card.told.text() == f"Ready: {titles[0]}, {titles[1]}"


def test_they_are_skipped_and_come_back(page: ConnectPage, gateway: Empty, qtbot: QtBot, turns: Turns) -> None:
    click(qtbot, page.first_run.leave_button)
    assert page.list.isVisible() and page.steps_button.isVisible()
    assert page.context.shell.preferences.get("first_steps") == OFF
    look(page, turns)
    assert page.list.isVisible()
    click(qtbot, page.steps_button)
    assert page.first_run.isVisible() and page.context.shell.preferences.get("first_steps") == ON


def test_the_demo_and_the_place_for_keys_are_asked_for(
    page: ConnectPage, gateway: Empty, qtbot: QtBot, turns: Turns
) -> None:
    asked, went = QSignalSpy(page.context.shell.demo_asked), QSignalSpy(page.navigate)
    click(qtbot, page.first_run.demo)
    assert asked.count() == 1
    assert not page.first_run.vault.isVisible()
    gateway.vault = VaultState(backend="keyring", available=False, message="The keyring is locked.")
    look(page, turns)
    click(qtbot, page.first_run.vault)
    assert went.at(0) == ["providers", None]


def test_a_key_that_was_revoked_is_none() -> None:
    made = FakeGateway(0).keys[0]
    gone = msgspec.structs.replace(made, revoked_us=made.created_us + 1)
    assert not FirstSteps(keys=(gone,)).key_done
    assert FirstSteps(keys=(gone, msgspec.structs.replace(made, revoked_us=None))).key_done


def test_when_they_are_offered() -> None:
    empty, preferences = FirstSteps(), Preferences()
    assert is_first_run(empty, preferences, demo=False)
    assert not is_first_run(empty, preferences, demo=True)
    assert not is_first_run(FirstSteps(request=FakeGateway(1).rows[0]), preferences, demo=False)
    assert not is_first_run(FirstSteps(providers=tuple(FakeGateway(0).provider_list)), preferences, demo=False)
    preferences.set("first_steps", OFF)
    assert not is_first_run(empty, preferences, demo=False)


def test_from_nothing_to_the_first_request_on_a_real_gateway(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """The strict provider in its own process, a real gateway, and the command's own request."""
    with ProviderProcess(tmp_path / "ledger.jsonl", seed=5) as provider:
        folder = DataFolder(tmp_path / "home")
        environ = {f"FAREGATE_{name.upper()}_BASE_URL": url for name, url in provider.base_urls.items()}
        settings = load_settings(folder.path, {**environ, "FAREGATE_VAULT": "memory", "FAREGATE_PORT": "0"})
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        loop = QtLoop(app)
        asyncio.set_event_loop(loop)
        tasks: list[asyncio.Task[Any]] = []

        def spawn(work: Coroutine[Any, Any, Any]) -> None:
            tasks.append(loop.create_task(work))

        async def until(what: Any) -> None:
            async with asyncio.timeout(60):
                while not what():
                    await asyncio.sleep(0.02)

        async def drive() -> None:
            gateway = Gateway(folder, settings)
            await gateway.start()
            try:
                page = make_page(qtbot, theme, gateway, spawn)
                gateway.changed = lambda changes: spawn(page.refresh(changes))
                await page.refresh(EVERYTHING)
                steps = page.first_run
                assert steps.isVisible() and done(page) == [False, False, False]
                steps.field.edit.setText(OPENAI)
                click(qtbot, steps.save)
                await until(lambda: done(page)[0])
                assert steps.provider_card.told.text() == "Ready: OpenAI"
                click(qtbot, steps.key_button)
                await until(lambda: done(page)[1])
                key = steps.key.text()
                assert key.startswith("tk_")
                body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
                async with (
                    aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session,
                    session.post(f"{steps.endpoint.text()}/chat/completions", json=body) as answer,
                ):
                    assert answer.status == 200, await answer.text()
                await until(lambda: done(page) == [True, True, True])
                row = (await gateway.requests(UsageQuery(), limit=1)).rows[0]
                assert (row.key, row.outcome) == ("first-steps", "ok")
                assert formats.money(row.cost_nano) in steps.request_card.told.text()
                assert "gpt-4.1-mini" in steps.request_card.told.text()
            finally:
                gateway.changed = lambda changes: None
                await asyncio.gather(*tasks)
                await gateway.close()

        try:
            loop.run_until_complete(drive())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            loop.close()
