"""Taking away turns with all that only they said; whatever another turn says too stays.

Freed pages are overwritten with zeros (`secure_delete`), and after a deletion by hand the log is cut as well.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from gateway.store.names import json_array

_SAID_CONTENTS = "SELECT DISTINCT content FROM said WHERE turn IN (SELECT value FROM json_each(?))"
_TURN_CONTENTS = (
    "SELECT system FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) AND system IS NOT NULL "
    "UNION SELECT tools FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) AND tools IS NOT NULL"
)
_DELETE_SAID = "DELETE FROM said WHERE turn IN (SELECT value FROM json_each(?))"
_DELETE_TURNS = "DELETE FROM turns WHERE id IN (SELECT value FROM json_each(?))"
_DELETE_ROWS = "DELETE FROM said WHERE id IN (SELECT value FROM json_each(?))"
_PARTS = "SELECT DISTINCT part FROM content_parts WHERE content IN (SELECT value FROM json_each(?))"
_UNUSED = (
    "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM said WHERE content = value) "
    "AND NOT EXISTS (SELECT 1 FROM turns WHERE system = value) "
    "AND NOT EXISTS (SELECT 1 FROM turns WHERE tools = value) "
    "AND NOT EXISTS (SELECT 1 FROM content_parts WHERE part = value)"
)
_DELETE_CONTENTS = (
    "DELETE FROM content_parts WHERE content IN (SELECT value FROM json_each(?))",
    "DELETE FROM contents WHERE id IN (SELECT value FROM json_each(?))",
)
_BY_NAME = "SELECT id FROM conversations WHERE name = ?"
_TURNS = "SELECT id FROM turns WHERE conversation = ?"
_TRACES = (
    "SELECT DISTINCT t.trace_id FROM turns t WHERE t.conversation = :conversation AND t.trace_id IS NOT NULL AND NOT "
    "EXISTS (SELECT 1 FROM turns o WHERE o.trace_id = t.trace_id AND o.conversation <> :conversation)"
)
_DELETE_TELEMETRY = (
    "DELETE FROM spans WHERE trace_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM logs WHERE trace_id IN (SELECT value FROM json_each(?))",
)
_DELETE_CONVERSATION = "DELETE FROM conversations WHERE id = ?"


def forget_turns(connection: sqlite3.Connection, turns: Sequence[int]) -> None:
    """Delete these turns, and what nothing else says."""
    given = json_array(turns)
    contents = {row[0] for row in connection.execute(_TURN_CONTENTS, {"turns": given})}
    contents |= {row[0] for row in connection.execute(_SAID_CONTENTS, (given,))}
    connection.execute(_DELETE_SAID, (given,))
    connection.execute(_DELETE_TURNS, (given,))
    forget_contents(connection, contents)


def delete_thread(connection: sqlite3.Connection, name: str) -> bool:
    """A conversation, its turns, and the spans and logs of traces that no other conversation has; False where there
    is none of this name."""
    found = connection.execute(_BY_NAME, (name,)).fetchone()
    if found is None:
        return False
    traces = [row[0] for row in connection.execute(_TRACES, {"conversation": found[0]})]
    forget_turns(connection, [row[0] for row in connection.execute(_TURNS, found)])
    for statement in _DELETE_TELEMETRY:
        connection.execute(statement, (json_array(traces),))
    connection.execute(_DELETE_CONVERSATION, found)
    return True


def forget_said(connection: sqlite3.Connection, rows: Sequence[int], contents: Iterable[int]) -> None:
    """Delete these rows of `said`, which say these contents."""
    connection.execute(_DELETE_ROWS, (json_array(rows),))
    forget_contents(connection, contents)


def forget_contents(connection: sqlite3.Connection, contents: Iterable[int]) -> None:
    """Delete those of these entries that nothing refers to, then what only they referred to."""
    unused = _unused(connection, contents)
    if not unused:
        return
    gone = json_array(unused)
    parts = [row[0] for row in connection.execute(_PARTS, (gone,))]
    for statement in _DELETE_CONTENTS:
        connection.execute(statement, (gone,))
    forget_contents(connection, parts)


def _unused(connection: sqlite3.Connection, contents: Iterable[int]) -> list[int]:
    return [row[0] for row in connection.execute(_UNUSED, (json_array(set(contents)),))]
