"""The official exporter against a collector on loopback that parses what comes with OpenTelemetry's own classes."""

import gzip
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway.configuration.setting_values import parse_headers
from gateway.configuration.settings import Exporting, Hidden, Settings
from gateway.relaying.exchange import Exchange
from gateway.telemetry import exporting
from gateway.telemetry.exchange_spans import exchange_spans
from gateway.telemetry.exporting import Exporter, ExportTarget, export_target
from gateway.telemetry.own import OwnTelemetry
from gateway.telemetry.records import Span
from tests.store.examples import FULL
from tests.telemetry.test_exchange_spans import AROUND, CALLER, PATH, RECORD, TOLD
from tests.waiting import PATIENCE_S, wait_until


class Collector:
    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def exporter(collector: Collector, **more: Any) -> Exporter:
    headers = parse_headers("Authorization=Bearer%20canary")
    target = ExportTarget(endpoint=f"{collector.url}/base/", headers=headers, **more)
    return Exporter(target, AROUND.resource, "1.2.3")


def plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return getattr(value, kind)


def test_spans_arrive_as_they_are(collector: Collector) -> None:
    sender = exporter(collector, metrics=False)
    mine = exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=CALLER)
    sender.send(mine)
    sender.count(FULL)
    sender.close()
    ((path, headers, body),) = collector.requests
    assert path == "/base/v1/traces" and headers["authorization"] == "Bearer canary"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    assert {item.key: plain(item.value) for item in resource.resource.attributes} == dict(AROUND.resource)
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("faregate", "1.2.3")
    assert len(scope.spans) == len(mine)
    for sent, span in zip(scope.spans, mine, strict=True):
        assert sent.trace_id.hex() == span.trace_id and sent.span_id.hex() == span.span_id
        assert sent.parent_span_id.hex() == (span.parent_span_id or "")
        assert (sent.name, sent.kind) == (span.name, span.kind)
        assert (sent.start_time_unix_nano, sent.end_time_unix_nano) == (span.start_ns, span.end_ns)
        assert sent.status.code == span.status
        values = {item.key: plain(item.value) for item in sent.attributes}
        assert values == {k: list(v) if isinstance(v, tuple) else v for k, v in span.attributes.items()}
    assert scope.spans[0].trace_state == "v=1"


def test_what_other_programs_send_by_stays_here(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_EXPORTER_OTLP_HEADERS holds the key by which programs send to this gateway: no other endpoint may have it."""
    named = [f"OTEL_EXPORTER_OTLP_{signal}HEADERS" for signal in ("", "TRACES_", "METRICS_")]
    for variable in named:
        monkeypatch.setenv(variable, "Authorization=Bearer%20tk_ours,x-theirs=tk_ours")
    for headers in ({}, {"x-own": "canary"}):
        sender = Exporter(ExportTarget(endpoint=collector.url, headers=headers), AROUND.resource, "1.2.3")
        sender.send(exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=CALLER))
        sender.count(FULL)
        sender.close()
    assert sorted(path for path, _, _ in collector.requests) == ["/v1/metrics"] * 2 + ["/v1/traces"] * 2
    assert [headers.get("x-own") for _, headers, _ in collector.requests] == [None, None, "canary", "canary"]
    assert not [headers for _, headers, _ in collector.requests if "tk_ours" in str(headers)]
    assert all("tk_ours" in os.environ[variable] for variable in named)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "not_installed_here"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "of another version"),
        ("OTEL_SDK_DISABLED", "true"),
    ],
)
def test_what_other_programs_are_told_of_their_own_telemetry_changes_nothing(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    sender = exporter(collector)
    sender.send(exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=CALLER))
    sender.count(FULL)
    sender.close()
    assert sorted(path for path, _, _ in collector.requests) == ["/base/v1/metrics", "/base/v1/traces"]
    assert os.environ[variable] == value


def test_what_the_caller_does_not_sample_is_not_sent_on(collector: Collector) -> None:
    sender = exporter(collector, metrics=False)
    sender.send(exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=replace(CALLER, flags=0)))
    sender.close()
    assert collector.requests == []


def test_metrics_are_those_of_the_conventions(collector: Collector) -> None:
    sender = exporter(collector, spans=False)
    for _ in range(2):
        sender.count(FULL)
    sender.send(exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=CALLER))
    sender.close()
    ((path, headers, body),) = collector.requests
    assert path == "/base/v1/metrics" and headers["authorization"] == "Bearer canary"
    found = {
        metric.name: metric
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert set(found) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "http.server.request.duration",
        "faregate.cost",
    }
    tokens = {
        plain(next(item.value for item in point.attributes if item.key == "gen_ai.token.type")): point.sum
        for point in found["gen_ai.client.token.usage"].histogram.data_points
    }
    assert tokens == {"input": 200.0, "output": 100.0}
    assert found["gen_ai.client.operation.duration"].unit == "s"
    (ended,) = found["gen_ai.client.operation.duration"].histogram.data_points
    said = {item.key: plain(item.value) for item in ended.attributes}
    assert ended.count == 4 and (said["error.type"], said["gen_ai.operation.name"]) == (FULL.error_type, "chat")
    assert found["faregate.cost"].sum.data_points[0].as_double == pytest.approx(2 * 1.23456789)


def test_an_endpoint_that_is_not_there_holds_nobody_up(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    collector.close()
    monkeypatch.setattr(exporting, "CLOSE_MS", 50)
    others = {*threading.enumerate()}
    sender = exporter(collector)
    sender.send(exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=CALLER))
    sender.count(FULL)
    sender.close()
    # A thread that went on trying would draw random waits within other tests.
    wait_until(lambda: {*threading.enumerate()} <= others)


def test_closing_waits_for_no_sender_that_goes_on_trying(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, told = threading.Event(), []
    monkeypatch.setattr(exporting, "CLOSE_MS", 50)
    monkeypatch.setattr(OTLPSpanExporter, "export", lambda *_args: told.append(given_up.wait(PATIENCE_S)))
    monkeypatch.setattr(OTLPSpanExporter, "shutdown", lambda _self: given_up.set())
    sender = exporter(collector, metrics=False)
    sender.send(exchange_spans(RECORD, TOLD, AROUND, path=PATH, caller=CALLER))
    sender.close()
    wait_until(lambda: told)
    assert told == [True]


@pytest.mark.parametrize("text", ["no-equals", "=value", "a b=c"])
def test_headers_that_cannot_be_read_name_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="header 2") as raised:
        parse_headers(f"good=canary,{text}")
    assert "canary" not in str(raised.value)


def test_headers_are_percent_decoded() -> None:
    assert parse_headers("Authorization=Basic%20abc%3D, x-a = b ,") == {"authorization": "Basic abc=", "x-a": "b"}


def test_what_was_said_stands_on_the_call_that_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Span] = []
    monkeypatch.setattr(Exporter, "send", lambda _self, spans: sent.extend(spans))
    door = SimpleNamespace(path=PATH, operation=SimpleNamespace(name="chat"))
    ended = cast(Exchange, SimpleNamespace(record=RECORD, caller=CALLER, heard=SimpleNamespace(door=door)))
    target = ExportTarget(endpoint="http://127.0.0.1:9", metrics=False)
    for content in (True, False):
        own = OwnTelemetry(lambda: AROUND, target, content=content)
        own(ended, TOLD)
        own.close()
    said = ["gen_ai.input.messages" in span.attributes for span in sent]
    assert said == [False, False, True, False, False, False]


def test_where_to_and_what_is_as_the_settings_say() -> None:
    def target(**export: Any) -> ExportTarget | None:
        return export_target(Settings(export=Exporting(**export)))

    to = "http://127.0.0.1:4318"
    assert target() is None and target(endpoint=to, spans=False, metrics=False) is None
    both = [target(endpoint=to), target(endpoint=to, spans=False), target(endpoint=to, metrics=False)]
    assert [(each.spans, each.metrics) for each in both if each] == [(True, True), (False, True), (True, False)]
    assert both[0] is not None and (both[0].endpoint, both[0].headers) == (to, {})
    headed = export_target(Settings(export=Exporting(endpoint=to), export_headers=Hidden("a=b%20c")))
    assert headed is not None and headed.headers == {"a": "b c"} and Exporting().content is False
