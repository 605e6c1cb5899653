"""The turns of a trace have the numbers that they have in their conversations, however long these are."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.thread_store import ThreadStore
from gateway.store.trace_reads import trace
from tests.store.tellings import all_threads, opened, put, told, user

TRACES = ("0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def test_a_turn_has_the_number_of_its_place_in_its_conversation(store: ThreadStore) -> None:
    """Also of those that began together, and of a conversation that is in several traces."""
    said = [
        told(at // 2, [user(f"q{at}")], "a", request_id=f"req_{at}", conversation=f"c{at % 3 // 2}", trace_id=trace)
        for at in range(12)
        for trace in (TRACES[at % 5 == 1],)
    ]
    put(store, said)
    expected = {
        turn.request_id: (thread.row.id, number)
        for thread in all_threads(store)
        for number, turn in enumerate(thread.turns)
    }
    for trace_id in TRACES:
        found = store.trace(trace_id)
        assert found is not None
        assert {span.request_id: (span.conversation_id, span.turn) for span in found.spans} == {
            each.request_id: expected[each.request_id] for each in said if each.trace_id == trace_id
        }


def test_a_trace_of_twice_as_many_turns_takes_twice_the_steps(store: ThreadStore) -> None:
    def steps(connection: sqlite3.Connection) -> int:
        counted = [0]
        connection.set_progress_handler(lambda: counted.append(0), 20)
        assert trace(connection, store._sealed, TRACES[0], None) is not None
        connection.set_progress_handler(None, 0)
        return len(counted)

    taken = []
    for more in (range(40), range(40, 160)):
        put(store, [told(at, [user(f"q{at}")], "a", conversation="c", trace_id=TRACES[0]) for at in more])
        taken.append(store.look(steps))
    assert taken[1] < 6 * taken[0]
