"""Search in everything that was said, without an index: entries are opened one after another, newest first.

No plain text of them stands on the disk. The texts of a chunk are looked through as one, and one by one only where
something may be. The scan gives other threads their turn between chunks, and ends when its asker has left. An entry
never changes, so asking again for the same text, as each further page does, opens only the entries that came since.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from time import sleep

import msgspec
from msgspec import Struct

from gateway.sealing import SealBroken
from gateway.store.asking import stop_if_dropped
from gateway.store.content import BYTES, TEXT, TOOLS, Entry, Sealed, encode, read_parts, texts
from gateway.store.names import json_array

CHUNK = 512
# Not 0: that gives the interpreter back and takes it again before anybody else wakes up.
PAUSE_S = 0.00005
# So many characters around what was found.
BEFORE, AFTER = 40, 100

_LATEST = "SELECT id, hash FROM contents ORDER BY id DESC LIMIT 1"
_HASH = "SELECT hash FROM contents WHERE id = ?"
_COUNT = "SELECT COUNT(*) FROM contents WHERE id > ?"
_ENTRIES = (
    f"SELECT id, hash, kind, data FROM contents WHERE id < ? AND id > ? AND kind NOT IN ({BYTES}, {TOOLS}) "
    "ORDER BY id DESC LIMIT ?"
)
_BY_SAID = (
    "SELECT t.conversation, s.content FROM said s JOIN turns t ON t.id = s.turn "
    "WHERE s.content IN (SELECT value FROM json_each(?)) ORDER BY t.started_us DESC"
)
_BY_SYSTEM = "SELECT conversation, system FROM turns WHERE system IN (SELECT value FROM json_each(?))"
_WHOLES = "SELECT content, part FROM content_parts WHERE part IN (SELECT value FROM json_each(?))"
_TITLES = "SELECT id, title FROM conversations WHERE title IS NOT NULL"

Progress = Callable[[int, int], None]
# Number, kind and bytes of an entry.
_Plain = tuple[int, int, bytes]


class _Result(Struct, frozen=True):
    """The line of each entry that holds the text, among those up to `latest`, whose hash tells whether it still is
    the same one: the number of an entry that was deleted may be given again, but only if none above it is left."""

    text: str
    latest: int
    hash: bytes
    lines: Mapping[int, str]


class Search:
    """Remembers the last result, since its pages are asked for one after another."""

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._lock = Lock()
        self._last: _Result | None = None

    def find(self, connection: sqlite3.Connection, text: str, progress: Progress) -> Mapping[int, str]:
        """The conversations in which this was said, case folded, each with a line around it. Raises
        sqlite3.OperationalError once the question that this thread asks is dropped."""
        return self._titles(connection, text) | self._conversations(
            connection, self._lines(connection, text, progress)
        )

    def _lines(self, connection: sqlite3.Connection, text: str, progress: Progress) -> Mapping[int, str]:
        newest = connection.execute(_LATEST).fetchone()
        if newest is None:
            return {}
        with self._lock:
            last = self._last
        if last is not None and (
            last.text != text or connection.execute(_HASH, (last.latest,)).fetchone() != (last.hash,)
        ):
            last = None
        lines = self._scan(connection, text, last.latest if last else 0, progress)
        if last is not None:
            lines = {**lines, **last.lines}
        with self._lock:
            self._last = _Result(text, newest[0], newest[1], lines)
        return lines

    def _scan(self, connection: sqlite3.Connection, text: str, after: int, progress: Progress) -> Mapping[int, str]:
        """Lines by entry, of entries above one."""
        needle = _Needle(text)
        found: dict[int, str] = {}
        of = connection.execute(_COUNT, (after,)).fetchone()[0]
        before, done = 2**62, 0
        while chunk := connection.execute(_ENTRIES, (before, after, CHUNK)).fetchall():
            found |= self._look(needle, chunk)
            before, done = chunk[-1][0], done + len(chunk)
            progress(done, max(of, done))
            sleep(PAUSE_S)
            stop_if_dropped()
        return found

    def _look(self, needle: "_Needle", chunk: Sequence[Entry]) -> dict[int, str]:
        """Lines by entry, of these."""
        plain: list[_Plain] = []
        other: list[_Plain] = []
        for entry in self._sealed.opened(chunk):
            (plain if entry[2].isascii() else other).append(entry)
        if not needle.may_be_in(b"\n".join([entry[2] for entry in plain])):
            plain = []
        found: dict[int, str] = {}
        for number, kind, text in (*plain, *other):
            if needle.may_be_in(text) and (line := _line(needle, kind, text)) is not None:
                found[number] = line
        return found

    def _conversations(self, connection: sqlite3.Connection, lines: Mapping[int, str]) -> dict[int, str]:
        """By conversation, the line of its latest turn that has one."""
        by_entry = dict(lines)
        for whole, part in connection.execute(_WHOLES, (json_array(lines),)):
            by_entry.setdefault(whole, lines[part])
        found: dict[int, str] = {}
        for statement in (_BY_SAID, _BY_SYSTEM):
            for conversation, entry in connection.execute(statement, (json_array(by_entry),)):
                found.setdefault(conversation, by_entry[entry])
        return found

    def _titles(self, connection: sqlite3.Connection, text: str) -> dict[int, str]:
        needle, found = _Needle(text), {}
        for number, data in connection.execute(_TITLES):
            try:
                title = self._sealed.unpack_text(TEXT, f"title {number}", data) or ""
            except SealBroken:
                continue
            if (line := needle.line((title,))) is not None:
                found[number] = line
        return found


def _line(needle: "_Needle", kind: int, plain: bytes) -> str | None:
    if kind == TEXT:
        return needle.line((plain.decode("utf-8", "replace"),))
    try:
        return needle.line(texts(read_parts(kind, plain)))
    except msgspec.MsgspecError:
        return None


class _Needle:
    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        # As it stands inside JSON, without the quotes around it, and as it stands in a text of its own.
        self._inside, self._alone = encode(self._folded)[1:-1], self._folded.encode("utf-8", "replace")
        self._escaped = self._inside != self._alone
        self._ascii = self._folded.isascii()

    def may_be_in(self, plain: bytes) -> bool:
        """A quick look at an entry's bytes, which never misses anything."""
        if not plain.isascii():
            # Some letters beyond ASCII fold into ASCII ones.
            folded = plain.decode("utf-8", "replace").casefold().encode()
        elif self._ascii:
            folded = plain.lower()
        else:
            return False
        return self._inside in folded or (self._escaped and self._alone in folded)

    def line(self, found: Iterable[str]) -> str | None:
        for text in found:
            folded = text.casefold()
            at = folded.find(self._folded)
            if at >= 0:
                end = at + len(self._folded)
                if len(text) != len(folded):
                    at, end = _unfolded(text, at), _unfolded(text, end)
                return _around(text, at, end)
        return None


def _unfolded(text: str, place: int) -> int:
    """A place in the folded text, in the text itself: ß is two letters there."""
    folded = 0
    for at, letter in enumerate(text):
        if folded >= place:
            return at
        folded += len(letter.casefold())
    return len(text)


def _around(text: str, at: int, past: int) -> str:
    start, end = max(0, at - BEFORE), min(len(text), past + AFTER)
    line = " ".join(text[start:end].split())
    return f"{'…' if start else ''}{line}{'…' if end < len(text) else ''}"
