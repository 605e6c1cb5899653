"""Text and refusals: Markdown, as far as there is room."""

from collections.abc import Iterator

from app.parts.fences import markdown
from app.parts.piece import Note, Piece, Room, cut
from app.translation import tr
from gateway import Refusal, Text


def pieces(part: Text | Refusal, room: Room) -> Iterator[Piece]:
    if isinstance(part, Refusal):
        yield Note(tr("The model declined"), "warn", "shield-alert")
    yield from markdown(cut(part.text, room))
