"""Where an answer is read from: which table can tell it, and which cells and rows make up the time asked for.

A range is cut into whole days (of the store's zone) and the table's finer levels, which buckets answer, and what is
left at its edges, which rows answer; so an answer from buckets is exactly the one from rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.errors import ClientError
from gateway.records import DIMENSIONS, UsageQuery
from gateway.store.buckets import DAY, DIMENSION_IDS, HALF, HOUR, QUARTER, TOTAL
from gateway.store.filters import CONVERSATION, TRACE, filtered_dimensions, needs_rows
from gateway.store.quarters import HALF_QUARTERS, HOUR_QUARTERS, QUARTER_US, day_end, day_start
from gateway.store.time_slices import Slice

TAG = "tag"
TAG_KEY_PREFIX = "tag:"
ROWS_ONLY = (CONVERSATION, TRACE)
SHORTEST_DAY_QUARTERS = 20 * HOUR_QUARTERS

# A table's levels below the day, each with the quarters that it is long.
Levels = tuple[tuple[int, int], ...]
SINGLE_LEVELS: Levels = ((HOUR, HOUR_QUARTERS), (QUARTER, 1))
COMBINED_LEVELS: Levels = ((HALF, HALF_QUARTERS),)

CellRange = tuple[int, int, int, int]
RowRange = tuple[int, int, int]


class Singles(Struct, frozen=True):
    """The table of single dimensions. `values` are the texts to keep, None for all."""

    dimension: int
    values: tuple[str, ...] | None = None


class TagSets(Struct, frozen=True):
    """The table of single dimensions by whole sets of tags, which any conditions on tags can be asked of."""


class Combined(Struct, frozen=True):
    """The table of all dimensions together."""


class Rows(Struct, frozen=True):
    """No bucket knows; the rows do."""


Source = Singles | TagSets | Combined | Rows


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
    if by in ROWS_ONLY or needs_rows(query):
        return Rows()
    if query.text:
        return Combined()
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
    if not filters and (by is None or by == TAG or by.startswith(TAG_KEY_PREFIX)):
        return TagSets()
    return Combined()


def _dimension_of(by: str | None) -> int:
    if by is None:
        return TOTAL
    return DIMENSION_IDS[TAG if by.startswith(TAG_KEY_PREFIX) else by]


def cut(
    ranges: Iterable[Slice], *, levels: Levels, zone: ZoneInfo, first_us: int | None = None
) -> tuple[list[CellRange], list[RowRange]]:
    """Cells (slice, level, first quarter, end quarter) and rows (slice, start µs, end µs) that make up the ranges.

    `levels` are those that the table has below the day, coarsest first, `zone` the one whose days it has; before
    `first_us` its cells are gone, and rows answer.
    """
    cutter = _Cutter(levels, zone)
    for index, (start, end) in enumerate(ranges):
        if first_us is not None and start < first_us:
            if start < min(end, first_us):
                cutter.rows.append((index, start, min(end, first_us)))
            start = first_us
        if start < end:
            cutter.cut(index, start, end)
    return cutter.cells, cutter.rows


class _Cutter:
    def __init__(self, levels: Levels, zone: ZoneInfo) -> None:
        self.cells: list[CellRange] = []
        self.rows: list[RowRange] = []
        self._levels = levels
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
                self._finer(index, low, first, self._levels)
                self.cells.append((index, DAY, first, last))
                self._finer(index, last, high, self._levels)
                return
        self._finer(index, low, high, self._levels)

    def _finer(self, index: int, low: int, high: int, levels: Levels) -> None:
        if low >= high:
            return
        if not levels:
            self.rows.append((index, low * QUARTER_US, high * QUARTER_US))
            return
        (level, length), *rest = levels
        first, last = -(-low // length) * length, high - high % length
        if first >= last:
            self._finer(index, low, high, tuple(rest))
            return
        self._finer(index, low, first, tuple(rest))
        self.cells.append((index, level, first, last))
        self._finer(index, last, high, tuple(rest))


def starts(cells: Iterable[CellRange], zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Each cell of the ranges by itself: (slice, level, first quarter). `zone` is the one that they were cut in."""
    lengths = dict(SINGLE_LEVELS + COMBINED_LEVELS)
    for index, level, low, high in cells:
        if level == DAY:
            while low < high:
                yield index, level, low
                low = day_end(low, zone)
        else:
            for start in range(low, high, lengths[level]):
                yield index, level, start


def whole(ranges: Sequence[Slice]) -> list[RowRange]:
    """All of the ranges, for the rows to answer."""
    return [(index, start, end) for index, (start, end) in enumerate(ranges) if start < end]
