"""The drawer's lines for one request, in panes that scroll: its row, and the attempts at it.

Walking through rows changes words, seldom lines: the widgets stay as long as the next request has the same lines, and
those for the shapes that were shown last are kept, so that holding an arrow key costs no layout of fifty widgets per
row. Those of a new shape are made in as many turns of the loop as they take.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QHideEvent, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from app.pages.requests_parts.attempt_lines import attempt_sections
from app.pages.requests_parts.attempts_body import AttemptsBody
from app.pages.requests_parts.body import RequestBody, shape_of
from app.pages.requests_parts.details import attempts_words, sections
from app.pages.requests_parts.section_lines import SectionLines, lines_shape
from app.parts.in_turns import ALONE, BUDGET_S, InTurns
from app.parts.kept_shapes import KeptShapes, lay_out_hidden
from app.theme import Theme
from app.translation import tr
from app.widgets import Curtain, ScrollRing
from app.widgets.scroll_bar import KeptScrollBar
from app.widgets.width_grip import GRIP
from gateway import CostExplanation, ExchangeRecord

Body = TypeVar("Body", bound=SectionLines)


class LinesPanel(QScrollArea, Generic[Body]):
    """`copied(words)`: something was put on the clipboard. `record` is what is shown, and `body` shows it."""

    copied = Signal(str)

    def __init__(self, theme: Theme, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.record: ExchangeRecord | None = None
        self.body: Body | None = None
        self.turns = InTurns(self)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._holder = QWidget()
        self._column = QVBoxLayout(self._holder)
        # Under the edge that can be dragged they would be painted anew wherever they are scrolled to.
        self.setViewportMargins(GRIP, 0, 0, 0)
        # The lines end where all else in the drawer does, whether they scroll or not.
        self._column.setContentsMargins(16 - GRIP, 4, KeptScrollBar.in_margin(self, 16), 24)
        # Whole and streamed, of one dialect and translated; what is rarer is made anew.
        self._shapes = KeptShapes[Body](self._column, lambda body: body)
        self.setWidget(self._holder)
        ScrollRing(self)
        self._curtain = Curtain(self)
        theme.changed.connect(self._take_surface)
        self._take_surface()

    def _show(
        self, row: ExchangeRecord, shape: Hashable, make: Callable[[], Body], tell: Callable[[Body], None]
    ) -> None:
        """What has this shape, made where there is none, once it is told what to say."""
        self.record = row

        def made() -> Body:
            body = make()
            body.copied.connect(self.copied)
            return body

        began = time.perf_counter()
        body = self._shapes.of(shape, made, self.palette())
        if not body.isHidden():
            self.cover()
        tell(body)
        self.body = body
        if not self.isVisible():
            # What opens it takes long enough; until its own lines come, it shows none of another one.
            self._shapes.hide_all()
            began -= BUDGET_S
        self.turns.begin(self._put_up(body), began)

    def _put_up(self, body: Body) -> Iterator[bool | None]:
        """Lines are made, then laid out, then shown. What was shown before stays until then; those of what was left
        before its end wait until it is shown again."""
        if not body.isHidden():
            return
        while not body.complete:
            body.make_line()
            yield None
        yield ALONE
        # Within its showing it would take as long again as all else of that.
        inner = self.viewport().rect().marginsRemoved(self._column.contentsMargins())
        lay_out_hidden(body, inner.width(), inner.height())
        yield ALONE
        # Else they come when it does, in a turn of their own.
        if self.isVisible() or not self.window().isVisible():
            with self._curtain.kept(self.viewport().geometry()):
                self._shapes.hide_all()
                yield ALONE
                self._give_room(body)
                body.show()
                self._settle()
        yield None

    def _give_room(self, body: Body) -> None:
        """As much as it was laid out for: in that of other lines it would be laid out anew, and again in its own."""
        room = self._column.contentsMargins()
        needed = body.height() + room.top() + room.bottom()
        self._holder.setMinimumHeight(needed)
        self._holder.resize(self._holder.width(), needed)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # The drawer around it is painted without it, and it in turns.
        self.cover()
        if self.body is not None and self.body.isHidden():
            self.turns.begin(self._put_up_below_curtain(self.body), time.perf_counter() - BUDGET_S / 2)

    def _put_up_below_curtain(self, body: Body) -> Iterator[bool | None]:
        with self._curtain.kept(self.viewport().geometry()):
            yield ALONE
            yield from self._put_up(body)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous() and self.window().isVisible():
            # Where it is shown again its lines come in a turn after all else. With its window they would lose the
            # keyboard.
            self.turns.leave()
            self._shapes.hide_all()

    def cover(self) -> None:
        """What stands there is painted in turns. A stack that shows it has no updates yet, and it no curtain."""
        self._curtain.draw(self.viewport().geometry())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self._settle()
        return super().eventFilter(watched, event)

    def _settle(self) -> None:
        """As high as its wrapped words need: a scroll area keeps the height that they had at another width."""
        if self.body is not None and self.body.isHidden():
            # Until they come it stays where it is scrolled to.
            return
        # Below 0 while there is nothing.
        self._holder.setMinimumHeight(max(0, self._column.totalHeightForWidth(self.viewport().width())))

    def _take_surface(self) -> None:
        palette = self.palette()
        for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
            palette.setColor(role, self._theme.color("surface"))
        self.setPalette(palette)
        for widget in (self.viewport(), self._holder, *self._shapes):
            widget.setPalette(palette)


class RequestPanel(LinesPanel[RequestBody]):
    """`conversation_asked(id)`: what a request said, and `replay_asked(id)`: to ask it of other models."""

    conversation_asked = Signal(str)
    replay_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "request_details", tr("Details of the request"), parent)

    def show_record(
        self, row: ExchangeRecord, provider_title: Callable[[str], str], explanation: CostExplanation
    ) -> None:
        """Shows a request; where another one had the same lines, only their words change."""
        groups = sections(row, provider_title, explanation)

        def make() -> RequestBody:
            body = RequestBody(self._theme, row, groups, self._holder)
            body.conversation_asked.connect(self._ask_conversation)
            body.replay_asked.connect(self._ask_replay)
            return body

        self._show(row, shape_of(row, groups), make, lambda body: body.show_record(row, groups))

    def _ask_conversation(self) -> None:
        if self.record is not None:
            self.conversation_asked.emit(self.record.id)

    def _ask_replay(self) -> None:
        if self.record is not None:
            self.replay_asked.emit(self.record.id)


class AttemptsPanel(LinesPanel[AttemptsBody]):
    """The calls to providers that a request took."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "request_attempts", tr("Attempts of the request"), parent)

    def show_record(self, row: ExchangeRecord, provider_title: Callable[[str], str]) -> None:
        """Shows a request's attempts; where those of another one had the same lines, only their words change."""
        groups = attempt_sections(row, provider_title)
        self._show(
            row,
            lines_shape(groups),
            lambda: AttemptsBody(self._theme, groups, self._holder),
            lambda body: body.show_attempts(row.attempts, groups, attempts_words(row)),
        )
