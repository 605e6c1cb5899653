"""A line of a settings card: what it is called, what it does, its control, and what stands in its way."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, IconButton

WIDEST = 780
MARGIN = 16


class Line(QWidget):
    """`below` puts the control under the words, for those that need the width. `back` goes back to the default."""

    def __init__(
        self,
        theme: Theme,
        title: str,
        words: str = "",
        control: QWidget | None = None,
        *,
        below: bool = False,
        with_back: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.first = True
        self.title = TextLabel(theme, title, weight=500, parent=self)
        self.words = TextLabel(theme, words, px=12, tone="text2", wrap=True, parent=self)
        self.note = TextLabel(theme, "", px=12, tone="warn", wrap=True, parent=self)
        self.problem = TextLabel(theme, "", px=12, tone="bad", wrap=True, parent=self)
        self.problem.setObjectName("setting_problem")
        self.note.setObjectName("setting_note")
        self.words.setVisible(bool(words))
        self.note.hide()
        self.problem.hide()
        self.back: IconButton | None = None
        said = QVBoxLayout()
        said.setContentsMargins(0, 0, 0, 0)
        said.setSpacing(2)
        for label in (self.title, self.words, self.note, self.problem):
            said.addWidget(label)
        top = QHBoxLayout()
        top.setSpacing(20)
        top.addLayout(said, 1)
        right = QHBoxLayout()
        right.setSpacing(4)
        if with_back:
            self.back = IconButton(theme, "rotate-ccw", tr("Back to the default: {title}").format(title=title), self)
            self.back.setObjectName("setting_back")
            self.back.setVisible(False)
            policy = self.back.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            self.back.setSizePolicy(policy)
            right.addWidget(self.back)
        if control is not None and not below:
            right.addWidget(control)
        top.addLayout(right)
        top.setAlignment(right, Qt.AlignmentFlag.AlignVCenter)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 11, MARGIN, 11)
        whole.setSpacing(8)
        whole.addLayout(top)
        if control is not None and below:
            whole.addWidget(control)
        theme.changed.connect(self.update)

    def show_note(self, text: str, tone: str = "warn") -> None:
        """What a person should know beside the words; "" for nothing."""
        self.note.set_tone(tone)
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def show_problem(self, text: str) -> None:
        """Why what was given is not taken; "" where it was."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.first:
            painter = QPainter(self)
            painter.fillRect(MARGIN, 0, self.width() - 2 * MARGIN, 1, self._theme.color("border"))


class LineCard(QWidget):
    """Lines in a card under a heading."""

    def __init__(self, theme: Theme, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMaximumWidth(WIDEST)
        self.title = TextLabel(theme, title, px=12, weight=500, tone="text3", parent=self)
        self.title.setVisible(bool(title))
        self.title.setContentsMargins(2, 0, 0, 0)
        self.card = Card(theme, self)
        self._lines = QVBoxLayout(self.card)
        self._lines.setContentsMargins(0, 2, 0, 2)
        self._lines.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.title)
        column.addWidget(self.card)

    def add(self, line: Line) -> Line:
        line.first = self._lines.count() == 0
        self._lines.addWidget(line)
        return line
