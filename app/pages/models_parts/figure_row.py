"""A few figures side by side on one card: what each is called, its value, and a second fact below it."""

from collections.abc import Sequence

from msgspec import Struct
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.fonts import ui_font
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import Card, ElidedLabel


class Figure(Struct, frozen=True):
    """`tone` names the value's colour token; `tooltip` says more than there is room for."""

    label: str
    value: str
    fact: str = ""
    tone: str = "text"
    tooltip: str = ""


class FigureRow(Card):
    """`shown` are the figures that stand there."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self._name = name
        self.shown: tuple[Figure, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 10, 16, 10)
        self._row.setSpacing(24)

    def show_figures(self, figures: Sequence[Figure]) -> None:
        while item := self._row.takeAt(0):
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.shown = tuple(figures)
        for number, figure in enumerate(figures):
            self._row.addWidget(self._block(number, figure), 1)
        said = "; ".join(f"{each.label}: {' '.join(filter(None, (each.value, each.fact)))}" for each in figures)
        self.setAccessibleName(f"{self._name}: {said}")

    def _block(self, number: int, figure: Figure) -> QWidget:
        block = QWidget(self)
        block.setToolTip(figure.tooltip)
        column = QVBoxLayout(block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self._words(figure.label, "text2"))
        value = TextLabel(self._theme, figure.value, px=18, weight=600, tone=figure.tone)
        value.setObjectName(f"figure.{number}")
        column.addWidget(value)
        column.addWidget(self._words(figure.fact, "text3"))
        return block

    def _words(self, text: str, tone: str) -> ElidedLabel:
        label = ElidedLabel(self._theme, text, tone=tone)
        label.setFont(ui_font(12))
        return label
