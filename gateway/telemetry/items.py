"""Spans, log records and data points out of what either encoding says, checked and bounded in one place.

A decoder walks its own format and says here what it found; so both end in equal records. `Items` counts what is
refused and says why in one sentence.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway.telemetry.bounds import Keeping
from gateway.telemetry.records import (
    Attributes,
    Batch,
    LogRecord,
    MetricPoint,
    Scope,
    Span,
    SpanEvent,
    SpanLink,
)

LATEST_NS = (1 << 63) - 1
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")
INSTANCE = "service.instance.id"


Step = Callable[[], None]


def no_step() -> None:
    return


class Place(Struct, frozen=True):
    """Where items were found: their resource and their instrumentation library."""

    resource: Attributes
    scope: Scope


def is_trace_id(value: str) -> bool:
    return _TRACE_ID.fullmatch(value) is not None


def is_span_id(value: str) -> bool:
    return _SPAN_ID.fullmatch(value) is not None


def moment(nanoseconds: int) -> int:
    """A time that a 64-bit integer with a sign can hold; the wire's has none."""
    return min(max(nanoseconds, 0), LATEST_NS)


class Items:
    """Gathers one request. `own_instance`: the `service.instance.id` under which we export ourselves, "" for none.
    `step` is called between items: a large request takes long, and others want to run."""

    def __init__(self, own_instance: str = "", step: Step = no_step) -> None:
        self._own = own_instance
        self._step = step
        self._spans: list[Span] = []
        self._logs: list[LogRecord] = []
        self._metrics: list[MetricPoint] = []
        self._rejected = 0
        self._reasons: dict[str, None] = {}

    def ours(self, resource: Attributes) -> bool:
        """Whether we exported this ourselves: then nothing of it is taken, or it would go round for ever."""
        if not self._own or resource.get(INSTANCE) != self._own:
            return False
        self._reasons["These are the gateway's own spans, which it has already: point its export elsewhere."] = None
        return True

    def span(
        self,
        place: Place,
        keeping: Keeping,
        *,
        trace_id: str,
        span_id: str,
        parent_span_id: str,
        start_ns: int,
        end_ns: int,
        **fields: Any,
    ) -> None:
        self._step()
        if not is_trace_id(trace_id) or not is_span_id(span_id):
            self._reject("A trace id has 16 bytes and a span id 8, and neither is all zero.")
            return
        if parent_span_id and not is_span_id(parent_span_id):
            if parent_span_id.strip("0"):
                keeping.note("parent span id unreadable")
            parent_span_id = ""
        start_ns, end_ns = moment(start_ns), moment(end_ns)
        if 0 < end_ns < start_ns:
            keeping.note("end before start")
            end_ns = start_ns
        self._spans.append(
            Span(
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=parent_span_id or None,
                start_ns=start_ns,
                end_ns=end_ns,
                resource=place.resource,
                scope=place.scope,
                notes=keeping.notes,
                **fields,
            )
        )

    def log(
        self,
        place: Place,
        keeping: Keeping,
        *,
        trace_id: str,
        span_id: str,
        time_ns: int,
        observed_ns: int,
        event_name: str,
        attributes: Attributes,
        **fields: Any,
    ) -> None:
        self._step()
        if not event_name:
            named = attributes.get("event.name")
            event_name = named if isinstance(named, str) else ""
        within = is_trace_id(trace_id)
        self._logs.append(
            LogRecord(
                trace_id=trace_id if within else None,
                span_id=span_id if within and is_span_id(span_id) else None,
                time_ns=moment(time_ns or observed_ns),
                event_name=event_name,
                attributes=attributes,
                resource=place.resource,
                scope=place.scope,
                notes=keeping.notes,
                **fields,
            )
        )

    def point(self, place: Place, *, name: str, start_ns: int, time_ns: int, **fields: Any) -> None:
        self._step()
        if not name:
            self._reject("A metric has a name.")
            return
        self._metrics.append(
            MetricPoint(
                name=name,
                start_ns=moment(start_ns),
                time_ns=moment(time_ns),
                resource=place.resource,
                scope=place.scope,
                **fields,
            )
        )

    def batch(self) -> Batch:
        return Batch(
            spans=tuple(self._spans),
            logs=tuple(self._logs),
            metrics=tuple(self._metrics),
            rejected=self._rejected,
            reason=" ".join(self._reasons),
        )

    def _reject(self, why: str) -> None:
        self._rejected += 1
        self._reasons[why] = None


def event(name: str, time_ns: int, attributes: Attributes, dropped: int) -> SpanEvent:
    return SpanEvent(name=name, time_ns=moment(time_ns), attributes=attributes, dropped_attributes=dropped)


def link(trace_id: str, span_id: str, attributes: Attributes) -> SpanLink | None:
    """None where its ids are none: it leads nowhere."""
    if not is_trace_id(trace_id) or not is_span_id(span_id):
        return None
    return SpanLink(trace_id=trace_id, span_id=span_id, attributes=attributes)


def histogram_bounds(scale: int, offset: int, count: int) -> tuple[float, ...]:
    """The upper bounds of an exponential histogram's positive buckets but the last: base ** (offset + i + 1), where
    the base is 2 ** (2 ** -scale)."""
    bounds = []
    for index in range(max(0, count - 1)):
        try:
            bounds.append(2.0 ** ((offset + index + 1) * 2.0**-scale))
        except OverflowError:
            bounds.append(float("inf"))
    return tuple(bounds)


def exponential(scale: int, zero: int, offset: int, counts: Sequence[int]) -> Mapping[str, Any]:
    """An exponential histogram's positive buckets as explicit ones; what was zero stands in the first."""
    bounds = histogram_bounds(scale, offset, len(counts))
    if not zero:
        return {"bounds": bounds, "counts": tuple(counts)}
    lowest = histogram_bounds(scale, offset - 1, 2)
    return {"bounds": (*lowest, *bounds) if counts else (), "counts": (zero, *counts)}
