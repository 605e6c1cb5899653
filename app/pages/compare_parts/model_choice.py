"""The models that are asked: chips with their prices and what an answer would cost, and a list to add from."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from app import formats
from app.flow_layout import FlowLayout
from app.palette import Command, Palette
from app.theme import Theme
from app.widgets import Chip, PushButton
from gateway import MOST_MODELS, AnswerEstimate, ModelRow, ProviderRow

_EDGE = 12
# A long name, what it would cost, and two prices.
_MOST_TEXT = 460
_ESTIMATED_PLACES = 4
_ICONS = {"live": "bot", "deprecated": "clock", "retired": "triangle-alert"}


def price_words(row: ModelRow | None) -> str:
    """$3.00 in, $15.00 out, below a dollar too; nothing where no price is known."""
    if row is None or row.input_price is None or row.output_price is None:
        return ""
    return f"{formats.price(row.input_price, 2)} / {formats.price(row.output_price, 2)}"


class ModelPicker(Palette):
    """The palette over models alone. `typed` carries a name that is none of them."""

    typed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.setObjectName("model_picker")
        words = self.tr("Find a model")
        self.setAccessibleName(words)
        self.search.setPlaceholderText(words)
        self.search.setAccessibleName(words)
        self.search.setObjectName("model_picker_search")
        self.list.setObjectName("model_picker_list")
        self.hint.setText(self.tr("No model is called so. Any name that the doors take can be typed: press Enter."))
        self.hint.setWordWrap(True)

    def open_under(self, button: QWidget, commands: Sequence[Command]) -> None:
        window = button.window()
        self.open_over(window, commands)
        # Below the button, as far as the window reaches.
        below = button.mapToGlobal(QPoint(0, button.height() + 4))
        corner = window.mapToGlobal(QPoint(window.width() - self.width(), window.height() - self.height()))
        self.move(min(below.x(), corner.x() - _EDGE), min(below.y(), corner.y() - _EDGE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        name = self.search.text().strip()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and name and not self.commands():
            self.close()
            self.typed.emit(name)
        else:
            super().keyPressEvent(event)


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
        self._narrow = False
        self.setObjectName("compare_models")
        self.setAccessibleName(self.tr("Models to compare"))
        self.add_button = PushButton(theme, self.tr("Add model"), "plus", "dashed")
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
        offered = [row for row in self._rows.values() if row.kind == "chat" and row.id not in self._models]
        offered.sort(key=lambda row: (row.state == "retired", not self._has_key(row)))
        return tuple(
            Command(
                text=row.id,
                kind=self._words(row),
                icon=_ICONS.get(row.state, "bot"),
                act=lambda id=row.id: self.add(id),  # type: ignore[misc]
            )
            for row in offered
        )

    def _has_key(self, row: ModelRow) -> bool:
        provider = self._providers.get(row.provider)
        return provider is not None and provider.key_source != "none"

    def _words(self, row: ModelRow) -> str:
        provider = self._providers.get(row.provider)
        return " · ".join(
            filter(
                None,
                (
                    "" if row.state == "live" else row.state,
                    "" if self._has_key(row) else self.tr("no key"),
                    price_words(row) or self.tr("no price"),
                    provider.title if provider is not None else row.provider,
                ),
            )
        )

    def open_picker(self) -> None:
        self.picker.open_under(self.add_button, self.commands())

    # chips

    def set_narrow(self, narrow: bool) -> None:
        """Chips without prices, which are in their tooltips."""
        if narrow != self._narrow:
            self._narrow = narrow
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
            words.append(f"≈{formats.money_column(estimate.cost_nano, _ESTIMATED_PLACES)}")
        if whole or not self._narrow:
            words.append(price_words(row) or self.tr("no price"))
        return " · ".join(words)

    def _tell(self) -> None:
        for model, chip in self._chips.items():
            text, estimate = self._text(model), self._estimates.get(model)
            problem = estimate.problem if estimate is not None else None
            if chip.text() != text:
                chip.setText(text)
                chip.updateGeometry()
            said = self.tr("{0}. Dollars per million tokens in and out, and what an answer may cost").format(
                self._text(model, whole=True)
            )
            chip.setToolTip(problem or said)
            chip.setAccessibleName(f"{text}. {problem}" if problem else text)
            chip.setAccessibleDescription(self.tr("Delete takes the model out"))
