import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from gateway.records import ExchangeRecord, UsageQuery
from gateway.store.usage import UsageStore
from tests.store.examples import histories, record
from tests.store.test_queries import stored


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_buckets_equal_rows_and_rebuilding_changes_nothing(records: list[ExchangeRecord]) -> None:
    with stored(records, "Asia/Kathmandu") as store:
        before = store.breakdown(UsageQuery(), "model")
        assert store.check() == []
        store.rebuild()
        assert store.check() == []
        assert store.breakdown(UsageQuery(), "model") == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE buckets SET requests = requests + 1 WHERE dimension = 0 AND level = 0", "2 requests stored"),
        ("UPDATE buckets SET cost_nano = 0 WHERE dimension = 0 AND level = 1", "the sums differ"),
        ("UPDATE combined SET latency_us_histogram = x'' WHERE level = 2", "the sums differ"),
        ("DELETE FROM buckets WHERE dimension = 2 AND level = 2", "no bucket stored"),
        ("UPDATE combined SET start = start + 96 WHERE level = 2", "no rows counted"),
    ],
)
def test_a_difference_is_told_and_mended(store: UsageStore, damage: str, words: str) -> None:
    store.insert_history([record(0, tags=("team:a",))])
    store.combine()
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        connection.execute(damage)
    assert any(words in line for line in store.check())
    store.rebuild()
    assert store.check() == []
    assert store.summary(UsageQuery()).requests == 1


def test_a_new_zone_for_days_is_taken_up_when_buckets_are_made_anew(tmp_path: Path) -> None:
    records = [record(number * 3600) for number in range(100)]
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(records)
    store.close()
    store = UsageStore(tmp_path, day_zone="Europe/Berlin")
    store.start()
    query = UsageQuery(tz="Europe/Berlin")
    before = store.timeseries(query, "day")
    store.rebuild()
    assert store.check() == []
    assert store.timeseries(query, "day") == before
    store.insert_history([record(101 * 3600)])
    assert store.check() == []
    store.end(record(102 * 3600))
    store.flush()
    assert store.check() == []
    store.close()


def test_while_buckets_are_made_anew_new_rows_wait_and_none_is_lost(store: UsageStore) -> None:
    store.insert_history([record(number) for number in range(2000)])
    for number in range(2000, 2100):
        store.end(record(number))
    store.rebuild()
    assert store.flush()
    assert store.request_count(UsageQuery()) == 2100
    assert store.check() == []
