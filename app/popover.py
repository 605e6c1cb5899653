"""A small surface that opens at a widget and closes by itself when something else is pressed.

Its corners are round by transparency, except on X11: there a window manager may not blend windows, and would show
black corners, so that the window itself is cut to shape.
"""

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QBitmap, QGuiApplication, QPainter, QPaintEvent, QPalette, QRegion, QResizeEvent
from PySide6.QtWidgets import QFrame, QWidget

from app.theme import Theme
from app.widgets.painting import rounded_box

RADIUS = 9.0


class Popover(QFrame):
    """Paints its own rounded ground; its children fill theirs with the surface's colour."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._theme = theme
        self._cut_out = QGuiApplication.platformName() == "xcb"
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, not self._cut_out)
        theme.changed.connect(self._take_surface)
        self._take_surface()

    def place(self, anchor: QWidget, *, right: bool = False) -> None:
        """Below a widget, or above it where there is no room; at its left edge or with `right` at its right one."""
        self.adjustSize()
        left = anchor.width() - self.width() if right else 0
        corner = anchor.mapToGlobal(QPoint(left, anchor.height() + 4))
        room = anchor.screen().availableGeometry()
        x = max(room.left(), min(corner.x(), room.right() - self.width()))
        lowest = room.bottom() - self.height()
        above = anchor.mapToGlobal(QPoint(0, 0)).y() - 4 - self.height()
        y = above if corner.y() > lowest and above >= room.top() else min(corner.y(), lowest)
        self.move(x, max(room.top(), y))
        self.show()

    def _take_surface(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, self._theme.color("surface"))
        self.setPalette(palette)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._cut_out:
            shape = QBitmap(self.size())
            shape.clear()
            painter = QPainter(shape)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(Qt.GlobalColor.color1)
            painter.drawRoundedRect(self.rect(), RADIUS, RADIUS)
            painter.end()
            self.setMask(QRegion(shape))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        surface, line = self._theme.color("surface"), self._theme.color("border_strong")
        if self._cut_out:
            painter.fillRect(self.rect(), line)
        rounded_box(painter, QRectF(self.rect()), RADIUS, surface, line)
