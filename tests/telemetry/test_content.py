"""What is content and what is not: no recording says a word once content is off, and redaction reaches every text."""

from typing import Any

import pytest
from msgspec import to_builtins

from gateway.capture.redactor import Redactor
from gateway.capture.rules import chosen
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.content import NOTE, changed_texts, is_content, without_content
from gateway.telemetry.records import Batch, LogRecord, Span, SpanEvent, SpanLink
from tests.telemetry.recorded import JSON, Recording, recordings

WITH_CONTENT = [one for one in recordings() if one.signal != "metrics"]


def parsed(recorded: Recording) -> Batch:
    module = otlp_json if recorded.content_type == JSON else otlp_protobuf
    batch: Batch = getattr(module, f"parse_{recorded.signal}")(recorded.body)
    return batch


def said(value: Any) -> list[str]:
    """The texts of all parts of what a viewer should show, long enough to be found nowhere by chance."""
    if isinstance(value, dict):
        own = [value["content"]] if isinstance(value.get("content"), str) else []
        return own + [text for one in value.values() for text in said(one)]
    if isinstance(value, list):
        return [text for one in value for text in said(one)]
    return []


@pytest.mark.parametrize("recorded", WITH_CONTENT, ids=str)
def test_no_word_of_a_recording_is_left_when_content_is_off(recorded: Recording) -> None:
    batch = parsed(recorded)
    kept = repr(to_builtins(without_content(batch)))
    for text in said(recorded.expected):
        for piece in (text[:40], text[-40:]):
            assert len(piece) < 12 or repr(piece)[1:-1] not in kept, piece


@pytest.mark.parametrize("recorded", WITH_CONTENT, ids=str)
def test_figures_of_a_recording_are_left_when_content_is_off(recorded: Recording) -> None:
    batch = parsed(recorded)
    kept = without_content(batch)
    for before, after in zip(batch.spans, kept.spans, strict=True):
        numbers = {name: value for name, value in before.attributes.items() if isinstance(value, int | float)}
        assert numbers.items() <= dict(after.attributes).items()
        for name in ("gen_ai.request.model", "gen_ai.response.id", "gen_ai.operation.name", "gen_ai.system"):
            assert before.attributes.get(name) == after.attributes.get(name)
        assert (before.name, before.start_ns, before.end_ns, before.resource) == (
            after.name, after.start_ns, after.end_ns, after.resource,
        )  # fmt: skip
        assert (NOTE in after.notes) == (before.attributes != after.attributes or before.events != after.events)
    assert [record.event_name for record in batch.logs] == [record.event_name for record in kept.logs]


@pytest.mark.parametrize(
    ("name", "value", "content"),
    [
        ("gen_ai.input.messages", "[]", True),
        ("gen_ai.prompt.0.content", "hello", True),
        ("gen_ai.prompt.0.role", "user", False),
        ("ai.response.text", "hi", True),
        ("ai.response.toolCalls", "[]", True),
        ("input.value", "hi", True),
        ("traceloop.entity.output", "{}", True),
        ("my.own.question", "why?", True),
        ("anything", "x" * 257, True),
        ("anything", {"a": 1}, True),
        ("anything", [{"a": 1}], True),
        ("gen_ai.usage.input_tokens", 5, False),
        ("gen_ai.usage.input_tokens", "5", False),
        ("gen_ai.response.finish_reasons", ["stop"], False),
        ("gen_ai.request.model", "gpt-4.1-mini", False),
        ("gen_ai.conversation.id", "c1", False),
        ("session.id", "s1", False),
        ("exception.message", "no", False),
        ("prompt_length", 12, False),
    ],
)
def test_by_its_name_or_size(name: str, value: Any, content: bool) -> None:
    assert is_content(name, value) is content


def test_redaction_reaches_every_text_and_nothing_else() -> None:
    secret = "sk-ant-api03-" + "Ab3" * 20
    resource = {"owner": secret}
    span = Span(
        trace_id="1" * 32,
        span_id="2" * 16,
        name=f"call {secret}",
        status_message=secret,
        attributes={"a": secret, "list": [secret, 5, {"deep": secret}], "raw": secret.encode(), "bytes": b"\xff\x00"},
        events=(SpanEvent(name=secret, attributes={"e": secret}),),
        links=(SpanLink(trace_id="3" * 32, span_id="4" * 16, attributes={"l": secret}),),
        resource=resource,
    )
    record = LogRecord(
        event_name="e", body={"text": f'{{"k": "{secret}"}}'}, attributes={"p": secret}, resource=resource
    )
    redactor = Redactor(chosen((), ()))
    batch = redactor.through(lambda text: changed_texts(Batch(spans=(span, span), logs=(record,)), text))
    redactor.close()
    assert secret not in repr(batch)
    assert (batch.spans[0].trace_id, batch.spans[0].span_id) == ("1" * 32, "2" * 16)
    assert batch.spans[0].attributes["list"][1] == 5
    assert batch.spans[0].attributes["bytes"] == b"\xff\x00"
    assert batch.spans[0].name.startswith("call ")
    assert batch.spans[0].resource is batch.logs[0].resource
    plain = Batch(spans=(Span(trace_id="1" * 32, span_id="2" * 16, name="chat", attributes={"a": "b"}),))
    assert changed_texts(plain, str) == plain
