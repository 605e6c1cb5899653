"""tk_ keys: kept as hashes, recognised from memory, followed across processes."""

import contextlib
import hashlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway import state_db
from gateway.errors import FaregateError
from gateway.folder import DataFolder
from gateway.keys.access import AccessKeys, KeyNameError, Principal, allows
from tests.large_calls import cpu_costs


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[AccessKeys]:
    with contextlib.closing(AccessKeys(DataFolder(tmp_path))) as keys:
        yield keys


def test_a_key_is_seen_once_and_kept_as_its_hash(keys: AccessKeys, tmp_path: Path) -> None:
    new = keys.create("laptop", "read", "ann", ("team:ml", " env : dev "))
    assert new.key.startswith("tk_") and len(new.key) == 46
    assert new.row.prefix == new.key[:7]
    tags = ("team:ml", "env:dev")
    principal = Principal(new.row.id, "laptop", "read", "ann", tags, created_us=new.row.created_us)
    assert keys.authenticate(new.key) == principal
    assert keys.list() == (new.row,)
    assert new.key not in f"{new!r} {keys.list()!r} {keys!r}"
    keys.close()
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert new.key.encode() not in files and new.key[3:].encode() not in files
    assert hashlib.sha256(new.key.encode()).hexdigest().encode() in files


def test_what_is_no_key_is_nobody(keys: AccessKeys) -> None:
    key = keys.create("a").key
    flipped = key[:-1] + ("A" if key[-1] != "A" else "B")
    for presented in (None, "", "tk_", key[:-1], key + "x", flipped, key.upper(), " " + key, "tk_" + "é" * 43):
        assert keys.authenticate(presented) is None, presented


def test_many_keys_are_all_different(keys: AccessKeys) -> None:
    made = [keys.create(f"k{n}") for n in range(50)]
    assert len({new.key for new in made}) == len({new.row.id for new in made}) == 50
    assert all(keys.authenticate(new.key).key_name == new.row.name for new in made)  # type: ignore[union-attr]


@pytest.mark.parametrize("by", ["id", "name"])
def test_revoked_is_refused_at_once_and_stays_listed(keys: AccessKeys, by: str) -> None:
    new = keys.create("a")
    row = keys.revoke(getattr(new.row, by))
    assert row.revoked_us is not None
    assert keys.authenticate(new.key) is None
    assert keys.list() == (row,)
    with pytest.raises(KeyNameError, match="is revoked already"):
        keys.revoke(getattr(new.row, by))
    # The name is free again, and names the live key.
    again = keys.create("a")
    keys.revoke("a")
    assert keys.authenticate(again.key) is None


def test_names_are_unique_among_live_keys(keys: AccessKeys) -> None:
    keys.create("a")
    keys.add_temporary("t")
    for name in ("a", " a "):
        with pytest.raises(KeyNameError, match='named "a" exists'):
            keys.create(name)
        with pytest.raises(KeyNameError, match='named "a" exists'):
            keys.add_temporary(name)
    with pytest.raises(KeyNameError, match='named "t" exists'):
        keys.create("t")
    with pytest.raises(KeyNameError, match="does not exist"):
        keys.revoke("nobody")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": ""}, "1 to 100 printable"),
        ({"name": "x" * 101}, "1 to 100 printable"),
        ({"name": "a\nb"}, "1 to 100 printable"),
        ({"name": "a", "role": "root"}, "is not a role"),
        ({"name": "a", "user": "\x00"}, "user must be"),
        ({"name": "a", "tags": ("team:",)}, 'The tag "team:" has a colon'),
        ({"name": "a", "tags": ("team:a,b",)}, 'The tag "team:a,b" holds a comma'),
    ],
)
def test_wrong_words_are_refused(keys: AccessKeys, values: dict[str, object], message: str) -> None:
    with pytest.raises(KeyNameError, match=message):
        keys.create(**values)  # type: ignore[arg-type]
    assert keys.list() == ()


def test_roles_include_one_another() -> None:
    allowed = {
        (role, needed): allows(role, needed)
        for role in ("read", "execute", "admin")
        for needed in ("read", "execute", "admin")
    }
    assert [pair for pair, yes in allowed.items() if not yes] == [
        ("read", "execute"),
        ("read", "admin"),
        ("execute", "admin"),
    ]


def test_a_temporary_key_never_reaches_the_disk(keys: AccessKeys, tmp_path: Path) -> None:
    new = keys.add_temporary("make run", "admin")
    assert keys.authenticate(new.key) is not None
    keys.touch(new.row.id, 77)
    keys.flush()
    assert [(row.name, row.last_used_us) for row in keys.list()] == [("make run", 77)]
    with contextlib.closing(AccessKeys(DataFolder(tmp_path))) as other:
        assert other.list() == () and other.authenticate(new.key) is None
    keys.create("another")
    assert keys.authenticate(new.key) is not None
    keys.revoke("make run")
    assert keys.authenticate(new.key) is None


def test_another_processs_changes_are_followed(keys: AccessKeys, tmp_path: Path) -> None:
    with contextlib.closing(AccessKeys(DataFolder(tmp_path))) as other:
        assert keys.poll() is False
        new = other.create("from the command line")
        assert keys.authenticate(new.key) is None
        assert keys.poll() is True and keys.authenticate(new.key) is not None
        other.revoke(new.row.id)
        assert keys.poll() is True and keys.authenticate(new.key) is None
        assert keys.poll() is False
        # Its own writes are no news.
        keys.create("own")
        assert keys.poll() is False


ELSEWHERE = """
import sys
from pathlib import Path
from gateway.keys.access import AccessKeys
from gateway.folder import DataFolder
from tests.large_calls import cpu_costs
keys = AccessKeys(DataFolder(Path(sys.argv[1])))
getattr(keys, sys.argv[2])(sys.argv[3])
keys.close()
"""


def test_a_second_connection_here_does_not_cut_the_first_off(keys: AccessKeys, tmp_path: Path) -> None:
    """A process that ends as the last one takes the write-ahead log away; it must see that we are still here."""
    new = keys.create("a")
    with contextlib.closing(state_db.connect(tmp_path / "state.db")):
        for action, name in (("create", "b"), ("revoke", "a"), ("revoke", "b")):
            subprocess.run([sys.executable, "-c", ELSEWHERE, str(tmp_path), action, name], check=True)
            assert keys.poll() is True, (action, name)
    assert keys.authenticate(new.key) is None
    assert all(row.revoked_us is not None for row in keys.list())


def test_last_used_is_gathered_and_written_once(keys: AccessKeys, tmp_path: Path) -> None:
    one, two = keys.create("one").row, keys.create("two").row
    for at in (5, 9):
        keys.touch(one.id, at)
    stored = sqlite3.connect(tmp_path / "state.db")
    with contextlib.closing(stored):
        query = "SELECT last_used_us FROM api_keys ORDER BY name"
        assert stored.execute(query).fetchall() == [(None,), (None,)]
        assert [row.last_used_us for row in keys.list()] == [9, None]
        keys.flush()
        keys.touch(one.id, 7)
        keys.touch(two.id, 3)
        keys.flush()
        assert stored.execute(query).fetchall() == [(9,), (3,)]


def test_a_failed_write_of_last_used_is_tried_again(keys: AccessKeys, tmp_path: Path) -> None:
    row = keys.create("one").row
    keys.touch(row.id, 5)
    keys._connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    with contextlib.closing(other):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FaregateError, match=r"Another process holds state\.db"):
            keys.flush()
        with pytest.raises(FaregateError, match=r"Another process holds state\.db"):
            keys.create("two")
        other.execute("ROLLBACK")
        keys.flush()
        assert other.execute("SELECT last_used_us FROM api_keys").fetchall() == [(5,)]


def test_recognising_a_key_asks_no_database_and_no_slow_hash(keys: AccessKeys) -> None:
    """It is done for every request: a hundred rounds of a password's hash, or a few questions to SQLite, are dearer."""
    key = keys.create("a").key
    slow = partial(hashlib.pbkdf2_hmac, "sha256", key.encode(), b"salt", 100)
    ours, theirs = cpu_costs(
        [lambda: [keys.authenticate(key) for _ in range(300)], lambda: [slow() for _ in range(300)]], runs=4
    )
    assert ours < theirs


def test_threads_may_share_it(keys: AccessKeys) -> None:
    def work(n: int) -> None:
        for m in range(5):
            new = keys.create(f"{n}-{m}")
            keys.touch(new.row.id, 1)
            keys.flush()
            keys.poll()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(row.last_used_us == 1 for row in keys.list()) == 20


def test_each_schema_step_leads_to_the_same_end(tmp_path: Path) -> None:
    from sqlite_utils import Database, Migrations

    schemas = []
    for done in range(len(state_db.STEPS) + 1):
        path = tmp_path / f"{done}.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as early:
            earlier = Migrations("faregate_state")
            for step in state_db.STEPS[:done]:
                earlier(name=step.__name__.lstrip("_"))(step)
            earlier.apply(Database(early))
        with contextlib.closing(state_db.connect(path)) as now:
            assert now.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (len(state_db.STEPS),)
            schemas.append(now.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall())
    assert all(schema == schemas[0] for schema in schemas)


def test_a_newer_or_broken_database_is_said_so(tmp_path: Path) -> None:
    newer, broken = tmp_path / "newer.db", tmp_path / "broken.db"
    with contextlib.closing(state_db.connect(newer)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('faregate_state', 'm999_later')"
        )
    broken.write_bytes(b"no database at all" * 100)
    for path, message in (
        (newer, "newer Faregate"),
        (broken, "cannot be used"),
        (tmp_path / "no" / "x.db", "cannot be used"),
    ):
        with pytest.raises(FaregateError, match=message):
            state_db.connect(path)
