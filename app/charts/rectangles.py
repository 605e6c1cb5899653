"""Many rectangles in one call to the painter.

PySide takes a Python list of QRectF, and building one for 4 charts × 720 bars costs more than the whole refresh may.
pyqtgraph's `PrimitiveArray` hands Qt a pointer to a numpy block instead. It is an internal class of pyqtgraph, so
this is the only file that knows it; where it is missing or changed, `ListedRectangles` draws the same, slower.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

Floats = NDArray[np.float64]


class Rectangles(Protocol):
    def set(self, boxes: Floats) -> None:
        """Rows of x, y, width, height."""

    def array(self) -> Floats: ...

    def draw(self, painter: QPainter) -> None:
        """With the painter's pen and brush."""


class ListedRectangles:
    """A plain list of QRectF."""

    def __init__(self) -> None:
        self._boxes: Floats = np.empty((0, 4))
        self._rectangles: list[QRectF] = []

    def set(self, boxes: Floats) -> None:
        self._boxes = boxes
        self._rectangles = [QRectF(*box) for box in boxes.tolist()]

    def array(self) -> Floats:
        return self._boxes

    def draw(self, painter: QPainter) -> None:
        if self._rectangles:
            painter.drawRects(self._rectangles)


class PackedRectangles:
    """A numpy block that Qt reads in place; raises whatever a changed `PrimitiveArray` raises when it is built."""

    def __init__(self, primitive_array: Callable[..., Any]) -> None:
        self._packed = primitive_array(QRectF, 4)
        self.set(np.zeros((1, 4)))
        # Asked for once here, so that a changed class fails now and not in a paint event.
        self._packed.drawargs()

    def set(self, boxes: Floats) -> None:
        self._packed.resize(len(boxes))
        self._packed.ndarray()[:] = boxes

    def array(self) -> Floats:
        return np.array(self._packed.ndarray())

    def draw(self, painter: QPainter) -> None:
        if len(self._packed):
            painter.drawRects(*self._packed.drawargs())


def make_rectangles() -> Rectangles:
    """The fast kind where this pyqtgraph has it."""
    try:
        from pyqtgraph.Qt.internals import PrimitiveArray

        return PackedRectangles(PrimitiveArray)
    except (ImportError, AttributeError, TypeError, ValueError):
        return ListedRectangles()
