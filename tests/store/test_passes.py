"""What the state of a database stands in the way of is tried again; what cannot be written holds nobody back."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.records import ExchangeRecord
from gateway.store.commit import Committer
from gateway.store.database import passes
from gateway.store.placing import Placer
from gateway.store.usage import UsageStore
from tests.store.examples import record
from tests.store.tellings import opened, told, user

OVERFLOWS = "SELECT SUM(value) FROM json_each('[9223372036854775807, 1]')"


def error_of(work: Callable[[], Any]) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as raised:
        work()
    return raised.value


def test_which_errors_are_of_the_database(tmp_path: Path) -> None:
    damaged, sound = tmp_path / "damaged.db", tmp_path / "sound.db"
    damaged.write_bytes(b"no database" * 1000)
    with closing(sqlite3.connect(damaged)) as connection:
        assert passes(error_of(lambda: connection.execute("SELECT * FROM t")))
    with (
        closing(sqlite3.connect(sound, timeout=0, isolation_level=None)) as one,
        closing(sqlite3.connect(sound, timeout=0, isolation_level=None)) as other,
    ):
        one.execute("CREATE TABLE t (n INTEGER NOT NULL)")
        assert not passes(error_of(lambda: one.execute("INSERT INTO t VALUES (NULL)")))
        assert not passes(error_of(lambda: one.execute(OVERFLOWS).fetchall()))
        assert not passes(error_of(lambda: one.execute("INSERT INTO t VALUES (?)", (object(),))))
        other.execute("BEGIN EXCLUSIVE")
        assert passes(error_of(lambda: one.execute("INSERT INTO t VALUES (1)")))
    assert passes(sqlite3.OperationalError("of no code")) and not passes(OverflowError())


def test_a_row_that_the_database_cannot_work_out_holds_no_other_back(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Committer.commit

    def fails(committer: Committer, records: Sequence[ExchangeRecord]) -> int:
        if any(each.id == "req_1" for each in records):
            committer.connection.execute(OVERFLOWS).fetchall()
        return commit(committer, records)

    monkeypatch.setattr(Committer, "commit", fails)
    for number in range(3):
        store.end(record(number))
    assert store.flush(10)
    assert store.request("req_1") is None and store.request("req_0") and store.request("req_2")


def test_what_is_said_waits_for_a_database_that_reads_as_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, damaged = Placer.place, [sqlite3.DatabaseError("database disk image is malformed") for _ in range(2)]
    for error in damaged:
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    def fails(placer: Placer, telling: Any) -> None:
        if damaged:
            raise damaged.pop()
        place(placer, telling)

    monkeypatch.setattr(Placer, "place", fails)
    with opened(tmp_path) as store:
        store.put(told(0, [user("q")], "a"))
        assert store.flush(10) and not damaged and store.refused == 0
