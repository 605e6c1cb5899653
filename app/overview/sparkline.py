"""A small line without axes: the shape of the last period, and where it stands now.

It is kept as it was painted: its smooth line takes as long as all the words of its card.
"""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import Theme

_MARGIN = 3.0


class Sparkline(QWidget):
    """Points from left to right; at None the line breaks off."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.points: tuple[float | None, ...] = ()
        self._picture = QPixmap()
        self._picture_of: tuple[object, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(30)

    def sizeHint(self) -> QSize:
        return QSize(120, 30)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 30)

    def set_points(self, points: Sequence[float | None]) -> None:
        if tuple(points) != self.points:
            self.points = tuple(points)
            self.update()

    def runs(self) -> list[list[QPointF]]:
        """Where the points stand, in the widget's pixels: those between two gaps together."""
        known = [value for value in self.points if value is not None]
        if len(known) < 2:
            return []
        low, high = min(0.0, *known), max(known)
        width, height = self.width() - 2 * _MARGIN, self.height() - 2 * _MARGIN
        step, scale = width / (len(self.points) - 1), height / (high - low or 1.0)
        found: list[list[QPointF]] = [[]]
        for index, value in enumerate(self.points):
            if value is not None:
                found[-1].append(QPointF(_MARGIN + index * step, _MARGIN + height - (value - low) * scale))
            elif found[-1]:
                found.append([])
        return [run for run in found if run]

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio, accent = self.devicePixelRatioF(), self._theme.color("accent")
        of = self.points, self.size(), ratio, accent
        if of != self._picture_of:
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            self._draw(accent)
            self._picture_of = of
        QPainter(self).drawPixmap(0, 0, self._picture)

    def _draw(self, accent: QColor) -> None:
        runs = self.runs()
        if not runs:
            return
        painter = QPainter(self._picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        faint, none = QColor(accent), QColor(accent)
        faint.setAlphaF(0.16)
        none.setAlphaF(0.0)
        ground = QLinearGradient(0, _MARGIN, 0, self.height())
        ground.setColorAt(0, faint)
        ground.setColorAt(1, none)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        for run in runs:
            corners = [QPointF(run[-1].x(), self.height()), QPointF(run[0].x(), self.height())]
            painter.drawPolygon(QPolygonF([*run, *corners]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        for run in runs:
            if len(run) > 1:
                painter.drawPolyline(QPolygonF(run))
            else:
                painter.drawPoint(run[0])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        last = runs[-1][-1]
        painter.drawEllipse(QRectF(last.x() - 2.2, last.y() - 2.2, 4.4, 4.4))
        painter.end()
