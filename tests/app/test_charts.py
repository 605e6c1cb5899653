"""Charts: what is drawn is what the query answered, on axes that stand still and speak local time."""

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from msgspec import structs
from PySide6.QtCore import QLineF, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.charts import CHARTS, ChartCard, ChartInput, ChartSpec, Group, chart_data
from app.charts.axes import VALUE_AXIS_WIDTH, ValueAxis
from app.charts.bars import gaps, stack
from app.charts.data import count_axis, duration_axis, money_axis
from app.charts.legend import Legend, fitting_names
from app.charts.lines import Curve, alone
from app.charts.scale import NiceMaximum, nice_maximum, tick_step, ticks
from app.charts.scatter import ScatterCard, ScatterSpec
from app.charts.shapes import ListedShapes, PackedShapes, Shape, make_shapes
from app.charts.timescale import bucket_title, time_ticks
from app.charts.tooltip import Tooltip
from app.formats import UNKNOWN, count, duration, use_clock
from app.overview.exporting import chart_csv
from app.shown_names import short_names
from app.tables.column import safe_cell
from app.theme import Theme
from app.widgets import Card
from gateway import Distribution, Summary, TimeBucket
from gateway.formulas import FORMULA_STARTS

BERLIN = "Europe/Berlin"
HOUR = 3_600_000_000
SPECS = {spec.key: spec for spec in CHARTS}


def us(*moment: int, tz: str = BERLIN) -> int:
    return int(datetime(*moment, tzinfo=ZoneInfo(tz)).timestamp()) * 1_000_000  # type: ignore[arg-type]


START = us(2026, 11, 20, 0)


def buckets(*summaries: Summary, start: int = START, width: int = HOUR) -> list[TimeBucket]:
    return [
        TimeBucket(start_us=start + index * width, end_us=start + (index + 1) * width, summary=summary)
        for index, summary in enumerate(summaries)
    ]


def busy(n: int, *, errors: int = 0) -> Summary:
    return Summary(
        requests=n,
        errors=errors,
        input_tokens=n * 100,
        cached_tokens=n * 40,
        output_tokens=n * 10,
        cost_nano=n * 1_000_000,
        latency_ms=Distribution(avg=500, p50=400.0 + n, p95=900.0 + n) if n else Distribution(),
    )


# Scales


@pytest.mark.parametrize(
    ("value", "whole", "top", "lines"),
    [
        (0, False, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0, True, 2, [0, 1, 2]),
        (1, True, 2, [0, 1, 2]),
        (3, True, 3, [0, 1, 2, 3]),
        (4.2, True, 5, [0, 2, 4]),
        (4.2, False, 5, [0, 2.5, 5]),
        (100, True, 100, [0, 25, 50, 75, 100]),
        (205, True, 250, [0, 100, 200]),
        (5_900, False, 6_000, [0, 2_000, 4_000, 6_000]),
        (1.08e6, True, 1.2e6, [0, 250_000, 500_000, 750_000, 1_000_000]),
    ],
)
def test_an_axis_ends_on_a_round_number_with_three_to_five_lines(
    value: float, whole: bool, top: float, lines: list[float]
) -> None:
    assert nice_maximum(value, whole=whole) == pytest.approx(top)
    assert ticks(top, whole=whole) == pytest.approx(lines)


def test_an_idle_axis_has_its_own_top() -> None:
    top = NiceMaximum(idle=1e9)
    assert [top.follow(peak) for peak in (0, 30_000, 0)] == [1e9, 30_000, 1e9]


def test_every_top_is_above_its_value_and_has_three_to_five_lines() -> None:
    for exponent in range(-3, 10):
        for mantissa in np.linspace(1, 9.99, 200):
            value = float(mantissa) * 10.0**exponent
            top = nice_maximum(value)
            assert value <= top * (1 + 1e-9) <= 2.01 * value
            assert 3 <= len(ticks(top)) <= 5
            assert tick_step(top) > 0


def test_the_top_stays_while_the_data_fills_55_to_100_percent_of_it() -> None:
    top = NiceMaximum()
    assert [top.follow(peak) for peak in (97, 100, 56, 54, 60, 61)] == [100, 100, 100, 60, 60, 80]


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(0, 50, "0"), (150, 50, "150"), (0.5, 0.25, "0.50"), (500_000, 500_000, "500k"), (1e6, 500_000, "1.0M"),
     (1_250_000, 250_000, "1.25M"), (2e6, 1e6, "2M"), (1_500, 500, "1.5k")],
)  # fmt: skip
def test_counts_on_an_axis(value: float, step: float, text: str) -> None:
    assert count_axis(value, step) == text


@pytest.mark.parametrize(
    ("nano", "step", "text"),
    [
        (0, 1e9, "$0"),
        (4e9, 1e9, "$4"),
        (5e8, 5e8, "$0.50"),
        (200_000, 100_000, "$0.0002"),
        (250_000, 250_000, "0.025¢"),
        (2.5e9, 2.5e9, "$2.50"),
        (25_000, 25_000, "0.0025¢"),
        (2_500, 2_500, "$2.5µ"),
        (250, 250, "$0.25µ"),
        (25, 25, "$25n"),
        (50_000e9, 25_000e9, "$50k"),
        (1_500_000e9, 500_000e9, "$1.5M"),
    ],
)
def test_money_on_an_axis(nano: float, step: float, text: str) -> None:
    assert money_axis(nano, step) == text


def test_a_cost_of_any_size_has_its_axis_whole(qtbot: QtBot, light: Theme) -> None:
    """What one small request costs, too: it lost its dollar sign at the card's edge."""
    axis = ValueAxis(light, money_axis, whole=False)
    room = QFontMetricsF(axis._font)
    for maximum in (first * 10**exponent for exponent in range(19) for first in (1.0, 1.1, 1.36, 2.7, 4.5, 9.9)):
        axis.set_maximum(maximum)
        for _, text in axis.labels:
            assert room.horizontalAdvance(text) <= VALUE_AXIS_WIDTH - 8, text


@pytest.mark.parametrize(
    ("ms", "step", "text"),
    [(0, 500, "0"), (2_500, 2_500, "2.5 s"), (5_000, 2_500, "5.0 s"), (50, 50, "50 ms"), (500, 500, "0.5 s")],
)
def test_durations_on_an_axis(ms: float, step: float, text: str) -> None:
    assert duration_axis(ms, step) == text


def texts(start: int, end: int, room: int) -> list[str]:
    return [text for _, text in time_ticks(start, end, BERLIN, room)]


def test_time_labels_stand_on_local_days_and_hours() -> None:
    week = time_ticks(us(2026, 11, 16, 20), us(2026, 11, 23, 20), BERLIN, 8)
    assert [text for _, text in week] == [f"{day} Nov" for day in range(17, 24)]
    assert [instant for instant, _ in week] == [us(2026, 11, day) for day in range(17, 24)]
    assert texts(us(2026, 11, 22, 20), us(2026, 11, 23, 20), 8) == [
        "21:00", "23 Nov", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00"
    ]  # fmt: skip
    assert texts(us(2026, 11, 22, 20, 3), us(2026, 11, 22, 21, 3), 4) == ["20:15", "20:30", "20:45", "21:00"]
    assert texts(us(2025, 10, 20), us(2026, 11, 27), 8) == ["2026", "Apr", "Jul", "Oct"]


def test_a_day_with_25_hours_keeps_its_labels_on_the_clock() -> None:
    over = time_ticks(us(2026, 10, 24), us(2026, 10, 27), BERLIN, 4)
    assert [b - a for (a, _), (b, _) in pairwise(over)] == [24 * HOUR, 25 * HOUR]


def test_an_hour_that_the_clock_skips_has_no_label() -> None:
    assert texts(us(2026, 3, 29, 0), us(2026, 3, 29, 5), 4) == ["29 Mar", "01:00", "03:00", "04:00"]


@pytest.mark.parametrize(
    ("width", "title"),
    [(HOUR, "Fri 20 Nov, 00:00"), (24 * HOUR, "Fri 20 Nov"), (23 * HOUR, "Fri 20 Nov"), (7 * 24 * HOUR, "Week of 20 Nov"),
     (30 * 24 * HOUR, "Nov 2026"), (HOUR // 4, "Fri 20 Nov, 00:00")],
)  # fmt: skip
def test_a_bucket_is_named_by_its_width(width: int, title: str) -> None:
    assert bucket_title(START, START + width, BERLIN) == title


# Parts


def test_gaps_between_bars_follow_their_width() -> None:
    assert gaps(np.array([20.0, 10, 9, 4, 3]), 1.0).tolist() == [4, 2, 1, 1, 0]
    assert gaps(np.array([20.0, 8, 7]), 2.0).tolist() == [4, 2, 0]


def test_a_layer_stands_on_the_one_below_and_is_never_invisible() -> None:
    tops, heights = stack(np.array([100.0, 100, 100, 100]), np.array([10, 0, 0.001, np.nan]), 2.0)
    assert heights.tolist() == [20, 0, 1, 0]
    assert tops.tolist() == [80, 100, 99, 100]


def test_values_between_gaps_are_alone() -> None:
    values = np.array([1, np.nan, 2, 3, np.nan, 4])
    assert alone(values).tolist() == [True, False, False, False, False, True]


def painted(shapes: ListedShapes | PackedShapes) -> QImage:
    image = QImage(40, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setBrush(QColor("black"))
    shapes.draw(painter)
    painter.end()
    return image


@pytest.mark.parametrize("shape", [QRectF, QLineF])
def test_packed_and_listed_shapes_paint_the_same(shape: Shape) -> None:
    all_rows = np.array([[1.0, 2, 3, 10], [8, 4, 5, 6], [20, 0, 4, 20]])
    packed, listed = make_shapes(shape), ListedShapes(shape)
    assert isinstance(packed, PackedShapes), "this pyqtgraph has no PrimitiveArray any more"
    for rows in (all_rows, all_rows[:1], all_rows[:0], all_rows):
        packed.set(rows)
        listed.set(rows)
        assert painted(packed) == painted(listed)
        assert packed.array().tolist() == listed.array().tolist() == rows.tolist()
    assert painted(packed).pixelColor(1, 2) == QColor("black")


def test_without_the_packed_kind_a_list_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("pyqtgraph.Qt.internals.PrimitiveArray")
    assert isinstance(make_shapes(QRectF), ListedShapes)


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["claude-sonnet-4-5-20250929", "gpt-5.1"], ["sonnet-4-5", "gpt-5.1"]),
        (["claude-sonnet-4", "claude-sonnet-4-20250514"], ["sonnet-4", "sonnet-4-20250514"]),
        (["openai/gpt-5", "deepseek-v3.2"], ["gpt-5", "deepseek-v3.2"]),
        (["a-same", "b-same"], ["a-same", "b-same"]),
        (["x-large", "y-large"], ["x-large", "y-large"]),
    ],
)
def test_short_names_stay_apart(names: list[str], short: list[str]) -> None:
    assert short_names(names) == short


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (99, ["claude-sonnet-4-6", "gpt-5.4", "gemini-2.5-flash", "Other"]),
        (40, ["sonnet-4-6", "gpt-5.4", "gemini-2.5-flash", "Other"]),
        (34, ["sonnet-4-6", "gpt-5.4", "2.5-flash", "Other"]),
        (3, ["sonnet-4-6", "gpt-5.4", "2.5-flash", "Other"]),
    ],
)
def test_a_legend_says_as_much_as_there_is_room_for(room: int, shown: list[str]) -> None:
    names = ["claude-sonnet-4-6", "gpt-5.4", "gemini-2.5-flash", "Other"]
    assert fitting_names(names, lambda texts: sum(map(len, texts)) <= room) == shown


def test_names_that_would_read_the_same_keep_their_family() -> None:
    assert fitting_names(["a-2.5-flash", "b-2.5-flash"], lambda texts: False) == ["2.5-flash", "b-2.5-flash"]


# Whole charts


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def theme(request: pytest.FixtureRequest, qapp: object) -> Iterator[Theme]:
    theme = Theme()
    theme.set_mode("dark" if request.param else "light")
    yield theme


@pytest.fixture
def light(qapp: object) -> Theme:
    theme = Theme()
    theme.set_mode("light")
    return theme


def chart(qtbot: QtBot, spec: ChartSpec, theme: Theme, given: ChartInput) -> ChartCard:
    card = ChartCard(spec, theme)
    qtbot.addWidget(card)
    card.resize(560, 220)
    card.show()
    card.set_data(chart_data(spec, given))
    card.grab()
    return card


def test_bars_are_as_high_as_their_values(qtbot: QtBot, theme: Theme) -> None:
    given = ChartInput(
        buckets=buckets(busy(100, errors=10), busy(0), busy(50), busy(200, errors=200)), now_us=START * 2
    )
    card = chart(qtbot, SPECS["requests"], theme, given)
    bars = card.plot.bars
    assert bars is not None
    unit = card.plot.area().height() / card.plot.maximum * card.devicePixelRatioF()
    good, errors = bars.drawn(0), bars.drawn(1)
    assert [round(height / unit) for height in good[:, 3]] == pytest.approx([90, 50], abs=1)
    assert [round(height / unit) for height in errors[:, 3]] == pytest.approx([10, 200], abs=1)
    assert errors[0, 1] + errors[0, 3] == good[0, 1], "errors stand on the successes"
    assert len({round(box[1] + box[3]) for box in good}) == 1, "all bars stand on zero"


def test_a_bar_has_its_series_colour_and_a_running_bucket_is_faint(qtbot: QtBot, theme: Theme) -> None:
    given = ChartInput(buckets=buckets(busy(100), busy(100)), now_us=START + HOUR + HOUR // 2)
    card = chart(qtbot, SPECS["requests"], theme, given)
    image = card.plot.grab().toImage()
    area = card.plot.area()
    full = image.pixelColor(round(area.left() + area.width() * 0.2), area.bottom() - 20)
    faint = image.pixelColor(round(area.left() + area.width() * 0.7), area.bottom() - 20)
    assert full == theme.series_color(0)
    assert faint not in (theme.series_color(0), theme.color("surface"))


def test_input_tokens_are_split_into_fresh_and_cached(qtbot: QtBot, light: Theme) -> None:
    card = chart(qtbot, SPECS["tokens"], light, ChartInput(buckets=buckets(busy(3)), now_us=START * 2))
    assert card.values_at(0) == {
        "Input": count(180), "Cached input": count(120), "Output": count(30), "Total": count(330)
    }  # fmt: skip


def test_cost_names_the_models_and_the_rest(qtbot: QtBot, light: Theme) -> None:
    total = buckets(busy(10), busy(20))
    groups = [
        Group(value="gpt-5.1", slot=3, buckets=buckets(busy(4), busy(5))),
        Group(value="o3", slot=0, buckets=buckets(busy(1), busy(15))),
    ]
    card = chart(qtbot, SPECS["cost"], light, ChartInput(buckets=total, groups=groups, now_us=START * 2))
    assert card.values_at(0) == {"gpt-5.1": "$0.004", "o3": "$0.001", "Other": "$0.005", "Total": "$0.010"}
    assert [series.colour for series in card.data.series] == [3, 0, "other"]  # type: ignore[union-attr]
    whole = ChartInput(buckets=total, groups=[Group(value="o3", slot=0, buckets=total)], now_us=START * 2)
    card.set_data(chart_data(SPECS["cost"], whole))
    assert [item.key for item in card.legend.items] == ["o3"], "no Other where nothing is left"


def test_latency_has_gaps_without_traffic_and_a_dot_for_a_lone_bucket(qtbot: QtBot, theme: Theme) -> None:
    given = ChartInput(buckets=buckets(busy(5), busy(6), busy(0), busy(7), busy(0)), now_us=START * 2)
    card = chart(qtbot, SPECS["latency"], theme, given)
    lines = card.plot.lines
    assert lines is not None
    _, median = lines.drawn(1).values
    assert [None if math.isnan(value) else value for value in median] == [405, 406, None, 407, None]
    assert card.values_at(0) == {"p95": duration(905), "p50": duration(405)}
    assert card.values_at(2) == {"p95": UNKNOWN, "p50": UNKNOWN}
    left, right = card.plot.columns(3, 3)
    y = card.plot.area().bottom() - 407 / card.plot.maximum * card.plot.area().height()
    image = card.plot.grab().toImage()
    around = [
        image.pixelColor(round((left + right) / 2) + dx, round(y) + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)
    ]
    assert theme.series_color(0) in around


def test_what_is_unknown_is_empty_in_a_charts_file() -> None:
    given = ChartInput(buckets=buckets(busy(5), busy(0)), now_us=START * 2)
    head, known, unknown = chart_csv(SPECS["latency"], chart_data(SPECS["latency"], given)).splitlines()
    assert head == "start_utc,end_utc,start_local,p95 (ms),p50 (ms)"
    assert [float(text) for text in known.split(",")[3:]] == [905, 405]
    assert unknown.split(",")[3:] == ["", ""]


def test_a_charts_file_says_which_values_hold_estimates() -> None:
    """A month's cost was read from it as if its provider had counted all of it."""
    guessed = structs.replace(busy(5), usage_sources={"estimated": 1})
    groups = [Group(value=name, slot=0, buckets=buckets(*told)) for name, told in
              (("gpt-5", (busy(5), guessed, guessed)), ("o3", (busy(5), busy(5), guessed)))]  # fmt: skip
    given = ChartInput(buckets=buckets(busy(10), busy(10), busy(10)), groups=groups, now_us=START * 2)
    rows = csv.DictReader(io.StringIO(chart_csv(SPECS["cost"], chart_data(SPECS["cost"], given)), newline=""))
    assert [row["estimated"] for row in rows] == ["", "gpt-5", "gpt-5; o3"]
    plain = chart_csv(SPECS["requests"], chart_data(SPECS["requests"], given))
    assert "estimated" not in plain.splitlines()[0]


def test_the_rest_of_a_cost_holds_no_estimates_of_the_models_beside_it() -> None:
    """It was told as estimated wherever any model's cost was."""
    guessed, fuzzy = (
        structs.replace(busy(5), usage_sources={"partial": 1}),
        structs.replace(busy(5), price_fuzzy_requests=1),
    )
    both = structs.replace(busy(10), usage_sources={"partial": 1}, price_fuzzy_requests=1)
    given = ChartInput(
        buckets=buckets(structs.replace(busy(10), usage_sources={"partial": 1}), both, both),
        groups=[Group(value="o3", slot=0, buckets=buckets(guessed, guessed, fuzzy))],
        rest="Other",
        now_us=START * 2,
    )
    rows = csv.DictReader(io.StringIO(chart_csv(SPECS["cost"], chart_data(SPECS["cost"], given)), newline=""))
    assert [row["estimated"] for row in rows] == ["o3", "o3; Other", "o3; Other"]


def test_a_cost_that_nobody_knows_holds_no_estimate(qtbot: QtBot, light: Theme) -> None:
    """Of a model without a price whose tokens were estimated the file told an estimate beside an empty value."""
    unpriced = structs.replace(busy(5), cost_nano=None, usage_sources={"estimated": 5})
    listed = buckets(unpriced)
    given = ChartInput(
        buckets=buckets(busy(10)),
        groups=[Group(value="own", slot=0, buckets=listed), Group(value="o3", slot=1, buckets=buckets(busy(5)))],
        now_us=START * 2,
    )
    data = chart_data(SPECS["cost"], given)
    (row,) = csv.DictReader(io.StringIO(chart_csv(SPECS["cost"], data), newline=""))
    assert (row["own (usd)"], row["estimated"]) == ("", "")
    total = chart(qtbot, SPECS["cost"], light, given).values_at(0)["Total"]
    assert not total.startswith("≈"), "nor does what the others come to"


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_name_runs_as_no_formula_in_a_charts_file_nor_in_a_tables(start: str) -> None:
    """Models and tags are named by whoever asks."""
    group = Group(value=f"{start}1+1", slot=0, buckets=buckets(busy(5)))
    data = chart_data(SPECS["cost"], ChartInput(buckets=buckets(busy(5)), groups=(group,), now_us=START * 2))
    (head, *_) = csv.reader(io.StringIO(chart_csv(SPECS["cost"], data), newline=""))
    assert any(title.startswith(f"'{start}1+1") for title in head) and not any(t.startswith(start) for t in head)
    assert safe_cell(f"{start}1+1") == f"'{start}1+1" and safe_cell(-5) == "-5" and safe_cell(None) == ""


def test_the_tooltip_snaps_to_the_bucket_and_says_its_values(qtbot: QtBot, light: Theme) -> None:
    given = ChartInput(buckets=buckets(*[busy(n + 1, errors=1) for n in range(24)]), now_us=START * 2, tz=BERLIN)
    card = chart(qtbot, SPECS["requests"], light, given)
    left, right = card.plot.columns(17, 17)
    with qtbot.waitSignal(card.crosshair_moved) as moved:
        QTest.mouseMove(card.plot.viewport(), QPoint(round(left) + 2, card.plot.area().center().y()))
    assert moved.args == [17]
    assert card.tooltip.isVisible()
    assert card.tooltip.title == "Fri 20 Nov, 17:00"
    assert [(name, value) for _, name, value in card.tooltip.rows] == [
        ("Success", count(17)), ("Errors", count(1)), ("Total", count(18))
    ]  # fmt: skip
    assert card.hairline.x() == round((left + right) / 2)
    assert card.rect().contains(card.tooltip.geometry())
    card.set_crosshair(23, tooltip=True)
    assert card.rect().contains(card.tooltip.geometry()), "the card flips to the side that has room"
    line = card.hairline.mapTo(card, QPoint(0, 0)).x()
    assert card.tooltip.geometry().right() < line, "beside the crosshair, not over it"


def test_a_drag_selects_buckets_and_a_click_names_one(qtbot: QtBot, light: Theme) -> None:
    given = ChartInput(buckets=buckets(*[busy(3)] * 23, busy(12)), now_us=START * 2)
    card = chart(qtbot, SPECS["cost"], light, given)
    viewport, area = card.plot.viewport(), card.plot.area()
    middle = area.center().y()
    first, last = (QPoint(round(sum(card.plot.columns(n, n)) / 2), middle) for n in (5, 9))
    with qtbot.waitSignal(card.range_selected) as selected:
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=first)
        QTest.mouseMove(viewport, last)
        assert card.plot.brush.isVisible()
        QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=last)
    assert selected.args == [START + 5 * HOUR, START + 10 * HOUR]
    assert not card.plot.brush.isVisible()
    with qtbot.waitSignal(card.bucket_activated) as activated:
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(last.x(), area.bottom() - 2))
    assert activated.args == [START + 9 * HOUR, START + 10 * HOUR, ""], "the bar's only part is the rest"
    with qtbot.waitSignal(card.bucket_activated) as above:
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(last.x(), area.top() + 1))
    assert above.args[2] is None


def test_the_keyboard_reads_and_opens_buckets(qtbot: QtBot, light: Theme) -> None:
    given = ChartInput(buckets=buckets(*[busy(n) for n in range(24)]), now_us=START * 2, tz=BERLIN)
    card = chart(qtbot, SPECS["requests"], light, given)
    assert "total 276" in card.accessibleDescription()
    assert "peak 23 at Fri 20 Nov, 23:00" in card.accessibleDescription()
    for key, cursor in [
        (Qt.Key.Key_Left, 23), (Qt.Key.Key_Left, 22), (Qt.Key.Key_Home, 0), (Qt.Key.Key_Left, 0), (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_End, 23), (Qt.Key.Key_PageUp, 0), (Qt.Key.Key_Escape, -1), (Qt.Key.Key_Right, 0),
    ]:  # fmt: skip
        QTest.keyClick(card, key)
        assert card.crosshair == cursor
    QTest.keyClick(card, Qt.Key.Key_Right)
    assert card.accessibleDescription() == "Fri 20 Nov, 01:00: Success 1, Errors 0, Total 1"
    with qtbot.waitSignal(card.bucket_activated) as activated:
        QTest.keyClick(card, Qt.Key.Key_Return)
    assert activated.args == [START + HOUR, START + 2 * HOUR, None]


def test_what_nobody_knows_comes_to_no_number(qtbot: QtBot, light: Theme) -> None:
    unknown = Summary(requests=3, input_tokens=None, cached_tokens=None, output_tokens=None, cost_nano=None)
    for key, of_some in (("cost", "$0.002000"), ("tokens", "220")):
        for summaries, told in (
            ((unknown, Summary()), UNKNOWN),
            ((unknown, busy(2)), of_some),
            ((Summary(), Summary()), SPECS[key].value_text(0)),
        ):
            listed = buckets(*summaries)
            groups = [Group(value="openai", slot=0, buckets=listed)]
            card = ChartCard(SPECS[key], light)
            qtbot.addWidget(card)
            card.tell_total()
            card.set_data(chart_data(SPECS[key], ChartInput(buckets=listed, groups=groups, tz=BERLIN)))
            assert card.total is not None and card.total.text() == told, (key, summaries)
            assert f"total {told}," in card.accessibleDescription()


def test_a_long_name_leaves_its_chart_the_room_that_it_has(qtbot: QtBot, light: Theme) -> None:
    """Two stand beside each other in the smallest window; a provider of one's own may have forty letters."""
    card = ChartCard(SPECS["cost"], light)
    qtbot.addWidget(card)
    card.tell_total()
    card.set_title("a-provider-with-a-name-of-forty-letters-")
    card.set_data(chart_data(SPECS["cost"], ChartInput(buckets=buckets(busy(300)), tz=BERLIN)))
    card.resize(370, 200)
    card.show()
    card.grab()
    assert card.minimumSizeHint().width() <= 370
    assert card.total is not None and card.total.width() >= card.total.sizeHint().width()
    assert "…" in card._title.shown_text()
    card.set_title("OpenAI")
    card.grab()
    assert card._title.shown_text() == "OpenAI"


def test_a_bucket_that_nobody_knows_is_no_number(qtbot: QtBot, light: Theme) -> None:
    unknown = Summary(requests=3, input_tokens=None, cached_tokens=None, output_tokens=None, cost_nano=None)
    listed = buckets(unknown, Summary(), busy(2))
    given = ChartInput(buckets=listed, groups=[Group(value="openai", slot=0, buckets=listed)], tz=BERLIN)
    for key in ("cost", "tokens"):
        card = chart(qtbot, SPECS[key], light, given)
        assert set(card.values_at(0).values()) == {UNKNOWN}
        assert all(value != UNKNOWN for at in (1, 2) for value in card.values_at(at).values())
        told = [line.split(",")[3:-1] for line in chart_csv(SPECS[key], card.data).splitlines()[1:]]
        assert set(told[0]) == {""} and "" not in (*told[1], *told[2])
    assert (
        "peak \N{EM DASH} at"
        in chart(qtbot, SPECS["cost"], light, ChartInput(buckets=buckets(unknown), tz=BERLIN)).accessibleDescription()
    )


def test_nothing_is_dropped_on_a_chart(qtbot: QtBot, light: Theme) -> None:
    """A scene that takes nothing makes Qt warn when what was dragged over it leaves."""
    spec = ScatterSpec(title="Cost", x_title="x", y_title="y", x_text=count_axis, y_text=count_axis)
    scatter = ScatterCard(spec, light)
    qtbot.addWidget(scatter)
    bars = chart(qtbot, SPECS["tokens"], light, ChartInput(buckets=buckets(busy(3)), now_us=START * 2))
    for plot in (bars.plot, scatter.plot):
        assert not plot.acceptDrops() and not plot.viewport().acceptDrops()


def test_the_legend_isolates_and_hides(qtbot: QtBot, light: Theme) -> None:
    card = chart(qtbot, SPECS["tokens"], light, ChartInput(buckets=buckets(busy(3)), now_us=START * 2))
    by_key = {item.key: item for item in card.legend.items}
    shown = lambda: set(card.values_at(0)) - {"Total"}  # noqa: E731
    QTest.mouseClick(by_key["cached"], Qt.MouseButton.LeftButton)
    assert shown() == {"Cached input"}
    assert card.plot.maximum == nice_maximum(120, whole=True)
    assert by_key["input"].accessibleName() == "Input, hidden"
    QTest.mouseClick(by_key["cached"], Qt.MouseButton.LeftButton)
    assert shown() == {"Input", "Cached input", "Output"}
    QTest.mouseClick(by_key["cached"], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    assert shown() == {"Input", "Output"}


def test_the_legend_is_worked_by_the_keyboard(qtbot: QtBot, light: Theme) -> None:
    card = chart(qtbot, SPECS["tokens"], light, ChartInput(buckets=buckets(busy(3)), now_us=START * 2))
    items = {item.key: item for item in card.legend.items}
    QTest.keyClick(items["cached"], Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert card.legend.hidden == {"cached"}
    QTest.keyClick(items["cached"], Qt.Key.Key_Space)
    assert card.legend.hidden == {"input", "output"}
    QTest.keyClick(items["cached"], Qt.Key.Key_Space)
    assert card.legend.hidden == frozenset()


def test_what_a_chart_comes_to_is_of_the_series_that_it_shows(qtbot: QtBot, light: Theme) -> None:
    card = ChartCard(SPECS["tokens"], light)
    qtbot.addWidget(card)
    card.tell_total()
    given = ChartInput(buckets=buckets(busy(3), busy(5)), now_us=START * 2, tz=BERLIN)
    card.set_data(chart_data(SPECS["tokens"], given))
    output = next(item for item in card.legend.items if item.key == "output")
    for hidden, total, peak in ((False, "880", "550"), (True, "80", "50"), (False, "880", "550")):
        assert bool(card.legend.hidden) == hidden
        # What comes each second, too.
        card.set_data(chart_data(SPECS["tokens"], given))
        assert card.total is not None and card.total.text() == total
        assert f"total {total}, peak {peak} at" in card.accessibleDescription()
        QTest.mouseClick(output, Qt.MouseButton.LeftButton)


def test_a_series_that_stands_alone_still_does_when_another_comes(qtbot: QtBot, light: Theme) -> None:
    legend = Legend(light)
    qtbot.addWidget(legend)
    legend.resize(600, 24)

    def show(*names: str) -> frozenset[str]:
        legend.set_entries([(name, name, light.series_color(slot)) for slot, name in enumerate(names)])
        return legend.hidden

    show("gpt-5.4", "grok-4.3")
    QTest.mouseClick(legend.items[1], Qt.MouseButton.LeftButton)
    assert show("grok-4.3", "haiku-4-5", "gpt-5.4") == {"gpt-5.4", "haiku-4-5"}
    assert show("grok-4.3") == frozenset()
    assert show("grok-4.3", "haiku-4-5") == {"haiku-4-5"}, "for as long as it is there"
    assert show("gpt-5.4", "haiku-4-5") == frozenset()
    QTest.mouseClick(legend.items[1], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    assert show("gpt-5.4", "haiku-4-5", "grok-4.3") == {"haiku-4-5"}, "one that was hidden hides no other"
    QTest.mouseClick(legend.items[0], Qt.MouseButton.LeftButton)
    QTest.mouseClick(legend.items[0], Qt.MouseButton.LeftButton)
    assert show("gpt-5.4", "grok-4.3") == frozenset()


def test_a_narrow_legend_says_every_name_it_shows_and_offers_the_others(qtbot: QtBot, light: Theme) -> None:
    names = ["claude-sonnet-4-6", "gpt-5.4", "claude-haiku-4-5", "grok-4.3", "gemini-2.5-flash", "Other"]
    card = QWidget()
    qtbot.addWidget(card)
    legend = Legend(light, card)
    legend.resize(900, 24)
    card.show()
    legend.set_entries([(name, name, light.series_color(slot)) for slot, name in enumerate(names)])
    assert [item.text() for item in legend.items] == names and legend.more.isHidden()
    for width in range(500, 60, -20):
        legend.resize(width, 24)
        shown = [item for item in legend.items if item.isVisible()]
        assert all(item.text() for item in shown), f"a square without a word at {width}"
        assert [name for _, name, _ in legend.more.entries] == names[len(shown) :]
        assert legend.more.isVisible() == (len(shown) < len(names))
    assert legend.more.text() == f"+{len(names) - len(shown)}" and names[-1] in legend.more.accessibleName()
    menu = legend.more.menu()
    assert [action.text() for action in menu.actions()] == names[len(shown) :]
    with qtbot.waitSignal(legend.hidden_changed) as hidden:
        menu.actions()[-1].trigger()
    assert hidden.args == [frozenset(names[:-1])], "it stands alone"


def test_a_tooltip_that_moves_is_measured_once(qtbot: QtBot, light: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    card = QWidget()
    qtbot.addWidget(card)
    card.resize(580, 220)
    tooltip = Tooltip(light, card)
    sizes: list[QSize] = []
    size_of = Tooltip.sizeHint

    def measured(tooltip: Tooltip) -> QSize:
        sizes.append(size_of(tooltip))
        return sizes[-1]

    monkeypatch.setattr(Tooltip, "sizeHint", measured)
    tooltip.show_rows("Thu 26 Nov, 06:00", ((light.color("ok"), "Success", "218"),), 300, card.rect())
    assert sizes == [tooltip.size()]


def test_a_tooltip_that_would_be_cut_keeps_its_rows_and_shortens_its_note(qtbot: QtBot, light: Theme) -> None:
    card = Card(light)
    qtbot.addWidget(card)
    card.resize(500, 186)
    card.show()
    tooltip = Tooltip(light, card)
    rows = tuple((light.series_color(slot), f"model-{slot}", "$0.10") for slot in range(7))
    tooltip.show_rows("Thu 26 Nov, 06:00", rows, 300, card.rect(), "≈ includes estimates: the provider gave no count")
    assert tooltip.note == "≈ includes estimates" and tooltip.rows == rows
    assert card.rect().contains(tooltip.geometry())
    tooltip.show_rows(
        "Thu 26 Nov, 06:00", rows[:2], 300, card.rect(), "≈ includes estimates: the provider gave no count"
    )
    assert tooltip.note.endswith("gave no count")


def test_a_refresh_updates_in_place(qtbot: QtBot, light: Theme) -> None:
    card = chart(qtbot, SPECS["latency"], light, ChartInput(buckets=buckets(busy(5), busy(6)), now_us=START * 2))
    items = card.plot.view.addedItems[:]
    legend = card.legend.items
    card.set_data(chart_data(card.spec, ChartInput(buckets=buckets(busy(7), busy(8)), now_us=START * 2)))
    assert card.plot.view.addedItems == items
    assert card.legend.items == legend
    assert card.values_at(0)["p50"] == duration(407)


def test_names_that_stay_are_not_measured_again(qtbot: QtBot, light: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    card = chart(qtbot, SPECS["latency"], light, ChartInput(buckets=buckets(busy(5), busy(6)), now_us=START * 2))
    fitted: list[int] = []

    def fitting(names: Sequence[str], fits: Callable[[Sequence[str]], bool]) -> list[str]:
        fitted.append(len(names))
        return fitting_names(names, fits)

    monkeypatch.setattr("app.charts.legend.fitting_names", fitting)
    card.set_data(chart_data(card.spec, ChartInput(buckets=buckets(busy(7), busy(8)), now_us=START * 2)))
    assert fitted == []
    card.resize(card.width() - 200, card.height())
    light.set_patterns(True)
    light.set_mode("dark")
    assert len(fitted) == 3, "another width, patterns, other colours"


def test_times_that_stay_are_not_looked_for_again(
    qtbot: QtBot, light: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = chart(qtbot, SPECS["latency"], light, ChartInput(buckets=buckets(busy(5), busy(6)), now_us=START * 2))
    asked: list[tuple[int, int]] = []

    def ticks_between(start_us: int, end_us: int, tz: str, room: int) -> list[tuple[int, str]]:
        asked.append((start_us, end_us))
        return time_ticks(start_us, end_us, tz, room)

    monkeypatch.setattr("app.charts.axes.time_ticks", ticks_between)
    for later in (0, 0, HOUR):
        values = buckets(busy(7), busy(8), start=START + later)
        card.set_data(chart_data(card.spec, ChartInput(buckets=values, now_us=START * 2)))
    assert asked == [(START + HOUR, START + 3 * HOUR)]


def test_the_theme_recolours_the_plot(qtbot: QtBot, light: Theme) -> None:
    card = chart(qtbot, SPECS["requests"], light, ChartInput(buckets=buckets(busy(9), busy(2)), now_us=START * 2))
    light.set_mode("dark")
    image = card.plot.grab().toImage()
    area = card.plot.area()
    assert image.pixelColor(area.right() - 3, area.top() + 2) == light.color("surface")
    assert image.pixelColor(area.left() + 20, area.bottom() - 20) == light.series_color(0)


def test_patterns_tell_series_apart_without_their_colours(qtbot: QtBot, theme: Theme) -> None:
    """The first series is plain, the next hatched in the card's colour, in bars and legend; a second line is dashed."""
    given = ChartInput(buckets=buckets(busy(200, errors=100)), now_us=START * 2)
    card = chart(qtbot, SPECS["requests"], theme, given)
    bars = card.plot.bars
    assert bars is not None

    def colours(layer: int) -> set[str]:
        x, y, width, height = bars.drawn(layer)[0]
        image, ratio = card.plot.grab().toImage(), card.devicePixelRatioF()
        inner = QRect(round(x / ratio) + 2, round(y / ratio) + 2, round(width / ratio) - 4, round(height / ratio) - 4)
        return {
            QColor(image.pixelColor(left, top)).name()
            for left in range(inner.left(), inner.left() + 40)
            for top in range(inner.top(), inner.bottom())
        }

    good, bad, ground = (theme.series_color(0).name(), theme.color("bad").name(), theme.color("surface").name())
    assert (colours(0), colours(1)) == ({good}, {bad})
    swatch = card.legend.items[1].grab().toImage()
    theme.set_patterns(True)
    assert (colours(0), colours(1)) == ({good}, {bad, ground})
    assert card.legend.items[1].grab().toImage() != swatch
    theme.set_patterns(False)
    assert colours(1) == {bad}
    lines = chart(qtbot, SPECS["latency"], theme, given).plot.lines
    assert lines is not None
    theme.set_patterns(True)
    assert [lines.drawn(place).pen.style() for place in (0, 1)] == [
        Qt.PenStyle.SolidLine,
        Qt.PenStyle.DashLine,
    ]


@pytest.mark.parametrize(("style", "whole"), [(Qt.PenStyle.SolidLine, True), (Qt.PenStyle.DashLine, False)])
def test_a_line_has_its_gaps_and_dashes_that_go_on_from_point_to_point(style: Qt.PenStyle, whole: bool) -> None:
    curve = Curve()
    x = np.arange(100.0)
    curve.set_data(x, np.where((x > 40) & (x < 60), np.nan, 5.0))
    curve.set_pen(QColor("black"), 2.0, style)
    image = QImage(100, 10, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    with QPainter(image) as painter:
        curve.paint(painter, QStyleOptionGraphicsItem())
    inked = [image.pixelColor(place, 4) != QColor("white") for place in range(100)]
    assert not any(inked[43:57])
    assert [all(inked[2:38]), all(inked[63:98])] == [whole, whole]
    assert any(inked[2:38]) and any(inked[63:98])


def test_nothing_to_draw_is_no_error(qtbot: QtBot, light: Theme) -> None:
    for spec in CHARTS:
        card = chart(qtbot, spec, light, ChartInput(buckets=(), now_us=START))
        card.set_crosshair(3, tooltip=True)
        assert card.crosshair == -1
        assert card.accessibleDescription() == "Nothing to show"


def test_the_wheel_belongs_to_the_page(qtbot: QtBot, light: Theme) -> None:
    card = chart(qtbot, SPECS["requests"], light, ChartInput(buckets=buckets(busy(9)), now_us=START * 2))
    before = card.plot.view.viewRange()
    event = QWheelEvent(
        QPointF(200, 100), QPointF(200, 100), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    card.plot.wheelEvent(event)
    assert not event.isAccepted()
    assert card.plot.view.viewRange() == before


def test_a_tooltip_s_rows_come_to_its_total(qtbot: QtBot, light: Theme) -> None:
    def costs(*nanos: int) -> list[TimeBucket]:
        return [
            TimeBucket(start_us=START + n * HOUR, end_us=START + (n + 1) * HOUR, summary=Summary(cost_nano=nano))
            for n, nano in enumerate(nanos)
        ]

    groups = [Group(value=name, slot=n, buckets=costs(152_600_000, 200_000_000)) for n, name in enumerate("abc")]
    whole = costs(457_800_000, 600_000_000)
    card = chart(qtbot, SPECS["cost"], light, ChartInput(buckets=whole, groups=groups, now_us=START * 2))
    # Three times $0.153 beside $0.458 would be one too many.
    assert card.values_at(0) == {"a": "$0.1526", "b": "$0.1526", "c": "$0.1526", "Total": "$0.458"}
    assert card.values_at(1) == {"a": "$0.200", "b": "$0.200", "c": "$0.200", "Total": "$0.600"}
    lot = buckets(busy(123_456, errors=2_600))
    requests = chart(qtbot, SPECS["requests"], light, ChartInput(buckets=lot, now_us=START * 2))
    assert requests.values_at(0) == {"Success": "120,856", "Errors": "2,600", "Total": "123,456"}


def test_points_stand_below_each_other_in_a_tooltip(qtbot: QtBot, light: Theme) -> None:
    """The total has fewer decimals than its parts."""
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.resize(400, 300)
    tooltip = Tooltip(light, parent)
    parent.show()
    swatch = QColor("white")

    def ink(*values: str, aligned: bool = True) -> list[set[int]]:
        """Columns in which a row's value has ink."""
        rows = tuple((swatch, "", value) for value in values)
        tooltip.show_rows("", rows, 0, parent.rect(), aligned=aligned)
        image = tooltip.grab().toImage()
        ground = image.pixelColor(image.width() - 5, 20).rgb()
        tops = [30 + 17 * number for number in range(len(values))]
        columns = range(40, image.width() - 4)
        return [{x for x in columns for y in range(top, top + 15) if image.pixel(x, y) != ground} for top in tops]

    part, total = ink("$0.1526", "$0.458")
    one, other = ink("$0.152", "$0.458")
    # As far to the left of the end as a digit takes.
    assert max(part) - max(total) >= 5 and min(total) - min(part) <= 1
    assert abs(max(one) - max(other)) <= 1
    ends = [max(row) for row in ink("12", "$0.0123", "905 ms", "1.42 s", aligned=False)]
    assert max(ends) - min(ends) <= 2, "figures of several kinds end at the edge"


@pytest.mark.parametrize(("key", "aligned"), [("cost", True), ("tokens", True), ("latency", False)])
def test_values_of_one_kind_and_unit_are_aligned(qtbot: QtBot, light: Theme, key: str, aligned: bool) -> None:
    card = chart(qtbot, SPECS[key], light, ChartInput(buckets=buckets(busy(10)), now_us=START * 2))
    card.set_crosshair(0, tooltip=True)
    assert card.tooltip.rows and card.tooltip._aligned is aligned


def test_a_title_that_no_axis_has_is_not_laid_out_with_each_range(
    qtbot: QtBot, light: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = chart(qtbot, SPECS["requests"], light, ChartInput(buckets=buckets(busy(9)), now_us=START * 2))
    laid_out: list[str] = []
    for axis in (card.plot.values, card.plot.times):
        monkeypatch.setattr(axis.label, "setHtml", laid_out.append)
    card.plot._set_range(3600.0, 20.0)
    assert card.plot.values.range == [0.0, 20.0] and laid_out == []


def test_the_menus_of_several_charts_are_told_apart(qtbot: QtBot, theme: Theme) -> None:
    made = {spec.title: ChartCard(spec, theme) for spec in CHARTS}
    for title, card in made.items():
        qtbot.addWidget(card)
        assert card.more.accessibleName() == f"Save this chart: {title}"


def test_times_are_told_by_the_clock_that_was_chosen(qtbot: QtBot, light: Theme) -> None:
    given = ChartInput(buckets=buckets(*[busy(1)] * 12), tz=BERLIN)
    card = chart(qtbot, SPECS["requests"], light, given)
    assert "06:00" in [text for _, text in card.plot.times.labels]
    use_clock(None, twelve_hours=True)
    try:
        light.redraw()
        assert "6:00 am" in [text for _, text in card.plot.times.labels]
    finally:
        use_clock(None, twelve_hours=False)


@pytest.mark.parametrize("placed", [False, True], ids=["alone", "in a layout"])
def test_a_saved_chart_names_every_series(
    qtbot: QtBot, light: Theme, monkeypatch: pytest.MonkeyPatch, placed: bool
) -> None:
    """It has no menu to look the others up in."""
    names = [f"a-model-of-some-length-{letter}" for letter in "abcdef"]
    hour = buckets(busy(600))
    groups = [Group(value=name, name=name, slot=slot, buckets=buckets(busy(100))) for slot, name in enumerate(names)]
    card = chart(qtbot, SPECS["cost"], light, ChartInput(buckets=hour, groups=tuple(groups), now_us=START * 2))
    page = QWidget()
    qtbot.addWidget(page)
    if placed:
        QVBoxLayout(page).addWidget(card)
        page.show()
    (page if placed else card).resize(380, 220)
    (page if placed else card).grab()
    size, kept = card.size(), len(card.legend.more.entries)
    assert kept, "there is no room for all"
    shown: list[tuple[int, list[str]]] = []
    taken = Card.picture

    def picture(self: ChartCard, scale: float = 2.0) -> QImage:
        items = [item for item in self.legend.items if item.isVisible()]
        within = all(self.legend.rect().contains(item.geometry()) for item in items)
        shown.append((len(self.legend.more.entries), [item.text() for item in items if within]))
        return taken(self, scale)

    monkeypatch.setattr(Card, "picture", picture)
    image = card.picture(1.0)
    assert shown == [(0, short_names(names))]
    assert image.width() > size.width()
    card.window().grab()
    assert card.size() == size and len(card.legend.more.entries) == kept
    # It ends by itself.
    card.setParent(None)


def test_a_saved_chart_without_a_legend_keeps_its_width(qtbot: QtBot, light: Theme) -> None:
    listed = buckets(busy(3))
    groups = [Group(value="a-provider-with-a-name-of-forty-letters-", slot=0, buckets=listed)]
    card = ChartCard(SPECS["cost"], light)
    qtbot.addWidget(card)
    card.legend.hide()
    card.set_data(chart_data(SPECS["cost"], ChartInput(buckets=listed, groups=groups, tz=BERLIN)))
    card.resize(370, 220)
    card.show()
    assert card.picture(1.0).size() == card.size()
