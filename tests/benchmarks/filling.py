"""A store that is filled fast: some weeks through the store's own code, the other weeks repeated from them in SQL.

Whole weeks are repeated, rows and buckets alike, so the buckets are those that the store's code would have made.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.store import UsageStore, combining
from gateway.store.commit import day_zone
from gateway.store.database import open_database, writing
from tests.benchmarks.history import DAY_US, ROWS_PER_DAY, START_US, history

MOST_THROUGH_STORE = 1_000_000
BLOCK_DAYS = 28
QUARTERS_PER_DAY = 96


@dataclass(frozen=True)
class Filled:
    """Rows from `START_US` to `end_us`."""

    rows: int
    end_us: int


def fill(folder: Path, rows: int, shape: str) -> Filled:
    """As dense as ten million rows in a year."""
    days = rows / ROWS_PER_DAY
    blocks = 1 if rows <= MOST_THROUGH_STORE else round(days / BLOCK_DAYS)
    block_days = days if blocks == 1 else BLOCK_DAYS
    block_rows = rows // blocks
    store = UsageStore(folder)
    store.start()
    store.insert_history(history(block_rows, block_days, shape))
    store.close()
    with closing(open_database(folder / "usage.db")) as connection:
        with writing(connection):
            combining.catch_up(connection, day_zone(connection))
        for block in range(1, blocks):
            _repeat(connection, block, block_rows)
        with writing(connection):
            combining.all_counted(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    end_us = START_US + int(blocks * block_days * DAY_US)
    return Filled(block_rows * blocks, end_us)


def _repeat(connection: sqlite3.Connection, block: int, rows: int) -> None:
    shift_us, quarters = block * BLOCK_DAYS * DAY_US, BLOCK_DAYS * QUARTERS_PER_DAY
    in_first = f"start < {START_US // (DAY_US // QUARTERS_PER_DAY) + quarters}"
    changed = {
        "requests": {
            "n": f"n + {block * rows}",
            "id": f"substr(id, 1, 8) || '{block:04d}' || substr(id, 13)",
            "started_us": f"started_us + {shift_us}",
            "conversation": f"conversation || '-{block}'",
        },
        "attempts": {"request": f"request + {block * rows}", "started_us": f"started_us + {shift_us}"},
        "buckets": {"start": f"start + {block * quarters}"},
        "combined": {"start": f"start + {block * quarters}"},
    }
    where = {"requests": f"n <= {rows}", "attempts": f"request <= {rows}", "buckets": in_first, "combined": in_first}
    connection.execute("BEGIN IMMEDIATE")
    for table, changes in changed.items():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(changes.get(column, column) for column in columns)
        connection.execute(f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {where[table]}")
    connection.execute("COMMIT")
