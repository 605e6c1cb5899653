"""Which earlier turn a call continues, at the edges: moments that just count, and answers without words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model import Reasoning
from gateway.store.thread_store import ThreadStore
from tests.store.tellings import (
    HOUR_US,
    all_threads,
    assistant,
    by_turns,
    dialogue,
    failed,
    lines,
    opened,
    put,
    told,
    user,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


@pytest.mark.parametrize("at, one", [(120.5, True), (120.500001, False)])
@pytest.mark.parametrize("late", [False, True])
def test_what_failed_is_tried_again_within_two_minutes_of_its_end(
    store: ThreadStore, at: float, one: bool, late: bool
) -> None:
    tellings = [failed(0, [user("question")]), told(at, [user("question")], "answer")]
    for each in reversed(tellings) if late else tellings:
        put(store, [each])
    assert len(all_threads(store)) == (1 if one else 2)


def test_of_all_that_failed_before_a_restart_the_last_is_tried_again_after_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [failed(at, [user("question")]) for at in (0, 9000)])
    with opened(tmp_path) as store:
        put(store, [told(9010, [user("question")], "answer")])
        assert by_turns(store) == [["req_0"], ["req_9000", "req_9010"]]


def test_one_that_sends_only_what_is_new_may_begin_where_the_one_before_ends(store: ThreadStore) -> None:
    put(store, [told(0, [user("one")], "1", conversation="c"), told(0.5, [user("two")], "2", conversation="c")])
    put(store, [told(0.999999, [user("three")], "3", conversation="c")])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, 0, 0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_answer_without_words_is_continued_by_none_that_asks_the_same(
    store: ThreadStore, order: tuple[int, ...]
) -> None:
    asked = [user("question")]
    tellings = [told(0, asked, [Reasoning("Let me think.")]), told(500, asked, "answer")]
    # Late calls look for what continues them only where some call goes on from another.
    put(store, [told(900, dialogue("another", "yes", "and"), "so")])
    for place in order:
        put(store, [tellings[place]])
    assert by_turns(store) == [["req_0"], ["req_500"], ["req_900"]]


def parents(store: ThreadStore) -> list[int | None]:
    (thread,) = all_threads(store)
    return [turn.parent for turn in thread.turns]


def test_a_call_that_failed_after_hours_is_tried_again_too(store: ThreadStore) -> None:
    put(store, [failed(0, [user("question")], latency_us=2 * HOUR_US)])
    put(store, [told(7210, [user("question")], "answer")])
    assert by_turns(store) == [["req_0", "req_7210"]]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("other, found", [("c", [None, 0]), ("d", None)])
def test_within_a_conversation_an_answer_alone_is_enough_in_any_order(
    store: ThreadStore, order: tuple[int, ...], other: str, found: list[int | None] | None
) -> None:
    later = told(10, [assistant("answer"), user("more")], "yes", conversation=other, system="Other instructions.")
    tellings = [told(0, [user("question")], "answer", conversation="c"), later]
    for place in order:
        put(store, [tellings[place]])
    if found is None:
        assert by_turns(store) == [["req_0"], ["req_10"]]
    else:
        assert parents(store) == found


def test_history_that_the_provider_holds_is_looked_for_whatever_came_between(store: ThreadStore) -> None:
    put(store, [told(10, [user("more")], "yes", previous_response_id="resp_1"), told(20, [user("another")], "no")])
    put(store, [told(0, [user("question")], "answer", response_id="resp_1")])
    assert by_turns(store) == [["req_0", "req_10"], ["req_20"]]


def test_only_an_attempt_at_the_same_question_is_none_to_go_on_from(store: ThreadStore) -> None:
    """One that asks anew what was answered goes on, and so does one that asks another thing after a failure."""
    put(store, [told(at, [user("question")], "answer", conversation="c") for at in (0, 10)])
    put(store, [failed(20, [user("more")], conversation="c"), told(30, [user("else")], "yes", conversation="c")])
    assert parents(store) == [None, 0, 1, 2]


def test_of_two_that_failed_side_by_side_the_last_to_end_is_tried_again(store: ThreadStore) -> None:
    put(store, [failed(0, [user("question")]), failed(0.2, [user("question")])])
    put(store, [told(5, [user("question")], "answer")])
    assert by_turns(store) == [["req_0"], ["req_0.2", "req_5"]]


def test_a_title_that_was_given_stays_when_the_call_before_comes_late(store: ThreadStore) -> None:
    put(store, [told(10, dialogue("question", "answer", "more"), "yes")])
    (thread,) = all_threads(store)
    assert store.rename_thread(thread.row.id, "Mine")
    put(store, [told(0, [user("question")], "answer")])
    (thread,) = all_threads(store)
    assert (thread.row.title, [turn.parent for turn in thread.turns]) == ("Mine", [None, 0])


@pytest.mark.parametrize("line, found", [("Fix it!", [None, 0]), ("Fix it!!", [None, None])])
def test_a_line_of_few_letters_may_stand_in_anything(store: ThreadStore, line: str, found: list[int | None]) -> None:
    put(store, [told(0, [user(line)], "I will look", conversation="c")])
    put(store, [told(10, [user(f"{line} Now, please.")], "Done", conversation="c")])
    assert parents(store) == found


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_stands_for_a_history_that_was_cut_off_stays_in_any_order(
    store: ThreadStore, order: tuple[int, ...]
) -> None:
    cut = dialogue("A summary", "Understood", "two", "2", "three")
    tellings = [told(0, dialogue("one", "1", "two"), "2"), told(10, cut, "3")]
    for place in order:
        put(store, [tellings[place]])
    (thread,) = all_threads(store)
    assert [line for line in lines(thread) if line.startswith("1 ")] == [
        "1 user A summary",
        "1 assistant Understood",
        "1 user three",
        "1 assistant 3",
    ]
