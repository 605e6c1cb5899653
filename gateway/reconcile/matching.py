"""A day and model of the bill against ours: what matches, what is missing on which side, what has another price.
Pure.

Counts come first: a bill with more of everything knows of requests that we do not, one with less the other way
round. What is left of the dollars when that usage is taken out, at our own rates, is a difference in price. Where
a bill names requests nothing is inferred: each is met by its name.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from gateway.reconcile.ledger import reason_of
from gateway.reconcile.rates import Rates
from gateway.reconcile.records import Part, Totals
from gateway.reconcile.sums import BillSums, RowSums, to_nano
from gateway.records import ExchangeRecord

TOKENS = ("input", "cached", "cache_write", "output")


def tolerance(bill: BillSums, rows: int) -> int:
    """Nano-dollars by which rounding alone may move the bill from our rows, each of which is rounded too."""
    return to_nano(bill.slack) + (rows + 1) // 2


def bill_totals(bill: BillSums, counts: Sequence[str], has_cost: bool) -> Totals:
    return _totals(bill, counts, to_nano(bill.cost) if has_cost else None)


def row_totals(rows: RowSums) -> Totals:
    return replace(_totals(rows, ("requests", *TOKENS), rows.cost), estimated=rows.estimated)


def _totals(sums: BillSums | RowSums, counts: Sequence[str], cost: int | None) -> Totals:
    return Totals(
        requests=sums.requests if "requests" in counts else None,
        input_tokens=sums.input if "input" in counts else None,
        cached_tokens=sums.cached if "cached" in counts else None,
        cache_write_tokens=sums.cache_write if "cache_write" in counts else None,
        output_tokens=sums.output if "output" in counts else None,
        cost_nano=cost,
    )


def compare(
    rows: RowSums, bill: BillSums, counts: Sequence[str], has_cost: bool, rates: Sequence[Rates]
) -> tuple[tuple[Part, ...], str]:
    """The parts of a day and model, and a word of NOTES or ""."""
    theirs = to_nano(bill.cost) if has_cost else None
    more = {name: getattr(bill, name) - getattr(rows, name) for name in counts}
    if not rows.requests:
        said = bill.requests if "requests" in counts else None
        cost = _priced(rows, more, rates) if theirs is None else theirs
        return (Part(kind="missing_here", requests=said, here_nano=0, bill_nano=cost),), ""
    if not bill.lines:
        return (Part(kind="missing_there", requests=rows.requests, here_nano=rows.cost, bill_nano=0),), ""
    alike = theirs is None or abs(theirs - rows.cost) <= tolerance(bill, rows.requests)
    if any(more.values()):
        return _differing(rows, bill, more, theirs, rates)
    kind = "matched" if alike else "price_drift" if counts else "unexplained"
    part = Part(
        kind=kind, requests=rows.requests, here_nano=rows.cost, bill_nano=rows.cost if theirs is None else theirs
    )
    return (part,), "no_counts" if kind == "unexplained" else ""


def _differing(
    rows: RowSums, bill: BillSums, more: Mapping[str, int], theirs: int | None, rates: Sequence[Rates]
) -> tuple[tuple[Part, ...], str]:
    """The usage that differs as a part of its own, and the rest with whatever difference in price is left."""
    kind, note = _kind(more)
    # As many on both sides: none is missing, and of how many the tokens differ no sum tells.
    requests = abs(more["requests"]) if more.get("requests") else None
    both = min(rows.requests, bill.requests) if "requests" in more else None
    usage = _priced(rows, more, rates)
    if usage is None and theirs is None:
        return (
            Part(kind="matched", requests=both, here_nano=None, bill_nano=None),
            Part(kind=kind, requests=requests, here_nano=None, bill_nano=None),
        ), note
    if usage is None:
        usage = (theirs or 0) - rows.cost
        note = note if note == "both_ways" else "no_rates"
        against = usage if kind == "missing_there" else -usage if kind == "missing_here" else 0
        if against > tolerance(bill, rows.requests):
            # Prices differ too then, and of no part can be told what it costs.
            return (Part(kind="unexplained", requests=None, here_nano=rows.cost, bill_nano=theirs),), "against"
    ours, added = max(0, -usage), max(0, usage)
    rest = rows.cost - ours
    billed = rest if theirs is None else theirs - added
    drift = abs(billed - rest) > tolerance(bill, rows.requests)
    return (
        Part(kind="price_drift" if drift else "matched", requests=both, here_nano=rest, bill_nano=billed),
        Part(kind=kind, requests=requests, here_nano=ours, bill_nano=added),
    ), note


def _kind(more: Mapping[str, int]) -> tuple[str, str]:
    tokens = [more[name] for name in TOKENS if name in more]
    requests = more.get("requests")
    if requests == 0:
        mixed = any(number > 0 for number in tokens) and any(number < 0 for number in tokens)
        return "usage_drift", "both_ways" if mixed else "as_many"
    signs = [number for number in (*tokens, requests or 0) if number]
    if all(number > 0 for number in signs):
        return "missing_here", ""
    if all(number < 0 for number in signs):
        return "missing_there", ""
    return "usage_drift", "both_ways"


def _priced(rows: RowSums, more: Mapping[str, int], rates: Sequence[Rates]) -> int | None:
    """The dollars of the usage that differs, at our own rates; None where they or the usage are not known."""
    if "input" not in more or "output" not in more:
        return None
    unsaid = (name for name in ("cached", "cache_write") if name not in more)
    if any(getattr(rows, name) for name in unsaid):
        return None
    cached, written = more.get("cached", 0), more.get("cache_write", 0)
    tokens = (more["input"] - cached - written, cached, written, 0, more["output"])
    return next((price for known in rates if (price := known.price(tokens)) is not None), None)


def compare_request(
    record: ExchangeRecord, bill: BillSums, counts: Sequence[str], has_cost: bool
) -> tuple[Part, str | None]:
    """A request that both know, and why its figures may differ."""
    ours = {
        "input": record.input_tokens or 0,
        "cached": record.cached_tokens or 0,
        "cache_write": record.cache_write_tokens or 0,
        "output": record.output_tokens or 0,
    }
    here = record.cost_nano or 0
    theirs = to_nano(bill.cost) if has_cost else None
    if any(getattr(bill, name) != ours[name] for name in TOKENS if name in counts):
        kind = "usage_drift"
    elif theirs is None or abs(theirs - here) <= tolerance(bill, 1):
        kind = "matched"
    else:
        kind = "price_drift"
    billed = here if theirs is None else theirs
    part = Part(kind=kind, requests=1, here_nano=here, bill_nano=billed, estimated=record.cost_estimated)
    return part, None if kind == "matched" else reason_of(record)


def add_up(parts: Sequence[Part], kinds: Sequence[str]) -> tuple[Part, ...]:
    """One part of each kind that occurs; a sum is None where one of its parts does not know it."""
    added = []
    for kind in kinds:
        of_kind = [part for part in parts if part.kind == kind]
        if of_kind:
            added.append(
                Part(
                    kind=kind,
                    requests=_sum(part.requests for part in of_kind),
                    here_nano=_sum(part.here_nano for part in of_kind),
                    bill_nano=_sum(part.bill_nano for part in of_kind),
                    estimated=any(part.estimated for part in of_kind),
                )
            )
    return tuple(added)


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total
