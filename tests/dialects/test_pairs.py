"""Every recorded stream through every writer: sixteen pairs of dialects, each by its clients' own grammar."""

from functools import lru_cache
from pathlib import Path

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.media_types import is_sketch
from gateway.events import Event, StreamError
from gateway.model import Blob, Choice, FinishReason, Reasoning, Refusal, Text, ToolCall
from tests.dialects.feeding import folded, read
from tests.dialects.grammars import heard, told
from tests.dialects.openai_responses.grammar import Codex

WIRE = Path(__file__).parents[1] / "wire"
RECORDINGS = sorted(str(path.relative_to(WIRE)) for path in WIRE.glob("*/*.sse"))


@lru_cache
def events(recording: str) -> list[Event]:
    path = WIRE / recording
    return read(DIALECTS[path.parent.name].reader(), [path.read_bytes()])


FINISHED = [name for name in RECORDINGS if not isinstance(events(name)[-1], StreamError)]
FAILED = [name for name in RECORDINGS if name not in FINISHED]


def words(choice: Choice) -> str:
    """All that was said to the user: only OpenAI keeps a refusal apart from text."""
    return "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal))


def thoughts(choice: Choice) -> str:
    return "".join(part.text for part in choice.parts if isinstance(part, Reasoning))


def calls(choice: Choice) -> list[tuple[str, str, str]]:
    return [
        (part.id, part.name, "".join(part.arguments.split()) or "{}")
        for part in choice.parts
        if isinstance(part, ToolCall)
    ]


# What a dialect has no word of its own for is told as the nearest.
NEAREST = {
    FinishReason.STOP_SEQUENCE: FinishReason.STOP,
    FinishReason.CONTEXT: FinishReason.LENGTH,
    FinishReason.PAUSE: FinishReason.STOP,
    FinishReason.ERROR: FinishReason.STOP,
}


# What was refused in words is completed at OpenAI's newer door, a refusal at Anthropic's, and unsafe at Google's.
REFUSED = {
    "openai_responses": FinishReason.STOP,
    "anthropic": FinishReason.CONTENT_FILTER,
    "gemini": FinishReason.CONTENT_FILTER,
}


def ending(choice: Choice, door: str) -> FinishReason:
    """How the provider's choice is to end at this door."""
    assert choice.finish_reason is not None
    reason = NEAREST.get(choice.finish_reason, choice.finish_reason)
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    return REFUSED.get(door, reason) if refused else reason


# An answer that the model spoilt is a failure where there is a word for it, and ends as the nearest elsewhere.
MALFORMED = [("gemini/malformed_call.sse", "openai_responses")]


@pytest.mark.parametrize(("recording", "door"), MALFORMED)
def test_a_spoilt_answer_is_a_failure_where_there_is_a_word_for_it(recording: str, door: str) -> None:
    answer = heard(door, told(door, events(recording)))
    assert answer.error is not None and not answer.finished


# What an image is at a door that has no place for it.
LEFT_OUT = "[image content left out]"
# Only who can offer a freeform tool gets a call of one.
ANSWERS = [
    (name, door)
    for name in FINISHED
    for door in DIALECTS
    if ("custom_tool" not in name or door in ("openai_chat", "openai_responses")) and (name, door) not in MALFORMED
]


@pytest.mark.parametrize(("recording", "door"), ANSWERS)
def test_every_recorded_answer_at_every_door(recording: str, door: str) -> None:
    said = folded(events(recording)).response()
    answer = heard(door, told(door, events(recording)))
    assert answer.error is None
    first, again = said.choices[0], answer.response().choices[0]
    assert words(again).replace(LEFT_OUT, "") == words(first)
    made = [part for part in first.parts if isinstance(part, Blob) and not is_sketch(part)]
    assert words(again).count(LEFT_OUT) == (len(made) if door == "anthropic" else 0)
    assert thoughts(again) == thoughts(first)
    assert calls(again) == calls(first)
    assert again.finish_reason is not None
    assert NEAREST.get(again.finish_reason, again.finish_reason) is ending(first, door)
    if said.usage is not None and said.usage.input_tokens is not None:
        assert answer.usage is not None
        counted = (answer.usage.input_tokens, answer.usage.cached_tokens or 0, answer.usage.output_tokens)
        assert counted == (said.usage.input_tokens, said.usage.cached_tokens or 0, said.usage.output_tokens or 0)


# What no client may see of a stream that failed.
CLEAN_ENDS = (b"[DONE]", b'"finish_reason":"', b"message_stop", b"finishReason", b"response.completed", b"response.incomplete")  # fmt: skip


@pytest.mark.parametrize("door", DIALECTS)
@pytest.mark.parametrize("recording", FAILED)
def test_every_recorded_failure_at_every_door(recording: str, door: str) -> None:
    """envoyproxy/ai-gateway#2698: a failure swallowed, turned into a clean end, or told in the wrong dialect."""
    stream = told(door, events(recording))
    answer = heard(door, stream)
    last = events(recording)[-1]
    assert isinstance(last, StreamError) and answer.error is not None
    assert answer.error.message == last.message
    assert not answer.finished
    if "second_choice" not in recording:
        assert not [mark for mark in CLEAN_ENDS if mark in stream]
    if door == "openai_responses":
        codex = Codex()
        codex.feed(stream)
        assert codex.ended == "response.failed"


def test_nothing_is_left_out() -> None:
    assert len(FINISHED) >= 45 and len(FAILED) >= 15
    assert {name.split("/")[0] for name in FINISHED} == {name.split("/")[0] for name in FAILED} == set(DIALECTS)
