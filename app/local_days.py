"""Where local days begin, as microseconds since the epoch: also where their midnight is skipped or comes twice."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway import midnight

_SECOND_US = 1_000_000


def day_start_us(day: date, tz: str) -> int:
    """The first moment of a day in an IANA zone."""
    return midnight(day, ZoneInfo(tz)) * _SECOND_US


def midnight_us(now_us: int, tz: str) -> int:
    """When the local day began."""
    return day_start_us(datetime.fromtimestamp(now_us / 1e6, ZoneInfo(tz)).date(), tz)
