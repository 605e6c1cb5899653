"""A tool's result: JSON as a tree, other text in mono as it came, and the pictures and files that came with it."""

from collections.abc import Iterator

from app.parts import linked, opaque, picture
from app.parts.fences import code_pieces
from app.parts.piece import Note, Piece, Room, cut
from app.parts.tool_call import json_pieces
from app.translation import tr
from gateway import Blob, Opaque, Text, ToolCallResponse


def pieces(part: ToolCallResponse, room: Room) -> Iterator[Piece]:
    tone = "bad" if part.is_error else "text"
    if not part.content:
        yield Note(tr("Empty result"))
    for item in part.content:
        if isinstance(item, Text):
            start = item.text.lstrip()[:1]
            if start in ("{", "[") and not part.is_error:
                yield from json_pieces(item.text, room)
            elif item.text:
                yield from code_pieces(cut(item.text, room), _language(item.text), tone)
        elif isinstance(item, Blob):
            yield from picture.pieces(item, room)
        elif isinstance(item, Opaque):
            yield from opaque.pieces(item, room)
        else:
            yield from linked.pieces(item, room)


def _language(text: str) -> str:
    return "diff" if text.startswith(("diff ", "--- ", "@@ ")) else ""
