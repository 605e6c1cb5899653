"""Pairs that were counted before sums said how many prices are doubtful go on telling, but for what has such prices."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gateway.records import UsageQuery
from gateway.store.measures import MEASURES
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, record
from tests.store.test_pairs import LATER_US, assert_rows_say_the_same, marks, settled

DAYS = 38
# Days of April 2026 with a doubtful price.
DOUBTFUL = (10, 11, 12)
_AS_IT_WAS = """
    UPDATE pairs SET sums = before(sums);
    ALTER TABLE buckets DROP COLUMN price_fuzzy;
    ALTER TABLE combined DROP COLUMN price_fuzzy;
    ALTER TABLE requests DROP COLUMN by_medium;
    DELETE FROM _sqlite_migrations WHERE name >= 'm011';
"""


def before(sums: bytes) -> bytes:
    measures = msgspec.msgpack.decode(sums)
    assert len(measures) == len(MEASURES)
    return msgspec.msgpack.encode(measures[: MEASURES.index("price_fuzzy")])


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[UsageStore]:
    """All was settled before the step: the days, and the months from March to May."""
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(
        record(
            number * 86_400,
            id=f"req_{number}",
            model=("gpt-5", "grok")[number % 3 == 0],
            app="notebook",
            price_fuzzy=number in DOUBTFUL,
        )
        for number in range(DAYS)
    )
    settled(store)
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection, connection:
        connection.create_function("before", 1, before)
        connection.executescript(_AS_IT_WAS)
    store = UsageStore(tmp_path)
    store.start()
    yield store
    store.close()


def test_only_what_has_doubtful_prices_is_settled_again(migrated: UsageStore) -> None:
    assert marks(migrated) == [(2, DAYS - len(DOUBTFUL)), (4, 2)]
    assert migrated.check() == []
    year = UsageQuery(app=("notebook",), start_us=BASE_US, end_us=BASE_US + 50 * DAY_US)
    for query in (UsageQuery(), UsageQuery(model=("grok",)), year):
        assert_rows_say_the_same(migrated, query, "model")
    assert migrated.summary(year).price_fuzzy_requests == len(DOUBTFUL)
    assert settled(migrated, LATER_US) == len(DOUBTFUL) + 1
    assert migrated.check() == []
    assert_rows_say_the_same(migrated, year, "model")


def test_a_month_adds_up_days_of_before_and_since(migrated: UsageStore) -> None:
    """Another row unsettles a day of May."""
    migrated.insert_history([record(35 * 86_400, id="late", app="notebook", price_fuzzy=True)])
    settled(migrated)
    assert migrated.check() == []
    query = UsageQuery(app=("notebook",), start_us=BASE_US + 30 * DAY_US, end_us=BASE_US + 42 * DAY_US)
    assert_rows_say_the_same(migrated, query, "model")
    assert migrated.summary(query).price_fuzzy_requests == 1
