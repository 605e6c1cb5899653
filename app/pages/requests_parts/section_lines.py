"""Sections of lines, each a name and a value: what is known of a request, or of one attempt at it.

The widgets fit one shape, the lines that there are; for others of the same shape only the words change. Seventy of
them made at once hold the loop for thirty milliseconds and more, so they are made line by line, as far as the time
goes.
"""

from collections.abc import Hashable, Iterator, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.fonts import mono_font
from app.pages.requests_parts.details import Line, Section
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import ElidedLabel, IconButton

_LABEL_WIDTH = 146
# Beside a button that copies it an id stands in the line's middle, and not at its top.
_LOWERED = 5
_TOP = Qt.AlignmentFlag.AlignTop


def lines_shape(groups: Sequence[Section]) -> Hashable:
    """What stands there, without the words that change from request to request."""
    return tuple(
        (
            group.title,
            tuple((line.label, bool(line.note), line.mono, line.part, line.copy is None) for line in group.lines),
        )
        for group in groups
    )


class SectionLines(QWidget):
    """For sections of one shape. `copied(words)`: something was put on the clipboard."""

    copied = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._changing: list[TextLabel | ElidedLabel] = []
        self._copies: list[str] = []
        self._next_copy = 0
        self._told: Sequence[str] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(16)
        self._lines: Iterator[None] | None = None

    @property
    def complete(self) -> bool:
        """Whether all lines are made."""
        return self._lines is None

    def make_line(self) -> None:
        """Go on with the next line; it says what was shown last."""
        made = len(self._changing)
        if next(self._lines or iter(()), self) is self:
            self._lines = None
        self._tell(made)

    def show_sections(self, groups: Sequence[Section]) -> None:
        """Others of this shape."""
        lines = [line for group in groups for line in group.lines]
        self._copies = [line.copy for line in lines if line.copy is not None]
        # In the order in which their labels are made.
        self._told = [text for line in lines for text in ((line.value, line.note) if line.note else (line.value,))]
        self._tell()

    def _tell(self, first: int = 0) -> None:
        """From the `first` label on."""
        for label, text in zip(self._changing[first:], self._told[first:], strict=self.complete):
            if label.text() != text:
                label.setText(text)

    def _make_lines(self, groups: Sequence[Section]) -> Iterator[None]:
        """A step for each line."""
        for group in groups:
            yield from self._section(group)
        self._column.addStretch(1)

    def _section(self, section: Section) -> Iterator[None]:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self._heading(grid, section)
        self._column.addLayout(grid)
        for number, line in enumerate(section.lines, start=1):
            self._line(grid, number, line)
            yield

    def _heading(self, grid: QGridLayout, section: Section) -> None:
        grid.addWidget(TextLabel(self._theme, section.title, px=12, weight=600, tone="text3"), 0, 0, 1, 3)

    def _line(self, grid: QGridLayout, number: int, line: Line) -> None:
        small = line.part or line.mono
        label = TextLabel(self._theme, line.label, tone="text3" if line.part else "text2", px=12 if line.part else 13)
        label.setMinimumWidth(_LABEL_WIDTH)
        label.setToolTip(line.meaning)
        lowered = _LOWERED if line.mono and line.copy is not None else 0
        label.setContentsMargins(12 if line.part else 0, lowered, 0, 0)
        grid.addWidget(label, number, 0, _TOP)
        words = QVBoxLayout()
        words.setContentsMargins(0, lowered, 0, 0)
        words.setSpacing(0)
        value = self._value(line, 12 if small else 13)
        value.setObjectName(f"detail_{line.label.casefold().replace(' ', '_')}")
        self._add_changing(value)
        words.addWidget(value)
        if line.note:
            words.addWidget(self._add_changing(TextLabel(self._theme, px=12, tone="text3", wrap=True)))
        # In a line as high as its button the value stays beside its name; what wraps needs all of the height.
        columns = 2 if line.copy is None else 1
        grid.addLayout(words, number, 1, 1, columns, _TOP if line.mono else Qt.AlignmentFlag(0))
        if line.copy is not None:
            button = IconButton(self._theme, "copy", tr("Copy {name}").format(name=line.label.casefold()))
            place = self._next_copy
            self._next_copy += 1
            button.clicked.connect(lambda *_: self._copy(line.label, self._copies[place]))
            grid.addWidget(button, number, 2, _TOP)

    def _value(self, line: Line, px: int) -> TextLabel | ElidedLabel:
        """Words wrap; an id has no place to break, and is cut in the middle."""
        if not line.mono:
            words = TextLabel(self._theme, px=px, wrap=True, selectable=True)
            # A word that is longer than the line is cut itself, and not all that stands on the panel.
            words.setMinimumWidth(1)
            return words
        label = ElidedLabel(self._theme, "", Qt.TextElideMode.ElideMiddle)
        label.setFont(mono_font(px))
        return label

    def _add_changing(self, label: TextLabel | ElidedLabel) -> TextLabel | ElidedLabel:
        self._changing.append(label)
        return label

    def _copy(self, name: str, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.copied.emit(tr("{name} copied").format(name=name))
