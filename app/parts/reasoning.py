"""Reasoning: upright in the second text colour behind a coloured line; where the provider hides it, that it does."""

from collections.abc import Iterator

from app.parts.piece import Note, Piece, Plain, Room, cut, slices
from app.translation import later, tr
from gateway import Reasoning

HIDDEN = later("Encrypted by the provider: the model thought here, and only the provider can read it")


def pieces(part: Reasoning, room: Room) -> Iterator[Piece]:
    if not part.text.strip():
        yield Note(tr(HIDDEN), "text3", "lock")
        return
    for piece in slices(cut(part.text.strip("\n"), room)):
        yield Plain(piece, "text2", bar="reasoning")
