"""The inspector's first card: what the conversation costs, what caching saved, and what the cost is made of."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import formats, sources
from app.fonts import ui_font
from app.pages.conversations_parts.card import tone_color
from app.pages.conversations_parts.costs import CostLine, CostSplit
from app.theme import Theme
from app.translation import counted, later, tr
from app.widgets.painting import rounded_box, smooth_painter

_PAD = 16
_ROW = 20
_BAR = 8
_TOP = 78
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CostCard(QWidget):
    """Painted whole; its words are its accessible description too."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.split = CostSplit()
        # For how many parts it has room.
        self._rows = 0
        self.setObjectName("conversation_cost")
        self.setAccessibleName(tr("Cost of this conversation"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self._describe()

    @property
    def total(self) -> str:
        return sources.marked_money(self.split.total_nano, self.split.marked)

    @property
    def aside(self) -> tuple[str, str]:
        """(words, tone) beside the total."""
        if self.split.unpriced:
            count = self.split.unpriced
            return counted(count, later("1 call without a price"), later("{count} calls without a price")), "warn"
        if self.split.saved_nano:
            return tr("saved {cost} by caching").format(cost=formats.money(self.split.saved_nano)), "ok"
        return "", "ok"

    def amount(self, line: CostLine) -> str:
        """A line's cost, with as many decimals as the others'."""
        return sources.marked_money(line.nano, line.marked, self._places)

    def show_split(self, split: CostSplit, *, parts_follow: bool = False) -> None:
        """`parts_follow`: they are not known yet, and have the room of those before: what is below moves once."""
        rows = self._rows if parts_follow else len(split.lines)
        if split == self.split and rows == self._rows:
            return
        self.split = split
        self._describe()
        if rows != self._rows:
            self._rows = rows
            self.updateGeometry()
        self.update()

    def _describe(self) -> None:
        split = self.split
        amounts = [line.nano for line in split.lines]
        # Beside a total of a few cents its small parts would else be "<$0.001".
        self._places = formats.adding_places(amounts, least=formats.money_places(max(amounts, default=0)))
        lines = [f"{line.name} {self.amount(line)}" for line in split.lines]
        self.setAccessibleDescription(", ".join(filter(None, (self.total, self.aside[0], *lines))))
        self.setToolTip(tr(sources.DEFINITION) if split.marked else "")

    def sizeHint(self) -> QSize:
        parts = _BAR + 8 + self._rows * _ROW if self._rows else 0
        return QSize(240, _TOP + parts + 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = smooth_painter(self), self._theme
        rounded_box(painter, QRectF(self.rect()), 10, theme.color("surface"), theme.color("border"))
        inner = QRectF(self.rect()).adjusted(_PAD, 12, -_PAD, -12)
        painter.setFont(ui_font(12, 500))
        painter.setPen(theme.color("text2"))
        painter.drawText(QRectF(inner.left(), inner.top(), inner.width(), 18), _LEFT, tr("Cost of this conversation"))
        painter.setFont(ui_font(26, 600))
        painter.setPen(theme.color("text"))
        painter.drawText(QRectF(inner.left(), inner.top() + 20, inner.width(), 36), _LEFT, self.total)
        words, tone = self.aside
        painter.setFont(ui_font(12, 500))
        painter.setPen(theme.color(tone))
        painter.drawText(QRectF(inner.left(), inner.top() + 32, inner.width(), 20), _RIGHT, words)
        if self.split.lines:
            self._paint_bar(painter, QRectF(inner.left(), _TOP, inner.width(), _BAR))
            for number, line in enumerate(self.split.lines):
                top = _TOP + _BAR + 8 + number * _ROW
                self._paint_line(painter, QRectF(inner.left(), top, inner.width(), _ROW), line)

    def _paint_bar(self, painter: QPainter, box: QRectF) -> None:
        whole = sum(line.nano for line in self.split.lines)
        if not whole:
            return
        path = QPainterPath()
        path.addRoundedRect(box, 4, 4)
        painter.save()
        painter.setClipPath(path)
        x = box.left()
        for line in self.split.lines:
            width = box.width() * line.nano / whole
            painter.fillRect(QRectF(x, box.top(), max(0.0, width - 1.5), box.height()), self._color(line))
            x += width
        painter.restore()

    def _paint_line(self, painter: QPainter, box: QRectF, line: CostLine) -> None:
        theme = self._theme
        rounded_box(painter, QRectF(box.left(), box.center().y() - 4, 8, 8), 2, self._color(line))
        painter.setFont(ui_font(12))
        painter.setPen(theme.color("text2"))
        painter.drawText(box.adjusted(16, 0, 0, 0), _LEFT, line.name)
        if line.tokens is not None:
            painter.setPen(theme.color("text3"))
            words = sources.marked(formats.count(line.tokens), line.marked)
            painter.drawText(box.adjusted(0, 0, -88, 0), _RIGHT, words)
        bold = ui_font(12, 600)
        painter.setFont(bold)
        painter.setPen(theme.color("text"))
        words = self.amount(line)
        room = QFontMetrics(bold).horizontalAdvance(words) + 2
        painter.drawText(QRectF(box.right() - room, box.top(), room, box.height()), _RIGHT, words)

    def _color(self, line: CostLine) -> QColor:
        return tone_color(self._theme, line.tone)
