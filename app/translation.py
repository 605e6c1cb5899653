"""What the window says goes through Qt's translation: `tr` for words outside of widgets, whose own does the same.

Words in tables that are made when a module is imported are only `marked` there, since no language is chosen by then,
and go through `tr` where they are shown. Figures, dates and names of things are not translated.
"""

from PySide6.QtCore import QCoreApplication

_CONTEXT = "Faregate"


def tr(text: str) -> str:
    return QCoreApplication.translate(_CONTEXT, text)


def marked(text: str) -> str:
    """The text itself: it will be translated where it is shown."""
    return text
