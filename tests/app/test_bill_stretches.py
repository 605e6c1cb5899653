"""Lines of a bill that are longer than a day, in the table."""

import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

from app.fonts import ui_font
from app.pages.models_parts.bill_lines import BillLine, line_columns
from app.tables.painter import CELL_PADDING
from gateway import BillPart

PART = BillPart(kind="matched", requests=1, here_nano=1, bill_nano=1)


@pytest.mark.parametrize(
    "first, last, shown",
    [
        ("2024-10-01", None, "1 Oct 2024"),
        ("2024-10-01", "2024-10-31", "1 – 31 Oct 2024"),
        ("2024-10-15", "2024-11-14", "15 Oct – 14 Nov 2024"),
        ("2023-12-15", "2024-01-14", "15 Dec 2023 – 14 Jan 2024"),
    ],
)
def test_days_of_a_bill_are_told_as_days_elsewhere(first: str, last: str | None, shown: str) -> None:
    day = line_columns()[0]
    line = BillLine(first, "gpt-5", PART, 1, "", last)
    assert day.text(line) == shown and day.value(line) == first and day.tooltip is not None
    assert day.tooltip(line) == ("" if last is None else f"The bill covers {shown} as a whole.")


def test_a_month_of_an_earlier_year_is_read_whole(qapp: QApplication) -> None:
    day, metrics = line_columns()[0], QFontMetrics(ui_font(13))
    for month in range(1, 13):
        told = day.text(BillLine(f"2024-{month:02d}-01", "gpt-5", PART, 1, "", f"2024-{month:02d}-28"))
        assert metrics.horizontalAdvance(told) <= day.width - 2 * CELL_PADDING, told
