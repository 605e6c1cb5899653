"""What a row tells of the speed at which its answer was generated, and what people read of sums."""

import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from gateway.records import Distribution, Summary
from gateway.store.histogram import bin_of
from gateway.store.measures import MEASURES, RANKS, Sums, generation_us
from gateway.store.names import FIXED_IDS
from tests.store.examples import record


@pytest.mark.parametrize(
    ("streamed", "latency_us", "ttft_us", "expected"),
    [
        (True, 10, 4, 6),
        (True, 10, 9, 1),
        # One piece, which began to come when it was all there, or a clock that went back.
        (True, 10, 10, 10),
        (True, 10, 11, 10),
        (True, 10, None, 10),
        (False, 10, 4, 10),
        (True, 0, 0, None),
        (True, None, 4, None),
    ],
)
def test_an_answer_is_generated_from_its_first_token_on_or_all_the_time(
    streamed: bool, latency_us: int | None, ttft_us: int | None, expected: int | None
) -> None:
    told = record(0, streamed=streamed, latency_us=latency_us, ttft_us=ttft_us)
    assert generation_us(told) == expected
    assert generation_us(record(0, streamed=streamed, latency_us=10, ttft_us=4, output_tokens=None)) is None


def read(**measures: int) -> Summary:
    return Sums([measures.get(name, 0) for name in MEASURES]).summary()


COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


@pytest.mark.parametrize("count", COUNTS)
def test_a_count_that_no_row_knows_is_unknown_and_one_of_no_rows_is_nought(count: str) -> None:
    assert getattr(read(), count) == 0
    assert getattr(read(requests=2), count) is None
    assert getattr(read(**{"requests": 2, f"{count}_known": 1}), count) == 0
    known = read(**{"requests": 2, count: 7, f"{count}_known": 1})
    assert {name: getattr(known, name) for name in COUNTS} == {**dict.fromkeys(COUNTS), count: 7}


@pytest.mark.parametrize(
    ("requests", "priced", "without", "cost", "unpriced"),
    [
        (0, 0, 0, 0, 0),
        (3, 3, 0, 9, 0),
        # What used nothing needs no price.
        (3, 3, 3, 0, 0),
        (3, 2, 3, None, 1),
        (3, 1, 2, 9, 2),
        (3, 0, 3, None, 3),
    ],
)
def test_a_cost_is_unknown_where_nothing_has_one_and_something_lacks_it(
    requests: int, priced: int, without: int, cost: int | None, unpriced: int
) -> None:
    summary = read(
        requests=requests, priced=priced, cost_none=without, cost_list=requests - without, cost_nano=cost or 0
    )
    assert (summary.cost_nano, summary.unpriced_requests) == (cost, unpriced)
    assert summary.cost_sources["none"] == without and summary.cost_sources["list"] == requests - without


@pytest.mark.parametrize(
    ("costs", "rank"),
    [
        ([], None),
        (["refused"], 0),
        (["refused", "unpriced"], None),
        (["unpriced"], None),
        ([9, "unpriced"], 9),
        ([9, 0], 9),
    ],
)
def test_rows_are_ordered_by_the_cost_that_is_told_of_them(costs: list[Any], rank: int | None) -> None:
    """What used nothing cost nothing; of what has no price nobody knows it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE b (n, cost_nano, cost_source, usage_source, outcome, latency_us, provider)")
        connection.execute("CREATE TABLE attempts (request, status)")
        for n, cost in enumerate(costs):
            used, priced = cost != "refused", isinstance(cost, int)
            sources = FIXED_IDS["list" if priced else "none"], FIXED_IDS["provider" if used else "none"]
            row = (n, cost if priced else None, *sources, FIXED_IDS["ok" if used else "error"], 5, 99)
            connection.execute("INSERT INTO b VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        assert connection.execute(f"SELECT {RANKS['cost_usd']} FROM b").fetchone() == (rank,)


def test_times_are_told_in_milliseconds_and_as_they_are_distributed() -> None:
    durations = [ms * 1000 for ms in range(1, 101)]
    sums = Sums()
    # Half of the rows know when their first token came.
    values = {"requests": 100, "latency_us": sum(durations), "latency_us_known": 100}
    values |= {"ttft_us": sum(durations[:50]), "ttft_us_known": 50}
    sums.add(
        [values.get(name, 0) for name in MEASURES],
        Counter(map(bin_of, durations)),
        Counter(map(bin_of, durations[:50])),
    )
    for made in (sums, sums.packed()):
        summary = made.summary()
        assert _told(summary.latency_ms) == pytest.approx([50.5, 50, 95, 99], rel=0.06)
        assert _told(summary.ttft_ms) == pytest.approx([25.5, 25, 47.5, 49.5], rel=0.06)
    assert _told(read(requests=1).latency_ms) == [None] * 4


def _told(distribution: Distribution) -> list[float | None]:
    return [distribution.avg, distribution.p50, distribution.p95, distribution.p99]


def test_speed_is_that_of_rows_that_know_it() -> None:
    assert read(requests=3, generated_tokens=30, generation_us=2_000_000).tokens_per_s == 15
    assert read(requests=3).tokens_per_s is None
