"""The first steps' own request: made at the press of a button, told while it runs, given up, and why it failed."""

import asyncio
import time

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app.pages.connect import ConnectPage
from app.theme import Theme
from gateway import TEST_CLIENT, DoorTrial, ExchangeRecord
from tests.app.fake_gateway import FakeGateway
from tests.app.spawner import Spawner
from tests.app.test_first_run import EVERYTHING, KEY, Empty, click, done, look, make_page
from tests.app.turns import Turns


@pytest.fixture
def gateway() -> Empty:
    made = Empty()
    with_key(made)
    return made


def with_key(gateway: FakeGateway) -> None:
    first, *rest = gateway.provider_list
    gateway.provider_list = [msgspec.structs.replace(first, key_source="vault", state="connected"), *rest]


def row(outcome: str = "ok") -> ExchangeRecord:
    return ExchangeRecord(
        id="r-test",
        started_us=time.time_ns() // 1000,
        door="openai_chat",
        key_id="k9",
        key="first-steps",
        provider="openai",
        model="gpt-4.1-mini",
        status=200 if outcome == "ok" else 429,
        outcome=outcome,
        error_message=None if outcome == "ok" else "Too many.",
        client=TEST_CLIENT,
    )


def untold(qtbot: QtBot, theme: Theme, gateway: Empty, turns: Turns) -> ConnectPage:
    """First steps whose test failed without leaving a row."""
    page = make_page(qtbot, theme, gateway, turns)
    look(page, turns)
    page.open_first_steps()
    gateway.door_trial = DoorTrial(ok=False, message="Nothing answers at http://127.0.0.1:4210: turn the gateway on.")
    click(qtbot, page.first_run.test)
    turns.run()
    return page


def test_the_first_request_is_made_from_here(qtbot: QtBot, theme: Theme, gateway: Empty, turns: Turns) -> None:
    page = make_page(qtbot, theme, gateway, turns)
    look(page, turns)
    page.open_first_steps()
    steps = page.first_run
    click(qtbot, steps.key_button)
    turns.run()
    assert steps.key.text() == KEY
    gateway.rows = []
    click(qtbot, steps.test)
    gateway.put(row())
    turns.run()
    assert [call for call in gateway.calls if call.startswith("try_door")] == [
        "try_door openai_chat gpt-4.1-mini with a key"
    ]
    assert done(page) == [True, True, True] and not steps.test.isVisible() and steps.request_link.isVisible()


def test_it_waits_for_a_providers_key(qtbot: QtBot, theme: Theme, turns: Turns) -> None:
    page = make_page(qtbot, theme, Empty(), turns)
    look(page, turns)
    assert page.first_run.test.isVisible() and not page.first_run.test.isEnabled()


def test_why_it_failed_stands_there_by_its_row_or_without_one(
    qtbot: QtBot, theme: Theme, gateway: Empty, turns: Turns
) -> None:
    page = untold(qtbot, theme, gateway, turns)
    steps = page.first_run
    look(page, turns)
    assert steps.request_card.told.text() == gateway.door_trial.message
    gateway.door_trial = DoorTrial(ok=False, message="429: Too many.", request_id="r-test", status=429)
    click(qtbot, steps.test)
    gateway.put(row("error"))
    turns.run()
    assert steps.request_card.told.text() == "A request arrived, and failed: Too many."


def test_a_later_request_is_told_instead_of_a_test_that_left_none(
    qtbot: QtBot, theme: Theme, gateway: Empty, turns: Turns
) -> None:
    page = untold(qtbot, theme, gateway, turns)
    gateway.put(row("error"))
    look(page, turns)
    assert page.first_run.request_card.told.text() == "A request arrived, and failed: Too many."


def test_it_is_given_up(qtbot: QtBot, theme: Theme, gateway: Empty) -> None:
    async def go() -> None:
        spawn = Spawner()
        page = make_page(qtbot, theme, gateway, spawn)
        await page.refresh(EVERYTHING)
        page.open_first_steps()
        gateway.door_waits = asyncio.Event()
        steps = page.first_run
        steps.test.click()
        for _ in range(3):
            await asyncio.sleep(0)
        assert steps.test.text() == "Cancel" and steps.request_card.told.text() == "Asking gpt-4.1-mini …"
        await page.refresh(EVERYTHING)
        assert steps.request_card.told.text() == "Asking gpt-4.1-mini …", "news do not hide it"
        steps.test.click()
        for _ in range(3):
            await asyncio.sleep(0)
        assert steps.test.text() == "Send it from here" and steps.request_card.told.text() == ""
        spawn.check()

    asyncio.run(go())
