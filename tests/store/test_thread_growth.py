"""A long session sends all of its history with every turn: what is stored, and what a turn costs, stay flat."""

import argparse
import asyncio.base_events
import inspect
import time
from pathlib import Path

import pytest

from gateway.model import Blob, Message, Role, Text
from gateway.store.placing import Placer
from gateway.told import Told
from tests.store.tellings import READ, all_threads, assistant, opened, put, result, session, told, user

TURNS, CONTEXT = 100, 200_000
SOURCE = "".join(Path(module.__file__).read_text("utf-8") for module in (argparse, inspect, asyncio.base_events))


def read(place: int, size: int) -> str:
    """So much of a program's text, from another place each time."""
    start = place * 4999 % (len(SOURCE) - size)
    return f"File {place}\n{SOURCE[start : start + size]}"


def stored_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("traces.db*"))


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """CPU seconds that placing each call takes."""
    real, taken = Placer.place, list[float]()

    def place(placer: Placer, told: Told) -> None:
        begins = time.thread_time()
        real(placer, told)
        taken.append(time.thread_time() - begins)

    monkeypatch.setattr(Placer, "place", place)
    return taken


@pytest.mark.parametrize("full_at", [0, 40])
def test_a_hundred_turns_of_200_kb_are_stored_once_and_cost_the_same(
    tmp_path: Path, seconds: list[float], full_at: int
) -> None:
    """The context is full from the first turn, or grows and is then cut off at its beginning."""
    history: list[Message] = []
    unique: set[str] = set()
    size = CONTEXT // full_at if full_at else 2_000
    with opened(tmp_path) as store:
        for turn in range(TURNS):
            text = read(turn, CONTEXT if turn == 0 and not full_at else size)
            answer = f"Turn {turn} is done: {read(turn + 1000, 150)}"
            history = [*history, user(text)]
            if full_at and turn > full_at:
                history = history[2:]
            put(store, [told(30 * turn, history, answer, tools=(READ,))])
            history = [*history, assistant(answer)]
            unique |= {text, answer}
        (thread,) = all_threads(store)
    assert len(thread.turns) == TURNS and len(thread.messages) == 2 * TURNS
    shown = {part.text for message in thread.messages for part in message.parts if isinstance(part, Text)}
    assert shown == unique
    assert stored_bytes(tmp_path) < 1.5 * sum(map(len, unique))
    if full_at:
        # Else the history grows by two messages a turn to the end, and until it is cut it goes on from the turn before.
        # The quickest of ten, since a busy machine slows any of them; the benchmark holds their median to 1.2.
        first = seconds[full_at + 1 :][:10]
        assert sum(sorted(seconds[-10:])[:4]) <= 1.5 * sum(sorted(first)[:4])


def test_a_history_that_grows_by_little_takes_little(tmp_path: Path) -> None:
    """All that a turn takes beside its 2 kB (rows, indexes, seals) is less than half of them."""
    history: list[Message] = []
    with opened(tmp_path) as store:
        for turn in range(TURNS):
            answer = f"Turn {turn} is done: {read(turn + 1000, 150)}"
            history = [*history, user(read(turn, 2_000))]
            put(store, [told(30 * turn, history, answer, tools=(READ,), **_ids(turn))])
            history = [*history, assistant(answer)]
        (thread,) = all_threads(store)
        # Only the last turn keeps what a prompt cache compares.
        assert store.look(lambda connection: connection.execute("SELECT turn FROM blocks").fetchall()) == [(TURNS,)]
    said = [part.text for message in thread.messages for part in message.parts if isinstance(part, Text)]
    assert len(said) == 2 * TURNS
    assert stored_bytes(tmp_path) < 1.4 * sum(map(len, said))


def _ids(turn: int) -> dict[str, str]:
    """As long as those of an exchange."""
    return {
        "request_id": f"req_{turn:024x}",
        "response_id": f"chatcmpl-{turn:029x}",
        "trace_id": f"{turn * 7919:032x}",
        "span_id": f"{turn:016x}",
        "client": "OpenAI SDK (Python)",
        "door": "openai_responses",
    }


def test_a_picture_in_every_turn_is_stored_once(tmp_path: Path) -> None:
    picture = Blob("image/png", "iVBORw0KGgoAAAANSUhEUgAA" * 10_000)
    with opened(tmp_path) as store:
        history: list[Message] = []
        for turn in range(10):
            # In a message of its own text, so that only the picture is the same.
            history = [*history, Message(Role.USER, (Text(f"Turn {turn}"), picture))]
            put(store, [told(turn, history, f"answer {turn}")])
            history = [*history, assistant(f"answer {turn}")]
        (thread,) = all_threads(store)
    assert [message.parts[1] for message in thread.messages if not message.output] == [picture] * 10
    assert stored_bytes(tmp_path) < len(picture.data)


def test_a_large_result_of_a_tool_is_read_again_whole(tmp_path: Path) -> None:
    large = read(1, 150_000)
    with opened(tmp_path) as store:
        put(store, [told(0, [user("read"), result(large)], "done")])
        (thread,) = all_threads(store)
    assert thread.messages[1].parts == result(large).parts


def test_many_conversations_take_the_room_of_what_they_say(tmp_path: Path) -> None:
    """The same instructions and tools in each cost nothing."""
    system = read(3, 20_000)
    with opened(tmp_path) as store:
        for number in range(30):
            put(store, [told(number, [user(f"question {number}")], "answer", system=system, tools=(READ,))])
        assert len(all_threads(store)) == 30
    assert stored_bytes(tmp_path) < 6 * len(system)


def test_a_prompt_that_is_sent_all_day_costs_the_same_each_time(tmp_path: Path) -> None:
    """Counted in SQLite's steps: what was said alike before is not all looked at again."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with opened(tmp_path) as store:
        store.change(lambda connection, _: connection.set_progress_handler(step, 10))
        taken = []
        for n in range(900):
            before = steps
            put(store, [told(n, [user("Is it still up?")], "Yes.")])
            taken.append(steps - before)
    assert sum(taken[800:]) < 2 * sum(taken[100:200])


def test_of_a_call_that_is_told_after_one_that_goes_on_from_it_no_blocks_are_kept(tmp_path: Path) -> None:
    before, after = session("one", "1", "two", "2")
    with opened(tmp_path) as store:
        put(store, [after])
        put(store, [before])
        (thread,) = all_threads(store)
        assert [turn.parent for turn in thread.turns] == [None, 0]
        assert store.look(lambda connection: connection.execute("SELECT turn FROM blocks").fetchall()) == [(1,)]
