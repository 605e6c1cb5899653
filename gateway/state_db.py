"""`state.db`: keys' hashes and other small state that several processes share; its schema, and how it is opened."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.schema import Step, bring_up, unusable

if TYPE_CHECKING:
    from sqlite_utils import Database


def _m001_access(db: "Database") -> None:
    db.table("api_keys").create(
        {
            "id": str,
            "name": str,
            "prefix": str,
            "sha256": str,
            "role": str,
            "user": str,
            "tags": str,
            "created_us": int,
            "last_used_us": int,
            "revoked_us": int,
        },
        pk="id",
        not_null=("name", "prefix", "sha256", "role", "tags", "created_us"),
    )
    db.table("api_keys").create_index(["sha256"], unique=True)
    db.execute("CREATE UNIQUE INDEX idx_api_keys_live_name ON api_keys(name) WHERE revoked_us IS NULL")


def _m002_meta(db: "Database") -> None:
    db.table("meta").create({"name": str, "value": str}, pk="name", not_null=("value",))


def _m003_provider_keys(db: "Database") -> None:
    db.table("provider_keys").create(
        {"backend": str, "provider": str, "slot": str, "stored_us": int},
        pk=("backend", "provider", "slot"),
        not_null=("stored_us",),
    )


def _m004_price_overrides(db: "Database") -> None:
    # AUTOINCREMENT: the id of a price stands on rows and never becomes another price's. Prices are JSON of decimals.
    db.execute(
        "CREATE TABLE price_overrides (id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL,"
        " model TEXT NOT NULL, valid_from_us INTEGER, valid_to_us INTEGER, prices TEXT NOT NULL,"
        " tier_start INTEGER, tier_prices TEXT, note TEXT NOT NULL, created_us INTEGER NOT NULL, removed_us INTEGER)"
    )


def _m005_comparisons(db: "Database") -> None:
    # What was said and written is sealed: the prompt, and the note on an answer.
    db.table("comparisons").create(
        {"id": str, "at_us": int, "owner": str, "key": str, "prompt_hash": str, "prompt": bytes},
        pk="id",
        not_null=("at_us", "owner", "key", "prompt_hash"),
    )
    db.table("comparisons").create_index(["at_us"])
    db.table("compared_answers").create(
        {
            "request_id": str,
            "comparison": str,
            "place": int,
            "model_requested": str,
            "model": str,
            "provider": str,
            "outcome": str,
            "error_type": str,
            "input_tokens": int,
            "output_tokens": int,
            "reasoning_tokens": int,
            "cost_nano": int,
            "cost_source": str,
            "ttft_us": int,
            "latency_us": int,
            "stars": int,
            "note": bytes,
            "rated_us": int,
        },
        pk="request_id",
        not_null=("comparison", "place", "model_requested", "model", "outcome", "cost_source"),
    )
    db.table("compared_answers").create_index(["comparison", "place"])
    db.execute("CREATE INDEX idx_compared_answers_rated ON compared_answers(rated_us) WHERE stars IS NOT NULL")


def _m006_aliases(db: "Database") -> None:
    db.table("aliases").create({"name": str, "model": str, "made_us": int}, pk="name", not_null=("model", "made_us"))


def _m007_estimates(db: "Database") -> None:
    # Of earlier answers it was not kept.
    db.execute("ALTER TABLE compared_answers ADD COLUMN cost_estimated INTEGER NOT NULL DEFAULT 0")


STEPS: tuple[Step, ...] = (
    _m001_access,
    _m002_meta,
    _m003_provider_keys,
    _m004_price_overrides,
    _m005_comparisons,
    _m006_aliases,
    _m007_estimates,
)
STEPS_NAME = "faregate_state"


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode that any one thread at a time may use; creates and migrates the database.

    Raises FaregateError where the file cannot be opened, is no database, or comes from a newer version.
    """
    try:
        # SQLite gives its side files the mode of the database. Only a new file is opened here: closing any descriptor
        # of a database would drop the locks that this process holds on it through other connections.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            bring_up(connection, path, STEPS_NAME, STEPS)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from None
    return connection


def version(connection: sqlite3.Connection, of: str) -> int:
    """How often a part of the database was changed, by whichever process; 0 for never."""
    found = connection.execute("SELECT value FROM meta WHERE name = ?", (f"{of}_version",)).fetchone()
    return int(found[0]) if found else 0


def bump(connection: sqlite3.Connection, of: str) -> None:
    """Tell whoever looks at `version` that this part has changed; within the transaction that changes it."""
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?, '1')"
        " ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
        (f"{of}_version",),
    )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Writes as one. Raises FaregateError where the disk or another process does not let it; nothing is written then.

    A broken constraint stays sqlite3.IntegrityError: it is the caller's to explain.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise unusable("state.db", error) from None
        raise
