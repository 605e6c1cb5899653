"""The two axes and the grid: text without an axis line and without tick marks, and hairlines behind the data.

Ticks come from `scale` and `timescale`; pyqtgraph keeps the painted axis until its range or its ticks change. All
value axes are equally wide, so that the plots of a page stand in line.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pyqtgraph.graphicsItems.AxisItem import AxisItem
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.charts.scale import ticks
from app.charts.timescale import time_ticks
from app.charts.view_item import ViewItem
from app.fonts import ui_font
from app.theme import Theme

VALUE_AXIS_WIDTH = 56
TIME_AXIS_HEIGHT = 26
TOP_ROOM = 8
# Within the plot, so that the last time has it too.
RIGHT_ROOM = 16
_VALUE_GAP = 8
_TIME_GAP = 7
_TIME_SHIFT = 12
# So far a label may reach beyond the plot, below the other axis and into the card's margin.
_TIME_OVER = 14
_TIME_LABEL_WIDTH = 56

TextSpec = tuple[QRectF, Qt.AlignmentFlag, str]


class Axis(AxisItem):  # type: ignore[misc]
    """Shows `labels`, pairs of a coordinate and its text, in the theme's third grey."""

    def __init__(self, orientation: str, theme: Theme) -> None:
        super().__init__(orientation, maxTickLength=0)
        self._theme = theme
        self._font = ui_font(11)
        self.labels: Sequence[tuple[float, str]] = ()
        self.setStyle(tickFont=self._font, autoExpandTextSpace=False, hideOverlappingLabels=False)
        self.setPen(None)
        self.recolour()

    def recolour(self) -> None:
        self.setTextPen(self._theme.color("text3"))

    def set_labels(self, labels: Sequence[tuple[float, str]]) -> None:
        if labels != self.labels:
            self.labels = labels
            self.picture = None
            self.update()

    def _updateLabel(self) -> None:
        """No axis has a title besides its ticks; pyqtgraph lays one out with each range, hidden as it is."""
        self.picture = None
        self.update()

    def generateDrawSpecs(self, p: QPainter) -> Any:
        bounds = self.mapRectFromParent(self.geometry())
        low, high = self.range
        if high <= low or bounds.isEmpty():
            return None
        metrics = QFontMetricsF(self._font)
        places = [self._place(bounds, (value - low) / (high - low), text, metrics) for value, text in self.labels]
        return None, [], [place for place in places if place is not None]

    def drawPicture(self, p: QPainter, axisSpec: object, tickSpecs: object, textSpecs: Sequence[TextSpec]) -> None:
        p.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        p.setFont(self._font)
        p.setPen(self.textPen())
        for rect, flags, text in textSpecs:
            p.drawText(rect, flags, text)

    def _place(self, bounds: QRectF, share: float, text: str, metrics: QFontMetricsF) -> TextSpec | None:
        """Where the label at this share of the axis stands; None where it has no room."""
        raise NotImplementedError


class ValueAxis(Axis):
    def __init__(self, theme: Theme, text: Callable[[float, float], str], *, whole: bool) -> None:
        super().__init__("left", theme)
        self._text = text
        self._whole = whole
        self.setWidth(VALUE_AXIS_WIDTH)

    def set_words(self, text: Callable[[float, float], str], *, whole: bool) -> None:
        """Another unit from now on."""
        self._text, self._whole = text, whole

    def set_maximum(self, maximum: float) -> tuple[float, ...]:
        """Ticks up to `maximum`, in the unit of the data; returns them."""
        values = ticks(maximum, whole=self._whole)
        self.set_labels([(value, self._text(value, values[1])) for value in values])
        return values

    def _place(self, bounds: QRectF, share: float, text: str, metrics: QFontMetricsF) -> TextSpec:
        height = metrics.height()
        y = bounds.bottom() - share * bounds.height()
        rect = QRectF(bounds.left(), y - height / 2, bounds.width() - _VALUE_GAP, height)
        return rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text


class TimeAxis(Axis):
    """Its coordinates are seconds after the start of the range."""

    _of: tuple[int, int, str, int] | None = None

    def __init__(self, theme: Theme) -> None:
        super().__init__("bottom", theme)
        self.setHeight(TIME_AXIS_HEIGHT)

    def recolour(self) -> None:
        """What is painted anew may be told by another clock too."""
        super().recolour()
        self._of = None

    def set_range(self, start_us: int, end_us: int, tz: str, width: float) -> None:
        """Labels for [start, end) on `width` pixels."""
        of = (start_us, end_us, tz, int(width // _TIME_LABEL_WIDTH))
        if of != self._of:
            self._of = of
            self.set_labels([((us - start_us) / 1e6, text) for us, text in time_ticks(*of)])

    def _place(self, bounds: QRectF, share: float, text: str, metrics: QFontMetricsF) -> TextSpec | None:
        width = metrics.horizontalAdvance(text) + 2
        centred = bounds.left() + share * bounds.width() - width / 2
        left = min(max(centred, bounds.left() - _TIME_OVER), bounds.right() + _TIME_OVER - width)
        if abs(left - centred) > _TIME_SHIFT:
            return None
        rect = QRectF(left, bounds.top() + _TIME_GAP, width, metrics.height())
        return rect, Qt.AlignmentFlag.AlignCenter, text


class Grid(ViewItem):
    """Horizontal hairlines at the ticks, one device pixel thick."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._values: tuple[float, ...] = ()
        self.setZValue(-10)

    def set_values(self, values: tuple[float, ...]) -> None:
        if values != self._values:
            self._values = values
            self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        transform, rect = painter.transform(), self.boundingRect()
        device = painter.device()
        scale = device.devicePixelRatio() if device is not None else 1.0
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        colour = self._theme.color("grid")
        left, right = transform.map(rect.topLeft()).x(), transform.map(rect.topRight()).x()
        for value in self._values:
            y = transform.map(QPointF(0, value)).y()
            painter.fillRect(QRectF(left, round(y * scale) / scale, right - left, 1 / scale), colour)
        painter.restore()
