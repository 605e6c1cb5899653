"""Pairs are counted from sums of rows that are alike, in short steps; what is held meanwhile is bounded."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest

from gateway.store import counting
from gateway.store.buckets import DAY, TOTAL
from gateway.store.counting import Counting, Row, cells_of, pieces
from gateway.store.database import open_database
from gateway.store.packed import Adder, Loose
from gateway.store.pairs import SETTLED, number_of
from gateway.store.quarters import QUARTER_US, day_start
from gateway.store.settling import settle, with_rows
from gateway.store.usage import DATABASE, UsageStore
from gateway.time_zones import zone_of
from tests.store.examples import BASE_US, record

UTC = zone_of("UTC")
ROWS = 600
ONE_DAY = (DAY, day_start(BASE_US // QUARTER_US, UTC))


@pytest.fixture
def of_one_day(store: UsageStore) -> UsageStore:
    """Rows of which no two are alike in all."""
    store.insert_history(
        record(
            number,
            id=f"req_{number}",
            principal=f"user-{number % 5}",
            model=f"model-{number // 5 % 4}",
            tags=(f"team:{number // 20}", "env:dev"),
            latency_us=1000 * (number + 1),
        )
        for number in range(ROWS)
    )
    store.combine()
    return store


def counted(store: UsageStore) -> list[Row]:
    with store._readers.snapshot() as connection:
        return list(cells_of(connection, connection, ONE_DAY, UTC, frozenset()))


def test_in_however_many_steps_the_sums_are_the_same(of_one_day: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = counted(of_one_day)
    assert (at_once[0][0], len(at_once)) == (number_of(TOTAL, TOTAL), len({row[:3] for row in at_once}))
    for name, few in (("READ_ROWS", 7), ("MOST_HELD", 40), ("SPREAD_SUMS", 3)):
        monkeypatch.setattr(counting, name, few)
    assert counted(of_one_day) == at_once


def test_rows_that_are_alike_are_added_up_before_they_go_to_their_pairs(
    of_one_day: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the rows counts for 66 pairs."""
    added = 0
    add = Adder.add

    def count(adder: Adder, parts: Iterable[Loose]) -> None:
        nonlocal added
        parts = list(parts)
        added += len(parts)
        add(adder, parts)

    monkeypatch.setattr(Adder, "add", count)
    cells = counted(of_one_day)
    assert len(cells) < added < 10 * ROWS


def test_little_is_done_at_once_and_little_is_held(of_one_day: UsageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "READ_ROWS", 20)
    monkeypatch.setattr(counting, "MOST_HELD", 100)
    monkeypatch.setattr(counting, "SPREAD_SUMS", 30)
    with (
        of_one_day._readers.snapshot() as connection,
        closing(Counting(connection, connection, most=None)) as pairs,
    ):
        held = [len(pairs._held) for _ in pairs.read(*pieces(ONE_DAY, UTC))]
    assert max(held) == 100 and held[-1] == 0
    assert len(held) > ROWS // 20 + ROWS // 30


def test_of_an_hour_or_a_day_that_is_held_whole_few_sums_are_in_memory_at_a_time(of_one_day: UsageStore) -> None:
    with (
        of_one_day._readers.snapshot() as connection,
        closing(Counting(connection, connection, most=None)) as pairs,
    ):
        most = max(len(pairs._sums) for _ in pairs.read(*pieces(ONE_DAY, UTC)))
        cells = list(pairs.cells())
    assert cells == counted(of_one_day) == sorted(cells)
    assert 0 < most < len(cells) / 2


def test_a_pair_that_is_left_out_once_it_was_counted_is_left_out_all_the_same(of_one_day: UsageStore) -> None:
    """However many may be in memory, what is told is what is told without those that were left out."""
    for most in (20, 60, 90):
        with (
            of_one_day._readers.snapshot() as connection,
            closing(Counting(connection, connection, most=most)) as pairs,
        ):
            for _ in pairs.read(*pieces(ONE_DAY, UTC)):
                assert len(pairs._sums) + pairs._complete.total() <= most
            without, cells = frozenset(pairs.left_out), list(pairs.cells())
            assert without and cells == list(cells_of(connection, connection, ONE_DAY, UTC, without))


def test_where_the_disk_has_no_room_for_what_is_through_the_settling_says_so_and_can_go_on_later(
    of_one_day: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small(*given: Any, **options: Any) -> sqlite3.Connection:
        connection = open_database(*given, **options)
        connection.execute("PRAGMA max_page_count = 8")
        return connection

    path, later = of_one_day._folder / DATABASE, BASE_US + 2 * 86_400_000_000
    with monkeypatch.context() as patched:
        patched.setattr(counting, "open_database", small)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            settle(path, later, lambda taken_s: True)
    assert settle(path, later, lambda taken_s: True) > 0
    with of_one_day._readers.snapshot() as connection:
        assert with_rows(connection, *ONE_DAY, ONE_DAY[1] + 1) == [(ONE_DAY[1], SETTLED)]
