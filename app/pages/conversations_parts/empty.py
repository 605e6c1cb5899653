"""What stands on the page before there is a conversation: how calls become one, and how an app is pointed here."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.connect_parts.code_block import CodeBlock
from app.sidebar import API_PATH
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Card, IconLabel, PushButton

# The longest line of code has its room.
_WIDTH = 620
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


def first_call(url: str) -> str:
    """A command that makes a first conversation."""
    return (
        f"curl {url}{API_PATH}/chat/completions \\\n"
        '  -H "authorization: Bearer $FAREGATE_API_KEY" \\\n'
        "  -H 'x-conversation-id: my-first' \\\n"
        '  -d \'{"model": "claude-haiku-4-5",\n'
        '       "messages": [{"role": "user", "content": "Hello"}]}\''
    )


def span_variables(url: str) -> str:
    """The variables that send an app's spans here."""
    return (
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
        self.setObjectName("conversations_empty")
        self.setAccessibleName(tr("No conversations yet"))
        self.keys_button = PushButton(theme, tr("API keys"), "key-round", "primary")
        self.keys_button.clicked.connect(self.keys_asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(10)
        column.addStretch(1)
        for widget in (
            IconLabel(theme, "messages-square", "text3", 28),
            TextLabel(theme, tr("No conversations yet"), px=16, weight=600),
            TextLabel(theme, tr("Calls become a conversation in one of three ways:"), tone="text2"),
        ):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(4)
        # Between stretches and not aligned: an aligned widget gets no height for its width.
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self._card(url))
        middle.addStretch(1)
        column.addLayout(middle)
        column.addSpacing(4)
        column.addWidget(self.keys_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)

    def _card(self, url: str) -> Card:
        card = Card(self._theme)
        card.setFixedWidth(_WIDTH)
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(4)
        for title, text in _WAYS:
            column.addWidget(TextLabel(self._theme, tr(title), weight=600))
            column.addWidget(TextLabel(self._theme, tr(text), tone="text2", wrap=True))
            column.addSpacing(6)
        for step, text in (
            (tr("In a terminal"), first_call(url)),
            (tr("Where an app that sends spans is started"), span_variables(url)),
        ):
            block = CodeBlock(self._theme, 0, step)
            block.show_text(text)
            block.copied.connect(self.copied)
            column.addSpacing(6)
            column.addWidget(block)
        return card
