"""In which columns of a text single letters and pairs stand, told exactly: triples of bytes tell nothing of them.

A letter is one of ASCII, or one of two bytes (Latin, Greek, Cyrillic, Hebrew, Arabic); a pair is two of ASCII. Wide
letters, those of three bytes and more (Chinese, Japanese, Korean, Indian), are told apart from these, as the 16 bits
that they have in UTF-16: of such a script's triples half stand in any column. Of what stands in most columns only
that is told: looking there finds it soon. Pure.
"""

import re
import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Set

from msgspec import Struct

# The second byte of the code of a single letter: in UTF-8 it stands nowhere.
_SINGLE = 0xFF00
# Wide letters.
WIDE = re.compile(rb"(?:[\xe0-\xff][\x80-\xbf]*)+")
# The first letter that has three bytes.
_FIRST_WIDE = 0x800
_BITS = tuple(1 << column for column in range(256))
_ASCII_PAIR, _LEAD_MASK, _LEAD = 0x8080, 0xE0, 0xC0


def letters_of(text: bytes) -> set[int]:
    """Codes of the letters and pairs in a piece of UTF-8, which may end within a letter."""
    found = {code for code in (*_halves(text), *_halves(text[1:])) if _is_told(code)}
    found.update(_SINGLE | byte for byte in text if byte < 0x80)
    return found


def wide_letters_of(text: bytes) -> set[int]:
    """Codes of the wide letters in a piece of UTF-8, which may begin and end within one."""
    return {code for code in set(_halves(_utf16(text))) if code >= _FIRST_WIDE}


def wide_pairs_of(text: bytes) -> set[int]:
    """Of each two letters that stand side by side, one of them or both wide: both codes in one number."""
    codes = _utf16(text)
    pairs = {pair for half in (codes, codes[2:]) for pair in struct.unpack_from(f"<{len(half) // 4}I", half)}
    return {pair for pair in pairs if pair >= _FIRST_WIDE << 16 or pair & 0xFFFF >= _FIRST_WIDE}


def _utf16(text: bytes) -> bytes:
    return b"" if text.isascii() else text.decode("utf-8", "ignore").encode("utf-16-le")


def _is_told(code: int) -> bool:
    """Two bytes of ASCII, or the first of a letter of two with its second."""
    return not code & _ASCII_PAIR or code & _LEAD_MASK == _LEAD


def _halves(text: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f"<{len(text) // 2}H", text)


class Letters(Struct, frozen=True, array_like=True):
    """`codes` are two bytes each, in order; `sizes` says of each how many bytes of `columns` are its own: the numbers
    of its columns, or a bit for each of `most` where that is shorter; none for "most columns". Where `most` is 0
    nothing is told."""

    codes: bytes
    sizes: bytes
    columns: bytes
    most: int

    def columns_with(self, wanted: Set[int]) -> int:
        """A bit for each column in which all these may stand; -1, which has all bits, for any."""
        columns = -1
        if wanted and self.most:
            codes = struct.unpack(f"<{len(self.codes) // 2}H", self.codes)
            for code in wanted:
                at = bisect_left(codes, code)
                columns &= self._columns(at) if at < len(codes) and codes[at] == code else 0
        return columns

    def _columns(self, at: int) -> int:
        size = self.sizes[at]
        if size == 0:
            return -1
        start = sum(self.sizes[:at])
        told = self.columns[start : start + size]
        return int.from_bytes(told, "little") if size == self.most // 8 else sum(1 << column for column in told)


class LetterColumns:
    """Gathers them, column after column, as far as these are no more than `most`, a multiple of eight up to 256."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._columns: defaultdict[int, bytearray] = defaultdict(bytearray)
        self._wide: defaultdict[int, bytearray] = defaultdict(bytearray)
        # The latest column of each two bytes.
        self._latest = [-1] * 0x10000

    def add(self, text: bytes) -> None:
        """The next column."""
        column, latest, columns = self._count, self._latest, self._columns
        self._count += 1
        if column >= self._most:
            return
        for code in wide_letters_of(text):
            self._wide[code].append(column)
        text = WIDE.sub(b"\xff", text)
        for codes in (_halves(text), _halves(text[1:]), [_SINGLE | byte for byte in text[-1:]]):
            for code in codes:
                if latest[code] != column:
                    latest[code] = column
                    columns[code].append(column)

    def made(self) -> Letters:
        """Of one text that is longer than that, nothing is told."""
        return self._made(self._found())

    def made_wide(self) -> Letters:
        """The same of wide letters."""
        return self._made(self._wide)

    def _made(self, found: Mapping[int, Collection[int]]) -> Letters:
        if self._count > self._most:
            return Letters(b"", b"", b"", 0)
        codes = sorted(found)
        told = [self._told(found[code]) for code in codes]
        return Letters(
            codes=struct.pack(f"<{len(codes)}H", *codes),
            sizes=bytes(map(len, told)),
            columns=b"".join(told),
            most=self._most,
        )

    def _found(self) -> dict[int, Collection[int]]:
        pairs = {code: columns for code, columns in self._columns.items() if _is_told(code)}
        single: dict[int, set[int]] = {}
        for code, columns in self._columns.items():
            if code & 0xFF < 0x80:
                single.setdefault(_SINGLE | code & 0xFF, set()).update(columns)
        return {**pairs, **single}

    def _told(self, columns: Collection[int]) -> bytes:
        if 2 * len(columns) > self._count:
            return b""
        if len(columns) < self._most // 8:
            return bytes(sorted(columns))
        return sum(map(_BITS.__getitem__, columns)).to_bytes(self._most // 8, "little")
