"""The right pane: the cost of the conversation, its timeline, and what is known of the selected row."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app import formats
from app.fonts import ui_font
from app.overview.label import TextButton
from app.pages.conversations_parts.cost_card import CostCard
from app.pages.conversations_parts.costs import CostSplit
from app.pages.conversations_parts.facts import Facts
from app.pages.conversations_parts.spans import SpanRow
from app.pages.conversations_parts.waterfall import Waterfall
from app.parts.in_turns import ALONE, InTurns
from app.parts.kept_shapes import KeptShapes, lay_out_hidden
from app.text_label import TextLabel
from app.theme import Theme
from app.translation import counted, later, tr
from app.widgets import Card, Curtain, ElidedLabel, IconButton, PushButton, ScrollRing
from app.widgets.scroll_bar import KeptScrollBar

WIDTH = 408
# From the pane's edges to its cards; at the right the scroll bar stands in it.
_MARGINS = (16, 14, 16, 16)
# Of a card of facts, around its lines, with the gap above it.
_AROUND = 80
_TOP = Qt.AlignmentFlag.AlignTop
_LABEL = 116


class _Lines(NamedTuple):
    """Widgets for facts of one shape: `told` are those whose words follow the facts, as far as `making` has gone."""

    body: QWidget
    told: list[TextLabel]
    making: Iterator[None]


class FactsCard(Card):
    """`request_asked(id)`: its row on the Requests page; `copied(words)`; `growing(by)` before it becomes higher, by
    so many pixels at most."""

    request_asked = Signal(str)
    copied = Signal(str)
    growing = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._theme = theme
        self._facts: Facts | None = None
        self.setObjectName("conversation_facts")
        self.turns = InTurns(self)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 14)
        column.setSpacing(6)
        head = QHBoxLayout()
        self.title = ElidedLabel(theme)
        self.title.setFont(ui_font(13, 600))
        self.request_button = TextButton(theme, tr("Open request"))
        self.request_button.setObjectName("conversation_open_request")
        self.request_button.clicked.connect(self._ask_request)
        self.copy_button = IconButton(theme, "copy", tr("Copy the span as JSON"))
        self.copy_button.clicked.connect(self._copy)
        head.addWidget(self.title, 1)
        head.addWidget(self.request_button)
        head.addWidget(self.copy_button)
        column.addLayout(head)
        # What was asked, an answer, what a tool gave, a span of an app: walking through a thread passes them all.
        self._shapes = KeptShapes[_Lines](column, lambda lines: lines.body)

    def show_facts(self, facts: Facts | None) -> None:
        """Facts of the same lines as others before only change the words."""
        if facts == self._facts:
            return
        began = time.perf_counter()
        self._facts = facts
        if facts is None:
            self.turns.leave()
            self.hide()
            return
        shape = (tuple(label for label, _ in facts.lines), len(facts.notes), bool(facts.raw))
        lines = self._shapes.of(shape, lambda: self._begun(facts), self.palette())
        self.turns.begin(self._put_up(facts, lines), began)

    def _put_up(self, facts: Facts, lines: _Lines) -> Iterator[bool | None]:
        """Lines are made, told what to say, laid out, and shown with their title. Those before stay until then."""
        for _ in lines.making:
            yield None
        words = (*(value for _, value in facts.lines), *facts.notes, *((facts.raw,) if facts.raw else ()))
        for label, text in zip(lines.told, words, strict=True):
            if label.text() != text:
                label.setText(text)
        if lines.body.isHidden():
            yield ALONE
            margins = self.contentsMargins() + self._column.contentsMargins()
            lay_out_hidden(lines.body, self.width() - margins.left() - margins.right())
            yield ALONE
        self.title.setText(facts.title)
        self.setAccessibleName(tr("Selected: {title}").format(title=facts.title))
        self.request_button.setVisible(facts.request_id is not None)
        self.copy_button.setVisible(bool(facts.json))
        self.growing.emit(lines.body.height() + _AROUND)
        self._shapes.show(lines.body)
        self.show()
        yield None

    def _begun(self, facts: Facts) -> _Lines:
        body, told = QWidget(self), list[TextLabel]()
        return _Lines(body, told, self._make(facts, body, told))

    def _make(self, facts: Facts, body: QWidget, told: list[TextLabel]) -> Iterator[None]:
        """A step for each line."""
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.setColumnMinimumWidth(0, _LABEL)
        grid.setColumnStretch(1, 1)
        for row, (label, _) in enumerate(facts.lines):
            part = label in facts.parts
            name = TextLabel(self._theme, label, px=12, tone="text3" if part else "text2")
            name.setContentsMargins(10 if part else 0, 0, 0, 0)
            value = TextLabel(self._theme, px=12, weight=500, wrap=True, selectable=True)
            told.append(value)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | _TOP)
            grid.addWidget(name, row, 0, _TOP)
            grid.addWidget(value, row, 1)
            yield
        row = len(facts.lines)
        for _ in facts.notes:
            note = TextLabel(self._theme, px=12, tone="text3", wrap=True, selectable=True)
            told.append(note)
            grid.addWidget(note, row, 0, 1, 2)
            row += 1
            yield
        if facts.raw:
            grid.addWidget(TextLabel(self._theme, tr("Attributes"), px=12, weight=600, tone="text2"), row, 0, 1, 2)
            raw = TextLabel(self._theme, px=11, tone="text2", mono=True, wrap=True, selectable=True)
            told.append(raw)
            raw.setObjectName("conversation_attributes")
            grid.addWidget(raw, row + 1, 0, 1, 2)
            yield

    def _ask_request(self) -> None:
        if self._facts is not None and self._facts.request_id is not None:
            self.request_asked.emit(self._facts.request_id)

    def _copy(self) -> None:
        if self._facts is not None:
            QGuiApplication.clipboard().setText(self._facts.json)
            self.copied.emit(tr("Span copied"))


class _Ground(QWidget):
    """The sidebar's colour, and a line at the left."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        # Where it becomes higher, what stands there already stays as it is.
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self._theme.color("sidebar"))
        painter.fillRect(QRectF(0, 0, 1, self.height()), self._theme.color("border"))


class Inspector(QScrollArea):
    """`row_chosen(SpanRow)`; `glue_asked(bool)`; `request_asked(id)`; `copied(words)`."""

    row_chosen = Signal(object)
    glue_asked = Signal(bool)
    request_asked = Signal(str)
    copied = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._all = False
        self.setObjectName("conversation_inspector")
        self.setAccessibleName(tr("Cost and times of the conversation"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The cards are as wide whether there is something to scroll or not: choosing a block would else lay all of
        # them out and paint them anew.
        self.setVerticalScrollBar(KeptScrollBar(self))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.cost = CostCard(theme)
        self.waterfall = Waterfall(theme)
        self.facts = FactsCard(theme)
        self.timeline = Card(theme)
        self.times = TextLabel(theme, "", px=12, tone="text2")
        self.times.setObjectName("conversation_times")
        self.unread = TextLabel(theme, "", px=12, tone="text3")
        self.unread.setObjectName("conversation_unread")
        self.all_button = PushButton(theme, "", kind="ghost")
        self.all_button.setObjectName("conversation_glue")
        self.all_button.clicked.connect(self._toggle_glue)
        self._lay_out()
        self._curtain = Curtain(self)
        self.facts.growing.connect(self._make_room)
        self.waterfall.chosen.connect(self.row_chosen)
        self.facts.request_asked.connect(self.request_asked)
        self.facts.copied.connect(self.copied)
        self.facts.hide()
        theme.changed.connect(self._take_ground)
        self._take_ground()

    def _lay_out(self) -> None:
        inner = QVBoxLayout(self.timeline)
        inner.setContentsMargins(16, 12, 12, 12)
        inner.setSpacing(4)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 4, 0)
        head.addWidget(TextLabel(self._theme, tr("Timeline"), px=13, weight=600))
        head.addStretch(1)
        head.addWidget(self.times)
        inner.addLayout(head)
        inner.addWidget(self.waterfall)
        inner.addWidget(self.unread)
        inner.addWidget(self.all_button, 0, Qt.AlignmentFlag.AlignLeft)
        body = _Ground(self._theme)
        column = QVBoxLayout(body)
        left, top, right, bottom = _MARGINS
        column.setContentsMargins(left, top, right - self.verticalScrollBar().sizeHint().width(), bottom)
        column.setSpacing(12)
        for widget in (self.cost, self.timeline, self.facts):
            column.addWidget(widget)
        column.addStretch(1)
        body.installEventFilter(self)
        self.setWidget(body)
        ScrollRing(self)

    def begin_another(self) -> None:
        """What is told from now on is of another conversation: all of it is painted, in turns."""
        self._curtain.draw(self.viewport().geometry())

    def show_costs(self, split: CostSplit, *, parts_follow: bool = False) -> None:
        self.cost.show_split(split, parts_follow=parts_follow)

    def show_rows(self, rows: Sequence[SpanRow], hidden: int, unread: int = 0) -> None:
        """`hidden` spans are left out, and so are those of `unread` traces."""
        self.waterfall.show_rows(rows)
        self.timeline.setVisible(bool(rows))
        if rows:
            model_us = sum(row.end_us - row.start_us for row in rows if row.role == "inference")
            whole = formats.duration((rows[0].end_us - rows[0].start_us) / 1000)
            words = tr("{whole} total · {model} model").format(whole=whole, model=formats.duration(model_us / 1000))
            cut = self.waterfall.axis.silent_us
            if cut:
                words = tr("{times} · pauses cut").format(times=words)
            self.times.setText(words)
            self.times.setToolTip(
                tr("{pauses} of silence take no room on the axis: it is cut at the dotted lines").format(
                    pauses=formats.duration(cut / 1000)
                )
                if cut
                else ""
            )
        self.unread.setVisible(unread > 0)
        self.unread.setText(
            counted(
                unread,
                later("Without the spans of one more trace"),
                later("Without the spans of {count} more traces"),
            )
        )
        self.all_button.setVisible(hidden > 0)
        self.all_button.setText(
            tr("Hide what is between") if self._all else tr("Show all: {hidden:,} more").format(hidden=hidden)
        )
        self._lay_out_timeline()

    def _lay_out_timeline(self) -> None:
        """At once: a timeline that grows would be painted at its card's old height first, and again when that
        follows."""
        for part in (self.timeline, self.widget()):
            if part is not None and (layout := part.layout()) is not None:
                layout.activate()

    def show_facts(self, facts: Facts | None) -> None:
        self.facts.show_facts(facts)

    def select(self, key: str) -> None:
        """Marks a row, and brings it into sight."""
        self.waterfall.select(key)
        box = self.waterfall.row_rect(key)
        body: QWidget | None = self.widget()
        if not box.isNull() and body is not None:
            place = self.waterfall.mapTo(body, box.center())
            self.ensureVisible(place.x(), place.y(), 0, 60)

    def _toggle_glue(self) -> None:
        self._all = not self._all
        self.glue_asked.emit(self._all)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self._settle()
        return super().eventFilter(watched, event)

    def _settle(self) -> None:
        """As high as its wrapped words need at this width, before its parts are placed: in less room all of them
        would be made lower first, and painted anew when they have it."""
        body: QWidget | None = self.widget()
        layout = body.layout() if body is not None else None
        if body is not None and layout is not None:
            body.setMinimumHeight(max(0, layout.totalHeightForWidth(self.viewport().width())))

    def _make_room(self, height: int) -> None:
        """For what is shown and placed at once, and painted in turns."""
        body: QWidget | None = self.widget()
        if body is not None:
            body.setMinimumHeight(body.height() + height)
        seen = self.viewport().geometry()
        if self._curtain.isHidden():
            above = self.cost if self.timeline.isHidden() else self.timeline
            seen.setTop(max(seen.top(), above.mapTo(self, above.rect().bottomLeft()).y() + 1))
            self._curtain.draw(seen)

    def _take_ground(self) -> None:
        palette = self.palette()
        for role in (QPalette.ColorRole.Window, QPalette.ColorRole.Base):
            palette.setColor(role, self._theme.color("sidebar"))
        self.setPalette(palette)
        self.viewport().setPalette(palette)
        body: QWidget | None = self.widget()
        if body is not None:
            body.setPalette(palette)
