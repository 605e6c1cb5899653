"""A person's rating of an answer: stars, and a note on them."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.theme import Theme
from app.translation import tr
from app.widgets import Stars

LONGEST_NOTE = 2000


class Rating(QWidget):
    """`rated(stars, note)` when a person gives another one, 0 stars to take it back; `show_rating` is silent."""

    rated = Signal(int, str)

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        """`name` is what the names of its two fields begin with."""
        super().__init__(parent)
        self.stars = Stars(theme)
        self.stars.setObjectName(f"{name}_stars")
        self.stars.rated.connect(self._rate)
        self.note = QLineEdit()
        self.note.setObjectName(f"{name}_note")
        self.note.setPlaceholderText(tr("Note"))
        self.note.setAccessibleName(tr("Note on this answer"))
        self.note.setMaxLength(LONGEST_NOTE)
        self.note.editingFinished.connect(self.finish_note)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.stars)
        row.addWidget(self.note, 1)
        self.show_rating(None, "")

    def show_rating(self, stars: int | None, note: str) -> None:
        self.stars.set_stars(stars or 0)
        self._written = note
        if self.note.text() != note:
            self.note.setText(note)
        self._allow_note(bool(stars))

    def _allow_note(self, rated: bool) -> None:
        self.note.setEnabled(rated)
        self.note.setToolTip("" if rated else tr("A note belongs to a rating: choose its stars first"))

    def _rate(self, stars: int) -> None:
        self._allow_note(bool(stars))
        if not stars:
            self.note.clear()
        self._written = self.note.text().strip()
        self.rated.emit(stars, self._written)

    def finish_note(self) -> None:
        """Enter, or leaving the field; Qt tells both where both happen."""
        text = self.note.text().strip()
        if self.stars.stars and text != self._written:
            self._written = text
            self.rated.emit(self.stars.stars, text)
