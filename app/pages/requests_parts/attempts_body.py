"""The attempts of one request one below another, each under its number, with its status and whether it answered."""

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from app.pages.requests_parts.details import Section, answered
from app.pages.requests_parts.section_lines import SectionLines
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Pill
from gateway import AttemptRecord


class AttemptsBody(SectionLines):
    """For attempts of one shape. Each has two pills: its status, and the mark of the one that answered."""

    def __init__(self, theme: Theme, groups: Sequence[Section], parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.pills: list[tuple[Pill, Pill]] = []
        self._attempts: Sequence[AttemptRecord] = ()
        self.words = TextLabel(theme, tone="text2", wrap=True)
        self.words.setObjectName("attempts_words")
        self._column.addWidget(self.words)
        self._lines = self._make_lines(groups)

    def show_attempts(self, attempts: Sequence[AttemptRecord], groups: Sequence[Section], words: str) -> None:
        self._attempts = attempts
        self.words.setText(words)
        self.show_sections(groups)

    def _tell(self, first: int = 0) -> None:
        super()._tell(first)
        for (status, mark), attempt in zip(self.pills, self._attempts, strict=False):
            took = answered(attempt)
            status.setText(tr("no answer") if attempt.status is None else str(attempt.status))
            status.set_kind("ok" if took else "bad")
            status.updateGeometry()
            mark.setVisible(took)

    def _heading(self, grid: QGridLayout, section: Section) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(TextLabel(self._theme, section.title, weight=600))
        pills = Pill(self._theme, ""), Pill(self._theme, tr("Answered"), "ok")
        for pill in pills:
            line.addWidget(pill)
        line.addStretch(1)
        self.pills.append(pills)
        grid.addLayout(line, 0, 0, 1, 4)
