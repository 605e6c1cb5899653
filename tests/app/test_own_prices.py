"""One's own prices: what is said of one that was saved is what it does, and each step can be taken back."""

from datetime import date

import pytest
import shiboken6
from msgspec import structs
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.local_days import day_start_us
from app.pages.models import ModelsPage
from app.pages.models_parts.details import ModelDetails
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.lines import ModelLine
from app.pages.models_parts.own_prices import kept_words
from app.theme import Theme
from gateway import Changes, FaregateError, NewPriceOverride, PriceOverride, Summary, UnitPrices
from gateway.prices.pricing import Pricing
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns

TZ = "Europe/Berlin"
MODEL = "gpt-4.1"
PLAIN = NewPriceOverride(provider="openai", model=MODEL, prices=UnitPrices(input="3"))
OCTOBER_US, NOVEMBER_US, DECEMBER_US = (day_start_us(date(2026, month, 1), TZ) for month in (10, 11, 12))
NOW_US = NOVEMBER_US + 1


@pytest.mark.parametrize(
    ("price", "prevails", "words"),
    [
        (PLAIN, True, "gpt-4.1 has your price from now on"),
        (structs.replace(PLAIN, model="*"), False, "Every model of OpenAI has your price from now on"),
        (
            structs.replace(PLAIN, valid_from_us=OCTOBER_US, valid_to_us=NOVEMBER_US),
            False,
            "gpt-4.1 has your price from 1 Oct 2026 until before 1 Nov 2026",
        ),
        (structs.replace(PLAIN, valid_from_us=DECEMBER_US), False, "gpt-4.1 has your price from 1 Dec 2026"),
        (PLAIN, False, "Your price of gpt-4.1 is kept, but another of yours, which began later, comes first"),
    ],
)
def test_when_a_saved_price_holds_is_told(price: NewPriceOverride, prevails: bool, words: str) -> None:
    assert kept_words(price, "OpenAI", TZ, NOW_US, prevails) == words


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, fake_gateway: FakeGateway, turns: Turns) -> ModelsPage:
    made = ModelsPage(AppContext(fake_gateway, theme, FilterState(tz=TZ), turns))  # type: ignore[arg-type]
    for control in made.header_controls():
        control.setParent(made)
    qtbot.addWidget(made)
    made.resize(1200, 800)
    made.show()
    turns(made.refresh(Changes(prices=True)))
    turns.run()
    return made


def test_esc_gives_the_keyboard_back_to_what_opened_the_drawer(page: ModelsPage, qtbot: QtBot) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    page.add_button.setFocus()
    qtbot.keyClick(page.add_button, Qt.Key.Key_Space)
    qtbot.waitUntil(page.drawer.isVisible)
    assert page.drawer.isAncestorOf(page.focusWidget())
    qtbot.keyClick(page.focusWidget(), Qt.Key.Key_Escape)
    assert not page.drawer.isVisible() and page.add_button.hasFocus()


def press(qtbot: QtBot, button: QWidget, turns: Turns) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    turns.run()


def undo(offered: QSignalSpy, turns: Turns) -> str:
    """Takes the last step back; what was said of it."""
    words, act = offered.at(offered.count() - 1)
    act()
    turns.run()
    return str(words)


def prices(gateway: FakeGateway) -> list[str | None]:
    return [price.prices.input for price in gateway.own_prices]


def test_each_step_is_told_and_taken_back(
    qtbot: QtBot, page: ModelsPage, fake_gateway: FakeGateway, turns: Turns
) -> None:
    offered, toasts = QSignalSpy(page.context.shell.undoable), QSignalSpy(page.toast)
    line = page.lines[0]

    def save(usd: str) -> None:
        editor = page.drawer.content()
        assert isinstance(editor, PriceEditor)
        editor.fields["input"].setText(usd)
        press(qtbot, editor.save, turns)
        assert not page.drawer.isVisible() and page.past.isVisible()

    page.open_editor(line)
    save("7")
    assert undo(offered, turns) == f"{line.model} has your price from now on" and prices(fake_gateway) == []
    page.open_editor(line)
    save("8")
    page.open_editor(price=fake_gateway.own_prices[0])
    save("9")
    assert prices(fake_gateway) == ["9"]
    undo(offered, turns)
    assert prices(fake_gateway) == ["8"]
    page.open_details(line)
    details = page.drawer.content()
    assert isinstance(details, ModelDetails)
    press(qtbot, next(iter(details.own.buttons.values()))[1], turns)
    assert prices(fake_gateway) == []
    assert undo(offered, turns) == f"Your price of {line.model} is removed" and prices(fake_gateway) == ["8"]
    assert [toasts.at(number)[0] for number in range(toasts.count())] == ["Your prices are as they were"] * 3


def kept(gateway: FakeGateway, usd: str) -> PriceOverride:
    return next(price for price in gateway.own_prices if price.prices.input == usd)


def test_a_price_that_is_restored_stands_where_it_stood_among_others(
    page: ModelsPage, fake_gateway: FakeGateway, turns: Turns
) -> None:
    """Made anew it would be the youngest, and come before the one that prevailed over it."""
    offered = QSignalSpy(page.context.shell.undoable)
    for usd in ("3", "4"):
        turns(fake_gateway.add_price(structs.replace(PLAIN, prices=UnitPrices(input=usd))))
    turns.run()
    turns(page.own.remove(kept(fake_gateway, "3")))
    turns.run()
    undo(offered, turns)
    assert [(price.id, price.prices.input) for price in fake_gateway.own_prices] == [(1, "3"), (2, "4")]


def test_steps_are_taken_back_one_after_the_other_and_none_that_was_changed_since(
    qtbot: QtBot, page: ModelsPage, fake_gateway: FakeGateway, turns: Turns
) -> None:
    offered, toasts = QSignalSpy(page.context.shell.undoable), QSignalSpy(page.toast)

    def save(usd: str, replaces: int | None) -> None:
        editor = PriceEditor(page.context.theme, {"openai": "OpenAI"}, TZ)
        qtbot.addWidget(editor)
        turns(page.own.save(editor, structs.replace(PLAIN, prices=UnitPrices(input=usd)), replaces))
        turns.run()

    save("3", None)
    save("4", fake_gateway.own_prices[0].id)
    added, changed = (offered.at(number)[1] for number in range(2))
    added()
    turns.run()
    assert prices(fake_gateway) == ["4"] and page.past.isVisible(), "the later change is not taken back with it"
    assert toasts.at(0)[0] == "Your price of gpt-4.1 was changed since then, and stays as it is now"
    changed()
    turns.run()
    assert prices(fake_gateway) == ["3"] and page.past.isHidden(), "nothing costs otherwise than before"
    added()
    turns.run()
    assert prices(fake_gateway) == []


def test_what_is_told_of_another_step_stays_where_one_is_taken_back(
    page: ModelsPage, fake_gateway: FakeGateway, turns: Turns
) -> None:
    offered = QSignalSpy(page.context.shell.undoable)
    for model in ("gpt-4.1", "gpt-5"):
        turns(fake_gateway.add_price(structs.replace(PLAIN, model=model)))
    turns.run()
    for price in fake_gateway.price_overrides():
        turns(page.own.remove(price))
    turns.run()
    first = offered.at(0)[1]
    first()
    turns.run()
    assert [price.model for price in fake_gateway.own_prices] == ["gpt-4.1"]
    assert page.past.isVisible() and page._repriced == ("openai", "gpt-5")


def test_what_is_typed_meanwhile_stays_where_a_step_is_taken_back(
    page: ModelsPage, fake_gateway: FakeGateway, turns: Turns
) -> None:
    offered = QSignalSpy(page.context.shell.undoable)
    turns(fake_gateway.add_price(PLAIN))
    turns.run()
    turns(page.own.remove(fake_gateway.own_prices[0]))
    turns.run()
    page.open_editor()
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    editor.fields["input"].setText("7")
    undo(offered, turns)
    assert page.drawer.content() is editor and page.drawer.isVisible() and prices(fake_gateway) == ["3"]


@pytest.mark.parametrize("start", ["9" * 5000, "0", "²", "1.5"])
def test_what_is_no_number_of_tokens_is_said_so(page: ModelsPage, start: str) -> None:
    page.open_editor(page.lines[0])
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    editor.tier_start.setText(start)
    assert editor.problem.text().endswith("is not a number of tokens.") and not editor.save.isEnabled()


def test_what_is_still_to_be_written_is_no_mistake_yet(page: ModelsPage, theme: Theme, qtbot: QtBot) -> None:
    page.add_button.click()
    qtbot.waitUntil(page.drawer.isVisible)
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)

    def colour() -> str:
        return editor.problem.palette().color(QPalette.ColorRole.WindowText).name().upper()

    assert editor.problem.text().startswith("Which model?") and not editor.save.isEnabled()
    assert colour() == theme.tokens.text2
    editor.fields["input"].setText("1")
    assert editor.problem.text().startswith("Which model?") and colour() == theme.tokens.bad


def test_a_star_within_a_name_is_refused(page: ModelsPage) -> None:
    page.open_editor(page.lines[0])
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    editor.fields["input"].setText("1")
    editor.model.setText("gpt-*")
    assert "only by itself" in editor.problem.text() and not editor.save.isEnabled()
    editor.model.setText("*")
    assert editor.save.isEnabled()


def test_a_dollar_sign_may_stand_before_a_price(page: ModelsPage) -> None:
    page.open_editor(page.lines[0])
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    editor.fields["input"].setText(" $2.50 ")
    assert editor.save.isEnabled() and editor.price().prices.input == "2.50"


def test_a_price_that_leaves_requests_without_a_cost_is_cautioned_and_kept(page: ModelsPage) -> None:
    page.open_editor()
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    editor.model.setText("gpt-4.1")
    editor.fields["input"].setText("1")
    assert editor.problem.text() == "Without a price for output, requests that use any will have no cost."
    assert editor.save.isEnabled()
    editor.fields["output"].setText("0")
    assert editor.problem.text() == ""


def test_requests_that_ones_own_price_leaves_without_a_cost_are_told() -> None:
    def line(prices: UnitPrices) -> ModelLine:
        pricing = Pricing()
        pricing.use_overrides([PriceOverride(provider="openai", model=MODEL, prices=prices, id=1, created_us=1)])
        price = pricing.price_row("", "openai", MODEL, NOW_US)
        return ModelLine(provider="openai", model=MODEL, price=price, usage=Summary(requests=9, unpriced_requests=4))

    assert line(UnitPrices(input="1")).unpriced == line(UnitPrices(output="1")).unpriced == 4
    assert line(UnitPrices(input="1", output="0")).unpriced == 0, "those are from before it was set"


def test_a_price_is_told_as_kept_where_its_effect_cannot_be_read(
    qtbot: QtBot, page: ModelsPage, fake_gateway: FakeGateway, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prices() -> None:
        monkeypatch.undo()
        assert not editor.isEnabled(), "it could be saved twice"
        raise FaregateError("Busy.")

    offered = QSignalSpy(page.context.shell.undoable)
    monkeypatch.setattr(fake_gateway, "prices", prices)
    editor = PriceEditor(page.context.theme, {"openai": "OpenAI"}, TZ)
    qtbot.addWidget(editor)
    turns(page.own.save(editor, PLAIN, None))
    turns.run()
    assert offered.count() == 1 and offered.at(0)[0] == "gpt-4.1 has your price from now on"


@pytest.mark.parametrize("refused", [False, True])
def test_what_became_of_a_price_is_told_where_its_editor_is_gone(
    page: ModelsPage, fake_gateway: FakeGateway, turns: Turns, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    add = fake_gateway.add_price

    async def add_price(price: NewPriceOverride) -> PriceOverride:
        shiboken6.delete(editor)
        if refused:
            raise FaregateError("Busy.")
        return await add(price)

    offered, toasts = QSignalSpy(page.context.shell.undoable), QSignalSpy(page.toast)
    monkeypatch.setattr(fake_gateway, "add_price", add_price)
    editor = PriceEditor(page.context.theme, {"openai": "OpenAI"}, TZ)
    turns(page.own.save(editor, PLAIN, None))
    turns.run()
    assert (offered.count(), toasts.count()) == ((0, 1) if refused else (1, 0))
