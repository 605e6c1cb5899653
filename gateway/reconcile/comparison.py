"""The whole comparison: read the bill, read the rows once, find the zone, compare day by day or request by request.

Files come as openers and rows as an iterator. Memory grows with the days, models and named requests of the bill, not
with its lines or our rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.providers.models import BY_ID
from gateway.reconcile.bill import Bill, Progress, covered, read_bill
from gateway.reconcile.ledger import Ledger
from gateway.reconcile.matching import add_up, bill_totals, compare, row_totals, tolerance
from gateway.reconcile.named import Named
from gateway.reconcile.reading import Opener
from gateway.reconcile.records import KINDS, DayModel, Reconciliation, Request, Shared, Totals
from gateway.reconcile.searches import given_to_models
from gateway.reconcile.sums import BillSums, RowSums, day_of, iso
from gateway.reconcile.zones import best_zone
from gateway.records import ExchangeRecord, UsageQuery
from gateway.time_zones import zone_of

_DAY_US = 86_400_000_000
_EPOCH_DAY = date(1970, 1, 1)
# Whatever the zone, its days lie within so many of the same days in UTC.
_MARGIN_DAYS = 2

Rows = Callable[[UsageQuery], Iterable[ExchangeRecord]]


class Question(Struct, frozen=True, kw_only=True):
    """How a bill is to be taken. `tz` None: the zone is found. `mapping`: field → column's title, for other forms.

    `only`: column's title → text that its lines must have. `rate`: dollars per unit of the bill's currency.
    `own_keys`: calls with a caller's own provider key are on this bill too.
    """

    provider: str | None = None
    tz: str | None = None
    mapping: Mapping[str, str] = {}
    only: Mapping[str, str] = {}
    rate: Decimal | None = None
    own_keys: bool = False


def reconcile(
    files: Sequence[Opener],
    rows: Rows,
    question: Question,
    progress: Progress | None = None,
    rows_from_us: int | None = None,
) -> Reconciliation:
    """Compares; `progress` hears how many lines, then how many rows were read. Raises ClientError.

    `rows_from_us`: older rows are gone; days that reach back before it say so.
    """
    zone = zone_of(question.tz) if question.tz is not None else None
    bill = read_bill(
        files,
        provider=question.provider,
        mapping=question.mapping,
        rate=question.rate,
        only=question.only,
        progress=progress,
    )
    provider = question.provider or bill.provider or _provider_of(bill)
    ledger = Ledger(by_model=bill.by_model, own_keys=question.own_keys)
    named = Named(bill)
    ledger.read(rows(_query(bill, zone or zone_of(bill.zone), provider)), named.left, named.met, progress)
    source = "given"
    if zone is None:
        zone, source = best_zone(bill, ledger)
    days = _by_sums(bill, ledger, zone) if bill.requests is None else named.days(ledger, zone)
    if rows_from_us is not None:
        days = [_gone(day, zone, rows_from_us) for day in days]
    return _whole(bill, provider, zone, source, days, named.requests(ledger, zone))


def _gone(day: DayModel, zone: ZoneInfo, rows_from_us: int) -> DayModel:
    begins = datetime.combine(date.fromisoformat(day.day), time(), zone)
    return day if day.matched or begins.timestamp() * 1e6 >= rows_from_us else replace(day, note="rows_gone")


def _whole(
    bill: Bill, provider: str, zone: ZoneInfo, source: str, days: Sequence[DayModel], named: Sequence[Request]
) -> Reconciliation:
    first, last = bill.span(zone)
    return Reconciliation(
        provider=provider,
        forms=tuple(bill.titles),
        zone=zone.key,
        zone_source=source,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        lines=bill.lines,
        passed_over=bill.passed_over,
        counts=tuple(sorted(bill.counts)),
        decimals=bill.places,
        here=_summed([day.here for day in days]),
        bill=_summed([day.bill for day in days]),
        parts=add_up([part for day in days for part in day.parts], KINDS),
        tolerance_nano=sum(day.tolerance_nano for day in days),
        days=tuple(days),
        requests=tuple(named),
        shared=_shared(bill, zone),
    )


def _shared(bill: Bill, zone: ZoneInfo) -> Shared | None:
    if not bill.shared:
        return None
    days = {day_of(at, zone) for at in bill.shared}
    return Shared(first_day=min(days).isoformat(), last_day=max(days).isoformat(), taken=bill.taken, left=bill.left)


def _query(bill: Bill, zone: ZoneInfo, provider: str) -> UsageQuery:
    first, last = ((day - _EPOCH_DAY).days for day in bill.span(zone))
    return UsageQuery(
        start_us=(first - _MARGIN_DAYS) * _DAY_US, end_us=(last + 1 + _MARGIN_DAYS) * _DAY_US, provider=(provider,)
    )


def _provider_of(bill: Bill) -> str:
    """Whose models these are, for forms that are nobody's. Raises ClientError."""
    known = Counter(BY_ID[model].provider for model, _ in bill.charged() if model is not None and model in BY_ID)
    if len(known) != 1:
        raise ClientError("The file does not say whose bill it is: give --provider.", param="provider")
    return next(iter(known))


def _by_sums(bill: Bill, ledger: Ledger, zone: ZoneInfo) -> list[DayModel]:
    spans = bill.spans(zone)
    ours = {key: sums for key, sums in ledger.by_day(zone, bill.stretches.first).items() if covered(spans, key[0])}
    theirs = given_to_models(bill.by_day(zone), ours)
    keys = sorted(theirs.keys() | ours.keys(), key=lambda key: (key[0], key[1] or ""))
    days = (_day(key, ours.get(key, RowSums()), theirs.get(key, BillSums()), bill, ledger) for key in keys)
    return [day for day in days if day is not None]


def _day(key: tuple[date, str | None], rows: RowSums, sums: BillSums, bill: Bill, ledger: Ledger) -> DayModel | None:
    day, model = key
    if not rows.requests and not sums.lines:
        # Calls with keys of their own, and nothing on this bill.
        return None
    counts = tuple(sorted(bill.counts))
    last = bill.stretches.last(day)
    near, until = ((each - _EPOCH_DAY).days for each in (day, last or day))
    rates = ledger.rates(model, range(near - 1, until + 2))
    parts, note = compare(rows, sums, counts, bill.has_cost, rates)
    # Which of them the estimated ones are among, the sums do not tell.
    parts = tuple(replace(part, estimated=rows.estimated > 0 and part.here_nano != 0) for part in parts)
    reasons = {} if all(part.kind == "matched" for part in parts) else dict(rows.reasons)
    return DayModel(
        day=day.isoformat(),
        last_day=iso(last),
        model=model,
        here=row_totals(rows),
        bill=bill_totals(sums, counts, bill.has_cost),
        parts=parts,
        tolerance_nano=tolerance(sums, rows.requests) if bill.has_cost else 0,
        reasons=reasons,
        note=note,
    )


def _summed(totals: Sequence[Totals]) -> Totals:
    """The sums of what is known; None where no day knows it."""
    sums = {}
    for name in Totals.__struct_fields__:
        known = [value for each in totals if (value := getattr(each, name)) is not None]
        sums[name] = sum(known) if known else None
    return Totals(**sums)
