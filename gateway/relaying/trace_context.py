"""W3C trace context of a caller, and the ids of the gateway's own spans.

The ids are derived from the request's id, so that whoever has a row can name its spans, and nothing is stored twice.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b

from msgspec import Struct

# A later version may say more after the flags; version ff is never one.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?=-|\s*$)")
LONGEST_STATE = 512


class TraceContext(Struct, frozen=True):
    """The span that called: its ids in hex, its flags (bit 0: sampled), and the vendors' state as sent."""

    trace_id: str
    span_id: str
    flags: int = 0
    state: str = ""


def trace_context(headers: Mapping[str, str]) -> TraceContext | None:
    """The caller's span, None where `traceparent` is absent or wrong (W3C Trace Context, level 2)."""
    text = headers.get("traceparent")
    match = _TRACEPARENT.match(text.strip()) if text else None
    if match is None or not match[1].strip("0") or not match[2].strip("0"):
        return None
    state = headers.get("tracestate", "")
    return TraceContext(match[1], match[2], int(match[3], 16), state if len(state) <= LONGEST_STATE else "")


def own_trace_id(request_id: str) -> str:
    """The trace of an exchange whose caller named none."""
    return blake2b(request_id.encode(), digest_size=16, person=b"faregate.trace").hexdigest()


def server_span_id(request_id: str) -> str:
    """The span of the whole exchange, from door to last byte."""
    return _span_id(request_id, 0)


def attempt_span_id(request_id: str, n: int) -> str:
    """The span of the nth call to a provider, from 1."""
    return _span_id(request_id, n)


def _span_id(request_id: str, n: int) -> str:
    return blake2b(f"{request_id}/{n}".encode(), digest_size=8, person=b"faregate.span").hexdigest()
