"""Numbers that are no provider's own count are marked wherever they stand, and a zero is told from what is unknown."""

import numpy as np
import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app import sources
from app.charts.card import ChartCard
from app.charts.cost import COST
from app.charts.data import ChartInput, Group, chart_data
from app.charts.tokens import TOKENS
from app.overview.breakdown import COST as COST_MEASURE
from app.overview.breakdown import NAME, BreakdownModel, Line
from app.overview.figures import figures
from app.pages.models_parts.bill_lines import bill_figures, bill_lines, line_columns
from app.pages.requests_parts.columns import request_columns
from app.theme import Theme
from gateway import BillPart, BillTotals, DayModel, ExchangeRecord, Reconciliation, Summary, TimeBucket
from tests.store.examples import record

EXACT = Summary(
    requests=2,
    input_tokens=100,
    cached_tokens=0,
    output_tokens=50,
    cost_nano=2_000_000_000,
    usage_sources={"provider": 2, "partial": 0, "estimated": 0, "none": 0},
    cost_sources={"provider": 0, "override": 0, "list": 2, "none": 0},
)
BROKEN_OFF = replace(EXACT, usage_sources={"provider": 1, "partial": 1, "estimated": 0, "none": 0})
GUESSED = replace(EXACT, usage_sources={"provider": 1190, "partial": 2, "estimated": 12, "none": 0})


def cells(row: ExchangeRecord) -> dict[str, tuple[str, str]]:
    """Text and tooltip by column."""
    columns = request_columns(str.title)
    return {column.title: (column.text(row), column.tooltip(row) if column.tooltip else "") for column in columns}


@pytest.mark.parametrize(
    ("fields", "given", "made", "cost"),
    [
        ({}, "10", "5", "$1.000000"),
        ({"usage_source": "partial"}, "10", "≈5", "≈$1.000000"),
        ({"usage_source": "estimated"}, "≈10", "≈5", "≈$1.000000"),
        ({"usage_source": "estimated", "cost_source": "provider"}, "≈10", "≈5", "$1.000000"),
        ({"price_fuzzy": True}, "10", "5", "≈$1.000000"),
        ({"input_tokens": 0, "output_tokens": 0, "cost_nano": 0}, "0", "0", "$0.000000"),
        (
            {"input_tokens": None, "output_tokens": None, "cost_nano": None, "usage_source": "none"},
            "—",
            "—",
            "—",
        ),
        ({"output_tokens": None, "usage_source": "estimated"}, "≈10", "—", "≈$1.000000"),
    ],
    ids=str,
)
def test_a_row_marks_what_is_estimated_and_says_where_each_number_comes_from(
    fields: dict[str, object], given: str, made: str, cost: str
) -> None:
    row = record(1, **{"cost_nano": 1_000_000_000, **fields})
    shown = cells(row)
    assert (shown["Tokens in"][0], shown["Tokens out"][0], shown["Cost"][0]) == (given, made, cost)
    for column in ("Tokens in", "Tokens out", "Cached", "Reasoning"):
        assert shown[column][1] == sources.USAGE_SOURCE_WORDS[row.usage_source]
    if row.usage_source != "none":
        assert shown["Cost"][1].startswith(sources.COST_SOURCE_WORDS[row.cost_source])


def test_cards_mark_sums_that_hold_estimates_and_their_tooltips_count_them() -> None:
    exact = {figure.key: figure for figure in figures(EXACT, None, (), 1)}
    assert (exact["tokens"].value, exact["cost"].value) == ("150", "$2.00")
    assert exact["tokens"].exact == "150\n2 counted by the provider"
    assert exact["cost"].exact == "$2.00 · $1.00 / request\n2 by list price"
    marked = {figure.key: figure for figure in figures(GUESSED, None, (), 1)}
    assert (marked["tokens"].value, marked["cost"].value) == ("≈150", "≈$2.00")
    words = "1,190 counted by the provider, 2 partly estimated, 12 estimated"
    assert marked["tokens"].exact == f"150\n{words}\n{sources.DEFINITION}"
    assert (marked["requests"].value, marked["latency"].value) == ("2", "—")
    nothing = {figure.key: figure for figure in figures(Summary(), None, (), 1)}
    assert (nothing["tokens"].value, nothing["cost"].value) == ("0", "$0.00")
    unknown = replace(EXACT, input_tokens=None, output_tokens=None, cost_nano=None)
    assert [figure.value for figure in figures(unknown, None, (), 1)[1:3]] == ["—", "—"]


def test_breakdowns_mark_costs_and_say_how_they_came_about() -> None:
    model = BreakdownModel((NAME, COST_MEASURE))
    model.set_lines(
        [Line(value="a", name="a", slot=0, share=1.0, summary=GUESSED), Line(value="b", name="b", slot=1, share=0.5, summary=replace(EXACT, cost_nano=1))],
        None,
    )  # fmt: skip
    tips = [model.data(model.index(row, 1), Qt.ItemDataRole.ToolTipRole) for row in (0, 1)]
    assert [model.data(model.index(row, 1)) for row in (0, 1)] == ["≈$2.000000", "<$0.000001"]
    assert tips == [f"2 by list price\n{sources.DEFINITION}", "2 by list price"]


def test_chart_tooltips_mark_each_value_and_explain_the_mark(qtbot: QtBot, theme: Theme) -> None:
    summaries = (EXACT, BROKEN_OFF, GUESSED, Summary())
    buckets = [
        TimeBucket(start_us=n * 1000, end_us=n * 1000 + 1000, summary=each) for n, each in enumerate(summaries)
    ]
    card = ChartCard(TOKENS, theme)
    qtbot.addWidget(card)
    card.resize(500, 300)
    card.show()
    card.set_data(chart_data(TOKENS, ChartInput(buckets=buckets)))
    assert [list(card.values_at(n).values()) for n in range(4)] == [
        ["100", "0", "50", "150"],
        ["100", "0", "≈50", "≈150"],
        ["≈100", "0", "≈50", "≈150"],
        ["0", "0", "0", "0"],
    ]
    notes, heights = [], []
    for n in range(4):
        card.set_crosshair(n, tooltip=True)
        notes.append(card.tooltip.note)
        heights.append(card.tooltip.height())
    assert notes == ["", sources.DEFINITION, sources.DEFINITION, ""]
    assert heights[1] == heights[2] > heights[0] == heights[3]


def test_costs_by_model_are_marked_model_by_model() -> None:
    total = TimeBucket(start_us=0, end_us=1000, summary=replace(GUESSED, cost_nano=5_000_000_000))
    groups = [
        Group(value=name, slot=slot, buckets=[TimeBucket(start_us=0, end_us=1000, summary=summary)])
        for slot, (name, summary) in enumerate({"a": EXACT, "b": GUESSED}.items())
    ]
    series = chart_data(COST, ChartInput(buckets=[total], groups=groups)).series
    flags = {each.name: each.estimated for each in series}
    assert {name: bool(flag is not None and np.all(flag)) for name, flag in flags.items()} == {
        "a": False,
        "b": True,
        "Other": False,
    }


def test_sums_with_prices_that_may_be_another_s_are_marked_and_say_how_many() -> None:
    doubtful = replace(EXACT, price_fuzzy_requests=1)
    shown = {figure.key: figure for figure in figures(doubtful, None, (), 1)}
    assert (shown["tokens"].value, shown["cost"].value) == ("150", "≈$2.00")
    words = "2 by list price; 1 of these may not be exact"
    assert shown["cost"].exact == f"$2.00 · $1.00 / request\n{words}\n{sources.DEFINITION}"
    assert shown["tokens"].exact == "150\n2 counted by the provider"
    model = BreakdownModel((NAME, COST_MEASURE))
    model.set_lines([Line(value="a", name="a", slot=0, share=1.0, summary=doubtful)], None)
    assert model.data(model.index(0, 1)) == "≈$2.000000"
    assert model.data(model.index(0, 1), Qt.ItemDataRole.ToolTipRole) == f"{words}\n{sources.DEFINITION}"
    total = TimeBucket(start_us=0, end_us=1000, summary=doubtful)
    (layer,) = chart_data(COST, ChartInput(buckets=[total])).series
    assert layer.estimated is not None and list(layer.estimated) == [True]


def test_of_what_was_not_counted_the_price_is_not_called_unknown() -> None:
    failed = record(1, cost_nano=None, cost_source="none", usage_source="none", outcome="error", status=404)
    assert cells(failed)["Cost"] == ("—", "nothing was counted")
    died = replace(failed, outcome="interrupted", latency_us=None)
    assert cells(died)["Cost"] == ("—", "what it used is not known")
    assert cells(replace(failed, usage_source="provider"))["Cost"] == ("—", "no price known")


def test_of_an_estimate_no_bound_is_told_but_its_first_digit() -> None:
    assert sources.marked_money(400, True) == sources.marked_money(400, True, 4) == "≈$0.0000004"
    assert sources.marked_money(960, True, 2) == "≈$0.000001"
    assert sources.marked_money(42_000, True, 4) == "≈$0.00004"
    assert sources.marked_money(42_000, False, 4) == "<$0.0001", "of what was counted it is no guess"
    assert sources.marked_money(42_000, True, 6) == sources.marked_money(42_000, True) == "≈$0.000042"
    assert sources.marked_money(0, True) == "≈$0.00" and sources.marked_money(None, True, 6) == "—"
    small = record(1, cost_nano=400, usage_source="estimated")
    assert cells(small)["Cost"][0] == "≈$0.0000004"
    assert cells(replace(small, usage_source="provider"))["Cost"][0] == "<$0.000001"
    figure = {each.key: each for each in figures(replace(GUESSED, cost_nano=400), None, (), 1)}["cost"]
    assert figure.value == "≈$0.0000004"


def test_a_chart_tells_small_estimates_as_tables_do(qtbot: QtBot, theme: Theme) -> None:
    summary = replace(GUESSED, cost_nano=2_000_042_000)
    total = TimeBucket(start_us=0, end_us=1000, summary=summary)
    groups = [
        Group(
            value=name, slot=slot, buckets=[TimeBucket(start_us=0, end_us=1000, summary=replace(of, cost_nano=nano))]
        )
        for slot, (name, of, nano) in enumerate((("a", EXACT, 2_000_000_000), ("b", GUESSED, 42_000)))
    ]
    card = ChartCard(COST, theme)
    qtbot.addWidget(card)
    card.set_data(chart_data(COST, ChartInput(buckets=[total], groups=groups)))
    assert list(card.values_at(0).values()) == ["$2.00", "≈$0.00004", "≈$2.00"]


def test_differences_of_estimates_are_marked_and_nothing_is_none() -> None:
    assert sources.marked_difference(1_230_000_000, True) == "≈+$1.23"
    assert sources.marked_difference(-4_000_000, True, 4) == "≈−$0.0040"
    assert sources.marked_difference(-3, True, 4) == "≈−$0.000000003"
    assert sources.marked_difference(-3, False, 4) == "<$0.0001"
    assert sources.marked_difference(0, True) == "$0.00"
    assert sources.marked_difference(None, True, 4) == "—"


def test_a_bill_s_figures_mark_our_sums_that_hold_estimates() -> None:
    ours, theirs = BillTotals(requests=2, cost_nano=2_000_000_000, estimated=1), BillTotals(cost_nano=3_000_000_000)
    part = BillPart(kind="price_drift", requests=2, here_nano=2 * 10**9, bill_nano=3 * 10**9, estimated=True)
    done = Reconciliation(
        provider="openai",
        forms=(),
        zone="UTC",
        zone_source="form",
        first_day="2026-11-01",
        last_day="2026-11-01",
        lines=1,
        passed_over=0,
        counts=(),
        decimals=2,
        here=ours,
        bill=theirs,
        parts=(part,),
        tolerance_nano=0,
        days=(DayModel(day="2026-11-01", model=None, here=ours, bill=theirs, parts=(part,)),),
    )
    shown = bill_figures(done)
    assert [figure.value for figure in shown[:3]] == ["$3.00", "≈$2.00", "≈+$1.00"]
    assert "≈" in shown[1].tooltip and not shown[0].tooltip
    (line,) = bill_lines(done)
    told = {column.key: column.text(line) for column in line_columns()}
    assert (told["here"], told["bill"], told["difference"]) == ("≈$2.0000", "$3.0000", "≈+$1.0000")
