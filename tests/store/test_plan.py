"""Which cells and rows make up a time that is asked for."""

from zoneinfo import ZoneInfo

import pytest

from gateway.store.buckets import DAY, HALF, HOUR, QUARTER
from gateway.store.plan import COMBINED_LEVELS, SINGLE_LEVELS, CellRange, RowRange, cut, starts
from gateway.store.quarters import QUARTER_US

UTC = ZoneInfo("UTC")
MINUTE_US = 60_000_000
# 2026-01-10T00:00Z in quarters of an hour, and how many a day has.
FIRST, LENGTH = 20_463 * 96, 96


def at_us(day: int, hour: int, minute: int = 0) -> int:
    return at(day, hour) * QUARTER_US + minute * MINUTE_US


def at(day: int, hour: int, quarter: int = 0) -> int:
    return FIRST + day * LENGTH + hour * 4 + quarter


CUTS: dict[str, tuple[int, int, list[CellRange], list[RowRange]]] = {
    "days with what is around them": (
        at_us(0, 10, 7),
        at_us(3, 1, 20),
        [
            (0, QUARTER, at(0, 10, 1), at(0, 11)),
            (0, HOUR, at(0, 11), at(1, 0)),
            (0, DAY, at(1, 0), at(3, 0)),
            (0, HOUR, at(3, 0), at(3, 1)),
            (0, QUARTER, at(3, 1), at(3, 1, 1)),
        ],
        [(0, at_us(0, 10, 7), at_us(0, 10, 15)), (0, at_us(3, 1, 15), at_us(3, 1, 20))],
    ),
    "a day and no more": (at_us(0, 0), at_us(1, 0), [(0, DAY, at(0, 0), at(1, 0))], []),
    "twenty-four hours of two days": (at_us(0, 1), at_us(1, 1), [(0, HOUR, at(0, 1), at(1, 1))], []),
    "hours of a day": (at_us(0, 0), at_us(0, 23), [(0, HOUR, at(0, 0), at(0, 23))], []),
    "quarters of an hour": (at_us(0, 0, 15), at_us(0, 0, 45), [(0, QUARTER, at(0, 0, 1), at(0, 0, 3))], []),
    "within a quarter": (at_us(0, 0, 1), at_us(0, 0, 14), [], [(0, at_us(0, 0, 1), at_us(0, 0, 14))]),
    "nothing": (at_us(0, 0, 1), at_us(0, 0, 1), [], []),
}


@pytest.mark.parametrize(("start_us", "end_us", "cells", "rows"), CUTS.values(), ids=CUTS)
def test_a_time_is_cut_into_the_largest_cells_that_it_has(
    start_us: int, end_us: int, cells: list[CellRange], rows: list[RowRange]
) -> None:
    assert cut([(start_us, end_us)], levels=SINGLE_LEVELS, zone=UTC) == (cells, rows)


def test_rows_answer_for_what_cells_do_not_tell_any_more() -> None:
    first_us, ranges = (
        at_us(0, 2),
        [(at_us(0, 0), at_us(0, 1)), (at_us(0, 1), at_us(0, 3)), (at_us(0, 1), at_us(0, 1))],
    )
    cells, rows = cut(ranges, levels=SINGLE_LEVELS, zone=UTC, first_us=first_us)
    assert cells == [(1, HOUR, at(0, 2), at(0, 3))]
    assert rows == [(0, *ranges[0]), (1, at_us(0, 1), at_us(0, 2))]


def test_days_begin_where_the_zone_begins_them_and_halves_leave_quarters_to_rows() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    # Midnight there is 18:15 here.
    cells, rows = cut([(at_us(0, 0), at_us(2, 0))], levels=COMBINED_LEVELS, zone=zone)
    assert cells == [
        (0, HALF, at(0, 0), at(0, 18)),
        (0, DAY, at(0, 18, 1), at(1, 18, 1)),
        (0, HALF, at(1, 18, 2), at(2, 0)),
    ]
    assert rows == [(0, at_us(0, 18), at_us(0, 18, 15)), (0, at_us(1, 18, 15), at_us(1, 18, 30))]
    assert list(starts([cells[1], (7, HALF, at(0, 0), at(0, 1)), (8, QUARTER, at(0, 0), at(0, 0, 2))], zone)) == [
        (0, DAY, at(0, 18, 1)),
        *((7, HALF, at(0, 0, quarter)) for quarter in (0, 2)),
        *((8, QUARTER, at(0, 0, quarter)) for quarter in (0, 1)),
    ]
