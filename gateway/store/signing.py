"""Keeps signatures of what was said (`signatures.py`), sealed: in the background, on a thread of its own.

The newest entries have none, so that nobody waits for them and a small store never has any; a search opens those one
after another. Signatures tell of all entries of a range of numbers. They go with the first of these that is deleted,
and what is left in the range gets new ones. An entry never changes. Those that an earlier version made tell less, and
are used until others take their place, range by range, the newest first.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Condition, Thread
from time import sleep

import msgspec
from msgspec import Struct

from gateway.keys.sealing import SealBroken
from gateway.store.content import UNSEARCHED, Entry, Sealed, texts_of
from gateway.store.database import open_existing, writing
from gateway.store.names import json_array
from gateway.store.signatures import Signatures, Signer

SIGNATURES = 8
# So many of the newest numbers go without.
UNSIGNED = 4096
# After something was stored: more may follow.
REST_S = 2.0
CHUNK = 64
# Not 0: that gives the interpreter back and takes it again before anybody else wakes up.
PAUSE_S = 0.0001

# Of signatures that tell all that they can.
VERSION = 2

_RANGES = "SELECT first, last, entries FROM signatures WHERE last > ? ORDER BY first"
_READ = "SELECT data FROM signatures WHERE first = ? AND last = ?"
_ENTRIES = (
    "SELECT id, hash, kind, data FROM contents WHERE id > ? AND id < ? "
    f"AND kind NOT IN {UNSEARCHED} ORDER BY id LIMIT {CHUNK}"
)
_HASHES = f"SELECT id, hash FROM contents WHERE id BETWEEN ? AND ? AND kind NOT IN {UNSEARCHED} ORDER BY id"
_ANY = f"SELECT 1 FROM contents WHERE id > ? AND id < ? AND kind NOT IN {UNSEARCHED} LIMIT 1"
_NEWEST = "SELECT COALESCE(MAX(id), 0) FROM contents"
_OLD = "SELECT first - 1, last + 1 FROM signatures WHERE version < ? ORDER BY first DESC LIMIT 1"
_PUT = "INSERT OR REPLACE INTO signatures (first, last, entries, data, version) VALUES (?, ?, ?, ?, ?)"
# Ranges do not overlap: that of a number, if any, is the last that begins before it.
_FORGET = (
    "DELETE FROM signatures WHERE first IN (SELECT s.first FROM json_each(?) e JOIN signatures s "
    "ON s.first = (SELECT MAX(first) FROM signatures WHERE first <= e.value) WHERE s.last >= e.value)"
)

_log = logging.getLogger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Signatures).decode


class Range(Struct, frozen=True):
    """Numbers of entries, both included, that have signatures; how many of them can be searched."""

    first: int
    last: int
    entries: int


def signed(connection: sqlite3.Connection, after: int = 0) -> list[Range]:
    """All ranges with signatures that go beyond a number, in order."""
    return [Range(*row) for row in connection.execute(_RANGES, (after,))]


def signatures(connection: sqlite3.Connection, sealed: Sealed, range_: Range) -> Signatures | None:
    """Those of a range, whose numbers count from the one before it; None where they cannot be opened."""
    found = connection.execute(_READ, (range_.first, range_.last)).fetchone()
    try:
        return _decode(sealed.unpack(SIGNATURES, _address(range_), found[0])) if found else None
    except (SealBroken, msgspec.MsgspecError):
        return None


def forget_signatures(connection: sqlite3.Connection, entries: Sequence[int]) -> None:
    """Delete those that tell of any of these entries."""
    connection.execute(_FORGET, (json_array(entries),))


class Signing:
    """One store's. `unsigned` is how many of the newest numbers go without signatures."""

    def __init__(self, path: Path, sealed: Sealed, unsigned: int = UNSIGNED) -> None:
        self._path = path
        self._sealed = sealed
        self._unsigned = unsigned
        self._changed = Condition()
        self._due = True
        self._closing = False
        self._thread = Thread(target=self._run, name="signing", daemon=True)

    def start(self) -> None:
        """What was stored before has none yet where an earlier version stored it."""
        self._thread.start()

    def wake(self) -> None:
        """Something was stored or deleted."""
        if not self._due:
            with self._changed:
                self._due = True
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def sign(self) -> None:
        """Make all that are to be there, on the thread that asks. Raises sqlite3.Error."""
        with closing(open_existing(self._path)) as connection:
            while not self._closing and self._sign(connection):
                pass

    def _run(self) -> None:
        told = False
        while self._wait():
            try:
                self.sign()
                told = False
            except Exception as error:
                # A search opens what has none. The error's own words may repeat what was said.
                if not told:
                    _log.warning("What was said could not be made quick to search (%s).", type(error).__name__)
                told = True

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._due or self._closing)
            self._changed.wait_for(lambda: self._closing, REST_S)
            self._due = False
            return not self._closing

    def _sign(self, connection: sqlite3.Connection) -> bool:
        """Make those of one range that has none, else of one whose tell less; False where there is no such range."""
        between = self._without(connection) or connection.execute(_OLD, (VERSION,)).fetchone()
        if between is None:
            return False
        after, before = between
        read: list[tuple[int, bytes]] = []
        signer, full = Signer(lambda: sleep(PAUSE_S)), False
        place = after
        while not full and (chunk := connection.execute(_ENTRIES, (place, before)).fetchall()):
            full = self._add(signer, chunk, after, read)
            if self._closing:
                return False
            place = read[-1][0]
        range_ = Range(after + 1, place if full else before - 1, len(read))
        data = self._sealed.pack(SIGNATURES, _address(range_), _encode(signer.made()))
        with writing(connection):
            # Some of them may have been deleted meanwhile, even their numbers given again.
            if connection.execute(_HASHES, (range_.first, range_.last)).fetchall() == read:
                connection.execute(_PUT, (range_.first, range_.last, range_.entries, data, VERSION))
        return True

    def _add(self, signer: Signer, chunk: Sequence[Entry], after: int, read: list[tuple[int, bytes]]) -> bool:
        """Add entries until there is no more room: whether that is so."""
        opened = {number: (kind, plain) for number, kind, plain in self._sealed.opened(chunk)}
        for number, address, *_ in chunk:
            text = _folded(*opened[number]) if number in opened else b""
            if not signer.has_room(len(text)):
                return True
            signer.add(number - after, text)
            read.append((number, address))
        sleep(PAUSE_S)
        return signer.full

    def _without(self, connection: sqlite3.Connection) -> tuple[int, int] | None:
        """The numbers between which the first entries stand that are to have signatures and have none."""
        place = 0
        for range_ in signed(connection):
            if place + 1 < range_.first and connection.execute(_ANY, (place, range_.first)).fetchone():
                return place, range_.first
            place = range_.last
        newest: int = connection.execute(_NEWEST).fetchone()[0]
        if newest - place <= self._unsigned:
            return None
        # Enough for a whole range, so that the ones at the end are not small.
        before = newest + 1 - self._unsigned // 2
        return (place, before) if connection.execute(_ANY, (place, before)).fetchone() else None


def _folded(kind: int, plain: bytes) -> bytes:
    """What is searched in; empty where it cannot be read."""
    try:
        return "\n".join(texts_of(kind, plain)).casefold().encode("utf-8", "replace")
    except msgspec.MsgspecError:
        return b""


def _address(range_: Range) -> bytes:
    return f"signatures {range_.first} {range_.last}".encode()
