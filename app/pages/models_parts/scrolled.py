"""A drawer's content that scrolls where it is taller than the window."""

from PySide6.QtWidgets import QScrollArea, QWidget

from app.widgets import ScrollRing
from app.widgets.scroll_bar import KeptScrollBar


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """On the drawer's own ground, with the bar in the content's right margin; `name` is what a screen
    reader calls it."""
    area = QScrollArea()
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setAccessibleName(name)
    layout = content.layout()
    inset = content if layout is None else layout
    margins = inset.contentsMargins()
    margins.setRight(KeptScrollBar.in_margin(area, margins.right()))
    inset.setContentsMargins(margins)
    area.setWidget(content)
    ScrollRing(area)
    area.viewport().setAutoFillBackground(False)
    content.setAutoFillBackground(False)
    return area
