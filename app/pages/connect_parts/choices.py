"""What a tool's snippets carry: a key, made for the tool or one that there is, and one of the models served."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.model_picker import ModelPicker, is_ready, model_commands
from app.pages.connect_parts.arrivals import keys_of
from app.pages.connect_parts.snippets import NO_KEY, Models
from app.pages.connect_parts.tools import Tool
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Card, ChoiceButton, ComboBox, PushButton
from gateway import ApiKeyRow, ModelRow, ProviderRow

_MOST_MODEL_PX, _WIDEST = 320, 440
WITHOUT = later("It has no key yet. A key of its own keeps its requests apart from others'.")
MASKED = later("Its key {name} ({prefix}…) was shown once, when it was made. Lost it? Make another.")
FRESH = later(
    "The key {name} is in the snippets, masked until it is copied. Copy it now: it is shown only this once."
)
COPIED = later("The key {name} is in the snippets until another tool or page is shown. It is shown only this once.")
CHOSEN = later(
    "The key {name} ({prefix}…) was shown once, when it was made: put it in place of {place} "
    "below. Lost it? Make one for this tool."
)


class Choice(Struct, frozen=True):
    """`model` "" is the tool's usual one; `key` is a key's id, "" the one that was made for the tool."""

    model: str = ""
    key: str = ""


USUAL = Choice()


def kept_choice(text: str) -> Choice:
    """What was put by for a tool; anything else is no choice."""
    try:
        return msgspec.json.decode(text.encode(), type=Choice)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return USUAL


def choice_text(choice: Choice) -> str:
    return msgspec.json.encode(choice).decode()


def usable_keys(tool: Tool, rows: Sequence[ApiKeyRow]) -> tuple[ApiKeyRow, ...]:
    """The keys in force that a tool may call with, beside its own; by their names."""
    own = keys_of(tool.key, rows)
    usable = [row for row in rows if row.revoked_us is None and row.role != "read" and row not in own]
    return tuple(sorted(usable, key=lambda row: row.name.casefold()))


class ChoiceCard(Card):
    """`key_asked`: a key is to be made for the tool; `key_chosen(id)`, "" for the tool's own; `model_chosen(id)`."""

    key_asked = Signal()
    key_chosen = Signal(str)
    model_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._models: dict[str, ModelRow] = {}
        self._providers: dict[str, ProviderRow] = {}
        self._offered: list[tuple[str, str]] = []
        self.keys = ComboBox(theme, tr("Key"))
        self.keys.setObjectName("connect_keys")
        self.keys.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.keys.setMinimumContentsLength(24)
        self.keys.setMaximumWidth(_WIDEST)
        self.keys.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.keys.activated.connect(lambda place: self.key_chosen.emit(self._offered[place][0]))
        self.model = ChoiceButton(theme)
        self.model.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.model.setMaximumWidth(_WIDEST)
        self.model.setObjectName("connect_model")
        self.model.clicked.connect(self.open_picker)
        self.picker = ModelPicker(theme, self)
        self.picker.hide()
        self.picker.typed.connect(self.model_chosen)
        self.words = TextLabel(theme, tone="text2", wrap=True)
        self.words.setObjectName("connect_key")
        self.make = PushButton(theme, tr("Make a key"), "key-round", "primary")
        self.make.setObjectName("connect_make_key")
        self.make.clicked.connect(self.key_asked)
        self._place(theme)

    def _place(self, theme: Theme) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        self._model_title = TextLabel(theme, tr("Model"), weight=500)
        for row, (title, control) in enumerate(
            ((TextLabel(theme, tr("Key"), weight=500), self.keys), (self._model_title, self.model))
        ):
            grid.addWidget(title, row, 0)
            grid.addWidget(control, row, 1)
        grid.setColumnStretch(1, 100)
        # Takes what the widest box leaves, and nothing before.
        grid.setColumnStretch(2, 1)
        said = QHBoxLayout()
        said.setSpacing(12)
        said.addWidget(self.words, 1)
        said.addWidget(self.make)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addLayout(grid)
        column.addLayout(said)

    def offer_models(self, rows: Sequence[ModelRow], providers: Sequence[ProviderRow]) -> None:
        """What can be chosen: models of providers that take requests."""
        self._providers = {row.name: row for row in providers if row.enabled}
        self._models = {}
        for row in rows:
            if row.provider in self._providers:
                # A name that several serve is the first one's, as where requests go.
                self._models.setdefault(row.id, row)

    def models_of(self, tool: Tool, choice: Choice) -> Models:
        """With a model of another provider than usual, small tasks go to that one too."""
        usual = tool.models
        main = choice.model or usual.main
        if not usual.small or main == usual.main:
            return usual if main == usual.main else Models(main)
        chosen, small = self._models.get(main), self._models.get(usual.small)
        same = chosen is not None and small is not None and chosen.provider == small.provider
        return Models(main, usual.small if same else main)

    def show_choice(self, tool: Tool, rows: Sequence[ApiKeyRow], choice: Choice, fresh: str = "") -> str:
        """What is chosen; the place that stands for a key which is not known in full. `fresh` says where the tool's
        newest key stands while it is."""
        own, others = keys_of(tool.key, rows), usable_keys(tool, rows)
        newest = own[0] if own else None
        chosen = next((row for row in others if row.id == choice.key), None)
        place = NO_KEY
        if (named := chosen or newest) is not None:
            place = f"{named.prefix}_YOUR_KEY"
        said = tr(WITHOUT)
        if named is not None:
            words = CHOSEN if chosen is not None else fresh or MASKED
            said = tr(words).format(name=named.name, prefix=named.prefix, place=place)
        self.words.setText(said)
        self.make.setText(tr("Make a key") if chosen is not None or newest is None else tr("Make another"))
        self._offer_keys(newest, others, chosen)
        self._show_model(tool, self.models_of(tool, choice).main)
        return place

    def _offer_keys(self, newest: ApiKeyRow | None, others: Sequence[ApiKeyRow], chosen: ApiKeyRow | None) -> None:
        made = tr("A key made for this tool")
        if newest is not None:
            made = tr("Made for this tool: {name} ({prefix}…)").format(name=newest.name, prefix=newest.prefix)
        offered = [("", made), *((row.id, f"{row.name} ({row.prefix}…)") for row in others)]
        with QSignalBlocker(self.keys):
            # Filled anew under an open list, it would close.
            if offered != self._offered:
                self._offered = offered
                self.keys.clear()
                self.keys.addItems([words for _, words in offered])
            place = 0 if chosen is None else next(n for n, row in enumerate(others, start=1) if row.id == chosen.id)
            if self.keys.currentIndex() != place:
                self.keys.setCurrentIndex(place)

    def _show_model(self, tool: Tool, model: str) -> None:
        self.model.setVisible(not tool.sends_spans)
        self._model_title.setVisible(not tool.sends_spans)
        metrics = QFontMetrics(self.model.font())
        shown = metrics.elidedText(model, Qt.TextElideMode.ElideMiddle, _MOST_MODEL_PX)
        self.model.setText(shown)
        self.model.setToolTip(tr("{name}: choose another model").format(name=model))
        self.model.setAccessibleName(tr("Model: {name}").format(name=model))

    def open_picker(self) -> None:
        """Models that can be asked; where there is none, those that a key is missing for."""
        rows = self._models.values()
        ready = [row for row in rows if is_ready(row, self._providers)]
        self.picker.open_under(self.model, model_commands(ready or rows, self._providers, self.model_chosen.emit))
