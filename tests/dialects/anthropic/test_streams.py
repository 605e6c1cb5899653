"""Anthropic's streams: recorded ones read in every cut, neutral events written and read back."""

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message
from pydantic import TypeAdapter

from gateway.dialects.anthropic import DIALECT
from gateway.dialects.anthropic.reader import AnthropicReader
from gateway.dialects.anthropic.writer import AnthropicWriter
from gateway.dialects.dialect import AnswerContext
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import FinishReason, Opaque, Reasoning, Refusal, Text, ToolCall, Usage
from gateway.sse import Decoder
from tests.dialects.anthropic.grammar import grammar
from tests.dialects.feeding import (
    cut_everywhere,
    cuts,
    events_of,
    folded,
    mutations,
    normal,
    only_choice,
    read,
    written,
)

WIRE = Path(__file__).parents[2] / "wire" / "anthropic"
FINISHED = sorted(path.stem for path in WIRE.glob("*.json"))
CONTEXT = AnswerContext(id="1", created=1, model="claude")


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {item['type']}\ndata: {json.dumps(item)}\n\n".encode() for item in events)


def start(usage: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": usage or {}}}


def ending(reason: str = "end_turn", usage: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage or {}}
    return delta, {"type": "message_stop"}


def text_block(index: int, text: str) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": index},
    ]


@pytest.mark.parametrize("name", FINISHED)
def test_a_stream_says_what_the_whole_answer_says_however_it_is_cut(name: str) -> None:
    whole = normal(DIALECT.parse_response((WIRE / f"{name}.json").read_bytes()))
    for chunks in cuts((WIRE / f"{name}.sse").read_bytes()):
        answer = folded(read(AnthropicReader(), chunks))
        assert normal(answer.response()) == whole
        assert answer.usage_final


@pytest.mark.parametrize("name", ["text", "refusal", "stop_sequence", "length_without_text"])
def test_a_stream_that_is_cut_is_never_finished(name: str) -> None:
    """maximhq/bifrost#4679, #6782: a truncated stream shown as end_turn."""
    cut_everywhere((WIRE / f"{name}.sse").read_bytes(), AnthropicReader)


def test_what_the_recordings_say() -> None:
    def parts(name: str) -> tuple[Any, ...]:
        return only_choice(DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())).parts

    thinking = parts("thinking_tools")
    assert thinking[0] == Reasoning(
        "Two cities, two calls.", {"anthropic": {"signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}}
    )
    assert thinking[1] == Reasoning("", {"anthropic": {"redacted": "EmwKAhgBEgy3va3pzix/LafPsn4a"}})
    assert thinking[2] == Text("I will look both up.")
    assert [part.id for part in thinking[3:] if isinstance(part, ToolCall)] == ["toolu_01A", "toolu_01B", "toolu_01C"]
    assert thinking[5] == ToolCall("toolu_01C", "get_time", "{}")
    assert parts("refusal")[1] == Refusal("This asks for malware.", {"anthropic": {"stop_details": True}})
    search = parts("server_tool")
    assert isinstance(search[0], Opaque) and search[0].value["input"] == {"query": "weather"}
    assert search[2].extra["anthropic"]["citations"][0]["cited_text"] == "12 °C"


READS = [
    pytest.param(b"", "connection_lost", 502, id="nothing at all"),
    pytest.param(b"<!doctype html><p>Bad gateway</p>", "unreadable_answer", 502, id="HTML"),
    pytest.param(b'{"type":"message"}', "unreadable_answer", 502, id="JSON without framing"),
    pytest.param(sse(start()), "connection_lost", 502, id="only the start"),
    pytest.param(sse(start(), *text_block(0, "a")), "connection_lost", 502, id="no ending"),
    pytest.param(sse(start(), ending()[0]), "connection_lost", 502, id="no message_stop"),
    pytest.param(
        sse(start(), {"type": "message_stop"}), "unreadable_answer", 502, id="message_stop without a reason"
    ),
    pytest.param(b"event: message_start\ndata: {\n\n", "unreadable_answer", 502, id="bad JSON"),
    pytest.param(b"data: [1]\n\n", "unreadable_answer", 502, id="no object"),
    pytest.param(b"data: \xff\xfe\n\n", "unreadable_answer", 502, id="no UTF-8"),
    pytest.param(sse(start(), {"type": "content_block_start", "index": 0}), "unreadable_answer", 502, id="no block"),
    pytest.param(
        sse(start(), {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t"}}),
        "unreadable_answer",
        502,
        id="a tool call without a name (cc-switch 3.20)",
    ),
    pytest.param(
        sse(start(), {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}),
        "unreadable_answer",
        502,
        id="a delta for no block",
    ),
    pytest.param(
        sse(start(), {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}),
        "rate_limited",
        429,
        id="rate limit",
    ),
    pytest.param(
        sse({"type": "error", "error": {"type": "api_error", "message": "oops"}}),
        "provider_error",
        500,
        id="error first",
    ),
    pytest.param(sse({"type": "error", "error": "odd"}), "provider_error", 500, id="an error that is a string"),
    pytest.param(
        sse({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}),
        "provider_key_rejected",
        502,
        id="key refused midway",
    ),
    pytest.param((WIRE / "overloaded.sse").read_bytes(), "overloaded", 529, id="overloaded midway (mlflow#25897)"),
]


@pytest.mark.parametrize(("stream", "kind", "status"), READS)
def test_what_is_no_answer_is_a_typed_error(stream: bytes, kind: str, status: int) -> None:
    for chunks in [[stream], [stream[n : n + 1] for n in range(len(stream))]]:
        events = read(AnthropicReader(), chunks)
        errors = [event for event in events if isinstance(event, StreamError)]
        assert [(error.kind, error.status) for error in errors] == [(kind, status)]
        assert events[-1] is errors[0]
        assert not folded(events).finished


def test_unknown_events_blocks_and_deltas_are_passed_by() -> None:
    """decolua/9router#2218: `index` is missing on deltas; and a stop may be missing before the end."""
    block = {"type": "text", "text": "He"}
    stream = sse(
        start(),
        {"type": "novelty", "index": 4, "x": 1},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "hologram", "depth": 3}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "hologram_delta", "light": 1}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "content_block": block},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "llo"}},
        *ending("brand_new_reason"),
        {"type": "error", "error": {"type": "api_error", "message": "after the end"}},
    )
    choice = only_choice(folded(read(AnthropicReader(), [stream])).response())
    assert choice.parts == (Opaque("anthropic", {"type": "hologram", "depth": 3}), Text("Hello"))
    assert choice.finish_reason is FinishReason.ERROR
    assert choice.extra == {"anthropic": {"stop_reason": "brand_new_reason"}}


def test_the_summary_of_a_compaction_is_kept_and_written_again() -> None:
    """It comes in a delta of its own; a client that gets none back has lost what was compacted."""
    told = {"type": "compaction_delta", "content": "They chose blue.", "encrypted_content": "e"}
    stream = sse(
        start(),
        {"type": "content_block_start", "index": 0, "content_block": {"type": "compaction", "content": None}},
        {"type": "content_block_delta", "index": 0, "delta": told},
        {"type": "content_block_stop", "index": 0},
        *text_block(1, "Blue it is."),
        *ending(),
    )
    block = {"type": "compaction", "content": "They chose blue.", "encrypted_content": "e"}
    answer = DIALECT.parse_response(
        json.dumps({"content": [block, {"type": "text", "text": "Blue it is."}], "stop_reason": "end_turn"}).encode()
    )
    events = read(AnthropicReader(), [stream])
    assert only_choice(folded(events).response()).parts == answer.choices[0].parts
    assert json.dumps(block, separators=(",", ":")).encode() in written(AnthropicWriter(CONTEXT), events)


def tool_stream(given: dict[str, Any], fragments: list[str], reason: str = "tool_use") -> bytes:
    block = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": given}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": item}}
        for item in fragments
    ]
    return sse(
        start(),
        {"type": "content_block_start", "index": 0, "content_block": block},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        *ending(reason),
    )


@pytest.mark.parametrize(
    ("given", "fragments", "arguments"),
    [
        ({}, ["", '{"a":', "1}"], '{"a":1}'),
        ({}, [], "{}"),
        ({}, [""], "{}"),
        ({"a": 1}, [], '{"a":1}'),
        ({"a": 1}, [""], '{"a":1}'),
    ],
)
def test_arguments_arrive_in_pieces_whole_or_not_at_all(
    given: dict[str, Any], fragments: list[str], arguments: str
) -> None:
    """BerriAI/litellm#27144: arguments that only come whole are lost."""
    choice = only_choice(folded(read(AnthropicReader(), [tool_stream(given, fragments)])).response())
    assert choice.parts == (ToolCall("toolu_1", "f", arguments),)


def test_a_tool_call_ends_in_tool_calls_whatever_the_reason_says() -> None:
    """BerriAI/litellm#34692: end_turn after a tool call; but a limit stays a limit."""
    for said, reason in (
        ("end_turn", FinishReason.TOOL_CALLS),
        ("max_tokens", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
    ):
        choice = only_choice(folded(read(AnthropicReader(), [tool_stream({}, [], said)])).response())
        assert choice.finish_reason is reason


COUNTS = {"input_tokens": 10, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000}


@pytest.mark.parametrize("told_first", range(8))
@pytest.mark.parametrize("told_last", range(8))
def test_the_counters_are_merged_wherever_they_are_told(told_first: int, told_last: int) -> None:
    """maximhq/bifrost#5354, BerriAI/litellm#42663: four counters over two events, the last word wins, none adds twice."""
    names = list(COUNTS)
    first = {
        name: COUNTS[name] if not told_last >> n & 1 else 7 for n, name in enumerate(names) if told_first >> n & 1
    }
    last = {name: COUNTS[name] for n, name in enumerate(names) if told_last >> n & 1}
    stream = sse(start({**first, "output_tokens": 1}), *ending(usage={**last, "output_tokens": 50}))
    usage = folded(read(AnthropicReader(), [stream])).usage
    told = {name for n, name in enumerate(names) if (told_first | told_last) >> n & 1}
    assert usage is not None
    assert usage.output_tokens == 50
    assert usage.input_tokens == (sum(COUNTS[name] for name in told) if "input_tokens" in told else None)
    assert usage.cached_tokens == (1000 if "cache_read_input_tokens" in told else None)
    assert usage.cache_write_tokens == (100 if "cache_creation_input_tokens" in told else None)


@pytest.mark.parametrize("name", FINISHED)
def test_what_is_written_follows_the_grammar_and_reads_back(name: str) -> None:
    """maximhq/bifrost#4556, ollama/ollama#17101: duplicated starts and indices."""
    answer = DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())
    stream = written(AnthropicWriter(CONTEXT), events_of(answer))
    grammar(stream)
    again = folded(read(AnthropicReader(), [stream])).response()
    assert normal(again).choices == normal(answer).choices
    assert again.usage == answer.usage


def test_the_recorded_stream_is_written_as_it_was_read() -> None:
    stream = (WIRE / "thinking_tools.sse").read_bytes()
    again = written(AnthropicWriter(CONTEXT), read(AnthropicReader(), [stream]))
    events = grammar(again)
    assert events[0]["message"]["usage"]["cache_read_input_tokens"] == 1000
    assert (
        normal(folded(read(AnthropicReader(), [again])).response()).choices
        == normal(folded(read(AnthropicReader(), [stream])).response()).choices
    )


def call(part: int, name: str) -> PartStart:
    return PartStart(part, "tool_call", call_id=f"call_{part}", name=name)


def test_interleaved_calls_become_blocks_one_after_another() -> None:
    """maximhq/bifrost#3441: fragments of two calls alternate, and text goes on in between."""
    events: list[Event] = [
        Start("x", "y"), PartStart(0, "text"), Delta(0, "Let me "), call(1, "a"), Delta(1, '{"x"'), call(2, "b"), Delta(2, '{"y":'),
        Delta(0, "look"), Delta(1, ":1}"), Delta(2, "2}"), PartEnd(0), PartEnd(2), PartEnd(1), Finish(FinishReason.TOOL_CALLS),
        UsageReport(Usage(input_tokens=5, output_tokens=7)),
    ]  # fmt: skip
    stream = written(AnthropicWriter(CONTEXT), events)
    grammar(stream)
    choice = only_choice(folded(read(AnthropicReader(), [stream])).response())
    assert [part for part in choice.parts if isinstance(part, ToolCall)] == [
        ToolCall("call_1", "a", '{"x":1}'), ToolCall("call_2", "b", '{"y":2}')
    ]  # fmt: skip
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == "Let me look"
    assert choice.finish_reason is FinishReason.TOOL_CALLS


def test_parts_that_never_end_are_ended_at_the_close() -> None:
    events: list[Event] = [
        Start(),
        call(0, "a"),
        Delta(0, "{"),
        call(1, "b"),
        Delta(1, "{}"),
        Delta(0, "}"),
        Finish(FinishReason.TOOL_CALLS),
    ]
    stream = written(AnthropicWriter(CONTEXT), events)
    grammar(stream)
    choice = only_choice(folded(read(AnthropicReader(), [stream])).response())
    assert [part.arguments for part in choice.parts if isinstance(part, ToolCall)] == ["{}", "{}"]


def test_the_switch_from_thinking_to_text_loses_no_word() -> None:
    """BerriAI/litellm#32357, #25212: a thinking delta inside a text block, the first token lost on the switch."""
    events: list[Event] = [
        Start(), PartStart(0, "reasoning"), Delta(0, "hm "), Delta(0, "so"), PartEnd(0), PartStart(1, "text"), Delta(1, "A"),
        Delta(1, "nswer"), PartEnd(1), Finish(FinishReason.STOP),
    ]  # fmt: skip
    stream = written(AnthropicWriter(CONTEXT), events)
    blocks = [event for event in grammar(stream) if event["type"] == "content_block_delta"]
    assert "".join(event["delta"].get("thinking", "") for event in blocks) == "hm so"
    assert "".join(event["delta"].get("text", "") for event in blocks) == "Answer"
    signatures = [event["delta"]["signature"] for event in blocks if event["delta"]["type"] == "signature_delta"]
    assert len(signatures) == 1 and signatures[0].startswith("faregate-state-1.")


def test_empty_parts_open_no_block_and_other_choices_are_left_out() -> None:
    events: list[Event] = [
        Start(), PartStart(0, "text"), PartEnd(0), PartStart(1, "text", choice=1), Delta(1, "second"), PartEnd(1),
        Finish(FinishReason.LENGTH, choice=1), Finish(FinishReason.STOP),
    ]  # fmt: skip
    events_written = grammar(written(AnthropicWriter(CONTEXT), events))
    assert [event["type"] for event in events_written] == ["message_start", "message_delta", "message_stop"]
    assert events_written[1]["delta"]["stop_reason"] == "end_turn"


def test_counts_are_true_at_the_end_and_told_at_the_start_where_known() -> None:
    """BerriAI/litellm#41406: input_tokens 0 in message_start is corrected in message_delta."""
    usage = Usage(input_tokens=1110, cached_tokens=1000, cache_write_tokens=100, output_tokens=5, reasoning_tokens=2)
    events: list[Event] = [
        Start(),
        PartStart(0, "text"),
        Delta(0, "x"),
        PartEnd(0),
        Finish(FinishReason.STOP),
        UsageReport(usage),
    ]
    late = grammar(written(AnthropicWriter(CONTEXT), events))
    assert late[0]["message"]["usage"]["input_tokens"] == 0
    told = late[-2]["usage"]
    assert (told["input_tokens"], told["cache_creation_input_tokens"], told["cache_read_input_tokens"]) == (
        10,
        100,
        1000,
    )
    assert told["output_tokens_details"] == {"thinking_tokens": 2}
    early = grammar(written(AnthropicWriter(CONTEXT), [events[0], UsageReport(usage, False), *events[1:]]))
    assert early[0]["message"]["usage"]["input_tokens"] == 10
    # LangChain.js adds both up, and counted what Gemini tells with its first piece twice.
    assert early[0]["message"]["usage"]["output_tokens"] == 0
    assert "output_tokens_details" not in early[0]["message"]["usage"]
    assert early[-2]["usage"]["output_tokens"] == 5


@pytest.mark.parametrize("at", range(5))
def test_an_error_is_an_event_and_nothing_follows(at: int) -> None:
    events: list[Event] = [Start(), PartStart(0, "text"), Delta(0, "x"), PartEnd(0), Finish(FinishReason.STOP)]
    writer = AnthropicWriter(CONTEXT)
    out = b"".join(writer.write(event) for event in events[:at])
    out += writer.write(StreamError("Overloaded", "overloaded", 529)) + writer.write(events[at]) + writer.close()
    last = Decoder().feed(out)[-1]
    assert last.event == "error"
    assert json.loads(last.data) == {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert b"message_stop" not in out
    assert isinstance(read(AnthropicReader(), [out])[-1], StreamError)


def test_a_close_without_a_finish_is_an_error() -> None:
    writer = AnthropicWriter(CONTEXT)
    out = b"".join(writer.write(event) for event in (Start(), PartStart(0, "text"), Delta(0, "x"))) + writer.close()
    assert b"event: error" in out and b"message_stop" not in out


@pytest.mark.parametrize("name", FINISHED)
def test_a_whole_answer_is_valid_for_the_sdk_and_reads_back(name: str) -> None:
    answer = DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())
    body = DIALECT.render_response(answer, CONTEXT)
    TypeAdapter(Message).validate_json(body)
    again = DIALECT.parse_response(body)
    assert (again.choices, again.usage) == (answer.choices, answer.usage)
    assert (again.id, again.model) == ("msg_1", "claude")


@pytest.mark.parametrize("path", sorted(WIRE.glob("*.sse")), ids=lambda path: path.stem)
def test_a_damaged_event_is_a_typed_error_or_no_harm(path: Path) -> None:
    """cc-switch 3.19: missing fields and wrong types; never an exception, never both a finish and an error."""
    for stream in mutations(path.read_bytes(), 150):
        events = read(AnthropicReader(), [stream])
        answer = folded(events)
        answer.response()
        assert answer.finished != isinstance(events[-1], StreamError)
