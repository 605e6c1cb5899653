"""What is taken away once it is too old or too much: a row per kind of data, and a rule for every table.

A further database joins by one entry in `DATABASES`; `clean_up` does the rest. Sizes are those on the disk. SQLite
does not say cheaply how much of a file a table takes, so what is used is shared out by the number of entries, at
about the bytes that each takes with its indexes.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from gateway.store import combining, conversation_totals
from gateway.store.commit import day_zone
from gateway.store.kept import BUCKETS_FROM, ROWS_FROM, set_right
from gateway.store.migrations import BUCKET_KEY, COMBINED_KEY
from gateway.store.names import json_array
from gateway.store.pairs import PAIRS_KEY
from gateway.store.quarters import HOUR_QUARTERS, QUARTER_US
from gateway.store.removal import forget_older
from gateway.store.sweep import InSteps, Pause, sweep

Take = Callable[[sqlite3.Connection, int, int], int]
SetRight = Callable[[sqlite3.Connection, int], None]
Count = Callable[[sqlite3.Connection], bool]
Sweep = Callable[[sqlite3.Connection, InSteps, Pause], int]


class Kind(Struct, frozen=True):
    """Data that one setting bounds: `retention.NAME`.

    `from_name` says in the database from when on it is all there; None where nobody counts it. Cuts are multiples of
    `grain_us`. `first`, `last`, `count` and `place` are SQL: the start (µs) of the oldest entry, and of the newest;
    how many there are; the start of the one at an offset among `placed` ones, oldest first. `take` deletes some of
    what began before a time, and says how many. Content begins when it was stored: what a sender says of its times
    does not decide how long it is kept.
    """

    name: str
    from_name: str | None
    grain_us: int
    entry_bytes: int
    first: str
    last: str
    count: str
    placed: str
    place: str
    take: Take


class Pruned(Struct, frozen=True):
    """A database: its kinds, and for each table the kind that takes from it, or what else keeps it small.

    `set_right` is called first, with what the clock says: it mends what a clock that was ahead has left. `count`
    counts some of what else would go uncounted, and says whether there is more. `sweep` deletes what nothing refers
    to any more, once something was taken, and says how much.
    """

    file: str
    kinds: tuple[Kind, ...]
    tables: Mapping[str, str]
    set_right: SetRight | None = None
    count: Count | None = None
    sweep: Sweep | None = None


_OLDEST_ROWS = (
    "SELECT n FROM requests INDEXED BY requests_started WHERE started_us < ? ORDER BY started_us, n LIMIT ?"
)
# With a row goes all that belongs to it.
_TAKE_ROWS = (
    "DELETE FROM attempts WHERE request IN (SELECT value FROM json_each(?))",
    "DELETE FROM repriced WHERE n IN (SELECT value FROM json_each(?))",
    "DELETE FROM requests WHERE n IN (SELECT value FROM json_each(?))",
)
_BUCKET_PREFIX = "SELECT level, dimension FROM buckets WHERE (level, dimension) > (?, ?) ORDER BY 1, 2 LIMIT 1"
_COMBINED_PREFIX = "SELECT level FROM combined WHERE level > ? ORDER BY 1 LIMIT 1"
_PAIRS_PREFIX = "SELECT level FROM pairs WHERE level > ? ORDER BY 1 LIMIT 1"
_UNSETTLE = "DELETE FROM settled WHERE start < ?"


def _take(table: str, key: tuple[str, ...]) -> str:
    prefix = " AND ".join(f"{column} = ?" for column in key[: key.index("start")])
    names = ", ".join(key)
    return (
        f"DELETE FROM {table} WHERE ({names}) IN "
        f"(SELECT {names} FROM {table} WHERE {prefix} AND start < ? ORDER BY {names} LIMIT ?)"
    )


_TAKE_BUCKETS = _take("buckets", BUCKET_KEY)
_TAKE_COMBINED = _take("combined", COMBINED_KEY)
_TAKE_PAIRS = _take("pairs", PAIRS_KEY)


def _take_rows(connection: sqlite3.Connection, before_us: int, most: int) -> int:
    oldest = [n for (n,) in connection.execute(_OLDEST_ROWS, (before_us, most)).fetchall()]
    # Some may have come since all were counted.
    if oldest and max(oldest) > combining.counted_to(connection):
        combining.catch_up(connection, day_zone(connection))
    conversations = conversation_totals.of_rows(connection, oldest)
    for statement in _TAKE_ROWS:
        connection.execute(statement, (json_array(oldest),))
    if oldest:
        conversation_totals.again(connection, conversations)
        combining.keep_within(connection)
    return len(oldest)


def _count_combinations(connection: sqlite3.Connection) -> bool:
    return combining.count_on(connection, day_zone(connection))


def _take_buckets(connection: sqlite3.Connection, before_us: int, most: int) -> int:
    connection.execute(_UNSETTLE, (before_us // QUARTER_US,))
    for statement, prefix in _of_buckets(connection):
        taken = connection.execute(statement, (*prefix, before_us // QUARTER_US, most)).rowcount
        if taken:
            return taken
    return 0


def _of_buckets(connection: sqlite3.Connection) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each stretch of keys in which cells lie in the order of time."""
    for statement, following, prefix in (
        (_TAKE_BUCKETS, _BUCKET_PREFIX, (-1, -1)),
        (_TAKE_COMBINED, _COMBINED_PREFIX, (-1,)),
        (_TAKE_PAIRS, _PAIRS_PREFIX, (-1,)),
    ):
        place: tuple[int, ...] = prefix
        while (found := connection.execute(following, place).fetchone()) is not None:
            place = found
            yield statement, place


REQUESTS = Kind(
    name="requests",
    from_name=ROWS_FROM,
    grain_us=QUARTER_US,
    entry_bytes=290,
    first="SELECT MIN(started_us) FROM requests",
    last="SELECT MAX(started_us) FROM requests",
    count="SELECT COUNT(*) FROM requests",
    placed="SELECT COUNT(*) FROM requests",
    place="SELECT started_us FROM requests ORDER BY started_us LIMIT 1 OFFSET ?",
    take=_take_rows,
)
BUCKETS = Kind(
    name="buckets",
    from_name=BUCKETS_FROM,
    # Combinations are counted by the hour: a cut within one would leave a piece that no bucket tells.
    grain_us=HOUR_QUARTERS * QUARTER_US,
    entry_bytes=150,
    first=f"SELECT MIN(start) * {QUARTER_US} FROM buckets WHERE level = 0 AND dimension = 0",
    last=f"SELECT MAX(start) * {QUARTER_US} FROM buckets WHERE level = 0 AND dimension = 0",
    count=(
        "SELECT (SELECT COUNT(*) FROM buckets) + (SELECT COUNT(*) FROM combined) + "
        "(SELECT COALESCE(SUM(cells), 0) FROM settled)"
    ),
    placed="SELECT COUNT(*) FROM buckets WHERE level = 0 AND dimension = 0",
    place=(
        f"SELECT start * {QUARTER_US} FROM buckets WHERE level = 0 AND dimension = 0 ORDER BY start LIMIT 1 OFFSET ?"
    ),
    take=_take_buckets,
)
USAGE = Pruned(
    file="usage.db",
    kinds=(REQUESTS, BUCKETS),
    tables={
        "requests": "requests",
        "attempts": "requests",
        "repriced": "requests",
        "conversation_totals": "goes with the last row of its conversation",
        "buckets": "buckets",
        "combined": "buckets",
        "pairs": "buckets",
        "settled": "buckets",
        "names": "swept once nothing refers to them",
        "tag_sets": "swept once nothing refers to them",
        "tag_set_members": "swept with their sets",
        "repricings": "an entry per re-pricing, each by the user's own hand",
        "settings": "a few entries, each replaced in place",
        "_sqlite_migrations": "an entry per step of the schema",
    },
    set_right=set_right,
    count=_count_combinations,
    sweep=sweep,
)
_SAID_TABLES = ("turns", "spans", "logs")
_SAID_TIMES = " UNION ALL ".join(f"SELECT stored_us FROM {table}" for table in _SAID_TABLES)


def _of_said(which: str) -> str:
    tables = " UNION ALL ".join(f"SELECT {which}(stored_us) AS us FROM {table}" for table in _SAID_TABLES)
    return f"SELECT {which}(us) FROM ({tables})"


CONTENT = Kind(
    name="content",
    from_name=None,
    grain_us=QUARTER_US,
    # It is the only kind of its file: any weight is all of it.
    entry_bytes=2000,
    first=_of_said("MIN"),
    last=_of_said("MAX"),
    count="SELECT " + " + ".join(f"(SELECT COUNT(*) FROM {table})" for table in _SAID_TABLES),
    placed="SELECT " + " + ".join(f"(SELECT COUNT(*) FROM {table})" for table in _SAID_TABLES),
    place=f"SELECT stored_us FROM ({_SAID_TIMES}) ORDER BY stored_us LIMIT 1 OFFSET ?",
    take=forget_older,
)
TRACES = Pruned(
    file="traces.db",
    kinds=(CONTENT,),
    tables={
        "turns": "content",
        "spans": "content",
        "logs": "content",
        "said": "goes with its turn",
        "blocks": "go with their turn",
        "headers": "go with their turn",
        "contents": "goes with the last that says it",
        "content_parts": "goes with the entry that it is a part of",
        "signatures": "go with the first of the entries that they tell of",
        "conversations": "goes with its last turn",
        "settings": "a few entries, each replaced in place",
        "_sqlite_migrations": "an entry per step of the schema",
    },
)
DATABASES = (USAGE, TRACES)
