"""A table's header: titles stand as their cells do, a sort arrow where a column is sorted, one line below."""

from typing import Any

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QHeaderView, QWidget

from app import icons
from app.fonts import ui_font
from app.tables.model import RowModel
from app.tables.painter import CELL_PADDING
from app.theme import Theme

HEIGHT = 34
_ARROW = 12


class TableHeader(QHeaderView):
    """Sections can be dragged into another order; only columns that say so take a click to sort."""

    def __init__(self, theme: Theme, model: RowModel[Any], parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._columns = model.columns
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
        return QFontMetrics(ui_font(12, 600)).horizontalAdvance(self._columns[section].title) + 2 * CELL_PADDING + 2

    def show_arrow(self, section: int, descending: bool) -> None:
        self._arrow = (section, descending)
        self.viewport().update()

    @property
    def arrow(self) -> tuple[int, bool] | None:
        """The sorted section and whether it is turned, where one is."""
        return self._arrow

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        column = self._columns[section]
        painter.fillRect(rect, self._theme.color("surface"))
        painter.setFont(ui_font(12, 600))
        painter.setPen(self._theme.color("text2"))
        inner = rect.adjusted(CELL_PADDING, 0, -CELL_PADDING, 0)
        side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
        title = painter.fontMetrics().elidedText(column.title, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter, title)
        if self._arrow is not None and self._arrow[0] == section:
            self._paint_arrow(painter, inner, painter.fontMetrics().horizontalAdvance(title), column.right)
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, self._theme.color("border"))

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        # The style fills what lies behind the last section with a ground of its own.
        rest = self.viewport().rect().adjusted(max(0, self.length() - self.offset()), 0, 0, 0)
        painter = QPainter(self.viewport())
        painter.fillRect(rest, self._theme.color("surface"))
        painter.fillRect(rest.left(), rest.bottom(), rest.width(), 1, self._theme.color("border"))

    def _paint_arrow(self, painter: QPainter, inner: QRect, title_width: int, right: bool) -> None:
        assert self._arrow is not None
        name = "arrow-down" if self._arrow[1] else "arrow-up"
        left = inner.right() - title_width - _ARROW - 2 if right else inner.left() + title_width + 4
        picture = icons.pixmap(name, self._theme.color("text2"), _ARROW, self.devicePixelRatioF())
        painter.drawPixmap(left, inner.center().y() - _ARROW // 2 + 1, picture)
