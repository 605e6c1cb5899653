"""What a gateway sends on to an OTLP endpoint: nothing unless told to, and what was said only if told that too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.endtoend.serving import MODELS, PROVIDER_KEYS, Served, upstreams
from tests.provider.client import ProviderProcess
from tests.telemetry.test_exporting import Collector, plain

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WORDS = "canary-marmalade-2290"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def exported(provider: ProviderProcess, home: Path, collector: Collector, **more: str) -> tuple[str, list[Span]]:
    """One request's id, and the spans that had arrived when the gateway had stopped."""
    variables = {
        "FAREGATE_EXPORT_ENDPOINT": collector.url,
        "FAREGATE_EXPORT_HEADERS": "authorization=Bearer%20canary-secret",
        **upstreams(provider.base_urls),
        **more,
    }
    with Served(home, **variables) as served:
        reply = served.chat(WORDS, MODELS["anthropic"], headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
        assert reply.status == 200
        # What waits is sent before the end.
        assert served.stop() == 0
    spans = [
        span
        for path, headers, body in collector.requests
        if path == "/v1/traces" and headers["authorization"] == "Bearer canary-secret"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return reply.id, spans


def test_spans_stand_in_the_callers_trace_and_say_nothing_of_what_was_said(
    provider: ProviderProcess, tmp_path: Path, collector: Collector
) -> None:
    id, spans = exported(provider, tmp_path / "home", collector)
    door, call = sorted(spans, key=lambda span: span.kind)
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert door.parent_span_id.hex() == CALLER and call.parent_span_id == door.span_id
    values = {item.key: plain(item.value) for item in call.attributes}
    assert values["faregate.request.id"] == id and values["gen_ai.provider.name"] == "anthropic"
    assert values["gen_ai.usage.input_tokens"] > 0 and values["faregate.cost.usd"] > 0
    sent = b"".join(body for _, _, body in collector.requests)
    for secret in (WORDS, *PROVIDER_KEYS.values()):
        assert secret.encode() not in sent
    assert {path for path, _, _ in collector.requests} == {"/v1/traces", "/v1/metrics"}


def test_with_content_the_call_says_what_was_said(
    provider: ProviderProcess, tmp_path: Path, collector: Collector
) -> None:
    _, spans = exported(provider, tmp_path / "home", collector, FAREGATE_EXPORT_CONTENT="on")
    door, call = sorted(spans, key=lambda span: span.kind)
    values = {item.key: plain(item.value) for item in call.attributes}
    assert WORDS in values["gen_ai.input.messages"] and '"assistant"' in values["gen_ai.output.messages"]
    assert "gen_ai.input.messages" not in {item.key for item in door.attributes}


def test_metrics_alone(provider: ProviderProcess, tmp_path: Path, collector: Collector) -> None:
    _, spans = exported(provider, tmp_path / "home", collector, FAREGATE_EXPORT_SPANS="off")
    assert spans == [] and {path for path, _, _ in collector.requests} == {"/v1/metrics"}
