"""A kept answer in the drawer: what was asked, what it took, its rating, and the ways to all that belongs to it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app import formats
from app.pages.compare_parts.rating import Rating
from app.pages.compare_parts.rating_lines import OUTCOMES
from app.sources import marked_money
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

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.answer: RatedAnswer | None = None
        self.rating = Rating(theme, "details")
        self.rating.rated.connect(self.rated)
        self.prompt = TextLabel(theme, wrap=True)
        self.prompt.setObjectName("details_prompt")
        self.prompt.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._values: dict[str, TextLabel] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 24)
        column.setSpacing(16)
        column.addLayout(self._ways())
        column.addWidget(self.rating)
        column.addWidget(TextLabel(theme, tr("Prompt"), px=12, weight=600, tone="text3"))
        column.addWidget(self.prompt)
        column.addLayout(self._facts())
        column.addStretch(1)

    def show_answer(self, answer: RatedAnswer, provider_title: str = "") -> None:
        """One after another is shown by the same widgets. A note that was begun belongs to the one before."""
        self.rating.finish_note()
        self.answer = answer
        self.rating.show_rating(answer.stars, answer.note)
        self.rating.stars.setEnabled(answer.outcome == "ok")
        self.prompt.setText((answer.prompt or tr("The question was not kept."))[:LONGEST_SHOWN])
        self.prompt.set_tone("text" if answer.prompt else "text2")
        for key, value in (
            ("at", formats.clock(answer.at_us)),
            ("provider", provider_title or answer.provider or formats.UNKNOWN),
            ("outcome", tr(OUTCOMES[answer.outcome].text)),
            ("ttft", formats.duration(milliseconds(answer.ttft_us))),
            ("total", formats.duration(milliseconds(answer.latency_us))),
            ("input", formats.count(answer.input_tokens)),
            ("output", formats.count(answer.output_tokens)),
            ("cost", marked_money(answer.cost_nano, answer.cost_estimated)),
            ("key", answer.key),
        ):
            self._values[key].setText(value)

    @property
    def request_id(self) -> str:
        """ "" where none is shown."""
        return self.answer.request_id if self.answer is not None else ""

    def _ways(self) -> QHBoxLayout:
        ways = QHBoxLayout()
        ways.setSpacing(8)
        for name, words, icon, signal in (
            ("details_request", tr("Request"), "list", self.request_asked),
            ("details_conversation", tr("Conversation"), "messages-square", self.conversation_asked),
            ("details_ask", tr("Ask again"), "rotate-ccw", self.ask_asked),
        ):
            button = PushButton(self._theme, words, icon)
            button.setObjectName(name)
            button.clicked.connect(signal)
            ways.addWidget(button)
        ways.addStretch(1)
        return ways

    def _facts(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for number, (key, title) in enumerate(
            (
                ("at", tr("Asked")),
                ("provider", tr("Provider")),
                ("outcome", tr("State")),
                ("ttft", TTFT),
                ("total", tr("Total")),
                ("input", tr("Tokens in")),
                ("output", tr("Tokens out")),
                ("cost", tr("Cost")),
                ("key", tr("Key")),
            )
        ):
            grid.addWidget(TextLabel(self._theme, title, tone="text2"), number, 0)
            label = self._values[key] = TextLabel(self._theme)
            label.setObjectName(f"details_{key}")
            grid.addWidget(label, number, 1)
        return grid
