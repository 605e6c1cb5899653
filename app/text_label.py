"""Words in one of the theme's tones that may wrap and be selected; the tone follows the theme when it flips.

Text that can be selected is a document to Qt, which takes twice as long to make, to lay out and to paint. It becomes
one where somebody presses on it.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.fonts import mono_font, ui_font
from app.shown_names import lines
from app.theme import Theme

_BY_MOUSE = Qt.TextInteractionFlag.TextSelectableByMouse


class TextLabel(QLabel):
    """`tone` names a colour token; `px` is the text's size. Text is plain: nothing in it is read as HTML.
    `selectable` by mouse."""

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        *,
        px: int = 13,
        weight: int = 400,
        tone: str = "text",
        mono: bool = False,
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = tone
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        self.setFont(mono_font(px) if mono else ui_font(px, weight))
        self.setWordWrap(wrap)
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)
        self._selectable = selectable
        theme.changed.connect(self._colour)
        self._colour()

    def setText(self, text: str) -> None:
        super().setText(lines(text))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._selectable and not self.textInteractionFlags() & _BY_MOUSE:
            self.setTextInteractionFlags(_BY_MOUSE)
            # This press brings the keyboard along, to copy with, as every later one does by itself.
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def set_tone(self, tone: str) -> None:
        # A palette that is set is handed down and looked at by the style, the same one too.
        if tone != self._tone:
            self._tone = tone
            self._colour()

    def _colour(self) -> None:
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, self._theme.color(self._tone))
        self.setPalette(palette)
