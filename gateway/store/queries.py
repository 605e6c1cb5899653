"""The questions: sums, a series over time, a breakdown; each on one snapshot, exact, from buckets or rows."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.records import Breakdown, BreakdownRow, OtherRows, Summary, TimeBucket, UsageQuery
from gateway.store import conversations
from gateway.store.commit import day_zone
from gateway.store.filters import CONVERSATION, needs_rows
from gateway.store.kept import kept
from gateway.store.measures import Sums
from gateway.store.names import NO_NAME, Texts
from gateway.store.pairs import Settled, parts_of
from gateway.store.plan import (
    COMBINED_LEVELS,
    SINGLE_LEVELS,
    TAG,
    TAG_KEY_PREFIX,
    CellRange,
    RowRange,
    Rows,
    Singles,
    Source,
    checked_by,
    cut,
    source_of,
    whole,
)
from gateway.store.quarters import QUARTER_US, day_end, day_start, half_start, quarter_of
from gateway.store.sums import Plan, Table, Value, gather, key_id
from gateway.store.time_slices import MOST_SLICES, Slice, slices
from gateway.time_zones import EARLIEST_US, LATEST_US, zone_of

MOST_CELLS = 100_000
# Fewer rows are skipped faster than places are looked up.
LEAST_OFFSET = 20_000

DISTRIBUTIONS = ("latency_ms", "ttft_ms")
POINTS = ("avg", "p50", "p95", "p99")
SORT_FIELDS = {
    "cost_usd": "cost_nano",
    "requests": "requests",
    "errors": "errors",
    "input_tokens": "input_tokens",
    "cached_tokens": "cached_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "unpriced_requests": "unpriced_requests",
    "price_fuzzy_requests": "price_fuzzy_requests",
    "tokens_per_s": "tokens_per_s",
    "value": "",
}

_FIRST_ROW = "SELECT MIN(started_us) FROM requests"
_LAST_ROW = "SELECT MAX(started_us) FROM requests"
_FIRST_BUCKET = "SELECT MIN(start) FROM buckets WHERE level = 0 AND dimension = 0"
_LAST_BUCKET = "SELECT MAX(start) FROM buckets WHERE level = 0 AND dimension = 0"
_SEVERAL_TAGS = "SELECT 1 FROM tag_set_members GROUP BY tag_set HAVING COUNT(*) > 1 LIMIT 1"
_SEVERAL_OF_KEY = "SELECT 1 FROM tag_set_members WHERE key = ? GROUP BY tag_set HAVING COUNT(*) > 1 LIMIT 1"

# How short a slice of a width can be, in microseconds, and of what a long series is made up. Weeks and months are
# never too many.
_STRETCHES = {
    "1m": (60_000_000, "day"),
    "15m": (900_000_000, "month"),
    "hour": (1_800_000_000, "month"),
    "day": (82_800_000_000, "month"),
}

Chooser = Callable[[UsageQuery, str | None], Source]


class TooManyBuckets(ClientError):
    """A series of more than can be answered at once; `values` occur in it."""

    def __init__(self, values: int) -> None:
        super().__init__(
            f"That is more than {MOST_CELLS:,} buckets; choose a wider bucket, a shorter time or a filter.",
            param="bucket",
        )
        self.values = values


def extent(connection: sqlite3.Connection) -> Slice | None:
    """From the first row (or bucket, where rows are gone) to just after the last, in µs; None without data."""
    first_bucket = connection.execute(_FIRST_BUCKET).fetchone()[0]
    first_row = connection.execute(_FIRST_ROW).fetchone()[0]
    last_row = connection.execute(_LAST_ROW).fetchone()[0]
    if first_bucket is None:
        return None if first_row is None else (first_row, last_row + 1)
    last_bucket = connection.execute(_LAST_BUCKET).fetchone()[0]
    start, end = first_bucket * QUARTER_US, (last_bucket + 1) * QUARTER_US
    if first_row is not None and first_row // QUARTER_US <= first_bucket:
        start = first_row
    if last_row is not None and last_row // QUARTER_US == last_bucket:
        end = last_row + 1
    return start, end


def total(connection: sqlite3.Connection, query: UsageQuery, choose: Chooser = source_of) -> Sums:
    """All matching rows together."""
    table = _gather(connection, query, None, _whole_time(connection, query), choose)
    return table.get((0, NO_NAME), Sums())


def breakdown(
    connection: sqlite3.Connection,
    texts: Texts,
    query: UsageQuery,
    by: str,
    *,
    sort: str = "cost_usd",
    limit: int | None = None,
    only: Collection[str | None] | None = None,
    others: bool = False,
    choose: Chooser = source_of,
) -> Breakdown:
    """A row per value of `by`, largest `sort` first, unknown last; or the first `limit`, or of `only` these values.
    With `others` the rest is told together. Raises ClientError."""
    checked_by(by)
    order = sort_key(sort)
    of_few = limit is not None and only is None and not others and not needs_rows(query)
    if by == CONVERSATION and of_few and limit is not None and conversations.ranks(sort):
        table = conversations.largest(connection, query, sort, limit)
    else:
        table = _gather(connection, query, by, _whole_time(connection, query), choose)
    named = _named(connection, texts, by, table)
    rows = [(BreakdownRow(value=named[value], summary=sums.summary()), sums) for (_, value), sums in table.items()]
    rows.sort(key=lambda row: (row[0].value is None, row[0].value or ""))
    if sort != "value":
        rows.sort(key=lambda row: -row[0].summary.requests)
        rows.sort(key=lambda row: order(row[0].summary))
    if only is not None:
        rows.sort(key=lambda row: row[0].value not in only)
        limit = sum(row.value in only for row, _ in rows)
    return Breakdown(
        rows=tuple(row for row, _ in rows[:limit]),
        others=_together(rows[limit:]) if others and limit is not None else None,
        overlapping=_overlapping(connection, by),
        complete_from_us=complete_from(connection, query, by, choose),
    )


def _together(rows: Sequence[tuple[BreakdownRow, Sums]]) -> OtherRows | None:
    if not rows:
        return None
    together = Sums()
    for _, sums in rows:
        together.add(sums.values, sums.latency, sums.ttft)
    most_nano = max(row.summary.cost_nano or 0 for row, _ in rows)
    return OtherRows(values=len(rows), summary=together.summary(), most_nano=most_nano)


def timeseries(
    connection: sqlite3.Connection,
    texts: Texts,
    query: UsageQuery,
    width: str,
    by: str | None = None,
    *,
    choose: Chooser = source_of,
    one_slice_is_few: bool = False,
) -> tuple[TimeBucket, ...]:
    """A bucket per slice, empty ones too, and per value that occurs where `by` is given. Raises ClientError, which is
    TooManyBuckets where there are too many values; with `one_slice_is_few` only if it could be asked in parts.

    A slice that the range cuts keeps its whole bounds and counts only what lies within the range.
    """
    checked_by(by)
    zone = zone_of(query.tz)
    known = extent(connection)
    start, end = _asked(query, known)
    if start is None or end is None:
        slices(0, 0, width, zone)
        return ()
    steps = slices(start, end, width, zone)
    parts = _within(connection, steps, (start, end), known)
    table = _gather(connection, query, by, parts, choose)
    gone = _slices_with_gaps(connection, query, by, parts, choose) | _cut_off(connection, query, steps)
    values = _in_order(table) if by is not None else [NO_NAME]
    _check_size(values, steps, one_slice_is_few=one_slice_is_few)
    named: Mapping[Value, str | None] = {NO_NAME: None}
    if by is not None:
        named = _named(connection, texts, by, table)
    nothing = Sums().summary()
    return tuple(
        TimeBucket(
            start_us=low,
            end_us=high,
            value=named[value],
            summary=sums.summary() if (sums := table.get((index, value))) is not None else nothing,
            complete=index not in gone,
        )
        for index, (low, high) in enumerate(steps)
        for value in values
    )


def _within(connection: sqlite3.Connection, steps: Iterable[Slice], asked: Slice, known: Slice | None) -> list[Slice]:
    """What of each slice lies in the time that is asked for."""
    first, last = asked if known is None else _to_days(connection, *asked, known)
    return [(max(low, first), min(high, last)) for low, high in steps]


def _check_size(values: Collection[Value], steps: Collection[Slice], *, one_slice_is_few: bool) -> None:
    if len(values) * len(steps) > MOST_CELLS and not (one_slice_is_few and len(steps) == 1):
        raise TooManyBuckets(len(values))


def complete_from(
    connection: sqlite3.Connection, query: UsageQuery, by: str | None = None, choose: Chooser = source_of
) -> int | None:
    """From when on nothing is missing in the sums of a question, in µs; None where nothing is.

    Retention has taken rows away: what needs them (conversations, clients, the edges of quarters) lacks those.
    """
    have = kept(connection)
    if have.rows_from_us is None:
        return None
    plan = _planned(connection, query, by, _whole_time(connection, query), choose)
    ends = [min(high, have.rows_from_us) for _, low, high in plan.rows if low < have.rows_from_us]
    if have.either_from_us is not None and (query.start_us is None or query.start_us < have.either_from_us):
        ends.append(have.either_from_us)
    return max(ends, default=None)


def of_kept_rows(connection: sqlite3.Connection, query: UsageQuery) -> tuple[UsageQuery, int | None]:
    """A question for single rows without the time whose rows are gone, and where that ends, if it was asked for."""
    rows_from = kept(connection).rows_from_us
    if rows_from is None or (query.start_us is not None and query.start_us >= rows_from):
        return query, None
    return replace(query, start_us=rows_from), rows_from


def stretches(connection: sqlite3.Connection, query: UsageQuery, width: str) -> list[UsageQuery]:
    """The same series as one or several, one after the other, each short enough for `timeseries`.

    Raises ClientError.
    """
    start, end = _asked(query, extent(connection))
    if start is None or end is None or width not in _STRETCHES:
        return [query]
    shortest_us, stretch = _STRETCHES[width]
    if end - start < (MOST_SLICES - 2) * shortest_us:
        return [query]
    return _cut_at(query, start, end, slices(start, end, stretch, zone_of(query.tz)))


def series_size(connection: sqlite3.Connection, query: UsageQuery, width: str, by: str | None = None) -> int:
    """How many buckets `timeseries` has. Raises as it does with `one_slice_is_few`."""
    known = extent(connection)
    start, end = _asked(query, known)
    if start is None or end is None:
        return 0
    steps = slices(start, end, width, zone_of(query.tz))
    if by is None:
        return len(steps)
    table = _gather(connection, query, by, _within(connection, steps, (start, end), known), source_of)
    values = {value for _, value in table}
    _check_size(values, steps, one_slice_is_few=True)
    return len(values) * len(steps)


def shorter(connection: sqlite3.Connection, query: UsageQuery, width: str, values: int) -> list[UsageQuery]:
    """A series in which so many values occur as several, each of few enough buckets for `timeseries`."""
    start, end = _asked(query, extent(connection))
    if start is None or end is None:
        return [query]
    steps = slices(start, end, width, zone_of(query.tz))
    most = max(1, MOST_CELLS // values)
    runs = [steps[place : place + most] for place in range(0, len(steps), most)]
    return _cut_at(query, start, end, [(run[0][0], run[-1][1]) for run in runs])


def _cut_at(query: UsageQuery, start: int, end: int, steps: Sequence[Slice]) -> list[UsageQuery]:
    """The first since ever where the query is, so that it tells what is gone."""
    starts = (query.start_us if low <= start else low for low, _ in steps)
    return [
        replace(query, start_us=first, end_us=min(high, end)) for first, (_, high) in zip(starts, steps, strict=True)
    ]


def _asked(query: UsageQuery, known: Slice | None) -> tuple[int | None, int | None]:
    """The time that is asked for, or else that of the data; None without either."""
    start = query.start_us if query.start_us is not None else known and known[0]
    return start, query.end_us if query.end_us is not None else known and known[1]


def narrowed(connection: sqlite3.Connection, query: UsageQuery, offset: int) -> tuple[UsageQuery, int]:
    """The same rows from the `offset`th newest on, as a query that ends nearer and skips fewer.

    Counts of months, then days, then hours lead to the place, so that a list of millions scrolls anywhere.
    """
    spans = _whole_time(connection, query)
    if offset < LEAST_OFFSET or not spans or isinstance(source_of(query, None), Rows):
        return query, offset
    ((start, end),) = spans
    zone = day_zone(connection)
    for width in ("month", "day", "hour"):
        steps = [(max(low, start), min(high, end)) for low, high in slices(start, end, width, zone)]
        table = _gather(connection, query, None, steps, source_of)
        for index in range(len(steps) - 1, -1, -1):
            sums = table.get((index, NO_NAME))
            count = 0 if sums is None else sums["requests"]
            if offset < count:
                start, end = steps[index]
                break
            offset -= count
        else:
            return replace(query, end_us=start), offset
    return replace(query, end_us=end), offset


def sort_key(sort: str) -> Callable[[Summary], tuple[bool, float]]:
    """Orders summaries by a field of theirs, largest first and unknown last; a distribution by a point of it
    (`latency_ms.p95`), its median by default. Raises ClientError."""
    field, _, point = sort.partition(".")
    if field in DISTRIBUTIONS and point in ("", *POINTS):
        return lambda summary: _descending(getattr(getattr(summary, field), point or "p50"))
    name = SORT_FIELDS.get(sort)
    if name is None:
        raise ClientError(
            f"Usage cannot be sorted by {sort!r}; use one of {', '.join((*SORT_FIELDS, *DISTRIBUTIONS))}.",
            param="sort",
        )
    return lambda summary: _descending(getattr(summary, name) if name else 0)


def _descending(number: float | None) -> tuple[bool, float]:
    return (number is None, -(number or 0))


def _whole_time(connection: sqlite3.Connection, query: UsageQuery) -> list[Slice]:
    """The asked time, no wider than the data."""
    known = extent(connection)
    if known is None:
        return []
    start = known[0] if query.start_us is None else max(query.start_us, known[0])
    end = known[1] if query.end_us is None else min(query.end_us, known[1])
    return [_to_days(connection, start, end, known)]


def _to_days(connection: sqlite3.Connection, start: int, end: int, known: Slice) -> Slice:
    """The range, out to the whole day where it reaches past the data: its buckets then tell the same as its rows,
    which now may be many, and of the first may be gone. Where that day's are gone too, out to the half-hour."""
    low, high = start, end
    if start <= known[0]:
        low = _day_of(connection, start)[0]
        gone_to = kept(connection).buckets_from_us
        if gone_to is not None and low < gone_to:
            low = half_start(quarter_of(start)) * QUARTER_US
    if end >= known[1]:
        high = max(end, _day_of(connection, end - 1)[1])
    return low, high


def _day_of(connection: sqlite3.Connection, us: int) -> Slice:
    """The day of the database's own zone that has a moment."""
    zone, quarter = day_zone(connection), quarter_of(min(max(us, EARLIEST_US), LATEST_US))
    return day_start(quarter, zone) * QUARTER_US, day_end(quarter, zone) * QUARTER_US


def _gather(
    connection: sqlite3.Connection, query: UsageQuery, by: str | None, ranges: Sequence[Slice], choose: Chooser
) -> Table:
    return gather(connection, query, by, _planned(connection, query, by, ranges, choose))


def _planned(
    connection: sqlite3.Connection, query: UsageQuery, by: str | None, ranges: Sequence[Slice], choose: Chooser
) -> Plan:
    source = choose(query, by)
    if isinstance(source, Rows):
        return Plan(source, [], whole(ranges))
    have, zone = kept(connection), day_zone(connection)
    parts = parts_of(query, by) if source == source_of(query, by) else None
    settled = Settled(connection, parts, zone) if parts is not None else None

    def in_cells(times: Sequence[Slice]) -> tuple[list[CellRange], list[RowRange]]:
        levels = SINGLE_LEVELS if isinstance(source, Singles) else COMBINED_LEVELS
        return cut(times, levels=levels, zone=zone, first_us=have.buckets_from_us)

    if parts is None or not settled:
        return Plan(source, *in_cells(ranges))
    less_cells: list[CellRange] = []
    less_rows: list[RowRange] = []
    if not isinstance(source, Singles):
        ranges, *surplus = settled.rounded(ranges, have.both_from_us)
        for times in surplus:
            cells, rows = in_cells(times)
            less_cells += cells
            less_rows += rows
    cells, rows = in_cells(ranges)
    told, left = settled.taken(cells)
    if not isinstance(source, Singles):
        in_hours, left = settled.taken(settled.in_halves(left))
        told += in_hours
    return Plan(source, left, rows, parts, told, less_cells, less_rows)


def _slices_with_gaps(
    connection: sqlite3.Connection, query: UsageQuery, by: str | None, steps: Sequence[Slice], choose: Chooser
) -> set[int]:
    """The slices of a series that lack something: rows that they need, or rows and buckets both."""
    have, known = kept(connection), extent(connection)
    if have.rows_from_us is None:
        return set()
    # Before the first bucket there was nothing, unless buckets are gone as well.
    first_us = known[0] if known is not None and have.buckets_from_us is None else EARLIEST_US
    plan = _planned(connection, query, by, steps, choose)
    return {index for index, low, high in plan.rows if low < have.rows_from_us and high > first_us}


def _cut_off(connection: sqlite3.Connection, query: UsageQuery, steps: Sequence[Slice]) -> set[int]:
    """The slices of a series since ever that begin where neither rows nor buckets are there any more."""
    gone_to = kept(connection).either_from_us
    if gone_to is None or query.start_us is not None:
        return set()
    return {index for index, (low, _) in enumerate(steps) if low < gone_to}


def _in_order(table: Table) -> list[Value]:
    """The values that occur, most requests first."""
    requests: dict[Value, int] = {}
    for (_, value), sums in table.items():
        requests[value] = requests.get(value, 0) + sums["requests"]
    return sorted(requests, key=lambda value: (-requests[value], str(value)))


def _named(connection: sqlite3.Connection, texts: Texts, by: str, table: Table) -> dict[Value, str | None]:
    """Values as people read them: of `tag:team` only what follows the colon."""
    values = {value for _, value in table}
    known = texts.texts(connection, (value for value in values if isinstance(value, int)))
    named = {value: known[value] if isinstance(value, int) else value for value in values}
    if by.startswith(TAG_KEY_PREFIX):
        return {value: None if text is None else text.partition(":")[2] for value, text in named.items()}
    return named


def _overlapping(connection: sqlite3.Connection, by: str) -> bool:
    if by == TAG:
        return connection.execute(_SEVERAL_TAGS).fetchone() is not None
    if by.startswith(TAG_KEY_PREFIX):
        return connection.execute(_SEVERAL_OF_KEY, (key_id(connection, by),)).fetchone() is not None
    return False
