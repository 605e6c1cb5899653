"""The table, the pill that says how many rows wait above it, and what stands there when there are none."""

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.sidebar import API_PATH
from app.tables.view import TableView
from app.theme import Theme
from app.translation import tr
from app.widgets import Card, EmptyState, PushButton


class TableArea(QStackedWidget):
    """`newest_asked`: the pill was clicked. `clear_asked` and `connect_asked`: the empty states' actions."""

    newest_asked = Signal()
    clear_asked = Signal()
    connect_asked = Signal()

    def __init__(self, theme: Theme, view: TableView, url: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self.table = Card(theme)
        self.table.fill_with(view)
        self.no_match = EmptyState(
            theme,
            "search",
            tr("Nothing matches these filters"),
            tr("Remove a filter, or choose a longer range."),
            tr("Clear filters"),
        )
        self.no_match.setObjectName("requests_no_match")
        self.empty = EmptyState(
            theme,
            "list",
            "",
            tr("Point a tool at {url}{api_path} with one of your keys.").format(url=url, api_path=API_PATH),
            tr("Connect a tool"),
        )
        self.show_why(ever=True)
        self.empty.setObjectName("requests_empty")
        for widget in (self.table, self.no_match, self.empty):
            self.addWidget(widget)
        self.pill = PushButton(theme, "", "arrow-up", "primary")
        self.pill.setParent(self.table)
        self.pill.setObjectName("requests_pending")
        self.pill.hide()
        self.pill.clicked.connect(self.newest_asked)
        self.no_match.action.connect(self.clear_asked)
        self.empty.action.connect(self.connect_asked)
        self.table.installEventFilter(self)

    def show_why(self, *, ever: bool) -> None:
        """What an empty list means: none in the range, or none at all."""
        self.empty.title_label.setText(tr("No requests in this range") if ever else tr("No requests yet"))

    def show_count(self, count: int, filtered: bool) -> None:
        if count:
            self.show_why(ever=True)
            self.setCurrentWidget(self.table)
        else:
            self.setCurrentWidget(self.no_match if filtered else self.empty)

    def show_waiting(self, rows: int) -> None:
        """So many rows are newer than the list; 0 hides the pill."""
        self.pill.setVisible(rows > 0)
        if rows:
            self.pill.setText(tr("{rows:,} new").format(rows=rows))
            self.pill.setAccessibleName(tr("{rows:,} new requests: show them").format(rows=rows))
            self._place_pill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.table and event.type() == QEvent.Type.Resize:
            self._place_pill()
        return super().eventFilter(watched, event)

    def _place_pill(self) -> None:
        self.pill.adjustSize()
        below_header = self._view.horizontalHeader().height() + 14
        self.pill.move((self.table.width() - self.pill.width()) // 2, below_header)
        self.pill.raise_()
