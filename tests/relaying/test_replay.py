"""What is kept of an answer's reasoning state, for whom, how long, and what becomes of it in the next request."""

import json
import sys
from threading import Thread
from typing import Any

import pytest

from gateway.dialects.envelope import ORIGIN, has_state
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start
from gateway.model import (
    Extra,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Request,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
)
from gateway.relaying.replay import ReplayMemory, StateWatch, thoughtless

GEMINI, CLAUDE, GPT, GROK = "google/gemini-3.1-pro-preview", "anthropic/claude-sonnet-4-6", "openai/gpt-6", "xai/grok"
SIGNED: Extra = {"gemini": {"thought_signature": "S1"}}
THOUGHT = Reasoning("hm", {"anthropic": {"signature": "SIG"}})
CALL = ToolCall("c1", "f", '{"a":1}')


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(*parts: Part) -> Request:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    results = tuple(ToolCallResponse(call.id, (Text("4"),)) for call in calls)
    turns = (Message(Role.USER, (Text("q"),)), Message(Role.ASSISTANT, parts), Message(Role.TOOL, results))
    return Request(model="m", messages=turns)


def answered(memory: ReplayMemory, origin: str, *parts: Part, key: str = "k") -> tuple[Part, ...]:
    return memory.restore(key, origin, ask(*parts)).messages[1].parts


def test_a_signature_that_the_client_dropped_is_restored_to_the_very_call() -> None:
    """langchain-ai/langchain#37347: clients that rebuild their messages drop `extra_content`."""
    memory = ReplayMemory()
    second = ToolCall("c2", "g", "{}")
    memory.remember("k", "req_1", GEMINI, (Text("Look."), ToolCall("c1", "f", "{}", extra=SIGNED), second))
    assert answered(memory, GEMINI, Text("Look."), CALL, second) == (
        Text("Look."), ToolCall("c1", "f", '{"a":1}', extra=SIGNED), second
    )  # fmt: skip


def test_what_the_client_brings_back_wins() -> None:
    memory = ReplayMemory()
    memory.remember("k", "req_1", GEMINI, (ToolCall("c1", "f", "{}", extra=SIGNED),))
    carried = ToolCall("c1", "f", "{}", extra={"gemini": {"thought_signature": "S2"}})
    assert answered(memory, GEMINI, carried) == (carried,)


def test_thoughts_before_a_call_come_back_first_and_replace_words_without_state() -> None:
    memory = ReplayMemory()
    memory.remember("k", "req_1", CLAUDE, (THOUGHT, Text("Look."), CALL))
    assert answered(memory, CLAUDE, Reasoning("hm"), Text("Look."), CALL) == (THOUGHT, Text("Look."), CALL)
    # A client that kept them is not told twice.
    assert answered(memory, CLAUDE, THOUGHT, Text("Look."), CALL) == (THOUGHT, Text("Look."), CALL)


def test_interleaved_thoughts_come_back_each_before_its_own_call() -> None:
    memory = ReplayMemory()
    later, second = Reasoning("and", {"anthropic": {"signature": "SIG2"}}), ToolCall("c2", "g", "{}")
    memory.remember("k", "req_1", CLAUDE, (THOUGHT, CALL, later, second))
    assert answered(memory, CLAUDE, Text("x"), CALL, second) == (THOUGHT, Text("x"), CALL, later, second)


def test_nothing_goes_to_another_model_key_or_tool() -> None:
    memory = ReplayMemory()
    memory.remember("k", "req_1", GEMINI, (ToolCall("c1", "f", "{}", extra=SIGNED),))
    assert answered(memory, "google/gemini-3.8-flash", CALL) == (CALL,)
    assert answered(memory, GEMINI, CALL, key="another") == (CALL,)
    renamed = ToolCall("c1", "other", "{}")
    assert answered(memory, GEMINI, renamed) == (renamed,)


def test_a_signature_that_another_model_made_is_taken_off_a_call_that_bears_it_openly() -> None:
    """Chat carries Gemini's signature as it is, without its maker: "Corrupted thought signature" at another model."""
    memory = ReplayMemory()
    signed = ToolCall("c1", "f", "{}", extra=SIGNED)
    memory.remember("k", "req_1", GEMINI, (signed,))
    assert answered(memory, "google/gemini-4-argon", signed) == (ToolCall("c1", "f", "{}"),)


@pytest.mark.parametrize("origin", [GROK, "openai/gpt-5.4"])
def test_a_reasoning_item_known_to_be_anothers_loses_its_state(origin: str) -> None:
    memory = ReplayMemory()
    item = Reasoning("s", {"openai_responses": {"id": "rs_1", "encrypted_content": "E"}})
    memory.remember("k", "req_1", GPT, (item,))
    assert answered(memory, GPT, item, Text("x")) == (item, Text("x"))
    assert answered(memory, origin, item, Text("x")) == (Reasoning("s", {ORIGIN: {"model": GPT}}), Text("x"))


def test_a_responses_body_with_anothers_items_is_told() -> None:
    memory = ReplayMemory()
    memory.remember(
        "k", "req_1", GPT, (Reasoning("", {"openai_responses": {"id": "rs_1", "encrypted_content": "E"}}),)
    )

    def body(**item: Any) -> bytes:
        return json.dumps(
            {"input": [{"type": "reasoning", "summary": [], "encrypted_content": "E", **item}]}
        ).encode()

    assert memory.holds_foreign("k", "xai", body(id="rs_1"))
    assert not memory.holds_foreign("k", "openai", body(id="rs_1"))
    assert not memory.holds_foreign("other", "xai", body(id="rs_1"))
    assert not memory.holds_foreign("k", "xai", body(id="rs_2"))
    assert not memory.holds_foreign("k", "xai", b'{"input":[{"id":"rs_1"}]}')


def test_it_is_bounded_in_entries_bytes_and_age() -> None:
    clock = Clock()
    memory = ReplayMemory(entries=3, size=100_000, age_s=60, clock=clock)
    for n in range(5):
        memory.remember("k", "req_1", GEMINI, (ToolCall(f"c{n}", "f", "{}", extra=SIGNED),))
    assert len(memory) == 3
    assert answered(memory, GEMINI, ToolCall("c1", "f", "{}")) == (ToolCall("c1", "f", "{}"),)
    assert answered(memory, GEMINI, ToolCall("c4", "f", "{}")) == (ToolCall("c4", "f", "{}", extra=SIGNED),)
    clock.now = 61
    assert answered(memory, GEMINI, ToolCall("c4", "f", "{}")) == (ToolCall("c4", "f", "{}"),)
    assert len(memory) == 0 and memory.size == 0
    large: Extra = {"gemini": {"thought_signature": "S" * 60_000}}
    for n in range(4):
        memory.remember("k", "req_1", GEMINI, (ToolCall(f"d{n}", "f", "{}", extra=large),))
    assert len(memory) == 1 and memory.size <= 100_000
    memory.remember("k", "req_1", GEMINI, (ToolCall("d3", "f", "{}", extra=SIGNED),))
    assert memory.size < 1000


def test_only_what_bears_state_is_kept() -> None:
    memory = ReplayMemory()
    memory.remember("k", "req_1", "openai/gpt-4.1", (Text("a"), Reasoning("b"), CALL))
    assert len(memory) == 0


def test_a_stream_leaves_the_same_as_a_whole_answer() -> None:
    """microsoft/agent-framework-go#683: encrypted content that only the last event brings."""
    state: Extra = {"openai_responses": {"id": "rs_1", "encrypted_content": "E"}}
    events: list[Event] = [
        Start(), PartStart(0, "reasoning", extra={"openai_responses": {"id": "rs_1"}}), Delta(0, "h"), Delta(0, "m"),
        PartEnd(0, state), PartStart(1, "text"), Delta(1, "x"), PartEnd(1),
        PartStart(2, "tool_call", call_id="c1", name="f"), Delta(2, "{}"), PartEnd(2),
    ]  # fmt: skip
    memory = ReplayMemory()
    watch = StateWatch(memory, "k", "req_1", GPT)
    for event in events:
        watch.feed(event)
    assert len(memory) == 0
    watch.feed(Finish(FinishReason.TOOL_CALLS))
    assert answered(memory, GPT, CALL) == (Reasoning("hm", state), CALL)
    whole = ReplayMemory()
    whole.remember("k", "req_1", GPT, (Reasoning("hm", state), Text("x"), ToolCall("c1", "f", "{}")))
    assert answered(whole, GPT, CALL) == answered(memory, GPT, CALL) and len(whole) == len(memory)


def test_what_a_provider_no_longer_reads_is_left_out_and_forgotten() -> None:
    memory = ReplayMemory()
    memory.remember("k", "req_1", CLAUDE, (THOUGHT, CALL))
    request = memory.restore("k", CLAUDE, ask(CALL))
    stripped = thoughtless(request)
    assert stripped is not None
    assert not any(has_state(part.extra) for part in stripped.messages[1].parts if isinstance(part, Reasoning))
    assert thoughtless(stripped) is None and thoughtless(ask(CALL)) is None
    memory.forget("k", request)
    assert answered(memory, CLAUDE, CALL) == (CALL,)


def test_answers_and_requests_of_several_threads_leave_it_whole() -> None:
    memory = ReplayMemory(entries=50)
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(300):
                call = ToolCall(f"c{turn % 70}", "f", "{}", extra=SIGNED)
                memory.remember("k", "req_1", GEMINI, (call,))
                memory.restore("k", GEMINI, ask(ToolCall(f"c{(turn * 7 + number) % 70}", "f", "{}")))
                if turn % 5 == 0:
                    memory.forget("k", ask(call))
        except BaseException as error:
            failed.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not failed and 0 < len(memory) <= 50
    assert memory.size == sum(size for _, size, *_ in memory._kept._kept.values())
