"""What to do where the system has no open keyring: the sealed file under a passphrase, or memory until quit.

The choice is the person's, made knowingly: each way says what it means, and nothing falls back by itself.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.context import AppContext
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.pages.providers_parts.secret_field import SecretField
from app.text_label import TextLabel
from app.translation import tr
from app.vault_words import vault_words
from app.widgets import PushButton
from gateway import VaultState

_SHORTEST = 8


class VaultPanel(QWidget):
    """`chosen(words)`: keys can be kept now."""

    chosen = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("vault_panel")
        self._context = context
        self._unlocking = False
        self._visit = 0
        self._build()
        for field in (self.first, self.second):
            field.changed.connect(self._check)
            field.submitted.connect(self._choose_file)
        self.use_file.clicked.connect(self._choose_file)
        self.use_memory.clicked.connect(lambda: self._choose("memory", None))
        self.use_keyring.clicked.connect(lambda: self._choose("keyring", None))

    def _build(self) -> None:
        theme = self._context.theme
        self.reason = TextLabel(theme, wrap=True)
        self.reason.setObjectName("vault_reason")
        self.file_title = TextLabel(theme, weight=600)
        self.file_words = TextLabel(theme, px=12, tone="text2", wrap=True)
        self.first = SecretField(theme, tr("Passphrase"))
        self.first.edit.setObjectName("vault_passphrase")
        self.second = SecretField(theme, tr("Repeat the passphrase"))
        self.second.edit.setObjectName("vault_passphrase_again")
        self.problem = TextLabel(theme, px=12, tone="bad", wrap=True)
        self.problem.setObjectName("vault_problem")
        self.use_file = PushButton(theme, tr("Use the sealed file"), kind="primary")
        self.use_file.setObjectName("vault_use_file")
        self.use_memory = PushButton(theme, tr("Keep until quit"), kind="secondary")
        self.use_memory.setObjectName("vault_use_memory")
        self.use_keyring = PushButton(theme, tr("Try the keyring again"), kind="secondary")
        self.use_keyring.setObjectName("vault_use_keyring")
        memory_words = tr("Keys stay in memory and are gone when Faregate quits; nothing is written.")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.reason)
        column.addSpacing(8)
        for widget in (self.file_title, self.file_words, self.first, self.second, self.problem):
            column.addWidget(widget)
        column.addWidget(self.use_file, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(16)
        column.addWidget(TextLabel(theme, tr("Memory"), weight=600))
        column.addWidget(TextLabel(theme, memory_words, px=12, tone="text2", wrap=True))
        column.addWidget(self.use_memory, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(16)
        column.addWidget(TextLabel(theme, tr("System keyring"), weight=600))
        column.addWidget(
            TextLabel(
                theme, tr("Unlock or install it in your system's settings first."), px=12, tone="text2", wrap=True
            )
        )
        column.addWidget(self.use_keyring, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)

    def open(self, state: VaultState) -> None:
        """Starts afresh; a sealed file that exists asks for its passphrase once."""
        self.leave()
        self._unlocking = state.backend == "file"
        self.reason.setText(vault_words(state.message))
        self.file_title.setText(tr("Open the sealed file") if self._unlocking else tr("Sealed file"))
        self.file_words.setText(
            tr("Enter the passphrase that it was sealed with.")
            if self._unlocking
            else tr("Keys are kept in the data folder, encrypted under a passphrase that you enter at each start.")
        )
        self.use_file.setText(tr("Open") if self._unlocking else tr("Use the sealed file"))
        self.second.setVisible(not self._unlocking)
        self._check()

    @property
    def unsaved(self) -> bool:
        """Whether there is a passphrase that keeps nothing yet."""
        return any(field.edit.text() for field in (self.first, self.second))

    def leave(self) -> None:
        """Forgets the passphrase."""
        self._visit += 1
        self.first.forget()
        self.second.forget()
        self.problem.setText("")
        self.setEnabled(True)

    def _check(self) -> None:
        first, second = self.first.edit.text(), self.second.edit.text()
        words = ""
        if not self._unlocking and first and len(first) < _SHORTEST:
            words = tr("Use at least {count} characters.").format(count=_SHORTEST)
        elif not self._unlocking and second and first != second:
            words = tr("The two passphrases differ.")
        self.problem.setText(words)
        self.use_file.setEnabled(bool(first) and not words and (self._unlocking or first == second))

    def _choose_file(self) -> None:
        if self.use_file.isEnabled():
            self._choose("file", self.first.edit.text())

    def _choose(self, backend: str, passphrase: str | None) -> None:
        self._context.spawn(self._apply(backend, passphrase, self._visit, pause(self)))

    async def _apply(self, backend: str, passphrase: str | None, visit: int, resume: Callable[[], None]) -> None:
        problem = ""
        try:
            await self._context.gateway.choose_vault(backend, passphrase)
            state = await self._context.gateway.vault_state()
            if not state.available:
                problem = vault_words(state.message)
        except KNOWN_ERRORS as error:
            problem = vault_words(str(error))
        finally:
            if visit == self._visit:
                resume()
        if visit != self._visit:
            return
        if problem:
            self.problem.setText(problem)
            return
        self.leave()
        self.chosen.emit(
            {"file": tr("Keys are kept in the sealed file"), "memory": tr("Keys are kept until quit")}.get(
                backend, tr("Keys are kept in the system keyring")
            )
        )
