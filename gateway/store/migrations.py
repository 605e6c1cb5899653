"""The schema of `usage.db`, as numbered steps that are each applied once; those lacking, in one transaction.

`requests` is one row per exchange, in the order of commits; texts that repeat are numbers of `names`, lists of tags
numbers of `tag_sets`. `buckets` holds totals and single dimensions, `combined` all dimensions together, `pairs` what
each two come to in settled days and months; all count time in quarters of an hour since the epoch, whatever their
level. 0 is "no value" in a key column, NULL "unknown" in a count. A released step is never changed: a later one is
added.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.schema import Step, bring_up
from gateway.store.conversation_totals import CREATE_TOTALS
from gateway.store.measures import DURATIONS, HISTOGRAMS, MEASURES, ROW_EXPRESSIONS
from gateway.store.names import FIXED, FIXED_IDS
from gateway.store.quarters import QUARTER_US, day_start, half_start, hour_start, month_start, quarter_of
from gateway.time_zones import EARLIEST_US

if TYPE_CHECKING:
    from sqlite_utils import Database

# In the order of the key: what questions filter by most comes first, so that they skip what they do not ask for.
COMBINED_DIMENSIONS = ("user", "model", "tag_set", "provider", "key", "app", "door", "outcome", "client")

# What is counted since a step that came after the tables.
_LATER_MEASURES = ("price_fuzzy",)
_FIRST_MEASURES = tuple(measure for measure in MEASURES if measure not in _LATER_MEASURES)
_FIRST_COLUMNS = (
    *(f"{measure} INTEGER NOT NULL" for measure in _FIRST_MEASURES),
    *(f"{blob} BLOB NOT NULL" for blob in HISTOGRAMS),
)
_ADDED_COLUMNS = tuple(f"{measure} INTEGER NOT NULL DEFAULT 0" for measure in _LATER_MEASURES)

CREATE_REQUESTS = """
CREATE TABLE requests (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    started_us INTEGER NOT NULL,
    door INTEGER NOT NULL, key_id INTEGER NOT NULL, key INTEGER NOT NULL,
    principal INTEGER NOT NULL, end_user INTEGER NOT NULL, user INTEGER NOT NULL,
    provider INTEGER NOT NULL, model_requested INTEGER NOT NULL, model INTEGER NOT NULL,
    client INTEGER NOT NULL, app INTEGER NOT NULL, tag_set INTEGER NOT NULL,
    outcome INTEGER NOT NULL, status INTEGER NOT NULL, error_type INTEGER NOT NULL,
    byok INTEGER NOT NULL, streamed INTEGER NOT NULL,
    input_tokens INTEGER, cached_tokens INTEGER, cache_write_tokens INTEGER, cache_write_1h_tokens INTEGER,
    input_audio_tokens INTEGER, output_tokens INTEGER, reasoning_tokens INTEGER, output_audio_tokens INTEGER,
    web_searches INTEGER,
    usage_source INTEGER NOT NULL, cost_source INTEGER NOT NULL, cost_nano INTEGER,
    price_id INTEGER NOT NULL, price_fuzzy INTEGER NOT NULL, service_tier INTEGER NOT NULL,
    latency_us INTEGER, ttft_us INTEGER, overhead_us INTEGER, generation_us INTEGER,
    conversation TEXT, trace_id TEXT, span_id TEXT, upstream_request_id TEXT,
    error_message TEXT, dropped TEXT, adapted TEXT
)"""
CREATE_ATTEMPTS = """
CREATE TABLE attempts (
    request INTEGER NOT NULL, n INTEGER NOT NULL, provider INTEGER NOT NULL, model INTEGER NOT NULL,
    started_us INTEGER NOT NULL, latency_us INTEGER NOT NULL, status INTEGER, error_type INTEGER NOT NULL,
    input_tokens INTEGER, output_tokens INTEGER, cost_nano INTEGER, upstream_request_id TEXT,
    PRIMARY KEY (request, n)
) WITHOUT ROWID"""
CREATE_TAG_SET_MEMBERS = """
CREATE TABLE tag_set_members (
    tag INTEGER NOT NULL, tag_set INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (tag, tag_set)
) WITHOUT ROWID"""


def _create(table: str, keys: Sequence[str], measures: Sequence[str]) -> str:
    columns = ", ".join((*(f"{key} INTEGER NOT NULL" for key in keys), *measures))
    return f"CREATE TABLE {table} ({columns}, PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"


BUCKET_KEY = ("level", "dimension", "start", "value")
COMBINED_KEY = ("level", "start", *COMBINED_DIMENSIONS)
# As all steps leave them.
CREATE_BUCKETS = _create("buckets", BUCKET_KEY, (*_FIRST_COLUMNS, *_ADDED_COLUMNS))
CREATE_COMBINED = _create("combined", COMBINED_KEY, (*_FIRST_COLUMNS, *_ADDED_COLUMNS))
# A day's or month's cells lie together, as they are counted and deleted.
CREATE_PAIRS = """
CREATE TABLE pairs (
    level INTEGER NOT NULL, start INTEGER NOT NULL, pair INTEGER NOT NULL, value INTEGER NOT NULL,
    other INTEGER NOT NULL, sums BLOB NOT NULL, latency BLOB NOT NULL, ttft BLOB NOT NULL,
    PRIMARY KEY (level, start, pair, value, other)
) WITHOUT ROWID"""
# `state` is 0 once all cells are there, else a number of whoever counts them; `left_out` JSON, NULL for none.
CREATE_SETTLED = """
CREATE TABLE settled (
    level INTEGER NOT NULL, start INTEGER NOT NULL, state INTEGER NOT NULL, cells INTEGER NOT NULL, left_out TEXT,
    PRIMARY KEY (level, start)
) WITHOUT ROWID"""
INDEXES = (
    "CREATE INDEX requests_started ON requests (started_us)",
    "CREATE INDEX requests_conversation ON requests (conversation, started_us) WHERE conversation IS NOT NULL",
    "CREATE INDEX members_by_key ON tag_set_members (key, tag_set, tag)",
    "CREATE INDEX members_by_set ON tag_set_members (tag_set, key, tag)",
)

# How rows were summed before step 9.
_PRICED_BEFORE = f"SUM(b.cost_nano IS NOT NULL OR b.usage_source = {FIXED_IDS['none']})"
_SUM_ROWS_BEFORE = ", ".join(
    [
        *({**ROW_EXPRESSIONS, "priced": _PRICED_BEFORE}[measure] for measure in _FIRST_MEASURES),
        *(f"histogram_of(b.{duration})" for duration in DURATIONS),
    ]
)
_SUM_BUCKETS_BEFORE = ", ".join(
    [*(f"SUM(b.{measure})" for measure in _FIRST_MEASURES), *(f"sum_histograms(b.{blob})" for blob in HISTOGRAMS)]
)
# Some rows, with the starts of the cells that count them.
_FIND = f"""
CREATE TEMP TABLE found AS SELECT
    quarter_of(r.started_us) AS quarter, half_of(r.started_us) AS half, hour_of(r.started_us) AS hour,
    day_of(r.started_us) AS day, month_of(r.started_us) AS month, r.n, r.conversation,
    {", ".join(f"r.{dimension}" for dimension in COMBINED_DIMENSIONS)}
FROM requests r NOT INDEXED WHERE """
# Nothing tells what they used.
_UNKNOWN_USE = f"""r.cost_nano IS NULL AND r.usage_source = {FIXED_IDS["none"]} AND (
    (r.outcome = {FIXED_IDS["interrupted"]} AND r.latency_us IS NULL AND r.provider <> 0) OR
    EXISTS (SELECT 1 FROM attempts a WHERE a.request = r.n AND (a.status IS NULL OR a.status < 300)))"""
_FUZZY = "r.price_fuzzy AND r.cost_nano IS NOT NULL"
# Their values of each dimension of `buckets`, by its number there.
_VALUES_OF_FOUND: Mapping[int, str] = {
    **{
        number: f"SELECT u.*, u.{column} AS value FROM found u"
        for number, column in (
            (1, "provider"),
            (2, "model"),
            (3, "key"),
            (4, "user"),
            (5, "app"),
            (6, "door"),
            (7, "outcome"),
            (10, "client"),
            (11, "tag_set"),
        )
    },
    0: "SELECT u.*, 0 AS value FROM found u",
    8: (
        "SELECT DISTINCT u.*, COALESCE(m.tag, 0) AS value FROM found u "
        "LEFT JOIN tag_set_members m ON m.tag_set = u.tag_set"
    ),
    9: "SELECT DISTINCT u.*, m.key AS value FROM found u JOIN tag_set_members m ON m.tag_set = u.tag_set",
}

DAY_ZONE = "SELECT value FROM settings WHERE name = 'day_zone'"
_SET_DAY_ZONE = "INSERT INTO settings (name, value) VALUES ('day_zone', ?) ON CONFLICT DO NOTHING"


def _know_starts(db: "Database", zone: ZoneInfo) -> None:
    """Functions of SQL that say in which cells a time in microseconds is counted."""
    functions: Mapping[str, Callable[[int], int]] = {
        "quarter_of": quarter_of,
        "half_of": lambda us: half_start(quarter_of(us)),
        "hour_of": lambda us: hour_start(quarter_of(us)),
        "day_of": lambda us: day_start(quarter_of(us), zone),
        "month_of": lambda us: month_start(day_start(quarter_of(us), zone), zone),
    }
    for name, function in functions.items():
        db.conn.create_function(name, 1, function, deterministic=True)


def _m001_requests_and_buckets(db: "Database") -> None:
    db.table("settings").create({"name": str, "value": str}, pk="name")
    db.table("names").create({"id": int, "text": str}, pk="id", not_null={"text"})
    db.table("names").create_index(["text"], unique=True)
    db.table("names").insert_all({"id": number, "text": text} for number, text in enumerate(FIXED, 1))
    db.table("tag_sets").create({"id": int, "tags": str}, pk="id", not_null={"tags"})
    db.table("tag_sets").create_index(["tags"], unique=True)
    for statement in (
        CREATE_REQUESTS,
        CREATE_ATTEMPTS,
        CREATE_TAG_SET_MEMBERS,
        _create("buckets", BUCKET_KEY, _FIRST_COLUMNS),
        _create(
            "combined",
            ("level", "start", "provider", "model", "key", "user", "app", "door", "outcome", "tag_set"),
            _FIRST_COLUMNS,
        ),
        *INDEXES,
    ):
        db.execute(statement)


def _m002_how_it_was_served(db: "Database") -> None:
    # Numbers of `names`: 0 is none.
    for column in ("speed", "inference_geo"):
        db.execute(f"ALTER TABLE requests ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")


def _m003_rows_of_a_trace(db: "Database") -> None:
    db.execute("CREATE INDEX requests_trace ON requests (trace_id, started_us) WHERE trace_id IS NOT NULL")


def _m004_repricings(db: "Database") -> None:
    db.execute(
        "CREATE TABLE repricings (id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, undone_us INTEGER, "
        "query TEXT NOT NULL, examined INTEGER NOT NULL, changed INTEGER NOT NULL, from_nano INTEGER NOT NULL, "
        "to_nano INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL)"
    )
    # What rows were before; `attempt` is the one whose cost followed the row's.
    db.execute(
        "CREATE TABLE repriced (n INTEGER NOT NULL, repricing INTEGER NOT NULL, cost_nano INTEGER, "
        "cost_source INTEGER NOT NULL, price_id INTEGER NOT NULL, price_fuzzy INTEGER NOT NULL, attempt INTEGER, "
        "PRIMARY KEY (n, repricing)) WITHOUT ROWID"
    )


def _m005_half_hours_clients_and_sets_of_tags(db: "Database") -> None:
    # Counted from the rows. Where these are gone, the client is unknown and an hour stands in its first half.
    settings = dict(db.execute("SELECT name, value FROM settings").fetchall())
    zone = ZoneInfo(settings.get("day_zone", "UTC"))
    first = int(settings.get("rows_from_us", EARLIEST_US)) // QUARTER_US
    _know_starts(db, zone)
    sums = ", ".join(f"b.{column}" for column in (*_FIRST_MEASURES, *HISTOGRAMS))
    keys = ", ".join(f"b.{dimension}" for dimension in COMBINED_DIMENSIONS)
    kept_keys = keys.replace("b.client", "0")
    db.execute("ALTER TABLE combined RENAME TO combined_before")
    db.execute(_create("combined", COMBINED_KEY, _FIRST_COLUMNS))
    for level, start, before, span in ((3, "half_of", 1, "hour_of"), (2, "day_of", 2, "day_of")):
        db.execute(
            f"INSERT INTO combined SELECT {level}, {start}(b.started_us), {keys}, {_SUM_ROWS_BEFORE} "
            f"FROM requests b WHERE {span}(b.started_us) >= {first} GROUP BY 2, {keys}"
        )
        db.execute(
            f"INSERT INTO combined SELECT {level}, b.start, {kept_keys}, {sums} "
            f"FROM combined_before b WHERE b.level = {before} AND b.start < {first}"
        )
    db.execute("DROP TABLE combined_before")
    for level, start in ((0, "quarter_of"), (1, "hour_of"), (2, "day_of")):
        db.execute(
            f"INSERT INTO buckets SELECT {level}, 10, {start}(b.started_us), b.client, {_SUM_ROWS_BEFORE} "
            f"FROM requests b WHERE {start}(b.started_us) >= {first} GROUP BY 3, 4"
        )
    db.execute(
        f"INSERT INTO buckets SELECT b.level, 10, b.start, 0, {sums} "
        f"FROM buckets b WHERE b.dimension = 0 AND b.start < {first}"
    )
    db.execute(
        f"INSERT INTO buckets SELECT b.level, 11, b.start, b.tag_set, {_SUM_BUCKETS_BEFORE} "
        "FROM combined b GROUP BY 1, 3, 4"
    )
    # Rows may be kept for longer than buckets.
    gone = int(settings.get("buckets_from_us", EARLIEST_US)) // QUARTER_US
    db.execute(f"DELETE FROM combined WHERE start < {gone}")
    db.execute(f"DELETE FROM buckets WHERE dimension IN (10, 11) AND start < {gone}")


def _m006_cache_writes_of_12_hours(db: "Database") -> None:
    db.execute("ALTER TABLE requests ADD COLUMN cache_write_12h_tokens INTEGER")


def _m007_pairs(db: "Database") -> None:
    # Nothing is settled yet: they are counted bit by bit.
    db.execute(CREATE_PAIRS)
    db.execute(CREATE_SETTLED)


def _m008_totals_of_conversations(db: "Database") -> None:
    # Nothing is counted yet: they are counted bit by bit.
    db.execute(CREATE_TOTALS)


def _change_cells(db: "Database", change: str, combined_to: int = 2**63 - 1) -> None:
    """By how many of the rows that were found; combinations count those up to a number."""
    for dimension, values in _VALUES_OF_FOUND.items():
        whole_sets = dimension == 11
        last = combined_to if whole_sets else 2**63 - 1
        for level, start in ((3, "half"), (2, "day")) if whole_sets else ((0, "quarter"), (1, "hour"), (2, "day")):
            counted = db.execute(
                f"SELECT COUNT(*), {start}, value FROM ({values}) WHERE n <= {last} GROUP BY 2, 3"
            ).fetchall()
            db.conn.executemany(
                f"UPDATE buckets SET {change} WHERE level = {level} AND dimension = {dimension} "
                "AND start = ? AND value = ?",
                counted,
            )
    keys = ", ".join(COMBINED_DIMENSIONS)
    same = " AND ".join(f"{key} = ?" for key in COMBINED_DIMENSIONS)
    for level, start in ((3, "half"), (2, "day")):
        counted = db.execute(
            f"SELECT COUNT(*), {start}, {keys} FROM found WHERE n <= {combined_to} GROUP BY 2, {keys}"
        ).fetchall()
        db.conn.executemany(f"UPDATE combined SET {change} WHERE level = {level} AND start = ? AND {same}", counted)


def _unsettle_found(db: "Database") -> None:
    """The pairs of the rows that were found are counted anew, bit by bit."""
    for level, start in ((1, "hour"), (2, "day"), (4, "month")):
        db.execute(f"DELETE FROM settled WHERE level = {level} AND start IN (SELECT {start} FROM found)")


def _m009_unknown_use_is_unpriced(db: "Database") -> None:
    # They were counted as if they had used nothing. Sums whose rows are gone stay as they were.
    zone = ZoneInfo(dict(db.execute("SELECT name, value FROM settings").fetchall()).get("day_zone", "UTC"))
    _know_starts(db, zone)
    db.execute(_FIND + _UNKNOWN_USE)
    _change_cells(db, "priced = priced - ?")
    _unsettle_found(db)
    db.execute(
        "UPDATE conversation_totals SET priced = priced - (SELECT COUNT(*) FROM found u "
        "WHERE u.conversation = conversation_totals.conversation AND u.n <= "
        "(SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'totals_to')) "
        "WHERE conversation IN (SELECT conversation FROM found)"
    )
    db.execute("DROP TABLE temp.found")


def _m010_combinations_are_counted_later(db: "Database") -> None:
    # So far each was counted with its row.
    db.execute(
        "INSERT INTO settings (name, value) SELECT 'combined_to', COALESCE(MAX(n), 0) FROM requests WHERE true "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )


def _m011_sums_say_how_many_prices_are_doubtful(db: "Database") -> None:
    # Only rows said it so far. Sums whose rows are gone do not know.
    settings = dict(db.execute("SELECT name, value FROM settings").fetchall())
    for table in ("buckets", "combined"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN price_fuzzy INTEGER NOT NULL DEFAULT 0")
    _know_starts(db, ZoneInfo(settings.get("day_zone", "UTC")))
    db.execute(_FIND + _FUZZY)
    _change_cells(db, "price_fuzzy = price_fuzzy + ?", int(settings["combined_to"]))
    # What other pairs lack is nothing of it (`packed.measures_of`).
    _unsettle_found(db)
    db.execute("DROP TABLE temp.found")


def _m012_tokens_by_medium(db: "Database") -> None:
    # A JSON array of pairs, NULL for none.
    db.execute("ALTER TABLE requests ADD COLUMN by_medium TEXT")


STEPS: tuple[Step, ...] = (
    _m001_requests_and_buckets,
    _m002_how_it_was_served,
    _m003_rows_of_a_trace,
    _m004_repricings,
    _m005_half_hours_clients_and_sets_of_tags,
    _m006_cache_writes_of_12_hours,
    _m007_pairs,
    _m008_totals_of_conversations,
    _m009_unknown_use_is_unpriced,
    _m010_combinations_are_counted_later,
    _m011_sums_say_how_many_prices_are_doubtful,
    _m012_tokens_by_medium,
)
STEPS_NAME = "usage"


def migrate(
    connection: sqlite3.Connection, path: Path, *, day_zone: str, on_upgrade: Callable[[str], object] | None = None
) -> None:
    """Bring a database to the newest schema. `day_zone` is kept only where the database is new; `on_upgrade` as in
    `bring_up`.

    Raises FaregateError where a newer version wrote it, or sqlite3.Error.
    """
    bring_up(connection, path, STEPS_NAME, STEPS, on_upgrade)
    if connection.execute(DAY_ZONE).fetchone() is None:
        connection.execute(_SET_DAY_ZONE, (day_zone,))
