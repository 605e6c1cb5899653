"""Where an answer is read from: which table can tell it, and which cells and rows make up the time asked for.

A range is cut into whole days (of the store's zone), whole hours and whole quarters, which buckets answer, and what
is left at its edges, which rows answer; so an answer from buckets is exactly the one from rows.
"""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.errors import ClientError
from gateway.records import DIMENSIONS, UsageQuery
from gateway.store.buckets import DAY, DIMENSION_IDS, HOUR, QUARTER, TOTAL
from gateway.store.filters import CONVERSATION, TRACE, filtered_dimensions
from gateway.store.quarters import HOUR_QUARTERS, QUARTER_US, day_end, day_start
from gateway.store.time_slices import Slice

TAG = "tag"
TAG_KEY_PREFIX = "tag:"
ROWS_ONLY = ("client", CONVERSATION, TRACE)
SHORTEST_DAY_QUARTERS = 20 * HOUR_QUARTERS

CellRange = tuple[int, int, int, int]
RowRange = tuple[int, int, int]


class Singles(Struct, frozen=True):
    """The table of single dimensions. `values` are the texts to keep, None for all."""

    dimension: int
    values: tuple[str, ...] | None = None


class Combined(Struct, frozen=True):
    """The table of all dimensions together."""


class Rows(Struct, frozen=True):
    """No bucket knows; the rows do."""


Source = Singles | Combined | Rows


def checked_by(by: str | None) -> str | None:
    """A name to group by. Raises ClientError."""
    if (
        by is None
        or by == TAG
        or by in DIMENSIONS
        or (by.startswith(TAG_KEY_PREFIX) and len(by) > len(TAG_KEY_PREFIX))
    ):
        return by
    raise ClientError(
        f"Usage cannot be grouped by {by!r}; use one of {', '.join(DIMENSIONS)}, tag, or tag:KEY.", param="by"
    )


def source_of(query: UsageQuery, by: str | None) -> Source:
    """The smallest table that can tell an answer exactly. `by` has been checked."""
    filters = filtered_dimensions(query)
    if by in ROWS_ONLY or any(name in filters for name in ROWS_ONLY):
        return Rows()
    if not filters and not query.tags:
        return Singles(_dimension_of(by))
    if not query.tags and len(filters) == 1:
        ((name, values),) = filters.items()
        if by is None or by == name:
            return Singles(DIMENSION_IDS[name], values)
    if not filters and by is None and len(query.tags) == 1:
        condition = query.tags[0]
        if not condition.negated and len(condition.any_of) == 1:
            return Singles(DIMENSION_IDS["tag" if ":" in condition.any_of[0] else "tag_key"], condition.any_of)
    return Combined()


def _dimension_of(by: str | None) -> int:
    if by is None:
        return TOTAL
    return DIMENSION_IDS[TAG if by.startswith(TAG_KEY_PREFIX) else by]


def cut(
    ranges: Iterable[Slice], *, finest: int, zone: ZoneInfo, first_us: int | None = None
) -> tuple[list[CellRange], list[RowRange]]:
    """Cells (slice, level, first quarter, end quarter) and rows (slice, start µs, end µs) that make up the ranges.

    `finest` is the finest level that the table has, `zone` the one whose days it has; before `first_us` its cells
    are gone, and rows answer.
    """
    cutter = _Cutter(finest, zone)
    for index, (start, end) in enumerate(ranges):
        if first_us is not None and start < first_us:
            if start < min(end, first_us):
                cutter.rows.append((index, start, min(end, first_us)))
            start = first_us
        if start < end:
            cutter.cut(index, start, end)
    return cutter.cells, cutter.rows


class _Cutter:
    def __init__(self, finest: int, zone: ZoneInfo) -> None:
        self.cells: list[CellRange] = []
        self.rows: list[RowRange] = []
        self._finest = finest
        self._zone = zone

    def cut(self, index: int, start: int, end: int) -> None:
        low, high = -(-start // QUARTER_US), end // QUARTER_US
        if low >= high:
            self.rows.append((index, start, end))
            return
        if start < low * QUARTER_US:
            self.rows.append((index, start, low * QUARTER_US))
        self._days(index, low, high)
        if high * QUARTER_US < end:
            self.rows.append((index, high * QUARTER_US, end))

    def _days(self, index: int, low: int, high: int) -> None:
        if high - low >= SHORTEST_DAY_QUARTERS:
            first = low if day_start(low, self._zone) == low else day_end(low, self._zone)
            last = day_start(high, self._zone)
            if first < last:
                self._hours(index, low, first)
                self.cells.append((index, DAY, first, last))
                self._hours(index, last, high)
                return
        self._hours(index, low, high)

    def _hours(self, index: int, low: int, high: int) -> None:
        first, last = -(-low // HOUR_QUARTERS) * HOUR_QUARTERS, high - high % HOUR_QUARTERS
        if first >= last:
            self._quarters(index, low, high)
            return
        self._quarters(index, low, first)
        self.cells.append((index, HOUR, first, last))
        self._quarters(index, last, high)

    def _quarters(self, index: int, low: int, high: int) -> None:
        if low >= high:
            return
        if self._finest == QUARTER:
            self.cells.append((index, QUARTER, low, high))
        else:
            self.rows.append((index, low * QUARTER_US, high * QUARTER_US))


def whole(ranges: Sequence[Slice]) -> list[RowRange]:
    """All of the ranges, for the rows to answer."""
    return [(index, start, end) for index, (start, end) in enumerate(ranges) if start < end]
