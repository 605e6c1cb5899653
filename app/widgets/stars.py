"""A rating of one to five stars: pressed, or given by the keys 1 to 5 and the arrows; 0 or Delete takes it back."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.focus import by_keyboard
from app.theme import Theme
from app.translation import tr
from app.widgets.painting import focus_ring, smooth_painter

MOST = 5
_STEP = 22
_HEIGHT = 28
_OUTER, _INNER = 8.0, 3.6
# In tables, where they only tell.
_SMALL, _SMALL_STEP = 0.75, 16
STARS_WIDTH = MOST * _SMALL_STEP
# Orange in the light theme, amber in the dark one.
_SLOT = 1


class Stars(QWidget):
    """`rated(stars)` when a person gives another rating; 0 takes it back. `set_stars` is silent."""

    rated = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._stars = 0
        # The star below the pointer, and whether it shows what a click would give: not until the pointer has left the
        # star where a rating was given or taken back, which would hide what it is now.
        self._pointed = 0
        self._offers = True
        self._by_keyboard = False
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self._describe()

    @property
    def stars(self) -> int:
        """0 where there is no rating."""
        return self._stars

    def set_stars(self, stars: int) -> None:
        self._stars = stars
        self._describe()
        self.update()

    def _describe(self) -> None:
        words = tr("not rated") if not self._stars else tr("{0} of 5 stars").format(self._stars)
        self.setAccessibleName(tr("Your rating: {0}").format(words))
        self.setToolTip(tr("Rate with 1 to 5; 0 takes it back"))

    def _give(self, stars: int) -> None:
        if stars != self._stars:
            self._offers = not self._pointed
            self.set_stars(stars)
            self.rated.emit(stars)

    def sizeHint(self) -> QSize:
        return QSize(MOST * _STEP + 8, _HEIGHT)

    def place(self, stars: int) -> QPointF:
        """The middle of a star, counted from 1."""
        return QPointF(4 + _STEP * (stars - 0.5), _HEIGHT / 2)

    def _at(self, x: float) -> int:
        return min(MOST, max(1, int((x - 4) // _STEP) + 1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            stars = self._at(event.position().x())
            # The rating pressed again is taken back.
            self._give(0 if stars == self._stars else stars)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._point(self._at(event.position().x()))
        super().enterEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._point(0)

    def _point(self, stars: int) -> None:
        if stars != self._pointed:
            self._pointed = stars
            self._offers = True
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if Qt.Key.Key_0 <= key <= Qt.Key.Key_5:
            self._give(key - Qt.Key.Key_0)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._give(0)
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Up):
            self._give(min(MOST, self._stars + 1))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Down):
            self._give(max(0, self._stars - 1))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = by_keyboard(event, self._by_keyboard)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        full = self._pointed if self._pointed and self._offers and self.isEnabled() else self._stars
        for number in range(1, MOST + 1):
            _draw(painter, self._theme, self.place(number), number <= full)
        if self.hasFocus() and self._by_keyboard:
            focus_ring(painter, QRectF(self.rect()), 7, self._theme.color("accent"))


def stars_picture(theme: Theme, stars: int, ratio: float) -> QPixmap:
    """A rating as it stands in a table, at a device pixel ratio."""
    width, height = STARS_WIDTH, 16
    picture = QPixmap(int(width * ratio), int(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for number in range(1, MOST + 1):
        _draw(painter, theme, QPointF(_SMALL_STEP * (number - 0.5), height / 2), number <= stars, _SMALL)
    painter.end()
    return picture


def _draw(painter: QPainter, theme: Theme, middle: QPointF, lit: bool, scale: float = 1.0) -> None:
    ink = theme.series_color(_SLOT) if lit else theme.color("text3")
    pen = QPen(ink, 1.5 * scale, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(ink if lit else QColor(0, 0, 0, 0))
    painter.drawPolygon(_star(middle, scale))


def _star(middle: QPointF, scale: float) -> QPolygonF:
    points = []
    for corner in range(10):
        radius, angle = scale * (_OUTER, _INNER)[corner % 2], math.pi * (corner / 5 - 0.5)
        points.append(QPointF(middle.x() + radius * math.cos(angle), middle.y() + radius * math.sin(angle)))
    return QPolygonF(points)
