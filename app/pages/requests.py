"""Requests: every exchange of the range, newest first, with the filters above and the details of one beside them.

The page only places things: the feed keeps the table's model in step with the log, the filter field and the chips
change the window's one filter state, and a change of that state opens the list anew.
"""

import time
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from app import typed_filters
from app.context import AppContext
from app.export_files import ask_where, gateway_export
from app.filter_bar import FilterBar
from app.focus import keep_focus, pause
from app.known_errors import KNOWN_ERRORS
from app.menu_below import open_below
from app.next_turn import NextTurn
from app.pages.page import Page, RequestTarget, Target
from app.pages.requests_parts.columns import export_fields, request_columns
from app.pages.requests_parts.feed import RequestFeed
from app.pages.requests_parts.filter_field import FilterField
from app.pages.requests_parts.narrowing import add_narrowing
from app.pages.requests_parts.request_details import RequestDetails
from app.pages.requests_parts.table_area import TableArea
from app.query_text import ParsedText
from app.range_picker import RangePicker
from app.sources import incomplete_words
from app.tables.kept_columns import keep_columns
from app.tables.model import WindowedModel
from app.tables.view import TableView
from app.tables.window import PAGE_ROWS
from app.text_label import TextLabel
from app.translation import counted, later, tr
from app.widgets import Banner, Drawer, PushButton, ToggleSwitch
from app.work import Job
from gateway import Changes, ClientError, ExchangeRecord, Export, UsageQuery

_COPY_AT_MOST = 5_000
_DETAILS_AFTER_MS = 60
_VALUES_OFFERED = 200
# The typed filters' least and most width, in logical pixels.
_FIELD = (132, 420)
_ALL_FILTER = later("CSV, all columns (*.csv)")
_VISIBLE_FILTER = later("CSV, the columns on show (*.csv)")
_LINES_FILTER = later("JSON lines (*.jsonl)")
# What an error was told of.
_LIST, _ROWS, _FILE = "list", "rows", "file"


def _now_us() -> int:
    return time.time_ns() // 1000


class RequestsPage(Page):
    title = later("Requests")
    icon = "list"
    key = "requests"
    shortcuts = (
        ("Ctrl+F, /", later("Filter")),
        ("Ctrl+L", later("Live")),
        ("Ctrl+Shift+C", later("Copy the request as curl")),
    )

    # Progress may be told from the thread that writes the file.

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("requests_page")
        self._stale = True
        self._learned = False
        # Whether there is something new that could not be read.
        self._behind = False
        self._exporting = False
        # Whose details stood open when the filters changed last, and how often they have.
        self._open_before: ExchangeRecord | None = None
        self._filtered = 0
        self.feed = RequestFeed(context, self, prepare=lambda rows: self.view.prepare(rows))
        columns = request_columns(context.provider_names.name)
        self.model: WindowedModel[ExchangeRecord] = WindowedModel(columns, self.feed.read, context.spawn, self)
        self._build()
        self._connect()

    def header_controls(self) -> list[QWidget]:
        return [self.range_picker, self.export_button]

    def _build(self) -> None:
        theme = self.context.theme
        self.range_picker = RangePicker(self.context, offers_all=True)
        self.export_button = PushButton(theme, tr("Export"), "download", "secondary")
        self.export_button.setObjectName("requests_export")
        self.export_button.setToolTip(tr("Save the filtered requests, with all columns or those on show (Ctrl+E)"))
        self.view = TableView(theme, self.model, tr("Requests"), pictures=True)
        self.view.setObjectName("requests_table")
        self.view.show_order("time", descending=True)
        keep_columns(self.view, self.context.shell.preferences, "requests")
        self.area = TableArea(theme, self.view, self.context.gateway.state.url)
        self.details = RequestDetails(self.context)
        self.panel = self.details.panel
        self.drawer = Drawer(theme)
        self.drawer.setObjectName("requests_drawer")
        self.drawer.let_widen(self.context.shell.preferences, "request")
        self.drawer.set_title(tr("Request"))
        self.drawer.set_content(self.details)
        self.drawer.add_action(self.details.curl_button)
        self.banner = Banner(theme, "bad", "", tr("Retry"))
        self.banner.setObjectName("requests_error")
        self.banner.hide()
        self.incomplete = Banner(theme, "info", "")
        self.incomplete.setObjectName("requests_incomplete")
        self.incomplete.hide()
        main = QVBoxLayout()
        main.setContentsMargins(24, 12, 24, 16)
        main.setSpacing(12)
        main.addWidget(self.banner)
        main.addLayout(self._toolbar())
        main.addWidget(self.incomplete)
        main.addWidget(self.area, 1)
        self.drawer.stand_beside(main, self)

    def _toolbar(self) -> QHBoxLayout:
        theme = self.context.theme
        self.filter_field = FilterField(theme)
        self.filter_bar = FilterBar(self.context, views=True)
        self.live_word = TextLabel(theme, tr("Live"), px=12, weight=600, tone="ok")
        self.live = ToggleSwitch(theme)
        self.live.setObjectName("requests_live")
        self.live.setAccessibleName(tr("Live: let new requests in at the top"))
        self.live.setToolTip(tr("Let new requests in at the top (Ctrl+L)"))
        self.live.setChecked(True)
        self.columns_button = PushButton(theme, tr("Columns"), "sliders-horizontal", "secondary")
        self.columns_button.setObjectName("requests_columns")
        # Chips are lower than the field beside them.
        self.filter_bar.setContentsMargins(0, 3, 0, 0)
        right = QHBoxLayout()
        right.setContentsMargins(8, 0, 0, 0)
        right.setSpacing(8)
        for widget in (self.live_word, self.live, self.columns_button):
            right.addWidget(widget)
        top = Qt.AlignmentFlag.AlignTop
        line = QHBoxLayout()
        line.setSpacing(8)
        # Chips take what they need of the field's width: what wraps stands alone on a second line.
        self.filter_field.setMinimumWidth(_FIELD[0])
        self.filter_field.setMaximumWidth(_FIELD[1])
        line.addWidget(self.filter_field, 1, top)
        line.addWidget(self.filter_bar)
        # Takes what the field cannot.
        line.addStretch()
        line.addLayout(right)
        line.setAlignment(right, top)
        return line

    def _connect(self) -> None:
        self.context.filters.changed.connect(self._filters_changed)
        self.filter_field.submitted.connect(lambda parsed: self.context.spawn(self._apply_filters(parsed)))
        self.filter_field.values_wanted.connect(lambda name: self.context.spawn(self._offer_values(name)))
        self.area.clear_asked.connect(self.context.filters.clear)
        self.area.connect_asked.connect(lambda: self.navigate.emit("connect", None))
        self.area.newest_asked.connect(self._go_to_newest)
        self.banner.action.connect(self._retry)
        self.live.toggled.connect(self._live_toggled)
        self.columns_button.clicked.connect(self._show_columns_menu)
        self.export_button.clicked.connect(self.start_export)
        self.view.opened.connect(self._open_row)
        self.view.moved.connect(self._row_moved)
        self.view.menu_offered.connect(self._offer_narrowing)
        self.view.copy_asked.connect(lambda: self.context.spawn(self._copy_rows()))
        self.view.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.details.copied.connect(self.toast)
        self.panel.conversation_asked.connect(lambda id: self.open_said("conversations", id))
        self.panel.replay_asked.connect(lambda id: self.open_said("compare", id))
        self.drawer.closed.connect(self.view.setFocus)
        self.context.provider_names.came.connect(self.view.forget_pictures)
        self.feed.opened.connect(self._opened)
        self.feed.counted.connect(self._counted)
        self.feed.pending.connect(self.area.show_waiting)
        self.model.failed.connect(lambda words: self.banner.tell(words, _ROWS))
        self._opening = NextTurn(self)
        self._details = QTimer(self, singleShot=True, interval=_DETAILS_AFTER_MS)
        self._details.timeout.connect(self._show_details)
        self.context.shell.redraw_asked.connect(self._tell_times_anew)
        self.context.shell.saved.connect(self._file_saved)
        self.listen("Ctrl+L", self.live.toggle)
        self.listen("Ctrl+Shift+C", self._copy_curl)

    # the list

    async def refresh(self, changes: Changes) -> None:
        """Opens the list where its query changed, else lets in or counts what is new."""
        try:
            if not self._learned or changes.providers:
                await self._learn_names()
            if self._stale:
                await self._open()
            elif changes.usage or self._behind:
                self._behind = True
                await self.feed.advance(self.model, self.context.filters.query(_now_us()), self._at_top())
                self._behind = False
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error), _LIST)
        else:
            self.banner.clear(_LIST)

    def on_shown(self) -> None:
        if self.view.isVisible():
            # Else what is said of no rows stands there, and the page itself has it.
            self.view.setFocus()
        # The first time, the window asks for everything by itself.
        if self._stale and self._learned:
            self.context.spawn(self.refresh(Changes(usage=True)))

    async def _learn_names(self) -> None:
        rows = await self.context.gateway.providers()
        self.context.provider_names.learn(rows)
        models = sorted(row.id for row in self.context.gateway.models())
        self.filter_field.set_values({"model": models, "provider": [row.name for row in rows]})
        self._learned = True

    async def _offer_values(self, name: str) -> None:
        """What the requests of the range hold under a filter's name, most used first."""
        with suppress(*KNOWN_ERRORS):
            found = await self.context.gateway.breakdown(
                self._unfiltered(), name, sort="requests", limit=_VALUES_OFFERED
            )
            self.filter_field.set_values({name: [row.value for row in found.rows if row.value is not None]})

    def _unfiltered(self) -> UsageQuery:
        now = self.context.filters.query(_now_us())
        return UsageQuery(start_us=now.start_us, end_us=now.end_us, tz=now.tz)

    async def _open(self) -> None:
        self._stale, filtered = False, self._filtered
        try:
            with self.loading():
                query = self.context.filters.query(_now_us())
                await self.feed.open(self.model, query)
                if filtered == self._filtered:
                    await self._close_unlisted(query)
                if not self.model.rowCount() and not self.context.filters.is_filtered:
                    self.area.show_why(ever=await self.context.gateway.request_count(UsageQuery()) > 0)
        except BaseException:
            self._stale = True
            raise

    async def _close_unlisted(self, query: UsageQuery) -> None:
        """The details of a request that stood open beside another list, where this one does not hold it."""
        record, filtered = self._open_before, self._filtered
        is_held = record is None or await self._holds(query, record)
        if filtered != self._filtered:
            # The list that is opened for these filters sees to it.
            return
        self._open_before = None
        # Another one may have been asked for meanwhile.
        if not is_held and record is self.panel.record and not self.drawer.isHidden():
            # Of the window's own: a dialog before it may have it now.
            keyboard = self.window().focusWidget()
            self.drawer.close_drawer()
            keep_focus(self.window(), keyboard)

    async def _holds(self, query: UsageQuery, record: ExchangeRecord) -> bool:
        start, end = record.started_us, record.started_us + 1
        if start < (query.start_us or 0) or (query.end_us is not None and end > query.end_us):
            return False
        at = replace(query, start_us=start, end_us=end)
        page = await self.context.gateway.requests(at, limit=PAGE_ROWS, offset=0)
        return any(row.id == record.id for row in page.rows)

    def _filters_changed(self) -> None:
        self._stale = True
        self._filtered += 1
        self._open_before = None if self.drawer.isHidden() else self.panel.record
        self.filter_field.ask_anew()
        if self.isVisible():
            self.context.spawn(self.refresh(Changes(usage=True)))

    def _at_top(self) -> bool:
        return self.live.isChecked() and self.view.verticalScrollBar().value() == 0

    def _opened(self) -> None:
        self.banner.clear(_ROWS)
        self.view.scrollToTop()

    def _counted(self, count: int) -> None:
        filters, since = self.context.filters, self.feed.complete_from_us
        self.subtitle.emit(filters.with_range(tr("{count:,} in range").format(count=count), _now_us()))
        self.incomplete.setVisible(since is not None)
        if since is not None:
            self.incomplete.set_text(incomplete_words(since, filters.tz))
        self.area.show_count(count, filters.is_filtered)
        self.export_button.setEnabled(bool(count) and not self._exporting)

    def _retry(self) -> None:
        self.banner.tell("")
        self.model.retry()
        self.context.spawn(self.refresh(Changes(usage=True)))

    # live

    def _live_toggled(self, on: bool) -> None:
        self.live_word.set_tone("ok" if on else "text3")
        if on and self._at_top():
            self.context.spawn(self.refresh(Changes(usage=True)))

    def _scrolled(self, value: int) -> None:
        if value == 0 and self.area.pill.isVisibleTo(self.area) and self.live.isChecked():
            self.context.spawn(self.refresh(Changes(usage=True)))

    def _go_to_newest(self) -> None:
        self._stale = True
        self.context.spawn(self.refresh(Changes(usage=True)))

    # filters

    async def _apply_filters(self, parsed: ParsedText) -> None:
        try:
            with self.loading():
                parsed = await typed_filters.resolved(self.context.gateway, parsed, self._unfiltered())
        except ClientError as error:
            self.filter_field.give_back(parsed, str(error))
            return
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error), _LIST)
        typed_filters.add(self.context.filters, parsed)

    def _offer_narrowing(self, menu: QMenu, row: int) -> None:
        record = self.model.row(row)
        if record is not None:
            add_narrowing(menu, record, self.context.filters, self.context.value_name)

    def find_here(self) -> None:
        self.filter_field.field.begin()

    def _show_columns_menu(self) -> None:
        open_below(self.view.columns_menu(self), self.columns_button)

    # details

    def _open_row(self, row: int) -> None:
        if self.model.row(row) is not None:
            self._show_details()
            if self.drawer.isHidden():
                # In one turn both would hold the loop for too long.
                self._opening.ask(self._open_drawer)

    def _open_drawer(self) -> None:
        # A key may have gone on to another row meanwhile.
        self._show_details()
        self.drawer.open()

    def _row_moved(self, row: int) -> None:
        # A list that is merely given the keyboard begins at its first row, which nobody chose.
        chosen = row >= 0 and self.view.selectionModel().isRowSelected(row, QModelIndex())
        if chosen and self.drawer.isVisible():
            self._details.start()

    def _show_details(self) -> None:
        record = self.model.row(self.view.currentIndex().row())
        if record is not None and record != self.panel.record:
            self._show_record(record)

    def _tell_times_anew(self) -> None:
        if self.panel.record is not None:
            self._show_record(self.panel.record)

    def _copy_curl(self) -> None:
        """Ctrl+Shift+C: the chosen row's call."""
        self._show_details()
        self.details.copy_curl()

    def _show_record(self, record: ExchangeRecord) -> None:
        explanation = self.context.gateway.explain(record)
        self.details.show_record(record, self.context.provider_names.name, explanation)

    def show_target(self, target: Target) -> None:
        """The details of one request, also where the list does not hold it."""
        if isinstance(target, RequestTarget):
            self.context.spawn(self._show_one(target.id))

    async def _show_one(self, id: str) -> None:
        try:
            record = await self.context.gateway.request(id)
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error), _LIST)
            return
        if record is None:
            self.toast.emit(tr("The row of this request is no longer kept"))
            return
        self._show_record(record)
        self.drawer.open()

    # copying and exporting

    async def _copy_rows(self) -> None:
        ranges = self.view.selected_ranges()
        count = sum(last - first + 1 for first, last in ranges)
        if count > _COPY_AT_MOST:
            self.toast.emit(
                tr("Select at most {count:,} rows to copy; Export saves them all").format(count=_COPY_AT_MOST)
            )
            return
        rows = [row for first, last in ranges for row in await self.model.fetch(first, last)]
        if rows:
            self.toast.emit(self.view.copy_rows(rows))

    def start_export(self) -> None:
        """Asks where to, then writes every row that the filters let through."""
        if self._exporting or not self.export_button.isEnabled():
            return
        visible = tr(_VISIBLE_FILTER)
        dialog = ask_where(
            self,
            tr("Export requests"),
            "requests.csv",
            ";;".join((tr(_ALL_FILTER), visible, tr(_LINES_FILTER))),
            lambda path: self.context.spawn(
                self.export_to(path, visible_only=dialog.selectedNameFilter() == visible)
            ),
            name="requests_export_file",
        )

    def _file_saved(self) -> None:
        self.banner.clear(_FILE)

    async def export_to(self, path: Path, *, visible_only: bool = False) -> None:
        """Writes the filtered requests, in the form that the file's ending names, and says how many. `visible_only`:
        of each what the table's columns show, in their order."""
        self._exporting = True
        self.banner.clear(_FILE)
        resume = pause(self.export_button)
        query = self.context.filters.query(_now_us())
        columns = export_fields(self.view.shown_columns()) if visible_only else ()
        export = gateway_export(path, Export(columns=columns), marked=self.context.shell.marks_csv)

        async def write(job: Job) -> int:
            return await self.context.gateway.export_file(query, export, path, job.told)

        try:
            rows = await self.context.shell.work.run(
                tr("Exporting requests to {name}").format(name=path.name), tr("rows"), write
            )
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error), _FILE, self.start_export)
        else:
            if rows is None:
                self.toast.emit(tr("Cancelled"))
            else:
                words = counted(rows, later("Exported 1 row"), later("Exported {count} rows"))
                self.context.shell.saved.emit(words, path.parent)
        finally:
            self._exporting = False
            resume()
            self.export_button.setEnabled(self.model.rowCount() > 0)
