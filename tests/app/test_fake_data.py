"""The window's tests hold at any hour: what the fake gateway answers hangs on its clock by the times alone."""

import msgspec
import pytest

from tests.app.fake_data import HOUR_US, exchanges
from tests.app.fake_gateway import NOW_US


@pytest.mark.parametrize("later_us", [5 * HOUR_US, 12 * HOUR_US, 40 * 24 * HOUR_US + 1])
def test_the_clock_moves_all_rows_and_changes_none(later_us: int) -> None:
    moved = []
    for row in exchanges(300, NOW_US):
        attempts = tuple(
            msgspec.structs.replace(each, started_us=each.started_us + later_us) for each in row.attempts
        )
        moved.append(msgspec.structs.replace(row, started_us=row.started_us + later_us, attempts=attempts))
    assert exchanges(300, NOW_US + later_us) == tuple(moved)
