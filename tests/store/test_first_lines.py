"""The line that a conversation is listed by, as turns come, leave and become one; and what quotes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.thread_store import ThreadStore
from gateway.thread_records import ThreadQuery
from tests.store.tellings import READ, all_threads, assistant, dialogue, opened, put, told, user

LINE = "Why does the payment fail?"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def parents(store: ThreadStore) -> list[int | None]:
    (thread,) = all_threads(store)
    return [turn.parent for turn in thread.turns]


def titles(store: ThreadStore) -> dict[str, str]:
    return {row.id: row.title for row in store.threads(ThreadQuery()).rows}


def test_a_call_that_sends_its_history_goes_on_whatever_it_quotes(store: ThreadStore) -> None:
    said = [user(LINE), assistant("A timeout."), user(f'You said of "{LINE}" too little.')]
    put(store, [told(0, said[:1], "A timeout.", conversation="c"), told(60, said, "More.", conversation="c")])
    assert parents(store) == [None, 0]


@pytest.mark.parametrize(
    ("first", "then", "parent"),
    [
        # A title or a summary quotes what it is about.
        (LINE, f"Give this a title: {LINE}", None),
        # Asked again as it was.
        (LINE, LINE, 0),
        (LINE, f"  {LINE}\n", 0),
        # So few letters stand in anything.
        ("hello", "hello again", 0),
        (LINE, "And now?", 0),
    ],
)
def test_a_call_that_sends_only_what_is_new_goes_on_unless_it_quotes(
    store: ThreadStore, first: str, then: str, parent: int | None
) -> None:
    put(store, [told(0, [user(first)], "x", conversation="c"), told(60, [user(then)], "y", conversation="c")])
    assert parents(store) == [None, parent]


def test_of_two_calls_without_tools_the_earlier_gives_the_line_whatever_comes_first(store: ThreadStore) -> None:
    put(store, [told(60, [user("later")], "x", conversation="c", system="one")])
    put(store, [told(0, [user("earlier")], "y", conversation="c", system="other")])
    assert titles(store) == {"c": "earlier"}


def test_a_call_without_tools_gives_no_line_beside_the_question(store: ThreadStore) -> None:
    put(store, [told(60, [user("question")], "x", conversation="c", tools=(READ,))])
    put(store, [told(0, [user("make a title")], "y", conversation="c", system="other")])
    assert titles(store) == {"c": "question"}


def test_a_line_leaves_with_the_turn_that_said_it_though_another_began_before(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [], "kept nowhere", conversation="c", response_id="r1"),
            told(60, [user("of the branch")], "y", conversation="c", previous_response_id="r1"),
            told(90, [], "no words", conversation="c", system="third"),
            told(120, [user("stays")], "z", conversation="c", system="other"),
        ],
    )
    assert titles(store) == {"c": "of the branch"}

    (turn,) = store.look(
        lambda connection: connection.execute("SELECT id FROM turns WHERE request_id = 'req_0'").fetchone()
    )
    assert len(store.change(lambda _, placer: placer.leave(turn))) == 2
    found = titles(store)
    assert found.pop("c") == "stays" and list(found.values()) == ["of the branch"]


def test_a_line_that_was_changed_on_the_disk_keeps_nothing_from_being_stored(tmp_path: Path) -> None:
    second = told(60, dialogue("one", "x", "two"), "y", response_id="r2")
    with opened(tmp_path) as store:
        # The one between them has not come yet.
        put(store, [told(0, [user("one")], "x"), told(120, [user("three")], "z", previous_response_id="r2")])
        assert len(titles(store)) == 2
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection, connection:
        connection.execute("UPDATE conversations SET line = x'00ff'")
        connection.execute(
            "UPDATE conversations SET title = x'00ff' WHERE started_us = (SELECT MAX(started_us) FROM turns)"
        )
    with opened(tmp_path) as store:
        put(store, [second])
        assert sorted(thread.row.requests for thread in all_threads(store)) == [3]


def test_a_branch_with_a_call_that_only_telemetry_tells_stays_where_that_is(store: ThreadStore) -> None:
    told_by_span = {"source": "span", "request_id": None, "identity": "span 1"}
    put(
        store,
        [
            told(0, [user("one")], "x", conversation="c"),
            told(60, dialogue("one", "x", "two"), "y", conversation="c", **told_by_span),
        ],
    )
    (turn,) = store.look(
        lambda connection: connection.execute("SELECT id FROM turns WHERE request_id = 'req_0'").fetchone()
    )
    assert store.change(lambda _, placer: placer.leave(turn)) == frozenset()
    assert parents(store) == [None, 0]


def test_a_later_call_with_tools_under_other_instructions_leaves_the_line_to_the_first_with_tools(
    store: ThreadStore,
) -> None:
    review = user(f"Review what was asked: {LINE}")
    put(store, [told(0, [user(LINE)], "x", conversation="c", tools=(READ,))])
    put(store, [told(60, [review], "y", conversation="c", tools=(READ,), system="other")])
    assert parents(store) == [None, None] and titles(store) == {"c": LINE}


def test_a_title_that_telemetry_tells_stands_for_the_first_line(store: ThreadStore) -> None:
    put(store, [told(0, [user("Hello?")], "Hi.", title="My trace")])
    assert all_threads(store)[0].row.title == "My trace"
