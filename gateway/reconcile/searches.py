"""Web searches: a bill charges them in lines of their own, and our rows within what each request cost. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from gateway.reconcile.sums import EXACT, BillSums, RowSums

SEARCHES = "web searches"
"""The model of lines that charge searches and name no model."""

Key = tuple[date, str | None]
_NANO = Decimal("1e-9")


def given_to_models(theirs: Mapping[Key, BillSums], ours: Mapping[Key, RowSums]) -> dict[Key, BillSums]:
    """The bill's sums, with a day's charge for searches among those of the models that searched on it, by how often.

    Where none of our requests searched, it stays apart.
    """
    whole = {key: sums for key, sums in theirs.items() if key[1] != SEARCHES}
    searched: defaultdict[date, dict[Key, int]] = defaultdict(dict)
    for key, rows in ours.items():
        if rows.searches:
            searched[key[0]][key] = rows.searches
    for key, charged in theirs.items():
        if key[1] != SEARCHES:
            continue
        if key[0] not in searched:
            whole[key] = charged
            continue
        for other, share in _shares(charged, searched[key[0]]):
            both = BillSums()
            both.add(whole.get(other, BillSums()))
            both.add(share)
            whole[other] = both
    return whole


def _shares(charged: BillSums, searched: Mapping[Key, int]) -> Iterator[tuple[Key, BillSums]]:
    """In whole nano-dollars, so that they come to what was charged when they are added up."""
    told, paid, total = 0, Decimal(0), Decimal(sum(searched.values()))
    for key, number in searched.items():
        told += number
        part = EXACT.divide(Decimal(told), total)
        until = charged.cost if part == 1 else EXACT.quantize(EXACT.multiply(charged.cost, part), _NANO)
        share = BillSums()
        share.lines = charged.lines
        share.pay(EXACT.subtract(until, paid), EXACT.divide(EXACT.multiply(charged.slack, Decimal(number)), total))
        paid = until
        yield key, share
