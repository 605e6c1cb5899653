"""A block of one dialect that the neutral model has no word for: raw, under the type that it says."""

from collections.abc import Iterator

import msgspec

from app.parts.piece import Note, Piece, Room
from app.parts.tool_call import json_pieces
from app.translation import tr
from gateway import Opaque


def pieces(part: Opaque, room: Room) -> Iterator[Piece]:
    kind = part.value.get("type", "block")
    yield Note(tr("{kind}, as {dialect} wrote it").format(kind=kind, dialect=part.dialect))
    yield from json_pieces(msgspec.json.encode(part.value).decode(), room)
