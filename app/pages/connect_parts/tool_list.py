"""The tools under their categories, with a field that finds among them; a tick stands at those that are connected."""

from collections.abc import Collection

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app import icons
from app.pages.connect_parts.tools import CATEGORIES, TOOLS, Tool, found
from app.tables.laid_texts import Face, LaidTexts
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, SearchField
from app.widgets.painting import focus_ring, rounded_box

WIDTH = 300
_ROW, _HEADING = QSize(WIDTH - 40, 34), QSize(WIDTH - 40, 30)
_TOOL_FACE, _HEADING_FACE = Face(13, 500), Face(11, 500)
# A title's room, with a tick behind it.
BEFORE, BEHIND = 36, 30
# The list follows each letter; another tool is shown when the word stands.
CHOSEN_AFTER_MS = 80
_TOOL = Qt.ItemDataRole.UserRole
_DONE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


class _Painter(QStyledItemDelegate):
    """Its texts are laid out once: with each letter that is typed the whole list is painted anew."""

    def __init__(self, theme: Theme, view: QListWidget) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view
        self._texts = LaidTexts(2 * len(TOOLS))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        place: QRect = option.rect
        text, tool = str(index.data(Qt.ItemDataRole.DisplayRole)), index.data(_TOOL)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(place, self._theme.color("surface"))
        if tool is None:
            self._write(painter, text, _HEADING_FACE, place.adjusted(10, 0, -8, -4), "text3", down=1.0)
        else:
            self._paint_tool(painter, place, option.state, tool.icon, text, done=bool(index.data(_DONE)))
        painter.restore()

    def _paint_tool(
        self, painter: QPainter, place: QRect, state: QStyle.StateFlag, icon: str, text: str, *, done: bool
    ) -> None:
        theme = self._theme
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        box = QRectF(place).adjusted(1, 1, -1, -1)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            rounded_box(painter, box, 7, theme.color("accent_soft" if chosen else "hover"))
        ratio = self._view.devicePixelRatioF()
        middle = place.top() + (place.height() - 16) // 2
        glyph = theme.color("accent" if chosen else "text2")
        painter.drawPixmap(place.left() + 10, middle, icons.pixmap(icon, glyph, 16, ratio))
        if done:
            mark = icons.pixmap("circle-check", theme.color("ok"), 16, ratio)
            painter.drawPixmap(place.right() - 24, middle, mark)
        inner = place.adjusted(BEFORE, 0, -BEHIND if done else -8, 0)
        self._write(painter, text, _TOOL_FACE, inner, "accent" if chosen else "text", down=0.5)
        if chosen and self._view.hasFocus():
            focus_ring(painter, box, 7, theme.color("accent"))

    def _write(self, painter: QPainter, text: str, face: Face, room: QRect, ink: str, *, down: float) -> None:
        """`down`: how far from the top of its room to the bottom, from 0 to 1."""
        font = self._texts.font(face)
        painter.setFont(font)
        painter.setPen(self._theme.color(ink))
        top = room.top() + (room.height() - QFontMetricsF(font).height()) * down
        painter.drawStaticText(QPointF(room.left(), top), self._texts.laid(text, face, room.width()).text)


class ToolList(Card):
    """`chosen(key)` when another tool is the current one: at once, or a moment after what was typed left it out."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setFixedWidth(WIDTH)
        self._done: frozenset[str] = frozenset()
        self.search = SearchField(theme, tr("Find a tool"))
        self.search.setObjectName("connect_search")
        self.view = QListWidget()
        self.view.setObjectName("connect_tools")
        self.view.setAccessibleName(tr("Tools"))
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setMouseTracking(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.view.setItemDelegate(_Painter(theme, self.view))
        self.nothing = TextLabel(
            theme, tr("No tool of that name. Anything that speaks OpenAI, Anthropic or Gemini works."),
            tone="text2", wrap=True,
        )  # fmt: skip
        self.nothing.setObjectName("connect_no_tool")
        # In line with the list's headings.
        self.nothing.setContentsMargins(10, 6, 10, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(6)
        column.addWidget(self.search)
        column.addWidget(self.nothing)
        column.addWidget(self.view, 1)
        self._typed = QTimer(self, singleShot=True, interval=CHOSEN_AFTER_MS)
        self._typed.timeout.connect(self._choose_first)
        self.search.textChanged.connect(lambda _text: self._fill())
        self.search.returnPressed.connect(self._enter)
        self.view.currentItemChanged.connect(self._on_current)
        theme.changed.connect(self.view.viewport().update)
        self._current = ""
        self._fill()

    @property
    def current(self) -> str:
        return self._current

    def keys(self) -> list[str]:
        """The tools in the list, top down."""
        rows = [self.view.item(number).data(_TOOL) for number in range(self.view.count())]
        return [tool.key for tool in rows if tool]

    def choose(self, key: str) -> None:
        """Make a tool the current one, if the list has it."""
        for number in range(self.view.count()):
            tool = self.view.item(number).data(_TOOL)
            if tool and tool.key == key:
                self.view.setCurrentRow(number)

    def mark_done(self, keys: Collection[str]) -> None:
        """Those that are connected."""
        if self._done == frozenset(keys):
            return
        self._done = frozenset(keys)
        for number in range(self.view.count()):
            item = self.view.item(number)
            if tool := item.data(_TOOL):
                self._tell(item, tool)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
        else:
            super().keyPressEvent(event)

    def _fill(self) -> None:
        tools = found(self.search.text())
        self.view.blockSignals(True)
        self.view.clear()
        for category in CATEGORIES:
            members = [tool for tool in tools if tool.category == category]
            if members:
                heading = QListWidgetItem(tr(category), self.view)
                heading.setFlags(Qt.ItemFlag.NoItemFlags)
                heading.setSizeHint(_HEADING)
            for tool in members:
                item = QListWidgetItem(tool.title, self.view)
                item.setSizeHint(_ROW)
                item.setData(_TOOL, tool)
                self._tell(item, tool)
        self.view.blockSignals(False)
        self.nothing.setVisible(not tools)
        self.choose(self._current)
        self._typed.start()

    def _choose_first(self) -> None:
        """Unless one of those in the list is chosen."""
        if self.view.currentItem() is None and (keys := self.keys()):
            self.choose(keys[0])

    def _enter(self) -> None:
        self._choose_first()
        self.view.setFocus()

    def _tell(self, item: QListWidgetItem, tool: Tool) -> None:
        done = tool.key in self._done
        item.setData(_DONE, done)
        words = tr("{tool}, connected").format(tool=tool.title) if done else tool.title
        item.setData(Qt.ItemDataRole.AccessibleTextRole, words)

    def _on_current(self, item: QListWidgetItem | None) -> None:
        tool = item.data(_TOOL) if item is not None else None
        if tool and tool.key != self._current:
            self._current = tool.key
            self.chosen.emit(tool.key)
