"""What only a broken or hostile sender says: absurd durations, texts that no encoding has, endless nesting."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.keys.access import Principal
from gateway.model import Message, Request, Text
from gateway.model import Role as MessageRole
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.bounds import NAME_BYTES
from gateway.telemetry.calls import Exchanged, Seen, calls_of
from gateway.telemetry.frames import with_frames
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.observed import Observed, Role
from gateway.telemetry.readers.tool_sessions import read_session
from gateway.telemetry.records import LogRecord, Span
from tests.store.tellings import opened
from tests.telemetry.recorded import to_protobuf
from tests.telemetry.sessions import calls, claude, codex, gemini

WILD_MS = 2**53
AT_MS = 5000


@pytest.mark.parametrize(
    "records",
    [
        [claude("api_request", AT_MS, model="claude-sonnet-4-6", input_tokens=1, duration_ms=WILD_MS)],
        [claude("tool_result", AT_MS, tool_name="Bash", tool_use_id="t", duration_ms=WILD_MS)],
        [gemini("api_response", AT_MS, model="gemini-3-pro", input_token_count=1, duration_ms=WILD_MS)],
        [gemini("tool_call", AT_MS, function_name="ls", duration_ms=WILD_MS)],
        [codex("tool_result", AT_MS, tool_name="shell", call_id="c", duration_ms=WILD_MS)],
    ],
)
def test_a_duration_that_nothing_has_says_nothing_of_when_it_began(records: list[LogRecord]) -> None:
    (told,) = read_session(records)
    assert (told.started_us, told.latency_us) == (records[0].time_ns // 1000, None)


def test_a_request_of_codex_began_when_it_was_logged_where_its_duration_is_none() -> None:
    records = [
        codex("api_request", AT_MS, duration_ms=WILD_MS),
        codex("sse_event", AT_MS + 10, event__kind="response.completed", input_token_count=1, ttft_ms=WILD_MS),
    ]
    (told,) = calls(read_session(records))
    assert (told.started_us, told.latency_us, told.ttft_us) == (records[0].time_ns // 1000, 10_000, None)


TRACE, SPAN = "5b8aa5a2d2c872e8321cf37308d69df2", "051581bf3cb55c13"
HALF = "a\ud800"
ANN = Principal("key_1", "ann's", "execute", None, ())


def named(name: str, value: Any = "x") -> list[Any]:
    return [{"key": name, "value": value if isinstance(value, dict) else {"stringValue": value}}]


def traces(*, resource: Any = (), scope: Any = None, schema: str = "", **span: Any) -> bytes:
    within = {
        "scope": scope or {},
        "schemaUrl": schema,
        "spans": [{"traceId": TRACE, "spanId": SPAN, **span}],
    }
    return json.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [within]}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        traces(attributes=named(HALF)),
        traces(attributes=named("a", {"kvlistValue": {"values": named(HALF)}})),
        traces(attributes=named(HALF, "y" * (5 << 20))),
        traces(events=[{"name": HALF, "attributes": named(HALF)}]),
        traces(links=[{"traceId": TRACE, "spanId": SPAN, "attributes": named(HALF)}]),
        traces(traceState=f"vendor={HALF}"),
        traces(resource=named(HALF)),
        traces(scope={"name": HALF}),
        traces(scope={"version": HALF}),
        traces(scope={"attributes": named(HALF)}),
        traces(schema=HALF),
    ],
)
def test_half_a_letter_anywhere_keeps_nothing_from_being_stored(tmp_path: Path, body: bytes) -> None:
    with opened(tmp_path) as store:
        assert StoredTelemetry(store, MetricSeries()).accept(otlp_json.parse_traces(body), ANN)
        (kept,) = store.spans_of(TRACE)
    assert kept.span is not None and "\ud800" not in repr(kept.span)


def test_half_a_letter_in_the_name_of_a_metric_is_mended() -> None:
    metric = {"name": HALF, "unit": HALF, "description": HALF, "sum": {"dataPoints": [{"asInt": 1}]}}
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).encode()
    (point,) = otlp_json.parse_metrics(body).metrics
    assert "\ud800" not in f"{point.name}{point.unit}{point.description}"


def test_names_are_cut_where_they_are_texts() -> None:
    long = "n" * (NAME_BYTES + 1)
    body = traces(attributes=named(long), traceState=long * 2000, scope={"name": long}, schema=long)
    (span,) = otlp_json.parse_traces(body).spans
    assert otlp_protobuf.parse_traces(to_protobuf("traces", body)).spans == (span,)
    assert list(span.attributes) == [long[:-1]]
    assert span.notes == ("trace state too long, cut", "attribute name too long, cut")
    assert (span.scope.name, span.scope.schema_url) == (long[:-1], long[:-1])


# Work that grows with the square of this takes minutes.
MANY = 5000
SAID = Request(
    model="", messages=(Message(MessageRole.USER, (Text("q"),)), Message(MessageRole.ASSISTANT, (Text("a"),)))
)


def seen(place: int, parent: int | None, role: Role, *, at_ms: int = 0, for_ms: int = 1, **said: Any) -> Seen:
    span = Span(
        trace_id=TRACE,
        span_id=f"{place:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        start_ns=1 + at_ms * 1_000_000,
        end_ns=1 + (at_ms + for_ms) * 1_000_000,
    )
    return Seen(span, Observed(reader="x", role=role, **said))


def soon(begun: float) -> bool:
    return time.thread_time() - begun < 10


def test_spans_that_are_nested_without_end_are_walked_once() -> None:
    begun = time.thread_time()
    chain = [seen(1, None, Role.AGENT, transcript=SAID)]
    chain += [seen(place, place - 1, Role.GLUE, transcript=SAID) for place in range(2, MANY)]
    chain += [seen(MANY + place, place, Role.INFERENCE) for place in range(1, MANY)]
    framed = with_frames(chain)
    assert framed == chain
    assert len(calls_of(framed, ())) == MANY - 1 and soon(begun)


def test_a_run_alone_in_a_chain_without_end_is_a_call_once() -> None:
    begun = time.thread_time()
    chain = [seen(place, place - 1 or None, Role.AGENT, transcript=SAID) for place in range(1, MANY)]
    assert [one.observed.role for one in with_frames(chain)].count(Role.INFERENCE) == 1 and soon(begun)


def test_calls_of_one_answer_are_gathered_once_however_many_tell_it() -> None:
    begun = time.thread_time()
    tellings = [seen(place, None, Role.INFERENCE, response_id="one") for place in range(1, MANY)]
    assert len(calls_of(tellings, ())) == 1 and soon(begun)


def test_sdks_spans_beside_others_at_one_time_are_held_against_few_of_them() -> None:
    begun = time.thread_time()
    tellings = [seen(place, None, Role.INFERENCE, native=place % 2 == 0) for place in range(1, MANY)]
    assert len(calls_of(tellings, ())) == MANY - 1 and soon(begun)
    apart = [
        seen(2 * place + native, None, Role.INFERENCE, at_ms=1000 * place, native=bool(native))
        for place in range(MANY)
        for native in (0, 1)
    ]
    assert len(calls_of(apart, ())) == MANY and soon(begun)


def test_calls_are_held_against_the_exchanges_of_their_time() -> None:
    begun = time.thread_time()
    tellings = [seen(place, None, Role.INFERENCE, at_ms=1000 * place, for_ms=100) for place in range(MANY)]
    exchanges = [
        Exchanged(
            turn=place,
            request_id=f"req_{place}",
            trace_id=TRACE,
            caller_span_id="f" * 16,
            response_ids=frozenset({f"msg_{place}"}),
            models=frozenset(),
            user=None,
            started_us=1_000_000 * place + 10_000,
            ended_us=1_000_000 * place + 90_000,
        )
        for place in range(MANY)
    ]
    found = calls_of(tellings, exchanges)
    assert [call.joined for call in found] == ["time"] * MANY and soon(begun)


def test_a_tools_runs_are_found_among_its_calls_in_one_pass() -> None:
    begun, said = time.thread_time(), []
    for place in range(1500):
        asked = {"name": "read_file", "args": {"path": f"f{place}", "rest": ["x"] * 200}}
        answer = [{"candidates": [{"content": {"role": "model", "parts": [{"functionCall": asked}]}}]}]
        text = json.dumps(answer)
        said.append(gemini("api_response", place, model="gemini-3-pro", response_text=text, sequence=place))
    for place in reversed(range(1500)):
        arguments = json.dumps({"path": f"f{place}", "rest": ["x"] * 200})
        said.append(gemini("tool_call", 9000, function_name="read_file", function_args=arguments, sequence=place))
    told = read_session(said)
    ids = [one.tool.call_id for one in told if one.tool is not None]
    assert len(ids) == len(set(ids)) == 1500 and soon(begun)
