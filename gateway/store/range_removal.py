"""Taking away all that was said in a stretch of time, by the user's own word.

Unlike retention, which goes by when a thing was stored, this goes by when it was said, as the window tells it. With a
call go the frames of telemetry around it, and the first line by which its conversation was called. What other calls
said too stays with them; the rows that metered the calls are another store's.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from msgspec import Struct

from gateway.store.clean_up import next_step, used_bytes
from gateway.store.content import Sealed
from gateway.store.conversation_rows import Conversations
from gateway.store.conversation_sums import sum_up
from gateway.store.leaving import begin_anew
from gateway.store.names import json_array
from gateway.store.removal import forget_turns, keep_names, take_frames
from gateway.store.retention import CONTENT
from gateway.store.thread_store import ThreadStore

FIRST_ENTRIES, MOST_ENTRIES = 20, 500
LONGEST_PAUSE_S = 0.05

_IN = "started_us >= ? AND started_us < ?"
_TURNS = (
    f"SELECT id, conversation, started_us, scope, request_id FROM turns WHERE {_IN} ORDER BY started_us, id LIMIT ?"
)
_TURNS_IN = f"SELECT COUNT(*), COUNT(DISTINCT conversation) FROM turns WHERE {_IN}"
_TOLD_TABLES = ("spans", "logs")
_TOLD_IN = {table: f"SELECT id FROM {table} WHERE {_IN}" for table in _TOLD_TABLES}
_TOLD_COUNTS = tuple(f"SELECT COUNT(*) FROM ({ids})" for ids in _TOLD_IN.values())
# A number may have been given again meanwhile.
_TAKE_TOLD = {
    table: f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?)) AND {_IN}" for table in _TOLD_TABLES
}

Told = Callable[[int], object]
Gone = Callable[[list[str]], object]


class SaidIn(Struct, frozen=True):
    """How much there is in a stretch of time; `bytes` is about what it takes on the disk."""

    turns: int
    conversations: int
    told: int
    bytes: int


def said_in(threads: ThreadStore, start_us: int, end_us: int) -> SaidIn:
    """What `delete_said` would take. Raises sqlite3.Error."""

    def look(connection: sqlite3.Connection) -> SaidIn:
        between = (start_us, end_us)
        turns, conversations = connection.execute(_TURNS_IN, between).fetchone()
        told = sum(connection.execute(statement, between).fetchone()[0] for statement in _TOLD_COUNTS)
        every = max(1, connection.execute(CONTENT.count).fetchone()[0])
        return SaidIn(turns, conversations, told, used_bytes(connection) * (turns + told) // every)

    return threads.look(look)


def _nobody() -> None:
    return


def delete_said(
    threads: ThreadStore,
    start_us: int,
    end_us: int,
    told: Told,
    gone: Gone,
    others: Callable[[], object] = _nobody,
) -> int:
    """Take all of it away, in steps of some ten milliseconds between which others have their turn; how many entries.

    After each step `gone` hears the requests whose words are gone, and then `told` the entries so far; what that
    raises ends it there. `others` waits until what had read telemetry before it went has written what that tells.
    Raises sqlite3.Error.
    """
    steps = _Steps(told)

    def some_turns(most: int) -> int:
        found = threads.change(lambda connection, placer: _forget(connection, placer.sealed, start_us, end_us, most))
        if ids := [id for *_, id in found if id is not None]:
            gone(ids)
        return len(found)

    try:
        steps.go(some_turns)
        for table in _TOLD_TABLES:
            ids = _told_in(threads, table, start_us, end_us)
            steps.go(partial(_take_told, threads, table, ids, (start_us, end_us)))
        # As long as telemetry was there, calls may have been told by it again.
        others()
        steps.go(some_turns)
    finally:
        threads.cut_log()
    return steps.done


def _told_in(threads: ThreadStore, table: str, start_us: int, end_us: int) -> list[int]:
    """Looked up once: their times have no index."""
    return threads.look(lambda one: [id for (id,) in one.execute(_TOLD_IN[table], (start_us, end_us))])


class _Steps:
    def __init__(self, told: Told) -> None:
        self._told = told
        self.done = 0

    def go(self, take: Callable[[int], int]) -> None:
        """Call with a number of entries until nothing was taken."""
        entries = FIRST_ENTRIES
        while True:
            begins = time.perf_counter()
            taken = take(entries)
            seconds = time.perf_counter() - begins
            if not taken:
                return
            self.done += taken
            self._told(self.done)
            entries = next_step(entries, seconds, MOST_ENTRIES)
            time.sleep(min(seconds, LONGEST_PAUSE_S))


_Turn = tuple[int, int, int, str, str | None]


def _forget(connection: sqlite3.Connection, sealed: Sealed, start_us: int, end_us: int, most: int) -> list[_Turn]:
    found: list[_Turn] = connection.execute(_TURNS, (start_us, end_us, most)).fetchall()
    by_scope: defaultdict[str, list[int]] = defaultdict(list)
    starts: defaultdict[int, set[int]] = defaultdict(set)
    for turn, conversation, started_us, scope, _ in found:
        by_scope[scope].append(turn)
        starts[conversation].add(started_us)
    for scope, turns in by_scope.items():
        take_frames(connection, turns, scope)
    keep_names(connection, starts)
    forget_turns(connection, [turn for turn, *_ in found])
    conversations = Conversations(connection, sealed)
    for conversation, gone in starts.items():
        if sum_up(connection, conversation) and conversations.lose_line(conversation, gone):
            begin_anew(connection, sealed, conversations, conversation)
    return found


def _take_told(threads: ThreadStore, table: str, ids: list[int], between: tuple[int, int], most: int) -> int:
    some, ids[:] = ids[:most], ids[most:]
    threads.change(lambda connection, _: connection.execute(_TAKE_TOLD[table], (json_array(some), *between)))
    return len(some)
