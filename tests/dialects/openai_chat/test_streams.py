"""Recorded chat streams: to events, back to a client's bytes, cut in every way.

The recordings in `tests/wire/openai_chat` are written by the wire documents and the faults named below.
"""

import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.openai_chat import DIALECT
from gateway.events import Assembler, Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import Choice, FinishReason, Part, Reasoning, Refusal, Response, Text, ToolCall, Usage
from gateway.relaying.tally import Tally
from tests.dialects.openai_chat.grammar import chunks_in, grammar

WIRE = Path(__file__).parents[2] / "wire" / "openai_chat"

USAGE = Usage(
    input_tokens=19,
    cached_tokens=4,
    input_audio_tokens=0,
    output_tokens=10,
    reasoning_tokens=0,
    output_audio_tokens=0,
    service_tier="default",
)
WEATHER, CLOCK = ToolCall("call_a", "weather", '{"city":"Köln"}'), ToolCall("call_b", "time", "{}")
STOP, CALLS = FinishReason.STOP, FinishReason.TOOL_CALLS


def choice(*parts: Part, reason: FinishReason = STOP, **more: Any) -> Choice:
    return Choice(parts=parts, finish_reason=reason, **more)


# name → choices, usage
ANSWERS: dict[str, tuple[tuple[Choice, ...], Usage | None]] = {
    "text": ((choice(Text("Grüße 🎈")),), USAGE),
    # mozilla-ai/any-llm#970, maximhq/bifrost#3441: fragments of parallel calls are told apart.
    "text_then_two_calls_interleaved": ((choice(Text("Looking."), WEATHER, ToolCall("call_b", "time", '{"zone":"CET"}'), reason=CALLS),), USAGE),
    # BerriAI/litellm#34692: a turn with a call is not "stop"; BerriAI/litellm#36168: usage beside a choice counts.
    "whole_calls_under_one_index_finish_stop": ((choice(WEATHER, CLOCK, reason=CALLS),), USAGE),
    "whole_calls_in_one_chunk_without_index": ((choice(WEATHER, CLOCK, reason=CALLS),), None),
    # Local servers' way: whole calls one after the other, told apart by nothing but their names.
    "calls_without_index_or_id": (
        (choice(ToolCall("call_7_0_0", "weather", '{"city":"Köln"}'), ToolCall("call_7_0_1", "time", "{}"), reason=CALLS),),
        None,
    ),
    "call_after_finish_stop": ((choice(ToolCall("call_a", "weather", "{}"), reason=CALLS),), None),
    # vercel/ai#12425: xAI's completion tokens leave out the reasoning.
    "reasoning_with_usage_in_last_choice": (
        (choice(Reasoning("Let me think."), Text("4"), extra={"openai_chat": {"citations": ["https://example.com"]}}),),
        Usage(input_tokens=12, cached_tokens=3, input_audio_tokens=0, output_tokens=387, reasoning_tokens=386, output_audio_tokens=0, cost_nano=973502),
    ),
    "usage_after_done": ((choice(Text("Hi")),), USAGE),
    "usage_twice": ((choice(Text("Hi")),), USAGE),
    "two_choices": ((choice(Text("Aa")), choice(Text("B"), reason=FinishReason.LENGTH, index=1)), USAGE),
    "refusal": ((choice(Refusal("I cannot do that.")),), USAGE),
    "deprecated_function_call": ((choice(ToolCall("call_Bx7_0_0", "weather", '{"city":"Köln"}'), reason=CALLS),), None),
    "thought_signature": ((choice(ToolCall("call_a", "weather", "{}", extra={"gemini": {"thought_signature": "c2ln"}}), reason=CALLS),), None),
    "logprobs_and_annotations": (
        (
            choice(
                Text("Hi!", {"openai_chat": {"annotations": [{"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "title": "t", "url": "https://example.com"}}]}}),
                logprobs={"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}, {"token": "!", "logprob": -0.2, "bytes": [33], "top_logprobs": []}]},
            ),
        ),
        Usage(web_searches=1),
    ),
    "empty_answer_length": ((choice(reason=FinishReason.LENGTH),), USAGE),
    "no_blank_line_at_the_end": ((choice(Text("Hi")),), None),
    "first_chunk_without_choices": ((choice(Text("Hi")),), None),
    "custom_tool_call": ((choice(ToolCall("call_p", "apply_patch", "*** Begin Patch\n+é\n*** End Patch", custom=True), reason=CALLS),), USAGE),
    "filtered_midway_obfuscated": ((choice(Text("Once upon"), reason=FinishReason.CONTENT_FILTER),), USAGE),
    "refusal_with_logprobs": (
        (choice(Refusal("No"), logprobs={"refusal": [{"token": "No", "logprob": -0.5, "bytes": [78, 111], "top_logprobs": [{"token": "No", "logprob": -0.5, "bytes": [78, 111]}]}]}),),
        USAGE,
    ),
    # DeepSeek's way: its own name for cache hits, comments while it waits.
    "reasoning_then_call_cache_hit": (
        (choice(Reasoning("Two steps 🤔"), Text("Gut."), ToolCall("call_0_a", "weather", '{"city": "Münster"}'), reason=CALLS),),
        Usage(input_tokens=19, cached_tokens=16, output_tokens=12, reasoning_tokens=7),
    ),
    # OpenRouter's way: `reasoning`, a usage chunk that still has a choice.
    "processing_comments_and_reasoning_field": ((choice(Reasoning("Hm"), Text("Ja")),), Usage(input_tokens=5, output_tokens=3, cost_nano=0)),
    # Mistral's way.
    "content_in_a_list": ((choice(Text("Bonjour à tous")),), Usage(input_tokens=5, output_tokens=3)),
}  # fmt: skip

# name → kind, status, code. BerriAI/litellm#32086, maximhq/bifrost#4679: none of these is a finished answer.
FAILURES: dict[str, tuple[str, int, str | None]] = {
    "cut_mid_text": ("connection_lost", 502, None),
    "cut_mid_event": ("connection_lost", 502, None),
    "done_without_finish": ("connection_lost", 502, None),
    "second_choice_unfinished": ("connection_lost", 502, None),
    "error_object_mid_stream": ("overloaded", 503, "server_is_overloaded"),
    "error_string_mid_stream": ("provider_error", 502, "Some resource has been exhausted"),
    # OpenRouter's way of telling that the model's maker failed.
    "failed_midway": ("overloaded", 503, None),
    "failed_midway_without_words": ("provider_error", 502, None),
    "error_event": ("provider_error", 500, None),
    "error_first": ("rate_limited", 429, "rate_limit_exceeded"),
    "unreadable_chunk": ("unreadable_answer", 502, None),
    "wrong_shape": ("unreadable_answer", 502, None),
    "call_without_name": ("unreadable_answer", 502, None),
    "html_page": ("connection_lost", 502, None),
    "nothing": ("connection_lost", 502, None),
}


@lru_cache
def recording(name: str) -> bytes:
    return (WIRE / f"{name}.sse").read_bytes()


def read(chunks: list[bytes]) -> list[Event]:
    reader = DIALECT.reader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


def assemble(events: list[Event]) -> Assembler:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler


def ways(stream: bytes) -> list[list[bytes]]:
    """The same stream cut byte by byte, at random, with CRLF, with comments, and marked as UTF-8."""
    rng = random.Random(len(stream))
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(40))
    return [
        [stream],
        [stream[at : at + 1] for at in range(len(stream))],
        [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)],
        [stream.replace(b"\n", b"\r\n")],
        [stream.replace(b"\n\n", b"\n\n: ping\n\n")],
        [b"\xef\xbb\xbf" + stream],
    ]


def test_every_recording_is_in_a_table() -> None:
    assert {path.stem for path in WIRE.glob("*.sse")} == {*ANSWERS, *FAILURES}


@pytest.mark.parametrize("name", ANSWERS)
def test_recorded_answers_however_they_are_cut(name: str) -> None:
    choices, usage = ANSWERS[name]
    for chunks in ways(recording(name)):
        assembler = assemble(read(chunks))
        assert assembler.error is None
        assert assembler.response().choices == choices
        assert assembler.usage == usage
        assert assembler.usage_final is (usage is not None and usage.tells_tokens)


@pytest.mark.parametrize("name", FAILURES)
def test_recorded_failures_however_they_are_cut(name: str) -> None:
    for chunks in ways(recording(name)):
        events = read(chunks)
        error = events[-1]
        assert isinstance(error, StreamError)
        assert (error.kind, error.status, error.code) == FAILURES[name]
        assert sum(isinstance(event, StreamError) for event in events) == 1


@pytest.mark.parametrize("name", ["text", "text_then_two_calls_interleaved", "reasoning_with_usage_in_last_choice"])
def test_a_stream_cut_anywhere_is_never_a_finished_answer(name: str) -> None:
    """BerriAI/litellm#32475, preloop/preloop#117: until the finish reason has come, the end is an error."""
    stream = recording(name)
    finished_at = stream.rindex(b'"finish_reason":"')
    for at in range(0, finished_at, 7):
        assert isinstance(read([stream[:at]])[-1], StreamError)


@pytest.mark.parametrize("name", [*ANSWERS, *FAILURES])
def test_the_grammar_of_events(name: str) -> None:
    open_parts: dict[int, int] = {}
    finished: set[int] = set()
    events = read([recording(name)])
    assert sum(isinstance(event, Start) for event in events) <= 1
    for event in events:
        match event:
            case PartStart():
                assert event.part not in open_parts and event.choice not in finished
                open_parts[event.part] = event.choice
                assert event.kind != "tool_call" or (event.call_id and event.name)
            case Delta():
                assert event.part in open_parts and event.text
            case PartEnd():
                del open_parts[event.part]
            case Finish():
                assert event.choice not in finished and event.choice not in open_parts.values()
                finished.add(event.choice)
    if name in ANSWERS:
        assert isinstance(events[0], Start) and not open_parts


def test_deltas_come_as_they_arrive() -> None:
    """BerriAI/litellm#26102: nothing is buffered up to the end."""
    reader = DIALECT.reader()
    seen = [event for line in recording("text").split(b"\n\n")[:3] for event in reader.feed(line + b"\n\n")]
    assert seen[1:] == [PartStart(0, "text"), Delta(0, "Grüße"), Delta(0, " 🎈")]


def test_half_a_surrogate_pair_is_no_failure() -> None:
    stream = recording("no_blank_line_at_the_end").replace(b'"content":"Hi"', b'"content":"Hi\\ud83d"')
    assert assemble(read([stream])).response().choices == (choice(Text("Hi\ufffd")),)


@pytest.mark.parametrize(
    "fragment",
    [b"null", b"[]", b"3", b'{"choices":[null]}', b'{"choices":[{"delta":[]}]}', b'{"choices":[{"index":{},"delta":{"content":{"a":1},"tool_calls":[{}],"refusal":3,"reasoning":[]},"finish_reason":[1],"logprobs":[2]}],"usage":[]}', b'{"usage":{"prompt_tokens":"x","completion_tokens":-1,"total_tokens":true}}', b'{"id":[],"model":{},"created":"x","choices":[{"delta":{"tool_calls":[{"id":5,"index":"z","function":{"name":7,"arguments":[1]}}]}}]}', b"{" * 5000],
)  # fmt: skip
def test_whatever_a_provider_sends_ends_in_an_answer_or_a_typed_error(fragment: bytes) -> None:
    stream = recording("text")
    at = stream.index(b"\n\n") + 2
    events = read([stream[:at] + b"data: " + fragment + b"\n\n" + stream[at:]])
    assembler = assemble(events)
    assert assembler.error is not None or assembler.response().choices[0].finish_reason is not None


# The client's side.

# The SDK's type of a chunk knows no call of a custom tool.
UNKNOWN_TO_THE_SDK = {"custom_tool_call"}

CONTEXT = AnswerContext(id="abc", created=1_763_942_400, model="my-model", include_usage=True)


def write(events: list[Event], context: AnswerContext = CONTEXT) -> bytes:
    writer = DIALECT.writer(context)
    return b"".join(writer.write(event) for event in events) + writer.close()


@pytest.mark.parametrize("include_usage", [True, False])
@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - UNKNOWN_TO_THE_SDK))
def test_rewritten_streams_keep_the_grammar_and_say_the_same(name: str, include_usage: bool) -> None:
    context = AnswerContext(id="abc", created=1_763_942_400, model="my-model", include_usage=include_usage)
    stream = write(read([recording(name)]), context)
    grammar(stream, include_usage)
    choices, usage = ANSWERS[name]
    again = assemble(read([stream])).response()
    assert again.choices == choices
    if not include_usage or usage is None or not usage.tells_tokens:
        assert again.usage is None or not again.usage.tells_tokens
    else:
        # Portkey-AI/gateway#496: the client's usage is the provider's, but for what chat has no field for.
        assert again.usage is not None
        assert (again.usage.input_tokens, again.usage.cached_tokens) == (usage.input_tokens, usage.cached_tokens or 0)
        assert (again.usage.output_tokens, again.usage.reasoning_tokens) == (
            usage.output_tokens,
            usage.reasoning_tokens or 0,
        )


@pytest.mark.parametrize(
    "name", [name for name, (choices, _) in ANSWERS.items() if len(choices) == 1 and name not in UNKNOWN_TO_THE_SDK]
)
def test_the_official_client_reads_the_stream_as_the_whole_answer(name: str) -> None:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    events = read([recording(name)])
    for chunk in chunks_in(write(events)):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    snapshot = state.current_completion_snapshot.choices[0]
    whole = json.loads(DIALECT.render_response(assemble(events).response(), CONTEXT))["choices"][0]
    assert snapshot.finish_reason == whole["finish_reason"]
    assert (snapshot.message.content or "") == (whole["message"]["content"] or "")
    assert [(call.id, call.function.name, call.function.arguments) for call in snapshot.message.tool_calls or ()] == [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in whole["message"].get("tool_calls", ())
    ]


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_stream_ends_in_an_error_object_and_nothing_more(name: str) -> None:
    writer = DIALECT.writer(CONTEXT)
    stream = b""
    for event in read([recording(name)]):
        stream += writer.error(event) if isinstance(event, StreamError) else writer.write(event)
    last = stream.split(b"\n\n")[-2]
    error = json.loads(last.removeprefix(b"data: "))["error"]
    assert error.keys() == {"message", "type", "param", "code"} and error["message"] and error["type"]
    assert b"[DONE]" not in stream
    assert writer.close() == writer.write(Delta(0, "x")) == writer.error(StreamError("again")) == b""


@pytest.mark.parametrize("done", [b"data: [DONE]\n\n", b""], ids=["done", "without"])
def test_litellm_36168_usage_before_the_finish_stands_once_the_answer_has_ended_well(done: bytes) -> None:
    told = b'data: {"id":"c","choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n'
    finish = b'data: {"id":"c","choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    usage = Usage(input_tokens=5, output_tokens=2)
    reader = DIALECT.reader()
    events = [*reader.feed(told + finish + done), *reader.close()]
    assert [event for event in events if isinstance(event, UsageReport)] == [
        UsageReport(usage, final=False),
        UsageReport(usage, final=True),
    ]
    cut = DIALECT.reader()
    events = [*cut.feed(told), *cut.close()]
    assert [event.final for event in events if isinstance(event, UsageReport)] == [False]


@pytest.mark.parametrize(("said", "tier"), [("priority", "priority"), ("flex", "flex"), ("default", None), (7, None)])
def test_an_answer_that_breaks_off_has_the_tier_that_its_chunks_told(said: Any, tier: str | None) -> None:
    """Priority costs twice as much: an answer that was left midway was estimated at the standard price."""
    chunk = {"id": "c", "service_tier": said, "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    tally = Tally()
    for event in read([f"data: {json.dumps(chunk)}\n\n".encode()] * 2):
        tally.feed(event)
    used, source = tally.verdict(100, answered=True)
    assert (used, source) == (Usage(input_tokens=25, output_tokens=1, service_tier=tier), "estimated")


def test_other_dialects_events() -> None:
    """Thinking with a signature, a blob, a custom tool, usage told first, a stop sequence: as chat can say it."""
    from gateway.model import Blob

    events: list[Event] = [
        UsageReport(Usage(input_tokens=5), final=False),
        PartStart(0, "reasoning"),
        Delta(0, "hm"),
        PartEnd(0, {"anthropic": {"signature": "x"}}),
        PartStart(1, "blob", value=Blob("image/png", "AA==")),
        PartEnd(1),
        PartStart(2, "text"),
        Delta(2, "a"),
        Delta(2, ""),
        PartEnd(2),
        PartStart(3, "tool_call", call_id="c1", name="patch", custom=True),
        Delta(3, "in"),
        Delta(3, "put"),
        PartEnd(3),
        PartStart(4, "tool_call", call_id="c2", name="f"),
        Delta(4, "{}"),
        PartEnd(4, {"gemini": {"thought_signature": "sig"}}),
        Finish(FinishReason.STOP_SEQUENCE, stop_sequence="END"),
        Finish(FinishReason.STOP),
        UsageReport(Usage(output_tokens=7)),
    ]
    chunks = chunks_in(write(events))
    assert [chunk["choices"][0]["delta"] for chunk in chunks[:-1]] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}, "index": 0}]},
        {"content": "a"},
        {"tool_calls": [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "patch", "input": "input"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 1, "extra_content": {"google": {"thought_signature": "sig"}}}]},
        {},
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert (chunks[-1]["usage"]["prompt_tokens"], chunks[-1]["usage"]["completion_tokens"]) == (5, 7)


def test_who_asks_with_the_deprecated_functions_is_answered_in_kind() -> None:
    context = AnswerContext(id="abc", created=1, model="m", legacy_functions=True)
    chunks = chunks_in(write(read([recording("text_then_two_calls_interleaved")]), context))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    calls = [delta["function_call"] for delta in deltas if "function_call" in delta]
    assert calls[0] == {"name": "weather", "arguments": ""}
    assert "".join(call["arguments"] for call in calls) == '{"city":"Köln"}'
    assert all("tool_calls" not in delta for delta in deltas)
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"


def test_usage_that_no_one_said_is_not_invented() -> None:
    chunks = chunks_in(write([Start(), Finish(FinishReason.STOP)]))
    assert [chunk["usage"] for chunk in chunks] == [None, None]
    assert Response().usage is None


def test_a_finish_for_calls_of_which_none_could_be_told_is_a_stop() -> None:
    events: list[Event] = [Start(), PartStart(0, "text"), Delta(0, "a"), PartEnd(0), Finish(CALLS)]
    assert b'"finish_reason":"stop"' in write(events) and b"tool_calls" not in write(events)
    whole = json.loads(DIALECT.render_response(assemble(events).response(), CONTEXT))
    assert whole["choices"][0]["finish_reason"] == "stop"


def test_speech_comes_piece_by_piece_as_it_was_said() -> None:
    """Where a chat stream is written anew (its history held other providers' state); whole answers keep it too."""
    pieces: list[dict[str, Any]] = [
        {"id": "audio_1", "transcript": "Hel"},
        {"data": "AAECAw==", "transcript": "lo"},
        {"expires_at": 1764300000},
    ]
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": {"audio": piece}}]} for piece in pieces]
    end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    stream = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in (*chunks, end)) + b"data: [DONE]\n\n"
    said = [json.loads(line[6:]) for line in write(read([stream])).splitlines() if line.startswith(b"data: {")]
    deltas = [choice["delta"] for chunk in said for choice in chunk["choices"]]
    assert [delta["audio"] for delta in deltas if "audio" in delta] == pieces


def test_calls_begin_in_the_order_of_their_count_also_where_a_freeform_one_ends_last() -> None:
    """OpenAI's SDK puts a call that it does not expect yet in another one's place."""
    events: list[Event] = [
        Start("r", "m", 1),
        PartStart(0, "tool_call", call_id="call_a", name="note", custom=True),
        PartStart(1, "tool_call", call_id="call_b", name="time"),
        Delta(1, "{}"),
        PartEnd(1),
        Delta(0, "ö"),
        PartEnd(0),
        Finish(FinishReason.TOOL_CALLS),
    ]
    writer = DIALECT.writer(CONTEXT)
    stream = b"".join([writer.write(event) for event in events])
    chunks = [json.loads(line[6:]) for line in stream.splitlines() if line]
    calls = [
        call for chunk in chunks for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", ())
    ]
    assert [(call["index"], call["id"]) for call in calls if "id" in call] == [(0, "call_b"), (1, "call_a")]


def test_litellm_17425_a_fragment_of_a_call_that_is_not_made_is_none() -> None:
    nothing = {"tool_calls": [{"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": ""}}]}
    deltas: list[dict[str, Any]] = [{"content": "Hel"}, nothing, {"content": "lo"}, {"tool_calls": [{"index": 1}]}]
    chunks = [{"id": "x", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"id": "x", "choices": [{"index": 0, "delta": nothing, "finish_reason": "stop"}]})
    reader, assembler = DIALECT.reader(), Assembler()
    for event in [
        *reader.feed(b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)),
        *reader.close(),
    ]:
        assembler.feed(event)
    assert assembler.response().choices == (choice(Text("Hello")),)
    whole = {
        "id": "x",
        "choices": [{"index": 0, "message": {"content": "Hello", **nothing}, "finish_reason": "stop"}],
    }
    assert DIALECT.parse_response(json.dumps(whole).encode()).choices == (choice(Text("Hello")),)
