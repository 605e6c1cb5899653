"""Which of many entries may hold a text, told by hashes of the triples of bytes that stand in them. Pure.

Case folded texts, one after another, are cut into columns of 2 kB; a column is 2048 bits, of which each triple of
adjacent bytes sets one. So a text of any size takes an eighth of its bytes, and about a third of the bits are set. Of
wide letters (`letters.py`) each two that stand side by side set two bits instead. Up to 256 columns lie together,
turned so that what a triple says of all of them stands in one integer: those in which all triples of a text stand are
found with an AND for each. No entry that holds the text is missed; those that are found may not hold it. One or two
letters are no triple, and a wide one by itself is no pair: of these it is told where they stand.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence

from msgspec import Struct

from gateway.store.letters import WIDE, LetterColumns, Letters, letters_of, wide_letters_of, wide_pairs_of

PLACES, COLUMN_BYTES, COLUMNS = 2048, 2048, 256
# Many short entries take few columns; their numbers take room too.
MOST_ENTRIES = 2048
# Of a text that is looked for, so many bytes count: columns overlap by one less.
LOOKED_AT = 32
TRIPLE = 3
# Of a text that is longer, its triples tell enough.
_FEW = 4
_OVERLAP = LOOKED_AT - 1

# Two bytes for each value of the first, second and third byte of a triple: the place is what they come to by XOR.
# Stored columns depend on these tables: they never change.
_SPREAD = hashlib.shake_256(b"faregate signatures").digest(6 * 256)
_MIXER = 2654435761
_LOW = tuple(_SPREAD[start : start + 256] for start in (0, 256, 512))
_HIGH = tuple(bytes(byte % (PLACES // 256) for byte in _SPREAD[start : start + 256]) for start in (768, 1024, 1280))


def places_of(text: bytes) -> set[int]:
    """The places of all triples of bytes and pairs of wide letters."""
    places = set(triples_of(WIDE.sub(b"\n", text)))
    mixed = [pair * _MIXER & 0xFFFFFFFF for pair in wide_pairs_of(text)]
    places.update([each >> 21 for each in mixed], [each >> 10 & PLACES - 1 for each in mixed])
    return places


def triples_of(text: bytes) -> Sequence[int]:
    """The place of each triple of bytes, in order and as often as it stands there."""
    count = len(text) - TRIPLE + 1
    if count < 1:
        return ()
    places = bytearray(2 * count)
    places[::2] = _mixed(text, count, _LOW)
    places[1::2] = _mixed(text, count, _HIGH)
    return struct.unpack(f"<{count}H", places)


def _mixed(text: bytes, count: int, tables: Sequence[bytes]) -> bytes:
    mixed = 0
    for start, table in enumerate(tables):
        mixed ^= int.from_bytes(text[start : start + count].translate(table), "little")
    return mixed.to_bytes(count, "little")


class Sought:
    """A text that is looked for, case folded, in UTF-8."""

    def __init__(self, text: bytes) -> None:
        looked_at = text[:LOOKED_AT]
        self.places = places_of(looked_at)
        # What an earlier version knew.
        self.triples = frozenset(triples_of(looked_at))
        self.letters = letters_of(looked_at) if len(looked_at) <= _FEW else frozenset()
        self.wide = wide_letters_of(looked_at)


class Signatures(Struct, frozen=True, array_like=True):
    """What is stored of some entries, whose numbers are counted from one before the first.

    `reach` has two numbers for each column: the first and the last of `entries` that it may hold a piece of, by
    place. `bits` has PLACES bytes for each eight columns. `wide` is None where an earlier version made them, by which
    wide letters set bits by their triples.
    """

    entries: tuple[int, ...]
    reach: tuple[int, ...]
    bits: bytes
    letters: Letters
    wide: Letters | None = None

    def may_hold(self, sought: Sought) -> set[int]:
        """The entries in which this text may stand."""
        columns = (1 << len(self.reach) // 2) - 1
        for place in sought.triples if self.wide is None else sought.places:
            columns &= int.from_bytes(self.bits[place::PLACES], "little")
            if not columns:
                return set()
        columns &= self.letters.columns_with(sought.letters)
        if self.wide is not None:
            columns &= self.wide.columns_with(sought.wide)
        found: set[int] = set()
        while columns:
            column = (columns & -columns).bit_length() - 1
            columns &= columns - 1
            first, last = self.reach[2 * column : 2 * column + 2]
            found.update(self.entries[first : last + 1])
        return found


class Signer:
    """Makes the signatures of entries that are added in order; `give_way` is called after each column."""

    def __init__(self, give_way: Callable[[], None] = lambda: None) -> None:
        self._give_way = give_way
        self._entries: list[int] = []
        self._reach: list[int] = []
        self._planes: list[int] = []
        self._letters = LetterColumns(COLUMNS)
        self._column = bytearray()
        self._first = 0

    @property
    def full(self) -> bool:
        return len(self._reach) >= 2 * COLUMNS or len(self._entries) >= MOST_ENTRIES

    def has_room(self, size: int) -> bool:
        """Whether an entry of so many bytes finds room, as any does where nothing is yet."""
        columns = (len(self._column) + size) // (COLUMN_BYTES - _OVERLAP) + 1
        return not self._entries or (len(self._reach) // 2 + columns <= COLUMNS and not self.full)

    def add(self, number: int, text: bytes) -> None:
        """An entry's texts, case folded, in UTF-8."""
        entry = len(self._entries)
        self._entries.append(number)
        if not self._column:
            self._first = entry
        # Nothing that is looked for may seem to go on from one entry to the next.
        self._column += text + b"\n"
        while len(self._column) >= COLUMN_BYTES:
            self._close(bytes(self._column[:COLUMN_BYTES]), entry)
            # What stood before this entry is whole in the columns before.
            del self._column[: COLUMN_BYTES - _OVERLAP]
            self._first = entry

    def _close(self, text: bytes, last: int) -> None:
        column = len(self._reach) // 2
        self._reach += (self._first, last)
        flags = bytearray(PLACES)
        for place in places_of(text):
            flags[place] = 1
        if column % 8 == 0:
            self._planes.append(0)
        self._planes[-1] |= int.from_bytes(flags, "little") << column % 8
        self._letters.add(text)
        self._give_way()

    def made(self) -> Signatures:
        """All that was added."""
        if len(self._column) > (_OVERLAP if self._reach else 0):
            self._close(bytes(self._column), len(self._entries) - 1)
            self._column.clear()
        bits = b"".join(plane.to_bytes(PLACES, "little") for plane in self._planes)
        letters, wide = self._letters.made(), self._letters.made_wide()
        return Signatures(tuple(self._entries), tuple(self._reach), bits, letters, wide)
