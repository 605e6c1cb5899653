"""A rounded surface with a border: what numbers, charts and tables stand on.

One that takes the keyboard shows a ring as long as it has it, where the keyboard brought it there.
"""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QFocusEvent, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.focus import by_keyboard
from app.theme import Theme
from app.widgets.painting import focus_ring, rounded_box

RADIUS = 10.0
# So far from the top and the bottom the round corners are hardly more than the border wide.
_CLEAR = 8


class Card(QFrame):
    """Paints itself; children that fill their ground get the surface's colour from its palette."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card_theme = theme
        self._by_keyboard = False
        theme.changed.connect(self._take_surface)
        self._take_surface()

    def picture(self, scale: float = 2.0) -> QImage:
        """The card as it stands, in so many pixels for a logical one."""
        image = QImage(self.size() * scale, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scale)
        image.fill(self._card_theme.color("surface"))
        self.render(image)
        return image

    @classmethod
    def around(cls, theme: Theme, *widgets: QWidget) -> "Card":
        """A new one that is filled with them."""
        made = cls(theme)
        made.fill_with(*widgets)
        return made

    def fill_with(self, *widgets: QWidget) -> QVBoxLayout:
        """Stand them one below another from border to border, clear of the round corners, which the opaque ground of
        a table would cover."""
        column = QVBoxLayout(self)
        column.setContentsMargins(1, _CLEAR, 1, _CLEAR)
        for widget in widgets:
            column.addWidget(widget)
        return column

    def _take_surface(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, self._card_theme.color("surface"))
        self.setPalette(palette)
        self.update()

    @property
    def has_ring(self) -> bool:
        return self.hasFocus() and self._by_keyboard

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = by_keyboard(event, self._by_keyboard)
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._card_theme
        rounded_box(painter, QRectF(self.rect()), RADIUS, theme.color("surface"), theme.color("border"))
        if self.has_ring:
            focus_ring(painter, QRectF(self.rect()), RADIUS, theme.color("accent"))
