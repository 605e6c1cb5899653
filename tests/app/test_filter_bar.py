"""The filter row: chips say what is filtered, the popover offers what there is, and each choice acts at once."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import filter_bar
from app.context import AppContext
from app.filter_bar import FilterBar
from app.filter_popover import Entry, FilterPopover
from app.filters import FilterState
from app.flow_layout import FlowLayout
from app.theme import Theme
from gateway import Breakdown, TagCondition, UsageQuery
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is read whenever it is shown."""
    monkeypatch.setattr(filter_bar, "_REST_TIMES", 0)


@pytest.fixture
def fake_gateway() -> FakeGateway:
    return FakeGateway(600, now_us=time.time_ns() // 1000)


@pytest.fixture
def bar(qtbot: QtBot, context: AppContext) -> Iterator[FilterBar]:
    context.filters.set_range("7d")
    made = FilterBar(context)
    qtbot.addWidget(made)
    made.resize(700, 40)
    made.show()
    yield made
    made.popover.close()


def chips(bar: FilterBar) -> list[str]:
    return [chip.text() for chip in bar.chips]


def choose(popover: FilterPopover, text: str) -> None:
    """Click the row that reads so."""
    rows = [entry.text for entry in popover.entries()]
    item = popover.list.item(rows.index(text))
    QTest.mouseClick(
        popover.list.viewport(), Qt.MouseButton.LeftButton, pos=popover.list.visualItemRect(item).center()
    )


def texts(popover: FilterPopover) -> list[str]:
    return [entry.text for entry in popover.entries()]


async def counts(gateway: FakeGateway, context: AppContext, by: str) -> dict[str | None, int]:
    query = context.filters.query(time.time_ns() // 1000)
    everything = UsageQuery(start_us=query.start_us, end_us=query.end_us, tz=query.tz)
    return {row.value: row.summary.requests for row in (await gateway.breakdown(everything, by)).rows}


def test_chips_follow_the_filters(bar: FilterBar, context: AppContext) -> None:
    assert chips(bar) == []
    context.filters.add_tag(TagCondition(any_of=("team:platform", "team:growth")))
    context.filters.add_tag(TagCondition(any_of=("env:dev",), negated=True))
    context.filters.set_dimension("model", ("gpt-5.1",))
    assert chips(bar) == ["team: platform, growth", "env: not dev", "Model: gpt-5.1"]
    bar.chips[0].removed.emit()
    bar.chips[1].removed.emit()
    assert chips(bar) == ["env: not dev"]
    assert context.filters.dimensions == {}
    context.filters.clear()
    assert chips(bar) == []


def test_a_provider_is_called_in_chips_as_in_tables(bar: FilterBar, context: AppContext, turns: Turns) -> None:
    context.filters.set_dimension("provider", ("openai",))
    turns.run()
    assert chips(bar) == ["Provider: OpenAI"] and context.filters.dimensions == {"provider": ("openai",)}
    bar.chips[0].clicked.emit()
    turns.run()
    assert "OpenAI" in texts(bar.popover) and "openai" not in texts(bar.popover)
    choose(bar.popover, "Anthropic")
    turns.run()
    assert chips(bar) == ["Provider: OpenAI, Anthropic"]
    bar._name_view()
    assert bar.save_popover.name.text() == "Provider: OpenAI, Anthropic"
    bar.save_popover.close()


def test_the_popover_offers_tag_keys_then_dimensions(bar: FilterBar) -> None:
    bar.add_button.click()
    assert bar.popover.isVisible()
    assert texts(bar.popover) == [
        "env", "team", "Model", "Provider", "User", "API key", "App", "Client", "Door", "Conversation", "Outcome"
    ]  # fmt: skip


def test_on_x11_the_popovers_corners_are_cut_off(theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QGuiApplication, "platformName", lambda: "xcb")
    parent = QWidget()
    qtbot.addWidget(parent)
    popover = FilterPopover(theme, parent)
    popover.resize(300, 200)
    popover.show()
    corner, middle = QPoint(0, 0), QPoint(150, 100)
    assert popover.mask().contains(middle) and not popover.mask().contains(corner)
    popover.resize(300, 400)
    assert popover.mask().contains(QPoint(150, 390))


def test_values_come_with_the_gateways_counts_most_used_first(
    bar: FilterBar, context: AppContext, fake_gateway: FakeGateway
) -> None:
    context.filters.set_dimension("model", ("gpt-5.1",))
    expected = asyncio.run(counts(fake_gateway, context, "model"))
    bar.open_popover()
    choose(bar.popover, "Model")
    shown = {entry.value: entry.requests for entry in bar.popover.entries()}
    assert shown == expected, "counted without the filters, so that alternatives are seen"
    numbers = [entry.requests or 0 for entry in bar.popover.entries()]
    assert numbers == sorted(numbers, reverse=True)
    assert [entry.value for entry in bar.popover.entries() if entry.chosen] == ["gpt-5.1"]


def test_values_of_one_tag_are_ored_and_different_tags_anded(bar: FilterBar, context: AppContext) -> None:
    bar.open_popover()
    choose(bar.popover, "team")
    choose(bar.popover, "growth")
    choose(bar.popover, "platform")
    assert context.filters.tags == (TagCondition(any_of=("team:growth", "team:platform")),)
    bar.popover.back.click()
    choose(bar.popover, "env")
    choose(bar.popover, "prod")
    assert context.filters.tags[1:] == (TagCondition(any_of=("env:prod",)),)
    assert chips(bar) == ["team: growth, platform", "env: prod"]
    choose(bar.popover, "prod")
    assert chips(bar) == ["team: growth, platform"], "choosing again takes it away"


def test_a_tag_is_turned_into_is_not(bar: FilterBar, context: AppContext) -> None:
    bar.open_popover()
    choose(bar.popover, "env")
    bar.popover.mode.segment("not").click()
    assert context.filters.tags == ()
    choose(bar.popover, "dev")
    assert context.filters.tags == (TagCondition(any_of=("env:dev",), negated=True),)
    bar.popover.mode.segment("is").click()
    assert context.filters.tags == (TagCondition(any_of=("env:dev",)),)


def test_a_chip_opens_its_own_values(bar: FilterBar, context: AppContext) -> None:
    context.filters.add_tag(TagCondition(any_of=("env:dev",), negated=True))
    context.filters.set_dimension("user", ("ana",))
    bar.chips[0].click()
    assert bar.popover.subject == "tag:env"
    assert bar.popover.mode.current == "not"
    assert [entry.value for entry in bar.popover.entries() if entry.chosen] == ["env:dev"]
    bar.popover.close()
    bar.chips[1].click()
    assert bar.popover.subject == "user"
    assert not bar.popover.mode.isVisible()
    assert "ana" in texts(bar.popover)


def test_a_chosen_value_without_requests_can_be_taken_away(bar: FilterBar, context: AppContext) -> None:
    context.filters.set_dimension("user", ("zoe",))
    bar.chips[0].click()
    last = bar.popover.entries()[-1]
    assert (last.value, last.requests, last.chosen) == ("zoe", 0, True)
    choose(bar.popover, "zoe")
    assert context.filters.dimensions == {}


def test_search_and_keyboard(bar: FilterBar, context: AppContext) -> None:
    bar.open_popover()
    choose(bar.popover, "Model")
    bar.popover.search.setText("gemini")
    assert texts(bar.popover) == ["gemini-3-pro"]
    QTest.keyClick(bar.popover, Qt.Key.Key_Return)
    assert context.filters.dimensions == {"model": ("gemini-3-pro",)}
    bar.popover.search.setText("nothing like it")
    assert texts(bar.popover) == []
    bar.popover.search.setText("")
    first = bar.popover.list.currentRow()
    QTest.keyClick(bar.popover, Qt.Key.Key_Down)
    assert bar.popover.list.currentRow() == (first + 1) % bar.popover.list.count()


def test_a_failure_is_told_where_the_values_would_be(bar: FilterBar, fake_gateway: FakeGateway) -> None:
    bar.open_popover()
    fake_gateway.fails = "The usage database is locked: close the other program that reads it."
    choose(bar.popover, "Model")
    assert bar.popover.hint.text() == fake_gateway.fails
    assert texts(bar.popover) == []


def test_a_row_that_is_full_goes_on_below(qtbot: QtBot) -> None:
    box = QWidget()
    qtbot.addWidget(box)
    flow = FlowLayout(box, spacing=10)
    buttons = [QPushButton(str(n)) for n in range(5)]
    for button in buttons:
        button.setFixedSize(100, 30)
        flow.addWidget(button)
    extra = QPushButton("first")
    extra.setFixedSize(100, 30)
    flow.insert_widget(0, extra)
    box.resize(330, 200)
    box.show()
    assert [widget.pos() for widget in (extra, *buttons)] == [
        QPoint(x, y) for y in (0, 40) for x in (0, 110, 220)
    ]  # fmt: skip
    assert flow.heightForWidth(330) == 70
    buttons[0].hide()
    flow.activate()
    assert buttons[1].pos() == QPoint(110, 0)


@pytest.fixture
def later(qtbot: QtBot, theme: Theme, fake_gateway: FakeGateway) -> Iterator[tuple[FilterBar, Turns]]:
    """A row whose answers come when the test lets them."""
    turns = Turns()
    made = FilterBar(AppContext(fake_gateway, theme, FilterState(), turns))  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.show()
    made.open_popover()
    turns.run()
    made.popover.close()
    yield made, turns
    made.popover.close()
    turns.close()


def test_an_answer_that_was_overtaken_takes_nothing_away(later: tuple[FilterBar, Turns]) -> None:
    """The keys' answer may come after the values', which were asked for later."""
    bar, turns = later
    bar.open_popover()
    choose(bar.popover, "team")
    turns.waiting.reverse()
    turns.run()
    assert bar.popover.subject == "tag:team" and "platform" in texts(bar.popover)


def test_a_failure_that_was_overtaken_takes_nothing_away(
    later: tuple[FilterBar, Turns], fake_gateway: FakeGateway
) -> None:
    bar, turns = later
    bar.open_popover()
    choose(bar.popover, "team")
    turns.waiting.reverse()
    asyncio.run(turns.waiting.pop(0))
    fake_gateway.fails = "The disk is gone."
    turns.run()
    assert "platform" in texts(bar.popover) and not bar.popover.hint.isVisible()


def test_a_press_on_a_key_counts_also_where_the_keys_are_read_again_before_the_release(
    later: tuple[FilterBar, Turns],
) -> None:
    bar, turns = later
    bar.open_popover()
    listed = bar.popover.list
    at = listed.visualItemRect(listed.item(texts(bar.popover).index("team"))).center()
    QTest.mousePress(listed.viewport(), Qt.MouseButton.LeftButton, pos=at)
    turns.run()
    QTest.mouseRelease(listed.viewport(), Qt.MouseButton.LeftButton, pos=at)
    turns.run()
    assert bar.popover.subject == "tag:team"


def test_typing_finds_a_value_also_after_its_key_was_pressed_with_the_mouse(bar: FilterBar, qtbot: QtBot) -> None:
    """The press gave the list the keyboard, and what was typed then did nothing that could be seen."""
    bar.open_popover()
    popover = bar.popover
    choose(popover, "team")
    assert popover.search.hasFocus()
    qtbot.keyClicks(popover.focusWidget(), "plat")
    assert texts(popover) == ["platform"]
    popover.back.click()
    assert popover.search.hasFocus() and "team" in texts(popover)


def test_of_very_many_values_the_most_used_are_listed_and_any_is_found(qtbot: QtBot, theme: Theme) -> None:
    """Ten thousand rows were made at each key that was typed."""
    parent = QWidget()
    qtbot.addWidget(parent)
    popover = FilterPopover(theme, parent)
    entries = [
        Entry(subject="tag:ticket", text=str(at), value=f"ticket:{at}", requests=10_000 - at, chosen=at == 9_000)
        for at in range(10_000)
    ]
    popover.show_entries("tag:ticket", entries)
    assert [*texts(popover)[:2], *texts(popover)[-2:]] == ["0", "1", "299", "9000"], "what is chosen is not hidden"
    assert (popover.hint.text(), popover.hint.isHidden()) == ("9,699 more: type a part of a name.", False)
    popover.search.setText("9876")
    assert texts(popover) == ["9876"] and popover.hint.isHidden()
    popover.search.setText("98765")
    assert (texts(popover), popover.hint.text()) == ([], "Nothing by that name in this range.")
    # Keys are few, and the last of them are what every request has.
    keys = [Entry(subject=f"tag:{at}", text=str(at)) for at in range(400)]
    popover.show_entries(None, keys)
    assert len(texts(popover)) == 400 and popover.hint.isHidden()
    popover.close()


def test_enter_takes_the_same_value_after_their_order_has_changed(qtbot: QtBot, theme: Theme) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    popover = FilterPopover(theme, parent)
    entries = [
        Entry(subject="tag:team", text=name, value=f"team:{name}") for name in ("growth", "platform", "search")
    ]
    popover.show_entries("tag:team", entries)
    qtbot.keyClick(popover, Qt.Key.Key_Down)
    popover.show_entries("tag:team", [entries[1], entries[0], entries[2]])
    with qtbot.waitSignal(popover.chosen) as chosen:
        qtbot.keyClick(popover, Qt.Key.Key_Return)
    assert chosen.args == ["tag:team", "team:platform"]
    popover.close()


def test_a_rare_value_among_many_is_found(bar: FilterBar, fake_gateway: FakeGateway, qtbot: QtBot) -> None:
    """Only the two hundred most used of all tags were offered, and of any other it was said that nothing has it."""
    newest = fake_gateway.rows[0]
    fake_gateway.rows += [replace(newest, id=f"t{at}", tags=(f"ticket:{at}",)) for at in range(300)]
    fake_gateway.rows += [replace(newest, id=f"r{at}", tags=("rare:release",)) for at in range(1)]
    fake_gateway.rows += [replace(newest, id=f"c{at}", conversation_id=f"talk-{at}") for at in range(300)]
    bar.open_popover()
    popover = bar.popover
    assert {"ticket", "rare"} <= set(texts(popover))
    choose(popover, "ticket")
    qtbot.keyClicks(popover.search, "299")
    assert texts(popover) == ["299"]
    qtbot.keyClicks(popover.search, "9")
    assert popover.hint.text() == "Nothing by that name in this range."
    popover.back.click()
    choose(popover, "Conversation")
    qtbot.keyClicks(popover.search, "nothing")
    assert popover.hint.text().startswith("Nothing by that name among the most used"), popover.hint.text()


def test_values_of_a_tag_stand_while_they_are_read_anew(
    bar: FilterBar, fake_gateway: FakeGateway, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They came with the keys, and over a long range the same question takes seconds. Those of another range stand
    for nothing."""
    shown: list[list[str]] = []
    read = fake_gateway.breakdown

    async def breakdown(query: UsageQuery, by: str, **how: Any) -> Breakdown:
        shown.append(texts(bar.popover))
        return await read(query, by, **how)

    bar.open_popover()
    monkeypatch.setattr(fake_gateway, "breakdown", breakdown)
    choose(bar.popover, "team")
    choose(bar.popover, "platform")
    assert "platform" in shown[0] and "platform" in shown[1]
    assert "platform" in texts(bar.popover) and chips(bar) == ["team: platform"]
    bar.popover.back.click()
    context.filters.set_range("24h")
    choose(bar.popover, "team")
    assert "platform" not in shown[-1]


def test_is_not_stands_while_values_are_read_anew(
    bar: FilterBar, fake_gateway: FakeGateway, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was "is" again as soon as they came, and who then chose a value had the opposite."""
    read = fake_gateway.breakdown

    async def breakdown(query: UsageQuery, by: str, **how: Any) -> Breakdown:
        bar.popover.mode.segment("not").click()
        return await read(query, by, **how)

    bar.open_popover()
    monkeypatch.setattr(fake_gateway, "breakdown", breakdown)
    choose(bar.popover, "team")
    monkeypatch.undo()
    assert bar.popover.mode.current == "not"
    choose(bar.popover, "platform")
    assert context.filters.tags == (TagCondition(any_of=("team:platform",), negated=True),)


def test_all_tags_are_read_again_only_after_some_times_as_long_as_reading_them_took(
    bar: FilterBar, fake_gateway: FakeGateway, context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each "Add filter", and each value that was chosen there, read those of the whole range."""
    monkeypatch.setattr(filter_bar, "_REST_TIMES", 10**9)
    bar.open_popover()
    choose(bar.popover, "team")
    choose(bar.popover, "platform")
    bar.popover.close()
    bar.open_popover()
    assert fake_gateway.calls.count("breakdown tag") == 1
    assert [entry.text for entry in bar.popover.entries()][:2] == ["env", "team"]
    choose(bar.popover, "team")
    assert [entry.text for entry in bar.popover.entries() if entry.chosen] == ["platform"], "what is chosen is known"
    context.filters.set_range("24h")
    bar.open_popover()
    assert fake_gateway.calls.count("breakdown tag") == 2, "those of another range are others"
