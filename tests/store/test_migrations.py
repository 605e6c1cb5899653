import sqlite3
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from gateway.store.database import open_database, prepare
from gateway.store.migrations import migrate, usage_migrations
from gateway.store.names import FIXED, FIXED_IDS
from gateway.store.usage import UsageStore


def tables(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())


def test_steps_are_numbered_in_order_and_applied_once(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "usage.db")) as connection:
        prepare(connection)
        migrate(connection, day_zone="UTC")
        names = [step.name for step in usage_migrations.applied(Database(connection))]
        before = tables(connection)
        migrate(connection, day_zone="Europe/Berlin")
        assert [step.name for step in usage_migrations.applied(Database(connection))] == names
        assert tables(connection) == before
        assert connection.execute("SELECT value FROM settings WHERE name = 'day_zone'").fetchall() == [("UTC",)]
    assert [name[:5] for name in names] == [f"m{number:03d}_" for number in range(1, len(names) + 1)]


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
