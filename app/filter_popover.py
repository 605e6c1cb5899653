"""The popover behind "Add filter": a tag key or a dimension, then its values with how many requests each has.

Values are what the current range holds, counted without the filters, so that an alternative to a chosen value can be
found. Choosing acts at once; the popover stays open for more.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
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
from app.filter_words import DIMENSION_NAMES, NameValue, tag_key, tag_value
from app.fonts import ui_font
from app.formats import count
from app.popover import Popover
from app.shown_names import one_line
from app.theme import Theme
from app.translation import counted, later, tr
from app.widgets import IconButton, SearchField, SegmentedControl
from gateway import Breakdown, BreakdownRow

TAG = "tag"
_ROW = 30
_FIND_KEY, _FIND_VALUE = later("Find a key"), later("Find a value")
_NOTHING = later("Nothing by that name in this range.")
_NOT_AMONG_MOST = later("Nothing by that name among the most used: try a shorter range.")
_MAX_ROWS = 9
_MOST_VALUES = 300
_WIDTH = 288
_ENTRY_ROLE = Qt.ItemDataRole.UserRole


class Entry(Struct, frozen=True, kw_only=True):
    """A row: a key to open (`value` None) or a value to choose. `subject` is a dimension, or `tag:KEY`."""

    subject: str
    text: str
    value: str | None = None
    requests: int | None = None
    chosen: bool = False


def key_entries(tags: Breakdown) -> tuple[Entry, ...]:
    """Every tag key, then every dimension."""
    keys = dict.fromkeys(tag_key(row.value) for row in tags.rows if row.value is not None)
    dimensions = [Entry(subject=dimension, text=name) for dimension, name in DIMENSION_NAMES.items()]
    return (*(Entry(subject=f"{TAG}:{key}", text=key) for key in sorted(keys)), *dimensions)


def tag_entries(tags: Breakdown, key: str, chosen: Sequence[str]) -> tuple[Entry, ...]:
    """A tag key's values, most used first; chosen ones that have no request are kept at the end."""
    rows = [row for row in tags.rows if row.value is not None and tag_key(row.value) == key]
    return _entries(f"{TAG}:{key}", rows, chosen, lambda value: tag_value(value) or tr("any value"))


def value_entries(dimension: str, breakdown: Breakdown, chosen: Sequence[str], name: NameValue) -> tuple[Entry, ...]:
    """A dimension's values by their names, most used first; chosen ones that have no request are kept at the end."""
    return _entries(dimension, breakdown.rows, chosen, partial(name, dimension))


def _entries(
    subject: str, rows: Iterable[BreakdownRow], chosen: Sequence[str], text: Callable[[str], str]
) -> tuple[Entry, ...]:
    counts = {row.value: row.summary.requests for row in rows if row.value is not None}
    values = [*sorted(counts, key=lambda value: -counts[value]), *(value for value in chosen if value not in counts)]
    return tuple(
        Entry(
            subject=subject,
            text=text(value),
            value=value,
            requests=counts.get(value, 0),
            chosen=value in chosen,
        )
        for value in values
    )


class EntryDelegate(QStyledItemDelegate):
    """A tick where chosen, the text, and the count or an arrow at the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(_WIDTH - 20, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: Entry = index.data(_ENTRY_ROLE)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("hover" if state & QStyle.StateFlag.State_Selected else "inset"))
            painter.drawRoundedRect(rect, 6, 6)
        scale = painter.device().devicePixelRatio()
        middle = rect.center().y() - 6
        if entry.chosen:
            mark = icons.pixmap("check", self._theme.color("accent"), 14, scale)
            painter.drawPixmap(QRect(rect.left() + 8, middle, 14, 14), mark)
        right = "" if entry.value is None else count(entry.requests)
        painter.setFont(ui_font(12))
        painter.setPen(self._theme.color("text3"))
        reserved = 26 if entry.value is None else QFontMetrics(ui_font(12)).horizontalAdvance(right) + 18
        if entry.value is None:
            arrow = icons.pixmap("chevron-right", self._theme.color("text3"), 14, scale)
            painter.drawPixmap(QRect(rect.right() - 20, middle, 14, 14), arrow)
        painter.drawText(
            rect.adjusted(0, 0, -10, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right
        )
        font = ui_font(13)
        painter.setFont(font)
        painter.setPen(self._theme.color("text"))
        room = rect.adjusted(10 if entry.value is None else 28, 0, -reserved, 0)
        text = QFontMetrics(font).elidedText(one_line(entry.text), Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()


class FilterPopover(Popover):
    """`opened` names the subject whose values are wanted; `chosen` has (subject, value), `negated` (key, is not)."""

    opened = Signal(str)
    chosen = Signal(str, str)
    negated = Signal(str, bool)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.subject: str | None = None
        self._entries: tuple[Entry, ...] = ()
        self._negated = False
        self._cut = False
        self.setObjectName("filterPopover")
        self.setAccessibleName(tr("Add filter"))
        self.setFixedWidth(_WIDTH)
        self._lay_out()

    def _lay_out(self) -> None:
        theme = self._theme
        self.search = SearchField(theme, tr(_FIND_KEY))
        self.search.setAccessibleName(tr(_FIND_KEY))
        self.back = IconButton(theme, "chevron-left", tr("Back to all filters"))
        self.back.hide()
        self._title = QLabel(self)
        self._title.setFont(ui_font(13, 600))
        self.mode = SegmentedControl(theme, [("is", tr("is")), ("not", tr("is not"))])
        self.mode.changed.connect(self._on_mode)
        self.list = QListWidget(self)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setMouseTracking(True)
        self.list.setItemDelegate(EntryDelegate(theme, self.list))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(tr("Filters"))
        self.list.itemClicked.connect(self._on_item)
        self.list.itemActivated.connect(self._on_item)
        self.hint = QLabel(self)
        self.hint.setFont(ui_font(12))
        self.hint.setWordWrap(True)
        self.hint.setContentsMargins(8, 6, 8, 6)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.back)
        head.addWidget(self._title, 1)
        head.addWidget(self.mode)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 9, 9, 9)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.search)
        column.addWidget(self.list)
        column.addWidget(self.hint)
        self.search.textChanged.connect(lambda _words: self._fill())

    @property
    def is_negated(self) -> bool:
        """Whether "is not" is chosen for the tag on show."""
        return self._negated

    def show_entries(
        self, subject: str | None, entries: Sequence[Entry], *, negated: bool = False, cut: bool = False
    ) -> None:
        """Keys (`subject` None), or a subject's values; `cut`: there are others, which are used less. Rows that stand
        there already are left alone: a press on one would come to nothing if it were made anew before the release."""
        said = (subject, tuple(entries), negated)
        self._cut = cut
        if said == (self.subject, self._entries, self._negated) and self.list.count():
            return
        # Where one stood among the keys says nothing of the values: Enter would choose any of them.
        other = subject != self.subject
        if other:
            self.search.clear()
        words = tr(_FIND_KEY if subject is None else _FIND_VALUE)
        self.search.setPlaceholderText(words)
        self.search.setAccessibleName(words)
        self.subject, self._entries, self._negated = subject, tuple(entries), negated
        is_tag = subject is not None and subject.startswith(f"{TAG}:")
        self.back.setVisible(subject is not None)
        self._title.setText(tr("Filter by") if subject is None else _title(subject))
        self.mode.setVisible(is_tag)
        self.mode.set_current("not" if negated else "is")
        self._fill(keep=not other)
        if other:
            # A press on a row gave the list the keyboard, where typing finds nothing.
            self.search.setFocus()

    def show_problem(self, message: str) -> None:
        """A sentence where the values should be."""
        self._entries = ()
        self._fill()
        self.hint.setText(message)

    def open_at(self, anchor: QWidget) -> None:
        """Below a widget."""
        self.place(anchor)
        self.search.setFocus()

    def entries(self) -> list[Entry]:
        """The rows on show."""
        return [self.list.item(row).data(_ENTRY_ROLE) for row in range(self.list.count())]

    def _fill(self, *, keep: bool = False) -> None:
        """The rows that match what is typed; `keep`: Enter takes the same one as before, else the first. Of very many
        values those that are used most, and all that are chosen: thousands would take a tenth of a second at each
        key."""
        row = self.list.currentRow() if keep else -1
        taken = self.entries()[row].value if row >= 0 else None
        wanted = self.search.text().strip().casefold()
        found = [entry for entry in self._entries if wanted in entry.text.casefold()]
        most = len(found) if self.subject is None else _MOST_VALUES
        shown = found[:most] + [entry for entry in found[most:] if entry.chosen]
        more = len(found) - len(shown)
        self.list.clear()
        for entry in shown:
            item = QListWidgetItem(self.list)
            item.setData(_ENTRY_ROLE, entry)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, _spoken(entry))
        if shown:
            # They may stand in another order now; of keys it is the place.
            same = (at for at, entry in enumerate(shown) if taken is not None and entry.value == taken)
            self.list.setCurrentRow(next(same, min(max(row, 0), len(shown) - 1)))
        self.list.setFixedHeight(min(len(shown), _MAX_ROWS) * _ROW + 2)
        self.list.setVisible(bool(shown))
        words = counted(
            more, later("1 more: type a part of its name."), later("{count} more: type a part of a name.")
        )
        nothing = tr(_NOT_AMONG_MOST if self._cut else _NOTHING)
        self.hint.setText(words if more else nothing)
        self.hint.setVisible(bool(more) or not shown)
        self.adjustSize()

    def _on_item(self, item: QListWidgetItem) -> None:
        entry: Entry = item.data(_ENTRY_ROLE)
        if entry.value is None:
            self.opened.emit(entry.subject)
        else:
            self.chosen.emit(entry.subject, entry.value)

    def _on_mode(self, key: str) -> None:
        self._negated = key == "not"
        if self.subject is not None:
            self.negated.emit(self.subject.removeprefix(f"{TAG}:"), self._negated)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.list.count():
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and (item := self.list.currentItem()) is not None:
            self._on_item(item)
        else:
            super().keyPressEvent(event)


def _title(subject: str) -> str:
    key = subject.removeprefix(f"{TAG}:")
    return tr("Tag: {key}").format(key=key) if key != subject else DIMENSION_NAMES.get(subject, subject)


def _spoken(entry: Entry) -> str:
    if entry.value is None:
        return entry.text
    words = tr("{text}, {count} requests, chosen") if entry.chosen else tr("{text}, {count} requests")
    return words.format(text=entry.text, count=count(entry.requests))
