"""A text field with a magnifying glass in front and a cross to empty it."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QWidget

from app import icons
from app.fonts import ui_font
from app.theme import Theme


class SearchField(QLineEdit):
    """A QLineEdit; the placeholder is its accessible name until another is set."""

    def __init__(self, theme: Theme, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._glass = QAction(self)
        self.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setClearButtonEnabled(True)
        self.setFont(ui_font(13))
        theme.changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self._glass.setIcon(icons.icon("search", self._theme.color("text3")))
