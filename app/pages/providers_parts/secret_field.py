"""A field for a secret: hidden, never prefilled, trimmed, with an eye and a paste button, and forgotten on `forget`.

What is typed is never in an accessible description, a tooltip or the undo history that outlives the panel: `forget`
replaces the line edit's text, which also drops its undo stack.
"""

import hashlib

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.shell import Shell
from app.theme import Theme
from app.translation import tr
from app.widgets import IconButton


def lies_on_clipboard(secret: str) -> bool:
    """Whether any program can still read it there."""
    return bool(secret) and QGuiApplication.clipboard().text().strip() == secret


def offer_to_clear(shell: Shell, title: str) -> None:
    """A provider's key was kept, and still lies on the clipboard. What is copied before the offer is taken stays."""
    key = _clipboard_digest()

    def clear() -> None:
        if _clipboard_digest() == key:
            QGuiApplication.clipboard().clear()

    words = tr("The key for {title} works and is stored").format(title=title)
    shell.offered.emit(words, tr("Clear the clipboard"), clear)


def _clipboard_digest() -> bytes:
    """It tells one text from another, and no key has to stay in memory for it."""
    return hashlib.sha256(QGuiApplication.clipboard().text().strip().encode(errors="surrogatepass")).digest()


class SecretField(QWidget):
    """`changed`: the trimmed text changed. `submitted`: Enter was pressed."""

    changed = Signal()
    submitted = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = QLineEdit()
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.edit.setAccessibleName(name)
        self.edit.setPlaceholderText(name)
        self.edit.setMinimumHeight(32)
        self.edit.setInputMethodHints(
            Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
            | Qt.InputMethodHint.ImhNoAutoUppercase
        )
        self.edit.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.eye = IconButton(theme, "eye", tr("Show what is typed"))
        self.eye.setObjectName("secret_eye")
        self.paste = IconButton(theme, "clipboard-paste", tr("Paste"))
        self.paste.setObjectName("secret_paste")
        self.setFocusProxy(self.edit)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(self.edit, 1)
        line.addWidget(self.eye)
        line.addWidget(self.paste)
        self.eye.clicked.connect(self._flip)
        self.paste.clicked.connect(self._paste)
        self.edit.textChanged.connect(self.changed)
        self.edit.returnPressed.connect(self.submitted)

    def text(self) -> str:
        return self.edit.text().strip()

    def forget(self) -> None:
        """Leaves nothing behind, and hides what is typed next."""
        self.edit.setText("")
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)

    def _flip(self) -> None:
        hidden = self.edit.echoMode() == QLineEdit.EchoMode.Password
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal if hidden else QLineEdit.EchoMode.Password)
        self.eye.setToolTip(tr("Hide what is typed") if hidden else tr("Show what is typed"))
        self.eye.setAccessibleName(self.eye.toolTip())

    def _paste(self) -> None:
        """Replaces the text: a key is pasted whole or not at all."""
        self.edit.setText(QGuiApplication.clipboard().text().strip())
        self.edit.setFocus()
