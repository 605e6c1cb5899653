"""One provider's card: its state in a word, its key masked and where it is kept, today's traffic, what to do."""

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app import formats
from app.fonts import mono_font, ui_font
from app.pages.providers_parts.words import (
    StateWords,
    can_remove,
    can_store,
    can_test,
    cost_words,
    source_words,
    state_words,
    traffic_words,
)
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.vault_words import vault_words
from app.widgets import Card, ElidedLabel, IconLabel, PushButton, ToggleSwitch
from gateway import ProviderRow, Summary

LEAST_WIDTH = 350


class ProviderCard(Card):
    """`asked(action, provider)`: action is test, key, remove, switch or edit."""

    asked = Signal(str, str)

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setObjectName(f"provider_{name}")
        self._theme = theme
        self._name = name
        self._told: object = None
        self._build()
        acts = (
            ("test", self.test),
            ("key", self.set_key),
            ("key", self.replace),
            ("remove", self.remove),
            ("edit", self.edit),
        )
        self.switch.clicked.connect(lambda: self.asked.emit("switch", self._name))
        for action, button in acts:
            button.clicked.connect(lambda *_, action=action: self.asked.emit(action, self._name))

    def _build(self) -> None:
        theme = self._theme
        self.title = TextLabel(theme, px=16, weight=600)
        self.mark = IconLabel(theme, "info", "text3")
        self.state = TextLabel(theme, weight=500)
        self.state.setObjectName("provider_state")
        self.detail = TextLabel(theme, px=12, tone="text2", wrap=True)
        self.detail.setObjectName("provider_detail")
        self.masked = TextLabel(theme, mono=True, px=12)
        self.masked.setObjectName("provider_masked")
        self.source = _thin(theme, "text3")
        self.cost = TextLabel(theme, px=16, weight=600)
        self.cost.setObjectName("provider_cost")
        # It goes on in a second line where the drawer leaves no room: a number that is cut is another number.
        self.requests = TextLabel(theme, px=12, tone="text2", wrap=True)
        self.requests.setMinimumWidth(1)
        self.requests.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.requests.setObjectName("provider_requests")
        self.models = TextLabel(theme, px=16, weight=600)
        self.models.setObjectName("provider_models")
        # Of a long host its end says as much as its beginning.
        self.address = _thin(theme, "text3", Qt.TextElideMode.ElideMiddle)
        self.address.setObjectName("provider_address")
        self.test = PushButton(theme, tr("Test"), kind="secondary")
        self.set_key = PushButton(theme, tr("Set key"), kind="primary")
        self.replace = PushButton(theme, tr("Replace key"), kind="secondary")
        self.remove = PushButton(theme, tr("Remove"), kind="ghost")
        self.edit = PushButton(theme, tr("Edit"), kind="secondary")
        self.switch = ToggleSwitch(theme)
        for name in ("test", "set_key", "replace", "remove", "edit", "switch"):
            getattr(self, name).setObjectName(f"provider_{name}")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(14)
        column.addLayout(self._head())
        column.addWidget(self.detail)
        column.addLayout(self._facts())
        column.addStretch(1)
        column.addLayout(self._buttons())

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.mark)
        head.addWidget(self.state)
        head.addSpacing(6)
        head.addWidget(self.switch)
        return head

    def _facts(self) -> QGridLayout:
        facts = QGridLayout()
        facts.setHorizontalSpacing(12)
        facts.setVerticalSpacing(4)
        for column in range(3):
            facts.setColumnStretch(column, 1)
        facts.addWidget(TextLabel(self._theme, tr("Key"), px=12, weight=500, tone="text3"), 0, 0)
        facts.addWidget(TextLabel(self._theme, tr("Today"), px=12, weight=500, tone="text3"), 0, 1)
        facts.addWidget(TextLabel(self._theme, tr("Models"), px=12, weight=500, tone="text3"), 0, 2)
        facts.addWidget(self.models, 1, 2)
        facts.addWidget(self.address, 2, 2, Qt.AlignmentFlag.AlignTop)
        facts.addWidget(self.masked, 1, 0)
        facts.addWidget(self.cost, 1, 1)
        facts.addWidget(self.source, 2, 0, Qt.AlignmentFlag.AlignTop)
        facts.addWidget(self.requests, 2, 1)
        return facts

    def _buttons(self) -> QHBoxLayout:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.set_key)
        buttons.addWidget(self.replace)
        buttons.addWidget(self.test)
        buttons.addWidget(self.edit)
        buttons.addStretch(1)
        buttons.addWidget(self.remove)
        return buttons

    def show_row(
        self, row: ProviderRow, today: Summary | None, vault_backend: str, now_us: int, demo: bool = False
    ) -> None:
        """`today` is the day's traffic, None where there was none; `demo`: the providers are simulated."""
        words = state_words(row, now_us)
        at = "" if row.state_at_us is None else formats.clock(row.state_at_us)
        # A person may have switched it, and the gateway refused.
        self.switch.setChecked(row.enabled)
        told = (row, today, vault_backend, demo, words, at)
        if told != self._told:
            self._told = told
            self._tell(row, today, vault_backend, demo, words, at)

    def _tell(
        self, row: ProviderRow, today: Summary | None, vault_backend: str, demo: bool, words: StateWords, at: str
    ) -> None:
        self.title.setText(row.title)
        self.state.setText(words.text)
        self.state.set_tone(words.tone)
        self.state.setToolTip(at)
        self.mark.show_icon(words.icon, words.tone)
        self.detail.setText(vault_words(row.detail or "") if row.unreadable else row.detail or "")
        self.detail.setVisible(bool(row.detail))
        self.masked.setText(row.masked or formats.UNKNOWN)
        # A dash of the type of keys is as short as a hyphen.
        self.masked.setFont(mono_font(12) if row.masked else ui_font(13))
        self.source.setText(source_words(row, vault_backend, demo))
        self.cost.setText(cost_words(today))
        self.requests.setText(traffic_words(today))
        self.models.setText(formats.count(row.models) if row.models or not row.own else formats.UNKNOWN)
        self.address.setText(urlsplit(row.base_url).netloc)
        self._show_actions(row, demo)
        self.setAccessibleName(f"{row.title}: {words.text}")

    def show_testing(self) -> None:
        self._told = None
        self.mark.show_icon("refresh-cw", "text2")
        self.state.set_tone("text2")
        self.state.setText(tr("Testing …"))

    def _show_actions(self, row: ProviderRow, demo: bool) -> None:
        has_key = row.has_key and row.key_source != "unneeded"
        self.set_key.setVisible(not row.has_key)
        self.replace.setVisible(has_key)
        self.replace.setText(tr("Set your own key") if demo else tr("Replace key"))
        self.replace.setEnabled(can_store(row, demo))
        first = tr("The environment's key comes first; unset it there to set one here.")
        self.replace.setToolTip("" if can_store(row, demo) else first)
        self.test.setEnabled(can_test(row))
        self.test.setVisible(can_test(row))
        self.remove.setVisible(can_remove(row))
        self.edit.setVisible(row.own)
        self.switch.setAccessibleName(tr("Requests to {title}").format(title=row.title))
        self.switch.setToolTip(tr("Switch off") if row.enabled else tr("Switch on"))
        for button in (self.test, self.set_key, self.replace, self.remove, self.edit):
            button.setAccessibleName(f"{button.text()}: {row.title}")


def _thin(theme: Theme, tone: str, mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> ElidedLabel:
    """A line of small words that does not widen its column: the cards' columns stand under each other."""
    label = ElidedLabel(theme, "", mode, tone=tone)
    label.setFont(ui_font(12))
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
