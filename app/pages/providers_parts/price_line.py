"""Which list of prices is in use, and the button that fetches it anew: nothing else ever does."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.price_words import price_list_words
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import PushButton
from gateway import PriceList


class PriceLine(QWidget):
    """`asked` when the list shall be fetched."""

    asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = TextLabel(theme, tone="text2", wrap=True)
        self.words.setObjectName("price_list")
        self.button = PushButton(theme, tr("Update prices"), kind="secondary")
        self.button.setObjectName("update_prices")
        self.button.clicked.connect(self.asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.words, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)

    def show_list(self, known: PriceList) -> None:
        self.words.setText(
            tr("Prices of {models:,} models: {which}.").format(models=known.models, which=price_list_words(known))
        )

    def set_busy(self, busy: bool) -> None:
        self.button.setEnabled(not busy)
        self.button.setText(tr("Fetching prices…") if busy else tr("Update prices"))
