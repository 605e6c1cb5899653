"""A kept answer in the drawer: what was asked, what it took, its rating, and the ways to all that belongs to it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app import formats
from app.pages.compare_parts.rating import Rating
from app.pages.compare_parts.rating_lines import OUTCOMES
from app.tables.column import milliseconds
from app.text_label import TextLabel
from app.theme import Theme
from app.time_words import TTFT
from app.translation import tr
from app.widgets import PushButton
from gateway import RatedAnswer

LONGEST_SHOWN = 4000


class AnswerDetails(QWidget):
    """`rated(stars, note)`, 0 to take the rating back; `request_asked`; `conversation_asked`; `ask_asked`: the same
    question once more."""

    rated = Signal(int, str)
    request_asked = Signal()
    conversation_asked = Signal()
    ask_asked = Signal()

    def __init__(
        self, theme: Theme, answer: RatedAnswer, provider_title: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._provider_title = provider_title or answer.provider or formats.UNKNOWN
        self.answer = answer
        self.rating = Rating(theme, "details")
        self.rating.show_rating(answer.stars, answer.note)
        self.rating.stars.setEnabled(answer.outcome == "ok")
        self.rating.rated.connect(self.rated)
        self._lay_out()

    def _lay_out(self) -> None:
        theme, answer = self._theme, self.answer
        prompt = (answer.prompt or self.tr("The question was not kept."))[:LONGEST_SHOWN]
        self.prompt = TextLabel(theme, prompt, wrap=True, tone="text" if answer.prompt else "text2")
        self.prompt.setObjectName("details_prompt")
        self.prompt.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        ways = QHBoxLayout()
        ways.setSpacing(8)
        for name, words, icon, signal in (
            ("details_request", self.tr("Request"), "list", self.request_asked),
            ("details_conversation", self.tr("Conversation"), "messages-square", self.conversation_asked),
            ("details_ask", self.tr("Ask again"), "rotate-ccw", self.ask_asked),
        ):
            button = PushButton(theme, words, icon)
            button.setObjectName(name)
            button.clicked.connect(signal)
            ways.addWidget(button)
        ways.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 24)
        column.setSpacing(16)
        column.addLayout(ways)
        column.addWidget(self.rating)
        column.addWidget(TextLabel(theme, self.tr("Prompt"), px=12, weight=600, tone="text3"))
        column.addWidget(self.prompt)
        column.addLayout(self._facts())
        column.addStretch(1)

    def _facts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        answer = self.answer
        for number, (key, title, value) in enumerate(
            (
                ("at", self.tr("Asked"), formats.clock(answer.at_us)),
                ("provider", self.tr("Provider"), self._provider_title),
                ("outcome", self.tr("State"), tr(OUTCOMES[answer.outcome].text)),
                ("ttft", TTFT, formats.duration(milliseconds(answer.ttft_us))),
                ("total", self.tr("Total"), formats.duration(milliseconds(answer.latency_us))),
                ("input", self.tr("Tokens in"), formats.count(answer.input_tokens)),
                ("output", self.tr("Tokens out"), formats.count(answer.output_tokens)),
                ("cost", self.tr("Cost"), formats.money(answer.cost_nano)),
                ("key", self.tr("Key"), answer.key),
            )
        ):
            grid.addWidget(TextLabel(self._theme, title, tone="text2"), number, 0)
            label = TextLabel(self._theme, value)
            label.setObjectName(f"details_{key}")
            grid.addWidget(label, number, 1)
        return grid
