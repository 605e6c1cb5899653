"""A clean-up by a clock that was far ahead takes what it takes; what comes once the clock is right is all there."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from gateway.configuration.setting_values import Keep
from gateway.records import UsageQuery
from gateway.store.clean_up import newest_us
from gateway.store.kept import BUCKETS_FROM, ROWS_FROM, Kept, move
from gateway.store.quarters import QUARTER_US
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, HOUR_US, record
from tests.store.tellings import START_US, opened, put, session
from tests.store.test_repricing import doubled

AHEAD_US = BASE_US + 30_000 * DAY_US
MINUTE_US = 60_000_000
REQUESTS = {"requests": Keep(days=30), "buckets": Keep()}
BOTH = {"requests": Keep(days=30), "buckets": Keep(days=30)}


def come(store: UsageStore, name: str, minutes: Sequence[int]) -> None:
    store.insert_history(
        record(minute, id=f"{name}-{minute}", started_us=BASE_US + minute * MINUTE_US) for minute in minutes
    )


def ids(store: UsageStore) -> list[str]:
    return [each.id for each in store.iter_requests(UsageQuery())]


def test_what_comes_once_the_clock_is_right_is_listed_and_summed(store: UsageStore) -> None:
    come(store, "before", range(0, 200, 10))
    store.clean_up(REQUESTS, AHEAD_US)
    assert ids(store) == [] and store.summary(UsageQuery()).requests == 20
    # Within the quarter of the last that went, and after it.
    come(store, "after", range(192, 300, 6))
    assert ids(store) == [], "as far as it is known, they began when nothing was kept"
    store.clean_up(REQUESTS, BASE_US + 5 * HOUR_US)
    since = BASE_US + 195 * MINUTE_US
    assert store.kept() == Kept(rows_from_us=since) and since % QUARTER_US == 0
    assert ids(store) == [f"after-{minute}" for minute in reversed(range(198, 300, 6))]
    one = UsageQuery(model=("gpt-5",), key=("laptop",))
    assert store.summary(UsageQuery()).requests == store.summary(one).requests == 38
    assert store.check() == []
    assert store.preview_repricing(UsageQuery(start_us=since), doubled).examined == 17


def test_a_clean_up_that_was_ended_by_the_right_clock_keeps_what_it_had_not_reached(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.clean_up.FIRST_ENTRIES", 5)
    monkeypatch.setattr("gateway.store.clean_up.MOST_ENTRIES", 5)
    # However slow the machine: a step that takes long is followed by a smaller one.
    monkeypatch.setattr("gateway.store.clean_up.TARGET_S", 60.0)
    come(store, "before", range(0, 200, 10))
    store.clean_up(REQUESTS, AHEAD_US, lambda entries: entries < 10)
    assert store.sizes().requests == 10
    for _ in range(2):
        assert store.kept() == Kept(rows_from_us=BASE_US + 105 * MINUTE_US)
        assert ids(store) == [f"before-{minute}" for minute in reversed(range(110, 200, 10))]
        assert store.check() == []
        store.clean_up(REQUESTS, BASE_US + 5 * HOUR_US)


def test_where_buckets_went_too_they_are_there_from_the_next_hour_on(store: UsageStore) -> None:
    come(store, "before", range(0, 200, 10))
    store.clean_up(BOTH, AHEAD_US)
    come(store, "after", range(195, 600, 5))
    store.clean_up(BOTH, BASE_US + 10 * HOUR_US)
    assert store.kept() == Kept(BASE_US + 195 * MINUTE_US, BASE_US + 240 * MINUTE_US)
    assert ids(store) == [f"after-{minute}" for minute in reversed(range(195, 600, 5))]
    assert store.summary(UsageQuery()).requests == 81
    for by in ("model", "tag", "conversation"):
        (row,) = store.breakdown(UsageQuery(key=("laptop",)), by).rows
        assert row.summary.requests == 81
    assert store.check() == []
    store.rebuild()
    assert store.check() == [] and store.summary(UsageQuery()).requests == 81


def test_where_nothing_is_left_all_is_there_from_now_on(store: UsageStore) -> None:
    come(store, "before", range(0, 200, 10))
    store.clean_up(BOTH, AHEAD_US)
    store.clean_up(BOTH, BASE_US + 10 * HOUR_US)
    assert store.kept() == Kept(BASE_US + 10 * HOUR_US, BASE_US + 10 * HOUR_US)
    come(store, "after", range(600, 900, 10))
    assert len(ids(store)) == 30 and store.summary(UsageQuery()).requests == 30


def test_where_nothing_went_yet_all_is_there_from_the_first_request_on(store: UsageStore) -> None:
    """A clean-up says first what it takes, and may have ended before it took any."""
    come(store, "before", range(17, 200, 10))
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        for name in (ROWS_FROM, BUCKETS_FROM):
            move(connection, name, AHEAD_US)
    store.clean_up(BOTH, BASE_US + 5 * HOUR_US)
    assert store.kept() == Kept(BASE_US + QUARTER_US, BASE_US + HOUR_US)
    assert len(ids(store)) == store.summary(UsageQuery()).requests == 19
    assert store.check() == []


def test_a_time_that_is_not_to_come_stays(store: UsageStore) -> None:
    come(store, "before", range(0, 20_000, 100))
    keeps = {"requests": Keep(days=1), "buckets": Keep(days=3)}
    now_us = BASE_US + 10 * DAY_US
    store.clean_up(keeps, now_us)
    have = store.kept()
    assert have.rows_from_us is not None and have.buckets_from_us is not None
    # A clock that goes back some hours has no time to come in it yet.
    store.clean_up(keeps, now_us - 5 * HOUR_US)
    assert store.kept() == have


def test_what_happened_last_is_a_request_or_what_was_said(store: UsageStore) -> None:
    assert newest_us(store._folder) is None
    come(store, "a", range(10))
    assert store.newest_us() == BASE_US + 9 * MINUTE_US
    with opened(store._folder) as threads:
        put(threads, session("One?", "1."))
        # It counts when it was stored, which is now.
        assert (store.newest_us() or 0) > max(BASE_US, START_US) + 9 * MINUTE_US
