"""Gemini's streams: recorded ones read in every cut, neutral events written and read back."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.genai import types

from gateway.dialects.dialect import AnswerContext
from gateway.dialects.gemini import DIALECT
from gateway.dialects.gemini.reader import GeminiReader
from gateway.dialects.gemini.writer import GeminiWriter
from gateway.events import Delta, Event, Finish, PartEnd, PartStart, Start, StreamError, UsageReport
from gateway.model import Blob, Choice, FinishReason, Opaque, Part, Reasoning, Response, Text, ToolCall, Usage
from gateway.sse import Decoder
from tests.dialects.feeding import cut_everywhere, cuts, events_of, folded, mutations, only_choice, read, written
from tests.dialects.gemini.grammar import grammar

WIRE = Path(__file__).parents[2] / "wire" / "gemini"
FINISHED = sorted(path.stem for path in WIRE.glob("*.json"))
CONTEXT = AnswerContext(id="r1", created=1, model="gemini")


def sse(*chunks: Any) -> bytes:
    return b"".join(f"data: {json.dumps(chunk)}\r\n\r\n".encode() for chunk in chunks)


def chunk(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, **({"finishReason": finish} if finish else {})}
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "gemini", **more}


@pytest.mark.parametrize("name", FINISHED)
def test_a_stream_says_what_the_whole_answer_says_however_it_is_cut(name: str) -> None:
    whole = DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())
    for chunks in cuts((WIRE / f"{name}.sse").read_bytes()):
        answer = folded(read(GeminiReader(), chunks))
        assert answer.response() == whole
        assert answer.usage_final


@pytest.mark.parametrize("name", FINISHED)
def test_a_stream_that_is_cut_is_never_finished(name: str) -> None:
    """maximhq/bifrost#4679: there is no terminator; a stream without a finish reason was cut."""
    cut_everywhere((WIRE / f"{name}.sse").read_bytes(), GeminiReader)


def test_what_the_recordings_say() -> None:
    def choice(name: str) -> Any:
        return only_choice(DIALECT.parse_response((WIRE / f"{name}.json").read_bytes()))

    thinking = choice("thoughts_tools")
    assert thinking.parts[0] == Reasoning("Two cities, two calls.")
    assert thinking.parts[2] == ToolCall(
        "fc-1", "get_weather", '{"city":"Zürich"}', extra={"gemini": {"thought_signature": "CpcBAdHtim9GVzLZ"}}
    )
    assert thinking.parts[3].extra == {}
    assert thinking.finish_reason is FinishReason.TOOL_CALLS
    assert choice("signature_on_empty_text").parts[1] == Text("", {"gemini": {"thought_signature": "EjQKMgHRbSig"}})
    assert choice("text").extra["gemini"]["safetyRatings"][0]["probability"] == "NEGLIGIBLE"
    code = choice("code_and_grounding")
    assert [type(part) for part in code.parts] == [Opaque, Opaque, Text, Blob]
    assert code.extra["gemini"]["groundingMetadata"]["webSearchQueries"] == ["weather"]
    blocked = choice("blocked_prompt")
    assert (blocked.parts, blocked.finish_reason) == ((), FinishReason.CONTENT_FILTER)
    assert choice("safety").finish_reason is FinishReason.CONTENT_FILTER


@pytest.mark.parametrize("name", ["length_with_call", "length_without_parts"])
def test_a_limit_stays_a_limit(name: str) -> None:
    """NousResearch/hermes-agent#43478, BerriAI/litellm#21041: truncation hidden behind tool_calls, or an exception."""
    choice = only_choice(DIALECT.parse_response((WIRE / f"{name}.json").read_bytes()))
    assert choice.finish_reason is FinishReason.LENGTH


def test_calls_and_stop_in_different_chunks_end_once_in_tool_calls() -> None:
    """Portkey-AI/gateway#1534, envoyproxy/ai-gateway#2399."""
    events = read(GeminiReader(), [(WIRE / "thoughts_tools.sse").read_bytes()])
    assert [event.reason for event in events if isinstance(event, Finish)] == [FinishReason.TOOL_CALLS]


def test_calls_without_ids_get_distinct_and_stable_ones() -> None:
    body = json.loads((WIRE / "calls_without_ids.json").read_bytes())
    first = [
        part.id
        for part in only_choice(DIALECT.parse_response(json.dumps(body).encode())).parts
        if isinstance(part, ToolCall)
    ]
    again = [
        part.id
        for part in only_choice(DIALECT.parse_response(json.dumps(body).encode())).parts
        if isinstance(part, ToolCall)
    ]
    other = DIALECT.parse_response(json.dumps({**body, "responseId": "another"}).encode())
    nameless = DIALECT.parse_response(
        json.dumps({key: value for key, value in body.items() if key != "responseId"}).encode()
    )
    ids = [
        part.id for answer in (other, nameless) for part in only_choice(answer).parts if isinstance(part, ToolCall)
    ]
    assert first == again
    assert len({*first, *ids}) == 6
    assert all(item.startswith("call_") for item in (*first, *ids))


def test_parts_with_a_signature_are_not_merged() -> None:
    stream = sse(
        chunk({"text": "a"}),
        chunk({"text": "b", "thoughtSignature": "S"}),
        chunk({"text": "c"}, {"text": "d"}, finish="STOP"),
    )
    choice = only_choice(folded(read(GeminiReader(), [stream])).response())
    assert choice.parts == (Text("a"), Text("b", {"gemini": {"thought_signature": "S"}}), Text("cd"))


def test_candidates_are_kept_apart() -> None:
    def of(index: int, text: str, finish: str | None = None) -> dict[str, Any]:
        return {
            "index": index,
            "content": {"parts": [{"text": text}]},
            **({"finishReason": finish} if finish else {}),
        }

    stream = sse(
        {"candidates": [of(0, "a"), of(1, "x")]},
        {"candidates": [of(1, "y", "MAX_TOKENS")]},
        {"candidates": [of(0, "b", "STOP")]},
    )
    answer = folded(read(GeminiReader(), [stream])).response()
    assert [(item.index, item.parts, item.finish_reason) for item in answer.choices] == [
        (0, (Text("ab"),), FinishReason.STOP),
        (1, (Text("xy"),), FinishReason.LENGTH),
    ]
    unfinished = read(GeminiReader(), [sse({"candidates": [of(0, "a", "STOP"), of(1, "x")]})])
    assert isinstance(unfinished[-1], StreamError)


COUNTS = [
    pytest.param({"promptTokenCount": 12, "totalTokenCount": 12}, (12, 0, 0, 0), id="zeros are left out"),
    pytest.param({"promptTokenCount": 5, "candidatesTokenCount": 10, "thoughtsTokenCount": 90}, (5, 0, 100, 90), id="thoughts (deepeval#2943)"),
    pytest.param({"promptTokenCount": 1000, "cachedContentTokenCount": 800, "candidatesTokenCount": 1}, (1000, 800, 1, 0), id="cached is inside (litellm#14849)"),
    pytest.param({"promptTokenCount": 10, "toolUsePromptTokenCount": 40, "candidatesTokenCount": 1}, (50, 0, 1, 0), id="tool use is beside"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "counts"), COUNTS)
def test_counts_are_inclusive(wire: dict[str, int], counts: tuple[int, int, int, int]) -> None:
    answer = DIALECT.parse_response(json.dumps(chunk({"text": "x"}, finish="STOP", usageMetadata=wire)).encode())
    usage = answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == counts
    again = json.loads(DIALECT.render_response(answer, CONTEXT))["usageMetadata"]
    assert {name: again[name] for name in wire} == wire
    assert again["totalTokenCount"] == counts[0] + counts[2]


def test_each_count_keeps_its_last_word() -> None:
    stream = sse(
        chunk({"text": "a"}, usageMetadata={"promptTokenCount": 7, "thoughtsTokenCount": 3}),
        chunk({"text": "b"}, usageMetadata={"trafficType": "ON_DEMAND"}),
        chunk({"text": "c"}, finish="STOP", usageMetadata={"candidatesTokenCount": 4}),
        {"usageMetadata": {"candidatesTokenCount": 5}},
    )
    usage = folded(read(GeminiReader(), [stream])).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (7, 8, 3)


def test_no_counts_are_unknown_and_not_zero() -> None:
    assert folded(read(GeminiReader(), [sse(chunk({"text": "a"}, finish="STOP"))])).usage is None


READS = [
    pytest.param(b"", "connection_lost", 502, id="nothing at all"),
    pytest.param(b"<html>no</html>", "unreadable_answer", 502, id="HTML"),
    pytest.param(sse(chunk({"text": "a"})), "connection_lost", 502, id="no finish reason"),
    pytest.param(sse({"usageMetadata": {"promptTokenCount": 1}}), "connection_lost", 502, id="no candidates"),
    pytest.param(b"data: {\n\n", "unreadable_answer", 502, id="bad JSON"),
    pytest.param(sse([1, 2]), "unreadable_answer", 502, id="a list"),
    pytest.param(sse("text"), "unreadable_answer", 502, id="a string"),
    pytest.param(sse({"candidates": [{"content": {"parts": [{"text": 4}]}}]}), "unreadable_answer", 502, id="a text that is none"),
    pytest.param(sse(chunk({"functionCall": {"args": {}}})), "unreadable_answer", 502, id="a call without a name"),
    pytest.param(sse(chunk({"functionCall": {"name": "", "args": {}}})), "unreadable_answer", 502, id="a call with an empty name"),
    pytest.param(sse({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}), "rate_limited", 429, id="error first"),
    pytest.param(sse([{"error": {"code": 500, "message": "m"}}]), "provider_error", 500, id="error in a list"),
    pytest.param(sse({"error": "odd"}), "provider_error", 500, id="an error that is a string"),
    pytest.param((WIRE / "overloaded.sse").read_bytes(), "overloaded", 503, id="overloaded midway"),
]  # fmt: skip


@pytest.mark.parametrize(("stream", "kind", "status"), READS)
def test_what_is_no_answer_is_a_typed_error(stream: bytes, kind: str, status: int) -> None:
    for chunks in [[stream], [stream[n : n + 1] for n in range(len(stream))]]:
        events = read(GeminiReader(), chunks)
        errors = [event for event in events if isinstance(event, StreamError)]
        assert [(error.kind, error.status) for error in errors] == [(kind, status)]
        assert events[-1] is errors[0]
        assert not folded(events).finished


def test_log_probabilities_take_the_chat_form_and_back() -> None:
    result = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5}],
        "topCandidates": [
            {"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "e", "logProbability": -2.0}]}
        ],
    }
    body = chunk({"text": "é"}, finish="STOP")
    body["candidates"][0]["logprobsResult"] = result
    answer = DIALECT.parse_response(json.dumps(body).encode())
    entry = only_choice(answer).logprobs["content"][0]
    assert (entry["token"], entry["logprob"], entry["bytes"], len(entry["top_logprobs"])) == (
        "é",
        -0.5,
        [195, 169],
        2,
    )
    assert json.loads(DIALECT.render_response(answer, CONTEXT))["candidates"][0]["logprobsResult"] == result


@pytest.mark.parametrize("name", FINISHED)
def test_what_is_written_reads_back(name: str) -> None:
    answer = DIALECT.parse_response((WIRE / f"{name}.json").read_bytes())
    stream = written(GeminiWriter(CONTEXT), events_of(answer))
    grammar(stream)
    again = folded(read(GeminiReader(), [stream])).response()
    assert (again.choices, again.usage) == (answer.choices, answer.usage)
    whole = DIALECT.parse_response(DIALECT.render_response(answer, CONTEXT))
    assert (whole.choices, whole.usage, whole.id, whole.model) == (answer.choices, answer.usage, "r1", "gemini")


def test_litellm_36168_usage_before_the_finish_stands_once_the_answer_has_ended_well() -> None:
    told = {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}}
    early, last = chunk({"text": "a"}, **told), chunk({"text": "b"}, finish="STOP")
    whole = read(GeminiReader(), [sse(early, last)])
    reports = [event for event in whole if isinstance(event, UsageReport)]
    assert [report.final for report in reports] == [False, True]
    assert [(report.usage.input_tokens, report.usage.output_tokens) for report in reports] == [(5, 2)] * 2
    cut = read(GeminiReader(), [sse(early)])
    assert [event.final for event in cut if isinstance(event, UsageReport)] == [False]


def test_interleaved_calls_become_whole_parts() -> None:
    events: list[Event] = [
        Start(), PartStart(0, "tool_call", call_id="c0", name="a"), Delta(0, '{"x"'), PartStart(1, "tool_call", call_id="c1", name="b"),
        Delta(1, '{"y":'), Delta(0, ":1}"), Delta(1, "2}"), Finish(FinishReason.TOOL_CALLS), UsageReport(Usage(input_tokens=3, output_tokens=4)),
    ]  # fmt: skip
    found = grammar(written(GeminiWriter(CONTEXT), events))
    calls = [
        part["functionCall"]
        for item in found
        for part in item["candidates"][0]["content"]["parts"]
        if "functionCall" in part
    ]
    assert calls == [{"id": "c0", "name": "a", "args": {"x": 1}}, {"id": "c1", "name": "b", "args": {"y": 2}}]
    assert found[-1]["candidates"][0]["finishReason"] == "STOP"
    assert found[-1]["usageMetadata"]["promptTokenCount"] == 3


def test_calls_keep_their_order_whichever_is_whole_first() -> None:
    """BerriAI/litellm#17246: order and ids preserved."""
    events: list[Event] = [
        Start(), PartStart(0, "tool_call", call_id="c0", name="a"), PartStart(1, "tool_call", call_id="c1", name="b"),
        Delta(1, "{}"), PartEnd(1), PartStart(2, "tool_call", 1, "c2", "c"), PartEnd(2), Delta(0, "{}"), PartEnd(0),
        Finish(FinishReason.TOOL_CALLS), Finish(FinishReason.TOOL_CALLS, 1),
    ]  # fmt: skip
    found = grammar(written(GeminiWriter(CONTEXT), events))
    parts = [
        (item["candidates"][0]["index"], part) for item in found for part in item["candidates"][0]["content"]["parts"]
    ]
    assert [(index, part["functionCall"]["id"]) for index, part in parts if "functionCall" in part] == [
        (1, "c2"), (0, "c0"), (0, "c1"),
    ]  # fmt: skip


def test_words_go_out_as_they_come() -> None:
    writer = GeminiWriter(CONTEXT)
    out = [
        writer.write(event) for event in (Start(), PartStart(0, "text"), Delta(0, "a"), Delta(0, ""), Delta(0, "b"))
    ]
    assert [bool(item) for item in out] == [False, False, True, False, True]


def test_an_error_takes_the_place_of_a_chunk_and_nothing_follows() -> None:
    writer = GeminiWriter(CONTEXT)
    out = (
        writer.write(PartStart(0, "text"))
        + writer.write(Delta(0, "a"))
        + writer.write(StreamError("Full", "overloaded", 503))
    )
    out += writer.write(Delta(0, "b")) + writer.write(Finish(FinishReason.STOP)) + writer.close()
    last = json.loads(Decoder().feed(out)[-1].data)
    assert last == {"error": {"code": 503, "message": "Full", "status": "UNAVAILABLE"}}
    assert isinstance(read(GeminiReader(), [out])[-1], StreamError)


def test_a_close_without_a_finish_is_an_error() -> None:
    writer = GeminiWriter(CONTEXT)
    out = writer.write(PartStart(0, "text")) + writer.write(Delta(0, "a")) + writer.write(PartEnd(0)) + writer.close()
    assert b'"error"' in out and b"finishReason" not in out


@pytest.mark.parametrize("path", sorted(WIRE.glob("*.sse")), ids=lambda path: path.stem)
def test_a_damaged_event_is_a_typed_error_or_no_harm(path: Path) -> None:
    """cc-switch 3.19: missing fields and wrong types; never an exception, never both a finish and an error."""
    for stream in mutations(path.read_bytes(), 150):
        events = read(GeminiReader(), [stream])
        answer = folded(events)
        answer.response()
        assert answer.finished != isinstance(events[-1], StreamError)


def test_words_that_decline_end_as_filtered_whole_and_streamed() -> None:
    context = AnswerContext(id="r", model="m", created=0)
    events: list[Event] = [Start(), PartStart(0, "refusal"), Delta(0, "No."), PartEnd(0), Finish(FinishReason.STOP)]
    last = json.loads(Decoder().feed(written(GeminiWriter(context), events))[-1].data)
    whole = json.loads(DIALECT.render_response(folded(events).response(), context))
    assert last["candidates"][0]["finishReason"] == whole["candidates"][0]["finishReason"] == "SAFETY"
    assert whole["candidates"][0]["content"]["parts"] == [{"text": "No."}]


@pytest.mark.parametrize("signature", ["x", "ab", "not base64!", 7], ids=str)
@pytest.mark.parametrize("part", ["text", "reasoning", "call"])
def test_a_signature_that_is_none_is_not_told_to_google_s_sdk(signature: object, part: str) -> None:
    """Google's SDK takes no chunk whose signature is no base64."""
    extra = {"gemini": {"thought_signature": signature}}
    said: Part = {
        "text": Text("a", extra),
        "reasoning": Reasoning("a", extra),
        "call": ToolCall("c", "f", "{}", extra=extra),
    }[part]
    told = DIALECT.render_response(Response(id="r", model="m", choices=(Choice(parts=(said,)),)), CONTEXT)
    assert "thoughtSignature" not in json.loads(told)["candidates"][0]["content"]["parts"][0]
    types.GenerateContentResponse.model_validate_json(told)
