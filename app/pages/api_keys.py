"""API keys: who may use this gateway. Keys are made in the drawer and shown once; a revoked one stays, greyed."""

import time
from pathlib import Path

from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.export_files import CSV_FILTER, ask_where, export_table
from app.filters import FilterSnapshot
from app.known_errors import KNOWN_ERRORS
from app.pages.api_keys_parts.columns import KeyLine, api_key_columns, key_lines, revoke_consequence
from app.pages.api_keys_parts.create_panel import CreatePanel
from app.pages.page import Page
from app.questions import ask_to_lose
from app.tables.kept_columns import keep_columns
from app.tables.model import ListModel
from app.tables.view import TableView
from app.translation import counted, later, tr
from app.widgets import Banner, Card, Drawer, EmptyState, PushButton
from app.widgets.places import bare_table_places
from gateway import ApiKeyRow, Changes, UsageQuery

_LATELY = "7d"


def _now_us() -> int:
    return time.time_ns() // 1000


class ApiKeysPage(Page):
    title = later("API keys")
    icon = "key-round"
    key = "api_keys"
    places = staticmethod(bare_table_places)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("api_keys_page")
        self.model: ListModel[KeyLine] = ListModel(api_key_columns(_now_us), self, key=lambda row: row.id)
        self._build()
        self.create_button.clicked.connect(lambda: self.drawer.open_soon(self.open_create))
        self.empty.action.connect(lambda: self.drawer.open_soon(self.open_create))
        self.revoke_button.clicked.connect(self.ask_to_revoke)
        self.export_button.clicked.connect(self.start_export)
        self.banner.action.connect(lambda: context.spawn(self.refresh(Changes(keys=True))))
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._selection_changed())
        self.view.copy_asked.connect(self._copy_rows)
        self.view.menu_offered.connect(self._offer)
        self.panel.created.connect(lambda name: context.spawn(self.refresh(Changes(keys=True))))
        self.panel.copied.connect(self.toast)
        self.panel.finished.connect(self.drawer.close_drawer)
        self.drawer.closed.connect(self._drawer_closed)
        self.guard(self.drawer, lambda: self.panel.unsaved)

    def as_time_passes(self) -> None:
        self.view.viewport().update()

    def header_controls(self) -> list[QWidget]:
        return [self.export_button, self.revoke_button, self.create_button]

    def _build(self) -> None:
        theme = self.context.theme
        self.export_button = PushButton(theme, tr("Export"), "download", "secondary")
        self.export_button.setObjectName("api_keys_export")
        self.create_button = PushButton(theme, tr("Create key"), "plus", "primary")
        self.create_button.setObjectName("create_key")
        self.revoke_button = PushButton(theme, tr("Revoke"), None, "danger")
        self.revoke_button.setObjectName("revoke_key")
        self.revoke_button.setToolTip(tr("The chosen key stops working at once; its row stays"))
        self.revoke_button.setEnabled(False)
        self.banner = Banner(theme, "bad", "", tr("Retry"))
        self.banner.setObjectName("api_keys_error")
        self.banner.hide()
        self.view = TableView(theme, self.model, tr("API keys"))
        self.view.setObjectName("api_keys_table")
        keep_columns(self.view, self.context.shell.preferences, "api_keys")
        self.view.set_faint(lambda row: row.revoked_us is not None)
        self.view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.table = Card(theme)
        self.table.fill_with(self.view)
        self.empty = EmptyState(
            theme,
            "key-round",
            tr("No keys yet"),
            tr("Every tool that uses this gateway needs a key."),
            tr("Create key"),
        )
        self.empty.setObjectName("api_keys_empty")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.panel = CreatePanel(self.context)
        self.drawer = Drawer(theme)
        self.drawer.setObjectName("api_keys_drawer")
        self.drawer.set_content(self.panel)
        self.drawer.set_title(tr("New key"))
        main = QVBoxLayout()
        main.setContentsMargins(24, 16, 24, 16)
        main.setSpacing(12)
        main.addWidget(self.banner)
        main.addWidget(self.stack, 1)
        self.drawer.stand_beside(main, self, in_pieces=True)

    def on_shown(self) -> None:
        if self.view.isVisible() and not self.drawer.isVisible():
            self.view.setFocus()

    async def refresh(self, changes: Changes) -> None:
        gateway = self.context.gateway
        try:
            rows = await gateway.api_keys()
            lately = await gateway.breakdown(self._lately(), "key", sort="requests")
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error))
            return
        self.banner.hide()
        used = {row.value: row.summary.requests for row in lately.rows if row.value is not None}
        self.model.set_rows(key_lines(rows, used))
        self._selection_changed()
        self.stack.setCurrentWidget(self.table if rows else self.empty)
        self.export_button.setEnabled(bool(rows))
        active = sum(row.revoked_us is None for row in rows)
        revoked = len(rows) - active
        self.subtitle.emit(
            tr("{active} active, {revoked} revoked").format(active=active, revoked=revoked)
            if revoked
            else tr("{active} active").format(active=active)
        )

    def _lately(self) -> UsageQuery:
        filters = self.context.filters
        return UsageQuery(start_us=filters.preset_start(_LATELY, _now_us()), tz=filters.tz)

    def _offer(self, menu: QMenu, row: int) -> None:
        """What can be done with a row, besides copying it."""
        key = self.model.row(row)
        if key is not None:
            shown = FilterSnapshot(range_key=_LATELY, dimensions={"key": (key.name,)})
            words = tr("Show its requests")
            menu.addAction(words, lambda: self.navigate.emit("requests", shown)).setEnabled(bool(key.requests))

    def selected(self) -> ApiKeyRow | None:
        """The row that Revoke would act on."""
        return self.model.row(self.view.first_selected)

    def open_create(self) -> None:
        """The sheet for a new key; a key that still stands there stays."""
        self.drawer.open()
        if not self.panel.showing_key:
            self.panel.open()

    def ask_to_revoke(self) -> None:
        """Revoking is asked for with what it would break."""
        row = self.selected()
        if row is None or row.revoked_us is not None:
            return
        ask_to_lose(
            self,
            "confirm_revoke",
            tr("Revoke “{name}”?").format(name=row.name),
            revoke_consequence(row, _now_us()),
            lambda: self.context.spawn(self._revoke(row)),
            words=tr("Revoke"),
            keep=tr("Keep it"),
        )

    async def _revoke(self, row: ApiKeyRow) -> None:
        try:
            await self.context.gateway.revoke_api_key(row.id)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
        else:
            self.toast.emit(tr("“{name}” is revoked").format(name=row.name))
        await self.refresh(Changes(keys=True))

    def start_export(self) -> None:
        """Asks where to, then writes the table as CSV."""
        if not self.export_button.isEnabled():
            return
        ask_where(
            self,
            tr("Export API keys"),
            "api-keys.csv",
            tr(CSV_FILTER),
            lambda path: self.context.spawn(self.export_to(path)),
            name="api_keys_export_file",
        )

    async def export_to(self, path: Path) -> None:
        """Writes what the table shows; a key itself is in none of its cells."""
        rows = self.model.rows
        words = counted(len(rows), later("Exported 1 row"), later("Exported {count} rows"))
        await export_table(self.context.shell, self.view.shown_columns(), rows, path, words)

    def _selection_changed(self) -> None:
        row = self.selected()
        self.revoke_button.setEnabled(row is not None and row.revoked_us is None)

    def _copy_rows(self) -> None:
        row = self.selected()
        if row is not None:
            self.toast.emit(self.view.copy_rows([row]))

    def _drawer_closed(self) -> None:
        if self.panel.showing_key:
            # Closing by accident would lose a key that exists nowhere else.
            self.drawer.open()
            self.panel.shown.copy.setFocus()
            self.toast.emit(tr("Store the key first, then press “I have stored it”"))
            return
        self.panel.leave()
        self.create_button.setFocus()
