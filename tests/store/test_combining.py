"""Combinations that are counted after their rows: whoever asks before, between and after hears what the rows say."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from unittest.mock import Mock, patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.configuration.setting_values import Keep
from gateway.records import ExchangeRecord, TagCondition, UsageQuery
from gateway.store import combining, queries, retention, settling
from gateway.store.buckets import Combined
from gateway.store.commit import day_zone
from gateway.store.database import open_database, writing
from gateway.store.histogram import decode
from gateway.store.measures import HISTOGRAMS, MEASURES, SUM_ROWS
from gateway.store.migrations import COMBINED_DIMENSIONS
from gateway.store.names import Texts
from gateway.store.quarters import QUARTER_US
from gateway.store.settling import settle
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, histories, record, usage_queries
from tests.store.migrated import started
from tests.store.test_pairs import BY, KINDS, assert_rows_say_the_same, at_once, while_a_day_is_counted
from tests.store.test_queries import GROUPS, stored
from tests.store.test_repricing import doubled

LATER_US = BASE_US + 100 * DAY_US
DAY_S = DAY_US // 1_000_000
CALM = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def count(store: UsageStore, most: int = 10**6) -> bool:
    """One step."""
    with (
        patch.object(combining, "STEP_ROWS", most),
        closing(open_database(store._folder / "usage.db")) as connection,
        writing(connection),
    ):
        return combining.count_on(connection, day_zone(connection))


def counted(store: UsageStore, table: str = "combined", where: str = "level = 3") -> int:
    """Requests in the combinations, or in what has whole sets of tags."""
    with store._readers.snapshot() as connection:
        found = connection.execute(f"SELECT COALESCE(SUM(requests), 0) FROM {table} WHERE {where}").fetchone()
    return int(found[0])


@CALM
@given(
    histories(),
    usage_queries(),
    st.sampled_from(GROUPS),
    st.sampled_from(["UTC", "Asia/Kathmandu"]),
    st.integers(1, 40),
)
def test_counted_or_not_every_answer_is_that_of_the_rows(
    records: list[ExchangeRecord], query: UsageQuery, by: str, day_zone: str, most: int
) -> None:
    with stored(records, day_zone) as store:
        for _ in range(3):
            assert_rows_say_the_same(store, query, by, hourly=True)
            assert store.check() == []
            count(store, most)


STEPS = ("more", "late", "assign", "reprice", "undo", "retention", "fewer buckets", "rebuild", "count", "settle")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    histories(20),
    st.lists(st.sampled_from(STEPS), max_size=8),
    st.sampled_from(list(KINDS.values())),
    st.sampled_from(BY),
    st.sampled_from([1, 15, 1000]),
)
def test_whatever_becomes_of_rows_their_combinations_follow(
    records: list[ExchangeRecord], steps: Sequence[str], query: UsageQuery, by: str, many: int
) -> None:
    with patch.object(combining, "AT_ONCE_ROWS", many), stored(records, "Asia/Kathmandu") as store:
        for number, step in enumerate(steps):
            kept = UsageQuery(start_us=store.kept().rows_from_us)
            some = {"id": f"more-{number}", "tags": ("team:a",), "app": "shop"}
            match step:
                case "more":
                    store.insert_history([record(number + 200_000, **some)])
                case "late":
                    store.insert_history([record(number, **some)])
                case "assign" if records:
                    store.assign(records[number % len(records)].id, app=("notebook", "shop")[number % 2])
                    store.assign(records[-1].id, app="other")
                case "reprice" if store.preview_repricing(kept, doubled).changed:
                    store.apply_repricing(kept, doubled, BASE_US)
                case "undo" if kept.start_us is None and store.repricings():
                    if store.repricings()[0].undone_us is None:
                        store.undo_repricing(store.repricings()[0].id, BASE_US)
                case "retention":
                    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, BASE_US + number * DAY_US // 2)
                case "fewer buckets":
                    store.clean_up({"requests": Keep(), "buckets": Keep(days=1)}, BASE_US + number * DAY_US // 2)
                case "rebuild":
                    store.rebuild()
                case "count":
                    count(store, 3)
                case "settle":
                    settle(store._folder / "usage.db", BASE_US + number * DAY_US, at_once)
            assert store.flush() and store.check() == []
            if store.kept().rows_from_us is None:
                assert_rows_say_the_same(store, query, by)


def test_the_store_counts_what_has_come_and_ends_it_when_it_closes(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "STEP_ROWS", 4)
    store.insert_history(record(number, tags=("team:a",)) for number in range(10))
    assert counted(store) == counted(store, "buckets", "dimension = 11") == 0
    store.combine()
    assert counted(store) == 10
    for level in (2, 3):
        assert counted(store, "buckets", f"dimension = 11 AND level = {level}") == 10
        assert counted(store, "combined", f"level = {level}") == 10
    store.combine()
    assert counted(store) == 10
    store.insert_history(record(number) for number in range(10, 20))
    store._stopped.set()
    store.combine()
    assert counted(store) == 14
    assert store.check() == []


def test_what_goes_before_it_was_counted_stays_in_the_sums(store: UsageStore) -> None:
    """And numbers that are given again are counted again."""
    asked = UsageQuery(model=("gpt-5",), key=("laptop",), door=("openai_chat",))
    store.insert_history(record(number) for number in range(8))
    assert count(store, 3)
    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, BASE_US + 3 * DAY_US)
    assert counted(store) == 8
    store.insert_history(record(4 * 86_400 + number, id=f"later-{number}") for number in range(3))
    assert store.summary(asked).requests == 11
    assert not count(store)
    assert counted(store) == 11 and store.summary(asked).requests == 11
    assert store.check() == []


def test_what_came_too_late_for_its_rows_is_counted_before_buckets_are_made_anew(store: UsageStore) -> None:
    """Its time's buckets stay as they are, so that nothing would count it any more."""
    asked = UsageQuery(model=("gpt-5",), key=("laptop",), door=("openai_chat",))
    store.insert_history(record(number * 86_400) for number in range(4))
    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, BASE_US + 3 * DAY_US)
    store.insert_history([record(1, id="late")])
    assert store.summary(asked).requests == store.summary(UsageQuery()).requests == 5
    store.rebuild()
    assert store.summary(asked).requests == store.summary(UsageQuery()).requests == 5
    assert store.check() == []


def test_an_app_that_is_learnt_before_or_after_its_row_is_counted_counts_once(store: UsageStore) -> None:
    store.insert_history(record(number, app="a") for number in range(4))
    count(store, 2)
    # Its like is counted, and keeps its app for now.
    store.assign("req_3", app="b")
    assert store.flush() and store.check() == []
    for number in range(3):
        store.assign(f"req_{number}", app="b")
    assert store.flush() and store.check() == []
    apps = UsageQuery(model=("gpt-5",), key=("laptop",))
    for _ in range(2):
        assert [(row.value, row.summary.requests) for row in store.breakdown(apps, "app").rows] == [("b", 4)]
        count(store)
    assert store.check() == []


def test_a_clean_up_counts_step_by_step_before_it_takes(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "STEP_ROWS", 4)
    store.insert_history(record(number) for number in range(10))
    seen: list[tuple[int, int]] = []

    def between(_taken_s: float) -> bool:
        seen.append((counted(store), store.sizes().requests))
        return True

    monkeypatch.setattr(store, "_gave_way", between)
    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, LATER_US)
    assert seen[:3] == [(4, 10), (8, 10), (10, 0)]


def test_rows_that_come_while_others_go_are_counted_before_they_go_too(store: UsageStore) -> None:
    store.insert_history(record(number) for number in range(8))
    with closing(open_database(store._folder / "usage.db")) as connection, writing(connection):
        assert retention._take_rows(connection, LATER_US, 5) == 5
    assert counted(store) == 8


def test_rows_that_cost_something_else_before_they_are_counted_cost_it_once(store: UsageStore) -> None:
    asked = UsageQuery(model=("gpt-5",), key=("laptop",))
    store.insert_history(record(number) for number in range(4))
    count(store, 2)
    store.apply_repricing(UsageQuery(), doubled, BASE_US)
    store.insert_history([record(4)])
    for _ in range(2):
        assert store.summary(asked).cost_nano == 4 * 30 + 1000
        assert store.check() == []
        count(store)
    store.undo_repricing(1, BASE_US)
    assert store.summary(asked).cost_nano == 5000 and store.check() == []


@pytest.mark.parametrize("minutes", [0, 20])
def test_a_row_that_is_not_counted_is_told_wherever_in_a_cell_it_lies(store: UsageStore, minutes: int) -> None:
    store.insert_history([record((20 - minutes) * 60)])
    count(store)
    store.insert_history([record(minutes * 60)])
    assert store.summary(UsageQuery(model=("gpt-5",), key=("laptop",))).requests == 2


def test_time_with_rows_that_are_not_counted_is_not_settled(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = "SELECT COUNT(*) FROM settled WHERE level = 2 AND state = 0"
    store.insert_history(record(number * 43_200) for number in range(8))
    with monkeypatch.context() as nothing_counted:
        nothing_counted.setattr(combining, "count_on", lambda *_: False)
        assert settle(store._folder / "usage.db", LATER_US, at_once) == 0
    # All are counted first; while the newest day is, a row of an earlier one comes.
    late = while_a_day_is_counted(store, lambda: store.insert_history([record(86_400, id="late")]))
    settle(store._folder / "usage.db", LATER_US, late)
    with store._readers.snapshot() as connection:
        settled, all_days = connection.execute(days).fetchone()[0], len({(22 + 12 * n) // 24 for n in range(8)})
        assert (settled, combining.uncounted(connection) is None) == (all_days - 1, False)
    assert store.check() == []
    settle(store._folder / "usage.db", LATER_US, at_once)
    with store._readers.snapshot() as connection:
        assert connection.execute(days).fetchone() == (all_days,) and combining.uncounted(connection) is None
    assert store.check() == []


def test_settling_ends_whatever_comes_meanwhile(store: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts rows and conversations first, and at each of its pauses there is one more."""
    monkeypatch.setattr(combining, "STEP_ROWS", 4)
    monkeypatch.setattr(settling, "COUNTED_ROWS", 4)
    store.insert_history(record(number, conversation_id="c") for number in range(10))
    came = 0

    def between(_seconds: float) -> bool:
        nonlocal came
        came += 1
        store.insert_history([record(40 * 86_400 + came, id=f"more-{came}", conversation_id="c")])
        return came < 500

    assert settle(store._folder / "usage.db", BASE_US + 2 * DAY_US, between) == 2
    # Its hour and its day are settled; how often it pauses is told by the clock.
    assert came < 500 and counted(store) >= 10
    assert store.check() == []


def test_days_are_those_of_the_zone_that_the_database_has_by_then(store: UsageStore) -> None:
    store.insert_history(record(number * 3600) for number in range(50))
    other = UsageStore(store._folder, day_zone="Asia/Kathmandu")
    other.rebuild()
    assert counted(store) == 50
    store.insert_history(record(number * 3600 + 1, id=f"more-{number}") for number in range(50))
    store.combine()
    assert counted(store) == 100 and store.check() == []


def test_what_is_not_counted_is_found_by_its_number(store: UsageStore) -> None:
    store.insert_history(record(number) for number in range(3))
    asked = {combining._SINCE: (1,), combining._SINCE_WITHIN: (1, 2, 3)}
    asked[combining._ROWS] = (1, 2)
    with closing(open_database(store._folder / "usage.db")) as connection:
        count(store)
        for statement, bound in asked.items():
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bound)]
            assert any("USING INTEGER PRIMARY KEY (rowid>?" in step for step in plan), plan


def test_a_question_beside_what_is_not_counted_reads_none_of_it(store: UsageStore) -> None:
    """Rows of other days are not held against the days that are asked for."""
    store.insert_history(record(number * 3600) for number in range(48))
    count(store)
    store.insert_history(record(200 * 3600 + number, id=f"more-{number}") for number in range(500))
    query = UsageQuery(end_us=BASE_US + 2 * DAY_US, tags=(TagCondition(("team:a",), negated=True),))
    statements: list[str] = []
    with store._readers.snapshot() as connection:
        connection.set_trace_callback(statements.append)
        assert queries.total(connection, query)["requests"] == 48
        connection.set_trace_callback(None)
        assert not any("requests r NOT INDEXED" in each for each in statements)
        assert (
            queries.breakdown(connection, Texts(), UsageQuery(key=("laptop",)), "model").rows[0].summary.requests
            == 548
        )


def test_many_slices_of_many_rows_that_are_not_counted_are_not_each_held_against_each(store: UsageStore) -> None:
    store.insert_history(record(number * 3600) for number in range(500))
    query = UsageQuery(key=("laptop",), door=("openai_chat",), provider=("openai",))
    steps = {}
    with closing(open_database(store._folder / "usage.db")) as connection:
        for width in ("month", "hour"):
            told: list[int] = []
            connection.set_progress_handler(lambda told=told: told.append(1), 100)
            series = queries.timeseries(connection, Texts(), query, width)
            connection.set_progress_handler(None, 0)
            assert sum(bucket.summary.requests for bucket in series) == 500
            steps[width] = len(told)
    assert steps["hour"] < 5 * steps["month"], steps


def test_a_database_from_before_has_all_counted(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("before")
    store = started(folder)
    store.insert_history(record(number) for number in range(5))
    store.combine()
    store.close()
    with closing(sqlite3.connect(folder / "usage.db")) as connection, connection:
        connection.execute("DELETE FROM settings WHERE name = 'combined_to'")
        for table in ("buckets", "combined"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN price_fuzzy")
        connection.execute("ALTER TABLE requests DROP COLUMN by_medium")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name >= 'm010'")
    store = started(folder)
    store.combine()
    assert counted(store) == 5 and store.check() == []
    store.insert_history([record(5)])
    store.combine()
    assert counted(store) == 6
    assert store.check() == []
    store.close()


def test_what_is_counted_in_steps_or_at_once_is_what_the_rows_say(store: UsageStore) -> None:
    """Sums that SQL has of them, with what is rare, what nobody knows, and what may have been used unseen."""
    made = [
        record(
            number * 311,
            id=f"each-{number}",
            cost_nano=None if number % 4 == 0 else number,
            usage_source=("provider", "none", "partial", "estimated")[number % 4],
            outcome=("ok", "interrupted", "error")[number % 3],
            cache_write_tokens=number if number % 5 == 0 else None,
            web_searches=0 if number % 7 == 0 else None,
            latency_us=None if number % 6 == 0 else 10 ** (number % 12),
            ttft_us=None if number % 2 else number,
            provider="openai" if number % 8 else None,
            tags=("team:a", "urgent")[: number % 3],
        )
        for number in range(200)
    ]
    store.insert_history(made[:150])
    for _ in range(3):
        count(store, 40)
    store.insert_history(made[150:])
    with closing(open_database(store._folder / "usage.db")) as connection, writing(connection):
        combining.catch_up(connection, day_zone(connection))
    dimensions = ", ".join(COMBINED_DIMENSIONS)
    cells = ", ".join((*MEASURES, *HISTOGRAMS))
    with store._readers.snapshot() as connection:
        for level, quarters in ((3, 2), (2, 96)):
            start = f"started_us / {QUARTER_US} / {quarters} * {quarters}"
            rows = connection.execute(
                f"SELECT {start}, {dimensions}, {SUM_ROWS} FROM requests b GROUP BY 1, {dimensions}"
            )
            stored = connection.execute(f"SELECT start, {dimensions}, {cells} FROM combined WHERE level = {level}")
            told, counted = ({row[:-2]: tuple(map(decode, row[-2:])) for row in each} for each in (rows, stored))
            assert len(told) > 10 and counted == told
    assert store.check() == []


@pytest.mark.parametrize("keep", [Keep(days=1), Keep(size_bytes=8000)], ids=["by age", "by size"])
def test_a_clean_up_that_is_ended_at_any_step_changes_no_sum(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch, keep: Keep
) -> None:
    """Also where some of what goes was not counted yet, and came while others went."""
    monkeypatch.setattr(combining, "STEP_ROWS", 15)
    for name in ("FIRST_ENTRIES", "MOST_ENTRIES"):
        monkeypatch.setattr(f"gateway.store.clean_up.{name}", 10)
    keeps, asked = {"requests": keep, "buckets": Keep()}, UsageQuery(model=("gpt-5",), key=("laptop",))
    rows, step, finished, taken = 0, 0, False, 0
    while not finished:
        more = [record(rows + number, conversation_id="c") for number in range(40 if step < 5 else 0)]
        store.insert_history(more)
        rows, step, steps = rows + len(more), step + 1, 0

        def between(_seconds: float, most: int = step) -> bool:
            nonlocal rows, steps
            if most <= 6:
                store.insert_history([record(-(rows * 7200) % DAY_S, id=f"meanwhile-{rows}")])
                rows += 1
            steps += 1
            return steps < most

        monkeypatch.setattr(store, "_gave_way", between)
        cleaned = store.clean_up(keeps, LATER_US)
        finished, taken = cleaned.finished, taken + cleaned.taken["requests"]
        assert store.summary(asked).requests == store.summary(UsageQuery()).requests == rows
        assert store.request_count(UsageQuery()) <= store.sizes().requests == rows - taken
        assert store.check() == []
    assert taken > 100 and step > 5


def test_of_many_that_wait_a_step_counts_as_many_as_a_history_writes_at_once(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "STEP_ROWS", 2)
    monkeypatch.setattr(combining, "CATCH_UP_ROWS", 6)
    store.insert_history(record(number) for number in range(16))
    told: list[int] = []
    more = True
    with closing(open_database(store._folder / "usage.db")) as connection:
        while more:
            with writing(connection):
                more = combining.count_on(connection, day_zone(connection))
            told.append(counted(store))
    assert told == [6, 12, 14, 16]
    assert store.check() == []


def test_all_that_waits_is_counted_in_one_transaction_in_parts_that_add_up(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "CATCH_UP_ROWS", 6)
    store.insert_history(record(number) for number in range(16))
    parts: list[int] = []
    combine = combining.combine

    def told(connection: sqlite3.Connection, zone: ZoneInfo, rows: Iterable[Combined]) -> None:
        rows = list(rows)
        parts.append(len(rows))
        combine(connection, zone, rows)

    monkeypatch.setattr(combining, "combine", told)
    with closing(open_database(store._folder / "usage.db")) as connection:
        for _ in range(2):
            with writing(connection):
                combining.catch_up(connection, day_zone(connection))
    assert parts == [6, 6, 4] and counted(store) == 16
    assert store.check() == []


def test_many_that_come_at_once_are_counted_with_them_after_those_before(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "AT_ONCE_ROWS", 6)
    monkeypatch.setattr(combining, "STEP_ROWS", 4)
    came, told = 0, []
    for many in (5, 6, 6, 1, 6, 5):
        store.insert_history(record(number * 600, model=f"m{number % 3}") for number in range(came, came + many))
        came += many
        told.append((came, counted(store), counted(store, "buckets", "dimension = 11 AND level = 2")))
        assert_rows_say_the_same(store, UsageQuery(model=("m1",), key=("laptop",)), "tag:team")
        assert store.check() == []
    # Where more waits than a step counts, those that come wait too.
    assert told == [(5, 0, 0), (11, 4, 4), (17, 8, 8), (18, 8, 8), (24, 12, 12), (29, 12, 12)]
    store.combine()
    store.insert_history(record(number * 600) for number in range(29, 35))
    assert counted(store) == 35 and store.check() == []


def test_after_a_lock_what_waited_is_counted_as_it_is_written(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "AT_ONCE_ROWS", 50)
    with closing(open_database(store._folder / "usage.db")) as other, writing(other):
        for number in range(100):
            store.begin(record(number, outcome="interrupted"))
            store.end(record(number))
    # They are written at once, but for those that the writer had taken up before.
    assert store.flush()
    assert counted(store) >= 50 and store.check() == []


def test_where_counting_fails_nothing_of_the_rows_is_written(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combining, "AT_ONCE_ROWS", 6)
    store.insert_history([record(0)])
    with monkeypatch.context() as full:
        full.setattr(combining, "all_counted", Mock(side_effect=sqlite3.OperationalError("database or disk is full")))
        with pytest.raises(sqlite3.OperationalError):
            store.insert_history(record(number, app="new") for number in range(1, 9))
    assert (store.request_count(UsageQuery()), counted(store)) == (1, 0) and store.check() == []
    store.insert_history(record(number, app="new") for number in range(1, 9))
    assert (store.request_count(UsageQuery()), counted(store)) == (9, 9) and store.check() == []


def test_only_with_a_cost_can_its_price_be_in_doubt(store: UsageStore) -> None:
    costless = {"cost_nano": None, "cost_source": "none"}
    store.insert_history([record(0, price_fuzzy=True), record(1, price_fuzzy=True, **costless), record(2)])
    store.combine()
    assert counted(store) == 3
    for asked in (UsageQuery(), UsageQuery(model=("gpt-5",)), UsageQuery(model=("gpt-5",), key=("laptop",))):
        assert store.summary(asked).price_fuzzy_requests == 1
