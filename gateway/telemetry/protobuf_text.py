"""Text that is no UTF-8, mended in a protobuf body that its parser refuses for it.

Senders that cut a value at a number of bytes cut characters in two, and one such value would cost the whole request:
exporters do not send again what was refused. Each byte that belongs to no character becomes a question mark, so that
no length changes. The numbers are those of opentelemetry-proto 1.x, for the fields that are kept or parsed as text.
"""

import re
from collections.abc import Mapping

from gateway.telemetry.bounds import NESTING
from gateway.telemetry.malformed import Malformed
from gateway.telemetry.protobuf_count import FIELDS, read_varint, skipped

TEXTS: Mapping[str, tuple[int, ...]] = {
    "ResourceSpans": (3,),
    "ScopeSpans": (3,),
    "ResourceLogs": (3,),
    "ScopeLogs": (3,),
    "ResourceMetrics": (3,),
    "ScopeMetrics": (3,),
    "Scope": (1, 2),
    "EntityRef": (1, 2, 3, 4),
    "Span": (3, 5),
    "Status": (2,),
    "Event": (2,),
    "Link": (3,),
    "LogRecord": (3, 12),
    "Metric": (1, 2, 3),
    "KeyValue": (1,),
    "AnyValue": (1,),
}
_LOST = re.compile("[\udc80-\udcff]")


def mended(signal: str, body: bytes | bytearray) -> bytearray:
    """A copy in which all text is UTF-8. `signal` is traces, logs or metrics. Raises Malformed."""
    out = bytearray(body)
    around: list[tuple[str, int, int]] = []
    kind, at, end = signal, 0, len(out)
    while True:
        if at >= end:
            if not around:
                return out
            kind, at, end = around.pop()
            continue
        tag, at = read_varint(out, at, end)
        if tag & 7 != 2:
            at = skipped(out, at, end, tag & 7)
            continue
        size, at = read_varint(out, at, end)
        if at + size > end:
            raise Malformed("the body ends within a field")
        within = FIELDS.get(kind, {}).get(tag >> 3)
        if isinstance(within, str):
            if len(around) > 2 * NESTING + 20:
                raise Malformed("the body is nested too deep")
            around.append((kind, at + size, end))
            kind, end = within, at + size
            continue
        if tag >> 3 in TEXTS.get(kind, ()):
            out[at : at + size] = as_text(bytes(out[at : at + size]))
        at += size


def as_text(data: bytes) -> bytes:
    """As many bytes, all of them of characters; the same object where they are."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return _LOST.sub("?", data.decode("utf-8", "surrogateescape")).encode()
    return data
