"""Bodies that come as gzip or deflate, inflated in pieces of bounded size whatever was put into them. Pure.

Source: RFC 9110, 8.4.1; RFC 1952 (gzip may be several members, one behind another, and end in zeros). Under the name
of deflate some senders leave the zlib wrapper out, which its first byte tells.
"""

import zlib
from collections.abc import Iterator

PIECE = 256 * 1024
_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
# The method that a zlib wrapper names in the lower half of its first byte.
_DEFLATED = 8


class Inflater:
    """One body's. `encoding` is gzip or deflate."""

    __slots__ = ("_gzip", "_member", "_over")

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding == "gzip"
        self._member: zlib._Decompress | None = None
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes hold, at most `PIECE` bytes at once. Raises ValueError."""
        more = True
        while data or more:
            if self._member is None:
                data = data.lstrip(b"\0") if self._over else data
                if not data:
                    return
                self._member = zlib.decompressobj(self._window(data[0]))
            member = self._member
            try:
                piece = member.decompress(data, PIECE)
            except zlib.error as error:
                raise ValueError(str(error)) from None
            if piece:
                yield piece
            # A full piece may leave more behind, also where all that came is taken in.
            data, more = member.unconsumed_tail, len(piece) == PIECE
            if member.eof:
                data, more, self._member, self._over = member.unused_data, False, None, True

    def close(self) -> None:
        """Raises ValueError where the body was cut."""
        if self._member is not None:
            raise ValueError("the compressed body ends in the middle")

    def _window(self, first: int) -> int:
        if self._gzip:
            return _GZIP
        if self._over:
            raise ValueError("more follows the compressed body")
        return _ZLIB if first & 0xF == _DEFLATED else _BARE
