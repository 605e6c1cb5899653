"""Where content is not kept, nothing that was said is left in what was received, and every figure is."""

import json
from typing import Any

import pytest
from msgspec import to_builtins

from gateway.model import Usage
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers import observe, read_session
from gateway.telemetry.records import LEFT_OUT, Batch, LogRecord, Span, SpanEvent, SpanLink
from gateway.telemetry.without_content import without_content
from tests.telemetry.recorded import Recording, recordings
from tests.telemetry.sessions import decoded

RECORDED = [one for one in recordings() if one.signal != "metrics"]
# All that people, models and tools said in the recordings.
SAID = (
    "weather", "Paris", "umbrella", "rain", "greet", "mock model", "concierge", "Thanks", "echo hi", "Print hi",
    "delegate my", "session_context", "shortened for this", "rate limit", "Traceback",
)  # fmt: skip


def words(value: Any) -> list[str]:
    """Every text in a record but the names of things: operations, tools and agents are named after what they do."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [word for key, inner in value.items() if not _names(key) for word in words(inner)]
    return [word for inner in value for word in words(inner)] if isinstance(value, list | tuple) else []


def _names(key: str) -> bool:
    named = ("name", "tool_name", "tools", "agent_name", "metadata", "ai.telemetry.functionId")
    return key in named or key.endswith((".name", ".id", "_id"))


@pytest.mark.parametrize("recorded", RECORDED, ids=str)
def test_nothing_that_was_said_is_left(recorded: Recording) -> None:
    batch = decoded(recorded.file)
    kept = without_content(batch)
    assert [word for word in words(to_builtins(kept)) if any(said in word for said in SAID)] == []
    assert (len(kept.spans), len(kept.logs)) == (len(batch.spans), len(batch.logs))
    assert all(one.notes[-1] == LEFT_OUT for one in (*kept.spans, *kept.logs))


def figures(told: Observed) -> tuple[Any, ...]:
    usage = told.response.usage if told.response and told.response.usage else Usage()
    return (
        told.role,
        told.model,
        told.model_requested,
        told.provider,
        usage,
        told.users,
        told.conversations,
        told.app,
    )


@pytest.mark.parametrize("recorded", [one for one in RECORDED if one.signal == "traces"], ids=str)
def test_every_figure_of_a_span_is(recorded: Recording) -> None:
    batch = decoded(recorded.file)
    for before, after in zip(batch.spans, without_content(batch).spans, strict=True):
        whole, bare = observe(before), observe(after)
        assert figures(bare) == figures(whole)
        assert (bare.error_message is None) == (whole.error_message is None)
        # OpenInference tells the answer's id in the answer's body alone.
        assert bare.response_id == whole.response_id or whole.reader == "openinference"
        spoken = bare.request.messages if bare.request else ()
        assert not any(getattr(part, "text", "") for message in spoken for part in message.parts)


@pytest.mark.parametrize("recorded", [one for one in RECORDED if one.signal == "logs"], ids=str)
def test_every_figure_of_a_session_is(recorded: Recording) -> None:
    batch = decoded(recorded.file)
    whole, bare = read_session(batch.logs), read_session(without_content(batch).logs)
    assert [(*figures(one), one.status, one.error_message is None) for one in bare] == [
        (*figures(one), one.status, one.error_message is None) for one in whole
    ]
    assert [one.response_id for one in bare if one.role is Role.INFERENCE and one.response_id] == [
        one.response_id for one in whole if one.role is Role.INFERENCE and one.response_id
    ]


def test_the_hint_names_our_own_switch_and_not_the_sender_s() -> None:
    for file in (
        "claude-code.session-tool.logs.pb",
        "genai.multiturn-tool.logs.pb",
        "gemini-cli.session-chat.logs.json",
    ):
        for one in read_session(without_content(decoded(file)).logs):
            assert one.hints == (f"The receiver changed these records: {LEFT_OUT}.",)
    told = [observe(span) for span in without_content(decoded("genai.multiturn-tool.traces.pb")).spans]
    assert {hint for one in told for hint in one.hints} == {f"The receiver changed this span: {LEFT_OUT}."}


def test_what_an_app_calls_as_it_likes_is_left_out() -> None:
    said = {
        "question": "secret",
        "my.app.text": "secret",
        "nested": {"a": "secret"},
        "list": ["secret"],
        "raw": b"secret",
    }
    figures_of_its_own = {"my.count": 5, "my.flag": True, "my.share": 0.5, "n": "17", "at": "2026-11-28T12:00:00Z"}
    span = Span(
        trace_id="1" * 32,
        span_id="2" * 16,
        status_message="secret",
        attributes={**said, **figures_of_its_own, "user.id": "u", "gen_ai.request.model": "m"},
        events=(SpanEvent(name="e", attributes={**said, "exception.type": "E", "exception.message": "secret"}),),
        links=(SpanLink(trace_id="3" * 32, span_id="4" * 16, attributes=said),),
        resource={"service.name": "app", "process.command_args": ["secret"]},
    )
    record = LogRecord(event_name="x", body={"content": "secret"}, attributes=said, resource=span.resource)
    kept = without_content(Batch(spans=(span,), logs=(record,)))
    assert "secret" not in json.dumps(to_builtins(kept))
    assert kept.spans[0].attributes == {**figures_of_its_own, "user.id": "u", "gen_ai.request.model": "m"}
    assert kept.spans[0].events[0].attributes == {"exception.type": "E", "exception.message": "(not kept)"}
    assert kept.spans[0].resource == {"service.name": "app"}
    assert kept.logs[0].body is None


def test_a_sentence_under_the_name_of_a_word_is_left_out() -> None:
    span = Span(trace_id="1" * 32, span_id="2" * 16, attributes={"model": "x" * 600, "user.id": {"deep": "secret"}})
    assert without_content(Batch(spans=(span,))).spans[0].attributes == {}
