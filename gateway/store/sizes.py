"""How much of the disk the data folder takes, and how far back its requests go."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from gateway.folder import DataFolder
from gateway.records import Sizes
from gateway.store.clean_up import shares
from gateway.store.kept import kept
from gateway.store.retention import REQUESTS, USAGE

_ROWS_BEFORE = "SELECT COUNT(*) FROM requests WHERE started_us < ?"


def sizes(folder: DataFolder, connection: sqlite3.Connection) -> Sizes:
    """All sizes; `connection` reads `usage.db`."""
    share, have = shares(connection, USAGE), kept(connection)
    return Sizes(
        usage_bytes=_bytes(_with_side_files(folder.usage_db)),
        requests_bytes=share["requests"],
        buckets_bytes=share["buckets"],
        state_bytes=_bytes(_with_side_files(folder.state_db)),
        journal_bytes=_bytes(folder.journal.iterdir()),
        logs_bytes=_bytes(folder.logs.iterdir()),
        traces_bytes=_bytes(_with_side_files(folder.traces_db)),
        requests=connection.execute(REQUESTS.count).fetchone()[0],
        first_request_us=connection.execute(REQUESTS.first).fetchone()[0],
        rows_from_us=have.rows_from_us,
        buckets_from_us=have.buckets_from_us,
    )


def rows_before(connection: sqlite3.Connection, us: int) -> tuple[int, int]:
    """How many rows began before a time, and about how many bytes of `usage.db` they take."""
    rows = int(connection.execute(_ROWS_BEFORE, (us,)).fetchone()[0])
    every = max(1, connection.execute(REQUESTS.count).fetchone()[0])
    return rows, shares(connection, USAGE)["requests"] * rows // every


def _with_side_files(path: Path) -> list[Path]:
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


def _bytes(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        # Files of the journal come and go meanwhile.
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total
