"""OpenTelemetry's own exporters as clients: what they send arrives, and they take our answers as they are meant."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tests.telemetry.receiving import Receiving, receiving
from tests.waiting import until

RESOURCE = Resource({"service.name": "app", "service.instance.id": "i-1"})


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Receiving]:
    async with receiving(tmp_path) as started:
        yield started


@pytest.fixture(params=["", "/otlp"])
def base(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


async def test_spans(there: Receiving, base: str) -> None:
    def send(compression: Compression) -> None:
        headers = {"authorization": f"Bearer {there.key}"}
        exporter = OTLPSpanExporter(f"{there.url}{base}/v1/traces", headers=headers, compression=compression)
        provider = TracerProvider(resource=RESOURCE)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("lib", "1.0")
        with tracer.start_as_current_span("outer", attributes={"n": 5, "list": ["a", "b"], "x": 0.5}) as outer:
            outer.add_event("thing", {"e": True})
            with tracer.start_as_current_span("inner"):
                pass
        provider.shutdown()

    for compression in (Compression.NoCompression, Compression.Gzip, Compression.Deflate):
        await asyncio.to_thread(send, compression)
        ((batch, principal),) = there.consumer.taken
        inner, outer = batch.spans
        assert (inner.name, outer.name, inner.parent_span_id) == ("inner", "outer", outer.span_id)
        assert outer.attributes == {"n": 5, "list": ["a", "b"], "x": 0.5}
        assert [(one.name, one.attributes) for one in outer.events] == [("thing", {"e": True})]
        assert (outer.scope.name, outer.scope.version, outer.resource["service.name"]) == ("lib", "1.0", "app")
        assert principal.key_name == "exporter"
        there.consumer.taken.clear()


async def test_logs_and_metrics(there: Receiving) -> None:
    headers = {"x-api-key": there.key}

    def send() -> None:
        logs = LoggerProvider(resource=RESOURCE)
        logs.add_log_record_processor(
            SimpleLogRecordProcessor(OTLPLogExporter(f"{there.url}/v1/logs", headers=headers))
        )
        logs.get_logger("lib").emit(
            LogRecord(
                timestamp=7,
                severity_number=SeverityNumber.INFO,
                body={"a": [1]},
                event_name="gen_ai.choice",
                attributes={"k": "v"},
            )
        )
        logs.shutdown()
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(f"{there.url}/v1/metrics", headers=headers), export_interval_millis=3_600_000
        )
        metrics = MeterProvider([reader], resource=RESOURCE)
        metrics.get_meter("lib").create_counter("calls", unit="1").add(3, {"model": "m"})
        metrics.get_meter("lib").create_histogram("took").record(0.5)
        metrics.shutdown()

    await asyncio.to_thread(send)
    (logs, _), (metrics, _) = there.consumer.taken
    (record,) = logs.logs
    assert (record.event_name, record.body, record.attributes) == ("gen_ai.choice", {"a": [1]}, {"k": "v"})
    assert (record.time_ns, record.severity) == (7, 9)
    points = {point.name: point for point in metrics.metrics}
    assert (points["calls"].value, points["calls"].attributes, points["calls"].monotonic) == (3, {"model": "m"}, True)
    assert (points["took"].count, points["took"].total, sum(points["took"].counts)) == (1, 0.5, 1)


async def test_an_exporter_comes_again_after_a_503_and_not_after_a_401(
    there: Receiving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr("gateway.telemetry.intake.RETRY_AFTER_S", 1)
    exporter: SpanExporter = OTLPSpanExporter(
        f"{there.url}/v1/traces", headers={"authorization": f"Bearer {there.key}"}
    )
    tracer = TracerProvider().get_tracer("lib")
    span = tracer.start_span("once")
    span.end()
    there.consumer.full = True
    sent = asyncio.create_task(asyncio.to_thread(exporter.export, [span]))  # type: ignore[list-item]
    await until(lambda: there.receiver.intake.counts.turned_away)
    there.consumer.full = False
    assert await sent is SpanExportResult.SUCCESS
    assert [one.name for batch, _ in there.consumer.taken for one in batch.spans] == ["once"]
    requests = there.receiver.intake.counts.requests
    refused = OTLPSpanExporter(f"{there.url}/v1/traces", headers={"authorization": "Bearer tk_no"})
    assert await asyncio.to_thread(refused.export, [span]) is SpanExportResult.FAILURE  # type: ignore[list-item]
    assert there.receiver.intake.counts.requests == requests
    await asyncio.to_thread(exporter.shutdown)
