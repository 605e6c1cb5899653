"""The drawer's content for one request: what happened first, then the numbers, then who and which ids."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app import formats
from app.pages.requests_parts.columns import model_shown, status_pill
from app.pages.requests_parts.details import OUTCOME_WORDS, Line, Section, attempt_words, cause, sections
from app.text_label import TextLabel
from app.theme import Theme
from app.widgets import Banner, IconButton, Pill
from gateway import ExchangeRecord, ModelRow

_LABEL_WIDTH = 150


class RequestPanel(QScrollArea):
    """`copied(word)`: something was put on the clipboard. `filter_asked(text)`: a filter that shows related rows."""

    copied = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("request_details")
        self.setAccessibleName("Details of the request")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.record: ExchangeRecord | None = None
        theme.changed.connect(self._take_surface)
        self._take_surface()

    def show_record(
        self, row: ExchangeRecord, provider_title: Callable[[str], str], models: Mapping[str, ModelRow]
    ) -> None:
        self.record = row
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 4, 16, 24)
        column.setSpacing(16)
        column.addLayout(self._head(row))
        plain = cause(row)
        if plain is not None:
            banner = Banner(self._theme, "warn" if row.outcome == "aborted" else "bad", plain)
            banner.setObjectName("request_cause")
            column.addWidget(banner)
        for section in sections(row, provider_title, models):
            column.addLayout(self._section(section))
            if section.title == "Route" and row.attempts:
                column.addLayout(self._attempts(row, provider_title))
        column.addStretch(1)
        body.setPalette(self.palette())
        self.setWidget(body)

    def _take_surface(self) -> None:
        palette = self.palette()
        for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
            palette.setColor(role, self._theme.color("surface"))
        self.setPalette(palette)
        self.viewport().setPalette(palette)
        body: QWidget | None = self.widget()
        if body is not None:
            body.setPalette(palette)

    def _head(self, row: ExchangeRecord) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        pill = status_pill(row)
        line.addWidget(Pill(self._theme, pill.text, pill.kind))
        line.addWidget(TextLabel(self._theme, OUTCOME_WORDS.get(row.outcome, row.outcome), weight=600))
        line.addStretch(1)
        line.addWidget(TextLabel(self._theme, model_shown(row) or formats.UNKNOWN, tone="text2"))
        return line

    def _section(self, section: Section) -> QGridLayout:
        grid = self._grid(section.title)
        for number, line in enumerate(section.lines, start=1):
            self._line(grid, number, line)
        return grid

    def _grid(self, title: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(TextLabel(self._theme, title, px=12, weight=600, tone="text3"), 0, 0, 1, 3)
        return grid

    def _line(self, grid: QGridLayout, number: int, line: Line) -> None:
        label = TextLabel(self._theme, line.label, tone="text3" if line.part else "text2", px=12 if line.part else 13)
        label.setMinimumWidth(_LABEL_WIDTH)
        label.setContentsMargins(12 if line.part else 0, 0, 0, 0)
        grid.addWidget(label, number, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(0)
        value = TextLabel(self._theme, line.value, mono=line.mono, px=12 if line.part or line.mono else 13, wrap=True)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        value.setObjectName(f"detail_{line.label.casefold().replace(' ', '_')}")
        words.addWidget(value)
        if line.note:
            words.addWidget(TextLabel(self._theme, line.note, px=12, tone="text3", wrap=True))
        grid.addLayout(words, number, 1)
        grid.setColumnStretch(1, 1)
        if line.copy is not None:
            button = IconButton(self._theme, "copy", f"Copy {line.label.casefold()}")
            button.clicked.connect(lambda *_, text=line.copy, name=line.label: self._copy(name, text))
            grid.addWidget(button, number, 2, Qt.AlignmentFlag.AlignTop)

    def _attempts(self, row: ExchangeRecord, provider_title: Callable[[str], str]) -> QGridLayout:
        grid = self._grid("Attempts")
        grid.setHorizontalSpacing(12)
        for number, attempt in enumerate(row.attempts, start=1):
            for place, text in enumerate(attempt_words(attempt, provider_title)):
                cell = TextLabel(self._theme, text, px=12, tone="text" if place == 0 else "text2", wrap=place == 1)
                side = Qt.AlignmentFlag.AlignRight if place == 3 else Qt.AlignmentFlag.AlignLeft
                grid.addWidget(cell, number, place, side | Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        return grid

    def _copy(self, name: str, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(f"{name} copied")
