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
    "first, last, shown, told",
    [
        ("2024-10-01", None, "1 Oct 2024", ""),
        ("2024-10-01", "2024-10-31", "1 – 31 Oct 2024", "1 – 31 Oct 2024"),
        ("2024-10-15", "2024-11-14", "15 Oct – 14 Nov", "15 Oct – 14 Nov 2024"),
        ("2023-12-15", "2024-01-14", "15 Dec – 14 Jan", "15 Dec 2023 – 14 Jan 2024"),
    ],
)
def test_days_of_a_bill_are_told_as_days_elsewhere(first: str, last: str | None, shown: str, told: str) -> None:
    day = line_columns()[0]
    line = BillLine(first, "gpt-5", PART, 1, "", last)
    assert day.text(line) == shown and day.value(line) == first and day.tooltip is not None
    assert day.tooltip(line) == (f"The bill covers {told} as a whole." if told else "")


@pytest.mark.parametrize(
    ("from_year", "months", "from_day"), [(2024, 0, 1), (2024, 1, 22), (2024, 11, 28), (2020, 25, 28)]
)
def test_stretches_of_earlier_years_are_read_whole(
    qapp: QApplication, from_year: int, months: int, from_day: int
) -> None:
    day, metrics = line_columns()[0], QFontMetrics(ui_font(13))
    for month in range(12):
        years, last_month = divmod(month + months, 12)
        first = f"{from_year}-{month + 1:02d}-{from_day:02d}"
        last = f"{from_year + years}-{last_month + 1:02d}-28"
        told = day.text(BillLine(first, "gpt-5", PART, 1, "", last))
        assert metrics.horizontalAdvance(told) <= day.width - 2 * CELL_PADDING, told
