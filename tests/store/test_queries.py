"""Buckets, rows and a plain loop in Python give the same answer to every question."""

import operator
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.number_filters import NUMBERS
from gateway.records import (
    DIMENSIONS,
    OPERATORS,
    Distribution,
    ExchangeRecord,
    NumberCondition,
    Summary,
    TagCondition,
    UsageQuery,
)
from gateway.store import buckets, histogram, queries
from gateway.store.measures import Sums
from gateway.store.names import Texts
from gateway.store.plan import Combined, Rows, Singles, Source, TagSets, source_of
from gateway.store.usage import UsageStore
from tests.store.examples import (
    BASE_US,
    DAY_US,
    HOUR_US,
    NO_USE,
    TAGS,
    UNKNOWN_USE,
    histories,
    record,
    unmeasured,
    usage_queries,
)
from tests.store.measured import measure
from tests.store.migrated import started

pytestmark = pytest.mark.usefixtures("settled_at_once")

GROUPS = (*DIMENSIONS, "tag", "tag:team", "tag:env", "tag:urgent", "tag:no-such")
NUMBER_FIELDS = {
    "cost": "cost_nano", "latency": "latency_us", "ttft": "ttft_us", "overhead": "overhead_us",
    "input": "input_tokens", "output": "output_tokens", "cached": "cached_tokens", "reasoning": "reasoning_tokens",
}  # fmt: skip
COMPARISONS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "=": operator.eq}
CALM = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def only_rows(query: UsageQuery, by: str | None) -> Source:
    return Rows()


@contextmanager
def stored(records: list[ExchangeRecord], day_zone: str = "UTC") -> Iterator[UsageStore]:
    with TemporaryDirectory() as folder:
        store = started(Path(folder), day_zone)
        half = len(records) // 2
        # Of the others the rows tell what combinations do not.
        store.insert_history(records[:half])
        store.combine()
        store.insert_history(records[half:])
        yield store
        store.close()


def has_tag(record: ExchangeRecord, wanted: str) -> bool:
    return any(tag == wanted or (":" not in wanted and tag.partition(":")[0] == wanted) for tag in record.tags)


def meets(record: ExchangeRecord, condition: TagCondition) -> bool:
    return any(has_tag(record, tag) for tag in condition.any_of) != condition.negated


def number_of(record: ExchangeRecord, field: str) -> int | None:
    if field == "tokens":
        known = [count for count in (record.input_tokens, record.output_tokens) if count is not None]
        return sum(known) if known else None
    if field == "status":
        return record.status or None
    found: int | None = getattr(record, NUMBER_FIELDS[field])
    return found


def compares(record: ExchangeRecord, condition: NumberCondition) -> bool:
    number = number_of(record, condition.field)
    return number is not None and COMPARISONS[condition.operator](number, condition.value)


def value_of(record: ExchangeRecord, name: str) -> str | None:
    return record.conversation_id if name == "conversation" else getattr(record, name)


def matches(record: ExchangeRecord, query: UsageQuery) -> bool:
    return (
        (query.start_us is None or record.started_us >= query.start_us)
        and (query.end_us is None or record.started_us < query.end_us)
        and all(not getattr(query, name) or value_of(record, name) in getattr(query, name) for name in DIMENSIONS)
        and all(meets(record, condition) for condition in query.tags)
        and all(compares(record, condition) for condition in query.numbers)
        and all(
            any(word.casefold() in (text or "").casefold() for text in (record.model, record.user, record.key))
            for word in query.text
        )
    )


def values_by(record: ExchangeRecord, by: str) -> set[str | None]:
    if by == "tag":
        return set(record.tags) or {None}
    if by.startswith("tag:"):
        key = by[4:]
        return {tag.partition(":")[2] for tag in record.tags if tag.partition(":")[0] == key} or {None}
    return {value_of(record, by)}


def brute(records: list[ExchangeRecord]) -> Summary:
    sums = Sums()
    for each in records:
        latency = {} if each.latency_us is None else {histogram.bin_of(each.latency_us): 1}
        ttft = {} if each.ttft_us is None else {histogram.bin_of(each.ttft_us): 1}
        sums.add(measure(each), latency, ttft)
    return sums.summary()


@CALM
@given(histories(), usage_queries(), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]))
def test_totals_from_buckets_rows_and_a_loop_are_equal(
    records: list[ExchangeRecord], query: UsageQuery, day_zone: str
) -> None:
    expected = brute([each for each in records if matches(each, query)])
    with stored(records, day_zone) as store, store._readers.snapshot() as connection:
        assert queries.total(connection, query).summary() == expected
        assert queries.total(connection, query, only_rows).summary() == expected
        assert store.request_count(query) == expected.requests
        assert len(list(store.iter_requests(query))) == expected.requests


@CALM
@given(histories(), usage_queries(), st.sampled_from(GROUPS), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_breakdowns_from_buckets_rows_and_a_loop_are_equal(
    records: list[ExchangeRecord], query: UsageQuery, by: str, day_zone: str
) -> None:
    groups: dict[str | None, list[ExchangeRecord]] = {}
    for each in records:
        if matches(each, query):
            for value in values_by(each, by):
                groups.setdefault(value, []).append(each)
    expected = {value: brute(members) for value, members in groups.items()}
    with stored(records, day_zone) as store, store._readers.snapshot() as connection:
        found = queries.breakdown(connection, Texts(), query, by)
        assert found == queries.breakdown(connection, Texts(), query, by, choose=only_rows)
    assert {row.value: row.summary for row in found.rows} == expected
    costs = [row.summary.cost_nano for row in found.rows]
    known = [cost for cost in costs if cost is not None]
    assert costs == sorted(known, reverse=True) + [None] * (len(costs) - len(known))


@CALM
@given(
    histories(),
    usage_queries(),
    st.sampled_from(["15m", "hour", "day", "week", "month"]),
    st.none() | st.sampled_from(GROUPS),
)
def test_series_from_buckets_rows_and_a_loop_are_equal(
    records: list[ExchangeRecord], query: UsageQuery, width: str, by: str | None
) -> None:
    with stored(records) as store, store._readers.snapshot() as connection:
        found = queries.timeseries(connection, Texts(), query, width, by)
        assert found == queries.timeseries(connection, Texts(), query, width, by, choose=only_rows)
    matching = [each for each in records if matches(each, query)]
    for bucket in found:
        members = [
            each
            for each in matching
            if bucket.start_us <= each.started_us < bucket.end_us
            and (by is None or bucket.value in values_by(each, by))
        ]
        assert bucket.summary == brute(members)
    if by is None:
        assert sum(bucket.summary.requests for bucket in found) == len(matching)


@CALM
@given(histories(), usage_queries())
def test_the_days_of_a_series_are_the_days_on_the_users_calendar(
    records: list[ExchangeRecord], query: UsageQuery
) -> None:
    zone = ZoneInfo(query.tz)
    days: dict[str, int] = {}
    for each in records:
        if matches(each, query):
            day = datetime.fromtimestamp(each.started_us // 1_000_000, zone).date().isoformat()
            days[day] = days.get(day, 0) + 1
    with stored(records) as store:
        found = {
            datetime.fromtimestamp(bucket.start_us // 1_000_000, zone).date().isoformat(): bucket.summary.requests
            for bucket in store.timeseries(query, "day")
        }
    assert {day: count for day, count in found.items() if count} == days


@pytest.mark.parametrize(
    ("query", "by", "source"),
    [
        (UsageQuery(), None, Singles(buckets.TOTAL)),
        (UsageQuery(), "model", Singles(buckets.DIMENSION_IDS["model"])),
        (UsageQuery(model=("a", "b")), None, Singles(buckets.DIMENSION_IDS["model"], ("a", "b"))),
        (UsageQuery(model=("a",)), "model", Singles(buckets.DIMENSION_IDS["model"], ("a",))),
        (UsageQuery(model=("a",)), "provider", Combined()),
        (UsageQuery(model=("a",), user=("u",)), None, Combined()),
        (UsageQuery(model=("a",), tags=(TagCondition(("team:a",)),)), None, Combined()),
        (UsageQuery(model=("a",), tags=(TagCondition(("team:a",)),)), "model", Combined()),
        (UsageQuery(model=("a",)), "tag", Combined()),
        (UsageQuery(tags=(TagCondition(("team:a",)), TagCondition(("urgent",)))), None, TagSets()),
        (UsageQuery(text=("a",)), None, Combined()),
        (UsageQuery(tags=(TagCondition(("team:a",)),)), None, Singles(buckets.DIMENSION_IDS["tag"], ("team:a",))),
        (UsageQuery(tags=(TagCondition(("team",)),)), None, Singles(buckets.DIMENSION_IDS["tag_key"], ("team",))),
        # A row with both tags would count twice.
        (UsageQuery(tags=(TagCondition(("team:a", "team:b")),)), None, TagSets()),
        (UsageQuery(tags=(TagCondition(("team:a",), negated=True),)), None, TagSets()),
        (UsageQuery(tags=(TagCondition(("team:a",)),)), "tag:env", TagSets()),
        (UsageQuery(tags=(TagCondition(("team:a",)),)), "tag", TagSets()),
        (UsageQuery(tags=(TagCondition(("team:a",)),)), "model", Combined()),
        (UsageQuery(), "tag:team", Singles(buckets.DIMENSION_IDS["tag"])),
        (UsageQuery(), "client", Singles(buckets.DIMENSION_IDS["client"])),
        (UsageQuery(), "conversation", Rows()),
        (UsageQuery(conversation=("c",)), "model", Rows()),
    ],
)
def test_the_smallest_table_that_can_tell_is_asked(query: UsageQuery, by: str | None, source: Source) -> None:
    assert source_of(query, by) == source


def test_empty_buckets_are_included_and_the_ranges_edges_are_cut(store: UsageStore) -> None:
    store.insert_history([record(0), record(3 * 3600 + 600)])
    found = store.timeseries(UsageQuery(start_us=BASE_US, end_us=BASE_US + 3 * HOUR_US + 600_000_001), "hour")
    assert [bucket.summary.requests for bucket in found] == [1, 0, 0, 1]
    found = store.timeseries(UsageQuery(start_us=BASE_US + 1, end_us=BASE_US + 3 * HOUR_US + 600_000_000), "hour")
    assert [bucket.summary.requests for bucket in found] == [0, 0, 0, 0]
    assert found[0].start_us == BASE_US
    assert found[1].summary == Summary(
        usage_sources=dict.fromkeys(("provider", "partial", "estimated", "none"), 0),
        cost_sources=dict.fromkeys(("provider", "override", "list", "none"), 0),
    )


@pytest.mark.parametrize("minutes", [10, 15, 20, 80, 1500])
def test_a_range_ends_before_its_end(store: UsageStore, minutes: int) -> None:
    """Whether its last piece is one of rows or a bucket, alone or behind buckets."""
    end_us = BASE_US + minutes * 60_000_000
    store.insert_history([record(n, started_us=end_us + n - 1) for n in range(3)])
    assert store.summary(UsageQuery(start_us=BASE_US, end_us=end_us)).requests == 1
    # The range is no wider than the data: only now its first quarter counts.
    store.insert_history([record(3, started_us=BASE_US)])
    assert store.summary(UsageQuery(start_us=BASE_US, end_us=end_us)).requests == 2
    assert store.summary(UsageQuery(start_us=end_us, end_us=end_us + minutes * 60_000_000)).requests == 2


def test_without_a_range_a_series_spans_the_data(store: UsageStore) -> None:
    for query in (UsageQuery(), UsageQuery(start_us=BASE_US), UsageQuery(end_us=BASE_US)):
        assert store.timeseries(query, "day") == tuple(store.iter_timeseries(query, "day")) == ()
        assert store.requests(query, offset=queries.LEAST_OFFSET).rows == ()
    store.insert_history([record(0), record(2 * 86_400)])
    assert [bucket.summary.requests for bucket in store.timeseries(UsageQuery(), "day")] == [1, 0, 1]


def test_parts_overlap_only_where_a_request_has_several_of_them(store: UsageStore) -> None:
    store.insert_history([record(0, tags=("team:a",)), record(1, tags=("team:b",)), record(2)])
    assert not any(store.breakdown(UsageQuery(), by).overlapping for by in ("tag", "tag:team", "model"))
    store.insert_history([record(3, tags=("team:a", "urgent"))])
    assert [store.breakdown(UsageQuery(), by).overlapping for by in ("tag", "tag:team")] == [True, False]
    store.insert_history([record(4, tags=("team:a", "team:b"))])
    assert [store.breakdown(UsageQuery(), by).overlapping for by in ("tag:team", "tag:urgent")] == [True, False]


def test_nobody_is_told_to_lack_a_key_that_all_have(store: UsageStore) -> None:
    store.insert_history([record(at * 4 * 3600, tags=(f"team:{at % 2}",)) for at in range(8)])
    for step in (lambda: None, store.combine, lambda: store.settle(BASE_US + 9 * DAY_US)):
        step()
        for query in (UsageQuery(), UsageQuery(model=("gpt-5",)), UsageQuery(model=("gpt-5",), key=("laptop",))):
            assert [row.value for row in store.breakdown(query, "tag:team", "value").rows] == ["0", "1"]


def test_a_half_hour_that_begins_with_a_row_that_is_not_combined_yet_has_it(store: UsageStore) -> None:
    store.insert_history([record(0)])
    store.combine()
    store.insert_history([record(86_400)])
    later = UsageQuery(start_us=BASE_US + DAY_US, model=("gpt-5",), key=("laptop",))
    for query in (later, replace(later, end_us=BASE_US + DAY_US + HOUR_US // 2)):
        assert store.summary(query).requests == 1


def test_words_are_looked_for_where_pairs_are_counted(store: UsageStore) -> None:
    store.insert_history([record(0), record(1), record(2, model="grok")])
    store.settle(BASE_US + 40 * DAY_US)
    asked = UsageQuery(text=("gro",))
    assert store.summary(asked).requests == 1
    assert [row.value for row in store.breakdown(asked, "model").rows] == ["grok"]


def test_two_keys_of_tags_are_told_where_pairs_are_counted(store: UsageStore) -> None:
    store.insert_history([record(0, tags=("team:a", "env:dev")), record(1, tags=("team:a",)), record(2)])
    store.settle(BASE_US + 40 * DAY_US)
    assert store.summary(UsageQuery(tags=(TagCondition(("team",)), TagCondition(("env",))))).requests == 1


def test_minutes_come_from_rows(store: UsageStore) -> None:
    store.insert_history([record(0), record(59), record(60)])
    found = store.timeseries(UsageQuery(start_us=BASE_US, end_us=BASE_US + 120_000_000), "1m")
    assert [bucket.summary.requests for bucket in found] == [2, 1]


def test_unpriced_requests_are_counted_and_never_cost(store: UsageStore) -> None:
    store.insert_history([record(0, cost_nano=None, cost_source="none", model="new")])
    alone = store.summary(UsageQuery())
    assert (alone.cost_nano, alone.unpriced_requests) == (None, 1)
    store.insert_history([record(1, cost_nano=7)])
    both = store.summary(UsageQuery())
    assert (both.cost_nano, both.unpriced_requests) == (7, 1)
    nothing = store.summary(UsageQuery(model=("unheard-of",)))
    assert (nothing.cost_nano, nothing.unpriced_requests, nothing.input_tokens) == (0, 0, 0)


def test_a_refusal_that_used_nothing_lacks_no_price(store: UsageStore) -> None:
    store.insert_history([record(0, cost_nano=None, cost_source="none", usage_source="none", outcome="error")])
    refused = store.summary(UsageQuery())
    assert (refused.requests, refused.cost_nano, refused.unpriced_requests) == (1, 0, 0)
    store.insert_history([record(1, cost_nano=None, cost_source="none")])
    beside = store.summary(UsageQuery())
    assert (beside.cost_nano, beside.unpriced_requests) == (None, 1)


@pytest.mark.parametrize("kind", UNKNOWN_USE)
def test_what_nothing_tells_the_use_of_is_unpriced_and_never_zero(store: UsageStore, kind: str) -> None:
    store.insert_history([unmeasured(0, conversation_id="c", **UNKNOWN_USE[kind])])
    of_rows = UsageQuery(start_us=BASE_US, end_us=BASE_US + 1)
    for query in (UsageQuery(), UsageQuery(model=("gpt-5",), key=("laptop",)), of_rows):
        alone = store.summary(query)
        assert (alone.requests, alone.cost_nano, alone.unpriced_requests) == (1, None, 1)
    (model,) = store.breakdown(UsageQuery(), "model").rows
    assert (model.value, model.summary.cost_nano, model.summary.unpriced_requests) == ("gpt-5", None, 1)
    store.settle(BASE_US + 40 * DAY_US)
    (conversation,) = store.conversations(UsageQuery(), "unpriced_requests").rows
    assert (conversation.summary.cost_nano, conversation.summary.unpriced_requests) == (None, 1)
    store.insert_history([record(1, cost_nano=7)])
    both = store.summary(UsageQuery())
    assert (both.cost_nano, both.unpriced_requests) == (7, 1)
    assert store.check() == []


@pytest.mark.parametrize("kind", NO_USE)
def test_what_is_known_to_have_used_nothing_lacks_no_price(store: UsageStore, kind: str) -> None:
    store.insert_history([unmeasured(0, **NO_USE[kind])])
    for query in (UsageQuery(), UsageQuery(start_us=BASE_US, end_us=BASE_US + 1)):
        alone = store.summary(query)
        assert (alone.requests, alone.cost_nano, alone.unpriced_requests) == (1, 0, 0)
    assert store.check() == []


@pytest.mark.parametrize("filters", [UsageQuery(), UsageQuery(client=("cli",))], ids=["buckets", "rows"])
def test_what_was_free_and_used_nothing_hides_no_missing_price(store: UsageStore, filters: UsageQuery) -> None:
    free = record(0, cost_nano=0, cost_source="list", usage_source="none", client="cli")
    store.insert_history([free, record(1, cost_nano=None, cost_source="none", client="cli")])
    both = store.summary(filters)
    assert (both.cost_nano, both.unpriced_requests) == (0, 1)


def test_an_explicit_zero_is_a_zero_and_a_missing_count_is_none(store: UsageStore) -> None:
    store.insert_history([record(0, input_tokens=0, output_tokens=None)])
    summary = store.summary(UsageQuery())
    assert (summary.input_tokens, summary.output_tokens, summary.cached_tokens) == (0, None, None)


def test_errors_are_errors_and_interruptions(store: UsageStore) -> None:
    outcomes = ("ok", "error", "aborted", "interrupted")
    store.insert_history([record(number, outcome=outcome) for number, outcome in enumerate(outcomes)])
    assert store.summary(UsageQuery()).errors == 2


def test_percentiles_are_those_that_they_are_named_after() -> None:
    rows = [record(n, latency_us=n * 10_000, ttft_us=n * 1000, model=f"m{n % 2}") for n in range(1, 201)]
    with stored(rows) as store:
        summary = store.summary(UsageQuery())
        for found, ms in ((summary.latency_ms, 10), (summary.ttft_ms, 1)):
            assert found.avg == pytest.approx(100.5 * ms)
            told = (found.p50, found.p95, found.p99)
            # Within the histogram's five per cent.
            assert all(
                value == pytest.approx(rank * ms, rel=0.05) for value, rank in zip(told, (100, 190, 198), strict=True)
            )
        # Filters by two dimensions are answered from another table.
        filtered = store.summary(UsageQuery(model=("m1",), provider=("openai",)))
        assert filtered.latency_ms.p95 == pytest.approx(1900, rel=0.05)


def test_one_request_is_its_own_percentiles(store: UsageStore) -> None:
    store.insert_history([record(0, latency_us=1_001_000, ttft_us=None)])
    for query in (UsageQuery(), UsageQuery(model=("gpt-5",)), UsageQuery(provider=("openai",), model=("gpt-5",))):
        told = store.summary(query).latency_ms
        assert (told.avg, told.p50, told.p95, told.p99) == (1001.0,) * 4
    assert store.summary(UsageQuery()).ttft_ms == Distribution()


def test_generation_speed_leaves_out_the_wait_for_the_first_token_of_streams(store: UsageStore) -> None:
    store.insert_history(
        [
            record(0, streamed=True, output_tokens=100, latency_us=3_000_000, ttft_us=1_000_000),
            record(1, streamed=False, output_tokens=100, latency_us=2_000_000, ttft_us=1_999_000),
            record(2, streamed=True, output_tokens=None, latency_us=9_000_000, ttft_us=1),
            record(3, output_tokens=50, latency_us=None),
        ]
    )
    assert store.summary(UsageQuery()).tokens_per_s == 50.0


def varied(number: int) -> ExchangeRecord:
    """One of some whose dimensions all differ from one another in which requests have which value."""

    def of(*values: Any) -> Any:
        return values[number * 7 // (len(values) + 1) % len(values)]

    cost = of(None, 5, 70, 900, 11_000)
    return record(
        number,
        started_us=BASE_US + number * 41 * 60_000_000,
        provider=of("openai", "xai", None),
        model=of("gpt-5", "grok", "o3", None),
        key=of("laptop", "server"),
        principal=of("ada", None, None, "cy", "ada"),
        end_user=(None, "bob", "eve")[number * number % 3],
        door=of("anthropic", "openai_chat", "gemini", "gemini", "anthropic"),
        client=("codex", None, "curl", "curl")[number * 5 % 11 % 4],
        app=("notebook", "shop", None)[number * 3 % 7 % 3],
        conversation_id=of("c1", "c2", None, "c3", "c3", "c1"),
        outcome=("ok", "error", "aborted", "ok", "interrupted")[number * 3 % 13 % 5],
        tags=tuple(tag for bit, tag in enumerate(TAGS) if number * 11 % 31 >> bit & 1),
        input_tokens=of(100, 2000, None),
        cached_tokens=number * 3 % 5,
        cache_write_tokens=of(None, 3, 1, None),
        reasoning_tokens=number * 2 % 3,
        output_tokens=of(10 + number, None, 10 + number, 10 + number),
        overhead_us=of(None, 900, 40, 7000),
        usage_source=("provider", "partial", "estimated", "provider")[number * 5 % 9 % 4],
        cost_nano=cost,
        cost_source="none" if cost is None else ("list", "override", "provider")[number % 3],
        streamed=number % 3 == 0,
        latency_us=1_000_000 + number * 77_777,
        ttft_us=of(None, 90_000, 700_000),
    )


VARIED = [varied(number) for number in range(110)]
FILTERS = (
    UsageQuery(),
    UsageQuery(provider=("xai",)),
    UsageQuery(model=("grok", "o3")),
    UsageQuery(key=("server",)),
    UsageQuery(user=("bob", "cy")),
    UsageQuery(door=("gemini",)),
    UsageQuery(client=("curl",)),
    UsageQuery(app=("shop",)),
    UsageQuery(outcome=("error", "interrupted")),
    UsageQuery(conversation=("c3", "c1")),
    UsageQuery(tags=(TagCondition(("team:a", "env:dev")),)),
    UsageQuery(tags=(TagCondition(("team:a",)), TagCondition(("env",)))),
    UsageQuery(tags=(TagCondition(("team:b", "urgent"), negated=True),)),
    UsageQuery(tags=(TagCondition(("env",), negated=True),)),
)


@pytest.fixture(scope="module", params=[False, True], ids=["as they come", "settled"])
def varied_store(request: pytest.FixtureRequest) -> Iterator[UsageStore]:
    with stored(VARIED) as store:
        if request.param:
            store.settle(VARIED[-1].started_us + 40 * DAY_US)
        yield store


@pytest.mark.parametrize("by", GROUPS)
def test_each_grouping_is_what_its_rows_say_alone_and_under_each_filter(varied_store: UsageStore, by: str) -> None:
    for query in FILTERS:
        groups: dict[str | None, list[ExchangeRecord]] = {}
        for each in VARIED:
            if matches(each, query):
                for value in values_by(each, by):
                    groups.setdefault(value, []).append(each)
        expected = {value: brute(members) for value, members in groups.items()}
        found = varied_store.breakdown(query, by)
        assert {row.value: row.summary for row in found.rows} == expected, query
        if by == "model":
            assert varied_store.summary(query) == brute([each for each in VARIED if matches(each, query)])
    assert by == "tag:no-such" or len({value for each in VARIED for value in values_by(each, by)}) > 1


@pytest.mark.parametrize("field", NUMBERS)
def test_each_number_is_compared_each_way(varied_store: UsageStore, field: str) -> None:
    known = sorted(number for each in VARIED if (number := number_of(each, field)) is not None)
    assert len(set(known)) > (field != "status")
    for compare in OPERATORS:
        for value in (known[0], known[len(known) // 2], known[-1]):
            query = UsageQuery(numbers=(NumberCondition(field, compare, value),))
            assert varied_store.request_count(query) == sum(matches(each, query) for each in VARIED), query


@pytest.mark.parametrize(
    "sort",
    [
        *("cost_usd", "requests", "errors", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens"),
        *("reasoning_tokens", "unpriced_requests", "tokens_per_s", "value"),
        *(f"{name}.{point}" for name in ("latency_ms", "ttft_ms") for point in ("avg", "p50", "p95", "p99")),
    ],
)
def test_a_breakdown_is_sorted_by_each_field(varied_store: UsageStore, sort: str) -> None:
    """Largest first and unknown last; by value in the order of letters."""
    if sort == "value":
        named = [row.value for row in varied_store.breakdown(UsageQuery(), "user", sort=sort).rows]
        assert named == [*sorted(filter(None, named)), None]
        return
    field, _, point = sort.partition(".")
    found = [row.summary for row in varied_store.breakdown(UsageQuery(), "conversation", sort=sort).rows]
    said = [getattr(summary, "cost_nano" if field == "cost_usd" else field) for summary in found]
    numbers = [getattr(each, point) for each in said] if point else said
    known = [number for number in numbers if number is not None]
    assert numbers == sorted(known, reverse=True) + [None] * (len(numbers) - len(known))
    assert len(set(known)) > 1


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("cost_usd", ["dear", "cheap", "unpriced"]),
        ("output_tokens", ["unpriced", "cheap", "dear"]),
        ("latency_ms", ["cheap", "dear", "unpriced"]),
        ("latency_ms.p95", ["cheap", "dear", "unpriced"]),
        ("value", ["cheap", "dear", "unpriced"]),
        ("requests", ["unpriced", "cheap", "dear"]),
    ],
)
def test_breakdowns_sort_by_any_field_largest_first_and_unknown_last(
    store: UsageStore, sort: str, order: list[str]
) -> None:
    store.insert_history(
        [
            record(0, model="cheap", cost_nano=1, output_tokens=2, latency_us=9_000_000),
            record(1, model="dear", cost_nano=10**12, output_tokens=1, latency_us=1_000_000),
            record(2, model="unpriced", cost_nano=None, output_tokens=3, latency_us=None),
            record(3, model="unpriced", cost_nano=None, output_tokens=3, latency_us=None),
        ]
    )
    assert [row.value for row in store.breakdown(UsageQuery(), "model", sort=sort).rows] == order
    assert len(store.breakdown(UsageQuery(), "model", sort=sort, limit=2).rows) == 2


def test_rows_overlap_only_where_a_request_has_several_values(store: UsageStore) -> None:
    store.insert_history([record(0, tags=("team:a", "env:dev")), record(1, tags=("team:b",))])
    assert not store.breakdown(UsageQuery(), "tag:team").overlapping
    assert store.breakdown(UsageQuery(), "tag").overlapping
    store.insert_history([record(2, tags=("team:a", "team:b"))])
    assert store.breakdown(UsageQuery(), "tag:team").overlapping
    assert not store.breakdown(UsageQuery(), "model").overlapping


def test_what_did_a_feature_cost_per_month_by_team_is_one_call(store: UsageStore) -> None:
    month = 31 * 86_400
    store.insert_history(
        [
            record(0, tags=("feature:code-review", "team:a"), cost_nano=5),
            record(1, tags=("feature:code-review", "team:b"), cost_nano=7),
            record(2, tags=("feature:search", "team:a"), cost_nano=100),
            record(month, tags=("feature:code-review", "team:a"), cost_nano=11),
        ]
    )
    query = UsageQuery(tags=(TagCondition(("feature:code-review",)),), tz="Asia/Kolkata")
    found = store.timeseries(query, "month", "tag:team")
    assert [(bucket.value, bucket.summary.cost_nano) for bucket in found] == [("a", 5), ("b", 7), ("a", 11), ("b", 0)]


@pytest.mark.parametrize(
    ("ask", "param"),
    [
        (lambda store: store.breakdown(UsageQuery(), "colour"), "by"),
        (lambda store: store.breakdown(UsageQuery(), "tag:"), "by"),
        (lambda store: store.breakdown(UsageQuery(), "model", sort="shoe_size"), "sort"),
        (lambda store: store.timeseries(UsageQuery(), "hour", "started_us"), "by"),
        (lambda store: store.timeseries(UsageQuery(), "fortnight"), "bucket"),
        (lambda store: store.timeseries(UsageQuery(tz="Mars/Olympus"), "day"), "tz"),
        (lambda store: store.timeseries(UsageQuery(start_us=0, end_us=10 * DAY_US * 365), "hour"), "bucket"),
    ],
)
def test_a_question_that_makes_no_sense_is_the_clients_fault(store: UsageStore, ask, param: str) -> None:  # type: ignore[no-untyped-def]
    store.insert_history([record(0)])
    with pytest.raises(ClientError) as caught:
        ask(store)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE requests; --", '"', "%", "a' OR '1'='1", "\0", "\ud800", "[1]", "🙂"]
)
def test_no_text_of_a_client_becomes_sql(store: UsageStore, text: str) -> None:
    store.insert_history([record(0)])
    for name in DIMENSIONS:
        assert store.summary(UsageQuery(**{name: (text,)})).requests == 0
    for negated in (False, True):
        query = UsageQuery(tags=(TagCondition((text, f"{text}:x"), negated=negated),))
        assert store.summary(query).requests == int(negated)
    for by in (f"tag:{text}", text):
        try:
            store.breakdown(UsageQuery(), by)
        except ClientError:
            assert by == text
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM requests").fetchone() == (1,)


@pytest.mark.parametrize(("operator", "value"), [("<", 300), ("<=", 0), ("=", 0), (">=", 0)])
def test_a_status_that_nobody_answered_is_unknown_and_never_matches(
    store: UsageStore, operator: str, value: int
) -> None:
    store.insert_history([record(0, status=0, outcome="interrupted"), record(1, status=200)])
    query = UsageQuery(numbers=(NumberCondition("status", operator, value),))
    found = [row.status for row in store.iter_requests(query)]
    assert found == ([] if value == 0 and operator != ">=" else [200])
    assert store.summary(query).requests == store.request_count(query) == len(found)


@pytest.mark.parametrize("text", ["gpt-5\0", "gpt-5\0 of another", "\ud800"])
def test_a_text_that_no_row_can_hold_finds_none(store: UsageStore, text: str) -> None:
    store.insert_history([record(0, model="gpt-5", conversation_id="gpt-5", tags=("gpt-5",))])
    for query in (
        UsageQuery(model=(text,)),
        UsageQuery(conversation=(text,)),
        UsageQuery(tags=(TagCondition((text,)),)),
        UsageQuery(text=(text,)),
    ):
        assert store.summary(query).requests == 0
        assert list(store.iter_requests(query)) == []


@pytest.mark.parametrize("word", ["ünal", "ÜNAL", "Ü", "иван", "strasse", "STRASSE", "straße"])
def test_a_word_is_found_in_whichever_case_of_any_script(store: UsageStore, word: str) -> None:
    people = ("Ünal", "Иван Straße", "unal")
    store.insert_history([record(at, end_user=user, key="k") for at, user in enumerate(people)])
    found = [row.user for row in store.iter_requests(UsageQuery(text=(word,)))]
    assert found == [people[0] if "Ü" in word.upper() else people[1]]


@pytest.mark.parametrize("word", ["straße", "STRAẞE", "ﬆraße"])
def test_a_word_is_found_in_plain_letters_into_which_it_folds(store: UsageStore, word: str) -> None:
    store.insert_history([record(at, end_user=user, key="k") for at, user in enumerate(("Strasse", "Unal"))])
    assert [row.user for row in store.iter_requests(UsageQuery(text=(word,)))] == ["Strasse"]
    assert store.summary(UsageQuery(text=(word,))).requests == 1


@pytest.mark.parametrize("word", ["a" * 50_001, "%" * 30_000, "ü" * 40_000])
def test_a_word_that_is_longer_than_sqlites_patterns_is_held_by_no_name(store: UsageStore, word: str) -> None:
    store.insert_history([record(1, end_user="Ünal", model="a"), record(2, end_user="", model="")])
    assert list(store.iter_requests(UsageQuery(text=(word,)))) == []
