"""Redaction reaches every text of received telemetry, and content goes where it is switched off."""

import pytest

from gateway.capture.pause import Pause
from gateway.capture.redactor import Redactor
from gateway.capture.rules import chosen
from gateway.keys.access import Principal
from gateway.telemetry.privacy import Privacy
from gateway.telemetry.records import LEFT_OUT, Batch, LogRecord, Scope, Span, SpanEvent, SpanLink
from gateway.telemetry.texts import changed_texts

SECRET = "sk-ant-api03-" + "Ab3" * 20
ANN = Principal("key_1", "ann's", "execute", None, ("team:legal",))


def privacy(
    *,
    content: bool = True,
    keys_off: tuple[str, ...] = (),
    tags_off: tuple[str, ...] = (),
    parts_off: tuple[str, ...] = (),
) -> Privacy:
    redactor = Redactor(chosen((), ()))
    return Privacy(redactor, content=content, keys_off=keys_off, tags_off=tags_off, parts_off=parts_off)


def test_redaction_reaches_every_text_and_nothing_else() -> None:
    resource = {"owner": SECRET}
    span = Span(
        trace_id="1" * 32,
        span_id="2" * 16,
        name=f"call {SECRET}",
        status_message=SECRET,
        attributes={"a": SECRET, "list": [SECRET, 5, {"deep": SECRET}], "raw": SECRET.encode(), "bytes": b"\xff\x00"},
        events=(SpanEvent(name=SECRET, attributes={"e": SECRET}),),
        links=(SpanLink(trace_id="3" * 32, span_id="4" * 16, attributes={"l": SECRET}),),
        resource=resource,
    )
    body = {"text": f'{{"k": "{SECRET}"}}'}
    record = LogRecord(event_name="e", body=body, attributes={"p": SECRET}, resource=resource)
    batch = privacy()(Batch(spans=(span, span), logs=(record,)), ANN)
    assert SECRET not in repr(batch)
    assert (batch.spans[0].trace_id, batch.spans[0].span_id) == ("1" * 32, "2" * 16)
    assert batch.spans[0].attributes["list"][1] == 5
    assert batch.spans[0].attributes["bytes"] == b"\xff\x00"
    assert batch.spans[0].name.startswith("call ")
    assert batch.spans[0].resource is batch.logs[0].resource


def test_what_holds_no_secret_stays_as_it_is() -> None:
    span = Span(trace_id="1" * 32, span_id="2" * 16, name="chat", attributes={"a": "b", "n": [1, {"x": None}]})
    plain = Batch(spans=(span,), rejected=2, reason="why")
    assert changed_texts(plain, str) == plain
    assert privacy()(plain, ANN) == plain


@pytest.mark.parametrize(
    "switched",
    [
        {"content": False},
        {"keys_off": ("ann's",)},
        {"tags_off": ("team",)},
        {"tags_off": ("team:legal",)},
        {"parts_off": ("media", "headers")},
    ],
)
def test_content_goes_where_it_is_switched_off(switched: dict[str, bool | tuple[str, ...]]) -> None:
    attributes = {"gen_ai.input.messages": "what was said", "gen_ai.usage.input_tokens": 5}
    batch = Batch(spans=(Span(trace_id="1" * 32, span_id="2" * 16, attributes=attributes),))
    (span,) = privacy(**switched)(batch, ANN).spans  # type: ignore[arg-type]
    assert (span.attributes, LEFT_OUT in span.notes) == ({"gen_ai.usage.input_tokens": 5}, True)
    others = privacy(keys_off=("bob's",), tags_off=("team:ops",), parts_off=("headers",))
    (whole,) = others(batch, ANN).spans
    assert whole == batch.spans[0]


def test_nothing_is_kept_of_what_comes_in_a_pause_or_tells_of_one() -> None:
    now = [1_795_456_980_000_000]
    pause = Pause(lambda: now[0], lambda: now[0] / 1e6)
    guard = Privacy(
        Redactor(chosen((), ())), content=True, keys_off=(), tags_off=(), pause=pause, now_us=lambda: now[0]
    )

    def kept(start_us: int, end_us: int) -> bool:
        span = Span(
            trace_id="1" * 32,
            span_id="2" * 16,
            start_ns=start_us * 1000,
            end_ns=end_us * 1000,
            attributes={"gen_ai.input.messages": "what was said"},
        )
        (found,) = guard(Batch(spans=(span,)), ANN).spans
        assert (found.attributes, found.notes) in ((span.attributes, ()), ({}, (LEFT_OUT,)))
        return found == span

    def logged(at_us: int) -> bool:
        (found,) = guard(Batch(logs=(LogRecord(time_ns=at_us * 1000, body="what was said"),)), ANN).logs
        return LEFT_OUT not in found.notes

    minute = 60_000_000
    before = now[0] - minute
    assert kept(before, before) and logged(before)
    pause.begin(15)
    start = now[0]
    assert not kept(before, before) and not logged(before), "they come in the pause"
    now[0] += 2 * minute
    pause.end()
    now[0] += minute
    assert kept(before, before) and kept(now[0], now[0]) and kept(0, 0) and logged(before) and logged(now[0])
    assert not kept(start + minute, start + minute) and not logged(start + minute), "they tell of it"
    assert not kept(before, now[0]), "it was within"


def test_redaction_reaches_what_the_library_and_the_trace_say() -> None:
    scope = Scope(f"lib {SECRET}", SECRET, SECRET, {"a": SECRET})
    span = Span(trace_id="1" * 32, span_id="2" * 16, trace_state=f"vendor={SECRET}", scope=scope)
    batch = privacy()(Batch(spans=(span, span), logs=(LogRecord(scope=scope),)), ANN)
    assert SECRET not in repr(batch)
    assert batch.spans[0].scope is batch.spans[1].scope is batch.logs[0].scope
    assert batch.spans[0].scope.name.startswith("lib ")


def test_without_content_a_library_and_a_trace_say_what_they_are_and_no_more() -> None:
    said = Scope("lib", "1", "https://schema", {"gen_ai.prompt": "secret words", "lines": 5})
    span = Span(trace_id="1" * 32, span_id="2" * 16, trace_state="said=secret", scope=said)
    batch = privacy(content=False)(Batch(spans=(span,), logs=(LogRecord(scope=said),)), ANN)
    assert "secret" not in repr(batch)
    assert batch.spans[0].scope == batch.logs[0].scope == Scope("lib", "1", "https://schema", {"lines": 5})
