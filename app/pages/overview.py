"""Overview: what was used, what it cost, how that compares, and one click to the rows behind each number.

The page asks all its questions at once (`overview.answers`); an answer that is overtaken by a newer question is
dropped. Cards and tables are shown first, then one chart in each turn of the loop, so that no turn is long. The
charts are imported and built after the page's first paint: they are the slowest import of the app.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.context import AppContext
from app.export_files import EXPORT_FILTER, export_format
from app.filters import FilterSnapshot
from app.known_errors import KNOWN_ERRORS
from app.overview.answers import MODEL, Answers, fitting_bucket, load, rest_name
from app.overview.breakdown import DIMENSION_TITLES, TAG_KEY, Line, group_title
from app.overview.figures import figures
from app.overview.group_menu import open_group_menu
from app.overview.label import TextButton
from app.overview.layout import OverviewLayout
from app.overview.words import compared_with, export_name
from app.pages.page import Page
from app.range_picker import BucketPicker, RangePicker
from app.widgets import PushButton
from app.work import Job
from gateway import Changes, Export, TagCondition, UsageQuery

if TYPE_CHECKING:
    from app.charts import ChartCard

TIME_SERIES, SPLIT_SERIES = "time series", "split time series"
GROUPS = tuple(DIMENSION_TITLES)
SPLITS = tuple(dimension for dimension in GROUPS if dimension != "tag")
MOST_TAGS = 1000
TITLE_HEIGHT = 20
SPLIT_TOOLTIP = "What the cost is split by"
_BETWEEN_CHARTS_S = 0.016
_TICK_MS = 60_000
_FAILED = ("error", "interrupted")


def _now_us() -> int:
    return time.time_ns() // 1000


class OverviewPage(Page):
    title = "Overview"
    icon = "layout-dashboard"
    key = "overview"

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._context = context
        self._answers: Answers | None = None
        self._shown_at_us = 0
        self._turn = 0
        self._asking: asyncio.Future[tuple[Answers]] | None = None
        self._provider_titles: Mapping[str, str] = {}
        self.split = MODEL
        self.split_button = TextButton(context.theme, "By model ▾")
        self.split_button.setObjectName("overview.split")
        self.split_button.setFixedHeight(TITLE_HEIGHT)
        self.split_button.setToolTip(SPLIT_TOOLTIP)
        self.split_button.clicked.connect(
            lambda: self._offer(self.split_button, SPLITS, self.split, self.choose_split)
        )
        self.charts: list[ChartCard] = []
        # Without traffic nothing else says that the range has moved on.
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._reload_soon)
        self.parts = OverviewLayout(context, self)
        self.range_picker = RangePicker(context)
        self.bucket_picker = BucketPicker(context)
        self.export_button = PushButton(context.theme, "Export", icon="download", kind="secondary")
        self.export_button.setObjectName("overview.export")
        self.export_button.clicked.connect(self.start_export)
        self._connect()

    def _connect(self) -> None:
        parts = self.parts
        self._context.filters.changed.connect(self._on_filters_changed)
        for card in parts.cards.values():
            card.activated.connect(partial(self._open_requests_of_card, card.key))
        for table in (parts.by_model, parts.by_side):
            table.line_activated.connect(self._open_requests_of_line)
        parts.by_side.dimension_changed.connect(lambda _dimension: self._reload_soon())
        side = parts.by_side
        side.more_wanted.connect(lambda button: self._offer(button, GROUPS, side.dimension, side.choose))
        # After the paint, not within it: the import of the charts takes half a second.
        parts.first_place.painted.connect(lambda: QTimer.singleShot(0, self, self.build_next_chart))
        parts.banner.action.connect(self._reload_soon)
        parts.no_match.action.connect(self._context.filters.clear)
        parts.no_requests.action.connect(lambda: self.navigate.emit("connect", None))

    def header_controls(self) -> list[QWidget]:
        return [self.range_picker, self.bucket_picker, self.export_button]

    @property
    def answers(self) -> Answers | None:
        """What the numbers on show were read from."""
        return self._answers

    # Reading

    async def refresh(self, changes: Changes) -> None:
        """Read anew where usage has changed, or nothing was read yet."""
        if changes.providers or not self._provider_titles:
            await self._read_provider_titles()
        if changes.usage or self._answers is None:
            await self._reload()

    async def _read_provider_titles(self) -> None:
        try:
            rows = await self._context.gateway.providers()
        except KNOWN_ERRORS:
            # Names are a nicety here; the providers page tells what is wrong.
            return
        self._provider_titles = {row.name: row.title for row in rows}

    def on_shown(self) -> None:
        """A range that ends now has moved on meanwhile, and filters may have changed on another page."""
        if self._answers is not None:
            self._reload_soon()
        self._tick.start()

    def on_hidden(self) -> None:
        self._tick.stop()

    def _on_filters_changed(self) -> None:
        if self.isVisible():
            self._reload_soon()

    def _reload_soon(self) -> None:
        self._context.spawn(self._reload())

    async def _reload(self) -> None:
        """Ask, and show what comes back unless something newer was asked meanwhile, which stops what still runs."""
        if self._asking is not None:
            self._asking.cancel()
        self._turn += 1
        turn = self._turn
        now_us = _now_us()
        filters, gateway = self._context.filters, self._context.gateway
        query = filters.query(now_us)
        span = (query.end_us or now_us) - (query.start_us or 0)
        self.parts.veil.begin()
        try:
            bucket = fitting_bucket(filters.resolved_bucket(), span)
            side = self.parts.by_side.dimension
            self._asking = asyncio.gather(load(gateway, query, bucket, side, self.split))
            (answers,) = await self._asking
        except asyncio.CancelledError:
            if turn == self._turn:
                raise
            return
        except KNOWN_ERRORS as error:
            if turn == self._turn:
                self.parts.show_problem(str(error))
            return
        finally:
            if turn == self._turn:
                self.parts.veil.end()
        if turn == self._turn:
            self._answers, self._shown_at_us = answers, now_us
            await self._show(answers, turn)

    # Showing

    async def _show(self, answers: Answers, turn: int) -> None:
        parts, query = self.parts, answers.query
        parts.show_state(answers, filtered=self._context.filters.is_filtered, url=self._context.gateway.state.url)
        words = self._context.filters.words(self._shown_at_us)
        before = compared_with(query) if answers.previous is not None else ""
        parts.note.setText(f"{words} · compared with {before}" if before else words)
        parts.note.updateGeometry()
        begun = min(query.end_us or self._shown_at_us, self._shown_at_us) - (query.start_us or 0)
        for figure in figures(answers.summary, answers.previous, answers.buckets, begun):
            parts.cards[figure.key].show_figure(figure)
        self._show_tables(answers)
        self._say_overlap(answers)
        for chart in tuple(self.charts):
            await asyncio.sleep(_BETWEEN_CHARTS_S)
            if turn != self._turn:
                return
            self._show_chart(chart)

    def _show_tables(self, answers: Answers) -> None:
        total = answers.summary.cost_nano
        # Within one conversation the question is which step was the dear one.
        mark = len(answers.query.conversation) == 1
        self.parts.by_model.set_breakdown(answers.by_model, MODEL, total, mark=mark)
        side = self.parts.by_side.dimension
        titles = self._provider_titles if side == "provider" else {}
        self.parts.by_side.set_breakdown(answers.by_side, side, total, titles, mark=mark)

    def _show_chart(self, chart: "ChartCard") -> None:
        from app.charts import ChartInput, Group, chart_data

        answers = self._answers
        if answers is None:
            return
        split = answers.split
        table = self.parts.by_model if split == MODEL else self.parts.by_side
        slots = table.slots_of(split)
        slots.assign(answers.parts)
        given = ChartInput(
            buckets=answers.buckets,
            groups=[
                Group(value=value, slot=slots.slot(value), buckets=buckets, name=self._name_of(split, value))
                for value, buckets in answers.parts.items()
            ],
            rest=rest_name(answers),
            overlapping=answers.by_split.overlapping,
            now_us=self._shown_at_us,
            tz=answers.query.tz,
        )
        chart.set_data(chart_data(chart.spec, given))

    # Charts

    def build_next_chart(self) -> None:
        """Build one chart, and in the next turn of the loop the next one."""
        from app.charts import CHARTS, ChartCard

        if len(self.charts) == len(CHARTS):
            return
        chart = ChartCard(CHARTS[len(self.charts)], self._context.theme)
        if chart.spec.split:
            chart.add_control(self.split_button)
        chart.range_selected.connect(self._on_range_selected)
        chart.bucket_activated.connect(self._open_requests_of_bucket)
        chart.crosshair_moved.connect(partial(self._follow_crosshair, chart))
        self.parts.place_chart(len(self.charts), chart)
        self.charts.append(chart)
        self._show_chart(chart)
        QTimer.singleShot(0, self, self.build_next_chart)

    def _say_overlap(self, answers: Answers) -> None:
        several = "A request counts in each of its values" if answers.by_split.overlapping else SPLIT_TOOLTIP
        self.split_button.setToolTip(several)

    def _name_of(self, split: str, value: str) -> str:
        titles = self._provider_titles if split == "provider" else {}
        return titles.get(value, value) or f"{split.removeprefix(TAG_KEY)} without a value"

    # What the cost is split by

    def _offer(self, button: QWidget, groups: Sequence[str], chosen: str, choose: Callable[[str], None]) -> None:
        self._context.spawn(self._offer_groups(button, groups, chosen, choose))

    async def _offer_groups(
        self, button: QWidget, groups: Sequence[str], chosen: str, choose: Callable[[str], None]
    ) -> None:
        """The tag keys are those of the range, whatever is filtered: a filter must not take a question away."""
        now = self._context.filters.query(_now_us())
        query = UsageQuery(start_us=now.start_us, end_us=now.end_us, tz=now.tz)
        try:
            tags = await self._context.gateway.breakdown(query, "tag", sort="requests", limit=MOST_TAGS)
        except KNOWN_ERRORS as error:
            self.parts.show_problem(str(error))
            return
        open_group_menu(button, groups, tags, chosen, choose)

    def choose_split(self, by: str) -> None:
        """Split the cost by a dimension or a tag key (`tag:team`); the second table shows the same groups."""
        if by == self.split:
            return
        self.split = by
        self.split_button.setText(f"{group_title(by)} ▾")
        self.split_button.setAccessibleName(f"Cost {group_title(by).lower()}")
        self.split_button.updateGeometry()
        if by not in (MODEL, self.parts.by_side.dimension):
            self.parts.by_side.choose(by)
        else:
            self._reload_soon()

    def _follow_crosshair(self, source: "ChartCard", index: int) -> None:
        for chart in self.charts:
            if chart is not source:
                chart.set_crosshair(index)

    def _on_range_selected(self, start_us: int, end_us: int) -> None:
        self._context.filters.set_range("custom", (start_us, end_us))

    # To the rows behind a number

    def _open_requests(self, **changes: object) -> None:
        """Requests with these filters besides the present ones; the way back finds the Overview as it was."""
        snapshot = self._context.filters.snapshot()
        known = {name: getattr(snapshot, name) for name in snapshot.__struct_fields__}
        self.navigate.emit("requests", FilterSnapshot(**{**known, **changes}))

    def _open_requests_of_bucket(self, start_us: int, end_us: int) -> None:
        self._open_requests(range_key="custom", custom=(start_us, end_us))

    def _open_requests_of_card(self, key: str) -> None:
        if key == "errors":
            self._open_requests(dimensions={**self._context.filters.dimensions, "outcome": _FAILED})
        else:
            self._open_requests()

    def _open_requests_of_line(self, dimension: str, line: Line) -> None:
        assert line.value is not None
        filters = self._context.filters
        if dimension == "tag" or dimension.startswith(TAG_KEY):
            key = dimension.removeprefix(TAG_KEY)
            tag = line.value if key == dimension else f"{key}:{line.value}".removesuffix(":")
            condition = TagCondition(any_of=(tag,))
            self._open_requests(tags=tuple(dict.fromkeys((*filters.tags, condition))))
        else:
            self._open_requests(dimensions={**filters.dimensions, dimension: (line.value,)})

    # Export

    def start_export(self) -> None:
        """Offer the series and the tables."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Time series (CSV)…", partial(self.choose_export_file, TIME_SERIES))
        split = f"Time series {group_title(self.split).lower()} (CSV)…"
        menu.addAction(split, partial(self.choose_export_file, SPLIT_SERIES))
        shown = self.parts.by_side.dimension
        for dimension in dict.fromkeys((*DIMENSION_TITLES, shown)):
            title = group_title(dimension)
            menu.addAction(f"{title} (CSV)…", partial(self.choose_export_file, dimension))
        menu.popup(self.export_button.mapToGlobal(QPoint(0, self.export_button.height() + 4)))

    def choose_export_file(self, what: str) -> None:
        """Ask where a time series, or a dimension's breakdown, is to be saved."""
        if self._answers is None:
            return
        dialog = QFileDialog(self, f"Export {what}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(EXPORT_FILTER)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(export_name(what, self._answers.query))
        dialog.fileSelected.connect(lambda name: self._context.spawn(self.save_csv(what, Path(name))))
        dialog.open()

    async def save_csv(self, what: str, path: Path) -> None:
        """Write the numbers on show as CSV: the range, filters and bucket of the last answer."""
        answers = self._answers
        if answers is None:
            return
        gateway = self._context.gateway
        if what in (TIME_SERIES, SPLIT_SERIES):
            by = self.split if what == SPLIT_SERIES else None
            export = Export(what="buckets", bucket=answers.bucket, by=by, format=export_format(path))
        else:
            export = Export(what="breakdown", by=what, format=export_format(path))

        async def write(job: Job) -> int:
            return await gateway.export_file(answers.query, export, path, job.told)

        rows = await self._context.shell.work.run(f"Exporting {what} to {path.name}", "rows", write)
        self.toast.emit("Cancelled" if rows is None else f"Exported {rows:,} rows to {path.name}")
