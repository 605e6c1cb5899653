"""A table's header: titles stand as their cells do, a sort arrow where a column is sorted, one line below."""

from typing import Any

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from app import icons
from app.tables.laid_texts import Face, LaidTexts
from app.tables.model import RowModel
from app.tables.painter import CELL_PADDING
from app.theme import Theme

HEIGHT = 28
# A card keeps its tables clear of its round corners: titles stand in the middle of that room and the header's.
_LIFT = 4
_ARROW = 12
_TITLE = Face(12, 600)
# Of every column, at the widths between which one is dragged.
_TEXTS = 60


class TableHeader(QHeaderView):
    """Sections can be dragged into another order; only columns that say so take a click to sort."""

    def __init__(self, theme: Theme, model: RowModel[Any], parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._columns = model.columns
        self._texts = LaidTexts(_TEXTS)
        self._arrow: tuple[int, bool] | None = None
        self.setSectionsMovable(True)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(48)
        self.setFixedHeight(HEIGHT)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEIGHT)

    def title_width(self, section: int) -> int:
        """What a column's title takes, with its padding."""
        return (
            QFontMetrics(self._texts.font(_TITLE)).horizontalAdvance(self._columns[section].title)
            + 2 * CELL_PADDING
            + 2
        )

    def show_arrow(self, section: int, descending: bool) -> None:
        self._arrow = (section, descending)
        self.viewport().update()

    @property
    def arrow(self) -> tuple[int, bool] | None:
        """The sorted section and whether it is turned, where one is."""
        return self._arrow

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """What is dragged along with the pointer."""
        self._paint_ground(painter, rect)
        self._paint_title(painter, rect, section)

    def paintEvent(self, event: QPaintEvent) -> None:
        """All sections at once: the style would prepare for each, and fill what lies behind the last one with a
        ground of its own."""
        area, bounds = event.rect(), self.viewport().rect()
        painter = QPainter(self.viewport())
        self._paint_ground(painter, bounds)
        for section in range(self.count()):
            if not self.isSectionHidden(section):
                left, width = self.sectionViewportPosition(section), self.sectionSize(section)
                if left <= area.right() and left + width > area.left():
                    self._paint_title(painter, QRect(left, 0, width, bounds.height()), section)
        painter.end()

    def _paint_ground(self, painter: QPainter, rect: QRect) -> None:
        painter.fillRect(rect, self._theme.color("surface"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, self._theme.color("border"))

    def _paint_title(self, painter: QPainter, rect: QRect, section: int) -> None:
        column = self._columns[section]
        inner = rect.adjusted(CELL_PADDING, 0, -CELL_PADDING, 0)
        laid = self._texts.laid(column.title, _TITLE, inner.width())
        left = inner.left() + (inner.width() - laid.width if column.right else 0)
        painter.setFont(self._texts.font(_TITLE))
        painter.setPen(self._theme.color("text2"))
        painter.drawStaticText(QPointF(left, inner.top() + (inner.height() - laid.height) / 2 - _LIFT), laid.text)
        if self._arrow is not None and self._arrow[0] == section:
            self._paint_arrow(painter, inner, round(laid.width), column.right)

    def _paint_arrow(self, painter: QPainter, inner: QRect, title_width: int, right: bool) -> None:
        assert self._arrow is not None
        name = "arrow-down" if self._arrow[1] else "arrow-up"
        left = inner.right() - title_width - _ARROW - 2 if right else inner.left() + title_width + 4
        picture = icons.pixmap(name, self._theme.color("text2"), _ARROW, self.devicePixelRatioF())
        painter.drawPixmap(left, inner.center().y() - _ARROW // 2 + 1 - _LIFT, picture)
