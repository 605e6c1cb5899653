"""What a range is compared with, and which models and tags moved a figure most. Pure.

A mean (latency) or a share (errors) is moved by a group both where its own figure changes and where more or fewer of
all requests are its: each group's part is its distance from the mean of before, weighted with its requests, and the
parts come to the whole change.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from app.formats import count, delta_points, duration, money
from app.overview.breakdown import unnamed
from app.overview.figures import tokens
from app.translation import tr
from gateway import Breakdown, Summary, UsageQuery, period_before

MOST_REASONS = 3
_SECOND_US = 1_000_000
_ROUNDED_US = 3600 * _SECOND_US
_WEEK_US = 7 * 86_400 * _SECOND_US


class Reason(Struct, frozen=True):
    """A model or tag, and by how much it moved the figure: "+$4.20"."""

    name: str
    change: str


def compared_query(query: UsageQuery, how: str, now_us: int) -> UsageQuery | None:
    """The same question over the time that `how` (one of `COMPARISONS`) names; None where there is none. Of a range
    that is not over, over as much of that time as has passed."""
    if how == "previous":
        return period_before(query, now_us)
    if how != "weekday" or query.start_us is None:
        return None
    end_us = now_us if query.end_us is None else query.end_us
    weeks = compared_weeks(replace(query, end_us=end_us))
    zone = ZoneInfo(query.tz)
    passed_us = max(query.start_us, min(end_us, now_us))
    start, end = (_weeks_before(us, weeks, zone) for us in (query.start_us, passed_us))
    return replace(query, start_us=start, end_us=end)


def compared_weeks(query: UsageQuery) -> int:
    """How many weeks before a range of closed ends the same days lie that do not overlap it, but for what a range of
    whole weeks is longer by rounding."""
    return max(1, -(-((query.end_us or 0) - (query.start_us or 0) - _ROUNDED_US) // _WEEK_US))


def _weeks_before(us: int, weeks: int, zone: ZoneInfo) -> int:
    """The same local time on the same day of the week, whatever the clocks did between."""
    seconds, rest = divmod(us, _SECOND_US)
    then = datetime.fromtimestamp(seconds, zone).replace(tzinfo=None) - timedelta(weeks=weeks)
    return int(then.replace(tzinfo=zone).timestamp()) * _SECOND_US + rest


def _number(value: Callable[[Summary], float | None]) -> Callable[[Summary, Summary, float], float]:
    return lambda group, _whole, _mean: value(group) or 0.0


def _part(mean: Callable[[Summary], float | None]) -> Callable[[Summary, Summary, float], float]:
    def part(group: Summary, whole: Summary, before: float) -> float:
        own = mean(group)
        return 0.0 if own is None or not whole.requests else group.requests * (own - before) / whole.requests

    return part


class _Measure(Struct, frozen=True):
    """`mean` of the whole period before, where the figure is one; `value` of a group within its whole."""

    value: Callable[[Summary, Summary, float], float]
    text: Callable[[float], str]
    mean: Callable[[Summary], float | None] | None = None


def _latency(summary: Summary) -> float | None:
    return summary.latency_ms.avg


def _errors(summary: Summary) -> float | None:
    return summary.errors / summary.requests if summary.requests else None


_MEASURES: Mapping[str, _Measure] = {
    "requests": _Measure(_number(lambda summary: summary.requests), lambda change: count(round(change))),
    "tokens": _Measure(_number(tokens), lambda change: count(round(change))),
    "cost": _Measure(_number(lambda summary: summary.cost_nano), lambda change: money(round(change))),
    "latency": _Measure(_part(_latency), duration, _latency),
    "errors": _Measure(_part(_errors), lambda change: delta_points(change, 0.0).lstrip("+"), _errors),
}


def reasons(
    key: str, dimension: str, now: tuple[Summary, Breakdown], before: tuple[Summary, Breakdown]
) -> tuple[Reason, ...]:
    """The groups of a dimension that moved a card's figure most, the largest part first."""
    measure = _MEASURES[key]
    mean = measure.mean(before[0]) or 0.0 if measure.mean is not None else 0.0
    changes: dict[str | None, float] = {}
    for sign, (whole, groups) in ((1, now), (-1, before)):
        for row in groups.rows:
            changes[row.value] = changes.get(row.value, 0.0) + sign * measure.value(row.summary, whole, mean)
    most = sorted((value for value in changes if changes[value]), key=lambda value: -abs(changes[value]))
    return tuple(
        Reason(
            unnamed(dimension) if value is None else value,
            f"{'+' if changes[value] > 0 else '−'}{measure.text(abs(changes[value]))}",
        )
        for value in most[:MOST_REASONS]
    )


def reason_words(key: str, now: Summary, before: Summary, groups: Sequence[tuple[str, Breakdown, Breakdown]]) -> str:
    """What moved a figure most, a line for each model and tag; empty where nothing did. `groups` are dimensions, each
    with its rows now and before."""
    lines = []
    for by, rows_now, rows_before in groups:
        found = reasons(key, by, (now, rows_now), (before, rows_before))
        lines += [f"{reason.change}  {reason.name}" for reason in found]
    return "\n".join([tr("What moved it most:"), *lines]) if lines else ""
