"""Where the Overview's parts stand: filters, five cards, charts two by two, two tables; or why there are none."""

from PySide6.QtCore import QMargins, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
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
from app.overview.figures import figures
from app.overview.label import ToneLabel
from app.overview.veil import Veil
from app.theme import Theme
from app.widgets import Banner, Card, EmptyState
from gateway import Summary

SIDE_DIMENSIONS = ("provider", "user", "key", "app", "tag")
CHART_PLACES = 4
_GAP = 12
_MARGIN = 24
# Four charts, cards, tables and one notice fit a window of the design's size.
_CHART_HEIGHT = 186


class ChartPlace(Card):
    """Stands where a chart will; `painted` when it has been seen for the first time."""

    painted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._seen = False
        self.setMinimumHeight(_CHART_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._seen:
            self._seen = True
            self.painted.emit()


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
        self.filter_bar = FilterBar(context)
        self.note = ToneLabel(theme, px=12, tone="text2")
        self.note.setObjectName("overview.range")
        self.banner = Banner(theme, "bad", "", "Retry")
        self.banner.hide()
        self.cards = {
            figure.key: FigureCard(theme, figure.key, figure.title, figure.icon)
            for figure in figures(Summary(), None, (), 0)
        }
        self.by_model = BreakdownCard(theme, ("model",))
        self.by_side = BreakdownCard(theme, SIDE_DIMENSIONS)
        self.no_requests = EmptyState(
            theme,
            "activity",
            "No requests yet",
            "",
            "Connect a tool",
        )
        self.no_match = EmptyState(
            theme,
            "filter",
            "Nothing matches these filters",
            "Take one of them away, or choose a longer range.",
            "Clear filters",
        )
        self._place(page, theme)
        self.veil = Veil(theme, page)

    def _place(self, page: QWidget, theme: Theme) -> None:
        self._grid = QGridLayout()
        self._grid.setSpacing(_GAP)
        self._places = [ChartPlace(theme) for _ in range(CHART_PLACES)]
        self.first_place = self._places[0]
        for number, place in enumerate(self._places):
            self._grid.addWidget(place, number // 2, number % 2)
        for half in (0, 1):
            self._grid.setColumnStretch(half, 1)
            self._grid.setRowStretch(half, 1)
        cards = QHBoxLayout()
        cards.setSpacing(_GAP)
        for card in self.cards.values():
            card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            cards.addWidget(card, 1)
        tables = QHBoxLayout()
        tables.setSpacing(_GAP)
        for table in (self.by_model, self.by_side):
            table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            tables.addWidget(table, 1)
        # A table with all its rows has the other one's room too.
        self.by_model.expanded.connect(self.by_side.setHidden)
        self.by_side.expanded.connect(self.by_model.setHidden)
        self._dashboard = QWidget()
        column = QVBoxLayout(self._dashboard)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_GAP)
        column.addLayout(cards)
        column.addLayout(self._grid, 1)
        column.addLayout(tables)
        self.stack = QStackedWidget()
        for widget in (self._dashboard, self.no_requests, self.no_match):
            self.stack.addWidget(widget)
        self._scroll(page)

    def _scroll(self, page: QWidget) -> None:
        body = QWidget()
        body.setObjectName("overview.body")
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self.filter_bar, 1)
        top.addWidget(self.note, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(body)
        column.setSpacing(_GAP)
        column.addWidget(self.banner)
        column.addLayout(top)
        column.addWidget(self.stack, 1)
        area = PageScroll(body, QMargins(_MARGIN, _GAP, _MARGIN, 16), page)
        whole = QVBoxLayout(page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)

    def place_chart(self, place: int, chart: QWidget) -> None:
        """Put a chart where its placeholder stands."""
        chart.setMinimumHeight(_CHART_HEIGHT)
        placeholder = self._places[place]
        self._grid.replaceWidget(placeholder, chart)
        placeholder.hide()
        placeholder.deleteLater()

    def show_state(self, answers: Answers, *, filtered: bool, url: str) -> None:
        """Numbers, or why there are none; `url` is where tools are pointed at."""
        self.banner.hide()
        self.no_requests.set_text(f"Point a tool at {url}/api/ai/v1 with one of your keys.")
        if answers.summary.requests or (answers.ever and not filtered):
            self.stack.setCurrentWidget(self._dashboard)
        else:
            self.stack.setCurrentWidget(self.no_match if filtered and answers.ever else self.no_requests)

    def show_problem(self, message: str) -> None:
        """The old numbers stay; the banner says why there are no newer ones."""
        self.banner.set_text(message)
        self.banner.show()
