"""A table's columns as they were arranged, kept for the next window."""

from PySide6.QtCore import QTimer

from app.preferences import Preferences
from app.tables.view import TableView

_AFTER_MS = 400
"""Not with each pixel of a column that is drawn wider."""


def keep_columns(view: TableView, preferences: Preferences, table: str) -> None:
    """Arrange the columns as they stood last, and put by each change. Each has a name of its own in `table`."""
    name = f"columns/{table}"
    view.restore_columns(preferences.kept(name))
    timer = QTimer(view, singleShot=True, interval=_AFTER_MS)

    def keep() -> None:
        preferences.keep(name, view.columns_text())

    def keep_at_once() -> None:
        """The window may be about to end."""
        if timer.isActive():
            timer.stop()
            keep()

    timer.timeout.connect(keep)
    view.columns_changed.connect(timer.start)
    view.hidden.connect(keep_at_once)
