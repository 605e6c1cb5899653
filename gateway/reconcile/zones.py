"""Whose days a bill is cut by, found by trying. Pure."""

from collections.abc import Callable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from gateway.reconcile.bill import Bill, covered
from gateway.reconcile.ledger import Ledger
from gateway.reconcile.matching import TOKENS, tolerance
from gateway.reconcile.searches import given_to_models
from gateway.reconcile.sums import BillSums, RowSums, day_of, offset_of, to_nano
from gateway.time_zones import zone_of

# One for each offset and rule of summer time that many people live by, west to east.
CANDIDATES = (
    "UTC",
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Denver",
    "America/Mexico_City",
    "America/Chicago",
    "America/Bogota",
    "America/New_York",
    "America/Santiago",
    "America/Halifax",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Europe/London",
    "Africa/Lagos",
    "Europe/Berlin",
    "Africa/Johannesburg",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Asia/Tehran",
    "Asia/Dubai",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Yangon",
    "Asia/Jakarta",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Darwin",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Sydney",
    "Pacific/Auckland",
)
# Another zone than the form's own is believed where it leaves less than this share of what the form's own leaves.
CONVINCING = 0.5

# Days and models that agree, and what does not, as a share: fewer is better.
Score = tuple[int, float]


def best_zone(bill: Bill, ledger: Ledger) -> tuple[ZoneInfo, str]:
    """The zone, and `form` or `tried`."""
    own = zone_of(bill.zone)
    score = _by_requests(ledger) if ledger.days or ledger.offsets else _by_sums(bill, ledger)
    first = score(own)
    if first[1] == 0.0:
        return own, "form"
    best, found = own, first
    for name in CANDIDATES:
        zone = zone_of(name)
        this = score(zone)
        if (-this[0], this[1]) < (-found[0], found[1]):
            best, found = zone, this
    convinces = found[0] > 2 * first[0] + 1 or found[1] < CONVINCING * first[1]
    return (best, "tried") if convinces else (own, "form")


def _by_requests(ledger: Ledger) -> Callable[[ZoneInfo], Score]:
    """By the times, or else the days, of requests that both sides know."""

    def score(zone: ZoneInfo) -> Score:
        good = sum(number for (slot, day), number in ledger.days.items() if day_of(slot, zone) == day)
        good += sum(number for (slot, ahead), number in ledger.offsets.items() if offset_of(slot, zone) == ahead)
        total = ledger.days.total() + ledger.offsets.total()
        return good, 1.0 - good / total

    return score


def _by_sums(bill: Bill, ledger: Ledger) -> Callable[[ZoneInfo], Score]:
    """By how well the sums of days agree."""
    counts = [name for name in (*TOKENS, "requests") if name in bill.counts]

    def score(zone: ZoneInfo) -> Score:
        spans = bill.spans(zone)
        ours = {
            key: sums for key, sums in ledger.by_day(zone, bill.stretches.first).items() if covered(spans, key[0])
        }
        return agreement(given_to_models(bill.by_day(zone), ours), ours, counts)

    return score


def agreement(
    theirs: Mapping[tuple[date, str | None], BillSums],
    ours: Mapping[tuple[date, str | None], RowSums],
    counts: list[str],
) -> Score:
    """By these counts; where there are none by dollars, within rounding."""
    alike, apart, whole = 0, 0, 0
    for key in theirs.keys() | ours.keys():
        bill, rows = theirs.get(key, BillSums()), ours.get(key, RowSums())
        if counts:
            off = sum(abs(getattr(bill, name) - getattr(rows, name)) for name in counts)
            whole += sum(max(getattr(bill, name), getattr(rows, name)) for name in counts)
        else:
            cost = to_nano(bill.cost)
            off = max(0, abs(cost - rows.cost) - tolerance(bill, rows.requests))
            whole += max(cost, rows.cost)
        alike += not off
        apart += off
    return alike, apart / whole if whole else 0.0
