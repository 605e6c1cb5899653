"""What only a broken or hostile sender says: absurd durations, texts that no encoding has, endless nesting."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.access import Principal
from gateway.telemetry import otlp_json, otlp_protobuf
from gateway.telemetry.bounds import NAME_BYTES
from gateway.telemetry.keeping import StoredTelemetry
from gateway.telemetry.metric_series import MetricSeries
from gateway.telemetry.readers.tool_sessions import read_session
from gateway.telemetry.records import LogRecord
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
