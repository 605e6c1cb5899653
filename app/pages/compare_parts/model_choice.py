"""The models that are asked: chips with their prices and what an answer would cost, and a list to add from."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.flow_layout import FlowLayout
from app.model_picker import ModelPicker, model_commands, price_words
from app.palette import Command
from app.sources import marked_money
from app.theme import Theme
from app.translation import tr
from app.widgets import Chip, PushButton
from gateway import MOST_MODELS, AnswerEstimate, ModelRow, ProviderRow

# A long name, what it would cost, and two prices.
_MOST_TEXT = 460
_ESTIMATED_PLACES = 4


class ModelChoice(QWidget):
    """`changed` when another model is asked, or one less."""

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._models: list[str] = []
        self._rows: Mapping[str, ModelRow] = {}
        self._providers: Mapping[str, ProviderRow] = {}
        self._estimates: Mapping[str, AnswerEstimate] = {}
        self._chips: dict[str, Chip] = {}
        self.narrow = False
        self.setObjectName("compare_models")
        self.setAccessibleName(tr("Models to compare"))
        self.add_button = PushButton(theme, tr("Add model"), "plus", "dashed")
        self.add_button.setObjectName("compare_add_model")
        self.add_button.clicked.connect(self.open_picker)
        self._flow = FlowLayout(self)
        self._flow.addWidget(self.add_button)
        self.picker = ModelPicker(theme, self)
        self.picker.hide()
        self.picker.typed.connect(self.add)

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self._models)

    @property
    def known(self) -> Mapping[str, ModelRow]:
        """The rows of all models that are known, by id."""
        return self._rows

    def chip(self, model: str) -> Chip:
        """Raises KeyError for a model that is not chosen."""
        return self._chips[model]

    def offer(self, rows: Sequence[ModelRow], providers: Sequence[ProviderRow]) -> None:
        """What can be chosen, with prices and life state."""
        self._rows = {row.id: row for row in rows}
        self._providers = {row.name: row for row in providers}
        self._tell()

    def choose(self, models: Sequence[str]) -> None:
        """These and no others; silent."""
        self._models = list(dict.fromkeys(models))[:MOST_MODELS]
        self._place()

    def add(self, model: str) -> None:
        if model and model not in self._models and len(self._models) < MOST_MODELS:
            self._models.append(model)
            self._place()
            self.changed.emit()

    def remove(self, model: str) -> None:
        if model in self._models:
            self._models.remove(model)
            self._place()
            self.changed.emit()
            self.add_button.setFocus()

    def show_estimates(self, estimates: Sequence[AnswerEstimate]) -> None:
        self._estimates = {each.model: each for each in estimates}
        self._tell()

    def commands(self) -> tuple[Command, ...]:
        """What the list offers: chat models that are not chosen yet, those that can be asked first."""
        return model_commands(self._rows.values(), self._providers, self.add, self._models)

    def open_picker(self) -> None:
        self.picker.open_under(self.add_button, self.commands())

    # chips

    def set_narrow(self, narrow: bool) -> None:
        """Chips without prices, which are in their tooltips."""
        if narrow != self.narrow:
            self.narrow = narrow
            self._tell()

    def _place(self) -> None:
        for model in [model for model in self._chips if model not in self._models]:
            chip = self._chips.pop(model)
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for number, model in enumerate(self._models):
            if model not in self._chips:
                chip = Chip(self._theme, self._text(model), most_text=_MOST_TEXT)
                chip.setObjectName(f"compare_model.{model}")
                chip.removed.connect(lambda model=model: self.remove(model))
                chip.clicked.connect(self.open_picker)
                self._chips[model] = chip
                self._flow.insert_widget(number, chip)
                chip.show()
        self.add_button.setVisible(len(self._models) < MOST_MODELS)
        self._tell()

    def _text(self, model: str, *, whole: bool = False) -> str:
        row, estimate = self._rows.get(model), self._estimates.get(model)
        words = [model]
        if row is not None and row.state != "live":
            words.append(row.state)
        if estimate is not None and estimate.cost_nano is not None:
            words.append(marked_money(estimate.cost_nano, True, _ESTIMATED_PLACES))
        if whole or not self.narrow:
            words.append(price_words(row) or tr("no price"))
        return " · ".join(words)

    def _tell(self) -> None:
        for model, chip in self._chips.items():
            text, estimate = self._text(model), self._estimates.get(model)
            problem = estimate.problem if estimate is not None else None
            if chip.text() != text:
                chip.setText(text)
                chip.updateGeometry()
            said = tr("{0}. Dollars per million tokens in and out, and what an answer may cost").format(
                self._text(model, whole=True)
            )
            chip.setToolTip(problem or said)
            chip.setAccessibleName(f"{text}. {problem}" if problem else text)
            chip.setAccessibleDescription(tr("Press Delete to remove the model"))
