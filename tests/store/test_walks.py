"""Histories that are sent again are gone through where they are new, and their places are those of a whole walk."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.model import Message, Reasoning, Role, Text, ToolCall
from gateway.store.cache_blocks import HASH_BYTES, Blocks
from gateway.store.chain import Hasher, Running, Walk, unmarked
from gateway.store.walks import Walks
from tests.store.tellings import KEY, READ, assistant, calls, dialogue, opened, put, result, told, user

HASHER = Hasher(KEY)
MARKED = {"anthropic": {"cache_control": {"type": "ephemeral"}}}
# Some say nothing that counts, and some run on.
MESSAGES = (
    user("Where is it?"),
    user("Where is it? "),
    assistant("There.\n"),
    assistant(" And here."),
    assistant("  "),
    Message(Role.ASSISTANT, (Reasoning("Hm."),)),
    Message(Role.ASSISTANT, (Text("I look."), ToolCall("call_1", "read_file", '{"b": 1, "a": 2}'))),
    result("It is there."),
    Message(Role.SYSTEM, (Text("It is late."),)),
)


def hashes_of(messages: Sequence[Message]) -> bytes:
    return Blocks(HASHER).of((), (), messages)[2 + HASH_BYTES :]


def walked(walks: Walks, messages: Sequence[Message], scope: str = "key_1") -> Walk:
    return walks.walk(scope, messages, hashes_of(messages), (assistant("Done."), user("No.")))


def marked(message: Message) -> Message:
    """With a cache mark, which moves along a history."""
    return replace(message, extra=MARKED)


@pytest.fixture
def gone_through(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Messages that were hashed for their places."""
    found, after = list[Message](), Running.after
    monkeypatch.setattr(Running, "after", lambda self, message: found.append(message) or after(self, message))
    return found


@pytest.mark.parametrize("most", [3, 40, 20_000])
def test_every_place_is_that_of_a_whole_walk(most: int) -> None:
    """Histories that go on, begin anew, go back and go on elsewhere, whatever is forgotten meanwhile."""
    rng, walks = random.Random(4), Walks(HASHER, most)
    histories: list[list[Message]] = [[]]
    for _ in range(400):
        history = list(rng.choice(histories))
        history = history[: rng.randint(0, len(history))] if rng.random() < 0.3 else history
        history += rng.choices(MESSAGES, k=rng.randint(0, 3))
        histories.append(history)
        sent = [marked(each) if rng.random() < 0.2 else each for each in history]
        scope = rng.choice(("key_1", "key_2"))
        assert walked(walks, sent, scope) == walked(Walks(HASHER), history, scope)
        assert walks._places == sum(len(gone.places) for gone in walks._gone.values()) <= most


def test_an_agents_turn_is_gone_through_where_it_is_new(tmp_path: Path, gone_through: list[Message]) -> None:
    history = [user("Read all files.")]
    with opened(tmp_path) as store:
        for turn in range(40):
            gone_through.clear()
            put(store, [told(turn, history, calls("read_file", f'{{"n": {turn}}}').parts, tools=(READ,))])
            # What was said last, what was read, and the answer.
            assert len(gone_through) == (3 if turn else 2)
            history = [*history, calls("read_file", f'{{"n": {turn}}}'), result(f"File {turn}")]


def test_what_is_asked_again_is_not_gone_through_again(tmp_path: Path, gone_through: list[Message]) -> None:
    asked = dialogue("a", "b", "c")
    with opened(tmp_path) as store:
        put(store, [told(1, asked, "d")])
        gone_through.clear()
        put(store, [told(2, asked, "e")])
    assert gone_through == [assistant("e")]


def test_histories_that_nobody_goes_on_with_are_forgotten() -> None:
    walks = Walks(HASHER, 100)
    for number in range(60):
        walked(walks, dialogue(f"a{number}", "b", "c"))
        walked(walks, dialogue(f"a{number}", "b", "c", "d", "e"))
    assert walks._places <= 100 and len(walks._gone) == 20


def test_no_more_text_is_held_than_a_few_spaces() -> None:
    walks = Walks(HASHER)
    endless = [user("Where?" + " " * 100_000)]
    assert walked(walks, [*endless, assistant("There.")]) == walked(walks, [*endless, assistant("There.")])
    assert len(walks._gone) == 1
    walked(walks, endless)
    assert len(walks._gone) == 1


def test_what_bears_no_cache_mark_is_not_made_anew() -> None:
    plain = result("It is there.")
    within = replace(plain.parts[0], content=(Text("It is there.", extra=MARKED),))
    assert unmarked(plain) is plain
    assert unmarked(replace(plain, parts=(within,))) == plain
