"""Claude Code's sessions by its log records: turns, tools, side tasks, switches that are off, whole bodies."""

import json
import random
from typing import Any

import pytest

from gateway.model import FinishReason, HostedTool, Reasoning
from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.tool_sessions import read_session
from gateway.telemetry.records import LogRecord
from tests.telemetry.sessions import calls, claude, lines, runs

COUNTS = {"input_tokens": 10, "output_tokens": 5, "duration_ms": 100, "model": "claude-sonnet-4-6", "cost_usd": 0.001}


def request(at_ms: int, request_id: str, **said: Any) -> LogRecord:
    return claude("api_request", at_ms, request_id=request_id, **{**COUNTS, **said})


def answer(at_ms: int, request_id: str, text: str, **said: Any) -> LogRecord:
    return claude("assistant_response", at_ms, request_id=request_id, response=text, **said)


TWO_TURNS = [
    claude("user_prompt", 0, prompt="List the files."),
    claude("tool_decision", 150, tool_name="Bash", tool_use_id="t1", decision="accept"),
    claude("tool_decision", 151, tool_name="Read", tool_use_id="t2", decision="accept"),
    request(200, "r1"),
    answer(200, "r1", "I look."),
    claude("tool_result", 250, tool_name="Read", tool_use_id="t2", success="false", error="ENOENT", duration_ms="40",
           tool_input='{"path":"x"}'),
    claude("tool_result", 260, tool_name="Bash", tool_use_id="t1", success="true", duration_ms="100",
           tool_input='{"command":"ls"}'),
    request(400, "r2"),
    answer(400, "r2", "Two files."),
    claude("user_prompt", 1000, prompt="Thanks.", prompt__id="p-2"),
    request(1200, "r3", prompt__id="p-2"),
    answer(1201, "r3", "You are welcome.", prompt__id="p-2"),
]  # fmt: skip
FIRST_ANSWER = 'I look.; Bash({"command":"ls"}) #t1; Read({"path":"x"}) #t2'
TURNS = [
    ["user: List the files.", f"→ {FIRST_ANSWER}"],
    ["user: List the files.", f"assistant: {FIRST_ANSWER}", "tool: #t1: ; #t2 failed: ENOENT", "→ Two files."],
    [
        "user: List the files.",
        f"assistant: {FIRST_ANSWER}",
        "tool: #t1: ; #t2 failed: ENOENT",
        "assistant: Two files.",
        "user: Thanks.",
        "→ You are welcome.",
    ],
]


def test_each_call_has_the_history_before_it() -> None:
    told = calls(read_session(TWO_TURNS))
    assert [lines(call) for call in told] == TURNS
    assert [call.response_id for call in told] == ["r1", "r2", "r3"]
    assert told[0].response is not None
    assert told[0].response.choices[0].finish_reason is FinishReason.TOOL_CALLS


def test_runs_stand_beside_the_calls_with_their_times() -> None:
    bash, read = runs(read_session(TWO_TURNS))
    assert bash.tool is not None and read.tool is not None
    assert (bash.tool.call_id, bash.latency_us, bash.tool.is_error) == ("t1", 100_000, False)
    assert (read.tool.call_id, read.latency_us, read.tool.is_error, read.tool.result) == (
        "t2",
        40_000,
        True,
        "ENOENT",
    )
    assert read.started_us - bash.started_us == 50_000


def test_any_order_is_the_same_session() -> None:
    for seed in range(20):
        mixed = [*TWO_TURNS, *TWO_TURNS]
        random.Random(seed).shuffle(mixed)
        assert [lines(call) for call in calls(read_session(mixed))] == TURNS


def test_a_call_follows_its_prompt_whatever_its_length_says() -> None:
    """Its length may hold what came before the prompt was logged."""
    (call,) = calls(read_session([claude("user_prompt", 150, prompt="Hi"), request(200, "r1")]))
    assert lines(call) == ["user: Hi"]
    assert call.latency_us == 100_000


def test_a_resumed_session_counts_its_events_anew_and_goes_on() -> None:
    resumed = [
        claude("user_prompt", 5000, prompt="Again?", prompt__id="p-3", event__sequence=0),
        request(5200, "r4", prompt__id="p-3", event__sequence=1),
        answer(5200, "r4", "Again.", prompt__id="p-3", event__sequence=2),
    ]
    told = calls(read_session([*resumed, *TWO_TURNS]))
    assert lines(told[-1])[-4:] == ["user: Thanks.", "assistant: You are welcome.", "user: Again?", "→ Again."]


def test_counts_may_be_digits_in_text() -> None:
    (call,) = calls(
        read_session(
            [request(200, "r1", input_tokens="10", output_tokens="5", cache_read_tokens="100",
                     cache_creation_tokens="30", cost_usd="0.0005925", duration_ms="100")]
        )
    )  # fmt: skip
    assert call.response is not None and call.response.usage is not None
    assert (call.response.usage.input_tokens, call.response.usage.output_tokens) == (140, 5)
    assert (call.cost_nano, call.latency_us) == (592_500, 100_000)


def test_what_is_not_counted_is_not_zero() -> None:
    (call,) = calls(read_session([claude("api_request", 200, model="claude-sonnet-4-6")]))
    assert call.response is not None and call.response.usage is None
    assert (call.cost_nano, call.latency_us, call.response_id) == (None, None, None)


def hinted(call: Observed) -> set[str]:
    switches = ("USER_PROMPTS", "ASSISTANT_RESPONSES", "TOOL_DETAILS", "TOOL_CONTENT", "RAW_API_BODIES", "MAX_LENGTH")
    return {switch for switch in switches if any(switch in hint for hint in call.hints)}


def test_switches_that_are_off_are_named_where_something_lacks() -> None:
    off = [
        claude("user_prompt", 0, prompt="<REDACTED>", prompt_length="12"),
        request(200, "r1"),
        answer(200, "r1", "<REDACTED>"),
        claude("user_prompt", 300, prompt="Hello."),
        request(500, "r2"),
        claude("tool_result", 600, tool_name="Bash", tool_use_id="t1", success="true", duration_ms="50"),
        request(800, "r3"),
        answer(800, "r3", "Done."),
    ]
    first, second, third = calls(read_session(off))
    assert lines(first) == []
    assert hinted(first) == {"USER_PROMPTS", "ASSISTANT_RESPONSES", "RAW_API_BODIES"}
    assert lines(second) == ["user: Hello.", "→ Bash() #t1"]
    assert hinted(second) == {"TOOL_DETAILS", "TOOL_CONTENT", "RAW_API_BODIES"}
    assert hinted(third) == {"RAW_API_BODIES"}


def test_a_tool_that_was_refused_has_no_result() -> None:
    records = [
        claude("user_prompt", 0, prompt="Delete it."),
        claude("tool_decision", 150, tool_name="Bash", tool_use_id="t1", decision="reject"),
        request(200, "r1"),
        claude("user_prompt", 1000, prompt="Do not."),
        request(1200, "r2"),
    ]
    told = read_session(records)
    assert lines(calls(told)[1]) == ["user: Delete it.", "assistant: Bash() #t1", "user: Do not."]
    assert runs(told) == []


def test_side_tasks_and_sub_agents_are_threads_of_their_own() -> None:
    side = [
        request(90, "t", query_source="generate_session_title", model="claude-haiku-4-5", duration_ms=80),
        answer(90, "t", "Files listed", query_source="generate_session_title"),
        request(330, "a1", query_source="agent:explore", duration_ms=20),
        answer(330, "a1", "Found.", query_source="agent:explore"),
        request(360, "a2", query_source="agent:explore", duration_ms=20),
        answer(360, "a2", "All.", query_source="agent:explore"),
    ]
    told = calls(read_session([*TWO_TURNS, *side]))
    main = [call for call in told if call.agent is None]
    assert [lines(call) for call in main] == TURNS
    named = {call.response_id: (call.agent, lines(call)) for call in told if call.agent}
    assert named == {
        "t": ("generate_session_title", ["→ Files listed"]),
        "a1": ("agent:explore", ["→ Found."]),
        "a2": ("agent:explore", ["assistant: Found.", "→ All."]),
    }
    assert all(call.conversations == (("session.id", "s-1"),) for call in told)


@pytest.mark.parametrize("source", ["sdk", "repl_main_thread", "repl_main_thread:outputStyle:custom", ""])
def test_the_main_thread_goes_by_several_names(source: str) -> None:
    (call,) = calls(read_session([claude("user_prompt", 0, prompt="Hi"), request(200, "r1", query_source=source)]))
    assert (call.agent, lines(call)) == (None, ["user: Hi"])


def test_a_failed_call_is_told_and_leaves_the_history_as_it_was() -> None:
    records = [
        claude("user_prompt", 0, prompt="Hi"),
        claude("api_error", 200, model="claude-sonnet-4-6", error="Overloaded", status_code="529", attempt=11,
               duration_ms=100, request_id="r1"),
        request(500, "r2"),
        answer(500, "r2", "Hello."),
    ]  # fmt: skip
    failed, good = calls(read_session(records))
    assert (failed.status, failed.error_kind, failed.error_message) == (529, "overloaded", "Overloaded")
    assert (failed.response, failed.facts["attempt"], failed.response_id) == (None, 11, "r1")
    assert lines(failed) == ["user: Hi"]
    assert lines(good) == ["user: Hi", "→ Hello."]


def test_a_connection_that_broke_has_no_status() -> None:
    (failed,) = calls(read_session([claude("api_error", 200, error="Connection error.", attempt=1)]))
    assert (failed.status, failed.error_kind) == (0, "connection_lost")


BODY = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "You are a tool."}],
    "tools": [{"name": "Bash", "input_schema": {"type": "object"}}, {"type": "web_search_20260209", "name": "web_search"}],
    "messages": [
        {"role": "user", "content": "List."},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a b"}]},
    ],
}  # fmt: skip
ANSWER = {
    "id": "msg_1",
    "model": "claude-sonnet-4-6",
    "role": "assistant",
    "content": [{"type": "thinking", "thinking": "<REDACTED>", "signature": "s"}, {"type": "text", "text": "Two."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2},
}


def test_whole_bodies_are_the_call_itself() -> None:
    records = [
        claude("user_prompt", 0, prompt="List."),
        claude("api_request_body", 101, body=json.dumps(BODY), model="claude-sonnet-4-6"),
        claude("api_response_body", 199, body=json.dumps(ANSWER), request_id="r1"),
        request(200, "r1"),
        answer(200, "r1", "Two."),
        claude("user_prompt", 300, prompt="Thanks."),
        request(500, "r2"),
    ]
    first, second = calls(read_session(records))
    assert first.request is not None and first.response is not None
    assert lines(first) == [
        "system: You are a tool.",
        "user: List.",
        'assistant: Bash({"command":"ls"}) #t1',
        "tool: #t1: a b",
        "→ [reasoning] <REDACTED>; Two.",
    ]
    assert [type(tool) for tool in first.request.tools][1] is HostedTool
    assert isinstance(first.response.choices[0].parts[0], Reasoning)
    assert (first.response.id, first.response_id) == ("msg_1", "r1")
    assert first.response.usage is not None
    assert (first.response.usage.input_tokens, first.response.usage.cached_tokens) == (7, 4)
    assert hinted(first) == set()
    assert lines(second)[-3:] == ["tool: #t1: a b", "assistant: [reasoning] <REDACTED>; Two.", "user: Thanks."]


def test_a_body_that_was_cut_leaves_what_the_other_records_say() -> None:
    records = [
        claude("user_prompt", 0, prompt="List."),
        claude("api_request_body", 101, body=json.dumps(BODY)[:200], body_truncated="true"),
        claude("api_response_body", 199, body=json.dumps(ANSWER)[:50], request_id="r1", body_truncated="true"),
        request(200, "r1"),
        answer(200, "r1", "Two."),
    ]
    (call,) = calls(read_session(records))
    assert lines(call) == ["user: List.", "→ Two."]
    assert hinted(call) == {"MAX_LENGTH", "RAW_API_BODIES"}


def test_a_body_that_lies_in_a_file_is_not_looked_for() -> None:
    records = [
        claude("user_prompt", 0, prompt="List."),
        claude("api_request_body", 101, body_ref="/nowhere/x.request.json"),
        request(200, "r1"),
    ]
    (call,) = calls(read_session(records))
    assert lines(call) == ["user: List."]


def test_bodies_of_attempts_go_to_the_call_that_began_nearest() -> None:
    """Each attempt logs its body; neither another call's nor another lane's is taken."""

    def body(at_ms: int, text: str, **said: Any) -> LogRecord:
        return claude(
            "api_request_body",
            at_ms,
            body=json.dumps({**BODY, "messages": [{"role": "user", "content": text}]}),
            **said,
        )

    records = [
        body(20, "attempt 1"),
        body(101, "attempt 2"),
        request(200, "r1"),
        body(401, "later"),
        body(402, "aside", query_source="compact"),
        request(500, "r2"),
        request(501, "c1", query_source="compact"),
    ]
    told = {call.response_id: lines(call)[1] for call in calls(read_session(records))}
    assert told == {"r1": "user: attempt 2", "r2": "user: later", "c1": "user: aside"}


def test_a_session_under_way_tells_what_has_ended() -> None:
    told = [len(calls(read_session(TWO_TURNS[:end]))) for end in range(len(TWO_TURNS) + 1)]
    assert told == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3]
