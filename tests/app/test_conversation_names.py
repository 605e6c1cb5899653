"""A conversation is called by its title wherever the window knows its id alone; the id stays within reach."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.conversation_names import ConversationNames
from app.filter_bar import FilterBar
from app.pages.overview import OverviewPage
from app.pages.requests_parts.narrowing import add_narrowing
from app.saved_views import suggested_name
from tests.app.fake_gateway import FakeGateway
from tests.app.fake_threads import plain_thread
from tests.app.spawner import Spawner

IDS = ("conv_0003", "conv_9999")
TITLE = "Question 0 of conversation 3"


@pytest.fixture
def fake_gateway() -> FakeGateway:
    """Every other request belongs to a conversation with a title, the rest to one without."""
    now_us = time.time_ns() // 1000
    made = FakeGateway(60, now_us=now_us)
    made.rows = [replace(row, conversation_id=IDS[n % 2]) for n, row in enumerate(made.rows)]
    made.told = [plain_thread(3, now_us), plain_thread(4, now_us)]
    return made


@pytest.fixture
def bar(qtbot: QtBot, context: AppContext) -> Iterator[FilterBar]:
    made = FilterBar(context)
    qtbot.addWidget(made)
    made.resize(700, 40)
    made.show()
    yield made
    made.popover.close()


def test_a_chip_says_titles_and_its_tooltip_the_ids(bar: FilterBar, context: AppContext) -> None:
    context.filters.set_dimension("conversation", IDS)
    (chip,) = bar.chips
    words = f"Conversation: {TITLE}, conv_9999"
    assert (chip.text(), chip.accessibleName()) == (words, words)
    assert chip.toolTip() == f"{words}\nconv_0003\nconv_9999"
    context.filters.set_dimension("conversation", IDS[1:])
    assert [(chip.text(), chip.toolTip()) for chip in bar.chips] == [("Conversation: conv_9999",) * 2]


def test_a_title_that_was_changed_elsewhere_is_read_when_the_chip_is_shown_again(
    bar: FilterBar, context: AppContext, fake_gateway: FakeGateway
) -> None:
    context.filters.set_dimension("conversation", IDS[:1])
    bar.hide()
    asyncio.run(fake_gateway.rename_thread(IDS[0], "Late trains"))
    assert [chip.text() for chip in bar.chips] == [f"Conversation: {TITLE}"]
    (chip,) = bar.chips
    bar.show()
    assert bar.chips == (chip,) and chip.text() == "Conversation: Late trains"
    QApplication.processEvents()
    assert chip.width() == chip.sizeHint().width()


def test_one_bar_that_is_hidden_asks_nothing(bar: FilterBar, context: AppContext, fake_gateway: FakeGateway) -> None:
    bar.hide()
    asked = len(fake_gateway.calls)
    context.filters.set_dimension("conversation", IDS)
    assert fake_gateway.calls[asked:] == []


def test_values_are_offered_by_title_and_chosen_by_id(bar: FilterBar, context: AppContext) -> None:
    context.filters.set_range("all")
    bar._open(bar.add_button, "conversation")
    offered = {entry.text: entry.value for entry in bar.popover.entries()}
    assert offered == {TITLE: "conv_0003", "conv_9999": "conv_9999"}
    bar.popover.search.setText("question 0")
    assert [entry.value for entry in bar.popover.entries()] == ["conv_0003"]
    bar.popover.chosen.emit("conversation", "conv_0003")
    assert context.filters.dimensions == {"conversation": ("conv_0003",)}


def test_where_the_gateway_cannot_say_ids_stay(
    bar: FilterBar, context: AppContext, fake_gateway: FakeGateway
) -> None:
    fake_gateway.fails = "The database of conversations is locked."
    context.filters.set_dimension("conversation", IDS)
    assert [chip.text() for chip in bar.chips] == ["Conversation: conv_0003, conv_9999"]


def test_the_breakdown_by_conversation_has_titles(qtbot: QtBot, context: AppContext) -> None:
    context.filters.set_range("all")
    page = OverviewPage(context)
    qtbot.addWidget(page)
    page.resize(1220, 840)
    page.show()
    page.parts.by_side.choose("conversation")
    model = page.parts.by_side.model
    lines = [model.line(row) for row in range(model.rowCount())]
    assert {line.value: line.name for line in lines if line} == {"conv_0003": TITLE, "conv_9999": "conv_9999"}


def test_views_and_a_rows_menu_say_titles_too(context: AppContext, fake_gateway: FakeGateway) -> None:
    names = context.conversation_names
    asyncio.run(names.read(IDS))
    context.filters.set_dimension("conversation", IDS[:1])
    assert suggested_name(context.filters.snapshot(), context.value_name) == f"Conversation: {TITLE}"
    menu = QMenu()
    add_narrowing(menu, fake_gateway.rows[0], context.filters, context.value_name)
    only = next(submenu for action in menu.actions() if isinstance(submenu := action.menu(), QMenu))
    assert f"Conversation: {TITLE}" in [action.text() for action in only.actions()]


def test_names_are_read_once_for_each_question_and_bounded(
    fake_gateway: FakeGateway, spawner: Spawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.conversation_names._MOST_KEPT", 2)
    fake_gateway.told = [plain_thread(number, 10**15) for number in range(4)]
    names, came = ConversationNames(fake_gateway, spawner), []  # type: ignore[arg-type]
    names.came.connect(lambda: came.append(True))
    names.ask([])
    assert "threads newest" not in fake_gateway.calls
    for ids in (["conv_0000", "conv_0001"], ["conv_0001", "conv_0001"], ["conv_0002"]):
        names.ask(ids)
    assert fake_gateway.calls.count("threads newest") == 3 and len(came) == 2
    assert set(names.known) == {"conv_0001", "conv_0002"} and names.name("conv_0000") == "conv_0000"


def test_another_conversation_that_was_given_the_same_id_hides_no_title(
    fake_gateway: FakeGateway, spawner: Spawner
) -> None:
    first, later = plain_thread(3, 10**15), plain_thread(2, 10**15)
    fake_gateway.told = [first, replace(later, row=replace(later.row, id="conv_0003~2", ids=("conv_0003",)))]
    names = ConversationNames(fake_gateway, spawner)  # type: ignore[arg-type]
    names.ask(["conv_0003"])
    assert names.name("conv_0003") == TITLE


def test_a_title_is_found_behind_any_number_that_are_known_by_the_same_id(
    fake_gateway: FakeGateway, spawner: Spawner
) -> None:
    wanted = replace(plain_thread(3, 10**15), row=replace(plain_thread(3, 10**15).row, id="wanted"))
    others = [plain_thread(number, 2 * 10**15) for number in range(450)]
    others = [replace(each, row=replace(each.row, ids=("wanted",))) for each in others]
    fake_gateway.told = [*others, wanted]
    names = ConversationNames(fake_gateway, spawner)  # type: ignore[arg-type]
    names.ask(["wanted"])
    assert names.name("wanted") == wanted.row.title
    assert set(names.known) == {"wanted"}
    asked = fake_gateway.calls.count("threads newest")
    names.ask(["nowhere"])
    assert fake_gateway.calls.count("threads newest") == asked + 1
