"""What the Overview can show otherwise: other comparisons and why a figure changed, providers on one scale, other times,
and each chart as a file."""

import asyncio
import csv
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.charts import ChartCard
from app.context import AppContext
from app.filters import FilterSnapshot
from app.formats import duration, money
from app.overview.comparing import Reason, compared_query, reason_words, reasons
from app.overview.label import TextButton
from app.overview.words import compared_with
from app.pages.overview import OverviewPage
from app.sources import estimated_cost, incomplete_words, marked
from app.theme import Theme
from gateway import Breakdown, BreakdownRow, Changes, Distribution, FaregateError, Summary, UsageQuery
from tests.app.fake_gateway import FakeGateway
from tests.app.shown_page import shown_overview

USAGE = Changes(usage=True)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def fake_gateway() -> FakeGateway:
    return FakeGateway(600, now_us=time.time_ns() // 1000)


@pytest.fixture
def page(qtbot: QtBot, context: AppContext) -> OverviewPage:
    context.filters.set_range("7d")
    context.filters.set_bucket("day")
    return shown_overview(qtbot, context, Changes(usage=True, providers=True))


def text(page: OverviewPage, name: str) -> str:
    label = page.findChild(QLabel, name)
    assert label is not None, name
    return label.text()


def menu(name: str) -> QMenu:
    return next(
        widget
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, QMenu) and widget.objectName() == name and widget.isVisible()
    )


def choose(name: str, words: str) -> None:
    """Choose in a menu that is open."""
    shown = menu(name)
    next(action for action in shown.actions() if action.text() == words).trigger()
    shown.close()


# Compared with what


def us(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=BERLIN).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("how", "start", "end", "before"),
    [
        ("previous", "2026-11-16T00:00", "2026-11-23T00:00", ("2026-11-09T00:00", "2026-11-16T00:00")),
        ("weekday", "2026-11-22T15:00", "2026-11-23T15:00", ("2026-11-15T15:00", "2026-11-16T15:00")),
        ("weekday", "2026-11-16T15:00", "2026-11-23T15:00", ("2026-11-09T15:00", "2026-11-16T15:00")),
        ("weekday", "2026-11-15T13:00", "2026-11-23T15:00", ("2026-11-01T13:00", "2026-11-09T15:00")),
        # The clocks went back on the 25th: the same local times lie an hour more apart.
        ("weekday", "2026-10-26T09:00", "2026-10-26T17:00", ("2026-10-19T09:00", "2026-10-19T17:00")),
    ],
)
def test_what_a_range_is_compared_with(how: str, start: str, end: str, before: tuple[str, str]) -> None:
    query = UsageQuery(start_us=us(start), end_us=us(end), tz="Europe/Berlin", model=("o3",))
    found = compared_query(query, how, us(end))
    assert found is not None
    assert (found.start_us, found.end_us, found.model) == (us(before[0]), us(before[1]), ("o3",))


def test_a_range_that_is_not_over_is_compared_with_as_much() -> None:
    query = UsageQuery(start_us=us("2026-11-16T00:00"), end_us=us("2026-11-23T00:00"), tz="Europe/Berlin")
    for how, words in (("previous", "the 7 days before"), ("weekday", "the same days a week before")):
        found = compared_query(query, how, us("2026-11-18T12:00"))
        assert found is not None
        assert (found.start_us, found.end_us) == (us("2026-11-09T00:00"), us("2026-11-11T12:00"))
        assert compared_with(query, how, us("2026-11-18T12:00")) == f"as much of {words}"
        assert compared_with(query, how, us("2026-11-23T00:00")) == words
    assert compared_with(query, "none", us("2026-11-18T12:00")) == ""


def test_without_a_beginning_or_a_wish_nothing_is_compared() -> None:
    query = UsageQuery(start_us=1, end_us=2)
    assert compared_query(query, "none", 5) is None
    assert compared_query(UsageQuery(), "weekday", 5) is None
    assert compared_with(query, "none") == ""
    week = UsageQuery(start_us=us("2026-11-16T00:00"), end_us=us("2026-11-23T00:00"))
    assert compared_with(week, "weekday") == "the same days a week before"
    month = UsageQuery(start_us=us("2026-11-01T00:00"), end_us=us("2026-11-30T00:00"))
    assert compared_with(month, "weekday") == "the same days 5 weeks before"


def test_the_comparison_is_chosen_beside_its_words(
    page: OverviewPage, context: AppContext, fake_gateway: FakeGateway
) -> None:
    badge = page.parts.cards["requests"].badge
    assert page.answers is not None and page.answers.previous is not None
    page.parts.compare_button.click()
    choose("menu.choices", "The same days of the week before")
    assert context.filters.compare == "weekday"
    assert text(page, "overview.range").endswith("compared with the same days a week before")
    before = page.answers.before
    assert before is not None
    assert page.answers.previous == asyncio.run(fake_gateway.summary(before))[0]
    page.parts.compare_button.click()
    choose("menu.choices", "Nothing")
    assert page.answers.previous is None
    assert "compared" not in text(page, "overview.range")
    assert badge.delta is None


def test_a_custom_range_says_what_it_is_compared_with(page: OverviewPage, context: AppContext) -> None:
    page.range_picker.segment("custom").click()
    custom = page.range_picker.custom
    assert custom.compare is not None and custom.compare.currentText() == "The period before"
    custom.compare.setCurrentText("The same days of the week before")
    custom.apply_button.click()
    assert (context.filters.range_key, context.filters.compare) == ("custom", "weekday")
    words = "compared with as much of the same days a week before"
    assert text(page, "overview.range").endswith(words), "today is not over"


def test_all_is_from_its_beginning_and_compared_with_nothing(
    page: OverviewPage, context: AppContext, fake_gateway: FakeGateway
) -> None:
    context.filters.set_first(fake_gateway.rows[-1].started_us)
    page.range_picker.segment("all").click()
    assert context.filters.range_key == "all"
    assert page.answers is not None
    assert page.answers.summary.requests == len(fake_gateway.rows) == 600
    assert page.answers.before is None and "compared" not in text(page, "overview.range")


# Why


def _row(
    value: str | None, requests: int, cost: int = 0, latency: float | None = None, errors: int = 0
) -> BreakdownRow:
    return BreakdownRow(
        value=value,
        summary=Summary(
            requests=requests,
            errors=errors,
            cost_nano=cost,
            latency_ms=Distribution(avg=latency),
            input_tokens=requests,
        ),
    )


NOW = (
    Summary(requests=100, errors=4, cost_nano=9_000_000_000, latency_ms=Distribution(avg=1100.0)),
    Breakdown(
        rows=(
            _row("opus", 30, 7_000_000_000, 2000.0, 3),
            _row("haiku", 60, 1_000_000_000, 500.0, 1),
            _row("gpt", 10, 1_000_000_000, 2000.0),
        )
    ),
)
BEFORE = (
    Summary(requests=80, errors=4, cost_nano=6_000_000_000, latency_ms=Distribution(avg=1000.0)),
    Breakdown(
        rows=(
            _row("opus", 20, 2_000_000_000, 2000.0, 1),
            _row("haiku", 40, 1_000_000_000, 500.0, 1),
            _row("old", 15, 3_000_000_000, 1000.0),
            _row(None, 5, 0, 1000.0, 2),
        )
    ),
)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("requests", [("haiku", "+20"), ("old", "−15"), ("opus", "+10")]),
        ("cost", [("opus", "+$5.00"), ("old", "−$3.00"), ("gpt", "+$1.00")]),
        # opus: 30 × 1000 / 100 − 20 × 1000 / 80; haiku: −60 × 500 / 100 + 40 × 500 / 80; gpt: 10 × 1000 / 100
        ("latency", [("gpt", "+100 ms"), ("opus", "+50 ms"), ("haiku", "−50 ms")]),
        # the mean of before is 5 %; a group's part is its requests' distance from that, among all
        ("errors", [("No model", "−2.2 pp"), ("opus", "+1.5 pp"), ("old", "+0.9 pp")]),
    ],
)
def test_the_three_that_moved_a_figure_most(key: str, expected: list[tuple[str, str]]) -> None:
    assert reasons(key, "model", NOW, BEFORE) == tuple(Reason(name, change) for name, change in expected)


def test_the_parts_of_a_mean_come_to_its_whole_change() -> None:
    """However many groups there are, and whatever their share."""
    whole = NOW[0].latency_ms.avg, BEFORE[0].latency_ms.avg
    assert whole == (1100.0, 1000.0)
    mean = 1000.0
    parts = [
        sign * row.summary.requests * ((row.summary.latency_ms.avg or mean) - mean) / summary.requests
        for sign, (summary, groups) in ((1, NOW), (-1, BEFORE))
        for row in groups.rows
    ]
    assert sum(parts) == pytest.approx(100.0)


def test_reasons_are_said_for_models_and_tags() -> None:
    tags = Breakdown(rows=(_row("team:a", 9),)), Breakdown(rows=(_row("team:a", 3),))
    words = reason_words("requests", NOW[0], BEFORE[0], [("model", NOW[1], BEFORE[1]), ("tag", *tags)])
    assert words.splitlines() == ["What moved it most:", "+20  haiku", "−15  old", "+10  opus", "+6  team:a"]
    assert reason_words("requests", NOW[0], NOW[0], [("model", NOW[1], NOW[1])]) == ""


def test_a_change_that_is_pointed_at_says_why(
    page: OverviewPage, context: AppContext, fake_gateway: FakeGateway
) -> None:
    context.filters.set_range("24h")
    card = page.parts.cards["cost"]
    assert card.badge.delta is not None and page.answers is not None and page.answers.before is not None
    assert card.badge.toolTip() == ""
    fake_gateway.calls.clear()
    card.badge.pointed.emit()
    now, before = (
        {row.value: row.summary.cost_nano or 0 for row in asyncio.run(fake_gateway.breakdown(query, "model")).rows}
        for query in (page.answers.query, page.answers.before)
    )
    changes = {value: now.get(value, 0) - before.get(value, 0) for value in {*now, *before}}
    first = max(changes, key=lambda value: abs(changes[value]))
    said = card.badge.toolTip().splitlines()
    assert said[0] == "What moved it most:"
    assert said[1] == f"{'+' if changes[first] > 0 else '−'}{money(abs(changes[first]))}  {first}"
    assert len(said) == 7, "three models and three tags"
    assert card.accessibleDescription().endswith(card.badge.toolTip())
    asked = len(fake_gateway.calls)
    page.parts.cards["requests"].badge.pointed.emit()
    assert len(fake_gateway.calls) == asked, "what was read once serves all cards"
    asyncio.run(page.refresh(USAGE))
    assert card.badge.toolTip() == "", "other numbers have other reasons"


def test_a_tag_among_thousands_that_was_seldom_before_has_not_begun(
    page: OverviewPage, context: AppContext, fake_gateway: FakeGateway
) -> None:
    """All that it costs now would be told as what it cost more."""
    context.filters.set_range("24h")
    assert page.answers is not None and page.answers.before is not None
    now_us, before_us = ((query.end_us or 0) - 1 for query in (page.answers.query, page.answers.before))
    one = msgspec.structs.replace(fake_gateway.rows[0], model="m", cost_nano=1, cost_source="list")
    dear = msgspec.structs.replace(one, tags=("customer:dear",), cost_nano=70_000_000_000)
    others = [
        msgspec.structs.replace(one, tags=(f"customer:c{number}",)) for number in range(1_200) for _ in range(2)
    ]
    fake_gateway.rows = [
        *(msgspec.structs.replace(dear, started_us=now_us) for _ in range(3)),
        *(msgspec.structs.replace(each, started_us=now_us) for each in others),
        *(msgspec.structs.replace(each, started_us=before_us) for each in others),
        msgspec.structs.replace(dear, started_us=before_us),
    ]
    asyncio.run(page.refresh(USAGE))
    page.parts.cards["cost"].badge.pointed.emit()
    assert page.parts.cards["cost"].badge.toolTip().splitlines()[1:] == ["+$140.00  m", "+$140.00  customer:dear"]


# What is gone


def test_what_retention_has_taken_is_said(page: OverviewPage, fake_gateway: FakeGateway) -> None:
    assert not page.parts.incomplete.isVisible()
    fake_gateway.gone_until_us = us("2026-03-05T14:30")
    asyncio.run(page.refresh(USAGE))
    assert page.parts.incomplete.isVisible()
    tz = page._context.filters.tz
    assert page.parts.incomplete.text() == incomplete_words(fake_gateway.gone_until_us, tz)
    said = "Requests from before 5 Mar 2026, 14:30 are gone (retention): what needs them begins there."
    assert incomplete_words(fake_gateway.gone_until_us, "Europe/Berlin") == said


# Providers


def in_provider_view(qtbot: QtBot, page: OverviewPage) -> list[ChartCard]:
    page.parts.view_tabs["provider"].click()
    charts = page.parts.charts
    qtbot.waitUntil(lambda: len(charts.provider_charts) == 4)
    return charts.provider_charts


def test_four_providers_on_one_scale(qtbot: QtBot, page: OverviewPage, fake_gateway: FakeGateway) -> None:
    assert page.answers is not None and page.answers.providers == {}, "nothing is asked that nobody looks at"
    charts = in_provider_view(qtbot, page)
    titles = {row.title: row.name for row in fake_gateway.provider_list}
    names = [titles[chart.title] for chart in charts]
    by_cost = asyncio.run(fake_gateway.breakdown(page.answers.query, "provider")).rows
    used = [row.value for row in by_cost]
    assert names[: len(used)] == used[:4] and len(set(names)) == 4
    assert len({chart.plot.maximum for chart in charts}) == 1
    sums = asyncio.run(fake_gateway.timeseries(page.answers.query, page.answers.bucket, "provider"))
    highest = max(bucket.summary.cost_nano or 0 for bucket in sums)
    assert charts[0].plot.maximum >= highest
    for chart, name in zip(charts, names, strict=True):
        assert chart.data is not None
        buckets = [bucket for bucket in sums if bucket.value == name]
        expected = [bucket.summary.cost_nano or 0 for bucket in buckets] or [0] * len(chart.data.starts_us)
        assert chart.data.series[0].values.tolist() == expected
        whole = next((row.summary for row in by_cost if row.value == name), Summary(cost_nano=0))
        words = marked(money(whole.cost_nano), estimated_cost(whole))
        assert chart.total is not None and chart.total.text() == words
        title = next(label for label in chart.findChildren(QLabel) if label.text() == chart.title)
        qtbot.waitUntil(lambda total=chart.total: total.x() > 0)  # type: ignore[misc]
        assert 0 < chart.total.x() - title.x() - title.sizeHint().width() <= 14, "it stands beside the title"
    page.parts.view_tabs["all"].click()
    assert page.parts.charts.currentIndex() == 1, "the click's own turn is for the tab"
    qtbot.waitUntil(lambda: page.parts.charts.currentIndex() == 0)
    assert not page.parts.measure_button.isVisible()


def test_another_view_is_painted_in_pieces_and_its_plots_come_in_turns(qtbot: QtBot, page: OverviewPage) -> None:
    """Four charts at once take ten milliseconds to paint, and nearly as long to show."""
    area, curtain = page.parts.charts, page.veil._curtain
    in_provider_view(qtbot, page)
    qtbot.waitUntil(curtain.isHidden)
    assert all(chart.plot.isVisible() for chart in area.provider_charts)
    page.choose_view("all")
    assert curtain.isVisible() and not any(chart.plot.isVisible() for chart in area.charts)
    area.unfold()
    assert sum(chart.plot.isVisible() for chart in area.charts) == 1
    qtbot.waitUntil(lambda: all(chart.plot.isVisible() for chart in area.charts))
    assert all(chart.plot.isHidden() for chart in area.provider_charts), "else they are all shown with their view"
    in_provider_view(qtbot, page)
    qtbot.waitUntil(lambda: all(chart.plot.isVisible() for chart in area.provider_charts))


def test_the_tabs_stay_where_they_are_pressed(qtbot: QtBot, page: OverviewPage) -> None:
    """The second half of a double click opened a menu that had come to lie there."""
    tabs, measure = page.parts.view_tabs.values(), page.parts.measure_button

    def places() -> list[QRect]:
        return [QRect(tab.mapTo(page, QPoint()), tab.size()) for tab in tabs]

    before = places()
    in_provider_view(qtbot, page)
    qtbot.waitUntil(lambda: measure.isVisible() and measure.x() > 0)
    assert places() == before
    page.choose_measure("latency")
    qtbot.waitUntil(lambda: measure.width() == measure.sizeHint().width())
    assert places() == before


def test_providers_by_another_measure(qtbot: QtBot, page: OverviewPage, fake_gateway: FakeGateway) -> None:
    in_provider_view(qtbot, page)
    page.parts.measure_button.click()
    choose("menu.choices", "Latency")
    charts = page.parts.charts
    qtbot.waitUntil(lambda: len(charts.provider_charts) == 4)
    assert page.parts.measure_button.text() == "Latency ▾"
    assert page.parts.measure_button.accessibleName() == "Latency"
    assert len({chart.plot.maximum for chart in charts.provider_charts}) == 1
    first = charts.provider_charts[0]
    assert first.total is not None and first.total.text() == "", "times add up to nothing"
    assert page.answers is not None
    name = next(row.name for row in fake_gateway.provider_list if row.title == first.title)
    for index, bucket in enumerate(page.answers.providers[name]):
        expected = {"p95": duration(bucket.summary.latency_ms.p95), "p50": duration(bucket.summary.latency_ms.p50)}
        assert first.values_at(index) == expected
    QTest.keyClick(first, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: [chart.crosshair for chart in charts.provider_charts] == [0, 0, 0, 0])
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Right)
    charts.set_measure("tokens")
    assert charts._behind == charts.charts, "those of before are gone"
    qtbot.waitUntil(lambda: [chart.crosshair for chart in charts.charts] == [-1] * 4)


def test_fewer_providers_have_fewer_charts(
    qtbot: QtBot, page: OverviewPage, fake_gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = page.parts.charts
    fake_gateway.rows = [row for row in fake_gateway.rows if row.provider == "openai"]
    charts.follow({"openai": "OpenAI"}, page._slots_of)
    page.parts.view_tabs["provider"].click()
    qtbot.waitUntil(lambda: len(charts.provider_charts) == 1)
    turns = []
    monkeypatch.setattr(charts, "_show_provider", turns.append)
    for _ in range(5):
        QApplication.processEvents()
    assert turns == [], "what is built is built"
    assert charts.provider_charts[0].title == "OpenAI"


def test_a_providers_bucket_leads_to_its_requests(
    qtbot: QtBot, page: OverviewPage, fake_gateway: FakeGateway
) -> None:
    first = in_provider_view(qtbot, page)[0]
    name = next(row.name for row in fake_gateway.provider_list if row.title == first.title)
    assert first.data is not None
    with qtbot.waitSignal(page.navigate) as signal:
        QTest.keyClick(first, Qt.Key.Key_End)
        QTest.keyClick(first, Qt.Key.Key_Return)
    snapshot = signal.args[1]
    assert isinstance(snapshot, FilterSnapshot)
    assert snapshot.dimensions == {"provider": (name,)}
    assert snapshot.custom == (int(first.data.starts_us[-1]), int(first.data.ends_us[-1]))


# The part of a bar


def press_part(page: OverviewPage, chart: ChartCard, key: str) -> None:
    """In the middle of a series' part of the bucket where it is largest."""
    chart.grab()
    assert chart.data is not None
    keys = [series.key for series in chart.data.series]
    layer = keys.index(key)
    bucket = int(chart.data.series[layer].values.argmax())
    below = sum(float(series.values[bucket]) for series in chart.data.series[:layer])
    middle = below + float(chart.data.series[layer].values[bucket]) / 2
    area = chart.plot.area()
    at = QPoint(
        round(sum(chart.plot.columns(bucket, bucket)) / 2),
        round(area.bottom() - middle / chart.plot.maximum * area.height()),
    )
    QTest.mouseClick(chart.plot.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_the_part_of_a_bar_narrows_to_it(qtbot: QtBot, page: OverviewPage) -> None:
    cost = page.charts[2]
    assert cost.data is not None
    model = cost.data.series[0].key
    with qtbot.waitSignal(page.navigate) as signal:
        press_part(page, cost, model)
    assert signal.args[1].dimensions == {"model": (model,)}
    with qtbot.waitSignal(page.navigate) as signal:
        press_part(page, page.charts[0], "errors")
    assert signal.args[1].dimensions == {"outcome": ("error", "interrupted")}


# Which time


def test_latency_can_be_the_first_tokens_or_a_speed(page: OverviewPage) -> None:
    chart = page.charts[3]
    assert page.answers is not None
    page.parts.charts.timing_button.click()
    choose("menu.choices", "TTFT")
    for index, bucket in enumerate(page.answers.buckets):
        ttft = bucket.summary.ttft_ms
        assert chart.values_at(index) == {"p95": duration(ttft.p95), "p50": duration(ttft.p50)}
    page.parts.charts.choose_timing("speed")
    assert (chart.title, page.parts.charts.timing_button.text()) == ("Speed", "Tokens per second ▾")
    for index, bucket in enumerate(page.answers.buckets):
        rate = bucket.summary.tokens_per_s
        shown = chart.values_at(index)["Output tokens/s"]
        assert shown == ("—" if rate is None else f"{round(rate) if rate >= 10 else f'{rate:.1f}'} tokens/s")
    assert any(bucket.summary.tokens_per_s for bucket in page.answers.buckets)


# Files


def test_a_chart_leaves_as_a_picture(qtbot: QtBot, page: OverviewPage, tmp_path: Path) -> None:
    chart = page.charts[0]
    QTest.keyClick(chart, Qt.Key.Key_Home)
    chart.more.click()
    choose("menu.chart", "Save picture (PNG)…")
    dialog = next(one for one in page.findChildren(QFileDialog) if one.isVisible())
    assert Path(dialog.selectedFiles()[0]).suffix == ".png"
    with qtbot.waitSignal(page.context.shell.saved) as saved:
        dialog.fileSelected.emit(str(tmp_path / "requests.png"))
    dialog.close()
    assert saved.args == ["Saved requests.png", tmp_path]
    picture = QImage(str(tmp_path / "requests.png"))
    assert picture.size() == chart.size() * 2
    assert len({picture.pixel(x, picture.height() // 2) for x in range(picture.width())}) > 3
    assert chart.tooltip.isVisible() and chart.more.isVisible(), "the chart is as it was"
    chart.set_crosshair(-1)
    assert chart.picture().convertToFormat(picture.format()) == picture, "without the crosshair"


@pytest.mark.parametrize("where", ["chart.cost", "chart.cost.more", "overview.split"])
def test_the_keyboard_is_in_no_picture_and_stays_where_it_is(qtbot: QtBot, page: OverviewPage, where: str) -> None:
    """Saved by keyboard, the picture had a ring around the grouping, which had the keyboard then."""
    chart = next(each for each in page.charts if each.objectName() == "chart.cost")
    with qtbot.waitActive(page):
        page.activateWindow()
    page.setFocus()
    without = chart.picture()
    at = chart if where == "chart.cost" else page.findChild(QWidget, where)
    assert at is not None
    at.setFocus(Qt.FocusReason.TabFocusReason)
    assert at.hasFocus()
    assert chart.picture() == without
    assert at.hasFocus()


def test_a_chart_leaves_as_csv_with_all_its_digits(
    qtbot: QtBot, page: OverviewPage, fake_gateway: FakeGateway, tmp_path: Path
) -> None:
    page.charts[2].more.click()
    choose("menu.chart", "Save values (CSV)…")
    dialog = next(one for one in page.findChildren(QFileDialog) if one.isVisible())
    with qtbot.waitSignal(page.context.shell.saved) as saved:
        dialog.fileSelected.emit(str(tmp_path / "cost.csv"))
    dialog.close()
    assert saved.args[1] == tmp_path
    assert page.answers is not None
    with (tmp_path / "cost.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    model = next(iter(page.answers.parts))
    for row, bucket, total in zip(rows, page.answers.parts[model], page.answers.buckets, strict=True):
        assert row["start_utc"] == datetime.fromtimestamp(bucket.start_us / 1e6, UTC).isoformat().replace(
            "+00:00", "Z"
        )
        assert datetime.fromisoformat(row["start_local"]) == datetime.fromtimestamp(bucket.start_us / 1e6, UTC)
        assert row[f"{model} (usd)"] == f"{(bucket.summary.cost_nano or 0) / 1e9:.9f}"
        parts = sum(round(float(value) * 1e9) for name, value in row.items() if name.endswith("(usd)"))
        assert parts == (total.summary.cost_nano or 0)


def test_a_picture_is_copied_and_a_failure_is_told(qtbot: QtBot, page: OverviewPage, tmp_path: Path) -> None:
    with qtbot.waitSignal(page.toast):
        page.exporting.copy_picture(page.charts[1])
    assert QGuiApplication.clipboard().image().size() == page.charts[1].size() * 2
    chart = page.charts[1]
    assert chart.data is not None
    with pytest.raises(Exception, match="cannot be written"):
        asyncio.run(page.exporting.save_values(chart.spec, chart.data, tmp_path / "no" / "x.csv"))
    with pytest.raises(Exception, match="cannot be written"):
        asyncio.run(page.exporting.save_picture(chart.picture(), tmp_path / "no" / "x.png"))
    kept = tmp_path / "kept.png"
    kept.write_text("mine")
    with pytest.raises(FaregateError, match=r"The picture cannot be made \(.+\): make the window smaller"):
        asyncio.run(page.exporting.save_picture(QImage(), kept))
    assert kept.read_text() == "mine"


def test_every_control_has_a_name(page: OverviewPage, qtbot: QtBot) -> None:
    in_provider_view(qtbot, page)
    names = [
        widget.accessibleName() for widget in page.findChildren(QWidget) if widget.objectName().endswith(".more")
    ]
    assert len(names) == 9 and all(names)


def test_what_opens_a_menu_has_the_chevron_of_all_choices(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []

    def pixmap(name: str, color: QColor, size: int, ratio: float) -> QPixmap:
        drawn.append((name, color.name()))
        return QPixmap(size, size)

    monkeypatch.setattr("app.overview.label.icons.pixmap", pixmap)
    plain, opens = TextButton(theme, "By model"), TextButton(theme, "By model ▾")
    for button in (plain, opens):
        qtbot.addWidget(button)
        button.resize(button.sizeHint())
        button.grab()
    assert drawn == [("chevron-down", theme.color("accent").name())]
    assert opens.sizeHint().width() - plain.sizeHint().width() == 17
