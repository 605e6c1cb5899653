"""Which calls are one conversation, what of each is new, and where it branches; in whatever order they arrive."""

import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.model import Blob, Message, Part, Reasoning, Role, Text, Tool, ToolCall
from gateway.store.chain import Hasher
from gateway.store.thread_store import ThreadStore
from gateway.told import Told
from tests.store.tellings import (
    HOUR_US,
    READ,
    SECOND_US,
    SYSTEM,
    all_threads,
    assistant,
    by_turns,
    calls,
    dialogue,
    failed,
    lines,
    opened,
    put,
    result,
    session,
    shape,
    told,
    user,
)

PICTURE = Blob("image/png", "iVBORw0KGgo=", "image")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def test_a_history_that_is_sent_again_adds_only_what_is_new(store: ThreadStore) -> None:
    put(store, session("hello", "hi there", "how are you", "fine", "good", "bye"))
    (thread,) = all_threads(store)
    assert lines(thread) == [
        "0 user hello",
        "0 assistant hi there",
        "1 user how are you",
        "1 assistant fine",
        "2 user good",
        "2 assistant bye",
    ]
    assert [turn.parent for turn in thread.turns] == [None, 0, 1]
    assert [message.output for message in thread.messages] == [False, True] * 3
    assert (thread.row.requests, thread.row.input_tokens, thread.row.cost_nano) == (3, 300, 3000)
    assert thread.row.title == "hello" and thread.row.id.startswith("conv_")
    assert [turn.system for turn in thread.turns] == [0, 0, 0] and len(thread.systems) == 1


def test_tool_calls_and_their_results_go_on(store: ThreadStore) -> None:
    asked = [user("read it")]
    wanted = ToolCall("toolu_1", "read_file", '{"path": "a.py", "n": 1}')
    # The client sends the call back with other spaces and order, and another id.
    again = [*asked, calls("read_file", '{"n":1.0,"path":"a.py"}', "x"), result("print(1)\r\n", "x")]
    put(store, [told(0, asked, [Reasoning("hm"), wanted], tools=(READ,)), told(5, again, "done", tools=(READ,))])
    (thread,) = all_threads(store)
    assert lines(thread) == [
        "0 user read it",
        '0 assistant hm read_file({"path": "a.py", "n": 1})',
        "1 tool print(1)\r\n",
        "1 assistant done",
    ]
    assert thread.toolsets == ((READ,),)


CHANGED: dict[str, Sequence[Message]] = {
    "reasoning left out": [assistant("the answer")],
    "reasoning with a signature": [
        Message(Role.ASSISTANT, (Reasoning("hm", {"x": {"sig": "1"}}), Text("the answer")))
    ],
    "line ends": [assistant("the answer  \r\n")],
    "two parts of text": [Message(Role.ASSISTANT, (Text("the "), Text("answer")))],
    "two messages": [assistant("the "), assistant("answer")],
    "a side pocket": [Message(Role.ASSISTANT, (Text("the answer", {"anthropic": {"cache_control": {}}}),))],
}


@pytest.mark.parametrize("sent_back", CHANGED.values(), ids=CHANGED)
def test_what_clients_change_on_the_way_back_changes_nothing(store: ThreadStore, sent_back: list[Message]) -> None:
    asked = [user("a question")]
    first = told(0, asked, [Reasoning("hm"), Text("the answer")])
    put(store, [first, told(9, [*asked, *sent_back, user("and then")], "more")])
    (thread,) = all_threads(store)
    assert [line for line in lines(thread) if line.startswith("1")] == ["1 user and then", "1 assistant more"]


def test_another_answer_sent_back_is_another_conversation(store: ThreadStore) -> None:
    put(store, [told(0, [user("q")], "one"), told(9, [*dialogue("q", "another"), user("then")], "x")])
    assert by_turns(store) == [["req_0"], ["req_9"]]


def test_the_same_first_question_alone_is_no_evidence(store: ThreadStore) -> None:
    put(store, [told(0, [user("hi")], "hello"), told(100, [user("hi")], "hello")])
    assert by_turns(store) == [["req_0"], ["req_100"]]


def test_keys_never_meet(store: ThreadStore) -> None:
    one, two = session("hello", "hi", "and", "so")
    put(store, [one, replace(two, scope="key_2", key="other")])
    assert by_turns(store) == [["req_0"], ["req_60"]]


@pytest.mark.parametrize(("later_us", "one"), [(23 * HOUR_US, True), (25 * HOUR_US, False)])
def test_a_history_is_recognised_for_a_day(store: ThreadStore, later_us: int, one: bool) -> None:
    first, second = session("hello", "hi", "and", "so")
    put(store, [first, replace(second, started_us=first.started_us + later_us)])
    assert len(by_turns(store)) == (1 if one else 2)


def test_an_id_decides_whatever_the_history_says(store: ThreadStore) -> None:
    one, two = session("hello", "hi", "and", "so", every_s=60)
    put(store, [replace(one, conversation="a"), replace(two, conversation="b")])
    assert {thread.row.id: len(thread.turns) for thread in all_threads(store)} == {"a": 1, "b": 1}


def test_an_id_holds_together_what_nothing_else_does(store: ThreadStore) -> None:
    put(store, [told(at, [user(f"question {at}")], f"answer {at}", conversation="a") for at in (0, 60, 120)])
    (thread,) = all_threads(store)
    assert thread.row.id == "a"
    assert [turn.request_id for turn in thread.turns] == ["req_0", "req_60", "req_120"]
    assert len(thread.messages) == 6


def test_the_same_id_of_two_keys_is_two_conversations(store: ThreadStore) -> None:
    put(
        store,
        [told(0, [user("x")], "y", conversation="a"), told(1, [user("z")], "y", conversation="a", scope="key_2")],
    )
    assert [thread.row.id for thread in all_threads(store)] == ["a", "a~2"]


def test_history_that_the_provider_holds_goes_on(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("hello")], "hi", response_id="resp_1"),
            told(9, [user("and")], "so", response_id="resp_2", previous_response_id="resp_1"),
            told(18, [user("then")], "fine", previous_response_id="resp_2"),
        ],
    )
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, 0, 1]
    assert len(thread.messages) == 6


def test_an_edited_question_is_a_branch(store: ThreadStore) -> None:
    put(
        store,
        [
            *session("one", "1", "two", "2", every_s=10),
            told(30, dialogue("one", "1", "two, but better"), "2b"),
        ],
    )
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [(None, None), (0, None), (0, "edited")]
    assert lines(thread)[-2:] == ["2 user two, but better", "2 assistant 2b"]


def test_the_same_asked_again_is_a_retry(store: ThreadStore) -> None:
    put(store, [*session("one", "1", "two", "2", every_s=10), told(30, dialogue("one", "1", "two"), "zwei")])
    (thread,) = all_threads(store)
    assert [turn.branch for turn in thread.turns] == [None, None, "retry"]


def test_two_at_once_are_parallel(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("one")], "1"),
            told(10, dialogue("one", "1", "left"), "l", latency_us=5 * SECOND_US),
            told(12, dialogue("one", "1", "right"), "r"),
        ],
    )
    (thread,) = all_threads(store)
    assert [turn.branch for turn in thread.turns] == [None, None, "parallel"]


def test_a_sub_agent_is_a_branch_of_its_own(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("plan it")], "ok", conversation="s", agent="main"),
            told(1, [user("look it up")], "found", conversation="s", agent="explore", system="You look things up."),
            told(2, dialogue("look it up", "found", "more"), "all", conversation="s", agent="explore"),
            told(9, dialogue("plan it", "ok", "go"), "done", conversation="s", agent="main"),
        ],
    )
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [
        (None, None),
        (None, "sub_agent"),
        (1, None),
        (0, None),
    ]


def test_each_of_several_answers_can_be_gone_on_with(store: ThreadStore) -> None:
    put(
        store,
        [told(0, [user("a name")], "Ada", others=["Bea"]), told(9, dialogue("a name", "Bea", "why"), "because")],
    )
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, 0]
    assert [(message.turn, message.choice) for message in thread.messages] == [(0, 0), (0, 0), (0, 1), (1, 0), (1, 0)]


def test_attempts_that_failed_fold_under_the_one_that_did_not(store: ThreadStore) -> None:
    put(store, [failed(0, [user("hello")]), failed(2, [user("hello")]), told(5, [user("hello")], "hi")])
    (thread,) = all_threads(store)
    assert [(turn.attempt_of, turn.branch) for turn in thread.turns] == [(1, None), (2, None), (None, None)]
    assert thread.row.errors == 2


def test_what_failed_before_a_restart_is_tried_again_after_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        put(store, [failed(0, [user("hello")])])
    with opened(tmp_path) as store:
        put(store, [told(5, [user("hello")], "hi")])
        (thread,) = all_threads(store)
    assert [(turn.attempt_of, turn.branch) for turn in thread.turns] == [(1, None), (None, None)]


def test_a_plain_call_asks_the_database_for_nothing_in_vain(store: ThreadStore) -> None:
    """Neither for calls that failed where none did, nor for the first turn of a conversation that has just begun."""
    statements: list[str] = []
    store.change(lambda connection, _: connection.set_trace_callback(statements.append))
    put(store, [told(0, [user("hello")], "hi")])
    put(store, [told(5, [user("another")], "yes")])
    in_vain = ("outcome = 'error'", "ORDER BY started_us, identity")
    assert len(statements) > 10 and not [each for each in statements if any(words in each for words in in_vain)]
    put(store, [failed(9, [user("more")]), told(12, [user("more")], "well")])
    store.change(lambda connection, _: connection.set_trace_callback(None))
    assert [each for each in statements if in_vain[0] in each]


@pytest.mark.parametrize("apart", [True, False])
def test_a_conversation_is_named_after_its_first_call_however_its_calls_come(tmp_path: Path, apart: bool) -> None:
    made = session("hello", "hi", "and", "so", "then", "fine")
    names = []
    for number, order in enumerate(itertools.permutations(made)):
        (folder := tmp_path / str(number)).mkdir()
        with opened(folder) as store:
            for some in [[each] for each in order] if apart else [order]:
                put(store, some)
            (thread,) = all_threads(store)
            names.append(thread.row.id)
    assert len(names) == 6
    with opened(tmp_path) as store:
        put(store, made[:1])
        # The seal key is the same in all of them, and so is what the names are made with.
        assert {all_threads(store)[0].row.id} == {*names}


def test_a_shortened_history_goes_on_and_says_so(store: ThreadStore) -> None:
    put(
        store,
        [
            *session("one", "1", "two", "2", "three", "3", every_s=10),
            told(40, [*dialogue("two", "2", "three", "3"), user("four")], "4"),
        ],
    )
    (thread,) = all_threads(store)
    assert [turn.shortened for turn in thread.turns] == [False, False, False, True]
    assert lines(thread)[-2:] == ["3 user four", "3 assistant 4"] and len(thread.messages) == 8


def test_a_summary_in_place_of_the_history_is_shown_where_it_came(store: ThreadStore) -> None:
    put(
        store,
        [
            *session("one", "1", "two", "2", every_s=10),
            told(40, [user("Summary: one and two"), *dialogue("two", "2"), user("three")], "3"),
        ],
    )
    (thread,) = all_threads(store)
    assert lines(thread)[4:] == ["2 user Summary: one and two", "2 user three", "2 assistant 3"]


@pytest.mark.parametrize("kept", [0, 2])
def test_what_goes_on_from_a_summary_goes_on_from_the_call_that_wrote_it(store: ThreadStore, kept: int) -> None:
    """Claude Code compacts so: by one call of the session, whose answer stands before what comes next."""
    before = dialogue("Write a parser for dates.", "It is written.", "Test it.", "It is tested.")
    summary = "1. A parser for dates was asked for.\n2. It is written and tested."
    written = f"<analysis>Let me see.</analysis>\n<summary>\n{summary}\n</summary>"
    compacted = user(
        f"This session is being continued. <system-reminder>Read</system-reminder>\n{summary}\n\nGo on without further questions."
    )
    rest = [compacted, *before[len(before) - kept :], user("Now document it.")]

    def billed(first: str) -> str:
        return f"x-anthropic-billing-header: cc_version=2.1.332.{first}; cc_entrypoint=cli;"

    def instructed(at: int, history: list[Message], answer: str, first: str) -> Told:
        system = [Message(Role.SYSTEM, (Text(billed(first)), Text(SYSTEM)))]
        return told(at, [*system, *history], answer, system=None, tools=(READ,), conversation="session")

    calls_made = [
        instructed(0, before[:1], "It is written.", "be0"),
        instructed(1, before[:3], "It is tested.", "be0"),
        instructed(2, [*before, user("Summarise.")], written, "be0"),
        instructed(3, rest, "It is documented.", "cf6"),
        instructed(4, [*rest, assistant("It is documented."), user("Thanks.")], "Welcome.", "cf6"),
    ]
    put(store, calls_made)
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [(None, None), *((n, None) for n in range(4))]
    assert [turn.shortened for turn in thread.turns] == [False, False, False, True, False]
    assert len(thread.systems) == 1
    shown = [line for line, message in zip(lines(thread), thread.messages, strict=True) if not message.repeated]
    assert shown[-5:] == [
        f"3 user {compacted.parts[0].text}",
        "3 user Now document it.",
        "3 assistant It is documented.",
        "4 user Thanks.",
        "4 assistant Welcome.",
    ]


def test_instructions_are_the_same_under_other_ids(store: ThreadStore) -> None:
    """Codex sends them again under new ids once it has compacted, and goes on from what a call of its own wrote."""

    def named(id: str) -> Message:
        return Message(Role.SYSTEM, (Text(SYSTEM),), extra={"openai_responses": {"role": "developer", "id": id}})

    def instructed(at: int, id: str, history: list[Message], answer: str, tools: tuple[Tool, ...]) -> Told:
        return told(at, [named(id), *history], answer, system=None, tools=tools, conversation="thread")

    asked, summary = user("Write a parser for dates."), "A parser for dates was asked for. It is written."
    handed = user(f"Another language model produced a summary of its thinking. Here it is:\n{summary}")
    put(
        store,
        [
            instructed(0, "msg_1", [asked], "It is written.", (READ,)),
            instructed(
                1, "msg_1", [asked, assistant("It is written."), user("Create a handoff summary.")], summary, ()
            ),
            instructed(2, "msg_2", [asked, handed], "It is documented.", (READ,)),
        ],
    )
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [(None, None), (0, None), (1, None)]
    assert len(thread.systems) == 1


def test_a_short_answer_that_is_quoted_is_no_summary(store: ThreadStore) -> None:
    put(store, [told(0, [user("Is it?")], "It is.", conversation="c")])
    asked = [user("He wrote: It is. Which is a sentence that is longer than forty letters.")]
    put(store, [told(1, asked, "So.", conversation="c", system="Other instructions.")])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, None]


def test_what_was_shown_already_is_marked(store: ThreadStore) -> None:
    """AI SDK 7 sends only the last step of an answer back: what it leaves out breaks the chain."""
    asked = [user("weather?")]
    step = [*asked, calls("weather", "{}"), result("sunny")]
    put(
        store,
        [
            told(0, asked, [ToolCall("call_1", "weather", "{}")], conversation="a"),
            told(1, step, "It is sunny.", conversation="a"),
            told(9, [*asked, assistant("It is sunny."), user("thanks")], "welcome", conversation="a"),
        ],
    )
    (thread,) = all_threads(store)
    shown = [line for line, message in zip(lines(thread), thread.messages, strict=True) if not message.repeated]
    assert shown == [
        "0 user weather?",
        "0 assistant weather({})",
        "1 tool sunny",
        "1 assistant It is sunny.",
        "2 user thanks",
        "2 assistant welcome",
    ]


def test_an_answer_that_is_sent_again_later_is_marked_where_it_came(store: ThreadStore) -> None:
    said = dialogue("one", "first", "two", "second")
    put(store, session("one", "first", "two", "second"))
    put(store, [told(200, [*said, user("three"), assistant("first"), user("four")], "third")])
    (thread,) = all_threads(store)
    assert lines(thread)[4:] == ["2 user three", "2 assistant first", "2 user four", "2 assistant third"]
    assert [message.repeated for message in thread.messages[4:]] == [False, True, False, False]


TITLE = "Write a title of at most five words."


def test_a_title_is_no_turn_of_what_it_is_about(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("Fix the flaky test in payments")], "I will look"),
            told(1, [user("Fix the flaky test in payments")], "Fix flaky test", system=TITLE, model="small"),
            told(9, dialogue("Fix the flaky test in payments", "I will look", "go"), "done"),
        ],
    )
    assert by_turns(store) == [["req_0", "req_9"], ["req_1"]]


def test_a_title_of_the_same_session_stands_beside(store: ThreadStore) -> None:
    question = "Fix the flaky test in payments"
    put(
        store,
        [
            told(0, [user(question)], "I will look", conversation="s", tools=(READ,)),
            told(1, [user(f"Title for: {question}")], "Fix flaky test", system=TITLE, conversation="s"),
            told(9, dialogue(question, "I will look", "go"), "done", conversation="s", tools=(READ,)),
        ],
    )
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [(None, None), (None, "side"), (0, None)]
    assert thread.row.title == question


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_title_that_is_asked_for_first_stands_beside_too(store: ThreadStore, order: tuple[int, ...]) -> None:
    """As opencode does: one session id, the title's call a little earlier."""
    question = "Please read x.py and say what it does"
    tellings = [
        told(0, [user("Generate a title for this conversation:"), user(f'"{question}"')], "x.py", system=TITLE),
        told(1, [user(f'"{question}"')], "I will look", tools=(READ,)),
        told(9, dialogue(f'"{question}"', "I will look", "go"), "done", tools=(READ,)),
    ]
    for place in order:
        put(store, [replace(tellings[place], conversation="s")])
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [(None, "side"), (None, None), (1, None)]
    assert thread.row.title == f'"{question}"'


def parents(store: ThreadStore) -> list[int | None]:
    (thread,) = all_threads(store)
    return [turn.parent for turn in thread.turns]


def test_of_an_app_that_sends_only_what_is_new_each_call_goes_on_from_the_one_before(store: ThreadStore) -> None:
    put(store, [told(at, [user(f"question {at}")], f"answer {at}", conversation="c") for at in (0, 10, 20)])
    assert parents(store) == [None, 0, 1]


@pytest.mark.parametrize(
    ("first", "fields", "asked"),
    [
        ("Fix the flaky test", {"model_requested": "small"}, "Which words are these?"),
        ("Fix the flaky test", {"system": TITLE}, "Which words are these?"),
        # It quotes what it is about.
        ("Fix the flaky test", {}, "Title for: Fix the flaky test"),
    ],
    ids=["model", "instructions", "quoted"],
)
def test_a_title_is_none_of_the_calls_that_send_only_what_is_new(
    store: ThreadStore, first: str, fields: dict[str, str], asked: str
) -> None:
    put(store, [told(0, [user(first)], "I will look", conversation="c")])
    put(store, [told(10, [user(asked)], "Flaky test", conversation="c", **fields)])
    assert parents(store) == [None, None]


def test_beside_calls_that_send_their_history_one_without_any_goes_on_from_none(store: ThreadStore) -> None:
    history = dialogue("question", "answer", "more")
    put(store, [told(0, history[:1], "answer", conversation="c"), told(10, history, "yes", conversation="c")])
    put(store, [told(20, [user("And what is this?")], "A thing.", conversation="c")])
    assert parents(store) == [None, 0, None]


def test_what_is_tried_again_goes_on_from_no_attempt(store: ThreadStore) -> None:
    put(store, [failed(0, [user("question")], conversation="c")])
    put(store, [told(10, [user("question")], "answer", conversation="c")])
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.attempt_of) for turn in thread.turns] == [(None, 1), (None, None)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_conversation_is_named_after_an_attempt_that_comes_late(tmp_path: Path, order: tuple[int, ...]) -> None:
    tellings = [failed(0, [user("question")]), told(10, [user("question")], "answer")]
    told_of: list[tuple[str, str]] = []
    with opened(tmp_path, on_joined=lambda *each: told_of.append(each)) as store:
        for place in order:
            put(store, [tellings[place]])
        (thread,) = all_threads(store)
    (folder := tmp_path / "alone").mkdir()
    with opened(folder) as store:
        put(store, tellings[:1])
        assert all_threads(store)[0].row.id == thread.row.id
    assert dict(told_of) == {"req_0": thread.row.id, "req_10": thread.row.id}


def test_a_name_that_an_attempt_changes_late_is_told_of_all_calls(tmp_path: Path) -> None:
    told_of: dict[str, str] = {}
    goes_on = told(70, dialogue("question", "answer", "more"), "so")
    tellings = [told(10, [user("question")], "answer"), goes_on, failed(0, [user("question")])]
    with opened(tmp_path, on_joined=told_of.__setitem__) as store:
        for each in tellings:
            put(store, [each])
        (thread,) = all_threads(store)
    assert told_of == {each.request_id: thread.row.id for each in tellings}


def test_what_was_tried_again_is_not_tried_again_by_a_third(store: ThreadStore) -> None:
    put(store, [failed(0, [user("question")])])
    for at in (10, 20):
        put(store, [told(at, [user("question")], "answer")])
    assert by_turns(store) == [["req_0", "req_10"], ["req_20"]]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_history_that_the_provider_holds_goes_on_in_any_order(store: ThreadStore, order: tuple[int, ...]) -> None:
    tellings = [
        told(0, [user("question")], "answer", response_id="resp_1"),
        told(10, [user("more")], "yes", response_id="resp_2", previous_response_id="resp_1"),
    ]
    for place in order:
        put(store, [tellings[place]])
    assert by_turns(store) == [["req_0", "req_10"]] and parents(store) == [None, 0]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("name", [None, "other"])
def test_a_named_conversation_is_none_that_another_begins(
    store: ThreadStore, order: tuple[int, ...], name: str | None
) -> None:
    history = dialogue("question", "answer", "more")
    tellings = [told(0, history[:1], "answer", conversation=name), told(10, history, "yes", conversation="named")]
    for place in order:
        put(store, [tellings[place]])
    assert by_turns(store) == [["req_0"], ["req_10"]]
    assert all_threads(store)[1].row.id == "named"


def test_a_call_without_tools_that_is_continued_begins_its_conversation(store: ThreadStore) -> None:
    put(
        store,
        [
            told(0, [user("Which way?")], "Left.", conversation="s"),
            told(9, dialogue("Which way?", "Left.", "And then?"), "Right.", conversation="s"),
            told(20, [user("Look around.")], "I look.", system="You explore.", conversation="s", tools=(READ,)),
        ],
    )
    (thread,) = all_threads(store)
    assert [(turn.parent, turn.branch) for turn in thread.turns] == [(None, None), (0, None), (None, "sub_agent")]
    assert thread.row.title == "Which way?"


def test_other_instructions_do_not_part_a_conversation(store: ThreadStore) -> None:
    one, two = session("hello", "hi", "and", "so")
    dated = told(60, dialogue("hello", "hi", "and"), "so", system="You are careful. It is Tuesday.")
    put(store, [one, dated])
    (thread,) = all_threads(store)
    assert [turn.system for turn in thread.turns] == [0, 1] and len(thread.systems) == 2
    assert two.request_id == dated.request_id


def test_what_goes_on_from_a_late_call_counts_in_its_conversation_and_no_longer_where_it_was(tmp_path: Path) -> None:
    told_of: dict[str, str] = {}
    first, second, *later = session("hello", "hi", "and", "so", "good", "fine", "then", "bye")
    with opened(tmp_path, on_joined=told_of.__setitem__) as store:
        put(store, [first, *later])
        assert [(thread.row.requests, thread.row.cost_nano) for thread in all_threads(store)] == [(3, 3000)]
        put(store, [replace(second, conversation="given")])
        rows = {thread.row.id: thread.row for thread in all_threads(store)}
    given = rows.pop("given")
    (left,) = rows.values()
    assert (given.requests, given.input_tokens, given.cost_nano) == (3, 300, 3000)
    assert (left.requests, left.input_tokens, left.cost_nano) == (1, 100, 1000)
    # That of the second is in its row already.
    assert told_of == {first.request_id: left.id} | {each.request_id: "given" for each in later}


def test_a_call_told_again_replaces_what_was_told(store: ThreadStore) -> None:
    first, second = session("hello", "hi", "and", "so")
    put(store, [first, second, replace(first, cost_nano=7)])
    (thread,) = all_threads(store)
    assert (thread.row.requests, thread.row.cost_nano, len(thread.messages)) == (2, 1007, 4)


def test_a_call_without_content_has_its_place_by_its_id(store: ThreadStore) -> None:
    bare = told(0, [], conversation="a", hints=("Switch it on.",))
    put(store, [replace(bare, request=None, response=None)])
    (thread,) = all_threads(store)
    assert thread.messages == () and thread.turns[0].hints == ("Switch it on.",) and thread.row.title == ""


def test_a_picture_that_is_sent_again_is_the_same(store: ThreadStore) -> None:
    picture: Part = Blob("image/png", "iVBORw0KGgo" * 20000)
    asked = [Message(Role.USER, (picture, Text("what is it")))]
    put(store, [told(0, asked, "a cat"), told(9, [*asked, assistant("a cat"), user("sure?")], "yes")])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, 0]
    assert thread.messages[0].parts == (picture, Text("what is it"))


def agents_session() -> list[Told]:
    """A tool loop, an edit, a retry after a failure, a title beside it."""
    one = [user("Fix the flaky payment test")]
    two = [*one, calls("read_file", '{"path":"a"}'), result("code")]
    three = [*two, assistant("Found it."), user("Then fix it")]
    edited = [*two, assistant("Found it."), user("Then only explain")]
    return [
        told(0, one, [ToolCall("call_1", "read_file", '{"path": "a"}')]),
        told(1, [user("Fix the flaky payment test")], "Flaky test", system=TITLE),
        told(2, two, "Found it."),
        failed(10, three),
        told(14, three, "Fixed."),
        told(30, edited, "It races."),
        told(40, [*edited, assistant("It races."), user("why")], "Because."),
    ]


@pytest.mark.parametrize("seed", range(12))
def test_the_order_of_arrival_makes_no_difference(tmp_path: Path, seed: int) -> None:
    in_order = agents_session()
    shuffled = random.Random(seed).sample(in_order, len(in_order))
    found = []
    for name, tellings in (("in order", in_order), ("shuffled", shuffled)):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as store:
            for each in tellings:
                put(store, [each])
            found.append(shape(store))
    assert found[0] == found[1]
    assert [len(thread[3]) for thread in found[0]] == [6, 1]


def test_every_order_of_a_short_conversation_is_the_same(tmp_path: Path) -> None:
    made = session("hello", "hi", "and", "so", "then", "fine", "well", "bye")
    found = []
    for number, order in enumerate(itertools.permutations(made)):
        (folder := tmp_path / str(number)).mkdir()
        with opened(folder) as store:
            put(store, order)
            found.append(shape(store))
    assert all(each == found[0] for each in found)
    assert len(found[0]) == 1


def test_twenty_identical_prompts_stay_twenty_conversations(store: ThreadStore) -> None:
    put(store, [told(0.01 * number, [user("same")], f"answer {number}") for number in range(20)])
    assert len(by_turns(store)) == 20


def test_a_conversation_is_named_once_for_its_first_turn(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[tuple[str, ...]] = []
    name = Hasher.name
    monkeypatch.setattr(Hasher, "name", lambda self, *texts: named.append(texts) or name(self, *texts))
    put(store, [told(0, [user("one")], "first"), told(50, [user("two")], "second")])
    assert len(named) == len(set(named)) == 2
    assert len(all_threads(store)) == 2


def test_a_turn_that_names_its_answer_stays_with_it_when_another_gives_the_same_words_late(
    store: ThreadStore,
) -> None:
    asked = user("Tell me of the one thing that stands in both.")
    goes_on = [asked, assistant("The same words."), user("And then?")]
    put(store, [told(0, [asked], "The same words.", conversation="c", response_id="r1")])
    put(store, [told(60, goes_on, "No.", conversation="c", previous_response_id="r1")])
    put(store, [told(30, [asked], "The same words.", conversation="c", response_id="r2")])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns][2] == 0


def test_an_answer_without_words_to_a_begun_answer_is_continued_by_nobody(store: ThreadStore) -> None:
    """The history that was sent says all that such an answer and what was asked say together."""
    begun = dialogue("Hello?", "So")
    put(store, [told(0, begun, ""), told(60, [*begun, user("Go on.")], "Yes.")])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, None]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_names_an_answer_goes_on_from_it_and_not_from_who_was_there_before(
    store: ThreadStore, order: Sequence[int]
) -> None:
    tellings = [
        told(0, [user("one")], "first", conversation="c", response_id="r1"),
        told(30, [user("two")], "second", conversation="c", response_id="r2"),
        told(60, [user("three")], "third", conversation="c", previous_response_id="r1"),
    ]
    for each in order:
        put(store, [tellings[each]])
    (thread,) = all_threads(store)
    assert thread.turns[2].parent == 0


@pytest.mark.parametrize("first", [0, 1])
def test_what_names_an_answer_goes_on_from_it_whatever_the_clocks_of_both_say(store: ThreadStore, first: int) -> None:
    tellings = [
        told(9, [user("one")], "first", response_id="r1"),
        told(5, [user("two")], "second", previous_response_id="r1"),
    ]
    put(store, [tellings[first]])
    put(store, [tellings[1 - first]])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [1, None]


@pytest.mark.parametrize("ids", [("r", "r", "r"), ("r2", "r3", "r1")], ids=["all the same", "in a circle"])
@pytest.mark.parametrize("order", [*itertools.permutations(range(3)), (0, 1, 2, 0), (0, 1, 2, 1), (1, 0, 0, 2)])
def test_of_calls_that_name_each_other_s_answers_one_is_the_first(
    store: ThreadStore, ids: Sequence[str], order: Sequence[int]
) -> None:
    """A conversation whose turns all go on from another one was shown without any."""
    names = [*ids[-1:], *ids[:-1]]
    tellings = [
        told(at * 10, [user(f"{at}")], "yes", response_id=own, previous_response_id=before)
        for at, (own, before) in enumerate(zip(ids, names, strict=True))
    ]
    for each in order:
        put(store, [tellings[each]])
    (thread,) = all_threads(store)
    before = {turn.n: turn.parent for turn in thread.turns}
    for number in before:
        way = [number]
        while (parent := before[way[-1]]) is not None and parent not in way:
            way.append(parent)
        assert parent is None, way


def test_a_turn_that_goes_to_another_conversation_is_told_so_and_counted_there(tmp_path: Path) -> None:
    told_of: dict[str, str] = {}
    with opened(tmp_path, on_joined=told_of.__setitem__) as store:
        put(store, [told(0, [user("one")], "yes"), told(20, dialogue("one", "yes", "more"), "so")])
        put(store, [told(5, [user("other")], "b", conversation="c")])
        recognised = told_of["req_0"]
        assert told_of == {"req_0": recognised, "req_20": recognised}
        told_of.clear()
        put(store, [told(10, [user("one")], "yes", conversation="c")])
        assert told_of == {"req_20": "c"}
        found = {thread.row.id: thread.row for thread in all_threads(store)}
        assert {name: (row.requests, row.cost_nano) for name, row in found.items()} == {
            recognised: (1, 1000),
            "c": (3, 3000),
        }


def below(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def contents(store: ThreadStore) -> int:
    return int(store.look(lambda connection: connection.execute("SELECT COUNT(*) FROM contents").fetchone()[0]))


def test_what_a_call_said_before_it_was_told_again_is_not_kept(tmp_path: Path) -> None:
    one, other = told(0, [user("one")], "yes"), told(0, [user("other")], "no")
    with opened(below(tmp_path, "again")) as again, opened(below(tmp_path, "once")) as once:
        put(again, [one])
        put(again, [other])
        put(once, [other])
        assert shape(again)[0][3:] == shape(once)[0][3:] and contents(again) == contents(once)


def test_what_went_with_a_telling_and_comes_with_the_next_call_is_there(store: ThreadStore) -> None:
    put(store, [told(0, [user("one")], "yes"), told(0, [user("other")], "no"), told(5, [user("one")], "so")])
    assert sorted(line for thread in all_threads(store) for line in lines(thread)) == [
        "0 assistant no",
        "0 assistant so",
        "0 user one",
        "0 user other",
    ]


def test_a_history_with_another_id_is_not_kept_beside_what_was_said(tmp_path: Path) -> None:
    asked = [user("weather?")]
    before = told(0, asked, [ToolCall("call_1", "weather", "{}")])
    after = told(9, [*asked, calls("weather", "{}", "call_2"), result("sunny", "call_2")], "Sunny.")
    with opened(below(tmp_path, "late")) as late, opened(below(tmp_path, "first")) as first:
        put(late, [after])
        put(late, [before])
        put(first, [before])
        put(first, [after])
        assert shape(late) == shape(first) and contents(late) == contents(first)


def test_a_summary_is_shown_also_where_what_it_goes_on_from_is_told_late(tmp_path: Path) -> None:
    before = session("one", "1", "two", "2", every_s=10)[-1]
    after = told(40, [user("Summary: one and two"), *dialogue("two", "2"), user("three")], "3")
    with opened(tmp_path) as store:
        put(store, [after])
        put(store, [before])
        (thread,) = all_threads(store)
        assert lines(thread)[-3:] == ["1 user Summary: one and two", "1 user three", "1 assistant 3"]
        assert [turn.parent for turn in thread.turns] == [None, 0]


@pytest.mark.parametrize("sent_back", [(Text("Here: a cat."),), (Text("Here:"), PICTURE, Text(" a cat."))])
def test_an_answer_with_a_picture_goes_on_where_the_client_has_no_place_for_it(
    store: ThreadStore, sent_back: tuple[Part, ...]
) -> None:
    """Chat has none in its history: what a model had drawn began a conversation with each turn."""
    drawn = told(0, [user("Draw.")], [Text("Here:"), PICTURE, Text(" a cat.")])
    again = told(5, [user("Draw."), Message(Role.ASSISTANT, sent_back), user("Bluer.")], [Text("So?"), PICTURE])
    put(store, [drawn, again])
    (thread,) = all_threads(store)
    assert [turn.parent for turn in thread.turns] == [None, 0]
