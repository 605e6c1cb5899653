"""A scatter of named things by two measures: how large a mark is tells a third, and its label how much is behind it.

Marks, labels and grid are painted by one item, in whole pixels; the axes are those of the other charts. The pointer
or the arrow keys choose the nearest mark, whose figures stand in a card beside it.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from pyqtgraph.graphicsItems.ViewBox import ViewBox
from pyqtgraph.widgets.GraphicsView import GraphicsView
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QStyleOptionGraphicsItem, QVBoxLayout, QWidget

from app.charts.axes import TOP_ROOM, Axis, Grid, TextSpec, ValueAxis
from app.charts.scale import NiceMaximum, ticks
from app.charts.tooltip import Row, Tooltip
from app.charts.view_item import ViewItem
from app.fonts import ui_font
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, ElidedLabel

_AXIS_HEIGHT = 40
_NEAR_PX = 28.0
_FOLLOW_MS = 33
_LEAST_RADIUS, _MOST_RADIUS = 5.0, 13.0
_GAP = 5.0
_ROWS_AWAY = 3


class Point(Struct, frozen=True, kw_only=True):
    """`x` and `y` in the units of the axes; `share` from 0 to 1 is how large the mark is. `figures` are (name, value)
    pairs for the card beside it; `label` stands at the mark, in two tones: its name and what is behind it."""

    key: str
    name: str
    label: str
    x: float
    y: float
    share: float
    slot: int
    figures: tuple[tuple[str, str], ...] = ()


class ScatterSpec(Struct, frozen=True, kw_only=True):
    """`x_text` and `y_text` word a tick, given the step too."""

    title: str
    x_title: str
    y_title: str
    x_text: Callable[[float, float], str]
    y_text: Callable[[float, float], str]


class AcrossAxis(Axis):
    """Values from left to right, with the measure's name below them."""

    def __init__(self, theme: Theme, text: Callable[[float, float], str], title: str) -> None:
        super().__init__("bottom", theme)
        self._text = text
        self._title = title
        self.setHeight(_AXIS_HEIGHT)

    def set_maximum(self, maximum: float) -> None:
        values = ticks(maximum)
        self.set_labels([(value, self._text(value, values[1])) for value in values])

    def _place(self, bounds: QRectF, share: float, text: str, metrics: QFontMetricsF) -> TextSpec:
        width = metrics.horizontalAdvance(text) + 2
        left = bounds.left() + share * bounds.width() - width / 2
        left = min(max(left, bounds.left()), bounds.right() - width)
        return QRectF(left, bounds.top() + 5, width, metrics.height()), Qt.AlignmentFlag.AlignCenter, text

    def drawPicture(self, p: QPainter, axisSpec: object, tickSpecs: object, textSpecs: Sequence[TextSpec]) -> None:
        super().drawPicture(p, axisSpec, tickSpecs, textSpecs)
        bounds = self.mapRectFromParent(self.geometry())
        p.drawText(
            bounds.adjusted(0, 20, 0, 0), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self._title
        )


class Marks(ViewItem):
    """The marks and their labels; `places` are those of the marks in device pixels, as they were painted last."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.points: Sequence[Point] = ()
        self.current = -1
        self.labelled: tuple[str, ...] = ()

    def set_points(self, points: Sequence[Point]) -> None:
        self.points = points
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        transform = painter.transform()
        area = transform.mapRect(self.boundingRect())
        places = [transform.map(QPointF(point.x, point.y)) for point in self.points]
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, (point, place) in enumerate(zip(self.points, places, strict=True)):
            self._paint_mark(painter, point, place, chosen=number == self.current)
        self._paint_labels(painter, places, area)
        painter.restore()

    def _paint_mark(self, painter: QPainter, point: Point, place: QPointF, *, chosen: bool) -> None:
        colour = self._theme.series_color(point.slot)
        painter.setPen(QPen(self._theme.color("text"), 2) if chosen else QPen(colour, 1.5))
        fill = QColor(colour)
        fill.setAlphaF(0.75)
        painter.setBrush(fill)
        painter.drawEllipse(place, radius_of(point), radius_of(point))

    def _paint_labels(self, painter: QPainter, places: Sequence[QPointF], area: QRectF) -> None:
        """Right of its mark, else left, above or below it, and a little further away with a line to it; one that has
        no room is in the card beside the pointer."""
        font = ui_font(11)
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        taken = [_around(place, radius_of(point)) for point, place in zip(self.points, places, strict=True)]
        labelled = []
        for point, place in zip(self.points, places, strict=True):
            size = QSizeF(metrics.horizontalAdvance(point.label) + 2, metrics.height())
            free = (box for box in _beside(place, radius_of(point) + _GAP, size, area) if _is_free(box, area, taken))
            if (box := next(free, None)) is None:
                continue
            self._paint_label(painter, place, radius_of(point), box, point.label)
            taken.append(box)
            labelled.append(point.key)
        self.labelled = tuple(labelled)

    def _paint_label(self, painter: QPainter, place: QPointF, radius: float, box: QRectF, label: str) -> None:
        # Above or below, so far away that it could be another mark's.
        above = box.bottom() < place.y()
        near = QPointF(min(max(place.x(), box.left()), box.right()), box.bottom() if above else box.top())
        if not box.top() <= place.y() <= box.bottom() and abs(near.y() - place.y()) > radius + _GAP:
            painter.setPen(QPen(self._theme.color("border_strong"), 1))
            painter.drawLine(QPointF(place.x(), place.y() + (-radius if above else radius)), near)
        painter.fillRect(box, self._theme.color("surface"))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)


def _beside(place: QPointF, away: float, size: QSizeF, area: QRectF) -> Iterator[QRectF]:
    """Where a label may stand, the best place first; `away` is how far its edge is from the mark's middle."""
    width, height = size.width(), size.height()
    yield QRectF(QPointF(place.x() + away, place.y() - height / 2), size)
    yield QRectF(QPointF(place.x() - away - width, place.y() - height / 2), size)
    middle = min(max(place.x() - width / 2, area.left()), area.right() - width)
    for further in range(_ROWS_AWAY):
        for x in (middle, min(place.x(), area.right() - width), max(place.x() - width, area.left())):
            yield QRectF(QPointF(x, place.y() - away - (further + 1) * height + 2), size)
            yield QRectF(QPointF(x, place.y() + away + further * height - 2), size)


def _is_free(box: QRectF, area: QRectF, taken: Sequence[QRectF]) -> bool:
    return area.contains(box) and not any(box.intersects(other) for other in taken)


def _around(place: QPointF, radius: float) -> QRectF:
    return QRectF(place.x() - radius, place.y() - radius, 2 * radius, 2 * radius)


def radius_of(point: Point) -> float:
    return _LEAST_RADIUS + (_MOST_RADIUS - _LEAST_RADIUS) * point.share


class ScatterPlot(GraphicsView):  # type: ignore[misc]
    """`pointed(number)` names the mark under the pointer (-1: none), `pressed(number)` one that was clicked."""

    pointed = Signal(int)
    pressed = Signal(int)

    def __init__(self, spec: ScatterSpec, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.color("surface"))
        self._theme = theme
        self._across, self._up = NiceMaximum(), NiceMaximum()
        self._pointer: QPoint | None = None
        self._follow = QTimer(self, singleShot=True, interval=_FOLLOW_MS)
        self._follow.timeout.connect(self._follow_pointer)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAcceptDrops(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.view = ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0)
        self.view.disableAutoRange()
        self.up = ValueAxis(theme, spec.y_text, whole=False)
        self.across = AcrossAxis(theme, spec.x_text, spec.x_title)
        self.up.linkToView(self.view)
        self.across.linkToView(self.view)
        layout = self.centralLayout
        layout.setContentsMargins(0, TOP_ROOM, 0, 0)
        layout.setSpacing(0)
        layout.addItem(self.up, 0, 0)
        layout.addItem(self.view, 0, 1)
        layout.addItem(self.across, 1, 1)
        self.grid = Grid(theme)
        self.marks = Marks(theme)
        self.view.addItem(self.grid, ignoreBounds=True)
        self.view.addItem(self.marks, ignoreBounds=True)

    def set_points(self, points: Sequence[Point]) -> None:
        # Room for the marks at the edges: they are as large as they are, whatever the scale.
        across = self._across.follow(1.08 * max((point.x for point in points), default=0.0))
        up = self._up.follow(1.12 * max((point.y for point in points), default=0.0))
        self.grid.set_values(self.up.set_maximum(up))
        self.across.set_maximum(across)
        self.view.setRange(xRange=(0.0, across), yRange=(0.0, up), padding=0, disableAutoRange=True)
        self.marks.set_points(points)

    def recolour(self) -> None:
        self.setBackground(self._theme.color("surface"))
        self.up.recolour()
        self.across.recolour()
        self.marks.update()

    def place(self, number: int) -> QPoint:
        """The middle of a mark, in the viewport's pixels."""
        point = self.marks.points[number]
        found: QPoint = self.mapFromScene(self.view.mapViewToScene(QPointF(point.x, point.y)))
        return found

    def near(self, at: QPoint) -> int:
        """The mark nearest to a place, -1 where none is near."""
        distances = []
        for number in range(len(self.marks.points)):
            away = self.place(number) - at
            distances.append(((away.x() ** 2 + away.y() ** 2) ** 0.5, number))
        nearest = min(distances, default=(_NEAR_PX + 1, -1))
        return nearest[1] if nearest[0] <= _NEAR_PX else -1

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position().toPoint()
        if not self._follow.isActive():
            self._follow_pointer()
            self._follow.start()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        number = self.near(event.position().toPoint())
        if number >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit(number)

    def leaveEvent(self, event: object) -> None:
        self._pointer = None
        self._follow.stop()
        self.pointed.emit(-1)

    def _follow_pointer(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            self.pointed.emit(self.near(pointer))


class ScatterCard(Card):
    """`chosen(key)` when a mark is pressed, or Enter is on it."""

    chosen = Signal(str)

    def __init__(self, spec: ScatterSpec, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self.spec = spec
        self.current = -1
        self.setObjectName("chart.scatter")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("{0} chart").format(spec.title))
        self.title = TextLabel(theme, spec.title, weight=600)
        self.note = ElidedLabel(theme, spec.y_title, tone="text3")
        self.note.setFont(ui_font(12))
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight)
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 14, 0)
        head.setSpacing(12)
        head.addWidget(self.title)
        head.addWidget(self.note, 1)
        self.plot = ScatterPlot(spec, theme, self)
        self.plot.setAccessibleName(tr("{0} plot").format(spec.title))
        body = QHBoxLayout()
        body.setContentsMargins(2, 0, 16, 0)
        body.addWidget(self.plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 12, 1, 6)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(body, 1)
        self.tooltip = Tooltip(theme, self)
        self.plot.pointed.connect(self.point_at)
        self.plot.pressed.connect(self._choose)
        theme.changed.connect(self.plot.recolour)

    def picture(self, scale: float = 2.0) -> QImage:
        """The card as it stands, without what is pointed at, in so many pixels for a logical one."""
        shown = self.tooltip.isVisible()
        self.tooltip.hide()
        image = super().picture(scale)
        self.tooltip.setVisible(shown)
        return image

    @property
    def points(self) -> Sequence[Point]:
        return self.plot.marks.points

    def set_points(self, points: Sequence[Point]) -> None:
        """From left to right, so that the arrow keys go that way."""
        self.plot.set_points(sorted(points, key=lambda point: (point.x, point.y)))
        self.point_at(-1)
        words = "; ".join(f"{point.name}: {_spoken(point)}" for point in self.points)
        self.setAccessibleDescription(words or tr("Nothing to show"))

    def point_at(self, number: int) -> None:
        """Show a mark's figures, -1 for none."""
        self.current = self.plot.marks.current = number
        self.plot.marks.update()
        if number < 0:
            self.tooltip.hide()
            return
        point = self.points[number]
        clear = QColor(0, 0, 0, 0)
        rows: tuple[Row, ...] = tuple((clear, name, value) for name, value in point.figures)
        place = self.plot.viewport().mapTo(self, self.plot.place(number))
        self.tooltip.show_rows(point.name, rows, place.x(), self.rect().adjusted(0, place.y() - 20, 0, 0))

    def _choose(self, number: int) -> None:
        self.chosen.emit(self.points[number].key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, count = event.key(), len(self.points)
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(key))
        if step is not None and count:
            start = self.current if self.current >= 0 else (-1 if step > 0 else count)
            self.point_at(min(max(start + step, 0), count - 1))
            point = self.points[self.current]
            self.setAccessibleDescription(f"{point.name}: {_spoken(point)}")
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current >= 0:
            self._choose(self.current)
        elif key == Qt.Key.Key_Escape and self.current >= 0:
            self.point_at(-1)
        else:
            super().keyPressEvent(event)


def _spoken(point: Point) -> str:
    return ", ".join(f"{name} {value}" for name, value in point.figures)
