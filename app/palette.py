"""The palette behind Ctrl+K: one field, and below it everything whose name holds what is typed.

It knows nothing of pages or gateways: it is given commands, and runs the one that is chosen.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app import icons
from app.fonts import ui_font
from app.popover import Popover
from app.tables.laid_texts import Face, Laid, LaidTexts
from app.theme import Theme
from app.widgets import SearchField

_ROW = 34
_MAX_ROWS = 11
# More than anyone reads through; typing finds the others.
_MOST = 60
_WIDTH = 560
_FROM_TOP = 92
_TEXT, _CHOSEN, _KIND = Face(13), Face(13, 500), Face(12)
_COMMAND_ROLE = Qt.ItemDataRole.UserRole


class Command(Struct, frozen=True, kw_only=True):
    """`kind` is said at the right ("Page", "Ctrl+B"); `icon` is a Lucide name."""

    text: str
    kind: str
    icon: str
    act: Callable[[], object]


def found(commands: Iterable[Command], typed: str) -> list[Command]:
    """Those that hold every word typed: first what begins with it all, then what holds it as one, then others."""
    whole = typed.casefold().strip()
    words = whole.split()
    ranked: list[tuple[int, int, Command]] = []
    for number, command in enumerate(commands):
        text = command.text.casefold()
        if all(word in text for word in words):
            rank = 0 if text.startswith(whole) else 1 if whole in text else 2
            ranked.append((rank, number, command))
    ranked.sort(key=lambda row: row[:2])
    return [command for _, _, command in ranked[:_MOST]]


class CommandDelegate(QStyledItemDelegate):
    """Icon, text, kind."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._texts = LaidTexts(2 * _MOST)
        self._heights = {face: QFontMetricsF(face.font()).height() for face in (_TEXT, _CHOSEN, _KIND)}

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(_WIDTH - 20, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        command: Command = index.data(_COMMAND_ROLE)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent_soft" if chosen else "hover"))
            painter.drawRoundedRect(rect, 7, 7)
        ink = self._theme.color("accent" if chosen else "text2")
        picture = icons.pixmap(command.icon, ink, 16, painter.device().devicePixelRatio())
        painter.drawPixmap(QRect(rect.left() + 10, rect.top() + (_ROW - 16) // 2, 16, 16), picture)
        kind, face = self._texts.laid(command.kind, _KIND), _CHOSEN if chosen else _TEXT
        self._write(painter, rect, rect.right() + 1 - 12 - kind.width, kind, _KIND, "text3")
        room = rect.width() - 36 - math.ceil(kind.width) - 28
        self._write(
            painter, rect, rect.left() + 36, self._texts.laid(command.text, face, room, middle=True), face, "text"
        )
        painter.restore()

    def _write(self, painter: QPainter, row: QRect, left: float, laid: Laid, face: Face, ink: str) -> None:
        painter.setFont(self._texts.font(face))
        painter.setPen(self._theme.color(ink))
        usual = self._heights[face]
        # With characters that the font lacks a text is higher.
        height = laid.height if laid.height > math.ceil(usual) else usual
        painter.drawStaticText(QPointF(left, row.top() + (_ROW - height) / 2), laid.text)


class Palette(Popover):
    """`open_over(window, commands)`, then `add` what takes a moment to be known."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._commands: tuple[Command, ...] = ()
        self.setObjectName("palette")
        self.setAccessibleName(self.tr("Find anything"))
        self.setFixedWidth(_WIDTH)
        self.search = SearchField(theme, self.tr("Page, action, model, conversation, or filter: tag:value"))
        self.search.setObjectName("palette_search")
        self.search.setAccessibleName(self.tr("Find anything"))
        self.list = QListWidget(self)
        self.list.setObjectName("palette_list")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setMouseTracking(True)
        self.list.setItemDelegate(CommandDelegate(theme, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(self.tr("What was found"))
        self.hint = QLabel(self.tr("Nothing by that name."), self)
        self.hint.setFont(ui_font(13))
        self.hint.setContentsMargins(10, 8, 10, 10)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 9, 9, 9)
        column.setSpacing(8)
        for widget in (self.search, self.list, self.hint):
            column.addWidget(widget)
        self.search.textChanged.connect(lambda _text: self._fill())
        self.list.itemClicked.connect(self._run)

    def open_over(self, window: QWidget, commands: Sequence[Command]) -> None:
        """Empty, in the upper middle of a window."""
        self.search.clear()
        self._commands = tuple(commands)
        self._fill()
        self.move(window.mapToGlobal(QPoint((window.width() - _WIDTH) // 2, _FROM_TOP)))
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def add(self, commands: Sequence[Command]) -> None:
        """More of them, after the others. What a person went to stays chosen, though better ones come before it."""
        row = self.list.currentRow()
        chosen = self.list.item(row).data(_COMMAND_ROLE) if row > 0 else None
        self._commands += tuple(commands)
        places = (place for place, command in enumerate(self._found()) if command is chosen)
        self._fill(next(places, row))

    def commands(self) -> list[Command]:
        """Those on show."""
        return [self.list.item(row).data(_COMMAND_ROLE) for row in range(self.list.count())]

    def _found(self) -> list[Command]:
        return found(self._commands, self.search.text())

    def _fill(self, row: int = 0) -> None:
        shown = self._found()
        self.list.clear()
        for command in shown:
            item = QListWidgetItem(self.list)
            item.setData(_COMMAND_ROLE, command)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{command.text}, {command.kind}")
        if shown:
            self.list.setCurrentRow(min(max(row, 0), len(shown) - 1))
        self.list.setFixedHeight(min(len(shown), _MAX_ROWS) * _ROW + 2)
        self.list.setVisible(bool(shown))
        self.hint.setVisible(not shown)
        self.adjustSize()

    def _run(self, item: QListWidgetItem) -> None:
        command: Command = item.data(_COMMAND_ROLE)
        self.close()
        command.act()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count, row = self.list.count(), self.list.currentRow()
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: _MAX_ROWS - 1,
            Qt.Key.Key_PageUp: 1 - _MAX_ROWS,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is not None and count:
            self.list.setCurrentRow((row + step) % count if abs(step) == 1 else min(max(row + step, 0), count - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and (item := self.list.currentItem()) is not None:
            self._run(item)
        else:
            super().keyPressEvent(event)
