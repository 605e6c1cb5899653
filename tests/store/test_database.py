"""Who waits for the write lock asks for it often, and for as long as the connection waits for any."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store import database
from gateway.store.database import open_database, writing


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """It holds the lock of a database."""
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE some (n INTEGER)")
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def timeout_ms(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA busy_timeout").fetchone()[0])


def test_a_lock_that_is_free_again_is_had_within_a_hundredth_of_a_second(
    holder: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 40:
            holder.execute("COMMIT")

    monkeypatch.setattr(database, "sleep", sleep)
    with closing(open_database(tmp_path / "some.db", busy_timeout_s=5)) as connection:
        with writing(connection):
            assert timeout_ms(connection) == 5000
            connection.execute("INSERT INTO some VALUES (1)")
        assert slept == [0.01] * 40
        assert connection.execute("SELECT n FROM some").fetchall() == [(1,)]


@pytest.mark.parametrize("timeout", [0, 30])
def test_a_lock_that_stays_is_waited_for_as_long_as_the_connection_waits(
    holder: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timeout: int
) -> None:
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(database, "sleep", sleep)
    monkeypatch.setattr(database, "monotonic", lambda: now)
    with closing(open_database(tmp_path / "some.db", busy_timeout_s=timeout / 1000)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked"), writing(connection):
            pytest.fail("It has no lock.")
        assert now == pytest.approx(100 + timeout / 1000) and timeout_ms(connection) == timeout
        holder.execute("COMMIT")
        with writing(connection):
            connection.execute("INSERT INTO some VALUES (1)")


def test_what_no_waiting_mends_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "sleep", lambda _seconds: pytest.fail("It waits."))
    (tmp_path / "some.db").write_bytes(b"no database at all, but long enough to be taken for one" * 50)
    connection = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    with closing(connection), pytest.raises(sqlite3.DatabaseError, match="not a database"), writing(connection):
        pytest.fail("There is no database.")
    with (
        closing(open_database(tmp_path / "other.db")) as connection,
        writing(connection),
        pytest.raises(sqlite3.OperationalError, match="within a transaction"),
        writing(connection),
    ):
        pytest.fail("It is in one already.")
