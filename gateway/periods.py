"""The periods beside a range: as long on the calendar, ending where it begins or beginning where it ends. Pure."""

from datetime import date, datetime

from msgspec.structs import replace

from gateway.records import UsageQuery
from gateway.time_zones import midnight, zone_of

_SECOND_US = 1_000_000


def period_before(query: UsageQuery, now_us: int) -> UsageQuery | None:
    """The same question over the time before; None where the range has no beginning. An open end is now.

    Whole months of the query's zone are compared with as many whole months, though some are longer, and whole days
    with as many whole days, though the clocks change among them. Where a range ends later than now, as much of the
    time before as has passed of it. Raises ClientError for an unknown zone.
    """
    if query.start_us is None:
        return None
    end = query.end_us if query.end_us is not None else now_us
    start, before_end = shifted(query.start_us, end, query.tz, -1)
    if end > now_us:
        before_end = min(before_end, start + max(0, now_us - query.start_us))
    return replace(query, start_us=start, end_us=before_end)


def shifted(start_us: int, end_us: int, tz: str, spans: int) -> tuple[int, int]:
    """A range so many times its own length later, or earlier where negative; whole days and months stay whole, as in
    `period_before`. Raises ClientError for an unknown zone."""
    for _ in range(abs(spans)):
        there = _beside(UsageQuery(start_us=start_us, end_us=end_us, tz=tz), later=spans > 0)
        if spans > 0:
            start_us, end_us = end_us, 2 * end_us - start_us if there is None else there
        else:
            start_us, end_us = 2 * start_us - end_us if there is None else there, start_us
    return start_us, end_us


def whole_months(query: UsageQuery) -> int | None:
    """How many whole months of its zone a range is; None for any other. Raises ClientError for an unknown zone."""
    days = _whole_days(query)
    if days is None or any(day.day != 1 for day in days):
        return None
    first, last = days
    return (last.year - first.year) * 12 + last.month - first.month


def _beside(query: UsageQuery, *, later: bool) -> int | None:
    """Where the period before begins, or the one after ends; None for other ranges than of whole days."""
    days, months = _whole_days(query), whole_months(query)
    if days is None:
        return None
    first, last = days
    edge, sign = (last, 1) if later else (first, -1)
    try:
        if months is None:
            day = edge + sign * (last - first)
        else:
            month = edge.year * 12 + edge.month - 1 + sign * months
            day = date(month // 12, month % 12 + 1, 1)
        return midnight(day, zone_of(query.tz)) * _SECOND_US
    except (ValueError, OverflowError):
        return None


def _whole_days(query: UsageQuery) -> tuple[date, date] | None:
    """The first day of a range of whole days and the one after its last; None for any other range."""
    zone, start_us, end_us = zone_of(query.tz), query.start_us, query.end_us
    if start_us is None or end_us is None or start_us % _SECOND_US or end_us % _SECOND_US or start_us >= end_us:
        return None
    try:
        first, last = (datetime.fromtimestamp(us // _SECOND_US, zone).date() for us in (start_us, end_us))
        # On the days on which a clock skips midnight, or has it twice, its own time does not tell.
        if [midnight(day, zone) * _SECOND_US for day in (first, last)] != [start_us, end_us]:
            return None
    except (ValueError, OverflowError):
        return None
    return first, last
