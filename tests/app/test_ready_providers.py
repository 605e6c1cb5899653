"""Whether a provider can be asked: one word of it on every page. What is switched off cannot, whatever its key."""

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.first_steps import FirstSteps
from app.launch import example_model, has_provider
from app.model_picker import model_commands
from app.overview.checklist import Checklist
from app.pages.compare import ComparePage
from app.pages.connect import ConnectPage
from app.theme import Theme
from gateway import Changes, ModelRow, ProviderRow
from tests.app.fake_gateway import FakeGateway
from tests.app.shown_page import show_page
from tests.app.turns import Turns

ALL = Changes(providers=True, prices=True)
ROW = ProviderRow(name="p", title="P", dialect="openai_chat", base_url="http://p", key_source="vault")
LOCAL = replace(ROW, name="house", title="House", key_source="unneeded", own=True)


def switched_off(*names: str) -> Callable[[ProviderRow], ProviderRow]:
    return lambda row: replace(row, enabled=row.name not in names)


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(0)


@pytest.fixture
def context(theme: Theme, gateway: FakeGateway, turns: Turns) -> AppContext:
    return AppContext(gateway, theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "enabled", "ready"),
    [
        ("vault", True, True),
        ("environment", True, True),
        ("unneeded", True, True),
        ("none", True, False),
        ("vault", False, False),
        ("unneeded", False, False),
    ],
)
def test_it_is_ready_with_a_key_and_switched_on(source: str, enabled: bool, ready: bool) -> None:
    assert replace(ROW, key_source=source, enabled=enabled).ready is ready


def test_one_that_is_switched_off_is_neither_an_example_nor_first_in_a_list(gateway: FakeGateway) -> None:
    rows = list(map(switched_off("openai"), gateway.provider_list))
    models = [ModelRow(id="o", provider="openai", title=""), ModelRow(id="a", provider="anthropic", title="")]
    assert example_model(models, rows) == "a" and has_provider(rows[:1]), "it has a key all the same: no demo"
    listed = model_commands(models, {row.name: row for row in rows}, lambda _id: None)
    assert [command.text for command in listed] == ["a", "o"]
    assert listed[1].kind == "switched off · no price · OpenAI"


def test_compare_offers_those_that_can_be_asked(
    qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.provider_list = list(map(switched_off("anthropic"), gateway.provider_list))
    page = ComparePage(context)
    qtbot.addWidget(page)
    asyncio.run(page.refresh(ALL))
    assert page.question.models.models == ("gpt-5.1", "gemini-3-pro")


def test_compare_does_not_say_that_no_key_is_there_where_one_cannot_be_read(
    qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.provider_list = [
        replace(row, key_source="none", state="unconfigured", detail="It was sealed elsewhere.")
        for row in gateway.provider_list
    ]
    page = ComparePage(context)
    show_page(page, qtbot)
    asyncio.run(page.refresh(ALL))
    asyncio.run(page._estimate())
    assert not page.keyless.isVisible()


def test_the_first_steps_name_the_switch_and_not_a_key_that_is_there(
    qtbot: QtBot, theme: Theme, context: AppContext, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.provider_list = list(map(switched_off("openai", "anthropic", "google"), gateway.provider_list))
    page = ConnectPage(context)
    show_page(page, qtbot)
    turns(page.refresh(ALL))
    turns.run()
    page.open_first_steps()
    first = page.first_run
    assert first.provider_card.told.text() == "OpenAI is switched off: switch it on under Providers."
    assert not first.provider_card.done and not first.test.isEnabled()
    checklist = Checklist(theme)
    qtbot.addWidget(checklist)
    checklist.show_steps(FirstSteps(providers=tuple(gateway.provider_list)))
    assert checklist.labels["provider"].text() == "A provider's key"


def test_where_only_an_own_provider_is_ready_the_first_request_asks_its_model(
    qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asked OpenAI's, which has no key."""
    gateway.provider_list = [LOCAL, *(replace(row, key_source="none") for row in gateway.provider_list)]
    models = (
        ModelRow(id="gpt-5.1", provider="openai", title=""),
        ModelRow(id="qwen3:8b", provider="house", title=""),
    )
    monkeypatch.setattr(gateway, "models", lambda: models)
    page = ConnectPage(context)
    show_page(page, qtbot)
    turns(page.refresh(ALL))
    turns.run()
    page.open_first_steps()
    assert page.first_run.provider_card.told.text() == "Ready: House"
    assert '"qwen3:8b"' in page.first_run.command.view.toPlainText()
