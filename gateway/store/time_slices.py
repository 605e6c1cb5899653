"""Slices of the calendar in a time zone: where minutes, hours, days, weeks and months begin, in microseconds UTC.

An hour is a run of local time with one hour on the clock and one UTC offset, so the hour that daylight saving
repeats is two slices, and in half-hour zones hours begin at half past UTC. Days begin at the first moment of the
local date: 23, 25 or 23.5 hours long on the days of a change.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.errors import ClientError
from gateway.records import BUCKET_WIDTHS
from gateway.time_zones import EARLIEST_US, LATEST_US, change_between, midnight, offset_at

SECOND_US = 1_000_000
MOST_SLICES = 5000
Slice = tuple[int, int]
Edges = Callable[[int, ZoneInfo], Iterator[int]]


def slices(start_us: int, end_us: int, width: str, zone: ZoneInfo) -> list[Slice]:
    """The whole slices that touch [start, end), each from its start to the next one's.

    Raises ClientError for an unknown width, or for more than 5,000 of them.
    """
    advance = _BY_WIDTH.get(width)
    if advance is None:
        raise ClientError(f"The bucket {width!r} is unknown; use one of {', '.join(BUCKET_WIDTHS)}.", param="bucket")
    if start_us >= end_us:
        return []
    if start_us < EARLIEST_US or end_us > LATEST_US:
        raise ClientError("The time lies outside the years 1 to 9999.", param="from")
    edges = advance(start_us // SECOND_US, zone)
    found: list[Slice] = []
    begin = next(edges)
    while begin * SECOND_US < end_us:
        if len(found) == MOST_SLICES:
            raise ClientError(
                f"That is more than {MOST_SLICES:,} buckets; choose a wider bucket or a shorter time.", param="bucket"
            )
        following = next(edges)
        found.append((begin * SECOND_US, following * SECOND_US))
        begin = following
    return found


def _even(seconds: int) -> Edges:
    # Offsets are multiples of a quarter of an hour, so these edges are the same in every zone.
    def edges(at: int, zone: ZoneInfo) -> Iterator[int]:
        at -= at % seconds
        while True:
            yield at
            at += seconds

    return edges


def _hours(at: int, zone: ZoneInfo) -> Iterator[int]:
    offset = offset_at(at, zone)
    begin = at - (at + offset) % 3600
    if offset_at(begin, zone) != offset:
        begin = change_between(begin, at, zone)
    while True:
        yield begin
        offset = offset_at(begin, zone)
        following = begin + 3600 - (begin + offset) % 3600
        if offset_at(following, zone) != offset:
            following = change_between(begin, following, zone)
        begin = following


def _dates(
    first: Callable[[date], date], next_one: Callable[[date], date]
) -> Callable[[int, ZoneInfo], Iterator[int]]:
    def edges(at: int, zone: ZoneInfo) -> Iterator[int]:
        day = first(datetime.fromtimestamp(at, zone).date())
        last = None
        while True:
            edge = midnight(day, zone)
            # A zone that moved over the date line skipped a day: no slice without length.
            if edge != last:
                yield edge
            last = edge
            day = next_one(day)

    return edges


_BY_WIDTH: Mapping[str, Edges] = {
    "1m": _even(60),
    "15m": _even(900),
    "hour": _hours,
    "day": _dates(lambda day: day, lambda day: day + timedelta(days=1)),
    "week": _dates(lambda day: day - timedelta(days=day.weekday()), lambda day: day + timedelta(weeks=1)),
    "month": _dates(
        lambda day: day.replace(day=1), lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    ),
}
