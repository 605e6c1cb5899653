"""What every Observe page is filtered by: one range, one bucket width, dimensions and tag conditions, for the window.

Pages ask `query` for the gateway's own words. A preset range ends now and starts on a round minute, quarter or hour,
so that its first bar is whole; its start does not depend on the bucket, so that the sums do not either.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from PySide6.QtCore import QObject, QTimeZone, Signal

from app.formats import day_of_month, days, which_minute
from gateway import (
    DIMENSIONS,
    NUMBERS,
    OPERATORS,
    NumberCondition,
    TagCondition,
    UsageQuery,
    is_zone,
    shifted,
)

_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
# A day on which the clocks go back.
_LONGEST_BY_THE_CLOCK_US = 25 * _HOUR_US
_DAY_US = 24 * _HOUR_US

MAX_BUCKETS = 750
BUCKETS = ("auto", "15m", "hour", "day", "week", "month")
_WIDTHS_US = {"15m": 15 * _MINUTE_US, "hour": _HOUR_US, "day": _DAY_US, "week": 7 * _DAY_US, "month": 28 * _DAY_US}


class _Preset(Struct, frozen=True):
    """`round_us`: what the start is rounded down to. `widths`: the buckets that fit, the usual one first."""

    span_us: int
    round_us: int
    widths: tuple[str, ...]


_PRESETS: Mapping[str, _Preset] = {
    "1h": _Preset(_HOUR_US, _MINUTE_US, ("1m",)),
    "24h": _Preset(_DAY_US, 15 * _MINUTE_US, ("15m", "hour")),
    "7d": _Preset(7 * _DAY_US, _HOUR_US, ("hour", "day")),
    "30d": _Preset(30 * _DAY_US, _HOUR_US, ("day", "hour", "week")),
    "12m": _Preset(365 * _DAY_US, _HOUR_US, ("month", "week", "day")),
}
# This one begins with a month, so that its bars are whole months.
_MONTHS = {"12m": 12}
ALL = "all"
RANGES = (*_PRESETS, ALL, "custom")
USUAL_RANGE = "7d"
COMPARISONS = ("previous", "weekday", "none")
"""What figures are compared with: the period before, the same days of the week before it, or nothing."""
USUAL_SPLIT = "model"
# Rounding makes the same preset up to this much longer at another moment.
_ALIKE = 0.1


class FilterSnapshot(Struct, frozen=True, kw_only=True):
    """A filter state as a value: kept in the settings and in the history, handed along when a page opens.

    `split` is what costs are split by over time: a dimension, or the values of a tag key (`tag:team`).
    """

    range_key: str = USUAL_RANGE
    custom: tuple[int, int] | None = None
    bucket: str = "auto"
    dimensions: Mapping[str, tuple[str, ...]] = {}
    tags: tuple[TagCondition, ...] = ()
    numbers: tuple[NumberCondition, ...] = ()
    text: tuple[str, ...] = ()
    compare: str = COMPARISONS[0]
    split: str = USUAL_SPLIT


def local_zone() -> str:
    """The system's IANA zone; UTC where it has none."""
    name = bytes(QTimeZone.systemTimeZoneId().data()).decode("ascii", "replace").removeprefix("posix/")
    return name if is_zone(name) else "UTC"


def zone_names() -> list[str]:
    """Qt keeps them at hand; Python would look through hundreds of files."""
    names = (bytes(name.data()).decode("ascii", "replace") for name in QTimeZone.availableTimeZoneIds())
    return sorted(name for name in names if "/" in name or name == "UTC")


class FilterState(QObject):
    """`changed` comes once for each change that changes something. Times are microseconds since the epoch."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None, *, tz: str | None = None) -> None:
        super().__init__(parent)
        self.tz = tz or local_zone()
        self._state = FilterSnapshot()
        self.first_us: int | None = None

    def set_first(self, us: int | None) -> None:
        """When the oldest of all that is known began, as far as anybody knows: `ALL` begins there."""
        if us != self.first_us:
            self.first_us = us
            if self.range_key == ALL:
                self.changed.emit()

    def set_zone(self, tz: str) -> None:
        """Whose days and hours count: an IANA name."""
        if tz != self.tz:
            self.tz = tz
            self.changed.emit()

    @property
    def range_key(self) -> str:
        return self._state.range_key

    @property
    def custom(self) -> tuple[int, int] | None:
        return self._state.custom

    @property
    def bucket(self) -> str:
        return self._state.bucket

    @property
    def dimensions(self) -> dict[str, tuple[str, ...]]:
        return dict(self._state.dimensions)

    @property
    def tags(self) -> tuple[TagCondition, ...]:
        return self._state.tags

    @property
    def numbers(self) -> tuple[NumberCondition, ...]:
        return self._state.numbers

    @property
    def text(self) -> tuple[str, ...]:
        """Words that model, user or key hold."""
        return self._state.text

    @property
    def compare(self) -> str:
        return self._state.compare

    @property
    def split(self) -> str:
        return self._state.split

    def snapshot(self) -> FilterSnapshot:
        return self._state

    def restore(self, snapshot: FilterSnapshot) -> None:
        """Take over a whole state; what it holds that is not known is left out."""
        custom = snapshot.custom if snapshot.custom is not None and snapshot.custom[0] < snapshot.custom[1] else None
        known = snapshot.range_key in (*_PRESETS, ALL) or (snapshot.range_key == "custom" and custom is not None)
        self._set(
            FilterSnapshot(
                range_key=snapshot.range_key if known else USUAL_RANGE,
                custom=custom,
                bucket=snapshot.bucket if snapshot.bucket in BUCKETS else "auto",
                dimensions={
                    name: tuple(values)
                    for name, values in snapshot.dimensions.items()
                    if name in DIMENSIONS and values
                },
                tags=tuple(tag for tag in snapshot.tags if tag.any_of),
                numbers=tuple(one for one in snapshot.numbers if one.field in NUMBERS and one.operator in OPERATORS),
                text=tuple(word for word in snapshot.text if word),
                compare=snapshot.compare if snapshot.compare in COMPARISONS else COMPARISONS[0],
                split=snapshot.split if _is_split(snapshot.split) else USUAL_SPLIT,
            )
        )

    def set_range(self, key: str, custom: tuple[int, int] | None = None) -> None:
        """A preset, or "custom" with (start, end). Raises ValueError for another key, or a range that is empty."""
        if key not in RANGES:
            raise ValueError(f"{key!r} is not a range: choose one of {', '.join(RANGES)}.")
        if key == "custom" and (custom is None or custom[0] >= custom[1]):
            raise ValueError("A custom range needs a start before its end.")
        self._change(range_key=key, custom=custom if key == "custom" else None)

    def set_bucket(self, bucket: str) -> None:
        """Raises ValueError for anything that `BUCKETS` does not hold."""
        if bucket not in BUCKETS:
            raise ValueError(f"{bucket!r} is not a bucket: choose one of {', '.join(BUCKETS)}.")
        self._change(bucket=bucket)

    def set_compare(self, compare: str) -> None:
        """Raises ValueError for anything that `COMPARISONS` does not hold."""
        if compare not in COMPARISONS:
            raise ValueError(f"{compare!r} is no comparison: choose one of {', '.join(COMPARISONS)}.")
        self._change(compare=compare)

    def set_split(self, split: str) -> None:
        """Raises ValueError for what costs cannot be split by."""
        if not _is_split(split):
            raise ValueError(
                f"Costs cannot be split by {split!r}: choose one of {', '.join(DIMENSIONS)}, or tag:KEY."
            )
        self._change(split=split)

    def set_dimension(self, name: str, values: Sequence[str]) -> None:
        """Any of these values; none at all takes the filter away. Raises ValueError for an unknown dimension."""
        if name not in DIMENSIONS:
            raise ValueError(f"{name!r} is not a dimension: choose one of {', '.join(DIMENSIONS)}.")
        dimensions = {key: kept for key, kept in self._state.dimensions.items() if key != name or values}
        if values:
            dimensions[name] = tuple(dict.fromkeys(values))
        self._change(dimensions=dimensions)

    def add_tag(self, condition: TagCondition) -> None:
        if condition.any_of and condition not in self._state.tags:
            self._change(tags=(*self._state.tags, condition))

    def remove_tag(self, condition: TagCondition) -> None:
        self._change(tags=tuple(kept for kept in self._state.tags if kept != condition))

    def remove_number(self, condition: NumberCondition) -> None:
        self._change(numbers=tuple(kept for kept in self._state.numbers if kept != condition))

    def remove_text(self, word: str) -> None:
        self._change(text=tuple(kept for kept in self._state.text if kept != word))

    def clear(self) -> None:
        """Take away all that narrows the rows; range and bucket stay."""
        self._change(dimensions={}, tags=(), numbers=(), text=())

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the range narrows the rows."""
        state = self._state
        return bool(state.dimensions or state.tags or state.numbers or state.text)

    def bounds(self, now_us: int) -> tuple[int, int]:
        """(start, end) of the range; a preset's end is now, and twelve months are this one and those before it.

        All is the same until it is known when that began.
        """
        if self.range_key == "custom" and self.custom is not None:
            return self.custom
        if self.range_key == ALL:
            first = self.preset_start("12m", now_us) if self.first_us is None else self.first_us
            return min(first, now_us - _HOUR_US), now_us
        return self.preset_start(self.range_key, now_us), now_us

    def preset_start(self, key: str, now_us: int) -> int:
        """Where a preset's range begins that ends now: `7d` is the same time wherever it is said."""
        if months := _MONTHS.get(key):
            return _month_start(now_us, months - 1, ZoneInfo(self.tz))
        start = now_us - _PRESETS[key].span_us
        return start - start % _PRESETS[key].round_us

    def shift_range(self, spans: int, now_us: int) -> None:
        """So many times its own length on the calendar later (earlier where negative); nothing that has not begun yet
        is shown.

        A preset that is moved becomes a custom range; one that would reach now becomes the preset again.
        """
        start, end = self.bounds(now_us)
        span = end - start
        moved = shifted(start, end, self.tz, spans)
        if spans < 0 or moved[1] + _ALIKE * span < now_us:
            self.set_range("custom", moved)
        else:
            lengths = {key: now_us - self.preset_start(key, now_us) for key in _PRESETS}
            nearest = min(lengths, key=lambda key: abs(lengths[key] - span))
            if abs(lengths[nearest] - span) < span * _ALIKE:
                self.set_range(nearest)
            elif end < now_us:
                self.set_range("custom", (now_us - span, now_us))

    def query(self, now_us: int) -> UsageQuery:
        """The gateway's query for this range and these filters."""
        start, end = self.bounds(now_us)
        named: Mapping[str, Any] = self._state.dimensions
        state = self._state
        return UsageQuery(
            start_us=start, end_us=end, tz=self.tz, tags=state.tags, numbers=state.numbers, text=state.text, **named
        )

    def resolved_bucket(self) -> str:
        """The width to ask for: what was chosen where it fits the range, never more than 750 of them."""
        preset = _PRESETS.get(self.range_key)
        if preset is not None:
            return self.bucket if self.bucket in preset.widths else _nearest(self.bucket, preset.widths)
        start, end = self.bounds(time.time_ns() // 1000)
        return _widened(self.bucket if self.bucket != "auto" else _usual(end - start), end - start)

    def is_wide_enough(self, bucket: str, now_us: int) -> bool:
        """Whether bars of this width are few enough for the range to be shown by them."""
        start, end = self.bounds(now_us)
        return _widened(bucket, end - start) == bucket

    def words(self, now_us: int) -> str:
        """The range for people: "17:04 – 18:04", "22 Nov 18:00 – 23 Nov 18:04", "16 – 23 Nov", of a part of a day
        "23 Nov 02:00 – 03:00"; where that is not this year's, "16 – 23 Nov 2025"."""
        start_us, end_us = self.bounds(now_us)
        zone = ZoneInfo(self.tz)
        start, end = (datetime.fromtimestamp(us / 1e6, zone) for us in (start_us, end_us))
        this_year = datetime.fromtimestamp(now_us / 1e6, zone).year
        minutes = which_minute(start), which_minute(end)
        if self.range_key in ("1h", "24h"):
            if start.date() == end.date():
                return " – ".join(minutes)
            return f"{day_of_month(start)} {minutes[0]} – {day_of_month(end)} {minutes[1]}"
        is_whole_days = start.time() == end.time() == time_of_day.min
        if self.range_key == "custom" and end_us - start_us <= _LONGEST_BY_THE_CLOCK_US and not is_whole_days:
            first, last = (days(each, each, this_year=this_year) for each in (start, end))
            return f"{first} {minutes[0]} – {'' if first == last else f'{last} '}{minutes[1]}"
        return days(start, datetime.fromtimestamp((end_us - 1) / 1e6, zone), this_year=this_year)

    def with_range(self, words: str, now_us: int) -> str:
        """What is told of the range, and its days where no preset says them: "7 in range · 16 – 23 Nov"."""
        return words if self.custom is None else f"{words} · {self.words(now_us)}"

    def _change(self, **fields: object) -> None:
        self._set(msgspec.structs.replace(self._state, **fields))

    def _set(self, state: FilterSnapshot) -> None:
        if state != self._state:
            self._state = state
            self.changed.emit()


def _is_split(split: str) -> bool:
    return split in DIMENSIONS or (split.startswith("tag:") and split != "tag:")


def _month_start(us: int, before: int, zone: ZoneInfo) -> int:
    """The first moment of the local month that lies so many months before."""
    day = datetime.fromtimestamp(us // 1_000_000, zone)
    years, month = divmod(day.year * 12 + day.month - 1 - before, 12)
    return int(datetime(years, month + 1, 1, tzinfo=zone).timestamp()) * 1_000_000


def _nearest(chosen: str, widths: tuple[str, ...]) -> str:
    """The usual width, or for a choice that does not fit the closest one that does."""
    if chosen == "auto" or chosen not in _WIDTHS_US:
        return widths[0]
    sized = [width for width in widths if width in _WIDTHS_US]
    return min(sized, key=lambda width: abs(_WIDTHS_US[width] - _WIDTHS_US[chosen]), default=widths[0])


def _usual(span_us: int) -> str:
    if span_us <= 2 * _DAY_US:
        return "15m"
    return "hour" if span_us <= 14 * _DAY_US else "day"


def _widened(width: str, span_us: int) -> str:
    widths = list(_WIDTHS_US)
    for wider in widths[widths.index(width) :]:
        if span_us <= MAX_BUCKETS * _WIDTHS_US[wider]:
            return wider
    return widths[-1]
