"""A tool call's arguments: a JSON tree, one line where they are short, and plain input where the tool takes that."""

import json
from collections.abc import Iterator

from app.parts.fences import code_pieces
from app.parts.piece import Code, Note, Piece, Room, Tree, cut
from app.translation import tr
from gateway import ToolCall

ONE_LINE = 76
_PARSED_AT_MOST = 400_000


def pieces(part: ToolCall, room: Room) -> Iterator[Piece]:
    if not part.arguments.strip():
        yield Note(tr("Called without arguments"))
    elif part.custom:
        yield from code_pieces(cut(part.arguments, room))
    else:
        yield from json_pieces(part.arguments, room)


def json_pieces(text: str, room: Room) -> Iterator[Piece]:
    """A tree where the text is JSON of a size that can be read; else the text, as far as there is room."""
    try:
        value = json.loads(text) if len(text) <= min(_PARSED_AT_MOST, room.chars * 4) else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict | list):
        yield from code_pieces(cut(text, room), "json")
    elif len(line := json.dumps(value, ensure_ascii=False)) <= ONE_LINE:
        yield Code(line, "json", whole=text)
    else:
        yield Tree(value, text)
