"""The Requests filter field: typed filters, completion of their names and values, and a sentence where one is wrong.

The text is only read on Enter; while typing, a sentence that no longer applies goes away. Completion offers the
names of filters first and then, after the colon, the values that were given with `set_values`; those that only the
log knows (tags, users, keys …) are asked for when their name is typed.
"""

import time
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QStringListModel, Qt, QTimer, Signal
from PySide6.QtWidgets import QCompleter, QListView, QVBoxLayout, QWidget

from app.query_text import NAMES, TAG, ParsedText, last_part, parse, quoted, render, unquoted
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import later, tr
from app.widgets import SearchField, dress_completions
from gateway import OUTCOMES

ASKED_FOR = (TAG, "user", "key", "door", "client", "app")
_ASKED_AGAIN_S = 60.0
PLACEHOLDERS = (
    later("Filter: model:gpt status:>=400 tag:team:platform cost:>0.05"),
    later("Filter: model:gpt status:>=400 cost:>0.05"),
    later("Filter: model:gpt status:>=400"),
    later("Filter: model:gpt"),
    later("Filter"),
)


class FilterField(QWidget):
    """`submitted(ParsedText)`: Enter was pressed on filters that can be understood. `values_wanted`: the name of a
    filter was typed whose values are to be given with `set_values`; it is asked again after a while."""

    submitted = Signal(object)
    values_wanted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = SearchField(theme, tr(PLACEHOLDERS[0]), shorter=[tr(words) for words in PLACEHOLDERS[1:]])
        self.field.setObjectName("requests_filter")
        self.field.setAccessibleName(tr("Filter requests"))
        self.field.setAccessibleDescription(
            tr(
                "Type filters such as model:claude status:error latency:>5s or part of a model, user or key; "
                "press Enter."
            )
        )
        self.problem = TextLabel(theme, "", px=12, tone="bad", wrap=True)
        self.problem.setObjectName("requests_filter_problem")
        self.problem.hide()
        self._values: dict[str, tuple[str, ...]] = {"status": OUTCOMES}
        self._wanted_at: dict[str, float] = {}
        self._words = QStringListModel(self)
        self._completer = QCompleter(self._words, self)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._popup = QListView()
        self._completer.setPopup(self._popup)
        dress_completions(self._completer, theme)
        self._completer.setWidget(self.field)
        self._completer.activated.connect(self._complete)
        self.field.textEdited.connect(self._edited)
        self.field.textChanged.connect(self._changed)
        self.field.returnPressed.connect(self.submit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.field)
        column.addWidget(self.problem)

    def set_values(self, values: Mapping[str, Sequence[str]]) -> None:
        """Known values by filter name, for completion; what was known of other names stays."""
        self._values |= {name: tuple(known) for name, known in values.items()}
        if self._name(self.field.text()) in values:
            self._suggest(self.field.text())

    def ask_anew(self) -> None:
        """The values of another range are wanted: whatever was asked for is asked for again when it is typed."""
        self._wanted_at.clear()

    def submit(self) -> None:
        if self._popup.isVisible() and self._popup.currentIndex().isValid():
            # Return takes what is chosen there: the word that it stands for is no filter yet.
            return
        self._popup.hide()
        parsed = parse(self.field.text())
        self._tell(parsed.problem)
        if parsed.problem is None and parsed != ParsedText():
            self.field.clear()
            self.submitted.emit(parsed)

    def suggestions(self, word: str) -> list[str]:
        """What a word that is being typed may become."""
        name, colon, value = word.partition(":")
        minus = "-" if name.startswith("-") else ""
        name = name.removeprefix("-").casefold()
        if not colon:
            names = (TAG,) if minus else NAMES
            return [f"{minus}{known}:" for known in names if known.startswith(name)] if name else []
        place = last_part(value, ",".__eq__)
        start, last = word[: len(word) - len(value) + place], unquoted(value[place:])
        matching = [known for known in self._values.get(name, ()) if last.casefold() in known.casefold()]
        return [f"{start}{quoted(known)}" for known in matching if known != last][:12]

    def _edited(self, text: str) -> None:
        self._tell(None)
        name, now = self._name(text), time.monotonic()
        if name in ASKED_FOR and now - self._wanted_at.get(name, -_ASKED_AGAIN_S) >= _ASKED_AGAIN_S:
            self._wanted_at[name] = now
            self.values_wanted.emit(name)
        self._suggest(text)

    def _suggest(self, text: str) -> None:
        found = self.suggestions(self._word(text))
        self._words.setStringList(found)
        if found and self.field.hasFocus():
            self._completer.setCompletionPrefix("")
            self._completer.complete()
        else:
            self._popup.hide()

    def _changed(self, text: str) -> None:
        if not text:
            self._tell(None)

    def _name(self, text: str) -> str:
        """The filter whose values are being typed, or ""."""
        name, colon, _ = self._word(text).partition(":")
        return name.removeprefix("-").casefold() if colon else ""

    def _word(self, text: str) -> str:
        before = text[: self.field.cursorPosition()]
        return before[last_part(before, str.isspace) :]

    def _complete(self, completed: str) -> None:
        text, place = self.field.text(), self.field.cursorPosition()
        start = last_part(text[:place], str.isspace)
        self.field.setText(text[:start] + completed + text[place:])
        self.field.setCursorPosition(start + len(completed))
        # The values of a filter whose name was taken, once the popup of names is gone.
        QTimer.singleShot(0, self, lambda: self._edited(self.field.text()))

    def give_back(self, parsed: ParsedText, problem: str) -> None:
        """What was submitted, and why it is no filter; what has been typed since then stays."""
        if not self.field.text():
            self.field.setText(render(parsed.dimensions, parsed.tags, parsed.numbers, parsed.text))
            self._tell(problem)

    def _tell(self, problem: str | None) -> None:
        self.problem.setText(problem or "")
        self.problem.setVisible(problem is not None)
        self.field.setProperty("invalid", problem is not None)
        self.field.update()
