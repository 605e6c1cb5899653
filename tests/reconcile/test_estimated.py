"""Our rows' sums that hold estimates say so, whether a bill names requests or tells sums alone."""

import pytest
from msgspec.structs import replace

from gateway.reconcile import Question, reconcile
from gateway.reconcile.records import Reconciliation
from gateway.records import ExchangeRecord
from tests.reconcile.bills import Rows, opener
from tests.reconcile.test_attempts import ROW as NAMED

ROW = replace(NAMED, attempts=())
GUESSED = replace(ROW, id="req_2", upstream_request_id="up_3", usage_source="estimated")
HEAD = {"time": "time", "model": "model", "input": "input_tokens", "output": "output_tokens", "cost": "cost"}
MEANT = "2026-10-14T17:46:40Z,{name},grok-4.3,100,10,0.05"


def against(rows: list[ExchangeRecord], names: tuple[str, ...], *, named: bool) -> Reconciliation:
    text = "\n".join(
        ["time,request_id,model,input_tokens,output_tokens,cost", *(MEANT.format(name=name) for name in names)]
    )
    mapping = {**HEAD, "request_id": "request_id"} if named else HEAD
    return reconcile([opener(text)], Rows(rows), Question(provider="xai", tz="UTC", mapping=mapping))


@pytest.mark.parametrize("named", [True, False])
def test_sums_tell_how_many_of_our_costs_are_estimates(named: bool) -> None:
    found = against([ROW, GUESSED], ("up_2", "up_3"), named=named)
    assert (found.here.estimated, found.bill.estimated) == (1, None)
    assert [(part.kind, part.estimated) for part in found.parts] == [("matched", True)]
    counted = against([ROW], ("up_2",), named=named)
    assert counted.here.estimated == 0 and not any(part.estimated for part in counted.parts)


def test_a_request_that_the_bill_lacks_is_told_apart_from_those_that_it_names() -> None:
    found = against([ROW, GUESSED], ("up_2",), named=True)
    assert [(part.kind, part.estimated) for part in found.parts] == [("matched", False), ("missing_there", True)]


def test_a_price_that_may_be_another_s_is_an_estimate_too() -> None:
    assert against([replace(ROW, price_fuzzy=True)], ("up_2",), named=True).here.estimated == 1
