"""Where local days begin, as microseconds since the epoch: also where their midnight is skipped or comes twice."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway import UsageQuery, midnight

_SECOND_US = 1_000_000


def day_start_us(day: date, tz: str) -> int:
    """The first moment of a day in an IANA zone."""
    return midnight(day, ZoneInfo(tz)) * _SECOND_US


def midnight_us(now_us: int, tz: str) -> int:
    """When the local day began."""
    return day_start_us(_day(now_us, tz), tz)


def today(now_us: int, tz: str) -> UsageQuery:
    """From the local midnight to the next one: a clock that was ahead has left rows of later days."""
    day = _day(now_us, tz)
    return UsageQuery(start_us=day_start_us(day, tz), end_us=day_start_us(day + timedelta(days=1), tz), tz=tz)


def _day(now_us: int, tz: str) -> date:
    return datetime.fromtimestamp(now_us / 1e6, ZoneInfo(tz)).date()
