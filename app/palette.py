"""The palette behind Ctrl+K: one field, and below it everything whose name holds what is typed.

It knows nothing of pages or gateways: it is given commands, and runs the one that is chosen.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from msgspec import Struct
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHideEvent, QKeyEvent, QPainter
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
from app.translation import tr
from app.widgets import SearchField

_ROW = 34
_LEAST_ROWS, _MAX_ROWS = 3, 11
# More than anyone reads through; typing finds the others.
_MOST = 60
_WIDTH = 560
_FROM_TOP, _MARGIN = 92, 16
_EDGE, _GAP, _FRAME = 9, 8, 2
_TEXT, _CHOSEN, _KIND = Face(13), Face(13, 500), Face(12)
_COMMAND_ROLE = Qt.ItemDataRole.UserRole


class Command(Struct, frozen=True, kw_only=True):
    """`kind` is said at the right ("Page", "Ctrl+B"); `icon` is a Lucide name; `words` find it and are not shown."""

    text: str
    kind: str
    icon: str
    act: Callable[[], object]
    words: str = ""


class Names(NamedTuple):
    """Thousands of one kind: a command is made only of what is shown, by `make` from the place of its text.
    `compared` are the texts as they are looked for."""

    texts: Sequence[str] = ()
    compared: Sequence[str] = ()
    make: Callable[[int], Command] | None = None

    @classmethod
    def of(cls, texts: Sequence[str], make: Callable[[int], Command]) -> "Names":
        return cls(texts, [f" {text.casefold()}" for text in texts], make)


NO_NAMES = Names()


def found(commands: Iterable[Command], typed: str, names: Names = NO_NAMES) -> list[Command]:
    """Those that hold every word typed: first what begins with it all, then what has a word that does, shown or not,
    then what holds it within its words, then those that hold its words apart, and last where they are not shown.
    In each of these, `names` come last."""
    whole = typed.casefold().strip()
    words = whole.split()
    ranked: list[tuple[int, Command]] = []
    for command in commands:
        text = command.text.casefold()
        more = f"{text} {command.words.casefold()}"
        if all(word in more for word in words):
            at_a_word = f" {whole}" in f" {more}"
            shown = all(word in text for word in words)
            ranks = (text.startswith(whole), at_a_word, whole in text, shown, True)
            ranked.append((ranks.index(True), command))
    places = _ranked_places(names.compared, whole, words)
    if names.make is not None:
        ranked += [(rank, names.make(place)) for rank, place in places[:_MOST]]
    ranked.sort(key=lambda row: row[0])
    return [command for _, command in ranked[:_MOST]]


def _ranked_places(compared: Sequence[str], whole: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Each letter that is typed goes through all of them, in one turn of the loop that the gateway shares."""
    at_a_word, apart = f" {whole}", len(words) > 1
    ranks: tuple[list[int], ...] = ([], [], [], [])
    for place, text in enumerate(compared):
        if whole in text:
            ranks[0 if text.startswith(at_a_word) else 1 if at_a_word in text else 2].append(place)
        elif apart and all(word in text for word in words):
            ranks[3].append(place)
    return [(rank, place) for rank, places in enumerate(ranks) for place in islice(places, _MOST)]


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
        self._names = NO_NAMES
        self._rows = _MAX_ROWS
        self.setObjectName("palette")
        self.setAccessibleName(tr("Find anything"))
        self.setFixedWidth(_WIDTH)
        self.search = SearchField(theme, tr("Page, action, model, conversation, or filter: tag:value"))
        self.search.setObjectName("palette_search")
        self.search.setAccessibleName(tr("Find anything"))
        self.list = QListWidget(self)
        self.list.setObjectName("palette_list")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setMouseTracking(True)
        self.list.setItemDelegate(CommandDelegate(theme, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(tr("What was found"))
        self.hint = QLabel(tr("Nothing by that name."), self)
        self.hint.setFont(ui_font(13))
        self.hint.setContentsMargins(10, 8, 10, 10)
        column = QVBoxLayout(self)
        column.setContentsMargins(_EDGE, _EDGE, _EDGE, _EDGE)
        column.setSpacing(_GAP)
        for widget in (self.search, self.list, self.hint):
            column.addWidget(widget)
        self.search.textChanged.connect(lambda _text: self._show(self._found()))
        self.list.itemClicked.connect(self._run)

    def open_over(self, window: QWidget, commands: Sequence[Command]) -> None:
        """Empty, in the upper middle of a window, and no higher than there is room in it."""
        around = 2 * _EDGE + self.search.sizeHint().height() + _GAP + _FRAME
        fitting = (window.height() - _FROM_TOP - _MARGIN - around) // _ROW
        self._rows = min(max(fitting, _LEAST_ROWS), _MAX_ROWS)
        self.search.clear()
        self._commands = tuple(commands)
        self._show(self._found())
        self.move(window.mapToGlobal(QPoint((window.width() - _WIDTH) // 2, _FROM_TOP)))
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def add(self, commands: Sequence[Command], names: Names = NO_NAMES) -> None:
        """More of them, after the others; `names` take the place of those before. What a person went to stays chosen,
        though better ones come before it."""
        row = self.list.currentRow()
        chosen = self.list.item(row).data(_COMMAND_ROLE) if row > 0 else None
        self._commands += tuple(commands)
        self._names = names
        shown = self._found()
        places = (place for place, command in enumerate(shown) if command is chosen)
        self._show(shown, next(places, row))

    def commands(self) -> list[Command]:
        """Those on show."""
        return [self.list.item(row).data(_COMMAND_ROLE) for row in range(self.list.count())]

    def _found(self) -> list[Command]:
        return found(self._commands, self.search.text(), self._names)

    def _show(self, shown: Sequence[Command], row: int = 0) -> None:
        self.list.clear()
        for command in shown:
            item = QListWidgetItem(self.list)
            item.setData(_COMMAND_ROLE, command)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{command.text}, {command.kind}")
        if shown:
            self.list.setCurrentRow(min(max(row, 0), len(shown) - 1))
        self.list.setFixedHeight(min(len(shown), self._rows) * _ROW + _FRAME)
        self.list.setVisible(bool(shown))
        self.hint.setVisible(not shown)
        self.adjustSize()

    def _run(self, item: QListWidgetItem) -> None:
        command: Command = item.data(_COMMAND_ROLE)
        self.close()
        command.act()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        # Thousands of tags are several megabytes.
        self._commands, self._names = (), NO_NAMES

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count, row = self.list.count(), self.list.currentRow()
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: self._rows - 1,
            Qt.Key.Key_PageUp: 1 - self._rows,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is not None and count:
            self.list.setCurrentRow((row + step) % count if abs(step) == 1 else min(max(row + step, 0), count - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and (item := self.list.currentItem()) is not None:
            self._run(item)
        else:
            super().keyPressEvent(event)
