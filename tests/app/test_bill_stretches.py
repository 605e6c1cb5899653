"""Lines of a bill that are longer than a day, in the table."""

import pytest

from app.pages.models_parts.bill_lines import BillLine, line_columns
from gateway import BillPart

PART = BillPart(kind="matched", requests=1, here_nano=1, bill_nano=1)


@pytest.mark.parametrize(
    "first, last, shown",
    [
        ("2026-10-01", None, "2026-10-01"),
        ("2026-10-01", "2026-10-31", "2026-10-01–31"),
        ("2026-10-15", "2026-11-14", "2026-10-15–11-14"),
        ("2026-12-15", "2027-01-14", "2026-12-15–2027-01-14"),
    ],
)
def test_a_stretch_is_shown_by_what_its_last_day_has_of_its_own(first: str, last: str | None, shown: str) -> None:
    day = line_columns()[0]
    line = BillLine(first, "gpt-5", PART, 1, "", last)
    assert day.text(line) == shown and day.value(line) == first and day.tooltip is not None
    assert day.tooltip(line) == ("" if last is None else f"The bill covers {first} to {last} as a whole.")
