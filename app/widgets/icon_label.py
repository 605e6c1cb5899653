"""A tinted icon that follows the theme, on every screen as sharp as that is."""

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import icons
from app.theme import Theme


class IconLabel(QWidget):
    """`name` is an icon's, `tone` a colour token's; `px` its width and height."""

    def __init__(self, theme: Theme, name: str, tone: str, px: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._name, self._tone, self._px = theme, name, tone, px
        self.setFixedSize(px, px)

    def show_icon(self, name: str, tone: str) -> None:
        if (name, tone) != (self._name, self._tone):
            self._name, self._tone = name, tone
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        picture = icons.pixmap(self._name, self._theme.color(self._tone), self._px, self.devicePixelRatioF())
        QPainter(self).drawPixmap(self.rect(), picture)
