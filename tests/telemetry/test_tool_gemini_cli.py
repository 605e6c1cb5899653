"""Gemini CLI's sessions by its log records: native bodies, their details, tools, errors, switches that are off."""

import json
import random
from typing import Any

from gateway.model import FinishReason
from gateway.telemetry.readers.tool_sessions import read_session
from gateway.telemetry.records import LogRecord
from tests.telemetry.sessions import calls, gemini, lines, runs

DETAILS = "gen_ai.client.inference.operation.details"
USER = {"role": "user", "parts": [{"text": "List the files."}]}
CALLED = {"role": "model", "parts": [{"functionCall": {"name": "ls", "args": {"path": "."}, "id": "f1"}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "ls", "id": "f1", "response": {"output": "a b"}}}]}


def asked(at_ms: int, *contents: Any, **said: Any) -> LogRecord:
    return gemini("api_request", at_ms, **{"model": "gemini-3-pro", "request_text": json.dumps(contents), **said})


def answered(at_ms: int, *parts: Any, response_id: str = "x", **said: Any) -> LogRecord:
    """Each part a chunk, as the tool logs a stream."""
    chunks: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], "responseId": response_id}
        for part in parts
    ]
    if chunks:
        chunks[-1]["candidates"][0]["finishReason"] = "STOP"
    counts = {"input_token_count": 50, "output_token_count": 13, "cached_content_token_count": 8,
              "thoughts_token_count": 12, "tool_token_count": 0}  # fmt: skip
    text = {"response_text": json.dumps(chunks)} if chunks else {}
    return gemini(
        "api_response",
        at_ms,
        **{"model": "gemini-3-pro-001", "duration_ms": 80, "status_code": 200, **counts, **text, **said},
    )


SESSION = [
    asked(100, USER),
    gemini(DETAILS, 101, gen_ai__system_instructions='[{"type":"text","content":"Be brief."}]', gen_ai__request__top_k=64),
    answered(180, {"text": "I ", "thought": True}, {"text": "look.", "thought": True}, CALLED["parts"][0], response_id="one"),
    gemini("tool_call", 250, function_name="ls", function_args='{"path":"."}', success=True, duration_ms=60),
    asked(300, USER, CALLED, RESULT),
    answered(380, {"text": "Two "}, {"text": "files."}, response_id="two"),
]  # fmt: skip


def test_each_call_has_the_history_that_was_sent() -> None:
    first, second = calls(read_session(SESSION))
    assert lines(first) == [
        "system: Be brief.",
        "user: List the files.",
        '→ [reasoning] I look.; ls({"path":"."}) #f1',
    ]
    assert lines(second)[-3:] == ['assistant: ls({"path":"."}) #f1', "tool: #f1: a b", "→ Two files."]
    assert first.response is not None and first.response.usage is not None
    usage = first.response.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (50, 8, 25, 12)
    assert first.response.choices[0].finish_reason is FinishReason.TOOL_CALLS
    assert [call.response_id for call in (first, second)] == ["one", "two"]
    assert first.request is not None and first.request.top_k == 64


def test_a_run_is_that_of_the_call_with_its_name_and_arguments() -> None:
    (run,) = runs(read_session(SESSION))
    assert run.tool is not None
    assert (run.tool.call_id, run.tool.result, run.latency_us) == ("f1", "a b", 60_000)
    stray = gemini("tool_call", 260, function_name="cat", function_args="{}", success=False, error="no such tool")
    other = next(run for run in runs(read_session([*SESSION, stray])) if run.tool and run.tool.name == "cat")
    assert other.tool is not None
    assert (other.tool.call_id, other.tool.result, other.tool.is_error) == (None, "no such tool", True)


def test_any_order_is_the_same_session() -> None:
    expected = read_session(SESSION)
    for seed in range(20):
        mixed = [*SESSION, *SESSION]
        random.Random(seed).shuffle(mixed)
        assert read_session(mixed) == expected


def test_the_records_around_a_call_tell_it_whole() -> None:
    """Its history stands in it: a long session is not read again for every call."""
    whole = calls(read_session(SESSION))
    assert [*calls(read_session(SESSION[:3])), *calls(read_session(SESSION[3:]))] == whole


def test_an_error_is_told_with_what_was_asked() -> None:
    """Old releases and new ones spell its fields differently."""
    for said in (
        {"error": "Quota", "model": "gemini-3-pro", "duration_ms": 80},
        {"error__message": "Quota", "model_name": "gemini-3-pro", "duration": 80},
    ):
        records = [asked(100, USER), gemini("api_error", 180, error_type="ApiError", status_code="429", **said)]
        (call,) = calls(read_session(records))
        assert lines(call) == ["user: List the files."]
        assert (call.status, call.error_kind, call.error_type) == (429, "rate_limited", "ApiError")
        assert (call.error_message, call.latency_us, call.model) == ("Quota", 80_000, "gemini-3-pro")
        assert call.response is None


def test_retries_take_their_own_requests() -> None:
    records = [
        asked(100, USER),
        gemini("api_error", 180, error="Quota", status_code=429, duration_ms=80),
        asked(300, USER, CALLED, RESULT),
        answered(380, {"text": "Two files."}),
    ]
    failed, good = calls(read_session(records))
    assert lines(failed) == ["user: List the files."]
    assert len(lines(good)) == 4


def test_calls_at_one_time_are_told_apart_by_their_role() -> None:
    """A side task asks in the middle of a call of the session's own."""
    records = [
        asked(100, USER),
        asked(105, {"role": "user", "parts": [{"text": "Summarise."}]}, role="utility_summarizer"),
        answered(180, {"text": "Summary."}, role="utility_summarizer", duration_ms=75),
        answered(181, {"text": "Files."}, duration_ms=81),
    ]
    told = {call.agent: lines(call) for call in calls(read_session(records))}
    assert told == {
        None: ["user: List the files.", "→ Files."],
        "utility_summarizer": ["user: Summarise.", "→ Summary."],
    }


def test_without_prompts_the_counts_are_told_and_the_switch_named() -> None:
    records = [gemini("api_request", 100, model="gemini-3-pro"), answered(180)]
    (call,) = calls(read_session(records))
    assert lines(call) == []
    assert call.response is not None and call.response.usage is not None
    assert call.response.usage.output_tokens == 25
    assert any("logPrompts" in hint for hint in call.hints)


def test_details_alone_tell_the_conversation() -> None:
    """Their answer comes in pieces, as the system's."""
    said = {"event__timestamp": "2026-11-24T00:14:18.563Z", "finish_reasons": ["stop", "stop"]}
    pieces = [
        {"role": "system", "finish_reason": "stop", "parts": [{"type": "reasoning", "content": "Hm."}]},
        {"role": "system", "finish_reason": "stop", "parts": [{"type": "text", "content": "Two "}]},
        {"role": "system", "finish_reason": "stop", "parts": [{"type": "text", "content": "files."}]},
    ]
    question = [{"role": "user", "parts": [{"type": "text", "content": "List the files."}]}]
    records = [
        gemini(DETAILS, 101, gen_ai__input__messages=json.dumps(question)),
        answered(180, **said),
        gemini(DETAILS, 181, gen_ai__output__messages=json.dumps(pieces), gen_ai__response__id="two", **said),
    ]
    (call,) = calls(read_session(records))
    assert lines(call) == ["user: List the files.", "→ [reasoning] Hm.; Two files."]
    assert call.response is not None
    assert (call.response_id, call.response.choices[0].finish_reason) == ("two", FinishReason.STOP)


def test_what_can_be_read_of_a_damaged_answer_is_told() -> None:
    whole = answered(180, {"text": "Two "}, {"text": "files."})
    chunks = json.loads(whole.attributes["response_text"])
    records = [asked(100, USER), answered(180, {"text": "x"}, response_text=json.dumps([chunks[0], 7, chunks[1]]))]
    (call,) = calls(read_session(records))
    assert lines(call) == ["user: List the files.", "→ Two "]
    cut = answered(180, {"text": "x"}, response_text=json.dumps(chunks)[:60])
    (call,) = calls(read_session([asked(100, USER), cut]))
    assert lines(call) == ["user: List the files."]
    assert call.response is not None and call.response.usage is not None
