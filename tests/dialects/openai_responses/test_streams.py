"""Responses' streams: recorded ones read in every cut, neutral events written, checked and read back.

The recordings in `tests/wire/openai_responses` are written by the wire documents and the faults named below.
"""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.envelope import has_state
from gateway.dialects.openai_responses import DIALECT
from gateway.dialects.openai_responses.reader import ResponsesReader
from gateway.dialects.openai_responses.writer import ResponsesWriter
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import (
    Blob,
    Choice,
    FinishReason,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    Usage,
)
from gateway.relaying.replay import ReplayMemory
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
from tests.dialects.openai_responses.grammar import Codex, events_in, grammar

WIRE = Path(__file__).parents[2] / "wire" / "openai_responses"
CONTEXT = AnswerContext(id="abc", created=1790000000, model="gpt")
SIGNED = {"gemini": {"thought_signature": "c2ln"}}


def own(**fields: Any) -> dict[str, dict[str, Any]]:
    return {"openai_responses": fields}


def text(words: str, item: str = "msg_1", **more: Any) -> Text:
    return Text(words, own(item={"id": item}, **more))


STOP, CALLS = FinishReason.STOP, FinishReason.TOOL_CALLS
USAGE = Usage(
    input_tokens=19,
    cached_tokens=4,
    cache_write_tokens=0,
    output_tokens=10,
    reasoning_tokens=0,
    service_tier="default",
)
NOTE = {"type": "url_citation", "start_index": 0, "end_index": 5, "title": "Weather", "url": "https://example.com/w"}
WEATHER = ToolCall("call_a", "weather", '{"city":"Köln"}', extra=own(id="fc_a"))
LOOKED = (text("Looking."), ToolCall("call_a", "weather", '{"city":"Köln","days":[1,2,3]}', extra=own(id="fc_a")))

# name → parts, reason
ANSWERS: dict[str, tuple[tuple[Part, ...], FinishReason]] = {
    "text": ((text("Grüße 🎈 aus Köln"),), STOP),
    # microsoft/agent-framework-go#683: the encrypted state comes only with the finished item.
    "reasoning_tools": (
        (
            Reasoning("**Two cities**\n\nSo two calls.", own(id="rs_1", encrypted_content="gAAAAABoEncrypted==", summary=["**Two cities**", "So two calls."])),
            Text("I will look both up.", own(item={"id": "msg_1", "phase": "commentary"})),
            WEATHER,
            ToolCall("call_b", "time", "{}", extra=own(id="fc_b")),
        ),
        CALLS,
    ),
    "reasoning_without_summary": ((Reasoning("", own(id="rs_1", encrypted_content="gAAAAABoEncrypted==")), text("4")), STOP),
    "reasoning_in_plain_text": ((Reasoning("two and two", own(id="rs_1", summary=[])), text("4")), STOP),
    "refusal": ((Refusal("I cannot do that.", own(item={"id": "msg_1"})),), STOP),
    "incomplete_length": ((text("Once upon a"),), FinishReason.LENGTH),
    "incomplete_filter": ((), FinishReason.CONTENT_FILTER),
    "incomplete_other": ((text("Half"),), FinishReason.ERROR),
    "custom_tool": ((ToolCall("call_p", "apply_patch", "*** Begin Patch\n*** End Patch", True, own(id="ctc_1")),), CALLS),
    "namespaced_call": ((ToolCall("call_n", "mcp__docs__search", '{"q":1}', extra=own(id="fc_n", namespace="mcp__docs", name="search")),), CALLS),
    "hosted_search": (
        (
            Opaque("openai_responses", {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "weather"}}),
            text("12 °C today.", annotations=[NOTE]),
        ),
        STOP,
    ),
    "two_texts_in_a_message": ((text("First."), Text("Second.", own(joined=True)), text("Third.", "msg_2")), STOP),
    "logprobs": ((text("Hi"),), STOP),
    "cost_in_ticks": ((text("4"),), STOP),
    "text_and_refusal_in_a_message": ((text("Gern, aber"), Refusal("das nicht.", own(joined=True))), STOP),
    "file_search_annotations": (
        (
            Opaque("openai_responses", {"id": "fs_1", "type": "file_search_call", "status": "completed", "queries": ["plan"], "results": None}),
            Text("Um 9 ab Gleis 4.", own(item={"id": "msg_1", "phase": "final_answer"}, annotations=[
                {"type": "url_citation", "start_index": 0, "end_index": 4, "title": "Bähn", "url": "https://example.org"},
                {"type": "file_citation", "file_id": "file_1", "filename": "plan.pdf", "index": 9},
                {"type": "container_file_citation", "container_id": "cntr_1", "file_id": "cfile_1", "filename": "a.csv", "start_index": 1, "end_index": 3},
            ])),
        ),
        STOP,
    ),
    "image_generation": (
        (
            Opaque("openai_responses", {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo=", "output_format": "png", "size": "1024x1024", "revised_prompt": "ein Hund", "quality": "high", "background": "opaque", "action": "generate"}),
            text("Bitte.", "msg_2"),
        ),
        STOP,
    ),
    "code_interpreter_and_mcp": (
        (
            Opaque("openai_responses", {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "print(1)", "container_id": "cntr_1", "outputs": None}),
            Opaque("openai_responses", {"id": "mcp_1", "type": "mcp_call", "status": "completed", "server_label": "docs", "name": "find", "arguments": '{"q":"é"}', "output": "ok", "error": None, "approval_request_id": None}),
        ),
        STOP,
    ),
    "calls_and_custom_tool_interleaved": (
        (
            WEATHER,
            ToolCall("call_b", "time", '{"zone":"CET"}', extra=own(id="fc_b")),
            ToolCall("call_c", "note", "ö\n", True, own(id="ctc_c")),
        ),
        CALLS,
    ),
    "incomplete_in_reasoning": ((Reasoning("Ich über", own(id="rs_1", encrypted_content="gAAAAA==")),), FinishReason.LENGTH),
    "reasoning_in_two_plain_texts": ((Reasoning("Eins. Zwei.", own(id="rs_1", summary=[])), text("3")), STOP),
    # BerriAI/litellm#27144: the same arguments however they are told.
    "arguments_done_only": (LOOKED, CALLS),
    "arguments_deltas_only": (LOOKED, CALLS),
    "arguments_mixed": (LOOKED, CALLS),
    "arguments_item_only": (LOOKED, CALLS),
    "arguments_final_only": (LOOKED, CALLS),
}  # fmt: skip
WHOLE = [name for name in ANSWERS if (WIRE / f"{name}.json").exists()]

# name → kind, status, code. BerriAI/litellm#32086, maximhq/bifrost#4679: none of these is a finished answer.
FAILURES: dict[str, tuple[str, int, str | None]] = {
    "failed": ("rate_limited", 429, "rate_limit_exceeded"),
    "error_event": ("provider_error", 502, "server_error"),
    "error_nested": ("overloaded", 503, "server_is_overloaded"),
    "error_first": ("context_too_long", 400, "context_length_exceeded"),
    "no_terminal_event": ("connection_lost", 502, None),
    "done_without_terminal_event": ("connection_lost", 502, None),
    "unreadable": ("unreadable_answer", 502, None),
    "call_without_a_name": ("unreadable_answer", 502, None),
}


@lru_cache
def recording(name: str) -> bytes:
    return (WIRE / f"{name}.sse").read_bytes()


def answer(name: str) -> Any:
    return DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())


def test_every_recording_is_in_a_table() -> None:
    assert {path.stem for path in WIRE.glob("*.sse")} == {*ANSWERS, *FAILURES}


@pytest.mark.parametrize("name", ANSWERS)
def test_recorded_answers_however_they_are_cut(name: str) -> None:
    parts, reason = ANSWERS[name]
    for chunks in cuts(recording(name)):
        assembler = folded(read(ResponsesReader(), chunks))
        assert assembler.error is None and assembler.usage_final
        choice = only_choice(assembler.response())
        assert (choice.parts, choice.finish_reason) == (parts, reason)


@pytest.mark.parametrize("name", WHOLE)
def test_a_stream_says_what_the_whole_answer_says(name: str) -> None:
    assert folded(read(ResponsesReader(), [recording(name)])).response() == answer(name)


@pytest.mark.parametrize("name", [name for name in ANSWERS if name.startswith("arguments_")])
def test_arguments_are_the_same_however_they_are_told(name: str) -> None:
    assert folded(read(ResponsesReader(), [recording(name)])).response() == answer("arguments")


def test_what_the_recordings_say_beside_their_parts() -> None:
    assert answer("text").usage == USAGE
    assert answer("reasoning_tools").usage.reasoning_tokens == 64
    assert answer("hosted_search").usage.web_searches == 1
    ticks = answer("cost_in_ticks").usage
    assert (ticks.cost_nano, ticks.service_tier) == (973502, "priority")
    assert (answer("text").id, answer("text").model, answer("text").created) == (
        "resp_68a1",
        "gpt-5.4-2026-03-05",
        1790000000,
    )
    assert only_choice(answer("incomplete_other")).extra == own(incomplete_details={"reason": "max_messages"})
    assert only_choice(answer("logprobs")).logprobs == {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_recorded_failures_however_they_are_cut(name: str) -> None:
    for chunks in cuts(recording(name)):
        events = read(ResponsesReader(), chunks)
        errors = [event for event in events if isinstance(event, StreamError)]
        assert [(error.kind, error.status, error.code) for error in errors] == [FAILURES[name]]
        assert events[-1] is errors[0] and not folded(events).finished


@pytest.mark.parametrize("name", ["text", "reasoning_tools", "incomplete_length"])
def test_a_stream_that_is_cut_is_never_finished(name: str) -> None:
    """maximhq/bifrost#4679, #6782."""
    cut_everywhere(recording(name), ResponsesReader)


@pytest.mark.parametrize("name", [*ANSWERS, *FAILURES])
def test_the_grammar_of_events(name: str) -> None:
    opened: set[int] = set()
    ended: set[int] = set()
    for event in read(ResponsesReader(), [recording(name)]):
        match event:
            case PartStart():
                assert event.part not in opened and (event.kind != "tool_call" or (event.call_id and event.name))
                opened.add(event.part)
            case Delta():
                assert event.part in opened - ended and event.text
            case PartEnd():
                assert event.part in opened - ended
                ended.add(event.part)
            case Finish():
                assert opened == ended


def test_deltas_come_as_they_arrive() -> None:
    """BerriAI/litellm#26102: nothing is buffered up to the end."""
    reader = ResponsesReader()
    seen = [event for block in recording("text").split(b"\n\n")[:6] for event in reader.feed(block + b"\n\n")]
    assert [event.text for event in seen if isinstance(event, Delta)] == ["Grüße", " 🎈 au"]


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {item['type']}\ndata: {json.dumps(item)}\n\n".encode() for item in events)


def test_deltas_without_their_items_and_indices() -> None:
    """A loose server: no created, no item announced, no indices; then a call whose name comes last."""
    stream = sse(
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"type": "response.output_text.delta", "delta": " there"},
        {"type": "response.output_item.added", "item": {"type": "function_call", "id": "fc_1"}},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": '{"a"'},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": ":1}"},
        {"type": "response.output_item.done", "item": {"type": "function_call", "id": "fc_1", "name": "f", "arguments": {"a": 1}}},
        {"type": "response.novelty", "delta": {"x": [1]}, "output_index": {}},
        {"type": "response.completed", "response": {"status": "completed"}},
        {"type": "error", "message": "after the end"},
    )  # fmt: skip
    events = read(ResponsesReader(), [stream])
    assert events[0] == Start()
    choice = only_choice(folded(events).response())
    assert [part.text if isinstance(part, Text) else part for part in choice.parts] == [
        "Hi there",
        ToolCall("fc_1", "f", '{"a":1}', extra=own(id="fc_1")),
    ]
    assert choice.finish_reason is CALLS


def test_a_piece_that_is_no_text_an_early_end_and_a_failure_that_was_counted() -> None:
    message = {
        "type": "message",
        "id": "msg_1",
        "content": [{"type": "hologram", "depth": 3}, {"type": "output_text", "text": "Hi"}],
    }
    done = {"type": "response.output_item.done", "output_index": 0, "item": message}
    empty = {"type": "response.output_text.delta", "output_index": 0, "content_index": 1, "delta": ""}
    answer = {"id": "resp_1", "status": "in_progress", "output": [message]}
    events = read(ResponsesReader(), [sse(empty, done, {"type": "response.completed", "response": answer})])
    choice = only_choice(folded(events).response())
    assert choice.parts[0] == Opaque("openai_responses", {"type": "hologram", "depth": 3})
    assert [part.text for part in choice.parts if isinstance(part, Text)] == ["Hi"] and choice.finish_reason is STOP
    failed = {
        "status": "failed",
        "usage": {"input_tokens": 9, "output_tokens": 4},
        "error": {"code": "server_error", "message": "Oops"},
    }
    found = folded(read(ResponsesReader(), [sse(done, {"type": "response.failed", "response": failed})]))
    assert found.usage == Usage(input_tokens=9, output_tokens=4) and found.error is not None and not found.finished


def test_half_a_surrogate_pair_is_no_failure() -> None:
    stream = sse(
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi\ud83d"},
        {"type": "response.completed", "response": {"output": []}},
    )
    (part,) = only_choice(folded(read(ResponsesReader(), [stream])).response()).parts
    assert isinstance(part, Text) and part.text == "Hi\ufffd"


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_written_follows_the_grammar_and_reads_back(name: str) -> None:
    """BerriAI/litellm#28899, openai/codex#12798: what clients miss in other gateways' streams."""
    held = answer(name)
    stream = written(ResponsesWriter(CONTEXT), events_of(held))
    grammar(stream)
    again = folded(read(ResponsesReader(), [stream])).response()
    # The summary's paragraphs are one stream, and the finished item has them apart again.
    assert again.choices == held.choices if name != "incomplete_other" else only_choice(again).finish_reason
    assert again.usage is not None and again.usage.output_tokens == held.usage.output_tokens


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_is_written_as_it_was_read(name: str) -> None:
    events = read(ResponsesReader(), [recording(name)])
    stream = written(ResponsesWriter(CONTEXT), events)
    grammar(stream)
    assert only_choice(folded(read(ResponsesReader(), [stream])).response()) == only_choice(folded(events).response())


@pytest.mark.parametrize("name", WHOLE)
def test_the_final_event_holds_the_whole_answer(name: str) -> None:
    """maximhq/bifrost#6455: an empty `output` in response.completed."""
    held = answer(name)
    whole = json.loads(DIALECT.render_response(held, CONTEXT))
    last = events_in(written(ResponsesWriter(CONTEXT), events_of(held)))[-1]["response"]
    assert last == whole
    assert DIALECT.parse_response(json.dumps(whole).encode()).choices == held.choices


@pytest.mark.parametrize("name", WHOLE)
def test_codex_follows(name: str) -> None:
    codex = Codex()
    codex.feed(written(ResponsesWriter(CONTEXT), events_of(answer(name))))
    ended = "response.incomplete" if name.startswith("incomplete") else "response.completed"
    assert codex.ended == ended
    assert [item["call_id"] for item in codex.calls] == [part.id for part in only_choice(answer(name)).parts if isinstance(part, ToolCall)]  # fmt: skip


# Events as the other dialects' readers give them → what the items of the answer are.
FOREIGN: dict[str, tuple[list[Event], list[dict[str, Any]]]] = {
    # microsoft/agent-framework-go#784: a summary always; ours to the provider that made it, the rest in an envelope.
    "thinking with a signature": (
        [PartStart(0, "reasoning"), Delta(0, "hm "), Delta(0, "so"), PartEnd(0, {"anthropic": {"signature": "s"}}), PartStart(1, "text"), Delta(1, "A"), PartEnd(1)],
        [{"type": "reasoning", "id": "rs_abc_0", "summary": [{"type": "summary_text", "text": "hm so"}]}, {"type": "message", "id": "msg_abc_1"}],
    ),
    "thinking that is hidden": (
        [PartStart(0, "reasoning", extra={"anthropic": {"redacted": "r"}}), PartEnd(0), PartStart(1, "text"), Delta(1, "A"), PartEnd(1)],
        [{"type": "reasoning", "summary": []}, {"type": "message"}],
    ),
    "a call with a thought signature": (
        [PartStart(0, "tool_call", call_id="c", name="f", extra=SIGNED), Delta(0, "{}"), PartEnd(0)],
        [{"type": "reasoning", "id": "rs_abc_0", "summary": []}, {"type": "function_call", "id": "fc_abc_1", "call_id": "c", "arguments": "{}"}],
    ),
    "a thought signature at the end of its call": (
        [PartStart(0, "tool_call", call_id="c", name="f"), Delta(0, "{}"), PartEnd(0, SIGNED)],
        [{"type": "function_call", "call_id": "c"}, {"type": "reasoning", "summary": []}],
    ),
    # maximhq/bifrost#3441: fragments of two calls alternate, and text goes on in between.
    "interleaved": (
        [
            PartStart(0, "text"), Delta(0, "Let me "), PartStart(1, "tool_call", call_id="c1", name="a"), Delta(1, '{"x"'),
            PartStart(2, "tool_call", call_id="c2", name="b"), Delta(2, '{"y":'), Delta(0, "look"), Delta(1, ":1}"), Delta(2, "2}"),
            PartEnd(0), PartEnd(2), PartEnd(1),
        ],
        [{"type": "message"}, {"type": "function_call", "call_id": "c1", "arguments": '{"x":1}'}, {"type": "function_call", "call_id": "c2", "arguments": '{"y":2}'}, {"type": "message"}],
    ),
    "parts that never end": (
        [PartStart(0, "tool_call", call_id="c1", name="a"), Delta(0, "{"), PartStart(1, "tool_call", call_id="c2", name="b"), Delta(0, "}")],
        [{"call_id": "c1", "arguments": "{}"}, {"call_id": "c2", "arguments": "{}"}],
    ),
    "texts that follow each other share a message": (
        [PartStart(0, "text"), Delta(0, "a"), PartEnd(0), PartStart(1, "text"), PartEnd(1), PartStart(2, "text"), Delta(2, "b"), PartEnd(2), PartStart(3, "refusal"), Delta(3, "no"), PartEnd(3)],
        [{"type": "message", "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}, {"type": "output_text", "text": "b", "annotations": [], "logprobs": []}, {"type": "refusal", "refusal": "no"}]}],
    ),
    "an image, and what has no place": (
        [
            PartStart(0, "blob", value=Blob("image/png", "iVBO")), PartEnd(0), PartStart(1, "blob", value=Blob("audio/wav", "UklG", "audio")), PartEnd(1),
            PartStart(2, "opaque", value=Opaque("anthropic", {"type": "server_tool_use"})), PartEnd(2), PartStart(3, "text", choice=1), Delta(3, "x"), PartEnd(3),
        ],
        [{"type": "image_generation_call", "result": "iVBO"}],
    ),
    "words that come back to a text and to nothing": (
        [
            PartStart(0, "text"), Delta(0, "a"), PartStart(1, "reasoning"), PartStart(2, "text"), Delta(2, ""), Delta(0, "b"), Delta(2, "c"),
            PartEnd(0), PartEnd(1), PartEnd(2),
        ],
        [{"type": "message"}],
    ),
    "citations that chat has": (
        [PartStart(0, "text"), Delta(0, "12 °C"), PartEnd(0, {"openai_chat": {"annotations": [{"type": "url_citation", "url_citation": {key: value for key, value in NOTE.items() if key != "type"}}]}})],
        [{"type": "message", "content": [{"type": "output_text", "text": "12 °C", "annotations": [NOTE], "logprobs": []}]}],
    ),
}  # fmt: skip


# What a stream cannot know in time: a whole answer has it in order.
IN_ORDER_OF_ARRIVAL = (
    "interleaved",
    "words that come back to a text and to nothing",
    "a thought signature at the end of its call",
)


@pytest.mark.parametrize("name", FOREIGN)
def test_other_dialects_events(name: str) -> None:
    events, items = FOREIGN[name]
    stream = written(ResponsesWriter(CONTEXT), [Start(), *events, Finish(STOP), UsageReport(Usage(output_tokens=7))])
    grammar(stream)
    Codex().feed(stream)
    output = events_in(stream)[-1]["response"]["output"]
    assert [{key: item[key] for key in wanted} for item, wanted in zip(output, items, strict=True)] == items
    if name not in IN_ORDER_OF_ARRIVAL:
        whole = DIALECT.render_response(folded([*events, Finish(STOP)]).response(), CONTEXT)
        assert json.loads(whole)["output"] == output
    said = {"".join(event.text for event in events if isinstance(event, Delta))}
    if name == "interleaved":
        assert (
            said
            and "".join(piece["text"] for item in (output[0], output[3]) for piece in item["content"])
            == "Let me look"
        )


def test_other_dialects_state_comes_back_with_the_history() -> None:
    """BerriAI/litellm#16893: the signature of a Gemini call, through the Responses door and back."""
    for at_the_end in (False, True):
        start = PartStart(2, "tool_call", call_id="c", name="f", extra={} if at_the_end else SIGNED)
        events = [
            Start(), PartStart(0, "reasoning"), Delta(0, "hm"), PartEnd(0, {"anthropic": {"signature": "s"}}),
            PartStart(1, "text"), Delta(1, "Looking."), PartEnd(1), start, Delta(2, "{}"), PartEnd(2, SIGNED), Finish(CALLS),
        ]  # fmt: skip
        context = AnswerContext(id="abc", created=1790000000, model="gpt", origin="p/maker")
        output = events_in(written(ResponsesWriter(context), events))[-1]["response"]["output"]
        result = {"type": "function_call_output", "call_id": "c", "output": "4"}
        body = {"model": "m", "input": [{"role": "user", "content": "Hi"}, *output, result]}
        request = DIALECT.parse_request(json.dumps(body).encode(), None, None)
        assert not has_state(ReplayMemory().restore("key", "p/other", request).messages[1].parts[0].extra)  # type: ignore[union-attr]
        parts = ReplayMemory().restore("key", "p/maker", request).messages[1].parts
        assert parts[0] == Reasoning("hm", {"anthropic": {"signature": "s"}})
        assert isinstance(parts[1], Text) and parts[1].text == "Looking."
        assert len(parts) == 3 and parts[2].extra["gemini"] == SIGNED["gemini"]  # type: ignore[union-attr]


def declared(*tools: Tool) -> AnswerContext:
    request = Request(model="m", messages=(), tools=tools)
    return AnswerContext(id="abc", created=1, model="m", request=request)


def test_codex_gets_its_own_names_back() -> None:
    """openai/codex#23186: a call in a namespace is known by both names; a freeform tool's call is unwrapped."""
    body = {
        "model": "m",
        "input": "Hi",
        "tools": [
            {"type": "namespace", "name": "mcp__docs", "description": "d", "tools": [{"type": "function", "name": "search", "parameters": {"type": "object"}}]},
            {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        ],
    }  # fmt: skip
    request = DIALECT.parse_request(json.dumps(body).encode(), None, None)
    assert [tool.name for tool in request.tools if isinstance(tool, Tool)] == ["mcp__docs__search", "apply_patch"]
    context = AnswerContext(id="abc", created=1, model="m", request=request)
    events: list[Event] = [
        Start(), PartStart(0, "tool_call", call_id="c1", name="mcp__docs__search"), Delta(0, '{"q":1}'), PartEnd(0),
        PartStart(1, "tool_call", call_id="c2", name="apply_patch"), Delta(1, '{"inp'), Delta(1, 'ut":"*** Köln"}'), PartEnd(1), Finish(CALLS),
    ]  # fmt: skip
    codex = Codex()
    stream = written(ResponsesWriter(context), events)
    grammar(stream)
    codex.feed(stream)
    assert [(item["type"], item.get("namespace"), item["name"]) for item in codex.calls] == [
        ("function_call", "mcp__docs", "search"),
        ("custom_tool_call", None, "apply_patch"),
    ]
    assert codex.calls[1]["input"] == "*** Köln"
    whole = json.loads(DIALECT.render_response(folded(events).response(), context))
    assert whole["output"] == codex.calls and whole["tools"] == events_in(stream)[-1]["response"]["tools"]
    assert whole["tools"][0]["tools"][0]["name"] == "search"


ERRORS: list[tuple[StreamError, str]] = [
    (StreamError("Overloaded", "overloaded", 529), "server_error"),
    (StreamError("Too fast: try again in 1.5s", "rate_limited", 429), "rate_limit_exceeded"),
    (StreamError("Too long", "context_too_long", 400), "context_length_exceeded"),
    (StreamError("No money", "provider_quota", 429), "insufficient_quota"),
    (StreamError("Bad", "bad_request", 400), "invalid_prompt"),
]


@pytest.mark.parametrize(("error", "code"), ERRORS)
@pytest.mark.parametrize("at", range(5))
def test_an_error_is_a_failed_response_and_nothing_follows(error: StreamError, code: str, at: int) -> None:
    """codex-proxy-rs#90: Codex passes over `error` events."""
    events: list[Event] = [Start(), PartStart(0, "text"), Delta(0, "x"), PartEnd(0), Finish(STOP)]
    writer = ResponsesWriter(CONTEXT)
    out = b"".join(writer.write(event) for event in events[:at])
    out += writer.write(error) + writer.write(events[at]) + writer.close() + writer.error(error)
    seen = events_in(out)
    assert [event["type"] for event in seen[:2]] == ["response.created", "response.in_progress"]
    assert seen[-1]["type"] == "response.failed"
    assert seen[-1]["response"]["error"] == {"code": code, "message": error.message}
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    codex = Codex()
    codex.feed(out)
    assert codex.ended == "response.failed"
    assert isinstance(read(ResponsesReader(), [out])[-1], StreamError)


def test_a_close_without_a_finish_is_a_failure_and_a_malformed_answer_too() -> None:
    open_stream: list[Event] = [Start(), PartStart(0, "text"), Delta(0, "x")]
    for events in (open_stream, [*open_stream, PartEnd(0), Finish(FinishReason.ERROR)]):
        assert events_in(written(ResponsesWriter(CONTEXT), events))[-1]["type"] == "response.failed"


@pytest.mark.parametrize(
    ("reason", "parts", "status", "details"),
    [
        (FinishReason.CONTEXT, (Text("x"),), "incomplete", {"reason": "max_output_tokens"}),
        (FinishReason.CONTENT_FILTER, (), "incomplete", {"reason": "content_filter"}),
        (FinishReason.CONTENT_FILTER, (Refusal("no"),), "completed", None),
        (FinishReason.PAUSE, (Text("x"),), "completed", None),
        (FinishReason.STOP_SEQUENCE, (Text("x"),), "completed", None),
    ],
)
def test_how_other_dialects_answers_end(
    reason: FinishReason, parts: tuple[Part, ...], status: str, details: Any
) -> None:
    from gateway.model import Response

    held = Response(choices=(Choice(parts=parts, finish_reason=reason),))
    for said in (
        json.loads(DIALECT.render_response(held, CONTEXT)),
        events_in(written(ResponsesWriter(CONTEXT), events_of(held)))[-1]["response"],
    ):
        assert (said["status"], said["incomplete_details"], said["usage"]) == (status, details, None)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_damaged_event_is_a_typed_error_or_no_harm(name: str) -> None:
    """cc-switch 3.20: missing fields and wrong types; never an exception, never both a finish and an error."""
    for stream in mutations(recording(name), 120):
        events = read(ResponsesReader(), [stream])
        found = folded(events)
        found.response()
        assert found.finished != isinstance(events[-1], StreamError)


@pytest.mark.parametrize("megabytes", [1, 4])
def test_a_long_argument_costs_in_proportion(megabytes: int) -> None:
    """BerriAI/litellm#26181; the ratio is held by the time-out of a quadratic 4 MB."""
    piece, count = "x" * 16_000, megabytes * 64
    events: list[Event] = [
        Start(), PartStart(0, "tool_call", call_id="c", name="f"), *[Delta(0, piece) for _ in range(count)], PartEnd(0), Finish(CALLS)
    ]  # fmt: skip
    stream = written(ResponsesWriter(CONTEXT), events)
    (part,) = only_choice(folded(read(ResponsesReader(), [stream])).response()).parts
    assert isinstance(part, ToolCall) and len(part.arguments) == 16_000 * count


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("response.output_item.added", b"-1"),
        ("response.output_item.done", b"7"),
        ("response.output_item.done", b"true"),
        ("response.output_item.done", b"{}"),
        ("response.function_call_arguments.done", b"true"),
        ("response.function_call_arguments.delta", b"9"),
    ],
)
def test_a_call_is_made_once_where_an_index_is_wrong(kind: str, index: bytes) -> None:
    """The item's id tells it from others then; a call that is told twice would be run twice."""
    blocks = recording("namespaced_call").split(b"\n\n")
    marked = [
        block.replace(b'"output_index":0', b'"output_index":' + index)
        if f'"type":"{kind}"'.encode() in block
        else block
        for block in blocks
    ]
    assert marked != blocks
    choice = only_choice(folded(read(ResponsesReader(), [b"\n\n".join(marked)])).response())
    assert (choice.parts, choice.finish_reason) == ANSWERS["namespaced_call"]


@pytest.mark.parametrize("name", ["namespaced_call", "text", "reasoning_tools", "custom_tool"])
def test_an_item_that_ends_without_index_and_id_is_the_open_one(name: str) -> None:
    blocks = recording(name).split(b"\n\n")
    marked = [
        re.sub(rb'"output_index":\d,|"id":"(msg|fc|ctc)_\w+",', b"", block)
        if b'"response.output_item.done"' in block
        else block
        for block in blocks
    ]
    assert marked != blocks
    choice = only_choice(folded(read(ResponsesReader(), [b"\n\n".join(marked)])).response())
    assert [type(part) for part in choice.parts] == [type(part) for part in ANSWERS[name][0]]
    assert [getattr(part, "text", None) for part in choice.parts] == [
        getattr(part, "text", None) for part in ANSWERS[name][0]
    ]


def test_log_probabilities_of_another_form_are_left_out_and_missing_bytes_are_spelt() -> None:
    entry = {"token": "é", "logprob": -0.5, "bytes": None}
    events: list[Event] = [Start(), PartStart(0, "text"), Delta(0, "é"), PartEnd(0)]
    for said, expected in (
        ([entry], [{"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": []}]),
        ([{"token": True}], []),
    ):
        finish = Finish(STOP, logprobs={"content": said})
        stream = written(ResponsesWriter(CONTEXT), [*events, finish])
        grammar(stream)
        assert events_in(stream)[-1]["response"]["output"][0]["content"][0]["logprobs"] == expected


@pytest.mark.parametrize("name", ["image_generation", "reasoning_tools", "custom_tool", "text"])
def test_an_item_announced_without_its_type_is_what_later_events_call_it(name: str) -> None:
    whole = (WIRE / f"{name}.sse").read_bytes()
    lines = []
    for line in whole.split(b"\n"):
        if line.startswith(b"data:") and b'"response.output_item.added"' in line:
            event = json.loads(line[5:])
            del event["item"]["type"]
            line = b"data: " + json.dumps(event).encode()
        lines.append(line)
    assert lines != whole.split(b"\n")
    expected, found = (folded(read(ResponsesReader(), [data])) for data in (whole, b"\n".join(lines)))
    assert found.error is None and normal(found.response()) == normal(expected.response())
