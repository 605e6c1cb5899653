"""Pictures of a thread, decoded in a worker: bounded in size, shrunk to what is shown, and kept for a while.

Bytes come from the message itself. Nothing is fetched, and a format or size that could hold the window is refused.
"""

import asyncio
import base64
import binascii
import hashlib
from collections import OrderedDict

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QSize, Signal
from PySide6.QtGui import QImage, QImageReader

from app.context import Spawn
from app.pages.conversations_parts.drawn import PICTURE_HEIGHT, PICTURE_SIDE
from app.parts.piece import Picture
from app.translation import tr

MOST_PIXELS = 50_000_000
_KEPT = 64
_SHARP = 2
_FORMATS = {
    "image/png": b"png",
    "image/jpeg": b"jpeg",
    "image/webp": b"webp",
    "image/gif": b"gif",
    "image/bmp": b"bmp",
}


def decode(picture: Picture) -> QImage | str:
    """The picture, no larger than it is shown on a sharp screen; else why it is not shown."""
    try:
        data = base64.b64decode(picture.data, validate=False)
    except (binascii.Error, ValueError):
        return tr("not readable: no base64")
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(_FORMATS.get(picture.mime_type, b"")))
    size = reader.size()
    if not size.isValid():
        return tr("not readable")
    if size.width() * size.height() > MOST_PIXELS:
        return tr("too large to show: {width:,} × {height:,}").format(width=size.width(), height=size.height())
    most = QSize(PICTURE_SIDE * _SHARP, PICTURE_HEIGHT * _SHARP)
    if size.width() > most.width() or size.height() > most.height():
        from PySide6.QtCore import Qt

        reader.setScaledSize(size.scaled(most, Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return tr("not readable") if image.isNull() else image


class Pictures(QObject):
    """`picture` answers at once; `came` when one that was asked for has been decoded."""

    came = Signal()

    def __init__(self, spawn: Spawn, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._spawn = spawn
        self._kept: OrderedDict[bytes, QImage | str] = OrderedDict()
        self._asked: set[bytes] = set()
        self._names: dict[int, tuple[Picture, bytes]] = {}

    def picture(self, piece: Picture) -> QImage | str | None:
        name = self._name(piece)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        if name not in self._asked:
            self._asked.add(name)
            self._spawn(self._decode(piece, name))
        return None

    def _name(self, piece: Picture) -> bytes:
        known = self._names.get(id(piece))
        if known is not None and known[0] is piece:
            return known[1]
        name = hashlib.blake2b(piece.data.encode(), digest_size=16).digest()
        if len(self._names) > 4 * _KEPT:
            self._names.clear()
        self._names[id(piece)] = (piece, name)
        return name

    async def _decode(self, piece: Picture, name: bytes) -> None:
        try:
            self._kept[name] = await asyncio.to_thread(decode, piece)
        finally:
            self._asked.discard(name)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        self.came.emit()
