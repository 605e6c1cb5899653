"""What lies elsewhere, an address or a provider's file: named and never fetched."""

from collections.abc import Iterator

from app.parts.piece import Piece, Room, Token
from app.translation import tr
from gateway import File, Uri


def pieces(part: Uri | File, room: Room) -> Iterator[Piece]:
    if isinstance(part, Uri):
        yield Token(
            "link",
            part.uri[:120],
            tr("{modality}, not fetched: {uri}").format(modality=part.modality, uri=part.uri[:2000]),
        )
    else:
        yield Token(
            "file-text",
            part.filename or part.file_id,
            tr("{modality} held by the provider: {file_id}").format(modality=part.modality, file_id=part.file_id),
        )
