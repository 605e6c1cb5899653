"""The question: system prompt, what is asked, what was said before, the models, limits, and the button that asks."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDoubleValidator, QIntValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app import formats
from app.fonts import ui_font
from app.pages.compare_parts.asked import Asked
from app.pages.compare_parts.model_choice import ModelChoice
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, ElidedLabel, IconButton, PushButton
from gateway import LEAST_MODELS, AnswerEstimate

_PROMPT_HEIGHT, _LOW_PROMPT_HEIGHT = 92, 60
_FIELD = 84
_MOST_TOKENS = 1_000_000
_MOST_TEMPERATURE = 2.0


class QuestionCard(Card):
    """`changed`: the question or the models; `run_asked` and `stop_asked` by its buttons or Ctrl+Enter."""

    changed = Signal()
    run_asked = Signal()
    stop_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self._history = Asked()
        self._running = False
        self._estimates: Sequence[AnswerEstimate] = ()
        self.setObjectName("compare_question")
        self._build()
        self._lay_out()
        self._show_history()
        self.show_estimates(())

    def _build(self) -> None:
        theme = self._theme
        self.system = self._editor("compare_system", tr("System prompt"), tr("System prompt (optional)"))
        self.user = self._editor("compare_prompt", tr("Prompt"), tr("What to ask every model. Ctrl+Enter sends it."))
        self.history = ElidedLabel(theme, "", tone="text2")
        self.history.setObjectName("compare_history")
        self.history.setFont(ui_font(12))
        self.drop_history = IconButton(theme, "x", tr("Ask without the earlier messages"))
        self.drop_history.setObjectName("compare_drop_history")
        self.drop_history.clicked.connect(self.forget_history)
        self.models = ModelChoice(theme)
        self.models.changed.connect(self._tell)
        self.max_tokens = self._field("compare_max_tokens", tr("Most output tokens"), tr("No limit"))
        self.max_tokens.setValidator(QIntValidator(1, _MOST_TOKENS, self.max_tokens))
        self.temperature = self._field("compare_temperature", tr("Temperature"), tr("Default"))
        self.temperature.setValidator(QDoubleValidator(0.0, _MOST_TEMPERATURE, 2, self.temperature))
        self.estimate = ElidedLabel(theme, "", tone="text3")
        self.estimate.setFont(ui_font(12))
        self.estimate.setObjectName("compare_estimate")
        self.estimate.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.stop_button = PushButton(theme, tr("Stop all"), "circle-stop", "secondary")
        self.stop_button.setObjectName("compare_stop")
        self.stop_button.clicked.connect(self.stop_asked)
        self.stop_button.hide()
        self.run_button = PushButton(theme, tr("Run"), "play", "primary")
        self.run_button.setObjectName("compare_run")
        self.run_button.clicked.connect(self.run_asked)

    def _editor(self, name: str, title: str, placeholder: str) -> QPlainTextEdit:
        made = QPlainTextEdit()
        made.setObjectName(name)
        made.setAccessibleName(title)
        made.setPlaceholderText(placeholder)
        made.setFont(ui_font(13))
        made.setTabChangesFocus(True)
        made.setFixedHeight(_PROMPT_HEIGHT)
        made.textChanged.connect(self._tell)
        return made

    def _field(self, name: str, title: str, placeholder: str) -> QLineEdit:
        made = QLineEdit()
        made.setObjectName(name)
        made.setAccessibleName(title)
        made.setPlaceholderText(placeholder)
        made.setFixedWidth(_FIELD)
        made.textChanged.connect(self._tell)
        made.returnPressed.connect(self.run_asked)
        return made

    def _lay_out(self) -> None:
        prompts = QHBoxLayout()
        prompts.setSpacing(12)
        prompts.addWidget(self.system, 2)
        prompts.addWidget(self.user, 5)
        self._before = QWidget()
        before = QHBoxLayout(self._before)
        before.setContentsMargins(2, 0, 0, 0)
        before.setSpacing(4)
        before.addWidget(self.history, 1)
        before.addWidget(self.drop_history)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        for title, field in (
            (tr("Most output tokens"), self.max_tokens),
            (tr("Temperature"), self.temperature),
        ):
            foot.addWidget(TextLabel(self._theme, title, px=12, tone="text2"))
            foot.addWidget(field)
            foot.addSpacing(8)
        foot.addWidget(self.estimate, 1)
        foot.addWidget(self.stop_button)
        foot.addWidget(self.run_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addLayout(prompts)
        column.addWidget(self._before)
        column.addWidget(self.models)
        column.addLayout(foot)

    def set_room(self, *, narrow: bool, low: bool) -> None:
        """Whether the window is small: then the answers get what room there is."""
        for editor in (self.system, self.user):
            editor.setFixedHeight(_LOW_PROMPT_HEIGHT if low else _PROMPT_HEIGHT)
        if narrow != self.models.narrow:
            self.models.set_narrow(narrow)
            self._fit_run()

    # the question

    def asked(self) -> Asked:
        """What is asked as it stands now."""
        return Asked(
            system=self.system.toPlainText(),
            user=self.user.toPlainText(),
            history=self._history.history,
            tools=self._history.tools,
            source=self._history.source,
            max_tokens=_tokens(self.max_tokens.text()),
            temperature=_heat(self.temperature.text()),
        )

    def _wrong_limit(self) -> str:
        """Which limit cannot be, and what could; "" where both can. An empty one is none."""
        if self.max_tokens.text() and _tokens(self.max_tokens.text()) is None:
            most = formats.count(_MOST_TOKENS)
            return tr("Most output tokens: from 1 to {most}, or nothing").format(most=most)
        if self.temperature.text() and _heat(self.temperature.text()) is None:
            return tr("Temperature: from 0 to {most:g}, or nothing").format(most=_MOST_TEMPERATURE)
        return ""

    def show_asked(self, asked: Asked) -> None:
        """Fill everything in; limits stay as they are."""
        self._history = asked
        self.system.setPlainText(asked.system)
        self.user.setPlainText(asked.user)
        self._show_history()
        self._tell()

    def forget_history(self) -> None:
        self._history = Asked()
        self._show_history()
        self._tell()

    def _show_history(self) -> None:
        before, tools = len(self._history.history), len(self._history.tools)
        self._before.setVisible(bool(before or tools))
        words = [tr("1 message before it") if before == 1 else tr("{0} messages before it").format(before)]
        if tools:
            words.append(tr("1 tool") if tools == 1 else tr("{0} tools").format(tools))
        self.history.setText(tr("{0}, from “{1}”").format(", ".join(words), self._history.source))

    def _tell(self) -> None:
        self._fit_run()
        self.changed.emit()

    # asking

    @property
    def can_run(self) -> bool:
        ready = not self.asked().is_empty and len(self.models.models) >= LEAST_MODELS
        return not self._running and ready and not self._wrong_limit()

    def set_running(self, running: bool) -> None:
        self._running = running
        self.stop_button.setVisible(running)
        self._fit_run()

    def show_estimates(self, estimates: Sequence[AnswerEstimate]) -> None:
        """What the answers would take. Without a question there is nothing to tell."""
        self._estimates = estimates
        self.models.show_estimates(estimates)
        self._fit_run()

    def _estimate_words(self) -> str:
        if not self._estimates:
            return ""
        first = self._estimates[0]
        length = tr("at most {0} out") if first.bounded else tr("{0} out assumed")
        words = tr("≈{0} tokens in, {1} for each").format(
            formats.count(first.input_tokens), length.format(formats.count(first.output_tokens))
        )
        return words if self.models.narrow else tr("Prices per 1M in / out · {0}").format(words)

    def _fit_run(self) -> None:
        wrong = self._wrong_limit()
        self.estimate.setText(wrong or self._estimate_words())
        self.estimate.set_tone("bad" if wrong else "text3")
        self.run_button.setText(" · ".join(filter(None, (tr("Run"), self._cost_words()))))
        self.run_button.setEnabled(self.can_run)
        self.run_button.updateGeometry()
        missing = LEAST_MODELS - len(self.models.models)
        hint = ""
        if self.asked().is_empty:
            hint = tr("Write what to ask first")
        elif missing > 0:
            hint = tr("Choose at least two models")
        elif wrong:
            hint = wrong
        self.run_button.setToolTip(hint or tr("Ask all models (Ctrl+Enter)"))

    def _cost_words(self) -> str:
        """The sum of what is known; what is not known is said, and never counts as nothing."""
        costs = [each.cost_nano for each in self._estimates]
        known = [cost for cost in costs if cost is not None]
        unknown = len(costs) - len(known)
        if not costs:
            return ""
        if not known:
            return tr("cost unknown")
        words = tr("est. {0}").format(formats.money(sum(known)))
        return words if not unknown else tr("{0} + {1} unknown").format(words, unknown)


def _tokens(text: str) -> int | None:
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MOST_TOKENS else None


def _heat(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= _MOST_TEMPERATURE else None
