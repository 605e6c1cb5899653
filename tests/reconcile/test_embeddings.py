"""OpenAI exports the usage of embeddings apart: with it the bill is whole, in requests, tokens and dollars."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.reconcile import Question, opener, reconcile
from gateway.records import ExchangeRecord, UsageQuery
from tests.reconcile import bills

UTC = ZoneInfo("UTC")
DAY = date(2026, 11, 3)
AT_US = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * bills.US
CHATS = [row for row in bills.ledger("openai", first=DAY, days=1, per_day=3) if row.model == "gpt-5-nano"]
EMBEDDED = [
    replace(
        CHATS[0],
        id=f"req_embedded_{number}",
        upstream_request_id=f"up_embedded_{number}",
        started_us=AT_US + number,
        model="text-embedding-3-small",
        input_tokens=1000 * number,
        cached_tokens=None,
        output_tokens=None,
        cost_nano=20_000 * number,
    )
    for number in range(1, 4)
]


def rows(query: UsageQuery) -> Iterable[ExchangeRecord]:
    assert query.start_us is not None and query.end_us is not None
    return [row for row in (*EMBEDDED, *CHATS) if query.start_us <= row.started_us < query.end_us]


def files() -> tuple[str, str, str]:
    """Usage of completions and of embeddings, and what both cost."""
    chats = bills.within(bills.billed(CHATS), DAY, DAY, UTC)
    first = bills._midnight(DAY, UTC)
    embeddings = bills.text(
        ["start_time", "end_time", "project_id", "num_model_requests", "api_key_id", "model", "input_tokens"],
        [[first, first + 86_400, "proj_1", 3, "key_1", "text-embedding-3-small", 6000]],
    )
    costs = bills.openai_costs(chats, UTC)
    costs += f'{first},{first + 86_400},,,{Decimal("0.00012")},usd,,,"text-embedding-3-small, input",,,\n'
    return bills.openai_usage(chats, UTC), embeddings, costs


def test_both_exports_and_the_costs_are_one_bill_in_whichever_order() -> None:
    for order in ((0, 1, 2), (2, 1, 0)):
        found = reconcile([opener(files()[number].encode()) for number in order], rows, Question(tz="UTC"))
        assert [(day.model, [part.kind for part in day.parts]) for day in found.days] == [
            ("gpt-5-nano", ["matched"]),
            ("text-embedding-3-small", ["matched"]),
        ]
        assert found.bill.requests == len(bills.within(bills.billed(CHATS), DAY, DAY, UTC)) + 3
        assert found.shared is None


def test_the_same_usage_in_two_forms_is_refused_still() -> None:
    chats, embeddings, _ = files()
    other = "Date,Model,Input tokens,Output tokens\n2026-11-03,gpt-5-nano,1,1\n"
    with pytest.raises(ClientError, match="give one of them"):
        reconcile([opener(text.encode()) for text in (chats, embeddings, other)], rows, Question(provider="openai"))


def test_embeddings_beside_a_table_of_all_usage_are_refused() -> None:
    table = "Date,Model,Input tokens,Output tokens\n2026-11-03,text-embedding-3-small,6000,0\n"
    for order in ((0, 1), (1, 0)):
        openers = [opener((files()[1], table)[number].encode()) for number in order]
        with pytest.raises(ClientError, match="give one of them"):
            reconcile(openers, rows, Question(provider="openai"))
