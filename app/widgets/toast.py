"""Passing notes at the bottom right: four seconds each, newest lowest, at most three at once.

One with a button stays long enough to be reached by keyboard; none goes while the pointer or the keyboard is in it.
"""

from collections.abc import Callable, Container

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QCursor, QPaintEvent, QPalette
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget

from app.fonts import ui_font
from app.shown_names import short_words
from app.theme import Theme
from app.widgets.announcing import announce
from app.widgets.buttons import PushButton
from app.widgets.painting import rounded_box, smooth_painter

STAYS_MS, WITH_BUTTON_STAYS_MS = 4000, 10_000
_AT_ONCE = 3
_MARGIN = 16
_GAP = 8
_MAX_WIDTH = 420


class Toast(QWidget):
    """One note; pressing it sends it away."""

    def __init__(self, theme: Theme, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.text = text
        self.label = QLabel(short_words(text), self)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setFont(ui_font(13, 500))
        palette = self.label.palette()
        palette.setColor(QPalette.ColorRole.WindowText, theme.color("bg"))
        self.label.setPalette(palette)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(14, 9, 14, 9)
        self.row.setSpacing(12)
        self.row.addWidget(self.label)
        self.setMaximumWidth(_MAX_WIDTH)
        self.setAccessibleName(text)
        self._pointer_was_at = QCursor.pos()

    @property
    def is_held(self) -> bool:
        """Whether somebody is at it; a pointer that rests where it came up is not."""
        focus = QApplication.focusWidget()
        pointed_at = self.underMouse() and QCursor.pos() != self._pointer_was_at
        return pointed_at or (focus is not None and self.isAncestorOf(focus))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        # Inverted, so that it is seen on every ground.
        rounded_box(painter, QRectF(self.rect()), 8, self._theme.color("text"))


class Toasts(QObject):
    """The notes of one window, kept in its corner as it is resized."""

    def __init__(self, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._window = window
        self._shown: list[Toast] = []
        window.installEventFilter(self)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(toast.text for toast in self._shown)

    def show(self, text: str, action_text: str | None = None, action: Callable[[], None] | None = None) -> None:
        """A note with an optional button. One that says the same gives way: said three times it is no truer; but what
        has a button may be about another thing of the same name."""
        for same in [toast for toast in self._shown if toast.text == text and action_text is None]:
            self._drop(same)
        while len(self._shown) >= _AT_ONCE:
            self._drop(next((old for old in self._shown if not old.is_held), self._shown[0]))
        toast, stays_ms = Toast(self._theme, text, self._window), STAYS_MS
        if action_text is not None and action is not None:
            button = PushButton(self._theme, action_text, kind="secondary", parent=toast)
            button.clicked.connect(action)
            button.clicked.connect(lambda: self._drop(toast))
            toast.row.addWidget(button)
            stays_ms = WITH_BUTTON_STAYS_MS
        toast.label.setWordWrap(toast.sizeHint().width() > _MAX_WIDTH)
        timer = QTimer(toast, interval=stays_ms)
        timer.timeout.connect(lambda: self._drop_unless_held(toast))
        timer.start()
        self._shown.append(toast)
        self._place()
        toast.show()
        toast.raise_()
        announce(toast, text)

    def withdraw(self, texts: Container[str]) -> None:
        """Those notes go whose words now stand where they stay."""
        for told in [toast for toast in self._shown if toast.text in texts]:
            self._drop(told)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _drop_unless_held(self, toast: Toast) -> None:
        if not toast.is_held:
            self._drop(toast)

    def _drop(self, toast: Toast) -> None:
        if toast in self._shown:
            self._shown.remove(toast)
            toast.hide()
            toast.deleteLater()
            self._place()

    def _place(self) -> None:
        bottom = self._window.height() - _MARGIN
        for toast in reversed(self._shown):
            hint = toast.sizeHint()
            width = min(hint.width(), _MAX_WIDTH)
            height = toast.heightForWidth(width) if toast.hasHeightForWidth() else hint.height()
            size = QSize(width, max(36, height))
            toast.resize(size)
            toast.move(self._window.width() - _MARGIN - size.width(), bottom - size.height())
            bottom -= size.height() + _GAP
