"""Inline bytes: a picture where they are one of a bearable size, else a chip with name and size."""

from collections.abc import Iterator

from app import formats
from app.parts.piece import Picture, Piece, Room, Token
from gateway import Blob

SHOWN_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")
MOST_BASE64 = 24_000_000
_ICONS = {"audio": "activity", "video": "play", "image": "eye-off"}


def label_of(part: Blob) -> str:
    """Name, kind and size."""
    size = formats.size(len(part.data) * 3 // 4)
    return " · ".join(filter(None, (part.filename, part.mime_type, size)))


def pieces(part: Blob, room: Room) -> Iterator[Piece]:
    label = label_of(part)
    if part.mime_type in SHOWN_TYPES and len(part.data) <= MOST_BASE64:
        yield Picture(part.data, part.mime_type, label)
    else:
        yield Token(_ICONS.get(part.modality, "file-text"), label)
