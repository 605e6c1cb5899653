"""OTLP in protobuf: an export request's bytes to a Batch.

The generated classes of `opentelemetry-proto` are imported at the first request (80 ms that no start-up waits for);
their parser is protobuf's own in C. What comes out of it is walked here, and `items` says what is kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from gateway.telemetry.bounds import UNCOUNTED_BYTES, Keeping, check_depth
from gateway.telemetry.items import Items, Place, Step, event, exponential, link, no_step
from gateway.telemetry.malformed import Malformed
from gateway.telemetry.protobuf_count import check_count
from gateway.telemetry.protobuf_text import mended
from gateway.telemetry.records import Attributes, Batch, Scope

_COLLECTOR = "opentelemetry.proto.collector"
_DELTA = 1
Buffer = bytes | bytearray


def parse_traces(body: Buffer, own_instance: str = "", step: Step = no_step) -> Batch:
    """Raises Malformed."""
    items = Items(own_instance, step)
    request = _parsed("traces", f"{_COLLECTOR}.trace.v1.trace_service_pb2", "ExportTraceServiceRequest", body)
    for place, within in _places(items, request.resource_spans, "scope_spans"):
        for span in within.spans:
            _span(items, place, span)
    return items.batch()


def parse_logs(body: Buffer, own_instance: str = "", step: Step = no_step) -> Batch:
    """Raises Malformed."""
    items = Items(own_instance, step)
    request = _parsed("logs", f"{_COLLECTOR}.logs.v1.logs_service_pb2", "ExportLogsServiceRequest", body)
    for place, within in _places(items, request.resource_logs, "scope_logs"):
        for record in within.log_records:
            _log(items, place, record)
    return items.batch()


def parse_metrics(body: Buffer, own_instance: str = "", step: Step = no_step) -> Batch:
    """Raises Malformed."""
    items = Items(own_instance, step)
    request = _parsed("metrics", f"{_COLLECTOR}.metrics.v1.metrics_service_pb2", "ExportMetricsServiceRequest", body)
    for place, within in _places(items, request.resource_metrics, "scope_metrics"):
        for metric in within.metrics:
            _metric(items, place, metric)
    return items.batch()


def _parsed(signal: str, module: str, name: str, body: Buffer) -> Any:
    if len(body) > UNCOUNTED_BYTES:
        check_count(signal, body)
    from google.protobuf.message import DecodeError

    message = getattr(import_module(module), name)()
    try:
        message.ParseFromString(body)
    except DecodeError:
        message.Clear()
    else:
        return message
    # Most likely for text that is no UTF-8.
    try:
        message.ParseFromString(mended(signal, body))
    except (DecodeError, Malformed):
        raise Malformed("the body is not the protobuf message that this path takes, or is nested too deep") from None
    return message


def _places(items: Items, resources: Iterable[Any], scopes: str) -> Iterator[tuple[Place, Any]]:
    for one in resources:
        resource = _attributes(one.resource.attributes, Keeping())
        if items.ours(resource):
            continue
        for within in getattr(one, scopes):
            scope, keeping = within.scope, Keeping()
            told = Scope(
                keeping.name(scope.name),
                keeping.name(scope.version),
                keeping.name(within.schema_url),
                _attributes(scope.attributes, keeping),
            )
            yield Place(resource, told), within


def _span(items: Items, place: Place, span: Any) -> None:
    keeping = Keeping()
    links = (link(one.trace_id.hex(), one.span_id.hex(), _attributes(one.attributes, keeping)) for one in span.links)
    items.span(
        place,
        keeping,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        trace_state=keeping.text(span.trace_state, "trace state"),
        flags=span.flags,
        name=keeping.text(span.name, "name"),
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.code,
        status_message=keeping.text(span.status.message, "status message"),
        attributes=_attributes(span.attributes, keeping),
        events=tuple(
            event(
                keeping.text(one.name, "event"),
                one.time_unix_nano,
                _attributes(one.attributes, keeping),
                one.dropped_attributes_count,
            )
            for one in span.events
        ),
        links=tuple(one for one in links if one is not None),
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
    )


def _log(items: Items, place: Place, record: Any) -> None:
    keeping = Keeping()
    items.log(
        place,
        keeping,
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        time_ns=record.time_unix_nano,
        observed_ns=record.observed_time_unix_nano,
        severity=record.severity_number,
        event_name=keeping.text(record.event_name, "event name"),
        body=_value(record.body, keeping, "body", 0) if record.HasField("body") else None,
        attributes=_attributes(record.attributes, keeping),
        dropped_attributes=record.dropped_attributes_count,
    )


def _metric(items: Items, place: Place, metric: Any) -> None:
    form = metric.WhichOneof("data")
    if form is None:
        return
    data, keeping = getattr(metric, form), Keeping()
    said = {key: keeping.name(getattr(metric, key)) for key in ("name", "unit", "description")}
    delta = getattr(data, "aggregation_temporality", 0) == _DELTA
    monotonic = bool(getattr(data, "is_monotonic", False))
    for point in data.data_points:
        items.point(
            place,
            **said,
            form=form,
            delta=delta,
            monotonic=monotonic,
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            attributes=_attributes(point.attributes, Keeping()),
            **_FIGURES[form](point),
        )


def _number(point: Any) -> Mapping[str, Any]:
    which = point.WhichOneof("value")
    return {"value": getattr(point, which) if which else None}


def _histogram(point: Any) -> Mapping[str, Any]:
    return {
        "count": point.count,
        "total": point.sum if point.HasField("sum") else None,
        "bounds": tuple(point.explicit_bounds),
        "counts": tuple(point.bucket_counts),
    }


def _exponential(point: Any) -> Mapping[str, Any]:
    positive = point.positive
    return {
        "count": point.count,
        "total": point.sum if point.HasField("sum") else None,
        **exponential(point.scale, point.zero_count, positive.offset, positive.bucket_counts),
    }


def _summary(point: Any) -> Mapping[str, Any]:
    return {"count": point.count, "total": point.sum}


_FIGURES: Mapping[str, Callable[[Any], Mapping[str, Any]]] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}


def _attributes(pairs: Any, keeping: Keeping, depth: int = 0) -> Attributes:
    named = ((name := keeping.name(pair.key), _value(pair.value, keeping, name, depth)) for pair in pairs)
    return keeping.attributes(named, len(pairs))


def _value(value: Any, keeping: Keeping, name: str, depth: int) -> Any:
    which = value.WhichOneof("value")
    if which == "string_value":
        return keeping.text(value.string_value, name)
    if which is None:
        return None
    if which == "bytes_value":
        return keeping.blob(value.bytes_value, name)
    found = getattr(value, which)
    if which == "array_value":
        check_depth(depth + 1)
        return [_value(one, keeping, name, depth + 1) for one in found.values]
    if which == "kvlist_value":
        check_depth(depth + 1)
        return _attributes(found.values, keeping, depth + 1)
    return found
