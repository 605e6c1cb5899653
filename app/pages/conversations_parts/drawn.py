"""Pieces as they are drawn: each knows its height at a width, paints itself, and what lies at a point.

A drawn piece stands at (0, 0) of its own place; coordinates are logical pixels. What can be pressed answers with a
`Spot`. Text can be selected by positions in its document.
"""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QFontMetrics,
    QImage,
    QPainter,
    QPalette,
    QPen,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)

from app import icons
from app.fonts import ui_font
from app.pages.conversations_parts import documents
from app.parts.json_lines import closed_at_first, json_lines
from app.parts.piece import Code, More, Note, Picture, Piece, Plain, Prose, Token, Tree
from app.theme import Theme
from app.widgets.painting import rounded_box

PAD = 10
_ICON = 14
_COPY = 22
_TREE_GUTTER = 16
PICTURE_SIDE, PICTURE_HEIGHT = 640, 360

Pictures = Callable[[Picture], QImage | str | None]
"""The decoded picture, words for why there is none, or None while it is being decoded."""


class Spot(NamedTuple):
    """`kind`: copy, link, more, tree, picture. `value` is what it acts on."""

    kind: str
    value: object


class Drawn:
    """A piece at a width. `text` is what selecting copies."""

    height: float = 0.0
    document: QTextDocument | None = None

    def lay_out(self, width: float) -> None:
        raise NotImplementedError

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        raise NotImplementedError

    def spot(self, point: QPointF, width: float) -> Spot | None:
        return None

    def position(self, point: QPointF) -> int | None:
        """The text position at a point, None where there is no text."""
        return None

    def text(self, marked: tuple[int, int] | None = None) -> str:
        """The piece's text, or what lies between two positions of it."""
        if self.document is None:
            return ""
        if marked is None:
            return self.document.toPlainText()
        cursor = QTextCursor(self.document)
        cursor.setPosition(marked[0])
        cursor.setPosition(min(marked[1], self.document.characterCount() - 1), QTextCursor.MoveMode.KeepAnchor)
        return cursor.selection().toPlainText()


class TextDrawn(Drawn):
    """A document with room around it, on a ground or behind a coloured bar."""

    left = top = bottom = right = 0.0

    def __init__(self, theme: Theme, document: QTextDocument, tone: str) -> None:
        self._theme = theme
        self._tone = tone
        self.document: QTextDocument = document
        self.found: tuple[tuple[int, int], ...] = ()

    def lay_out(self, width: float) -> None:
        self.document.setTextWidth(max(40.0, width - self.left - self.right))
        self.height = self.document.size().height() + self.top + self.bottom

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        self._ground(painter, width)
        context = QAbstractTextDocumentLayout.PaintContext()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Text, self._theme.color(self._tone))
        context.palette = palette
        context.clip = seen.translated(-self.left, -self.top)
        painted: list[tuple[tuple[int, int], str, str | None]] = [(span, "tint", None) for span in self.found]
        if marked is not None:
            painted.append((marked, "accent", "on_accent"))
        context.selections = [self._selection(*each) for each in painted]
        painter.save()
        painter.translate(self.left, self.top)
        self.document.documentLayout().draw(painter, context)
        painter.restore()

    def _ground(self, painter: QPainter, width: float) -> None:
        return

    def _selection(
        self, span: tuple[int, int], ground: str, ink: str | None
    ) -> QAbstractTextDocumentLayout.Selection:
        made = QAbstractTextDocumentLayout.Selection()
        cursor = QTextCursor(self.document)
        last = self.document.characterCount() - 1
        cursor.setPosition(min(span[0], last))
        cursor.setPosition(min(span[1], last), QTextCursor.MoveMode.KeepAnchor)
        made.cursor = cursor
        form = QTextCharFormat()
        form.setBackground(self._theme.color(ground))
        if ink is not None:
            form.setForeground(self._theme.color(ink))
        made.format = form
        return made

    def position(self, point: QPointF) -> int | None:
        inside = point - QPointF(self.left, self.top)
        return max(0, self.document.documentLayout().hitTest(inside, Qt.HitTestAccuracy.FuzzyHit))

    def spot(self, point: QPointF, width: float) -> Spot | None:
        anchor = self.document.documentLayout().anchorAt(point - QPointF(self.left, self.top))
        return Spot("link", anchor) if anchor else None

    def find(self, words: str) -> None:
        """Marks where the words stand, in any case."""
        found: list[tuple[int, int]] = []
        if words:
            cursor = self.document.find(words)
            while not cursor.isNull() and len(found) < 200:
                found.append((cursor.selectionStart(), cursor.selectionEnd()))
                cursor = self.document.find(words, cursor)
        self.found = tuple(found)


class PlainDrawn(TextDrawn):
    def __init__(self, theme: Theme, piece: Plain) -> None:
        super().__init__(theme, documents.plain(piece.text, px=piece.px, mono=piece.mono), piece.tone)
        self._bar = piece.bar
        self.left = 12.0 if piece.bar else 0.0

    def _ground(self, painter: QPainter, width: float) -> None:
        if self._bar:
            painter.fillRect(QRectF(0, 0, 2, self.height), self._theme.series_color(3))


class CodeDrawn(TextDrawn):
    """Slices of one code share a ground: only the first and the last have round corners and room."""

    def __init__(self, theme: Theme, piece: Code) -> None:
        super().__init__(theme, documents.code(theme, piece.text, piece.language), piece.tone)
        self._piece = piece
        self.left = self.right = PAD + 2
        self.top = PAD - 2 if piece.first else 0.0
        self.bottom = PAD - 2 if piece.last else 0.0

    def _ground(self, painter: QPainter, width: float) -> None:
        box = QRectF(0, 0, width, self.height)
        # Beyond the clip where the ground goes on, so that no line is drawn there.
        box.adjust(0, 0 if self._piece.first else -10, 0, 0 if self._piece.last else 10)
        painter.save()
        painter.setClipRect(QRectF(0, 0, width, self.height), Qt.ClipOperation.IntersectClip)
        rounded_box(painter, box, 6, self._theme.color("inset"), self._theme.color("border"))
        painter.restore()

    def _copy_box(self, width: float) -> QRectF:
        return QRectF(width - _COPY - 5, 5, _COPY, _COPY)

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        super().paint(painter, width, seen, marked, hot)
        if self._piece.whole is None:
            return
        box = self._copy_box(width)
        if hot:
            rounded_box(painter, box, 5, self._theme.color("surface"), self._theme.color("border_strong"))
            _icon(painter, self._theme, "copy", "text2", box.center())
        elif self._piece.language and "\n" in self._piece.text:
            _language_name(painter, self._theme, self._piece.language, box)

    def spot(self, point: QPointF, width: float) -> Spot | None:
        if self._piece.whole is not None and self._copy_box(width).contains(point):
            return Spot("copy", self._piece.whole)
        return None


class TreeDrawn(TextDrawn):
    """Lines with an arrow where something can be closed. Closing makes the document anew."""

    def __init__(self, theme: Theme, piece: Tree) -> None:
        self._piece = piece
        self._closed = set(closed_at_first(piece.value))
        self._lines = json_lines(piece.value, self._closed)
        super().__init__(theme, documents.json_tree(theme, self._lines), "text")
        self.left = PAD + _TREE_GUTTER
        self.right = PAD + 2
        self.top = self.bottom = PAD - 2

    def toggle(self, line: int) -> None:
        path = self._lines[line].path
        if path is None:
            return
        self._closed ^= {path}
        self._lines = json_lines(self._piece.value, self._closed)
        self.document = documents.json_tree(self._theme, self._lines)
        self.found = ()

    def _ground(self, painter: QPainter, width: float) -> None:
        theme = self._theme
        box = QRectF(0, 0, width, self.height)
        rounded_box(painter, box, 6, theme.color("inset"), theme.color("border"))

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        super().paint(painter, width, seen, marked, hot)
        layout = self.document.documentLayout()
        block = self.document.firstBlock()
        for line in self._lines:
            if not block.isValid():
                break
            if line.path is not None:
                box = layout.blockBoundingRect(block).translated(0, self.top)
                if box.intersects(seen):
                    name = "chevron-right" if line.closed else "chevron-down"
                    x = PAD - 2 + _TREE_GUTTER / 2
                    _icon(painter, self._theme, name, "text3", QPointF(x, box.top() + 8), 12)
            block = block.next()
        if hot:
            box = QRectF(width - _COPY - 5, 5, _COPY, _COPY)
            rounded_box(painter, box, 5, self._theme.color("surface"), self._theme.color("border_strong"))
            _icon(painter, self._theme, "copy", "text2", box.center())

    def spot(self, point: QPointF, width: float) -> Spot | None:
        if QRectF(width - _COPY - 5, 5, _COPY, _COPY).contains(point):
            return Spot("copy", self._piece.source)
        place = self.position(point)
        if place is None or point.x() > self.left + 8:
            return None
        line = self.document.findBlock(place).blockNumber()
        return Spot("tree", line) if self._lines[line].path is not None else None


class NoteDrawn(TextDrawn):
    def __init__(self, theme: Theme, piece: Note) -> None:
        super().__init__(theme, documents.plain(piece.text, px=12), piece.tone)
        self._piece = piece
        self.left = 20.0 if piece.icon else 0.0

    def _ground(self, painter: QPainter, width: float) -> None:
        if self._piece.icon:
            _icon(painter, self._theme, self._piece.icon, self._piece.tone, QPointF(7, 9))


class MoreDrawn(Drawn):
    height = 22.0

    def __init__(self, theme: Theme, piece: More) -> None:
        self._theme = theme
        self._piece = piece

    def lay_out(self, width: float) -> None:
        return

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        painter.setFont(ui_font(12, 500))
        painter.setPen(self._theme.color("accent"))
        box = QRectF(0, 0, width, self.height)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._piece.text)

    def spot(self, point: QPointF, width: float) -> Spot | None:
        words = QFontMetrics(ui_font(12, 500)).horizontalAdvance(self._piece.text)
        return Spot("more", None) if point.x() <= words + 8 else None


class TokenDrawn(Drawn):
    height = 28.0

    def __init__(self, theme: Theme, piece: Token) -> None:
        self._theme = theme
        self.piece = piece

    def lay_out(self, width: float) -> None:
        return

    def text(self, marked: tuple[int, int] | None = None) -> str:
        return self.piece.text

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        theme, font = self._theme, ui_font(12, 500)
        metrics = QFontMetrics(font)
        words = metrics.elidedText(self.piece.text, Qt.TextElideMode.ElideMiddle, int(width) - 44)
        box = QRectF(0, 1, metrics.horizontalAdvance(words) + 38, 26)
        rounded_box(painter, box, 7, theme.color("inset"), theme.color("border"))
        _icon(painter, theme, self.piece.icon, "text2", QPointF(16, 14))
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        painter.drawText(box.adjusted(28, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)

    def spot(self, point: QPointF, width: float) -> Spot | None:
        return Spot("token", self.piece.detail) if self.piece.detail else None


class PictureDrawn(Drawn):
    """A frame of a usual size until the picture is there."""

    def __init__(self, theme: Theme, piece: Picture, pictures: Pictures) -> None:
        self._theme = theme
        self.piece = piece
        self._pictures = pictures
        self._shown = QSizeF()

    def lay_out(self, width: float) -> None:
        found = self._pictures(self.piece)
        if isinstance(found, QImage):
            size = QSizeF(found.size()) / found.devicePixelRatio()
            factor = min(1.0, width / size.width(), PICTURE_HEIGHT / size.height())
            self._shown = size * factor
        else:
            self._shown = QSizeF(min(width, 320.0), 28.0 if isinstance(found, str) else 180.0)
        self.height = self._shown.height() + 20

    def paint(self, painter: QPainter, width: float, seen: QRectF, marked: tuple[int, int] | None, hot: bool) -> None:
        theme, found = self._theme, self._pictures(self.piece)
        box = QRectF(QPointF(0, 0), self._shown)
        if isinstance(found, QImage):
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, found)
            painter.setPen(QPen(theme.color("border"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        else:
            rounded_box(painter, box, 6, theme.color("inset"), theme.color("border"))
            _icon(painter, theme, "eye-off" if isinstance(found, str) else "clock", "text3", box.center())
        painter.setFont(ui_font(11))
        painter.setPen(theme.color("text3"))
        words = f"{self.piece.label} · {found}" if isinstance(found, str) else self.piece.label
        line = QRectF(0, box.bottom() + 2, width, 18)
        words = QFontMetrics(ui_font(11)).elidedText(words, Qt.TextElideMode.ElideMiddle, int(width))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)

    def text(self, marked: tuple[int, int] | None = None) -> str:
        return f"[{self.piece.label}]"


def draw(theme: Theme, piece: Piece, pictures: Pictures) -> Drawn:
    """A piece made ready; `lay_out` gives it its height."""
    match piece:
        case Prose():
            return TextDrawn(theme, documents.prose(theme, piece.text), "text")
        case Plain():
            return PlainDrawn(theme, piece)
        case Code():
            return CodeDrawn(theme, piece)
        case Tree():
            return TreeDrawn(theme, piece)
        case Picture():
            return PictureDrawn(theme, piece, pictures)
        case Token():
            return TokenDrawn(theme, piece)
        case Note():
            return NoteDrawn(theme, piece)
        case More():
            return MoreDrawn(theme, piece)


def estimate(piece: Piece, width: float) -> float:
    """A height before anything is laid out; close where the text is long, for then it matters."""
    match piece:
        case Picture():
            return 200.0
        case Token() | More():
            return 28.0
        case Note():
            return 18.0 * (1 + int(len(piece.text) * 6.2 / max(80.0, width)))
        case Tree():
            return 18.0 * min(40, 2 + piece.source.count(","))
    mono = isinstance(piece, Code) or (isinstance(piece, Plain) and piece.mono)
    line, character = (19.0, 7.2) if mono else (22.0, 6.4)
    return text_height(len(piece.text), piece.text.count("\n"), width, line, character)


def text_height(characters: int, breaks: int, width: float, line: float, character: float) -> float:
    return line * (1 + max(breaks, int(characters * character / max(80.0, width) + breaks * 0.4)))


def _icon(painter: QPainter, theme: Theme, name: str, tone: str, center: QPointF, size: int = _ICON) -> None:
    ratio = painter.device().devicePixelRatioF()
    picture = icons.pixmap(name, theme.color(tone), size, ratio)
    painter.drawPixmap(QRectF(center.x() - size / 2, center.y() - size / 2, size, size).topLeft(), picture)


def _language_name(painter: QPainter, theme: Theme, name: str, box: QRectF) -> None:
    painter.setFont(ui_font(11))
    painter.setPen(theme.color("text3"))
    room = QRectF(box.right() - 100, box.top(), 98, box.height())
    painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name[:16])
