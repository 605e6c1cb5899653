"""What stands where there is nothing to show: why, and the one thing to do about it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.fonts import ui_font
from app.theme import Theme
from app.widgets.buttons import PushButton
from app.widgets.icon_label import IconLabel

_ICON = 28
_WIDTH = 440
_MARGIN = 24


class EmptyState(QWidget):
    """`action` when its button is pressed."""

    action = Signal()

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        text: str,
        action_text: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.title_label = QLabel(title, self)
        self.title_label.setFont(ui_font(16, 600))
        self.text_label = QLabel(text, self)
        self.text_label.setFont(ui_font(13))
        self.text_label.setWordWrap(True)
        self._text_width = _WIDTH
        self.text_label.setFixedWidth(_WIDTH)
        self.text_label.setTextFormat(Qt.TextFormat.PlainText)
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        column.setSpacing(8)
        column.addStretch(1)
        column.addWidget(IconLabel(theme, icon, "text3", _ICON, self), 0, Qt.AlignmentFlag.AlignHCenter)
        for label in (self.title_label, self.text_label):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        self.button: PushButton | None = None
        if action_text is not None:
            self.button = PushButton(theme, action_text, kind="primary", parent=self)
            self.button.clicked.connect(self.action)
            column.addSpacing(8)
            column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.set_text(text)
        self.setAccessibleName(title)
        self._give_room()
        theme.changed.connect(self._tint)
        self._tint()

    def set_text(self, text: str) -> None:
        self.text_label.setText(text)
        # An aligned label of a layout is given one line, however many its words take.
        self.text_label.setMinimumHeight(max(0, self.text_label.heightForWidth(self._text_width)))
        self.text_label.setVisible(bool(text))
        self._give_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # A drawer is narrower than the words are beside nothing.
        width = max(1, min(_WIDTH, event.size().width() - 2 * _MARGIN))
        if width != self._text_width:
            self._text_width = width
            self.text_label.setFixedWidth(width)
            self._give_room()

    def _give_room(self) -> None:
        """Words that wrap are as high as they need: a layout that centres them asks only for their width."""
        self.text_label.setFixedHeight(max(self.text_label.heightForWidth(self._text_width), 1))

    def _tint(self) -> None:
        palette = self.text_label.palette()
        palette.setColor(QPalette.ColorRole.WindowText, self._theme.color("text2"))
        self.text_label.setPalette(palette)
