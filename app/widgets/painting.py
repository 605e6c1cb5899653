"""What the painted controls share: an antialiased painter, a rounded box on whole pixels, the focus ring."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

CONTROL_HEIGHT = 32
CONTROL_RADIUS = 7.0


def smooth_painter(widget: QWidget) -> QPainter:
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(widget.font())
    return painter


def rounded_box(
    painter: QPainter, box: QRectF, radius: float, fill: QColor | None, line: QColor | None = None
) -> None:
    """A filled box with a 1 px line inside its edge."""
    painter.setBrush(fill if fill is not None else QColor(0, 0, 0, 0))
    painter.setPen(QPen(line, 1) if line is not None else QPen(QColor(0, 0, 0, 0)))
    inset = 0.5 if line is not None else 0.0
    painter.drawRoundedRect(box.adjusted(inset, inset, -inset, -inset), radius, radius)


def focus_ring(painter: QPainter, box: QRectF, radius: float, color: QColor) -> None:
    """2 px inside the box's edge: what has the keyboard is always seen."""
    painter.setBrush(QColor(0, 0, 0, 0))
    painter.setPen(QPen(color, 2))
    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), max(1.0, radius - 1), max(1.0, radius - 1))
