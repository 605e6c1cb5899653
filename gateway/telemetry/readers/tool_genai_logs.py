"""Calls out of log records where an app sends no spans: the conventions' events, old and new.

What stands under one span is one call: it is read as that span would be, with its records under it. A record of the
whole operation needs no span at all.
"""

from collections.abc import Sequence

from msgspec import structs

from gateway.telemetry.observed import Observed
from gateway.telemetry.readers.semconv import DETAILS
from gateway.telemetry.readers.semconv_events import CHOICE, MESSAGES
from gateway.telemetry.readers.spans import observe_records
from gateway.telemetry.readers.tool_events import Event, event_name, ordered_events
from gateway.telemetry.records import LogRecord

NAME = "genai-logs"
SPANS_OFF = "This app sent log records without the spans that they belong to: times and tokens may be missing."


def reads(record: LogRecord) -> bool:
    name = event_name(record)
    return name in (DETAILS, CHOICE) or name in MESSAGES


def session(record: LogRecord) -> str | None:
    """Its trace; without one an operation stands alone, by its answer's id, and a message is of no call."""
    if record.trace_id:
        return record.trace_id
    answer = record.attributes.get("gen_ai.response.id")
    return answer if event_name(record) == DETAILS and isinstance(answer, str) and answer else None


def read_session(records: Sequence[LogRecord]) -> tuple[Observed, ...]:
    """The calls of one trace in order of time."""
    calls: dict[str, list[Event]] = {}
    for event in ordered_events(records):
        calls.setdefault(event.record.span_id or session(event.record) or event.digest, []).append(event)
    return tuple(_call(own) for own in sorted(calls.values(), key=lambda own: own[-1].at_ns))


def _call(events: Sequence[Event]) -> Observed:
    last = events[-1].record
    told = observe_records([event.record for event in events])
    return structs.replace(
        told,
        hints=(*told.hints, SPANS_OFF),
        identity=f"{NAME}:{last.trace_id or ''}:{last.span_id or session(last) or events[-1].digest}",
    )
