"""Paints whole table rows from caches: one laid out text per text and width, one pixmap per distinct pill.

Pills are pictures of their word on its ground and are dropped when the theme flips; texts have no colour of their
own. Of both only what was painted lately is kept, which is more than a large screen shows.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap

from app.fonts import ui_font
from app.shown_names import one_line
from app.tables.column import Column, PillText
from app.tables.laid_texts import Face, LaidTexts
from app.tables.recent import Recent
from app.theme import Theme
from app.widgets.stars import STARS_WIDTH, stars_picture

CELL_PADDING = 10
PILL_HEIGHT = 20
PILL_GAP = 4
_PILL_PADDING = 6
_PILL_RADIUS = 5
_TEXT_PIXELS, _MONO_PIXELS = 13, 12
_SQUARE, _SQUARE_GAP = 8, 8
# A screen of 3840 by 2160 pixels shows seventy rows of sixteen cells. Of rows that are kept as pictures only what is
# new is painted from texts.
_TEXTS, _TEXTS_OF_PICTURES = 1_200, 300
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
    top: float
    faint: bool = False


Fitted = Sequence[tuple[PillText, int]]
"""Pills, and where each stands in its cell."""


class RowPainter:
    """Shared by the rows of one view; `pictures` of a view that keeps what they look like."""

    def __init__(self, theme: Theme, *, pictures: bool = False) -> None:
        self._theme = theme
        self._texts = LaidTexts(_TEXTS_OF_PICTURES if pictures else _TEXTS)
        self._pills: Recent[tuple[PillText, float, bool], QPixmap] = Recent(_PILLS)
        self._stars: dict[tuple[int, float], QPixmap] = {}
        self._pill_widths: Recent[PillText, int] = Recent(_PILLS)
        self._fitted: Recent[tuple[tuple[PillText, ...], int], Fitted] = Recent(_PILLS)

    def forget(self) -> None:
        """Drops what was drawn in colours that no longer hold."""
        self._pills.clear()
        self._stars.clear()

    def paint(self, painter: QPainter, cells: list[Cell], rows: list[PaintedRow], height: int) -> None:
        """The rows' cells, a column at a time, so that font and colour are set once for each."""
        for cell in cells:
            if cell.column.pills is not None:
                self._paint_pill_cells(painter, cell, rows, height)
            elif cell.column.stars is not None:
                self._paint_star_cells(painter, cell, rows, height)
            else:
                self._paint_texts(painter, cell, rows, height)

    def prepare(self, cells: Sequence[Cell], records: Sequence[Any], ratio: float) -> None:
        """Lays out and draws what these records will show, so that painting them finds it done. `ratio`: device
        pixels for a logical one."""
        for column, _, width in cells:
            room = width - 2 * CELL_PADDING - _before(column)
            if column.pills is not None:
                for record in records:
                    for pill, _ in self._fitting(column.pills(record), room):
                        self._pill(pill, ratio)
            elif column.stars is None:
                for record in records:
                    if text := column.text(record):
                        self._texts.laid(text, _face(column), room, middle=column.elide_middle)

    def _paint_texts(self, painter: QPainter, cell: Cell, rows: list[PaintedRow], height: int) -> None:
        column, texts = cell.column, self._texts
        before = _before(column)
        face, room = _face(column), cell.width - 2 * CELL_PADDING - before
        painter.setFont(texts.font(face))
        inks = self._theme.color(column.tone), self._theme.color("text3")
        inked: bool | None = None
        for record, top, faint in rows:
            if record is None:
                self._placeholder(painter, cell, top, height)
                inked = None
                continue
            text = column.text(record)
            if not text:
                continue
            if faint is not inked:
                painter.setPen(inks[faint])
                inked = faint
            laid = texts.laid(text, face, room, middle=column.elide_middle)
            left = cell.left + (cell.width - CELL_PADDING - laid.width if column.right else CELL_PADDING + before)
            painter.drawStaticText(QPointF(left, top + (height - laid.height) / 2), laid.text)
        if column.slot is not None:
            self._paint_squares(painter, cell, rows, height)

    def _paint_squares(self, painter: QPainter, cell: Cell, rows: list[PaintedRow], height: int) -> None:
        assert cell.column.slot is not None
        painter.setPen(Qt.PenStyle.NoPen)
        for record, top, _faint in rows:
            if record is not None:
                painter.setBrush(self._theme.series_color(cell.column.slot(record)))
                place = QRectF(cell.left + CELL_PADDING, top + (height - _SQUARE) / 2, _SQUARE, _SQUARE)
                painter.drawRoundedRect(place, 2, 2)

    def _paint_pill_cells(self, painter: QPainter, cell: Cell, rows: list[PaintedRow], height: int) -> None:
        assert cell.column.pills is not None
        for record, top, faint in rows:
            if record is None:
                self._placeholder(painter, cell, top, height)
                continue
            pills = cell.column.pills(record)
            if faint:
                pills = tuple(PillText(pill.text) for pill in pills)
            self._paint_pills(painter, cell, pills, top, height)

    def width_of(self, column: Column[Any], rows: Sequence[Any]) -> int:
        """What a column needs to show all of these rows whole, with its padding."""
        widest = 0.0
        metrics = QFontMetricsF(self._texts.font(_face(column)))
        for row in rows:
            if column.pills is not None:
                pills = column.pills(row)
                widest = max(widest, sum(self._width(pill) for pill in pills) + PILL_GAP * max(0, len(pills) - 1))
            elif column.stars is not None:
                widest = max(widest, STARS_WIDTH)
            else:
                widest = max(widest, metrics.horizontalAdvance(one_line(column.text(row))))
        return int(widest) + 1 + 2 * CELL_PADDING + _before(column)

    def _paint_pills(self, painter: QPainter, cell: Cell, pills: Sequence[PillText], top: float, height: int) -> None:
        ratio = painter.device().devicePixelRatioF()
        for pill, left in self._fitting(pills, cell.width - 2 * CELL_PADDING):
            place = QPointF(cell.left + CELL_PADDING + left, top + (height - PILL_HEIGHT) / 2)
            painter.drawPixmap(place, self._pill(pill, ratio))

    def _fitting(self, pills: Sequence[PillText], room: int) -> Fitted:
        key = (tuple(pills), room)
        fitted = self._fitted.get(key)
        if fitted is None:
            fitted = tuple(self._fit(*key))
            self._fitted.put(key, fitted)
        return fitted

    def _fit(self, pills: Sequence[PillText], whole: int) -> Iterator[tuple[PillText, int]]:
        """As many as there is room for, and how many more there are; the first one is cut rather than left out."""
        left = 0
        for number, pill in enumerate(pills):
            more = len(pills) - number - 1
            room = whole - left - (self._width(_more(more)) + PILL_GAP if more else 0)
            fits = self._width(pill) <= room
            shown = pill if fits else _more(more + 1) if number else self._cut(pill, room)
            yield shown, left
            if number and not fits:
                return
            left += self._width(shown) + PILL_GAP

    def _paint_star_cells(self, painter: QPainter, cell: Cell, rows: list[PaintedRow], height: int) -> None:
        assert cell.column.stars is not None
        ratio = painter.device().devicePixelRatioF()
        for record, top, _faint in rows:
            if record is None:
                self._placeholder(painter, cell, top, height)
                continue
            stars = cell.column.stars(record)
            if stars is None:
                continue
            picture = self._stars.get((stars, ratio))
            if picture is None:
                picture = self._stars[stars, ratio] = stars_picture(self._theme, stars, ratio)
            tall = picture.deviceIndependentSize().height()
            painter.drawPixmap(QPointF(cell.left + CELL_PADDING, top + (height - tall) / 2), picture)

    def _width(self, pill: PillText) -> int:
        width = self._pill_widths.get(pill)
        if width is None:
            width = pill_width(pill)
            self._pill_widths.put(pill, width)
        return width

    def _cut(self, pill: PillText, room: int) -> PillText:
        metrics = QFontMetricsF(pill_font(pill))
        text = metrics.elidedText(
            one_line(pill.text), Qt.TextElideMode.ElideRight, max(0, room - 2 * _PILL_PADDING - 1)
        )
        return PillText(text, pill.kind)

    def _placeholder(self, painter: QPainter, cell: Cell, top: float, height: int) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("inset"))
        room = cell.width - 2 * CELL_PADDING
        width = max(12, room * 6 // 10)
        left = cell.left + CELL_PADDING + (room - width if cell.column.right else 0)
        painter.drawRoundedRect(QRectF(left, top + height / 2 - 4, width, 8), 4, 4)

    def _pill(self, pill: PillText, ratio: float) -> QPixmap:
        key = (pill, ratio, self._theme.dark)
        picture = self._pills.get(key)
        if picture is None:
            picture = draw_pill(self._theme, pill, ratio)
            self._pills.put(key, picture)
        return picture


def _face(column: Column[Any]) -> Face:
    return Face(_MONO_PIXELS, 400, True) if column.mono else Face(_TEXT_PIXELS, column.weight)


def _before(column: Column[Any]) -> int:
    """How far the square of a colour moves a column's texts."""
    return 0 if column.slot is None else _SQUARE + _SQUARE_GAP


def _more(count: int) -> PillText:
    return PillText(f"+{count}")


def pill_font(pill: PillText) -> QFont:
    return ui_font(11, 600 if pill.kind != "neutral" else 500)


def pill_width(pill: PillText) -> int:
    """In logical pixels."""
    return int(QFontMetricsF(pill_font(pill)).horizontalAdvance(one_line(pill.text))) + 1 + 2 * _PILL_PADDING


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
    painter.drawText(QRect(0, 0, width, PILL_HEIGHT), Qt.AlignmentFlag.AlignCenter, one_line(pill.text))
    painter.end()
    return picture
