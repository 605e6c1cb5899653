"""The time to the first token has one name, and says what it is where it stands."""

import pytest
from PySide6.QtCore import Qt

from app.charts import TIMINGS
from app.filter_words import number_words
from app.overview.breakdown import FIRST_TOKEN, BreakdownModel
from app.overview.chart_area import TIMING_NAMES
from app.pages.compare_parts import answer_words
from app.pages.compare_parts.rating_lines import answer_columns, model_columns
from app.pages.requests_parts.columns import request_columns
from app.pages.requests_parts.details import sections
from app.tables.column import Column
from app.tables.model import ListModel
from app.time_words import TTFT, TTFT_MEANING
from gateway import ComparedAnswer, CostExplanation, NumberCondition
from tests.store.examples import record


@pytest.mark.parametrize("columns", [request_columns(str), answer_columns(len), model_columns(len)])
def test_a_columns_title_says_on_pointing_what_it_stands_for(columns: tuple[Column[object], ...]) -> None:
    model = ListModel[object](columns)
    told = {
        model.headerData(n, Qt.Orientation.Horizontal): model.headerData(
            n, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
        )
        for n in range(model.columnCount())
    }
    assert {title: words for title, words in told.items() if words} == {TTFT: TTFT_MEANING}


def test_so_does_that_of_a_breakdown_and_a_line_of_details_and_a_figure_of_a_comparison() -> None:
    breakdown = BreakdownModel((FIRST_TOKEN,))
    assert breakdown.headerData(0, Qt.Orientation.Horizontal) == TTFT
    assert breakdown.headerData(0, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) == TTFT_MEANING
    lines = [
        line
        for part in sections(record(1), str, CostExplanation(cost_nano=None, source="none"))
        for line in part.lines
    ]
    assert {line.label: line.meaning for line in lines if line.meaning} == {TTFT: TTFT_MEANING}
    answer = ComparedAnswer(comparison="c", place=0, model="m", request_id="r", started_us=0)
    figures = answer_words.figures(answer, None, 1_000)
    assert {figure.title: figure.meaning for figure in figures if figure.meaning} == {TTFT: TTFT_MEANING}


def test_it_is_called_so_in_filters_and_charts() -> None:
    assert number_words(NumberCondition("ttft", "<", 250_000)) == "TTFT < 250 ms"
    assert TIMING_NAMES["ttft"] == TTFT
    assert [spec.title for spec in TIMINGS if spec.key == "ttft"] == [TTFT]
