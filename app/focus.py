"""When a ring around the focused widget helps: when the keyboard brought the focus there."""

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

KEYBOARD_REASONS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


def keep_focus(within: QWidget, widget: QWidget | None) -> None:
    """Give the keyboard back to what had it before it was disabled for a while: Qt hands it to a neighbour then.

    What a person chose meanwhile outside of `within` keeps it.
    """
    now = QApplication.focusWidget()
    if widget is None or not shiboken6.isValid(widget) or not within.isAncestorOf(widget):
        return
    if widget.isVisible() and widget.isEnabled() and (now is None or within.isAncestorOf(now)):
        widget.setFocus(Qt.FocusReason.OtherFocusReason)
