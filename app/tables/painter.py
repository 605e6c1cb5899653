"""Paints whole table rows from caches: one QStaticText per text and width, one pixmap per distinct pill.

A text is measured, elided and laid out once; its colour is the painter's pen, so that selecting, hovering and a theme
flip cost nothing new. Pills are pictures of their word on its ground and are dropped when the theme flips. Of both
only what was painted lately is kept, which is more than a large screen shows: a laid out text takes two kilobytes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QStaticText

from app.fonts import mono_font, ui_font
from app.tables.column import Column, PillText
from app.tables.recent import Recent
from app.theme import Theme

CELL_PADDING = 10
PILL_HEIGHT = 20
PILL_GAP = 4
_PILL_PADDING = 6
_PILL_RADIUS = 5
_TEXT_PIXELS = 13
# A screen of 3840 by 2160 pixels shows seventy rows of sixteen cells.
_TEXTS = 1_200
_PILLS = 300
_GROUNDS = {"neutral": ("text2", "inset"), "accent": ("accent", "accent_soft")}


class Cell(NamedTuple):
    """A column where it stands in the viewport."""

    column: Column[Any]
    left: int
    width: int


class PaintedRow(NamedTuple):
    """A row where it stands; `record` None draws its placeholder, `faint` a row that no longer counts."""

    record: Any
    top: int
    faint: bool = False


class _Laid(NamedTuple):
    text: QStaticText
    width: float
    height: float


class RowPainter:
    """Shared by the rows of one view."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._texts: Recent[tuple[str, int, int, bool, bool], _Laid] = Recent(_TEXTS)
        self._pills: Recent[tuple[PillText, float, bool], QPixmap] = Recent(_PILLS)
        self._pill_widths: Recent[PillText, int] = Recent(_TEXTS)
        self._fonts: dict[tuple[int, bool], QFont] = {}
        self._metrics: dict[tuple[int, bool], QFontMetricsF] = {}

    def forget(self) -> None:
        """Drops what was drawn in colours or fonts that no longer hold."""
        self._texts.clear()
        self._pills.clear()
        self._pill_widths.clear()
        self._fonts.clear()
        self._metrics.clear()

    def paint(self, painter: QPainter, cells: list[Cell], rows: list[PaintedRow], height: int) -> None:
        """The rows' cells, a column at a time, so that font and colour are set once for each."""
        for cell in cells:
            column = cell.column
            if column.pills is None:
                painter.setFont(self._font(column))
            ink, faint_ink = self._theme.color(column.tone), self._theme.color("text3")
            painter.setPen(ink)
            now = ink
            for row in rows:
                if row.record is None:
                    self._placeholder(painter, cell, row.top, height)
                    painter.setPen(now)
                elif column.pills is not None:
                    pills = column.pills(row.record)
                    if row.faint:
                        pills = tuple(PillText(pill.text) for pill in pills)
                    self._paint_pills(painter, cell, pills, row.top, height)
                else:
                    wanted = faint_ink if row.faint else ink
                    if wanted is not now:
                        painter.setPen(wanted)
                        now = wanted
                    self._paint_text(painter, cell, column.text(row.record), row.top, height)

    def width_of(self, column: Column[Any], rows: Sequence[Any]) -> int:
        """What a column needs to show all of these rows whole, with its padding."""
        widest = 0.0
        metrics = QFontMetricsF(self._font(column))
        for row in rows:
            if column.pills is not None:
                pills = column.pills(row)
                widest = max(widest, sum(self._width(pill) for pill in pills) + PILL_GAP * max(0, len(pills) - 1))
            else:
                widest = max(widest, metrics.horizontalAdvance(column.text(row).replace("\n", " ")))
        return int(widest) + 1 + 2 * CELL_PADDING

    def _paint_text(self, painter: QPainter, cell: Cell, text: str, top: int, height: int) -> None:
        if not text:
            return
        column = cell.column
        laid = self._laid(text, column, cell.width - 2 * CELL_PADDING)
        left = cell.left + (cell.width - CELL_PADDING - laid.width if column.right else CELL_PADDING)
        painter.drawStaticText(QPointF(left, top + (height - laid.height) / 2), laid.text)

    def _paint_pills(self, painter: QPainter, cell: Cell, pills: Sequence[PillText], top: int, height: int) -> None:
        """As many as there is room for, and how many more there are; the first one is cut rather than left out."""
        left = cell.left + CELL_PADDING
        right = cell.left + cell.width - CELL_PADDING
        for number, pill in enumerate(pills):
            more = len(pills) - number - 1
            room = right - left - (self._width(_more(more)) + PILL_GAP if more else 0)
            fits = self._width(pill) <= room
            shown = pill if fits else _more(more + 1) if number else self._cut(pill, room)
            picture = self._pill(shown, painter)
            painter.drawPixmap(QPointF(left, top + (height - PILL_HEIGHT) / 2), picture)
            if number and not fits:
                return
            left += self._width(shown) + PILL_GAP

    def _width(self, pill: PillText) -> int:
        width = self._pill_widths.get(pill)
        if width is None:
            width = pill_width(pill)
            self._pill_widths.put(pill, width)
        return width

    def _cut(self, pill: PillText, room: int) -> PillText:
        metrics = QFontMetricsF(pill_font(pill))
        text = metrics.elidedText(pill.text, Qt.TextElideMode.ElideRight, max(0, room - 2 * _PILL_PADDING - 1))
        return PillText(text, pill.kind)

    def _placeholder(self, painter: QPainter, cell: Cell, top: int, height: int) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("inset"))
        room = cell.width - 2 * CELL_PADDING
        width = max(12, room * 6 // 10)
        left = cell.left + CELL_PADDING + (room - width if cell.column.right else 0)
        painter.drawRoundedRect(QRectF(left, top + height / 2 - 4, width, 8), 4, 4)

    def _laid(self, text: str, column: Column[Any], width: int) -> _Laid:
        key = (text, width, column.weight, column.mono, column.elide_middle)
        laid = self._texts.get(key)
        if laid is None:
            laid = self._lay_out(text, column, width)
            self._texts.put(key, laid)
        return laid

    def _lay_out(self, text: str, column: Column[Any], width: int) -> _Laid:
        font = self._font(column)
        metrics = self._metrics.setdefault((column.weight, column.mono), QFontMetricsF(font))
        shown = text.replace("\n", " ")
        if metrics.horizontalAdvance(shown) > width:
            side = Qt.TextElideMode.ElideMiddle if column.elide_middle else Qt.TextElideMode.ElideRight
            shown = metrics.elidedText(shown, side, width)
        static = QStaticText(shown)
        static.setTextFormat(Qt.TextFormat.PlainText)
        static.prepare(font=font)
        size = static.size()
        return _Laid(static, size.width(), size.height())

    def _font(self, column: Column[Any]) -> QFont:
        key = (column.weight, column.mono)
        font = self._fonts.get(key)
        if font is None:
            font = self._fonts[key] = mono_font(12) if column.mono else ui_font(_TEXT_PIXELS, column.weight)
        return font

    def _pill(self, pill: PillText, painter: QPainter) -> QPixmap:
        ratio = painter.device().devicePixelRatioF()
        key = (pill, ratio, self._theme.dark)
        picture = self._pills.get(key)
        if picture is None:
            picture = draw_pill(self._theme, pill, ratio)
            self._pills.put(key, picture)
        return picture


def _more(count: int) -> PillText:
    return PillText(f"+{count}")


def pill_font(pill: PillText) -> QFont:
    return ui_font(11, 600 if pill.kind != "neutral" else 500)


def pill_width(pill: PillText) -> int:
    """In logical pixels."""
    return int(QFontMetricsF(pill_font(pill)).horizontalAdvance(pill.text)) + 1 + 2 * _PILL_PADDING


def draw_pill(theme: Theme, pill: PillText, ratio: float) -> QPixmap:
    """A pill's picture at a device pixel ratio."""
    ink, ground = _GROUNDS.get(pill.kind, (pill.kind, f"{pill.kind}_soft"))
    font, width = pill_font(pill), pill_width(pill)
    picture = QPixmap(int(width * ratio), int(PILL_HEIGHT * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(ground))
    painter.drawRoundedRect(QRectF(0, 0, width, PILL_HEIGHT), _PILL_RADIUS, _PILL_RADIUS)
    painter.setPen(QPen(theme.color(ink)))
    painter.setFont(font)
    painter.drawText(QRect(0, 0, width, PILL_HEIGHT), Qt.AlignmentFlag.AlignCenter, pill.text)
    painter.end()
    return picture
