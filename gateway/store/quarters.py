"""Where bucket levels begin: quarters, hours, days and months of one time zone, all in quarters of an hour.

Every UTC offset in use is a multiple of fifteen minutes, so a local midnight is always the edge of a quarter.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.time_zones import midnight

QUARTER_US = 900_000_000
QUARTER_S = 900
HOUR_QUARTERS = 4
HALF_QUARTERS = 2


def quarter_of(us: int) -> int:
    """The quarter that a time in microseconds falls in."""
    return us // QUARTER_US


def hour_start(quarter: int) -> int:
    """The quarter in which the hour of UTC begins that this quarter is in."""
    return quarter - quarter % HOUR_QUARTERS


def half_start(quarter: int) -> int:
    """The quarter in which its half-hour begins."""
    return quarter - quarter % HALF_QUARTERS


@lru_cache(maxsize=4096)
def day_start(quarter: int, zone: ZoneInfo) -> int:
    """The quarter in which the local day of this quarter begins."""
    return midnight(_local_date(quarter, zone), zone) // QUARTER_S


@lru_cache(maxsize=4096)
def day_end(quarter: int, zone: ZoneInfo) -> int:
    """The quarter in which the next local day begins."""
    day = _local_date(quarter, zone)
    end = quarter
    # A zone that moved over the date line has skipped a day, which is then empty.
    while end <= quarter:
        day += timedelta(days=1)
        end = midnight(day, zone) // QUARTER_S
    return end


def _local_date(quarter: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(quarter * QUARTER_S, UTC).astimezone(zone).date()


@lru_cache(maxsize=4096)
def month_start(quarter: int, zone: ZoneInfo) -> int:
    """The quarter in which the local month of this quarter begins."""
    return midnight(_local_date(quarter, zone).replace(day=1), zone) // QUARTER_S


@lru_cache(maxsize=4096)
def month_end(quarter: int, zone: ZoneInfo) -> int:
    """The quarter in which the next local month begins."""
    later = _local_date(quarter, zone).replace(day=1) + timedelta(days=32)
    return midnight(later.replace(day=1), zone) // QUARTER_S
