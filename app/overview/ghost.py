"""Where the charts will stand: their grid without a figure in it, around the words that say why."""

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import Theme
from app.widgets import Card

LINES = 5
_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 48, 32, 48
_CLEAR = 24


class GhostChart(Card):
    """`words` stand in the middle, and the lines leave them room."""

    def __init__(self, theme: Theme, words: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self._words = words
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(words)

    def grid(self) -> list[QRect]:
        """The lines as they are drawn, 1 px high, from the top; two for one that the words interrupt."""
        area = self.rect().adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)
        free = QRect()
        for child in self._words.findChildren(QWidget):
            if child.isVisibleTo(self._words) and child.parent() is self._words:
                free = free.united(QRect(child.mapTo(self, child.rect().topLeft()), child.size()))
        free.adjust(-_CLEAR, -_CLEAR, _CLEAR, _CLEAR)
        lines = []
        for number in range(LINES):
            line = QRect(area.left(), area.top() + area.height() * number // (LINES - 1), area.width(), 1)
            if not line.intersects(free):
                lines.append(line)
                continue
            lines.append(QRect(line.left(), line.top(), free.left() - line.left(), 1))
            lines.append(QRect(free.right(), line.top(), line.right() - free.right(), 1))
        return [line for line in lines if line.width() > 0]

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        for line in self.grid():
            painter.fillRect(line, self._theme.color("grid"))
