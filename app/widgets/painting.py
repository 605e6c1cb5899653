"""What the painted controls share: an antialiased painter, a rounded box on whole pixels, the focus ring."""

import math

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget
from shiboken6 import getCppPointer

CONTROL_HEIGHT = 32
CONTROL_RADIUS = 7.0
# Lower boxes are painted as soon in one piece.
_TALL = 40.0
_OPAQUE = 255


def smooth_painter(widget: QWidget) -> QPainter:
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(widget.font())
    return painter


def has_old_picture(painter: QPainter, window: QWidget) -> bool:
    """Whether it paints where the window's picture is, so that what it leaves out stays as it was; else it is for a
    picture of its own, as `QWidget.grab` takes one."""
    own, store = painter.paintEngine().paintDevice(), window.backingStore()
    return store is not None and getCppPointer(own) == getCppPointer(store.paintDevice())


class OldPicture:
    """Of one widget's paints: whether what they leave out stays as it was on the screen."""

    def __init__(self) -> None:
        self._painted_in: QSize | None = None

    def stands(self, painter: QPainter, window: QWidget) -> bool:
        """To be asked in each paint. A window that had more or fewer pixels before has none."""
        if not has_old_picture(painter, window):
            return False
        before, self._painted_in = self._painted_in, window.size() * window.devicePixelRatioF()
        return before == self._painted_in


def rounded_box(
    painter: QPainter, box: QRectF, radius: float, fill: QColor | None, line: QColor | None = None
) -> None:
    """A filled box with a 1 px line inside its edge."""
    painter.setBrush(fill if fill is not None else QColor(0, 0, 0, 0))
    painter.setPen(QPen(line, 1) if line is not None else QPen(QColor(0, 0, 0, 0)))
    inset = 0.5 if line is not None else 0.0
    edge = box.adjusted(inset, inset, -inset, -inset)
    round_part = math.ceil(radius) + 1.0
    middle = box.adjusted(0, round_part, 0, -round_part)
    if middle.height() < _TALL or not _is_plain_within(painter, middle, line):
        painter.drawRoundedRect(edge, radius, radius)
        return
    # Between its corners it is a plain one: all of it as a shape takes three times as long.
    for top in (box.top(), middle.bottom()):
        painter.save()
        painter.setClipRect(QRectF(box.left(), top, box.width(), round_part), Qt.ClipOperation.IntersectClip)
        painter.drawRoundedRect(edge, radius, radius)
        painter.restore()
    if fill is not None:
        painter.fillRect(middle, fill)
    if line is not None:
        for left in (middle.left(), middle.right() - 1):
            painter.fillRect(QRectF(left, middle.top(), 1, middle.height()), line)


def _is_plain_within(painter: QPainter, middle: QRectF, line: QColor | None) -> bool:
    """Whether rectangles show the same there: the line hides what it lies on, and all edges lie between pixels."""
    transform = painter.deviceTransform()
    if transform.isRotating() or (line is not None and line.alpha() < _OPAQUE):
        return False
    on_screen = transform.mapRect(middle)
    edges = (*on_screen.getCoords(), transform.m11(), transform.m22())  # type: ignore[misc]
    return all(float(edge).is_integer() for edge in edges)


def focus_ring(painter: QPainter, box: QRectF, radius: float, color: QColor) -> None:
    """2 px inside the box's edge: what has the keyboard is always seen."""
    painter.setBrush(QColor(0, 0, 0, 0))
    painter.setPen(QPen(color, 2))
    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), max(1.0, radius - 1), max(1.0, radius - 1))
