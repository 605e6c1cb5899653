"""Turns that telemetry put into a conversation leave it again, where what it said does not hold any more."""

import sqlite3
from functools import partial

from msgspec import Struct

from gateway.model import Message
from gateway.store.content import Opened, Sealed
from gateway.store.conversation_rows import Conversations
from gateway.store.names import json_array
from gateway.store.title_lines import first_line

# A turn with those of its conversation that it goes on from and that go on from it.
_BRANCH = (
    "WITH RECURSIVE near (id) AS (SELECT ?1 UNION SELECT t.id FROM near n JOIN turns m ON m.id = n.id "
    "JOIN turns t ON (t.id = m.parent OR t.parent = m.id) AND t.conversation = m.conversation) SELECT id FROM near"
)
_STILL_MOVED = (
    "SELECT 1 FROM turns WHERE id IN (SELECT value FROM json_each(:turns)) AND id <> :turn "
    "AND (source <> 'gateway' OR (moved = 1 AND joined IS NOT NULL)) LIMIT 1"
)
_EARLIEST = (
    "SELECT identity, scope, conversation FROM turns "
    "WHERE id IN (SELECT value FROM json_each(:turns)) ORDER BY started_us, identity LIMIT 1"
)
_MOVE = "UPDATE turns SET conversation = :to, moved = 0 WHERE id IN (SELECT value FROM json_each(:turns))"
_STARTS = "SELECT started_us FROM turns WHERE id IN (SELECT value FROM json_each(:turns))"
# Among so many of the first there is one that has words.
_FIRST = "SELECT id, started_us FROM turns WHERE conversation = ? ORDER BY started_us, identity LIMIT 64"
_QUESTIONS = "SELECT content FROM said WHERE turn = ? AND output = 0 ORDER BY place"


class Left(Struct, frozen=True):
    """The turns, and the conversations in which they were and are."""

    turns: frozenset[int]
    before: int
    conversation: int


def leave(connection: sqlite3.Connection, sealed: Sealed, conversations: Conversations, turn: int) -> Left | None:
    """Give a turn, with those that it continues and that continue it, a conversation of their own. None where
    telemetry still says the same of one of them."""
    branch = [row[0] for row in connection.execute(_BRANCH, (turn,))]
    values = {"turns": json_array(branch), "turn": turn}
    if connection.execute(_STILL_MOVED, values).fetchone() is not None:
        return None
    identity, scope, before = connection.execute(_EARLIEST, values).fetchone()
    starts = {us for (us,) in connection.execute(_STARTS, values)}
    conversation = conversations.recognised(scope, identity)
    connection.execute(_MOVE, values | {"to": conversation})
    begin_anew(connection, sealed, conversations, conversation)
    if conversations.lose_line(before, starts):
        begin_anew(connection, sealed, conversations, before)
    return Left(frozenset(branch), before, conversation)


def begin_anew(connection: sqlite3.Connection, sealed: Sealed, conversations: Conversations, number: int) -> None:
    """A conversation has its first line from what is there now."""
    for turn, started_us in connection.execute(_FIRST, (number,)).fetchall():
        if (line := first_line(_asked(connection, sealed, turn))) is not None:
            conversations.begin_with(number, partial(str, line), started_us)
            return


def _asked(connection: sqlite3.Connection, sealed: Sealed, turn: int) -> list[Message]:
    """What a turn had for new."""
    asked = [content for (content,) in connection.execute(_QUESTIONS, (turn,))]
    opened = Opened(connection, sealed)
    opened.fetch(asked)
    return [opened.message(content) for content in asked]
