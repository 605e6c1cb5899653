"""The left pane: search, filters and order above, the conversations below, or why there are none."""

from PySide6.QtCore import QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app import formats
from app.context import AppContext
from app.filter_bar import FilterBar
from app.menu_below import open_below
from app.pages.conversations_parts.list_view import ThreadList
from app.query_text import ParsedText
from app.text_label import TextLabel
from app.translation import Words, later, tr
from app.typed_filters import split
from app.widgets import Banner, IconButton, PushButton, SearchField, WidthGrip

WIDTH = 288
# A conversation's words and facts beside each other.
_BESIDE = 770
SEARCH_AFTER_MS = 280
SORTS = Words(
    {
        "newest": later("Newest first"),
        "oldest": later("Oldest first"),
        "cost": later("Costliest first"),
        "duration": later("Longest first"),
        "requests": later("Most calls first"),
    }
)


class ListPane(QWidget):
    """`searched(text)` once typing pauses; `narrowed(ParsedText)` by Return on filters; `sorted(key)`; `cancelled`
    stops a search; `retried` after an error."""

    searched = Signal(str)
    narrowed = Signal(object)
    sorted = Signal(str)
    cancelled = Signal()
    retried = Signal()

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme = context.theme
        self.sort = "newest"
        self.search = SearchField(theme, tr("Search text, model:gpt"), shorter=[tr("Search text")])
        self.search.setObjectName("conversations_search")
        self.sort_button = IconButton(theme, "arrow-down", tr("Order: newest first"))
        self.sort_button.setObjectName("conversations_sort")
        self.filter_bar = FilterBar(context)
        self.list = ThreadList(theme)
        self._progress = self._make_progress()
        self.banner = Banner(theme, "bad", "", tr("Retry"))
        self.banner.setObjectName("conversations_error")
        self.banner.hide()
        self.none = TextLabel(theme, "", tone="text2", wrap=True)
        self.none.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.none.setContentsMargins(16, 32, 16, 0)
        self.none.setObjectName("conversations_none")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.none)
        self._lay_out()
        self._typed = QTimer(self, singleShot=True, interval=SEARCH_AFTER_MS)
        self._typed.timeout.connect(self._submit)
        self.search.textChanged.connect(lambda _text: self._typed.start())
        self.search.returnPressed.connect(self._enter)
        self.sort_button.clicked.connect(self._show_sorts)
        self.banner.action.connect(self.retried)
        theme.changed.connect(self.update)
        preferences = context.shell.preferences
        WidthGrip(theme, self, preferences, "conversations", usual=WIDTH, reserve=_BESIDE, at_left=False)

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.search, 1)
        line.addWidget(self.sort_button)
        above = QVBoxLayout()
        above.setContentsMargins(12, 12, 12, 10)
        above.setSpacing(8)
        above.addLayout(line)
        above.addWidget(self.filter_bar)
        above.addWidget(self._progress)
        above.addWidget(self.banner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(0)
        column.addLayout(above)
        column.addWidget(self.stack, 1)

    def _make_progress(self) -> QWidget:
        made = QWidget()
        made.setObjectName("conversations_searching")
        row = QHBoxLayout(made)
        row.setContentsMargins(4, 0, 0, 0)
        self.progress_words = TextLabel(self._theme, tr("Searching …"), px=12, tone="text2")
        self.cancel_button = PushButton(self._theme, tr("Cancel"), kind="ghost")
        self.cancel_button.setObjectName("conversations_cancel")
        self.cancel_button.clicked.connect(self.cancelled)
        row.addWidget(self.progress_words, 1)
        row.addWidget(self.cancel_button)
        made.hide()
        return made

    def show_searching(self, on: bool) -> None:
        self.progress_words.setText(tr("Searching …"))
        self._progress.setVisible(on)

    def show_progress(self, done: int, of: int) -> None:
        """Messages that were looked at."""
        self.progress_words.setText(
            tr("Searched {done} of {of}").format(done=formats.count(done), of=formats.count(of))
        )

    def show_none(self, text: str) -> None:
        """Words instead of the list; "" shows the list."""
        self.none.setText(text)
        self.stack.setCurrentWidget(self.none if text else self.list)

    def _submit(self) -> None:
        """What is searched for; a filter is typed until Return is pressed."""
        self._typed.stop()
        self.searched.emit(split(self.search.text())[1])

    def _enter(self) -> None:
        parsed, words = split(self.search.text())
        if parsed != ParsedText():
            self.search.setText(words)
            self.narrowed.emit(parsed)
        self._submit()

    def _show_sorts(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        group = QActionGroup(menu)
        for key, words in SORTS.items():
            action = QAction(words, menu)
            action.setCheckable(True)
            action.setChecked(key == self.sort)
            action.triggered.connect(lambda _checked=False, key=key: self.set_sort(key))
            group.addAction(action)
            menu.addAction(action)
        open_below(menu, self.sort_button)

    def set_sort(self, key: str) -> None:
        """Raises KeyError for an order that is none."""
        words = tr("Order: {order}").format(order=SORTS[key].lower())
        if key != self.sort:
            self.sort = key
            self.sort_button.setToolTip(words)
            self.sort_button.setAccessibleName(words)
            self.sorted.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
            self._submit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("sidebar"))
        painter.fillRect(QRectF(self.width() - 1, 0, 1, self.height()), self._theme.color("border"))
