"""The Overview's charts: four measures of everything, or one measure of four providers on one scale.

A chart is built in each turn of the loop, after the page's first paint, for their import is the slowest of the app;
those of the providers when they are first looked at. Crosshairs stand on the same bucket in all of them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QGridLayout, QStackedWidget, QWidget

from app.colour_slots import ColourSlots
from app.overview.answers import MOST_PROVIDERS, Answers, rest_name
from app.overview.breakdown import TAG_KEY
from app.overview.group_menu import open_choice_menu
from app.overview.label import TextButton, opening
from app.theme import Theme
from app.time_words import TTFT
from app.translation import Words, later, tr
from app.widgets import Card

if TYPE_CHECKING:
    from app.charts import ChartCard, ChartData, ChartInput, ChartSpec

PLACES = 4
ALL, PROVIDERS = "all", "provider"
GAP = 12
# Four charts, cards, tables and one notice fit a window of the design's size.
_HEIGHT = 186
BETWEEN_S = 0.016
"""Between two things that are shown anew: the loop has a turn, and each is painted by itself."""
_COST, _TIMING = 2, 3
TIMING_NAMES = Words({"latency": later("Whole answer"), "ttft": TTFT, "speed": later("Tokens per second")})


class ChartPlace(Card):
    """Stands where a chart will; `painted` when it has been seen for the first time."""

    painted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._seen = False
        self.setMinimumHeight(_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._seen:
            self._seen = True
            self.painted.emit()


class ChartArea(QStackedWidget):
    """`range_selected` carries microseconds [start, end); `bucket_activated` the key of the series that was hit and
    the provider whose chart it is too, each None for all. `more_wanted` a chart, and the button that was pressed.
    `built`: a chart was, before the first one all that charts need."""

    range_selected = Signal(object, object)
    bucket_activated = Signal(object, object, object, object)
    more_wanted = Signal(object, object)
    built = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._answers: Answers | None = None
        self._shown_at_us = 0
        self._turn = 0
        self._titles: Mapping[str, str] = {}
        self._split_slots: Callable[[str], ColourSlots]
        self._timing = "latency"
        self.measure = "cost"
        self.view = ALL
        self._provider_data: dict[str, ChartData] = {}
        self._pointed = -1
        self._behind: list[ChartCard] = []
        self._follow = QTimer(self, singleShot=True, interval=0)
        self._follow.timeout.connect(self._follow_crosshair)
        self.charts: list[ChartCard] = []
        self.provider_charts: list[ChartCard] = []
        self.split_button = self._title_button("overview.split", opening(tr("By model")))
        self.timing_button = self._title_button("overview.timing", opening(TIMING_NAMES["latency"]))
        self.timing_button.setToolTip(tr("Which time is shown. TTFT is the time to first token."))
        self.timing_button.clicked.connect(self._offer_timings)
        self._grids = [self._add_grid(), self._add_grid()]
        self._places = [ChartPlace(theme) for _ in range(PLACES)]
        self._provider_places = [ChartPlace(theme) for _ in range(PLACES)]
        for number in range(PLACES):
            for grid, places in zip(self._grids, (self._places, self._provider_places), strict=True):
                grid.addWidget(places[number], number // 2, number % 2)
        # After the paint, not within it: the import of the charts takes half a second.
        self._places[0].painted.connect(lambda: QTimer.singleShot(0, self, self.build_next))

    def _title_button(self, name: str, text: str) -> TextButton:
        button = TextButton(self._theme, text)
        button.setObjectName(name)
        return button

    def _add_grid(self) -> QGridLayout:
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GAP)
        for half in (0, 1):
            grid.setColumnStretch(half, 1)
            grid.setRowStretch(half, 1)
        self.addWidget(page)
        return grid

    # Building

    def build_next(self) -> None:
        """Build one chart, and in the next turn of the loop the next one."""
        from app.charts import CHARTS

        if len(self.charts) == len(CHARTS):
            return
        number = len(self.charts)
        chart = self._made(CHARTS[number], None)
        if chart.spec.split:
            chart.add_control(self.split_button)
        if number == _TIMING:
            chart.add_control(self.timing_button)
        self._grids[0].replaceWidget(self._places[number], chart)
        self._places[number].hide()
        self._places[number].deleteLater()
        self.charts.append(chart)
        self._show_chart(chart)
        self.built.emit()
        QTimer.singleShot(0, self, self.build_next)

    def _made(self, spec: "ChartSpec", place: int | None) -> "ChartCard":
        from app.charts import ChartCard

        chart = ChartCard(spec, self._theme)
        chart.setMinimumHeight(_HEIGHT)
        chart.range_selected.connect(self.range_selected)
        chart.bucket_activated.connect(partial(self._activated, place))
        chart.crosshair_moved.connect(partial(self._point_others, chart))
        chart.more_wanted.connect(lambda button: self.more_wanted.emit(chart, button))
        return chart

    def _activated(self, place: int | None, start_us: int, end_us: int, series: str | None) -> None:
        provider = None if place is None else self._providers()[place]
        self.bucket_activated.emit(start_us, end_us, series, provider)

    def _point_others(self, source: "ChartCard", index: int) -> None:
        """One in each turn of the loop: all of them are painted where their crosshairs were and where they are."""
        self._pointed = index
        self._behind = [chart for chart in (*self.charts, *self.provider_charts) if chart is not source]
        self._follow.start()

    def _follow_crosshair(self) -> None:
        if self._behind:
            self._behind.pop(0).set_crosshair(self._pointed)
            self._follow.start()

    # Leaving the screen and coming back

    def fold(self) -> None:
        """Take the plots off: all of them in one paint would hold the loop when the page is opened again."""
        for chart in (*self.charts, *self.provider_charts):
            chart.plot.hide()

    def unfold(self) -> None:
        """Put a plot of the view on show back, and in the next turn of the loop the next one."""
        charts = self.charts if self.view == ALL else self.provider_charts
        plot = next((chart.plot for chart in charts if chart.plot.isHidden()), None)
        if plot is not None:
            plot.show()
            QTimer.singleShot(0, self, self.unfold)

    # Showing

    def follow(self, titles: Mapping[str, str], slots: Callable[[str], ColourSlots]) -> None:
        """What providers are called, and the colours of a split's values."""
        self._titles, self._split_slots = titles, slots

    async def show_answers(self, answers: Answers, now_us: int, between_s: float = BETWEEN_S) -> None:
        """One chart in each turn of the loop, its arrays made by a worker; a newer call ends an older one."""
        self._answers, self._shown_at_us = answers, now_us
        self._provider_data.clear()
        self._turn += 1
        turn = self._turn
        if self.view == PROVIDERS:
            await self._show_providers(turn, between_s)
            return
        for chart in tuple(self.charts):
            await asyncio.sleep(between_s)
            spec = chart.spec
            data = await self._made_data(spec, self._given(answers))
            if turn != self._turn:
                return
            # Else it shows another measure by now, and has that one's data.
            if chart.spec is spec:
                chart.set_data(data)

    async def _show_providers(self, turn: int, between_s: float) -> None:
        for provider in self._providers():
            spec = self._spec()
            data = await self._made_data(spec, self._given_of(provider))
            if turn != self._turn:
                return
            if spec is self._spec():
                self._provider_data[provider] = data
        for place in range(len(self.provider_charts)):
            await asyncio.sleep(between_s)
            if turn != self._turn:
                return
            self._show_provider(place)

    async def _made_data(self, spec: "ChartSpec", given: "ChartInput") -> "ChartData":
        from app.charts import chart_data

        return await asyncio.to_thread(chart_data, spec, given)

    def _show_chart(self, chart: "ChartCard") -> None:
        from app.charts import chart_data

        if self._answers is not None:
            chart.set_data(chart_data(chart.spec, self._given(self._answers)))

    def _given(self, answers: Answers) -> "ChartInput":
        from app.charts import ChartInput, Group

        split = answers.split
        slots = self._split_slots(split)
        slots.assign(answers.parts)
        return ChartInput(
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

    def _name_of(self, split: str, value: str) -> str:
        titles = self._titles if split == PROVIDERS else {}
        return titles.get(value, value) or tr("{key} without a value").format(key=split.removeprefix(TAG_KEY))

    # One measure of four providers

    def set_view(self, view: str) -> None:
        """`ALL` or `PROVIDERS`; what the latter shows is asked for anew. Its plots come in the turns after this."""
        left, self.view = self.view, view
        if view != left:
            # Those of the view that is left are off by then.
            self.setCurrentIndex(0 if view == ALL else 1)
            self.fold()
            QTimer.singleShot(0, self, self.unfold)

    def set_measure(self, key: str) -> None:
        """What the providers' charts show: the key of a chart."""
        if key == self.measure:
            return
        self.measure = key
        self._provider_data.clear()
        for chart in self.provider_charts:
            chart.set_crosshair(-1)
        self._drop_provider_charts()
        self.build_provider_charts()

    def _drop_provider_charts(self) -> None:
        for place, chart in enumerate(self.provider_charts):
            self._provider_places[place] = ChartPlace(self._theme)
            self._grids[1].replaceWidget(chart, self._provider_places[place])
            chart.hide()
            chart.deleteLater()
        self.provider_charts = []
        # What was pointed at there is gone, and so are those that had not followed yet.
        self._pointed, self._behind = -1, list(self.charts)
        self._follow.start()

    def build_provider_charts(self) -> None:
        """One in each turn of the loop, as far as there are providers."""
        built = len(self.provider_charts)
        if self._answers is not None and self.view == PROVIDERS and built < min(PLACES, len(self._providers())):
            self._show_provider(built)
            QTimer.singleShot(0, self, self.build_provider_charts)

    def _providers(self) -> Sequence[str]:
        """The costliest ones, and where there are fewer, those that were not used."""
        used = () if self._answers is None else tuple(self._answers.providers)
        return tuple(dict.fromkeys((*used, *self._titles)))[:MOST_PROVIDERS]

    def _show_provider(self, place: int) -> None:
        answers, providers = self._answers, self._providers()
        if answers is None or place > len(self.provider_charts) or place >= len(providers):
            return
        spec = self._spec()
        if place == len(self.provider_charts):
            chart = self._made(replace(spec, key=f"provider.{place + 1}"), place)
            chart.tell_total()
            self._grids[1].replaceWidget(self._provider_places[place], chart)
            self._provider_places[place].hide()
            self._provider_places[place].deleteLater()
            self.provider_charts.append(chart)
        chart, name = self.provider_charts[place], providers[place]
        chart.set_title(self._titles.get(name, name))
        data = self._data_of(name)
        peak = max(self._peak(spec, self._data_of(each)) for each in providers)
        chart.set_data(replace(data, peak=peak))
        chart.legend.setVisible(len(data.series) > 1)

    def _spec(self) -> "ChartSpec":
        from app.charts import CHARTS

        return next(spec for spec in CHARTS if spec.key == self.measure)

    def _data_of(self, provider: str) -> "ChartData":
        """Made once for an answer and a measure: each chart asks for all, to know the scale that they share."""
        made = self._provider_data.get(provider)
        if made is None:
            made = self._provider_data[provider] = self._read(provider)
        return made

    def _read(self, provider: str) -> "ChartData":
        from app.charts import chart_data

        return chart_data(self._spec(), self._given_of(provider))

    def _given_of(self, provider: str) -> "ChartInput":
        from app.charts import ChartInput, Group
        from gateway import Summary, TimeBucket

        answers = self._answers
        assert answers is not None
        buckets = answers.providers.get(provider) or [
            TimeBucket(start_us=total.start_us, end_us=total.end_us, summary=Summary()) for total in answers.buckets
        ]
        slots = self._split_slots(PROVIDERS)
        slots.assign(answers.providers)
        group = Group(value=provider, slot=slots.slot(provider), buckets=buckets, name=self._titles.get(provider, ""))
        return ChartInput(buckets=buckets, groups=(group,), now_us=self._shown_at_us, tz=answers.query.tz)

    def _peak(self, spec: "ChartSpec", data: "ChartData") -> float:
        from app.charts import peak_of

        return peak_of(spec.kind, [series.values for series in data.series])

    # Which time

    def _offer_timings(self) -> None:
        open_choice_menu(self.timing_button, TIMING_NAMES, self._timing, self.choose_timing)

    def choose_timing(self, key: str) -> None:
        """Show the whole answer's time, the first token's, or output tokens per second."""
        from app.charts import TIMINGS

        self._timing = key
        self.timing_button.say(opening(TIMING_NAMES[key]))
        chart = self.charts[_TIMING]
        chart.set_spec(next(spec for spec in TIMINGS if spec.key == key))
        self._show_chart(chart)
