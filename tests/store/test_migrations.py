import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from gateway.errors import FaregateError
from gateway.records import ExchangeRecord, TagCondition, UsageQuery
from gateway.store import combining, conversation_totals, migrations
from gateway.store.check import MOST_DIFFERENCES
from gateway.store.database import BUSY_TIMEOUT_S, open_database
from gateway.store.kept import ROWS_FROM, move
from gateway.store.measures import HISTOGRAMS, PRICED, ROW_EXPRESSIONS
from gateway.store.migrations import STEPS, migrate
from gateway.store.names import FIXED, FIXED_IDS
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, HOUR_US, NO_USE, TAGS, UNKNOWN_USE, record, unmeasured

pytestmark = pytest.mark.usefixtures("settled_at_once")


def tables(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())


APPLIED = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'usage' ORDER BY id"


def test_steps_are_numbered_in_order_and_applied_once(tmp_path: Path) -> None:
    path = tmp_path / "usage.db"
    with closing(open_database(path)) as connection:
        migrate(connection, path, day_zone="UTC")
        applied = connection.execute(APPLIED).fetchall()
        before = tables(connection)
        migrate(connection, path, day_zone="Europe/Berlin")
        assert connection.execute(APPLIED).fetchall() == applied
        assert tables(connection) == before
        assert connection.execute("SELECT value FROM settings WHERE name = 'day_zone'").fetchall() == [("UTC",)]
    assert [name[:5] for (name,) in applied] == [f"m{number:03d}_" for number in range(1, len(STEPS) + 1)]


_OLD_KEYS = ("level", "start", "provider", "model", "key", "user", "app", "door", "outcome", "tag_set")
_BEFORE_DOUBTS = """
    ALTER TABLE buckets DROP COLUMN price_fuzzy;
    ALTER TABLE combined DROP COLUMN price_fuzzy;
    ALTER TABLE requests DROP COLUMN by_medium;
"""
_BEFORE_HALF_HOURS = f"""
    {_BEFORE_DOUBTS}
    DROP TABLE combined;
    DROP TABLE pairs;
    DROP TABLE settled;
    DROP TABLE conversation_totals;
    {migrations._create("combined", _OLD_KEYS, migrations._FIRST_COLUMNS)};
    DELETE FROM buckets WHERE dimension > 9;
    ALTER TABLE requests DROP COLUMN cache_write_12h_tokens;
    DELETE FROM _sqlite_migrations WHERE name >= 'm005';
"""


@pytest.mark.parametrize("day_zone", ["UTC", "Asia/Kathmandu"])
def test_buckets_of_before_half_hours_are_made_from_the_rows(tmp_path: Path, day_zone: str) -> None:
    records = [
        record(number * 977, tags=(f"team:{number % 3}",), client=f"client-{number % 2}", model=f"m{number % 4}")
        for number in range(200)
    ]
    store = UsageStore(tmp_path, day_zone=day_zone)
    store.start()
    store.insert_history(records)
    before = store.breakdown(UsageQuery(), "client")
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        connection.executescript(_BEFORE_HALF_HOURS)
    store = UsageStore(tmp_path, day_zone=day_zone)
    store.start()
    assert store.check() == []
    assert store.breakdown(UsageQuery(), "client") == before
    store.insert_history([record(300_000)])
    assert store.check() == []
    store.close()


def test_buckets_without_rows_outlive_the_step_to_half_hours(tmp_path: Path) -> None:
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history([record(hour * 3600, model=f"m{hour % 2}", tags=("team:a",)) for hour in range(96)])
    asked = UsageQuery(end_us=BASE_US + 50 * HOUR_US, tags=(TagCondition(("team:a",)),))
    store.combine()
    before, clients = store.breakdown(asked, "model"), store.breakdown(UsageQuery(), "client")
    store.close()
    columns = ", ".join((*migrations._FIRST_MEASURES, *HISTOGRAMS))
    old = "level, start, provider, model, key, user, app, door, outcome, tag_set"
    with closing(open_database(tmp_path / "usage.db")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM combined")
        connection.executescript(_BEFORE_HALF_HOURS)
        # An hour's one row is in its first half.
        connection.execute(
            f"INSERT INTO combined ({old}, {columns}) SELECT IIF(level = 3, 1, level), {old[7:]}, {columns} FROM kept"
        )
        connection.execute("DROP TABLE kept")
        connection.execute("DELETE FROM requests WHERE started_us < ?", (BASE_US + 48 * HOUR_US,))
        move(connection, ROWS_FROM, BASE_US + 48 * HOUR_US)
    store = UsageStore(tmp_path)
    store.start()
    assert store.breakdown(asked, "model") == before
    assert store.breakdown(UsageQuery(), "client") == clients
    assert store.check() == []
    store.close()


@pytest.mark.parametrize(("day_zone", "days"), [("UTC", 0), ("Asia/Kathmandu", 0), ("UTC", 40)])
def test_all_sums_of_unknown_use_are_unpriced_once_migrated(
    tmp_path: Path, day_zone: str, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Buckets, pairs of settled time and totals of conversations, counted as they were before step 9. Without more
    days the last rows' day is not over then."""
    kinds = [*UNKNOWN_USE.values(), *NO_USE.values(), {"usage_source": "estimated"}]
    made = [
        unmeasured(
            number * 2111,
            conversation_id=f"c{number % 9}",
            tags=TAGS[: number % 4],
            client="codex",
            app=("notebook", None)[number % 2],
            **kinds[number % len(kinds)],
        )
        for number in range(70)
    ]
    counted = conversation_totals._ADD
    before = counted.replace(ROW_EXPRESSIONS["priced"], migrations._PRICED_BEFORE)
    combined = combining._ROWS.replace(PRICED, migrations._PRICED_BEFORE.removeprefix("SUM"))
    assert combined != combining._ROWS
    assert before != counted
    # The last one that is counted is of unknown use.
    assert made[-1].use_unknown
    store = UsageStore(tmp_path, day_zone=day_zone)
    store.start()
    with monkeypatch.context() as as_it_was:
        as_it_was.setattr(ExchangeRecord, "use_unknown", False)
        as_it_was.setattr(conversation_totals, "_ADD", before)
        as_it_was.setattr(combining, "_ROWS", combined)
        store.insert_history([*(record(number * 2111 + 7, conversation_id="c1") for number in range(70)), *made])
        store.settle(made[-1].started_us + days * 24 * HOUR_US)
        unpriced = store.summary(UsageQuery()).unpriced_requests
    assert len(store.check()) > MOST_DIFFERENCES
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection, connection:
        assert connection.execute("SELECT COUNT(DISTINCT level) FROM settled WHERE state = 0").fetchone()[0] > 1
        connection.executescript(_BEFORE_DOUBTS)
        connection.execute("DELETE FROM _sqlite_migrations WHERE name >= 'm009'")
    store = UsageStore(tmp_path, day_zone=day_zone)
    store.start()
    unknown = sum(row.use_unknown for row in made)
    assert unknown > 10 and store.summary(UsageQuery()).unpriced_requests == unpriced + unknown
    assert store.check() == []
    store.settle(made[-1].started_us + 40 * 24 * HOUR_US)
    assert store.check() == []
    store.close()


@pytest.mark.parametrize(("day_zone", "combined"), [("UTC", 0), ("UTC", 47), ("Asia/Kathmandu", 90)])
def test_all_sums_say_how_many_prices_are_doubtful_once_migrated(
    tmp_path: Path, day_zone: str, combined: int
) -> None:
    """However many rows' combinations are counted then."""
    made = [
        record(
            number * 2111,
            tags=TAGS[: number % 4],
            app=("notebook", None)[number % 2],
            price_fuzzy=number % 3 == 0,
            **({"cost_nano": None, "cost_source": "none"} if number % 9 == 0 else {}),
        )
        for number in range(90)
    ]
    store = UsageStore(tmp_path, day_zone=day_zone)
    store.start()
    store.insert_history(made[:combined])
    store.settle(made[-1].started_us + 40 * 24 * HOUR_US)
    store.insert_history(made[combined:])
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection, connection:
        connection.executescript(_BEFORE_DOUBTS)
        connection.execute("DELETE FROM _sqlite_migrations WHERE name >= 'm011'")
    store = UsageStore(tmp_path, day_zone=day_zone)
    store.start()
    assert store.check() == []
    assert store.summary(UsageQuery()).price_fuzzy_requests == 20
    assert store.summary(UsageQuery(app=("notebook",), key=("laptop",))).price_fuzzy_requests == 10
    store.settle(made[-1].started_us + 40 * 24 * HOUR_US)
    assert store.check() == []
    assert sum(row.summary.price_fuzzy_requests for row in store.breakdown(UsageQuery(), "app").rows) == 20
    store.close()


def test_an_up_to_date_database_opens_while_another_process_writes(tmp_path: Path) -> None:
    first = UsageStore(tmp_path)
    first.start()
    first.close()
    with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        reader = UsageStore(tmp_path)
        begin = monotonic()
        reader.start()
        assert reader.request_count(UsageQuery()) == 0
        reader.close()
        assert monotonic() - begin < BUSY_TIMEOUT_S, "it does not wait for the other"


def test_a_newer_or_broken_database_is_said_so(tmp_path: Path) -> None:
    newer, broken = tmp_path / "newer", tmp_path / "broken"
    store = UsageStore(newer)
    store.start()
    store._connection.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('usage', 'm999_later')")
    store.close()
    broken.mkdir()
    (broken / "usage.db").write_bytes(b"no database at all" * 100)
    for folder, message in ((newer, "newer Faregate"), (broken, "usage.db cannot be used")):
        with pytest.raises(FaregateError, match=message):
            UsageStore(folder).start()


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
        "SELECT 1 FROM combined WHERE level = 3 AND start >= ? AND start < ?": "PRIMARY KEY",
    }
    with store._readers.snapshot() as connection:
        for statement, index in plans.items():
            values = (0,) * statement.count("?")
            steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            assert any(index in step[3] for step in steps), steps
