"""Lines with gaps where there was no traffic, and a dot where a bucket stands alone between gaps.

A line needs two neighbours; without the dot, an hour with a single request would show nothing at all.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import mkPen
from pyqtgraph.graphicsItems.PlotCurveItem import PlotCurveItem
from pyqtgraph.graphicsItems.ViewBox import ViewBox
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.charts.data import Floats
from app.charts.view_item import ViewItem

LINE_WIDTH = 1.6
_DOT_RADIUS = 2.0


def alone(values: Floats) -> NDArray[np.bool_]:
    """Which values have no measured neighbour."""
    known: NDArray[np.bool_] = np.isfinite(values)
    before = np.concatenate([[False], known[:-1]])
    after = np.concatenate([known[1:], [False]])
    lone: NDArray[np.bool_] = known & ~before & ~after
    return lone


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
        self._curves: list[tuple[PlotCurveItem, Dots]] = []

    def set_data(self, x: Floats, series: Sequence[Floats]) -> None:
        while len(self._curves) < len(series):
            self._curves.append((self._add_curve(), self._add_dots()))
        for index, (curve, dots) in enumerate(self._curves):
            values = series[index] if index < len(series) else np.full(len(x), np.nan)
            single = alone(values)
            curve.setData(x, values, connect="finite", skipFiniteCheck=False)
            dots.set_data(x[single], values[single])

    def set_colours(self, colours: Sequence[QColor], scale: float, dashes: Sequence[Qt.PenStyle] = ()) -> None:
        """`scale`: device pixels for a logical one; pyqtgraph's pens are as wide as that many device pixels. Without
        `dashes` all lines are whole."""
        styles = dashes or [Qt.PenStyle.SolidLine] * len(colours)
        for (curve, dots), colour, style in zip(self._curves, colours, styles, strict=False):
            # A line in one piece has its dashes; in segments each would begin anew.
            curve.setSegmentedLineMode("on" if style is Qt.PenStyle.SolidLine else "off")
            curve.setPen(mkPen(colour, width=LINE_WIDTH * scale, style=style))
            dots.set_colour(colour)

    def drawn(self, index: int) -> tuple[Floats, Floats]:
        """x and y of a curve, as last set."""
        x, y = self._curves[index][0].getData()
        return x, y

    def _add_curve(self) -> PlotCurveItem:
        curve = PlotCurveItem(antialias=True)
        curve.setSegmentedLineMode("on")
        self._view.addItem(curve, ignoreBounds=True)
        return curve

    def _add_dots(self) -> Dots:
        dots = Dots()
        self._view.addItem(dots, ignoreBounds=True)
        return dots
