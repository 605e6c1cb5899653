"""PNG files as small as zlib makes them, with the same pixels; what no viewer needs is left out.

The chunks are those of the PNG specification, section 5: length, name, data, CRC-32, all big-endian.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SHOWN = (b"IHDR", b"PLTE", b"tRNS")
# Which of them is the best differs from picture to picture, by some percent.
_WAYS = [(memory, strategy) for memory in (7, 8) for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)]


def deflate_again(path: Path) -> None:
    """Write the file anew where that makes it smaller. Raises ValueError where it is no PNG."""
    before = path.read_bytes()
    chunks = list(_chunks(before))
    pixels = zlib.decompress(b"".join(data for name, data in chunks if name == b"IDAT"))
    packed = min((_deflated(pixels, *way) for way in _WAYS), key=len)
    kept = [(name, data) for name, data in chunks if name in _SHOWN]
    after = _SIGNATURE + b"".join(_chunk(*one) for one in (*kept, (b"IDAT", packed), (b"IEND", b"")))
    if len(after) < len(before):
        path.write_bytes(after)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(_SIGNATURE):
        raise ValueError("This is no PNG file.")
    place = len(_SIGNATURE)
    while place < len(png):
        length, name = struct.unpack_from(">I4s", png, place)
        yield name, png[place + 8 : place + 8 + length]
        place += 12 + length


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _deflated(pixels: bytes, memory: int, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, memory, strategy)
    return packer.compress(pixels) + packer.flush()
