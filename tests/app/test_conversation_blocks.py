"""A conversation as blocks: the shown way, tools beside their results, dividers, feet, and what was told elsewhere."""

import csv
import io
import json
import shlex

import msgspec
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics

from app.fonts import ui_font
from app.pages.conversations_parts import copying, turn_words
from app.pages.conversations_parts.block import FOLDED, OPEN, WHOLE, Block, can_fold, pieces_of, text_of
from app.pages.conversations_parts.blocks import Told, told
from app.pages.conversations_parts.branches import steps, way_to
from app.pages.conversations_parts.cost_card import CostCard
from app.pages.conversations_parts.costs import CostLine, CostSplit, Splitter, record_of
from app.pages.conversations_parts.spans import rows_of
from app.pages.requests_parts.said import MESSAGES, said_of
from app.parts.piece import Code, More, Plain, Prose, Tree
from app.theme import Theme
from gateway import (
    Blob,
    CacheMiss,
    CostExplanation,
    CostPart,
    Figures,
    File,
    Opaque,
    Reasoning,
    Role,
    Text,
    Thread,
    ThreadMessage,
    ThreadRow,
    Tool,
    ToolCall,
    ToolCallResponse,
    Turn,
    Uri,
)
from gateway.model import Usage
from gateway.prices.pricing import Pricing
from tests.app.fake_gateway import NOW_US
from tests.app.fake_threads import ANSWER, SYSTEM, S, full_thread, long_thread, turn

TITLES = {"anthropic": "Anthropic", "openai": "OpenAI"}


def telling(thread: Thread, chosen: dict[int, int] | None = None, asides: tuple[int, ...] = ()) -> Told:
    return told(thread, chosen or {}, frozenset(asides), provider_title=lambda name: TITLES.get(name, name))


def words(blocks: tuple[Block, ...]) -> list[tuple[str, str]]:
    return [(block.kind, block.title) for block in blocks]


def of_kind(blocks: tuple[Block, ...], kind: str) -> list[Block]:
    return [block for block in blocks if block.kind == kind]


def simple(*turns: Turn, messages: tuple[ThreadMessage, ...] = ()) -> Thread:
    row = ThreadRow(id="c", title="", started_us=0, ended_us=1, requests=len(turns))
    return Thread(row=row, turns=turns, messages=messages)


def at(n: int, parent: int | None = None, **fields: object) -> Turn:
    return turn(n, NOW_US + n * 10 * S, 1.0, parent=parent, **fields)


def numbers(*turns: Turn, chosen: dict[int, int] | None = None) -> list[int]:
    return [step.turn.n for step in steps(turns, chosen or {})]


# the way


def test_the_newest_branch_is_shown_and_another_can_be_chosen() -> None:
    turns = (at(0), at(1, 0), at(2, 1), at(3, 1, branch="edited"), at(4, 3))
    assert numbers(*turns) == [0, 1, 3, 4]
    assert numbers(*turns, chosen={1: 2}) == [0, 1, 2]
    (fork,) = [step for step in steps(turns, {}) if step.siblings]
    assert (fork.siblings, fork.fork) == ((2, 3), 1)
    assert numbers(*turns, chosen=way_to(turns, 2)) == [0, 1, 2]
    assert numbers(*turns, chosen=way_to(turns, 4)) == [0, 1, 3, 4]


def test_failed_attempts_stand_with_the_turn_that_repeated_them() -> None:
    failed = [at(n, 0, outcome="error", attempt_of=n + 1) for n in (1, 2)]
    turns = (at(0), *failed, at(3, 0), at(4, 3))
    made = steps(turns, {})
    assert [step.turn.n for step in made] == [0, 3, 4]
    assert [attempt.n for attempt in made[1].attempts] == [1, 2]
    assert made[1].siblings == (), "a retry is no other way"
    assert numbers(*turns, chosen=way_to(turns, 1)) == [0, 3, 4]


def test_what_failed_attempts_asked_is_said_once_and_what_they_began_to_answer_not_at_all() -> None:
    """Each attempt comes with the whole question: read, and asked again elsewhere, it was there as often."""
    failed = [at(n, 0, outcome="error", attempt_of=n + 1) for n in (1, 2)]
    spoken = [(0, Role.USER, "One?"), (0, Role.ASSISTANT, "One."), *((n, Role.USER, "Two?") for n in (1, 2, 3))]
    spoken[3:3] = [(1, Role.ASSISTANT, "Tw")]
    messages = tuple(
        ThreadMessage(id=id, turn=n, role=role, parts=(Text(text),), output=role is Role.ASSISTANT)
        for id, (n, role, text) in enumerate(spoken, start=1)
    )
    thread = simple(at(0), *failed, at(3, 0), messages=messages)
    assert [text_of(block) for block in telling(thread).blocks if block.message] == ["One?", "One.", "Two?"]
    once = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "One."}]
    for number in (1, 2, 3):
        body = copying.chat_body(thread, number)
        assert body["messages"] == [*once, {"role": "user", "content": "Two?"}], number
    said = said_of(thread, 3, "http://127.0.0.1")
    assert said.blocks[MESSAGES][0].title == "2 earlier messages"


def test_of_a_call_that_failed_again_nothing_is_said_that_is_not_so() -> None:
    """It was said to be answered, and a model with a price to have none."""
    nothing = {"cost_nano": None, "cost_source": "none", "usage_source": "none"}
    failed = at(0, outcome="error", attempt_of=1, **nothing)
    for outcome, words in (("error", "asked again 10.0 s later"), ("ok", "answered 10.0 s later")):
        made = telling(simple(failed, at(1, outcome=outcome, **nothing))).blocks
        (attempts,) = of_kind(made, "attempts")
        assert attempts.right == words
        assert "no price known" not in of_kind(made, "turn")[0].title
    uncounted = at(0, outcome="aborted", **nothing)
    assert "what it used is not known" in of_kind(telling(simple(uncounted)).blocks, "turn")[0].title
    counted = at(0, cost_nano=None, cost_source="none", usage_source="provider")
    assert "no price known" in of_kind(telling(simple(counted)).blocks, "turn")[0].title


def test_a_turn_that_continues_a_failed_one_continues_what_was_before_it() -> None:
    turns = (at(0), at(1, 0, outcome="error", attempt_of=2), at(2, 1))
    assert numbers(*turns) == [0, 2]


@pytest.mark.parametrize("branch", ["sub_agent", "parallel", "side"])
def test_what_ran_beside_is_no_other_way(branch: str) -> None:
    turns = (at(0), at(1, 0, branch=branch), at(2, 1), at(3, 0))
    made = steps(turns, {})
    assert [(step.turn.n, step.aside) for step in made] == [(0, None), (1, 1), (2, 1), (3, None)]
    assert all(not step.siblings for step in made)


def test_a_sub_agent_that_hangs_on_nothing_stands_where_it_began() -> None:
    turns = (at(0), at(1, 0), at(2, branch="sub_agent"), at(3, 2), at(4, 1), at(5, branch="side"))
    made = steps(turns, {})
    assert [(step.turn.n, step.aside) for step in made] == [(0, None), (1, None), (2, 2), (3, 2), (4, None), (5, 5)]


def test_turns_that_nothing_joins_follow_each_other() -> None:
    assert numbers(at(0), at(1), at(2)) == [0, 1, 2]
    edited = steps((at(0), at(1, branch="edited")), {})
    assert [step.turn.n for step in edited] == [1]
    assert edited[0].siblings == (0, 1)


def test_circles_in_what_was_told_end() -> None:
    turns = (at(0, 1, attempt_of=1), at(1, 0, attempt_of=0), at(2, 2), at(3, 99))
    assert 3 in numbers(*turns)
    way_to(turns, 0)
    way_to(turns, 2)


def test_two_thousand_turns_are_a_way() -> None:
    turns = tuple(at(n, n - 1 if n else None) for n in range(2_000))
    assert len(numbers(*turns)) == 2_000
    assert len(way_to(turns, 1_999)) == 2_000


# blocks


@pytest.fixture
def thread() -> Thread:
    return full_thread(NOW_US)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("<system-reminder>\nAvailable agents:\n- Explore\n</system-reminder>\n", "system-reminder"),
        ('\n<environment_context version="2"><cwd>/src</cwd></environment_context>', "environment_context"),
        ("<a-b>One.</a-b>\n<c-d>Two.</c-d>\n<a-b>Three.</a-b>", "a-b"),
        ("<a-b>The <a-b> tag is ours, and <a-b>so</a-b> is this.</a-b>", "a-b"),
        ("<a-b>One.</a-b> Why is it so? <a-b>Two.</a-b>", None),
        ("<a-b>It never ends.", None),
        ("<div>Why is this not centred?</div>", None),
        ("<system-reminder>It is Monday.</system-reminder> And now?", None),
        ("What does <system-reminder> mean?", None),
    ],
)
def test_what_a_tool_puts_around_its_users_words_stands_apart_and_folded(text: str, detail: str | None) -> None:
    parts = (Text(text), Text("Explain x.py"))
    asked = ThreadMessage(id=1, turn=0, role=Role.USER, parts=parts)
    said = [block for block in telling(simple(at(0), messages=(asked,))).blocks if block.message == 1]
    if detail is None:
        (whole,) = said
        assert (whole.kind, whole.parts) == ("user", parts)
        return
    context, question = said
    assert (context.kind, context.title, context.detail) == ("context", "Context", detail)
    assert context.right == f"≈{len(text) // 4} tokens" and text_of(context) == text
    assert (question.kind, text_of(question), question.key) == ("user", "Explain x.py", "m1.1")
    long = msgspec.structs.replace(context, parts=(Text(f"<a-b>{'word ' * 500}</a-b>"),))
    assert can_fold(long) and len(str(pieces_of(long, FOLDED))) < 600 < len(str(pieces_of(long, OPEN)))


@pytest.mark.parametrize("text", [SYSTEM, SYSTEM.replace("\n", " "), f"Review.\n{SYSTEM.partition(chr(10))[2] * 3}"])
def test_instructions_are_folded_to_two_lines_that_tell_that_they_go_on(theme: Theme, text: str) -> None:
    """At the width of a thread's card in a window of the design's size."""
    block = Block(key="s", kind="system", title="System prompt", parts=(Text(text),))
    (piece,) = pieces_of(block, FOLDED)
    assert isinstance(piece, Prose) and piece.text.endswith("…") and not text.startswith(piece.text)
    metrics = QFontMetrics(ui_font(13))
    place = metrics.boundingRect(QRect(0, 0, 434, 999), Qt.TextFlag.TextWordWrap, piece.text)
    assert round(place.height() / metrics.lineSpacing()) <= 2


def test_an_answer_in_an_element_is_an_answer() -> None:
    said = ThreadMessage(
        id=1, turn=0, role=Role.ASSISTANT, output=True, parts=(Text("<final-word>Yes</final-word>"),)
    )
    assert [block.kind for block in telling(simple(at(0), messages=(said,))).blocks if block.message] == ["assistant"]


def test_a_conversation_reads_from_top_to_bottom(thread: Thread) -> None:
    assert words(telling(thread).blocks) == [
        ("system", "System prompt"),
        ("tools", "Tools"),
        ("user", "User"),
        ("user", "User"),
        ("reasoning", "Reasoning"),
        ("assistant", "Assistant"),
        ("tool", "Tool call"),
        ("turn", telling(thread).blocks[7].title),
        ("reasoning", "Reasoning"),
        ("tool", "Tool call"),
        ("turn", telling(thread).blocks[10].title),
        ("attempts", "1 failed attempt"),
        ("assistant", "Assistant"),
        ("turn", telling(thread).blocks[13].title),
        ("divider", "24m 22s later · claude-sonnet-4.5 → gpt-5.1 at OpenAI"),
        ("divider", "Branch 2 of 2, edited"),
        ("user", "User"),
        ("tool", "Tool call"),
        ("turn", telling(thread).blocks[18].title),
        ("aside", "Sub-agent"),
        ("divider", "The app shortened its history"),
        ("assistant", "Assistant"),
        ("turn", telling(thread).blocks[22].title),
    ]


def test_the_other_way_is_told_when_it_is_chosen(thread: Thread) -> None:
    blocks = telling(thread, {3: 4}).blocks
    texts = [text_of(block) for block in blocks]
    assert "Write it as a fixture instead." in texts
    assert "Ask a colleague for a review." not in texts
    (cut_off,) = [block for block in blocks if block.notes and "limit of tokens" in block.notes[0].text]
    assert text_of(cut_off) == "A fixture hides it."


def test_a_result_stands_beside_its_call(thread: Thread) -> None:
    read, run, agent = of_kind(telling(thread).blocks, "tool")
    assert (read.detail, read.right) == ("read_file", "≈800 ms · 1.7 kB")
    call, result = read.parts
    assert isinstance(call, ToolCall) and isinstance(result, ToolCallResponse)
    assert call.id == result.id == "call_1"
    assert run.right == "≈8.60 s · failed"
    assert "verdict" in text_of(agent)
    timed = told(thread, {}, tool_times={"call_1": 180_000})
    assert of_kind(timed.blocks, "tool")[0].right == "180 ms · 1.7 kB"


def test_a_tool_was_done_when_its_result_was_sent_first(thread: Thread) -> None:
    """Sent again after a failure, it was told to have run through the failed call and the wait as well, and beside it
    the timeline said what it took."""
    sent = next(message for message in thread.messages if message.turn == 2)
    again = msgspec.structs.replace(sent, id=1000, turn=3)
    repeated = msgspec.structs.replace(thread, messages=(*thread.messages, again))
    run = of_kind(telling(repeated).blocks, "tool")[1]
    assert run.right == "≈8.60 s · failed"
    row = next(row for row in rows_of(repeated, steps(repeated.turns, {}), ()) if row.label == "run_tests")
    assert row.end_us - row.start_us == 8_600_000


def test_ids_that_come_twice_pair_in_order_and_lonely_results_stand_alone() -> None:
    def message(id: int, n: int, role: Role, *parts: object, output: bool = False) -> ThreadMessage:
        return ThreadMessage(id=id, turn=n, role=role, parts=parts, output=output)  # type: ignore[arg-type]

    thread = simple(
        at(0),
        at(1, 0),
        messages=(
            message(1, 0, Role.ASSISTANT, ToolCall("x", "f", "1"), ToolCall("x", "f", "2"), output=True),
            message(2, 1, Role.TOOL, ToolCallResponse("x", (Text("one"),)), ToolCallResponse("x", (Text("two"),))),
            message(3, 1, Role.TOOL, ToolCallResponse("lost", (Text("whose?"),), name="g")),
            message(4, 1, Role.ASSISTANT, ToolCall("y", "h", ""), output=True),
        ),
    )
    tools = of_kind(telling(thread).blocks, "tool")
    assert [text_of(block) for block in tools[:3]] == ["1\none", "2\ntwo", "whose?"]
    assert (tools[2].title, tools[2].detail) == ("Tool result", "g")
    assert tools[3].notes[0].text == "No result was sent back"


def test_what_a_sub_agent_cost_is_marked_where_it_is_estimated(thread: Thread) -> None:
    turns = tuple(msgspec.structs.replace(turn, usage_source="partial", cost_source="list") for turn in thread.turns)
    (closed,) = of_kind(telling(msgspec.structs.replace(thread, turns=turns)).blocks, "aside")
    assert closed.right == "claude-sonnet-4.5 · 1 call · ≈$0.036"


def test_several_models_are_the_first_and_a_number() -> None:
    named = [turn(n, NOW_US, 1.0, model=model) for n, model in enumerate(("a", "b", "a", "c"))]
    assert (turn_words.models(named[:1]), turn_words.models(named)) == ("a", "a +2")


def test_a_sub_agent_opens_in_place(thread: Thread) -> None:
    (closed,) = of_kind(telling(thread).blocks, "aside")
    assert (closed.detail, closed.right, closed.text) == (
        "reviewer",
        "claude-sonnet-4.5 · 1 call · $0.036",
        "You review changes. Review this one.",
    )
    opened = telling(thread, asides=(6,)).blocks
    inside = [block for block in opened if block.aside == 6]
    assert [block.kind for block in inside] == ["aside", "user", "assistant", "turn"]
    assert [text_of(block) for block in of_kind(opened, "system")] == [SYSTEM, "You review changes."]


def test_feet_say_what_a_turn_took_and_the_running_total(thread: Thread) -> None:
    first, second, third, *_ = of_kind(telling(thread).blocks, "turn")
    assert first.title == (
        "claude-sonnet-4.5 at Anthropic · 4,000 in (3,000 cached) · 420 out (412 reasoning) · $0.030 · "
        "6.20 s (TTFT 1.24 s) · $0.030 so far"
    )
    assert second.title.endswith("$0.061 so far")
    assert third.title.endswith("$0.094 so far")


def test_a_foot_tells_what_is_worth_knowing(thread: Thread) -> None:
    feet = of_kind(telling(thread).blocks, "turn")
    assert [note.text for note in feet[2].notes] == [
        "Prompt cache missed: the tools stood in another order. 5,200 tokens were paid for again, $0.014 more. "
        "First difference: tool 2, run_tests.",
        "Left out by the gateway: top_k",
        "Adapted by the gateway: system: moved to the front",
        "Input tokens: app says 7,000, gateway says 7,600",
    ]
    assert "inferred" in feet[3].notes[0].text
    assert "OTEL_CAPTURE_REASONING" in feet[-1].notes[0].text


def test_a_failed_turn_says_why_and_a_running_one_waits() -> None:
    failed = simple(at(0, outcome="error", status=500, error_type="provider_error", error_message="It broke."))
    (error,) = of_kind(telling(failed).blocks, "error")
    assert (error.detail, error.right, text_of(error)) == ("provider_error", "status 500", "It broke.")
    midway = simple(at(0, outcome="error", status=200, error_message="The provider rejected the API key."))
    assert of_kind(telling(midway).blocks, "error")[0].right == "", "it began well: 200 says nothing of the error"
    left = simple(at(0, outcome="aborted", status=499))
    assert "client left" in text_of(of_kind(telling(left).blocks, "error")[0])
    running = telling(simple(at(0, running=True, outcome="interrupted"))).blocks
    assert [block.kind for block in running] == ["waiting"]


def test_a_turn_of_which_nothing_was_kept_says_so() -> None:
    (foot,) = of_kind(telling(simple(at(0))).blocks, "turn")
    assert [note.text for note in foot.notes] == ["The messages here were not kept"]
    hinted = simple(at(0, hints=("Content is switched off: set capture.content = true.",)))
    assert [note.text for note in of_kind(telling(hinted).blocks, "turn")[0].notes] == [
        "Content is switched off: set capture.content = true."
    ]


def test_what_was_sent_again_is_folded(thread: Thread) -> None:
    again = msgspec.structs.replace(thread.messages[0], id=99, turn=1, repeated=True)
    blocks = telling(msgspec.structs.replace(thread, messages=(*thread.messages, again))).blocks
    (repeated,) = of_kind(blocks, "repeated")
    assert repeated.title == "User, sent again"


def test_several_answers_are_numbered() -> None:
    answers = tuple(
        ThreadMessage(id=n, turn=0, role=Role.ASSISTANT, parts=(Text(f"answer {n}"),), output=True, choice=n)
        for n in range(2)
    )
    titles = [block.title for block in of_kind(telling(simple(at(0), messages=answers)).blocks, "divider")]
    assert titles == ["Answer 1 of 2", "Answer 2 of 2"]


def test_keys_are_unique_and_stay_when_a_conversation_grows(thread: Thread) -> None:
    before = telling(msgspec.structs.replace(thread, turns=thread.turns[:4])).blocks
    after = telling(thread, {3: 4}).blocks
    keys = [block.key for block in after]
    assert len(set(keys)) == len(keys)
    assert [block.key for block in before] == keys[: len(before)]


# what is drawn of a block


def test_a_block_is_folded_to_its_room_and_opens_in_steps() -> None:
    text = "\n".join(f"line {n}" for n in range(60_000))
    block = Block(key="r", kind="reasoning", title="Reasoning", parts=(Reasoning(text),))
    assert can_fold(block)
    folded = pieces_of(block, FOLDED)
    assert isinstance(folded[0], Plain) and folded[0].text.count("\n") == 11
    assert folded[-1] == More("Show all 60,000 lines")
    opened = pieces_of(block, OPEN)
    shown = sum(len(piece.text) + 1 for piece in opened if isinstance(piece, Plain))
    assert 150_000 < shown <= 200_001
    assert isinstance(opened[-1], More) and "Load all" in opened[-1].text
    whole = pieces_of(block, WHOLE)
    assert "\n".join(piece.text for piece in whole if isinstance(piece, Plain)) == text


def test_a_system_prompt_is_folded_to_two_lines(thread: Thread) -> None:
    (system,) = of_kind(telling(thread).blocks, "system")
    assert pieces_of(system, FOLDED) == [Prose("\n".join(SYSTEM.split("\n")[:2]) + " …")]
    assert pieces_of(system, OPEN) == [Prose(SYSTEM)]


def test_other_instructions_and_tools_are_told_where_they_came() -> None:
    first, second = at(0, system=0, tools=0), at(1, 0, system=1, tools=1)
    tools = (Tool(name="read"), Tool(name="write"))
    thread = msgspec.structs.replace(
        simple(first, second, at(2, 1, system=1, tools=1)),
        systems=((Text("Be brief."),), (Text("Be kind."),)),
        toolsets=(tools[:1], tools),
    )
    told_of = [(block.turn, block.title, text_of(block)) for block in telling(thread).blocks if block.kind != "turn"]
    assert told_of == [
        (0, "System prompt", "Be brief."),
        (0, "Tools", "read"),
        (1, "System prompt changed", "Be kind."),
        (1, "Tools changed", "read\nwrite"),
    ]


def test_tools_are_names_and_then_definitions(thread: Thread) -> None:
    (tools,) = of_kind(telling(thread).blocks, "tools")
    assert tools.right == "3 tools"
    (names,) = pieces_of(tools, FOLDED)
    assert isinstance(names, Plain) and names.text == "read_file, run_tests, web_search"
    opened = pieces_of(tools, OPEN)
    assert isinstance(opened[2], Tree) and opened[2].value["required"] == ["path"]
    assert isinstance(opened[-1], Code) and "web_search_20250305" in opened[-1].text


def test_short_blocks_have_nothing_to_fold(thread: Thread) -> None:
    foldable = [block.kind for block in telling(thread).blocks if can_fold(block)]
    assert foldable == ["system", "tools", "tool", "aside"]


def test_thousands_of_messages_are_told_and_none_is_lost() -> None:
    thread = long_thread(NOW_US, messages=2_000, characters=400_000)
    blocks = telling(thread).blocks
    assert len(of_kind(blocks, "turn")) == 500
    assert len(of_kind(blocks, "user")) == 1_001
    assert len(of_kind(blocks, "assistant")) == 500


# words


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"usage_source": "estimated"}, "≈4,000 in (3,000 cached) · ≈420 out"),
        ({"usage_source": "partial"}, "4,000 in (3,000 cached) · ≈420 out"),
        ({"input_tokens": None, "output_tokens": None}, "tokens not counted"),
        ({"output_tokens": None, "cached_tokens": 0}, "4,000 in"),
    ],
)
def test_counts_bear_their_mark(fields: dict[str, object], said: str) -> None:
    assert turn_words.tokens(at(0, **fields)) == said


def test_a_total_says_what_it_leaves_out() -> None:
    total = turn_words.RunningTotal()
    assert total.words == ""
    total.add(at(0, cost_nano=500_000_000))
    total.add(at(1, cost_nano=None))
    total.add(at(2, cost_nano=None, outcome="error", usage_source="none"))
    total.add(at(3, cost_nano=500_000_000, usage_source="estimated"))
    assert total.words == "≈$1.00 so far, 1 unpriced"


@pytest.mark.parametrize("reason", sorted(turn_words.MISS_WORDS))
def test_every_cause_of_a_miss_has_words(reason: str) -> None:
    miss = CacheMiss(reason=reason, where="", lost_tokens=1_000)
    assert turn_words.cache_miss(miss) == (
        f"Prompt cache missed: {turn_words.MISS_WORDS[reason]}. 1,000 tokens were paid for again."
    )


def test_figures_that_agree_are_not_told() -> None:
    same = Figures(source="span", model="claude-sonnet-4.5", input_tokens=4_000, output_tokens=420)
    assert turn_words.differing(at(0, other_figures=(same,))) == []
    other = Figures(source="log", model="claude-x", cost_nano=31_000_000, latency_us=2 * S)
    assert turn_words.differing(at(0, other_figures=(other,))) == [
        "model: app's log says claude-x, gateway says claude-sonnet-4.5",
        "cost: app's log says $0.031, gateway says $0.030",
        "time: app's log says 2.00 s, gateway says 1.00 s",
    ]


# costs


def explained(each: Turn) -> CostExplanation:
    fresh = (each.input_tokens or 0) - (each.cached_tokens or 0)
    units = (
        ("input", fresh, "3"),
        ("cached", each.cached_tokens or 0, "0.3"),
        ("output", each.output_tokens or 0, "15"),
    )
    parts = tuple(
        CostPart(
            unit=unit, count=count, price_usd=price, per=10**6, amount_nano=str(round(count * float(price) * 1000))
        )
        for unit, count, price in units
    )
    return CostExplanation(cost_nano=each.cost_nano, source="list", parts=parts)


def test_a_cost_is_split_and_adds_up() -> None:
    splitter = Splitter()
    for n in range(3):
        each = at(
            n,
            input_tokens=10_000,
            cached_tokens=8_000,
            output_tokens=1_000,
            reasoning_tokens=400,
            cost_nano=23_400_000,
        )
        splitter.add(each, explained(each))
    split = splitter.split()
    assert [(line.name, line.tokens, line.nano) for line in split.lines] == [
        ("Input", 6_000, 18_000_000),
        ("Cached input", 24_000, 7_200_000),
        ("Output", 1_800, 27_000_000),
        ("Reasoning", 1_200, 18_000_000),
    ]
    assert split.total_nano == sum(line.nano for line in split.lines) == 70_200_000
    assert split.saved_nano == 24_000 * 2_700
    assert not split.marked and not split.unpriced


def test_caching_saves_also_where_no_input_was_fresh() -> None:
    parts = (CostPart(unit="cached", count=1_000, price_usd="0.3", per=10**6, amount_nano="300000"),)
    explanation = CostExplanation(cost_nano=300_000, source="list", parts=parts)
    splitter = Splitter()
    splitter.add(at(0, cost_nano=300_000), explanation, 3_000_000_000)
    assert splitter.split().saved_nano == 2_700_000
    splitter.add(at(1, cost_nano=300_000), explanation)
    assert splitter.split().saved_nano == 2_700_000, "what is not known saves nothing"


def test_what_cannot_be_split_stands_whole_and_what_has_no_price_is_counted() -> None:
    splitter = Splitter()
    splitter.add(at(0, cost_nano=5_000), CostExplanation(cost_nano=5_000, source="provider"))
    splitter.add(at(1, cost_nano=None), CostExplanation(cost_nano=None, source="none"))
    splitter.add(
        at(2, cost_nano=None, outcome="error", usage_source="none"), CostExplanation(cost_nano=None, source="none")
    )
    split = splitter.split()
    assert [(line.name, line.nano) for line in split.lines] == [("Not split", 5_000)]
    assert (split.total_nano, split.unpriced) == (5_000, 1)
    assert Splitter().split().total_nano is None


def test_a_turn_is_priced_as_its_row() -> None:
    each = at(0, reasoning_tokens=7, cache_write_tokens=9)
    row = record_of(each)
    for name in ("provider", "model", "started_us", "input_tokens", "cached_tokens", "cost_nano", "cost_source"):
        assert getattr(row, name) == getattr(each, name)


@pytest.mark.parametrize(
    ("provider", "model", "price_provider"),
    [("anthropic", "claude-sonnet-4-6", "anthropic"), ("openai", "gpt-5.4", "openai")],
)
def test_the_real_lists_prices_split_a_turn(provider: str, model: str, price_provider: str) -> None:
    pricing = Pricing()
    counts = {"input_tokens": 12_000, "cached_tokens": 9_000, "output_tokens": 800, "cache_write_tokens": 2_000}
    priced = pricing.price(price_provider, model, Usage(**counts), NOW_US)
    each = at(0, provider=provider, model=model, cost_nano=priced.cost_nano, reasoning_tokens=None, **counts)
    splitter = Splitter()
    splitter.add(each, pricing.explain(price_provider, record_of(each)))
    split = splitter.split()
    assert {"Input", "Cached input", "Output"} <= {line.name for line in split.lines}
    assert split.saved_nano > 0
    assert abs(sum(line.nano for line in split.lines) - (split.total_nano or 0)) <= 2


# copies


def test_json_has_the_read_apis_shape(thread: Thread) -> None:
    made = json.loads(copying.as_json(thread))
    assert {"id", "system_instructions", "messages", "turns"} <= made.keys()
    assert made["system_instructions"][0] == {"type": "text", "content": SYSTEM}
    assert made["messages"][0] == {
        "role": "user",
        "parts": [{"type": "text", "content": thread.messages[0].parts[0].text}],  # type: ignore[union-attr]
        "turn": 0,
    }
    call = made["messages"][2]["parts"][2]
    assert (call["type"], call["id"], call["name"]) == ("tool_call", "call_1", "read_file")
    assert made["turns"][0]["cost_usd"] == "0.030000000"
    assert made["turns"][2]["cost_usd"] is None
    assert made["turns"][0]["started_at"].endswith("Z")
    first = msgspec.structs.replace(thread.turns[0], session_id="visit")
    row = msgspec.structs.replace(thread.row, sessions=("visit",))
    within = msgspec.structs.replace(thread, row=row, turns=(first, *thread.turns[1:]))
    made = json.loads(copying.as_json(within))
    assert made["sessions"] == ["visit"] and [turn["session_id"] for turn in made["turns"][:2]] == ["visit", None]


def test_csv_has_a_line_per_call_with_the_figures_of_json(thread: Thread) -> None:
    risky = msgspec.structs.replace(thread.turns[0], model="=cmd")
    thread = msgspec.structs.replace(thread, turns=(risky, *thread.turns[1:]))
    lines = list(csv.DictReader(io.StringIO(copying.as_csv(thread))))
    told = json.loads(copying.as_json(thread))["turns"]
    assert len(lines) == len(told) and list(lines[0]) == list(told[0])
    assert lines[0].pop("model") == "'=cmd" and told[0].pop("model") == "=cmd"
    assert lines == [{name: "" if value is None else str(value) for name, value in call.items()} for call in told]
    assert copying.as_csv(msgspec.structs.replace(thread, turns=())) == ""


def test_markdown_holds_what_is_shown(thread: Thread) -> None:
    made = copying.as_markdown(thread, telling(thread).blocks)
    assert made.startswith("# Fix flaky payment webhook test\n")
    assert "## Tool call `read_file`" in made
    assert "> The failure is intermittent" in made
    assert ANSWER in made
    assert "> claude-sonnet-4.5 at Anthropic" in made
    assert "fixture instead" not in made, "that is another way"


def test_markdown_names_what_is_no_text() -> None:
    picture, held = Blob("image/png", "aWJt"), File("file_1")
    address = Uri("https://a.example/p.png")
    asked = Block(key="u", kind="user", title="User", parts=(Text("And this?"), picture, held, address))
    assert copying.block_markdown(asked) == [
        "## User",
        "",
        "And this?\n[image/png · 3 B]\n[file_1]\n[https://a.example/p.png]",
    ]
    seen = ToolCallResponse("1", (Text("Taken."), picture, Opaque("otel", {"type": "new"})))
    ran = Block(key="t", kind="tool", title="Tool call", parts=(seen,))
    lines = copying.block_markdown(ran)[2:]
    assert lines == ["```", "Taken.", "```", "[image/png · 3 B]", "```json", '{"type": "new"}', "```"]
    assert text_of(ran) == "Taken.\n[image/png · 3 B]"


def test_code_that_holds_a_fence_is_fenced_by_more() -> None:
    block = Block(key="t", kind="tool", title="Tool call", parts=(ToolCallResponse("1", (Text("```\nx\n```"),)),))
    assert copying.block_markdown(block)[2:] == ["````", "```\nx\n```", "````"]


def test_curl_asks_what_the_turn_asked_with_the_key_masked(thread: Thread) -> None:
    made = copying.as_curl(thread, 3, "http://127.0.0.1:4210")
    words = shlex.split(made)
    assert words[:2] == ["curl", "http://127.0.0.1:4210/api/ai/v1/chat/completions"]
    assert "authorization: Bearer $FAREGATE_API_KEY" in words
    body = json.loads(words[words.index("-d") + 1])
    assert body["model"] == "claude-sonnet-4.5"
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
    ]
    assert body["messages"][0]["content"] == SYSTEM
    assert body["messages"][2]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert body["messages"][3]["tool_calls"][0]["function"]["name"] == "read_file"
    assert body["messages"][4]["tool_call_id"] == "call_1"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["read_file", "run_tests"]
    assert "wall clock" not in made, "the answer is no part of the question"


def test_a_quote_in_what_was_said_cannot_leave_the_command() -> None:
    said = ThreadMessage(id=1, turn=0, role=Role.USER, parts=(Text("it's '; rm -rf / #"),))
    words = shlex.split(copying.as_curl(simple(at(0, system=None, tools=None), messages=(said,)), 0, "http://h"))
    assert json.loads(words[words.index("-d") + 1])["messages"][0]["content"] == "it's '; rm -rf / #"


@pytest.mark.parametrize(
    ("source", "guessed"),
    [("provider", set()), ("partial", {"Output"}), ("estimated", {"Input", "Cached input", "Output", "Reasoning"})],
)
def test_the_lines_of_a_cost_are_marked_that_hold_estimates(theme: Theme, source: str, guessed: set[str]) -> None:
    counts = {"input_tokens": 10_000, "cached_tokens": 8_000, "output_tokens": 1_000, "reasoning_tokens": 400}
    splitter = Splitter()
    for n, usage_source in enumerate(("provider", source)):
        each = at(n, cost_nano=23_400_000, usage_source=usage_source, **counts)
        splitter.add(each, explained(each))
    card = CostCard(theme)
    card.show_split(splitter.split())
    assert {line.name for line in card.split.lines if card.amount(line).startswith("≈$")} == guessed
    assert card.total.startswith("≈") is bool(guessed)
    card.deleteLater()


@pytest.mark.parametrize(
    ("nanos", "words"),
    [
        # With the three decimals of their sum, 0.011, the first would be "<$0.001".
        ((276_000, 3_692_000, 7_272_000), ["$0.000276", "$0.003692", "$0.007272"]),
        ((8_637_000, 22_680_000, 5_175_000), ["$0.008637", "$0.022680", "$0.005175"]),  # in all $0.036
        ((8_000_000, 23_000_000, 5_000_000), ["$0.008", "$0.023", "$0.005"]),
        ((1_543, 150, 250), ["$0.000002", "<$0.000001", "<$0.000001"]),
        ((12_344_000_000, 12_344_000_000), ["$12.344", "$12.344"]),  # in all $24.69
        ((100_200_000, 2_500_000), ["$0.1002", "$0.0025"]),  # in all $0.103, and the second would read $0.002
    ],
)
def test_the_lines_of_a_cost_add_up_to_its_total_as_they_are_said(
    theme: Theme, nanos: tuple[int, ...], words: list[str]
) -> None:
    card = CostCard(theme)
    lines = tuple(CostLine(name=str(place), tone="0", tokens=1, nano=nano) for place, nano in enumerate(nanos))
    card.show_split(CostSplit(total_nano=sum(nanos), lines=lines))
    assert [card.amount(line) for line in lines] == words
    card.deleteLater()


def test_a_cost_that_is_not_known_is_spoken_too(theme: Theme) -> None:
    card = CostCard(theme)
    card.show_split(CostSplit())
    assert card.accessibleDescription() == card.total == "—"
    card.deleteLater()
