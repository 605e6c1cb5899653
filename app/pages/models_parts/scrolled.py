"""A drawer's content that scrolls where it is taller than the window."""

from PySide6.QtWidgets import QScrollArea, QWidget

from app.widgets import ScrollRing


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """On the drawer's own ground; `name` is what a screen reader calls it."""
    area = QScrollArea()
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setAccessibleName(name)
    area.setWidget(content)
    ScrollRing(area)
    area.viewport().setAutoFillBackground(False)
    content.setAutoFillBackground(False)
    return area
