"""The program's icon in each form that a system asks for, drawn from `resources/icons/own/mark.svg`.

`python packaging/icons.py FOLDER` writes hicolor/<size>/apps/faregate.png, the SVG, faregate.ico and faregate.icns.
"""

import os
import shutil
import struct
import sys
from pathlib import Path

MARK = Path(__file__).parents[1] / "resources" / "icons" / "own" / "mark.svg"
# The sizes of the icon theme "hicolor" that desktops look for (freedesktop.org, Icon Theme Specification).
SIZES = (16, 22, 24, 32, 48, 64, 96, 128, 256, 512)
_ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
# Types of PNG entries in an Apple icon file, by the pixels of a side.
_ICNS_TYPES = (
    (b"icp4", 16),
    (b"icp5", 32),
    (b"icp6", 64),
    (b"ic07", 128),
    (b"ic08", 256),
    (b"ic09", 512),
    (b"ic10", 1024),
)


def draw(size: int) -> bytes:
    """A square PNG of `size` pixels a side."""
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(MARK)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "PNG")
    return bytes(data.data())


def ico(pictures: dict[int, bytes]) -> bytes:
    """Windows' icon file: a header, 16 bytes for each picture, the pictures as PNG."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    offset = len(head) + 16 * len(pictures)
    entries = b""
    for size, png in pictures.items():
        # A side of 256 is written as 0.
        entries += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(png), offset)
        offset += len(png)
    return head + entries + b"".join(pictures.values())


def icns(pictures: dict[bytes, bytes]) -> bytes:
    """Apple's icon file: a header with the whole length, then each picture behind its type and length."""
    body = b"".join(kind + struct.pack(">I", len(png) + 8) + png for kind, png in pictures.items())
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def write(folder: Path) -> None:
    """All forms, into `folder`."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for size in SIZES:
        place = folder / "hicolor" / f"{size}x{size}" / "apps"
        place.mkdir(parents=True, exist_ok=True)
        (place / "faregate.png").write_bytes(draw(size))
    scalable = folder / "hicolor" / "scalable" / "apps"
    scalable.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MARK, scalable / "faregate.svg")
    (folder / "faregate.ico").write_bytes(ico({size: draw(size) for size in _ICO_SIZES}))
    (folder / "faregate.icns").write_bytes(icns({kind: draw(size) for kind, size in _ICNS_TYPES}))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
