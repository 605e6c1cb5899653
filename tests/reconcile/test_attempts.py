"""An exchange that took several attempts, each of which its provider billed by a name of its own."""

from msgspec.structs import replace

from gateway.reconcile import Question, reconcile
from gateway.reconcile.records import Reconciliation
from gateway.records import AttemptRecord, ExchangeRecord
from tests.reconcile.bills import Rows, opener

AT_US = 1_792_000_000_000_000


def attempt(n: int) -> AttemptRecord:
    return AttemptRecord(
        n=n, provider="xai", model="grok-4.3", started_us=AT_US, latency_us=5, upstream_request_id=f"up_{n}"
    )


ROW = ExchangeRecord(
    id="req_1",
    started_us=AT_US,
    door="openai_chat",
    key_id="k",
    key="k",
    provider="xai",
    model="grok-4.3",
    status=200,
    outcome="ok",
    input_tokens=100,
    output_tokens=10,
    usage_source="provider",
    cost_nano=50_000_000,
    cost_source="list",
    attempts=(attempt(1), attempt(2)),
    upstream_request_id="up_2",
)


def against(*lines: str, row: ExchangeRecord = ROW) -> Reconciliation:
    text = "\n".join(["time,request_id,model,input_tokens,output_tokens,cost", *lines])
    mapping = {
        "time": "time",
        "request_id": "request_id",
        "model": "model",
        "input": "input_tokens",
        "output": "output_tokens",
        "cost": "cost",
    }
    return reconcile([opener(text)], Rows([row]), Question(provider="xai", tz="UTC", mapping=mapping))


FIRST, SECOND = (
    "2026-10-14T17:46:40Z,up_1,grok-4.3,100,0,0.02",
    "2026-10-14T17:46:41Z,up_2,grok-4.3,100,10,0.05",
)


def test_an_attempt_that_was_billed_too_is_a_difference_of_its_exchange() -> None:
    """It was told as a request that is missing here."""
    found = against(FIRST, SECOND)
    assert [(part.kind, part.requests, part.here_nano, part.bill_nano) for part in found.parts] == [
        ("usage_drift", 1, 50_000_000, 70_000_000)
    ]
    assert [(each.id, each.difference_nano) for each in found.requests] == [("up_2", 20_000_000)]
    assert found.days[0].reasons == {"tried_again": 1}
    assert (found.here.requests, found.bill.requests, found.bill.input_tokens) == (1, 2, 200)


def test_attempts_that_add_up_to_their_row_match_it() -> None:
    both = replace(ROW, input_tokens=200, cost_nano=70_000_000)
    found = against(FIRST, SECOND, row=both)
    assert [part.kind for part in found.parts] == ["matched"] and not found.days[0].reasons


def test_the_last_attempt_alone_on_a_bill_is_the_row() -> None:
    assert [part.kind for part in against(SECOND).parts] == ["matched"]
