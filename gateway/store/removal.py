"""Taking away turns with all that only they said; whatever another turn says too stays.

Freed pages are overwritten with zeros (`secure_delete`), and after a deletion by hand the log is cut as well.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.store.conversation_rows import conversation_number
from gateway.store.conversation_sums import sum_up
from gateway.store.names import json_array
from gateway.store.signing import forget_signatures
from gateway.store.storable import LARGEST

_SAID_CONTENTS = "SELECT DISTINCT content FROM said WHERE turn IN (SELECT value FROM json_each(?))"
_TURN_CONTENTS = (
    "SELECT system FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) AND system IS NOT NULL "
    "UNION SELECT tools FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) AND tools IS NOT NULL "
    "UNION SELECT base FROM headers WHERE turn IN (SELECT value FROM json_each(:turns))"
)
_DELETE_SAID = "DELETE FROM said WHERE turn IN (SELECT value FROM json_each(?))"
_DELETE_TURNS = "DELETE FROM turns WHERE id IN (SELECT value FROM json_each(?))"
_DELETE_BLOCKS = "DELETE FROM blocks WHERE turn IN (SELECT value FROM json_each(?))"
_DELETE_HEADERS = "DELETE FROM headers WHERE turn IN (SELECT value FROM json_each(?))"
_DELETE_ROWS = "DELETE FROM said WHERE id IN (SELECT value FROM json_each(?))"
_PARTS = "SELECT DISTINCT part FROM content_parts WHERE content IN (SELECT value FROM json_each(?))"
_UNUSED = (
    "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM said WHERE content = value) "
    "AND NOT EXISTS (SELECT 1 FROM turns WHERE system = value) "
    "AND NOT EXISTS (SELECT 1 FROM turns WHERE tools = value) "
    "AND NOT EXISTS (SELECT 1 FROM headers WHERE base = value) "
    "AND NOT EXISTS (SELECT 1 FROM content_parts WHERE part = value)"
)
_DELETE_CONTENTS = (
    "DELETE FROM content_parts WHERE content IN (SELECT value FROM json_each(?))",
    "DELETE FROM contents WHERE id IN (SELECT value FROM json_each(?))",
)
_CUT_OFF = "UPDATE turns SET parent = NULL, via = 0, shortened = 1 WHERE parent IN (SELECT value FROM json_each(?))"
_UNMARK_SPANS = "UPDATE spans SET turn = NULL WHERE turn IN (SELECT value FROM json_each(?))"
_BY_NUMBER = "SELECT scope, given, started_us, ended_us FROM conversations WHERE id = ?"
_TURNS = "SELECT id FROM turns WHERE conversation = ?"
_TRACES = (
    "SELECT DISTINCT t.trace_id FROM turns t WHERE t.conversation = :conversation AND t.trace_id IS NOT NULL AND NOT "
    "EXISTS (SELECT 1 FROM turns o WHERE o.trace_id = t.trace_id AND o.conversation <> :conversation)"
)
# Frames around a call may repeat what it said.
_FRAMES = (
    "WITH RECURSIVE up (trace, span) AS ("
    "SELECT trace_id, span_id FROM spans WHERE turn IN (SELECT value FROM json_each(:turns)) "
    "UNION SELECT trace_id, span_id FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) "
    "AND trace_id IS NOT NULL AND span_id IS NOT NULL "
    "UNION SELECT trace_id, parent_span_id FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) "
    "AND trace_id IS NOT NULL AND parent_span_id IS NOT NULL "
    "UNION SELECT s.trace_id, s.parent_span_id FROM up JOIN spans s ON s.trace_id = up.trace AND s.span_id = up.span "
    "WHERE s.parent_span_id IS NOT NULL) SELECT trace, span FROM up"
)
_DELETE_TRACES = tuple(
    f"DELETE FROM {table} WHERE trace_id IN (SELECT value FROM json_each(:traces)) AND scope = :scope"
    for table in ("spans", "logs")
)
_DELETE_FRAMES = tuple(
    f"DELETE FROM {table} WHERE trace_id = ? AND span_id = ? AND scope = ?" for table in ("spans", "logs")
)
# A session stands there as READER/SESSION.
_DELETE_SESSION = (
    "DELETE FROM logs WHERE session IS NOT NULL AND substr(session, instr(session, '/') + 1) = :session "
    "AND scope = :scope AND started_us BETWEEN :from AND :to"
)
_SESSIONS = " UNION ".join(
    f"SELECT {column} FROM turns WHERE conversation = ?1" for column in ("session_id", "joined_session_id")
)
_IS_SHARED = " UNION ".join(
    (
        "SELECT 1 FROM conversations WHERE given = :session AND scope = :scope AND id <> :conversation",
        "SELECT 1 FROM turns WHERE session_id = :session AND scope = :scope AND conversation <> :conversation",
        "SELECT 1 FROM turns WHERE joined_session_id = :session AND scope = :scope AND conversation <> :conversation",
    )
)
# A prompt is recorded before its call begins, a tool's end after that has ended.
_BESIDE_US = 60 * 1_000_000
_DELETE_CONVERSATION = "DELETE FROM conversations WHERE id = ?"
_OLDEST_TURNS = "SELECT id, conversation FROM turns WHERE stored_us < ? ORDER BY stored_us, id LIMIT ?"
_TAKE_TELEMETRY = tuple(
    f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE stored_us < ? ORDER BY stored_us LIMIT ?)"
    for table in ("spans", "logs")
)
# The call after which it was named is going.
_KEEP_NAMES = "UPDATE conversations SET given = name WHERE given IS NULL AND id IN (SELECT value FROM json_each(?))"


def forget_turns(connection: sqlite3.Connection, turns: Sequence[int]) -> None:
    """Delete these turns, and what nothing else says. What continued them begins anew, shortened."""
    given = json_array(turns)
    contents = {row[0] for row in connection.execute(_TURN_CONTENTS, {"turns": given})}
    contents |= {row[0] for row in connection.execute(_SAID_CONTENTS, (given,))}
    for statement in (_DELETE_SAID, _DELETE_TURNS, _DELETE_BLOCKS, _DELETE_HEADERS, _CUT_OFF, _UNMARK_SPANS):
        connection.execute(statement, (given,))
    forget_contents(connection, contents)


def forget_older(connection: sqlite3.Connection, before_us: int, most: int) -> int:
    """Delete the oldest turns that were stored before a time, at most so many; once there are none, spans, then log
    records; how many. A conversation keeps its name and title for as long as it has turns."""
    oldest = connection.execute(_OLDEST_TURNS, (before_us, most)).fetchall()
    if oldest:
        conversations = {conversation for _, conversation in oldest}
        keep_names(connection, conversations)
        forget_turns(connection, [turn for turn, _ in oldest])
        for conversation in conversations:
            sum_up(connection, conversation)
        return len(oldest)
    for statement in _TAKE_TELEMETRY:
        if taken := connection.execute(statement, (before_us, most)).rowcount:
            return taken
    return 0


def keep_names(connection: sqlite3.Connection, conversations: Iterable[int]) -> None:
    """These conversations are called as before, though the calls go after which they were named."""
    connection.execute(_KEEP_NAMES, (json_array(conversations),))


def take_frames(connection: sqlite3.Connection, turns: Sequence[int], scope: str) -> None:
    """Delete the telemetry of these calls of one scope, and of the frames around them."""
    frames = connection.execute(_FRAMES, {"turns": json_array(turns)}).fetchall()
    for statement in _DELETE_FRAMES:
        connection.executemany(statement, [(trace, span, scope) for trace, span in frames])


def delete_thread(connection: sqlite3.Connection, id: str) -> bool:
    """A conversation and its turns, with all telemetry that says what they said: traces that no other conversation
    has, else the spans of its calls and the frames around them, and the records of its sessions. False where there is
    none of this name or given id."""
    number = conversation_number(connection, id)
    if number is None:
        return False
    scope, given, started_us, ended_us = connection.execute(_BY_NUMBER, (number,)).fetchone()
    turns = [row[0] for row in connection.execute(_TURNS, (number,))]
    traces = json_array(row[0] for row in connection.execute(_TRACES, {"conversation": number}))
    take_frames(connection, turns, scope)
    for statement in _DELETE_TRACES:
        connection.execute(statement, {"traces": traces, "scope": scope})
    for session in {given, *(id for (id,) in connection.execute(_SESSIONS, (number,)))}:
        values = {"session": session, "scope": scope, "conversation": number, "from": 0, "to": LARGEST}
        if connection.execute(_IS_SHARED, values).fetchone() is not None:
            # Which of them say what it said would only be known by opening them all.
            values |= {"from": started_us - _BESIDE_US, "to": ended_us + _BESIDE_US}
        connection.execute(_DELETE_SESSION, values)
    forget_turns(connection, turns)
    connection.execute(_DELETE_CONVERSATION, (number,))
    return True


def forget_said(connection: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Delete these rows of `said`, but nothing of what they say."""
    connection.execute(_DELETE_ROWS, (json_array(rows),))


def forget_contents(connection: sqlite3.Connection, contents: Iterable[int]) -> None:
    """Delete those of these entries that nothing refers to, then what only they referred to."""
    asked = set(contents)
    unused = _unused(connection, asked) if asked else []
    if not unused:
        return
    gone = json_array(unused)
    parts = [row[0] for row in connection.execute(_PARTS, (gone,))]
    for statement in _DELETE_CONTENTS:
        connection.execute(statement, (gone,))
    forget_signatures(connection, unused)
    forget_contents(connection, parts)


def _unused(connection: sqlite3.Connection, contents: Iterable[int]) -> list[int]:
    return [row[0] for row in connection.execute(_UNUSED, (json_array(contents),))]
