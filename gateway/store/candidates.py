"""Which entries may hold a text, newest first: by their signatures, and where they have none by opening them.

The texts of a chunk that is opened are looked through as one, and one by one only where something may be.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from time import sleep

from msgspec import Struct

from gateway.store.asking import stop_if_dropped
from gateway.store.content import UNSEARCHED, Entry, Sealed
from gateway.store.needles import Needle
from gateway.store.signing import Range, signatures, signed

CHUNK = 512
# Not 0: that gives the interpreter back and takes it again before anybody else wakes up.
PAUSE_S = 0.00005

_ENTRIES = (
    f"SELECT id, hash, kind, data FROM contents WHERE id < ? AND id > ? AND kind NOT IN {UNSEARCHED} "
    "ORDER BY id DESC LIMIT ?"
)

# How many entries were looked at, of how many.
Progress = Callable[[int, int], None]
# Number, kind and bytes of an entry.
Plain = tuple[int, int, bytes]


class _Stretch(Struct, frozen=True):
    """Entries between two numbers, and their signatures' range where they have some."""

    after: int
    before: int
    range: Range | None

    @property
    def most(self) -> int:
        return self.range.entries if self.range else self.before - self.after - 1


class Numbers:
    """Some of the numbers from 0 to `most`, a byte for each: as a set they would take up to seventy."""

    def __init__(self, most: int, some: Iterable[int] = ()) -> None:
        self._are_in = bytearray(most + 1)
        self.update(some)

    def __contains__(self, number: int) -> bool:
        return number < len(self._are_in) and self._are_in[number] == 1

    def __iter__(self) -> Iterator[int]:
        return compress(range(len(self._are_in)), self._are_in)

    def __len__(self) -> int:
        return self._are_in.count(1)

    def update(self, some: Iterable[int]) -> None:
        for number in some:
            self._are_in[number] = 1


class Candidates:
    """Of one search, in one snapshot."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed, needle: Needle, progress: Progress) -> None:
        self._connection = connection
        self._sealed = sealed
        self._needle = needle
        self._progress = progress
        self._done = self._of = 0

    def among(self, after: int, newest: int) -> Iterator[int]:
        """Numbers of entries above one that may hold the text. Raises sqlite3.OperationalError once the question
        that this thread asks is dropped."""
        stretches = list(self._stretches(after, newest))
        self._of = sum(stretch.most for stretch in stretches)
        for stretch in stretches:
            by_signatures = self._signed(stretch)
            found = self._opened(stretch) if by_signatures is None else by_signatures
            yield from (number for number in found if number > after)

    def _stretches(self, after: int, newest: int) -> Iterator[_Stretch]:
        before = newest + 1
        for range_ in reversed(signed(self._connection, after)):
            if range_.last + 1 < before:
                yield _Stretch(range_.last, before, None)
            yield _Stretch(range_.first - 1, range_.last + 1, range_)
            before = range_.first
        if after + 1 < before:
            yield _Stretch(after, before, None)

    def _signed(self, stretch: _Stretch) -> set[int] | None:
        if stretch.range is None:
            return None
        found = signatures(self._connection, self._sealed, stretch.range)
        if found is None:
            return None
        self._done += stretch.most
        self._give_way()
        return {stretch.after + number for number in found.may_hold(self._needle.sought)}

    def _opened(self, stretch: _Stretch) -> Iterator[int]:
        before, done = stretch.before, self._done
        while chunk := self._connection.execute(_ENTRIES, (before, stretch.after, CHUNK)).fetchall():
            yield from (number for number, _, _ in may_hold(self._sealed, self._needle, chunk))
            before = chunk[-1][0]
            self._done += len(chunk)
            self._give_way()
        # There are numbers without entries.
        self._done = done + stretch.most
        self._progress(self._done, self._of)

    def _give_way(self) -> None:
        self._progress(self._done, self._of)
        sleep(PAUSE_S)
        stop_if_dropped()


def may_hold(sealed: Sealed, needle: Needle, chunk: Sequence[Entry]) -> list[Plain]:
    """Those of these entries that may hold the text, opened."""
    plain: list[Plain] = []
    other: list[Plain] = []
    for entry in sealed.opened(chunk):
        (plain if needle.caseless or entry[2].isascii() else other).append(entry)
    found = [plain[place] for place in needle.may_be_among([data for _, _, data in plain])]
    return found + [entry for entry in other if needle.may_be_in(entry[2])]
