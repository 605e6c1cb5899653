"""Why the prompt cache missed at a turn: what differs first from the turn before, and what that costs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.model import Message, Role, Text, Tool, Usage
from gateway.operations.thread_queries import ThreadQueries
from gateway.store.thread_store import ThreadStore
from gateway.thread_records import CacheMiss
from gateway.told import Told
from tests.store.tellings import READ, SECOND_US, START_US, all_threads, assistant, dialogue, opened, put, told, user

WRITE = Tool(name="write_file", description="Writes.", parameters={"type": "object"})
LEFT, STILL = 1200, 100


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ThreadStore]:
    with opened(tmp_path) as store:
        yield store


def call(at_s: float, messages: Sequence[Message], answer: str, cached: int | None, **fields: Any) -> Told:
    usage = Usage(input_tokens=2000, cached_tokens=cached, cache_write_tokens=0, output_tokens=10)
    return told(at_s, messages, answer, **({"usage": usage, "tools": (READ, WRITE)} | fields))


def second(store: ThreadStore, at_s: float = 60, cached: int | None = STILL, **fields: Any) -> CacheMiss | None:
    """What is said of a second turn, after a first that left 1,200 tokens in the cache."""
    first = Usage(input_tokens=1300, cached_tokens=200, cache_write_tokens=LEFT - 200, output_tokens=10)
    put(store, [call(0, [user("one")], "1", None, usage=first)])
    put(store, [call(at_s, fields.pop("messages", dialogue("one", "1", "two")), "2", cached, **fields)])
    (thread,) = all_threads(store)
    assert thread.turns[0].cache_miss is None and thread.turns[1].parent == 0
    return thread.turns[1].cache_miss


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "tools_moved": ({"tools": (WRITE, READ)}, "tools_moved", "order"),
    "tools_changed": ({"tools": (READ,)}, "tools_changed", "tool"),
    "system": ({"system": "You are careful. It is Tuesday."}, "system_changed", "system"),
    "model": ({"model": "claude-haiku-4-5"}, "model_changed", "claude-haiku-4-5"),
    "expired": ({"at_s": 600}, "expired", "9 minutes"),
    "unknown": ({}, "unknown", "nothing"),
    "another name": (
        {"messages": [Message(Role.USER, (Text("one"),), name="ana"), assistant("1"), user("two")]},
        "changed",
        "message 1 ",
    ),
}


@pytest.mark.parametrize(("fields", "reason", "where"), CASES.values(), ids=CASES)
def test_the_first_that_differs_is_the_reason(
    store: ThreadStore, fields: dict[str, Any], reason: str, where: str
) -> None:
    missed = second(store, **fields)
    assert missed is not None and (missed.reason, missed.lost_tokens) == (reason, LEFT - STILL)
    assert where in missed.where


def test_the_first_message_that_differs_is_named(store: ThreadStore) -> None:
    first = Usage(input_tokens=1300, cached_tokens=200, cache_write_tokens=LEFT - 200, output_tokens=10)
    put(store, [call(0, dialogue("one", "1", "two", "2", "three"), "3", None, usage=first)])
    named = Message(Role.USER, (Text("two"),), name="ana")
    history = [user("one"), assistant("1"), named, assistant("2"), user("three"), assistant("3"), user("four")]
    put(store, [call(60, history, "4", STILL)])
    (thread,) = all_threads(store)
    missed = thread.turns[1].cache_miss
    assert missed is not None and missed.where == "message 3 of the history"


@pytest.mark.parametrize("cached", [LEFT, LEFT - 100, LEFT + 500])
def test_what_was_read_from_the_cache_is_no_miss(store: ThreadStore, cached: int) -> None:
    assert second(store, cached=cached, tools=(READ,)) is None


def test_cache_marks_that_move_along_change_nothing(store: ThreadStore) -> None:
    mark = {"anthropic": {"cache_control": {"type": "ephemeral"}}}
    marked = [user("one"), assistant("1"), Message(Role.USER, (Text("two", mark),))]
    missed = second(store, messages=marked)
    assert missed is not None and missed.reason == "unknown"


def test_an_hour_is_kept_where_it_was_written_for_one(store: ThreadStore) -> None:
    first = Usage(input_tokens=1300, cache_write_tokens=LEFT, cache_write_1h_tokens=LEFT, output_tokens=10)
    put(store, [call(0, [user("one")], "1", None, usage=first)])
    put(store, [call(1800, dialogue("one", "1", "two"), "2", STILL)])
    put(store, [call(1800 + 3700, dialogue("one", "1", "two", "2", "three"), "3", 0)])
    (thread,) = all_threads(store)
    reasons = [turn.cache_miss.reason if turn.cache_miss else None for turn in thread.turns]
    assert reasons == [None, "unknown", None]


def test_what_it_cost_is_asked_of_the_prices(store: ThreadStore) -> None:
    second(store, tools=(READ,))
    asked: list[tuple[str, str, int, int]] = []

    def unit(provider: str, model: str, tokens: int, at_us: int) -> int:
        asked.append((provider, model, tokens, at_us))
        return tokens * 2700

    row = all_threads(store)[0].row
    thread = store.thread(row.id, unit=unit)
    assert thread is not None and thread.turns[1].cache_miss is not None
    assert thread.turns[1].cache_miss.cost_nano == 1100 * 2700
    assert asked == [("anthropic", "claude-sonnet-4-6", 1100, START_US + 60 * SECOND_US)]


@pytest.mark.parametrize(("cached_nano", "cost"), [(300, 2_700_000), (3_500, 0), (None, None)])
def test_a_miss_costs_what_fresh_tokens_cost_more_than_cached_ones(cached_nano: int | None, cost: int | None) -> None:
    def price(_provider: str, _model: str, usage: Usage, _at_us: int) -> SimpleNamespace:
        each = cached_nano if usage.cached_tokens else 3_000
        return SimpleNamespace(cost_nano=None if each is None else each * (usage.input_tokens or 0))

    parts: Any = SimpleNamespace(workers=SimpleNamespace(run=None), price=price)
    queries: Any = ThreadQueries(parts, lambda _requests: None)  # type: ignore[arg-type, return-value]
    assert queries._cost_of_miss("anthropic", "claude-sonnet-4-6", 1_000, START_US) == cost


def test_a_call_that_failed_read_nothing_and_missed_nothing(store: ThreadStore) -> None:
    assert second(store, outcome="error", status=529) is None
