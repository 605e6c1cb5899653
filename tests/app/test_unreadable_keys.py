"""A provider's key that is stored and cannot be read (a locked keyring) is told as such, and not as missing."""

import asyncio

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.first_steps import FirstSteps, is_first_run
from app.launch import has_provider
from app.overview.checklist import Checklist
from app.pages import PAGES
from app.pages.connect import ConnectPage
from app.pages.providers import ProvidersPage
from app.pages.settings import SettingsPage
from app.pages.settings_parts.own_sections import VaultSection
from app.preferences import Preferences
from app.sidebar import Sidebar
from app.sidebar_figures import SidebarFigures
from app.theme import Theme
from gateway import Changes, VaultState
from tests.app.fake_gateway import FakeGateway
from tests.app.shown_page import show_page
from tests.app.turns import Turns

LOCKED = "The system keyring is locked: unlock it, or choose the sealed file (FAREGATE_VAULT=file)."
SAID = "The system keyring is locked: unlock it, or choose the sealed file."


@pytest.fixture
def gateway() -> FakeGateway:
    """Nobody has a key but OpenAI and xAI, and theirs are in a locked keyring."""
    made = FakeGateway(0)
    made.keys = []
    made.provider_list = [
        replace(
            row,
            key_source="none",
            masked=None,
            enabled=True,
            state="unconfigured",
            state_at_us=None,
            detail=LOCKED if row.name in ("openai", "xai") else None,
        )
        for row in made.provider_list
        if row.key_source != "unneeded"
    ]
    made.vault = VaultState(backend="keyring", available=False, message=LOCKED)
    return made


@pytest.fixture
def context(theme: Theme, gateway: FakeGateway, turns: Turns) -> AppContext:
    return AppContext(gateway, theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]


def test_a_folder_with_such_a_key_is_neither_new_nor_a_demo(gateway: FakeGateway) -> None:
    rows = tuple(gateway.provider_list)
    assert has_provider(rows) and not is_first_run(FirstSteps(providers=rows), Preferences(), demo=False)
    never = tuple(replace(row, detail=None) for row in rows)
    assert not has_provider(never) and is_first_run(FirstSteps(providers=never), Preferences(), demo=False)


def test_the_page_and_its_cards_say_so(qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns) -> None:
    page = ProvidersPage(context)
    show_page(page, qtbot)
    with qtbot.waitSignal(page.subtitle) as told:
        turns(page.refresh(Changes(providers=True)))
        turns.run()
    assert told.args == [f"0 of {len(gateway.provider_list)} with a key · 2 keys cannot be read"]
    card, other = page.cards["openai"], page.cards["anthropic"]
    assert (card.state.text(), card.detail.text()) == ("Key cannot be read", SAID)
    assert card.source.text() == "not readable"
    assert (other.state.text(), other.detail.isVisible()) == ("No key", False)


def test_the_sidebar_counts_what_can_be_read_of_what_is_stored(
    qtbot: QtBot, theme: Theme, context: AppContext, gateway: FakeGateway
) -> None:
    sidebar = Sidebar(theme, PAGES)
    qtbot.addWidget(sidebar)
    figures = SidebarFigures(sidebar, lambda _summary: None, lambda _reading: None)
    asyncio.run(figures.refresh(context, Changes(providers=True)))
    assert sidebar.buttons["providers"].count == "0 of 2"
    gateway.provider_list = [replace(row, key_source="vault", detail=None) for row in gateway.provider_list[:2]]
    asyncio.run(figures.refresh(context, Changes(providers=True)))
    assert sidebar.buttons["providers"].count == "2"


def test_the_first_steps_say_so(qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns) -> None:
    page = ConnectPage(context)
    page.steps_button.setParent(page)
    show_page(page, qtbot)
    turns(page.refresh(Changes(providers=True)))
    turns.run()
    page.open_first_steps()
    first = page.first_run
    assert first.provider_card.told.text() == f"OpenAI's key cannot be read: {SAID}"
    assert first.key_form.isVisible() and first.vault.isVisible() and not first.test.isEnabled()
    assert not first.provider_card.done


def test_the_overviews_steps_say_so(qtbot: QtBot, theme: Theme, gateway: FakeGateway) -> None:
    checklist = Checklist(theme)
    qtbot.addWidget(checklist)
    checklist.show_steps(FirstSteps(providers=tuple(gateway.provider_list)))
    label = checklist.labels["provider"]
    assert label.text() == "A provider's key, which cannot be read now" and checklist.done["provider"]
    assert label.accessibleName() == f"{label.text()}: to do"
    ready = tuple(replace(row, key_source="vault", detail=None) for row in gateway.provider_list)
    checklist.show_steps(FirstSteps(providers=ready))
    assert label.text() == "A provider's key" and checklist.done["provider"]
    assert label.accessibleName() == "A provider's key: done"


def test_what_is_set_outside_of_the_window_is_not_said_in_it(
    qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns
) -> None:
    settings = SettingsPage(context)
    show_page(settings, qtbot)
    settings.open_section("vault")
    turns.run()
    section = settings.views["vault"]
    assert isinstance(section, VaultSection) and section.line.problem.text() == SAID
    page = ProvidersPage(context)
    show_page(page, qtbot)
    turns(page.refresh(Changes(providers=True)))
    turns.run()
    page.vault_panel.open(gateway.vault)
    gateway.fails = LOCKED
    page.vault_panel.use_keyring.click()
    turns.run()
    assert page.vault_panel.problem.text() == SAID
    turns(page.key_panel._try(gateway.provider_list[0], "sk-proj-1", page.key_panel._visit))
    turns.run()
    assert page.key_panel.steps.message.text() == SAID
