"""Content goes by age and by size: turns, spans and log records, oldest first; the file shrinks, names stay."""

import random
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from gateway.configuration.setting_values import Keep
from gateway.store.clean_up import clean_up, used_bytes
from gateway.store.database import open_database
from gateway.store.retention import DATABASES, TRACES
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.records import LogRecord, Span
from gateway.thread_records import ThreadQuery
from tests.store.tellings import HOUR_US, START_US, all_threads, lines, opened, put, session, told, user

DAY_US = 24 * HOUR_US
TRACE = "0af7651916cd43dd8448eb211c80319c"


def clean(folder: Path, now_us: int, days: float | None = None, size: int | None = None) -> Mapping[str, int]:
    keeps = {"requests": Keep(), "buckets": Keep(), "content": Keep(days=days, size_bytes=size)}
    return clean_up(folder, keeps, now_us, lambda _seconds: True).taken


def fill(store: ThreadStore, days: int) -> None:
    """A conversation, a span and a record a day."""
    random_ = random.Random(3)
    for day in range(days):
        text = random_.randbytes(20_000).hex()
        put(store, [told(day * 86_400, [user(f"day {day} {text}")], "x", conversation=f"day-{day}")])
        at_ns = (START_US + day * DAY_US) * 1000
        span = Span(trace_id=TRACE, span_id=f"{day + 1:016x}", start_ns=at_ns, end_ns=at_ns + 1)
        store.put_spans([span], scope="key_1", key="laptop")
        record = LogRecord(trace_id=TRACE, time_ns=at_ns, body=f"day {day}")
        store.put_logs([record], scope="key_1", key="laptop")
    stored_when_it_was(store.path.parent)


def stored_when_it_was(folder: Path) -> None:
    """As if each had been received when it happened."""
    with closing(sqlite3.connect(folder / "traces.db")) as connection, connection:
        for table in ("turns", "spans", "logs"):
            connection.execute(f"UPDATE {table} SET stored_us = started_us")


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "traces.db")) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def used(folder: Path) -> int:
    with closing(open_database(folder / "traces.db")) as connection:
        return used_bytes(connection)


def test_every_table_has_a_rule(tmp_path: Path) -> None:
    with opened(tmp_path), closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert found - {"sqlite_sequence"} == set(TRACES.tables) and TRACES in DATABASES


def test_what_is_too_old_goes_and_the_file_shrinks(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, 60)
        before = used(tmp_path)
        taken = clean(tmp_path, START_US + 60 * DAY_US, days=10)
        assert taken["content"] == 150
        assert [row.id for row in store.threads(ThreadQuery(sort="oldest")).rows] == [
            f"day-{n}" for n in range(50, 60)
        ]
        assert len(store.spans_of(TRACE)) == len(store.logs_of(TRACE)) == 10
        # Each says its question and its answer; the answer and the instructions are the same.
        assert (count(tmp_path, "contents"), count(tmp_path, "said")) == (12, 20)
        assert used(tmp_path) < 0.35 * before
        assert clean(tmp_path, START_US + 60 * DAY_US, days=10)["content"] == 0
        put(store, [told(61 * 86_400, [user("new")], "y")])
        assert store.threads(ThreadQuery()).total == 11
    assert (tmp_path / "traces.db").stat().st_size < 0.6 * before + 2**20


def test_a_size_is_kept_and_the_newest_stay(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, 60)
        most = used(tmp_path) // 3
        assert clean(tmp_path, START_US + 60 * DAY_US, size=most)["content"] > 60
        assert 0.5 * most < used(tmp_path) <= most
        left = [row.id for row in store.threads(ThreadQuery(sort="oldest")).rows]
        assert left == [f"day-{number}" for number in range(60 - len(left), 60)]


@pytest.mark.parametrize("kind", ["spans", "logs"])
def test_telemetry_alone_is_bounded_by_size_too(tmp_path: Path, kind: str) -> None:
    said, days = random.Random(5), 120
    with opened(tmp_path) as store:
        at_ns = [(START_US + day * DAY_US) * 1000 for day in range(days)]
        words = [said.randbytes(5_000).hex() for _ in range(days)]
        if kind == "spans":
            spans = [
                Span(
                    trace_id=TRACE,
                    span_id=f"{day + 1:016x}",
                    start_ns=at_ns[day],
                    end_ns=at_ns[day] + 1,
                    name=words[day],
                )
                for day in range(days)
            ]
            store.put_spans(spans, scope="key_1", key="laptop")
        else:
            records = [LogRecord(trace_id=TRACE, time_ns=at_ns[day], body=words[day]) for day in range(days)]
            store.put_logs(records, scope="key_1", key="laptop")
        stored_when_it_was(tmp_path)
        most = used(tmp_path) // 3
        assert clean(tmp_path, START_US + days * DAY_US, size=most)["content"] > days / 2
        assert 0.5 * most < used(tmp_path) <= most
        if kind == "spans":
            left = [each.span.name for each in store.spans_of(TRACE) if each.span is not None]
        else:
            left = [str(each.body) for each in store.logs_of(TRACE)]
        assert left and left == words[days - len(left) :]


def test_nothing_is_kept_where_nothing_may_be(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        fill(store, 3)
        clean(tmp_path, START_US + 60 * DAY_US, days=0)
        for table, rule in TRACES.tables.items():
            assert count(tmp_path, table) == 0 or "entries" in rule or "entry" in rule, table


def test_what_went_and_is_said_again_is_stored_again(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [told(0, [user("hello")], "hi there", conversation="one")])
        stored_when_it_was(tmp_path)
        clean(tmp_path, START_US + 60 * DAY_US, days=0)
        put(store, [told(60, [user("hello")], "hi there", conversation="two")])
        (thread,) = all_threads(store)
    assert lines(thread) == ["0 user hello", "0 assistant hi there"]


@pytest.mark.parametrize("given", [None, "mine"])
def test_a_conversation_that_goes_on_keeps_its_name_and_what_is_left(tmp_path: Path, given: str | None) -> None:
    calls = session("hello", "hi there", "how are you", "fine", "good", "bye", every_s=12 * 3600, conversation=given)
    with opened(tmp_path) as store:
        put(store, calls[:2])
        (before,) = all_threads(store)
        stored_when_it_was(tmp_path)
        # The first turn goes.
        assert clean(tmp_path, calls[1].started_us + HOUR_US, days=0.25)["content"] == 1
        put(store, calls[2:])
        (thread,) = all_threads(store)
    assert (thread.row.id, thread.row.title, thread.row.requests) == (before.row.id, "hello", 2)
    assert [(turn.parent, turn.shortened) for turn in thread.turns] == [(None, True), (0, False)]
    assert lines(thread) == ["0 user how are you", "0 assistant fine", "1 user good", "1 assistant bye"]
    assert thread.row.cost_nano == 2000


def test_a_name_outlives_the_call_after_which_it_was_given(tmp_path: Path) -> None:
    calls = session("hello", "hi there", "how are you", "fine", every_s=12 * 3600)
    with opened(tmp_path) as store:
        put(store, calls)
        (before,) = store.threads(ThreadQuery()).rows
        stored_when_it_was(tmp_path)
        assert clean(tmp_path, calls[1].started_us + HOUR_US, days=0.25)["content"] == 1
        # Told again, the turn that is left begins the conversation.
        put(store, calls[1:])
        (after,) = store.threads(ThreadQuery()).rows
    assert before.id.startswith("conv_") and (after.id, after.requests) == (before.id, 1)


def test_what_is_old_but_was_received_today_stays(tmp_path: Path) -> None:
    """Telemetry that is sent again, or with a wrong clock or none, is there for as long as any."""
    with opened(tmp_path) as store:
        put(store, [told(0, [user("old")], "x", started_us=1_000_000)])
        store.put_spans([Span(trace_id=TRACE, span_id="1" * 16)], scope="key_1", key="laptop")
        store.put_logs([LogRecord(trace_id=TRACE, body="no time")], scope="key_1", key="laptop")
        now_us = time.time_ns() // 1000
        assert clean(tmp_path, now_us, days=30)["content"] == 0
        assert clean(tmp_path, now_us + 29 * DAY_US, days=30)["content"] == 0
        assert clean(tmp_path, now_us + 31 * DAY_US, days=30)["content"] == 3
