"""Spans whose content comes in log records: read with them, a span says what the index expects of both."""

from collections import defaultdict
from typing import Any

import msgspec
import pytest

from gateway.telemetry.observed import Role
from gateway.telemetry.readers import observe, observe_records
from gateway.telemetry.records import LogRecord, Span, SpanEvent
from tests.telemetry.recorded import Recording, recording, recordings
from tests.telemetry.span_views import call, logs_of, spans_of
from tests.telemetry.test_span_readers import THOUGHT

DETAILED = [
    one
    for one in recordings()
    if one.signal == "logs"
    and "gen_ai.client.inference.operation.details" in one.expected.get("event_counts", {})
    and not one.file.startswith("gemini-cli")
]
CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")
EVENTS_V1 = {
    "openai-v2-legacy.multiturn-tool": ("logs.pb",),
    "openai-v2-legacy.error429": ("logs.pb",),
    "pydantic-ai-1.0-v1logs.nested-agents": ("logs.pb", "logs.02.pb"),
}


def by_span(records: tuple[LogRecord, ...]) -> dict[str, list[LogRecord]]:
    found: dict[str, list[LogRecord]] = defaultdict(list)
    for record in records:
        found[record.span_id or ""].append(record)
    return found


def pairs(logs: Recording) -> list[tuple[Span, list[LogRecord]]]:
    """Each span of the traces beside these logs that has records."""
    told = by_span(logs_of(logs))
    spans = spans_of(recording(logs.file.replace(".logs.", ".traces.")))
    return [(span, told[span.span_id]) for span in spans if span.span_id in told]


@pytest.mark.parametrize("logs", DETAILED, ids=str)
def test_content_told_twice_is_told_once(logs: Recording) -> None:
    told = pairs(logs)
    assert len(told) == len(logs.expected["messages"])
    for span, records in told:
        assert call(observe(span, records)) == call(observe(span))


@pytest.mark.parametrize("logs", DETAILED, ids=str)
def test_content_of_events_only_is_that_of_the_span(logs: Recording) -> None:
    for span, records in pairs(logs):
        attributes = {name: value for name, value in span.attributes.items() if name not in CONTENT}
        bare = msgspec.structs.replace(span, attributes=attributes)
        whole, joined = observe(span), observe(bare, records)
        assert call(joined) == call(whole)
        assert joined.request is not None and whole.request is not None
        assert joined.request.tools == whole.request.tools
        assert observe(bare).request == msgspec.structs.replace(whole.request, messages=(), tools=())
        failed = whole.error_message is not None
        assert any("was not sent" in hint for hint in observe(bare).hints)
        assert failed or not any("was not sent" in hint for hint in joined.hints)


@pytest.mark.parametrize("logs", DETAILED, ids=str)
def test_records_without_their_span_tell_the_call_too(logs: Recording) -> None:
    for span, records in pairs(logs):
        alone = observe_records(records)
        assert alone.from_session and alone.identity
        assert (alone.trace_id, alone.span_id, alone.role) == (span.trace_id, span.span_id, Role.INFERENCE)
        whole = call(observe(span))
        whole.pop("error", None)
        shown = call(alone)
        shown.pop("error", None)
        assert shown == whole


@pytest.mark.parametrize("name", EVENTS_V1)
def test_messages_in_events_of_the_older_conventions_are_as_the_index_expects(name: str) -> None:
    parts = [recording(f"{name}.{ending}") for ending in EVENTS_V1[name]]
    told = by_span(tuple(record for part in parts for record in logs_of(part)))
    expected: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        for row in part.expected["messages"]:
            expected[row["span_id"]].append(row)
    seen = 0
    for span in spans_of(recording(f"{name}.traces.pb")):
        if span.span_id not in expected:
            continue
        seen += 1
        telling = observe(span, told[span.span_id])
        shown = call(telling)
        spoken = [_thinking(row) for row in expected[span.span_id] if row["event"] == "gen_ai.choice"]
        asked = [_thinking(row) for row in expected[span.span_id] if row["event"] != "gen_ai.choice"]
        system = [part for role, parts in asked if role == "system" for part in parts]
        assert shown.get("system", []) == system
        assert [(row["role"], row["parts"]) for row in shown["input"]] == [row for row in asked if row[0] != "system"]
        assert [(row["role"], row["parts"]) for row in shown.get("output", [])] == spoken
        assert not any("was not sent" in hint for hint in telling.hints)
        assert "was not sent" in " ".join(observe(span).hints)
    assert seen == len(expected) > 0


def _thinking(row: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Role and parts; format 1 marks thinking as such, which the index has as text."""
    for part in row["parts"]:
        if row["role"] == "assistant" and part.get("content") == THOUGHT:
            part["type"] = "reasoning"
    return row["role"], row["parts"]


def test_records_are_in_the_order_of_their_times_and_of_arrival_within_one() -> None:
    def record(time_ns: int, name: str, content: str) -> LogRecord:
        return LogRecord(time_ns=time_ns, event_name=name, body={"content": content}, span_id="b" * 16)

    span = Span(trace_id="a" * 32, span_id="b" * 16, attributes={"gen_ai.operation.name": "chat"})
    late = [
        record(7, "gen_ai.user.message", "third"),
        record(3, "gen_ai.user.message", "first"),
        record(3, "gen_ai.assistant.message", "second"),
    ]
    assert [part["parts"][0]["content"] for part in call(observe(span, late))["input"]] == [
        "first",
        "second",
        "third",
    ]


def test_events_on_the_span_itself_hold_nested_fields_as_json() -> None:
    called = '[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\\"a\\":1}"}}]'
    span = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        attributes={"gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.operation.name": "chat"},
        events=(
            SpanEvent(name="gen_ai.system.message", attributes={"content": "Be brief."}),
            SpanEvent(name="gen_ai.user.message", attributes={"content": "Hello"}),
            SpanEvent(name="gen_ai.assistant.message", attributes={"tool_calls": called}),
            SpanEvent(name="gen_ai.tool.message", attributes={"id": "call_1", "content": "seen"}),
            SpanEvent(
                name="gen_ai.choice",
                attributes={"index": 0, "finish_reason": "stop", "message": '{"role":"assistant","content":"Yes"}'},
            ),
        ),
    )
    shown = call(observe(span))
    assert shown["system"] == [{"type": "text", "content": "Be brief."}]
    assert shown["input"] == [
        {"role": "user", "parts": [{"type": "text", "content": "Hello"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "f", "arguments": {"a": 1}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "seen"}]},
    ]
    assert shown["output"] == [{"role": "assistant", "parts": [{"type": "text", "content": "Yes"}]}]


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        ('[{"role":"user","content":"Hello"}]', '[{"role":"assistant","content":"Yes"}]'),
        ("Hello", "Yes"),
    ],
)
def test_the_oldest_events_hold_a_list_of_messages_or_plain_words(prompt: str, completion: str) -> None:
    span = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        attributes={"gen_ai.system": "openai", "gen_ai.request.model": "m"},
        events=(
            SpanEvent(name="gen_ai.content.prompt", attributes={"gen_ai.prompt": prompt}),
            SpanEvent(name="gen_ai.content.completion", attributes={"gen_ai.completion": completion}),
        ),
    )
    telling = observe(span)
    assert telling.reader == "semconv-events" and telling.role is Role.INFERENCE
    shown = call(telling)
    assert shown["input"] == [{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]
    assert shown["output"] == [{"role": "assistant", "parts": [{"type": "text", "content": "Yes"}]}]


def test_an_exception_in_a_log_record_is_the_span_s() -> None:
    span = Span(trace_id="a" * 32, span_id="b" * 16, attributes={"gen_ai.operation.name": "chat"})
    record = LogRecord(
        event_name="exception",
        attributes={"exception.type": "openai.RateLimitError", "exception.message": "Slow down"},
    )
    telling = observe(span, [record])
    assert (telling.error_kind, telling.error_message) == ("rate_limited", "Slow down")
    assert observe(msgspec.structs.replace(span, status=1), [record]).error_message is None


def test_evaluations_are_facts_of_the_call() -> None:
    judged = {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.value": 0.9}
    span = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        attributes={"gen_ai.operation.name": "chat", "server.address": "127.0.0.1"},
        events=(SpanEvent(name="gen_ai.evaluation.result", attributes={"gen_ai.evaluation.name": "length"}),),
    )
    records = [LogRecord(event_name="gen_ai.evaluation.result", attributes=judged)]
    assert observe(span, records).facts == {
        "gen_ai.evaluation.result": [{"gen_ai.evaluation.name": "length"}, judged]
    }
