"""Rows of `conversations`: their names, and the sums of their turns.

A given id names its conversation where no other scope holds it, else with `~2` behind it. One that was recognised is
named after its earliest call, so that its name is the same in whatever order calls arrive.
"""

import sqlite3

from msgspec import Struct
from msgspec.structs import replace

from gateway.store.content import TEXT, Sealed

_REQUESTS = "SELECT requests FROM conversations WHERE id = ?"
_BY_GIVEN = "SELECT id FROM conversations WHERE given = ? AND scope = ?"
_NAME_TAKEN = "SELECT 1 FROM conversations WHERE name = ?"
_INSERT = "INSERT INTO conversations (name, scope, given) VALUES (?, ?, ?) RETURNING id"
_SUMS = """
UPDATE conversations SET (started_us, ended_us, requests, errors, unpriced, input_tokens, output_tokens, cost_nano,
    duration_us) = (
    SELECT MIN(started_us), MAX(ended_us), COUNT(*), SUM(outcome IN ('error', 'interrupted')), SUM(cost_nano IS NULL),
        SUM(input_tokens), SUM(output_tokens), SUM(cost_nano), SUM(COALESCE(latency_us, 0))
    FROM turns WHERE conversation = conversations.id)
WHERE id = ? RETURNING requests"""
_DELETE = "DELETE FROM conversations WHERE id = ?"
_HAS_TURNS = "SELECT 1 FROM turns WHERE conversation = ? LIMIT 1"
_ROW = "SELECT given, scope, name, title, line, line_us FROM conversations WHERE id = ?"
_FIRST = "SELECT id, identity, started_us FROM turns WHERE conversation = ? ORDER BY started_us, identity LIMIT 1"
_RENAME = "UPDATE conversations SET name = ? WHERE id = ?"
_MOVE_TURNS = "UPDATE turns SET conversation = :to WHERE conversation = :from RETURNING id"
_TURNS = "SELECT id FROM turns WHERE conversation = ?"
_SET_LINE = "UPDATE conversations SET line = ?, line_us = ? WHERE id = ?"
_SET_TITLE = "UPDATE conversations SET title = ? WHERE id = ?"
_MOST_NAME = 512


def sum_up(connection: sqlite3.Connection, number: int) -> int:
    """Sum a conversation's turns up anew, or take it away where none is left; how many there are."""
    if connection.execute(_HAS_TURNS, (number,)).fetchone() is None:
        connection.execute(_DELETE, (number,))
        return 0
    return int(connection.execute(_SUMS, (number,)).fetchone()[0])


class Settled(Struct, frozen=True, kw_only=True):
    """How many turns a conversation has now and had before, and whether it has another name."""

    requests: int
    before: int
    renamed: bool = False


class Conversations:
    """On the writer's connection, within its transaction."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed) -> None:
        self._connection = connection
        self._sealed = sealed

    def given(self, id: str, scope: str) -> int:
        """The conversation of a given id, made where there is none yet."""
        found = self._connection.execute(_BY_GIVEN, (id, scope)).fetchone()
        return int(found[0]) if found else self._new(self._free(id[:_MOST_NAME]), scope, id)

    def recognised(self, scope: str, identity: str) -> int:
        """A new conversation that begins with this call."""
        return self._new(self._free(self._name(scope, identity)), scope, None)

    def is_given(self, number: int) -> bool:
        return self._row(number)[0] is not None

    def name(self, number: int) -> str:
        return str(self._row(number)[2])

    def merge(self, one: int, other: int) -> tuple[int, list[int]]:
        """One conversation of two; which, and the turns that moved. Two given ids stay two."""
        if one == other or (self.is_given(one) and self.is_given(other)):
            return one, []
        keep, gone = (one, other) if self.is_given(one) or not self.is_given(other) else (other, one)
        moved = [turn for (turn,) in self._connection.execute(_MOVE_TURNS, {"to": keep, "from": gone})]
        _, _, _, title, line, line_us = self._row(gone)
        kept = self._row(keep)
        if line_us is not None and (kept[5] is None or line_us < kept[5]):
            self._set_line(keep, self._sealed.unpack_text(TEXT, f"line {gone}", line), line_us)
        if title is not None and kept[3] is None:
            self.entitle(keep, self._sealed.unpack_text(TEXT, f"title {gone}", title))
        self._connection.execute(_DELETE, (gone,))
        return keep, moved

    def settle(self, number: int) -> "Settled":
        """Sum up a conversation after its turns changed, and name it after its first."""
        before = self._connection.execute(_REQUESTS, (number,)).fetchone()
        requests = sum_up(self._connection, number)
        if requests == 0:
            return Settled(requests=0, before=0)
        settled = Settled(requests=requests, before=before[0])
        given, scope, name, *_ = self._row(number)
        if given is not None:
            return settled
        _, identity, _ = self._connection.execute(_FIRST, (number,)).fetchone()
        right = self._name(scope, identity)
        if name.partition("~")[0] == right:
            return settled
        self._connection.execute(_RENAME, (self._free(right), number))
        return replace(settled, renamed=True)

    def turns(self, number: int) -> list[int]:
        return [turn for (turn,) in self._connection.execute(_TURNS, (number,))]

    def begin_with(self, number: int, line: str | None, started_us: int) -> None:
        """Note the first line of a turn, if it is the earliest that has one."""
        known_us = self._row(number)[5]
        if line is not None and (known_us is None or started_us < known_us):
            self._set_line(number, line, started_us)

    def line(self, number: int) -> str | None:
        return self._sealed.unpack_text(TEXT, f"line {number}", self._row(number)[4])

    def entitle(self, number: int, title: str | None) -> None:
        self._connection.execute(_SET_TITLE, (self._sealed.pack_text(TEXT, f"title {number}", title), number))

    def _set_line(self, number: int, line: str | None, started_us: int) -> None:
        packed = self._sealed.pack_text(TEXT, f"line {number}", line)
        self._connection.execute(_SET_LINE, (packed, started_us, number))

    def _row(self, number: int) -> tuple[str | None, str, str, bytes | None, bytes | None, int | None]:
        row: tuple[str | None, str, str, bytes | None, bytes | None, int | None]
        row = self._connection.execute(_ROW, (number,)).fetchone()
        return row

    def _name(self, scope: str, identity: str) -> str:
        return f"conv_{self._sealed.hasher.name(scope, identity)}"

    def _free(self, name: str) -> str:
        taken, number = name, 1
        while self._connection.execute(_NAME_TAKEN, (taken,)).fetchone() is not None:
            number += 1
            taken = f"{name}~{number}"
        return taken

    def _new(self, name: str, scope: str, given: str | None) -> int:
        return int(self._connection.execute(_INSERT, (name, scope, given)).fetchone()[0])
