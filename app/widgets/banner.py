"""A lasting state in one sentence on a soft ground, with at most one thing to do about it."""

import re
from collections.abc import Callable, Mapping

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPaintEvent, QPalette, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app import icons
from app.fonts import ui_font
from app.theme import Theme
from app.translation import tr
from app.widgets.announcing import announce
from app.widgets.buttons import IconButton, PushButton
from app.widgets.painting import CONTROL_HEIGHT, CONTROL_RADIUS, rounded_box, smooth_painter

_ICON = 16
_PAGE_MARGIN = 24
_LOOKS: Mapping[str, tuple[str, str, str]] = {
    "info": ("accent", "accent_soft", "info"),
    "accent": ("accent", "accent_soft", "info"),
    "ok": ("ok", "ok_soft", "circle-check"),
    "warn": ("warn", "warn_soft", "triangle-alert"),
    "bad": ("bad", "bad_soft", "circle-alert"),
}
"""Ink, ground and icon for each kind."""
_URGENT = ("warn", "bad")
_FIGURES = re.compile(r"\d[\d.,]*")


class Banner(QWidget):
    """`kind` is info, ok, warn or bad; `action` when its button is pressed, unless what was told has its own.
    As a `strip` it is no card among others: it reaches from edge to edge, whatever stands below it."""

    action = Signal()

    def __init__(
        self,
        theme: Theme,
        kind: str,
        text: str,
        action_text: str | None = None,
        parent: QWidget | None = None,
        *,
        strip: bool = False,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._strip = strip
        self.kind = kind
        self.action_text = action_text
        self._look = _LOOKS[kind]
        self._announced = ""
        self._of = ""
        self._again: Callable[[], object] | None = None
        self.label = QLabel(text, self)
        self.label.setFont(ui_font(13))
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button: PushButton | None = None
        row = QHBoxLayout(self)
        self._left, right = (_PAGE_MARGIN, _PAGE_MARGIN) if strip else (12, 8)
        row.setContentsMargins(self._left + _ICON + 8, 5, right, 5 + strip)
        row.setSpacing(12)
        row.addWidget(self.label, 1)
        if action_text is not None:
            self.button = PushButton(theme, action_text, kind="secondary", parent=self)
            self.button.clicked.connect(self._press)
            row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop)
        self.dismiss = IconButton(theme, "x", tr("Dismiss"), self)
        self.dismiss.clicked.connect(lambda: self.tell(""))
        self.dismiss.hide()
        # As high as the button, beside which it stands at the first of several lines.
        self.dismiss.setFixedHeight(CONTROL_HEIGHT)
        row.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        self.setMinimumHeight(42)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(text)
        theme.changed.connect(self._tint)
        self._tint()

    def text(self) -> str:
        return self.label.text()

    def set_text(self, text: str) -> None:
        if text == self.text():
            return
        self.label.setText(text)
        self.setAccessibleName(text)
        self.updateGeometry()
        self._announce()

    def tell(self, text: str, of: str = "", again: Callable[[], object] | None = None) -> None:
        """Show these words; "" takes the banner away. `of`: what they are about, see `clear`. `again`: they are of
        something that a person asked for and that failed. The button tries it again, in the place of what it does
        otherwise; a cross lets go of it, for nothing that is read anew says that it is well."""
        self._of = of if text else ""
        self._again = again if text else None
        self.dismiss.setVisible(self._again is not None)
        if self.button is not None and self.action_text is not None:
            self.button.setText(self.action_text if self._again is None else tr("Retry"))
        self.set_text(text)
        self.setVisible(bool(text))

    def clear(self, of: str) -> None:
        """Take away what was told of this: it is well again. What was told of anything else stays."""
        if self._of == of:
            self.tell("")

    def _press(self) -> None:
        again = self._again
        if again is None:
            self.action.emit()
            return
        self.tell("")
        again()

    def set_kind(self, kind: str) -> None:
        """Raises KeyError for an unknown kind."""
        self._look = _LOOKS[kind]
        self.kind = kind
        self._tint()
        self._announce()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._announce()

    def _announce(self) -> None:
        """What is wrong is said once, when it can be seen, and not again where only its figures change; what merely
        is so is not said."""
        words = _FIGURES.sub("", self.text())
        if self.kind in _URGENT and words != self._announced and self.isVisible():
            self._announced = words
            if words:
                announce(self, self.text())

    def _tint(self) -> None:
        palette = self.label.palette()
        palette.setColor(QPalette.ColorRole.WindowText, self._theme.color(self._look[0]))
        self.label.setPalette(palette)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        ink, ground, icon = self._look
        if self._strip:
            painter.fillRect(self.rect(), self._theme.color(ground))
            painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("border"))
        else:
            rounded_box(painter, QRectF(self.rect()), CONTROL_RADIUS, self._theme.color(ground))
        place = QRect(self._left, (min(self.height(), 42) - _ICON) // 2, _ICON, _ICON)
        painter.drawPixmap(place, icons.pixmap(icon, self._theme.color(ink), _ICON, self.devicePixelRatioF()))
