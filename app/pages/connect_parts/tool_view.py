"""One tool: its key, what to paste where, and whether its requests arrive.

A key that was just made stands in the snippets until another tool or page is shown; after that only its first letters
exist anywhere.
"""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QT_TRANSLATE_NOOP, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.connect_parts.arrival_card import ArrivalCard
from app.pages.connect_parts.arrivals import Arrival, keys_of
from app.pages.connect_parts.code_block import CodeBlock
from app.pages.connect_parts.snippets import NO_KEY, SHELLS, render
from app.pages.connect_parts.tools import Tool
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, PushButton, SegmentedControl
from gateway import ApiKeyRow

WITHOUT = str(QT_TRANSLATE_NOOP("ToolView", "No key was made for it yet. One of its own tells its requests apart."))
MASKED = str(
    QT_TRANSLATE_NOOP(
        "ToolView", "Its key {name} ({prefix}…) was shown once, when it was made. Lost it? Make another."
    )
)
FRESH = str(
    QT_TRANSLATE_NOOP(
        "ToolView", "The key {name} stands in the snippets below. Copy them now: it is not shown again."
    )
)


class ToolView(QWidget):
    """`key_asked`: a key is to be made for the tool; `copied(words)`; `request_asked(id)`; `shell_chosen(name)`."""

    key_asked = Signal()
    copied = Signal(str)
    request_asked = Signal(str)
    shell_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("connect_tool")
        self.tool: Tool | None = None
        self._url, self._fresh = "", ""
        self._keys: tuple[ApiKeyRow, ...] = ()
        self.blocks: list[CodeBlock] = []
        self._made: list[CodeBlock] = []
        self.title = TextLabel(theme, px=16, weight=600)
        self.title.setObjectName("connect_title")
        self.note = TextLabel(theme, tone="text2", wrap=True)
        self.note.setObjectName("connect_note")
        self.arrival = ArrivalCard(theme)
        self.arrival.asked.connect(self.request_asked)
        self.shells = SegmentedControl(theme, list(SHELLS.items()))
        self.shells.setObjectName("connect_shell")
        self.shells.setAccessibleName(self.tr("Shell"))
        self.shells.changed.connect(self.shell_chosen)
        self.shells.changed.connect(lambda _name: self._show_snippets())
        self._build_key()
        self._holder = QWidget()
        self._blocks = QVBoxLayout(self._holder)
        self._blocks.setContentsMargins(0, 0, 0, 0)
        self._blocks.setSpacing(16)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.shells)
        column.addLayout(head)
        for widget in (self.note, self.key_card, self._holder, self.arrival):
            column.addWidget(widget)
        column.addStretch(1)

    def _build_key(self) -> None:
        self.key_card = Card(self._theme)
        self.key_words = TextLabel(self._theme, tone="text2", wrap=True)
        self.key_words.setObjectName("connect_key")
        self.key_button = PushButton(self._theme, self.tr("Make a key"), "key-round", "primary")
        self.key_button.setObjectName("connect_make_key")
        self.key_button.clicked.connect(self.key_asked)
        line = QHBoxLayout(self.key_card)
        line.setContentsMargins(16, 10, 12, 10)
        line.setSpacing(12)
        line.addWidget(self.key_words, 1)
        line.addWidget(self.key_button)

    def show_tool(self, tool: Tool, url: str, rows: Sequence[ApiKeyRow]) -> None:
        """What is known of the tool; a key that was just made for another one is forgotten."""
        other = self.tool is not tool
        if other:
            self._fresh = ""
            self.tool = tool
            self._build_blocks(tool)
        self._url, self._keys = url, keys_of(tool.key, rows)
        self.title.setText(tool.title)
        self.note.setText(tr(tool.note) if tool.note else "")
        self.note.setVisible(bool(tool.note))
        self.shells.setVisible(any(snippet.differs for snippet in tool.snippets))
        self._show_key()
        self._show_snippets()
        if other:
            self.arrival.show_arrival(tool, Arrival(), bool(self._keys))

    def show_fresh(self, key: str) -> None:
        """A key that was just made, in the clear."""
        self._fresh = key
        self._show_key()
        self._show_snippets()

    def forget_key(self) -> None:
        if self._fresh:
            self._fresh = ""
            self._show_key()
            self._show_snippets()

    def show_arrival(self, arrival: Arrival) -> None:
        if self.tool is not None:
            self.arrival.show_arrival(self.tool, arrival, bool(self._keys))

    def _build_blocks(self, tool: Tool) -> None:
        """A block for each step; those of the tool before are used again, and typing in the search shows many."""
        several = len(tool.snippets) > 1
        for number, snippet in enumerate(tool.snippets, start=1):
            if number > len(self._made):
                self._made.append(self._new_block())
            self._made[number - 1].show_step(number if several else 0, tr(snippet.step))
        self.blocks, spare = self._made[: len(tool.snippets)], self._made[len(tool.snippets) :]
        for block in self.blocks:
            block.show()
        for block in spare:
            block.hide()
            # A key may stand in it.
            block.show_text("")

    def _new_block(self) -> CodeBlock:
        block = CodeBlock(self._theme, 0, "")
        block.copied.connect(partial(self._on_copied, block))
        self._blocks.addWidget(block)
        return block

    def _show_key(self) -> None:
        newest = self._keys[0] if self._keys else None
        words = self.tr(WITHOUT) if newest is None else self.tr(FRESH if self._fresh else MASKED)
        if newest is not None:
            words = words.format(name=newest.name, prefix=newest.prefix)
        self.key_words.setText(words)
        self.key_button.setText(self.tr("Make another") if newest is not None else self.tr("Make a key"))
        self.key_button.updateGeometry()

    def _show_snippets(self) -> None:
        if self.tool is None:
            return
        for snippet, block in zip(self.tool.snippets, self.blocks, strict=True):
            block.show_text(render(snippet, self._url, self._fresh or NO_KEY, self.shells.current))

    def _on_copied(self, block: CodeBlock, words: str) -> None:
        if NO_KEY in block.view.toPlainText():
            words = self.tr("Copied: put your key in the place of {place}").format(place=NO_KEY)
        self.copied.emit(words)
