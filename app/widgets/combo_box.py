"""A box to choose from, with its arrow in the theme's colour: a stylesheet could only take one from a file."""

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QWidget

from app import icons
from app.fonts import ui_font
from app.theme import Theme

_ICON = 16


class ComboBox(QComboBox):
    """Needs an accessible name."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFont(ui_font(13))
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        tone = "text3" if self.isEnabled() else "border_strong"
        picture = icons.pixmap("chevron-down", self._theme.color(tone), _ICON, self.devicePixelRatioF())
        place = QRect(self.width() - _ICON - 9, (self.height() - _ICON) // 2, _ICON, _ICON)
        QPainter(self).drawPixmap(place, picture)
