"""Calls that come after those that go on from them: they are looked for where there are any, and not in vain."""

import random
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model import Message
from gateway.store import links
from gateway.store.links import Continued
from gateway.told import Told
from tests.store.tellings import assistant, by_turns, dialogue, opened, put, session, shape, told, user


def tangled(rng: random.Random) -> list[Told]:
    """Histories that branch, are cut off, are told again otherwise and answered twice with the same words."""
    histories: list[list[Message]] = [[]]
    made: list[Told] = []
    for at in range(14):
        history = list(rng.choice(histories[-4:]))
        if len(history) > 3 and rng.random() < 0.3:
            history = history[rng.choice((1, 2)) :]
        history.append(user(rng.choice(("one", "two", f"at {at}"))))
        answers = [rng.choice(("yes", "no", f"of {at}")) for _ in range(rng.choice((1, 1, 2)))]
        given = rng.choice((None, None, "c"))
        made.append(told(at * 10, history, answers[0], others=answers[1:], conversation=given))
        histories.append([*history, assistant(rng.choice(answers))])
    again = rng.choice(made)
    made.append(told(float(again.request_id.removeprefix("req_")), dialogue("one"), "other words"))  # type: ignore[union-attr]
    rng.shuffle(made)
    return made


def both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *parts: Sequence[Told]) -> list[Any]:
    """What is shown after these, with a restart after each part: as it is, and where others are always looked for."""
    found = []
    for way in ("known", "always"):
        (folder := tmp_path / way).mkdir()
        if way == "always":
            monkeypatch.setattr(Continued, "by_history", lambda *_: True)
        for some in parts:
            with opened(folder) as store:
                for each in some:
                    put(store, [each])
                result = shape(store)
        found.append(result)
    return found


@pytest.mark.parametrize("most", [2, links.MOST_ANSWERS])
@pytest.mark.parametrize("seed", range(3))
def test_the_result_is_that_of_looking_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, most: int
) -> None:
    made = tangled(random.Random(seed))
    monkeypatch.setattr(links, "MOST_ANSWERS", most)
    known, always = both_ways(tmp_path, monkeypatch, made[:6], made[6:])
    assert known == always


@pytest.mark.parametrize("told_again", [False, True])
def test_what_goes_on_from_an_answer_goes_on_from_the_last_that_gave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told_again: bool
) -> None:
    asked = [user("one")]
    answered = [told(0, asked, "yes"), told(20, dialogue("one", "yes", "more"), "so")]
    # The first says something else when it is told again, and what goes on from it goes on.
    answered += [told(0, asked, "no")] if told_again else []
    known, always = both_ways(tmp_path, monkeypatch, [*answered, told(10, asked, "no" if told_again else "yes")])
    assert known == always
    (turns,) = [turns for _, _, _, turns, _ in known if len(turns) > 1]
    assert turns[-1][:2] == ("req_20", len(turns) - 2)


@pytest.mark.parametrize(
    ("cut", "order"),
    [*((0, order) for order in permutations(range(4))), (2, (0, 1, 2, 3)), (2, (1, 0, 3, 2))],
)
def test_users_of_one_app_that_are_greeted_alike_go_on_from_their_own(
    tmp_path: Path, cut: int, order: Sequence[int]
) -> None:
    """In whatever order their calls arrive; also where the greeting is all that is sent of what was `cut` off."""
    before = {"ann": ("I am Ann", "Hello Ann"), "bob": ("I am Bob", "Hello Bob")} if cut else {}
    calls = []
    for at, (who, said) in enumerate([("ann", ()), ("bob", ()), ("ann", ("How?",)), ("bob", ("Why?",))]):
        history = dialogue(*before.get(who, ()), "Hi", *(("Hello", *said) if said else ()))
        calls.append(told(at * 10, history[cut:] if said else history, f"So, {who}" if said else "Hello", user=who))
    with opened(tmp_path) as store:
        for place in order:
            put(store, [calls[place]])
        assert sorted(by_turns(store)) == [["req_0", "req_20"], ["req_10", "req_30"]]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_answer_of_the_same_user_that_is_too_old_is_gone_on_from_in_no_order(
    tmp_path: Path, order: Sequence[int]
) -> None:
    hour_s = 3600
    greeted = dialogue("Hi")
    calls = [
        told(0, greeted, "Hello", user="ann"),
        told(20 * hour_s, greeted, "Hello", user="bob"),
        told(25 * hour_s, dialogue("Hi", "Hello", "How?"), "So, ann", user="ann"),
    ]
    with opened(tmp_path) as store:
        for place in order:
            put(store, [calls[place]])
        assert sorted(map(len, by_turns(store))) == [1, 2]
        assert ["req_0"] in by_turns(store)


def test_a_user_goes_on_in_their_own_where_hundreds_are_greeted_alike(tmp_path: Path) -> None:
    many = links.MOST_ALIKE + 1
    with opened(tmp_path) as store:
        for at in range(many):
            put(store, [told(at, dialogue("Hi"), "Hello", user=f"user {at}")])
        put(store, [told(many, dialogue("Hi", "Hello", "How?"), "So", user="user 0")])
        assert ["req_0", f"req_{many}"] in by_turns(store)


def test_nobody_is_looked_for_where_no_answer_was_said_again(tmp_path: Path) -> None:
    """Agents' calls end in another order than they began in; each goes on from its own."""
    asked: list[str] = []
    with opened(tmp_path) as store:
        put(store, [told(0, [user("before")], "1")])
        agents = [session(f"task {n}", "done", "more", "all done", every_s=10 + n) for n in range(4)]
        calls = [call for n, each in enumerate(agents) for call in _renamed(each, n)]
        firsts, seconds = calls[::2], calls[1::2]
        put(store, firsts)
        store.change(lambda connection, _: connection.set_trace_callback(asked.append))
        put(store, seconds[::-1])
        put(store, [told(5, [user("another")], "of it")])
        assert not [each for each in asked if "MAX(s.place)" in each or "AS w ON" in each]
        put(store, [told(8, dialogue("x", "y", "z"), "w"), told(7, [user("x")], "y")])
        assert [each for each in asked if "MAX(s.place)" in each]
        assert sorted(len(turns) for *_, turns, _ in shape(store)) == [1, 1, 2, 2, 2, 2, 2]


def _renamed(calls: list[Told], number: int) -> list[Told]:
    return [replace(call, request_id=f"req_{number}_{place}") for place, call in enumerate(calls)]


def test_few_answers_are_kept_in_mind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[Continued] = []
    init = Continued.__init__

    def made(self: Continued, connection: Any) -> None:
        known.append(self)
        init(self, connection)

    monkeypatch.setattr(Continued, "__init__", made)
    monkeypatch.setattr(links, "MOST_ANSWERS", 3)
    with opened(tmp_path) as store:
        for number in range(8):
            put(store, [told(number, dialogue("a", f"{number}", "b"), "c")])
        assert len(known[0]._answers) == 3
