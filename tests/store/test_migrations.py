import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from gateway.errors import FaregateError
from gateway.records import UsageQuery
from gateway.store.database import open_database
from gateway.store.migrations import STEPS, migrate
from gateway.store.names import FIXED, FIXED_IDS
from gateway.store.usage import UsageStore


def tables(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())


APPLIED = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'usage' ORDER BY id"


def test_steps_are_numbered_in_order_and_applied_once(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    with closing(open_database(path)) as connection:
        migrate(connection, path, day_zone="UTC")
        applied = connection.execute(APPLIED).fetchall()
        before = tables(connection)
        migrate(connection, path, day_zone="Europe/Berlin")
        assert connection.execute(APPLIED).fetchall() == applied
        assert tables(connection) == before
        assert connection.execute("SELECT value FROM settings WHERE name = 'day_zone'").fetchall() == [("UTC",)]
    assert [name[:5] for (name,) in applied] == [f"m{number:03d}_" for number in range(1, len(STEPS) + 1)]


def test_an_up_to_date_database_opens_while_another_process_writes(tmp_path: Path) -> None:
    first = UsageStore(tmp_path)
    first.start()
    first.close()
    with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reader = UsageStore(tmp_path)
        begin = monotonic()
        reader.start()
        assert reader.request_count(UsageQuery()) == 0
        reader.close()
        assert monotonic() - begin < 1


def test_a_newer_or_broken_database_is_said_so(tmp_path: Path) -> None:
    newer, broken = tmp_path / "newer", tmp_path / "broken"
    store = UsageStore(newer)
    store.start()
    store._connection.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('usage', 'm999_later')")
    store.close()
    broken.mkdir()
    (broken / "usage.db").write_bytes(b"no database at all" * 100)
    for folder, message in ((newer, "newer Faregate"), (broken, "usage.db cannot be used")):
        with pytest.raises(FaregateError, match=message):
            UsageStore(folder).start()


def test_the_contracts_words_have_fixed_numbers(store: UsageStore) -> None:
    with store._readers.snapshot() as connection:
        found = dict(connection.execute("SELECT text, id FROM names").fetchall())
    assert found == dict(FIXED_IDS) == {text: number for number, text in enumerate(FIXED, 1)}


def test_every_query_finds_its_index(store: UsageStore) -> None:
    plans = {
        "SELECT 1 FROM requests WHERE id = ?": "sqlite_autoindex_requests_1",
        "SELECT 1 FROM requests WHERE started_us >= ? AND started_us < ?": "requests_started",
        "SELECT 1 FROM requests WHERE conversation = ?": "requests_conversation",
        "SELECT 1 FROM buckets WHERE level = 0 AND dimension = 0 AND start >= ? AND start < ?": "PRIMARY KEY",
        "SELECT 1 FROM combined WHERE level = 1 AND start >= ? AND start < ?": "PRIMARY KEY",
    }
    with store._readers.snapshot() as connection:
        for statement, index in plans.items():
            values = (0,) * statement.count("?")
            steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            assert any(index in step[3] for step in steps), steps
