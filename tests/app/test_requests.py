"""The Requests page as a person uses it: what cells say, filtering, live rows, details, copying, exporting."""

import asyncio
import csv
import itertools
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QImage,
    QResizeEvent,
)
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QLabel, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app import formats
from app.context import AppContext
from app.filters import FilterSnapshot, FilterState
from app.fonts import ui_font
from app.pages.page import RequestTarget
from app.pages.requests import RequestsPage
from app.pages.requests_parts.body import RequestBody
from app.pages.requests_parts.causes import cause
from app.pages.requests_parts.columns import request_columns
from app.pages.requests_parts.details import cost_lines, sections
from app.pages.requests_parts.feed import RequestFeed
from app.pages.requests_parts.narrowing import add_narrowing
from app.pages.requests_parts.panel import RequestPanel
from app.pages.requests_parts.table_area import TableArea
from app.query_text import parse
from app.tables.column import PillText
from app.tables.model import WindowedModel
from app.tables.painter import CELL_PADDING
from app.tables.view import ROW_HEIGHT, TableView
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import IconButton
from app.widgets.curtain import Curtain
from gateway import (
    OUTCOMES,
    AttemptRecord,
    Changes,
    ClientError,
    CostExplanation,
    CostPart,
    ExchangeRecord,
    Export,
    FaregateError,
    PriceList,
    RequestPage,
    TagCondition,
    UsageQuery,
)
from gateway.read_api import render_row
from tests.app.accessible import unnamed
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.shown_page import open_row
from tests.app.turns import Turns

USAGE = Changes(usage=True)
NO_MODIFIER = Qt.KeyboardModifier.NoModifier


def now_us() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway(900, now_us=now_us() - 5_000_000)


@pytest.fixture
def context(theme: Theme, gateway: FakeGateway, turns: Turns) -> AppContext:
    filters = FilterState(tz="Europe/Berlin")
    filters.set_range("30d")
    return AppContext(gateway, theme, filters, turns)  # type: ignore[arg-type]


def show(qtbot: QtBot, page: RequestsPage, turns: Turns) -> RequestsPage:
    qtbot.addWidget(page)
    page.resize(1220, 840)
    page.show()
    page.on_shown()
    turns(page.refresh(Changes(usage=True, keys=True, providers=True, state=True)))
    turns.run()
    return page


@pytest.fixture
def page(qtbot: QtBot, context: AppContext, turns: Turns) -> RequestsPage:
    return show(qtbot, RequestsPage(context), turns)


def test_it_is_read_once_where_others_know_already_what_providers_are_called(
    qtbot: QtBot, context: AppContext, gateway: FakeGateway, turns: Turns
) -> None:
    turns(context.provider_names.read())
    turns.run()
    page = show(qtbot, RequestsPage(context), turns)
    assert [call.split()[0] for call in gateway.calls].count("requests") == 1
    assert "provider:openai" in page.filter_field.suggestions("provider:open")


def refresh(page: RequestsPage, turns: Turns) -> None:
    """What the window does once a second when usage has changed."""
    turns(page.refresh(USAGE))
    turns.run()


async def failing(*_asked: object, **_more: object) -> Any:
    raise FaregateError("The disk is full.")


def cell(page: RequestsPage, row: int, key: str) -> str:
    section = next(number for number, column in enumerate(page.model.columns) if column.key == key)
    return str(page.model.index(row, section).data())


def newer(row: ExchangeRecord, number: int, **fields: object) -> ExchangeRecord:
    return msgspec.structs.replace(row, id=f"new_{number}", started_us=now_us(), **fields)


def drawn(widget: QWidget) -> QImage:
    return widget.grab().toImage()


# the table


def test_cells_equal_the_rows(page: RequestsPage, gateway: FakeGateway) -> None:
    titles = {row.name: row.title for row in gateway.provider_list}
    rows = gateway.rows
    assert page.model.rowCount() == len(rows) == 900
    for number in (0, 1, 7, 100, 255):
        row = rows[number]
        assert cell(page, number, "model") == row.model
        assert cell(page, number, "provider") == titles[str(row.provider)]
        assert cell(page, number, "key") == row.key
        assert cell(page, number, "user") == (row.end_user or "—")
        assert cell(page, number, "tags") == ", ".join(row.tags)
        assert cell(page, number, "status") == str(row.status)
        assert cell(page, number, "input_tokens") == ("—" if row.input_tokens is None else f"{row.input_tokens:,}")
        assert cell(page, number, "output_tokens") == ("—" if row.output_tokens is None else f"{row.output_tokens:,}")
        expected = "—" if row.cost_nano is None else f"${row.cost_nano / 1e9:.6f}"
        assert cell(page, number, "cost") == expected
        assert cell(page, number, "attempts") == "1"


def test_each_column_shows_a_field_of_its_own() -> None:
    attempt = AttemptRecord(n=1, provider="anthropic", model="m", started_us=NOW_US, latency_us=5)
    row = ExchangeRecord(
        id="r", started_us=NOW_US, door="messages", key_id="k", key="ci", principal="li", provider="anthropic",
        model_requested="sonnet", model="claude-sonnet-4-6", conversation_id="c-1", tags=("team:a", "beta"),
        streamed=True, status=429, outcome="error", error_message="Too many.", input_tokens=3333, cached_tokens=11,
        output_tokens=444, reasoning_tokens=22, usage_source="provider", cost_nano=1_234_567, cost_source="list",
        latency_us=2_100_000, ttft_us=947_000, overhead_us=1_300, client="Claude Code", app="shop",
        attempts=(attempt, attempt),
    )  # fmt: skip
    columns = {column.key: column for column in request_columns(str.title)}
    assert {key: column.text(row) for key, column in columns.items() if key != "time"} == {
        "status": "429",
        "model": "claude-sonnet-4-6",
        "provider": "Anthropic",
        "key": "ci",
        "user": "li",
        "tags": "team:a, beta",
        "input_tokens": "3,333",
        "output_tokens": "444",
        "cost": "$0.001235",
        "ttft": "947 ms",
        "latency": "2.10 s",
        "cached_tokens": "11",
        "reasoning_tokens": "22",
        "stream": "yes",
        "door": "messages",
        "client": "Claude Code",
        "app": "shop",
        "cause": "Too many.",
        "overhead": "1 ms",
        "conversation": "c-1",
        "model_requested": "sonnet",
        "attempts": "2",
        "usage_source": "provider",
        "cost_source": "list",
    }
    status = columns["status"].tooltip
    assert status is not None and status(row) == "Too many."


def test_an_unknown_cost_is_a_dash(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    gateway.put(newer(gateway.rows[0], 1, cost_nano=None, cost_source="none"))
    gateway.put(newer(gateway.rows[0], 2, cost_nano=0))
    refresh(page, turns)
    assert [cell(page, row, "cost") for row in (0, 1)] == ["$0.000000", "—"]


@pytest.mark.parametrize(
    ("fields", "word", "kind"),
    [
        ({"outcome": "ok", "status": 200}, "200", "ok"),
        ({"outcome": "error", "status": 429}, "429", "bad"),
        ({"outcome": "aborted", "status": 499}, "Aborted", "warn"),
        ({"outcome": "interrupted", "status": 0}, "Interrupted", "bad"),
    ],
)
def test_status_says_how_it_ended(gateway: FakeGateway, fields: dict[str, object], word: str, kind: str) -> None:
    row = newer(gateway.rows[0], 1, **fields)
    status = next(column for column in request_columns(str) if column.key == "status")
    assert status.pills is not None
    assert (status.text(row), status.pills(row)) == (word, (PillText(word, kind),))


def test_newest_first_and_counted_in_the_subtitle(context: AppContext, qtbot: QtBot, turns: Turns) -> None:
    page = RequestsPage(context)
    subtitles = QSignalSpy(page.subtitle)
    show(qtbot, page, turns)
    assert subtitles.at(subtitles.count() - 1) == ["900 in range"]
    context.filters.set_range("custom", (1, now_us()))
    turns.run()
    days = context.filters.words(now_us())
    assert days.startswith("1 Jan 1970") and subtitles.at(subtitles.count() - 1) == [f"900 in range · {days}"]
    times = [page.model.held(row).started_us for row in range(200)]  # type: ignore[union-attr]
    assert times == sorted(times, reverse=True)


def test_optional_columns_are_shown_by_the_menu(page: RequestsPage, qtbot: QtBot) -> None:
    assert "Door" not in [column.title for column in page.view.shown_columns()]
    qtbot.mouseClick(page.columns_button, Qt.MouseButton.LeftButton)
    menu = page.findChild(QWidget, "columns_menu")
    titles = [action.text() for action in menu.actions()]
    optional = ["Cached", "Reasoning", "Stream", "Door", "Client", "Conversation", "Requested model", "Attempts"]
    assert [title for title in [*optional, "Usage source", "Cost source"] if title not in titles] == []
    next(action for action in menu.actions() if action.text() == "Door").trigger()
    menu.close()
    assert "Door" in [column.title for column in page.view.shown_columns()]


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_several_columns_are_ticked_in_one_go(page: RequestsPage, qtbot: QtBot, by: str) -> None:
    """The menu was opened anew for each of them."""
    qtbot.mouseClick(page.columns_button, Qt.MouseButton.LeftButton)
    menu = page.findChild(QMenu, "columns_menu")
    assert menu is not None
    qtbot.waitUntil(menu.isVisible)
    wanted = {"Door", "Client", "Cached"}
    for action in menu.actions():
        if action.text() not in wanted:
            continue
        place = menu.actionGeometry(action).center()
        if by == "mouse":
            qtbot.mouseMove(menu, place)
            menu.setActiveAction(action)
            qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
        else:
            menu.setActiveAction(action)
            qtbot.keyClick(menu, Qt.Key.Key_Space)
        assert menu.isVisible() and action.isChecked()
    assert wanted <= {column.title for column in page.view.shown_columns()}
    usual = menu.actions()[-1]
    menu.setActiveAction(usual)
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(usual).center())
    assert not menu.isVisible(), "what is done at once closes it"
    assert wanted.isdisjoint({column.title for column in page.view.shown_columns()})


# a million rows


class Million(FakeGateway):
    """Rows made where they are asked for, from `newest` back, one each 2 ms."""

    count = 1_000_000

    def __init__(self) -> None:
        super().__init__(1, now_us=now_us() - 5_000_000)
        self.template = self.rows[0]
        self.newest = self.now_us

    def row(self, number: int) -> ExchangeRecord:
        return msgspec.structs.replace(
            self.template, id=f"req_{number}", started_us=self.newest - number * 2_000, input_tokens=number
        )

    async def request_count(self, query: UsageQuery) -> int:
        self._note("request_count")
        return self.count

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage:
        self._note(f"requests {limit} {offset}")
        return RequestPage(rows=tuple(self.row(n) for n in range(offset, min(offset + limit, self.count))))


def test_a_million_rows_are_read_a_page_at_a_time_and_never_in_the_turn_that_paints(
    theme: Theme, turns: Turns, qtbot: QtBot
) -> None:
    gateway = Million()
    filters = FilterState(tz="UTC")
    page = show(qtbot, RequestsPage(AppContext(gateway, theme, filters, turns)), turns)  # type: ignore[arg-type]
    assert page.model.rowCount() == 1_000_000
    assert [call for call in gateway.calls if call.startswith("requests")] == ["requests 256 0"]
    gateway.calls.clear()
    page.view.scrollToBottom()
    drawn(page.view)
    assert gateway.calls == [], "the turn that paints only queues"
    assert len(turns.waiting) <= 2
    turns.run()
    assert len(gateway.calls) <= 2
    first, last = page.view.visible_rows()
    assert last == 999_999
    assert [page.model.held(row) for row in range(first, last + 1)] == [
        gateway.row(row) for row in range(first, last + 1)
    ]
    assert cell(page, 999_999, "input_tokens") == "1M"
    assert cell(page, 999_970, "time") == formats.clock(gateway.row(999_970).started_us)


# filters


def test_typed_filters_become_chips_and_the_list(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, qtbot: QtBot, turns: Turns
) -> None:
    field = page.filter_field.field
    qtbot.keyClicks(field, "model:claude status:ok -tag:env:dev")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    turns.run()
    assert field.text() == ""
    models = ("claude-sonnet-4.5", "claude-haiku-4.5")
    assert sorted(context.filters.dimensions["model"]) == sorted(models)
    assert context.filters.dimensions["outcome"] == ("ok",)
    assert context.filters.tags == (TagCondition(("env:dev",), negated=True),)
    expected = [
        row for row in gateway.rows if row.model in models and row.outcome == "ok" and "env:dev" not in row.tags
    ]
    assert page.model.rowCount() == len(expected) > 0
    assert [page.model.held(row) for row in range(20)] == expected[:20]


def test_a_conversation_is_typed_by_its_id(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, qtbot: QtBot, turns: Turns
) -> None:
    """Without a list of all conversations, of which a year has hundreds of thousands."""
    id = "run-1"
    gateway.rows = [
        msgspec.structs.replace(row, conversation_id=f"run-{number % 30}") for number, row in enumerate(gateway.rows)
    ]
    gateway.calls.clear()
    qtbot.keyClicks(page.filter_field.field, f"conversation:{id}")
    qtbot.keyClick(page.filter_field.field, Qt.Key.Key_Return)
    turns.run()
    assert context.filters.dimensions["conversation"] == (id,)
    assert "breakdown conversation" not in gateway.calls
    assert page.model.rowCount() == sum(row.conversation_id == id for row in gateway.rows)


def test_a_part_of_very_many_conversations_ids_is_no_filter_and_says_why(
    page: RequestsPage,
    gateway: FakeGateway,
    context: AppContext,
    qtbot: QtBot,
    turns: Turns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def too_many(query: UsageQuery, text: str) -> tuple[str, ...]:
        raise ClientError("More than 200 conversations have that in their id: write more of it.")

    monkeypatch.setattr(gateway, "conversations_named", too_many)
    field = page.filter_field
    qtbot.keyClicks(field.field, "conversation:run status:ok")
    qtbot.keyClick(field.field, Qt.Key.Key_Return)
    turns.run()
    assert not context.filters.is_filtered and page.model.rowCount()
    assert field.field.text() == "conversation:run status:ok"
    assert field.problem.isVisible() and field.problem.text().startswith("More than 200 conversations")


def test_numbers_and_free_text_are_typed_too(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, qtbot: QtBot, turns: Turns
) -> None:
    qtbot.keyClicks(page.filter_field.field, "cost:>0.001 latency:<3s tokens:>2k status:<400 ana")
    qtbot.keyClick(page.filter_field.field, Qt.Key.Key_Return)
    turns.run()
    chips = [chip.text() for chip in page.filter_bar.chips]
    assert chips == ["Cost > $0.001", "Latency < 3 s", "Tokens > 2,000", "Status < 400", "“ana”"]
    expected = [
        row
        for row in gateway.rows
        if (row.cost_nano or 0) > 1_000_000
        and row.latency_us is not None
        and row.latency_us < 3_000_000
        and (row.input_tokens or 0) + (row.output_tokens or 0) > 2000
        and row.status < 400
        and "ana" in f"{row.model} {row.user} {row.key}"
    ]
    assert page.model.rowCount() == len(expected) > 5
    assert [page.model.held(row) for row in range(5)] == expected[:5]
    for chip in page.filter_bar.chips:
        chip.removed.emit()
    turns.run()
    assert not context.filters.is_filtered
    assert page.model.rowCount() == 900


def test_what_is_typed_is_added_to_what_was_chosen(
    page: RequestsPage, context: AppContext, qtbot: QtBot, turns: Turns
) -> None:
    chosen = parse("model:o3 provider:xai tag:team:a status:>=400 ana")
    context.filters.restore(
        FilterSnapshot(
            range_key="30d", dimensions=chosen.dimensions, tags=chosen.tags, numbers=chosen.numbers, text=chosen.text
        )
    )
    turns.run()
    qtbot.keyClicks(page.filter_field.field, "model:gpt-none tag:env:dev cost:<1 li")
    qtbot.keyClick(page.filter_field.field, Qt.Key.Key_Return)
    turns.run()
    both = parse("model:o3,gpt-none provider:xai tag:team:a tag:env:dev status:>=400 cost:<1 ana li")
    filters = context.filters.snapshot()
    assert (filters.dimensions, filters.tags) == (both.dimensions, both.tags)
    assert (filters.numbers, filters.text) == (both.numbers, both.text)


def row_menu(page: RequestsPage, row: int) -> dict[str, dict[str, QAction]]:
    """The submenus of a row's menu by their titles."""
    at = QPoint(300, page.view.rowViewportPosition(row) + 5)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, page.view.viewport().mapToGlobal(at))
    QApplication.sendEvent(page.view.viewport(), event)
    menu = next(one for one in page.view.findChildren(QMenu, "rows_menu") if one.isVisible())
    menu.close()
    return {
        action.text(): {each.text(): each for each in submenu.actions()}
        for action in menu.actions()
        if isinstance(submenu := action.menu(), QMenu)
    }


def test_a_rows_facts_narrow_the_list(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, turns: Turns
) -> None:
    number = next(n for n, row in enumerate(gateway.rows[:20]) if row.user and len(row.tags) > 1)
    row = gateway.rows[number]
    menus = row_menu(page, number)
    assert f"User: {row.user}" in menus["Show only"] and f"Model: {row.model}" in menus["Show only"]
    menus["Show only"][f"User: {row.user}"].trigger()
    turns.run()
    assert context.filters.dimensions == {"user": (row.user,)}
    assert page.model.rowCount() == sum(one.user == row.user for one in gateway.rows)
    key, _, value = row.tags[0].partition(":")
    row_menu(page, 0)
    left_out = next(n for n in range(20) if page.model.held(n) is not None and row.tags[0] in page.model.held(n).tags)  # type: ignore[union-attr]
    row_menu(page, left_out)["Leave out"][f"{key}: {value}"].trigger()
    turns.run()
    assert context.filters.tags == (TagCondition((row.tags[0],), negated=True),)
    expected = sum(one.user == row.user and row.tags[0] not in one.tags for one in gateway.rows)
    assert page.model.rowCount() == expected
    assert [chip.text() for chip in page.filter_bar.chips] == [f"{key}: not {value}", f"User: {row.user}"]


def test_one_value_stands_for_those_chosen_before_and_what_else_was_chosen_stays(
    gateway: FakeGateway, context: AppContext, qtbot: QtBot
) -> None:
    context.filters.restore(FilterSnapshot(dimensions={"model": ("o3",), "user": ("ana", "li")}))
    menu = QMenu()
    qtbot.addWidget(menu)
    add_narrowing(menu, msgspec.structs.replace(gateway.rows[0], end_user="R&D", tags=()), context.filters)
    only = menu.actions()[-1].menu()
    assert only is not None
    # A single ampersand would underline the letter behind it.
    next(action for action in only.actions() if action.text() == "User: R&&D").trigger()
    assert context.filters.dimensions == {"model": ("o3",), "user": ("R&D",)}


def test_a_word_that_is_no_filter_is_told_and_kept(
    page: RequestsPage, context: AppContext, qtbot: QtBot, turns: Turns
) -> None:
    field, problem = page.filter_field.field, page.filter_field.problem
    qtbot.keyClicks(field, "modl:gpt")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    turns.run()
    assert problem.isVisible() and field.property("invalid"), "its frame is red"
    assert "Did you mean model:?" in problem.text()
    assert field.text() == "modl:gpt"
    assert not context.filters.is_filtered
    qtbot.keyClicks(field, "x")
    assert not problem.isVisible() and not field.property("invalid")
    field.setText("cost:abc")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert problem.isVisible() and field.property("invalid")
    field.clear()
    assert not problem.isVisible() and not field.property("invalid")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("mod", ["model:"]),
        ("-t", ["-tag:"]),
        ("-mod", []),
        ("lat", ["latency:"]),
        ("status:a", ["status:aborted"]),
        ("status:ok,int", ["status:ok,interrupted"]),
        ("provider:open", ["provider:openai"]),
        ("model:haiku", ["model:claude-haiku-4.5"]),
        ("nothing", []),
        ("", []),
    ],
)
def test_completion_offers_names_then_values(page: RequestsPage, typed: str, offered: list[str]) -> None:
    suggestions = page.filter_field.suggestions(typed)
    assert [one for one in suggestions if one in offered] == offered
    assert bool(suggestions) == bool(offered)


def test_completion_completes_the_word_at_the_cursor(page: RequestsPage, qtbot: QtBot) -> None:
    field = page.filter_field.field
    field.setFocus()
    qtbot.keyClicks(field, "user:ana sta")
    page.filter_field._completer.activated.emit("status:")
    assert field.text() == "user:ana status:"


def test_a_name_with_spaces_and_quotes_is_completed_within_its_quotes(page: RequestsPage, qtbot: QtBot) -> None:
    box = page.filter_field
    box.set_values({"user": ("Ana Maria", 'the "boss"', "ana")})
    assert box.suggestions("user:ana") == ['user:"Ana Maria"']
    assert box.suggestions('user:ana,"the \\"b') == ['user:ana,"the \\"boss\\""']
    box.field.setFocus()
    qtbot.keyClicks(box.field, 'status:ok user:"ana m')
    assert box._words.stringList() == ['user:"Ana Maria"']
    box._completer.activated.emit('user:"Ana Maria"')
    assert box.field.text() == 'status:ok user:"Ana Maria"'


def test_return_takes_what_is_chosen_and_asks_nothing_yet(
    page: RequestsPage, context: AppContext, qtbot: QtBot, turns: Turns
) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    field, popup = page.filter_field.field, page.filter_field._popup
    field.setFocus()
    for typed, name in (("mod", "model:"), ("stat", "status:")):
        qtbot.keyClicks(field, typed)
        qtbot.waitUntil(popup.isVisible)
        qtbot.keyClick(popup, Qt.Key.Key_Down)
        qtbot.keyClick(popup, Qt.Key.Key_Return)
        turns.run()
        assert (field.text(), context.filters.is_filtered) == (name, False)
        field.clear()
        popup.hide()
    qtbot.keyClicks(field, "mod")
    qtbot.waitUntil(popup.isVisible)
    # Nothing is chosen there: the word stands for itself.
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    turns.run()
    assert (field.text(), context.filters.text) == ("", ("mod",))


def test_the_values_of_a_name_that_was_taken_are_offered(page: RequestsPage, qtbot: QtBot) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    field = page.filter_field.field
    field.setFocus()
    qtbot.keyClicks(field, "stat")
    page.filter_field._completer.activated.emit("status:")
    qtbot.waitUntil(lambda: page.filter_field._words.stringList()[:2] == ["status:ok", "status:error"])
    popup = page.filter_field._popup
    assert popup.isVisible()
    assert popup.sizeHintForRow(0) >= 28, "as high as what else is chosen from"
    assert popup.verticalScrollBar().maximum() == 0
    popup.hide()


def test_details_that_another_list_does_not_hold_are_closed(
    page: RequestsPage, context: AppContext, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    open_row(page, qtbot, 0)
    shown = page.panel.record
    assert shown is not None
    other = next(row.model for row in gateway.rows if row.model != shown.model)
    context.filters.restore(FilterSnapshot(range_key="30d", dimensions={"model": (shown.model,)}))
    turns.run()
    assert page.drawer.isVisible() and page.panel.record is shown, "it is in this list too"
    page.filter_field.field.setFocus()
    context.filters.restore(FilterSnapshot(range_key="30d", dimensions={"model": (other,)}))
    turns.run()
    assert not page.drawer.isVisible()
    assert page.filter_field.field.hasFocus(), "who types there goes on"

    open_row(page, qtbot, 0)
    context.filters.shift_range(-1, now_us())
    turns.run()
    assert not page.drawer.isVisible(), "its time is another one"


@pytest.mark.parametrize("late", [0, 1], ids=["its list", "whether it holds them"])
def test_details_stay_where_filters_change_again_before_an_answer(
    page: RequestsPage,
    context: AppContext,
    gateway: FakeGateway,
    qtbot: QtBot,
    turns: Turns,
    monkeypatch: pytest.MonkeyPatch,
    late: int,
) -> None:
    """They were closed for a list that was never shown, or not any more."""
    open_row(page, qtbot, 0)
    shown = page.panel.record
    assert shown is not None
    other = next(row.model for row in gateway.rows if row.model != shown.model)
    questions, answer = itertools.count(), gateway.requests
    asked, go = asyncio.Event(), asyncio.Event()

    async def answered_late(query: UsageQuery, **which: Any) -> RequestPage:
        if next(questions) == late:
            asked.set()
            await go.wait()
        return await answer(query, **which)

    monkeypatch.setattr(gateway, "requests", answered_late)

    def begin(model: str | None) -> asyncio.Future[Any]:
        context.filters.restore(FilterSnapshot(range_key="30d", dimensions={"model": (str(model),)}))
        return asyncio.gather(*(turns.waiting.pop() for _ in tuple(turns.waiting)))

    async def change_twice() -> None:
        first = begin(other)
        await asked.wait()
        await begin(shown.model)
        go.set()
        await first

    asyncio.run(change_twice())
    turns.run()
    assert page.drawer.isVisible() and page.panel.record is shown


def test_details_that_close_by_themselves_leave_the_keyboard_below_a_dialog_where_it_was(
    page: RequestsPage, context: AppContext, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    open_row(page, qtbot, 0)
    page.filter_field.field.setFocus()
    dialog = QDialog(page)
    field = QLineEdit(dialog)
    dialog.open()
    qtbot.waitUntil(field.hasFocus)
    context.filters.restore(FilterSnapshot(range_key="30d", dimensions={"model": ("none of them",)}))
    turns.run()
    assert page.drawer.isHidden() and field.hasFocus()
    assert page.focusWidget() is page.filter_field.field


def test_details_that_were_asked_for_stay_beside_a_list_without_them(
    page: RequestsPage, context: AppContext, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    open_row(page, qtbot, 0)
    context.filters.restore(FilterSnapshot(range_key="30d", dimensions={"model": ("none of them",)}))
    page.show_target(RequestTarget(gateway.rows[5].id))
    turns.run()
    assert page.drawer.isVisible() and page.panel.record == gateway.rows[5]
    refresh(page, turns)
    assert page.drawer.isVisible()


def test_esc_closes_the_details_and_then_empties_the_field(page: RequestsPage, qtbot: QtBot, turns: Turns) -> None:
    with qtbot.waitActive(page):
        page.activateWindow()
    open_row(page, qtbot, 0)
    field, problem = page.filter_field.field, page.filter_field.problem
    field.setFocus()
    qtbot.keyClicks(field, "modl:gpt")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    turns.run()
    assert problem.isVisible() and page.drawer.isVisible()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert (page.drawer.isVisible(), field.text()) == (False, "modl:gpt")
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert (field.text(), problem.isVisible()) == ("", False)


@pytest.mark.parametrize(
    ("key", "modifier"), [(Qt.Key.Key_Slash, NO_MODIFIER), (Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)]
)
def test_a_key_goes_to_the_filter_field(
    page: RequestsPage, qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier
) -> None:
    page.view.setFocus()
    qtbot.keyClick(page.view, key, modifier)
    assert page.filter_field.field.hasFocus()


def test_ctrl_l_stops_and_starts_live(page: RequestsPage, qtbot: QtBot, turns: Turns) -> None:
    for on in (False, True):
        qtbot.keyClick(page.view, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
        turns.run()
        assert page.live.isChecked() is on


# columns


def titles(page: RequestsPage) -> list[str]:
    return [column.key for column in page.view.shown_columns()]


def header_menu(page: RequestsPage, key: str) -> dict[str, QAction]:
    """The menu of a column's title."""
    section = [column.key for column in page.model.columns].index(key)
    header = page.view.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(section) + 5, 10)
    header.customContextMenuRequested.emit(at)
    menu = [one for one in page.findChildren(QMenu, "columns_menu") if one.isVisible()][-1]
    menu.close()
    return {action.text(): action for action in menu.actions()}


def test_columns_are_picked_and_moved_by_their_header_and_remembered(
    page: RequestsPage, qtbot: QtBot, context: AppContext, turns: Turns
) -> None:
    usual = titles(page)
    assert not header_menu(page, "time")["Move Time left"].isEnabled()
    header_menu(page, "model")["Move Model left"].trigger()
    header_menu(page, "key")["User"].trigger()
    header_menu(page, "key")["Reasoning"].trigger()
    moved = ["time", "model", "status", *usual[3:]]
    expected = [key for key in moved if key != "user"] + ["reasoning_tokens"]
    assert titles(page) == expected
    page.view.horizontalHeader().resizeSection(0, 150)
    qtbot.waitUntil(lambda: bool(context.shell.preferences.kept("columns/requests")))
    qtbot.waitUntil(lambda: '"width":150' in context.shell.preferences.kept("columns/requests"))
    again = show(qtbot, RequestsPage(context), turns)
    assert titles(again) == expected
    assert again.view.columnWidth(0) == 150
    header_menu(again, "key")["The usual columns"].trigger()
    assert titles(again) == usual
    assert again.view.columnWidth(0) == 108


@pytest.mark.parametrize("kept", ["", "{", "[3]", '[{"key":"no","width":9,"shown":true}]'])
def test_columns_of_another_version_leave_the_usual_ones(page: RequestsPage, kept: str) -> None:
    usual = titles(page)
    page.view.restore_columns(kept)
    assert titles(page) == usual


def test_a_double_click_on_a_border_fits_what_is_shown(page: RequestsPage) -> None:
    section = [column.key for column in page.model.columns].index("key")
    first, last = page.view.visible_rows()
    keys = {str(page.model.index(row, section).data()) for row in range(first, last + 1)}
    metrics = QFontMetrics(ui_font(13))
    page.view.horizontalHeader().sectionHandleDoubleClicked.emit(section)
    widest = max(metrics.horizontalAdvance(key) for key in keys)
    assert widest + 20 <= page.view._widths[section] <= widest + 24


def test_rows_that_are_gone_are_told(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    assert not page.incomplete.isVisible()
    gateway.gone_until_us = 1_795_456_980_000_000
    refresh(page, turns)
    assert page.incomplete.isVisible()
    assert page.incomplete.text().startswith("Requests from before 23 Nov 2026, 19:03 are gone (retention)")


# live


def test_new_rows_come_in_at_the_top(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    old = gateway.rows[0]
    page.view.selectRow(0)
    for number in range(3):
        gateway.put(newer(old, number))
    refresh(page, turns)
    assert [page.model.held(row) for row in range(4)] == gateway.rows[:4]
    assert page.model.rowCount() == 903
    assert page.view.selected_ranges() == [(3, 3)], "the selection stays with its row"
    assert not page.area.pill.isVisible()


def test_scrolled_away_the_view_stands_still(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    page.view.verticalScrollBar().setValue(10 * ROW_HEIGHT)
    turns.run()
    before = drawn(page.view.viewport())
    for number in range(37):
        gateway.put(newer(gateway.rows[0], number))
    refresh(page, turns)
    assert drawn(page.view.viewport()) == before
    assert page.model.rowCount() == 900
    assert page.area.pill.isVisible()
    assert (page.area.pill.text(), page.area.pill.accessibleName()) == ("37 new", "37 new requests: show them")
    qtbot.mouseClick(page.area.pill, Qt.MouseButton.LeftButton)
    turns.run()
    assert page.view.verticalScrollBar().value() == 0
    assert page.model.held(0) == gateway.rows[0]
    assert not page.area.pill.isVisible()


def test_scrolling_back_to_the_top_lets_them_in(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    page.view.verticalScrollBar().setValue(10 * ROW_HEIGHT)
    gateway.put(newer(gateway.rows[0], 1))
    refresh(page, turns)
    page.view.verticalScrollBar().setValue(0)
    turns.run()
    assert page.model.held(0) == gateway.rows[0]
    assert not page.area.pill.isVisible()


def test_rows_read_while_standing_still_are_the_right_ones(
    page: RequestsPage, gateway: FakeGateway, turns: Turns
) -> None:
    """Also where a long request ends late and slips in below the newest."""
    before = list(gateway.rows)
    page.view.verticalScrollBar().setValue(10 * ROW_HEIGHT)
    turns.run()
    gateway.put(newer(before[0], 1))
    gateway.rows.insert(3, msgspec.structs.replace(before[2], id="late", started_us=before[2].started_us - 1))
    refresh(page, turns)
    assert page.area.pill.text() == "2 new"
    page.model.row(700)
    turns.run()
    assert page.model.held(700) == before[700]


def test_live_off_stands_still_at_the_top(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    qtbot.mouseClick(page.live, Qt.MouseButton.LeftButton)
    gateway.put(newer(gateway.rows[0], 1))
    refresh(page, turns)
    assert page.model.held(0) == gateway.rows[1]
    assert page.area.pill.text() == "1 new"
    qtbot.mouseClick(page.live, Qt.MouseButton.LeftButton)
    turns.run()
    assert page.model.held(0) == gateway.rows[0]


def test_more_new_rows_than_a_page_open_the_list_anew(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    for number in range(300):
        gateway.rows.insert(0, newer(gateway.rows[0], number))
    refresh(page, turns)
    assert page.model.rowCount() == 1_200
    for row in (0, 255, 256, 299, 300, 1_199):
        page.model.row(row)
        turns.run()
        assert page.model.held(row) == gateway.rows[row]


def test_an_answer_to_a_query_that_was_left_is_thrown_away(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, turns: Turns
) -> None:
    context.filters.set_dimension("model", ("gpt-5.1",))
    context.filters.set_dimension("model", ("grok-4.1-fast",))
    assert len(turns.waiting) == 2
    turns.waiting.reverse()
    turns.run()
    models = {page.model.held(row).model for row in range(min(page.model.rowCount(), 20))}  # type: ignore[union-attr]
    assert models == {"grok-4.1-fast"}


async def test_what_comes_late_for_a_list_that_was_left_shows_and_counts_nothing(
    qtbot: QtBot, gateway: FakeGateway, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = RequestFeed(context)
    model: WindowedModel[ExchangeRecord] = WindowedModel(request_columns(str), feed.read, context.spawn)
    waiting: list[int] = []
    feed.pending.connect(waiting.append)
    requests, count, gate = gateway.requests, gateway.request_count, asyncio.Event()

    async def slow(query: UsageQuery, **page: Any) -> RequestPage:
        if query.outcome == ("ok",):
            await gate.wait()
        return await requests(query, **page)

    async def slow_count(query: UsageQuery) -> int:
        await gate.wait()
        return await count(query)

    monkeypatch.setattr(gateway, "requests", slow)
    left = asyncio.create_task(feed.open(model, UsageQuery(outcome=("ok",))))
    await asyncio.sleep(0)
    await feed.open(model, UsageQuery())
    gate.set()
    await left
    assert model.rowCount() == 900, "the list that was asked for last stands"

    gateway.put(newer(gateway.rows[0], 1))
    gateway.put(newer(gateway.rows[0], 2))
    await feed.advance(model, UsageQuery(), at_top=True)
    for number in (3, 4, 5):
        gateway.put(newer(gateway.rows[0], number))
    waiting.clear()
    await feed.advance(model, UsageQuery(), at_top=False)
    assert (model.rowCount(), waiting) == (902, [3]), "those that came in at the top wait no more"

    gate.clear()
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "request_count", slow_count)
        late = asyncio.create_task(feed.advance(model, UsageQuery(), at_top=False))
        await asyncio.sleep(0)
    await feed.open(model, UsageQuery())
    waiting.clear()
    gate.set()
    await late
    assert (model.rowCount(), waiting) == (905, [])


# details


def texts(page: RequestsPage) -> list[str]:
    return [label.text() for label in page.drawer.findChildren(QLabel)]


def test_a_click_opens_the_details_and_esc_closes_them(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    assert not page.drawer.isVisible()
    qtbot.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(40, 2 * ROW_HEIGHT + 5))
    row = gateway.rows[2]
    qtbot.waitUntil(page.drawer.isVisible)
    shown = texts(page)
    for expected in (
        row.id,
        row.model,
        row.key,
        row.door,
        f"{row.input_tokens:,}",
        f"${(row.cost_nano or 0) / 1e9:.6f}",
    ):
        assert expected in shown
    assert "counted by the provider" in shown
    qtbot.keyClick(page.view, Qt.Key.Key_Escape)
    assert not page.drawer.isVisible()
    assert page.view.hasFocus()
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    qtbot.waitUntil(page.drawer.isVisible)
    page.drawer.close_button.setFocus()
    qtbot.keyClick(page.drawer.close_button, Qt.Key.Key_Space)
    assert not page.drawer.isVisible() and page.view.hasFocus(), "arrows go on through the list"


def test_details_follow_the_keyboard(page: RequestsPage, gateway: FakeGateway, qtbot: QtBot) -> None:
    page.view.setFocus()
    page.view.selectRow(0)
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    qtbot.waitUntil(page.drawer.isVisible)
    assert gateway.rows[0].id in texts(page)
    qtbot.keyClick(page.view, Qt.Key.Key_Down)
    qtbot.keyClick(page.view, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: page.panel.record == gateway.rows[2])
    assert gateway.rows[2].id in texts(page)


def test_a_row_is_told_and_its_drawer_opened_in_two_turns(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot
) -> None:
    at = QPoint(40, 2 * ROW_HEIGHT + 5)
    qtbot.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert page.panel.record == gateway.rows[2] and not page.drawer.isVisible()
    qtbot.keyClick(page.view, Qt.Key.Key_Down)
    qtbot.waitUntil(page.drawer.isVisible)
    assert page.panel.record == gateway.rows[3], "a key has gone on before it was open"
    # Where it is open, none is left that would open it once more.
    qtbot.mouseClick(page.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert not page._opening._timer.isActive()


def test_details_say_the_same_whether_lines_are_reused_or_new(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, turns: Turns
) -> None:
    """Walking through rows keeps widgets; what they say must not depend on the way."""
    failed = next(row for row in gateway.rows if row.outcome == "error")
    unpriced = next(row for row in gateway.rows if row.cost_nano is None)
    attempts = gateway.rows[0].attempts * 2
    several = msgspec.structs.replace(gateway.rows[0], attempts=attempts, conversation_id="c1", byok=True)
    for row in (gateway.rows[0], gateway.rows[1], failed, unpriced, several, gateway.rows[0]):
        page.panel.show_record(row, str.title, UNEXPLAINED)
        assert page.panel.body is not None
        walked = [label.text() for label in page.panel.body.findChildren(QLabel)]
        fresh = RequestPanel(context.theme)
        fresh.show_record(row, str.title, UNEXPLAINED)
        assert fresh.body is not None
        assert walked == [label.text() for label in fresh.body.findChildren(QLabel)]
        assert row.id in walked
        fresh.deleteLater()


def test_lines_of_a_new_shape_are_made_in_turns(theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seventy widgets made at once held the loop for as long as a whole page's paint."""
    rows = [msgspec.structs.replace(RECORD, id=f"req_{n}", app="a" * n) for n in range(3)]
    whole = RequestPanel(theme)
    panel = RequestPanel(theme)
    for each in (whole, panel):
        qtbot.addWidget(each)

    def said(shown: RequestPanel) -> list[str]:
        assert shown.body is not None
        return [label.text() for label in shown.body.findChildren(QLabel)]

    whole.show_record(rows[1], str.title, UNEXPLAINED)
    monkeypatch.setattr("app.parts.in_turns.BUDGET_S", -1.0)
    panel.show_record(rows[0], str.title, UNEXPLAINED)
    left = panel.body
    panel.show_record(rows[1], str.title, UNEXPLAINED)
    assert left is not None and left is not panel.body and not left.complete
    assert panel.body is not None and not panel.body.isVisibleTo(panel), "laid out and painted once, at the end"
    turns = [len(said(panel))]
    while panel.body is not None and panel.body.isHidden():
        panel.turns.go_on()
        turns.append(len(said(panel)))
    assert said(panel) == said(whole) and panel.body is not None and panel.body.isVisibleTo(panel)
    steps = [after - before for before, after in itertools.pairwise(turns)]
    assert len(steps) > 8 and max(steps) <= 5, "a line with its heading, and no more"
    # Another request of that shape, before and after its end; what was left before it goes on.
    panel.show_record(rows[2], str.title, UNEXPLAINED)
    assert rows[2].id in said(panel)
    panel.show_record(rows[0], str.title, UNEXPLAINED)
    assert panel.body is left
    qtbot.waitUntil(lambda: left.complete)
    assert rows[0].id in said(panel)


def test_the_lines_of_the_shapes_that_were_shown_last_are_kept(theme: Theme, qtbot: QtBot) -> None:
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    shapes = [
        msgspec.structs.replace(RECORD, tags=("a",) * bool(n & 1), app="a" * (n & 2), end_user="u" * (n & 4))
        for n in range(8)
    ]

    def body_of(row: ExchangeRecord) -> RequestBody:
        panel.show_record(row, str.title, UNEXPLAINED)
        assert panel.body is not None and panel.body.isVisibleTo(panel)
        return panel.body

    first, second = body_of(shapes[0]), body_of(shapes[1])
    assert first is not second and not first.isVisibleTo(panel)
    assert [body_of(row) for row in (*shapes[:2], *shapes[:2])] == [first, second, first, second]
    bodies = [body_of(row) for row in (*shapes[2:], shapes[0])]
    assert len(set(map(id, bodies))) == 7
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert len(panel.findChildren(RequestBody)) == 4, "more would only take memory"


@pytest.mark.parametrize("width", [400, 419])
def test_nothing_in_the_details_is_cut_off_at_the_edge(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, theme: Theme, width: int
) -> None:
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(width, 500)
    panel.show()
    record = msgspec.structs.replace(
        gateway.rows[0], trace_id="4bf92f3577b34da6a3ce929d0e0e4736", outcome="error", status=429
    )
    panel.show_record(record, str.title, UNEXPLAINED)
    QApplication.processEvents()
    body = panel.widget()
    assert body.width() == panel.viewport().width()
    for label in body.findChildren(QLabel):
        assert label.mapTo(body, label.rect().topRight()).x() < body.width(), label.text()


def test_ids_can_be_copied(page: RequestsPage, gateway: FakeGateway, qtbot: QtBot) -> None:
    open_row(page, qtbot, 0)
    open_row(page, qtbot, 1)
    button = next(
        one
        for one in page.panel.findChildren(IconButton)
        if one.isVisibleTo(page.panel) and one.accessibleName() == "Copy request"
    )
    with qtbot.waitSignal(page.toast) as toast:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == gateway.rows[1].id
    assert toast.args == ["Request copied"]


def test_an_error_is_told_in_plain_words(
    page: RequestsPage, gateway: FakeGateway, turns: Turns, qtbot: QtBot
) -> None:
    words = "OpenAI's rate limit was reached; wait 12 s and send it again."
    gateway.put(newer(gateway.rows[0], 1, outcome="error", status=429, error_message=words))
    refresh(page, turns)
    open_row(page, qtbot, 0)
    banner = page.panel.findChild(QWidget, "request_cause")
    assert banner.accessibleName() == words


RECORD = ExchangeRecord(id="r", started_us=1, door="chat", key_id="k", key="ci", status=200, outcome="ok")


def test_what_a_comparisons_requests_are_is_read_before_its_number() -> None:
    tags = next(column for column in request_columns(str) if column.key == "tags")
    row = msgspec.structs.replace(RECORD, tags=("compare:cmp_1", "env:dev", "source:compare"))
    assert tags.pills is not None
    assert [pill.text for pill in tags.pills(row)] == ["env:dev", "source:compare", "compare:cmp_1"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, None),
        ({"outcome": "aborted", "status": 499}, "The client left"),
        ({"outcome": "interrupted"}, "The gateway stopped"),
        ({"outcome": "error", "error_type": "rate_limited", "status": 429}, "rate limit"),
        ({"outcome": "error", "error_type": "never_heard_of", "status": 418}, "status 418"),
        ({"outcome": "error", "error_message": "It broke; mend it."}, "It broke; mend it."),
    ],
)
def test_every_ending_has_a_cause(fields: dict[str, object], words: str | None) -> None:
    found = cause(msgspec.structs.replace(RECORD, **fields))
    assert (found is None) == (words is None)
    assert words is None or words in str(found)


UNEXPLAINED = CostExplanation(cost_nano=None, source="none")
EXPLAINED = CostExplanation(
    cost_nano=3_751_000,
    source="list",
    price_id="m",
    parts=(
        CostPart(unit="cached", count=1_000, price_usd="0.3335", per=1_000_000, amount_nano="333500"),
        CostPart(unit="input", count=2_000, price_usd="1.7087505", per=1_000_000, amount_nano="3417501"),
        CostPart(unit="web searches", count=1, price_usd="10", per=1000, amount_nano="0"),
    ),
    exact_nano="3751000.5",
    tier_above=200_000,
    price_list=PriceList(version="0.2.3", fetched_us=None, models=9),
    notes=("The list has no price for service tier flex: it counts at the standard price.",),
)


def test_a_cost_is_spelt_out_as_it_was_worked_out() -> None:
    lines = [(line.label, line.value, line.note) for line in cost_lines(EXPLAINED)]
    assert lines == [
        ("Input", "$0.0034175", "2,000 × $1.7087505 per million"),
        ("Cached input", "$0.0003335", "1,000 × $0.3335 per million"),
        ("Web searches", "$0.0000000", "1 × $10.00 per thousand"),
        ("Rounded", "from $0.0037510005", "half to even"),
        ("Tier", "above 200,000 input tokens", "the whole request is priced so"),
        ("Price list", "genai-prices 0.2.3, bundled with Faregate", ""),
        ("To know", "The list has no price for service tier flex: it counts at the standard price.", ""),
    ]
    fetched = PriceList(version=None, fetched_us=1_796_083_200_000_000, models=9)
    exact = msgspec.structs.replace(
        EXPLAINED, exact_nano="3751000", parts=(), tier_above=None, notes=(), price_list=fetched
    )
    assert [(line.label, line.value) for line in cost_lines(exact)] == [("Price list", "fetched on 1 Dec 2026")]


def test_the_parts_of_a_cost_come_to_its_total() -> None:
    parts = (
        CostPart(unit="cached", count=3_349, price_usd="0.03", per=1_000_000, amount_nano="100470"),
        CostPart(unit="input", count=2_134, price_usd="0.3", per=1_000_000, amount_nano="640200"),
        CostPart(unit="output", count=284, price_usd="2.5", per=1_000_000, amount_nano="710000"),
    )
    explained = msgspec.structs.replace(UNEXPLAINED, cost_nano=1_450_670, parts=parts)
    (cost,) = (
        section
        for section in sections(msgspec.structs.replace(RECORD, cost_nano=1_450_670), str, explained)
        if section.title == "Cost"
    )
    total, *shown = (Decimal(line.value.removeprefix("$")) for line in cost.lines)
    assert total == Decimal("0.001451") == round(sum(shown), 6), "with six decimals each they came to 0.001450"


def test_long_names_do_not_make_the_details_wider_than_their_drawer(qtbot: QtBot, theme: Theme) -> None:
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(420, 600)
    panel.show()
    name = "a-model-whose-name-is-very-long-and-has-its-date-2026-11-28"
    row = msgspec.structs.replace(
        RECORD, model=name, model_requested=f"{name}-preview", end_user="u" * 90, app="a" * 90
    )
    panel.show_record(row, str, EXPLAINED)
    QApplication.processEvents()
    body = panel.widget()
    assert body is not None and body.width() <= panel.viewport().width()


@pytest.mark.parametrize("notes", [(), ("No price is known, so it counts in no sum.",)], ids=["none", "one"])
def test_that_no_price_is_known_is_said_once(notes: tuple[str, ...]) -> None:
    row = msgspec.structs.replace(RECORD, cost_nano=None, cost_source="none", price_id=None, usage_source="provider")
    explanation = msgspec.structs.replace(UNEXPLAINED, notes=notes)
    cost = next(part for part in sections(row, str, explanation) if part.title == "Cost")
    words = [word.casefold() for line in cost.lines for word in (line.value, line.note)]
    assert sum("no price is known, so it counts in no sum" in word for word in words) == 1


@pytest.mark.parametrize(
    ("outcome", "note"), [("interrupted", "what it used is not known"), ("error", "nothing was counted")]
)
def test_that_no_use_is_known_is_no_cost_of_zero(outcome: str, note: str) -> None:
    row = msgspec.structs.replace(
        RECORD,
        provider="openai",
        cost_nano=None,
        cost_source="none",
        usage_source="none",
        outcome=outcome,
        latency_us=None,
        attempts=(),
    )
    cost = next(part for part in sections(row, str, UNEXPLAINED) if part.title == "Cost")
    assert [(line.label, line.value, line.note) for line in cost.lines] == [("Total", formats.UNKNOWN, note)]


def test_a_price_of_ones_own_and_how_the_answer_was_served_are_named() -> None:
    row = msgspec.structs.replace(
        RECORD,
        cost_nano=3_750_000,
        cost_source="override",
        price_id="override:4",
        price_fuzzy=False,
        service_tier="priority",
        speed="fast",
        inference_geo="us",
    )
    own = CostExplanation(
        cost_nano=3_750_000,
        source="override",
        price_id="override:4",
        parts=(CostPart(unit="request", count=1, price_usd="0.00375", per=1, amount_nano="3750000"),),
        exact_nano="3750000",
    )
    cost = next(part for part in sections(row, str, own) if part.title == "Cost")
    assert [(line.label, line.value, line.note) for line in cost.lines] == [
        ("Total", "$0.003750", "your own price of override:4"),
        ("Request", "$0.003750", "1 × $0.00375 each"),
        ("Service tier", "priority", ""),
        ("Speed", "fast", ""),
        ("Inference in", "us", ""),
    ]


def test_details_name_every_fact() -> None:
    row = msgspec.structs.replace(
        RECORD,
        model_requested="fast",
        model="m",
        provider="openai",
        principal="team",
        end_user="ana",
        byok=True,
        dropped=("seed", "logit_bias"),
        adapted=("tools",),
        latency_us=1_000_000,
        overhead_us=2_000,
        ttft_us=300_000,
        input_tokens=10,
        cached_tokens=4,
        cache_write_tokens=2,
        cache_write_1h_tokens=1,
        output_tokens=5,
        reasoning_tokens=3,
        web_searches=6,
        usage_source="partial",
        cost_nano=7,
        cost_source="list",
        price_id="m-2026",
        price_fuzzy=True,
        tags=("team:a", "env:b"),
        conversation_id="c1",
        trace_id="t1",
        upstream_request_id="up1",
        attempts=(AttemptRecord(n=1, provider="openai", model="m", started_us=1, latency_us=5, status=429),),
    )
    said = {
        (line.label, line.value, line.note) for part in sections(row, str.title, UNEXPLAINED) for line in part.lines
    }
    for expected in (
        ("Latency", "1.00 s", ""),
        ("TTFT", "300 ms", ""),
        ("Input", "10", "provider's counts so far, the rest estimated"),
        ("of which cached", "4", ""),
        ("of which cache-written", "2", ""),
        ("of which kept 1 hour", "1", ""),
        ("Output", "≈5", "estimated"),
        ("of which reasoning", "3", ""),
        ("Web searches", "6", ""),
        ("Total", "≈$0.000000007", "list price of m-2026, which may not be exact"),
        ("Provider", "Openai", ""),
        ("Asked for as", "fast", ""),
        ("Provider key", "the caller's own", ""),
        ("Left out", "seed, logit_bias", ""),
        ("Adapted", "tools", ""),
        ("User", "ana", ""),
        ("Tags", "team:a, env:b", ""),
        ("Key's owner", "team", ""),
        ("Provider's request", "up1", ""),
        ("Conversation", "c1", ""),
        ("Trace", "t1", ""),
    ):
        assert expected in said


def test_what_hosted_tools_used_stands_below_the_tokens() -> None:
    uses = (
        ("compaction", 1_000),
        ("file_searches", 2),
        ("code_containers", 1),
        ("gpt-image-1.5/input", 100),
        ("gpt-image-1.5/output", 4160),
    )
    row = ExchangeRecord(
        id="r", started_us=1, door="d", key_id="k", key="k", input_tokens=1, output_tokens=1, rare_counts=uses
    )
    part = CostPart(unit="output of gpt-image-1.5", count=4160, price_usd="10", per=10**6, amount_nano="41600000")
    said = {
        (line.label, line.value, line.note)
        for section in sections(row, str.title, replace(UNEXPLAINED, parts=(part,)))
        for line in section.lines
    }
    assert said >= {
        ("of which to compact", "1,000", ""),
        ("File searches", "2", ""),
        ("Code containers", "1", ""),
        ("By a tool", "100 in · 4,160 out", "gpt-image-1.5"),
    }
    row = replace(row, cost_nano=41_600_000, cost_source="list", rare_counts=(("?/output", 5),))
    told = sections(row, str.title, replace(UNEXPLAINED, parts=(part,)))
    said = {(line.label, line.value, line.note) for section in told for line in section.lines}
    assert said >= {
        ("By a tool", "0 in · 5 out", "of a model not told"),
        ("Output", "$0.041600", "4,160 × $10.00 per million, gpt-image-1.5"),
    }


# copying and exporting


def test_ctrl_c_copies_the_selected_rows(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    page.view.setFocus()
    page.view.selectRow(0)
    qtbot.keyClick(page.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    with qtbot.waitSignal(page.toast) as toast:
        qtbot.keyClick(page.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        turns.run()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:3] == ["Time", "Status", "Model"]
    assert [line.split("\t")[2] for line in lines[1:]] == [row.model for row in gateway.rows[:2]]
    cost = gateway.rows[0].cost_nano or 0
    assert f"{cost / 1e9:.9f}" in lines[1].split("\t")
    assert toast.args == ["2 rows copied"]
    page.view.show_column("status", False)
    page.view.show_column("cached_tokens", True)
    page.view.copy_asked.emit()
    turns.run()
    titles = QGuiApplication.clipboard().text().splitlines()[0].split("\t")
    assert titles[:2] == ["Time", "Model"] and titles[-1] == "Cached", "as they stand on the screen"


def test_copying_reaches_rows_that_were_never_shown(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    page.view.selectAll()
    page.view.copy_asked.emit()
    turns.run()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("\t")[2] for line in lines[1:]] == [row.model for row in gateway.rows]


def test_more_rows_than_a_clipboard_should_hold_are_refused_in_words(
    page: RequestsPage, qtbot: QtBot, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.pages.requests._COPY_AT_MOST", 899)
    QGuiApplication.clipboard().setText("before")
    page.view.selectAll()
    with qtbot.waitSignal(page.toast) as told:
        page.view.copy_asked.emit()
        turns.run()
    assert told.args == ["Select at most 899 rows to copy; Export saves them all"]
    assert QGuiApplication.clipboard().text() == "before"


def test_details_stay_where_the_list_is_merely_given_the_keyboard(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    """As where the window is raised again after "Last error" of the tray opened them."""
    wanted = gateway.rows[7]
    page.show_target(RequestTarget(wanted.id))
    turns.run()
    page.view.selectionModel().reset()
    QApplication.sendEvent(page.view, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.ActiveWindowFocusReason))
    assert page.view.currentIndex().row() == 0
    assert not page._details.isActive() and page.panel.record == wanted
    qtbot.keyClick(page.view, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: page.panel.record == gateway.rows[1])


def test_a_request_that_is_gone_is_told(page: RequestsPage, qtbot: QtBot, turns: Turns) -> None:
    with qtbot.waitSignal(page.toast) as told:
        page.show_target(RequestTarget("no-such-request"))
        turns.run()
    assert told.args == ["The row of this request is no longer kept"] and not page.drawer.isVisible()


def test_export_writes_the_filtered_rows(
    page: RequestsPage, context: AppContext, gateway: FakeGateway, qtbot: QtBot, turns: Turns, tmp_path: Path
) -> None:
    context.filters.set_dimension("provider", ("openai",))
    turns.run()
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    dialog = page.findChild(QFileDialog, "requests_export_file")
    dialog.fileSelected.emit(str(tmp_path / "out.csv"))
    dialog.close()
    with qtbot.waitSignal(context.shell.saved) as saved:
        turns.run()
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        written = list(csv.reader(file))[1:]
    expected = [row.id for row in gateway.rows if row.provider == "openai"]
    assert [line[0] for line in written] == expected
    assert saved.args == [f"Exported {len(expected):,} rows", tmp_path]
    assert page.export_button.isEnabled() and page.export_button.text() == "Export"


@pytest.mark.parametrize("twelve", [False, True])
@pytest.mark.parametrize("tz", ["Europe/Berlin", "America/New_York"])
def test_the_time_of_a_row_has_room_in_its_column(
    qtbot: QtBot, page: RequestsPage, gateway: FakeGateway, tz: str, twelve: bool
) -> None:
    """By a clock of twelve hours it was cut, and in the hour that a clock repeats two were told alike."""
    formats.use_clock(tz, twelve_hours=twelve)
    try:
        column = next(one for one in request_columns(str) if one.key == "time")
        width = column.width + twelve * column.more_by_twelve
        metrics, told = QFontMetrics(ui_font(13)), set()
        now = datetime.now(UTC)
        row = newer(gateway.rows[0], 1)
        # Every quarter of this year's hours, and now.
        year = (now.replace(month=1, day=2) + timedelta(minutes=15 * quarter) for quarter in range(34_800))
        for moment in (now, *year):
            text = column.text(msgspec.structs.replace(row, started_us=round(moment.timestamp() * 1_000_000)))
            told.add(text)
            assert metrics.horizontalAdvance(text) <= width - 2 * CELL_PADDING, text
        repeated = {text for text in told if text.split()[-1] in ("CET", "CEST", "EST", "EDT")}
        assert len(repeated) == 8, repeated
    finally:
        formats.use_clock(None, twelve_hours=False)


def test_a_failed_export_is_tried_again_by_its_button(page: RequestsPage, turns: Turns, tmp_path: Path) -> None:
    turns(page.export_to(tmp_path / "no-such-folder" / "out.csv"))
    turns.run()
    assert page.banner.isVisible() and page.banner.button is not None
    page.banner.button.click()
    dialog = page.findChild(QFileDialog, "requests_export_file")
    assert dialog is not None and dialog.isVisible() and page.banner.isHidden()
    dialog.close()


def test_a_failed_export_is_let_go_of_or_forgotten_once_another_file_is_saved(
    page: RequestsPage, turns: Turns, qtbot: QtBot, tmp_path: Path
) -> None:
    """Nothing that is read anew says that it is well: it stood until it was tried again."""

    def fail() -> None:
        turns(page.export_to(tmp_path / "no-such-folder" / "out.csv"))
        turns.run()
        assert page.banner.isVisible()

    fail()
    qtbot.mouseClick(page.banner.dismiss, Qt.MouseButton.LeftButton)
    assert page.banner.isHidden()
    fail()
    page.context.shell.saved.emit("Exported 7 rows to costs.csv", tmp_path)
    assert page.banner.isHidden()
    page.banner.tell("The disk is full.", "list")
    assert not page.banner.dismiss.isVisible(), "what goes when it is well is no person's to send away"
    page.context.shell.saved.emit("Exported 7 rows to costs.csv", tmp_path)
    assert page.banner.isVisible(), "and a file says nothing of it"


def test_new_rows_that_could_not_be_read_are_told_until_they_are(
    page: RequestsPage, gateway: FakeGateway, turns: Turns
) -> None:
    gateway.rows.insert(0, newer(gateway.rows[0], 1))
    asked, gateway.requests = gateway.requests, failing  # type: ignore[method-assign,assignment]
    refresh(page, turns)
    assert page.banner.text() == "The disk is full."
    turns(page.refresh(Changes(providers=True)))
    turns.run()
    assert page.banner.text() == "The disk is full.", "what went well says nothing of them"
    gateway.requests = asked  # type: ignore[method-assign]
    turns(page.refresh(Changes(providers=True)))
    turns.run()
    assert page.banner.isHidden() and page.model.row(0) == gateway.rows[0]


def test_an_export_of_the_columns_on_show_names_them_in_their_order(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns, tmp_path: Path
) -> None:
    asked: list[Export] = []

    async def export(_query: UsageQuery, export: Export, _path: Path, _progress: object) -> int:
        asked.append(export)
        return 1

    gateway.export_file = export  # type: ignore[assignment,method-assign]
    page.context.shell.preferences.set("csv_mark", "on")
    page.view.show_column("tags", False)
    page.view.show_column("cause", True)
    header = page.view.horizontalHeader()
    header.moveSection(header.visualIndex(2), 0)
    for kind in ("CSV, the columns on show (*.csv)", "CSV, all columns (*.csv)"):
        qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
        dialog = page.findChildren(QFileDialog, "requests_export_file")[-1]
        assert kind in dialog.nameFilters()
        dialog.selectNameFilter(kind)
        dialog.fileSelected.emit(str(tmp_path / "out.csv"))
        dialog.close()
        turns.run()
    assert all(export.bom for export in asked), "for Excel, as it was chosen"
    visible, everything = (export.columns for export in asked)
    assert everything == ()
    assert visible[:4] == ("model", "started_at", "status", "outcome")
    assert "tags" not in visible and visible[-1] == "error_type"
    assert set(visible) <= set(render_row(gateway.rows[0]))


def test_an_export_is_long_work_that_can_be_cancelled(
    page: RequestsPage, context: AppContext, gateway: FakeGateway, qtbot: QtBot, turns: Turns, tmp_path: Path
) -> None:
    told: list[tuple[str, int]] = []

    async def slow(_query: UsageQuery, _export: Export, _path: Path, progress: Callable[[int], None]) -> int:
        progress(120)
        job = context.shell.work.jobs[0]
        told.append((job.title, job.done))
        job.cancel()
        await asyncio.sleep(0)
        return 400

    gateway.export_file = slow  # type: ignore[assignment,method-assign]
    turns(page.export_to(tmp_path / "out.csv"))
    with qtbot.waitSignal(page.toast) as toast:
        turns.run()
    assert (told, toast.args) == ([("Exporting requests to out.csv", 120)], ["Cancelled"])
    assert page.export_button.isEnabled()
    assert context.shell.work.jobs == ()


def test_an_export_that_fails_says_so(page: RequestsPage, turns: Turns, tmp_path: Path) -> None:
    turns(page.export_to(tmp_path / "no" / "folder" / "out.csv"))
    turns.run()
    assert page.banner.isVisible()
    assert page.export_button.isEnabled()
    refresh(page, turns)
    assert page.banner.isVisible(), "that other things go well does not write the file"
    turns(page.export_to(tmp_path / "out.csv"))
    turns.run()
    assert not page.banner.isVisible()


# states


def test_what_could_not_be_read_is_said_until_it_is(page: RequestsPage, gateway: FakeGateway, turns: Turns) -> None:
    """It stood until the list was opened anew, over rows that came."""
    gateway.fails = "The database is locked; close what holds it."
    refresh(page, turns)
    assert page.banner.isVisible()
    gateway.fails = None
    refresh(page, turns)
    assert not page.banner.isVisible()


def test_nothing_in_the_range(theme: Theme, turns: Turns, qtbot: QtBot) -> None:
    context = AppContext(FakeGateway(0), theme, FilterState(tz="UTC"), turns)  # type: ignore[arg-type]
    page = show(qtbot, RequestsPage(context), turns)
    assert page.area.empty.isVisible() and page.area.empty.title_label.text() == "No requests yet"
    assert "http://127.0.0.1:4210" in page.area.empty.text_label.text()
    assert not page.export_button.isEnabled()
    with qtbot.waitSignal(page.navigate) as asked:
        page.area.empty.action.emit()
    assert asked.args == ["connect", None]
    context.gateway.put(newer(RECORD, 1))  # type: ignore[attr-defined]
    refresh(page, turns)
    assert page.area.table.isVisible()


def test_an_empty_range_does_not_tell_that_there_was_nothing_ever(
    page: RequestsPage, context: AppContext, turns: Turns
) -> None:
    context.filters.set_range("custom", (1, 2))
    turns.run()
    assert page.area.empty.isVisible() and page.area.empty.title_label.text() == "No requests in this range"


def test_a_list_whose_last_row_went_does_not_tell_that_there_was_nothing_ever(
    page: RequestsPage, gateway: FakeGateway, turns: Turns
) -> None:
    page.area.show_why(ever=False)
    gateway.rows.insert(0, newer(gateway.rows[0], 1))
    refresh(page, turns)
    gateway.rows.clear()
    refresh(page, turns)
    assert page.area.empty.isVisible() and page.area.empty.title_label.text() == "No requests in this range"


def test_what_an_empty_list_means_is_not_guessed_before_it_is_known(theme: Theme, qtbot: QtBot) -> None:
    view = TableView(theme, WindowedModel(request_columns(str), failing, lambda _: None), "Requests")
    area = TableArea(theme, view, "http://127.0.0.1:4210")
    qtbot.addWidget(area)
    area.show_count(0, filtered=False)
    assert area.empty.title_label.text() == "No requests in this range"


def test_no_match_offers_to_clear(page: RequestsPage, context: AppContext, turns: Turns) -> None:
    context.filters.set_dimension("user", ("nobody",))
    turns.run()
    assert page.area.no_match.isVisible()
    page.area.no_match.action.emit()
    turns.run()
    assert page.area.table.isVisible()
    assert not context.filters.is_filtered


def test_an_error_keeps_the_old_rows_and_can_be_retried(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, turns: Turns
) -> None:
    gateway.fails = "The database is locked; close what holds it."
    context.filters.set_dimension("provider", ("openai",))
    turns.run()
    assert page.banner.isVisible()
    assert page.banner.text() == "The database is locked; close what holds it."
    assert page.model.rowCount() == 900
    gateway.fails = None
    page.banner.action.emit()
    turns.run()
    assert not page.banner.isVisible()
    assert page.model.rowCount() == sum(row.provider == "openai" for row in gateway.rows)


def test_a_hidden_page_waits_until_it_is_shown(
    page: RequestsPage, gateway: FakeGateway, context: AppContext, turns: Turns
) -> None:
    page.hide()
    page.on_hidden()
    gateway.calls.clear()
    context.filters.set_dimension("provider", ("openai",))
    turns.run()
    assert [call for call in gateway.calls if call.startswith("requests")] == []
    page.show()
    page.on_shown()
    turns.run()
    assert page.model.rowCount() == sum(row.provider == "openai" for row in gateway.rows)


def test_everything_has_a_name(page: RequestsPage, qtbot: QtBot) -> None:
    open_row(page, qtbot, 0)
    assert unnamed(page) == []


def test_both_themes(page: RequestsPage, theme: Theme, qtbot: QtBot) -> None:
    open_row(page, qtbot, 0)
    for curtain in page.drawer.findChildren(Curtain):
        qtbot.waitUntil(curtain.isHidden)
    light = drawn(page)
    theme.set_mode("dark")
    dark = drawn(page)
    theme.set_mode("light")
    assert light.pixelColor(30, 500).lightness() > 200 > 60 > dark.pixelColor(30, 500).lightness()
    assert light.pixelColor(1210, 830).lightness() > 200 > 60 > dark.pixelColor(1210, 830).lightness(), "the drawer"


def test_the_details_are_as_high_as_their_wrapped_words(theme: Theme, qtbot: QtBot) -> None:
    """A height from another width squeezed the lines of the cost into each other."""
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(900, 200)
    panel.show()
    tags = tuple(f"key{number}:{'long ' * 5}" for number in range(12))
    panel.show_record(
        ExchangeRecord(id="r", started_us=1, door="d", key_id="k", key="k", tags=tags), str.title, UNEXPLAINED
    )
    wide = panel.widget().height()
    panel.resize(330, 200)
    body = panel.widget()
    needed = body.layout().totalHeightForWidth(panel.viewport().width())
    assert needed > wide
    assert body.minimumHeight() == needed and body.height() >= needed


def test_the_columns_of_status_and_cost_hold_all_that_they_may_say(page: RequestsPage, gateway: FakeGateway) -> None:
    """A request that a dead gateway left, and an estimate with its mark, were cut."""
    record = gateway.rows[0]
    rows = [
        msgspec.structs.replace(record, outcome=outcome, usage_source="estimated", cost_nano=cost)
        for outcome in OUTCOMES
        for cost in (60_000, 9_123_456_000)
    ]
    columns = {column.key: column for column in page.model.columns}
    painter = page.view._painter
    needed = {key: painter.width_of(columns[key], rows) for key in ("status", "cost")}
    assert {key: columns[key].width for key in needed} == {
        key: max(columns[key].width, needed[key]) for key in needed
    }
    assert any(columns["cost"].text(row).startswith("≈") for row in rows)
    # The window as it opens at first has the room for them beside each other.
    assert sum(column.width for column in page.model.columns if not column.optional) <= 1160


def test_lines_are_laid_out_before_they_are_shown_and_each_in_its_turn(
    theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, laid out and shown in one turn, they held the loop for longer than any other slot."""
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(420, 700)
    panel.show()
    panel.show_record(RECORD, str.title, UNEXPLAINED)
    monkeypatch.setattr("app.parts.in_turns.BUDGET_S", -1.0)
    panel.show_record(msgspec.structs.replace(RECORD, app="another"), str.title, UNEXPLAINED)
    body, seen = panel.body, []
    assert body is not None and body.isHidden()
    while body.isHidden():
        panel.turns.go_on()
        labels = body.findChildren(TextLabel)
        seen.append((body.complete, len({label.y() for label in labels}) > 10, body.isHidden()))
    assert seen[-4:] == [(True, False, True), *[(True, True, True)] * 2, (True, True, False)]
    places = [label.geometry() for label in body.findChildren(TextLabel)]
    QTest.qWait(1)
    assert [label.geometry() for label in body.findChildren(TextLabel)] == places


class Sized(QObject):
    """The sizes that a widget gets from now on."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.sizes: list[QSize] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QResizeEvent):
            self.sizes.append(event.size())
        return False


def test_lines_that_were_laid_out_are_not_laid_out_again_in_the_room_of_others(theme: Theme, qtbot: QtBot) -> None:
    panel = RequestPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(420, 500)
    panel.show()
    longer = msgspec.structs.replace(RECORD, app="another")
    sized, bodies = [], []
    for row in (RECORD, longer, RECORD, longer):
        panel.show_record(row, str.title, UNEXPLAINED)
        body = panel.body
        assert body is not None
        qtbot.waitUntil(body.isVisible)
        qtbot.wait(1)
        bodies.append(body)
        room = panel.widget().layout().contentsMargins()
        assert panel.widget().height() == body.height() + room.top() + room.bottom()
        sized.append(Sized(body))
    assert bodies[2:] == bodies[:2] and bodies[0].height() < bodies[1].height()
    assert [each.sizes for each in sized] == [[]] * 4


async def test_opening_another_list_stops_what_still_runs_for_the_one_before(
    qtbot: QtBot, gateway: FakeGateway, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that looks at a million rows would keep the next one waiting."""
    feed = RequestFeed(context)
    model: WindowedModel[ExchangeRecord] = WindowedModel(request_columns(str), feed.read, context.spawn)
    await feed.open(model, UsageQuery())
    count, begun, stopped = gateway.request_count, asyncio.Event(), []

    async def endless(query: UsageQuery) -> int:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopped.append(query.outcome)
            raise
        return await count(query)

    for ask in (
        lambda: feed.open(model, UsageQuery(outcome=("ok",))),
        lambda: feed.advance(model, UsageQuery(), at_top=True),
        lambda: feed.advance(model, UsageQuery(), at_top=False),
    ):
        begun.clear()
        stopped.clear()
        with monkeypatch.context() as patch:
            patch.setattr(gateway, "request_count", endless)
            left = asyncio.create_task(ask())
            await begun.wait()
        await feed.open(model, UsageQuery())
        await left
        assert len(stopped) == 1 and model.rowCount() == 900
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "request_count", endless)
        gone = asyncio.create_task(feed.open(model, UsageQuery()))
        begun.clear()
        await begun.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone


def test_values_that_only_the_log_knows_are_offered_while_they_are_typed(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    """Most used first, of the whole range; what is asked twice within a minute is read once."""
    field = page.filter_field.field
    gateway.calls.clear()
    qtbot.keyClicks(field, "user:a tag:team:p")
    turns.run()
    assert [call for call in gateway.calls if call.startswith("breakdown")] == ["breakdown user", "breakdown tag"]
    used = Counter(tag for row in gateway.rows for tag in row.tags if tag.startswith("team:"))
    offered = page.filter_field.suggestions("tag:team:")
    assert set(offered) == {f"tag:{tag}" for tag in used}
    assert [used[tag.removeprefix("tag:")] for tag in offered] == sorted(used.values(), reverse=True)
    assert page.filter_field.suggestions("-tag:platf") == ["-tag:team:platform"]
    assert "user:ana" in page.filter_field.suggestions("user:")
    assert "tag:team:platform" in page.filter_field._words.stringList(), "as soon as they came"
    qtbot.keyClicks(field, " -tag:env:")
    turns.run()
    assert gateway.calls.count("breakdown tag") == 1
    page.context.filters.set_range("7d")
    qtbot.keyClicks(field, "p")
    turns.run()
    assert gateway.calls.count("breakdown tag") == 2, "another range has other values"


def test_values_that_cannot_be_read_are_not_offered(
    page: RequestsPage, gateway: FakeGateway, qtbot: QtBot, turns: Turns
) -> None:
    gateway.fails = "The data folder is locked."
    qtbot.keyClicks(page.filter_field.field, "tag:t")
    turns.run()
    assert page.filter_field.suggestions("tag:t") == []
    assert not page.banner.isVisible()


def test_the_drawer_tells_its_times_by_another_clock(
    page: RequestsPage, context: AppContext, turns: Turns, qtbot: QtBot
) -> None:
    def shown() -> list[str]:
        assert page.panel.body is not None
        return [label.text() for label in page.panel.body.findChildren(QLabel)]

    page._open_row(0)
    turns.run()
    qtbot.waitUntil(lambda: page.panel.body is not None and bool(shown()))
    before = shown()
    try:
        context.shell.preferences.set("clock", "12")
        turns.run()
        assert shown() != before and any(" pm" in text or " am" in text for text in shown())
    finally:
        context.shell.preferences.set("clock", "24")
