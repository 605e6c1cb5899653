"""A provider's bill beside what was metered: the whole, each kind of difference, and each day and model."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app import formats
from app.context import AppContext
from app.export_files import CSV_FILTER, ask_where
from app.file_dialogs import file_dialog
from app.focus import keep_focus
from app.known_errors import KNOWN_ERRORS
from app.pages.models_parts.bill_lines import (
    ALL,
    DIFFERING,
    KINDS,
    BillLine,
    Order,
    arranged,
    bill_figures,
    bill_lines,
    bill_words,
    line_columns,
    part_columns,
    request_columns,
)
from app.pages.models_parts.bill_options import BillOptions
from app.pages.models_parts.bill_problem import said_here
from app.pages.models_parts.figure_row import FigureRow
from app.tables.kept_columns import keep_columns
from app.tables.model import ListModel
from app.tables.view import TableView
from app.text_label import TextLabel
from app.translation import counted, later, tr
from app.widgets import (
    Banner,
    Card,
    ComboBox,
    Drawer,
    DropHint,
    ElidedLabel,
    EmptyState,
    PushButton,
    SegmentedControl,
)
from app.work import Job
from gateway import BillColumns, BillPart, BillQuestion, BillRequest, Reconciliation

# What an error was told of.
_FILE = "file"


class LineModel(ListModel[BillLine]):
    """A bill of a year has many thousand lines: `sort_asked` leaves sorting to a worker."""

    sort_asked = Signal(int, bool)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if column >= 0:
            self.sort_asked.emit(column, order == Qt.SortOrder.DescendingOrder)


class BillPane(QWidget):
    """`toast` as of a page."""

    toast = Signal(str)

    def __init__(
        self, context: AppContext, provider_title: Callable[[str], str] = str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._provider_title = provider_title
        self.setObjectName("bill")
        self.setAcceptDrops(True)
        self._context = context
        self.files: tuple[Path, ...] = ()
        self._opening: tuple[Path, ...] = ()
        self.done: Reconciliation | None = None
        self.lines: tuple[BillLine, ...] = ()
        self._order = Order()
        self._busy = False
        self._keyboard_at: QWidget | None = None
        self.model = LineModel(line_columns(), self)
        self.parts: ListModel[BillPart] = ListModel(part_columns(self._whole), self)
        self.requests: ListModel[BillRequest] = ListModel(request_columns(), self)
        self._build()
        self._connect()
        self._follow()

    def _whole(self) -> int | None:
        return self.done.whole_nano if self.done is not None else None

    def _build(self) -> None:
        theme = self._context.theme
        self.choose_button = PushButton(theme, tr("Choose a bill…"), "upload", "primary")
        self.choose_button.setObjectName("bill_choose")
        self.file_name = ElidedLabel(theme, tr("No file chosen"), Qt.TextElideMode.ElideMiddle, tone="text2")
        self.file_name.setObjectName("bill_files")
        self.options_button = PushButton(theme, tr("Options"), "sliders-horizontal", "secondary")
        self.options_button.setObjectName("bill_options_button")
        self.export_button = PushButton(theme, tr("Export"), "download", "secondary")
        self.export_button.setObjectName("bill_export")
        self.banner = Banner(theme, "bad", "", tr("Options"))
        self.banner.setObjectName("bill_error")
        self.banner.hide()
        self.words = TextLabel(theme, px=12, tone="text2", wrap=True)
        self.words.setObjectName("bill_words")
        self.figures = FigureRow(theme, tr("The bill and our rows"))
        self.figures.setObjectName("bill_figures")
        self.parts_view = TableView(theme, self.parts, tr("Kinds of difference"))
        self.parts_view.setObjectName("bill_parts")
        keep_columns(self.parts_view, self._context.shell.preferences, "bill_parts")
        self.parts_view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.kind = ComboBox(theme, tr("Which lines"))
        self.kind.setObjectName("bill_kind")
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.what = SegmentedControl(theme, (("days", tr("Days and models")), ("requests", tr("Single requests"))))
        self.what.setAccessibleName(tr("What the table shows"))
        self.counted = TextLabel(theme, px=12, tone="text3")
        self.view = TableView(theme, self.model, tr("Days and models of the bill"))
        self.view.setObjectName("bill_lines")
        keep_columns(self.view, self._context.shell.preferences, "bill_lines")
        self.requests_view = TableView(theme, self.requests, tr("Requests that differ"))
        self.requests_view.setObjectName("bill_requests")
        keep_columns(self.requests_view, self._context.shell.preferences, "bill_requests")
        self.idle = EmptyState(
            theme,
            "scroll-text",
            tr("Is the bill right?"),
            tr(
                "Choose what the provider lets you download, or drop it here: OpenAI's usage and costs, the Claude "
                "Console's usage and costs, Google Cloud's cost table, xAI's usage; or any other table of days, "
                "models and costs. It is compared with what was metered here, and goes nowhere."
            ),
            tr("Choose a bill…"),
        )
        self.idle.setObjectName("bill_idle")
        assert self.idle.button is not None
        # The one that is on show: with a file there it stands above.
        self.idle.button.setObjectName("bill_choose")
        self.options = BillOptions(theme)
        self.zone = self.options.zone
        self.drawer = Drawer(theme)
        self.drawer.setObjectName("bill_drawer")
        self.drawer.set_title(tr("How to read the bill"))
        self.drawer.set_content(self.options)
        self._lay_out()

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.choose_button)
        tools.addWidget(self.file_name, 1)
        for widget in (self.options_button, self.export_button):
            tools.addWidget(widget)
        self.result = QWidget()
        column = QVBoxLayout(self.result)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.words)
        column.addWidget(self.figures)
        column.addWidget(Card.around(self._context.theme, self.parts_view))
        over = QHBoxLayout()
        over.setSpacing(8)
        over.addWidget(self.what)
        over.addWidget(self.kind)
        over.addStretch(1)
        over.addWidget(self.counted)
        column.addLayout(over)
        self.tables = QStackedWidget()
        for view in (self.view, self.requests_view):
            self.tables.addWidget(Card.around(self._context.theme, view))
        column.addWidget(self.tables, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.idle)
        self.stack.addWidget(self.result)
        main = QVBoxLayout()
        main.setContentsMargins(24, 16, 24, 16)
        main.setSpacing(12)
        main.addLayout(tools)
        main.addWidget(self.banner)
        main.addWidget(self.stack, 1)
        self.drawer.stand_beside(main, self)
        self.drop_hint = DropHint(self._context.theme, tr("Drop the bill here to compare it"), self)

    def _connect(self) -> None:
        spawn = self._context.spawn
        self.choose_button.clicked.connect(self.ask_files)
        self.idle.action.connect(self.ask_files)
        self.options_button.clicked.connect(self._toggle_options)
        self.banner.action.connect(self.drawer.open)
        self.options.submitted.connect(lambda: spawn(self._compare()))
        self.zone.activated.connect(lambda _: spawn(self._compare()))
        self.export_button.clicked.connect(self.ask_where)
        self._context.shell.saved.connect(self._file_saved)
        self.kind.currentIndexChanged.connect(lambda _: self._arrange(kind=str(self.kind.currentData())))
        self.model.sort_asked.connect(lambda column, down: self._arrange(column=column, descending=down))
        self.parts_view.opened.connect(self._choose_part)
        self.what.changed.connect(lambda key: self._show_table(key))
        self.drawer.closed.connect(self.options_button.setFocus)
        self.view.copy_asked.connect(partial(self._copy, self.view, self.model))
        self.requests_view.copy_asked.connect(partial(self._copy, self.requests_view, self.requests))
        self.parts_view.copy_asked.connect(partial(self._copy, self.parts_view, self.parts))

    def _follow(self) -> None:
        self.choose_button.setEnabled(not self._busy)
        self.idle.setEnabled(not self._busy)
        self.options.setEnabled(not self._busy)
        self.options_button.setEnabled(bool(self.files))
        self.export_button.setEnabled(not self._busy and self.done is not None)
        chosen = bool(self.files)
        for widget in (self.choose_button, self.file_name, self.options_button, self.export_button):
            widget.setVisible(chosen)
        if self.banner.button is not None:
            # There is nothing to be read otherwise yet.
            self.banner.button.setVisible(chosen)
        if self.idle.button is not None:
            self.idle.button.setVisible(not chosen)

    def _set_busy(self, busy: bool) -> None:
        if busy:
            self._keyboard_at = QApplication.focusWidget()
        self._busy = busy
        self.choose_button.setText(tr("Comparing…") if busy else tr("Choose a bill…"))
        self._follow()
        if not busy:
            keep_focus(self, self._keyboard_at)

    def _toggle_options(self) -> None:
        if self.drawer.isVisible():
            self.drawer.close_drawer()
        else:
            self.drawer.open()
            self.options.provider.setFocus()

    # the file

    def ask_files(self) -> None:
        dialog = file_dialog(self, tr("Choose a provider's bill"), "bill_file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([tr("Tables (*.csv *.tsv *.txt)"), tr("All files (*)")])
        dialog.filesSelected.connect(lambda names: self._context.spawn(self.open(tuple(map(Path, names)))))
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not self._busy and _paths(event):
            event.acceptProposedAction()
            self.drop_hint.show_over()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.drop_hint.hide()
        self._context.spawn(self.open(_paths(event)))

    async def open(self, files: tuple[Path, ...]) -> None:
        """Compare these; where their form is not known, ask for it."""
        if self._busy or not files:
            return
        self._opening = files
        found = []
        for file in files:
            try:
                found.append(await self._context.gateway.bill_columns(file))
            except KNOWN_ERRORS as error:
                if self._opening is files:
                    # What was compared before is still on show, with its own name.
                    self.banner.tell(f"{file.name}: {said_here(error)}")
                return
        if self._opening is not files:
            # Another one was chosen meanwhile.
            return
        columns = found[0]
        self.files = files
        self._set_result(None, ())
        self.file_name.setText(", ".join(path.name for path in files))
        self.options.show_columns(columns)
        self._follow()
        if columns.form is not None:
            await self._compare()
        else:
            self._ask_which(columns)

    def _ask_which(self, columns: BillColumns) -> None:
        names = ", ".join(f"“{title}”" for title in columns.columns[:6])
        words = tr("No known form of bill has the columns {names}: say which is which.")
        self.banner.tell(words.format(names=names))
        self.drawer.open()
        self.options.fields["time"].setFocus()

    async def _compare(self) -> None:
        if self._busy or not self.files or self.options.complaint():
            return
        gateway, files, options = self._context.gateway, self.files, self.options
        question = BillQuestion(
            provider=options.provider.currentData() or None,
            tz=self.zone.currentData() or None,
            mapping=options.mapping(),
            rate=options.rate_given(),
            own_keys=options.own_keys.isChecked(),
        )

        async def compare(job: Job) -> tuple[Reconciliation, tuple[BillLine, ...]]:
            done = await gateway.reconcile(files, question, job.told)
            return done, await asyncio.to_thread(bill_lines, done)

        self.banner.tell("")
        self._set_busy(True)
        try:
            title = tr("Comparing {files}").format(files=self.file_name.text())
            found = await self._context.shell.work.run(title, tr("lines and rows"), compare)
        except KNOWN_ERRORS as error:
            self._set_result(None, ())
            self.banner.tell(said_here(error))
            return
        finally:
            self._set_busy(False)
        if found is None:
            self.toast.emit(tr("Cancelled"))
        elif files is not self.files:
            # Others were being opened as this began, and stand there by now.
            await self._compare()
        else:
            self.drawer.close_drawer()
            self._set_result(*found)

    # the result

    def _set_result(self, done: Reconciliation | None, lines: tuple[BillLine, ...]) -> None:
        self.done, self.lines = done, lines
        self.stack.setCurrentWidget(self.idle if done is None else self.result)
        if done is not None:
            self._show(done)
        self._follow()

    def _show(self, done: Reconciliation) -> None:
        self.words.setText(bill_words(done, self._provider_title))
        self.figures.show_figures(bill_figures(done))
        self.parts.set_rows(done.parts)
        theme = self._context.theme
        header = self.parts_view.horizontalHeader().sizeHint().height()
        self.parts_view.setFixedHeight(header + len(done.parts) * theme.row_height + 4)
        self.requests.set_rows(done.requests)
        self.what.setVisible(bool(done.requests))
        self.what.set_current("days")
        self._show_table("days")
        self._offer_kinds(done)

    def _offer_kinds(self, done: Reconciliation) -> None:
        kinds = [part.kind for part in done.parts]
        differing = any(kind != "matched" for kind in kinds)
        self.kind.blockSignals(True)
        self.kind.clear()
        self.kind.addItem(tr("All lines"), ALL)
        if differing:
            self.kind.addItem(tr("Only differences"), DIFFERING)
        for kind in kinds:
            self.kind.addItem(KINDS[kind].text, kind)
        self.kind.setCurrentIndex(1 if differing else 0)
        self.kind.blockSignals(False)
        self._order = Order()
        self._arrange(kind=str(self.kind.currentData()))

    def _choose_part(self, number: int) -> None:
        part = self.parts.row(number)
        if part is not None:
            self.what.set_current("days")
            self._show_table("days")
            self.kind.setCurrentIndex(self.kind.findData(part.kind))

    def _show_table(self, key: str) -> None:
        self.tables.setCurrentIndex(int(key == "requests"))
        self.kind.setVisible(key == "days")
        self._count()

    def _arrange(self, **changes: Any) -> None:
        self._order = replace(self._order, **changes)
        self._context.spawn(self._show_arranged(self._order))

    async def _show_arranged(self, order: Order) -> None:
        lines = self.lines
        rows = await asyncio.to_thread(arranged, lines, order, self.model.columns)
        if order == self._order and lines is self.lines:
            self.model.set_rows(rows)
            self._count()

    def _count(self) -> None:
        if self.tables.currentIndex():
            shown, every = len(self.requests.rows), len(self.requests.rows)
        else:
            shown, every = len(self.model.rows), len(self.lines)
        self.counted.setText(
            tr("{shown} of {all} lines").format(shown=formats.count(shown), all=formats.count(every))
        )

    def _copy(self, view: TableView, model: ListModel[Any]) -> None:
        rows = [row for first, last in view.selected_ranges() for row in model.rows[first : last + 1]]
        self.toast.emit(view.copy_rows(rows))

    # the file of the result

    def ask_where(self) -> None:
        """Where the comparison is saved, a line per day, model and kind."""
        done = self.done
        if done is None or self._busy:
            return
        name = f"{done.provider}-{done.first_day}-to-{done.last_day}.csv"
        ask_where(
            self,
            tr("Export the comparison"),
            name,
            tr(CSV_FILTER),
            lambda path: self._context.spawn(self.export_to(path)),
            name="bill_export_file",
        )

    async def export_to(self, path: Path) -> None:
        gateway, done = self._context.gateway, self.done
        if done is None:
            return

        async def write(job: Job) -> int:
            return await gateway.export_reconciliation(done, path, job.told, bom=self._context.shell.marks_csv)

        title = tr("Exporting to {file}").format(file=path.name)
        try:
            written = await self._context.shell.work.run(title, tr("lines"), write)
        except KNOWN_ERRORS as error:
            self.banner.tell(str(error), _FILE, self.ask_where)
            return
        if written is None:
            self.toast.emit(tr("Cancelled"))
        else:
            told = counted(
                written, later("Exported 1 line to {file}"), later("Exported {count} lines to {file}"), file=path.name
            )
            self._context.shell.saved.emit(told, path.parent)

    def _file_saved(self) -> None:
        self.banner.clear(_FILE)


def _paths(event: QDropEvent) -> tuple[Path, ...]:
    return tuple(Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile())
