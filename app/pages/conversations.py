"""Conversations: what was said, turn by turn, with what it cost and how long it took.

The page only places things and keeps the list: which conversations there are under the window's filters, a search and
an order, in pages. The chosen one is shown by the thread's pane; what can be done with it is in its actions.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app import typed_filters
from app.context import AppContext
from app.known_errors import KNOWN_ERRORS
from app.pages.conversations_parts.actions import ThreadActions
from app.pages.conversations_parts.empty import EmptyConversations
from app.pages.conversations_parts.list_pane import ListPane
from app.pages.conversations_parts.thread_pane import ThreadPane
from app.pages.page import Page, RequestTarget, Target, ThreadTarget
from app.query_text import ParsedText
from app.range_picker import RangePicker
from app.translation import later, tr
from app.widgets import PushButton
from app.widgets.places import thread_places
from gateway import Changes, ThreadPage, ThreadQuery, ThreadRow, UsageQuery

PAGE_ROWS = 60
# Of those that are read anew with each change; what was scrolled to further down stays as it was.
MOST_ROWS = 600
# Of the rows at the end of what is read anew, some may have come from elsewhere.
_END_ROWS = 10


def _now_us() -> int:
    return time.time_ns() // 1000


class ConversationsPage(Page):
    title = later("Conversations")
    icon = "messages-square"
    key = "conversations"
    places = staticmethod(thread_places)

    shortcuts = (
        ("Ctrl+F, /", later("Search")),
        ("J", later("Next block")),
        ("K", later("Previous block")),
        ("Return", later("Open or fold the block")),
        ("Ctrl+C", later("Copy the selection, or the block")),
        ("Ctrl+Shift+C", later("Copy the call as curl")),
        ("F2", later("Rename the conversation")),
        ("Del", later("Delete the conversation")),
    )

    # Progress is told from the thread that searches.
    _searched = Signal(int, int)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("conversations_page")
        self._stale = True
        self._search = ""
        self._cursor: str | None = None
        # As they were asked for: in the list those of a session stand together.
        self._rows: Sequence[ThreadRow] = ()
        self._reading: asyncio.Task[ThreadPage] | None = None
        self._asked = 0
        self._more_asked = False
        self._build()
        self._connect()

    def header_controls(self) -> list[QWidget]:
        return [self.range_picker, self.export_button]

    def _build(self) -> None:
        theme = self.context.theme
        self.range_picker = RangePicker(self.context, offers_all=True)
        self.export_button = PushButton(theme, tr("Export"), "download", "secondary")
        self.export_button.setObjectName("conversations_export")
        self.export_button.setToolTip(tr("Save this conversation as Markdown or JSON (Ctrl+E)"))
        self.export_button.setEnabled(False)
        self.pane = ListPane(self.context)
        self.thread_pane = ThreadPane(self.context)
        self.actions_of_thread = ThreadActions(self.context, self.thread_pane)
        self.empty = EmptyConversations(theme, self.context.gateway.state.url)
        self._panes = QWidget()
        row = QHBoxLayout(self._panes)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.pane)
        row.addWidget(self.thread_pane, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(self._panes)
        self.stack.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)

    def _connect(self) -> None:
        pane, actions = self.pane, self.actions_of_thread
        self.context.filters.changed.connect(self._ask_anew)
        pane.searched.connect(self._search_for)
        pane.narrowed.connect(lambda parsed: self.context.spawn(self._narrow(parsed)))
        pane.sorted.connect(lambda _key: self._ask_anew())
        self._searched.connect(pane.show_progress)
        pane.cancelled.connect(self._cancel_search)
        pane.retried.connect(self._ask_anew)
        pane.list.chosen.connect(lambda id: self.thread_pane.open(id, words=self._search))
        pane.list.end_neared.connect(self._want_more)
        pane.list.delete_asked.connect(lambda: actions.act("delete"))
        pane.list.entered_row.connect(lambda: self.thread_pane.view.setFocus(Qt.FocusReason.TabFocusReason))
        self.thread_pane.shown.connect(self._thread_shown)
        self.thread_pane.toast.connect(self.toast)
        actions.toast.connect(self.toast)
        actions.navigate.connect(self.navigate)
        actions.deleted.connect(lambda id: self.context.spawn(self._leave(id)))
        actions.renamed.connect(lambda id: self.context.spawn(self._retitle(id)))
        self.empty.copied.connect(self.toast)
        self.empty.keys_asked.connect(lambda: self.navigate.emit("api_keys", None))
        self.export_button.clicked.connect(self.start_export)
        self.listen("F2", lambda: actions.act("rename"))
        self.listen("Ctrl+Shift+C", lambda: actions.act("copy_curl"))

    # the list

    def query(self) -> ThreadQuery:
        """What the list asks for now."""
        among = self.context.filters.query(_now_us())
        return ThreadQuery(text=self._search or None, among=among, sort=self.pane.sort)

    async def refresh(self, changes: Changes) -> None:
        """Reads the list anew, and the shown conversation where it has grown."""
        try:
            if not self.context.provider_names.known:
                await self.context.provider_names.read()
            if self._stale:
                await self._read_list()
            elif (changes.usage or changes.conversations) and not self._search:
                await self._read_list(again=True)
        except KNOWN_ERRORS as error:
            self.pane.banner.tell(str(error))

    def as_time_passes(self) -> None:
        self.pane.list.tell_ages(_now_us())

    def on_shown(self) -> None:
        super().on_shown()
        self.pane.list.setFocus()
        # The first time, the window asks for everything by itself.
        if self._stale and self._was_read:
            self._ask_anew()

    def _ask_anew(self) -> None:
        self._stale = True
        # What is still read, and where the list as it was would go on, are of another question.
        self._asked += 1
        self._cursor = None
        if self.isVisible():
            self.context.spawn(self.refresh(Changes(conversations=True)))

    def _search_for(self, text: str) -> None:
        if text != self._search:
            self._search = text
            if not text:
                self.thread_pane.view.mark("")
            self._ask_anew()

    async def _narrow(self, parsed: ParsedText) -> None:
        now = self.context.filters.query(_now_us())
        within = UsageQuery(start_us=now.start_us, end_us=now.end_us, tz=now.tz)
        try:
            with self.loading():
                parsed = await typed_filters.resolved(self.context.gateway, parsed, within)
        except KNOWN_ERRORS as error:
            self.pane.banner.tell(str(error))
        typed_filters.add(self.context.filters, parsed)

    def _cancel_search(self) -> None:
        """Stops reading; the words stay, and the list as it was."""
        if self._reading is not None:
            self._reading.cancel()
        self.pane.show_searching(False)

    async def _read_list(self, *, again: bool = False) -> None:
        """`again`: as many rows as there are, the first of very many, without a word about it."""
        self._stale = False
        self._asked += 1
        asked = self._asked
        limit = min(MOST_ROWS, max(PAGE_ROWS, len(self.pane.list.threads.rows))) if again else PAGE_ROWS
        self.pane.show_searching(bool(self._search) and not again)
        try:
            with nullcontext() if again else self.loading():
                page = await self._ask(self.query(), limit)
        except KNOWN_ERRORS:
            self._stale = True
            raise
        finally:
            if asked == self._asked:
                self.pane.show_searching(False)
        if page is None:
            return
        by_time, now_us = self.pane.sort in ("newest", "oldest"), _now_us()
        beyond = self._beyond(page) if again else ()
        rows = (*page.rows, *beyond)
        await self.pane.list.prepare(rows, now_us, together=by_time, sought=self._search)
        if asked != self._asked:
            return
        self.pane.banner.tell("")
        self._rows = rows
        if not beyond:
            self._cursor = page.next_cursor
        self.pane.list.show_rows(rows, now_us, self.thread_pane.id, together=by_time, sought=self._search)
        # In a turn after that of the rows.
        await asyncio.sleep(0)
        if asked != self._asked:
            return
        self._tell_count(page)
        await self._keep_thread(page.rows, again)

    def _beyond(self, page: ThreadPage) -> Sequence[ThreadRow]:
        """What was read below the rows that are read anew: who has scrolled there stays there."""
        if page.next_cursor is None or len(self._rows) <= len(page.rows):
            return ()
        places = {row.id: place for place, row in enumerate(self._rows)}
        end = min((places[row.id] for row in page.rows[-_END_ROWS:] if row.id in places), default=-1)
        again = {row.id for row in page.rows}
        return [row for row in self._rows[end + 1 :] if row.id not in again] if end >= 0 else ()

    async def _ask(self, query: ThreadQuery, limit: int) -> ThreadPage | None:
        """None where another question, or the person, has cancelled this one."""
        if self._reading is not None:
            self._reading.cancel()
        task = self._reading = asyncio.get_running_loop().create_task(
            self.context.gateway.threads(query, limit=limit, progress=self._searched.emit if query.text else None)
        )
        try:
            return await task
        except asyncio.CancelledError:
            asking = asyncio.current_task()
            if asking is not None and asking.cancelling():
                task.cancel()
                raise
            return None
        finally:
            if self._reading is task:
                self._reading = None

    def _tell_count(self, page: ThreadPage) -> None:
        seen = f"{len(page.rows):,}{'+' if page.next_cursor else ''}"
        total = seen if page.total is None else f"{page.total:,}"
        filters = self.context.filters
        words = tr("{seen} found").format(seen=seen) if self._search else tr("{total} in range").format(total=total)
        self.subtitle.emit(filters.with_range(words, _now_us()))
        narrowed = filters.is_filtered
        words = ""
        if not page.rows and self._search:
            words = tr("No message contains “{search}”. Try fewer words, or a longer range.").format(
                search=self._search
            )
        elif not page.rows:
            hint = tr("Remove a filter, or choose a longer range.")
            words = (
                tr("Nothing matches these filters. {hint}").format(hint=hint)
                if narrowed
                else tr("No conversations in this range.")
            )
        self.pane.show_none(words)
        nothing = not page.rows and not self._search and not narrowed and not self.thread_pane.id
        self.stack.setCurrentWidget(self.empty if nothing else self._panes)

    async def _keep_thread(self, rows: Sequence[ThreadRow], again: bool) -> None:
        """The shown conversation stays, and grows; where none is shown, the first one is opened."""
        pane = self.thread_pane
        shown = next((row for row in rows if row.id == pane.id), None)
        if pane.thread_shown is None:
            if rows and not pane.busy:
                await pane.read(rows[0].id, words=self._search)
        elif shown is not None:
            # What a search found in it is no growth.
            if replace(shown, match=None) != replace(pane.thread_shown.row, match=None):
                await pane.read(shown.id, keep=True)
            elif self._search and not again:
                await pane.look_for(self._search)
        elif self._search and not again and rows:
            await pane.read(rows[0].id, words=self._search)

    def _want_more(self) -> None:
        if self._cursor is not None and not self._more_asked:
            self._more_asked = True
            self.context.spawn(self._read_more())

    async def _read_more(self) -> None:
        asked, cursor = self._asked, self._cursor
        try:
            page = await self.context.gateway.threads(self.query(), limit=PAGE_ROWS, cursor=cursor)
            if asked == self._asked:
                self._cursor = page.next_cursor
                self._rows = (*self._rows, *self.pane.list.threads.unknown(page.rows))
                self.pane.list.add_rows(page.rows)
        except KNOWN_ERRORS as error:
            self.pane.banner.tell(str(error))
        finally:
            self._more_asked = False

    # the thread

    def _thread_shown(self, id: str) -> None:
        self.export_button.setEnabled(bool(id))
        if id:
            self.stack.setCurrentWidget(self._panes)
            self.pane.list.choose(id)

    async def _leave(self, id: str) -> None:
        """A conversation was deleted: its neighbour is shown."""
        rows = self.pane.list.threads.rows
        place = self.pane.list.threads.place_of(id)
        left = [row for row in rows if row.id != id]
        if left and not self.thread_pane.id:
            await self.thread_pane.read(left[min(place or 0, len(left) - 1)].id)
        # So far down that it is not read anew, it would stay.
        self._rows = [row for row in self._rows if row.id != id]
        await self.refresh(Changes(conversations=True))

    async def _retitle(self, id: str) -> None:
        """A conversation was renamed."""
        if self.thread_pane.id == id:
            await self.thread_pane.read(id, keep=True)
        thread = self.thread_pane.thread_shown
        if thread is not None and thread.row.id == id:
            # So far down that it is not read anew, it would keep its title.
            title = thread.row.title
            self._rows = [replace(row, title=title) if row.id == id else row for row in self._rows]
        await self.refresh(Changes(conversations=True))

    def show_target(self, target: Target) -> None:
        """The turn of a request, or a whole conversation."""
        if isinstance(target, ThreadTarget):
            self.context.spawn(self.thread_pane.read(target.id, turn=target.turn))
        elif isinstance(target, RequestTarget):
            self.context.spawn(self._open_request(target.id))

    async def _open_request(self, request_id: str) -> None:
        try:
            found = await self.context.gateway.thread_of_request(request_id)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        if found is None:
            self.toast.emit(tr("The messages of this request were not kept"))
            return
        id, turn = found
        await self.thread_pane.read(id, turn=turn)

    def start_export(self) -> None:
        self.actions_of_thread.ask_file("md")

    def find_here(self) -> None:
        self.pane.search.begin()

    # Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers()
        if event.key() in (Qt.Key.Key_J, Qt.Key.Key_K) and plain and self.thread_pane.id:
            self.thread_pane.view.step(1 if event.key() == Qt.Key.Key_J else -1)
        else:
            super().keyPressEvent(event)
