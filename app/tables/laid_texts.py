"""Texts that are painted again and again: cut to their room and laid out once, and kept while they are shown.

A text's colour is the painter's pen, so that selecting, hovering and a theme flip cost nothing new. Only what was
painted lately is kept: a laid out text takes two kilobytes.
"""

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF, QStaticText

from app.fonts import mono_font, ui_font
from app.shown_names import one_line
from app.tables.recent import Recent


class Face(NamedTuple):
    """A font by what it is made from."""

    px: int
    weight: int = 400
    mono: bool = False

    def font(self) -> QFont:
        return mono_font(self.px, self.weight) if self.mono else ui_font(self.px, self.weight)


class Laid(NamedTuple):
    """`width` (how far the pen moves) and `height` in logical pixels."""

    text: QStaticText
    width: float
    height: float


class LaidTexts:
    """Keeps the last `size` texts that were asked for, and at most twice as many."""

    def __init__(self, size: int) -> None:
        self._kept: Recent[tuple[str, int | None, Face, bool], Laid] = Recent(size)
        self._overhangs: Recent[tuple[Face, str], float] = Recent(size)
        self._fonts: dict[Face, QFont] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def font(self, face: Face) -> QFont:
        """The same object each time; not to be changed."""
        font = self._fonts.get(face)
        if font is None:
            font = self._fonts[face] = face.font()
        return font

    def laid(self, text: str, face: Face, room: int | None = None, *, middle: bool = False) -> Laid:
        """One line for a painter that has this face's font; cut to `room` logical pixels at its end, or in its
        `middle`, where that is given."""
        # Most texts fit, at this width and at the next one: those that are cut are kept beside the whole ones.
        laid = self._kept.get((text, None, face, False))
        if laid is None:
            laid = self._made(one_line(text), face)
            self._kept.put((text, None, face, False), laid)
        return laid if room is None or laid.width <= room else self._cut(text, face, room, middle)

    def _cut(self, text: str, face: Face, room: int, middle: bool) -> Laid:
        key = (text, room, face, middle)
        laid = self._kept.get(key)
        if laid is None:
            side = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
            elided = QFontMetricsF(self.font(face)).elidedText(one_line(text), side, room)
            laid = self._made(elided, face)
            self._kept.put(key, laid)
        return laid

    def _made(self, text: str, face: Face) -> Laid:
        static = QStaticText()
        # Before the text is set: else it is looked at for signs of HTML.
        static.setTextFormat(Qt.TextFormat.PlainText)
        static.setText(text)
        static.prepare(font=self.font(face))
        size = static.size()
        return Laid(static, size.width() - self._overhang(text, size.width(), face), size.height())

    def _overhang(self, text: str, width: float, face: Face) -> float:
        """How far the last character is painted beyond its end, which a laid out text's size includes."""
        key = (face, text[-1:])
        found = self._overhangs.get(key)
        if found is None:
            found = width - QFontMetricsF(self.font(face)).horizontalAdvance(text)
            self._overhangs.put(key, found)
        return found
