"""Numbered schema steps of a database, each applied once and recorded by sqlite-utils.

A database that has them all is only read, so that opening it waits for nobody's transaction, and sqlite-utils is not
even imported. Missing steps run under a file lock beside the database: two processes may start together. They are
one transaction: whatever ends it midway (a step that fails, a full disk, a kill) leaves the file as it was, byte for
byte, for the version that wrote it. While that version still runs on the folder nothing is changed beneath it: it
would go on by rules that hold no more.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import FaregateError, Unusable
from gateway.folder import LOCK_FILE, exclusive, holder_of

if TYPE_CHECKING:
    from sqlite_utils import Database

Step = Callable[["Database"], None]
# A database below is brought up in a moment.
LONG_BYTES = 256 * 2**20

_log = logging.getLogger(__name__)
_HAS_STEPS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlite_migrations'"
_WRITE_AHEAD = "PRAGMA journal_mode = WAL"
_COUNT_STEPS = "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = ?"


def bring_up(
    connection: sqlite3.Connection,
    path: Path,
    name: str,
    steps: Sequence[Step],
    on_upgrade: Callable[[str], object] | None = None,
) -> None:
    """Applies the steps of the set `name` that the database at `path` lacks, and keeps a write-ahead log.

    `on_upgrade` is told a sentence before that takes long. Raises FaregateError where a newer version wrote the
    database, or an earlier one runs on it; or sqlite3.Error.
    """
    lacking = lacking_steps(connection, path, name, steps)
    if lacking:
        if lacking < len(steps):
            _refuse_beside_another(path)
            if (size := path.stat().st_size) >= LONG_BYTES:
                sentence = _upgrades(path.name, size)
                _log.warning("%s", sentence)
                if on_upgrade is not None:
                    on_upgrade(sentence)
        with exclusive(path.with_suffix(".lock")):
            _apply(connection, name, steps)
    # Without effect on nearly every start; a copy that was made by VACUUM INTO has lost it.
    connection.execute(_WRITE_AHEAD)


def _upgrades(name: str, size: int) -> str:
    return (
        f"{name} ({size / 1e9:.1f} GB) is brought to this version of Faregate, once. That can take some minutes, "
        "and nothing is served before: leave it running. Broken off, it leaves all as it was, and begins anew."
    )


def unusable(path: Path | str, error: Exception) -> Unusable:
    """The sentence for a database, or what holds it, that SQLite or the system (`error`) refuses."""
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return Unusable(f"Another process holds {path}: wait for it or end it, and try again.")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
        return Unusable(f"{error}: put it back, or start Faregate anew.")
    if "full" in str(error) or "I/O" in str(error):
        return Unusable(f"{path} cannot be used ({error}): check the space on its disk.")
    reason = error.strerror if isinstance(error, OSError) else error
    return Unusable(f"{path} cannot be used ({reason}): check its owner and mode, or move the file away.")


def _refuse_beside_another(path: Path) -> None:
    holder = holder_of(path.parent / LOCK_FILE)
    if holder is not None and holder.pid != os.getpid():
        raise FaregateError(
            f"{path} is of an earlier Faregate, which still runs on it (process {holder.pid}): stop that, and try "
            "again."
        )


def _apply(connection: sqlite3.Connection, name: str, steps: Sequence[Step]) -> None:
    # Only a file without pages can still choose.
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(_WRITE_AHEAD)
    from sqlite_utils import Database, Migrations

    migrations = Migrations(name)
    for step in steps:
        migrations(name=step.__name__.lstrip("_"))(step)
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(Database(connection))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def lacking_steps(connection: sqlite3.Connection, path: Path, name: str, steps: Sequence[Step]) -> int:
    """How many steps of the set `name` the database at `path` is still to take. Raises FaregateError where a newer
    version wrote it; or sqlite3.Error."""
    applied = 0
    if connection.execute(_HAS_STEPS).fetchone() is not None:
        applied = int(connection.execute(_COUNT_STEPS, (name,)).fetchone()[0])
    if applied > len(steps):
        raise FaregateError(f"{path} was written by a newer Faregate: install that version, or another data folder.")
    return len(steps) - applied
