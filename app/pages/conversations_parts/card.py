"""One block laid out at a width: its head, and its pieces, of which only those in sight are made.

A piece that was not made yet has an estimated height, or the one it had when it was last seen. `ensure` makes those
between two heights of the card, as far as its time goes.
"""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from app import icons
from app.fonts import mono_font, ui_font
from app.pages.conversations_parts.block import FOLDED, KINDS, Block, can_fold, pieces_of
from app.pages.conversations_parts.drawn import Drawn, Pictures, Spot, TextDrawn, TreeDrawn, draw, estimate
from app.parts.piece import Code, Note, Picture, Piece, Plain, Tree
from app.theme import Theme
from app.widgets.painting import rounded_box

RADIUS = 9.0
SIDE = 14.0
HEAD = 36.0
DIVIDER = 34.0
FOOT_TOP = 0.0
FOOT_BOTTOM = 8.0
_BOTTOM = 13.0
_GAP = 8.0
_ARROW = 22.0
_KEPT_AT_MOST = 80
_KEPT_WITHIN = 3_000.0
_CENTER = Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


class Place(NamedTuple):
    """A text position: a piece by number, and a position in its document."""

    entry: int
    position: int


class _Entry:
    def __init__(self, piece: Piece, height: float) -> None:
        self.piece = piece
        self.height = height
        self.top = 0.0
        self.drawn: Drawn | None = None


class Card:
    """`heights` are those of its pieces, to be handed to the next card of the same block. `pieces` where they were
    made elsewhere. `made` counts how often one of them was made."""

    def __init__(
        self,
        theme: Theme,
        block: Block,
        shown: str,
        width: float,
        pictures: Pictures,
        known: Sequence[float] | None = None,
        pieces: Sequence[Piece] | None = None,
    ) -> None:
        self._theme = theme
        self._pictures = pictures
        self.block = block
        self.shown = shown
        self.width = width
        self.kind = KINDS[block.kind]
        self.folds = can_fold(block)
        self.found = ""
        self.live_right = ""
        self.made = 0
        if pieces is None:
            pieces = [] if block.kind == "divider" else pieces_of(block, shown)
        heights = known if known is not None and len(known) == len(pieces) else None
        self._entries = [
            _Entry(piece, heights[number] if heights else estimate(piece, self.inner))
            for number, piece in enumerate(pieces)
        ]
        self.height = 0.0
        self._place()

    @property
    def inner(self) -> float:
        """The width that pieces have."""
        return max(60.0, self.width - 2 * SIDE)

    @property
    def heights(self) -> list[float]:
        return [entry.height for entry in self._entries]

    def take_over(self, before: "Card") -> None:
        """Pieces that say the same as those of the card before stay as they are drawn: of an answer that grows, only
        its end is laid out anew."""
        if (before.width, before.found) != (self.width, self.found):
            return
        for mine, theirs in zip(self._entries, before._entries, strict=False):
            if theirs.drawn is not None and mine.piece == theirs.piece:
                mine.drawn, mine.height = theirs.drawn, theirs.height
        self._place()

    def _place(self) -> None:
        if self.block.kind == "divider":
            self.height = DIVIDER
            return
        y = HEAD if self.kind.card else FOOT_TOP
        before: Piece | None = None
        for entry in self._entries:
            if before is not None:
                y += _gap(before, entry.piece)
            entry.top = y
            y += entry.height
            before = entry.piece
        below = _BOTTOM if self.kind.card else FOOT_BOTTOM
        self.height = float(round(y + (below if self._entries else 2.0)))

    def ensure(self, top: float, bottom: float, deadline: float) -> tuple[bool, float]:
        """Makes what lies between two heights; whether all of it is made, and the top of what was made first."""
        complete, first = True, math.inf
        for entry in self._entries:
            if entry.top > bottom:
                break
            if entry.drawn is None and entry.top + entry.height >= top:
                if time.perf_counter() > deadline:
                    complete = False
                    break
                first = min(first, entry.top)
                self._make(entry)
                self._place()
        if sum(entry.drawn is not None for entry in self._entries) > _KEPT_AT_MOST:
            self._let_go(top - _KEPT_WITHIN, bottom + _KEPT_WITHIN)
        return complete, first

    def _make(self, entry: _Entry) -> None:
        drawn = draw(self._theme, entry.piece, self._pictures)
        drawn.lay_out(self.inner)
        if self.found and isinstance(drawn, TextDrawn):
            drawn.find(self.found)
        entry.drawn, entry.height = drawn, drawn.height
        self.made += 1

    def _let_go(self, top: float, bottom: float) -> None:
        for entry in self._entries:
            # A tree that was opened here and there would close.
            outside = entry.top + entry.height < top or entry.top > bottom
            if outside and not isinstance(entry.drawn, TreeDrawn):
                entry.drawn = None

    def lay_out_again(self) -> None:
        """What is drawn has changed: a picture has come, a tree was opened."""
        for entry in self._entries:
            if entry.drawn is not None:
                entry.drawn.lay_out(self.inner)
                entry.height = entry.drawn.height
        self._place()

    def toggle_tree(self, entry: int, line: int) -> None:
        drawn = self._entries[entry].drawn
        if isinstance(drawn, TreeDrawn):
            drawn.toggle(line)
            self.lay_out_again()

    def find(self, words: str) -> None:
        self.found = words
        for entry in self._entries:
            if isinstance(entry.drawn, TextDrawn):
                entry.drawn.find(words)

    def entry_with(self, words: str) -> int | None:
        """The first piece that holds the words, given in lower case."""
        return next((n for n, entry in enumerate(self._entries) if words in piece_text(entry.piece).casefold()), None)

    def match_below(self, entry: int) -> float:
        """How far below its piece's top the first marked match stands."""
        drawn = self._entries[entry].drawn
        if not isinstance(drawn, TextDrawn) or not drawn.found:
            return 0.0
        block = drawn.document.findBlock(drawn.found[0][0])
        return drawn.document.documentLayout().blockBoundingRect(block).top()

    def anchor(self, top: float) -> int | None:
        """The first made piece that begins below a height of the card."""
        return next((n for n, e in enumerate(self._entries) if e.drawn is not None and e.top >= top), None)

    def top_of(self, entry: int) -> float:
        return self._entries[entry].top if entry < len(self._entries) else 0.0

    # where things are

    def entry_at(self, point: QPointF) -> int | None:
        for number, entry in enumerate(self._entries):
            if entry.top <= point.y() < entry.top + entry.height:
                return number
        return None

    def spot(self, point: QPointF) -> tuple[Spot, int] | None:
        """What can be pressed at a point of the card, and the piece that it belongs to (-1 for the head)."""
        if self.block.siblings:
            for box, step in self._arrows():
                if box.contains(point):
                    return Spot("way", step), -1
        if self.kind.card and point.y() < HEAD:
            return (Spot("fold", None), -1) if self.folds else None
        number = self.entry_at(point)
        drawn = self._entries[number].drawn if number is not None else None
        if number is None or drawn is None:
            return None
        found = drawn.spot(point - QPointF(SIDE, self._entries[number].top), self.inner)
        return (found, number) if found is not None else None

    def place(self, point: QPointF) -> Place | None:
        """The text position nearest to a point."""
        nearest: tuple[float, int] | None = None
        for number, entry in enumerate(self._entries):
            if entry.drawn is None or entry.drawn.document is None:
                continue
            away = max(entry.top - point.y(), point.y() - entry.top - entry.height, 0.0)
            if nearest is None or away < nearest[0]:
                nearest = (away, number)
        if nearest is None:
            return None
        entry = self._entries[nearest[1]]
        assert entry.drawn is not None
        at = entry.drawn.position(point - QPointF(SIDE, entry.top))
        return None if at is None else Place(nearest[1], at)

    def word_at(self, place: Place) -> tuple[Place, Place]:
        from PySide6.QtGui import QTextCursor

        drawn = self._entries[place.entry].drawn
        if drawn is None or drawn.document is None:
            return place, place
        cursor = QTextCursor(drawn.document)
        cursor.setPosition(place.position)
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return Place(place.entry, cursor.selectionStart()), Place(place.entry, cursor.selectionEnd())

    def selected(self, first: Place, last: Place) -> str:
        """The text between two places, a line for each piece."""
        texts = []
        for number in range(first.entry, last.entry + 1):
            entry = self._entries[number]
            drawn = entry.drawn
            if drawn is None:
                drawn = draw(self._theme, entry.piece, self._pictures)
            span = _marked(number, first, last, drawn)
            texts.append(drawn.text(span) if span is not None else drawn.text())
        return "\n".join(texts)

    def _arrows(self) -> list[tuple[QRectF, int]]:
        words = QFontMetrics(ui_font(12, 500)).horizontalAdvance(self.block.title)
        middle, y = self.width / 2, (DIVIDER - _ARROW) / 2
        half = words / 2 + 8
        return [
            (QRectF(middle - half - _ARROW, y, _ARROW, _ARROW), -1),
            (QRectF(middle + half, y, _ARROW, _ARROW), 1),
        ]

    # painting

    def paint(
        self,
        painter: QPainter,
        seen: QRectF,
        *,
        current: bool,
        marked: tuple[Place, Place] | None,
        hot: int | None,
    ) -> None:
        """At (0, 0); `seen` is the part of the card that is in sight."""
        if self.block.kind == "divider":
            self._paint_divider(painter)
            return
        theme = self._theme
        if self.kind.card:
            ground = "inset" if self.block.kind in ("system", "tools", "context") else "surface"
            line = theme.color("accent" if current else "border")
            rounded_box(painter, QRectF(0, 0, self.width, self.height), RADIUS, theme.color(ground), line)
            if seen.top() < HEAD:
                self._paint_head(painter)
        for number, entry in enumerate(self._entries):
            if entry.top > seen.bottom() or entry.top + entry.height < seen.top():
                continue
            if entry.drawn is None:
                self._paint_missing(painter, entry)
                continue
            span = None if marked is None else _marked(number, *marked, entry.drawn)
            painter.save()
            painter.translate(SIDE, entry.top)
            inside = seen.translated(-SIDE, -entry.top)
            entry.drawn.paint(painter, self.inner, inside, span, hot == number)
            painter.restore()

    def _paint_head(self, painter: QPainter) -> None:
        theme, block = self._theme, self.block
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(
            QPointF(SIDE, 11), icons.pixmap(self.kind.icon, tone_color(theme, self.kind.tone), 16, ratio)
        )
        right = self.width - SIDE
        if self.folds:
            name = "chevron-right" if self.shown == FOLDED else "chevron-down"
            painter.drawPixmap(QPointF(right - 16, 11), icons.pixmap(name, theme.color("text3"), 16, ratio))
            right -= 24
        words = self.live_right or block.right
        small = ui_font(12)
        advance = QFontMetrics(small).horizontalAdvance(words)
        painter.setFont(small)
        painter.setPen(theme.color("text3"))
        painter.drawText(QRectF(right - advance - 1, 8, advance + 2, 22), _RIGHT, words)
        x, bold = SIDE + 24, ui_font(12, 600)
        painter.setFont(bold)
        painter.setPen(theme.color("bad" if block.kind == "error" else "text"))
        painter.drawText(QRectF(x, 8, 260, 22), _CENTER, block.title)
        if block.detail:
            x += QFontMetrics(bold).horizontalAdvance(block.title) + 8
            mono = mono_font(12, 500)
            room = int(right - advance - 12 - x)
            detail = QFontMetrics(mono).elidedText(block.detail, Qt.TextElideMode.ElideRight, room)
            painter.setFont(mono)
            painter.setPen(theme.color("text"))
            painter.drawText(QRectF(x, 8, max(0, room), 22), _CENTER, detail)

    def _paint_missing(self, painter: QPainter, entry: _Entry) -> None:
        """Where there was no time yet: a few lines in place of words."""
        painter.setPen(QPen(QColor(0, 0, 0, 0)))
        painter.setBrush(self._theme.color("hover"))
        y = entry.top + 5
        while y + 8 < entry.top + min(entry.height, 400):
            painter.drawRoundedRect(QRectF(SIDE, y, self.inner * 0.8, 8), 4, 4)
            y += 22

    def _paint_divider(self, painter: QPainter) -> None:
        theme, font = self._theme, ui_font(12, 500)
        words = QFontMetrics(font).elidedText(self.block.title, Qt.TextElideMode.ElideMiddle, int(self.width) - 120)
        advance = QFontMetrics(font).horizontalAdvance(words)
        middle, y = self.width / 2, DIVIDER / 2
        room = advance / 2 + (8 + _ARROW + 6 if self.block.siblings else 12)
        line = theme.color("border_strong")
        painter.fillRect(QRectF(0, round(y), max(0.0, middle - room), 1), line)
        painter.fillRect(QRectF(middle + room, round(y), max(0.0, middle - room), 1), line)
        painter.setFont(font)
        painter.setPen(theme.color("text2"))
        painter.drawText(QRectF(0, 0, self.width, DIVIDER), Qt.AlignmentFlag.AlignCenter, words)
        if self.block.siblings:
            ratio = painter.device().devicePixelRatioF()
            for (box, _), name in zip(self._arrows(), ("chevron-left", "chevron-right"), strict=True):
                rounded_box(painter, box, 6, theme.color("surface"), theme.color("border_strong"))
                picture = icons.pixmap(name, theme.color("text2"), 14, ratio)
                painter.drawPixmap(QPointF(box.center().x() - 7, box.center().y() - 7), picture)


def tone_color(theme: Theme, tone: str) -> QColor:
    """A token's colour, or that of a series by its place."""
    return theme.series_color(int(tone)) if tone.isdigit() else theme.color(tone)


def piece_text(piece: Piece) -> str:
    """What a piece says."""
    if isinstance(piece, Tree):
        return piece.source
    return piece.label if isinstance(piece, Picture) else piece.text


def _gap(before: Piece, after: Piece) -> float:
    if isinstance(before, Code) and isinstance(after, Code) and not after.first:
        return 0.0
    if isinstance(before, Plain) and isinstance(after, Plain) and before.bar and after.bar:
        return 0.0
    return 4.0 if isinstance(after, Note) else _GAP


def _marked(number: int, first: Place, last: Place, drawn: Drawn) -> tuple[int, int] | None:
    if not first.entry <= number <= last.entry or drawn.document is None:
        return None
    start = first.position if number == first.entry else 0
    end = last.position if number == last.entry else drawn.document.characterCount() - 1
    return (start, end)
