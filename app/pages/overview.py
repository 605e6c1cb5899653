"""Overview: what was used, what it cost, how that compares, and one click to the rows behind each number.

The page asks all its questions at once (`overview.answers`); an answer that is overtaken by a newer question is
dropped. Cards are shown first, then one table or chart in each turn of the loop, so that no turn is long. The
charts are imported and built after the page's first paint: they are the slowest import of the app.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QTimer
from PySide6.QtWidgets import QWidget

from app.colour_slots import ColourSlots
from app.context import AppContext
from app.filter_words import CONVERSATION, comparison_name
from app.filters import ALL, COMPARISONS, FilterSnapshot
from app.first_steps import PREFERENCE, read_first_steps
from app.known_errors import KNOWN_ERRORS
from app.next_turn import NextTurn
from app.overview.answers import MODEL, Answers, fitting_bucket, load
from app.overview.breakdown import DIMENSION_TITLES, TAG_KEY, Line, group_title
from app.overview.chart_area import BETWEEN_S, PROVIDERS
from app.overview.comparing import compared_query, reason_words
from app.overview.exporting import OverviewExport
from app.overview.figures import figures
from app.overview.group_menu import open_choice_menu, open_group_menu
from app.overview.label import opening
from app.overview.layout import OverviewLayout
from app.overview.words import compared_with
from app.pages.page import Page, StepsTarget
from app.preferences import OFF
from app.range_picker import BucketPicker, RangePicker
from app.translation import Words, later, tr
from app.widgets import PushButton
from gateway import Breakdown, Changes, TagCondition, UsageQuery

if TYPE_CHECKING:
    from app.charts import ChartCard

GROUPS = tuple(DIMENSION_TITLES)
SPLITS = tuple(dimension for dimension in GROUPS if dimension != "tag")
# Of a tag key whose values are all seldom, too, the name is to be offered.
MOST_TAGS = 10_000
SPLIT_TOOLTIP = later("What the cost is split by")
MEASURES: Mapping[str, str] = Words(
    {"requests": later("Requests"), "tokens": later("Tokens"), "cost": later("Cost"), "latency": later("Latency")}
)
_FAILED = ("error", "interrupted")
# What the layers of the Requests chart are, as a filter.
_OUTCOMES: Mapping[str, tuple[str, ...]] = {"success": ("ok", "aborted"), "errors": _FAILED}


def _now_us() -> int:
    return time.time_ns() // 1000


def _is_one_conversation(answers: Answers) -> bool:
    """Within one, the question is which step was the dear one."""
    return len(answers.query.conversation) == 1


class OverviewPage(Page):
    title = later("Overview")
    icon = "layout-dashboard"
    key = "overview"
    shortcuts = (("Ctrl+F, /", later("Add a filter")),)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._context = context
        self._answers: Answers | None = None
        self._shown_at_us = 0
        self._turn = 0
        self._asking: asyncio.Future[tuple[Answers]] | None = None
        self._awaited: asyncio.Future[tuple[Answers]] | None = None
        self._provider_titles: Mapping[str, str] = {}
        self._split_shown = MODEL
        self._viewing = NextTurn(self)
        self._steps_done = False
        self._changed_groups: tuple[Answers, Sequence[tuple[str, Breakdown, Breakdown]]] | None = None
        self.parts = OverviewLayout(context, self)
        self.split_button = self.parts.charts.split_button
        self.split_button.clicked.connect(
            lambda: self._offer(self.split_button, SPLITS, self.split, self.choose_split)
        )
        self.exporting = OverviewExport(context, self)
        self.range_picker = RangePicker(context, compares=True, offers_all=True)
        self.bucket_picker = BucketPicker(context)
        self.export_button = PushButton(context.theme, tr("Export"), icon="download", kind="secondary")
        self.export_button.setObjectName("overview.export")
        self.export_button.clicked.connect(self.start_export)
        self._connect()
        self._show_split()

    def _connect(self) -> None:
        parts = self.parts
        self._context.filters.changed.connect(self._on_filters_changed)
        for card in parts.cards.values():
            card.activated.connect(partial(self._open_requests_of_card, card.key))
            card.reasons_wanted.connect(partial(self._tell_reasons_soon, card.key))
        for table in (parts.by_model, parts.by_side):
            table.line_activated.connect(self._open_requests_of_line)
        parts.by_side.dimension_changed.connect(lambda _dimension: self._reload_soon())
        side = parts.by_side
        side.more_wanted.connect(lambda button: self._offer(button, GROUPS, side.dimension, side.choose))
        charts = parts.charts
        charts.follow(self._provider_titles, self._slots_of)
        charts.range_selected.connect(lambda start, end: self._context.filters.set_range("custom", (start, end)))
        charts.bucket_activated.connect(self._open_requests_of_bucket)
        charts.more_wanted.connect(self.exporting.offer_chart)
        charts.built.connect(self.built)
        for key, tab in parts.view_tabs.items():
            tab.clicked.connect(partial(self._choose_view_soon, key))
        parts.measure_button.clicked.connect(self._offer_measures)
        parts.compare_button.clicked.connect(self._offer_comparisons)
        self.exporting.told.connect(self.toast)
        parts.banner.action.connect(self._reload_soon)
        parts.no_match.action.connect(self._context.filters.clear)
        parts.no_requests.action.connect(lambda: self.navigate.emit("connect", None))
        parts.checklist.continued.connect(lambda: self.navigate.emit("connect", StepsTarget()))
        parts.checklist.dismissed.connect(self._dismiss_steps)

    def header_controls(self) -> list[QWidget]:
        return [self.range_picker, self.bucket_picker, self.export_button]

    @property
    def answers(self) -> Answers | None:
        """What the numbers on show were read from."""
        return self._answers

    @property
    def charts(self) -> "list[ChartCard]":
        """The charts of everything, as far as they are built."""
        return self.parts.charts.charts

    @property
    def split(self) -> str:
        return self._context.filters.split

    # Reading

    async def refresh(self, changes: Changes) -> None:
        """Read anew where usage has changed, or nothing was read yet."""
        if changes.providers or not self._provider_titles:
            await self._read_provider_titles()
        # Where they go, all below moves up: not once it is told, and somebody is about to press something.
        if changes.usage or changes.keys or changes.providers:
            await self._read_steps()
        if changes.usage or self._answers is None:
            await self._reload(told=self._answers is None)

    async def _read_steps(self) -> None:
        """What of the first steps is left, until none is or nobody wants to know."""
        preferences, checklist = self._context.shell.preferences, self.parts.checklist
        if self._context.gateway.demo or self._steps_done or not preferences.is_on(PREFERENCE):
            checklist.hide()
            return
        try:
            steps = await read_first_steps(self._context.gateway)
        except KNOWN_ERRORS:
            # Whoever asks for the numbers tells what is wrong.
            return
        self._steps_done = steps.done
        checklist.show_steps(steps)

    def _dismiss_steps(self) -> None:
        self._context.shell.preferences.set(PREFERENCE, OFF)
        self.parts.checklist.hide()
        self.toast.emit(tr("“First steps” on the page Connect brings them back"))

    async def _read_provider_titles(self) -> None:
        try:
            rows = await self._context.gateway.providers()
        except KNOWN_ERRORS:
            # Names are a nicety here; the providers page tells what is wrong.
            return
        self._provider_titles = {row.name: row.title for row in rows}
        self.parts.charts.follow(self._provider_titles, self._slots_of)

    def on_shown(self) -> None:
        """Filters may have changed on another page."""
        super().on_shown()
        QTimer.singleShot(0, self, self.parts.charts.unfold)

    def as_time_passes(self) -> None:
        """A range that ends now has moved on; without traffic nothing else says so."""
        if self._answers is not None:
            self._reload_unseen()

    def on_hidden(self) -> None:
        self.parts.charts.fold()

    def _on_filters_changed(self) -> None:
        self._show_split()
        if self.isVisible():
            self._reload_soon()

    def _reload_soon(self) -> None:
        self._context.spawn(self._reload())

    def _reload_unseen(self) -> None:
        self._context.spawn(self._reload(told=False))

    async def _reload(self, *, told: bool = True) -> None:
        """Ask, and show what comes back unless something newer was asked meanwhile, which stops what still runs.
        `told`: somebody waits for it, and sees that it takes long; what only grows must not fade every second, and
        comes after what somebody waits for, which asked anew each second would not come."""
        while not told and self._awaited is not None and not self._awaited.done():
            await asyncio.wait((self._awaited,))
        if self._asking is not None:
            self._asking.cancel()
        self._turn += 1
        turn = self._turn
        now_us = _now_us()
        if told:
            self.veil.begin()
        try:
            self._asking = asyncio.gather(self._load(now_us))
            self._awaited = self._asking if told else None
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
                self.veil.end()
        if turn == self._turn:
            first = self._answers is None
            self._answers, self._shown_at_us = answers, now_us
            with nullcontext() if first or not told else self.veil.kept():
                await self._show(answers, 0 if told else BETWEEN_S)

    async def _load(self, now_us: int) -> Answers:
        filters, parts = self._context.filters, self.parts
        query = filters.query(now_us)
        bucket = fitting_bucket(filters.resolved_bucket(), (query.end_us or now_us) - (query.start_us or 0))
        # Before all of it there was nothing.
        how = "none" if filters.range_key == ALL else filters.compare
        before = compared_query(query, how, now_us)
        providers = parts.charts.view == PROVIDERS
        side = parts.by_side.dimension
        answers = await load(self._context.gateway, query, bucket, side, self.split, before, providers=providers)
        if side == CONVERSATION:
            rows = answers.by_side.rows
            await self._context.conversation_names.read([row.value for row in rows if row.value is not None])
        return answers

    # Showing

    async def _show(self, answers: Answers, between_s: float) -> None:
        parts, query, filters = self.parts, answers.query, self._context.filters
        gateway = self._context.gateway
        parts.show_state(answers, filtered=filters.is_filtered, url=gateway.state.url, demo=gateway.demo)
        words = filters.words(self._shown_at_us)
        before = compared_with(query, filters.compare, self._shown_at_us) if answers.previous is not None else ""
        parts.note.setText(
            tr("{words} · compared with {before}").format(words=words, before=before) if before else words
        )
        parts.note.updateGeometry()
        begun = min(query.end_us or self._shown_at_us, self._shown_at_us) - (query.start_us or 0)
        # They go through all buckets, several times.
        found = await asyncio.to_thread(figures, answers.summary, answers.previous, answers.buckets, begun)
        if answers is not self._answers:
            return
        several = tr("A request counts in each of its values") if answers.by_split.overlapping else tr(SPLIT_TOOLTIP)
        self.split_button.setToolTip(several)
        self.exporting.answers, self.exporting.split = answers, answers.split
        self.exporting.side = parts.by_side.dimension
        cards = (partial(parts.cards[figure.key].show_figure, figure) for figure in found)
        for show in (*cards, partial(self._show_models, answers), partial(self._show_side, answers)):
            show()
            await asyncio.sleep(between_s)
            if answers is not self._answers:
                return
        await parts.charts.show_answers(answers, self._shown_at_us, between_s)
        parts.charts.build_provider_charts()

    def _show_models(self, answers: Answers) -> None:
        total, mark = answers.summary.cost_nano, _is_one_conversation(answers)
        self.parts.by_model.set_breakdown(answers.by_model, MODEL, total, mark=mark)

    def _show_side(self, answers: Answers) -> None:
        side, total = answers.side, answers.summary.cost_nano
        known = {"provider": self._provider_titles, CONVERSATION: self._context.conversation_names.known}
        titles, mark = known.get(side, {}), _is_one_conversation(answers)
        self.parts.by_side.set_breakdown(answers.by_side, side, total, titles, mark=mark)

    def _slots_of(self, split: str) -> ColourSlots:
        table = self.parts.by_model if split == MODEL else self.parts.by_side
        return table.slots_of(split)

    # Why a figure changed

    def _tell_reasons_soon(self, key: str) -> None:
        self._context.spawn(self.tell_reasons(key))

    async def tell_reasons(self, key: str) -> None:
        """Which models and tags moved a card's figure most. They are read when somebody wants to know."""
        answers = self._answers
        if answers is None or answers.before is None or answers.previous is None:
            return
        if self._changed_groups is None or self._changed_groups[0] is not answers:
            try:
                read = await asyncio.gather(*(self._both(answers, by) for by in (MODEL, "tag")))
            except KNOWN_ERRORS as error:
                self.parts.show_problem(str(error))
                return
            self._changed_groups = (answers, read)
        if answers is self._answers:
            now, before = answers.summary, answers.previous
            # There can be thousands of tags.
            words = await asyncio.to_thread(reason_words, key, now, before, self._changed_groups[1])
            if answers is self._answers:
                self.parts.cards[key].set_reasons(words)

    async def _both(self, answers: Answers, by: str) -> tuple[str, Breakdown, Breakdown]:
        gateway, before = self._context.gateway, answers.before
        assert before is not None
        # All of them: one that is among the most used in one of the two only would seem to have begun or ended.
        return by, await gateway.breakdown(answers.query, by), await gateway.breakdown(before, by)

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
        self._context.filters.set_split(by)

    def _show_split(self) -> None:
        by = self.split
        title = group_title(by)
        self.split_button.say(opening(title), tr("Cost {split}").format(split=title.lower()))
        if by != self._split_shown and by != MODEL:
            with QSignalBlocker(self.parts.by_side):
                self.parts.by_side.choose(by)
        self._split_shown = by

    # Choices

    def _choose_view_soon(self, view: str) -> None:
        """In a turn after the click, which paints the tab."""
        self._viewing.ask(partial(self.choose_view, view))

    def choose_view(self, view: str) -> None:
        """The charts of everything, or one measure of four providers."""
        parts = self.parts
        parts.view_tabs[view].setChecked(True)
        with self.veil.kept():
            parts.charts.set_view(view)
            parts.measure_button.setVisible(view == PROVIDERS)
        self._reload_soon()

    def choose_measure(self, key: str) -> None:
        """What the providers' charts show."""
        self.parts.measure_button.say(opening(MEASURES[key]))
        self.parts.charts.set_measure(key)

    def _offer_measures(self) -> None:
        open_choice_menu(self.parts.measure_button, MEASURES, self.parts.charts.measure, self.choose_measure)

    def _offer_comparisons(self) -> None:
        filters = self._context.filters
        offered = {how: comparison_name(how) for how in COMPARISONS}
        open_choice_menu(self.parts.compare_button, offered, filters.compare, filters.set_compare)

    # To the rows behind a number

    def _open_requests(self, **changes: object) -> None:
        """Requests with these filters besides the present ones; the way back finds the Overview as it was."""
        snapshot = self._context.filters.snapshot()
        known = {name: getattr(snapshot, name) for name in snapshot.__struct_fields__}
        self.navigate.emit("requests", FilterSnapshot(**{**known, **changes}))

    def _open_requests_of_bucket(self, start_us: int, end_us: int, series: str | None, provider: str | None) -> None:
        """The requests of a bucket, and of the bar's part that was hit where that is a filter."""
        answers = self._answers
        changes: dict[str, object] = {"range_key": "custom", "custom": (start_us, end_us)}
        if provider is not None:
            changes |= self._narrowed("provider", provider)
        elif series is not None and series in _OUTCOMES:
            changes |= {"dimensions": {**self._context.filters.dimensions, "outcome": _OUTCOMES[series]}}
        elif answers is not None and series is not None and series in answers.parts:
            changes |= self._narrowed(answers.split, series)
        self._open_requests(**changes)

    def _open_requests_of_card(self, key: str) -> None:
        if key == "errors":
            self._open_requests(dimensions={**self._context.filters.dimensions, "outcome": _FAILED})
        else:
            self._open_requests()

    def _open_requests_of_line(self, dimension: str, line: Line) -> None:
        assert line.value is not None
        self._open_requests(**self._narrowed(dimension, line.value))

    def _narrowed(self, dimension: str, value: str) -> dict[str, object]:
        """The filters with a value of a dimension, of a tag key or a tag."""
        filters = self._context.filters
        if dimension == "tag" or dimension.startswith(TAG_KEY):
            key = dimension.removeprefix(TAG_KEY)
            tag = value if key == dimension else f"{key}:{value}".removesuffix(":")
            return {"tags": tuple(dict.fromkeys((*filters.tags, TagCondition(any_of=(tag,)))))}
        return {"dimensions": {**filters.dimensions, dimension: (value,)}}

    # Export

    def find_here(self) -> None:
        self.parts.filter_bar.open_popover()

    def start_export(self) -> None:
        """Offer the series and the tables."""
        self.exporting.offer(self.export_button)

    async def save_csv(self, what: str, path: Path) -> None:
        """Write the numbers on show as CSV."""
        await self.exporting.save_csv(what, path)
