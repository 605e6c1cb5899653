"""The drawer's tabs for one request: its row, what was said, question and answer as JSON, headers, and attempts.

What was said and the headers are read in a worker, each when a tab that shows it is open; an answer that comes after
another request was chosen is dropped.
"""

import asyncio
from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.flow_layout import FlowLayout
from app.known_errors import KNOWN_ERRORS
from app.next_turn import NextTurn
from app.overview.label import TextButton
from app.pages.conversations_parts.block import OPEN, Block, first_with, pieces_of
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.thread_view import ThreadView
from app.pages.requests_parts.attempt_lines import no_attempt_words
from app.pages.requests_parts.headers import HEADERS, header_blocks
from app.pages.requests_parts.panel import AttemptsPanel, RequestPanel
from app.pages.requests_parts.said import MESSAGES, REQUEST, RESPONSE, Said, bare_curl, said_of
from app.translation import tr
from app.widgets import EmptyState, IconButton, SearchField
from app.widgets.width_grip import GRIP
from gateway import CostExplanation, ExchangeHeaders, ExchangeRecord

SUMMARY, ATTEMPTS = "summary", "attempts"


class RequestDetails(QWidget):
    """`copied(words)`: something was put on the clipboard. `curl_button` is for the head of what this stands in."""

    copied = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._said: tuple[str, Said | None] | None = None
        # Of the request that is shown, with why there are none.
        self._headers: tuple[tuple[Block, ...], str] | None = None
        self._reading = 0
        self._turn = NextTurn(self)
        self._provider_title: Callable[[str], str] = str
        self.tab = SUMMARY
        self.curl_button = IconButton(context.theme, "terminal", tr("Copy as curl (Ctrl+Shift+C)"))
        self.curl_button.setObjectName("request_curl")
        self.curl_button.clicked.connect(self.copy_curl)
        self._build()
        self.panel.copied.connect(self.copied)
        self.attempts.copied.connect(self.copied)
        self.view.copied.connect(self.copied)
        self.view.pieces_asked.connect(lambda key, shown: context.spawn(self._make_pieces(key, shown)))
        self.search.textChanged.connect(self._find)
        self.failed.action.connect(self._read_soon)

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        inset = QHBoxLayout()
        inset.setContentsMargins(16, 0, 8, 0)
        inset.addLayout(self._make_tabs())
        whole.addLayout(inset)
        whole.addWidget(self._make_stack(), 1)

    def _make_tabs(self) -> FlowLayout:
        theme = self._context.theme
        titles = {
            SUMMARY: tr("Summary"),
            MESSAGES: tr("Messages"),
            REQUEST: tr("Request"),
            RESPONSE: tr("Response"),
            HEADERS: tr("Headers"),
            ATTEMPTS: tr("Attempts"),
        }
        self.tabs: dict[str, TextButton] = {}
        group = QButtonGroup(self)
        # In a language of longer words they take two lines.
        row = FlowLayout(spacing=6)
        for key, title in titles.items():
            tab = self.tabs[key] = TextButton(theme, title, tab=True)
            tab.setObjectName(f"request_tab.{key}")
            tab.setChecked(key == SUMMARY)
            tab.clicked.connect(lambda _checked=False, key=key: self._turn.ask(lambda: self.show_tab(key)))
            group.addButton(tab)
            row.addWidget(tab)
        return row

    def _make_reader(self) -> QWidget:
        theme = self._context.theme
        self._to_find = {
            MESSAGES: tr("Find in the messages"),
            REQUEST: tr("Find in the request"),
            RESPONSE: tr("Find in the response"),
            HEADERS: tr("Find in the headers"),
        }
        self.search = SearchField(theme, self._to_find[MESSAGES])
        self.search.setObjectName("request_search")
        self.view = ThreadView(theme, Pictures(self._context.spawn, self), margins=(16 - GRIP, 12, 16))
        self.view.setObjectName("request_said")
        reading = QWidget()
        column = QVBoxLayout(reading)
        # As the lines of the other tabs: what lies under an edge is painted anew where it is scrolled.
        column.setContentsMargins(GRIP, 0, 0, 0)
        column.setSpacing(6)
        inset = QHBoxLayout()
        inset.setContentsMargins(16 - GRIP, 0, 16, 0)
        inset.addWidget(self.search)
        column.addLayout(inset)
        column.addWidget(self.view, 1)
        return reading

    def _make_stack(self) -> QStackedWidget:
        theme = self._context.theme
        self.panel = RequestPanel(theme)
        self.attempts = AttemptsPanel(theme)
        self.no_attempt = EmptyState(theme, "list", tr("No attempt is known"), "")
        self.no_attempt.setObjectName("request_no_attempt")
        self._reader = self._make_reader()
        self.loading = EmptyState(theme, "clock", tr("Reading what is kept …"), "")
        self.nothing = EmptyState(
            theme,
            "message-square",
            tr("Messages were not kept"),
            tr("They were not captured, or are no longer kept: Settings say what is kept, and for how long."),
        )
        self.nothing.setObjectName("request_nothing_said")
        self.no_headers = EmptyState(theme, "list", tr("Headers were not kept"), "")
        self.no_headers.setObjectName("request_no_headers")
        self.failed = EmptyState(theme, "circle-alert", tr("It cannot be read"), "", tr("Try again"))
        self.failed.setObjectName("request_said_failed")
        self.stack = QStackedWidget()
        shown = (self.panel, self._reader, self.loading, self.nothing, self.no_headers, self.failed)
        for widget in (*shown, self.attempts, self.no_attempt):
            self.stack.addWidget(widget)
        return self.stack

    @property
    def record(self) -> ExchangeRecord | None:
        """The request that is shown."""
        return self.panel.record

    def show_record(
        self, row: ExchangeRecord, provider_title: Callable[[str], str], explanation: CostExplanation
    ) -> None:
        """Another request, or the same anew, on the tab that is open."""
        other = self.record is None or self.record.id != row.id
        self._provider_title = provider_title
        self.panel.show_record(row, provider_title, explanation)
        if other:
            self._said = self._headers = None
            self._reading += 1
        self.show_tab(self.tab)

    def show_tab(self, key: str) -> None:
        self.tab = key
        self.tabs[key].setChecked(True)
        self.search.set_placeholder(self._to_find.get(key, self._to_find[MESSAGES]))
        if key == SUMMARY:
            self._open(self.panel)
        elif key == ATTEMPTS:
            self._show_attempts()
        elif (self._headers if key == HEADERS else self._said) is None:
            self._read_soon()
        elif key == HEADERS:
            self._show_headers()
        else:
            self._show_said()

    def _show_attempts(self) -> None:
        row = self.record
        if row is None or not row.attempts:
            self.no_attempt.set_text("" if row is None else no_attempt_words(row))
            self.stack.setCurrentWidget(self.no_attempt)
            return
        self.attempts.show_record(row, self._provider_title)
        self._open(self.attempts)

    def _open(self, panel: RequestPanel | AttemptsPanel) -> None:
        if self.stack.currentWidget() is not panel:
            self.stack.setCurrentWidget(panel)
            panel.cover()

    # what was said

    def _read_soon(self) -> None:
        if self.record is not None:
            self.stack.setCurrentWidget(self.loading)
            self._context.spawn(self._read_and_show(self.tab))

    async def _read_and_show(self, tab: str) -> None:
        """For a tab; where another one is open at the end, that stays."""
        row = self.record
        self._reading += 1
        mine = self._reading
        if row is None:
            return
        said: Said | None = None
        kept: ExchangeHeaders | None = None
        try:
            if tab == HEADERS:
                kept = await self._context.gateway.headers_of_request(row.id)
            else:
                said = await self._read(row.id)
        except KNOWN_ERRORS as error:
            if mine == self._reading and tab == self.tab:
                self.failed.set_text(str(error))
                self.stack.setCurrentWidget(self.failed)
            return
        if mine != self._reading:
            return
        if kept is None:
            self._said = (row.id, said)
        else:
            self._headers = header_blocks(kept, self._provider_title(row.provider or "")), kept.why
        self.show_tab(self.tab)

    async def _read(self, request_id: str) -> Said | None:
        """None where nothing of it is kept."""
        gateway = self._context.gateway
        place = await gateway.thread_of_request(request_id)
        thread = None if place is None else await gateway.thread(place[0])
        if place is None or thread is None or place[1] not in {turn.n for turn in thread.turns}:
            return None
        return await asyncio.to_thread(said_of, thread, place[1], gateway.state.url, self._provider_title)

    def _show_said(self) -> None:
        assert self._said is not None
        said = self._said[1]
        if said is None:
            self.stack.setCurrentWidget(self.nothing)
            return
        self._show_blocks(said.blocks[self.tab])

    def _show_headers(self) -> None:
        assert self._headers is not None
        blocks, why = self._headers
        if not blocks:
            self.no_headers.set_text(why)
            self.stack.setCurrentWidget(self.no_headers)
            return
        self._show_blocks(blocks)

    def _show_blocks(self, blocks: Sequence[Block]) -> None:
        self.stack.setCurrentWidget(self._reader)
        if self.view.blocks is not blocks:
            self.view.set_blocks(blocks, keep=False)
            if self.tab in (REQUEST, RESPONSE):
                self.view.open_block(blocks[0].key, OPEN)
        self._find(self.search.text())

    async def _make_pieces(self, key: str, shown: str) -> None:
        block = next((block for block in self.view.blocks if block.key == key), None)
        if block is not None:
            pieces = await asyncio.to_thread(pieces_of, block, shown)
            if block in self.view.blocks:
                self.view.set_shown(key, shown, pieces)

    def _find(self, words: str) -> None:
        if self.stack.currentWidget() is self._reader:
            words = words.strip()
            self.view.mark(words, first_with(self.view.blocks, words) if words else None)

    # copying

    def copy_curl(self) -> None:
        """The call as a command, rebuilt from what was said where that is kept. Its key is masked."""
        if self.record is not None:
            self._context.spawn(self._copy_curl(self.record))

    async def _copy_curl(self, row: ExchangeRecord) -> None:
        said = self._said[1] if self._said is not None and self._said[0] == row.id else None
        if said is None:
            try:
                said = await self._read(row.id)
            except KNOWN_ERRORS:
                said = None
        curl = said.curl if said is not None else bare_curl(row, self._context.gateway.state.url)
        QGuiApplication.clipboard().setText(curl)
        kept = tr("Call copied as curl; put your key into FAREGATE_API_KEY")
        bare = tr("Call copied as curl; its messages were not kept, put one in")
        self.copied.emit(kept if said is not None else bare)
