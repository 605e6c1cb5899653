"""A scroll bar whose place is kept, so that nothing beside it is laid out anew, and that is seen where it scrolls."""

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QScrollBar


class KeptScrollBar(QScrollBar):
    def paintEvent(self, event: QPaintEvent) -> None:
        if self.maximum() > self.minimum():
            super().paintEvent(event)
