"""Answers that a client sends back altered, as Claude Code does with the arguments of its calls."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from gateway.model import Part, Text, ToolCall
from gateway.store.altered import LONGEST_REMEMBERED
from gateway.store.thread_store import ThreadStore
from gateway.told import Told
from tests.store.tellings import all_threads, calls, failed, opened, put, result, told, user

# What the model said, and what its client makes of it.
EDIT = '{"file_path":"a.txt","old_string":"one","new_string":"two  \\nthree"}'
SENT_BACK = '{"replace_all":false,"file_path":"a.txt","old_string":"one","new_string":"two\\nthree"}'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def edit(id: str) -> list[Part]:
    return [Text("I edit it."), ToolCall(id, "Edit", EDIT)]


def session(**fields: object) -> list[Told]:
    """Three turns: the answers of the first two come back altered."""
    first = [user("Edit the file.")]
    second = [*first, calls("Edit", SENT_BACK, "toolu_0"), result("Edited.", "toolu_0")]
    third = [*second, calls("Edit", SENT_BACK, "toolu_1"), result("Edited too.", "toolu_1")]
    histories = (first, second, third)
    return [told(at, history, edit(f"toolu_{at}"), **fields) for at, history in enumerate(histories)]


def shown(store: ThreadStore) -> list[tuple[str | None, int | None, str | None, bool]]:
    (thread,) = all_threads(store)
    return [(turn.request_id, turn.parent, turn.branch, turn.shortened) for turn in thread.turns]


ONE_LINE = [("req_0", None, None, False), ("req_1", 0, None, False), ("req_2", 1, None, False)]


@pytest.mark.parametrize("given", [None, "c"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_session_is_one_line_whose_calls_come_back_altered(
    store: ThreadStore, given: str | None, order: tuple[int, ...]
) -> None:
    tellings = session(conversation=given)
    for place in order:
        put(store, [tellings[place]])
    assert shown(store) == ONE_LINE
    (thread,) = all_threads(store)
    said = [(message.turn, message.output, message.role) for message in thread.messages]
    assert said == [(0, False, "user"), (0, True, "assistant")] + [
        (turn, output, role) for turn in (1, 2) for output, role in ((False, "tool"), (True, "assistant"))
    ]


def test_each_of_several_attempts_has_its_own_calls(store: ThreadStore) -> None:
    first = [user("Edit the file.")]
    attempts = [told(0, first, edit("toolu_0")), told(1, first, edit("toolu_1")), failed(2, first)]
    put(store, attempts)
    history = [*first, calls("Edit", SENT_BACK, "toolu_0"), result("Edited.", "toolu_0")]
    put(store, [told(3, history, "Done.")])
    found = {turn.request_id: turn.parent for thread in all_threads(store) for turn in thread.turns}
    assert found["req_3"] == 0


def test_a_call_of_another_id_is_another_answer(store: ThreadStore) -> None:
    first = [user("Edit the file.")]
    history = [*first, calls("Edit", SENT_BACK, "toolu_9"), result("Edited.", "toolu_9")]
    put(store, [told(0, first, edit("toolu_0")), told(1, history, "Done.")])
    assert len(all_threads(store)) == 2


def test_of_two_that_made_the_same_call_each_goes_on_by_its_id(store: ThreadStore) -> None:
    # One agent that is run twice at once, as evaluations do, with the same first step.
    first = [user("Edit the file.")]
    put(store, [told(at, first, [ToolCall(f"toolu_{at}", "Edit", EDIT)]) for at in range(2)])
    for at in range(2):
        history = [*first, calls("Edit", EDIT, f"toolu_{at}"), result("Edited.", f"toolu_{at}")]
        put(store, [told(2 + at, history, "Done.")])
    assert sorted([turn.request_id for turn in thread.turns] for thread in all_threads(store)) == [
        ["req_0", "req_2"],
        ["req_1", "req_3"],
    ]


def test_what_was_said_beside_a_call_may_be_left_out_where_another_run_said_nothing(store: ThreadStore) -> None:
    first = [user("Edit the file.")]
    silent = [ToolCall("toolu_0", "Edit", EDIT)]
    put(store, [told(0, first, silent), told(1, first, edit("toolu_1"))])
    history = [*first, calls("Edit", EDIT, "toolu_1"), result("Edited.", "toolu_1")]
    put(store, [told(2, history, "Done.")])
    assert sorted([turn.request_id for turn in thread.turns] for thread in all_threads(store)) == [
        ["req_0"],
        ["req_1", "req_2"],
    ]


def test_a_run_that_is_told_late_leaves_the_other_one_its_turns(store: ThreadStore) -> None:
    first = [user("Edit the file.")]
    begun = [told(at, first, [ToolCall(f"toolu_{at}", "Edit", EDIT)]) for at in range(2)]
    history = [*first, calls("Edit", EDIT, "toolu_0"), result("Edited.", "toolu_0")]
    for telling in (begun[0], told(2, history, "Done."), begun[1]):
        put(store, [telling])
    assert sorted([turn.request_id for turn in thread.turns] for thread in all_threads(store)) == [
        ["req_0", "req_2"],
        ["req_1"],
    ]


def test_the_ids_of_calls_are_not_those_of_what_stood_in_the_same_entry_before(store: ThreadStore) -> None:
    first = [user("Edit the file.")]
    put(store, [told(0, first, edit("toolu_0"))])
    (thread,) = all_threads(store)
    assert store.delete_thread(thread.row.id)
    # Too long to be remembered in their place.
    long = edit("toolu_1" * LONGEST_REMEMBERED)
    put(store, [told(1, first, long)])
    history = [*first, calls("Edit", SENT_BACK, "toolu_0"), result("Edited.", "toolu_0")]
    put(store, [told(2, history, "Done.")])
    found = {turn.request_id: turn.parent for thread in all_threads(store) for turn in thread.turns}
    assert found["req_2"] is None
