"""What telemetry told last: the newest span or log record that was kept, of some keys or of any."""

import sqlite3
from collections.abc import Collection

from gateway.store.content import Sealed
from gateway.store.spans import open_log, open_span
from gateway.thread_records import LastTold

# Among the newest. Keys that told nothing lately must not cost a search of all.
LOOKED_AT = 10_000
_NEWEST = "SELECT id, scope, stored_us FROM {table} ORDER BY stored_us DESC LIMIT ?"
_SPAN = "SELECT trace_id, span_id, key, data FROM spans WHERE id = ?"
_LOG = "SELECT hash, trace_id, key, data FROM logs WHERE id = ?"
_CONVERSATION = (
    "SELECT c.name FROM spans s JOIN turns t ON t.id = s.turn JOIN conversations c ON c.id = t.conversation "
    "WHERE s.trace_id = ? AND s.turn IS NOT NULL LIMIT 1"
)


def last_told(connection: sqlite3.Connection, sealed: Sealed, scopes: Collection[str] | None) -> LastTold | None:
    """`scopes` are keys' ids: only what was told with these."""
    found = [
        (stored_us, table, number, scope)
        for table in ("spans", "logs")
        for number, scope, stored_us in _newest(connection, table, scopes)
    ]
    if not found:
        return None
    from gateway.telemetry.readers.shared import service_of

    stored_us, table, number, scope = max(found)
    if table == "spans":
        trace_id, span_id, key, data = connection.execute(_SPAN, (number,)).fetchone()
        span = open_span(sealed, trace_id, span_id, data)
        name, resource = (span.name, span.resource) if span is not None else ("", {})
    else:
        hash, trace_id, key, data = connection.execute(_LOG, (number,)).fetchone()
        record = open_log(sealed, hash, data)
        name, resource = (record.event_name, record.resource) if record is not None else ("", {})
    conversation = connection.execute(_CONVERSATION, (trace_id,)).fetchone()
    return LastTold(
        name=name,
        app=service_of(resource),
        key_id=scope,
        key=key,
        stored_us=stored_us,
        conversation_id=conversation[0] if conversation else None,
    )


def _newest(connection: sqlite3.Connection, table: str, scopes: Collection[str] | None) -> list[tuple[int, str, int]]:
    """One row at most."""
    rows = connection.execute(_NEWEST.format(table=table), (LOOKED_AT,))
    row = next((row for row in rows if scopes is None or row[1] in scopes), None)
    return [] if row is None else [row]
