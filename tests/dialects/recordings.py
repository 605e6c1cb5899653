"""Every recorded answer of every dialect, found by looking, and the same stream in every framing that is allowed.

A stream is `tests/wire/<dialect>/<name>.sse`; where the provider would say the same in one piece, `<name>.json` beside
it is that whole answer.
"""

import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from gateway.dialects import DIALECTS
from gateway.dialects.dialect import Dialect
from gateway.events import Event
from tests.dialects.feeding import read

WIRE = Path(__file__).parents[1] / "wire"


class Recording(Struct, frozen=True):
    dialect: str
    name: str

    @property
    def codec(self) -> Dialect:
        return DIALECTS[self.dialect]

    @property
    def stream(self) -> bytes:
        return _bytes_of(WIRE / self.dialect / f"{self.name}.sse")

    @property
    def whole(self) -> bytes | None:
        """The same answer in one piece, None where there is none."""
        path = WIRE / self.dialect / f"{self.name}.json"
        return _bytes_of(path) if path.exists() else None

    def events(self, chunks: list[bytes] | None = None) -> list[Event]:
        return read(self.codec.reader(), [self.stream] if chunks is None else chunks)

    def __str__(self) -> str:
        return f"{self.dialect}-{self.name}"


@lru_cache
def _bytes_of(path: Path) -> bytes:
    return path.read_bytes()


RECORDINGS = [Recording(name, path.stem) for name in DIALECTS for path in sorted((WIRE / name).glob("*.sse"))]
TWINS = [recording for recording in RECORDINGS if recording.whole is not None]


def in_bytes(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def cut_at(stream: bytes, places: list[int]) -> list[bytes]:
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


def cuts(stream: bytes, random_cuts: int) -> Iterator[tuple[str, list[bytes]]]:
    """Byte by byte, at random places, inside every character of several bytes, and inside every CRLF."""
    yield "byte by byte", in_bytes(stream)
    rng = random.Random(len(stream))
    for number in range(random_cuts):
        places = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(1, 40)))
        yield f"random cuts {number}", cut_at(stream, places)
    inside = [at for at, byte in enumerate(stream) if byte & 0xC0 == 0x80]
    yield "inside characters", cut_at(stream, inside)
    crlf = [at + 1 for at in range(len(stream) - 1) if stream[at : at + 2] == b"\r\n"]
    yield "inside CRLF", cut_at(stream, crlf)


def framings(stream: bytes) -> Iterator[tuple[str, bytes]]:
    """The stream in other words of the event-stream format, which all say the same."""
    blocks, rest = _blocks(stream)
    yield "LF", _joined(blocks, rest)
    yield "CRLF", _joined(blocks, rest).replace(b"\n", b"\r\n")
    yield "CR", _joined(blocks, rest).replace(b"\n", b"\r")
    yield "mark of UTF-8", b"\xef\xbb\xbf" + stream
    yield "comments between", b": hello\n\n" + b"".join(block + b"\n\n: ping\n\n:\n\n" for block in blocks) + rest
    yield "comments inside", _joined([b": one\n" + block.replace(b"\n", b"\n:\n") for block in blocks], rest)
    yield "no space", _joined([_without_space(block) for block in blocks], _without_space(rest))
    yield "ids and retries", _joined([b"id: 7\nretry: 100\nother: x\nnothing\n" + block for block in blocks], rest)
    yield "blank lines", b"\n\n" + b"".join(block + b"\n\n\n\n" for block in blocks) + rest
    several = [_several_lines(block) for block in blocks]
    yield "several data lines", _joined(several, rest)
    everything = b": x\n\n" + b"".join(_without_space(block) + b"\nid\n\n:\n\n" for block in several) + rest
    yield "everything", b"\xef\xbb\xbf" + everything.replace(b"\n", b"\r\n")


def _blocks(stream: bytes) -> tuple[list[bytes], bytes]:
    """The events' bytes without their blank lines; and what stands behind the last one, unfinished."""
    *blocks, rest = stream.replace(b"\r\n", b"\n").split(b"\n\n")
    return [block for block in blocks if block], rest


def _joined(blocks: list[bytes], rest: bytes) -> bytes:
    return b"".join(block + b"\n\n" for block in blocks) + rest


def _without_space(block: bytes) -> bytes:
    return b"\n".join(line.replace(b": ", b":", 1) for line in block.split(b"\n"))


def _several_lines(block: bytes) -> bytes:
    """Each data line parted after its commas, which is white space to JSON."""
    return b"\n".join(
        b"\n".join(b"data: " + piece for piece in _parted(line[6:])) if line.startswith(b"data: ") else line
        for line in block.split(b"\n")
    )


def _parted(data: bytes) -> list[bytes]:
    if not data.startswith((b"{", b"[{")):
        return [data]
    pieces, quoted, escaped, begun = [], False, False, 0
    for at, byte in enumerate(data):
        if escaped:
            escaped = False
        elif byte == 0x5C:
            escaped = quoted
        elif byte == 0x22:
            quoted = not quoted
        elif byte == 0x2C and not quoted:
            pieces.append(data[begun : at + 1])
            begun = at + 1
    return [*pieces, data[begun:]]
