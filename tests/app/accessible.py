"""What a screen reader needs of a page: a name for everything that can have the keyboard."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QWidget


def unnamed(page: QWidget) -> list[str]:
    """The focusable widgets on the screen that say nothing of themselves; a scroll area that only holds others is none."""
    found = []
    for widget in page.findChildren(QWidget):
        holder = isinstance(widget, QAbstractScrollArea) and type(widget).__name__ == "QScrollArea"
        if not widget.isVisible() or widget.focusPolicy() == Qt.FocusPolicy.NoFocus or holder:
            continue
        if type(widget) is QWidget and isinstance(widget.parentWidget(), QAbstractScrollArea):
            # A viewport: the keyboard is its area's.
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name):
            found.append(f"{type(widget).__name__} {widget.objectName()}")
    return found
