"""History by today's prices: looked at first, model by model, then applied as one step that can be taken back."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app import sources
from app.context import AppContext
from app.filter_bar import FilterBar
from app.filters import FilterSnapshot, FilterState
from app.focus import keep_focus
from app.known_errors import KNOWN_ERRORS
from app.pages.models_parts.figure_row import FigureRow
from app.pages.models_parts.repricing_lines import (
    changes_estimates,
    history_columns,
    kept_words,
    preview_figures,
    query_words,
    repriced_columns,
    said_here,
)
from app.range_picker import RangePicker
from app.tables.kept_columns import keep_columns
from app.tables.model import ListModel
from app.tables.view import TableView
from app.text_label import TextLabel
from app.translation import counted, later, tr
from app.widgets import Banner, Card, EmptyState, PushButton
from app.work import Job
from gateway import RepricedModel, Repricing, RepricingPreview, UsageQuery

_HISTORY_ROWS = 4


# What an error was told of.
_HISTORY = "history"


class RepricingPane(QWidget):
    """Range and filters are its own: those of the window say what is looked at, and these what is changed.

    `toast` as of a page; `changed` when rows cost something else than before.
    """

    toast = Signal(str)
    changed = Signal()

    def __init__(
        self, context: AppContext, provider_title: Callable[[str], str] = str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("repricing")
        self._context = context
        self.filters = FilterState(self, tz=context.filters.tz)
        self.filters.set_range("30d")
        self._looking_at: UsageQuery | None = None
        self._query: UsageQuery | None = None
        self.previewed: RepricingPreview | None = None
        self._busy = False
        self._keyboard_at: QWidget | None = None
        self.model: ListModel[RepricedModel] = ListModel(repriced_columns(provider_title), self)
        self.history: ListModel[Repricing] = ListModel(
            history_columns(lambda: self.filters.tz), self, key=lambda row: row.id
        )
        self._build()
        self._connect()
        self._follow()

    def _build(self) -> None:
        theme = self._context.theme
        own = AppContext(self._context.gateway, theme, self.filters, self._context.spawn, shell=self._context.shell)
        self.range_picker, self.filter_bar = RangePicker(own), FilterBar(own)
        self.range_picker.setAccessibleName(tr("Requests of"))
        self.filter_bar.setContentsMargins(0, 3, 0, 0)
        self.preview_button = PushButton(theme, tr("Preview"), "search", "primary")
        self.preview_button.setObjectName("repricing_preview")
        self.apply_button = PushButton(theme, tr("Apply"), "check", "primary")
        self.apply_button.setObjectName("repricing_apply")
        self.undo_button = PushButton(theme, tr("Undo"), "undo-2", "secondary")
        self.undo_button.setObjectName("repricing_undo")
        self.banner = Banner(theme, "bad", "")
        self.banner.setObjectName("repricing_error")
        self.banner.hide()
        self.figures = FigureRow(theme, tr("What re-pricing would change"))
        self.figures.setObjectName("repricing_figures")
        self.kept = TextLabel(theme, px=12, tone="text2", wrap=True)
        self.kept.setObjectName("repricing_kept")
        self.view = TableView(theme, self.model, tr("Changes by model"))
        self.view.setObjectName("repricing_models")
        keep_columns(self.view, self._context.shell.preferences, "repricing_models")
        self.history_view = TableView(theme, self.history, tr("Earlier re-pricings"))
        self.history_view.setObjectName("repricing_history")
        keep_columns(self.history_view, self._context.shell.preferences, "repricing_history")
        self.history_view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.history_view.set_faint(lambda row: row.undone_us is not None)
        self.idle = EmptyState(
            theme,
            "history",
            tr("Re-price history"),
            tr(
                "Requests keep the cost that they had when they were made. Where a price was missing or "
                "wrong, choose them above and see what today's prices would make of them; nothing "
                "changes until you apply it."
            ),
        )
        self.idle.setObjectName("repricing_idle")
        self.nothing = EmptyState(theme, "circle-check", tr("Nothing would change"), "", tr("Look again"))
        self.nothing.setObjectName("repricing_nothing")
        self._lay_out()

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(8)
        tools.addWidget(self.range_picker, 0, Qt.AlignmentFlag.AlignTop)
        tools.addWidget(self.filter_bar, 1)
        tools.addWidget(self.preview_button, 0, Qt.AlignmentFlag.AlignTop)
        result = QWidget()
        column = QVBoxLayout(result)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.figures)
        column.addWidget(Card.around(self._context.theme, self.view), 1)
        foot = QHBoxLayout()
        foot.setSpacing(12)
        foot.addWidget(self.kept, 1)
        foot.addWidget(self.apply_button, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(foot)
        self.result = result
        self.stack = QStackedWidget()
        for state in (self.idle, self.nothing, result):
            self.stack.addWidget(state)
        heading = QHBoxLayout()
        heading.addWidget(TextLabel(self._context.theme, tr("Earlier re-pricings"), weight=600))
        heading.addStretch(1)
        heading.addWidget(self.undo_button)
        self.history_part = QWidget()
        part = QVBoxLayout(self.history_part)
        part.setContentsMargins(0, 0, 0, 0)
        part.setSpacing(8)
        part.addLayout(heading)
        part.addWidget(Card.around(self._context.theme, self.history_view))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 16, 24, 16)
        whole.setSpacing(12)
        whole.addLayout(tools)
        whole.addWidget(self.banner)
        whole.addWidget(self.stack, 1)
        whole.addWidget(self.history_part)
        self.history_part.hide()

    def _connect(self) -> None:
        self.preview_button.clicked.connect(self.preview)
        self.nothing.action.connect(self.preview)
        self.apply_button.clicked.connect(lambda: self._context.spawn(self._apply()))
        self.undo_button.clicked.connect(lambda: self._context.spawn(self._undo()))
        self.filters.changed.connect(self._forget)
        self._context.filters.changed.connect(self._follow_zone)
        self.history_view.selectionModel().selectionChanged.connect(lambda *_: self._follow())
        self.view.copy_asked.connect(partial(self._copy, self.view, self.model))
        self.history_view.copy_asked.connect(partial(self._copy, self.history_view, self.history))

    # state

    def open_for(self, provider: str, model: str) -> None:
        """Ready to price this model's requests of the last twelve months anew; `*` is all of the provider's, and no
        provider all of everybody's."""
        dimensions: dict[str, tuple[str, ...]] = {"provider": (provider,)} if provider else {}
        if model != "*":
            dimensions["model"] = (model,)
        self.filters.restore(FilterSnapshot(range_key="12m", dimensions=dimensions))

    def _follow_zone(self) -> None:
        self.filters.set_zone(self._context.filters.tz)

    def chosen(self) -> Repricing | None:
        """The earlier re-pricing that Undo would take back."""
        return self.history.row(self.history_view.first_selected)

    def _forget(self) -> None:
        """What was looked at, or still is, were other requests."""
        self.previewed = self._query = self._looking_at = None
        self.stack.setCurrentWidget(self.idle)
        self.banner.hide()
        self._follow()

    def _follow(self) -> None:
        chosen, preview = self.chosen(), self.previewed
        self.preview_button.setEnabled(not self._busy)
        self.idle.setEnabled(not self._busy)
        self.nothing.setEnabled(not self._busy)
        self.apply_button.setEnabled(not self._busy and preview is not None and preview.changed > 0)
        self.undo_button.setEnabled(not self._busy and chosen is not None and chosen.undone_us is None)
        if preview is not None:
            self.apply_button.setText(
                counted(preview.changed, later("Apply to 1 request"), later("Apply to {count} requests"))
            )

    def _set_busy(self, busy: bool) -> None:
        if busy:
            self._keyboard_at = QApplication.focusWidget()
        self._busy = busy
        self.preview_button.setText(tr("Looking…") if busy else tr("Preview"))
        self._follow()
        if not busy:
            keep_focus(self, self._keyboard_at)

    # work

    async def refresh(self) -> None:
        """Reads what was applied before."""
        try:
            rows = await self._context.gateway.repricings()
        except KNOWN_ERRORS as error:
            self.banner.tell(said_here(error, self.filters.tz), _HISTORY)
            return
        self.banner.clear(_HISTORY)
        if rows == self.history.rows:
            return
        self.history.set_rows(rows)
        theme = self._context.theme
        shown = min(len(rows), _HISTORY_ROWS)
        header = self.history_view.horizontalHeader().sizeHint().height()
        self.history_view.setFixedHeight(header + shown * theme.row_height + 4)
        self.history_part.setVisible(bool(rows))
        self._follow()

    def preview(self) -> None:
        """Look what today's prices would make of the chosen requests."""
        if not self._busy:
            self._context.spawn(self._preview())

    async def _preview(self) -> None:
        gateway, query = self._context.gateway, self.filters.query(time.time_ns() // 1000)
        self._looking_at = query

        async def look(job: Job) -> RepricingPreview:
            return await gateway.preview_repricing(query, job.told)

        self.banner.tell("")
        self._set_busy(True)
        try:
            found = await self._context.shell.work.run(
                tr("Checking requests against today's prices"), tr("requests"), look
            )
        except KNOWN_ERRORS as error:
            self._forget()
            self.banner.tell(said_here(error, self.filters.tz))
            return
        finally:
            self._set_busy(False)
        if found is None:
            self.toast.emit(tr("Cancelled"))
        elif query is self._looking_at:
            self._show(query, found)

    def _show(self, query: UsageQuery, found: RepricingPreview) -> None:
        self._query, self.previewed = query, found
        words = kept_words(found.kept)
        self.kept.setText(words)
        self.figures.show_figures(preview_figures(found))
        self.model.set_rows(found.by_model)
        looked = counted(
            found.examined,
            later("1 request was looked at: {what}."),
            later("{count} requests were looked at: {what}."),
            what=query_words(query, self.filters.tz),
        )
        self.nothing.set_text("\n".join(filter(None, (looked, words))))
        self.stack.setCurrentWidget(self.result if found.changed else self.nothing)
        self._follow()

    async def _apply(self) -> None:
        gateway, query, expected = self._context.gateway, self._query, self.previewed
        if query is None or expected is None or self._busy:
            return

        async def apply(job: Job) -> Repricing:
            return await gateway.apply_repricing(query, expected=expected, progress=job.told)

        done = await self._work(tr("Re-pricing requests"), apply)
        if done is not None:
            self._forget()
            self.toast.emit(
                counted(
                    done.changed,
                    later("1 request was re-priced: {difference}"),
                    later("{count} requests were re-priced: {difference} in all"),
                    difference=sources.marked_difference(done.to_nano - done.from_nano, changes_estimates(expected)),
                )
            )
            await self._after()
            self.history_view.selectRow(0)

    async def _undo(self) -> None:
        gateway, chosen = self._context.gateway, self.chosen()
        if chosen is None or self._busy:
            return

        async def undo(job: Job) -> Repricing:
            return await gateway.undo_repricing(chosen.id, progress=job.told)

        done = await self._work(tr("Restoring the requests' earlier cost"), undo)
        if done is not None:
            self._forget()
            self.toast.emit(
                counted(
                    done.changed,
                    later("1 request costs what it did before"),
                    later("{count} requests cost what they did before"),
                )
            )
            await self._after()

    async def _work(self, title: str, work: Callable[[Job], Awaitable[Repricing]]) -> Repricing | None:
        self.banner.tell("")
        self._set_busy(True)
        try:
            done = await self._context.shell.work.run(title, tr("requests"), work)
        except KNOWN_ERRORS as error:
            self.banner.tell(said_here(error, self.filters.tz))
            return None
        finally:
            self._set_busy(False)
        if done is None:
            self.toast.emit(tr("Cancelled: nothing was changed"))
        return done

    async def _after(self) -> None:
        await self.refresh()
        self.changed.emit()

    def _copy(self, view: TableView, model: ListModel[Any]) -> None:
        rows = [row for first, last in view.selected_ranges() for row in model.rows[first : last + 1]]
        self.toast.emit(view.copy_rows(rows))
