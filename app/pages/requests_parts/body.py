"""What is said of one request: what happened first, then the numbers, then who, how often, and which ids.

The widgets fit one shape, the lines that a request has; of another request with the same lines only the words change.
Seventy of them made at once hold the loop for thirty milliseconds and more, so they are made line by line, as far as
the time goes.
"""

import time
from collections.abc import Hashable, Iterator, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app import formats
from app.fonts import mono_font
from app.pages.requests_parts.causes import cause
from app.pages.requests_parts.columns import model_shown, status_pill
from app.pages.requests_parts.details import OUTCOME_WORDS, Line, Section
from app.pages.requests_parts.timing_bar import TimingBar
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Banner, ElidedLabel, IconButton, Pill, PushButton
from gateway import ExchangeRecord

_LABEL_WIDTH = 146
_TOP = Qt.AlignmentFlag.AlignTop

Attempts = Sequence[Sequence[str]]


def shape_of(row: ExchangeRecord, groups: Sequence[Section], attempts: Attempts) -> Hashable:
    """What stands there, without the words that change from request to request."""
    return _lines(groups), len(attempts), _cause_kind(row)


class RequestBody(QWidget):
    """For requests of this one's shape. `copied(words)`: something was put on the clipboard; `conversation_asked` and
    `replay_asked` that a button was pressed."""

    copied = Signal(str)
    conversation_asked = Signal()
    replay_asked = Signal()

    def __init__(
        self, theme: Theme, row: ExchangeRecord, groups: Sequence[Section], attempts: Attempts, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._changing: list[TextLabel | ElidedLabel] = []
        self._copies: list[str] = []
        self._next_copy = 0
        self._told: Sequence[str] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 4, 16, 24)
        self._column.setSpacing(16)
        self._make_top(row)
        self._lines: Iterator[None] | None = self._make_lines(groups, attempts)

    @property
    def complete(self) -> bool:
        """Whether all lines are made."""
        return self._lines is None

    def make(self, seconds: float) -> None:
        """Go on with the lines, one at least, as far as the time goes; they say what was shown last."""
        deadline = time.perf_counter() + seconds
        for _ in self._lines or ():
            if time.perf_counter() > deadline:
                break
        else:
            self._lines = None
        self._tell()

    def show_record(self, row: ExchangeRecord, groups: Sequence[Section], attempts: Attempts) -> None:
        self._copies = [line.copy for group in groups for line in group.lines if line.copy is not None]
        self._told = _words(groups, attempts)
        self._tell()
        pill = status_pill(row)
        self._status.setText(pill.text)
        self._status.set_kind(pill.kind)
        self._ending.setText(OUTCOME_WORDS.get(row.outcome, row.outcome))
        self._model.setText(model_shown(row) or formats.UNKNOWN)
        self._cause.set_text(cause(row) or "")
        self._timing.show_row(row)

    def _tell(self) -> None:
        for label, text in zip(self._changing, self._told, strict=self.complete):
            if label.text() != text:
                label.setText(text)

    def _make_top(self, row: ExchangeRecord) -> None:
        column = self._column
        column.addLayout(self._head())
        column.addLayout(self._elsewhere())
        kind = _cause_kind(row)
        self._cause = Banner(self._theme, kind or "bad", "")
        self._cause.setObjectName("request_cause")
        self._cause.setVisible(kind is not None)
        column.addWidget(self._cause)
        self._timing = TimingBar(self._theme)
        column.addWidget(self._timing)

    def _make_lines(self, groups: Sequence[Section], attempts: Attempts) -> Iterator[None]:
        """A step for each line."""
        for group in groups[:-1]:
            yield from self._section(group)
        if attempts:
            yield from self._attempts(len(attempts))
        yield from self._section(groups[-1])
        self._column.addStretch(1)

    def _head(self) -> QHBoxLayout:
        self._status = Pill(self._theme, "")
        self._ending = TextLabel(self._theme, weight=600)
        self._model = ElidedLabel(self._theme, "", Qt.TextElideMode.ElideMiddle, tone="text2")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._status)
        line.addWidget(self._ending)
        line.addStretch(1)
        line.addWidget(self._model)
        return line

    def _elsewhere(self) -> QHBoxLayout:
        """What else can be done with what it said."""
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._conversation_button())
        replay = PushButton(self._theme, self.tr("Replay in Compare"), "columns-2")
        replay.setObjectName("request_replay")
        replay.setToolTip(self.tr("Ask other models the same; nothing is sent before you run it"))
        replay.clicked.connect(self.replay_asked)
        line.addWidget(replay)
        line.addStretch(1)
        return line

    def _conversation_button(self) -> PushButton:
        button = PushButton(self._theme, tr("Open conversation"), "messages-square")
        button.setObjectName("request_conversation")
        button.setToolTip(tr("What was said, at this request's turn"))
        button.clicked.connect(self.conversation_asked)
        return button

    def _section(self, section: Section) -> Iterator[None]:
        grid = self._grid(section.title)
        grid.setColumnStretch(1, 1)
        for number, line in enumerate(section.lines, start=1):
            self._line(grid, number, line)
            yield

    def _grid(self, title: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.addWidget(TextLabel(self._theme, title, px=12, weight=600, tone="text3"), 0, 0, 1, 4)
        self._column.addLayout(grid)
        return grid

    def _line(self, grid: QGridLayout, number: int, line: Line) -> None:
        small = line.part or line.mono
        label = TextLabel(self._theme, line.label, tone="text3" if line.part else "text2", px=12 if line.part else 13)
        label.setMinimumWidth(_LABEL_WIDTH)
        label.setContentsMargins(12 if line.part else 0, 0, 0, 0)
        grid.addWidget(label, number, 0, _TOP)
        words = QVBoxLayout()
        words.setSpacing(0)
        value = self._value(line, 12 if small else 13)
        value.setObjectName(f"detail_{line.label.casefold().replace(' ', '_')}")
        self._add_changing(value)
        words.addWidget(value)
        if line.note:
            words.addWidget(self._add_changing(TextLabel(self._theme, px=12, tone="text3", wrap=True)))
        grid.addLayout(words, number, 1)
        if line.copy is not None:
            button = IconButton(self._theme, "copy", tr("Copy {name}").format(name=line.label.casefold()))
            place = self._next_copy
            self._next_copy += 1
            button.clicked.connect(lambda *_: self._copy(line.label, self._copies[place]))
            grid.addWidget(button, number, 2, _TOP)

    def _value(self, line: Line, px: int) -> TextLabel | ElidedLabel:
        """Words wrap; an id has no place to break, and is cut in the middle."""
        if not line.mono:
            words = TextLabel(self._theme, px=px, wrap=True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            # A word that is longer than the line is cut itself, and not all that stands on the panel.
            words.setMinimumWidth(1)
            return words
        label = ElidedLabel(self._theme, "", Qt.TextElideMode.ElideMiddle)
        label.setFont(mono_font(px))
        return label

    def _attempts(self, count: int) -> Iterator[None]:
        grid = self._grid(tr("Attempts"))
        grid.setHorizontalSpacing(12)
        grid.setColumnStretch(1, 1)
        for number in range(1, count + 1):
            for place in range(4):
                tone = "text" if place == 0 else "text2"
                cell = self._add_changing(TextLabel(self._theme, px=12, tone=tone, wrap=place == 1))
                side = Qt.AlignmentFlag.AlignRight if place == 3 else Qt.AlignmentFlag.AlignLeft
                grid.addWidget(cell, number, place, side | _TOP if place != 1 else _TOP)
            yield

    def _add_changing(self, label: TextLabel | ElidedLabel) -> TextLabel | ElidedLabel:
        self._changing.append(label)
        return label

    def _copy(self, name: str, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(tr("{name} copied").format(name=name))


def _cause_kind(row: ExchangeRecord) -> str | None:
    if cause(row) is None:
        return None
    return "warn" if row.outcome == "aborted" else "bad"


def _lines(groups: Sequence[Section]) -> Hashable:
    return tuple(
        (
            group.title,
            tuple((line.label, bool(line.note), line.mono, line.part, line.copy is None) for line in group.lines),
        )
        for group in groups
    )


def _words(groups: Sequence[Section], attempts: Attempts) -> list[str]:
    """The words that change, in the order in which their labels were made."""

    def of(group: Section) -> list[str]:
        return [text for line in group.lines for text in ((line.value, line.note) if line.note else (line.value,))]

    before = [text for group in groups[:-1] for text in of(group)]
    return [*before, *(text for attempt in attempts for text in attempt), *of(groups[-1])]
