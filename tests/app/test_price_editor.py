"""The editor of an own price, as it looks and as it names things."""

import time
from datetime import date
from itertools import pairwise

import pytest
from msgspec.structs import asdict
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterState
from app.pages.models import ModelsPage
from app.pages.models_parts.editor import PriceEditor
from app.pages.models_parts.lines import RARE_UNITS
from app.pages.models_parts.listed_as_own import as_own
from app.theme import Theme
from gateway import Changes, PriceOverride, UnitPrice, UnitPrices
from gateway.model import Usage
from gateway.prices.pricing import Priced, Pricing
from tests.app.fake_gateway import FakeGateway
from tests.app.turns import Turns


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> PriceEditor:
    made = PriceEditor(theme, {"openai": "OpenAI", "lm-studio": "lm-studio"}, "Europe/Paris")
    qtbot.addWidget(made)
    made.resize(400, 740)
    made.open_new("openai", "")
    made.show()
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
    editor.open_new("openai", "", [UnitPrice(unit="input", usd="2", per=10**6)])
    assert not any(field.isVisible() for field in rare)
    editor.open_for(PriceOverride(provider="openai", model="m", prices=given.prices, id=1, created_us=1))
    assert [editor.fields[unit].text() for unit in RARE_UNITS] == ["0.5"] * len(RARE_UNITS)
    assert all(field.isVisible() for field in rare)


def test_every_unit_that_a_price_of_ones_own_knows_has_a_field(editor: PriceEditor) -> None:
    assert set(editor.fields) == set(editor.tier_fields) == set(UnitPrices.__struct_fields__) >= set(RARE_UNITS)


NOVEMBER_US = 1_795_132_800_000_000


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        (
            "anthropic",
            "claude-sonnet-4-6",
            Usage(input_tokens=900, cache_write_tokens=300, cache_write_1h_tokens=100),
        ),
        ("anthropic", "claude-sonnet-4-6", Usage(input_tokens=9, web_searches=2)),
        ("openai", "gpt-5.4", Usage(input_tokens=272_001, cached_tokens=1000, output_tokens=50)),
        ("openai", "gpt-5", Usage(input_tokens=9, rare_counts=(("file_searches", 3),))),
        ("google", "gemini-2.5-flash", Usage(input_tokens=900, input_audio_tokens=400, output_tokens=3)),
    ],
    ids=["cache writes", "searches", "the second tier", "file searches", "audio"],
)
def test_a_price_that_is_begun_from_the_lists_and_not_changed_costs_the_same(
    editor: PriceEditor, provider: str, model: str, usage: Usage
) -> None:
    pricing = Pricing()
    listed = pricing.price(provider, model, usage, NOVEMBER_US)
    editor.open_new(provider, model, pricing.price_row(provider, provider, model, NOVEMBER_US).prices)
    assert editor.complaint() == "" and not editor.unsaved
    own = editor.price()
    pricing.use_overrides(
        [PriceOverride(**asdict(own) | {"prices": own.prices, "tier_prices": own.tier_prices}, id=1, created_us=1)]
    )
    assert pricing.price(provider, model, usage, NOVEMBER_US, provider=provider) == Priced(
        listed.cost_nano, "override", "override:1"
    )


def test_prices_of_several_tiers_are_begun_without_them() -> None:
    def price(unit: str, usd: str, above: int | None = None, per: int = 10**6) -> UnitPrice:
        return UnitPrice(unit=unit, usd=usd, per=per, above=above)

    tiers = [price("input", "1"), price("input", "2", 1000), price("input", "3", 2000), price("cached images", "4")]
    assert as_own(tiers) == (UnitPrices(input="1"), None, None)
    # A request's price is for one, and no tier's.
    assert as_own([price("input", "1"), price("input", "2", 9), price("request", "5", per=1000)]) == (
        UnitPrices(input="1", request="0.005"),
        9,
        UnitPrices(input="2"),
    )


def test_a_second_tier_has_no_price_of_its_own_for_a_request(editor: PriceEditor) -> None:
    """The store refuses one, and the editor asked for it."""
    prices = UnitPrices(input="1", output="2", request="0.01")
    tier = UnitPrices(input="2", output="4")
    kept = PriceOverride(
        provider="openai", model="m", prices=prices, tier_start=1000, tier_prices=tier, id=1, created_us=1
    )
    editor.open_for(kept)
    assert not editor.complaint() and editor.save.isEnabled()
    assert not editor.tier_fields["request"].isEnabled() and editor.tier_fields["input"].isEnabled()
    assert (editor.price().prices, editor.price().tier_prices) == (prices, tier)


def test_a_dollar_sign_alone_is_no_price(editor: PriceEditor) -> None:
    editor.model.setText("house-model")
    editor.fields["input"].setText("$")
    assert editor.complaint() == "Give at least one price."
    editor.fields["input"].setText("$ 5")
    editor.fields["output"].setText("$")
    assert editor.price().prices == UnitPrices(input="5") and "for output" in editor.caution()
    editor.tier_start.setText("1000")
    editor.tier_fields["input"].setText("$")
    assert editor.complaint() == "The second tier needs the same prices as the first."


def test_a_day_that_is_not_chosen_is_today_each_time(editor: PriceEditor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window stays open for weeks."""
    monkeypatch.setattr("app.pages.models_parts.editor.today", lambda: date(2027, 1, 2))
    editor.open_new("openai", "house-model")
    assert (editor.valid_from.day(), editor.valid_to.day()) == (date(2027, 1, 2),) * 2
    assert not editor.unsaved
