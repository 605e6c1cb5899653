"""A menu of which several things are ticked in one go."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu

_PRESSING = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class TickingMenu(QMenu):
    """Stays open where what can be ticked is pressed."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        action = self.activeAction()
        # Qt has none there where the press that opened the menu is let go of.
        if _can_tick(action) and action is self.actionAt(event.position().toPoint()):
            action.trigger()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = self.activeAction()
        if event.key() in _PRESSING and _can_tick(action):
            action.trigger()
        else:
            super().keyPressEvent(event)


def _can_tick(action: QAction | None) -> bool:
    return action is not None and action.isCheckable() and action.isEnabled()
