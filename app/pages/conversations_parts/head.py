"""Above the thread: its title, which can be changed in place, its tags and sums, and what can be done with it."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from app import formats
from app.focus import keep_focus
from app.fonts import ui_font
from app.menu_below import open_below
from app.pages.conversations_parts import turn_words
from app.pages.conversations_parts.blocks_view import MARGINS
from app.pages.conversations_parts.list_view import title_of
from app.shown_names import telling_first
from app.theme import Theme
from app.translation import later, tr
from app.widgets import ElidedLabel, IconButton, Pill, PushButton, SegmentedControl
from gateway import ThreadRow, Turn

# Of a focus that goes to a menu or to another window.
_COMES_BACK = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
ACTIONS = (
    ("replay", later("Replay the chosen call in Compare")),
    ("requests", later("Show its requests")),
    ("", ""),
    ("copy_markdown", later("Copy as Markdown")),
    ("copy_json", later("Copy as JSON")),
    ("copy_curl", later("Copy the chosen call as curl")),
    ("", ""),
    ("export_markdown", later("Export as Markdown…")),
    ("export_json", later("Export as JSON…")),
    ("export_csv", later("Export its calls as CSV…")),
    ("", ""),
    ("rename", later("Rename")),
    ("delete", later("Delete…")),
)


# The title needs the room of more words in less than so many logical pixels.
_ROOMY = 600
_REPLAY, _REPLAY_ROOMY = later("Replay"), later("Replay in Compare")


class TagLine(QWidget):
    """Tags side by side, as many as there is room for; all of them are in the tooltip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pills: list[Pill] = []
        self.setFixedHeight(20)
        self.setObjectName("conversation_tags")

    @property
    def words(self) -> list[str]:
        return [pill.text() for pill in self._pills]

    def show_words(self, words: Sequence[str], also: str) -> None:
        """`also` stands first in the tooltip."""
        self.setToolTip("\n".join((also, *words)))
        self.setAccessibleName(", ".join(words))
        if self.words == list(words):
            return
        for pill in self._pills:
            pill.hide()
            pill.deleteLater()
        self._pills = [Pill(self._theme, text, parent=self) for text in words]
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        x = 0
        for pill in self._pills:
            width = pill.sizeHint().width()
            pill.setGeometry(x, 0, width, 20)
            pill.setVisible(x + width <= self.width())
            x += width + 6


class ThreadHead(QWidget):
    """`renamed(title)`; `acted(name)` of `ACTIONS`; `requests_asked`: its rows; `replay_asked`: to ask other models;
    `pane_chosen(key)` when narrow."""

    renamed = Signal(str)
    acted = Signal(str)
    requests_asked = Signal()
    replay_asked = Signal()
    pane_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._id, self._renaming = "", False
        self._keyboard_at: QWidget | None = None
        self.title = ElidedLabel(theme, "")
        self.title.setFont(ui_font(16, 600))
        self.title.setObjectName("conversation_title")
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.edit = QLineEdit()
        self.edit.setObjectName("conversation_rename")
        self.edit.setAccessibleName(tr("Title of the conversation"))
        self.edit.setMaxLength(200)
        self.edit.installEventFilter(self)
        self.edit.returnPressed.connect(self._rename)
        self._titles = QStackedWidget()
        self._titles.addWidget(self.title)
        self._titles.addWidget(self.edit)
        self._titles.setFixedHeight(34)
        self.rename_button = IconButton(theme, "pencil", tr("Rename (F2)"))
        self.rename_button.clicked.connect(self.start_renaming)
        self.panes = SegmentedControl(theme, (("thread", tr("Thread")), ("inspector", tr("Cost and times"))))
        self.panes.setObjectName("conversation_panes")
        self.panes.changed.connect(self.pane_chosen)
        # The title needs the room that words here would take.
        self.requests_button = IconButton(theme, "list", tr("This conversation's rows on the Requests page"))
        self.requests_button.setObjectName("conversation_requests")
        self.requests_button.clicked.connect(self.requests_asked)
        self.replay_button = PushButton(theme, tr(_REPLAY), "columns-2")
        self.replay_button.setObjectName("conversation_replay")
        self.replay_button.setToolTip(tr("Ask other models the chosen call, side by side, in Compare"))
        self.replay_button.clicked.connect(self.replay_asked)
        self.menu_button = IconButton(theme, "ellipsis", tr("More: copy, export, rename, delete"))
        self.menu_button.setObjectName("conversation_menu")
        self.menu_button.clicked.connect(self.show_menu)
        self.totals = ElidedLabel(theme, "", tone="text2")
        self.totals.setFont(ui_font(12, 500))
        self.totals.setObjectName("conversation_totals")
        self.totals.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.totals.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self._tags = TagLine(theme)
        self._lay_out()
        self.set_narrow(False)

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(4)
        first.addWidget(self._titles, 1)
        first.addWidget(self.rename_button)
        first.addSpacing(6)
        for widget in (self.panes, self.replay_button, self.requests_button, self.menu_button):
            first.addWidget(widget)
        second = QHBoxLayout()
        second.setSpacing(12)
        second.addWidget(self._tags, 1)
        second.addWidget(self.totals)
        column = QVBoxLayout(self)
        # As wide as the cards of the thread below.
        left, _, right = MARGINS
        column.setContentsMargins(left, 12, right, 10)
        column.setSpacing(8)
        column.addLayout(first)
        column.addLayout(second)

    def set_narrow(self, narrow: bool) -> None:
        """Whether the inspector is a tab of the thread."""
        self.panes.setVisible(narrow)
        self.requests_button.setVisible(not narrow)
        self.replay_button.setVisible(not narrow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.replay_button.setText(tr(_REPLAY_ROOMY if self.width() >= _ROOMY else _REPLAY))

    def show_thread(self, row: ThreadRow, turns: Sequence[Turn]) -> None:
        if row.id != self._id:
            # One that has grown leaves the title alone that is being typed.
            self._id = row.id
            self._end_renaming()
        self.title.setText(title_of(row))
        words = turn_words.totals(row, turns)
        self.totals.setText(words)
        self.totals.setAccessibleName(words)
        self._show_tags(row)

    def _show_tags(self, row: ThreadRow) -> None:
        words = [tag.replace(":", ": ", 1) for tag in telling_first(row.tags)]
        words += [tr("user: {name}").format(name=row.user)] if row.user else []
        words += [tr("app: {name}").format(name=row.app)] if row.app else []
        words += [tr("session: {id}").format(id=id) for id in row.sessions]
        if "gateway" not in row.sources:
            words.append(tr("from telemetry"))
        self._tags.show_words(words, tr("Began {time}").format(time=formats.clock(row.started_us)))

    def start_renaming(self) -> None:
        self._renaming = True
        self._keyboard_at = self.window().focusWidget()
        self.edit.setText(self.title.text())
        self._titles.setCurrentWidget(self.edit)
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)
        self.edit.selectAll()

    def _end_renaming(self) -> None:
        self._renaming = False
        had_keyboard = self.edit.hasFocus()
        self._titles.setCurrentWidget(self.title)
        if had_keyboard:
            keep_focus(self.window(), self._keyboard_at)
        self._keyboard_at = None

    def _rename(self) -> None:
        text = self.edit.text().strip()
        self._end_renaming()
        if text and text != self.title.text():
            self.title.setText(text)
            self.renamed.emit(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.edit and self._renaming:
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                if event.key() == Qt.Key.Key_Escape:
                    self._end_renaming()
                    return True
            elif isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() not in _COMES_BACK:
                self._rename()
        return super().eventFilter(watched, event)

    def show_menu(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("conversation_actions")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name, words in ACTIONS:
            if name:
                menu.addAction(tr(words)).triggered.connect(lambda _checked=False, name=name: self.acted.emit(name))
            else:
                menu.addSeparator()
        open_below(menu, self.menu_button)
