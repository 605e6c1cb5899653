"""Pairs of settled days and months answer as the rows do, whatever happens to the rows before, meanwhile and after."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.records import ExchangeRecord, TagCondition, UsageQuery
from gateway.store import queries, settling
from gateway.store.kept import kept
from gateway.store.measures import MEASURES, Sums
from gateway.store.names import Texts
from gateway.store.packed import Adder, Cell, encode, loose, total
from gateway.store.pairs import MONTH, parts_of
from gateway.store.settling import settle
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, HOUR_US, histories, record, usage_queries
from tests.store.test_queries import GROUPS, only_rows, stored
from tests.store.test_repricing import doubled

LATER_US = BASE_US + 100 * DAY_US
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu")
CALM = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MARKS = "SELECT level, COUNT(*) FROM settled WHERE state = 0 GROUP BY 1 ORDER BY 1"
KINDS = {
    "none": UsageQuery(),
    "model": UsageQuery(model=("gpt-5",)),
    "provider": UsageQuery(provider=("openai", "xai")),
    "key": UsageQuery(key=("laptop",)),
    "user": UsageQuery(user=("ada",)),
    "app": UsageQuery(app=("notebook",)),
    "door": UsageQuery(door=("anthropic",)),
    "client": UsageQuery(client=("codex",)),
    "outcome": UsageQuery(outcome=("error",)),
    "tag": UsageQuery(tags=(TagCondition(("team:a",)),)),
    "tag key": UsageQuery(tags=(TagCondition(("team",)),)),
}
BY = ("model", "provider", "key", "user", "app", "door", "client", "outcome", "tag", "tag:team", "tag:urgent")


def at_once(_seconds: float) -> bool:
    return True


def settled(store: UsageStore, now_us: int = LATER_US) -> int:
    return settle(store._folder / "usage.db", now_us, at_once)


def while_a_day_is_counted(store: UsageStore, call: Callable[[], object]) -> Callable[[float], bool]:
    """What `settle` asks between its steps: the first time that a day is claimed, something else happens."""
    happened: list[object] = []

    def between(_seconds: float) -> bool:
        if not happened:
            with store._readers.snapshot() as connection:
                claimed = connection.execute("SELECT 1 FROM settled WHERE level = 2 AND state != 0").fetchone()
            if claimed is not None:
                happened.append(call())
        return True

    return between


def marks(store: UsageStore) -> list[tuple[int, int]]:
    with store._readers.snapshot() as connection:
        return connection.execute(MARKS).fetchall()


def spread(records: Sequence[ExchangeRecord], factor: int) -> list[ExchangeRecord]:
    """Over more days, so that some months are whole."""
    return [replace(each, started_us=BASE_US + (each.started_us - BASE_US) * factor) for each in records]


def wider(query: UsageQuery, factor: int) -> UsageQuery:
    return replace(
        query,
        start_us=None if query.start_us is None else BASE_US + (query.start_us - BASE_US) * factor,
        end_us=None if query.end_us is None else BASE_US + (query.end_us - BASE_US) * factor,
    )


def assert_rows_say_the_same(store: UsageStore, query: UsageQuery, by: str, *, hourly: bool = False) -> None:
    with store._readers.snapshot() as connection:
        texts = Texts()
        assert queries.total(connection, query).summary() == queries.total(connection, query, only_rows).summary()
        assert queries.breakdown(connection, texts, query, by) == queries.breakdown(
            connection, texts, query, by, choose=only_rows
        )
        for width in ("hour", "day", "month") if hourly else ("day", "month"):
            assert queries.timeseries(connection, texts, query, width, by) == queries.timeseries(
                connection, texts, query, width, by, choose=only_rows
            )


@CALM
@given(
    histories(),
    usage_queries(),
    st.sampled_from(GROUPS),
    st.sampled_from(ZONES),
    st.sampled_from([1, 9, 25]),
    st.data(),
)
def test_settled_or_not_every_answer_is_that_of_the_rows(
    records: list[ExchangeRecord], query: UsageQuery, by: str, day_zone: str, factor: int, data: st.DataObject
) -> None:
    query = data.draw(st.sampled_from([wider(query, factor), *KINDS.values()]))
    with stored(spread(records, factor), day_zone) as store:
        settled(
            store,
            data.draw(st.sampled_from([BASE_US + DAY_US, BASE_US + 3 * DAY_US, BASE_US + 40 * DAY_US, LATER_US])),
        )
        assert_rows_say_the_same(store, query, by, hourly=factor == 1)
        assert store.check() == []


@CALM
@given(
    histories(20),
    histories(20),
    st.lists(
        st.sampled_from(["late", "reprice", "undo", "assign", "settle", "retention", "restart", "rebuild"]),
        max_size=6,
    ),
    st.sampled_from(list(KINDS.values())),
    st.sampled_from(BY),
    st.sampled_from(ZONES),
)
def test_whatever_changes_a_day_takes_it_back_from_the_pairs(
    records: list[ExchangeRecord],
    late: list[ExchangeRecord],
    changes: list[str],
    query: UsageQuery,
    by: str,
    day_zone: str,
) -> None:
    with stored(spread(records, 9), day_zone) as store:
        settled(store)
        late = [replace(each, id=f"late_{each.id}") for each in spread(late, 9)]
        kept_from = BASE_US - 4 * DAY_US
        for change in changes:
            if change == "late" and late:
                store.insert_history([late.pop()])
            elif change == "reprice" and store.preview_repricing(UsageQuery(), doubled).changed:
                store.apply_repricing(UsageQuery(), doubled, 1)
            elif change == "undo" and store.repricings() and store.repricings()[0].undone_us is None:
                store.undo_repricing(store.repricings()[0].id, 2)
            elif change == "assign" and records:
                store.assign(records[0].id, app="shop")
                assert store.flush()
            elif change == "settle":
                settled(store)
            elif change == "restart":
                store.close()
                store.start()
            elif change == "rebuild":
                store.rebuild()
            elif change == "retention":
                # Rows are kept, so that they can be asked.
                store.clean_up({"requests": Keep(), "buckets": Keep(days=30)}, kept_from + 30 * DAY_US)
            assert_rows_say_the_same(store, query, by)
        assert store.check() == []


DAYS = 36


def many() -> Iterator[ExchangeRecord]:
    """Two a day over forty days, of all kinds, with the whole of April 2026."""
    for number in range(2 * DAYS):
        yield record(
            number * 12 * 3600,
            id=f"req_{number}",
            model=("gpt-5", "grok", None)[number % 3],
            provider=("openai", "xai")[number % 5 % 2],
            principal=("ada", "bob", None)[number % 5 % 3],
            app=("notebook", None)[number % 4 % 2],
            client=("codex", None)[number % 3 % 2],
            door=("anthropic", "openai_chat")[number % 7 % 2],
            outcome=("ok", "error")[number % 11 == 0],
            tags=(("team:a", "env:dev"), ("team:b",), ("urgent",), ())[number % 4],
            latency_us=10_000 * (number + 1),
            cost_nano=None if number % 13 == 0 else number,
            cost_source="none" if number % 13 == 0 else "list",
        )


# Its first hours are of one day more than there are; March, which is over too, and April are whole.
ALL_MARKS = [(2, DAYS + 1), (MONTH, 3)]
SETTLED = DAYS + 4


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsageStore]:
    """Forty days of which all but the last are settled, for reading."""
    store = UsageStore(tmp_path_factory.mktemp("months"), day_zone="Europe/Berlin")
    store.start()
    store.insert_history(many())
    settled(store, BASE_US + 35 * DAY_US)
    yield store
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_each_filter_by_each_group_is_told_by_pairs(
    months: UsageStore, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = UsageQuery(start_us=BASE_US + 5 * HOUR_US, end_us=BASE_US + 35 * DAY_US + 6 * HOUR_US, tz="Europe/Berlin")
    query = replace(KINDS[kind], start_us=asked.start_us, end_us=asked.end_us, tz=asked.tz)
    for by in BY:
        if not (kind == "tag key" and by.startswith("tag:")):
            assert parts_of(query, by) is not None, by
        assert_rows_say_the_same(months, query, by)


def test_long_ranges_are_read_by_the_month_and_their_edges_by_the_nearer_day(months: UsageStore) -> None:
    """A whole month, the days around it, and less than half a day of combinations at either end."""
    query = UsageQuery(
        provider=("xai",), start_us=BASE_US + 2 * DAY_US + 20 * HOUR_US, end_us=BASE_US + 33 * DAY_US + 5 * HOUR_US
    )
    with months._readers.snapshot() as connection:
        plan = queries._planned(
            connection, query, "model", [(query.start_us or 0, query.end_us or 0)], queries.source_of
        )
        assert [level for _, level, _, _ in plan.told].count(MONTH) == 1
        assert len(plan.told) < 15
        pieces = [*plan.cells, *plan.less_cells]
        assert sum(high - low for _, _, low, high in pieces) <= 2 * 48 and not any(
            level == 2 for _, level, _, _ in pieces
        )
        early = replace(query, start_us=BASE_US + 2 * DAY_US + 3 * HOUR_US)
        plan = queries._planned(
            connection, early, "model", [(early.start_us or 0, early.end_us or 0)], queries.source_of
        )
        assert plan.less_cells
    assert_rows_say_the_same(months, early, "model")


def test_a_late_row_unsettles_its_day_and_month_alone(store: UsageStore) -> None:
    store.insert_history(many())
    assert settled(store) == SETTLED
    assert marks(store) == ALL_MARKS
    store.insert_history([record(5 * 86400, id="late")])
    assert marks(store) == [(2, DAYS), (MONTH, 2)]
    assert settled(store) == 2
    assert settled(store) == 0
    assert store.check() == []


def test_a_day_that_is_not_over_waits_and_one_that_changes_meanwhile_too(store: UsageStore) -> None:
    store.insert_history(many())
    now = BASE_US + 10 * DAY_US
    late = while_a_day_is_counted(store, lambda: store.insert_history([record(9 * 86400 + 60, id="late")]))
    # The hours of eight days, nine of ten days that are over, and March.
    assert settle(store._folder / "usage.db", now, late) == 16 + 9 + 1
    assert marks(store) == [(1, 15), (2, 9), (MONTH, 1)]
    assert settled(store, now) == 2
    assert marks(store) == [(1, 16), (2, 10), (MONTH, 1)]
    assert store.check() == []


def test_hours_are_told_for_some_days_and_then_forgotten(store: UsageStore) -> None:
    store.insert_history(many())
    now = BASE_US + 10 * DAY_US
    settled(store, now)
    # The last day is not over, but most hours of it are.
    query = UsageQuery(provider=("xai",), start_us=now - 3 * DAY_US - 7 * HOUR_US, end_us=now + 3 * HOUR_US)
    span = [(query.start_us or 0, query.end_us or 0)]
    with store._readers.snapshot() as connection:
        plan = queries._planned(connection, query, "model", span, queries.source_of)
    assert {level for _, level, _, _ in plan.told} == {1, 2}
    assert not plan.less_cells
    assert_rows_say_the_same(store, query, "model", hourly=True)
    assert_rows_say_the_same(store, replace(query, tz="Asia/Kolkata"), "tag:team", hourly=True)
    settled(store, now + 4 * DAY_US)
    assert marks(store)[0] == (1, 16)
    with store._readers.snapshot() as connection:
        (oldest,) = connection.execute("SELECT MIN(start) FROM pairs WHERE level = 1").fetchone()
    assert oldest * 900_000_000 >= now + 4 * DAY_US - settling.HOURS_US - HOUR_US
    assert_rows_say_the_same(store, query, "model", hourly=True)
    assert store.check() == []


@pytest.mark.parametrize("steps", [1, 5, 40])
def test_stopped_midway_nothing_is_wrong_and_it_goes_on(store: UsageStore, steps: int) -> None:
    store.insert_history(many())
    left = iter(range(steps))
    settle(store._folder / "usage.db", LATER_US, lambda _: next(left, None) is not None)
    for by in ("model", "tag:team"):
        assert_rows_say_the_same(store, KINDS["user"], by)
    assert store.check() == []
    settled(store)
    assert marks(store) == ALL_MARKS
    assert store.check() == []


def test_of_two_that_settle_the_same_day_one_gives_way(store: UsageStore) -> None:
    store.insert_history(many())
    path = store._folder / "usage.db"
    inner: list[int] = []
    between = while_a_day_is_counted(store, lambda: inner.append(settle(path, LATER_US, at_once)))
    assert settle(path, LATER_US, between) == 0
    assert inner == [SETTLED] and marks(store) == ALL_MARKS
    assert store.check() == []


def test_days_of_another_zone_are_not_mixed_with_those_before(tmp_path: Path) -> None:
    """Buckets are made anew with London's days while UTC's are settled: on 29 March these begin alike, and end not."""
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(many())
    other = UsageStore(tmp_path, day_zone="Europe/London")
    assert settle(tmp_path / "usage.db", LATER_US, while_a_day_is_counted(store, other.rebuild)) == 0
    assert marks(store) == []
    assert settled(store) and store.check() == []
    assert_rows_say_the_same(store, KINDS["user"], "model")
    store.close()


def test_a_pair_with_too_many_values_is_left_out_and_told_by_combinations(
    store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "MOST_CELLS", 90)
    store.insert_history(
        replace(each, id=f"{each.id}_{number}", principal=f"user-{number}", tags=(f"job:{number}",))
        for each in many()
        for number in range(4)
    )
    settled(store, BASE_US + 12 * DAY_US)
    with store._readers.snapshot() as connection:
        left_out = connection.execute(
            "SELECT COUNT(*) FROM settled WHERE left_out IS NOT NULL AND state = 0"
        ).fetchone()
    assert left_out[0] == 29
    for kind in KINDS.values():
        for by in ("user", "tag", "model"):
            assert_rows_say_the_same(store, kind, by)
    assert store.check() == []


def test_damage_to_pairs_is_told_and_mended(store: UsageStore) -> None:
    store.insert_history(many())
    settled(store)
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        connection.execute(
            "DELETE FROM pairs WHERE level = 2 AND pair = 2 AND start = (SELECT MIN(start) FROM pairs WHERE level = 2)"
        )
        connection.execute(
            "UPDATE pairs SET sums = (SELECT sums FROM pairs WHERE pair = 3 LIMIT 1) WHERE level = 4 AND pair = 2"
        )
    told = store.check()
    assert any("pairs, day from 2026-03-28T00:00Z" in line and "not stored" in line for line in told)
    assert any("pairs, month from 2026-04-01T00:00Z" in line and "not the sums" in line for line in told)
    store.rebuild()
    assert marks(store) == [] and store.check() == []
    assert settled(store) == SETTLED and store.check() == []


def test_retention_takes_pairs_along_and_the_rest_goes_on_telling(store: UsageStore) -> None:
    store.insert_history(many())
    settled(store)
    asked = UsageQuery(provider=("xai",), start_us=BASE_US + 20 * DAY_US)
    before = store.breakdown(asked, "model")
    store.clean_up({"requests": Keep(days=10), "buckets": Keep(days=30)}, BASE_US + 41 * DAY_US)
    after = store.breakdown(asked, "model")
    assert after.rows == before.rows
    with store._readers.snapshot() as connection:
        first = kept(connection).buckets_from_us
        assert first is not None
        for table in ("pairs", "settled"):
            (oldest,) = connection.execute(f"SELECT MIN(start) FROM {table}").fetchone()
            assert oldest * 900_000_000 >= first
    assert store.check() == []
    # Days whose rows are gone are settled by their buckets.
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        connection.execute("DELETE FROM settled")
    assert settled(store) > 25
    assert store.breakdown(asked, "model").rows == before.rows
    assert store.check() == []


def test_an_older_database_starts_with_nothing_settled(tmp_path: Path) -> None:
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(many())
    store.combine()
    before = store.breakdown(KINDS["user"], "model")
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        connection.executescript(
            "DROP TABLE pairs; DROP TABLE settled; DROP TABLE conversation_totals; "
            "ALTER TABLE buckets DROP COLUMN price_fuzzy; ALTER TABLE combined DROP COLUMN price_fuzzy; "
            "ALTER TABLE requests DROP COLUMN by_medium; DELETE FROM _sqlite_migrations WHERE name >= 'm007'"
        )
    store.start()
    assert marks(store) == [] and store.breakdown(KINDS["user"], "model") == before
    assert settled(store) == SETTLED and store.breakdown(KINDS["user"], "model") == before
    store.close()


def test_the_store_settles_and_ends_it_when_it_closes(store: UsageStore) -> None:
    store.insert_history(many())
    assert store.settle(BASE_US + 3 * DAY_US) == 6 + 3
    assert store.settle(BASE_US + 3 * DAY_US) == 0
    store._stopped.set()
    assert store.settle(LATER_US) == 0
    assert store.check() == []


sums = st.lists(st.integers(0, 2**60), min_size=len(MEASURES), max_size=len(MEASURES))
bins = st.dictionaries(st.integers(-80, 400), st.integers(1, 100_000), max_size=60)
few = st.dictionaries(st.integers(-80, 120), st.integers(1, 3), max_size=10)


def added(parts: Sequence[tuple[list[int], dict[int, int], dict[int, int]]]) -> Cell:
    adder = Adder()
    adder.add([loose(*part) for part in parts])
    return adder.cell()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(sums, bins | few, bins | few), min_size=1, max_size=6))
def test_packed_sums_add_up_as_plain_ones_do(parts: list[tuple[list[int], dict[int, int], dict[int, int]]]) -> None:
    expected = Sums()
    for part in parts:
        expected.add(*part)
    for found in (
        total([added([part]) for part in parts]),
        total([encode(Sums(list(part[0]), part[1], part[2])) for part in parts]),
        total([added(parts)]),
    ):
        # Before anything is unpacked.
        assert found.summary() == expected.summary()
        assert (found.values, found.latency, found.ttft) == (expected.values, expected.latency, expected.ttft)
