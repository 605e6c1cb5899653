"""Lines of a bill that are longer than a day, in the table."""

import pytest

from app.pages.models_parts.bill_lines import BillLine, line_columns
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
