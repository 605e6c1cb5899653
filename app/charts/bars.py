"""Stacked bars: one graphics item for a whole chart.

Edges are computed in numpy, in the device's own pixels, and rounded there, so that neighbouring bars meet without a
seam and without a blur; each series is then one call. A value above zero is never thinner than one pixel: a single
error among thousands of requests stays visible. The arrays are kept until data, size or scale change.
"""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.charts.data import Floats
from app.charts.shapes import Shapes, make_shapes
from app.charts.view_item import ViewItem

INCOMPLETE_OPACITY = 0.45


def gaps(widths: Floats, scale: float) -> Floats:
    """The space between bars, in device pixels: 22 % from 10 px on, one pixel from 4 px on, else none."""
    logical = widths / scale
    return np.where(logical >= 10, np.round(widths * 0.22), np.where(logical >= 4, max(1.0, round(scale)), 0.0))


def stack(bottoms: Floats, values: Floats, unit: float) -> tuple[Floats, Floats]:
    """(tops, heights) in whole device pixels of one layer on `bottoms`; `unit` pixels for a value of one."""
    heights = np.where(values > 0, np.maximum(np.round(np.nan_to_num(values) * unit), 1.0), 0.0)
    return bottoms - heights, heights


class StackedBars(ViewItem):
    """Draws columns between `starts` and `ends` (view coordinates), layer on layer."""

    def __init__(self) -> None:
        super().__init__()
        self._starts: Floats = np.empty(0)
        self._ends: Floats = np.empty(0)
        self._layers: Sequence[Floats] = ()
        self._colours: Sequence[QColor] = ()
        self._hatches: Sequence[QBrush] = ()
        self._complete = 0
        self._drawn: list[tuple[Shapes, Shapes]] = []
        self._drawn_for: tuple[QTransform, float] | None = None

    def set_data(self, starts: Floats, ends: Floats, layers: Sequence[Floats], complete: int) -> None:
        """`complete`: how many buckets, from the left, have ended; the others are drawn faintly."""
        self.prepareGeometryChange()
        self._starts, self._ends, self._layers, self._complete = starts, ends, layers, complete
        self._drawn_for = None
        self.update()

    def set_colours(self, colours: Sequence[QColor], hatches: Sequence[QBrush] = ()) -> None:
        """`hatches` lie over the colours; none leaves these plain."""
        self._colours, self._hatches = colours, hatches
        self.update()

    def drawn(self, layer: int) -> Floats:
        """Rows of x, y, width, height in device pixels, as last painted; empty columns have no row."""
        whole, faint = self._drawn[layer]
        return np.concatenate([whole.array(), faint.array()])

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        device = painter.device()
        scale = device.devicePixelRatio() if device is not None else 1.0
        transform = painter.transform()
        if self._drawn_for != (transform, scale):
            self._lay_out(transform, scale)
            self._drawn_for = (transform, scale)
        painter.save()
        painter.setWorldTransform(QTransform.fromScale(1 / scale, 1 / scale))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        self._fill(painter, self._colours)
        self._fill(painter, self._hatches)
        painter.restore()

    def _fill(self, painter: QPainter, brushes: Sequence[QColor] | Sequence[QBrush]) -> None:
        for brush, (whole, faint) in zip(brushes, self._drawn, strict=False):
            painter.setBrush(brush)
            whole.draw(painter)
            painter.setOpacity(INCOMPLETE_OPACITY)
            faint.draw(painter)
            painter.setOpacity(1.0)

    def _lay_out(self, transform: QTransform, scale: float) -> None:
        while len(self._drawn) < len(self._layers):
            self._drawn.append((make_shapes(QRectF), make_shapes(QRectF)))
        del self._drawn[len(self._layers) :]
        lefts = np.round((self._starts * transform.m11() + transform.dx()) * scale)
        widths = np.round((self._ends * transform.m11() + transform.dx()) * scale) - lefts
        widths = np.maximum(widths - gaps(widths, scale), 1.0)
        bottoms = np.full(len(lefts), round(transform.dy() * scale), dtype=np.float64)
        for layer, (whole, faint) in zip(self._layers, self._drawn, strict=True):
            bottoms, heights = stack(bottoms, layer, -transform.m22() * scale)
            boxes = np.column_stack([lefts, bottoms, widths, heights])
            shown = heights > 0
            whole.set(boxes[: self._complete][shown[: self._complete]])
            faint.set(boxes[self._complete :][shown[self._complete :]])
