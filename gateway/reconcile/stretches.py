"""Lines of more than a day, like a month's: what they tell can be compared only as a whole. Pure."""

from bisect import bisect_right
from calendar import monthrange
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from gateway.reconcile.sums import Moment, day_of
from gateway.reconcile.values import Written

DAY_US = 86_400_000_000
# A line of one day, on which the clocks may go back.
LONGEST_DAY_US = 90_000_000_000
LONGEST_DAYS = 366
_CLOCK_CHANGE_US = 7_200_000_000
_DAY = timedelta(days=1)
_WEEK_DAYS = 7


class Stretches:
    """First and last days of such lines; those that overlap are one stretch."""

    def __init__(self) -> None:
        self._said: set[tuple[date, date]] = set()
        self._merged: list[tuple[date, date]] | None = None

    def add(self, first: date, last: date) -> None:
        if (first, last) not in self._said:
            self._said.add((first, last))
            self._merged = None

    def first(self, day: date) -> date:
        """The first day of the stretch that a day lies in; the day itself where it lies in none."""
        found = self._around(day)
        return day if found is None else found[0]

    def last(self, day: date) -> date | None:
        """The last day of the stretch that a day lies in; None where it lies in none."""
        found = self._around(day)
        return None if found is None else found[1]

    def within(self, at: Moment, zone: ZoneInfo) -> Moment:
        """The first day of the stretch that a moment lies in; the moment itself where it lies in none."""
        found = self._around(day_of(at, zone)) if self._said else None
        return at if found is None else found[0]

    def _around(self, day: date) -> tuple[date, date] | None:
        if not self._said:
            return None
        merged = self._stretches()
        place = bisect_right(merged, (day, date.max)) - 1
        return merged[place] if place >= 0 and day <= merged[place][1] else None

    def _stretches(self) -> list[tuple[date, date]]:
        if self._merged is None:
            self._merged = []
            for first, last in sorted(self._said):
                if self._merged and first <= self._merged[-1][1]:
                    first, before = self._merged.pop()
                    last = max(last, before)
                self._merged.append((first, last))
        return self._merged


def end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def last_day(start: Written, end: Written) -> date | None:
    """The last day of a line that begins and ends so; None for a line of one day.

    An end is the moment at which the line is over, or its last day: a time tells by being as late as the beginning,
    and a day alone by being a week or whole months later.
    """
    days = (end.day - start.day).days
    is_day, is_over = days <= 1, days == _WEEK_DAYS or start.day.day == end.day.day
    for begins, ends in ((start.us, end.us), (start.clock, end.clock)):
        if begins is not None and ends is not None:
            is_over = abs(ends - begins - days * DAY_US) <= _CLOCK_CHANGE_US
    if start.us is not None and end.us is not None:
        is_day = end.us - start.us <= LONGEST_DAY_US
    if is_day:
        return None
    return end.day - _DAY if is_over else end.day
