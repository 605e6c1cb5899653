"""The Providers page as a person uses it: what cards say, setting a key by hand, where keys are kept, removing one."""

import logging
import time

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QMessageBox, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.local_days import today
from app.pages.providers import ProvidersPage
from app.pages.providers_parts.card import LEAST_WIDTH, ProviderCard
from app.pages.providers_parts.steps import StepList
from app.pages.providers_parts.words import better_provider, source_words, state_words
from app.theme import Theme
from app.widgets.curtain import Curtain
from gateway import (
    Changes,
    ExchangeRecord,
    ExtraProvider,
    FaregateError,
    KeyTrial,
    ProviderRow,
    TrialStep,
    VaultState,
)
from gateway.keys.key_format import check_format
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.mouse import click
from tests.app.shown_page import show_page
from tests.app.turns import Turns

SECRET = "sk-canary-0123456789abcdefWXYZ"
PROVIDERS = Changes(providers=True)


def now_us() -> int:
    return time.time_ns() // 1000


class Gateway(FakeGateway):
    """Remembers which keys were tried and stored."""

    def __init__(self) -> None:
        super().__init__(0, now_us=now_us())
        self.tried: list[tuple[str, str]] = []
        self.stored: list[tuple[str, str]] = []
        self.store_fails = False

    async def try_provider_key(self, provider: str, key: str) -> KeyTrial:
        self.tried.append((provider, key))
        return await super().try_provider_key(provider, key)

    async def store_provider_key(self, provider: str, key: str) -> None:
        if self.store_fails:
            raise FaregateError("The keyring is locked: unlock it, then save again.")
        self.stored.append((provider, key))
        await super().store_provider_key(provider, key)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def context(theme: Theme, gateway: Gateway, turns: Turns) -> AppContext:
    return AppContext(gateway, theme, FilterState(tz="Europe/Berlin"), turns)  # type: ignore[arg-type]


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, turns: Turns) -> ProvidersPage:
    page = ProvidersPage(context)
    show_page(page, qtbot)
    refresh(page, turns)
    return page


def refresh(page: ProvidersPage, turns: Turns) -> None:
    turns(page.refresh(PROVIDERS))
    turns.run()


def type_key(page: ProvidersPage, qtbot: QtBot, key: str) -> None:
    qtbot.keyClicks(page.key_panel.field.edit, key)


def press(page: ProvidersPage, dialog: str, button: str, qtbot: QtBot) -> None:
    box = page.findChild(QMessageBox, dialog)
    found = next(one for one in box.findChildren(QAbstractButton) if one.text() == button)
    click(qtbot, found)


# cards


def test_buttons_of_the_same_words_are_told_apart(page: ProvidersPage, turns: Turns) -> None:
    subtitles = QSignalSpy(page.subtitle)
    refresh(page, turns)
    assert subtitles.at(0) == ["3 of 4 with a key"]
    card = page.cards["google"]
    named = [button.accessibleName() for button in (card.test, card.replace, card.remove)]
    assert named == ["Test: Google", "Replace key: Google", "Remove: Google"]
    assert page.cards["xai"].set_key.accessibleName() == "Set key: xAI"


def test_a_card_for_each_provider_says_its_state(page: ProvidersPage) -> None:
    said = {name: (card.title.text(), card.state.text(), card.masked.text()) for name, card in page.cards.items()}
    assert said == {
        "openai": ("OpenAI", "Connected 2 min ago", "sk-…a1b2"),
        "anthropic": ("Anthropic", "Connected 2 min ago", "sk-ant-…c3d4"),
        "google": ("Google", "Rejected 2 min ago", "AIza…e5f6"),
        "xai": ("xAI", "No key", "—"),
    }
    assert page.cards["google"].detail.text() == "The provider rejected the key (401)."


def test_how_long_ago_a_provider_answered_is_told_anew_as_time_passes(
    page: ProvidersPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_us = page._rows[0].state_at_us
    assert at_us is not None
    for minutes, shown in ((5, page.as_time_passes), (7, page.on_shown)):
        monkeypatch.setattr("app.pages.providers._now_us", lambda now=at_us + minutes * 60_000_000: now)
        shown()
        assert page.cards["openai"].state.text() == f"Connected {minutes} min ago"


@pytest.mark.parametrize(("width", "columns"), [(1220, 2), (1500, 4), (1000, 2), (500, 1)])
def test_cards_stand_in_full_rows(page: ProvidersPage, qtbot: QtBot, width: int, columns: int) -> None:
    page.resize(width, 700)
    qtbot.waitUntil(lambda: len({card.x() for card in page.cards.values()}) == columns)
    assert len({card.y() for card in page.cards.values()}) == len(page.cards) // columns


def test_cards_go_into_one_column_when_the_room_goes(page: ProvidersPage, qtbot: QtBot) -> None:
    page.resize(900, 700)
    qtbot.waitUntil(lambda: len({card.x() for card in page.cards.values()}) == 2)
    page.resize(520, 700)
    qtbot.waitUntil(lambda: len({card.x() for card in page.cards.values()}) == 1)
    bars = [area.horizontalScrollBar() for area in page.findChildren(QScrollArea)]
    assert bars and not any(bar.isVisible() for bar in bars), "nothing is cut"


def test_today_counts_from_the_local_midnight(page: ProvidersPage, gateway: Gateway, turns: Turns) -> None:
    midnight = today(now_us(), "Europe/Berlin").start_us or 0
    row = ExchangeRecord(
        id="a", started_us=midnight, door="chat", key_id="k", key="k", provider="openai", cost_nano=1_250_000_000
    )
    gateway.rows = [
        msgspec.structs.replace(row, id="b", started_us=midnight + 1),
        row,
        msgspec.structs.replace(row, id="c", started_us=midnight - 1),
    ]
    refresh(page, turns)
    card = page.cards["openai"]
    assert (card.cost.text(), card.requests.text()) == ("$2.50", "2 requests, 100.0% failed")
    assert page.cards["xai"].requests.text() == "0 requests"


ROW = ProviderRow(name="p", title="P", dialect="openai_chat", base_url="http://p", key_source="vault")


@pytest.mark.parametrize(
    ("state", "source", "text", "tone"),
    [
        ("connected", "vault", "Connected 2 min ago", "ok"),
        ("limited", "vault", "Limited 2 min ago", "warn"),
        ("untested", "vault", "Key not tested", "warn"),
        ("rejected", "vault", "Rejected 2 min ago", "bad"),
        ("unreachable", "vault", "Unreachable 2 min ago", "bad"),
        ("unconfigured", "none", "No key", "text3"),
        ("unconfigured", "unneeded", "No key needed", "text2"),
        ("untested", "unneeded", "No key needed", "text2"),
    ],
)
def test_every_state_has_a_word_and_a_shape(state: str, source: str, text: str, tone: str) -> None:
    row = msgspec.structs.replace(ROW, state=state, key_source=source, state_at_us=1_000_000)
    words = state_words(row, 121_000_000)
    assert (words.text, words.tone) == (text, tone)
    assert words.icon


@pytest.mark.parametrize(
    ("days", "text"), [(0, "Connected just now"), (2, "Connected 21 Nov"), (400, "Connected 19 Oct 2025")]
)
def test_what_was_learnt_before_the_last_start_is_told_with_its_day(days: int, text: str) -> None:
    """With the time too it had no room in a narrow card."""
    now = 1_795_449_600_000_000
    row = msgspec.structs.replace(ROW, state="connected", state_at_us=now - days * 86_400_000_000)
    assert state_words(row, now).text == text


@pytest.mark.parametrize(
    ("source", "backend", "words"),
    [
        ("vault", "keyring", "in the keyring"),
        ("vault", "file", "in the sealed file"),
        ("vault", "memory", "kept until quit"),
        ("memory", "keyring", "kept until quit"),
        ("environment", "keyring", "environment"),
        ("none", "keyring", "Not set"),
    ],
)
def test_where_a_key_is_kept(source: str, backend: str, words: str) -> None:
    assert source_words(msgspec.structs.replace(ROW, key_source=source), backend) == words


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("none", {"set_key"}),
        ("vault", {"replace", "test", "remove"}),
        ("environment", {"replace", "test"}),
        ("unneeded", {"test"}),
    ],
)
def test_a_card_offers_what_can_be_done(
    page: ProvidersPage, gateway: Gateway, turns: Turns, source: str, shown: set[str]
) -> None:
    gateway.provider_list = [msgspec.structs.replace(ROW, name="openai", title="OpenAI", key_source=source)]
    refresh(page, turns)
    assert list(page.cards) == ["openai"]
    card = page.cards["openai"]
    assert {name for name in ("test", "set_key", "replace", "remove") if getattr(card, name).isVisible()} == shown
    assert card.replace.isEnabled() == (source in ("none", "vault")), "the environment's key comes first"


def test_a_demos_key_gives_way_to_a_real_one(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    gateway.demo = True
    gateway.provider_list = [msgspec.structs.replace(ROW, name="openai", title="OpenAI", key_source="environment")]
    refresh(page, turns)
    card = page.cards["openai"]
    assert card.source.text() == "simulated"
    assert card.replace.text() == "Set your own key"
    click(qtbot, card.replace)
    qtbot.waitUntil(page.drawer.isVisible)
    assert page.key_panel.isVisible()


def test_a_provider_is_tested_at_a_click(page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns) -> None:
    click(qtbot, page.cards["google"].test)
    with qtbot.waitSignal(page.toast) as toast:
        turns.run()
    assert toast.args == ["The provider took the key."]
    assert gateway.tried == [("google", "")]


# setting a key


def test_a_key_is_typed_tried_and_only_then_stored(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    click(qtbot, page.cards["xai"].set_key)
    qtbot.waitUntil(page.drawer.isVisible)
    assert page.drawer.isVisible()
    assert page.drawer.title_label.text() == "Key for xAI"
    edit = page.key_panel.field.edit
    assert edit.hasFocus() and edit.text() == ""
    assert edit.echoMode() == QLineEdit.EchoMode.Password
    assert not page.key_panel.save.isEnabled()
    type_key(page, qtbot, SECRET)
    assert page.key_panel.hint.text() == "The key stays on this machine."
    click(qtbot, page.key_panel.save)
    assert gateway.tried == [] and not page.key_panel.save.isEnabled()
    turns.run()
    assert gateway.tried == gateway.stored == [("xai", SECRET)]
    assert edit.text() == ""
    steps = [label.text() for label in page.key_panel.steps.findChildren(QLabel) if label.text()]
    assert steps == ["The provider took the key.", "Connect: 127.0.0.1", "24 ms", "Authorise", "61 ms"]
    assert page.cards["xai"].state.text().startswith("Connected")
    assert page.key_panel.cancel.text() == "Done"


def test_a_key_that_the_provider_rejects_is_not_stored(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    gateway.trial_ok = False
    page.open_key_panel("xai")
    type_key(page, qtbot, SECRET)
    qtbot.keyClick(page.key_panel.field.edit, Qt.Key.Key_Return)
    turns.run()
    assert gateway.stored == []
    assert page.key_panel.steps.message.text() == "The provider rejected the key: paste it again."
    assert page.key_panel.save.isEnabled(), "it can be mended and tried again"
    assert page.cards["xai"].state.text() == "No key"


def test_a_vault_that_fails_says_so(page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns) -> None:
    gateway.store_fails = True
    page.open_key_panel("xai")
    type_key(page, qtbot, SECRET)
    page.key_panel.save.click()
    turns.run()
    assert page.key_panel.steps.message.text() == "The keyring is locked: unlock it, then save again."
    assert page.key_panel.save.isEnabled()


def test_leaving_while_it_is_tried_stores_nothing(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    page.open_key_panel("xai")
    type_key(page, qtbot, SECRET)
    page.key_panel.save.click()
    qtbot.keyClick(page.drawer, Qt.Key.Key_Escape)
    turns.run()
    assert gateway.stored == []
    assert page.key_panel.field.edit.text() == ""


def test_a_pasted_key_is_trimmed_and_shown_only_by_the_eye(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    page.open_key_panel("xai")
    field = page.key_panel.field
    QGuiApplication.clipboard().setText(f"  {SECRET}\n")
    click(qtbot, field.paste)
    assert field.edit.displayText() == "●" * len(SECRET)
    click(qtbot, field.eye)
    assert field.edit.displayText() == SECRET
    click(qtbot, field.eye)
    assert field.edit.echoMode() == QLineEdit.EchoMode.Password
    with qtbot.waitSignal(page.context.shell.offered) as offered:
        page.key_panel.save.click()
        turns.run()
    assert gateway.stored == [("xai", SECRET)]
    words, button, act = offered.args
    assert (words, button) == ("The key for xAI works and is stored", "Clear the clipboard")
    QGuiApplication.clipboard().setText("copied since")
    act()
    assert QGuiApplication.clipboard().text() == "copied since"
    QGuiApplication.clipboard().setText(SECRET)
    act()
    assert QGuiApplication.clipboard().text() == ""


def test_a_clipboard_without_the_key_is_let_be(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    QGuiApplication.clipboard().setText("something else")
    page.open_key_panel("xai")
    type_key(page, qtbot, SECRET)
    with qtbot.assertNotEmitted(page.context.shell.offered), qtbot.waitSignal(page.toast) as toast:
        page.key_panel.save.click()
        turns.run()
    assert toast.args == ["The key for xAI works and is stored"]


def test_another_providers_key_is_told_and_switched(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    page.open_key_panel("openai")
    panel = page.key_panel
    type_key(page, qtbot, "sk-ant-0123456789")
    assert "Anthropic" in panel.hint.text()
    assert panel.switch.text() == "Switch to Anthropic"
    click(qtbot, panel.switch)
    assert page.drawer.title_label.text() == "Key for Anthropic"
    assert not panel.switch.isVisible()
    panel.save.click()
    turns.run()
    assert gateway.stored == [("anthropic", "sk-ant-0123456789")]


def test_only_a_provider_that_the_warning_names_is_offered() -> None:
    rows = [msgspec.structs.replace(ROW, name=name, title=name.title()) for name in ("one", "two", "three")]
    assert better_provider("Looks like a Two key.", "k", "one", rows, lambda name, key: None) == rows[1]
    assert better_provider("Looks like a Two key.", "k", "one", rows, lambda name, key: "no") is None
    assert better_provider("It has a space.", "k", "one", rows, lambda name, key: None) is None


def test_the_key_is_in_no_words_anywhere(
    page: ProvidersPage, qtbot: QtBot, turns: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page.open_key_panel("xai")
    type_key(page, qtbot, SECRET)
    words = []
    for widget in page.findChildren(QWidget):
        words += [widget.accessibleName(), widget.accessibleDescription(), widget.toolTip(), widget.objectName()]
        if isinstance(widget, QLabel):
            words.append(widget.text())
    page.key_panel.save.click()
    turns.run()
    assert [word for word in words if SECRET in word] == []
    assert SECRET not in caplog.text
    assert [edit for edit in page.findChildren(QLineEdit) if SECRET in edit.text() or edit.isUndoAvailable()] == []


def test_opening_again_starts_empty(page: ProvidersPage, qtbot: QtBot) -> None:
    page.open_key_panel("xai")
    type_key(page, qtbot, SECRET)
    page.open_key_panel("openai")
    assert page.key_panel.field.edit.text() == ""
    assert page.key_panel.cancel.text() == "Cancel"


# where keys are kept


@pytest.fixture
def no_keyring(page: ProvidersPage, gateway: Gateway, turns: Turns) -> ProvidersPage:
    words = "The system has no keyring: choose the sealed file, or keep keys until you quit."
    gateway.vault = VaultState(backend="keyring", available=False, message=words)
    refresh(page, turns)
    return page


def test_without_a_keyring_one_chooses_the_sealed_file_knowingly(
    no_keyring: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    page, panel = no_keyring, no_keyring.vault_panel
    assert page.vault_banner.isVisible()
    click(qtbot, page.cards["xai"].set_key)
    qtbot.waitUntil(page.drawer.isVisible)
    assert panel.isVisible() and not page.key_panel.isVisible()
    assert panel.reason.text() == gateway.vault.message
    for first, second, problem, ready in (
        ("short", "", "Use at least 8 characters.", False),
        ("long enough", "", "", False),
        ("long enough", "other", "The two passphrases differ.", False),
        ("long enough", "long enough", "", True),
    ):
        panel.first.edit.setText(first)
        panel.second.edit.setText(second)
        assert (panel.problem.text(), panel.use_file.isEnabled()) == (problem, ready)
    click(qtbot, panel.use_file)
    turns.run()
    assert "choose_vault file" in gateway.calls
    assert panel.first.edit.text() == panel.second.edit.text() == ""
    assert page.key_panel.isVisible(), "and on with the key that was wanted"
    assert page.drawer.title_label.text() == "Key for xAI"
    assert not page.vault_banner.isVisible()


def test_a_key_is_asked_for_only_where_the_page_is_still_on_show(
    no_keyring: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    """Its field took the keyboard from the page that was opened meanwhile."""
    page, panel = no_keyring, no_keyring.vault_panel
    click(qtbot, page.cards["xai"].set_key)
    qtbot.waitUntil(panel.isVisible)
    for field in (panel.first, panel.second):
        field.edit.setText("long enough")
    click(qtbot, panel.use_file)
    page.hide()
    turns.run()
    assert "choose_vault file" in gateway.calls
    page.show()
    assert not page.drawer.isVisible() and not page.vault_banner.isVisible()


def test_without_a_keyring_keys_can_be_kept_until_quit(
    no_keyring: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    no_keyring.vault_banner.action.emit()
    qtbot.waitUntil(no_keyring.drawer.isVisible)
    click(qtbot, no_keyring.vault_panel.use_memory)
    turns.run()
    assert "choose_vault memory" in gateway.calls
    assert not no_keyring.drawer.isVisible()
    assert no_keyring.cards["openai"].source.text() == "kept until quit"


def test_a_sealed_file_is_opened_with_its_passphrase(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    gateway.vault = VaultState(
        backend="file", available=False, message="The sealed file is closed: enter its passphrase."
    )
    refresh(page, turns)
    page.vault_banner.action.emit()
    qtbot.waitUntil(page.drawer.isVisible)
    panel = page.vault_panel
    assert not panel.second.isVisible()
    assert panel.use_file.text() == "Open"
    qtbot.keyClicks(panel.first.edit, "pass")
    qtbot.keyClick(panel.first.edit, Qt.Key.Key_Return)
    turns.run()
    assert "choose_vault file" in gateway.calls


def test_a_choice_that_fails_is_told(no_keyring: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns) -> None:
    no_keyring.vault_banner.action.emit()
    qtbot.waitUntil(no_keyring.drawer.isVisible)
    gateway.fails = "The passphrase is wrong: enter it again."
    click(qtbot, no_keyring.vault_panel.use_memory)
    turns.run()
    assert no_keyring.vault_panel.problem.text() == gateway.fails
    assert no_keyring.vault_panel.isEnabled() and no_keyring.drawer.isVisible()


# removing


def test_removing_asks_first(page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns) -> None:
    click(qtbot, page.cards["openai"].remove)
    press(page, "confirm_remove", "Keep it", qtbot)
    turns.run()
    assert "remove_provider_key" not in gateway.calls
    qtbot.waitUntil(lambda: page.findChild(QMessageBox, "confirm_remove") is None)
    click(qtbot, page.cards["openai"].remove)
    press(page, "confirm_remove", "Remove", qtbot)
    turns.run()
    assert "remove_provider_key" in gateway.calls
    assert page.cards["openai"].state.text() == "No key"


# states


def test_an_error_is_told_and_can_be_retried(page: ProvidersPage, gateway: Gateway, turns: Turns) -> None:
    gateway.fails = "The database is locked; close what holds it."
    refresh(page, turns)
    assert page.error_banner.isVisible() and page.error_banner.text() == gateway.fails
    gateway.fails = None
    page.error_banner.action.emit()
    turns.run()
    assert not page.error_banner.isVisible()


def test_everything_has_a_name(no_keyring: ProvidersPage, qtbot: QtBot) -> None:
    no_keyring.vault_banner.action.emit()
    qtbot.waitUntil(no_keyring.drawer.isVisible)
    assert unnamed(no_keyring) == []
    no_keyring._vault = VaultState(backend="file", available=True)
    no_keyring.open_key_panel("xai")
    assert unnamed(no_keyring) == []


def test_both_themes(page: ProvidersPage, theme: Theme, qtbot: QtBot) -> None:
    page.open_key_panel("xai")
    # Only then is the drawer painted.
    qtbot.waitUntil(page.drawer.findChild(Curtain).isHidden)  # type: ignore[union-attr]
    light = page.grab().toImage()
    theme.set_mode("dark")
    dark = page.grab().toImage()
    theme.set_mode("light")
    for x in (100, 1000):
        assert light.pixelColor(x, 600).lightness() > 200 > 60 > dark.pixelColor(x, 600).lightness()


def test_prices_are_fetched_when_the_button_is_pressed(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    said: list[str] = []
    page.toast.connect(said.append)
    assert page.price_line.words.text() == "Prices of 2,330 models: genai-prices 0.2.3, bundled with Faregate."
    assert "update_prices" not in gateway.calls
    click(qtbot, page.price_line.button)
    turns.run()
    assert gateway.calls.count("update_prices") == 1
    assert page.price_line.words.text() == "Prices of 2,400 models: fetched on 23 Nov 2026."
    gateway.fails = "The prices could not be fetched (no connection): try again later; those in use stay."
    click(qtbot, page.price_line.button)
    turns.run()
    assert said == ["The prices of 2,400 models were fetched", gateway.fails]
    assert page.price_line.button.isEnabled() and page.price_line.button.text() == "Update prices"
    assert page.price_line.words.text() == "Prices of 2,400 models: fetched on 23 Nov 2026."


# switching off, and providers of one's own


def test_a_provider_is_switched_off_and_on(page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns) -> None:
    card = page.cards["openai"]
    assert card.switch.isChecked() and card.switch.accessibleName() == "Requests to OpenAI"
    assert card.models.text() == str(gateway.provider_list[0].models) != "0"
    with qtbot.waitSignal(page.toast) as toast:
        click(qtbot, card.switch)
        turns.run()
    assert toast.args == ["Requests to OpenAI are refused from now on"]
    assert (card.state.text(), card.switch.isChecked()) == ("Switched off", False)
    click(qtbot, card.switch)
    turns.run()
    assert card.state.text().startswith("Connected") and card.switch.isChecked()
    assert gateway.calls.count("switch_provider") == 2


def test_a_card_that_says_the_same_is_left_as_it_is(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, told = page.cards["openai"], []
    tell = card._tell
    monkeypatch.setattr(card, "_tell", lambda *row: (told.append(row[0].state), tell(*row)))
    page.on_shown()
    assert told == []
    card.show_testing()
    page.on_shown()
    assert told == ["connected"] and card.state.text() == "Connected 2 min ago"
    # A switch that the gateway refused.
    card.switch.setChecked(False)
    page.on_shown()
    assert card.switch.isChecked() and len(told) == 1


def test_what_failed_today_stands_on_the_card(page: ProvidersPage, gateway: Gateway, turns: Turns) -> None:
    row = ExchangeRecord(id="a", started_us=now_us(), door="chat", key_id="k", key="k", provider="xai", outcome="ok")
    failed = msgspec.structs.replace(row, id="b", outcome="error")
    gateway.rows = [failed, *(msgspec.structs.replace(row, id=f"c{number}") for number in range(3))]
    refresh(page, turns)
    assert page.cards["xai"].requests.text() == "4 requests, 25.0% failed"
    assert page.cards["openai"].requests.text() == "0 requests"


def test_a_provider_of_ones_own_is_added_from_a_known_start(
    page: ProvidersPage, context: AppContext, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    panel = page.own_panel
    click(qtbot, page.add_button)
    qtbot.waitUntil(page.drawer.isVisible)
    assert panel.isVisible() and panel.start.hasFocus() and not panel.save.isEnabled()
    assert page.drawer.title_label.text() == "Add a provider"
    qtbot.keyClicks(panel.start, "Ollama")
    assert (panel.name.text(), panel.base_url.text()) == ("ollama", "http://127.0.0.1:11434/v1")
    assert panel.auth.currentText() == "No key"
    qtbot.keyClicks(panel.models, "qwen3:8b, gpt-oss:20b, qwen3:8b,")
    with qtbot.waitSignal(context.shell.restart_asked):
        click(qtbot, panel.save)
        turns.run()
    own = gateway.own_tables["ollama"]
    assert (own.dialect, own.auth, own.models) == ("openai_chat", "none", ("qwen3:8b", "gpt-oss:20b"))
    assert own.embeddings is None
    assert not page.drawer.isVisible()


def test_a_name_that_is_taken_and_a_refused_address_are_said(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    panel = page.own_panel
    click(qtbot, page.add_button)
    qtbot.waitUntil(page.drawer.isVisible)
    qtbot.keyClicks(panel.name, "xai")
    qtbot.keyClicks(panel.base_url, "127.0.0.1:1234")
    click(qtbot, panel.save)
    turns.run()
    assert panel.problem.text() == "There is a provider of that name: choose another name."
    assert panel.isEnabled() and "save_own_provider" not in gateway.calls
    qtbot.keyClicks(panel.name, "-here")
    assert not panel.problem.isVisible()
    click(qtbot, panel.save)
    turns.run()
    assert panel.problem.text() == "The base URL must begin with http:// or https://."
    assert gateway.own_tables == {}


def test_a_provider_of_ones_own_is_changed_and_removed(
    page: ProvidersPage, context: AppContext, gateway: Gateway, qtbot: QtBot, turns: Turns
) -> None:
    """What the form does not show stays: prices and efforts, and that any of its models may embed."""
    gateway.own_tables["lm"] = ExtraProvider(
        name="lm", dialect="gemini", base_url="http://h", auth="x-api-key", efforts=("low",), embeddings=()
    )
    gateway.provider_list.append(msgspec.structs.replace(ROW, name="lm", title="lm", own=True))
    refresh(page, turns)
    assert not page.cards["openai"].edit.isVisible()
    click(qtbot, page.cards["lm"].edit)
    qtbot.waitUntil(page.drawer.isVisible)
    panel = page.own_panel
    assert panel.name.isReadOnly() and not panel.start.isVisible()
    assert (panel.dialect.currentText(), panel.auth.currentText()) == ("Gemini", "Key as x-api-key")
    panel.base_url.selectAll()
    qtbot.keyClicks(panel.base_url, "http://other")
    click(qtbot, panel.save)
    turns.run()
    changed = gateway.own_tables["lm"]
    assert (changed.base_url, changed.efforts, changed.embeddings) == ("http://other", ("low",), ())
    click(qtbot, page.cards["lm"].edit)
    qtbot.waitUntil(page.drawer.isVisible)
    click(qtbot, panel.remove)
    with qtbot.waitSignal(context.shell.restart_asked):
        press(page, "confirm_remove_own", "Remove", qtbot)
        turns.run()
    assert gateway.own_tables == {}


def test_the_demo_has_no_providers_of_ones_own(
    qtbot: QtBot, context: AppContext, gateway: Gateway, turns: Turns
) -> None:
    gateway.demo = True
    page = ProvidersPage(context)
    qtbot.addWidget(page)
    assert not page.add_button.isEnabled()
    assert "leave it" in page.add_button.toolTip()


def test_the_keyboard_stays_at_the_key_while_it_is_tried(page: ProvidersPage, qtbot: QtBot, turns: Turns) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    page.open_key_panel("openai")
    edit = page.key_panel.field.edit
    qtbot.keyClicks(edit, SECRET)
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert not edit.isEnabled()
    turns.run()
    assert edit.isEnabled() and edit.hasFocus()
    qtbot.keyClick(edit, Qt.Key.Key_Escape)
    assert not page.drawer.isVisible()


def test_a_key_of_no_known_form_is_not_said_to_look_like_one(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "check_key_format", check_format)
    click(qtbot, page.cards["xai"].set_key)
    qtbot.waitUntil(page.drawer.isVisible)
    for key, words in (
        ("xai-0123456789abcdef", "Looks like a key for xAI."),
        ("0123456789abcdef", "The key stays on this machine."),
        ("AIza0123456789abcdef", "This looks like a Google key, not an xAI one."),
    ):
        type_key(page, qtbot, key)
        assert page.key_panel.hint.text() == words
        page.key_panel.field.edit.clear()


def test_a_step_that_took_no_time_of_its_own_says_none(qtbot: QtBot, theme: Theme) -> None:
    steps = StepList(theme)
    qtbot.addWidget(steps)
    took = (TrialStep(title="Check", ok=True, ms=4.0), TrialStep(title="List models", ok=True, ms=0.0))
    steps.show_trial(KeyTrial(ok=True, message="Fine.", steps=took))
    assert [label.text() for label in steps.findChildren(QLabel) if label.text()] == [
        "Fine.",
        "Check",
        "4 ms",
        "List models",
    ]


@pytest.mark.parametrize("source", ["vault", "unneeded", "environment", "none"])
@pytest.mark.parametrize("backend", ["keyring", "memory", "file"])
def test_where_a_key_is_kept_is_read_whole_on_the_narrowest_card(
    qtbot: QtBot, theme: Theme, source: str, backend: str
) -> None:
    card = ProviderCard(theme, "openai")
    qtbot.addWidget(card)
    row = msgspec.structs.replace(ROW, key_source=source)
    card.show_row(row, None, backend, 2_000_000)
    card.resize(LEAST_WIDTH, 200)
    card.show()
    words = source_words(row, backend)
    assert card.source.fontMetrics().horizontalAdvance(words) <= card.source.width(), words


def test_a_key_for_ones_own_provider_is_not_said_to_look_like_one(
    page: ProvidersPage, gateway: Gateway, qtbot: QtBot, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "check_key_format", check_format)
    gateway.provider_list.append(msgspec.structs.replace(ROW, name="lm", title="My server", own=True))
    refresh(page, turns)
    page.open_key_panel("lm")
    type_key(page, qtbot, "sk-ant-0123456789abcdef")
    assert page.key_panel.hint.text() == "The key stays on this machine."
