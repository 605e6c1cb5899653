"""Where the Overview's parts stand: filters, five cards, charts two by two, two tables; or why there are none."""

from PySide6.QtCore import QMargins, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.context import AppContext
from app.filter_bar import FilterBar
from app.overview.answers import Answers
from app.overview.breakdown_card import BreakdownCard
from app.overview.cards import FigureCard
from app.overview.chart_area import ALL, GAP, PROVIDERS, ChartArea
from app.overview.checklist import Checklist
from app.overview.figures import figures
from app.overview.ghost import GhostChart
from app.overview.label import TextButton, ToneLabel, opening
from app.sources import incomplete_words
from app.theme import Theme
from app.translation import later, tr
from app.widgets import Banner, EmptyState, IconButton
from gateway import Summary

SIDE_DIMENSIONS = ("provider", "user", "key", "app", "tag")
VIEWS = ((ALL, later("Totals")), (PROVIDERS, later("By provider")))
_MARGIN = 24


class PageScroll(QScrollArea):
    """Scrolls a page's body; the scroll bar takes its room from the right margin, so that nothing moves sideways."""

    def __init__(self, body: QWidget, margins: QMargins, parent: QWidget) -> None:
        super().__init__(parent)
        self._body = body
        self._margins = margins
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(body)

    def resizeEvent(self, event: QResizeEvent) -> None:
        bar = self.width() - self.viewport().width()
        layout = self._body.layout()
        if layout is not None:
            layout.setContentsMargins(self._margins - QMargins(0, 0, min(bar, self._margins.right()), 0))
        super().resizeEvent(event)


class OverviewLayout:
    """The page's widgets by name, and which of them are on show."""

    def __init__(self, context: AppContext, page: QWidget) -> None:
        theme = context.theme
        self._theme = theme
        self.filter_bar = FilterBar(context, views=True)
        self.note = ToneLabel(theme, px=12, tone="text2")
        self.note.setObjectName("overview.range")
        self.compare_button = IconButton(theme, "chevron-down", tr("What the figures are compared with"))
        self.compare_button.setObjectName("overview.compare")
        self.banner = Banner(theme, "bad", "", tr("Retry"))
        self.banner.setObjectName("overview_error")
        self.banner.hide()
        self.incomplete = Banner(theme, "info", "")
        self.incomplete.setObjectName("overview.incomplete")
        self.incomplete.hide()
        self.cards = {
            figure.key: FigureCard(theme, figure.key, figure.title, figure.icon)
            for figure in figures(Summary(), None, (), 0)
        }
        self._add_views(theme, page)
        self.by_model = BreakdownCard(theme, ("model",), context.colours)
        self.by_side = BreakdownCard(theme, SIDE_DIMENSIONS, context.colours)
        self.no_requests = EmptyState(
            theme,
            "activity",
            tr("No requests yet"),
            "",
            tr("Connect a tool"),
        )
        self.no_match = EmptyState(
            theme,
            "filter",
            tr("Nothing matches these filters"),
            tr("Remove a filter, or choose a longer range."),
            tr("Clear filters"),
        )
        self.ghost = GhostChart(theme, self.no_requests)
        self.checklist = Checklist(theme)
        self._place(page, theme)

    def _add_views(self, theme: Theme, page: QWidget) -> None:
        self.view_tabs: dict[str, TextButton] = {}
        group = QButtonGroup(page)
        for key, title in VIEWS:
            tab = TextButton(theme, tr(title), tab=True)
            tab.setObjectName(f"overview.view.{key}")
            tab.setChecked(key == ALL)
            group.addButton(tab)
            self.view_tabs[key] = tab
        self.measure_button = TextButton(theme, opening(tr("Cost")))
        self.measure_button.setObjectName("overview.measure")
        self.measure_button.setToolTip(tr("What the four charts show, on one scale"))
        self.measure_button.hide()

    def _place(self, page: QWidget, theme: Theme) -> None:
        self.charts = ChartArea(theme)
        cards = QHBoxLayout()
        cards.setSpacing(GAP)
        for card in self.cards.values():
            card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            cards.addWidget(card, 1)
        tables = QHBoxLayout()
        tables.setSpacing(GAP)
        for table in (self.by_model, self.by_side):
            table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            tables.addWidget(table, 1)
        # A table with all its rows has the other one's room too.
        self.by_model.expanded.connect(self.by_side.setHidden)
        self.by_side.expanded.connect(self.by_model.setHidden)
        self._dashboard = QWidget()
        column = QVBoxLayout(self._dashboard)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addLayout(cards)
        column.addWidget(self.charts, 1)
        column.addLayout(tables)
        self.stack = QStackedWidget()
        self.stack.currentChanged.connect(lambda _index: self._ask_for_room())
        self._states = (self._dashboard, self.ghost, self.no_match)
        for widget in self._states:
            self.stack.addWidget(widget)
        self._scroll(page)

    def _scroll(self, page: QWidget) -> None:
        body = QWidget()
        body.setObjectName("overview.body")
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self.filter_bar, 1)
        views = QHBoxLayout()
        views.setSpacing(14)
        # It comes with one of the tabs and is as wide as its word: behind them it moved what was just pressed.
        views.addWidget(self.measure_button)
        for tab in self.view_tabs.values():
            views.addWidget(tab)
        top.addLayout(views)
        compared = QHBoxLayout()
        compared.setSpacing(2)
        compared.addWidget(self.note)
        compared.addWidget(self.compare_button)
        top.addLayout(compared)
        # Chips that go on below leave what stands beside them in their first line.
        for beside in (views, compared):
            top.setAlignment(beside, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(body)
        column.setSpacing(GAP)
        column.addWidget(self.banner)
        column.addWidget(self.checklist)
        column.addLayout(top)
        column.addWidget(self.incomplete)
        column.addWidget(self.stack, 1)
        area = PageScroll(body, QMargins(_MARGIN, GAP, _MARGIN, 16), page)
        whole = QVBoxLayout(page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)

    def show_state(self, answers: Answers, *, filtered: bool, url: str, demo: bool) -> None:
        """Numbers, or why there are none; `url` is where tools are pointed at. `demo`: its history is on its way."""
        self.banner.hide()
        since = answers.summary.complete_from_us
        self.incomplete.setVisible(since is not None)
        if since is not None:
            self.incomplete.set_text(incomplete_words(since, answers.query.tz))
        self._say_why(url, demo=demo)
        if answers.summary.requests or (answers.ever and not filtered):
            self.stack.setCurrentWidget(self._dashboard)
        else:
            self.stack.setCurrentWidget(self.no_match if filtered and answers.ever else self.ghost)

    def _ask_for_room(self) -> None:
        """A stack is as high as the highest of its widgets, also of those that it does not show."""
        shown = self.stack.currentWidget()
        for widget in self._states:
            policy = widget.sizePolicy()
            wanted = QSizePolicy.Policy.Preferred if widget is shown else QSizePolicy.Policy.Ignored
            policy.setVerticalPolicy(wanted)
            widget.setSizePolicy(policy)

    def _say_why(self, url: str, *, demo: bool) -> None:
        words = tr("Point a tool at {url}/api/ai/v1 with one of your keys.").format(url=url)
        if demo:
            words = tr("30 days of a small company's traffic are being generated and appear in a moment.")
        title = tr("The example history is on its way") if demo else tr("No requests yet")
        self.no_requests.title_label.setText(title)
        self.no_requests.set_text(words)
        assert self.no_requests.button is not None
        self.no_requests.button.setVisible(not demo)

    def show_problem(self, message: str) -> None:
        """The old numbers stay; the banner says why there are no newer ones."""
        self.banner.tell(message)
