"""Buckets: sums per slice of time, added up in memory per commit and then merged into their tables.

Two tables. `buckets` has the totals and one row per value of each single dimension, in quarters of an hour and
rolled up to hours and days; `combined` has one row per combination of all dimensions, by hour and day. Days are
those of the store's own time zone. A row counts once in each, except that it counts for each of its tags; value 0
stands for rows without the dimension.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from gateway.records import ExchangeRecord
from gateway.store import histogram
from gateway.store.measures import HISTOGRAMS, MEASURES, Sums, measure
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import NO_NAME, Names
from gateway.store.quarters import HOUR_QUARTERS, day_start, quarter_of
from gateway.tags import tag_key

QUARTER, HOUR, DAY = 0, 1, 2
TOTAL = 0
DIMENSION_IDS: Mapping[str, int] = {
    "provider": 1,
    "model": 2,
    "key": 3,
    "user": 4,
    "app": 5,
    "door": 6,
    "outcome": 7,
    "tag": 8,
    "tag_key": 9,
}

_PLUS = ", ".join(
    [
        *(f"{name} = {name} + excluded.{name}" for name in MEASURES),
        *(f"{name} = merge_histograms({name}, excluded.{name})" for name in HISTOGRAMS),
    ]
)


def _upsert(table: str, keys: Sequence[str]) -> str:
    columns = [*keys, *MEASURES, *HISTOGRAMS]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {_PLUS}"
    )


BUCKET_KEY = ("level", "dimension", "start", "value")
COMBINED_KEY = ("level", "start", *COMBINED_DIMENSIONS)
ADD_TO_BUCKETS = _upsert("buckets", BUCKET_KEY)
ADD_TO_COMBINED = _upsert("combined", COMBINED_KEY)

Key = tuple[int, ...]
Share = tuple[tuple[int, ...], int | None, int | None]
Shares = defaultdict[Key, list[Share]]


def add(connection: sqlite3.Connection, names: Names, zone: ZoneInfo, records: Iterable[ExchangeRecord]) -> None:
    """Count new rows, within the transaction that writes them; their texts must have been learnt."""
    quarters: defaultdict[int, Shares] = defaultdict(lambda: defaultdict(list))
    combinations: Shares = defaultdict(list)
    cells_of: dict[Key, list[Key]] = {}
    number = names.id
    for record in records:
        values = (
            number(record.provider),
            number(record.model),
            number(record.key),
            number(record.user),
            number(record.app),
            number(record.door),
            number(record.outcome),
            names.tag_set_id(record.tags),
        )
        cells = cells_of.get(values)
        if cells is None:
            cells = cells_of[values] = _cells(names, values, record.tags)
        share = _share(record)
        quarter = quarter_of(record.started_us)
        singles = quarters[quarter]
        for cell in cells:
            singles[cell].append(share)
        combinations[(HOUR, quarter - quarter % HOUR_QUARTERS, *values)].append(share)
        combinations[(DAY, day_start(quarter, zone), *values)].append(share)
    connection.executemany(ADD_TO_BUCKETS, _rows(_rolled_up(quarters, zone)))
    connection.executemany(ADD_TO_COMBINED, _rows({key: _sum(shares) for key, shares in combinations.items()}))


def _cells(names: Names, values: Key, tags: Sequence[str]) -> list[Key]:
    """The (dimension, value) pairs that a row counts in."""
    cells: list[Key] = [(TOTAL, NO_NAME), *enumerate(values[:-1], 1)]
    cells += [(DIMENSION_IDS["tag"], names.id(tag)) for tag in set(tags) or (None,)]
    cells += [(DIMENSION_IDS["tag_key"], names.id(key)) for key in set(map(tag_key, tags))]
    return cells


def _share(record: ExchangeRecord) -> Share:
    latency, ttft = record.latency_us, record.ttft_us
    return (
        measure(record),
        None if latency is None else histogram.bin_of(latency),
        None if ttft is None else histogram.bin_of(ttft),
    )


def _sum(shares: Sequence[Share]) -> Sums:
    if len(shares) == 1:
        values = list(shares[0][0])
    else:
        values = list(map(sum, zip(*[each for each, _, _ in shares], strict=True)))
    latencies: histogram.Bins = {}
    ttfts: histogram.Bins = {}
    for _, latency, ttft in shares:
        if latency is not None:
            latencies[latency] = latencies.get(latency, 0) + 1
        if ttft is not None:
            ttfts[ttft] = ttfts.get(ttft, 0) + 1
    return Sums(values, latencies, ttfts)


def _rolled_up(quarters: Mapping[int, Mapping[Key, Sequence[Share]]], zone: ZoneInfo) -> dict[Key, Sums]:
    cells: dict[Key, Sums] = {}
    coarse: defaultdict[Key, list[Sums]] = defaultdict(list)
    for quarter, singles in quarters.items():
        hour, day = quarter - quarter % HOUR_QUARTERS, day_start(quarter, zone)
        for (dimension, value), shares in singles.items():
            cells[(QUARTER, dimension, quarter, value)] = sums = _sum(shares)
            coarse[(HOUR, dimension, hour, value)].append(sums)
            coarse[(DAY, dimension, day, value)].append(sums)
    for key, parts in coarse.items():
        cells[key] = _merged(parts)
    return cells


def _merged(parts: Sequence[Sums]) -> Sums:
    if len(parts) == 1:
        return parts[0]
    merged = Sums(list(map(sum, zip(*[part.values for part in parts], strict=True))))
    for part in parts:
        histogram.add(merged.latency, part.latency)
        histogram.add(merged.ttft, part.ttft)
    return merged


def _rows(cells: Mapping[Key, Sums]) -> Iterator[tuple[int | bytes, ...]]:
    # In key order the tables' pages are each touched once.
    for key in sorted(cells):
        sums = cells[key]
        yield (*key, *sums.values, histogram.encode(sums.latency), histogram.encode(sums.ttft))
