"""Names and sets of tags that nothing refers to any more, once rows or buckets are gone.

Looking for them reads all rows, so it waits until the names have doubled. What is unused is found in short reads,
while rows come in; the transaction that deletes looks at the rows that came since. Numbers are never given twice
(the highest stays), and writers forget theirs when they see that a sweep has been (`names.SWEPT`).
"""

import sqlite3
from collections.abc import Callable, Iterator

from gateway.store.assigning import apps_assigned
from gateway.store.kept import kept
from gateway.store.names import FIXED, json_array
from gateway.store.rows import ATTEMPT_NAMED, NAMED

LEAST_NAMES = 5000
CHUNK_ROWS = 20_000
HOUR = 1

_COUNT_SWEEP = (
    "INSERT INTO settings (name, value) VALUES ('names_swept', '1') "
    "ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
)
_LEFT = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'names_left'"
_SET_LEFT = (
    "INSERT INTO settings (name, value) SELECT 'names_left', COUNT(*) FROM names WHERE true "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_COUNT_NAMES = "SELECT COUNT(*) FROM names"
_LAST_ROW = "SELECT COALESCE(MAX(n), 0) FROM requests"
_LAST_REPRICING = "SELECT MAX(id) FROM repricings"
_NAMES_OF_ROWS = " UNION ".join(
    [
        *(f"SELECT {column} FROM requests WHERE n > :low AND n <= :high" for column in NAMED),
        *(f"SELECT {column} FROM attempts WHERE request > :low AND request <= :high" for column in ATTEMPT_NAMED),
        "SELECT price_id FROM repriced WHERE n > :low AND n <= :high",
    ]
)
_SETS_OF_ROWS = "SELECT DISTINCT tag_set FROM requests WHERE n > :low AND n <= :high"
_NAMES_OF_BUCKETS = f"SELECT DISTINCT value FROM buckets WHERE level = {HOUR}"
_SETS_OF_BUCKETS = "SELECT DISTINCT tag_set FROM combined"
_NAMES_OF_SETS = "SELECT tag FROM tag_set_members UNION SELECT key FROM tag_set_members"
_ALL_NAMES = f"SELECT id FROM names WHERE id > {len(FIXED)} AND id < (SELECT MAX(id) FROM names) ORDER BY id"
_ALL_SETS = "SELECT id FROM tag_sets WHERE id < (SELECT MAX(id) FROM tag_sets) ORDER BY id"
_DELETE_NAMES = "DELETE FROM names WHERE id IN (SELECT value FROM json_each(?))"
_DELETE_SETS = (
    "DELETE FROM tag_set_members WHERE tag_set IN (SELECT value FROM json_each(?))",
    "DELETE FROM tag_sets WHERE id IN (SELECT value FROM json_each(?))",
)

InSteps = Callable[[Callable[[int], int]], int]
Pause = Callable[[], None]


def sweep(connection: sqlite3.Connection, in_steps: InSteps, pause: Pause, least: int = LEAST_NAMES) -> int:
    """Delete what is unused, where there may be much; how many names went. `in_steps` calls with a number of entries,
    each time in a transaction, until nothing was deleted; `pause` is called between two reads."""
    left = connection.execute(_LEFT).fetchone()
    if connection.execute(_COUNT_NAMES).fetchone()[0] < max(least, 2 * left[0] if left else 0):
        return 0
    if kept(connection).buckets_from_us is not None:
        _sweep_sets(connection, in_steps, pause)
    repricing = connection.execute(_LAST_REPRICING).fetchone()
    used = {number for (number,) in connection.execute(_NAMES_OF_SETS)}
    used.update(number for (number,) in connection.execute(_NAMES_OF_BUCKETS))
    last = connection.execute(_LAST_ROW).fetchone()[0]
    for numbers in _in_rows(connection, _NAMES_OF_ROWS, last):
        used |= numbers
        pause()
    unused = [number for (number,) in connection.execute(_ALL_NAMES) if number not in used]

    def delete(most: int) -> int:
        if connection.execute(_LAST_REPRICING).fetchone() != repricing:
            # Rows that were read may have other names now: the next sweep sees them.
            return 0
        chosen, unused[:most] = unused[:most], []
        since = _since(connection, _NAMES_OF_ROWS, last) | {row[0] for row in connection.execute(_NAMES_OF_SETS)}
        since.update(apps_assigned(connection))
        gone = [number for number in chosen if number not in since]
        connection.execute(_DELETE_NAMES, (json_array(gone),))
        connection.execute(_COUNT_SWEEP)
        connection.execute(_SET_LEFT)
        return len(chosen)

    return in_steps(delete)


def _sweep_sets(connection: sqlite3.Connection, in_steps: InSteps, pause: Pause) -> None:
    used = {number for (number,) in connection.execute(_SETS_OF_BUCKETS)}
    last = connection.execute(_LAST_ROW).fetchone()[0]
    for numbers in _in_rows(connection, _SETS_OF_ROWS, last):
        used |= numbers
        pause()
    unused = [number for (number,) in connection.execute(_ALL_SETS) if number not in used]

    def delete(most: int) -> int:
        chosen, unused[:most] = unused[:most], []
        since = _since(connection, _SETS_OF_ROWS, last)
        gone = json_array(number for number in chosen if number not in since)
        for statement in _DELETE_SETS:
            connection.execute(statement, (gone,))
        connection.execute(_COUNT_SWEEP)
        return len(chosen)

    in_steps(delete)


def _in_rows(connection: sqlite3.Connection, statement: str, last: int) -> Iterator[set[int]]:
    for low in range(0, last, CHUNK_ROWS):
        bounds = {"low": low, "high": min(low + CHUNK_ROWS, last)}
        yield {number for (number,) in connection.execute(statement, bounds)}


def _since(connection: sqlite3.Connection, statement: str, last: int) -> set[int]:
    bounds = {"low": last, "high": 2**63 - 1}
    return {number for (number,) in connection.execute(statement, bounds)}
