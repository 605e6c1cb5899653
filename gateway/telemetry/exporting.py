"""The gateway's own spans and metrics, sent on to an OTLP endpoint by OpenTelemetry's own library.

Off unless an endpoint is set. The library batches and sends on threads of its own, with bounded queues: what an
endpoint does not take in time is dropped there, and the gateway's own books stand. It is loaded only when needed.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from gateway.configuration.setting_values import parse_headers
from gateway.configuration.settings import Settings
from gateway.records import ExchangeRecord
from gateway.telemetry.exchange_spans import OPERATIONS, PROVIDER_NAMES, SAMPLED
from gateway.telemetry.records import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

CLOSE_MS = 3000
METRICS_EVERY_MS = 60_000
# Of spans that wait: about a minute at 100 requests a second.
LONGEST_QUEUE = 8192
# By these the library is told what to send, and how, by whoever starts a program (opentelemetry.io, Environment
# Variable Specification); whom an endpoint's certificate must be from is the machine's matter, and stays.
_OTHERS = re.compile(r"OTEL_(?!.*(?:CERTIFICATE|CLIENT_KEY)$).*")
# The bounds that the GenAI conventions advise.
TOKEN_BOUNDS = tuple(float(4**power) for power in range(14))
DURATION_BOUNDS = tuple(0.01 * 2**power for power in range(14))


class ExportTarget(Struct, frozen=True, kw_only=True):
    """`endpoint` is a base URL to which /v1/traces and /v1/metrics are added. `headers` may hold a secret."""

    endpoint: str
    headers: Mapping[str, str] = {}
    spans: bool = True
    metrics: bool = True

    def url(self, signal: str) -> str:
        return f"{self.endpoint.rstrip('/')}/v1/{signal}"

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc.rpartition("@")[2]


def export_target(settings: Settings) -> ExportTarget | None:
    """Where the settings send spans and metrics on to, if anywhere."""
    export, headers = settings.export, settings.export_headers
    if export.endpoint is None or not (export.spans or export.metrics):
        return None
    return ExportTarget(
        endpoint=export.endpoint,
        headers=parse_headers(headers.reveal()) if headers else {},
        spans=export.spans,
        metrics=export.metrics,
    )


class Exporter:
    """Feed it from one thread. `resource` names this gateway, so that it knows its own export when it comes back."""

    def __init__(self, target: ExportTarget, resource: Mapping[str, Any], version: str) -> None:
        from opentelemetry.sdk.resources import Resource

        self._resource = Resource(dict(resource))
        with _without_others_variables():
            self._spans = self._span_processor(target) if target.spans else None
            self._meters = self._meter_provider(target) if target.metrics else None
        if self._meters is not None:
            meter = self._meters.get_meter("faregate", version)
            self._duration = meter.create_histogram("gen_ai.client.operation.duration", "s")
            self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}")
            self._served = meter.create_histogram("http.server.request.duration", "s")
            self._cost = meter.create_counter("faregate.cost", "{USD}")

    def _span_processor(self, target: ExportTarget) -> Any:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        sender = OTLPSpanExporter(
            endpoint=target.url("traces"), headers=dict(target.headers), timeout=10, compression=Compression.Gzip
        )
        return BatchSpanProcessor(sender, max_queue_size=LONGEST_QUEUE, schedule_delay_millis=2000)

    def _meter_provider(self, target: ExportTarget) -> Any:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

        sender = OTLPMetricExporter(
            endpoint=target.url("metrics"), headers=dict(target.headers), timeout=10, compression=Compression.Gzip
        )
        views = [
            View(instrument_name=name, aggregation=ExplicitBucketHistogramAggregation(bounds))
            for name, bounds in (
                ("gen_ai.client.operation.duration", DURATION_BOUNDS),
                ("http.server.request.duration", DURATION_BOUNDS),
                ("gen_ai.client.token.usage", TOKEN_BOUNDS),
            )
        ]
        reader = PeriodicExportingMetricReader(sender, export_interval_millis=METRICS_EVERY_MS)
        return MeterProvider((reader,), resource=self._resource, shutdown_on_exit=False, views=views)

    def send(self, spans: Iterable[Span]) -> None:
        """Spans of traces that the caller does not sample stay here."""
        if self._spans is None:
            return
        for span in spans:
            if span.flags & SAMPLED:
                self._spans.on_end(self._readable(span))

    def count(self, record: ExchangeRecord, operation: str = "chat") -> None:
        if self._meters is None:
            return
        labels: dict[str, Any] = {
            "gen_ai.operation.name": OPERATIONS.get(operation, operation),
            "gen_ai.provider.name": PROVIDER_NAMES.get(record.provider or "", record.provider or "unknown"),
            "gen_ai.request.model": record.model_requested or "unknown",
            "gen_ai.response.model": record.model or "unknown",
        }
        ended = {**labels, **({"error.type": record.error_type} if record.error_type else {})}
        for attempt in record.attempts:
            self._duration.record(attempt.latency_us / 1e6, ended)
        for word, tokens in (("input", record.input_tokens), ("output", record.output_tokens)):
            if tokens is not None:
                self._tokens.record(tokens, {**labels, "gen_ai.token.type": word})
        if record.cost_nano:
            self._cost.add(record.cost_nano / 1e9, labels)
        if record.latency_us is not None:
            served = {"http.request.method": "POST", "http.response.status_code": record.status}
            self._served.record(record.latency_us / 1e6, served)

    def close(self) -> None:
        """Sends what waits, for at most CLOSE_MS each; blocks."""
        if self._spans is not None:
            # It would wait for as long as its sender tries, whatever time it is given.
            ending = Thread(target=self._spans.shutdown, name="export-end", daemon=True)
            ending.start()
            ending.join(CLOSE_MS / 1000)
            if ending.is_alive():
                self._spans.span_exporter.shutdown()
        if self._meters is not None:
            self._meters.shutdown(CLOSE_MS)

    def _readable(self, span: Span) -> "ReadableSpan":
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import SpanKind, Status, StatusCode

        # The wire's kinds and states count from 1 where the library's count from 0, or in another order.
        kind = {2: SpanKind.SERVER, 3: SpanKind.CLIENT}.get(span.kind, SpanKind.INTERNAL)
        state = {1: StatusCode.OK, 2: StatusCode.ERROR}.get(span.status, StatusCode.UNSET)
        return ReadableSpan(
            name=span.name,
            context=_context(span, span.span_id),
            parent=_context(span, span.parent_span_id, remote=True) if span.parent_span_id else None,
            resource=self._resource,
            attributes=span.attributes,
            kind=kind,
            status=Status(state, span.status_message or None if state is StatusCode.ERROR else None),
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=InstrumentationScope(span.scope.name, span.scope.version),
        )


@contextmanager
def _without_others_variables() -> Iterator[None]:
    """Our settings say all of what is sent on. To the headers that it is given the library adds those of a variable,
    which holds the key by which this user's programs send to us: no other endpoint is to have it. And what is meant
    for other programs, such as credentials from a package that is not here, would keep this one from starting."""
    others = {name: os.environ.pop(name) for name in tuple(os.environ) if _OTHERS.fullmatch(name)}
    try:
        yield
    finally:
        os.environ.update(others)


def _context(span: Span, span_id: str, *, remote: bool = False) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags, TraceState

    state = TraceState.from_header([span.trace_state]) if span.trace_state else None
    return SpanContext(int(span.trace_id, 16), int(span_id, 16), remote, TraceFlags(span.flags & 0xFF), state)
