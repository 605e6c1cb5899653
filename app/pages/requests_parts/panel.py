"""The drawer's content for one request, in a pane that scrolls.

Walking through rows changes words, seldom lines: the widgets stay as long as the next request has the same lines, and
those for the shapes that were shown last are kept, so that holding an arrow key costs no layout of fifty widgets per
row. Those of a new shape are made in as many turns of the loop as they take.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.pages.requests_parts.body import Attempts, RequestBody, shape_of
from app.pages.requests_parts.details import Section, attempt_words, sections
from app.parts.kept_shapes import KeptShapes
from app.theme import Theme
from app.translation import tr
from gateway import CostExplanation, ExchangeRecord

BUDGET_S = 0.006
"""For which one turn makes lines."""
# Between two turns, so that the gateway's callbacks have theirs.
_PAUSE_MS = 8


class RequestPanel(QScrollArea):
    """`copied(words)`: something was put on the clipboard. `conversation_asked(id)`: what a request said, and
    `replay_asked(id)`: to ask it of other models. `record` is what is shown, and `body` shows it."""

    copied = Signal(str)
    conversation_asked = Signal(str)
    replay_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.record: ExchangeRecord | None = None
        self.body: RequestBody | None = None
        self._making = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._making.timeout.connect(self._go_on)
        self.setObjectName("request_details")
        self.setAccessibleName(tr("Details of the request"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._holder = QWidget()
        self._column = QVBoxLayout(self._holder)
        self._column.setContentsMargins(0, 0, 0, 0)
        # Whole and streamed, of one dialect and translated; what is rarer is made anew.
        self._shapes = KeptShapes[RequestBody](self._column, lambda body: body)
        self.setWidget(self._holder)
        theme.changed.connect(self._take_surface)
        self._take_surface()

    def show_record(
        self, row: ExchangeRecord, provider_title: Callable[[str], str], explanation: CostExplanation
    ) -> None:
        """Shows a request; where another one had the same lines, only their words change."""
        self.record = row
        groups = sections(row, provider_title, explanation)
        attempts = [attempt_words(attempt, provider_title) for attempt in row.attempts]
        shape = shape_of(row, groups, attempts)
        body = self._shapes.of(shape, lambda: self._make(row, groups, attempts), self.palette())
        body.show_record(row, groups, attempts)
        if not body.complete:
            body.make(BUDGET_S)
        self.body = body
        self._swap_or_go_on()

    def _go_on(self) -> None:
        """With the lines of what is shown; those of what was left before its end wait until it is shown again."""
        if self.body is not None and not self.body.complete:
            self.body.make(BUDGET_S)
            self._swap_or_go_on()

    def _swap_or_go_on(self) -> None:
        """What was shown before stays until all lines are made: they are laid out and painted once."""
        if self.body is None or not self.body.complete:
            self._making.start()
            return
        self._shapes.show(self.body)
        self._settle()

    def _make(self, row: ExchangeRecord, groups: Sequence[Section], attempts: Attempts) -> RequestBody:
        body = RequestBody(self._theme, row, groups, attempts, self._holder)
        body.copied.connect(self.copied)
        body.conversation_asked.connect(self._ask_conversation)
        body.replay_asked.connect(self._ask_replay)
        return body

    def _ask_conversation(self) -> None:
        if self.record is not None:
            self.conversation_asked.emit(self.record.id)

    def _ask_replay(self) -> None:
        if self.record is not None:
            self.replay_asked.emit(self.record.id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self._settle()
        return super().eventFilter(watched, event)

    def _settle(self) -> None:
        """As high as its wrapped words need: a scroll area keeps the height that they had at another width."""
        # Below 0 while there is nothing.
        self._holder.setMinimumHeight(max(0, self._column.totalHeightForWidth(self.viewport().width())))

    def _take_surface(self) -> None:
        palette = self.palette()
        for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
            palette.setColor(role, self._theme.color("surface"))
        self.setPalette(palette)
        for widget in (self.viewport(), self._holder, *self._shapes):
            widget.setPalette(palette)
