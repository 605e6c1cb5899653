"""Time zones by their IANA names, and the range of times that a calendar can tell."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.errors import ClientError

# Python's calendar has the years 1 to 9999. A zone's offset or the end of a month may lie out of it: some time is
# kept free.
EARLIEST_US = int(datetime(1, 1, 3, tzinfo=UTC).timestamp()) * 1_000_000
LATEST_US = int(datetime(9999, 11, 1, tzinfo=UTC).timestamp()) * 1_000_000


# What a machine's zone database holds besides IANA's names: what another machine would read otherwise, or not at all.
_OF_THE_MACHINE = ("localtime", "posixrules", "Factory")
_COPIES = ("posix/", "right/")


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ClientError."""
    try:
        if name in _OF_THE_MACHINE or name.startswith(_COPIES):
            raise ValueError(name)
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ClientError(
            f"The time zone {name!r} is unknown; use an IANA name like Europe/Berlin.", param="tz"
        ) from error


def is_zone(name: str) -> bool:
    """Whether it is the IANA name of a time zone that this machine knows."""
    try:
        zone_of(name)
    except ClientError:
        return False
    return True


def offset_at(at: int, zone: ZoneInfo) -> int:
    """Seconds east of UTC, at a time in seconds since the epoch."""
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def change_between(low: int, high: int, zone: ZoneInfo) -> int:
    """The first second at `high`'s offset, where the offset changes once in (low, high]."""
    before = offset_at(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def midnight(day: date, zone: ZoneInfo) -> int:
    """The first second of a local day; where its midnight is skipped, or the whole day, the first that follows."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    begins, other = int(local.timestamp()), int(local.replace(fold=1).timestamp())
    # A time that is skipped is told by the clock of before, hence later: the clocks changed in between.
    return change_between(other, begins, zone) if other < begins else begins
