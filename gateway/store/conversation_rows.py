"""Rows of `conversations`: their names, their first lines, and the sums of their turns.

A given id names its conversation where no other scope holds it, else with `~2` behind it. One that was recognised is
named after its earliest call, so that its name is the same in whatever order calls arrive.
"""

import sqlite3
from collections.abc import Callable, Container
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from gateway.keys.sealing import SealBroken
from gateway.store.content import TEXT, Sealed
from gateway.store.conversation_sums import Change, Summed, sum_up
from gateway.store.storable import sound_text

# By its name, else by the id that was given for it, within a scope where one is told.
_BY_ID = (
    "SELECT id FROM conversations WHERE (name = :id OR given = :id) AND (:scope IS NULL OR scope = :scope) "
    "ORDER BY name <> :id, conversations.id LIMIT 1"
)
_NAME_TAKEN = "SELECT 1 FROM conversations WHERE name = ?"
_INSERT = "INSERT INTO conversations (name, scope, given) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
_DELETE = "DELETE FROM conversations WHERE id = ?"
_COLUMNS = "given, scope, name, title, line, line_us, requests, started_us, ended_us"
_ROW = f"SELECT {_COLUMNS} FROM conversations WHERE id = ?"
_BY_GIVEN = f"SELECT id, {_COLUMNS} FROM conversations WHERE given = ? AND scope = ?"
_FIRST = "SELECT identity FROM turns WHERE conversation = ? ORDER BY started_us, identity LIMIT 1"
_RENAME = "UPDATE conversations SET name = ? WHERE id = ?"
_MOVE_TURNS = "UPDATE turns SET conversation = :to WHERE conversation = :from RETURNING id"
_TURNS = "SELECT id FROM turns WHERE conversation = ?"
_SET_LINE = "UPDATE conversations SET line = ?, line_us = ? WHERE id = ?"
_SET_TITLE = "UPDATE conversations SET title = ? WHERE id = ?"
_MOST_NAME = 512


def conversation_number(connection: sqlite3.Connection, id: str, scope: str | None = None) -> int | None:
    """The conversation of this name, else of this given id; None where there is none, or none of this scope."""
    found = connection.execute(_BY_ID, {"id": id, "scope": scope}).fetchone()
    return None if found is None else int(found[0])


class _Row(Struct, frozen=True):
    given: str | None
    scope: str
    name: str
    title: bytes | None
    line: bytes | None
    line_us: int | None
    requests: int
    started_us: int
    ended_us: int


class Settled(Struct, frozen=True, kw_only=True):
    """How many turns a conversation has now and had before, and whether it has a given id, or another name."""

    requests: int
    before: int
    given: bool = False
    renamed: bool = False


class Conversations:
    """On the writer's connection, within its transaction; what it remembers of rows ends with that (`forget`)."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed) -> None:
        self._connection = connection
        self._sealed = sealed
        self._rows: dict[int, _Row] = {}
        # A conversation is named when it begins, and again when its turns are counted.
        self._names: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """The transaction is over."""
        self._rows.clear()
        self._names.clear()

    def given(self, id: str, scope: str) -> int:
        """The conversation of a given id, made where there is none yet."""
        id = sound_text(id)
        found = self._connection.execute(_BY_GIVEN, (id, scope)).fetchone()
        if found is None:
            return self._new(id[:_MOST_NAME], scope, id)
        number, *row = found
        self._rows[number] = _Row(*row)
        return int(number)

    def recognised(self, scope: str, identity: str) -> int:
        """A new conversation that begins with this call."""
        return self._new(self._name(scope, identity), scope, None)

    def is_given(self, number: int) -> bool:
        return self._row(number).given is not None

    def name(self, number: int) -> str:
        return self._row(number).name

    def merge(self, one: int, other: int) -> tuple[int, list[int]]:
        """One conversation of two; which, and the turns that moved. Two given ids stay two."""
        if one == other or (self.is_given(one) and self.is_given(other)):
            return one, []
        keep, gone = (one, other) if self.is_given(one) or not self.is_given(other) else (other, one)
        moved = [turn for (turn,) in self._connection.execute(_MOVE_TURNS, {"to": keep, "from": gone})]
        left, kept = self._row(gone), self._row(keep)
        # What cannot be opened, because it was changed on the disk, is no reason to lose what is said now.
        if left.line_us is not None and (kept.line_us is None or left.line_us < kept.line_us):
            with suppress(SealBroken):
                self._set_line(keep, self._sealed.unpack_text(TEXT, f"line {gone}", left.line), left.line_us)
        if left.title is not None and kept.title is None:
            with suppress(SealBroken):
                self.entitle(keep, self._sealed.unpack_text(TEXT, f"title {gone}", left.title))
        self._connection.execute(_DELETE, (gone,))
        self._rows.pop(gone, None)
        return keep, moved

    def settle(self, number: int, change: Change | None) -> Settled:
        """Bring the sums of a conversation up to date, by what changed or, where that is None, anew; name it after
        its first turn."""
        row = self._rows.pop(number, None)
        if row is None or change is None:
            found = self._connection.execute(_ROW, (number,)).fetchone()
            if found is None:
                return Settled(requests=0, before=0)
            row = _Row(*found)
        if change is None:
            requests = sum_up(self._connection, number)
        else:
            requests = change.apply(self._connection, number, Summed(row.requests, row.started_us, row.ended_us))
        settled = Settled(requests=requests, before=row.requests, given=row.given is not None)
        if requests == 0 or settled.given or not (change is None or change.may_begin(row.started_us, row.requests)):
            return settled
        first = change.first if change is not None and row.requests == 0 else None
        if first is None:
            (first,) = self._connection.execute(_FIRST, (number,)).fetchone()
        right = self._name(row.scope, first)
        if row.name.partition("~")[0] == right:
            return settled
        self._connection.execute(_RENAME, (self._free(right), number))
        return replace(settled, renamed=True)

    def turns(self, number: int) -> list[int]:
        return [turn for (turn,) in self._connection.execute(_TURNS, (number,))]

    def begin_with(
        self, number: int, line_of: Callable[[], str | None], started_us: int, *, anew: bool = False
    ) -> None:
        """Note the first line of a turn if it is the earliest that has one; `anew`, in any case."""
        known_us = self._row(number).line_us
        if (anew or known_us is None or started_us < known_us) and (line := line_of()) is not None:
            self._set_line(number, line, started_us)

    def lose_line(self, number: int, starts: Container[int]) -> bool:
        """Turns that began then have left: whether the first line was one of theirs, and there is none now."""
        line_us = self._row(number).line_us
        if line_us is None or line_us not in starts:
            return False
        self._set_line(number, None, None)
        return True

    def line_us(self, number: int) -> int | None:
        """When the turn began whose first line it has."""
        return self._row(number).line_us

    def line(self, number: int) -> str | None:
        return self._sealed.unpack_text(TEXT, f"line {number}", self._row(number).line)

    def entitle(self, number: int, title: str | None) -> None:
        self._connection.execute(_SET_TITLE, (self._sealed.pack_text(TEXT, f"title {number}", title), number))
        self._rows.pop(number, None)

    def _set_line(self, number: int, line: str | None, started_us: int | None) -> None:
        packed = self._sealed.pack_text(TEXT, f"line {number}", line)
        self._connection.execute(_SET_LINE, (packed, started_us, number))
        if (row := self._rows.get(number)) is not None:
            self._rows[number] = replace(row, line=packed, line_us=started_us)

    def _row(self, number: int) -> _Row:
        row = self._rows.get(number)
        if row is None:
            row = self._rows[number] = _Row(*self._connection.execute(_ROW, (number,)).fetchone())
        return row

    def _name(self, scope: str, identity: str) -> str:
        name = self._names.get((scope, identity))
        if name is None:
            name = self._names[scope, identity] = f"conv_{self._sealed.hasher.name(scope, identity)}"
        return name

    def _free(self, name: str) -> str:
        taken, number = name, 1
        while self._connection.execute(_NAME_TAKEN, (taken,)).fetchone() is not None:
            number += 1
            taken = f"{name}~{number}"
        return taken

    def _new(self, name: str, scope: str, given: str | None) -> int:
        made = self._connection.execute(_INSERT, (name, scope, given))
        if not made.rowcount:
            name = self._free(name)
            made = self._connection.execute(_INSERT, (name, scope, given))
        number = made.lastrowid
        assert number is not None
        self._rows[number] = _Row(given, scope, name, None, None, None, 0, 0, 0)
        return number
