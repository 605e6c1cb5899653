"""Conversations with their usage: each one's sums, order, pages, and what takes part; traces as a filter."""

import tempfile
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ClientError
from gateway.records import ConversationRow, ExchangeRecord, UsageQuery
from gateway.store import conversations
from gateway.store.database import open_database
from gateway.store.measures import RANKS
from gateway.store.names import Texts
from gateway.store.queries import sort_key
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, histories, record, usage_queries
from tests.store.test_queries import CALM, brute, matches, stored

SORTS = (*RANKS, "latency_ms", "ttft_ms", "id", "started_at", "ended_at")


def paged(store: UsageStore, query: UsageQuery, sort: str, limit: int) -> list[ConversationRow]:
    found: list[ConversationRow] = []
    cursor = None
    while True:
        page = store.conversations(query, sort, limit, cursor)
        assert 0 < len(page.rows) <= limit or not found
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return found


@CALM
@given(histories(), usage_queries(), st.sampled_from(SORTS))
def test_each_conversation_is_the_sum_of_its_rows(
    records: list[ExchangeRecord], query: UsageQuery, sort: str
) -> None:
    members: dict[str, list[ExchangeRecord]] = {}
    for each in sorted(records, key=lambda record: record.started_us):
        if each.conversation_id is not None and matches(each, query):
            members.setdefault(each.conversation_id, []).append(each)
    with stored(records) as store:
        found = list(store.iter_conversations(query, sort))
        assert paged(store, query, sort, 1) == found == paged(store, query, sort, 100)
    assert {row.id: row.summary for row in found} == {name: brute(rows) for name, rows in members.items()}
    for row in found:
        rows = members[row.id]
        assert (row.started_us, row.ended_us) == (rows[0].started_us, rows[-1].started_us)
        assert set(row.models) == {each.model for each in rows} - {None}
        assert set(row.tags) == {tag for each in rows for tag in each.tags}
        assert row.user in {each.user for each in rows} and row.app in {each.app for each in rows}
    if sort in RANKS:
        order = sort_key(sort)
        assert [order(row.summary) for row in found] == sorted(order(row.summary) for row in found)


def test_the_costliest_comes_first_and_what_has_no_price_last(store: UsageStore) -> None:
    store.insert_history(
        [
            record(0, conversation_id="cheap", cost_nano=1),
            record(1, conversation_id="dear", cost_nano=10**12, tags=("step:plan",), end_user="ana"),
            record(2, conversation_id="dear", cost_nano=None, cost_source="none", model="new", tags=("step:code",)),
            record(3, conversation_id="unpriced", cost_nano=None, cost_source="none"),
            record(4, conversation_id=None, cost_nano=10**15),
            record(6, conversation_id="zero", cost_nano=0),
        ]
    )
    # With a filter the rows are asked, and else their totals.
    for query in (UsageQuery(key=("laptop",)), UsageQuery()):
        rows = store.conversations(query).rows
        assert [(row.id, row.summary.cost_nano, row.summary.unpriced_requests) for row in rows] == [
            ("dear", 10**12, 1),
            ("cheap", 1, 0),
            ("zero", 0, 0),
            ("unpriced", None, 1),
        ]
    assert (rows[0].models, rows[0].tags, rows[0].user) == (("gpt-5", "new"), ("step:plan", "step:code"), "ana")
    assert rows[0].ended_us - rows[0].started_us == 1_000_000


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("latency_ms.p95", ["often", "slow", "seldom"]),
        ("latency_ms.p99", ["seldom", "often", "slow"]),
        ("latency_ms.avg", ["seldom", "slow", "often"]),
        ("tokens_per_s", ["often", "seldom", "slow"]),
        ("cost_usd", ["seldom", "slow", "often"]),
    ],
)
def test_they_are_sorted_by_each_point_of_their_times_and_by_speed(
    store: UsageStore, sort: str, order: list[str]
) -> None:
    kinds = {"slow": (100, 2, 2), "often": (94, 1, 3), "seldom": (98, 1, 90)}
    rows = [
        record(
            number * 3 + place,
            conversation_id=name,
            latency_us=(usual if number < most else rare) * 1_000_000,
            cost_nano={"slow": 5, "often": 1, "seldom": 9}[name],
            output_tokens={"slow": 1, "often": 9, "seldom": 20}[name],
        )
        for place, (name, (most, usual, rare)) in enumerate(kinds.items())
        for number in range(100)
    ]
    store.insert_history(rows)
    assert [row.id for row in store.conversations(UsageQuery(), sort).rows] == order


@pytest.mark.parametrize("cursor", ["nonsense", "WzEsMl0", "WyJhIiwiYiJd", "", "W251bGwsImEiXQ"])
def test_a_cursor_that_no_answer_gave_is_refused(store: UsageStore, cursor: str) -> None:
    with pytest.raises(ClientError) as refused:
        store.conversations(UsageQuery(), "cost_usd", 10, cursor)
    assert refused.value.param == "cursor"


def test_a_field_that_there_is_not_is_named(store: UsageStore) -> None:
    for ask in (store.conversations, lambda query, sort: list(store.iter_conversations(query, sort))):
        with pytest.raises(ClientError, match="shoe_size") as refused:
            ask(UsageQuery(), "shoe_size")
        assert refused.value.param == "sort"


def test_within_one_conversation_or_trace_each_step_and_model_has_its_cost(store: UsageStore) -> None:
    store.insert_history(
        [
            record(0, conversation_id="c", trace_id="t", tags=("step:plan",), cost_nano=5, model="gpt-5"),
            record(1, conversation_id="c", trace_id="t", tags=("step:code",), cost_nano=9, model="grok"),
            record(2, conversation_id="c", trace_id="u", tags=("step:code",), cost_nano=8, model="gpt-5"),
            record(3, conversation_id="other", trace_id="t", tags=("step:code",), cost_nano=100, model="grok"),
        ]
    )

    def costs(query: UsageQuery, by: str) -> dict[str | None, int | None]:
        return {row.value: row.summary.cost_nano for row in store.breakdown(query, by).rows}

    assert costs(UsageQuery(conversation=("c",)), "tag:step") == {"code": 17, "plan": 5}
    assert costs(UsageQuery(conversation=("c",)), "model") == {"gpt-5": 13, "grok": 9}
    assert costs(UsageQuery(trace=("t",)), "tag:step") == {"code": 109, "plan": 5}
    assert costs(UsageQuery(trace=("t",), conversation=("c",)), "model") == {"gpt-5": 5, "grok": 9}
    assert store.summary(UsageQuery(trace=("t", "u"))).requests == 4
    assert [row.id for row in store.requests(UsageQuery(trace=("u",))).rows] == ["req_2"]
    assert store.summary(UsageQuery(trace=("\0",))).requests == 0


def test_rows_of_a_trace_or_conversation_are_found_by_an_index(store: UsageStore) -> None:
    store.insert_history([record(0, trace_id="t", conversation_id="c")])
    with store._readers.snapshot() as connection:
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        try:
            conversations.described(connection, store._texts, UsageQuery(), ["c"])
        finally:
            connection.set_trace_callback(None)
        plans = [
            detail
            for statement in asked
            if "FROM requests b" in statement
            for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert any("requests_conversation" in detail for detail in plans)
    assert not any(detail.startswith("SCAN b") for detail in plans)


def test_memory_does_not_grow_with_the_conversations(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.insert_history(record(number, conversation_id=f"conversation-{number:06}") for number in range(6000))

    def peak(count: int) -> int:
        query = UsageQuery(start_us=BASE_US, end_us=BASE_US + count * 1_000_000)
        tracemalloc.start()
        assert sum(1 for _ in store.iter_conversations(query)) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(200)
    assert peak(6000) < 1.3 * peak(600)


def test_an_export_that_is_left_lets_its_file_go(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    original = tempfile.TemporaryFile

    def kept(*args: object, **kwargs: object) -> object:
        file = original()
        made.append(file)  # type: ignore[arg-type]
        return file

    monkeypatch.setattr(conversations.tempfile, "TemporaryFile", kept)
    store.insert_history(record(number, conversation_id=f"c{number}") for number in range(300))
    rows = store.iter_conversations(UsageQuery(end_us=BASE_US + DAY_US))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert [file.closed for file in made] == [True]  # type: ignore[attr-defined]


def _days(first: int, last: int) -> list[ExchangeRecord]:
    """Fifty conversations a day."""
    return [
        record(number, started_us=BASE_US + number * DAY_US // 50, conversation_id=f"c{number:05d}")
        for number in range(50 * first, 50 * last)
    ]


def _steps(store: UsageStore, folder: Path, query: UsageQuery) -> int:
    """What SQLite does to find the newest of them, in hundreds of its steps."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with closing(open_database(folder / "usage.db")) as connection:
        connection.set_progress_handler(count, 100)
        page = conversations.page(connection, Texts(), query, sort="ended_at", limit=5, cursor=None)
    assert page == store.conversations(query, "ended_at", 5)
    assert [row.id for row in page.rows] == [f"c{number:05d}" for number in range(9_999, 9_994, -1)]
    return counted[0]


def test_the_newest_of_a_day_are_found_without_those_of_other_days(store: UsageStore, tmp_path: Path) -> None:
    day = UsageQuery(start_us=BASE_US + 199 * DAY_US, end_us=BASE_US + 200 * DAY_US)
    store.insert_history(_days(180, 200))
    of_few_days = _steps(store, tmp_path, day)
    store.insert_history(_days(0, 180))
    assert _steps(store, tmp_path, day) < 1.5 * of_few_days


def test_a_cursor_of_another_sort_is_refused(store: UsageStore) -> None:
    """Its rank means nothing there: the page would leave conversations out, and say nothing."""
    store.insert_history(record(number, conversation_id=f"c{number}") for number in range(4))
    cursor = store.conversations(UsageQuery(), "cost_usd", 2, None).next_cursor
    assert len(store.conversations(UsageQuery(), "cost_usd", 2, cursor).rows) == 2
    with pytest.raises(ClientError, match="another sort") as refused:
        store.conversations(UsageQuery(), "requests", 2, cursor)
    assert refused.value.param == "cursor"
