"""What stands on the page before there is a conversation: how calls become one, and how an app is pointed here."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.sidebar import API_PATH
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Card, IconLabel, PushButton

_WIDTH = 560
_WAYS = (
    (
        later("A header"),
        later("Calls with the same x-conversation-id are one conversation, and so are the sessions of known tools."),
    ),
    (
        later("The same history"),
        later("A call that repeats what an earlier one said continues it, without any header."),
    ),
    (
        "OpenTelemetry",
        later("An instrumented app sends its spans here, and its conversations appear with the gateway's."),
    ),
)


def snippet(url: str) -> str:
    """Commands that make a first conversation, and the variables that send an app's spans."""
    return (
        f"curl {url}{API_PATH}/chat/completions \\\n"
        '  -H "authorization: Bearer $FAREGATE_API_KEY" \\\n'
        "  -H 'x-conversation-id: my-first' \\\n"
        '  -d \'{"model": "claude-haiku-4-5",\n'
        '       "messages": [{"role": "user", "content": "Hello"}]}\'\n'
        "\n"
        f"export OTEL_EXPORTER_OTLP_ENDPOINT={url}\n"
        'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$FAREGATE_API_KEY"'
    )


class EmptyConversations(QWidget):
    """`keys_asked`: to the API keys. `copied(words)`."""

    keys_asked = Signal()
    copied = Signal(str)

    def __init__(self, theme: Theme, url: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = snippet(url)
        self.setObjectName("conversations_empty")
        self.setAccessibleName(self.tr("No conversations yet"))
        self.copy_button = PushButton(theme, self.tr("Copy"), "copy")
        self.copy_button.setObjectName("conversations_copy_snippet")
        self.copy_button.clicked.connect(self._copy)
        self.keys_button = PushButton(theme, self.tr("API keys"), "key-round", "primary")
        self.keys_button.clicked.connect(self.keys_asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(10)
        column.addStretch(1)
        for widget in (
            IconLabel(theme, "messages-square", "text3", 28),
            TextLabel(theme, self.tr("No conversations yet"), px=16, weight=600),
            TextLabel(theme, self.tr("Calls become a conversation in one of three ways:"), tone="text2"),
        ):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(4)
        # Between stretches and not aligned: an aligned widget gets no height for its width.
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self._card())
        middle.addStretch(1)
        column.addLayout(middle)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.keys_button)
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(2)

    def _card(self) -> Card:
        card = Card(self._theme)
        card.setFixedWidth(_WIDTH)
        column = QVBoxLayout(card)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(4)
        for title, text in _WAYS:
            column.addWidget(TextLabel(self._theme, tr(title), weight=600))
            column.addWidget(TextLabel(self._theme, tr(text), tone="text2", wrap=True))
            column.addSpacing(6)
        code = TextLabel(self._theme, self._text, px=11, mono=True, tone="text2")
        code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        code.setObjectName("conversations_snippet")
        column.addWidget(code)
        return card

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self.copied.emit(self.tr("Snippet copied"))
