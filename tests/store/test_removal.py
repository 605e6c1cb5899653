"""What goes with turns that are deleted, and what stays though it lies beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.store.removal import forget_older
from gateway.store.thread_store import ThreadStore
from gateway.telemetry.records import LogRecord, Scope, Span
from tests.store.tellings import START_US, all_threads, opened, put, told, user

TRACE = "0af7651916cd43dd8448eb211c80319c"
OF_KEY: dict[str, str] = {"scope": "key_1", "key": "laptop"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as made:
        yield made


def rows(store: ThreadStore, statement: str) -> list[tuple[Any, ...]]:
    return store.look(lambda connection: connection.execute(statement).fetchall())


def test_only_conversations_whose_calls_go_are_given_the_names_that_they_have(store: ThreadStore) -> None:
    put(store, [told(0, [user("old")], "x"), told(1, [user("new")], "x")])
    put(store, [told(at, [user("mine")], "x", conversation="a", scope=f"key_{at}") for at in (2, 3)])
    before = rows(store, "SELECT name, given FROM conversations ORDER BY id")
    store.change(lambda connection, _: connection.execute("UPDATE turns SET stored_us = id"))
    assert store.change(lambda connection, _: forget_older(connection, 2, 9)) == 1
    # The first has lost its only call, and itself with that.
    assert rows(store, "SELECT name, given FROM conversations ORDER BY id") == before[1:]
    assert [given for _, given in before] == [None, None, "a", "a"] and before[2][0] != before[3][0]


def test_what_was_stored_at_a_time_is_not_older_than_it(store: ThreadStore) -> None:
    put(store, [told(0, [user("words")], "x")])
    store.put_spans([Span(trace_id=TRACE, span_id="1" * 16)], **OF_KEY)
    store.put_logs([LogRecord(body="words")], **OF_KEY)
    for table in ("turns", "spans", "logs"):
        store.change(lambda connection, _, table=table: connection.execute(f"UPDATE {table} SET stored_us = 7"))  # type: ignore[misc]
    assert store.change(lambda connection, _: forget_older(connection, 7, 9)) == 0
    assert [store.change(lambda connection, _: forget_older(connection, 8, 9)) for _ in range(4)] == [1, 1, 1, 0]


def test_spans_of_other_calls_of_a_trace_stay(store: ThreadStore) -> None:
    put(
        store,
        [
            told(at, [user(f"{at}")], "x", conversation=f"c{at}", trace_id=TRACE, span_id=f"{at:016x}")
            for at in (1, 2)
        ],
    )
    store.put_spans([Span(trace_id=TRACE, span_id=f"{at:016x}") for at in (1, 2)], **OF_KEY)
    assert store.delete_thread("c1")
    assert rows(store, "SELECT span_id FROM spans") == [(f"{2:016x}",)]


@pytest.mark.parametrize("fields", [{"conversation": "s"}, {"session_id": "s"}, {}])
def test_records_of_a_session_go_with_its_only_conversation_wherever_they_lie(
    store: ThreadStore, fields: dict[str, str]
) -> None:
    """And with one of several only those around it: whether another is called so, is of it, or is said to be."""

    def prompt(at_s: int) -> LogRecord:
        said = {"event.name": "user_prompt", "session.id": "s", "prompt": "words", "event.sequence": at_s}
        at_ns = (START_US + at_s * 1_000_000) * 1000
        return LogRecord(attributes=said, scope=Scope("com.anthropic.claude_code.events"), time_ns=at_ns)

    put(store, [told(0, [user("0")], "x", conversation="c0", session_id="s")])
    put(store, [told(600, [user("600")], "x", **{"conversation": "c600", **fields})])
    put(store, [told(700, [user("other")], "x", conversation="other", session_id="t")])
    store.put_logs([prompt(at) for at in (0, 600, 9999)], **OF_KEY)
    joined = "UPDATE turns SET joined_session_id = 's' WHERE request_id = 'req_600'"
    store.change(lambda connection, _: connection.execute(joined) if not fields else None)
    assert store.delete_thread("c0")
    assert rows(store, "SELECT started_us FROM logs") == [(START_US + at * 1_000_000,) for at in (600, 9999)]
    assert store.delete_thread(fields.get("conversation", "c600")) and rows(store, "SELECT id FROM logs") == []
    assert [thread.row.id for thread in all_threads(store)] == ["other"]
