"""Prices as files: what is written is read back the same, and a table that holds none is refused by its line."""

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.local_days import day_start_us
from app.pages.models import ModelsPage
from app.pages.models_parts.price_file import PriceFileError, read, written
from app.theme import Theme
from gateway import Changes, FaregateError, NewPriceOverride, PriceOverride, UnitPrices
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns

TZ = "Europe/Berlin"
PROVIDERS = {"openai": "OpenAI", "google": "Google Gemini"}
DAY_US = 86_400_000_000
# 1 November 2026, 00:00 in Berlin.
NOVEMBER_US = 1_793_487_600_000_000
TIERED = NewPriceOverride(
    provider="google",
    model="gemini-3-pro",
    prices=UnitPrices(input="2", output="12.5", cached="0.2"),
    valid_from_us=NOVEMBER_US,
    valid_to_us=NOVEMBER_US + 30 * DAY_US,
    tier_start=200_000,
    tier_prices=UnitPrices(input="4", output="18", cached="0.4"),
    note='=SUM(A1), "agreed"',
)
PLAIN = NewPriceOverride(provider="openai", model="*", prices=UnitPrices(input="0.000000001", request="0.01"))


def test_what_is_written_is_read_back_the_same() -> None:
    text = written((TIERED, PLAIN), TZ)
    assert read(text, PROVIDERS, TZ) == (TIERED, PLAIN)
    assert "'=SUM" in text, "a spreadsheet runs nothing of it"
    # As a spreadsheet saves it: another separator, a byte order mark, other line ends, and lines that are empty.
    again = "\ufeff" + text.replace(",", ";").replace('"=SUM(A1); ""agreed"""', "x").replace("\n", "\r\n") + ";;;\r\n"
    assert [price.model for price in read(again, PROVIDERS, TZ)] == ["gemini-3-pro", "*"]


@pytest.mark.parametrize(("tz", "day"), [("Africa/Cairo", date(2026, 4, 24)), ("America/Havana", date(2026, 11, 1))])
def test_a_day_without_a_midnight_or_with_two_is_read_back_the_same(tz: str, day: date) -> None:
    price = structs.replace(PLAIN, valid_from_us=day_start_us(day, tz))
    text = written((price,), tz)
    assert day.isoformat() in text and read(text, PROVIDERS, tz) == (price,)


def test_columns_may_be_few_in_any_order_and_providers_called_as_people_call_them() -> None:
    (price,) = read("Model,Output,INPUT,Provider\ngemini-x, $3.50 ,1,google gemini\n", PROVIDERS, TZ)
    assert price == NewPriceOverride(provider="google", model="gemini-x", prices=UnitPrices(input="1", output="3.50"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column provider and model"),
        ("model,input\nx,1\n", "no column provider"),
        ("provider,model,input\n", "The file has no prices"),
        ("provider,model,colour\nopenai,x,red\n", "unknown columns colour; known are provider, model, input"),
        (
            "provider,model,input\nopenai,x,1\nhouse,x,1\n",
            "Line 3: there is no provider “house”; there are google, op",
        ),
        ("provider,model,input\nopenai,x,cheap\n", r"Line 2: “cheap” is not a price in dollars \(input\)"),
        ("provider,model,input\nopenai,x,-1\n", "Line 2: “-1” is not a price"),
        ("provider,model,input,valid_from\nopenai,x,1,1.11.2026\n", "Line 2: “1.11.2026” is not a day"),
        ("provider,model,input,tier_start\nopenai,x,1,many\n", "Line 2: “many” is not a number of tokens"),
        (f"provider,model,input,tier_start\nopenai,x,1,{'9' * 5000}\n", "is not a number of tokens"),
        ('provider,model,input\nopenai,"x,1\n', "Line 2: "),
    ],
)
def test_a_table_that_holds_no_prices_is_refused_by_its_line(text: str, problem: str) -> None:
    with pytest.raises(PriceFileError, match=problem):
        read(text, PROVIDERS, TZ)


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


def chosen(page: ModelsPage, turns: Turns, text: str, tmp_path: Path) -> None:
    """The menu's first entry, and a file."""
    path = tmp_path / "prices.csv"
    path.write_text(text, "utf-8")
    menu = page.files.menu(page.start_export)
    menu.actions()[0].trigger()
    dialog = page.findChildren(QFileDialog, "models_import_file")[-1]
    dialog.fileSelected.emit(str(path))
    dialog.close()
    turns.run()


def test_an_import_holds_at_once_and_can_be_taken_back(
    page: ModelsPage, fake_gateway: FakeGateway, qtbot: QtBot, turns: Turns, tmp_path: Path
) -> None:
    text = "provider,model,input,output\nopenai,gpt-5.1,7,70\nOpenAI,house-model,1,2\n"
    chosen(page, turns, text, tmp_path)
    assert [(price.model, price.prices.input) for price in fake_gateway.price_overrides()] == [
        ("gpt-5.1", "7"),
        ("house-model", "1"),
    ]
    assert page.imported.isVisible() and page.imported.text() == "2 prices were imported from prices.csv."
    assert page.past.isVisible(), "what was before can be priced anew"
    line = next(line for line in page.lines if line.model == "gpt-5.1")
    assert (line.source, line.nano("input")) == ("override", 7_000_000_000)
    chosen(page, turns, text, tmp_path)
    assert page.imported.text() == "prices.csv has only prices that you have already."
    assert page.imported.button is not None and not page.imported.button.isVisible()
    assert len(fake_gateway.price_overrides()) == 2
    chosen(page, turns, "provider,model,input\nopenai,third,3\n", tmp_path)
    with qtbot.waitSignal(page.toast) as toast:
        qtbot.mouseClick(page.imported.button, Qt.MouseButton.LeftButton)
        turns.run()
    assert toast.args == ["1 imported price is removed"] and page.imported.isHidden()
    assert [price.model for price in fake_gateway.price_overrides()] == ["gpt-5.1", "house-model"]


def test_an_import_that_could_not_be_taken_back_still_can(
    page: ModelsPage, fake_gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    """Pressed again it said that no price was removed, which was so."""
    chosen(page, turns, "provider,model,input\nopenai,a,1\n", tmp_path)
    fake_gateway.fails = "The data folder is locked."
    page.imported.action.emit()
    with pytest.raises(FaregateError):
        turns.run()
    assert page.imported.isVisible()
    fake_gateway.fails = None
    page.imported.action.emit()
    turns.run()
    assert fake_gateway.price_overrides() == () and page.imported.isHidden()


def test_of_a_file_with_a_wrong_line_nothing_is_imported(
    page: ModelsPage, fake_gateway: FakeGateway, turns: Turns, tmp_path: Path
) -> None:
    chosen(page, turns, "provider,model,input\nopenai,a,1\nopenai,b,two\n", tmp_path)
    assert page.banner.isVisible()
    assert (
        page.banner.text() == "Nothing was imported from prices.csv: Line 3: “two” is not a price in dollars (input)."
    )
    assert fake_gateway.price_overrides() == () and page.imported.isHidden()
    assert page.banner.button is not None
    page.banner.button.click()
    asked = page.findChildren(QFileDialog, "models_import_file")[-1]
    assert asked.isVisible() and page.banner.isHidden(), "which is tried again"
    asked.close()
    folder = tmp_path / "prices"
    folder.mkdir()
    asyncio.run(page.files.read(folder))
    assert page.banner.text() == "Nothing was imported from prices: Is a directory"

    async def picky(prices: Sequence[NewPriceOverride]) -> tuple[PriceOverride, ...]:
        assert [price.model for price in prices] == ["a", "b"], "it is asked once for all"
        raise FaregateError("A price needs a model's exact id.")

    # What only the gateway finds wrong.
    fake_gateway.add_prices = picky  # type: ignore[method-assign]
    chosen(page, turns, "provider,model,input\nopenai,a,1\nopenai,b,2\nopenai,a,1\n", tmp_path)
    assert page.banner.text().endswith("A price needs a model's exact id.")
    asyncio.run(page.refresh(Changes(usage=True)))
    assert page.banner.isVisible(), "the next request took it away"
    assert fake_gateway.price_overrides() == () and page.imported.isHidden()


def test_ones_own_prices_leave_in_the_form_that_comes_back(
    page: ModelsPage, fake_gateway: FakeGateway, qtbot: QtBot, turns: Turns, tmp_path: Path
) -> None:
    entries = page.files.menu(page.start_export).actions()
    assert [entry.isEnabled() for entry in entries] == [True, False, True], "nobody has prices of their own yet"
    turns(fake_gateway.add_price(TIERED))
    turns.run()
    page.files.menu(page.start_export).actions()[1].trigger()
    dialog = page.findChild(QFileDialog, "models_own_file")
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "mine.csv"))
    dialog.close()
    with qtbot.waitSignal(page.context.shell.saved) as saved:
        turns.run()
    assert saved.args == ["Exported 1 price", tmp_path]
    text = (tmp_path / "mine.csv").read_text("utf-8")
    assert read(text, {"google": "Google Gemini"}, page.context.filters.tz)[0].tier_start == 200_000
