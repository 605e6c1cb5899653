"""What was compared over time: models by the ratings of their answers, as a scatter and a table, and every answer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QImage, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app import formats
from app.charts import Point, ScatterCard, ScatterSpec, duration_axis, money_axis
from app.colour_slots import ColourSlots
from app.context import AppContext
from app.export_files import CSV_FILTER, PICTURE_FILTER, ask_where, export_table, save_picture
from app.fonts import ui_font
from app.known_errors import KNOWN_ERRORS
from app.pages.compare_parts.answer_details import AnswerDetails
from app.pages.compare_parts.rating_lines import answer_columns, matching, mean_stars, model_columns
from app.pages.models_parts.scrolled import scrolled
from app.sources import marked_money
from app.tables.column import milliseconds
from app.tables.kept_columns import keep_columns
from app.tables.model import ListModel
from app.tables.painter import CELL_PADDING
from app.tables.view import TableView
from app.text_label import TextLabel
from app.time_words import TTFT
from app.translation import counted, later, tr
from app.widgets import Card, Drawer, ElidedLabel, EmptyState, PushButton, SearchField, SegmentedControl
from gateway import MOST_STARS, RatedAnswer, RatedModel

MOST_RATED, LATEST = 1000, 100
# Pixels: as far from a card's border as titles of other cards, less a cell's own padding.
_INSET = 16 - CELL_PADDING
_GAP, _SCATTER = 12, 361


class _Beside(QWidget):
    """A chart and a table in halves; in a narrow place the table, whose figures would be cut, takes what the chart
    with its words can spare. `wanted` is how wide it is with all of its columns."""

    def __init__(self, chart: QWidget, table: QWidget, wanted: int) -> None:
        super().__init__()
        self._wanted = wanted
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(_GAP)
        self._row.addWidget(chart)
        self._row.addWidget(table)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - _GAP
        table = max(room // 2, min(self._wanted, room - _SCATTER))
        self._row.setStretch(0, room - table)
        self._row.setStretch(1, table)


class HistoryPane(QWidget):
    """`rated(answer, stars, note)`; `request_asked(id)`; `conversation_asked(id)`; `ask_asked(answer)`."""

    rated = Signal(object, int, str)
    request_asked = Signal(str)
    conversation_asked = Signal(str)
    ask_asked = Signal(object)
    toast = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._slots = ColourSlots(context.colours, "model")
        # None until they have been read: nothing is said of them before.
        self.answers: tuple[RatedAnswer, ...] | None = None
        self.models: tuple[RatedModel, ...] = ()
        # One after another, so that what was read last is what stands there.
        self._reading = asyncio.Lock()
        self.setObjectName("compare_history_pane")
        self._build()
        self.kept.changed.connect(lambda _: self._again())
        self.search.textChanged.connect(lambda _: self._filter())
        self.scatter.chosen.connect(self.search.setText)
        self.models_view.opened.connect(self._open_model)
        self.view.opened.connect(self._open_row)
        self.view.copy_asked.connect(lambda: self._copy(self.view, self.model))
        self.models_view.copy_asked.connect(lambda: self._copy(self.models_view, self.models_model))
        self.drawer.closed.connect(self.view.setFocus)
        self.no_match.action.connect(self.search.clear)
        self.unrated.action.connect(lambda: self.kept.segment("all").click())
        self.export_button.clicked.connect(self.offer_exports)

    def _build(self) -> None:
        theme = self._context.theme
        self.scatter = ScatterCard(
            ScatterSpec(
                title=tr("Cost, time and rating"),
                x_title=tr("Cost of an answer"),
                y_title=tr("Total time · larger is rated higher"),
                x_text=money_axis,
                y_text=duration_axis,
            ),
            theme,
        )
        self.models_model: ListModel[RatedModel] = ListModel(
            model_columns(self._slots.slot), self, key=lambda row: row.model
        )
        self.models_view = TableView(theme, self.models_model, tr("Models by the ratings of their answers"))
        self.models_view.setObjectName("compare_models_table")
        keep_columns(self.models_view, self._context.shell.preferences, "compare_models")
        self.models_view.show_order("stars", descending=True)
        self.models_view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.model: ListModel[RatedAnswer] = ListModel(
            answer_columns(self._slots.slot), self, key=lambda row: row.request_id
        )
        self.view = TableView(theme, self.model, tr("Compared answers"))
        self.view.setObjectName("compare_answers_table")
        keep_columns(self.view, self._context.shell.preferences, "compare_answers")
        self.view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.search = SearchField(theme, tr("Search prompts, models and notes"))
        self.search.setObjectName("compare_search")
        self.kept = SegmentedControl(theme, (("rated", tr("Rated")), ("all", tr("All answers"))))
        self.kept.setAccessibleName(tr("Which answers"))
        self.count = TextLabel(theme, "", px=12, tone="text3")
        self.count.setObjectName("compare_count")
        self.empty = EmptyState(
            theme,
            "star",
            tr("Nothing compared yet"),
            tr("Ask several models the same question and rate their answers. The ratings collect here over time."),
            tr("Ask several models"),
        )
        self.empty.setObjectName("compare_history_empty")
        self.no_match = EmptyState(theme, "search", tr("No such answer"), "", tr("Clear the search"))
        self.no_match.setObjectName("compare_no_match")
        self.unrated = EmptyState(
            theme,
            "star",
            tr("Nothing is rated yet"),
            tr(
                "Rate an answer with one to five stars: its model then appears in the chart and the "
                "table, by its averages."
            ),
            tr("Show all answers"),
        )
        self.unrated.setObjectName("compare_unrated")
        self.export_button = PushButton(theme, tr("Export"), "download", "secondary")
        self.export_button.setObjectName("compare_export")
        self.drawer = Drawer(theme)
        self.drawer.let_widen(self._context.shell.preferences, "answer")
        self.drawer.setObjectName("compare_drawer")
        self.details = self._make_details()
        self._about = scrolled(self.details, tr("Answer"))
        self.drawer.set_content(self._about)
        self._lay_out()

    def _make_details(self) -> AnswerDetails:
        details = AnswerDetails(self._context.theme)
        details.rated.connect(lambda stars, note: self.rated.emit(details.answer, stars, note))
        details.request_asked.connect(lambda: self.request_asked.emit(details.request_id))
        details.conversation_asked.connect(lambda: self.conversation_asked.emit(details.request_id))
        details.ask_asked.connect(lambda: self.ask_asked.emit(details.answer))
        return details

    def _lay_out(self) -> None:
        theme = self._context.theme
        models = Card(theme)
        inner = models.fill_with()
        inner.setSpacing(8)
        title = ElidedLabel(theme, tr("Averages of rated answers"))
        title.setFont(ui_font(13, 600))
        head = QHBoxLayout()
        # In line with the title of the chart beside it.
        head.setContentsMargins(CELL_PADDING, 4, CELL_PADDING, 0)
        head.addWidget(title)
        inner.addLayout(head)
        inner.addWidget(self.models_view, 1)
        inner.setContentsMargins(_INSET, inner.contentsMargins().top(), _INSET, inner.contentsMargins().bottom())
        wanted = sum(column.width for column in self.models_model.columns) + 2 * _INSET
        self._top = _Beside(self.scatter, models, wanted)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.search, 1)
        line.addWidget(self.count)
        line.addWidget(self.kept)
        line.addWidget(self.export_button)
        self.table = Card(theme)
        self.table.fill_with(self.view)
        self.stack = QStackedWidget()
        for each in (self.table, self.no_match, self.unrated):
            self.stack.addWidget(each)
        self.export_button.setEnabled(False)
        self._full = QWidget()
        column = QVBoxLayout(self._full)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addWidget(self._top, 4)
        column.addLayout(line)
        column.addWidget(self.stack, 5)
        self.whole = QStackedWidget()
        self.whole.addWidget(self._full)
        self.whole.addWidget(self.empty)
        self.drawer.stand_beside(self.whole, self)

    # reading

    async def refresh(self) -> None:
        """Raises what `KNOWN_ERRORS` holds."""
        async with self._reading:
            await self._read()

    async def _read(self) -> None:
        gateway, kept = self._context.gateway, self.kept.current
        models = await gateway.rated_models()
        rated = kept == "rated"
        answers = await (gateway.ratings(limit=MOST_RATED) if rated else gateway.comparisons(limit=LATEST))
        any_kept = bool(answers or models) or bool(await gateway.comparisons(limit=1))
        if kept != self.kept.current:
            return
        self.whole.setCurrentWidget(self._full if any_kept else self.empty)
        if models != self.models:
            self.models = models
            self._slots.assign(row.model for row in models)
            self.models_model.set_rows(models)
            self.scatter.set_points([point for row in models if (point := self._point(row)) is not None])
        # Means over nothing are no chart.
        self._top.setVisible(bool(models))
        if answers != self.answers:
            self.answers = answers
            self._filter()

    def _again(self) -> None:
        self._context.spawn(self._read_again())

    async def _read_again(self) -> None:
        try:
            await self.refresh()
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))

    def _point(self, row: RatedModel) -> Point | None:
        """None for a model whose cost or time nobody knows: it is in the table."""
        if row.cost_nano is None or row.latency_us is None:
            return None
        return Point(
            key=row.model,
            name=row.model,
            label=f"{row.model} {mean_stars(row)} ★ ({formats.count(row.ratings)})",
            x=row.cost_nano,
            y=row.latency_us / 1000,
            share=(row.stars - 1) / (MOST_STARS - 1),
            slot=self._slots.slot(row.model),
            figures=(
                (tr("Rating"), mean_stars(row)),
                (tr("Ratings"), formats.count(row.ratings)),
                (tr("Cost"), marked_money(row.cost_nano, row.costs_estimated > 0)),
                (TTFT, formats.duration(milliseconds(row.ttft_us))),
                (tr("Total"), formats.duration(milliseconds(row.latency_us))),
            ),
        )

    def _filter(self) -> None:
        if self.answers is None:
            return
        rows = matching(self.answers, self.search.text())
        self.model.set_rows(rows)
        self.count.setText(counted(len(rows), later("{count} answer"), later("{count} answers")))
        if rows:
            self.stack.setCurrentWidget(self.table)
        else:
            self.stack.setCurrentWidget(self.no_match if self.answers else self.unrated)
        self.export_button.setEnabled(bool(rows))

    # one of them

    def _open_model(self, number: int) -> None:
        row = self.models_model.row(number)
        if row is not None:
            self.search.setText(row.model)

    def _open_row(self, number: int) -> None:
        row = self.model.row(number)
        if row is None:
            return
        self.details.show_answer(row, self._context.provider_names.name(row.provider or ""))
        self._about.verticalScrollBar().setValue(0)
        self.drawer.set_title(row.model)
        self.drawer.open()

    def show_rating(self, request_id: str, stars: int | None, note: str) -> None:
        """In the table, and in the drawer where this answer is open there, before all is read anew."""
        if self.answers is not None:
            self.answers = tuple(
                replace(row, stars=stars, note=note) if row.request_id == request_id else row for row in self.answers
            )
            self._filter()
        if self.details.request_id == request_id:
            self.details.rating.show_rating(stars, note)

    # out of it

    def _copy(self, view: TableView, model: ListModel[RatedAnswer] | ListModel[RatedModel]) -> None:
        row = model.row(view.first_selected)
        if row is not None:
            self.toast.emit(view.copy_rows([row]))

    def offer_exports(self) -> None:
        """The tables and the chart, below the button."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("menu.compare_export")
        menu.addAction(tr("Answers (CSV)…"), self.start_export)
        if self.models:
            menu.addAction(tr("Models (CSV)…"), self.choose_models_file)
            menu.addAction(tr("Picture of the chart (PNG)…"), self.choose_picture)
        menu.popup(self.export_button.mapToGlobal(QPoint(0, self.export_button.height() + 4)))

    def choose_models_file(self) -> None:
        """Ask where the models' means are to be saved."""
        rows = self.models_model.rows
        ask_where(
            self,
            tr("Export rated models"),
            "rated-models.csv",
            tr(CSV_FILTER),
            lambda path: self._context.spawn(self._save_models(rows, path)),
            name="compare_models_file",
        )

    async def _save_models(self, rows: Sequence[RatedModel], path: Path) -> None:
        words = counted(len(rows), later("Exported 1 model"), later("Exported {count} models"))
        await export_table(self._context.shell, self.models_model.columns, rows, path, words)

    def choose_picture(self) -> None:
        """Ask where the picture of the chart is to be saved. It is as the chart stands now."""
        picture = self.scatter.picture()
        ask_where(
            self,
            tr("Save picture"),
            "models-by-cost-and-time.png",
            tr(PICTURE_FILTER),
            lambda path: self._context.spawn(self._save_picture(picture, path)),
            name="compare_picture_file",
        )

    async def _save_picture(self, picture: QImage, path: Path) -> None:
        await save_picture(picture, path)
        self._context.shell.saved.emit(tr("Saved {name}").format(name=path.name), path.parent)

    def start_export(self) -> None:
        """Asks where to, then writes what the table of answers shows."""
        if not self.export_button.isEnabled():
            return
        ask_where(
            self,
            tr("Export compared answers"),
            "comparisons.csv",
            tr(CSV_FILTER),
            lambda path: self._context.spawn(self.export_to(path)),
            name="compare_export_file",
        )

    async def export_to(self, path: Path) -> None:
        rows: Sequence[RatedAnswer] = self.model.rows
        words = counted(len(rows), later("Exported 1 answer"), later("Exported {count} answers"))
        await export_table(self._context.shell, self.model.columns, rows, path, words)
