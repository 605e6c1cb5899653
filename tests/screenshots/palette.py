"""A picture in a few colours of its own, which make it a third as heavy.

Each colour of the palette is one that the picture has, so that grounds, text and marks keep theirs to the bit: it is
always the one that those before it miss most, by how far it is from them and how often it is there. What is left over
is the edges of letters and lines, and goes to the nearest.
"""

from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

COLOURS = 112


def keep_few_colours(path: Path) -> None:
    """Write the file anew. Raises ValueError where it is no picture."""
    picture = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
    if picture.isNull():
        raise ValueError("This is no picture.")
    width, height = picture.width(), picture.height()
    pixels = np.frombuffer(picture.constBits(), dtype=np.uint32).reshape(height, width)
    colours, places, often = np.unique(pixels, return_inverse=True, return_counts=True)
    chosen, nearest = _chosen(colours, often)
    few = QImage(width, height, QImage.Format.Format_Indexed8)
    few.setColorTable([int(colour) for colour in colours[chosen]])
    rows = np.frombuffer(few.bits(), dtype=np.uint8).reshape(height, few.bytesPerLine())
    rows[:, :width] = nearest[places].reshape(height, width)
    few.save(str(path), "PNG")


def _chosen(colours: np.ndarray, often: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The palette as indices of `colours`, and for each of them the palette's nearest."""
    parts = np.stack([(colours >> shift) & 255 for shift in (16, 8, 0)], axis=1).astype(np.int64)
    missed = np.full(len(colours), np.iinfo(np.int32).max, dtype=np.int64)
    nearest = np.zeros(len(colours), dtype=np.uint8)
    chosen: list[int] = []
    while len(chosen) < COLOURS and missed.any():
        next_ = int(np.argmax(missed * often))
        distance = ((parts - parts[next_]) ** 2).sum(axis=1)
        closer = distance < missed
        missed[closer], nearest[closer] = distance[closer], len(chosen)
        chosen.append(next_)
    return np.array(chosen), nearest
