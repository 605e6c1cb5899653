"""Rows of a few widgets that are made anew where they become others."""

from collections.abc import Sequence

from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget


class ReplacedRows(QWidget):
    """Empty at first, and hidden as long as it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._holder: QWidget | None = None
        self.hide()

    def show_rows(self, rows: Sequence[QWidget | QLayout]) -> None:
        """These take the place of what stood here."""
        if self._holder is not None:
            self._column.removeWidget(self._holder)
            self._holder.hide()
            self._holder.deleteLater()
        self._holder = QWidget()
        column = QVBoxLayout(self._holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for row in rows:
            column.addWidget(row) if isinstance(row, QWidget) else column.addLayout(row)
        self._column.addWidget(self._holder)
        self.setVisible(bool(rows))
