"""How long the writer leaves a database alone that takes nothing, and what is said of it meanwhile."""

import logging
import sqlite3
from collections.abc import Sequence
from time import monotonic

import pytest

from gateway.records import ExchangeRecord
from gateway.store import writer
from gateway.store.commit import Committer
from gateway.store.usage import UsageStore
from gateway.store.writer import Writer
from tests.store.examples import record
from tests.waiting import wait_until


def test_pauses_double_up_to_five_seconds_and_begin_anew_after_what_was_written(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, left, pauses = Committer.commit, [0], list[float]()

    def commit(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        if left[0]:
            left[0] -= 1
            raise sqlite3.OperationalError("It cannot be written.")
        return real(self, records)

    def paused(self: Writer, seconds: float) -> bool:
        pauses.append(seconds)
        return True

    monkeypatch.setattr(Committer, "commit", commit)
    monkeypatch.setattr(Writer, "_pause", paused)
    caplog.set_level(logging.WARNING)
    for number, failures in enumerate((9, 2)):
        left[0] = failures
        store.end(record(number))
        assert store.flush()
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 0.05, 0.1]
    wait_until(lambda: len(caplog.messages) == 4)
    said = [message.partition(" (")[0] for message in caplog.messages]
    assert said == ["Usage cannot be stored now", "Usage is stored again."] * 2


def test_that_it_is_hindered_is_said_once_however_long_the_pauses_are(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, failures = Committer.commit, [sqlite3.OperationalError("It cannot be written.")] * 3

    def commit(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        if failures:
            raise failures.pop()
        return real(self, records)

    monkeypatch.setattr(Committer, "commit", commit)
    monkeypatch.setattr(writer, "LONGEST_PAUSE_S", writer.FIRST_PAUSE_S)
    caplog.set_level(logging.WARNING)
    store.end(record(1))
    assert store.flush()
    wait_until(lambda: store._meter.hindered is None)
    wait_until(lambda: len(caplog.messages) == 2)
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        "Usage cannot be stored now",
        "Usage is stored again.",
    ]


def test_what_waits_once_it_can_be_written_again_waits_for_nothing_else(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = Committer.commit, [sqlite3.OperationalError("It cannot be written.")]

    def commit(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        if failures:
            raise failures.pop()
        return real(self, records)

    monkeypatch.setattr(Committer, "commit", commit)
    store.end(record(1))
    assert store.flush()
    wait_until(lambda: store._meter.hindered is None)
    monkeypatch.setattr(writer, "GROUP_S", 60.0)
    store.end(record(2))
    assert [each.kind for each in store.completeness().differences] == ["waiting"]


def test_a_pause_lasts_as_long_as_it_is_to_and_ends_where_the_writer_is_to_end(store: UsageStore) -> None:
    began = monotonic()
    assert store._writer._pause(0.05)
    assert monotonic() - began >= 0.05
    assert store._writer.close(5.0)
    began = monotonic()
    assert not store._writer._pause(60.0)
    assert monotonic() - began < 30


def test_a_request_that_has_just_ended_is_found_at_once(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "GROUP_S", 30.0)
    ended, began = record(1), monotonic()
    store.end(ended)
    found = store.request(ended.id)
    assert found is not None and found.id == ended.id
    assert store.request("req_none") is None
    assert monotonic() - began < 2


class Hindered(sqlite3.OperationalError):
    def __init__(self, code: int) -> None:
        super().__init__("It cannot be written.")
        self.sqlite_errorcode = code


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_READONLY],
)
def test_a_disk_that_is_full_or_gone_is_not_waited_for_at_the_end(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Who logs out is not left ten seconds."""

    def commit(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        raise Hindered(code)

    monkeypatch.setattr(Committer, "commit", commit)
    monkeypatch.setattr(writer, "HOPELESS_S", 0.3)
    monkeypatch.setattr(writer, "FIRST_PAUSE_S", 60.0)
    store.end(record(1))
    wait_until(lambda: store._meter.hindered is not None)
    began = monotonic()
    assert not store._writer.close(60.0)
    assert monotonic() - began < 30


def test_a_disk_that_is_back_is_tried_once_more_at_the_end(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = Committer.commit, [Hindered(sqlite3.SQLITE_FULL)]

    def commit(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        if failures:
            raise failures.pop()
        return real(self, records)

    monkeypatch.setattr(Committer, "commit", commit)
    monkeypatch.setattr(writer, "FIRST_PAUSE_S", 60.0)
    monkeypatch.setattr(writer, "HOPELESS_S", 30.0)
    store.end(record(1))
    wait_until(lambda: store._meter.hindered is not None)
    assert store._writer.close(60.0)


def test_what_a_lock_keeps_back_is_waited_for_at_the_end(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    real, began = Committer.commit, monotonic()

    def commit(self: Committer, records: Sequence[ExchangeRecord]) -> int:
        if monotonic() - began < 1.5:
            raise Hindered(sqlite3.SQLITE_BUSY)
        return real(self, records)

    monkeypatch.setattr(Committer, "commit", commit)
    monkeypatch.setattr(writer, "HOPELESS_S", 0.1)
    store.end(record(1))
    assert store._writer.close(60.0)
