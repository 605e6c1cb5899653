"""A database of every earlier version becomes one of this version with all its data, or stays as it was."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway import schema, state_db
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.records import UsageQuery
from gateway.schema import Step, bring_up
from gateway.store import migrations, trace_schema
from gateway.store.database import open_database
from gateway.store.usage import UsageStore
from tests.soak.counting import uncounted, unequal_answers, unequal_tables
from tests.store.schemas import FOLDER, after, records, restore, structure, versions
from tests.store.tellings import all_threads, lines, opened, put, session

STEPS = {
    "usage": (migrations.STEPS, migrations.STEPS_NAME),
    "state": (state_db.STEPS, state_db.STEPS_NAME),
    "traces": (trace_schema.STEPS, trace_schema.STEPS_NAME),
}
BY_VERSION = [(name, version) for name, (steps, _) in STEPS.items() for version in range(1, len(steps) + 1)]
EARLIER = [(name, version) for name, version in BY_VERSION if version < len(STEPS[name][0])]


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All data, by table, of tables that hold any."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall() for table in tables}
    return {table: data for table, data in found.items() if data}


def sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(("name", "version"), BY_VERSION)
def test_a_step_makes_what_it_made_when_it_was_released(name: str, version: int, tmp_path: Path) -> None:
    """A step that was released is never changed: add one. A new one needs `python -m tests.store.schemas`."""
    assert versions(name) == list(range(1, len(STEPS[name][0]) + 1)), f"run python -m tests.store.schemas: {FOLDER}"
    steps, migration_set = STEPS[name]
    restore(name, version, tmp_path / "then.db")
    with closing(sqlite3.connect(tmp_path / "then.db")) as connection:
        then = structure(connection)
    assert after(steps[:version], migration_set, tmp_path / "now.db") == then


@pytest.mark.parametrize("version", range(1, len(migrations.STEPS) + 1))
def test_usage_of_every_version_keeps_its_rows_and_sums(version: int, tmp_path: Path) -> None:
    old, new = UsageStore(tmp_path / "old"), UsageStore(tmp_path / "new", day_zone="Europe/Berlin")
    (tmp_path / "old").mkdir()
    restore("usage", version, tmp_path / "old" / "usage.db")
    old.start()
    new.start()
    new.insert_history(records())
    query = UsageQuery(tz="Europe/Berlin")
    assert list(old.iter_requests(query)) == list(reversed(records()))
    assert old.summary(query) == new.summary(query)
    for by in (
        "model",
        "provider",
        "key",
        "user",
        "door",
        "client",
        "app",
        "conversation",
        "outcome",
        "tag",
        "tag:team",
    ):
        assert old.breakdown(query, by) == new.breakdown(query, by), by
    for width in ("15m", "hour", "day", "month"):
        assert old.timeseries(query, width, "model") == new.timeseries(query, width, "model"), width
    assert old.check() == []
    old.end(records()[0])
    assert old.flush() and old.summary(query) == new.summary(query)
    old.close()
    new.close()
    assert sound(tmp_path / "old" / "usage.db")


UNANSWERED = (
    "INSERT INTO attempts (request, n, provider, model, started_us, latency_us, error_type) "
    "SELECT n, 1, provider, model, started_us, 5, 0 FROM requests WHERE id = 'req_2'"
)


@pytest.mark.parametrize("version", range(1, 9))
def test_what_nothing_tells_the_use_of_is_unpriced_since_step_9(version: int, tmp_path: Path) -> None:
    restore("usage", version, tmp_path / "usage.db")
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection, connection:
        connection.execute(UNANSWERED)
    store = UsageStore(tmp_path)
    store.start()
    usual = sum(row.cost_nano is None and row.usage_source != "none" for row in records())
    query = UsageQuery(tz="Europe/Berlin")
    migrated = [store.summary(query), store.breakdown(query, "outcome"), store.timeseries(query, "15m", "tag:team")]
    assert migrated[0].unpriced_requests == usual + 1  # type: ignore[union-attr]
    assert store.check() == []
    store.rebuild()
    assert migrated == [
        store.summary(query),
        store.breakdown(query, "outcome"),
        store.timeseries(query, "15m", "tag:team"),
    ]
    store.close()


@pytest.mark.parametrize("version", range(1, len(state_db.STEPS) + 1))
def test_state_of_every_version_keeps_its_rows(version: int, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    restore("state", version, path)
    before = rows(path)
    with closing(state_db.connect(path)):
        pass
    after_it = rows(path)
    assert len(before["api_keys"]) == 2
    for table, data in before.items():
        if table != "_sqlite_migrations":
            assert [row[: len(data[0])] for row in after_it[table]] == data, table
    assert len(after_it["_sqlite_migrations"]) == len(state_db.STEPS)
    assert sound(path)


@pytest.mark.parametrize("version", range(1, len(trace_schema.STEPS) + 1))
def test_traces_of_every_version_keep_what_was_said(version: int, tmp_path: Path) -> None:
    restore("traces", version, tmp_path / "traces.db")
    calls = session("hello", "hi there", "how are you", "fine", "good", "bye")
    with opened(tmp_path) as store:
        put(store, calls[2:])
        (thread,) = all_threads(store)
        # What the cache compares came along too.
        compared = store.look(
            lambda connection: connection.execute("SELECT changed FROM turns ORDER BY id").fetchall()
        )
    assert compared == [(None,), (0,), (0,)]
    assert thread.row.title == "Greetings" and [turn.parent for turn in thread.turns] == [None, 0, 1]
    assert lines(thread)[1:3] == ["0 assistant hi there", "1 user how are you"]
    assert sound(tmp_path / "traces.db")


def last_moment(step: Step, then: Callable[[], None]) -> Step:
    """The same step, to which something happens once it has done all its work."""

    def changed(db):  # type: ignore[no-untyped-def]
        step(db)
        db.execute("CREATE TABLE large (data)")
        db.execute("INSERT INTO large SELECT randomblob(1000000) FROM (VALUES (1), (2), (3), (4))")
        then()

    changed.__name__ = step.__name__
    return changed


def broken_at(steps: Sequence[Step], number: int, then: Callable[[], None]) -> tuple[Step, ...]:
    return tuple(last_moment(step, then) if each == number else step for each, step in enumerate(steps, 1))


# Every step fails once, each time in a database that lacks it and all later ones.
FAILING = [(name, version, step) for name, version in EARLIER for step in range(version + 1, len(STEPS[name][0]) + 1)]


def fail() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(("name", "version", "step"), FAILING)
def test_a_step_that_fails_leaves_the_file_untouched(name: str, version: int, step: int, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    restore(name, version, path)
    before, data = path.read_bytes(), rows(path)
    steps, migration_set = STEPS[name]
    with closing(open_database(path)) as connection, pytest.raises(ZeroDivisionError):
        bring_up(connection, path, migration_set, broken_at(steps, step, fail))
    assert path.read_bytes() == before
    with closing(open_database(path)) as connection:
        bring_up(connection, path, migration_set, steps)
    for table in {"requests", "attempts", "api_keys"} & data.keys():
        assert len(rows(path)[table]) == len(data[table])
    assert sound(path)


@pytest.mark.parametrize("name", ["usage", "state"])
def test_a_full_disk_leaves_the_file_untouched(name: str, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    restore(name, 1, path)
    before = path.read_bytes()
    steps, migration_set = STEPS[name]
    with closing(open_database(path)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 100}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            bring_up(connection, path, migration_set, broken_at(steps, len(steps), fail))
    assert path.read_bytes() == before
    with closing(open_database(path)) as connection:
        bring_up(connection, path, migration_set, steps)
    assert sound(path)


def test_a_full_disk_is_told_and_the_next_start_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restore("usage", 1, tmp_path / "usage.db")
    real = schema._apply

    def full(connection: sqlite3.Connection, *rest: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")
        real(connection, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(schema, "_apply", full)
    with pytest.raises(FaregateError, match="check the space on its disk"):
        UsageStore(tmp_path).start()
    monkeypatch.undo()
    store = UsageStore(tmp_path)
    store.start()
    assert store.summary(UsageQuery()).requests == len(records())
    store.close()


KILLED = """
import os, sys
from pathlib import Path
from gateway.store.database import open_database
from tests.store.test_schemas import STEPS, broken_at
from gateway.schema import bring_up
name, path, step = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
steps, migration_set = STEPS[name]
connection = open_database(path)
connection.execute("PRAGMA cache_size = 10")  # So that pages are written before the end of the transaction.
bring_up(connection, path, migration_set, broken_at(steps, step, lambda: os.kill(os.getpid(), 9)))
"""


@pytest.mark.parametrize("name", ["usage", "state"])
def test_a_kill_midway_leaves_the_file_untouched(name: str, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    restore(name, 1, path)
    before, data = path.read_bytes(), rows(path)
    steps, migration_set = STEPS[name]
    done = subprocess.run([sys.executable, "-c", KILLED, name, str(path), str(len(steps))], cwd=FOLDER.parents[2])
    assert done.returncode == -9
    assert path.read_bytes() == before
    assert os.path.getsize(f"{path}-wal") > 1_000_000
    assert rows(path) == data
    with closing(open_database(path)) as connection:
        bring_up(connection, path, migration_set, steps)
    assert sound(path)


def test_two_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    restore("usage", 1, tmp_path / "usage.db")
    program = (
        "import sys\nfrom pathlib import Path\nfrom gateway.store.usage import UsageStore\n"
        "store = UsageStore(Path(sys.argv[1]))\nstore.start()\nstore.close()\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=FOLDER.parents[2]) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(rows(tmp_path / "usage.db")["_sqlite_migrations"]) == len(migrations.STEPS)
    assert sound(tmp_path / "usage.db")


@pytest.mark.parametrize("version", range(1, len(migrations.STEPS) + 1))
def test_rows_that_come_after_a_migration_are_counted_once(version: int, tmp_path: Path) -> None:
    """What was counted with its row in the earlier version is not counted again, whatever comes before the first
    counting."""
    restore("usage", version, tmp_path / "usage.db")
    for number in range(2):
        store = UsageStore(tmp_path)
        store.start()
        store.insert_history(replace(each, id=f"{each.id}-{number}") for each in records())
        assert [*unequal_answers(store), *store.check()] == []
        store.close()
    store.start()
    store.combine()
    assert [*unequal_answers(store), *unequal_tables(store, 3 * len(records())), *store.check()] == []
    store.close()


def next_step(db) -> None:  # type: ignore[no-untyped-def]
    """As a later version may have one: it changes what rows and combinations are."""
    db.execute("ALTER TABLE combined ADD COLUMN more INTEGER NOT NULL DEFAULT 0")
    db.execute("UPDATE requests SET cost_nano = 0")
    db.execute("UPDATE settings SET value = '0' WHERE name = 'combined_to'")


FUTURE = """
import os, sys
from pathlib import Path
from gateway.store.database import open_database
from tests.store.test_schemas import STEPS, last_moment, next_step
from gateway.schema import bring_up
path = Path(sys.argv[1])
steps, migration_set = STEPS["usage"]
connection = open_database(path)
connection.execute("PRAGMA cache_size = 10")  # So that pages are written before the end of the transaction.
bring_up(connection, path, migration_set, (*steps, last_moment(next_step, lambda: os.kill(os.getpid(), 9))))
"""


@pytest.mark.parametrize("how", ["fails", "is killed", "finds no room"])
def test_a_migration_that_ends_midway_leaves_what_is_not_counted_yet(how: str, tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    restore("usage", len(migrations.STEPS), path)
    store = UsageStore(tmp_path)
    store.start()
    store.combine()
    store.insert_history(replace(each, id=f"{each.id}-more") for each in records())
    store.close()
    before = path.read_bytes()
    steps, migration_set = STEPS["usage"]
    if how == "is killed":
        done = subprocess.run([sys.executable, "-c", FUTURE, str(path)], cwd=FOLDER.parents[2])
        assert done.returncode == -9 and os.path.getsize(f"{path}-wal") > 1_000_000
    else:
        with closing(open_database(path)) as connection:
            if how == "finds no room":
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count = {pages + 100}")
            with pytest.raises((ZeroDivisionError, sqlite3.OperationalError)):
                bring_up(connection, path, migration_set, (*steps, last_moment(next_step, fail)))
    assert path.read_bytes() == before
    store.start()
    for left in (len(records()), 0):
        assert uncounted(store) == left
        assert [*unequal_answers(store), *unequal_tables(store, 2 * len(records())), *store.check()] == []
        store.combine()
    store.close()
    assert sound(path)


HOLDING = """
import sys
from pathlib import Path
from gateway.folder import DataFolder
lock = DataFolder(Path(sys.argv[1])).lock("http://127.0.0.1:1")
print("held", flush=True)
sys.stdin.read()
"""


def test_nothing_is_migrated_beneath_an_earlier_version_that_still_runs(tmp_path: Path) -> None:
    """It would count what it writes by its own rules: a command of a version that was just installed waits for it."""
    version = len(migrations.STEPS) - 1
    restore("usage", version, tmp_path / "usage.db")
    before = (tmp_path / "usage.db").read_bytes()
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=FOLDER.parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as held:
        assert held.stdout is not None and held.stdout.readline() == "held\n"
        with pytest.raises(
            FaregateError, match=rf"still runs on it \(process {held.pid}\): stop that, and try again"
        ):
            UsageStore(tmp_path).start()
        assert (tmp_path / "usage.db").read_bytes() == before
        # Beside the same version, and on a new file, it goes on.
        with closing(open_database(tmp_path / "new.db")) as connection:
            bring_up(connection, tmp_path / "new.db", *reversed(STEPS["usage"]))
            bring_up(connection, tmp_path / "new.db", *reversed(STEPS["usage"]))
        held.communicate("")
    # Whoever holds the folder brings it up.
    lock = DataFolder(tmp_path).lock("http://127.0.0.1:1")
    store = UsageStore(tmp_path)
    store.start()
    assert store.summary(UsageQuery()).requests == len(records())
    store.close()
    lock.release()
