"""Many rectangles, or lines, in one call to the painter.

PySide takes a Python list of QRectF, and building one for 4 charts × 720 bars costs more than the whole refresh may.
pyqtgraph's `PrimitiveArray` hands Qt a pointer to a numpy block instead. It is an internal class of pyqtgraph, so
this is the only file that knows it; where it is missing or changed, `ListedShapes` draws the same, slower.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter

Floats = NDArray[np.float64]
Shape = type[QRectF] | type[QLineF]


class Shapes(Protocol):
    def set(self, rows: Floats) -> None:
        """Rows of what makes one: x, y, width and height of a rectangle, both ends of a line."""

    def array(self) -> Floats: ...

    def draw(self, painter: QPainter) -> None:
        """With the painter's pen and brush."""


class ListedShapes:
    """A plain list of them."""

    def __init__(self, shape: Shape) -> None:
        self._shape: Any = shape
        self._rows: Floats = np.empty((0, 4))
        self._shapes: list[Any] = []

    def set(self, rows: Floats) -> None:
        self._rows = rows
        self._shapes = [self._shape(*row) for row in rows.tolist()]

    def array(self) -> Floats:
        return self._rows

    def draw(self, painter: QPainter) -> None:
        if self._shapes:
            _drawing(painter, self._shape)(self._shapes)


class PackedShapes:
    """A numpy block that Qt reads in place; raises whatever a changed `PrimitiveArray` raises when it is built."""

    def __init__(self, shape: Shape, primitive_array: Callable[..., Any]) -> None:
        self._shape = shape
        self._packed = primitive_array(shape, 4)
        self.set(np.zeros((1, 4)))
        # Asked for once here, so that a changed class fails now and not in a paint event.
        self._packed.drawargs()

    def set(self, rows: Floats) -> None:
        self._packed.resize(len(rows))
        self._packed.ndarray()[:] = rows

    def array(self) -> Floats:
        return np.array(self._packed.ndarray())

    def draw(self, painter: QPainter) -> None:
        if len(self._packed):
            _drawing(painter, self._shape)(*self._packed.drawargs())


def _drawing(painter: QPainter, shape: Shape) -> Callable[..., None]:
    return painter.drawRects if shape is QRectF else painter.drawLines


def make_shapes(shape: Shape) -> Shapes:
    """None yet; the fast kind where this pyqtgraph has it."""
    try:
        from pyqtgraph.Qt.internals import PrimitiveArray

        return PackedShapes(shape, PrimitiveArray)
    except (ImportError, AttributeError, TypeError, ValueError):
        return ListedShapes(shape)
