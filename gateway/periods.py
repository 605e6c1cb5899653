"""The period that a range is compared with: as long on the calendar, and ending where the range begins. Pure."""

from datetime import date, datetime

from msgspec.structs import replace

from gateway.records import UsageQuery
from gateway.time_zones import midnight, zone_of

_SECOND_US = 1_000_000


def period_before(query: UsageQuery, now_us: int) -> UsageQuery | None:
    """The same question over the time before; None where the range has no beginning. An open end is now.

    Whole months of the query's zone are compared with as many whole months, though some are longer, and whole days
    with as many whole days, though the clocks change among them. ClientError for an unknown zone.
    """
    if query.start_us is None:
        return None
    end = query.end_us if query.end_us is not None else now_us
    start = _days_before(query.start_us, end, query.tz)
    return replace(query, start_us=2 * query.start_us - end if start is None else start, end_us=query.start_us)


def _days_before(start_us: int, end_us: int, tz: str) -> int | None:
    zone = zone_of(tz)
    if start_us % _SECOND_US or end_us % _SECOND_US or start_us >= end_us:
        return None
    try:
        first, last = (datetime.fromtimestamp(us // _SECOND_US, zone).date() for us in (start_us, end_us))
        # On the days on which a clock skips midnight, or has it twice, its own time does not tell.
        if [midnight(day, zone) * _SECOND_US for day in (first, last)] != [start_us, end_us]:
            return None
        return midnight(_months_before(first, last) or first - (last - first), zone) * _SECOND_US
    except (ValueError, OverflowError):
        return None


def _months_before(first: date, last: date) -> date | None:
    """The first day of as many months before; None where these are no whole months."""
    if first.day != 1 or last.day != 1:
        return None
    months = 2 * _month_number(first) - _month_number(last)
    return date(months // 12, months % 12 + 1, 1)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1
