"""Whose days a bill is cut by: how well each zone fits, and when another than the form's own is believed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gateway.reconcile.bill import Bill, read_bill
from gateway.reconcile.ledger import Ledger
from gateway.reconcile.sums import BillSums, RowSums
from gateway.reconcile.zones import agreement, best_zone
from gateway.records import ExchangeRecord
from tests.reconcile.bills import opener

DAY, NEXT, FAR = date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 20)
SLOTS = 96
# The quarter of an hour in which the day of `NEXT` begins in Tokyo, and with it that of all zones further east.
MIDNIGHT_IN_TOKYO = (DAY - date(1970, 1, 1)).days * SLOTS + 15 * 4


@pytest.mark.parametrize(
    "own, tokyo, nobodys, zone",
    [
        # More than twice as many and one more fit, whatever is left over.
        (2, 6, 50, "Asia/Tokyo"),
        (2, 5, 50, "UTC"),
        (0, 2, 50, "Asia/Tokyo"),
        (0, 1, 50, "UTC"),
        # Less than half as many are left over.
        (2, 5, 0, "Asia/Tokyo"),
        (2, 4, 0, "UTC"),
        (2, 3, 0, "UTC"),
        # None fits better.
        (3, 3, 0, "UTC"),
        (3, 2, 9, "UTC"),
        (3, 0, 0, "UTC"),
    ],
)
def test_another_zone_is_believed_where_it_fits_much_better(own: int, tokyo: int, nobodys: int, zone: str) -> None:
    ledger = Ledger(by_model=True, own_keys=False)
    for day, number in ((DAY, own), (NEXT, tokyo), (FAR, nobodys)):
        if number:
            ledger.days[MIDNIGHT_IN_TOKYO, day] = number
    found, source = best_zone(Bill(), ledger)
    assert (found.key, source) == (zone, "form" if zone == "UTC" else "tried")


def test_what_the_bill_does_not_speak_of_tells_nothing_of_its_zone() -> None:
    def row(slot: int, tokens: int) -> ExchangeRecord:
        given: dict[str, Any] = {"id": str(slot), "started_us": slot * 900_000_000, "door": "openai_chat"}
        given |= {"key_id": "k", "key": "k", "provider": "openai", "model": "gpt-5", "status": 200, "outcome": "ok"}
        return ExchangeRecord(**given, input_tokens=tokens, output_tokens=1, cost_nano=tokens, latency_us=1)

    ledger = Ledger(by_model=True, own_keys=False)
    first, last = row(MIDNIGHT_IN_TOKYO, 100), row(MIDNIGHT_IN_TOKYO + SLOTS - 1, 30)
    long_before = row(MIDNIGHT_IN_TOKYO - 20 * SLOTS, 10**9)
    ledger.read([long_before, first, last], {}, lambda *_: None)
    bill = read_bill([opener("Date,Model,Input tokens,Output tokens\n2026-11-04,gpt-5,130,2\n")])
    priced = read_bill([opener("Date,Model,Cost\n2026-11-04,gpt-5,0.000000130\n")])
    for each in (bill, priced):
        found, source = best_zone(each, ledger)
        assert (found.key, source) == ("Asia/Tokyo", "tried")


def bill_sums(cost: str = "0", slack: str = "0", **counts: int) -> BillSums:
    sums = BillSums()
    sums.pay(Decimal(cost), Decimal(slack))
    for name, number in counts.items():
        setattr(sums, name, number)
    return sums


def row_sums(**counts: int) -> RowSums:
    sums = RowSums()
    for name, number in counts.items():
        setattr(sums, name, number)
    return sums


def test_sums_agree_by_their_counts_where_the_bill_has_any() -> None:
    theirs = {(DAY, "a"): bill_sums(input=10, output=5), (DAY, "b"): bill_sums(input=4, cached=9)}
    ours = {
        (DAY, "a"): row_sums(input=10, output=5, cost=77),
        (DAY, "b"): row_sums(input=2),
        (NEXT, "a"): row_sums(input=6),
    }
    assert agreement(theirs, ours, ["input", "output"]) == (1, 8 / 25)


def test_sums_agree_by_dollars_within_rounding_where_it_has_none() -> None:
    rounded = bill_sums("0.01", "0.005")
    theirs = {(DAY, "a"): rounded, (DAY, "b"): rounded, (NEXT, "a"): rounded, (FAR, "a"): bill_sums("0.01")}
    ours = {
        (DAY, "a"): row_sums(cost=15_000_002, requests=3),
        (DAY, "b"): row_sums(cost=9_000_000, requests=3),
        (NEXT, "a"): row_sums(cost=20_000_000, requests=3),
    }
    apart, whole = 4_999_998 + 10_000_000, 15_000_002 + 10_000_000 + 20_000_000 + 10_000_000
    assert agreement(theirs, ours, []) == (2, apart / whole)
    assert agreement({}, {}, []) == (0, 0.0)
