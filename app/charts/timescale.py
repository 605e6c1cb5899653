"""Where the labels of a time axis stand: on local minutes, hours, days or months, daylight saving included.

Candidates are walked in local time and turned into instants one by one, never by adding 86,400 seconds; an hour that
the clock skips is left out, one that it repeats stands once. The finest step whose labels keep their distance wins.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.formats import MONTHS, hour_minute, which_minute
from app.translation import tr

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND
_MINUTE_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 3, 6, 12)
# More than any clock that stands in the list of zones today.
_PUT_BACK = timedelta(hours=3)


def local(us: int, tz: str) -> datetime:
    """An instant as local time; microseconds since the epoch."""
    zone = ZoneInfo(tz)
    return datetime.fromtimestamp(us // _SECOND, zone).replace(microsecond=us % _SECOND)


def time_ticks(start_us: int, end_us: int, tz: str, room: int) -> list[tuple[int, str]]:
    """At most about `room` labels within [start, end): (instant in microseconds, text)."""
    span = max(1, end_us - start_us)
    room = max(1, room)
    for minutes in _MINUTE_STEPS:
        if span <= room * minutes * _MINUTE:
            return list(_minute_ticks(start_us, end_us, ZoneInfo(tz), minutes))
    for days in _DAY_STEPS:
        if span <= room * days * _DAY:
            return list(_day_ticks(start_us, end_us, ZoneInfo(tz), days))
    for months in _MONTH_STEPS:
        if span <= room * months * 31 * _DAY:
            return list(_month_ticks(start_us, end_us, ZoneInfo(tz), months))
    return list(_month_ticks(start_us, end_us, ZoneInfo(tz), 12))


def bucket_title(start_us: int, end_us: int, tz: str) -> str:
    """What one bucket is called: "Fri 20 Nov, 22:00", "Fri 20 Nov", "Week of 16 Nov" or "Nov 2026"."""
    start, width = local(start_us, tz), end_us - start_us
    day = f"{WEEKDAYS[start.weekday()]} {start.day} {MONTHS[start.month - 1]}"
    if width >= 27 * _DAY:
        return f"{MONTHS[start.month - 1]} {start.year}"
    if width > 2 * _DAY:
        return tr("Week of {day}").format(day=f"{start.day} {MONTHS[start.month - 1]}")
    if width > 22 * 60 * _MINUTE:
        return day
    return f"{day}, {which_minute(start)}"


def _instant(naive: datetime, zone: ZoneInfo) -> int | None:
    """The first instant that shows this local time; None where the clock skips it."""
    aware = naive.replace(tzinfo=zone)
    stamp = aware.timestamp()
    if datetime.fromtimestamp(stamp, zone).replace(tzinfo=None) != naive:
        return None
    return int(stamp) * _SECOND


def _minute_ticks(start_us: int, end_us: int, zone: ZoneInfo, minutes: int) -> Iterator[tuple[int, str]]:
    start = datetime.fromtimestamp(start_us // _SECOND, zone).replace(tzinfo=None)
    midnight = start.replace(hour=0, minute=0, second=0)
    step = timedelta(minutes=minutes)
    # Not all of the day's: each takes microseconds. A clock that was put back shows earlier times than it did before.
    moment = midnight + (start - midnight - _PUT_BACK) // step * step
    while (us := _instant(moment, zone)) is None or us < end_us:
        if us is not None and us >= start_us:
            begins_day = moment.hour == 0 and moment.minute == 0
            yield us, f"{moment.day} {MONTHS[moment.month - 1]}" if begins_day else hour_minute(moment)
        moment += step


def _day_ticks(start_us: int, end_us: int, zone: ZoneInfo, days: int) -> Iterator[tuple[int, str]]:
    moment = datetime.fromtimestamp(start_us // _SECOND, zone).replace(hour=0, minute=0, second=0, tzinfo=None)
    # Labels keep their days while the range moves on: they are counted from a fixed Monday.
    moment -= timedelta(days=moment.toordinal() % days if days < 7 else (moment.toordinal() - 1) % days)
    while moment.replace(tzinfo=zone).timestamp() * _SECOND < end_us:
        us = int(moment.replace(tzinfo=zone).timestamp()) * _SECOND
        if us >= start_us:
            yield us, f"{moment.day} {MONTHS[moment.month - 1]}"
        moment += timedelta(days=days)


def _month_ticks(start_us: int, end_us: int, zone: ZoneInfo, months: int) -> Iterator[tuple[int, str]]:
    moment = datetime.fromtimestamp(start_us // _SECOND, zone).replace(day=1, hour=0, minute=0, second=0, tzinfo=None)
    moment = moment.replace(month=1)
    while (us := int(moment.replace(tzinfo=zone).timestamp()) * _SECOND) < end_us:
        if us >= start_us:
            yield us, str(moment.year) if moment.month == 1 else MONTHS[moment.month - 1]
        ahead = moment.month - 1 + months
        moment = moment.replace(year=moment.year + ahead // 12, month=ahead % 12 + 1)
