"""OTLP in JSON: an export request's bytes to a Batch.

It is not protobuf's usual JSON: ids are hex, enums are numbers (their names are taken too), 64-bit integers are
numbers or decimal strings, a value without a field is null, unknown keys say nothing. An absent or null field is its
default; a field of another kind is an error that names it.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.telemetry.bounds import UNCOUNTED_BYTES, Keeping, check_depth
from gateway.telemetry.items import Items, Place, Step, event, exponential, link, no_step
from gateway.telemetry.json_count import check_count
from gateway.telemetry.json_fields import (
    Object,
    an_object,
    enum,
    hex_id,
    integer,
    integer_of,
    listed,
    objects,
    real,
    real_of,
    switch,
    text,
)
from gateway.telemetry.malformed import Malformed
from gateway.telemetry.protobuf_text import as_text
from gateway.telemetry.records import Attributes, Batch, Scope, SpanKind, StatusCode

Buffer = bytes | bytearray
_KINDS = {f"SPAN_KIND_{kind.name}": kind.value for kind in SpanKind}
_STATUSES = {f"STATUS_CODE_{code.name}": code.value for code in StatusCode}
_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITIES = {
    f"SEVERITY_NUMBER_{name}{step + 1 if step else ''}": 4 * at + step + 1
    for at, name in enumerate(_LEVELS)
    for step in range(4)
}
_TEMPORALITIES = {"AGGREGATION_TEMPORALITY_DELTA": 1, "AGGREGATION_TEMPORALITY_CUMULATIVE": 2}
_DELTA = 1


def parse_traces(body: Buffer, own_instance: str = "", step: Step = no_step) -> Batch:
    """Raises Malformed."""
    items = Items(own_instance, step)
    for place, within in _places(items, _document(body), "resourceSpans", "scopeSpans"):
        for span in objects(within, "spans"):
            _span(items, place, span)
    return items.batch()


def parse_logs(body: Buffer, own_instance: str = "", step: Step = no_step) -> Batch:
    """Raises Malformed."""
    items = Items(own_instance, step)
    for place, within in _places(items, _document(body), "resourceLogs", "scopeLogs"):
        for record in objects(within, "logRecords"):
            _log(items, place, record)
    return items.batch()


def parse_metrics(body: Buffer, own_instance: str = "", step: Step = no_step) -> Batch:
    """Raises Malformed."""
    items = Items(own_instance, step)
    for place, within in _places(items, _document(body), "resourceMetrics", "scopeMetrics"):
        for metric in objects(within, "metrics"):
            _metric(items, place, metric)
    return items.batch()


def _document(body: Buffer) -> Object:
    if len(body) > UNCOUNTED_BYTES:
        check_count(body)
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise Malformed("the body is nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = _lenient(body)
    if not isinstance(document, dict):
        raise Malformed("the body must be a JSON object")
    return document


def _lenient(body: Buffer) -> Any:
    """Python's own parser takes halves of surrogate pairs, which JavaScript writes where it cuts a text, and NaN.
    What is no UTF-8 is mended as in protobuf."""
    try:
        try:
            return json.loads(body)
        except UnicodeDecodeError:
            return json.loads(as_text(bytes(body)))
    except RecursionError:
        raise Malformed("the body is nested too deep") from None
    except ValueError:
        raise Malformed("the body is not JSON") from None


def _places(items: Items, document: Object, resources: str, scopes: str) -> Iterator[tuple[Place, Object]]:
    for one in objects(document, resources):
        resource = _attributes(an_object(one, "resource"), Keeping())
        if items.ours(resource):
            continue
        for within in objects(one, scopes):
            scope, keeping = an_object(within, "scope"), Keeping()
            told = Scope(
                keeping.name(text(scope, "name")),
                keeping.name(text(scope, "version")),
                keeping.name(text(within, "schemaUrl")),
                _attributes(scope, keeping),
            )
            yield Place(resource, told), within


def _span(items: Items, place: Place, span: Object) -> None:
    keeping = Keeping()
    status = an_object(span, "status")
    links = (
        link(hex_id(one, "traceId"), hex_id(one, "spanId"), _attributes(one, keeping))
        for one in objects(span, "links")
    )
    # In the order of the protobuf decoder, so that both cut the same where a span is too large.
    items.span(
        place,
        keeping,
        trace_id=hex_id(span, "traceId"),
        span_id=hex_id(span, "spanId"),
        parent_span_id=hex_id(span, "parentSpanId"),
        trace_state=keeping.text(text(span, "traceState"), "trace state"),
        flags=integer(span, "flags"),
        name=keeping.text(text(span, "name"), "name"),
        kind=enum(span, "kind", _KINDS),
        start_ns=integer(span, "startTimeUnixNano"),
        end_ns=integer(span, "endTimeUnixNano"),
        status=enum(status, "code", _STATUSES),
        status_message=keeping.text(text(status, "message"), "status message"),
        attributes=_attributes(span, keeping),
        events=tuple(
            event(
                keeping.text(text(one, "name"), "event"),
                integer(one, "timeUnixNano"),
                _attributes(one, keeping),
                integer(one, "droppedAttributesCount"),
            )
            for one in objects(span, "events")
        ),
        links=tuple(one for one in links if one is not None),
        dropped_attributes=integer(span, "droppedAttributesCount"),
        dropped_events=integer(span, "droppedEventsCount"),
    )


def _log(items: Items, place: Place, record: Object) -> None:
    keeping = Keeping()
    items.log(
        place,
        keeping,
        trace_id=hex_id(record, "traceId"),
        span_id=hex_id(record, "spanId"),
        time_ns=integer(record, "timeUnixNano"),
        observed_ns=integer(record, "observedTimeUnixNano"),
        severity=enum(record, "severityNumber", _SEVERITIES),
        event_name=keeping.text(text(record, "eventName"), "event name"),
        body=_value(an_object(record, "body"), keeping, "body", 0),
        attributes=_attributes(record, keeping),
        dropped_attributes=integer(record, "droppedAttributesCount"),
    )


def _metric(items: Items, place: Place, metric: Object) -> None:
    form = next((key for key in _FIGURES if metric.get(key) is not None), None)
    if form is None:
        return
    name, figures = _FIGURES[form]
    data, keeping = an_object(metric, form), Keeping()
    said = {key: keeping.name(text(metric, key)) for key in ("name", "unit", "description")}
    for point in objects(data, "dataPoints"):
        items.point(
            place,
            **said,
            form=name,
            delta=enum(data, "aggregationTemporality", _TEMPORALITIES) == _DELTA,
            monotonic=switch(data, "isMonotonic"),
            start_ns=integer(point, "startTimeUnixNano"),
            time_ns=integer(point, "timeUnixNano"),
            attributes=_attributes(point, Keeping()),
            **figures(point),
        )


def _number(point: Object) -> Object:
    if point.get("asInt") is not None:
        return {"value": integer(point, "asInt")}
    return {"value": real(point, "asDouble")}


def _histogram(point: Object) -> Object:
    return {
        "count": integer(point, "count"),
        "total": real(point, "sum"),
        "bounds": tuple(listed(point, "explicitBounds", real_of)),
        "counts": tuple(listed(point, "bucketCounts", integer_of)),
    }


def _exponential(point: Object) -> Object:
    positive = an_object(point, "positive")
    counts = listed(positive, "bucketCounts", integer_of)
    return {
        "count": integer(point, "count"),
        "total": real(point, "sum"),
        **exponential(integer(point, "scale"), integer(point, "zeroCount"), integer(positive, "offset"), counts),
    }


def _summary(point: Object) -> Object:
    return {"count": integer(point, "count"), "total": real(point, "sum") or 0.0}


_FIGURES: Mapping[str, tuple[str, Callable[[Object], Object]]] = {
    "gauge": ("gauge", _number),
    "sum": ("sum", _number),
    "histogram": ("histogram", _histogram),
    "exponentialHistogram": ("exponential_histogram", _exponential),
    "summary": ("summary", _summary),
}


def _attributes(owner: Object, keeping: Keeping, depth: int = 0, key: str = "attributes") -> Attributes:
    pairs = objects(owner, key)
    named = (
        (name := keeping.name(text(pair, "key")), _value(an_object(pair, "value"), keeping, name, depth))
        for pair in pairs
    )
    return keeping.attributes(named, len(pairs))


def _value(value: Object, keeping: Keeping, name: str, depth: int) -> Any:
    for key, read in _VALUES.items():
        if value.get(key) is not None:
            return read(value, keeping, name, depth)
    return None


def _array(value: Object, keeping: Keeping, name: str, depth: int) -> list[Any]:
    check_depth(depth + 1)
    return [_value(one, keeping, name, depth + 1) for one in objects(an_object(value, "arrayValue"), "values")]


def _list_of_pairs(value: Object, keeping: Keeping, name: str, depth: int) -> Attributes:
    check_depth(depth + 1)
    return _attributes(an_object(value, "kvlistValue"), keeping, depth + 1, "values")


def _bytes(value: Object, keeping: Keeping, name: str, depth: int) -> bytes:
    try:
        return keeping.blob(base64.b64decode(text(value, "bytesValue"), validate=True), name)
    except (binascii.Error, ValueError):
        raise Malformed("bytesValue must be base64") from None


_VALUES: Mapping[str, Callable[[Object, Keeping, str, int], Any]] = {
    "stringValue": lambda value, keeping, name, depth: keeping.text(text(value, "stringValue"), name),
    "intValue": lambda value, keeping, name, depth: integer(value, "intValue"),
    "boolValue": lambda value, keeping, name, depth: switch(value, "boolValue"),
    "doubleValue": lambda value, keeping, name, depth: real(value, "doubleValue"),
    "arrayValue": _array,
    "kvlistValue": _list_of_pairs,
    "bytesValue": _bytes,
}
