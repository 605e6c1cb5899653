"""One tool: its key and model, what to paste where, a test of the way, and whether its requests arrive.

A key that was just made stands in the snippets until another tool or page is shown, masked until it is copied; after
that only its first letters exist anywhere.
"""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.connect_parts.arrival_card import ArrivalCard
from app.pages.connect_parts.arrivals import Arrival, keys_of
from app.pages.connect_parts.choices import COPIED, FRESH, USUAL, Choice, ChoiceCard, usable_keys
from app.pages.connect_parts.code_block import CodeBlock
from app.pages.connect_parts.snippets import NO_KEY, NO_MODELS, SHELLS, Models, render
from app.pages.connect_parts.tools import Tool
from app.pages.connect_parts.trial_card import TrialCard
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import SegmentedControl
from gateway import ApiKeyRow, DoorTrial

# What a list shows of a key too.
_SHOWN, _DOTS = 7, 12
_MOST_ABOVE = 3


class ToolView(QWidget):
    """`copied(words)`; `asked(target)`: that is to be shown; `shell_chosen(name)`. `choices` and `trial` say what is
    asked of them."""

    copied = Signal(str)
    asked = Signal(object)
    shell_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("connect_tool")
        self.tool: Tool | None = None
        self._url, self._fresh, self._place = "", "", NO_KEY
        self._keys: tuple[ApiKeyRow, ...] = ()
        self._choice, self._copied = USUAL, False
        self._arrived = Arrival()
        self.blocks: list[CodeBlock] = []
        self._made: list[CodeBlock] = []
        self.title = TextLabel(theme, px=16, weight=600)
        self.title.setObjectName("connect_title")
        self.note = TextLabel(theme, tone="text2", wrap=True)
        self.note.setObjectName("connect_note")
        self.arrival = ArrivalCard(theme)
        self.choices = ChoiceCard(theme)
        self.trial = TrialCard(theme)
        for card in (self.arrival, self.trial):
            card.asked.connect(self.asked)
        self.shells = SegmentedControl(theme, list(SHELLS.items()))
        self.shells.setObjectName("connect_shell")
        self.shells.setAccessibleName(tr("Shell"))
        self.shells.changed.connect(self.shell_chosen)
        self.shells.changed.connect(lambda _name: self.show_snippets())
        self._holder = QWidget()
        self._blocks = QVBoxLayout(self._holder)
        self._blocks.setContentsMargins(0, 0, 0, 0)
        self._blocks.setSpacing(16)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.shells)
        column.addLayout(head)
        for widget in (self.note, self.choices, self._holder, self.trial, self.arrival):
            column.addWidget(widget)
        column.addStretch(1)

    @property
    def models(self) -> Models:
        """Those in the snippets."""
        return NO_MODELS if self.tool is None else self.choices.models_of(self.tool, self._choice)

    @property
    def fresh(self) -> str:
        """The key in the snippets where it stands there in the clear, else ""."""
        return "" if self._choice.key else self._fresh

    def show_tool(
        self, tool: Tool, url: str, rows: Sequence[ApiKeyRow], choice: Choice = USUAL, *, snippets: bool = True
    ) -> None:
        """What is known of the tool; a key that was just made for another one is forgotten. A chosen key that is no
        more is none. `snippets`: else `show_snippets` is still to be called."""
        other = self.tool is not tool
        if other:
            self._fresh = ""
            self.tool = tool
            self._build_blocks(tool)
            self._place_checks(len(tool.snippets))
        kept = any(row.id == choice.key for row in usable_keys(tool, rows))
        choice = choice if kept or not choice.key else replace(choice, key="")
        untried = other or choice != self._choice
        self._url, self._keys, self._choice = url, tuple(rows), choice
        self.title.setText(tool.title)
        self.note.setText(tr(tool.note) if tool.note else "")
        self.note.setVisible(bool(tool.note))
        self.shells.setVisible(any(snippet.differs for snippet in tool.snippets))
        self._show_key()
        if snippets:
            self.show_snippets()
        if untried:
            self.trial.show_idle(self.models.main)
        # Whether there is a key to wait for may have changed.
        self.show_arrival(Arrival() if other else self._arrived)

    def show_fresh(self, key: str) -> None:
        """A key that was just made, in the clear."""
        self._fresh, self._copied = key, False
        self._show_key()
        self.show_snippets()

    def show_trial(self, trial: DoorTrial, with_key: bool) -> None:
        """What became of a test; `with_key`: it went with the key of the snippets."""
        own = tr("with the key in the snippets")
        made = tr("with a key that was made for this call: yours is not known in full")
        self.trial.show_trial(trial, own if with_key else made)

    def forget_key(self) -> None:
        if self._fresh:
            self._fresh = ""
            self._show_key()
            self.show_snippets()

    def show_arrival(self, arrival: Arrival) -> None:
        self._arrived = arrival
        if self.tool is not None:
            has_key = bool(self._choice.key or keys_of(self.tool.key, self._keys))
            self.arrival.show_arrival(self.tool, arrival, has_key)

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

    def _place_checks(self, steps: int) -> None:
        """The test and what has arrived: below the steps, or above so many that they would be out of sight there."""
        self._column.removeWidget(self._holder)
        last = self.arrival if steps > _MOST_ABOVE else self.choices
        self._column.insertWidget(self._column.indexOf(last) + 1, self._holder)

    def _new_block(self) -> CodeBlock:
        block = CodeBlock(self._theme, 0, "")
        block.copied.connect(partial(self._on_copied, block))
        self._blocks.addWidget(block)
        return block

    def _show_key(self) -> None:
        assert self.tool is not None
        fresh = "" if not self._fresh else COPIED if self._copied else FRESH
        self._place = self.choices.show_choice(self.tool, self._keys, self._choice, fresh)

    def show_snippets(self) -> None:
        if self.tool is None:
            return
        key, hidden = self.fresh or self._place, None
        if self.fresh and not self._copied:
            key = f"{self.fresh[:_SHOWN]}{'•' * _DOTS}"
            hidden = (key, self.fresh)
        for snippet, block in zip(self.tool.snippets, self.blocks, strict=True):
            block.show_text(render(snippet, self._url, key, self.shells.current, self.models), hidden)

    def _on_copied(self, block: CodeBlock, words: str) -> None:
        if self._place in block.view.toPlainText():
            words = tr("Copied: put your key in place of {place}").format(place=self._place)
        elif block.hides:
            self._copied = True
            self._show_key()
            self.show_snippets()
        self.copied.emit(words)
