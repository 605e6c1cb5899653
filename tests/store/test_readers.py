"""Connections that read are kept while they are needed, and closed once they have not been for a while."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gateway.store.database import WRITERS_CACHE_KIB, Readers, open_database, readers_kib


@pytest.fixture
def readers(tmp_path: Path) -> Readers:
    path = tmp_path / "some.db"
    with closing(open_database(path)) as connection:
        connection.execute("CREATE TABLE t (n INTEGER)")
        connection.execute("INSERT INTO t VALUES (7)")
    return Readers(path)


def ask(readers: Readers, at_once: int) -> list[sqlite3.Connection]:
    """The connections that answer so many questions at the same time."""
    with ExitStack() as stack:
        connections = [stack.enter_context(readers.snapshot()) for _ in range(at_once)]
        assert [one.execute("SELECT n FROM t").fetchall() for one in connections] == [[(7,)]] * at_once
    return connections


def is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


def test_connections_that_nobody_needed_since_the_last_time_are_closed(readers: Readers) -> None:
    three = ask(readers, 3)
    readers.let_go()
    assert not any(map(is_closed, three)), "they were needed since"
    (one,) = ask(readers, 1)
    readers.let_go()
    assert [connection for connection in three if not is_closed(connection)] == [one]
    assert one in ask(readers, 2), "what stays is used again, and more is opened as it is needed"
    readers.let_go()
    readers.let_go()
    assert is_closed(one)
    assert len(ask(readers, 1)) == 1
    readers.close()


def test_a_connection_that_answers_just_then_is_not_closed(readers: Readers) -> None:
    ask(readers, 2)
    readers.let_go()
    with readers.snapshot() as connection:
        readers.let_go()
        readers.let_go()
        assert connection.execute("SELECT n FROM t").fetchall() == [(7,)]
    assert not is_closed(connection)
    readers.close()


@pytest.mark.parametrize(
    ("writers", "each_reader"),
    [(WRITERS_CACHE_KIB, 6_000), (WRITERS_CACHE_KIB // 2, 6_000), (6_000, 2_400), (3_000, 2_000)],
)
def test_where_a_writer_keeps_little_each_reader_does(tmp_path: Path, writers: int, each_reader: int) -> None:
    (tmp_path / "some.db").touch()
    readers = Readers(tmp_path / "some.db", readers_kib(writers))
    with readers.snapshot() as connection:
        assert connection.execute("PRAGMA cache_size").fetchone() == (-each_reader,)
    readers.close()
