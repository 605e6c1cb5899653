"""Which messages the turns before have said: found from the last turn upwards, for what is sent again is mostly near.

However long a conversation is, only as much of it is looked at as there are messages that may stand further up.
"""

import sqlite3
from collections.abc import Collection

from gateway.store.names import json_array

# Turns that are looked at together.
CHUNK = 64

_UP = (
    "WITH RECURSIVE up (id, n) AS (SELECT :turn, 1 UNION ALL SELECT t.parent, n + 1 FROM up "
    "JOIN turns t ON t.id = up.id WHERE t.parent IS NOT NULL AND n <= :most) SELECT id FROM up ORDER BY n"
)
# By their turns: a short text may have been said any number of times elsewhere.
_SAID = (
    "SELECT DISTINCT mark FROM said INDEXED BY said_turn WHERE turn IN (SELECT value FROM json_each(?1)) "
    "AND mark IN ({marks})"
)
_ELSEWHERE = (
    "SELECT DISTINCT s.mark FROM said s JOIN turns t ON t.id = s.turn WHERE s.mark IN ({marks}) "
    "AND t.conversation = (SELECT conversation FROM turns WHERE id = ?1) "
    "AND s.turn NOT IN (SELECT value FROM json_each(?2))"
)
_MOST_BOUND = 500


def said_before(connection: sqlite3.Connection, turn: int, marks: Collection[bytes]) -> set[bytes]:
    """Those of these marks that stand in this turn or in one that it goes on from."""
    found: set[bytes] = set()
    looked: dict[int, None] = {}
    left, place = set(marks), turn
    while left:
        chunk = [id for (id,) in connection.execute(_UP, {"turn": place, "most": CHUNK})]
        # The last one is where the next chunk begins.
        fresh = [id for id in chunk[:CHUNK] if id not in looked]
        found |= _asked(connection, _SAID, left, json_array(fresh))
        left -= found
        looked.update(dict.fromkeys(fresh))
        if len(chunk) <= CHUNK or not fresh or not left:
            break
        left = _asked(connection, _ELSEWHERE, left, turn, json_array(looked))
        place = chunk[CHUNK]
    return found


def _asked(
    connection: sqlite3.Connection, statement: str, marks: Collection[bytes], *values: int | str
) -> set[bytes]:
    found: set[bytes] = set()
    several = list(marks)
    for first in range(0, len(several), _MOST_BOUND):
        some = several[first : first + _MOST_BOUND]
        asked = statement.format(marks=", ".join(f"?{len(values) + 1 + n}" for n in range(len(some))))
        found |= {mark for (mark,) in connection.execute(asked, (*values, *some))}
    return found
