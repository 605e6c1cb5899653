"""Search in everything that was said, without an index: entries are opened one after another, newest first.

No plain text of them stands on the disk. The scan gives other threads their turn between chunks, and ends when its
asker has left.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from time import sleep

import msgspec

from gateway.sealing import SealBroken
from gateway.store.content import BYTES, TEXT, TOOLS, Sealed, read_parts, texts
from gateway.store.names import json_array

CHUNK = 256
# So many characters around what was found.
BEFORE, AFTER = 40, 100

_LATEST = f"SELECT COALESCE(MAX(id), 0), COUNT(*) FROM contents WHERE kind NOT IN ({BYTES}, {TOOLS})"
_ENTRIES = (
    f"SELECT id, hash, kind, data FROM contents WHERE id < ? AND kind NOT IN ({BYTES}, {TOOLS}) "
    "ORDER BY id DESC LIMIT ?"
)
_BY_SAID = (
    "SELECT t.conversation, s.content FROM said s JOIN turns t ON t.id = s.turn "
    "WHERE s.content IN (SELECT value FROM json_each(?)) ORDER BY t.started_us DESC"
)
_BY_SYSTEM = "SELECT conversation, system FROM turns WHERE system IN (SELECT value FROM json_each(?))"
_WHOLES = "SELECT content, part FROM content_parts WHERE part IN (SELECT value FROM json_each(?))"
_TITLES = "SELECT id, title FROM conversations WHERE title IS NOT NULL"

# (messages looked at, of how many)
Progress = Callable[[int, int], None]


class Search:
    """Remembers the last result, since its pages are asked for one after another."""

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._lock = Lock()
        self._last: tuple[tuple[str, int, int], Mapping[int, str]] | None = None

    def find(self, connection: sqlite3.Connection, text: str, progress: Progress) -> Mapping[int, str]:
        """The conversations in which this was said, case folded, each with a line around it. Raises
        sqlite3.OperationalError once the question that this thread asks is dropped."""
        latest, count = connection.execute(_LATEST).fetchone()
        key = (text, latest, count)
        with self._lock:
            if self._last is not None and self._last[0] == key:
                return self._last[1]
        found = self._titles(connection, text) | self._conversations(
            connection, self._scan(connection, text, key[2], progress)
        )
        with self._lock:
            self._last = (key, found)
        return found

    def _scan(self, connection: sqlite3.Connection, text: str, of: int, progress: Progress) -> dict[int, str]:
        """Lines by entry."""
        needle = _Needle(text)
        found: dict[int, str] = {}
        after, done = 2**62, 0
        while chunk := connection.execute(_ENTRIES, (after, CHUNK)).fetchall():
            for number, address, kind, data in chunk:
                line = self._line(needle, kind, address, data)
                if line is not None:
                    found[number] = line
            after, done = chunk[-1][0], done + len(chunk)
            progress(done, max(of, done))
            sleep(0)
        return found

    def _line(self, needle: "_Needle", kind: int, address: bytes, data: bytes) -> str | None:
        try:
            plain = self._sealed.unpack(kind, address, data)
        except SealBroken:
            return None
        if not needle.may_be_in(plain):
            return None
        if kind == TEXT:
            return needle.line((plain.decode("utf-8", "replace"),))
        try:
            return needle.line(texts(read_parts(kind, plain)))
        except msgspec.MsgspecError:
            return None

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


class _Needle:
    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        # As it stands inside JSON, without the quotes around it; only ASCII folds alike as bytes.
        self._ascii = msgspec.json.encode(self._folded)[1:-1] if text.isascii() else None

    def may_be_in(self, plain: bytes) -> bool:
        """A quick look at an entry's bytes, which never misses anything."""
        if self._ascii is None:
            return True
        # Some letters beyond ASCII fold into ASCII ones.
        return self._ascii in plain.lower() or self._folded.encode() in plain.lower() or not plain.isascii()

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
