"""Spans, log records and metric points as they arrive, one shape for protobuf and JSON.

Ids are lower-case hex: 32 digits of a trace, 16 of a span. Times are nanoseconds since the epoch, 0 where the sender
said none. Attribute values are str, bool, int, float, bytes, None, lists and mappings of these.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from msgspec import Struct

Attributes = Mapping[str, Any]
NO_ATTRIBUTES: Attributes = {}
# The note on what capture's switches or a pause of it took the content from.
LEFT_OUT = (
    "what was said is not kept: the capture was paused, or see capture.content, capture.keys_off, capture.tags_off "
    "and capture.parts_off"
)


class SpanKind(IntEnum):
    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class StatusCode(IntEnum):
    UNSET = 0
    OK = 1
    ERROR = 2


class Scope(Struct, frozen=True):
    """The instrumentation library."""

    name: str = ""
    version: str = ""
    schema_url: str = ""
    attributes: Attributes = NO_ATTRIBUTES


class SpanEvent(Struct, frozen=True, kw_only=True):
    name: str
    time_ns: int = 0
    attributes: Attributes = NO_ATTRIBUTES
    dropped_attributes: int = 0


class SpanLink(Struct, frozen=True, kw_only=True):
    trace_id: str
    span_id: str
    attributes: Attributes = NO_ATTRIBUTES


class Span(Struct, frozen=True, kw_only=True):
    """`dropped_attributes` and `dropped_events` are what the sender's own limits took away.

    `notes` say what the receiver changed: "truncated NAME", "end before start".
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    trace_state: str = ""
    flags: int = 0
    name: str = ""
    kind: int = SpanKind.UNSPECIFIED
    start_ns: int = 0
    end_ns: int = 0
    status: int = StatusCode.UNSET
    status_message: str = ""
    attributes: Attributes = NO_ATTRIBUTES
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    resource: Attributes = NO_ATTRIBUTES
    scope: Scope = Scope()
    dropped_attributes: int = 0
    dropped_events: int = 0
    notes: tuple[str, ...] = ()


class LogRecord(Struct, frozen=True, kw_only=True):
    """`event_name` is the record's own, else its attribute `event.name`, else ""."""

    trace_id: str | None = None
    span_id: str | None = None
    time_ns: int = 0
    severity: int = 0
    event_name: str = ""
    body: Any = None
    attributes: Attributes = NO_ATTRIBUTES
    resource: Attributes = NO_ATTRIBUTES
    scope: Scope = Scope()
    dropped_attributes: int = 0
    notes: tuple[str, ...] = ()


class MetricPoint(Struct, frozen=True, kw_only=True):
    """One data point. `form` is sum, gauge, histogram, exponential_histogram or summary.

    `value` for sums and gauges; `count`, `total`, `bounds` and `counts` for histograms. `delta` is the temporality.
    """

    name: str
    form: str
    unit: str = ""
    description: str = ""
    value: int | float | None = None
    count: int | None = None
    total: float | None = None
    bounds: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    delta: bool = False
    monotonic: bool = False
    start_ns: int = 0
    time_ns: int = 0
    attributes: Attributes = NO_ATTRIBUTES
    resource: Attributes = NO_ATTRIBUTES
    scope: Scope = Scope()


class Batch(Struct, frozen=True, kw_only=True):
    """One export request, decoded. `rejected` counts the items that were refused, `reason` says why, one sentence."""

    spans: tuple[Span, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    metrics: tuple[MetricPoint, ...] = ()
    rejected: int = 0
    reason: str = ""
