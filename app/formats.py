"""Numbers, money, durations and times as the window says them; the window speaks English, so its separators are too.

Rounding happens before a step is chosen, so that nothing reads "$1.000" or "1000 ms". Unknown is "—", never zero. CSV
does not come from here: it keeps every digit.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from app.translation import tr

UNKNOWN = "—"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class _Clock:
    """`tz` an IANA name, None for the system's zone; `week_start` the first day of weeks in calendars."""

    tz: str | None = None
    twelve_hours: bool = False
    week_start: str = "monday"


_clock = _Clock()

_NANO = Decimal(1_000_000_000)
_EXACT_BELOW = 100_000
_LARGE = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
_DAY_US = 86_400_000_000
_HALF_A_YEAR = timedelta(days=183)


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def _significant(value: Decimal) -> str:
    """Three significant digits and a letter: 71.4M, 123k. `value` is at least 1,000."""
    for number, (size, letter) in enumerate(_LARGE):
        if value < size:
            continue
        places = 2 - (value / size).adjusted()
        short = _rounded(value / size, max(0, places))
        if short >= 1000 and number > 0:
            larger, letter = _LARGE[number - 1]
            short = _rounded(value / larger, 2)
        elif short.adjusted() > (value / size).adjusted():
            short = _rounded(short, max(0, 2 - short.adjusted()))
        return f"{short}{letter}"
    return str(value)


def count(n: float | None) -> str:
    """Exact up to 99,999, then three significant digits: 123k, 1.2M, 71.4M."""
    if n is None:
        return UNKNOWN
    whole = round(n)
    if abs(whole) < _EXACT_BELOW:
        return f"{whole:,}"
    text = _significant(Decimal(abs(whole)))
    number, letter = text[:-1], text[-1]
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    return f"{'-' if whole < 0 else ''}{number}{letter}"


def rate(n: float | None) -> str:
    """How many in a time: as a count from ten, with one decimal below, "<0.1", and 0 where there were none."""
    if n is None:
        return UNKNOWN
    if not n or _rounded(Decimal(n), 1) >= 10:
        return count(n)
    return f"{_rounded(Decimal(n), 1)}" if n >= 0.1 else "<0.1"


def dollars(nano: int, places: int) -> Decimal:
    """As many decimals as are shown, rounded as they are there."""
    return _rounded(Decimal(nano) / _NANO, places)


def money(nano: float | None) -> str:
    """Nano-dollars: $12.3k from $10,000, 2 decimals from $1, 3 from a cent, 6 below, "<$0.000001", "$0.00"."""
    if nano is None:
        return UNKNOWN
    if nano < 0:
        return _negative(money(-nano), "-")
    amount = Decimal(round(nano)) / _NANO
    if not amount:
        return "$0.00"
    if _rounded(amount, 2) >= 10_000:
        return f"${_significant(amount)}"
    if _rounded(amount, 3) >= 1:
        return f"${_rounded(amount, 2):,}"
    if _rounded(amount, 6) >= Decimal("0.01"):
        return f"${_rounded(amount, 3)}"
    if amount < Decimal("0.000001"):
        return "<$0.000001"
    return f"${_rounded(amount, 6):f}"


def money_exact(nano: int) -> str:
    """Nano-dollars with nothing rounded away: $12.34, $0.000000005."""
    whole, rest = divmod(abs(nano), 1_000_000_000)
    return f"{'-' if nano < 0 else ''}${whole:,}.{f'{rest:09d}'.rstrip('0'):0<2}"


def money_difference(nano: float | None) -> str:
    """Nano-dollars with their sign: +$1.20, −$0.004, $0.00, and "<$0.000001" for what is next to nothing."""
    if not nano:
        return money(nano)
    return _negative(money(abs(nano)), "+" if nano > 0 else "−")


def _negative(text: str, sign: str) -> str:
    """An amount that is only known to be smaller than another has no sign: "−<$0.000001" is no figure."""
    return text if text.startswith("<") else f"{sign}{text}"


def money_column(nano: int | None, places: int = 6) -> str:
    """Nano-dollars with the same decimals always, so that points stand under each other."""
    if nano is None:
        return UNKNOWN
    amount = dollars(abs(nano), places)
    if not amount and nano:
        return f"<${Decimal(1).scaleb(-places):f}"
    return f"{'-' if nano < 0 else ''}${amount:,.{places}f}"


def money_column_difference(nano: int | None, places: int = 6) -> str:
    """As `money_column`, with its sign; nothing is "$0.00" in as many decimals."""
    if not nano:
        return money_column(nano, places)
    return _negative(money_column(abs(nano), places), "+" if nano > 0 else "−")


def money_first_digit(nano: float) -> str:
    """Nano-dollars by their first digit alone: $0.00004, $0.0000002, for what a column only tells to be less."""
    return f"${Context(prec=1).plus(Decimal(round(abs(nano))) / _NANO):f}"


def money_places(largest_nano: int | None) -> int:
    """How many decimals a column has by its largest amount: as many as `money` gives that one, so that it reads there
    as it does alone."""
    largest = abs(largest_nano or 0)
    if not largest or dollars(largest, 3) >= 1:
        return 2
    return 3 if dollars(largest, 6) >= Decimal("0.01") else 6


def adding_places(amounts: Iterable[int], of_sum: int | None = None, *, least: int = 0) -> int:
    """How many decimals nano-dollars have that stand beside their sum, which itself has `of_sum`, or else
    `money_places`: as many, `least` at least, and more only where what is shown would add up to another sum."""
    parts = tuple(amounts)
    whole = sum(parts)
    fewest = money_places(whole) if of_sum is None else of_sum
    total, half = dollars(whole, fewest), Decimal(5).scaleb(-fewest - 1)

    def comes_to_it(places: int) -> bool:
        shown = sum(dollars(nano, places) for nano in parts)
        return abs(shown - total) < half or shown * _NANO == whole

    return next(filter(comes_to_it, range(max(fewest, least), 9)), 9)


def price(nano: int | None, least: int = 3) -> str:
    """A price per million tokens in nano-dollars: `least` decimals, and more only where it has them."""
    if nano is None:
        return UNKNOWN
    exact = Decimal(nano) / _NANO
    places = max(least, -int(exact.normalize().as_tuple().exponent)) if exact else least
    return f"${exact:,.{places}f}"


def duration(ms: float | None) -> str:
    """Milliseconds: 640 ms, 1.42 s, 12.4 s, 2m 05s, 1h 02m."""
    if ms is None:
        return UNKNOWN
    if 0 < ms < 1:
        return "<1 ms"
    if round(ms) < 1000:
        return f"{round(ms)} ms"
    seconds = ms / 1000
    if round(seconds, 2) < 10:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}h {minutes:02d}m"


def percent(fraction: float | None) -> str:
    """A fraction (0.0108 is 1.1%); anything above zero that would read 0.0% is "<0.1%"."""
    if fraction is None:
        return UNKNOWN
    if 0 < fraction < 0.001:
        return "<0.1%"
    return f"{fraction * 100:.1f}%"


def size(number: int | None) -> str:
    """Bytes: 840 B, 12.4 kB, 3.2 MB, 1.7 GB; steps of a thousand, as file managers count."""
    if number is None:
        return UNKNOWN
    shown, unit = Decimal(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if unit == "TB" or _rounded(shown, 0 if unit == "B" else 1) < 1000:
            break
        shown /= 1000
    return f"{_rounded(shown, 0 if unit == 'B' else 1)} {unit}"


def delta_percent(now: float | None, before: float | None) -> str | None:
    """+8.4%, −6.3%, "<0.1%" for what would read 0.0%; None where there is nothing to compare with."""
    if now is None or not before:
        return None
    return _signed((now - before) / abs(before) * 100, "%")


def delta_points(now_fraction: float, before_fraction: float) -> str:
    """The difference of two rates in percentage points: +0.4 pp."""
    return _signed((now_fraction - before_fraction) * 100, " pp")


def _signed(value: float, unit: str) -> str:
    text = f"{abs(value):,.1f}" if abs(value) < 999.95 else f"{abs(value):,.0f}"
    if text == "0.0":
        return f"{'<0.1' if value else text}{unit}"
    return f"{'+' if value > 0 else '−'}{text}{unit}"


def use_clock(tz: str | None, *, twelve_hours: bool) -> None:
    """How times are told from now on, in the whole window: the person's choice (`preferences`)."""
    _clock.tz, _clock.twelve_hours = tz, twelve_hours


def use_week(start: str) -> None:
    """The day with which weeks of calendars begin from now on: monday, sunday or saturday."""
    _clock.week_start = start


def week_start() -> str:
    return _clock.week_start


def today() -> date:
    """In the window's zone: what `clock` tells without its date."""
    return _now(None, None).date()


def time_of_day(us: int) -> str:
    """18:04, of microseconds since the epoch."""
    return which_minute(_local(us))


def hour_minute(then: datetime) -> str:
    """18:04, or 6:04 pm where the clock is to have twelve hours."""
    # By its numbers: `strftime` imports a module each time, and takes as long as painting what it says.
    return _told(then, f"{then.minute:02d}")


def _told(then: datetime, after_the_hour: str) -> str:
    if not _clock.twelve_hours:
        return f"{then.hour:02d}:{after_the_hour}"
    return f"{then.hour % 12 or 12}:{after_the_hour} {'am' if then.hour < 12 else 'pm'}"


def which_minute(then: datetime) -> str:
    """As `hour_minute`, and which of both in an hour that the clock repeats: 02:30 CEST, 02:30 CET."""
    return f"{hour_minute(then)}{_which(then)}"


def _which(then: datetime) -> str:
    """The zone's name where the clock shows this time twice, with a space before it; else nothing. What names no zone
    is of the system's."""
    if then.replace(fold=0).timestamp() == then.replace(fold=1).timestamp():
        return ""
    return f" {(then if then.tzinfo is not None else then.astimezone()).tzname()}"


def _local(us: int, tz: str | None = None) -> datetime:
    name = tz or _clock.tz
    zone: tzinfo | None = ZoneInfo(name) if name else None
    seconds, rest = divmod(us, 1_000_000)
    return datetime.fromtimestamp(seconds, zone).replace(microsecond=rest)


def clock(us: int, tz: str | None = None, *, now_us: int | None = None) -> str:
    """Local time: 18:04:12.802 today, "23 Nov 18:04" on other days, with the year where it is another one.

    `us` is microseconds since the epoch, `tz` an IANA name (None: the window's zone).
    """
    return _clock_words(_local(us, tz), _now(now_us, tz))


def _clock_words(then: datetime, now: datetime) -> str:
    if then.date() == now.date():
        exact = _told(then, f"{then.minute:02d}:{then.second:02d}.{then.microsecond // 1000:03d}")
        return f"{exact}{_which(then)}"
    return _day_and_minute(then, now)


def row_clock(us: int, *, now_us: int | None = None) -> str:
    """As `clock`, in no more room: in an hour that the clock repeats the zone has the date's place, 2:30:00 CEST;
    the rows around it have that. In another year the year stands instead of the time, 23 Nov 2024, but for half a
    year: till then 23 Nov 18:04 can be no other."""
    then, now = _local(us), _now(now_us, None)
    which = _which(then)
    if which:
        return f"{_told(then, f'{then.minute:02d}:{then.second:02d}').removeprefix('0')}{which}"
    if then.year == now.year:
        return _clock_words(then, now)
    if now - then > _HALF_A_YEAR:
        return _day(then, now)
    return f"{day_of_month(then)} {hour_minute(then)}"


def has_twelve_hours() -> bool:
    """Whether times are told with am and pm, which takes more room."""
    return _clock.twelve_hours


def minute(us: int, tz: str | None = None, *, now_us: int | None = None) -> str:
    """As `clock` on other days, also of today: the ends of a range are told alike."""
    return _day_and_minute(_local(us, tz), _now(now_us, tz))


def _now(us: int | None, tz: str | None) -> datetime:
    return _local(time.time_ns() // 1000 if us is None else us, tz)


def _day_and_minute(then: datetime, now: datetime) -> str:
    return f"{_day(then, now)} {which_minute(then)}"


def _day(then: datetime, now: datetime) -> str:
    return days(then, then, this_year=now.year)


def day_of_month(day: date) -> str:
    """23 Nov."""
    return f"{day.day} {MONTHS[day.month - 1]}"


def days(first: date, last: date, *, this_year: int) -> str:
    """16 – 23 Nov, 28 Oct – 3 Nov or, of a day alone, 23 Nov; with the years where they are not this one."""
    if first.year != last.year:
        return f"{day_of_month(first)} {first.year} – {day_of_month(last)} {last.year}"
    year = "" if last.year == this_year else f" {last.year}"
    if (first.month, first.day) == (last.month, last.day):
        return f"{day_of_month(first)}{year}"
    begin = str(first.day) if first.month == last.month else day_of_month(first)
    return f"{begin} – {day_of_month(last)}{year}"


def shortly_ago(us: int, now_us: int) -> str:
    """As `ago`, before a day ago with the date alone, where there is little room."""
    return ago(us, now_us) if now_us - us < _DAY_US else _day(_local(us), _local(now_us))


def row_ago(us: int, now_us: int) -> str:
    """As `ago`, before a day ago as `row_clock`."""
    return ago(us, now_us) if now_us - us < _DAY_US else row_clock(us, now_us=now_us)


def ago(us: int, now_us: int) -> str:
    """Within a day "just now", "12 s ago", "2 min ago", "3 h ago"; before that the date and time."""
    seconds = (now_us - us) // 1_000_000
    if seconds < 5:
        return tr("just now")
    if seconds < 60:
        return tr("{count} s ago").format(count=seconds)
    if seconds < 3600:
        return tr("{count} min ago").format(count=seconds // 60)
    if now_us - us < _DAY_US:
        return tr("{count} h ago").format(count=seconds // 3600)
    return clock(us, now_us=now_us)


def folder(path: Path) -> str:
    """A folder's place, from `~` where it is the user's own."""
    try:
        return str("~" / path.relative_to(Path.home()))
    except ValueError:
        return str(path)
