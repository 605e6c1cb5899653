"""Why the window cannot open, told where a person sees it: who starts it from a menu reads no standard error."""

import os
import sys
from collections.abc import Mapping

from app.display import display_problem

# GLib's launchers say whom they started; the variable alone is inherited by a terminal and all that runs in it.
_LAUNCHED = "GIO_LAUNCHED_DESKTOP_FILE_PID"


def is_seen_on_screen_only(environ: Mapping[str, str]) -> bool:
    """Whether nobody reads standard error, and a window can be shown."""
    # A program without a console, as on Windows, has none.
    unread = getattr(sys, "stderr", None) is None or environ.get(_LAUNCHED) == str(os.getpid())
    return unread and display_problem(environ) is None


def show_failure(message: str) -> None:
    """Returns once a person has read it."""
    from PySide6.QtWidgets import QApplication, QMessageBox

    from app.theme import Theme
    from app.translation import tr

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(["faregate"])
    theme = Theme("system")
    theme.apply(app)
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Faregate", tr("Faregate cannot start"))
    box.setInformativeText(message)
    box.addButton(tr("Close"), QMessageBox.ButtonRole.AcceptRole)
    box.exec()
