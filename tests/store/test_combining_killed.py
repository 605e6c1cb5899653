"""Combinations are counted, and `kill -9` ends it: whatever is asked afterwards, all tables say the same."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.configuration.setting_values import Keep
from gateway.records import UsageQuery
from gateway.store import clean_up
from gateway.store.usage import UsageStore
from tests.soak.counting import (
    Killer,
    damaged,
    row,
    uncounted,
    unequal_answers,
    unequal_tables,
)
from tests.store.examples import BASE_US
from tests.store.migrated import started

KILLS = 10


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer(random.Random(3)) as made:
        yield made


@contextmanager
def again(folder: Path) -> Iterator[UsageStore]:
    """After a start that counted nothing yet."""
    store = started(folder)
    try:
        yield store
    finally:
        store.close()


def test_killed_while_rows_are_counted_nothing_is_lost_or_counted_twice(killer: Killer, tmp_path: Path) -> None:
    announced, behind, counted = set[str](), list[int](), list[int]()
    for kill in range(KILLS):
        announced |= {line for line in killer.kill("rows come", tmp_path, f"{kill}-") if line.startswith("req_")}
        with again(tmp_path) as store:
            ids = [each.id for each in store.iter_requests(UsageQuery())]
            assert len(ids) == len(set(ids)) and announced <= set(ids)
            behind.append(uncounted(store))
            counted.append(len(ids) - behind[-1])
            assert [*unequal_answers(store), *unequal_tables(store, len(ids)), *damaged(store)] == []
            if kill % 3 == 2:
                store.combine()
                assert uncounted(store) == 0
                assert [*unequal_answers(store), *unequal_tables(store, len(ids)), *damaged(store)] == []
    # The moments were such that some rows were counted and some were not.
    assert max(behind) > 0 and max(counted) > 20


OLD_ROWS = 60
NOW_US = BASE_US + 100 * 86_400_000_000


def free_bytes(store: UsageStore) -> int:
    with store._readers.snapshot() as connection:
        pages: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    return 4096 * pages


@pytest.mark.parametrize("by", ["age", "size"])
def test_killed_while_old_rows_go_before_they_are_counted_every_sum_stays(
    by: str, killer: Killer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went before the kill does not come back from the journal."""
    monkeypatch.setattr(clean_up, "RESERVE_BYTES", 16_384)
    announced = set[str]()
    with again(tmp_path) as store:
        store.insert_history(row(number - 4 * OLD_ROWS, "old-") for number in range(OLD_ROWS))
        store.insert_history(row(number - OLD_ROWS, "older-") for number in range(OLD_ROWS))
    for kill in range(1, KILLS // 3 + 1):
        lines = killer.kill("rows go", tmp_path, f"{by}{kill}-", "gone", 60)
        announced |= {line for line in lines if line.startswith("req_")}
        with again(tmp_path) as store:
            least = 2 * OLD_ROWS + len(announced)
            assert [*unequal_tables(store, least, least + kill), *damaged(store)] == []
    with again(tmp_path) as store:
        store.insert_history(row(number, "last-") for number in range(500))
        keeps, least = {"requests": Keep(days=1), "buckets": Keep()}, least + 500
        cleaned = store.clean_up(keeps, NOW_US)
        assert cleaned.finished and store.sizes().requests == 0
        assert cleaned.freed_bytes > 50_000 and free_bytes(store) <= clean_up.RESERVE_BYTES
        assert [*unequal_tables(store, least, least + KILLS), *damaged(store)] == []


def test_two_processes_count_one_folder_and_either_may_be_killed(killer: Killer, tmp_path: Path) -> None:
    """As a command runs beside a gateway: it prunes, checks, and makes buckets anew."""
    announced = set[str]()
    with again(tmp_path) as beside:
        keeps = {"requests": Keep(days=4), "buckets": Keep()}
        works: list[Callable[[], object]] = [
            beside.combine,
            beside.rebuild,
            lambda: beside.clean_up(keeps, BASE_US + 2 * 86_400_000_000),
            lambda: beside.settle(NOW_US),
        ]
        for kill, meanwhile in enumerate(works, 1):
            lines = killer.kill("rows come", tmp_path, f"{kill}-", meanwhile=meanwhile)
            announced |= {line for line in lines if line.startswith("req_")}
            # What the dead process had not written is found by the next that starts.
            with again(tmp_path) as store:
                ids = [each.id for each in store.iter_requests(UsageQuery())]
                assert len(ids) == len(set(ids)) and announced <= set(ids)
            assert [*unequal_answers(beside), *unequal_tables(beside, len(ids)), *damaged(beside)] == []
