"""A conversation's sums move with its turns, and are at any time what all of them add up to."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Message, Usage
from gateway.store.conversation_sums import sum_up
from gateway.store.placing import Placer
from gateway.store.thread_store import ThreadStore
from gateway.told import Told
from tests.store.tellings import all_threads, assistant, dialogue, opened, put, told, user

_ROWS = "SELECT * FROM conversations ORDER BY id"
_SUMMED = "SELECT requests, errors, input_tokens, cost_nano, unpriced, duration_us FROM conversations"
TURNS = 600
CONVERSATIONS = ("a", "b", None)


def made_anew(connection: sqlite3.Connection, _placer: Placer) -> tuple[list[Any], list[Any]]:
    """All rows as they stand, and as they are once summed up again."""
    stand = connection.execute(_ROWS).fetchall()
    for row in stand:
        sum_up(connection, row[0])
    return stand, connection.execute(_ROWS).fetchall()


def drawn(random_: random.Random, number: int) -> Told:
    """A call that may be one of those before, told again with other figures or in another conversation."""
    name = random_.choice(CONVERSATIONS)
    said = dialogue("hello", "hi", f"question {number % 5}") if name is None else [user(f"question {number}")]
    return told(
        random_.randrange(40),
        said,
        "answer",
        # A clock may have changed since it was told before.
        request_id=f"req_{random_.randrange(40)}",
        conversation=name,
        outcome=random_.choice(("ok", "ok", "error", "interrupted", "aborted")),
        cost_nano=random_.choice((None, 5, 1000)),
        usage=Usage(input_tokens=random_.choice((None, 7, 90)), output_tokens=random_.choice((None, 3))),
        latency_us=random_.choice((None, 0, 500_000, 90_000_000)),
    )


def test_they_equal_what_is_summed_up_anew_after_every_change(tmp_path: Path) -> None:
    random_ = random.Random(4)
    with opened(tmp_path) as store:
        for step in range(160):
            put(store, [drawn(random_, step + n) for n in range(random_.choice((1, 1, 3)))])
            if step % 40 == 39:
                store.delete_thread(random_.choice(all_threads(store)).row.id)
            stand, anew = store.change(made_anew)
            assert stand == anew and stand


def summed(store: ThreadStore) -> list[Any]:
    return store.look(lambda connection: connection.execute(_SUMMED).fetchall())


def test_what_is_known_of_one_turn_alone_goes_with_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [told(0, [user("q")], "a", conversation="c", cost_nano=7, usage=Usage(input_tokens=9))])
        put(store, [told(1, [user("r")], "a", conversation="c", cost_nano=None, usage=Usage())])
        assert summed(store) == [(2, 0, 9, 7, 1, 1_000_000)]
        put(store, [told(0, [user("q")], "a", conversation="c", cost_nano=None, usage=Usage(), outcome="error")])
        assert summed(store) == [(2, 1, None, None, 2, 1_000_000)]


def test_a_turn_costs_the_same_however_many_were_before(tmp_path: Path) -> None:
    """Counted in SQLite's steps, of a client that sends its last messages only: they are found among so many alike."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    history: list[Message] = []
    taken = []
    with opened(tmp_path) as store:
        store.change(lambda connection, _: connection.set_progress_handler(step, 10))
        for turn in range(TURNS):
            history = [*history[-6:], user(f"go on {turn}")]
            before = steps
            put(store, [told(turn, history, f"ok {turn}", conversation="c")])
            taken.append(steps - before)
            history.append(assistant(f"ok {turn}"))
        (thread,) = all_threads(store)
    assert len(thread.turns) == TURNS and [turn.parent for turn in thread.turns] == [None, *range(TURNS - 1)]
    assert sum(taken[-100:]) < 1.2 * sum(taken[100:200])


@pytest.mark.parametrize("leaves", [0, 9])
def test_a_conversation_ends_where_its_turns_do_when_one_leaves_of_which_nothing_is_known(
    tmp_path: Path, leaves: int
) -> None:
    unknown: dict[str, Any] = {"usage": Usage(), "cost_nano": None, "latency_us": None}
    with opened(tmp_path) as store:
        for at in (0, 9):
            put(store, [told(at, [user("a")], "x", conversation="a", **unknown)])
        put(store, [told(leaves, [user("a")], "x", conversation="b", **unknown)])
        stand, anew = store.change(made_anew)
        assert stand == anew and len(stand) == 2
