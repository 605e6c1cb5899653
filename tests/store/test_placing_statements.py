"""What placing a call asks of the database: each statement gives the interpreter's lock away and takes it again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.store.thread_store import ThreadStore
from gateway.told import Told
from tests.store.tellings import all_threads, assistant, calls, opened, put, result, told, user, words


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
    assert sum("FROM (SELECT turn, choice, content FROM said" in each for each in asked) == 1
    (thread,) = _turns(store)
    assert thread == [("req_0", None), ("req_1", 0)]


def _run(run: int, turns: int, at_s: float, every_s: float = 1) -> list[Told]:
    """An agent that is given the same each time: of its runs only the ids of the calls differ."""
    history, tellings = [user("Read all.")], list[Told]()
    for turn in range(turns):
        call = calls("read", f'{{"file":{turn}}}', id=f"call_{run}_{turn}")
        tellings.append(told(at_s + turn * every_s, list(history), call.parts, request_id=f"req_{run}_{turn}"))
        history += [call, result(f"file {turn}", id=f"call_{run}_{turn}")]
    return tellings


def test_the_calls_of_runs_at_once_are_known_without_opening_what_they_said(store: ThreadStore) -> None:
    runs = [_run(run, 4, run / 100) for run in range(8)]
    with statements(store) as asked:
        for step in zip(*runs, strict=True):
            put(store, step)
    assert not [each for each in asked if "data FROM contents" in each]
    assert sorted(len(turns) for turns in _turns(store)) == [4] * 8


def test_what_goes_on_from_the_newest_of_many_answers_looks_for_no_other(store: ThreadStore) -> None:
    with statements(store) as asked:
        for run in range(3):
            put(store, _run(run, 3, run * 10.0))
    assert not [each for each in asked if "FROM (SELECT id FROM turns WHERE question" in each]


def test_of_many_runs_that_were_asked_alike_the_latest_are_looked_through(store: ThreadStore) -> None:
    def steps(runs: int, at_s: float) -> int:
        """What the last run but one, whose answer is not the newest, takes to go on."""
        *earlier, older, newer = [_run(1000 * runs + run, 2, at_s + run, every_s=runs) for run in range(runs)]
        put(store, [run[0] for run in (*earlier, older, newer)])
        found = 0

        def count() -> int:
            nonlocal found
            found += 1
            return 0

        store.change(lambda connection, _: connection.set_progress_handler(count, 10))
        put(store, [older[1]])
        store.change(lambda connection, _: connection.set_progress_handler(None, 0))
        return found

    few, many = steps(100, 0), steps(700, 1000)
    assert many < 2 * few


def _turns(store: ThreadStore) -> list[list[tuple[str | None, int | None]]]:
    return [[(turn.request_id, turn.parent) for turn in thread.turns] for thread in all_threads(store)]


@pytest.mark.parametrize("given", [False, True])
def test_calls_of_one_transaction_read_what_they_share_once(store: ThreadStore, given: bool) -> None:
    """Each call asks for its conversation and the turn before, and where it was recognised for all its turns."""
    agents = range(8)
    names = [f"c{agent}" if given else None for agent in agents]
    put(store, [told(agent, [user(f"task {agent}")], "done", conversation=names[agent]) for agent in agents])
    history = [[user(f"task {agent}"), assistant("done"), user("more")] for agent in agents]
    more = [told(60 + agent, history[agent], "all done", conversation=names[agent]) for agent in agents]
    with statements(store) as asked:
        store.change(lambda _, placer: placer.place(*more))
    reads = [each for each in asked if each.startswith("SELECT") and "FROM contents" not in each]
    assert len([each for each in reads if "identity" in each]) == 1
    assert len(reads) <= (2 if given else 3) * len(agents) + 5
    assert len([each for each in asked if "blocks" in each]) == 2 * len(agents)
    assert all(len(turns) == 2 for turns in _turns(store))


def test_calls_that_are_told_twice_in_a_transaction_are_stored_once(store: ThreadStore) -> None:
    once = told(0, [user("one")], "1")
    put(store, [once, told(1, [user("two")], "2")])
    again = told(0, [user("one")], "another")
    store.change(lambda _, placer: placer.place(again, told(2, [user("three")], "3"), told(2, [user("four")], "4")))
    assert sorted(_turns(store)) == [[("req_0", None)], [("req_1", None)], [("req_2", None)]]
    assert [words(thread.messages[-1].parts) for thread in all_threads(store)] == ["another", "2", "4"]
