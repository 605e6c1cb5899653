"""What a part of a message is shown as: a few kinds of pieces, plain data that is made without Qt.

A piece is small: long texts come in slices, so that one is laid out within a few milliseconds and only those in sight
are. `tone` names a colour token.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

SLICE_CHARS = 1_500
SLICE_LINES = 30


class Prose(Struct, frozen=True):
    """Markdown without fenced code and without HTML."""

    text: str


class Plain(Struct, frozen=True):
    """Words as they are. `bar` names the colour of a line at their left."""

    text: str
    tone: str = "text"
    mono: bool = False
    px: int = 13
    bar: str = ""


class Code(Struct, frozen=True):
    """Lines on a ground of their own. `whole` is what its copy button copies, None where the piece has no button.

    `first` and `last` say whether the ground begins and ends here: slices of one code stand on one ground.
    """

    text: str
    language: str = ""
    whole: str | None = None
    first: bool = True
    last: bool = True
    tone: str = "text"


class Tree(Struct, frozen=True):
    """A JSON value whose objects and arrays can be closed. `source` is its text as it came."""

    value: Any
    source: str


class Picture(Struct, frozen=True):
    """Inline bytes as base64 text; it is decoded elsewhere and never fetched."""

    data: str
    mime_type: str
    label: str


class Token(Struct, frozen=True):
    """Something that is named and not shown: a file, an address. `detail` is told in full by its tooltip."""

    icon: str
    text: str
    detail: str = ""


class Note(Struct, frozen=True):
    """A line of the viewer's own about what stands there."""

    text: str
    tone: str = "text3"
    icon: str = ""


class More(Struct, frozen=True):
    """What opens the rest."""

    text: str


Piece = Prose | Plain | Code | Tree | Picture | Token | Note | More


class Room(Struct, frozen=True):
    """How much of a text is shown at first; `end` tells that it goes on, where nothing else does."""

    lines: int
    chars: int
    end: str = ""


EVERYTHING = Room(1_000_000, 200_000)
WITHOUT_END = Room(1_000_000_000, 1_000_000_000)


def cut(text: str, room: Room) -> str:
    """The text's beginning as far as there is room, at the end of a line or word."""
    shown = text[: room.chars]
    lines = shown.split("\n", room.lines)
    if len(lines) > room.lines:
        shown = "\n".join(lines[: room.lines])
    elif len(shown) < len(text):
        brk = max(shown.rfind("\n"), shown.rfind(" "))
        shown = shown[: brk if brk > len(shown) // 2 else len(shown)]
    if not room.end or len(shown.rstrip()) == len(text.rstrip()):
        return shown
    return f"{shown.rstrip()}{room.end}"


def slices(text: str, chars: int = SLICE_CHARS, lines: int = SLICE_LINES) -> Iterator[str]:
    """The text in runs of whole lines; a line that is longer than a slice is broken."""
    run: list[str] = []
    size = 0
    for line in text.split("\n"):
        for start in range(0, max(1, len(line)), chars):
            piece = line[start : start + chars]
            if run and (size + len(piece) > chars or len(run) >= lines):
                yield "\n".join(run)
                run, size = [], 0
            run.append(piece)
            size += len(piece)
    yield "\n".join(run)
