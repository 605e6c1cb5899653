"""Sums of a bill's lines and of our rows, exact: counts as integers, money as decimals and nano-dollars."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

from gateway.reconcile.forms import COUNTS
from gateway.records import ExchangeRecord

SLOT_US = 900_000_000
SLOTS_PER_DAY = 96
NANO = Decimal(1_000_000_000)
# Bills have up to thirty decimals.
EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOT = timedelta(minutes=15)

# A day as the bill writes it, or a quarter of an hour since the epoch: all zones' days begin with one.
Moment = date | int


def to_nano(dollars: Decimal) -> int:
    """Whole nano-dollars, half-even."""
    return int(EXACT.to_integral_value(EXACT.multiply(dollars, NANO)))


def day_of(moment: Moment, zone: ZoneInfo) -> date:
    """The day in this zone in which a moment lies."""
    if isinstance(moment, date):
        return moment
    return _at(moment).astimezone(zone).date()


def iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def offset_of(slot: int, zone: ZoneInfo) -> int:
    """The quarters of an hour by which this zone is ahead of UTC then."""
    return round((_at(slot).astimezone(zone).utcoffset() or timedelta()) / _SLOT)


def _at(slot: int) -> datetime:
    return _EPOCH + slot * _SLOT


class BillSums:
    """Lines of a bill. `cost` in dollars; `slack`: how far rounding may have moved it, half a unit per amount."""

    __slots__ = ("cache_write", "cached", "cost", "input", "lines", "output", "requests", "slack")

    def __init__(self) -> None:
        self.lines = self.requests = self.input = self.cached = self.cache_write = self.output = 0
        self.cost = self.slack = Decimal(0)

    def add(self, other: "BillSums") -> None:
        for name in (*COUNTS, "lines"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.pay(other.cost, other.slack)

    def pay(self, cost: Decimal, slack: Decimal) -> None:
        self.cost = EXACT.add(self.cost, cost)
        self.slack = EXACT.add(self.slack, slack)


class RowSums:
    """Our rows. `cost` in nano-dollars over the priced ones; `reasons` counts what may explain a difference;
    `crossing` those that ended in a later quarter of an hour than they began in; `searches` on the web; `estimated`
    those whose cost is an estimate."""

    __slots__ = (
        *("cache_write", "cached", "cost", "crossing", "estimated", "input", "output", "reasons", "requests"),
        "searches",
    )

    def __init__(self) -> None:
        self.requests = self.input = self.cached = self.cache_write = self.output = self.cost = self.crossing = 0
        self.searches = self.estimated = 0
        self.reasons: Counter[str] = Counter()

    def count(self, record: ExchangeRecord) -> None:
        self.requests += 1
        self.input += record.input_tokens or 0
        self.cached += record.cached_tokens or 0
        self.cache_write += record.cache_write_tokens or 0
        self.output += record.output_tokens or 0
        self.cost += record.cost_nano or 0
        self.searches += record.web_searches or 0
        self.estimated += record.cost_estimated

    def add(self, other: "RowSums") -> None:
        for name in (*COUNTS, "cost", "estimated", "searches"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons.update(other.reasons)
