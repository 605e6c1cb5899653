"""The editor of an own price, as it looks and as it names things."""

import time
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.pages.models import ModelsPage
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.lines import RARE_UNITS
from app.theme import Theme
from gateway import Changes, UnitPrices
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> PriceEditor:
    made = PriceEditor(theme, {"openai": "OpenAI", "lm-studio": "lm-studio"}, "Europe/Paris")
    qtbot.addWidget(made)
    made.resize(400, 740)
    made.open_new("openai", "")
    made.show()
    qtbot.waitExposed(made)
    return made


def test_nothing_in_it_touches_its_neighbour(editor: PriceEditor) -> None:
    def place(widget: QWidget) -> QRect:
        return QRect(widget.mapTo(editor, QPoint(0, 0)), widget.size())

    days = [place(day) for day in (editor.valid_from, editor.valid_to)]
    foot = [place(editor.problem), place(editor.save)]
    below = [lower.top() - upper.bottom() for upper, lower in (days, foot)]
    beside = [right.left() - left.right() for left, right in pairwise(map(place, (editor.cancel, editor.save)))]
    assert min(*below, *beside) > 5, (below, beside)


def test_providers_are_called_as_everywhere_and_kept_by_their_names(editor: PriceEditor) -> None:
    assert editor.provider.currentText() == "OpenAI"
    editor.model.setText("house-model")
    assert editor.price().provider == "openai"
    # One that is no longer set up has no other name.
    editor.open_new("gone", "house-model")
    assert (editor.provider.currentText(), editor.price().provider) == ("gone", "gone")


def test_a_providers_long_name_leaves_the_search_its_room(qtbot: QtBot, theme: Theme) -> None:
    gateway, turns = FakeGateway(20, now_us=time.time_ns() // 1000), Turns()
    page = ModelsPage(AppContext(gateway, theme, FilterState(tz="Europe/Paris"), turns))  # type: ignore[arg-type]
    for control in page.header_controls():
        control.setParent(page)
    qtbot.addWidget(page)
    page.resize(760, 600)
    page.show()
    turns(page.refresh(Changes(usage=True, prices=True)))
    turns.run()
    page.provider.addItem("p" * 40 + " (no longer set up)", "p" * 40)
    qtbot.waitUntil(lambda: page.provider.width() > 200)
    assert page.search.width() > 200, "what is looked for can be read"
    turns.close()


def test_media_and_tools_stand_folded_until_they_are_asked_for_or_have_a_price(editor: PriceEditor) -> None:
    rare = [field for unit in RARE_UNITS for field in (editor.fields[unit], editor.tier_fields[unit])]
    assert editor.more.isVisible() and not any(field.isVisible() for field in rare)
    editor.more.click()
    assert all(field.isVisible() for field in rare) and not editor.more.isVisible()
    editor.model.setText("house-model")
    for unit in RARE_UNITS:
        editor.fields[unit].setText("0.5")
    given = editor.price()
    assert {unit: getattr(given.prices, unit) for unit in RARE_UNITS} == dict.fromkeys(RARE_UNITS, "0.5")
    editor.open_new("openai", "", UnitPrices(input="2"))
    assert not any(field.isVisible() for field in rare)
    editor.open_new("openai", "m", given.prices)
    assert [editor.fields[unit].text() for unit in RARE_UNITS] == ["0.5"] * len(RARE_UNITS)
    assert all(field.isVisible() for field in rare)


def test_every_unit_that_a_price_of_ones_own_knows_has_a_field(editor: PriceEditor) -> None:
    assert set(editor.fields) == set(editor.tier_fields) == set(UnitPrices.__struct_fields__) >= set(RARE_UNITS)
