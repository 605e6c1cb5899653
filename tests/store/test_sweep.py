"""A sweep takes names and sets of tags that nothing refers to any more, and none that a row of any kind still needs."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.configuration.setting_values import Keep
from gateway.records import AttemptRecord, ExchangeRecord
from gateway.store.assigning import apps_assigned
from gateway.store.database import open_database, writing
from gateway.store.names import FIXED
from gateway.store.sweep import sweep
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, record

LATER_US = BASE_US + 30 * DAY_US
TRIED = (AttemptRecord(n=1, provider="tried", model="tried too", started_us=BASE_US, latency_us=1),)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.sweep.CHUNK_ROWS", 2)


def query(store: UsageStore, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        return connection.execute(statement).fetchall()


def names(store: UsageStore) -> set[str]:
    return {text for (text,) in query(store, "SELECT text FROM names")}


def add_names(store: UsageStore, *texts: str) -> None:
    for text in texts:
        query(store, f"INSERT INTO names (text) VALUES ('{text}')")


def swept(store: UsageStore, meanwhile: Callable[[], object] = lambda: None) -> int:
    """How many names went; `meanwhile` comes between each look and its deed."""
    with closing(open_database(store._folder / "usage.db")) as connection:

        def in_steps(take: Callable[[int], int]) -> int:
            meanwhile()
            taken = 0
            while True:
                with writing(connection):
                    more = take(2)
                if not more:
                    return taken
                taken += more

        return sweep(connection, in_steps, lambda: None, 0)


def take_all(store: UsageStore, requests: Keep) -> None:
    store.clean_up({"requests": requests, "buckets": Keep(days=1)}, LATER_US)


def test_what_rows_alone_refer_to_stays(store: UsageStore) -> None:
    records = [record(n, model_requested=f"asked {n}", tags=(f"number:{n}",)) for n in range(5)]
    records.append(record(5, tags=("urgent",), attempts=TRIED))
    store.insert_history(records)
    take_all(store, Keep())
    add_names(store, "unused", "unused too", "unused as well", "the highest")
    before = names(store)
    assert swept(store) == 3
    assert names(store) == {name for name in before if not name.startswith("unused")}
    read = UsageStore(store._folder)
    read.start()
    assert [read.request(each.id) for each in records] == records
    read.close()


def test_the_highest_numbers_are_not_given_again(store: UsageStore) -> None:
    store.insert_history([record(n, tags=(f"number:{n}",)) for n in range(3)])
    take_all(store, Keep(days=1))
    highest = query(store, "SELECT (SELECT MAX(id) FROM names), (SELECT MAX(id) FROM tag_sets)")
    assert swept(store) > 0
    assert query(store, "SELECT (SELECT MAX(id) FROM names), (SELECT id FROM tag_sets)") == highest
    assert {"number:2", *FIXED} <= names(store) and not {"number:1", "gpt-5"} & names(store)


def test_what_is_referred_to_again_between_the_look_and_the_deed_stays(store: UsageStore) -> None:
    store.insert_history([record(n, tags=(f"number:{n}",), model_requested="asked") for n in range(4)])
    take_all(store, Keep(days=1))

    def coming() -> Iterator[ExchangeRecord]:
        """Before sets go that nothing refers to, and before names do. The writer knows the numbers of all of them."""
        yield record(0, id="first", started_us=LATER_US, tags=("number:1",))
        yield record(0, id="second", started_us=LATER_US, tags=("number:0",), model_requested="asked")

    came = coming()
    swept(store, lambda: store.insert_history([next(came)]))
    assert [store.request(id) for id in ("first", "second")] == list(coming())
    assert {"number:0", "number:1", "asked"} <= names(store) and "number:2" not in names(store)


def test_an_app_that_is_learnt_of_an_old_row_between_the_look_and_the_deed_stays(store: UsageStore) -> None:
    """Its name stands there from before, and nothing had it any more when all was looked through."""
    store.insert_history([record(n) for n in range(4)])
    add_names(store, "the app", "unused", "the highest")

    def learn() -> None:
        store.assign(record(0).id, app="the app")
        assert store.flush()

    assert swept(store, learn) == 2
    assert "the app" in names(store) and "unused" not in names(store)
    found = store.request(record(0).id)
    assert found is not None and found.app == "the app" and store.check() == []


def test_of_apps_that_are_learnt_one_after_another_the_latest_are_kept_in_mind(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.assigning._MOST_NOTED", 4)
    store.insert_history([record(0)])
    for app in ("a", "b", "a", "c", "d", "a", "e", "b"):
        store.assign(record(0).id, app=app)
        assert store.flush()
    with closing(open_database(store._folder / "usage.db")) as connection:
        noted = apps_assigned(connection)
    called = dict(query(store, "SELECT id, text FROM names"))
    assert [called[number] for number in noted] == ["d", "a", "e", "b"]
    assert store.check() == []


def test_names_are_looked_for_again_once_they_have_doubled(store: UsageStore) -> None:
    store.insert_history([record(0)])
    swept(store)
    left = len(names(store))
    add_names(store, *(f"unused {n}" for n in range(left - 1)))
    assert swept(store) == 0
    add_names(store, "the highest")
    assert swept(store) == left - 1 and len(names(store)) == left + 1
