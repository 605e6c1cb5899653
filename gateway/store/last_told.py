"""What telemetry told last: the newest span or log record that was kept, of some keys or of any."""

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from gateway.store.content import Sealed
from gateway.store.spans import open_log, open_span
from gateway.store.turn_rows import stored_identity
from gateway.thread_records import LastTold

# Among the newest. Keys that told nothing lately must not cost a search of all.
LOOKED_AT = 10_000
_NEWEST = "SELECT id, scope, stored_us FROM {table} ORDER BY stored_us DESC LIMIT ?"
_SPAN = "SELECT trace_id, span_id, key, data FROM spans WHERE id = ?"
_LOG = "SELECT hash, trace_id, session, key, data FROM logs WHERE id = ?"
_CONVERSATION = "SELECT c.name FROM {turns} JOIN conversations c ON c.id = t.conversation {where} LIMIT 1"
# What a trace tells: by its spans, and by records alone.
_OF_SPANS = _CONVERSATION.format(
    turns="spans s JOIN turns t ON t.id = s.turn",
    where="WHERE s.trace_id = :trace AND s.scope = :scope AND s.turn IS NOT NULL",
)
_OF_TRACE = _CONVERSATION.format(
    turns="turns t",
    where="WHERE t.trace_id = :trace AND t.scope = :scope AND t.source = 'log' ORDER BY t.started_us DESC",
)
# What a tool's session tells: exchanges of the gateway's, and calls that went past it.
_OF_EXCHANGES = _CONVERSATION.format(
    turns="turns t", where="WHERE t.session = :session AND t.scope = :scope ORDER BY t.started_us DESC"
)
_OF_SESSION = _CONVERSATION.format(
    turns="turns t",
    # What follows is no other session's name that begins with this one's.
    where="WHERE t.identity = :alone OR (t.identity BETWEEN :from AND :to "
    "AND instr(substr(t.identity, length(:from) + 1), ':') = 0) ORDER BY t.started_us DESC",
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
    session = None
    if table == "spans":
        trace_id, span_id, key, data = connection.execute(_SPAN, (number,)).fetchone()
        span = open_span(sealed, trace_id, span_id, data)
        name, resource = (span.name, span.resource) if span is not None else ("", {})
    else:
        hash, trace_id, session, key, data = connection.execute(_LOG, (number,)).fetchone()
        record = open_log(sealed, hash, data)
        name, resource = (record.event_name, record.resource) if record is not None else ("", {})
    return LastTold(
        name=name,
        app=service_of(resource),
        key_id=scope,
        key=key,
        stored_us=stored_us,
        conversation_id=_conversation(connection, scope, trace_id, session),
    )


def _conversation(
    connection: sqlite3.Connection, scope: str, trace_id: str | None, session: str | None
) -> str | None:
    values: dict[str, Any] = {"scope": scope, "trace": trace_id, "session": session}
    asked = [_OF_SPANS, _OF_TRACE] if trace_id is not None else []
    if session is not None:
        values |= _identities(scope, session)
        asked += [_OF_EXCHANGES, _OF_SESSION]
    found = (connection.execute(each, values).fetchone() for each in asked)
    return next((row[0] for row in found if row is not None), None)


def _identities(scope: str, session: str) -> Mapping[str, str]:
    """Those of the calls that a session's records tell (`spans.session_name`), and of a record that stands alone."""
    reader, _, name = session.partition("/")
    told = stored_identity(scope, f"log {reader}:{name}:")
    return {"from": told, "to": f"{told}\U0010ffff", "alone": stored_identity(scope, f"log {reader}::{name}")}


def _newest(connection: sqlite3.Connection, table: str, scopes: Collection[str] | None) -> list[tuple[int, str, int]]:
    """One row at most."""
    rows = connection.execute(_NEWEST.format(table=table), (LOOKED_AT,))
    row = next((row for row in rows if scopes is None or row[1] in scopes), None)
    return [] if row is None else [row]
