"""Ranges in words."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from app.overview.comparing import compared_weeks
from app.translation import counted, later, tr
from gateway import UsageQuery, whole_months

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US


def compared_with(query: UsageQuery, how: str = "previous", now_us: int | None = None) -> str:
    """What the range is compared with: "the 7 days before", or "as much of the 7 days before" where it ends
    later than `now_us`; empty where it has no beginning. `how` is one of `COMPARISONS`."""
    if query.start_us is None or query.end_us is None or how == "none":
        return ""
    whole = _whole_compared_with(query, query.end_us - query.start_us, how)
    if now_us is None or query.end_us <= now_us:
        return whole
    return tr("as much of {before}").format(before=whole)


def _whole_compared_with(query: UsageQuery, span: int, how: str) -> str:
    if how == "weekday":
        weeks = compared_weeks(query)
        return counted(weeks, later("the same days a week before"), later("the same days {count} weeks before"))
    months = whole_months(query)
    if months is not None:
        return counted(months, later("the month before"), later("the {count} months before"))
    if span > _DAY_US + _HOUR_US:
        return tr("the {count} days before").format(count=round(span / _DAY_US))
    hours = round(span / _HOUR_US)
    if hours == 24 and span >= _DAY_US - _HOUR_US:
        return tr("the 24 hours before")
    if hours >= 1:
        return tr("the hour before") if hours == 1 else tr("the {count} hours before").format(count=hours)
    return tr("the {count} minutes before").format(count=max(1, round(span / 60_000_000)))


def export_name(what: str, query: UsageQuery) -> str:
    """A file name that says what it holds: `faregate-model-2026-11-16-to-2026-11-23.csv`."""
    zone = ZoneInfo(query.tz)
    # A range that ends at midnight holds nothing of the day that begins then.
    last_us = None if query.end_us is None else query.end_us - 1
    days = [
        datetime.fromtimestamp(us / 1e6, zone).date().isoformat()
        for us in (query.start_us, last_us)
        if us is not None
    ]
    return "-".join(["faregate", re.sub(r"[^A-Za-z0-9_.-]+", "-", what), "-to-".join(days)]).rstrip("-") + ".csv"
