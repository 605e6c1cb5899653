"""Time zones by their IANA names, and the range of times that a calendar can tell."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.errors import ClientError

# Python's calendar has the years 1 to 9999. A zone's offset or the end of a month may lie out of it: some time is
# kept free.
EARLIEST_US = int(datetime(1, 1, 3, tzinfo=UTC).timestamp()) * 1_000_000
LATEST_US = int(datetime(9999, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ClientError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ClientError(
            f"The time zone {name!r} is unknown; use an IANA name like Europe/Berlin.", param="tz"
        ) from error


def midnight(day: date, zone: ZoneInfo) -> int:
    """The first second of a local day; where midnight is skipped or does not exist, the first that does."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
