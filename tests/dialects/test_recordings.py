"""All recordings of all dialects, in every cut and every framing, and beside their whole twins.

A new recording in `tests/wire` is picked up by itself.
"""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import AnswerContext
from gateway.errors import UpstreamError
from gateway.events import StreamError
from gateway.model import Choice, Response, ToolCall, Usage
from tests.dialects.feeding import folded, normal, read, written
from tests.dialects.grammars import told
from tests.dialects.recordings import RECORDINGS, TWINS, Recording, cuts, framings
from tests.dialects.strategies import said_in_answer


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_the_events_are_the_same_however_the_bytes_are_cut(recording: Recording) -> None:
    events = recording.events()
    for way, chunks in cuts(recording.stream, 12):
        assert b"".join(chunks) == recording.stream
        assert recording.events(chunks) == events, way


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_the_events_are_the_same_however_they_are_framed(recording: Recording) -> None:
    events = recording.events()
    for framing, stream in framings(recording.stream):
        assert recording.events([stream]) == events, framing
        for way, chunks in cuts(stream, 2):
            assert recording.events(chunks) == events, (framing, way)


@pytest.mark.parametrize("recording", TWINS, ids=str)
def test_a_stream_says_what_the_whole_answer_says(recording: Recording) -> None:
    assert recording.whole is not None
    events = recording.events()
    assert not any(isinstance(event, StreamError) for event in events)
    assert normal(folded(events).response()) == normal(recording.codec.parse_response(recording.whole))


# Legal JSON that fast parsers refuse: a number beyond a double's range, a digit string beyond 64 bits, half a
# surrogate pair; in a field that nobody knows.
ODD = b'{"odd":{"number":-1e400,"whole":12345678901234567890123,"half":"\\ud83d","pair":"\\ud83d\\ude00"},'


@pytest.mark.parametrize("recording", RECORDINGS, ids=str)
def test_what_fast_parsers_refuse_harms_nothing_in_a_field_that_nobody_knows(recording: Recording) -> None:
    stream = recording.stream.replace(b"data: {", b"data: " + ODD)
    assert recording.events([stream]) == recording.events()
    if recording.whole is not None:
        parse = recording.codec.parse_response
        assert parse(ODD + recording.whole.lstrip()[1:]) == parse(recording.whole)


DEEP = b'{"error":' + b"[" * 100_000


@pytest.mark.parametrize("name", DIALECTS)
def test_json_that_is_nested_too_deeply_is_a_typed_error(name: str) -> None:
    dialect = DIALECTS[name]
    events = Recording(name, "").events([b"event: message_start\ndata: " + DEEP + b"\n\n"])
    assert [event.kind for event in events if isinstance(event, StreamError)] == ["unreadable_answer"]
    with pytest.raises(UpstreamError) as caught:
        dialect.parse_response(DEEP)
    assert caught.value.kind == "unreadable_answer"
    assert dialect.parse_error(400, DEEP, {}).upstream_status == 400


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"a":"x\\ud83d"}', {"a": "x\ufffd"}),
        ('{"a":1e400}', {"a": 1.7976931348623157e308}),
        ("[" * 100_000, {"_raw": "[" * 100_000}),
        ('{"a":NaN}', {"_raw": '{"a":NaN}'}),
    ],
    ids=["half a pair", "too large", "too deep", "no JSON"],
)
def test_arguments_that_fast_parsers_refuse_reach_dialects_that_want_an_object(
    arguments: str, expected: dict[str, Any]
) -> None:
    answer = Response(choices=(Choice(parts=(ToolCall("c", "f", arguments),)),))
    context = AnswerContext(id="1", created=1, model="m")
    block = json.loads(DIALECTS["anthropic"].render_response(answer, context))["content"][0]
    part = json.loads(DIALECTS["gemini"].render_response(answer, context))["candidates"][0]["content"]["parts"][0]
    assert (block["input"], part["functionCall"]["args"]) == (expected, expected)


@pytest.mark.parametrize("recording", TWINS, ids=str)
def test_what_an_answer_says_its_own_dialect_can_say_again_whole_and_streamed(recording: Recording) -> None:
    assert recording.whole is not None
    dialect, context = recording.codec, AnswerContext(id="1", created=1, model="m", include_usage=True)
    answer = normal(dialect.parse_response(recording.whole))
    whole = normal(dialect.parse_response(dialect.render_response(answer, context)))
    stream = written(dialect.writer(context), recording.events())
    streamed = normal(folded(read(dialect.reader(), [stream])).response())
    assert whole.choices == streamed.choices == answer.choices
    assert whole.usage == streamed.usage


# Who cannot offer a freeform tool gets no call of one; and an answer that the model spoilt is an error at Responses.
AT_DOORS = [
    pytest.param(recording, door, id=f"{recording}-{door}")
    for recording in TWINS
    for door in DIALECTS
    if not ("custom_tool" in recording.name and door in ("anthropic", "gemini"))
    and not (recording.name == "malformed_call" and door == "openai_responses")
]


@pytest.mark.parametrize(("recording", "door"), AT_DOORS)
def test_a_client_gets_the_same_whole_and_streamed(recording: Recording, door: str) -> None:
    """But for what stands beside the words: a stream's signature comes after them, its tier before it is known."""
    assert recording.whole is not None
    dialect, context = DIALECTS[door], AnswerContext(id="1", created=1, model="m", include_usage=True)
    answer = recording.codec.parse_response(recording.whole)
    whole = normal(dialect.parse_response(dialect.render_response(answer, context)))
    streamed = normal(folded(read(dialect.reader(), [told(door, recording.events(), context)])).response())
    if answer.usage is None or not answer.usage.tells_tokens:
        whole, streamed = (structs.replace(item, usage=Usage()) for item in (whole, streamed))
    assert said_in_answer(whole) == said_in_answer(streamed)
    assert [choice.logprobs for choice in whole.choices] == [choice.logprobs for choice in streamed.choices]


# A call after the reason why the answer ended: whoever is cut in between has been told of a complete answer.
ENDED_BEFORE_ITS_END = {"call_after_finish_stop"}
FINISHED = [item for item in RECORDINGS if not isinstance(item.events()[-1], StreamError)]


@pytest.mark.parametrize("recording", [item for item in FINISHED if item.name not in ENDED_BEFORE_ITS_END], ids=str)
def test_no_beginning_of_a_stream_is_a_finished_answer_that_lacks_something(recording: Recording) -> None:
    """maximhq/bifrost#4679, BerriAI/litellm#32475: cut at each event, around it, and in its middle."""
    stream = recording.stream
    complete = folded(recording.events()).response().choices
    ends = [found.end() for found in re.finditer(rb"\r?\n\r?\n", stream)]
    places = {0, *ends, *(end - 3 for end in ends), *((a + b) // 2 for a, b in pairwise([0, *ends]))}
    failed = 0
    for at in sorted(place for place in places if place < len(stream)):
        events = recording.events([stream[:at]])
        if isinstance(events[-1], StreamError):
            failed += 1
        else:
            assert folded(events).response().choices == complete, at
    assert failed


@pytest.mark.parametrize("recording", TWINS, ids=str)
def test_no_beginning_of_a_whole_answer_is_one(recording: Recording) -> None:
    assert recording.whole is not None
    whole = recording.whole.rstrip()
    for at in range(0, len(whole), 17):
        with pytest.raises(UpstreamError) as caught:
            recording.codec.parse_response(whole[:at])
        assert caught.value.kind == "unreadable_answer"
