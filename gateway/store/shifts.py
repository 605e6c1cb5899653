"""Money that moves within the buckets: what becomes of their sums where rows get another cost.

Only cells that exist are touched, and of them only the measures that follow from a cost: a row that is priced anew
was counted long ago. All differences of a row are one integer of wide lanes, so that adding many is one addition
for each.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.records import COST_SOURCES
from gateway.store.buckets import DAY, DIMENSION_IDS, HALF, HOUR, QUARTER, TOTAL, Key
from gateway.store.migrations import BUCKET_KEY, COMBINED_DIMENSIONS, COMBINED_KEY
from gateway.store.names import CACHE_LIMIT, FIXED_IDS, NO_NAME
from gateway.store.pairs import unsettle
from gateway.store.quarters import day_start, half_start, hour_start, quarter_of

MOVED = ("cost_nano", "priced", *(f"cost_{source}" for source in COST_SOURCES), "price_fuzzy")

# Wide enough for the largest costs of more rows than there will be.
_LANE = 96
_WHOLE, _HALF = 1 << _LANE, 1 << (_LANE - 1)
_PRICED, _FUZZY = (1 << (_LANE * MOVED.index(name)) for name in ("priced", "price_fuzzy"))
_SOURCES: Mapping[int, int] = {
    FIXED_IDS[source]: 1 << (_LANE * MOVED.index(f"cost_{source}")) for source in COST_SOURCES
}
_TAG, _TAG_KEY, _TAG_SET = DIMENSION_IDS["tag"], DIMENSION_IDS["tag_key"], DIMENSION_IDS["tag_set"]
_TAG_SET_AT = COMBINED_DIMENSIONS.index("tag_set")
_MEMBERS = "SELECT tag, key FROM tag_set_members WHERE tag_set = ?"


def _adding(table: str, keys: Sequence[str]) -> str:
    sums = ", ".join(f"{name} = {name} + ?" for name in MOVED)
    return f"UPDATE {table} SET {sums} WHERE {' AND '.join(f'{key} = ?' for key in keys)}"


_ADD_TO_BUCKETS = _adding("buckets", BUCKET_KEY)
_ADD_TO_COMBINED = _adding("combined", COMBINED_KEY)


class Shift(NamedTuple):
    """A row of these dimensions (numbers, in the order of `COMBINED_DIMENSIONS`) gets another cost; sources are
    numbers of `names`."""

    started_us: int
    values: Key
    from_nano: int | None
    from_source: int
    from_fuzzy: bool
    to_nano: int | None
    to_source: int
    to_fuzzy: bool


class Cells:
    """The (dimension, value) pairs that rows of some dimensions count in."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[Key, list[Key]] = {}

    def of(self, values: Key) -> list[Key]:
        cells = self._known.get(values)
        if cells is None:
            if len(self._known) >= CACHE_LIMIT:
                self._known.clear()
            cells = self._known[values] = self._found(dict(zip(COMBINED_DIMENSIONS, values, strict=True)))
        return cells

    def _found(self, values: Mapping[str, int]) -> list[Key]:
        members = self._connection.execute(_MEMBERS, (values["tag_set"],)).fetchall()
        cells: list[Key] = [(TOTAL, NO_NAME)]
        cells += [(DIMENSION_IDS[name], value) for name, value in values.items() if name != "tag_set"]
        cells += [(_TAG, tag) for tag in {tag for tag, _ in members} or (NO_NAME,)]
        cells += [(_TAG_KEY, key) for key in {key for _, key in members}]
        return cells


def shift(connection: sqlite3.Connection, cells: Cells, zone: ZoneInfo, shifts: Iterable[Shift]) -> None:
    """Bring the buckets up with rows whose cost changes, within the transaction that changes it."""
    quarters: defaultdict[int, defaultdict[Key, int]] = defaultdict(lambda: defaultdict(int))
    sets: defaultdict[Key, int] = defaultdict(int)
    combined: defaultdict[Key, int] = defaultdict(int)
    for each in shifts:
        packed = _packed(each)
        quarter = quarter_of(each.started_us)
        singles = quarters[quarter]
        for cell in cells.of(each.values):
            singles[cell] += packed
        for level, start in ((HALF, half_start(quarter)), (DAY, day_start(quarter, zone))):
            combined[(level, start, *each.values)] += packed
            sets[(level, _TAG_SET, start, each.values[_TAG_SET_AT])] += packed
    unsettle(connection, zone, quarters)
    connection.executemany(_ADD_TO_BUCKETS, _rows(_rolled_up(quarters, zone) | sets))
    connection.executemany(_ADD_TO_COMBINED, _rows(combined))


def _rolled_up(quarters: Mapping[int, Mapping[Key, int]], zone: ZoneInfo) -> dict[Key, int]:
    sums: defaultdict[Key, int] = defaultdict(int)
    for quarter, singles in quarters.items():
        hour, day = hour_start(quarter), day_start(quarter, zone)
        for (dimension, value), packed in singles.items():
            sums[(QUARTER, dimension, quarter, value)] += packed
            sums[(HOUR, dimension, hour, value)] += packed
            sums[(DAY, dimension, day, value)] += packed
    return sums


def _packed(change: Shift) -> int:
    priced = (change.to_nano is not None) - (change.from_nano is not None)
    nano = (change.to_nano or 0) - (change.from_nano or 0)
    fuzzy = (change.to_fuzzy and change.to_nano is not None) - (change.from_fuzzy and change.from_nano is not None)
    moved = _SOURCES[change.to_source] - _SOURCES[change.from_source]
    return nano + priced * _PRICED + moved + fuzzy * _FUZZY


def _unpacked(packed: int) -> Iterator[int]:
    for _ in MOVED:
        lane = packed % _WHOLE
        if lane >= _HALF:
            lane -= _WHOLE
        yield lane
        packed = (packed - lane) >> _LANE


def _rows(sums: Mapping[Key, int]) -> Iterator[Key]:
    # In key order the tables' pages are each touched once.
    for key in sorted(sums):
        if packed := sums[key]:
            yield (*_unpacked(packed), *key)
