"""Models & prices as a person uses it: the table against the API, looking for a model, own prices, a newer list."""

import csv
import time
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import QDate, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.filters import FilterState
from app.fonts import ui_font
from app.pages.models import ModelsPage
from app.pages.models_parts.details import ModelDetails, facts
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.lines import ModelLine, matching, model_columns, model_lines, price_changes
from app.tables.painter import CELL_PADDING
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets.combo_box import ComboBox
from gateway import Changes, ExchangeRecord, ModelRow, NewPriceOverride, PriceRow, UnitPrice, UnitPrices
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway, summarise
from tests.app.mouse import click
from tests.app.shown_page import show_page
from tests.app.turns import Turns

ALL = Changes(usage=True, prices=True)
DAY_US = 86_400_000_000


@pytest.fixture
def gateway() -> FakeGateway:
    made = FakeGateway(200, now_us=time.time_ns() // 1000)
    unknown = msgspec.structs.replace(made.rows[0], provider="openai", model="house-model", cost_nano=None)
    made.rows += [unknown, unknown, unknown]
    return made


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, gateway: FakeGateway, turns: Turns) -> ModelsPage:
    page = ModelsPage(AppContext(gateway, theme, FilterState(tz="Europe/Paris"), turns))  # type: ignore[arg-type]
    show_page(page, qtbot)
    refresh(page, turns)
    return page


def refresh(page: ModelsPage, turns: Turns) -> None:
    turns(page.refresh(ALL))
    turns.run()


def line_of(page: ModelsPage, model: str) -> ModelLine:
    return next(line for line in page.lines if line.model == model)


def cell(page: ModelsPage, model: str, key: str) -> str:
    row = next(number for number, line in enumerate(page.model.rows) if line.model == model)
    column = next(number for number, column in enumerate(page.model.columns) if column.key == key)
    return str(page.model.index(row, column).data())


def editor_of(page: ModelsPage) -> PriceEditor:
    editor = page.drawer.content()
    assert isinstance(editor, PriceEditor)
    return editor


def test_each_cell_equals_the_api(page: ModelsPage, gateway: FakeGateway) -> None:
    known = {row.id: row for row in gateway.models()}
    assert {line.model for line in page.lines} == {*known, "house-model"}
    since = gateway.now_us - 30 * DAY_US
    # As the Overview's table has them: as many decimals as the costliest model's alone.
    costs = [line.usage.cost_nano or 0 for line in page.lines if line.usage is not None]
    places = formats.money_places(max(costs))
    for model, row in known.items():
        used = [one for one in gateway.rows if one.model == model and one.provider == row.provider]
        used = [one for one in used if one.started_us >= since]
        assert cell(page, model, "input") == formats.price(row.input_price)
        assert cell(page, model, "output") == formats.price(row.output_price)
        assert cell(page, model, "context") == "200k"
        assert cell(page, model, "requests") == (formats.count(len(used)) if used else "")
        assert cell(page, model, "cost") == (formats.money_column(summarise(used).cost_nano, places) if used else "")


def test_a_cost_of_tens_of_thousands_is_shown_whole(page: ModelsPage, gateway: FakeGateway, turns: Turns) -> None:
    gateway.rows = [msgspec.structs.replace(row, cost_nano=98_765_432_100_000) for row in gateway.rows[:1]]
    refresh(page, turns)
    model = page.lines[0].model
    cost = next(column for column in model_columns() if column.key == "cost")
    assert cell(page, model, "cost") == "$98,765.43"
    needed = QFontMetricsF(ui_font(13, 600)).horizontalAdvance(cell(page, model, "cost")) + 2 * CELL_PADDING
    assert needed <= cost.width


def test_what_was_used_without_a_price_is_told_and_priced_from_there(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    assert page.unpriced.isVisible() and "house-model (3)" in page.unpriced.text()
    assert page.model.rows[0].unpriced > 0
    assert cell(page, "house-model", "cost") == "—"
    page.open_editor(line_of(page, "house-model"))
    editor = editor_of(page)
    assert (editor.provider.currentData(), editor.model.text()) == ("openai", "house-model")
    assert not editor.save.isEnabled()
    qtbot.keyClicks(editor.fields["input"], "2.50")
    qtbot.keyClicks(editor.fields["output"], "10")
    click(qtbot, editor.save)
    turns.run()
    made = gateway.own_prices[0]
    assert (made.prices.input, made.prices.output, made.prices.cached) == ("2.50", "10", None)
    assert cell(page, "house-model", "input") == "$2.500"
    assert cell(page, "house-model", "source") == "Edited"
    assert "house-model" not in page.unpriced.text()


def test_the_callout_opens_the_editor_for_the_most_used(page: ModelsPage, qtbot: QtBot) -> None:
    page.unpriced.action.emit()
    qtbot.waitUntil(page.drawer.isVisible)
    assert editor_of(page).model.text() == page.unpriced_lines()[0].model


def test_the_keyboard_is_with_the_table_where_the_callout_goes_that_had_it(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    """It went to the search, and what was typed next took models away."""
    with qtbot.waitActive(page):
        page.activateWindow()
    button = page.unpriced.button
    assert button is not None
    while page.unpriced_lines():
        assert not page.drawer.isVisible()
        button.setFocus()
        qtbot.keyClick(button, Qt.Key.Key_Space)
        qtbot.waitUntil(page.drawer.isVisible)
        editor = editor_of(page)
        qtbot.keyClicks(editor.fields["input"], "2.50")
        qtbot.keyClicks(editor.fields["output"], "10")
        click(qtbot, editor.save)
        turns.run()
    assert not page.unpriced.isVisible() and page.view.hasFocus()


def test_searching_and_filtering(page: ModelsPage, gateway: FakeGateway, qtbot: QtBot) -> None:
    qtbot.keyClicks(page.search, "HOUSE")
    assert [line.model for line in page.model.rows] == ["house-model"]
    qtbot.keyClicks(page.search, "zzz")
    assert page.empty.isVisible()
    page.empty.action.emit()
    assert len(page.model.rows) == len(page.lines)
    page.provider.setCurrentIndex(page.provider.findData("anthropic"))
    assert {line.provider for line in page.model.rows} == {"anthropic"}
    page.clear_filters()
    page.kept.setCurrentIndex(page.kept.findData("none"))
    assert {line.source for line in page.model.rows} == {"none"}


def test_a_range_counts_only_its_requests(page: ModelsPage, gateway: FakeGateway, turns: Turns) -> None:
    old = msgspec.structs.replace(gateway.rows[0], model="house-model", started_us=gateway.now_us - 300 * DAY_US)
    gateway.rows.append(msgspec.structs.replace(old, provider="openai"))
    refresh(page, turns)
    assert cell(page, "house-model", "requests") == "3"
    page.range.segment("all").click()
    turns.run()
    assert cell(page, "house-model", "requests") == "4"


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("input", "two", "is not a price"),
        ("input", "-1", "from 0 to 1,000,000"),
        ("input", "NaN", "from 0 to 1,000,000"),
        ("input", "", "at least one price"),
    ],
)
def test_a_price_that_is_none_is_refused_in_words(
    page: ModelsPage, qtbot: QtBot, field: str, text: str, problem: str
) -> None:
    page.open_editor(line_of(page, "house-model"))
    editor = editor_of(page)
    editor.fields[field].setText(text)
    assert problem in editor.problem.text() and not editor.save.isEnabled()


def test_tiers_and_days_become_the_override(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    page.open_editor(line_of(page, "house-model"))
    editor = editor_of(page)
    editor.fields["input"].setText("2")
    editor.tier_start.setText("200,000")
    assert editor.complaint() == "The second tier needs the same prices as the first."
    editor.tier_fields["input"].setText("4")
    editor.has_from.setChecked(True)
    editor.valid_from.setDate(QDate(2026, 11, 1))
    editor.has_to.setChecked(True)
    editor.valid_to.setDate(QDate(2026, 11, 1))
    assert editor.complaint() == "It must begin before it ends."
    editor.valid_to.setDate(QDate(2026, 12, 1))
    editor.note.setText("contract")
    click(qtbot, editor.save)
    turns.run()
    # Paris is an hour ahead of UTC in November.
    assert msgspec.to_builtins(gateway.own_prices[0], str_keys=True) == msgspec.to_builtins(
        msgspec.structs.replace(
            gateway.own_prices[0],
            valid_from_us=1_793_487_600_000_000,
            valid_to_us=1_796_079_600_000_000,
            tier_start=200_000,
            tier_prices=UnitPrices(input="4"),
            prices=UnitPrices(input="2"),
            note="contract",
        )
    )


def test_own_prices_are_changed_and_removed_in_the_details(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    price = NewPriceOverride(provider="openai", model="house-model", prices=UnitPrices(input="3"))
    turns(gateway.add_price(price))
    refresh(page, turns)
    page.open_details(line_of(page, "house-model"))
    details = page.drawer.content()
    assert isinstance(details, ModelDetails)
    assert ("Input", "$3.00 per 1M") in details.told
    click(qtbot, details.own.buttons[1][0])
    editor = editor_of(page)
    assert editor.fields["input"].text() == "3"
    editor.fields["input"].setText("5")
    click(qtbot, editor.save)
    turns.run()
    assert [(one.id, one.prices.input) for one in gateway.own_prices] == [(2, "5")]
    page.open_details(line_of(page, "house-model"))
    details = page.drawer.content()
    assert isinstance(details, ModelDetails)
    click(qtbot, details.own.buttons[2][1])
    turns.run()
    assert gateway.own_prices == [] and cell(page, "house-model", "source") == "No price"


def test_walking_through_models_makes_no_widget_anew(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    turns(gateway.add_price(NewPriceOverride(provider="openai", model="house-model", prices=UnitPrices(input="3"))))
    turns(gateway.set_alias("our-best", "house-model"))
    refresh(page, turns)
    listed = (line for line in page.model.rows if line.model != "house-model")
    many = max(listed, key=lambda line: len(facts(line, "UTC", line.provider)))
    page.open_details(many)
    details = page.drawer.content()
    assert isinstance(details, ModelDetails)
    before = set(details.findChildren(QWidget))
    details.names.field.setText("half a na")
    details.area.verticalScrollBar().setMaximum(200)
    details.area.verticalScrollBar().setValue(100)

    def shown() -> list[str]:
        return [label.text() for label in details.findChildren(TextLabel) if label.isVisible()]

    page.open_details(line_of(page, "house-model"))
    assert page.drawer.content() is details and before < set(details.findChildren(QWidget))
    words = shown()
    assert {"$3.00 per 1M", "our-best"} < set(words) and "None: the list's prices are used." not in words
    assert details.names.field.text() == "" and details.area.verticalScrollBar().value() == 0
    page.open_editor(line_of(page, "house-model"))
    assert isinstance(page.drawer.content(), PriceEditor) and not details.isVisible()
    page.open_details(many)
    assert page.drawer.content() is details and details.isVisible()
    flat = [text for fact in facts(many, page.context.filters.tz, page._name_of(many.provider)) for text in fact]
    assert [text for text in shown() if text in flat] == flat
    assert "our-best" not in shown() and details.own.buttons == {} and not details.names.remove_buttons


def test_a_model_is_given_other_names_and_loses_them(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    def details() -> ModelDetails:
        content = page.drawer.content()
        assert isinstance(content, ModelDetails)
        return content

    page.open_details(line_of(page, "house-model"))
    assert not details().names.add_button.isEnabled()
    for name in (" our-best ", "quick"):
        details().names.field.setText(name)
        with qtbot.waitSignal(page.toast) as toast:
            click(qtbot, details().names.add_button)
            turns.run()
        assert toast.args == [f"Requests for {name.strip()} are answered by house-model"]
    assert gateway.own_names == {"our-best": "house-model", "quick": "house-model"}
    assert details().names.remove_buttons["quick"].accessibleName() == "Remove the name quick"
    click(qtbot, details().names.remove_buttons["our-best"])
    turns.run()
    assert list(details().names.remove_buttons) == ["quick"] and gateway.own_names == {"quick": "house-model"}
    details().names.field.setText("house-model")
    with qtbot.waitSignal(page.toast) as toast:
        qtbot.keyPress(details().names.field, Qt.Key.Key_Return)
        turns.run()
    assert toast.args == ["A model needs no other name that is its own."]


def test_a_name_that_was_given_takes_nobody_away_from_where_he_went_meanwhile(
    page: ModelsPage, qtbot: QtBot, turns: Turns
) -> None:
    def give(name: str) -> ModelDetails:
        page.open_details(line_of(page, "house-model"))
        details = page.drawer.content()
        assert isinstance(details, ModelDetails)
        details.names.field.setText(name)
        click(qtbot, details.names.add_button)
        return details

    other = next(line for line in page.lines if line.model != "house-model")
    details = give("our-best")
    page.open_details(other)
    details.names.field.setText("half a na")
    turns.run()
    assert (details.line, details.names.field.text()) == (other, "half a na")
    give("quick")
    page.open_editor(line_of(page, "house-model"))
    editor = editor_of(page)
    editor.fields["input"].setText("2")
    turns.run()
    assert page.drawer.content() is editor
    page.drawer.close_drawer()
    give("cheap")
    page.drawer.close_drawer()
    turns.run()
    assert not page.drawer.isVisible()


def test_a_name_is_taken_by_the_keyboard_and_what_is_typed_beside_it_stays(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    for name in ("our-best", "quick"):
        turns(gateway.set_alias(name, "house-model"))
    refresh(page, turns)
    page.open_details(line_of(page, "house-model"))
    details = page.drawer.content()
    assert isinstance(details, ModelDetails)
    names = details.names
    names.field.setText("half a na")
    for name in ("quick", "our-best"):
        names.remove_buttons[name].setFocus()
        qtbot.keyClick(names.remove_buttons[name], Qt.Key.Key_Space)
        turns.run()
        assert names.field.hasFocus() and names.field.text() == "half a na"
    # Given once more, it is no name that is still to be given.
    for _ in range(2):
        names.field.setText("quick")
        qtbot.keyClick(names.field, Qt.Key.Key_Return)
        turns.run()
        assert names.field.text() == "" and gateway.own_names == {"quick": "house-model"}


def test_a_newer_list_tells_what_it_changed(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    row = next(row for row in gateway.models() if row.input_price is not None)
    model, before = row.id, formats.price(row.input_price, least=2)
    gateway.next_changes = {model: "77"}
    click(qtbot, page.price_line.button)
    turns.run()
    words = page.drawer.findChild(TextLabel, "price_changes")
    assert words.text() == f"{model} ({page.context.provider_names.name(row.provider)}): input {before} → $77.00"
    assert cell(page, model, "input") == "$77.000"
    assert "2,400 models" in page.price_line.words.text()


def test_a_newer_list_takes_no_place_of_a_price_that_is_being_typed(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    row = next(row for row in gateway.models() if row.input_price is not None)
    gateway.next_changes = {row.id: "77"}
    click(qtbot, page.price_line.button)
    page.open_editor(line_of(page, "house-model"))
    editor = editor_of(page)
    editor.fields["input"].setText("2")
    with qtbot.waitSignal(page.toast) as toast:
        turns.run()
    assert page.drawer.content() is editor and toast.args == ["1 price changed"]


def test_what_is_chosen_and_read_stays_while_requests_come(
    page: ModelsPage, gateway: FakeGateway, turns: Turns
) -> None:
    page.resize(1220, 420)
    line = page.model.rows[3]
    page.view.selectRow(3)
    bar = page.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    last = page.model.rows[-1]
    gateway.rows[:0] = [
        msgspec.structs.replace(gateway.rows[0], id=f"n{number}", provider=last.provider, model=last.model)
        for number in range(100)
    ]
    refresh(page, turns)
    chosen = page.selected()
    assert page.model.rows[3] != line, "the order is another one"
    assert chosen is not None and chosen.key == line.key
    assert bar.value() == bar.maximum() > 0


def test_an_answer_for_another_range_is_dropped(
    page: ModelsPage, gateway: FakeGateway, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, prices = page.lines, gateway.prices

    async def slow(at_us: int | None = None) -> tuple[PriceRow, ...]:
        page.range.set_current("7d")
        return await prices(at_us)

    monkeypatch.setattr(gateway, "prices", slow)
    gateway.rows.clear()
    turns(page.refresh(ALL))
    turns.run()
    assert page.lines is before
    monkeypatch.undo()
    refresh(page, turns)
    assert not any(line.requests for line in page.lines)


def test_the_rows_on_show_are_exported(page: ModelsPage, turns: Turns, tmp_path: Path) -> None:
    page.search.setText("gpt")
    saved = QSignalSpy(page.context.shell.saved)
    turns(page.export_to(tmp_path / "prices.csv"))
    turns.run()
    assert saved.at(0) == [f"Exported {len(page.model.rows)} rows", tmp_path]
    rows = list(csv.DictReader((tmp_path / "prices.csv").read_text("utf-8").splitlines()))
    assert [row["Model"] for row in rows] == [line.model for line in page.model.rows]
    assert 0 < len(rows) < len(page.lines)


def test_a_failure_is_told_and_the_table_stays(page: ModelsPage, gateway: FakeGateway, turns: Turns) -> None:
    before = page.model.rows
    gateway.fails = "The data folder is locked."
    refresh(page, turns)
    assert page.banner.isVisible() and page.banner.text() == "The data folder is locked."
    assert page.model.rows == before


def test_a_refused_price_stays_in_the_editor(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    page.open_editor(line_of(page, "house-model"))
    editor = editor_of(page)
    editor.fields["input"].setText("2")
    gateway.fails = "There is no provider of that name."
    click(qtbot, editor.save)
    turns.run()
    assert editor.problem.text() == gateway.fails and editor.fields["input"].text() == "2"
    assert page.drawer.isVisible()


def test_everything_has_a_name(page: ModelsPage) -> None:
    page.open_details(line_of(page, "house-model"))
    assert unnamed(page) == []
    page.open_editor()
    assert unnamed(page) == []


def test_a_price_for_other_numbers_of_tokens_and_tiers_are_told_apart() -> None:
    before = PriceRow(
        provider="p", model="m", source="list", prices=(UnitPrice(unit="input", usd="0.002", per=1000),)
    )
    tier = UnitPrice(unit="input", usd="4", per=10**6, above=200_000)
    after = msgspec.structs.replace(before, prices=(tier, *before.prices))
    line = model_lines((ModelRow(id="m", provider="p", title="M", spellings=("em",)),), (after,), {})[0]
    assert line.nano("input") == 2_000_000_000
    assert price_changes((before,), (after,)) == ("m (p): input above 200k — → $4.00",)
    assert matching((line,), "em", "", "all") == (line,) and matching((line,), "", "", "used") == ()


def test_the_smallest_window_shows_what_a_model_costs(qtbot: QtBot, page: ModelsPage) -> None:
    page.resize(1024 - 56, 560)
    page.show()
    view = page.view
    columns = [column.key for column in page.model.columns]
    edges = {
        key: view.columnViewportPosition(at) + view.columnWidth(at)
        for at, key in enumerate(columns)
        if not view.isColumnHidden(at)
    }
    assert edges["cost"] <= view.viewport().width() - view.verticalScrollBar().sizeHint().width(), edges


def test_arrows_choose_a_model_at_once(qtbot: QtBot, page: ModelsPage) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    page.on_shown()
    qtbot.keyClick(page.focusWidget(), Qt.Key.Key_Down)
    assert page.view.hasFocus() and page.selected() is not None


def test_the_filter_by_provider_is_as_wide_as_its_longest_name(page: ModelsPage, qtbot: QtBot, theme: Theme) -> None:
    """Names are read after the page is shown; a flip of the theme alone made room for them."""
    fresh = ComboBox(theme, "The same names")
    qtbot.addWidget(fresh)
    page.provider.addItem("A provider with quite a long name", "long")
    fresh.addItems([page.provider.itemText(number) for number in range(page.provider.count())])
    fresh.show()
    assert page.provider.sizeHint().width() == fresh.sizeHint().width()


@pytest.mark.parametrize("range_key", ["7d", "30d"])
def test_a_range_is_the_same_time_as_on_the_other_pages(page: ModelsPage, turns: Turns, range_key: str) -> None:
    """Elsewhere it begins with a full hour: the same month had other sums here."""
    begun = time.time_ns() // 1000
    page.range.set_current(range_key)
    refresh(page, turns)
    filters = page.context.filters
    filters.set_range(range_key)
    asked = page._query(range_key).start_us
    assert asked in {filters.bounds(now_us)[0] for now_us in (begun, time.time_ns() // 1000)}


def gone_row(gateway: FakeGateway, model: str, cost_nano: int | None) -> ExchangeRecord:
    return msgspec.structs.replace(gateway.rows[0], provider="old-server", model=model, cost_nano=cost_nano)


def test_models_of_a_provider_that_was_removed_stay_with_what_they_cost(
    page: ModelsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    gateway.rows += [gone_row(gateway, "old-model", 1_250_000_000), gone_row(gateway, "old-free", None)]
    refresh(page, turns)
    assert (cell(page, "old-model", "provider"), cell(page, "old-model", "state")) == ("old-server", "Not set up")
    assert (cell(page, "old-model", "requests"), cell(page, "old-model", "cost")) == ("1", "$1.25")
    state = next(column for column in page.model.columns if column.key == "state")
    assert state.tooltip is not None and "no longer set up" in state.tooltip(line_of(page, "old-model"))
    # What has no price is counted too, and nothing offered that could not be done.
    assert "old-free (1, of old-server, no longer set up)" in page.unpriced.text()
    assert page.unpriced_lines()[0].unpriced and page.unpriced.button is not None and page.unpriced.button.isVisible()
    page._price_the_first()
    qtbot.waitUntil(page.drawer.isVisible)
    assert editor_of(page).model.text() == "house-model"
    page.open_details(line_of(page, "old-model"))
    details = page.drawer.content()
    assert isinstance(details, ModelDetails) and not details.add_button.isVisible()
    assert any("no longer set up" in text for _, text in details.told)
    assert not details.own.isVisible() and not details.names.isVisible()
    gateway.rows = gateway.rows[-1:]
    refresh(page, turns)
    assert page.unpriced.isVisible() and not page.unpriced.button.isVisible()
    page.provider.setCurrentIndex(page.provider.findData("old-server"))
    assert page.provider.currentText() == "old-server (no longer set up)"
    assert {line.model for line in page.model.rows} == {"old-free"}


def test_a_section_that_takes_the_keyboard_has_a_name(page: ModelsPage) -> None:
    named = []
    for section in ("repricing", "bill", "prices"):
        page.open_section(section)
        named.append(page.sections.currentWidget().accessibleName())
    assert named == ["Re-pricing", "Bill", "Prices"]


def test_what_a_price_is_for_is_told_above_the_table_of_prices_alone(page: ModelsPage) -> None:
    told = QSignalSpy(page.subtitle)
    for section in ("prices", "bill", "prices", "repricing"):
        page.open_section(section)
    assert ["per 1M tokens" in told.at(number)[0] for number in range(4)] == [True, False, True, False]
    assert told.at(1)[0] == ""
