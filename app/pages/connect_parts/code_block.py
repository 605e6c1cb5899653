"""A step to take: its number and words, and the text to paste with a button that copies it."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.fonts import mono_font
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import PushButton

_AROUND = 24
_SIDES = 28
_BAR = 12
_MOST_LINES = 18


class CodeView(QPlainTextEdit):
    """Text in fixed width, as high as its lines; it can be selected, and not changed. Needs an accessible name.

    `hidden` is what stands for a secret and the secret: whoever copies a selection has the secret.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hidden: tuple[str, str] | None = None
        # In logical pixels, of the text that is shown; and how many lines it has.
        self._widest, self._lines = 0, 1
        self.setReadOnly(True)
        self.setFont(mono_font(12))
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(2)

    def show_text(self, text: str) -> None:
        """The same text again leaves the selection as it is."""
        if text != self.toPlainText():
            self.setPlainText(text)
            metrics, lines = QFontMetrics(self.font()), text.split("\n")
            self._widest, self._lines = max(map(metrics.horizontalAdvance, lines)), len(lines)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def createMimeDataFromSelection(self) -> QMimeData:
        data = super().createMimeDataFromSelection()
        if self.hidden is not None and self.hidden[0] in data.text():
            text = data.text().replace(*self.hidden)
            data = QMimeData()
            data.setText(text)
        return data

    def _fit(self) -> None:
        """Room for the bar only where a line is longer than the block is wide."""
        bar = _BAR if self._widest + _SIDES > self.width() else 0
        height = QFontMetrics(self.font()).lineSpacing() * min(_MOST_LINES, self._lines)
        self.setFixedHeight(height + _AROUND + bar)


class CodeBlock(QWidget):
    """`copied(words)`."""

    copied = Signal(str)

    def __init__(self, theme: Theme, number: int, step: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step = TextLabel(theme, weight=500, wrap=True)
        self.view = CodeView()
        self.view.setObjectName("snippet")
        self.copy_button = PushButton(theme, tr("Copy"), "copy")
        self.copy_button.setObjectName("snippet_copy")
        self.copy_button.clicked.connect(self._copy)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.step, 1)
        head.addWidget(self.copy_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.view)
        self._whole = ""
        self.show_step(number, step)

    def show_step(self, number: int, step: str) -> None:
        """Another step; 0 where it is the only one."""
        self.step.setText(f"{number}.  {step}" if number else step)
        self.view.setAccessibleName(step)
        self.copy_button.setAccessibleName(tr("Copy: {step}").format(step=step))

    def show_text(self, text: str, hidden: tuple[str, str] | None = None) -> None:
        """`hidden`: what stands in the text for a secret, and the secret, which is what is copied."""
        self._whole = text.replace(*hidden) if hidden is not None else text
        self.view.hidden = hidden if self._whole != text else None
        self.view.show_text(text)

    @property
    def hides(self) -> bool:
        """Whether a secret is copied that is not shown."""
        return self.view.hidden is not None

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._whole)
        self.copied.emit(tr("Copied"))
