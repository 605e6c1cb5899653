"""What did feature:code-review cost per month, by team? One view, on a real store."""

import asyncio
import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.context import AppContext
from app.filters import FilterSnapshot
from app.formats import money_column, money_places
from app.overview.breakdown import COSTLIEST
from app.pages.overview import OverviewPage
from gateway import Breakdown, Changes, ExchangeRecord, Export, Summary, TagCondition, TimeBucket, UsageQuery
from gateway.store.usage import UsageStore
from tests.app.fake_gateway import NOW_US, FakeGateway
from tests.app.shown_page import shown_overview

BERLIN = ZoneInfo("Europe/Berlin")
FEATURES = ("feature:code-review", "feature:search")


def rows() -> list[ExchangeRecord]:
    """Every month of the last twelve: three teams, two features, one request without a team; a conversation of steps."""
    now = datetime.fromtimestamp(NOW_US // 1_000_000, BERLIN)
    made = []
    for back in range(12):
        years, month = divmod(now.year * 12 + now.month - 1 - back, 12)
        # The month's first moment, which in a wrong zone would count for the month before.
        start = int(datetime(years, month + 1, 1, tzinfo=BERLIN).timestamp()) * 1_000_000
        for place, team in enumerate(("platform", "growth", "ml", None)):
            for feature in FEATURES:
                tags = (feature,) if team is None else (feature, f"team:{team}")
                cost = (back + 1) * (place + 1) * (1_000_000 if feature == FEATURES[0] else 700_000_000)
                made.append((start + place, tags, cost, None))
    moment = int(now.timestamp()) * 1_000_000 - 60_000_000
    made += [(moment, ("step:plan",), 5_000_000, "c-1"), (moment + 1, ("step:code",), 9_000_000, "c-1")]
    made += [(moment + 2, ("step:test",), 2_000_000, "c-1")]
    return [
        ExchangeRecord(
            id=f"req_{number}",
            started_us=us,
            door="openai_chat",
            key_id="k",
            key="laptop",
            provider="openai",
            model=f"model-{number % 2}",
            status=200,
            outcome="ok",
            input_tokens=10,
            output_tokens=50,
            usage_source="provider",
            cost_nano=cost,
            cost_source="list",
            latency_us=1_000_000,
            tags=tags,
            conversation_id=conversation,
        )
        for number, (us, tags, cost, conversation) in enumerate(made)
    ]


class StoreGateway(FakeGateway):
    """The stand-in, with a real store's answers to every question."""

    def __init__(self, store: UsageStore) -> None:
        super().__init__(0)
        self.store = store

    async def summary(self, query: UsageQuery, *, before: UsageQuery | None = None) -> tuple[Summary, Summary | None]:
        return self.store.summary(query), None

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        return self.store.timeseries(query, bucket, by)

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown:
        return self.store.breakdown(query, by, sort, limit)

    async def request_count(self, query: UsageQuery) -> int:
        return self.store.request_count(query)

    async def export_file(self, query: UsageQuery, export: Export, path: Path, progress: object = None) -> int:
        with path.open("w", encoding="utf-8", newline="") as file:
            return self.store.export_to(query, export, file)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsageStore]:
    made = UsageStore(tmp_path_factory.mktemp("split"))
    made.start()
    made.insert_history(rows())
    yield made
    made.close()


@pytest.fixture
def fake_gateway(store: UsageStore) -> FakeGateway:
    return StoreGateway(store)


@pytest.fixture
def page(qtbot: QtBot, context: AppContext) -> OverviewPage:
    context.filters.set_range("12m")
    return shown_overview(qtbot, context)


def open_menu() -> QMenu:
    (menu,) = [
        widget
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, QMenu) and widget.isVisible() and widget.objectName() == "menu.groups"
    ]
    return menu


def choose(qtbot: QtBot, button: object, text: str) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    menu = open_menu()
    (action,) = [action for action in menu.actions() if action.text() == text]
    action.trigger()
    menu.close()


def test_a_features_cost_per_month_by_team_is_one_view(
    qtbot: QtBot, page: OverviewPage, context: AppContext, tmp_path: Path
) -> None:
    context.filters.add_tag(TagCondition(any_of=("feature:code-review",)))
    context.filters.set_bucket("month")
    choose(qtbot, page.split_button, "By team")
    cost = page.charts[2]
    assert [item.key for item in cost.legend.items] == ["ml", "growth", "platform", ""]
    assert cost.data is not None and len(cost.data.starts_us) == 12
    for index in range(12):
        back = 12 - index
        expected = {"platform": back, "growth": 2 * back, "ml": 3 * back, "No team": 4 * back, "Total": 10 * back}
        assert cost.values_at(index) == {
            name: money_column(number * 1_000_000, money_places(max(expected.values()) * 1_000_000))
            for name, number in expected.items()
        }
        start = datetime.fromtimestamp(int(cost.data.starts_us[index]) / 1e6, BERLIN)
        assert (start.day, start.hour) == (1, 0)
    assert page.split_button.text() == "By team ▾"
    # The table beside it shows the same teams, in the chart's colours.
    table = page.parts.by_side
    lines = [table.model.line(row) for row in range(4)]
    assert [line and line.name for line in lines] == ["No team", "ml", "growth", "platform"]
    assert [line and line.summary.cost_nano for line in lines] == [
        (1 + 12) * 6 * share * 1_000_000 for share in (4, 3, 2, 1)
    ]
    colours = {series.key: series.colour for series in cost.data.series}
    assert {line.value: line.slot for line in lines if line and line.value} == {
        key: colour for key, colour in colours.items() if key
    }
    assert page.split_button.toolTip() == "What the cost is split by"
    # Saved and opened again it is one step.
    shown, view = cost.values_at(0), context.filters.snapshot()
    context.filters.restore(FilterSnapshot())
    assert page.split_button.text() == "By model ▾" and cost.values_at(0) != shown
    context.filters.restore(view)
    assert page.split_button.text() == "By team ▾" and cost.values_at(0) == shown
    asyncio.run(page.save_csv("split time series", tmp_path / "teams.csv"))
    with (tmp_path / "teams.csv").open(encoding="utf-8", newline="") as file:
        saved = list(csv.DictReader(file))
    assert len(saved) == 48 and {row["value"] for row in saved} == {"ml", "growth", "platform", ""}
    assert all(row["start_local"].endswith("-01 00:00:00") for row in saved)


def test_the_menu_offers_dimensions_and_the_ranges_tag_keys_whatever_is_filtered(
    qtbot: QtBot, page: OverviewPage, context: AppContext
) -> None:
    context.filters.set_dimension("conversation", ("c-1",))
    qtbot.mouseClick(page.split_button, Qt.MouseButton.LeftButton)
    menu = open_menu()
    texts = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert texts == [
        "By model",
        "By provider",
        "By user",
        "By key",
        "By app",
        "By client",
        "By door",
        "By conversation",
        "By feature",
        "By step",
        "By team",
    ]
    assert [action.text() for action in menu.actions() if action.isChecked()] == ["By model"]
    menu.close()


def test_within_one_conversation_the_costliest_step_and_model_are_marked(
    qtbot: QtBot, page: OverviewPage, context: AppContext
) -> None:
    table = page.parts.by_side
    choose(qtbot, table.more, "By step")
    assert table.more.isChecked() and table.more.text() == "By step ▾" and table.objectName() == "breakdown.tag:step"
    assert not any(line.costliest for row in range(4) if (line := table.model.line(row)) is not None)
    context.filters.set_dimension("conversation", ("c-1",))
    names = [table.model.index(row, 0).data() for row in range(table.model.rowCount())]
    assert names == [f"code, {COSTLIEST}", "plan", "test"]
    assert page.parts.by_model.model.index(0, 0).data().endswith(COSTLIEST)
    table.tabs["user"].click()
    assert table.more.text() == "More ▾" and table.tabs["user"].isChecked()


def test_a_row_of_a_tag_key_leads_to_its_requests(qtbot: QtBot, page: OverviewPage) -> None:
    page.parts.by_side.choose("tag:team")
    with qtbot.waitSignal(page.navigate) as left:
        line = page.parts.by_side.model.line(1)
        page.parts.by_side.line_activated.emit("tag:team", line)
    assert left.args[0] == "requests" and left.args[1].tags == (TagCondition(any_of=("team:ml",)),)


def test_tabs_that_have_no_room_are_in_the_menu(qtbot: QtBot, page: OverviewPage) -> None:
    card = page.parts.by_side
    assert all(tab.isVisible() for tab in card.tabs.values())
    card.tabs["tag"].click()
    page.resize(920, 640)
    QApplication.processEvents()
    shown = [name for name, tab in card.tabs.items() if tab.isVisible()]
    assert shown and "tag" not in shown and (card.more.isChecked(), card.more.text()) == (True, "By tag ▾")
    right = card.tabs[shown[-1]].geometry().right()
    assert right < card.more.x() and card.more.geometry().right() < card.view_all.x()
    assert card.tabs[shown[0]].width() == card.tabs[shown[0]].sizeHint().width(), "no tab is cut"
    choose(qtbot, card.more, "By app")
    assert card.dimension == "app"


def test_no_total_is_made_of_values_that_a_request_can_have_several_of(
    qtbot: QtBot, context: AppContext, tmp_path: Path
) -> None:
    store = UsageStore(tmp_path)
    store.start()
    now = NOW_US - 60_000_000
    common = {"door": "openai_chat", "key_id": "k", "key": "laptop", "status": 200, "outcome": "ok"}
    store.insert_history(
        ExchangeRecord(id=team, started_us=now, cost_nano=5_000_000, cost_source="list", tags=tags, **common)  # type: ignore[arg-type]
        for team, tags in (("both", ("team:a", "team:b")), ("one", ("team:a",)))
    )
    overlapping = AppContext(StoreGateway(store), context.theme, context.filters, context.spawn)  # type: ignore[arg-type]
    page = OverviewPage(overlapping)
    qtbot.addWidget(page)
    context.filters.set_range("12m")
    page.show()
    asyncio.run(page.refresh(Changes(usage=True)))
    page.grab()
    qtbot.waitUntil(lambda: len(page.charts) == 4)
    page.choose_split("tag:team")
    assert page.charts[2].values_at(11) == {"a": "$0.010", "b": "$0.005"}
    assert page.split_button.toolTip() == "A request counts in each of its values"
    store.close()
