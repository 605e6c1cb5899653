"""What lies elsewhere, an address or a provider's file: named and never fetched."""

from collections.abc import Iterator

from app.parts.piece import Piece, Room, Token
from gateway import File, Uri


def pieces(part: Uri | File, room: Room) -> Iterator[Piece]:
    if isinstance(part, Uri):
        yield Token("link", part.uri[:120], f"{part.modality}, not fetched: {part.uri[:2000]}")
    else:
        yield Token(
            "file-text", part.filename or part.file_id, f"{part.modality} held by the provider: {part.file_id}"
        )
