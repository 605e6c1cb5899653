"""Whatever turns and messages are told, each is shown once on its way, and every turn can be reached."""

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.pages.conversations_parts.block import pieces_of, text_of
from app.pages.conversations_parts.blocks import told
from app.pages.conversations_parts.branches import steps, way_to
from app.pages.conversations_parts.copying import as_curl, as_json, as_markdown
from app.pages.conversations_parts.spans import rows_of
from gateway import Blob, Reasoning, Role, Text, Thread, ThreadMessage, ThreadRow, ToolCall, ToolCallResponse, Turn

PARTS = st.one_of(
    st.builds(Text, st.text(max_size=30)),
    st.builds(Reasoning, st.text(max_size=30)),
    st.builds(ToolCall, st.sampled_from(("a", "b", "")), st.just("f"), st.sampled_from(("{}", '{"x": [1]}', "no"))),
    st.builds(ToolCallResponse, st.sampled_from(("a", "b", "")), st.tuples(st.builds(Text, st.text(max_size=9)))),
    st.builds(Blob, st.just("image/png"), st.just("aGk=")),
)


@st.composite
def threads(draw: st.DrawFn) -> Thread:
    count = draw(st.integers(0, 9))
    any_turn = st.one_of(st.none(), st.integers(0, max(0, count)))
    turns = tuple(
        Turn(
            n=n,
            parent=draw(any_turn),
            attempt_of=draw(st.one_of(st.none(), st.none(), any_turn)),
            branch=draw(st.sampled_from((None, None, "edited", "retry", "sub_agent", "parallel", "side"))),
            started_us=draw(st.integers(0, 10**9)),
            latency_us=draw(st.one_of(st.none(), st.integers(0, 10**7))),
            outcome=draw(st.sampled_from(("ok", "ok", "error", "aborted"))),
            running=draw(st.sampled_from((False, False, False, True))),
            model=draw(st.sampled_from((None, "m1", "m2"))),
            system=draw(st.sampled_from((None, 0, 7))),
        )
        for n in range(count)
    )
    messages = tuple(
        ThreadMessage(
            id=id,
            turn=draw(st.integers(0, count - 1)),
            role=draw(st.sampled_from(Role)),
            parts=tuple(draw(st.lists(PARTS, max_size=4))),
            output=draw(st.booleans()),
            repeated=draw(st.sampled_from((False, False, True))),
        )
        for id in range(draw(st.integers(0, 12)) if count else 0)
    )
    row = ThreadRow(id="c", title="t", started_us=0, ended_us=1, requests=count)
    return Thread(row=row, turns=turns, messages=messages, systems=((Text("Be brief."),),))


QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(threads())
def test_every_turn_is_on_a_way(thread: Thread) -> None:
    for turn in thread.turns:
        way = steps(thread.turns, way_to(thread.turns, turn.n))
        shown = Counter(each.n for step in way for each in (*step.attempts, step.turn))
        assert max(shown.values(), default=1) == 1, "no turn twice"
    # Turns whose parents go round in circles hang on nothing; all others are reached.
    for turn in thread.turns:
        if turn.attempt_of is None and _has_root(thread.turns, turn):
            way = steps(thread.turns, way_to(thread.turns, turn.n))
            assert turn.n in {step.turn.n for step in way}


def _has_root(turns: tuple[Turn, ...], turn: Turn) -> bool:
    """Whether its line of parents ends, and no retry lies in it."""
    by_number, seen = {each.n: each for each in turns}, set()
    while turn.parent is not None and turn.parent in by_number and turn.parent != turn.n:
        if turn.n in seen or turn.attempt_of is not None:
            return False
        seen.add(turn.n)
        turn = by_number[turn.parent]
    return turn.attempt_of is None


@QUICK
@given(threads(), st.dictionaries(st.integers(-1, 9), st.integers(0, 9), max_size=4))
def test_every_part_of_the_shown_turns_is_shown_once(thread: Thread, chosen: dict[int, int]) -> None:
    asides = frozenset(turn.n for turn in thread.turns)
    made = told(thread, chosen, asides)
    keys = [block.key for block in made.blocks]
    assert len(set(keys)) == len(keys)
    parts = Counter(id(part) for block in made.blocks if block.message is not None for part in block.parts)
    assert max(parts.values(), default=1) == 1
    expected = set()
    for step in made.steps:
        failed = {turn.n for turn in step.attempts}
        for message in thread.messages:
            if message.turn == step.turn.n or (message.turn in failed and not message.output):
                expected |= {id(part) for part in message.parts}
    assert set(parts) == expected


@QUICK
@given(threads())
def test_whatever_is_told_can_be_drawn_and_copied(thread: Thread) -> None:
    made = told(thread, {})
    assert len(made.extents) == len(made.blocks)
    for block in made.blocks:
        text_of(block)
        for shown in ("folded", "open", "whole"):
            pieces_of(block, shown)
    rows = rows_of(thread, made.steps)
    assert len({row.key for row in rows}) == len(rows)
    as_json(thread)
    as_markdown(thread, made.blocks)
    for turn in thread.turns:
        as_curl(thread, turn.n, "http://127.0.0.1:4210")
