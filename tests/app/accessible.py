"""What a screen reader needs of a page: a name for everything that can have the keyboard, and what it is."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QWidget


def unnamed(page: QWidget) -> list[str]:
    """The focusable widgets on the screen that say nothing of themselves, and choices of several that a screen reader
    takes for boxes to be ticked one by one; a scroll area that only holds others is none."""
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
        elif _one_of_several(widget) and interface.role() != QAccessible.Role.RadioButton:
            found.append(f"{interface.role().name} {widget.objectName()}")
    return found


def _one_of_several(widget: QWidget) -> bool:
    group = widget.group() if isinstance(widget, QAbstractButton) and widget.isCheckable() else None
    return group is not None and group.exclusive()
