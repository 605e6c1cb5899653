"""Pairs: sums of a whole hour, day or month for two values of two dimensions together, which tell one dimension's
values where another is filtered by without a look at all combinations.

They are counted from `combined` once an hour or a day is over, by nobody who waits (`settling`); hours are those of
UTC, and only the last days have them. `settled` says which are counted: whoever changes anything within takes the
mark away in the same transaction, and until the pairs are counted anew the other tables answer. TOTAL pairs with each
dimension, and with itself.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.records import TagCondition, UsageQuery
from gateway.store.buckets import DAY, DIMENSION_BITS, DIMENSION_IDS, DIMENSION_MASK, HALF, HOUR, TOTAL
from gateway.store.filters import filtered_dimensions
from gateway.store.plan import TAG, TAG_KEY_PREFIX, CellRange
from gateway.store.quarters import (
    HALF_QUARTERS,
    HOUR_QUARTERS,
    QUARTER_US,
    day_end,
    day_start,
    hour_start,
    month_end,
    month_start,
)
from gateway.store.time_slices import Slice

MONTH = 4
# The dimension that is likely to have more values comes first: where it is filtered by, its cells lie side by side.
_ORDER = (
    TOTAL,
    *map(
        DIMENSION_IDS.__getitem__,
        ("user", "tag", "model", "tag_key", "key", "client", "app", "provider", "door", "outcome"),
    ),
)
_RANK: Mapping[int, int] = {dimension: rank for rank, dimension in enumerate(_ORDER)}
_TAG, _TAG_KEY = DIMENSION_IDS["tag"], DIMENSION_IDS["tag_key"]
_WITH_ITSELF = (TOTAL, _TAG)

PAIRS_KEY = ("level", "start", "pair", "value", "other")
SETTLED = 0
_SETTLED = f"SELECT level, start, left_out FROM settled WHERE state = {SETTLED}"
_UNSETTLE = "DELETE FROM settled WHERE level = ? AND start = ?"

Key = tuple[int, int]
"""A level and the quarter that a day or month begins in."""

_decode_numbers = msgspec.json.Decoder(frozenset[int]).decode
_NONE: frozenset[int] = frozenset()


class Side(Struct, frozen=True):
    """A dimension of a pair: the texts that it is filtered by, and the tag key (`tag:KEY`) that its values are of;
    None for any."""

    dimension: int
    texts: tuple[str, ...] | None = None
    by: str | None = None

    @property
    def restricted(self) -> bool:
        return self.texts is not None or self.by is not None or self.dimension == TOTAL


class Pair(Struct, frozen=True):
    """What to read: both sides, and which of them (0, 1) the values are of that sums are kept apart for."""

    sides: tuple[Side, Side]
    grouped: int | None = None

    @property
    def number(self) -> int:
        return number_of(*(side.dimension for side in self.sides))

    @property
    def led(self) -> bool:
        """Whether the values of the first side have to be found before the second can be looked up."""
        return not self.sides[0].restricted and self.sides[1].restricted

    @property
    def needed(self) -> tuple[int, ...]:
        """The numbers of all pairs that are read."""
        return (self.number, number_of(TOTAL, self.sides[0].dimension)) if self.led else (self.number,)


Part = tuple[Pair, bool, int]
"""A pair, whether it tells those without a value, and whether it is added (1) or taken away (-1)."""


def number_of(first: int, second: int) -> int:
    """A pair's number in the database; the dimensions in the order of `_ORDER`."""
    return first << DIMENSION_BITS | second


def numbers() -> list[int]:
    """Of all pairs."""
    both = combinations_with_replacement(_ORDER, 2)
    return sorted(number_of(one, two) for one, two in both if one != two or one in _WITH_ITSELF)


def in_order(values: Mapping[int, Sequence[int]]) -> list[int]:
    """Dimension → values as one list in which each two are a pair: a value and its dimension in one integer."""
    return [value << DIMENSION_BITS | dimension for dimension in _ORDER for value in values.get(dimension, ())]


def ones_of(dimensions: Sequence[int], values: Sequence[int]) -> list[int]:
    """A value of each of these dimensions, as such integers."""
    return [value << DIMENSION_BITS | dimension for dimension, value in zip(dimensions, values, strict=True)]


def ordered(one: int, two: int) -> tuple[int, int]:
    """Two such integers as the pair that they are."""
    return (one, two) if _RANK[one & DIMENSION_MASK] <= _RANK[two & DIMENSION_MASK] else (two, one)


def dimension_of(one: int) -> tuple[int, int]:
    """The dimension and the value of an integer of `in_order`."""
    return one & DIMENSION_MASK, one >> DIMENSION_BITS


def parts_of(query: UsageQuery, by: str | None) -> list[Part] | None:
    """The pairs that tell an answer that needs no rows; None where none can. `by` has been checked."""
    if by is None or not by.startswith(TAG_KEY_PREFIX):
        pair = _pair_of(query, by)
        return None if pair is None else [(pair, False, 1)]
    key = TagCondition((by.removeprefix(TAG_KEY_PREFIX),))
    having = _pair_of(query, by)
    all_of_it, with_key = _pair_of(query, None), _pair_of(replace(query, tags=(*query.tags, key)), None)
    if having is None or all_of_it is None or with_key is None:
        return None
    # Who lacks the key: everything, less what has it.
    return [(having, False, 1), (all_of_it, True, 1), (with_key, True, -1)]


def _pair_of(query: UsageQuery, by: str | None) -> Pair | None:
    if query.text:
        return None
    sides = [Side(DIMENSION_IDS[name], texts) for name, texts in filtered_dimensions(query).items()]
    for condition in query.tags:
        if condition.negated or len(condition.any_of) != 1:
            return None
        sides.append(Side(_TAG if ":" in condition.any_of[0] else _TAG_KEY, condition.any_of))
    grouped = None
    if by is not None:
        wanted = Side(_TAG, by=by) if by.startswith(TAG_KEY_PREFIX) else Side(DIMENSION_IDS[by])
        # A row has one value of a dimension, which the filter names; of tags it has several.
        same = [at for at, side in enumerate(sides) if by != TAG and side.dimension == wanted.dimension]
        if by.startswith(TAG_KEY_PREFIX) or not same:
            grouped = len(sides)
            sides.append(wanted)
        else:
            grouped = same[0]
    if len(sides) > 2 or (len(sides) == 2 and {side.dimension for side in sides} == {_TAG_KEY}):
        return None
    missing = 2 - len(sides)
    sides, grouped = [*[Side(TOTAL)] * missing, *sides], None if grouped is None else grouped + missing
    if _RANK[sides[0].dimension] > _RANK[sides[1].dimension]:
        sides, grouped = sides[::-1], None if grouped is None else 1 - grouped
    return Pair((sides[0], sides[1]), grouped)


def unsettle(connection: sqlite3.Connection, zone: ZoneInfo, quarters: Iterable[int]) -> None:
    """Something of these quarters is about to change, within the transaction that changes it."""
    keys = set()
    for quarter in quarters:
        day = day_start(quarter, zone)
        keys |= {(HOUR, hour_start(quarter)), (DAY, day), (MONTH, month_start(day, zone))}
    connection.executemany(_UNSETTLE, keys)


def unsettle_rows(connection: sqlite3.Connection, zone: ZoneInfo, times_us: Iterable[int]) -> None:
    """Likewise, by the times at which rows began."""
    unsettle(connection, zone, {us // QUARTER_US for us in times_us})


class Settled:
    """The hours, days and months whose pairs are counted, of those pairs that an answer needs."""

    def __init__(self, connection: sqlite3.Connection, parts: Sequence[Part], zone: ZoneInfo) -> None:
        needed = {number for pair, _, _ in parts for number in pair.needed}
        self._zone = zone
        self._keys = {
            (level, start)
            for level, start, left_out in connection.execute(_SETTLED)
            if not left_out or needed.isdisjoint(left_out_of(left_out))
        }
        hours = [start for level, start in self._keys if level == HOUR]
        self._hours = range(min(hours), max(hours) + 1) if hours else range(0)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def taken(self, cells: Iterable[CellRange]) -> tuple[list[CellRange], list[CellRange]]:
        """What pairs tell of these cells, each a whole hour, day or month, and the cells that are left."""
        told: list[CellRange] = []
        left: list[CellRange] = []
        for cell in cells:
            if cell[1] == DAY:
                self._take_days(cell, told, left)
            else:
                self._take_hours(cell, told, left)
        return told, left

    def in_halves(self, days: Iterable[CellRange]) -> list[CellRange]:
        """Days that are not settled, but hours of theirs, by the half-hour; all else as it is."""
        cells: list[CellRange] = []
        for cell in days:
            index, level, at, high = cell
            if level != DAY or not self._has_hours(at, high):
                cells.append(cell)
                continue
            while at < high:
                end = day_end(at, self._zone)
                in_halves = at % HALF_QUARTERS == end % HALF_QUARTERS == 0 and self._has_hours(at, end)
                cells.append((index, HALF if in_halves else DAY, at, end))
                at = end
        return cells

    def _has_hours(self, low: int, high: int) -> bool:
        if low >= self._hours.stop or high <= self._hours.start:
            return False
        return any((HOUR, hour) in self._keys for hour in _hours_between(low, high))

    def _take_hours(self, cell: CellRange, told: list[CellRange], left: list[CellRange]) -> None:
        index, level, low, high = cell
        since = low
        for hour in _hours_between(max(low, self._hours.start), min(high, self._hours.stop + HOUR_QUARTERS)):
            if (HOUR, hour) in self._keys:
                if since < hour:
                    left.append((index, level, since, hour))
                since = hour + HOUR_QUARTERS
                told.append((index, HOUR, hour, since))
        if since < high:
            left.append((index, level, since, high))

    def _take_days(self, cell: CellRange, told: list[CellRange], left: list[CellRange]) -> None:
        index, _, at, high = cell
        since = at
        while at < high:
            level, end = self._longest(at, high)
            if level is None:
                at = end
                continue
            if since < at:
                left.append((index, DAY, since, at))
            told.append((index, level, at, end))
            at = since = end
        if since < high:
            left.append((index, DAY, since, high))

    def _longest(self, at: int, high: int) -> tuple[int | None, int]:
        if (MONTH, at) in self._keys and (end := month_end(at, self._zone)) <= high:
            return MONTH, end
        return (DAY if (DAY, at) in self._keys else None), day_end(at, self._zone)

    def rounded(self, ranges: Sequence[Slice], first_us: int | None) -> tuple[list[Slice], list[Slice], list[Slice]]:
        """The ranges, each end moved out to the end of its day where that is nearer than the next day within; and
        what is too much at their starts, and at their ends. All is there from `first_us` on."""
        wider, heads, tails = [], [], []
        for start, end in ranges:
            first = self._nearer_start(start, end, first_us)
            last = self._nearer_end(first, end, first_us)
            wider.append((first, last))
            heads.append((first, start))
            tails.append((end, last))
        return wider, heads, tails

    def _nearer_start(self, start: int, end: int, first_us: int | None) -> int:
        low, high = self._day(start)
        inside = low < start and high <= end and start - low < high - start and not self._in_hours(start)
        return low if inside and self._holds(low, first_us) else start

    def _nearer_end(self, start: int, end: int, first_us: int | None) -> int:
        low, high = self._day(end)
        inside = start <= low < end and high - end < end - low and not self._in_hours(end)
        return high if inside and self._holds(low, first_us) else end

    def _in_hours(self, us: int) -> bool:
        """Whether the day of this moment is told by its hours, however it is cut."""
        low, high = self._day(us)
        return self._has_hours(low // QUARTER_US, high // QUARTER_US)

    def _day(self, us: int) -> Slice:
        quarter = us // QUARTER_US
        return day_start(quarter, self._zone) * QUARTER_US, day_end(quarter, self._zone) * QUARTER_US

    def _holds(self, low: int, first_us: int | None) -> bool:
        return (DAY, low // QUARTER_US) in self._keys and (first_us is None or low >= first_us)


def _hours_between(low: int, high: int) -> range:
    """The whole hours within some quarters."""
    return range(-(-low // HOUR_QUARTERS) * HOUR_QUARTERS, high - HOUR_QUARTERS + 1, HOUR_QUARTERS)


def left_out_of(text: str | None) -> frozenset[int]:
    """The numbers of pairs that were too many to be counted, as they stand in `settled`."""
    return _decode_numbers(text) if text else _NONE


def mirrored(first: int, second: int) -> Iterator[tuple[int, int]]:
    """How two integers of `in_order` are stored: tags, which pair with tags, both ways, and as TOTAL's partner with
    themselves; keys of tags not with each other."""
    dimensions = dimension_of(first)[0], dimension_of(second)[0]
    if dimensions == (_TAG_KEY, _TAG_KEY):
        return
    yield first, second
    if dimensions == (_TAG, _TAG):
        yield second, first
    elif dimensions == (TOTAL, _TAG):
        yield second, second
