"""A short word on a soft ground: a status, a delta, a tag."""

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.fonts import ui_font
from app.theme import Theme
from app.widgets.painting import rounded_box, smooth_painter

_LOOKS: Mapping[str, tuple[str, str]] = {
    "ok": ("ok", "ok_soft"),
    "warn": ("warn", "warn_soft"),
    "bad": ("bad", "bad_soft"),
    "accent": ("accent", "accent_soft"),
    "neutral": ("text2", "hover"),
}
"""Ink and ground for each kind."""


class Pill(QLabel):
    """`kind` is ok, warn, bad, neutral or accent; raises KeyError for another one."""

    def __init__(self, theme: Theme, text: str, kind: str = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._theme = theme
        self._look = _LOOKS[kind]
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(ui_font(11, 500 if kind == "neutral" else 600))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_kind(self, kind: str) -> None:
        self._look = _LOOKS[kind]
        self.setFont(ui_font(11, 500 if kind == "neutral" else 600))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self.text()) + 13, 20)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = smooth_painter(self)
        ink, ground = self._look
        rounded_box(painter, QRectF(self.rect()), 5, self._theme.color(ground))
        painter.setPen(self._theme.color(ink))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
