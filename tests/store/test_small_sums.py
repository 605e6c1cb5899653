"""Sums of many values at once are small: their histograms stay as they are stored until they are added up."""

import pytest

from gateway.records import UsageQuery
from gateway.store.measures import IN_BUCKETS, IN_PAIRS, Sums
from gateway.store.packed_bins import encode
from gateway.store.plan import source_of
from gateway.store.queries import _gather, _whole_time
from gateway.store.settling import settle
from gateway.store.sums import _apart, _finder
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, record

DAY_US = 86_400_000_000
USERS, ROWS = 20, 600


@pytest.mark.parametrize("settled", [False, True])
def test_a_table_of_users_holds_no_histogram_apart(store: UsageStore, settled: bool) -> None:
    store.insert_history(
        record(
            number,
            id=f"req_{number}",
            started_us=BASE_US + number * 7 * DAY_US // ROWS,
            principal=f"user-{number % USERS}",
            latency_us=1000 + number * 977,
            ttft_us=500 + number * 311,
        )
        for number in range(ROWS)
    )
    store.combine()
    if settled:
        settle(store._folder / "usage.db", BASE_US + 40 * DAY_US, lambda _: True)
    with store._readers.snapshot() as connection:
        query = UsageQuery()
        table = _gather(connection, query, "user", _whole_time(connection, query), source_of)
    assert len(table) == USERS
    for sums in table.values():
        assert isinstance(sums._latency, bytes) and isinstance(sums._ttft, bytes)
        assert sums._stored is (IN_PAIRS if settled else IN_BUCKETS)
        told = sums.summary()
        assert told == Sums(sums.values, dict(sums.latency), dict(sums.ttft)).summary()
        assert told == sums.summary() == sums.packed().summary()


def test_what_is_packed_already_is_left_as_it_is() -> None:
    packed = Sums(latency=encode({1: 2}), ttft=b"")
    assert packed.packed() is packed
    again = Sums(latency={1: 2}).packed()
    assert (again._latency, again._ttft) == (packed._latency, b"") and again._stored is IN_PAIRS


def test_a_moment_is_of_the_range_that_holds_it_and_of_none_between_two() -> None:
    slice_at = _finder([(7, 10, 20), (8, 20, 30), (9, 40, 50)])
    moments = (9, 10, 19, 20, 29, 30, 39, 40, 49, 50)
    assert [slice_at(us) for us in moments] == [None, 7, 7, 8, 8, None, None, 9, 9, None]


def test_ranges_that_overlap_are_asked_apart_and_those_that_meet_together() -> None:
    assert _apart([(3, 20, 40), (1, 0, 10), (2, 10, 30), (4, 30, 50), (5, 35, 45)]) == [
        [(1, 0, 10), (2, 10, 30), (4, 30, 50)],
        [(3, 20, 40)],
        [(5, 35, 45)],
    ]
