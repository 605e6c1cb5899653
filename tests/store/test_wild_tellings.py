"""Figures and times that no call has: they become unknown, and neither stop the store nor spoil its lists."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Usage
from gateway.read_api import render_time
from gateway.store.placing import Placer
from gateway.thread_records import ThreadQuery
from tests.store.tellings import MINUTE_US, START_US, all_threads, opened, put, session, told, user
from tests.waiting import wait_until

WILD = 2**53


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ({"latency_us": WILD}, {"duration_us": 0}),
        ({"latency_us": -1}, {"duration_us": 0}),
        ({"usage": Usage(input_tokens=WILD, output_tokens=1)}, {"input_tokens": None, "output_tokens": 3}),
        ({"usage": Usage(input_tokens=-5)}, {"input_tokens": None}),
        ({"cost_nano": WILD}, {"cost_nano": None, "cost_sources": ("none",), "unpriced": 3}),
    ],
)
def test_a_figure_that_no_call_has_is_unknown_in_every_sum(
    tmp_path: Path, fields: dict[str, Any], row: dict[str, Any]
) -> None:
    with opened(tmp_path) as store:
        put(store, [told(at, [user("q")], "a", conversation="c", **fields) for at in range(3)])
        # Told again, it has all turns summed up anew.
        put(store, [told(0, [user("q")], "a", conversation="c", **fields)])
        (found,) = store.threads(ThreadQuery()).rows
    assert {name: getattr(found, name) for name in row} == row


def test_the_largest_figures_that_count_add_up_exactly(tmp_path: Path) -> None:
    most = {"latency_us": 10**13, "cost_nano": 10**14, "usage": Usage(input_tokens=10**12)}
    with opened(tmp_path) as store:
        put(store, [told(at, [user("q")], "a", conversation="c", **most) for at in range(3)])
        (found,) = store.threads(ThreadQuery()).rows
    assert (found.duration_us, found.cost_nano, found.input_tokens) == (3 * 10**13, 3 * 10**14, 3 * 10**12)


@pytest.mark.parametrize("started_us", [-(2**62), -1, 2**62])
def test_a_time_that_no_calendar_has_keeps_no_list_from_being_shown(tmp_path: Path, started_us: int) -> None:
    with opened(tmp_path) as store:
        put(store, [told(0, [user("q")], "a", started_us=started_us), told(60, [user("other")], "b")])
        found = store.threads(ThreadQuery()).rows
        shown = [render_time(us) for row in found for us in (row.started_us, row.ended_us)]
        turns = [turn.started_us for thread in all_threads(store) for turn in thread.turns]
    assert len(found) == 2 and len(shown) == 4
    assert START_US + MINUTE_US in turns


def test_what_the_database_cannot_work_out_is_refused_and_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Placer.place

    def fails(placer: Placer, telling: Any) -> None:
        if telling.request_id == "req_60":
            placer._connection.execute("SELECT SUM(value) FROM json_each('[9223372036854775807, 1]')").fetchall()
        place(placer, telling)

    monkeypatch.setattr(Placer, "place", fails)
    with opened(tmp_path) as store:
        for at in (0, 60, 120):
            store.put(told(at, [user(f"q{at}")], "a"))
        assert store.flush(5) and store.refused == 1
        assert len(store.threads(ThreadQuery()).rows) == 2


def test_a_lock_in_the_midst_of_placing_one_by_one_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, locked = Placer.place, [sqlite3.OperationalError("database is locked")]
    locked[0].sqlite_errorcode = sqlite3.SQLITE_BUSY

    def fails(placer: Placer, telling: Any) -> None:
        if telling.request_id == "req_0":
            raise OverflowError
        if telling.request_id == "req_120" and placer._last_number == 1 and locked:
            raise locked.pop()
        place(placer, telling)

    monkeypatch.setattr(Placer, "place", fails)
    with opened(tmp_path) as store:
        for at in (0, 60, 120):
            store.put(told(at, [user(f"q{at}")], "a"))
        assert store.flush(10) and not locked
        assert store.refused == 1
        assert len(store.threads(ThreadQuery()).rows) == 2


def test_who_cannot_be_told_where_a_request_belongs_makes_it_neither_lost_nor_refused(tmp_path: Path) -> None:
    def fails(_request: str, _name: str) -> None:
        raise RuntimeError

    with opened(tmp_path, on_joined=fails) as store:
        put(store, session("q", "a", "r", "b"))
        wait_until(lambda: len(store.threads(ThreadQuery()).rows) == 1)
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM turns").fetchone() == (2,)
