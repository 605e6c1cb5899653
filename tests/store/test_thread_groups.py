"""What comes one after the other shares transactions, the more so the more there is of it."""

from pathlib import Path
from threading import Thread
from time import sleep

import pytest

from gateway.store import thread_store
from gateway.store.thread_store import BUSY
from tests.store.tellings import by_turns, opened, put, told, user
from tests.waiting import wait_until


def test_where_several_came_others_are_waited_for_and_the_first_after_a_rest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_store, "GROUP_S", 0.0)
    monkeypatch.setattr(thread_store, "BUSY_GROUP_S", 60.0)
    commits: list[None] = []
    with opened(tmp_path, on_commit=lambda: commits.append(None)) as store:
        assert store.put(told(1, [user("alone")], "1"))
        wait_until(lambda: len(commits) == 1)
        store.change(lambda _, __: [store.put(told(10 + n, [user(f"{n}")], "many")) for n in range(BUSY)])
        wait_until(lambda: len(commits) == 3)
        for number in range(BUSY - 1):
            assert store.put(told(20 + number, [user(f"then {number}")], "few"))
            sleep(0.005)
        assert store.flush()
        assert len(commits) == 4
        assert store.put(told(30, [user("the last")], "1"))
        wait_until(lambda: len(commits) == 5)
        assert len(by_turns(store)) == 2 * BUSY + 1


@pytest.mark.parametrize("full", ["BATCH", "BATCH_BYTES"])
def test_nobody_is_waited_for_once_there_is_enough_for_a_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    monkeypatch.setattr(thread_store, "GROUP_S", 60.0)
    commits: list[None] = []
    with opened(tmp_path, on_commit=lambda: commits.append(None)) as store:
        monkeypatch.setattr(thread_store, full, 3 if full == "BATCH" else 10_000)
        for number in range(3):
            assert store.put(told(number, [user(f"{number}" * 4000)], "large"))
            # Or it would look for more only when all are there.
            sleep(0.02)
        wait_until(lambda: bool(commits), 5)


def test_nothing_waits_for_others_where_somebody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_store, "BUSY_GROUP_S", 60.0)
    with opened(tmp_path) as store:
        put(store, [told(n, [user(f"{n}")], "many") for n in range(BUSY)])
        put(store, [told(60, [user("one")], "1")])
        store.change(lambda *_: None)


def test_who_waits_for_more_than_a_transaction_takes_waits_for_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_store, "GROUP_S", 60.0)
    monkeypatch.setattr(thread_store, "BATCH", 3)
    flushed: list[bool] = []
    with opened(tmp_path) as store:
        waiting = Thread(target=lambda: flushed.append(store.flush(5)))

        def put_and_wait(*_: object) -> None:
            stored = [store.put(told(number, [user(f"{number}")], "1")) for number in range(7)]
            assert all(stored)
            waiting.start()
            # It waits already when the first of them are written.
            sleep(0.1)

        store.change(put_and_wait)
        waiting.join()
        assert flushed == [True]
