"""A question that nobody waits for any more stops, at the store and at the gateway, and the next one is answered."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.records import UsageQuery
from gateway.store.asking import Asking, was_stopped
from gateway.store.usage import UsageStore
from tests.store.examples import record
from tests.waiting import PATIENCE_S

# Would run for hours.
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"


def endless(store: UsageStore, began: threading.Event) -> None:
    with store._readers.snapshot() as connection:
        began.set()
        connection.execute(ENDLESS).fetchone()


@contextmanager
def asked(store: UsageStore, asking: Asking) -> Iterator[list[BaseException]]:
    """A question that runs in a thread of its own; what it raises, once the block is left."""
    began = threading.Event()
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            asking.ask(endless, store, began)
        except sqlite3.Error as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert began.wait(PATIENCE_S)
    yield raised
    thread.join(30)
    assert not thread.is_alive()


def test_a_dropped_question_stops_midway_and_its_connection_goes_on(store: UsageStore) -> None:
    store.insert_history([record(0), record(1)])
    asking = Asking()
    with asked(store, asking) as raised:
        asking.drop()
    assert [was_stopped(error) for error in raised] == [True]
    (connection,) = store._readers._idle
    assert store.summary(UsageQuery()).requests == 2
    assert store._readers._idle == [connection]


def test_what_was_dropped_before_it_began_does_not_run(store: UsageStore) -> None:
    asking = Asking()
    asking.drop()
    with pytest.raises(sqlite3.OperationalError) as caught:
        asking.ask(endless, store, threading.Event())
    assert was_stopped(caught.value)


def test_one_question_stops_and_the_one_beside_it_is_answered(store: UsageStore) -> None:
    store.insert_history([record(0)])
    left, stays = Asking(), Asking()
    with asked(store, left):
        assert stays.ask(store.summary, UsageQuery()).requests == 1
        left.drop()
        assert stays.ask(store.summary, UsageQuery()).requests == 1


def test_other_errors_are_not_taken_for_a_stop() -> None:
    assert not was_stopped(sqlite3.OperationalError("database is locked"))
    assert not was_stopped(ValueError())
