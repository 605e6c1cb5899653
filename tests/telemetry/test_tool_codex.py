"""Codex's sessions by its log records: calls from stream events, tools, retries, final answers."""

import random
from typing import Any

import pytest
from msgspec import structs

from gateway.telemetry.readers import matters, read_session
from gateway.telemetry.records import LogRecord
from tests.telemetry.sessions import calls, claude, codex, lines, runs


def asked(at_ms: int, **said: Any) -> LogRecord:
    return codex(
        "api_request",
        at_ms,
        **{"duration_ms": "20", "http__response__status_code": 200, "endpoint": "/responses", **said},
    )


def ended(at_ms: int, tokens: int = 80, **said: Any) -> LogRecord:
    counts = {"input_token_count": str(tokens), "output_token_count": "25", "cached_token_count": 16}
    return codex("sse_event", at_ms, event__kind="response.completed", ttft_ms=11, **{**counts, **said})


def streamed(at_ms: int) -> LogRecord:
    return codex("sse_event", at_ms, event__kind="response.output_text.delta", duration_ms="1")


SESSION = [
    codex("conversation_starts", 0, provider_name="OpenAI", reasoning_effort="high"),
    codex("user_prompt", 10, prompt="List the files.", prompt_length="15"),
    asked(120),
    *(streamed(130 + n) for n in range(5)),
    codex("sse_event", 199, event__kind="response.completed"),
    ended(200),
    codex("tool_decision", 205, tool_name="shell", call_id="k1", decision="approved"),
    codex("tool_result", 300, tool_name="shell", call_id="k1", arguments='{"cmd":"ls"}', duration_ms="90",
          success="true", output="a b", output_truncated=True),
    asked(330),
    codex("agent_response", 390, response="Two files.", agent__type="main", turn__id="u1"),
    ended(400, 120, reasoning_token_count=12),
]  # fmt: skip


def test_each_call_has_the_history_before_it() -> None:
    first, second = calls(read_session(SESSION))
    assert lines(first) == ["user: List the files.", '→ shell({"cmd":"ls"}) #k1']
    assert lines(second) == [
        "user: List the files.",
        'assistant: shell({"cmd":"ls"}) #k1',
        "tool: #k1: a b",
        "→ Two files.",
    ]
    assert (first.provider, first.latency_us, first.ttft_us) == ("openai", 100_000, 11_000)
    assert second.response is not None and second.response.usage is not None
    usage = second.response.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (120, 16, 25, 12)
    assert any("tool_result.max_bytes" in hint for hint in first.hints)
    assert not any("log_agent_responses" in hint for hint in (*first.hints, *second.hints))


def test_the_tool_run_has_its_result_and_time() -> None:
    (run,) = runs(read_session(SESSION))
    assert run.tool is not None
    assert (run.tool.name, run.tool.call_id, run.tool.arguments) == ("shell", "k1", '{"cmd":"ls"}')
    assert (run.tool.result, run.tool.is_error, run.latency_us) == ("a b", False, 90_000)


def test_any_order_is_the_same_session() -> None:
    expected = read_session(SESSION)
    for seed in range(20):
        mixed = [*SESSION, *SESSION]
        random.Random(seed).shuffle(mixed)
        assert read_session(mixed) == expected


def test_stream_events_are_no_calls() -> None:
    """A session log of stream events counts a call once, however many events tell of it (ccusage#988 and kin)."""
    assert len(calls(read_session(SESSION))) == 2
    assert calls(read_session([streamed(n) for n in range(100)])) == []


def test_records_that_tell_nothing_need_not_be_kept() -> None:
    kept = [record for record in SESSION if matters(record)]
    assert len(kept) == len(SESSION) - 6
    assert read_session(kept) == read_session(SESSION)
    failed = codex("sse_event", 200, event__kind="response.failed")
    assert matters(failed) and matters(codex("sse_event", 200, event__kind="x", error__message="idle"))
    assert matters(LogRecord(event_name="app.started")) and matters(claude("anything", 1))


def test_refused_attempts_stand_before_the_call_that_succeeded() -> None:
    records = [
        codex("user_prompt", 10, prompt="Hi"),
        asked(120, http__response__status_code=429, error__message="Too many requests", attempt=0),
        asked(320, http__response__status_code=500, error__message="", attempt=1),
        asked(520, attempt=2),
        ended(600),
    ]
    first, second, third = calls(read_session(records))
    assert [(call.status, call.error_kind) for call in (first, second, third)] == [
        (429, "rate_limited"),
        (500, "provider_error"),
        (200, None),
    ]
    assert (first.error_message, first.facts["attempt"]) == ("Too many requests", 0)
    assert first.response is None and second.response is None
    assert lines(first) == lines(third) == ["user: Hi"]
    assert third.latency_us == 100_000


def test_a_stream_that_broke_is_a_failed_call() -> None:
    records = [asked(120), codex("sse_event", 200, event__kind="response.failed", error__message="idle timeout")]
    (call,) = calls(read_session(records))
    assert (call.error_kind, call.error_message, call.response) == ("timeout", "idle timeout", None)


def test_the_same_over_a_websocket() -> None:
    records = [
        codex("websocket_request", 120, duration_ms="20", success="true"),
        structs.replace(ended(200), attributes={**ended(200).attributes, "event.name": "codex.websocket_event"}),
    ]
    (call,) = calls(read_session(records))
    assert (call.latency_us, call.status) == (100_000, 200)


def test_requests_that_ask_no_model_are_no_calls() -> None:
    records = [
        asked(100, endpoint="/models", http__response__status_code=404, error__message="no"),
        asked(110, endpoint="/responses/compact", http__response__status_code=500),
        asked(120),
        ended(200),
    ]
    (call,) = calls(read_session(records))
    assert call.status == 200


def test_switches_that_are_off_are_named() -> None:
    records = [codex("user_prompt", 10, prompt="[REDACTED]"), asked(120), ended(200)]
    (call,) = calls(read_session(records))
    assert lines(call) == []
    assert any("log_user_prompt = true" in hint for hint in call.hints)
    assert any("log_agent_responses = true" in hint for hint in call.hints)


def test_a_call_whose_request_was_lost_has_no_length() -> None:
    (call,) = calls(read_session([ended(200)]))
    assert (call.latency_us, call.status) == (None, 200)


@pytest.mark.parametrize("conversation", ["c-1", "c-2"])
def test_sub_agents_have_conversations_of_their_own(conversation: str) -> None:
    other = [
        structs.replace(record, attributes={**record.attributes, "conversation.id": "c-2"})
        for record in (codex("user_prompt", 205, prompt="Explore."), asked(240), ended(280))
    ]
    told = [
        call
        for call in calls(read_session([*SESSION, *other]))
        if call.conversations == (("conversation.id", conversation),)
    ]
    assert lines(told[-1])[0] == {"c-1": "user: List the files.", "c-2": "user: Explore."}[conversation]
    assert len(told) == {"c-1": 2, "c-2": 1}[conversation]
