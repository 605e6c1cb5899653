"""One plot: axes, grid, bars or lines, and what the mouse does to it.

A pyqtgraph view without its mouse: nothing zooms or pans, the wheel belongs to the page. The pointer is followed at
30 Hz at most and snapped to a bucket; a drag selects a range of buckets; a click names one. Everything is updated in
place, and a refresh that changes nothing but values repaints the values only.
"""

import numpy as np
from pyqtgraph.graphicsItems.ViewBox import ViewBox
from pyqtgraph.widgets.GraphicsView import GraphicsView
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPolygon, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.charts.axes import RIGHT_ROOM, TOP_ROOM, Grid, TimeAxis, ValueAxis
from app.charts.bars import StackedBars
from app.charts.data import ChartData, ChartSpec, Colour, peak_of
from app.charts.lines import Lines
from app.charts.patterns import dash, hatch
from app.charts.scale import NiceMaximum
from app.theme import Theme

_FOLLOW_MS = 33
_DRAG_PX = 6


def colour_of(theme: Theme, colour: Colour) -> QColor:
    """A slot's colour, or a token's."""
    return theme.series_color(colour) if isinstance(colour, int) else theme.color(colour)


class Plot(GraphicsView):  # type: ignore[misc]
    """`hovered` names a bucket (-1: none); `selected` names buckets, first and last included; `clicked` a bucket and
    the key of the series whose bar was hit, None beside all bars."""

    hovered = Signal(int)
    selected = Signal(int, int)
    clicked = Signal(int, object)

    def __init__(self, spec: ChartSpec, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.color("surface"))
        self._spec = spec
        self._theme = theme
        self._data: ChartData | None = None
        self._hidden: frozenset[str] = frozenset()
        self._maximum = NiceMaximum(whole=spec.whole, idle=spec.idle)
        self._pressed: QPoint | None = None
        self._pointer: QPoint | None = None
        self._follow = QTimer(self, singleShot=True, interval=_FOLLOW_MS)
        self._follow.timeout.connect(self._follow_pointer)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # A view takes what is dragged over it to its scene, which takes nothing, and Qt warns when it leaves.
        self.setAcceptDrops(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._lay_out()
        self.brush = Brush(theme, self.viewport())

    def _lay_out(self) -> None:
        self.view = ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0)
        self.view.disableAutoRange()
        self.values = ValueAxis(self._theme, self._spec.axis_text, whole=self._spec.whole)
        self.times = TimeAxis(self._theme)
        self.values.linkToView(self.view)
        self.times.linkToView(self.view)
        grid = self.centralLayout
        grid.setContentsMargins(0, TOP_ROOM, RIGHT_ROOM, 0)
        grid.setSpacing(0)
        grid.addItem(self.values, 0, 0)
        grid.addItem(self.view, 0, 1)
        grid.addItem(self.times, 1, 1)
        self.grid = Grid(self._theme)
        self.view.addItem(self.grid, ignoreBounds=True)
        self.bars = StackedBars() if self._spec.kind == "bars" else None
        self.lines = Lines(self.view) if self._spec.kind == "lines" else None
        if self.bars is not None:
            self.view.addItem(self.bars, ignoreBounds=True)

    def sizeHint(self) -> QSize:
        """None of its own: by default it would be the size that it had last, and a plot once tall stay so."""
        return QSize(self.minimumSizeHint())

    def set_spec(self, spec: ChartSpec) -> None:
        """Another measure of the same kind from now on; its data follows."""
        self._spec = spec
        self._maximum = NiceMaximum(whole=spec.whole, idle=spec.idle)
        self.values.set_words(spec.axis_text, whole=spec.whole)

    def set_data(self, data: ChartData, hidden: frozenset[str] = frozenset()) -> None:
        """Draw `data` without the series whose keys are `hidden`."""
        self._data, self._hidden = data, hidden
        if not len(data.starts_us):
            return
        shown = [series for series in data.series if series.key not in hidden]
        origin = int(data.starts_us[0])
        starts, ends = (data.starts_us - origin) / 1e6, (data.ends_us - origin) / 1e6
        peak = peak_of(self._spec.kind, [series.values for series in shown]) if data.peak is None else data.peak
        top = self._maximum.follow(peak)
        self.grid.set_values(self.values.set_maximum(top))
        self._set_range(float(ends[-1]), top)
        layers = [series.values for series in shown]
        if self.bars is not None:
            complete = int(np.searchsorted(data.ends_us, data.now_us, side="right"))
            self.bars.set_data(starts, ends, layers, complete)
        if self.lines is not None:
            self.lines.set_data((starts + ends) / 2, layers)
        self._label_times()
        self.recolour_series()

    def _set_range(self, width: float, height: float) -> None:
        """The same range again would have axes and items made anew."""
        if self.view.targetRange() != [[0.0, width], [0.0, height]]:
            self.view.setRange(xRange=(0.0, width), yRange=(0.0, height), padding=0, disableAutoRange=True)
            self._place_items()

    def _place_items(self) -> None:
        """Where range and size have them. Left to a paint, what that moves is painted a second time after it."""
        self.view.prepareForPaint()

    def recolour_series(self) -> None:
        data = self._data
        every = enumerate(data.series) if data is not None else ()
        shown = [(place, series) for place, series in every if series.key not in self._hidden]
        colours = [colour_of(self._theme, series.colour) for _, series in shown]
        # A series keeps its pattern where others are hidden.
        places = [place for place, _ in shown] if self._theme.patterns else []
        if self.bars is not None:
            ground = self._theme.color("surface")
            self.bars.set_colours(colours, [hatch(place, ground) for place in places])
        if self.lines is not None:
            self.lines.set_colours(colours, self.devicePixelRatioF(), [dash(place) for place in places])

    def recolour(self) -> None:
        """After the theme has changed."""
        self.setBackground(self._theme.color("surface"))
        self.values.recolour()
        self.times.recolour()
        self._label_times()
        self.recolour_series()

    @property
    def maximum(self) -> float:
        """The top of the value axis, in the unit of the data."""
        return self._maximum.value

    def area(self) -> QRect:
        """Where the data is drawn, in the viewport's pixels."""
        scene: QRectF = self.view.sceneBoundingRect()
        corners: QPolygon = self.mapFromScene(scene)
        # The polygon's corners lie on the edges, so its bounding rectangle is one pixel too large.
        return corners.boundingRect().adjusted(0, 0, -1, -1)

    def bucket_at(self, x: int) -> int:
        """The bucket under a viewport column; -1 beside the data."""
        area, data = self.area(), self._data
        if data is None or not len(data.starts_us) or not area.left() <= x <= area.right():
            return -1
        first, last = int(data.starts_us[0]), int(data.ends_us[-1])
        instant = first + (x - area.left() + 0.5) / area.width() * (last - first)
        return min(int(np.searchsorted(data.starts_us, instant, side="right")) - 1, len(data.starts_us) - 1)

    def series_at(self, bucket: int, y: int) -> str | None:
        """Whose bar of a bucket reaches over a viewport row; lines are too thin to be hit."""
        data, area = self._data, self.area()
        if data is None or self._spec.kind != "bars":
            return None
        height = (area.bottom() - y + 0.5) / area.height() * self.maximum
        top = 0.0
        for series in data.series:
            if series.key not in self._hidden:
                top += float(np.nan_to_num(series.values[bucket]))
                if height <= top:
                    return series.key
        return None

    def columns(self, first: int, last: int) -> tuple[float, float]:
        """Left and right edge of buckets first to last, in the viewport's pixels."""
        area, data = self.area(), self._data
        assert data is not None
        origin, span = int(data.starts_us[0]), int(data.ends_us[-1]) - int(data.starts_us[0])
        left = (int(data.starts_us[first]) - origin) / span * area.width()
        right = (int(data.ends_us[last]) - origin) / span * area.width()
        return area.left() + left, area.left() + right

    def _label_times(self) -> None:
        data = self._data
        if data is not None and len(data.starts_us):
            self.times.set_range(int(data.starts_us[0]), int(data.ends_us[-1]), data.tz, self.area().width())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        # pyqtgraph calls this while its own constructor still runs.
        if hasattr(self, "times"):
            self._place_items()
            self._label_times()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange and self._data is not None:
            self.recolour_series()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.area().contains(event.position().toPoint()):
            self._pressed = event.position().toPoint()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position().toPoint()
        if not self._follow.isActive():
            self._follow_pointer()
            self._follow.start()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            return
        self.brush.hide()
        end = event.position().toPoint()
        if abs(end.x() - pressed.x()) >= _DRAG_PX:
            self.selected.emit(*self._buckets_between(pressed.x(), end.x()))
        elif (bucket := self.bucket_at(pressed.x())) >= 0:
            self.clicked.emit(bucket, self.series_at(bucket, pressed.y()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._pointer = None
        self._follow.stop()
        self.hovered.emit(-1)

    def _follow_pointer(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer is None:
            return
        pressed = self._pressed
        if pressed is not None and abs(pointer.x() - pressed.x()) >= _DRAG_PX:
            left, right = self.columns(*self._buckets_between(pressed.x(), pointer.x()))
            area = self.area()
            self.brush.setGeometry(round(left), area.top(), round(right - left), area.height() + 1)
            self.brush.show()
        inside = self.area().adjusted(0, -TOP_ROOM, 0, 0).contains(pointer)
        self.hovered.emit(self.bucket_at(pointer.x()) if inside or pressed is not None else -1)

    def _buckets_between(self, one: int, other: int) -> tuple[int, int]:
        area = self.area()
        left, right = (min(max(x, area.left()), area.right()) for x in sorted((one, other)))
        return self.bucket_at(left), self.bucket_at(right)


class Brush(QWidget):
    """The band over the selected buckets."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = QColor(self._theme.color("accent"))
        colour.setAlphaF(0.16)
        painter.fillRect(self.rect(), colour)
        colour.setAlphaF(0.8)
        painter.fillRect(0, 0, 1, self.height(), colour)
        painter.fillRect(self.width() - 1, 0, 1, self.height(), colour)
