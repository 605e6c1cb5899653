"""Cells of a bill as values: amounts in any country's writing, counts, days and moments. Pure.

How numbers are written is asked of the whole column once, since `1,234` alone may be a thousand or a little more than
one. Amounts stay decimals, as exact as they were written.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from msgspec import Struct

CENTS = 2
# A year beyond is a number that was taken for a time.
_YEARS = range(2000, 2200)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_DECORATION = re.compile(r"[\s'’$€£¥₹]|US(?=\$)|[A-Z]{3}(?=$|[\s\d-])")
_NUMBER = re.compile(r"^[-+]?(?=[.,]*\d)[\d.,]{1,60}(?:[eE][-+]?\d{1,2})?$", re.ASCII)
# Thousands, or in India hundreds above them.
_GROUPS = re.compile(r"^[-+]?[1-9]\d{0,2}([.,])(?:\d{2,3}\1)*\d{3}$", re.ASCII)
_SLASHED = re.compile(r"^(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:[ T,]+(.*))?$")
_EPOCH_S = re.compile(r"^\d{9,10}(?:\.\d+)?$")
_EPOCH_MS = re.compile(r"^\d{12,13}$")
_MONTH = re.compile(r"^(\d{4})-?(\d{2})$")
_MONTHS_WRITTEN = ("%b %Y", "%B %Y", "%m/%Y", "%Y/%m")
_WRITTEN = ("%b %d, %Y", "%d %b %Y", "%B %d, %Y", "%d %B %Y", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S")
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)
NOTHING = ("", "-", "–", "—", "n/a", "N/A", "null", "NULL", "None", "not_available")


class Unreadable(ValueError):
    """`str()` says what the cell should have been."""


class Writing(Struct):
    """What a column's cells say of how its numbers are written: `learn` each, then ask.

    An amount of money is never taken for coarser than cents.
    """

    point: int = 0
    comma: int = 0
    # The most places after the last point and after the last comma: which it is shows at the end.
    after_point: int = 0
    after_comma: int = 0
    exponent: int = 0

    def learn(self, text: str) -> None:
        """Takes one cell as evidence; what is no number is none, nor is a plain whole one."""
        if text.isdigit():
            return
        bare = _bare(text)
        if not _NUMBER.match(bare):
            return
        head, _, exponent = bare.lower().partition("e")
        point, comma = head.rfind("."), head.rfind(",")
        # What stands before a power of ten is short: it has decimals, and no thousands.
        grouped = not exponent and _GROUPS.match(head) is not None
        if exponent:
            mark = max(point, comma)
            self.exponent = max(self.exponent, (len(head) - mark - 1 if mark >= 0 else 0) - int(exponent))
        if point >= 0:
            self.after_point = max(self.after_point, len(head) - point - 1)
        if comma >= 0:
            self.after_comma = max(self.after_comma, len(head) - comma - 1)
        if point >= 0 and comma >= 0:
            self.point += point > comma
            self.comma += comma > point
        elif point >= 0 and not grouped:
            self.point += 1
        elif (comma >= 0 and not grouped) or head.count(".") > 1:
            self.comma += 1
        elif head.count(",") > 1:
            self.point += 1

    def decimal_mark(self, delimiter: str) -> str:
        """`.` or `,`; where no cell tells, a file cut by semicolons comes from where the comma is the mark."""
        if self.point or self.comma:
            return "." if self.point >= self.comma else ","
        return "," if delimiter == ";" else "."

    def places(self, mark: str) -> int:
        """How many decimals the column is rounded to: the most that a cell has."""
        return max(CENTS, self.after_point if mark == "." else self.after_comma, self.exponent)


def _bare(text: str) -> str:
    """With the minus that keyboards have, and without currency and spaces."""
    return _DECORATION.sub("", text.replace("\N{MINUS SIGN}", "-"))


def is_number(text: str) -> bool:
    """Whether a cell holds an amount or a count, however it is written."""
    return _NUMBER.match(_bare(text)) is not None


def amount(text: str, mark: str) -> Decimal:
    """A number as it is written, with or without a currency. Raises Unreadable."""
    bare = _bare(text)
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if negative else bare
    other = "," if mark == "." else "."
    head, _, tail = bare.partition(mark)
    if not _NUMBER.match(bare) or other in tail or (other in head and not _GROUPS.match(head)):
        raise Unreadable("is not a number")
    try:
        value = Decimal(bare.replace(other, "").replace(mark, "."))
    except InvalidOperation as error:
        raise Unreadable("is not a number") from error
    return -value if negative else value


def count(text: str, mark: str) -> int:
    """A whole number, grouped or not; `12.0` is one. Raises Unreadable."""
    if text.isascii() and text.isdigit():
        return int(text)
    bare = _bare(text)
    if _GROUPS.match(bare):
        return int(re.sub(r"[.,]", "", bare))
    value = amount(text, mark)
    if value != value.to_integral_value():
        raise Unreadable("is not a whole number")
    return int(value)


def day_first(text: str) -> bool | None:
    """Whether a date like 30/09/2026 begins with its day; None where this one does not tell."""
    found = _SLASHED.match(text.strip())
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    if found[2] == ".":
        return True
    return True if first > 12 else False if second > 12 else None


class Written(Struct, frozen=True):
    """A time as a bill writes it: its day, and the instant in microseconds since the epoch where it names one.

    `clock` is a time without an offset, in the bill's own zone, as if that were UTC; None for a day alone. `month`:
    only a month is written, whose first day `day` is.
    """

    day: date
    us: int | None = None
    clock: int | None = None
    month: bool = False


def moment(text: str, *, day_is_first: bool) -> Written:
    """A cell as a time. Raises Unreadable."""
    written = _moment(text.strip(), day_is_first)
    if written.day.year not in _YEARS:
        raise Unreadable("is not a day of this century")
    return written


def _moment(text: str, day_is_first: bool) -> Written:
    if _EPOCH_S.match(text) or _EPOCH_MS.match(text):
        us = int(Decimal(text) * (1000 if _EPOCH_MS.match(text) else 1_000_000))
        return Written((_EPOCH + timedelta(microseconds=us)).date(), us)
    parsed = _parsed(_ZONE_NAME.sub("+00:00", text) if ":" in text else text, day_is_first)
    if parsed is None:
        first = _month(text)
        if first is not None:
            return Written(first, month=True)
        raise Unreadable("is not a day or time; use ISO 8601, like 2026-11-23")
    if parsed.tzinfo is None:
        clock = (parsed.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND if ":" in text else None
        return Written(parsed.date(), clock=clock)
    return Written(parsed.date(), (parsed - _EPOCH) // _MICROSECOND)


def _month(text: str) -> date | None:
    """The first day of a month that is written alone."""
    found = _MONTH.match(text)
    if found is not None:
        year, month = int(found[1]), int(found[2])
        return date(year, month, 1) if 1 <= month <= 12 and year in _YEARS else None
    for pattern in _MONTHS_WRITTEN:
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None


def _parsed(text: str, day_is_first: bool) -> datetime | None:
    slashed = _SLASHED.match(text)
    if slashed is not None:
        first, second = int(slashed[1]), int(slashed[3])
        day, month = (first, second) if day_is_first or slashed[2] == "." else (second, first)
        text = f"{slashed[4]}-{month:02d}-{day:02d}" + (f" {slashed[5]}" if slashed[5] else "")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for pattern in _WRITTEN:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None
