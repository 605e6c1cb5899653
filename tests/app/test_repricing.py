"""Re-pricing as a person does it: look, apply, find it among the earlier ones, take it back; and what is refused."""

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from app import formats, sources
from app.context import AppContext
from app.filters import FilterState
from app.pages.models import ModelsPage
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.repricing_lines import change, changes_estimates, query_words, said_here
from app.pages.models_parts.repricing_pane import RepricingPane
from app.tables.column import utc_text
from app.tables.model import RowModel
from app.theme import Theme
from gateway import FaregateError, NewPriceOverride, TagCondition, UnitPrices, UsageQuery
from tests.app.accessible import unnamed
from tests.app.fake_gateway import FakeGateway
from tests.app.mouse import click
from tests.app.shown_page import show_page
from tests.app.turns import Turns

DAY_US = 86_400_000_000
MODEL = "gpt-5.1"


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(300, now_us=time.time_ns() // 1000)


@pytest.fixture
def context(theme: Theme, gateway: FakeGateway, turns: Turns) -> AppContext:
    return AppContext(gateway, theme, FilterState(tz="Europe/Paris"), turns)  # type: ignore[arg-type]


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, turns: Turns) -> ModelsPage:
    page = ModelsPage(context)
    show_page(page, qtbot)
    page.section.segment("repricing").click()
    turns.run()
    return page


@pytest.fixture
def pane(page: ModelsPage) -> RepricingPane:
    return page.repricing


def cells(model: RowModel[object]) -> list[list[str]]:
    return [
        [str(model.index(row, column).data()) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def price(turns: Turns, gateway: FakeGateway, model: str = MODEL, usd: str = "2.50") -> None:
    own = NewPriceOverride(provider="openai", model=model, prices=UnitPrices(input=usd, output="20"))
    turns(gateway.add_price(own))
    turns.run()


def preview(qtbot: QtBot, pane: RepricingPane, turns: Turns) -> None:
    click(qtbot, pane.preview_button)
    turns.run()


def test_a_preview_equals_the_api_in_each_figure_and_cell(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    price(turns, gateway, "unlisted-preview")
    assert pane.idle.isVisible() and not pane.apply_button.isVisible()
    preview(qtbot, pane, turns)
    found = pane.previewed
    assert found is not None and pane._query is not None
    turns(_compare(gateway, pane))
    turns.run()
    assert found.newly_priced > 0 and found.changed > found.newly_priced
    shown = [(figure.value, figure.fact) for figure in pane.figures.shown]
    assert shown == [
        (
            formats.count(found.changed),
            f"of {formats.count(found.examined)} checked · {found.newly_priced} get their first price",
        ),
        (sources.marked_money(found.from_nano, found.from_estimated > 0), "of all that were checked"),
        (sources.marked_money(found.to_nano, found.to_estimated > 0), "at each request's own time"),
        (
            sources.marked_difference(found.to_nano - found.from_nano, changes_estimates(found)),
            formats.delta_percent(found.to_nano, found.from_nano),
        ),
    ]
    assert cells(pane.model) == [
        [
            row.model,
            row.provider,
            formats.count(row.changed),
            sources.marked_money(row.from_nano, row.from_estimated > 0, 4),
            sources.marked_money(row.to_nano, row.to_estimated > 0, 4),
            sources.marked_difference(row.to_nano - row.from_nano, row.from_estimated + row.to_estimated > 0, 4),
            formats.delta_percent(row.to_nano, row.from_nano) if row.from_nano else "new",
        ]
        for row in found.by_model
    ]
    assert pane.result.isVisible() and pane.apply_button.text() == f"Apply to {found.changed} requests"


async def _compare(gateway: FakeGateway, pane: RepricingPane) -> None:
    assert pane._query is not None
    assert await gateway.preview_repricing(pane._query) == pane.previewed


def test_what_was_looked_at_under_other_filters_is_neither_shown_nor_applied(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    gateway.meanwhile = lambda _command: pane.open_for("anthropic", "*")
    preview(qtbot, pane, turns)
    assert pane.filters.dimensions == {"provider": ("anthropic",)}
    assert pane.previewed is None and pane.idle.isVisible()
    assert pane.preview_button.isEnabled() and not pane.apply_button.isEnabled()


def test_it_is_applied_listed_and_taken_back(
    qtbot: QtBot, page: ModelsPage, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    before = list(gateway.rows)
    assert not pane.history_part.isVisible()
    preview(qtbot, pane, turns)
    expected = pane.previewed
    toasts, changed = QSignalSpy(page.toast), QSignalSpy(pane.changed)
    click(qtbot, pane.apply_button)
    turns.run()
    (done,) = gateway.applied
    assert expected is not None and (done.changed, done.to_nano) == (expected.changed, expected.to_nano)
    assert gateway.rows != before and changed.count() == 1
    difference = formats.money_difference(done.to_nano - done.from_nano)
    assert toasts.at(0)[0] == f"{done.changed} requests were re-priced: {difference} in all"
    assert pane.idle.isVisible() and pane.previewed is None and not pane.apply_button.isEnabled()
    assert pane.history_part.isVisible()
    assert cells(pane.history) == [
        [
            str(done.id),
            formats.clock(done.at_us, "Europe/Paris"),
            query_words(done.query, "Europe/Paris"),
            formats.count(done.changed),
            formats.money_column_difference(done.to_nano - done.from_nano, 4),
            formats.delta_percent(done.to_nano, done.from_nano),
            "In force",
        ]
    ]
    assert pane.chosen() == done and pane.undo_button.isEnabled()
    click(qtbot, pane.undo_button)
    turns.run()
    assert gateway.rows == before and changed.count() == 2
    assert cells(pane.history)[0][-1] == "Undone" and not pane.undo_button.isEnabled()


def test_range_and_filters_choose_the_requests_and_leave_the_windows_alone(
    qtbot: QtBot, pane: RepricingPane, context: AppContext, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    preview(qtbot, pane, turns)
    whole = pane.previewed
    pane.range_picker.segment("7d").click()
    assert pane.previewed is None and pane.idle.isVisible()
    pane.filters.set_dimension("key", ("ci",))
    pane.filters.add_tag(TagCondition(("team:platform",)))
    preview(qtbot, pane, turns)
    found = pane.previewed
    since = gateway.now_us - 7 * DAY_US
    rows = [row for row in gateway.rows if row.key == "ci" and "team:platform" in row.tags]
    rows = [row for row in rows if row.started_us >= since - 3_600_000_000]
    assert found is not None and whole is not None
    assert found.examined == len(rows) < whole.examined
    assert (context.filters.dimensions, context.filters.range_key) == ({}, "7d")
    context.filters.set_zone("Asia/Tokyo")
    assert pane.filters.tz == "Asia/Tokyo"


def test_where_nothing_would_change_it_says_why(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    preview(qtbot, pane, turns)
    found = pane.previewed
    assert found is not None and pane.nothing.isVisible() and not pane.apply_button.isEnabled()
    words = pane.nothing.text_label.text()
    assert words.startswith(f"{found.examined} requests were looked at: ")
    assert f"{found.kept['no_price']} keep their cost. No price is known for them." in words


def test_a_refused_period_is_told_with_its_reason(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.rows_from_us = gateway.now_us - DAY_US
    preview(qtbot, pane, turns)
    assert pane.banner.isVisible() and "kept as sums only" in pane.banner.text()
    assert pane.previewed is None and pane.preview_button.isEnabled()
    pane.range_picker.segment("1h").click()
    assert not pane.banner.isVisible()


def test_what_has_changed_meanwhile_is_not_applied(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    preview(qtbot, pane, turns)
    price(turns, gateway, usd="9")
    click(qtbot, pane.apply_button)
    turns.run()
    assert gateway.applied == [] and "look at the preview again" in pane.banner.text()


def test_an_earlier_one_waits_for_the_later(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    for usd in ("2", "3"):
        price(turns, gateway, usd=usd)
        preview(qtbot, pane, turns)
        click(qtbot, pane.apply_button)
        turns.run()
    pane.history_view.selectRow(1)
    click(qtbot, pane.undo_button)
    turns.run()
    assert "undo that first" in pane.banner.text()
    assert [row.undone_us for row in gateway.applied] == [None, None]


@pytest.mark.parametrize("command", ["preview_repricing", "apply_repricing", "undo_repricing"])
def test_each_is_long_work_that_can_be_cancelled(
    qtbot: QtBot, page: ModelsPage, pane: RepricingPane, context: AppContext, gateway: FakeGateway, turns: Turns,
    command: str,
) -> None:  # fmt: skip
    price(turns, gateway)
    if command != "preview_repricing":
        preview(qtbot, pane, turns)
    if command == "undo_repricing":
        click(qtbot, pane.apply_button)
        turns.run()
    seen: list[tuple[bool, bool]] = []

    def cancel(_command: str) -> None:
        (job,) = context.shell.work.jobs
        seen.append((pane.preview_button.isEnabled(), job.done <= (job.total or 0)))
        job.cancel()

    gateway.meanwhile = cancel
    before, toasts = (list(gateway.rows), list(gateway.applied)), QSignalSpy(page.toast)
    button = {"preview": pane.preview_button, "apply": pane.apply_button, "undo": pane.undo_button}
    click(qtbot, button[command.partition("_")[0]])
    turns.run()
    assert seen == [(False, True)] and (gateway.rows, gateway.applied) == before
    assert toasts.at(0)[0].startswith("Cancelled") and pane.preview_button.isEnabled()
    assert context.shell.work.jobs == ()


def test_a_new_price_offers_to_price_its_past_anew(
    qtbot: QtBot, page: ModelsPage, gateway: FakeGateway, turns: Turns
) -> None:
    page.open_section("prices")
    page.open_editor()
    new = NewPriceOverride(provider="openai", model=MODEL, prices=UnitPrices(input="9", output="9"))
    editor = page.drawer.content()
    assert editor is not None
    assert isinstance(editor, PriceEditor)
    turns(page.own.save(editor, new, None))
    turns.run()
    assert page.past.isVisible()
    click(qtbot, page.past.button)
    turns.run()
    assert page.section.current == "repricing" and not page.add_button.isVisible()
    pane = page.repricing
    assert pane.filters.dimensions == {"provider": ("openai",), "model": (MODEL,)}
    assert pane.filters.range_key == "12m"
    assert pane.previewed is not None and {row.model for row in pane.previewed.by_model} == {MODEL}


def test_it_is_worked_by_keys_and_named(
    qtbot: QtBot, page: ModelsPage, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    page.activateWindow()
    pane.preview_button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(pane.preview_button, Qt.Key.Key_Space)
    turns.run()
    assert unnamed(page) == []
    pane.view.setFocus()
    pane.view.selectRow(0)
    QTest.keyClick(pane.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().splitlines()[1].startswith(f"{MODEL}\topenai\t")
    pane.apply_button.setFocus()
    QTest.keyClick(pane.apply_button, Qt.Key.Key_Space)
    turns.run()
    assert len(gateway.applied) == 1
    assert unnamed(page) == []


def test_an_error_of_the_gateway_is_told(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.fails = "The data folder is locked."
    preview(qtbot, pane, turns)
    assert pane.banner.text() == gateway.fails and pane.idle.isVisible()


def test_changes_and_ranges_in_words() -> None:
    assert [change(0, 5), change(0, 0), change(100, 150), change(100, 100)] == ["new", "—", "+50.0%", "0.0%"]
    assert query_words(UsageQuery(), "UTC") == "All requests"
    assert query_words(UsageQuery(start_us=0), "UTC") == "since 1 Jan 1970 00:00"
    assert query_words(UsageQuery(end_us=0, model=("o3",)), "UTC") == "until 1 Jan 1970 00:00 · Model: o3"


def test_a_refusals_times_are_the_windows() -> None:
    gone = FaregateError("Of its requests those from 2025-07-01T22:00:00.000000Z to 2025-11-20T07:15:30Z are gone.")
    assert said_here(gone, "Europe/Paris") == (
        "Of its requests those from 2 Jul 2025 00:00 to 20 Nov 2025 08:15 are gone."
    )
    assert said_here(FaregateError("The disk is full."), "Europe/Paris") == "The disk is full."


def test_a_refused_preview_says_the_windows_time(
    qtbot: QtBot, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.fails = "Choose a time from 2025-11-20T07:15:00.000000Z on."
    click(qtbot, pane.preview_button)
    turns.run()
    assert pane.banner.text() == "Choose a time from 20 Nov 2025 08:15 on."


def test_earlier_ones_are_told_in_the_zone_that_was_chosen_since(
    qtbot: QtBot, context: AppContext, pane: RepricingPane, gateway: FakeGateway, turns: Turns
) -> None:
    price(turns, gateway)
    for button in (pane.preview_button, pane.apply_button):
        click(qtbot, button)
        turns.run()
    (done,) = gateway.applied
    context.filters.set_zone("Asia/Tokyo")
    assert cells(pane.history)[0][1:3] == [
        formats.clock(done.at_us, "Asia/Tokyo"),
        query_words(done.query, "Asia/Tokyo"),
    ]
    pane.history_view.selectRow(0)
    QTest.keyClick(pane.history_view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert utc_text(done.at_us) in QGuiApplication.clipboard().text()
