"""How many messages a protobuf body has, told without making any of them: empty ones grow thirtyfold in memory.

A walk over the wire format (protobuf.dev, "Encoding"): tags, lengths, and those fields that hold messages. `FIELDS`
gives for each kind of message the fields that hold further ones, by the numbers of opentelemetry-proto 1.x.
"""

from collections.abc import Mapping

from gateway.telemetry.bounds import NESTING, check_elements
from gateway.telemetry.malformed import Malformed

# A field's worth where it holds no message but packed numbers: bytes for each.
_VARINTS, _FIXED = 1, 8
# What a plain field takes, as a share of an element: it makes no object, but is a step of this walk.
_PLAIN = 8
Fields = Mapping[int, "str | int"]

FIELDS: Mapping[str, Fields] = {
    "traces": {1: "ResourceSpans"},
    "ResourceSpans": {1: "Resource", 2: "ScopeSpans"},
    "ScopeSpans": {1: "Scope", 2: "Span"},
    "Span": {9: "KeyValue", 11: "Event", 13: "Link", 15: "Status"},
    "Status": {},
    "Event": {3: "KeyValue"},
    "Link": {4: "KeyValue"},
    "logs": {1: "ResourceLogs"},
    "ResourceLogs": {1: "Resource", 2: "ScopeLogs"},
    "ScopeLogs": {1: "Scope", 2: "LogRecord"},
    "LogRecord": {5: "AnyValue", 6: "KeyValue"},
    "metrics": {1: "ResourceMetrics"},
    "ResourceMetrics": {1: "Resource", 2: "ScopeMetrics"},
    "ScopeMetrics": {1: "Scope", 2: "Metric"},
    "Metric": {5: "Numbers", 7: "Numbers", 9: "Histograms", 10: "Exponentials", 11: "Summaries", 12: "KeyValue"},
    "Numbers": {1: "Number"},
    "Number": {5: "Exemplar", 7: "KeyValue"},
    "Histograms": {1: "Histogram"},
    "Histogram": {6: _FIXED, 7: _FIXED, 8: "Exemplar", 9: "KeyValue"},
    "Exponentials": {1: "Exponential"},
    "Exponential": {1: "KeyValue", 8: "Buckets", 9: "Buckets", 11: "Exemplar"},
    "Buckets": {2: _VARINTS},
    "Summaries": {1: "Summary"},
    "Summary": {6: "Quantile", 7: "KeyValue"},
    "Quantile": {},
    "Exemplar": {7: "KeyValue"},
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "EntityRef": {},
    "Scope": {3: "KeyValue"},
    "KeyValue": {2: "AnyValue"},
    "AnyValue": {5: "Array", 6: "Pairs"},
    "Array": {1: "AnyValue"},
    "Pairs": {1: "KeyValue"},
}


def check_count(signal: str, body: bytes | bytearray) -> None:
    """`signal` is traces, logs or metrics. Raises TooMany, or Malformed where the wire format ends midway."""
    count, kind, at, end = 0, signal, 0, len(body)
    # Of each message around: its kind, where it goes on, where it ends.
    around: list[tuple[str, int, int]] = []
    while True:
        if at >= end:
            if not around:
                return
            kind, at, end = around.pop()
            continue
        tag, at = read_varint(body, at, end)
        count += 1
        if tag & 7 != 2:
            at = skipped(body, at, end, tag & 7)
        else:
            size, at = read_varint(body, at, end)
            if at + size > end:
                raise Malformed("the body ends within a field")
            within = FIELDS[kind].get(tag >> 3)
            if isinstance(within, str):
                count += _PLAIN
                if len(around) > 2 * NESTING + 20:
                    raise Malformed("the body is nested too deep")
                around.append((kind, at + size, end))
                kind, end = within, at + size
            else:
                count += size // within * _PLAIN if within is not None else 0
                at += size
        check_elements(count // _PLAIN)


def skipped(body: bytes | bytearray, at: int, end: int, wire: int) -> int:
    """The place behind a field without a length. Raises Malformed."""
    if wire == 0:
        return read_varint(body, at, end)[1]
    if wire in (1, 5):
        return at + (8 if wire == 1 else 4)
    if wire in (3, 4):
        # Groups: no field of ours is one; their fields are counted as they come.
        return at
    raise Malformed("the body is not protobuf")


def read_varint(body: bytes | bytearray, at: int, end: int) -> tuple[int, int]:
    """A number, and the place behind it. Raises Malformed."""
    value = shift = 0
    while at < end and shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise Malformed("the body ends within a number")
