"""The list of conversations: 66 px each, in pages that are asked for as the end comes near.

Under traffic the list is painted anew every second: a text is cut and laid out once for a width, and kept while it is
shown.
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFocusEvent, QHideEvent, QHoverEvent, QKeyEvent, QPainter, QPaintEvent, QPalette, QRegion
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import formats
from app.focus import by_keyboard
from app.pages.conversations_parts import turn_words
from app.tables.laid_texts import Face, Laid, LaidTexts
from app.tables.row_turns import RowTurns
from app.theme import Theme
from app.translation import counted, later, tr
from app.widgets.painting import focus_ring, rounded_box
from gateway import ThreadRow

ROW_HEIGHT = 66
_ROW = Qt.ItemDataRole.UserRole
_NEAR_END = 12
# Four for each row; the rows of some screens.
_TEXTS = 200
_BETWEEN = 12
# So many characters stand before what was searched for: a line of the list holds about thirty.
_LEAD = 12
# Rows that are laid out in one turn of the loop, and painted in one.
_LAID_AT_ONCE, PAINTED_AT_ONCE = 2, 2
_TITLE, _DETAIL = Face(13, 600), Face(12)

Index = QModelIndex | QPersistentModelIndex


def title_of(row: ThreadRow) -> str:
    """What a conversation is called; one whose content was not kept by its model."""
    return " ".join(row.title.split()) or tr("{what}, content not kept").format(
        what=row.models[0] if row.models else tr("Conversation")
    )


def models_of(row: ThreadRow) -> tuple[str, str]:
    """The first model, and how many others there were: " +2", or ""."""
    if not row.models:
        return tr("unknown model"), ""
    return row.models[0], f" +{len(row.models) - 1}" if len(row.models) > 1 else ""


def from_found(line: str, sought: str) -> str:
    """A line around what was searched for, from shortly before it: a list cuts lines at their ends."""
    line = " ".join(line.split())
    at = line.casefold().find(" ".join(sought.split()).casefold())
    if at <= _LEAD:
        return line
    # From a word's beginning, where one is near.
    space = line.find(" ", at - _LEAD, at)
    return f"…{line[space + 1 if space >= 0 else at :]}"


def session_of(row: ThreadRow) -> tuple[str, str | None, str | None]:
    """In whose session it stands; one that has no other is its own. An id holds for one app and user."""
    return row.sessions[0] if row.sessions else row.id, row.app, row.user


def by_sessions(rows: Sequence[ThreadRow]) -> list[ThreadRow]:
    """The rows in their order, but each beside those of its session, where the first of them stands."""
    together: dict[tuple[str, str | None, str | None], list[ThreadRow]] = {}
    for row in rows:
        together.setdefault(session_of(row), []).append(row)
    return [row for each in together.values() for row in each]


def state_of(row: ThreadRow, now_us: int) -> tuple[str, str]:
    """(words, tone) at the right of the second line."""
    if row.running:
        return tr("running"), "accent"
    if row.errors:
        return counted(row.errors, later("1 error"), later("{count} errors")), "bad"
    when = formats.ago(row.ended_us, now_us)
    # Of another day the date says enough; the tooltip has the time.
    return when.rsplit(" ", 1)[0] if ":" in when else when, "text2"


class ThreadModel(QAbstractListModel):
    """`now_us` is what "2 min ago" is counted from; `sought` what was searched for, "" for nothing."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ThreadRow] = []
        self.now_us = 0
        self.sought = ""

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == _ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return title_of(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            when = f"{formats.clock(row.started_us)} · {', '.join(row.models)}"
            return "\n".join((title_of(row)[:300], when, *_sessions(row)))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(
                (
                    title_of(row),
                    "".join(models_of(row)),
                    turn_words.calls(row.requests),
                    turn_words.listed_cost(row),
                    state_of(row, self.now_us)[0],
                    *_sessions(row),
                )
            )
        return None

    def beside(self, index: Index) -> tuple[bool, bool]:
        """Whether the row above is of the same session, and the row below."""
        own, place = session_of(self.rows[index.row()]), index.row()
        above, below = self.rows[place - 1 : place] if place else [], self.rows[place + 1 : place + 2]
        return any(session_of(row) == own for row in above), any(session_of(row) == own for row in below)

    def stands_as(self, rows: Sequence[ThreadRow]) -> bool:
        """Whether they are the same conversations in the same order."""
        return [row.id for row in rows] == [row.id for row in self.rows]

    def set_rows(self, rows: Sequence[ThreadRow]) -> None:
        """The list anew; where the same conversations stand in the same order, only their words change."""
        if self.stands_as(rows):
            before, self.rows = self.rows, list(rows)
            for place, (old, new) in enumerate(zip(before, rows, strict=True)):
                if new != old:
                    self.dataChanged.emit(self.index(place), self.index(place))
            return
        # No reset: the view would forget what is chosen, and scroll to it as it is told again.
        self.layoutAboutToBeChanged.emit()
        marked = self.persistentIndexList()
        ids = [self.rows[index.row()].id for index in marked]
        self.rows = list(rows)
        places = {row.id: place for place, row in enumerate(self.rows)}
        self.changePersistentIndexList(
            marked, [self.index(places[id]) if id in places else QModelIndex() for id in ids]
        )
        self.layoutChanged.emit()

    def unknown(self, rows: Sequence[ThreadRow]) -> list[ThreadRow]:
        known = {row.id for row in self.rows}
        return [row for row in rows if row.id not in known]

    def append(self, rows: Sequence[ThreadRow]) -> None:
        if new := self.unknown(rows):
            self.beginInsertRows(QModelIndex(), len(self.rows), len(self.rows) + len(new) - 1)
            self.rows += new
            self.endInsertRows()

    def place_of(self, id: str) -> int | None:
        return next((place for place, row in enumerate(self.rows) if row.id == id), None)


class _Line(NamedTuple):
    """Words at the left, cut where those at the right leave no room; `tail` follows them and is cut last, for a
    number that is cut is another number. `tones` are the left's and the right's."""

    left: str
    right: str
    face: Face
    tones: tuple[str, str]
    tail: str = ""


_Look = tuple[tuple[_Line, _Line], tuple[bool, bool]]
"""What a row says, and whether it is of one session with the row above and the one below."""


class _RowPainter(QStyledItemDelegate):
    def __init__(self, theme: Theme, view: "ThreadList") -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view
        self._texts = LaidTexts(_TEXTS)
        self.painted: dict[int, _Look] = {}
        """How the rows looked as they were painted, by their places."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = self._theme
        look = self.painted[index.row()] = self.look(index)
        state: Any = option.state
        area = QRectF(option.rect)
        box = area.adjusted(8, 1, -8, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            rounded_box(painter, box, 8, theme.color("accent_soft"))
            if self._view.hasFocus() and self._view.by_keyboard:
                focus_ring(painter, box, 8, theme.color("accent"))
        elif state & QStyle.StateFlag.State_MouseOver:
            rounded_box(painter, box, 8, theme.color("hover"))
        self._bracket(painter, box, look[1])
        inner = _words_box(area)
        first = QRectF(inner.left(), inner.top(), inner.width(), 22)
        second = QRectF(inner.left(), inner.bottom() - 20, inner.width(), 20)
        for line, place in zip(look[0], (first, second), strict=True):
            self._paint_line(painter, place, line)
        painter.restore()

    def prepare(self, row: ThreadRow, width: int, now_us: int, sought: str) -> None:
        """Lays out what a row of so many pixels will say, so that painting it finds it done."""
        whole = int(_words_box(QRectF(0, 0, width, ROW_HEIGHT)).width())
        for line in self.lines(row, now_us, sought):
            self._laid(line, whole)

    def look(self, index: Index) -> _Look:
        """How a row looks now."""
        threads = self._view.threads
        return self.lines(threads.rows[index.row()], threads.now_us, threads.sought), threads.beside(index)

    def lines(self, row: ThreadRow, now_us: int, sought: str) -> tuple[_Line, _Line]:
        """What a row says, above and below."""
        words, tone = state_of(row, now_us)
        model, others = models_of(row)
        left, tail = model, f"{others}  ·  {turn_words.calls(row.requests)}"
        if row.match:
            left, tail = from_found(row.match, sought), ""
        return (
            _Line(title_of(row), turn_words.listed_cost(row), _TITLE, ("text", "text")),
            _Line(left, words, _DETAIL, ("text2", tone), tail),
        )

    def _bracket(self, painter: QPainter, box: QRectF, beside: tuple[bool, bool]) -> None:
        """A line at the left that goes through the rows of one session."""
        above, below = beside
        if above or below:
            top = box.top() - 1 if above else box.top() + 12
            bottom = box.bottom() + 1 if below else box.bottom() - 12
            painter.fillRect(QRectF(box.left() + 4, top, 2, bottom - top), self._theme.color("border_strong"))

    def _laid(self, line: _Line, whole: int) -> tuple[Laid, Laid | None, Laid]:
        """Left, tail where there is one, and right."""
        right = self._texts.laid(line.right, line.face, whole)
        room = whole - math.ceil(right.width) - _BETWEEN
        tail = self._texts.laid(line.tail, line.face, room) if line.tail else None
        left = self._texts.laid(line.left, line.face, room - (math.ceil(tail.width) if tail else 0))
        return left, tail, right

    def _paint_line(self, painter: QPainter, box: QRectF, line: _Line) -> None:
        left, tail, right = self._laid(line, int(box.width()))
        painter.setFont(self._texts.font(line.face))
        painter.setPen(self._theme.color(line.tones[1]))
        painter.drawStaticText(QPointF(box.right() - right.width, _top(box, right.height)), right.text)
        painter.setPen(self._theme.color(line.tones[0]))
        painter.drawStaticText(QPointF(box.left(), _top(box, left.height)), left.text)
        if tail is not None:
            painter.drawStaticText(QPointF(box.left() + left.width, _top(box, tail.height)), tail.text)


def _sessions(row: ThreadRow) -> list[str]:
    return [tr("Session {id}").format(id=id) for id in row.sessions]


def _words_box(row: QRectF) -> QRectF:
    return row.adjusted(20, 10, -20, -10)


def _top(box: QRectF, height: float) -> float:
    return box.top() + (box.height() - height) / 2


class ThreadList(QListView):
    """`chosen(id)` when another conversation is selected; `end_neared` when more should be read; `entered_row` and
    `delete_asked` when Enter or Delete was pressed."""

    chosen = Signal(str)
    entered_row = Signal()
    delete_asked = Signal()
    end_neared = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.threads = ThreadModel(self)
        self._silent = False
        self._together = True
        self.by_keyboard = False
        self.setModel(self.threads)
        self._painter = _RowPainter(theme, self)
        self.setItemDelegate(self._painter)
        self._turns = RowTurns(self, PAINTED_AT_ONCE)
        self._turns.due.connect(lambda numbers: self.viewport().update(self._places(numbers)))
        # What a paint leaves for another turn stays as it was.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setObjectName("conversations_list")
        self.setAccessibleName(tr("Conversations"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._look_ahead())
        theme.changed.connect(self._take_ground)
        self._take_ground()

    @property
    def chosen_id(self) -> str:
        index = self.currentIndex()
        return self.threads.rows[index.row()].id if index.isValid() else ""

    async def prepare(
        self, rows: Sequence[ThreadRow], now_us: int, *, together: bool = True, sought: str = ""
    ) -> None:
        """Lay out what these rows, as `show_rows` takes them, will say where the list is scrolled to, a few in each
        turn of the loop."""
        placed = by_sessions(rows) if together else rows
        first = self.verticalScrollBar().value() // ROW_HEIGHT
        last = min(len(placed), first + self.viewport().height() // ROW_HEIGHT + 2) if self.isVisible() else 0
        for start in range(first, last, _LAID_AT_ONCE):
            for row in placed[start : min(last, start + _LAID_AT_ONCE)]:
                self._painter.prepare(row, self.viewport().width(), now_us, sought)
            await asyncio.sleep(0)

    def show_rows(
        self, rows: Sequence[ThreadRow], now_us: int, chosen: str, *, together: bool = True, sought: str = ""
    ) -> None:
        """Rows from the top; the chosen one stays chosen where it is among them. `together`: those of a session
        stand side by side. `sought`: what they were searched for."""
        self._together = together
        self.threads.now_us, self.threads.sought = now_us, sought
        self._show(by_sessions(rows) if together else rows, chosen)
        self._paint_changed()
        self._look_ahead()

    def tell_ages(self, now_us: int) -> None:
        """How long ago each ended, from now."""
        self.threads.now_us = now_us
        self._paint_changed()

    def _paint_changed(self) -> None:
        """Paints the rows anew that look otherwise, though they may be as they were: time has passed, another word
        is searched for, what is beside them is of another session."""
        painted = self._painter.painted
        if not painted:
            # All of them wait for their paint.
            return
        first = self.verticalScrollBar().value() // ROW_HEIGHT
        in_sight = range(first, min(len(self.threads.rows), first + self.viewport().height() // ROW_HEIGHT + 2))
        changed = [n for n in in_sight if self._painter.look(self.threads.index(n)) != painted.get(n)]
        self.viewport().update(self._places(changed))

    def add_rows(self, rows: Sequence[ThreadRow]) -> None:
        """Further ones below, but for those whose session stands there already."""
        whole = [*self.threads.rows, *self.threads.unknown(rows)]
        placed = by_sessions(whole) if self._together else whole
        if placed == whole:
            self.threads.append(rows)
        else:
            self._show(placed, self.chosen_id)

    def _show(self, rows: Sequence[ThreadRow], chosen: str) -> None:
        held, current = self._top_row(), self.currentIndex()
        follows = chosen != self.chosen_id
        if not self.threads.stands_as(rows):
            # Who has scrolled away from it does not look at it.
            follows = follows or self.viewport().rect().intersects(self._place(current.row()))
            # What was pointed at goes elsewhere.
            away = QPointF(-1, -1)
            self.viewportEvent(QHoverEvent(QEvent.Type.HoverLeave, away, away, away))
            self._painter.painted.clear()
        self._silent = True
        self.threads.set_rows(rows)
        self._silent = False
        self.choose(chosen)
        self._hold(held, follows)

    def _top_row(self) -> tuple[str, int] | None:
        """The row at the top and how far it is scrolled; None where the list stands at its beginning."""
        place, offset = divmod(self.verticalScrollBar().value(), ROW_HEIGHT)
        scrolled = place + offset > 0 and place < len(self.threads.rows)
        return (self.threads.rows[place].id, offset) if scrolled else None

    def _hold(self, held: tuple[str, int] | None, follows: bool) -> None:
        """The list stays where it was scrolled to; at its beginning what is chosen comes into sight where it
        `follows` that."""
        bar, current = self.verticalScrollBar(), self.currentIndex()
        place = self.threads.place_of(held[0]) if held is not None else None
        if held is not None and place is not None:
            value = place * ROW_HEIGHT + held[1]
            # Laying out all rows takes long, and has its own turn where nothing is asked of them before.
            if value > bar.maximum():
                self.doItemsLayout()
            bar.setValue(value)
        elif follows and current.isValid() and not self.viewport().rect().contains(self._place(current.row())):
            self.scrollTo(current)

    def choose(self, id: str) -> None:
        """Marks a conversation without telling anyone."""
        place = self.threads.place_of(id)
        self._silent = True
        self.setCurrentIndex(self.threads.index(place) if place is not None else QModelIndex())
        self._silent = False

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Rows are of one height: a list's own way lays all of them out and paints them anew."""
        QAbstractItemView.dataChanged(self, first, last, roles)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and not self._silent:
            self.chosen.emit(self.threads.rows[current.row()].id)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.by_keyboard = by_keyboard(event, self.by_keyboard)
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Single letters are the page's, and no search in the list's titles."""
        self.by_keyboard = True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered_row.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.delete_asked.emit()
        elif event.text().isprintable() and event.text() and not event.modifiers():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        area, scrolled = event.region(), self.verticalScrollBar().value()
        box = area.boundingRect().translated(0, scrolled)
        in_sight = range(box.top() // ROW_HEIGHT, min(len(self.threads.rows), box.bottom() // ROW_HEIGHT + 1))
        numbers = self._turns.in_order(number for number in in_sight if area.intersects(self._place(number)))
        with QPainter(self.viewport()) as painter:
            most = int(min(self._turns.most(painter, self.window()), len(numbers)))
            drawn, left = numbers[:most], numbers[most:]
            painter.setClipRegion(area - self._places(left))
            painter.fillRect(area.boundingRect(), self._theme.color("sidebar"))
        self._turns.leave(left)
        for number in drawn:
            super().paintEvent(QPaintEvent(self._place(number)))

    def _place(self, number: int) -> QRect:
        return QRect(0, number * ROW_HEIGHT - self.verticalScrollBar().value(), self.viewport().width(), ROW_HEIGHT)

    def _places(self, numbers: Iterable[int]) -> QRegion:
        region = QRegion()
        for number in numbers:
            region += self._place(number)
        return region

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        # A window that was minimised may come back with the picture that it had.
        if not event.spontaneous():
            self._painter.painted.clear()

    def _look_ahead(self) -> None:
        below = self.verticalScrollBar().value() + self.viewport().height()
        if self.threads.rows and below > (len(self.threads.rows) - _NEAR_END) * ROW_HEIGHT:
            self.end_neared.emit()

    def _take_ground(self) -> None:
        palette = self.palette()
        for role in (QPalette.ColorRole.Base, QPalette.ColorRole.Window):
            palette.setColor(role, self._theme.color("sidebar"))
        self.setPalette(palette)
        self.viewport().setPalette(palette)
