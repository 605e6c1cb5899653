"""A box to choose from, with its arrow and its list in the theme's looks.

A stylesheet could only take an arrow from a file, and leaves the rows of a list to the style.
"""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QCompleter,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import icons
from app.fonts import ui_font
from app.shown_names import one_line
from app.theme import Theme

_ICON = 16
_ROW = 30
_PADDING = 12
_RADIUS = 5


class ChoiceDelegate(QStyledItemDelegate):
    """The rows of a list that drops down, as those of menus are, their text below the field's. `chosen()` is the row
    that has a tick."""

    def __init__(self, theme: Theme, parent: QWidget, chosen: Callable[[], int] = lambda: -1) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chosen = chosen

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        font = ui_font(13)
        words = QFontMetrics(font).horizontalAdvance(one_line(str(index.data() or "")))
        return QSize(words + 2 * _PADDING + 1, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        font = ui_font(13)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("hover"))
            painter.drawRoundedRect(rect.adjusted(3, 1, -3, -1), _RADIUS, _RADIUS)
        room = rect.adjusted(_PADDING, 0, -_PADDING, 0)
        if index.row() == self._chosen():
            place = QRect(room.right() - _ICON + 1, room.center().y() - _ICON // 2 + 1, _ICON, _ICON)
            ratio = painter.device().devicePixelRatio()
            painter.drawPixmap(place, icons.pixmap("check", self._theme.color("accent"), _ICON, ratio))
            room.setRight(place.left() - 4)
        painter.setFont(font)
        painter.setPen(self._theme.color("text"))
        words = QFontMetrics(font).elidedText(
            one_line(str(index.data() or "")), Qt.TextElideMode.ElideMiddle, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()


def dress_completions(completer: QCompleter, theme: Theme) -> None:
    """What is offered below a field looks as the list of a box does. A popup that is set later is not dressed."""
    popup = completer.popup()
    assert popup is not None
    popup.setStyle(theme.field_style)
    popup.setItemDelegate(ChoiceDelegate(theme, popup))


class ComboBox(QComboBox):
    """Needs an accessible name."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFont(ui_font(13))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(name)
        for part in (self, self.view(), self.view().window()):
            part.setStyle(theme.field_style)
        self.setItemDelegate(ChoiceDelegate(theme, self, self.currentIndex))
        theme.changed.connect(self._follow_theme)

    def _follow_theme(self) -> None:
        # With a flip Qt gives the list the colours of a menu that still has the rules of before.
        self.view().window().setPalette(QApplication.palette())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        tone = "text3" if self.isEnabled() else "border_strong"
        picture = icons.pixmap("chevron-down", self._theme.color(tone), _ICON, self.devicePixelRatioF())
        place = QRect(self.width() - _ICON - 9, (self.height() - _ICON) // 2, _ICON, _ICON)
        QPainter(self).drawPixmap(place, picture)
