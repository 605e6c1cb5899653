"""Where the keyboard is: when a ring around it helps, and that it stays where a person put it."""

from collections.abc import Callable

import shiboken6
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent
from PySide6.QtWidgets import QApplication, QWidget

KEYBOARD_REASONS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
# The focus is where it was: its window, or a menu over it, was elsewhere for a while.
_BACK_AGAIN = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)


def by_keyboard(event: QFocusEvent, before: bool) -> bool:
    """Whether the keyboard brought a focus that comes in; one that only comes back is what it was `before`."""
    return before if event.reason() in _BACK_AGAIN else event.reason() in KEYBOARD_REASONS


def keep_focus(within: QWidget, widget: QWidget | None) -> None:
    """Give the keyboard back to what had it before it was disabled for a while: Qt hands it to a neighbour then.

    What a person chose meanwhile outside of `within` keeps it.
    """
    now = QApplication.focusWidget()
    if QApplication.activePopupWidget() is None:
        # A dialog that stands before the window takes nothing from it.
        now = within.window().focusWidget()
    if widget is None or not shiboken6.isValid(widget) or not within.isAncestorOf(widget):
        return
    if widget.isVisible() and widget.isEnabled() and (now is None or within.isAncestorOf(now)):
        widget.setFocus(Qt.FocusReason.OtherFocusReason)


def pause(*widgets: QWidget) -> Callable[[], None]:
    """Disable widgets while what they began is under way; the result ends that.

    Qt hands their keyboard to a neighbour meanwhile. It comes back, unless a person took it elsewhere.
    """
    before = QApplication.focusWidget()
    if before is not None and not any(one is before or one.isAncestorOf(before) for one in widgets):
        before = None
    for one in widgets:
        one.setEnabled(False)
    neighbour = QApplication.focusWidget()

    def resume() -> None:
        for one in widgets:
            if shiboken6.isValid(one):
                one.setEnabled(True)
        if before is not None and shiboken6.isValid(before) and QApplication.focusWidget() is neighbour:
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    return resume


def ask_for_menu() -> None:
    """The menu of what has the keyboard, as the menu key asks for it."""
    widget = QApplication.focusWidget()
    if widget is not None:
        place = QRectF(widget.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle)).center().toPoint()
        reason = QContextMenuEvent.Reason.Keyboard
        QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))
