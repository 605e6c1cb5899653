"""Search in everything that was said, without an index: no plain text of it stands on the disk.

Entries that may hold the text are found first (`candidates.py`). Of each conversation they are opened one after
another, those of its latest turns first, until one does hold it: a word that is everywhere is found as fast as one
that is nowhere. The search gives other threads their turn between chunks, and ends when its asker has left. An entry
never changes: asking again for the same text, as each further page does, looks only at the entries that came since.
"""

import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from threading import Lock
from time import monotonic, sleep

from msgspec import Struct

from gateway.keys.sealing import SealBroken
from gateway.store.asking import stop_if_dropped
from gateway.store.candidates import CHUNK, PAUSE_S, Candidates, Numbers, Progress, may_hold
from gateway.store.content import TEXT, UNSEARCHED, Sealed
from gateway.store.names import json_array
from gateway.store.needles import Needle

# Where more than one in so many entries may hold the text, all that was said is read in order: each by itself takes
# several times as long.
MANY = 16
# The lines of a word that many conversations hold take some ten megabytes.
KEPT_S = 300.0

_LATEST = "SELECT id, hash FROM contents ORDER BY id DESC LIMIT 1"
_HASH = "SELECT hash FROM contents WHERE id = ?"
_READ = (
    "SELECT id, hash, kind, data FROM contents WHERE id IN (SELECT value FROM json_each(?)) "
    f"AND kind NOT IN {UNSEARCHED}"
)
_SAID = "SELECT t.conversation, s.content FROM said s JOIN turns t ON t.id = s.turn"
_LATEST_FIRST = "ORDER BY t.started_us DESC, s.content DESC"
_BY_SAID = f"{_SAID} WHERE s.content IN (SELECT value FROM json_each(?)) {_LATEST_FIRST}"
_ALL_SAID = f"{_SAID} {_LATEST_FIRST}"
_SYSTEMS = "SELECT DISTINCT system FROM turns WHERE system IS NOT NULL"
_BY_SYSTEM = "SELECT DISTINCT conversation, system FROM turns WHERE system IN (SELECT value FROM json_each(?))"
_WHOLES = "SELECT content, part FROM content_parts"
_SOME_WHOLES = f"{_WHOLES} WHERE part IN (SELECT value FROM json_each(?))"
_TITLES = "SELECT id, title FROM conversations WHERE title IS NOT NULL"


class _Result(Struct, frozen=True):
    """What a search has found: the entries up to `latest` that may hold the text, whose hash tells whether it still
    is the same one, and of those that were opened the line, None for none. The number of an entry that was deleted
    may be given again, but only if none above it is left."""

    text: str
    latest: int = 0
    hash: bytes = b""
    candidates: Numbers = Numbers(0)
    lines: Mapping[int, str | None] = {}


class Search:
    """Remembers the last result for a while, since its pages are asked for one after another."""

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._lock = Lock()
        self._last: _Result | None = None
        self._asked_s = 0.0

    def let_go(self) -> None:
        """Forget the last result where nobody has asked for it in five minutes."""
        with self._lock:
            if monotonic() - self._asked_s > KEPT_S:
                self._last = None

    def find(self, connection: sqlite3.Connection, text: str, progress: Progress) -> Mapping[int, str]:
        """The conversations in which this was said, case folded, each with a line around it. Raises
        sqlite3.OperationalError once the question that this thread asks is dropped."""
        needle = Needle(text)
        return self._titles(connection, needle) | self._said(connection, text, needle, progress)

    def _said(self, connection: sqlite3.Connection, text: str, needle: Needle, progress: Progress) -> dict[int, str]:
        newest = connection.execute(_LATEST).fetchone()
        if newest is None:
            return {}
        last = self._remembered(connection, text)
        candidates = last.candidates
        if newest[0] > last.latest:
            candidates = Numbers(newest[0], candidates)
            candidates.update(Candidates(connection, self._sealed, needle, progress).among(last.latest, newest[0]))
        lines = _Lines(connection, self._sealed, needle, last.lines)
        found = _Conversations(connection, lines, candidates, newest[0]).found()
        with self._lock:
            self._last = _Result(text, newest[0], newest[1], candidates, lines.known)
        return found

    def _remembered(self, connection: sqlite3.Connection, text: str) -> _Result:
        with self._lock:
            self._asked_s, last = monotonic(), self._last
        if last is None or last.text != text:
            return _Result(text)
        return last if connection.execute(_HASH, (last.latest,)).fetchone() == (last.hash,) else _Result(text)

    def _titles(self, connection: sqlite3.Connection, needle: Needle) -> dict[int, str]:
        found: dict[int, str] = {}
        for number, data in connection.execute(_TITLES):
            try:
                title = self._sealed.unpack_text(TEXT, f"title {number}", data) or ""
            except SealBroken:
                continue
            if (line := needle.line((title,))) is not None:
                found[number] = line
        return found


class _Lines:
    """The lines of entries, opened once each."""

    def __init__(
        self, connection: sqlite3.Connection, sealed: Sealed, needle: Needle, known: Mapping[int, str | None]
    ) -> None:
        self._connection = connection
        self._sealed = sealed
        self._needle = needle
        self.known = dict(known)

    def look(self, entries: Iterable[int]) -> None:
        """Open those of these that were not yet."""
        unknown = sorted(set(entries) - self.known.keys())
        self.known.update(dict.fromkeys(unknown))
        for first in range(0, len(unknown), CHUNK):
            chunk = self._connection.execute(_READ, (json_array(unknown[first : first + CHUNK]),)).fetchall()
            for number, kind, plain in may_hold(self._sealed, self._needle, chunk):
                self.known[number] = self._needle.line_of(kind, plain)
            sleep(PAUSE_S)
            stop_if_dropped()


class _Conversations:
    """In which conversations entries that may hold the text stand, and which of these do."""

    def __init__(self, connection: sqlite3.Connection, lines: _Lines, candidates: Numbers, newest: int) -> None:
        self._connection = connection
        self._lines = lines
        self._many = len(candidates) > newest // MANY
        # A message may be found by a large text of its own, which is an entry too.
        self._parts: dict[int, list[int]] = {}
        wholes = (
            connection.execute(_WHOLES) if self._many else connection.execute(_SOME_WHOLES, (json_array(candidates),))
        )
        for whole, part in wholes:
            if part in candidates:
                self._parts.setdefault(whole, []).append(part)
        self._entries = Numbers(newest, chain(candidates, self._parts)) if self._parts else candidates

    def found(self) -> dict[int, str]:
        """By conversation, the line of its latest turn that has one; else of its instructions."""
        found: dict[int, str] = {}
        left = self._by_conversation()
        place, take = 0, 1
        while left:
            now = {number: said[place : place + take] for number, said in left.items()}
            self._look([entry for said in now.values() for entry in said])
            for number, said in now.items():
                line = next(filter(None, map(self._line, said)), None)
                if line is not None:
                    found[number] = line
                if line is not None or len(left[number]) <= place + take:
                    del left[number]
            # One whose latest does not hold it may hold it nowhere.
            place, take = place + take, take * 2
        for number, line in self._instructions():
            found.setdefault(number, line)
        return found

    def _by_conversation(self) -> dict[int, "array[int]"]:
        """Such entries, those of the latest turns first."""
        found: dict[int, array[int]] = {}
        for conversation, entry in self._all_said() if self._many else self._each_said():
            said = found.get(conversation)
            if said is None:
                said = found[conversation] = array("q")
            said.append(entry)
        return found

    def _each_said(self) -> Iterator[tuple[int, int]]:
        return self._connection.execute(_BY_SAID, (json_array(self._entries),))

    def _all_said(self) -> Iterator[tuple[int, int]]:
        entries = self._entries
        return (said for said in self._connection.execute(_ALL_SAID) if said[1] in entries)

    def _instructions(self) -> Iterator[tuple[int, str]]:
        systems = [number for (number,) in self._connection.execute(_SYSTEMS) if number in self._entries]
        self._look(systems)
        lines = {number: line for number in systems if (line := self._line(number)) is not None}
        for conversation, number in self._connection.execute(_BY_SYSTEM, (json_array(lines),)):
            yield conversation, lines[number]

    def _look(self, entries: Collection[int]) -> None:
        self._lines.look([*entries, *(part for entry in entries for part in self._parts.get(entry, ()))])

    def _line(self, entry: int) -> str | None:
        known = self._lines.known
        line = known[entry]
        if line is None and entry in self._parts:
            line = next(filter(None, map(known.__getitem__, self._parts[entry])), None)
        return line
