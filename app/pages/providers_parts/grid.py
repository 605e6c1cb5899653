"""Cards in equal columns, no more than the width has room for, and rows as full as each other; cards of a row are
equally high."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

_GAP = 12


class CardGrid(QWidget):
    def __init__(self, least_width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._least = least_width
        self._columns = 0
        self._cards: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_GAP)

    def add(self, card: QWidget) -> None:
        self._cards.append(card)
        self._place()

    def remove(self, card: QWidget) -> None:
        self._cards.remove(card)
        self._grid.removeWidget(card)
        card.hide()
        card.deleteLater()
        self._place()

    def minimumSizeHint(self) -> QSize:
        """As narrow as one card: what stands in two columns now goes into one when a drawer takes the room."""
        widest = max((card.minimumSizeHint().width() for card in self._cards), default=0)
        return QSize(widest, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._room() != self._columns:
            self._place()

    def _room(self) -> int:
        """How many columns: with room for three, four cards stand two by two."""
        most = max(1, (self.width() + _GAP) // (self._least + _GAP))
        rows = -(-len(self._cards) // most)
        return -(-len(self._cards) // rows) if rows else most

    def _place(self) -> None:
        before, self._columns = self._columns, self._room()
        for card in self._cards:
            self._grid.removeWidget(card)
        for number, card in enumerate(self._cards):
            self._grid.addWidget(card, number // self._columns, number % self._columns)
        for column in range(max(before, self._columns)):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)
        rows = -(-len(self._cards) // self._columns)
        for row in range(self._grid.rowCount() + 1):
            self._grid.setRowStretch(row, 1 if row == rows else 0)
