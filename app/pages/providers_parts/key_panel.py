"""The drawer's panel that sets a provider's key: paste, check its form, try it with the provider, then keep it.

Nothing is stored before the provider took the key, and the field forgets the key as soon as it is stored or the
panel is left.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from app.context import AppContext
from app.focus import keep_focus
from app.known_errors import KNOWN_ERRORS
from app.pages.providers_parts.secret_field import SecretField, lies_on_clipboard
from app.pages.providers_parts.steps import StepList
from app.pages.providers_parts.words import better_provider
from app.text_label import TextLabel
from app.translation import tr
from app.vault_words import vault_words
from app.widgets import Banner, PushButton
from gateway import KeyTrial, ProviderRow


class KeyPanel(QWidget):
    """`stored(title, on_clipboard)`: a key was tried and kept, and may still lie on the clipboard. `vault_needed`: it
    was taken, but there is nowhere to keep it."""

    stored = Signal(str, bool)
    cancelled = Signal()
    switched = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("key_panel")
        self._context = context
        self._rows: tuple[ProviderRow, ...] = ()
        self._provider: ProviderRow | None = None
        self._better: ProviderRow | None = None
        self._busy = False
        self._keyboard_at: QWidget | None = None
        self._visit = 0
        self._build()
        self.field.changed.connect(self._check)
        self.field.submitted.connect(self._submit)
        self.save.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.cancelled)
        self.switch.clicked.connect(self._switch)

    def _build(self) -> None:
        theme = self._context.theme
        self.intro = TextLabel(theme, tone="text2", wrap=True)
        self.demo_note = Banner(
            theme, "warn", tr("This is the demo. A real key leaves it: Faregate continues in your own, empty folder.")
        )
        self.demo_note.setVisible(self._context.gateway.demo)
        self.field = SecretField(theme, tr("API key"))
        self.field.edit.setObjectName("provider_key")
        self.hint = TextLabel(theme, px=12, tone="text3", wrap=True)
        self.hint.setObjectName("provider_key_hint")
        self.switch = PushButton(theme, tr("Switch"), kind="secondary")
        self.switch.setObjectName("provider_key_switch")
        self.switch.hide()
        self.steps = StepList(theme)
        self.save = PushButton(theme, tr("Test & save"), kind="primary")
        self.save.setObjectName("provider_key_save")
        self.cancel = PushButton(theme, tr("Cancel"), kind="secondary")
        self.cancel.setObjectName("provider_key_cancel")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.save)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(12)
        for widget in (self.demo_note, self.intro, self.field, self.hint):
            column.addWidget(widget)
        offer = QHBoxLayout()
        offer.addWidget(self.switch)
        offer.addStretch(1)
        column.addLayout(offer)
        column.addLayout(buttons)
        column.addWidget(self.steps)
        column.addStretch(1)

    def open(self, provider: ProviderRow, rows: tuple[ProviderRow, ...]) -> None:
        """Starts afresh for a provider, with an empty field."""
        self.leave()
        self._set_provider(provider, rows)

    @property
    def unsaved(self) -> bool:
        """Whether there is a key that is not stored. Who leaves while it is tried calls that off."""
        return bool(self.field.text()) and not self._busy

    def leave(self) -> None:
        """Forgets the key and what was tried; an answer that still comes is thrown away."""
        self._visit += 1
        self._set_busy(False)
        self.field.forget()
        self.steps.clear()
        self.cancel.setText(tr("Cancel"))

    def _set_provider(self, provider: ProviderRow, rows: tuple[ProviderRow, ...]) -> None:
        self._provider, self._rows = provider, rows
        self.field.edit.setAccessibleName(tr("API key of {title}").format(title=provider.title))
        self.intro.setText(
            tr("Paste your key for {title}. It is tried with {title} first and kept only if it works.").format(
                title=provider.title
            )
        )
        self._check()

    def _check(self) -> None:
        """The key's form, without asking anyone."""
        provider = self._provider
        if provider is None:
            return
        key = self.field.text()
        check = self._context.gateway.check_key_format
        warning = check(provider.name, key) if key else None
        self._better = None
        if warning is not None:
            self._better = better_provider(warning, key, provider.name, self._rows, check)
        # A form that nobody's key is known to have is nobody's rather than this one's; one's own provider has none.
        others = () if provider.own else (row.name for row in self._rows if row.name != provider.name)
        known = bool(key) and any(check(name, key) for name in others)
        words = tr("Looks like a key for {title}.") if known else tr("The key stays on this machine.")
        self.hint.set_tone("warn" if warning else "ok" if known else "text3")
        self.hint.setText(warning or words.format(title=provider.title))
        self.switch.setVisible(self._better is not None)
        if self._better is not None:
            self.switch.setText(tr("Switch to {title}").format(title=self._better.title))
        self.save.setEnabled(bool(key) and not self._busy)

    def _switch(self) -> None:
        if self._better is not None:
            self._set_provider(self._better, self._rows)
            assert self._provider is not None
            self.switched.emit(self._provider.title)

    def _submit(self) -> None:
        if self._provider is not None and self.field.text() and not self._busy:
            self._set_busy(True)
            self.steps.wait(tr("Trying the key with {title} …").format(title=self._provider.title))
            self._context.spawn(self._try(self._provider, self.field.text(), self._visit))

    async def _try(self, provider: ProviderRow, key: str, visit: int) -> None:
        trial = KeyTrial(ok=False, message="")
        try:
            trial = await self._context.gateway.try_provider_key(provider.name, key)
            if trial.ok and visit == self._visit:
                await self._context.gateway.store_provider_key(provider.name, key)
        except KNOWN_ERRORS as error:
            trial = KeyTrial(ok=False, message=vault_words(str(error)), steps=trial.steps)
        finally:
            if visit == self._visit:
                self._set_busy(False)
        if visit != self._visit:
            return
        self.steps.show_trial(trial)
        if trial.ok:
            self.field.forget()
            self.cancel.setText(tr("Done"))
            self.stored.emit(provider.title, lies_on_clipboard(key))

    def _set_busy(self, busy: bool) -> None:
        if busy:
            self._keyboard_at = QApplication.focusWidget()
        self._busy = busy
        self.field.setEnabled(not busy)
        self.save.setEnabled(not busy and bool(self.field.text()))
        if not busy:
            keep_focus(self, self._keyboard_at)
