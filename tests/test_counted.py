"""A number agrees with what it counts, at the command line and in the window."""

import pytest

from app.translation import counted as in_window
from gateway.counted import counted


@pytest.mark.parametrize(("number", "told"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1204, "1,204 rows")])
def test_one_is_told_as_one(number: int, told: str) -> None:
    assert counted(number, "row") == told
    assert in_window(number, "1 row to {file}", "{count} rows to {file}", file="a.csv") == f"{told} to a.csv"
