"""A card that says how something stands, in words, a mark and a colour, with a link to what is behind it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.connect_parts.arrivals import ArrivalWords
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, IconLabel, PushButton


class StatusCard(Card):
    """`asked(target)`: what is behind it is to be shown. `name` is the stem of its parts' object names."""

    asked = Signal(object)

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName(name)
        self.words: ArrivalWords | None = None
        self._mark = IconLabel(theme, "circle", "text3", 20)
        self.title = TextLabel(theme, weight=600, wrap=True)
        self.title.setObjectName(f"{name}_title")
        self.detail = TextLabel(theme, tone="text2", wrap=True)
        self.detail.setObjectName(f"{name}_detail")
        self.link = PushButton(theme, "", "external-link")
        self.link.setObjectName(f"{name}_link")
        self.link.clicked.connect(self._ask)
        text = QVBoxLayout()
        text.setSpacing(4)
        text.addWidget(self.title)
        text.addWidget(self.detail)
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(16, 12, 16, 12)
        self.line.setSpacing(12)
        self.line.addWidget(self._mark)
        self.line.addLayout(text, 1)
        self.line.addWidget(self.link)

    def show_words(self, words: ArrivalWords) -> None:
        self.words = words
        self.title.setText(words.text)
        self.title.set_tone("text" if words.tone == "text2" else words.tone)
        self.detail.setText(words.detail)
        self.link.setText(tr("Open request") if words.thread is None else tr("Open conversation"))
        self.link.setVisible(words.target is not None)
        self.setAccessibleName(words.text)
        self.setAccessibleDescription(words.detail)
        self._mark.show_icon(words.icon, words.tone)

    def _ask(self) -> None:
        if self.words is not None and self.words.target is not None:
            self.asked.emit(self.words.target)
