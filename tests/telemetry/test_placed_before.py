"""A session or trace that is looked at again: only what has changed is placed, and the result is that of placing all."""

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gateway.store.cache_blocks import Blocks
from gateway.store.chain import Hasher
from gateway.store.content import encode
from gateway.store.joined_turns import Own
from gateway.store.placed_before import PlacedBefore, prints_of
from gateway.store.placing import Placer
from gateway.store.removal import forget_turns
from gateway.telemetry.joiner import Joiner
from gateway.telemetry.one_join import Kind
from gateway.telemetry.records import LogRecord
from gateway.told import Told
from tests.store.tellings import KEY as SEAL_KEY
from tests.store.tellings import START_US, all_threads, assistant, dialogue, shape, user
from tests.store.tellings import told as call_of
from tests.telemetry.sessions import T0_NS, claude
from tests.telemetry.test_joiner import Arrival, Joined, exchange, joining, span

OFFSET_MS = (T0_NS - START_US * 1000) // 1_000_000


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Identities of calls that were placed."""
    found, place = list[str](), Placer._place

    def noted(placer: Placer, told: Told, earlier: Any) -> None:
        found.append(told.identity or told.request_id or "")
        place(placer, told, earlier)

    monkeypatch.setattr(Placer, "_place", noted)
    return found


def turn(number: int) -> list[LogRecord]:
    """What a tool logs of one call."""
    at, id = 60_000 * number, f"req_{number}"
    asked = [claude("user_prompt", at, prompt=f"Do step {number}.")] if number % 3 == 0 else []
    return [
        *asked,
        claude("api_request", at + 2000, model="claude-sonnet-4-6", request_id=id, input_tokens=9, duration_ms=1500),
        claude("assistant_response", at + 2001, request_id=id, response=f"Step {number} is done."),
        claude("tool_result", at + 3000, tool_name="Bash", tool_use_id=f"t{number}", success="true", duration_ms=50),
    ]


def arrive(joined: Joined, *records: LogRecord) -> None:
    for record in records[:-1]:
        joined.store.put_logs([record], scope="key_1", key="laptop")
    joined.arrive(records[-1])


def test_a_session_that_grows_is_placed_where_it_grows(tmp_path: Path, placed: list[str]) -> None:
    with joining(tmp_path / "one") as joined:
        # It looks once when it starts: at a session of which not all has arrived, it would place a call twice.
        assert joined.joiner.flush()
        for number in range(12):
            arrive(joined, *turn(number))
        assert len(placed) == len(set(placed)) == 12
        placed.clear()
        # What is told later of a call changes it, and what was said before those that follow.
        arrive(joined, claude("assistant_response", 60_000 * 8 + 2002, request_id="req_8", response="And checked."))
        assert len(placed) == 4
        arrive(joined, claude("user_prompt", 60_000 * 12, prompt="Thanks."))
        assert len(placed) == 4


def test_all_is_placed_anew_where_a_turn_was_taken_away(tmp_path: Path, placed: list[str]) -> None:
    with joining(tmp_path / "one") as joined:
        arrive(joined, *(record for number in range(4) for record in turn(number)))
        joined.store.change(lambda connection, _: forget_turns(connection, [2]))
        placed.clear()
        arrive(joined, *turn(4))
        assert len(placed) == 5
        assert sum(row[-4] != 0 for row in joined.result()) == 1


def test_all_is_placed_anew_where_an_exchange_turns_out_to_be_one_of_them(tmp_path: Path, placed: list[str]) -> None:
    with joining(tmp_path / "one") as joined:
        arrive(joined, *(record for number in range(4) for record in turn(number)))
        placed.clear()
        at = 60_000 + 600 + OFFSET_MS
        joined.arrive(exchange("1", at, at + 1000))
        assert len([each for each in placed if each != "req_1"]) == 3


def test_what_could_not_be_stored_is_placed_the_next_time(
    tmp_path: Path, placed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError

    with joining(tmp_path / "one") as joined:
        arrive(joined, *turn(0))
        before = joined.result()
        joined.store.put_logs(turn(1), scope="key_1", key="laptop")
        placed.clear()
        with monkeypatch.context() as failing:
            failing.setattr(Placer, "finish", fails)
            joined.joiner.note(("claude-code/s-1",), "key_1", "laptop", Kind.SESSION)
            assert joined.joiner.flush()
        assert len(placed) == 1 and joined.result() == before
        arrive(joined, *turn(2))
        assert len(placed) == 3


def test_a_call_goes_on_from_an_exchange_that_joins_its_conversation_later(tmp_path: Path) -> None:
    """Within a conversation one answer that is sent back is enough."""
    said = [{"role": "assistant", "content": "Of 0."}, {"role": "user", "content": "And?"}]
    named = {"gen_ai.conversation.id": "c"}
    goes_on = span("1", 2000, 2500, **named, **{"gen_ai.input.messages": json.dumps(said)})
    first = span("0", 900, 2100, **named, **{"gen_ai.response.id": "msg_0"})
    with joining(tmp_path / "one") as joined:
        joined.arrive(exchange("0", 1000, 1500))
        joined.arrive(goes_on)
        joined.arrive(structs.replace(first, trace_id=goes_on.trace_id))
        (thread,) = all_threads(joined.store)
        assert [(each.request_id, each.parent) for each in thread.turns] == [("req_0", None), (None, 0)]


def mixed(rng: random.Random) -> list[Arrival]:
    """Two sessions' worth of records, exchanges of some of the calls, and spans around them."""
    arrivals: list[Arrival] = [record for number in range(4) for record in turn(number)]
    for number in rng.sample(range(4), 2):
        at = 60_000 * number + 600 + OFFSET_MS
        arrivals.append(exchange(str(number), at, at + 1000, ask=f"{number}?"))
    at = OFFSET_MS + 60_000
    arrivals += [span(f"{n}", at + 700 * n, at + 700 * n + 500, ask=f"span {n}") for n in range(1, 3)]
    rng.shuffle(arrivals)
    return arrivals


@pytest.mark.parametrize("seed", range(4))
def test_the_result_is_that_of_placing_all_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    arrivals, seen = mixed(random.Random(seed)), []
    for way in ("changed", "all"):
        if way == "all":
            monkeypatch.setattr(PlacedBefore, "unchanged", lambda *_: 0)
        with joining(tmp_path / way) as joined:
            found = []
            for number, arrival in enumerate(arrivals):
                joined.arrive(arrival)
                if number % 4 == 0 or arrival is arrivals[-1]:
                    found.append((joined.result(), shape(joined.store)))
        seen.append(found)
    assert seen[0] == seen[1]


def own(*tellings: Told) -> list[Own]:
    return [Own(each) for each in tellings]


def test_a_print_is_of_all_that_is_told() -> None:
    asked = dialogue("a", "b", "c")
    told = [
        call_of(0, asked, "d", identity="one"),
        call_of(0, asked, "e", identity="one"),
        call_of(0, [*asked, user("d")], "d", identity="one"),
        call_of(0, [*asked[:2], user("C")], "d", identity="one"),
        call_of(0, asked, "d", identity="one", cost_nano=7),
        call_of(0, asked, "d", identity="one", hints=("hint",)),
    ]
    prints = prints_of("key_1", own(*told), ()).own
    assert len({name for name, _ in prints}) == 1 and len({each for _, each in prints}) == len(told)
    # Whatever came before it.
    assert [prints_of("key_1", own(each), ()).own[0] for each in told] == list(prints)
    assert prints_of("key_2", own(told[0]), ()).own[0][0] != prints[0][0]


def test_no_more_prints_are_kept_than_may_be(tmp_path: Path) -> None:
    memory = PlacedBefore(most_calls=10)
    for look in range(20):
        memory.note(
            look,
            prints_of("key_1", own(*(call_of(n, [user("?")], "!", identity=f"{look} {n}") for n in range(4))), ()),
        )
        assert len(memory._prints) <= 10


def test_messages_that_calls_have_in_common_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Hasher(SEAL_KEY)
    histories: list[Sequence[Any]] = [()]
    for number in range(60):
        histories.append((*histories[-1], user(f"{number}"), assistant("ok")))
    histories += [histories[30], (*histories[20], user("Elsewhere.")), histories[-1]]
    fresh = [Blocks(hasher).of((), (), history) for history in histories]
    hashed: list[bytes] = []
    exact = Hasher.exact
    monkeypatch.setattr(Hasher, "exact", lambda self, data: hashed.append(data) or exact(self, data))
    blocks = Blocks(hasher)
    assert [blocks.of((), (), history) for history in histories] == fresh
    said = [data for data in hashed if data != encode(())]
    assert len(said) < 2 * 60 + 2 * (60 - 30) + 60 + 2 * 60


def test_what_goes_on_from_an_exchange_now_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn of its own that turned out to be the exchange had others that go on from it."""
    moved: list[Placer] = []
    monkeypatch.setattr(Placer, "reparented", lambda placer: moved.append(placer))
    with joining(tmp_path / "one") as joined:
        arrive(joined, *turn(0), *turn(1))
        assert not moved
        joined.arrive(exchange("0", 600 + OFFSET_MS, 1600 + OFFSET_MS))
        assert len(moved) == 1


def test_who_waits_for_all_that_was_noted_waits_for_what_the_last_run_left(
    tmp_path: Path, placed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Joiner._begin

    def later(joiner: Joiner) -> None:
        time.sleep(0.1)
        begin(joiner)

    monkeypatch.setattr(Joiner, "_begin", later)
    with joining(tmp_path / "one") as joined:
        joined.store.put_logs(turn(0), scope="key_1", key="laptop")
        assert joined.joiner.flush()
        assert len(placed) == 1
