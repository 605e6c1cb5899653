"""What placing a call asks of the database: each statement gives the interpreter's lock away and takes it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.store.thread_store import ThreadStore
from tests.store.tellings import all_threads, calls, opened, put, result, told, user


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


@contextmanager
def statements(store: ThreadStore) -> Iterator[list[str]]:
    found: list[str] = []
    store.change(lambda connection, _: connection.set_trace_callback(found.append))
    yield found
    store.change(lambda connection, _: connection.set_trace_callback(None))


@pytest.mark.parametrize("given", [None, "c"])
def test_the_turn_that_an_agent_goes_on_from_is_found_at_once(store: ThreadStore, given: str | None) -> None:
    """None is looked for that would have to end with what was asked, or with what a tool said."""
    first, answers = [user("Read both.")], [calls("read", "{}", id=f"call_{n}") for n in range(2)]
    put(store, [told(0, first, [part for each in answers for part in each.parts], conversation=given)])
    history = [*first, *answers, result("one", id="call_0"), result("two", id="call_1"), user("Well?")]
    with statements(store) as asked:
        put(store, [told(1, history, "Both are read.", conversation=given)])
    assert sum("FROM (SELECT turn, choice FROM said" in each for each in asked) == 1
    (thread,) = _turns(store)
    assert thread == [("req_0", None), ("req_1", 0)]


def _turns(store: ThreadStore) -> list[list[tuple[str | None, int | None]]]:
    return [[(turn.request_id, turn.parent) for turn in thread.turns] for thread in all_threads(store)]
