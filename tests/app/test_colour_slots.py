"""A name's colour: kept while the order changes, the same on every page, and after the next start."""

import asyncio
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.colour_slots import MOST_NAMES, SLOTS, Colours, ColourSlots
from app.context import AppContext
from app.filters import FilterState
from app.pages.compare import ComparePage
from app.preferences import Preferences, window_store
from app.theme import Theme
from tests.app.fake_gateway import FakeGateway
from tests.app.spawner import Spawner
from tests.app.test_compare import ALL, CLAUDE, GPT


@pytest.fixture
def colours() -> Colours:
    return Colours(Preferences())


@pytest.fixture
def slots(colours: Colours) -> ColourSlots:
    return ColourSlots(colours, "model")


def test_a_name_keeps_its_colour_while_the_order_changes(slots: ColourSlots) -> None:
    slots.assign(["a", "b", "c"])
    slots.assign(["c", "d", "a"])
    assert [slots.slot(name) for name in "abcd"] == [0, 1, 2, 3]
    assert slots.slot("z") == slots.slot(None) == SLOTS


def test_the_name_unseen_for_longest_gives_up_its_colour(slots: ColourSlots) -> None:
    slots.assign("abcdef")
    slots.assign("acdef")
    slots.assign("axcde")
    assert slots.slot("x") == 1
    assert slots.slot("b") == SLOTS
    assert [slots.slot(name) for name in "acdef"] == [0, 2, 3, 4, 5]


def test_another_view_shows_the_same_colours_and_takes_that_of_the_least_for_a_new_name(colours: Colours) -> None:
    first, second = ColourSlots(colours, "model"), ColourSlots(colours, "model")
    first.assign("abcdef")
    second.assign(["x", "c", "a"])
    assert [second.slot(name) for name in "xca"] == [5, 2, 0]
    first.assign("abcdef")
    assert [first.slot(name) for name in "abcde"] == [0, 1, 2, 3, 4]
    provider = ColourSlots(colours, "provider")
    provider.assign(["c"])
    assert provider.slot("c") == 0, "each dimension has its own"


def test_of_two_that_had_the_same_colour_the_first_has_it(colours: Colours) -> None:
    slots = ColourSlots(colours, "model")
    slots.assign("abcdef")
    slots.assign(["x"])
    assert (slots.slot("x"), slots.slot("f")) == (5, SLOTS)
    slots.assign(["f", "x"])
    assert slots.slot("f") == 5 and slots.slot("x") not in (5, SLOTS)


def test_models_have_their_colours_after_the_next_start_too(tmp_path: Path) -> None:
    for dimension in ("model", "user"):
        slots = ColourSlots(Colours(Preferences(window_store(tmp_path))), dimension)
        slots.assign(["a", "b"])
    later = Colours(Preferences(window_store(tmp_path)))
    models, users = ColourSlots(later, "model"), ColourSlots(later, "user")
    for each in (models, users):
        each.assign(["b"])
    assert (models.slot("b"), users.slot("b")) == (1, 0)


@pytest.mark.parametrize("kept", ["", "[1]", '{"a": "b"}', '{"a": 6, "b": -1}', "{"])
def test_what_was_kept_of_them_may_be_broken(tmp_path: Path, kept: str) -> None:
    preferences = Preferences(window_store(tmp_path))
    preferences.keep("colours/model", kept)
    slots = ColourSlots(Colours(preferences), "model")
    slots.assign("ab")
    assert [slots.slot(name) for name in "ab"] == [0, 1]


def test_only_so_many_names_are_remembered(colours: Colours) -> None:
    slots = ColourSlots(colours, "model")
    for number in range(MOST_NAMES + 20):
        slots.assign(["always", f"model-{number}"])
    assert len(colours.had("model")) == MOST_NAMES and slots.slot("always") == 0


def test_a_model_has_its_colour_in_compare_as_on_the_overview(qtbot: QtBot, theme: Theme, spawner: Spawner) -> None:
    gateway = FakeGateway(1)
    context = AppContext(gateway, theme, FilterState(tz="UTC"), spawner)  # type: ignore[arg-type]
    # As the Overview gave them: others are more important.
    ColourSlots(context.colours, "model").assign(["another", GPT, "a third", CLAUDE])
    page = ComparePage(context)
    qtbot.addWidget(page)
    asyncio.run(page.refresh(ALL))
    page.question.models.choose([CLAUDE, GPT])
    page._wanted = (CLAUDE, GPT)
    while page._has_more:
        page._show_next()
    assert [column.dot.slot for column in page.columns] == [3, 1]
