"""What hinders the store of conversations is said while it lasts: what waits in memory would be lost with the end."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Timer
from time import monotonic

import pytest

from gateway.store import thread_store
from gateway.store.meter import REASONS
from tests.store.tellings import opened, told, user
from tests.waiting import wait_until


def test_a_database_that_was_moved_is_told_until_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_store, "LONGEST_PAUSE_S", 0.1)
    path, away = tmp_path / "traces.db", tmp_path / "away.db"
    with opened(tmp_path) as store:
        store.put(told(0, [user("a")], "x"))
        assert store.flush() and store.hindered == {}
        os.rename(path, away)
        store.put(told(1, [user("b")], "x"))
        wait_until(lambda: store.hindered == {"content_moved": 1}, what="The reason")
        os.rename(away, path)
        assert store.flush() and store.hindered == {}


def test_a_database_that_another_program_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_store, "LONGEST_PAUSE_S", 0.1)
    with opened(tmp_path) as store:
        store.change(lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
        with closing(sqlite3.connect(tmp_path / "traces.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.put(told(0, [user("a")], "x"))
            store.put(told(1, [user("b")], "x"))
            wait_until(lambda: store.hindered == {"content_locked": 2}, what="The reason")
        assert store.flush() and store.hindered == {}


def test_that_it_is_hindered_is_logged_once_however_long_the_pauses_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread_store, "LONGEST_PAUSE_S", thread_store.FIRST_PAUSE_S)
    rests: list[float] = []
    monkeypatch.setattr(thread_store.ThreadStore, "_rest", lambda self, pause: rests.append(pause))
    caplog.set_level(logging.WARNING)
    with opened(tmp_path) as store:
        store.change(lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
        with closing(sqlite3.connect(tmp_path / "traces.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.put(told(0, [user("a")], "x"))
            wait_until(lambda: len(rests) > 2, what="Attempts")
        assert store.flush()
    assert len([said for said in caplog.messages if "cannot be stored now" in said]) == 1


def test_a_database_that_is_gone_is_not_waited_for_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread_store, "HOPELESS_S", 0.3)
    monkeypatch.setattr(thread_store, "FIRST_PAUSE_S", 60.0)
    with opened(tmp_path) as store:
        os.rename(tmp_path / "traces.db", tmp_path / "away.db")
        store.put(told(0, [user("a")], "x"))
        wait_until(lambda: store.hindered == {"content_moved": 1}, what="The reason")
        began = monotonic()
        store.close(60.0)
        assert monotonic() - began < 30
    assert "1 exchanges' content was not stored before the end." in caplog.messages


def test_what_another_program_keeps_back_is_waited_for_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread_store, "HOPELESS_S", 0.1)
    with opened(tmp_path) as store:
        store.change(lambda connection, _: connection.execute("PRAGMA busy_timeout = 20"))
        other = sqlite3.connect(tmp_path / "traces.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        store.put(told(0, [user("a")], "x"))
        wait_until(lambda: store.hindered == {"content_locked": 1}, what="The reason")
        Timer(1.5, other.close).start()
        store.close(60.0)
    assert not [said for said in caplog.messages if "was not stored" in said]


def test_each_hindrance_has_its_sentence() -> None:
    kinds = {reason.kind for reason in REASONS}
    assert {f"content_{name}" for name in ("locked", "full", "failing", "moved")} <= kinds
