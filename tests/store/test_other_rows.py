"""What a breakdown with a limit does not list is told together, and all of it adds up to the whole."""

import pytest

from gateway.records import BreakdownRow, OtherRows, UsageQuery
from gateway.store.usage import UsageStore
from tests.store.examples import record

COSTS = {"a": 500, "b": 400, "c": 300, None: 200, "d": 100}


@pytest.fixture
def users(store: UsageStore) -> UsageStore:
    """Twice each user with a latency of their own, in seconds."""
    for number, (user, cost) in enumerate(COSTS.items()):
        for again in (0, 10):
            latency_us = 1_000_000 * (number + 1)
            store.end(record(number + again, end_user=user, cost_nano=cost, latency_us=latency_us))
    assert store.flush()
    return store


def rows_of(store: UsageStore) -> tuple[BreakdownRow, ...]:
    return store.breakdown(UsageQuery(), "user").rows


def test_the_rest_is_told_together(users: UsageStore) -> None:
    found = users.breakdown(UsageQuery(), "user", limit=2, others=True)
    assert found.rows == rows_of(users)[:2] and [row.value for row in found.rows] == ["a", "b"]
    others = found.others
    assert others is not None and (others.values, others.most_nano) == (3, 600)
    whole = users.summary(UsageQuery())
    for name in ("requests", "cost_nano", "input_tokens"):
        assert getattr(others.summary, name) + sum(getattr(row.summary, name) for row in found.rows) == getattr(
            whole, name
        )
    assert others.summary.latency_ms.avg == 4000
    median = others.summary.latency_ms.p50
    assert median is not None and 3800 < median < 4200


def test_values_are_told_apart_and_the_rest_together(users: UsageStore) -> None:
    found = users.breakdown(UsageQuery(), "user", only=("d", None, "unheard-of"), others=True)
    assert [row.value for row in found.rows] == [None, "d"]
    assert found.others is not None and (found.others.values, found.others.summary.cost_nano) == (3, 2400)


@pytest.mark.parametrize("limit", [5, 6, None])
def test_where_all_is_listed_there_are_no_others(users: UsageStore, limit: int | None) -> None:
    found = users.breakdown(UsageQuery(), "user", limit=limit, others=True)
    assert (found.rows, found.others) == (rows_of(users), None)


def test_others_are_told_only_where_they_are_asked_for(users: UsageStore) -> None:
    found = users.breakdown(UsageQuery(), "user", limit=1)
    assert (len(found.rows), found.others) == (1, None)
    assert isinstance(users.breakdown(UsageQuery(), "user", limit=1, others=True).others, OtherRows)
