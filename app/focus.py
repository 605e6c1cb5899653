"""When a ring around the focused widget helps: when the keyboard brought the focus there."""

from PySide6.QtCore import Qt

KEYBOARD_REASONS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
