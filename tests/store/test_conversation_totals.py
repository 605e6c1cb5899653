"""Conversations that are counted ahead are ranked as their rows would be, whatever happens to these."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.configuration.setting_values import Keep
from gateway.records import ExchangeRecord, UsageQuery
from gateway.store import conversation_totals, conversations
from gateway.store.database import open_database, writing
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, DAY_US, histories, record
from tests.store.test_conversations import SORTS, paged
from tests.store.test_queries import stored
from tests.store.test_repricing import doubled


def count(store: UsageStore, most: int = 10**6) -> int:
    """As the settling does."""
    with closing(open_database(store._folder / "usage.db")) as connection, writing(connection):
        return conversation_totals.count_on(connection, most)


def counted(store: UsageStore) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection:
        found = connection.execute("SELECT conversation, requests FROM conversation_totals ORDER BY 1")
        return found.fetchall()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    histories(),
    st.integers(0, 40),
    st.sampled_from([each for each in SORTS if each in conversation_totals.RANKS]),
    st.tuples(*[st.none() | st.integers(BASE_US - DAY_US, BASE_US + 3 * DAY_US)] * 2),
)
def test_counted_or_not_the_order_and_the_pages_are_those_of_the_rows(
    records: list[ExchangeRecord], most: int, sort: str, times: tuple[int | None, int | None]
) -> None:
    # More conversations than the histories have.
    records = [replace(each, conversation_id=f"c{number % 7}") for number, each in enumerate(records)]
    query = UsageQuery(start_us=times[0], end_us=times[1])
    with stored(records) as store:
        expected = paged(store, query, sort, 2)
        for part in (most, 10**6):
            count(store, part)
            assert paged(store, query, sort, 2) == expected == list(store.iter_conversations(query, sort))
            assert store.check() == []


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    histories(20),
    st.lists(
        st.sampled_from(["more", "assign", "take away", "reprice", "undo", "retention", "rebuild", "count"]),
        max_size=8,
    ),
)
def test_whatever_becomes_of_rows_their_conversations_follow(
    records: list[ExchangeRecord], steps: Sequence[str]
) -> None:
    with stored(records) as store:
        count(store)
        for number, step in enumerate(steps):
            some = record(number, id=f"more-{number}", conversation_id=("c1", "c3")[number % 2])
            chosen = records[number % len(records)].id if records else "nobody"
            match step:
                case "more":
                    store.insert_history([some])
                case "assign":
                    store.assign(chosen, conversation_id="c2")
                case "take away":
                    store.assign(chosen, conversation_id="")
                case "reprice" if store.preview_repricing(_kept(store), doubled).changed:
                    store.apply_repricing(_kept(store), doubled, BASE_US)
                case "undo" if store.repricings() and store.repricings()[0].undone_us is None and not _gone(store):
                    store.undo_repricing(store.repricings()[0].id, BASE_US)
                case "retention":
                    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, BASE_US + number * DAY_US // 2)
                case "rebuild":
                    store.rebuild()
                case "count":
                    count(store)
            assert store.flush() and store.check() == []


def _kept(store: UsageStore) -> UsageQuery:
    return UsageQuery(start_us=store.kept().rows_from_us)


def _gone(store: UsageStore) -> bool:
    return store.kept().rows_from_us is not None


def test_the_settling_counts_what_has_come(store: UsageStore) -> None:
    store.insert_history(record(number, conversation_id=f"c{number // 4}") for number in range(8))
    store.settle(BASE_US)
    assert counted(store) == [("c0", 4), ("c1", 4)]
    store.insert_history([record(8, conversation_id="c1"), record(9, conversation_id=None)])
    store.settle(BASE_US)
    assert counted(store) == [("c0", 4), ("c1", 5)]


def test_numbers_that_are_given_again_are_counted_again(store: UsageStore) -> None:
    store.insert_history(record(number, conversation_id="c0") for number in range(8))
    assert count(store) == 8
    store.clean_up({"requests": Keep(days=1), "buckets": Keep()}, BASE_US + 3 * DAY_US)
    assert counted(store) == []
    store.insert_history(
        record(4 * 86_400 + number, id=f"later-{number}", conversation_id="c1") for number in range(3)
    )
    assert count(store) == 3
    assert counted(store) == [("c1", 3)]


def test_what_is_wrong_is_told_and_mended(store: UsageStore) -> None:
    store.insert_history(record(number, conversation_id=f"c{number}") for number in range(3))
    count(store)
    with closing(sqlite3.connect(store._folder / "usage.db")) as connection, connection:
        connection.execute("UPDATE conversation_totals SET cost_nano = 1 WHERE conversation = 'c0'")
        connection.execute("DELETE FROM conversation_totals WHERE conversation = 'c1'")
        connection.execute("UPDATE conversation_totals SET conversation = 'c9' WHERE conversation = 'c2'")
    assert store.check() == [
        "conversation_totals, 'c0': not the sums.",
        "conversation_totals, 'c1': not stored.",
        "conversation_totals, 'c2': not stored.",
        "conversation_totals, 'c9': stored for nothing.",
    ]
    store.rebuild()
    assert store.check() == [] and count(store) == 3 and len(counted(store)) == 3


def _asked(folder: Path) -> tuple[list[conversation_totals.Rank], int]:
    """The costliest, and what SQLite does to find them, in hundreds of its steps."""
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    with closing(open_database(folder / "usage.db")) as connection:
        connection.set_progress_handler(step, 100)
        found = list(conversations._ranked(connection, UsageQuery(), "cost_usd", limit=3))
    return found, steps[0]


def test_the_costliest_of_all_are_found_without_their_rows(store: UsageStore, tmp_path: Path) -> None:
    store.insert_history(
        record(number, conversation_id=f"c{number // 50:04d}", cost_nano=number) for number in range(10_000)
    )
    by_rows, steps = _asked(tmp_path)
    count(store)
    by_totals, fewer = _asked(tmp_path)
    assert by_totals == by_rows and [name for _, name in by_rows] == ["c0199", "c0198", "c0197"]
    assert fewer < steps / 5


def test_what_came_since_is_found_by_its_number(store: UsageStore) -> None:
    store.insert_history(record(number, conversation_id=f"c{number}") for number in range(3))
    asked = {
        conversation_totals._SINCE: ((1, 2, 3), "rowid>?"),
        conversation_totals._ADD: ((1, 2), "rowid>? AND rowid<?"),
    }
    with store._readers.snapshot() as connection:
        for statement, (bound, sought) in asked.items():
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bound)]
            assert f"SEARCH b USING INTEGER PRIMARY KEY ({sought})" in plan
