"""Spans and log records as they were received: sealed whole, each once, however often an exporter sends it.

Ids and times stand in the clear, names, attributes and bodies do not.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.keys.sealing import SealBroken
from gateway.store.content import Sealed
from gateway.store.storable import LARGEST, sound_text
from gateway.telemetry.records import LogRecord, Span

SPAN, LOG = 6, 7

# A span told again replaces what was told before, but for one that has not ended.
_PUT_SPAN = (
    "INSERT INTO spans (trace_id, span_id, parent_span_id, started_us, ended_us, scope, key, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace_id, span_id) DO UPDATE SET "
    "parent_span_id = excluded.parent_span_id, started_us = excluded.started_us, ended_us = excluded.ended_us, "
    "data = excluded.data WHERE scope = excluded.scope AND (excluded.ended_us > 0 OR ended_us = 0)"
)
_PUT_LOG = (
    "INSERT INTO logs (hash, trace_id, span_id, session, started_us, scope, key, data) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING"
)
_SPANS = (
    "SELECT trace_id, span_id, scope, key, data FROM spans WHERE trace_id = ? AND (? IS NULL OR scope = ?) "
    "ORDER BY started_us, id"
)
_LOGS = "SELECT hash, data FROM logs WHERE trace_id = ? AND (? IS NULL OR scope = ?) ORDER BY started_us, id"
_SESSION = "SELECT hash, data FROM logs WHERE session = ? AND scope = ? ORDER BY started_us, id"

_encode = msgspec.msgpack.Encoder().encode
_decode_span = msgspec.msgpack.Decoder(Span).decode
_decode_log = msgspec.msgpack.Decoder(LogRecord).decode


class KeptSpan(Struct, frozen=True):
    """A span and whose it is: the key's id and name. `span` is None where it cannot be opened any more."""

    trace_id: str
    span_id: str
    scope: str
    key: str
    span: Span | None


def put_spans(connection: sqlite3.Connection, sealed: Sealed, spans: Sequence[Span], scope: str, key: str) -> None:
    """Within the writer's transaction."""
    connection.executemany(
        _PUT_SPAN,
        [
            (
                *(span.trace_id, span.span_id, span.parent_span_id, _us(span.start_ns), _us(span.end_ns), scope, key),
                sealed.pack(SPAN, _address(span.trace_id, span.span_id), _encode(span)),
            )
            for span in spans
        ],
    )


def put_logs(
    connection: sqlite3.Connection,
    sealed: Sealed,
    records: Sequence[LogRecord],
    scope: str,
    key: str,
) -> None:
    """Within the writer's transaction."""
    rows: list[tuple[Any, ...]] = []
    for record in records:
        data = _encode(record)
        address = sealed.hasher.content(LOG, scope.encode("utf-8", "replace") + b"\0" + data)
        packed = sealed.pack(LOG, address, data)
        ids = record.trace_id, record.span_id, session_name(record)
        rows.append((address, *ids, _us(record.time_ns), scope, key, packed))
    connection.executemany(_PUT_LOG, rows)


def spans_of(
    connection: sqlite3.Connection, sealed: Sealed, trace_id: str, scope: str | None
) -> tuple[KeptSpan, ...]:
    return tuple(
        KeptSpan(trace, span_id, owner, key, open_span(sealed, trace, span_id, data))
        for trace, span_id, owner, key, data in connection.execute(_SPANS, (trace_id, scope, scope))
    )


def logs_of(
    connection: sqlite3.Connection, sealed: Sealed, trace_id: str, scope: str | None
) -> tuple[LogRecord, ...]:
    found = (open_log(sealed, hash, data) for hash, data in connection.execute(_LOGS, (trace_id, scope, scope)))
    return tuple(record for record in found if record is not None)


def logs_of_session(
    connection: sqlite3.Connection, sealed: Sealed, session: str, scope: str
) -> tuple[LogRecord, ...]:
    found = (open_log(sealed, hash, data) for hash, data in connection.execute(_SESSION, (session, scope)))
    return tuple(record for record in found if record is not None)


def session_name(record: LogRecord) -> str | None:
    """The session of a tool that a record belongs to, as it is stored; None where it is of none."""
    from gateway.telemetry.readers.tool_sessions import session_of

    found = session_of(record)
    return None if found is None else sound_text(f"{found.reader}/{found.session}")


def open_span(sealed: Sealed, trace_id: str, span_id: str, data: bytes) -> Span | None:
    try:
        return _decode_span(sealed.unpack(SPAN, _address(trace_id, span_id), data))
    except (SealBroken, msgspec.MsgspecError):
        return None


def open_log(sealed: Sealed, hash: bytes, data: bytes) -> LogRecord | None:
    try:
        return _decode_log(sealed.unpack(LOG, hash, data))
    except (SealBroken, msgspec.MsgspecError):
        return None


def _address(trace_id: str, span_id: str) -> bytes:
    return f"{trace_id}/{span_id}".encode()


def _us(ns: int) -> int:
    return min(max(0, ns // 1000), LARGEST)
