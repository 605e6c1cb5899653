"""Lines with gaps where there was no traffic, and a dot where a bucket stands alone between gaps.

A line needs two neighbours; without the dot, an hour with a single request would show nothing at all.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.graphicsItems.ViewBox import ViewBox
from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.charts.data import Floats
from app.charts.shapes import make_shapes
from app.charts.view_item import ViewItem

LINE_WIDTH = 1.6
_DOT_RADIUS = 2.0
Item = TypeVar("Item", bound=ViewItem)


def alone(values: Floats) -> NDArray[np.bool_]:
    """Which values have no measured neighbour."""
    known: NDArray[np.bool_] = np.isfinite(values)
    before = np.concatenate([[False], known[:-1]])
    after = np.concatenate([known[1:], [False]])
    lone: NDArray[np.bool_] = known & ~before & ~after
    return lone


class Curve(ViewItem):
    """A line through measured values that are neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.values: tuple[Floats, Floats] = (np.empty(0), np.empty(0))
        """x and y, as last set."""
        self.pen = QPen()
        self._lines = make_shapes(QLineF)

    def set_data(self, x: Floats, y: Floats) -> None:
        self.prepareGeometryChange()
        self.values = x, y
        known = np.isfinite(y)
        start = np.flatnonzero(known[:-1] & known[1:])
        end = start + 1
        self._lines.set(np.column_stack([x[start], y[start], x[end], y[end]]))
        self.update()

    def set_pen(self, colour: QColor, width: float, style: Qt.PenStyle) -> None:
        """`width` in device pixels."""
        self.pen = QPen(QBrush(colour), width, style)
        self.pen.setCosmetic(True)
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.pen)
        if self.pen.style() is Qt.PenStyle.SolidLine:
            self._lines.draw(painter)
        else:
            # By themselves each would begin its dashes anew.
            painter.drawPath(_joined(self._lines.array()))


def _joined(lines: Floats) -> QPainterPath:
    path, at = QPainterPath(), None
    for left, start, right, end in lines.tolist():
        if at != (left, start):
            path.moveTo(left, start)
        path.lineTo(right, end)
        at = (right, end)
    return path


class Dots(ViewItem):
    """Round dots of a fixed size in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self._points: list[QPointF] = []
        self._colour = QColor()

    def set_data(self, x: Floats, y: Floats) -> None:
        self.prepareGeometryChange()
        self._points = [QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)]
        self.update()

    def set_colour(self, colour: QColor) -> None:
        self._colour = colour
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not self._points:
            return
        transform = painter.transform()
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        for point in self._points:
            painter.drawEllipse(transform.map(point), _DOT_RADIUS, _DOT_RADIUS)
        painter.restore()


class Lines:
    """One curve, with its dots, for each series; they are made once and then only given new values."""

    def __init__(self, view: ViewBox) -> None:
        self._view = view
        self._curves: list[tuple[Curve, Dots]] = []

    def set_data(self, x: Floats, series: Sequence[Floats]) -> None:
        while len(self._curves) < len(series):
            self._curves.append((self._added(Curve()), self._added(Dots())))
        for index, (curve, dots) in enumerate(self._curves):
            values = series[index] if index < len(series) else np.full(len(x), np.nan)
            single = alone(values)
            curve.set_data(x, values)
            dots.set_data(x[single], values[single])

    def set_colours(self, colours: Sequence[QColor], scale: float, dashes: Sequence[Qt.PenStyle] = ()) -> None:
        """`scale`: device pixels for a logical one. Without `dashes` all lines are whole."""
        styles = dashes or [Qt.PenStyle.SolidLine] * len(colours)
        for (curve, dots), colour, style in zip(self._curves, colours, styles, strict=False):
            curve.set_pen(colour, LINE_WIDTH * scale, style)
            dots.set_colour(colour)

    def drawn(self, index: int) -> Curve:
        return self._curves[index][0]

    def _added(self, item: Item) -> Item:
        self._view.addItem(item, ignoreBounds=True)
        return item
