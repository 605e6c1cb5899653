"""The conversation that is shown: its head, its thread on the chosen way, and beside it cost, times and details.

Reading and telling are done in workers, costs are split in slices of the loop; an answer to a question that is no
longer asked is dropped. What is chosen in the thread is marked in the timeline, and the other way round.
"""

import asyncio
import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.known_errors import KNOWN_ERRORS
from app.pages.conversations_parts.block import KINDS, Block, first_with, pieces_of, turn_with
from app.pages.conversations_parts.blocks import Told, told
from app.pages.conversations_parts.branches import way_to
from app.pages.conversations_parts.costs import Splitter, record_of, whole_of
from app.pages.conversations_parts.facts import facts_of
from app.pages.conversations_parts.head import ThreadHead
from app.pages.conversations_parts.inspector import WIDTH as INSPECTOR_WIDTH
from app.pages.conversations_parts.inspector import Inspector
from app.pages.conversations_parts.pictures import Pictures
from app.pages.conversations_parts.spans import SpanRow, block_of, hidden_glue, row_of, rows_of, tool_times
from app.pages.conversations_parts.thread_view import ThreadView
from app.translation import tr
from app.widgets import EmptyState, WidthGrip
from gateway import Thread, Trace, Turn

NARROW_BELOW = 770
"""Beside a list of 288 px and a sidebar of 220: a window of less than 1280."""
MOST_TRACES = 24
_SLICE_S = 0.004
_LEAST = 360
_FACTS_AFTER_MS = 60
# Painting the timeline takes as long as painting the thread: not in the same turn of the loop.
_MARKED_AFTER_MS = 30
# Longer than the loop's turn, so that what was shown before is painted by itself.
_PAINTED_S = 0.005
_NO_LIMIT = 16_777_215
_ANSWERS = ("assistant", "reasoning", "tool", "error", "waiting")


class ThreadPane(QWidget):
    """`shown(id)` once a thread stands, "" when none does. `toast(words)`."""

    shown = Signal(str)
    toast = Signal(str)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.thread_shown: Thread | None = None
        self.told = Told(blocks=(), steps=())
        self.rows: tuple[SpanRow, ...] = ()
        self._traces: tuple[Trace, ...] = ()
        self._chosen: dict[int, int] = {}
        self._asides: frozenset[int] = frozenset()
        self._opening = 0
        self._wanted = ""
        self._glue = False
        self._words = ""
        self._following = True
        self._chosen_row: SpanRow | None = None
        self._facts = QTimer(self, singleShot=True, interval=_FACTS_AFTER_MS)
        self._facts.timeout.connect(self._tell_facts)
        self._marking = QTimer(self, singleShot=True, interval=_MARKED_AFTER_MS)
        self._marking.timeout.connect(lambda: self._follow(self.view.current))
        self._build()
        self.view.current_changed.connect(self._block_chosen)
        self.view.way_chosen.connect(self._choose_way)
        self.view.aside_toggled.connect(self._toggle_aside)
        self.view.copied.connect(self.toast)
        self.view.pieces_asked.connect(lambda key, shown: self._context.spawn(self._make_pieces(key, shown)))
        self.head.pane_chosen.connect(lambda _key: self._fit())
        self.inspector.row_chosen.connect(self._span_chosen)
        self.inspector.glue_asked.connect(self._show_glue)
        self.inspector.copied.connect(self.toast)
        self.failed.action.connect(lambda: self.open(self._wanted))
        context.shell.redraw_asked.connect(self._tell_times_anew)

    def _build(self) -> None:
        theme = self._context.theme
        self.view = ThreadView(theme, Pictures(self._context.spawn, self))
        self.head = ThreadHead(theme)
        self.inspector = Inspector(theme)
        self.inspector.hide()
        self.grip = WidthGrip(
            theme,
            self.inspector,
            self._context.shell.preferences,
            "inspector",
            usual=INSPECTOR_WIDTH,
            reserve=_LEAST,
        )
        choose = tr("Choose one on the left: click it, or use the arrow keys.")
        self.nothing = EmptyState(theme, "messages-square", tr("No conversation chosen"), choose)
        self.loading = EmptyState(theme, "clock", tr("Reading the conversation …"), "")
        self.failed = EmptyState(theme, "circle-alert", tr("This conversation cannot be shown"), "", tr("Try again"))
        self.failed.setObjectName("conversation_failed")
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        self._body = QHBoxLayout()
        self._body.setSpacing(0)
        self._body.addWidget(self.view, 1)
        column.addLayout(self._body, 1)
        self._middle = middle
        self.stack = QStackedWidget()
        for widget in (self.nothing, middle, self.loading, self.failed):
            self.stack.addWidget(widget)
        # Less than its parts ask for beside each other: they then stand behind each other.
        self.setMinimumWidth(_LEAST)
        self._beside = QHBoxLayout(self)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self._beside.setSpacing(0)
        self._beside.addWidget(self.stack, 1)
        self._beside.addWidget(self.inspector)

    # opening

    @property
    def id(self) -> str:
        """The conversation that is shown, "" for none."""
        return self.thread_shown.row.id if self.thread_shown is not None else ""

    @property
    def busy(self) -> bool:
        """Whether a first conversation is being read."""
        return self.stack.currentWidget() is self.loading

    def open(self, id: str, turn: int | None = None, words: str = "") -> None:
        """Show a conversation: at a turn, or at the first place that holds the words."""
        self._context.spawn(self.read(id, turn=turn, words=words))

    async def read(self, id: str, *, turn: int | None = None, words: str = "", keep: bool = False) -> None:
        """The same. `keep`: it is shown already and has grown, so that place and folds stay."""
        self._opening += 1
        opening = self._opening
        self._wanted = id
        if self.thread_shown is None:
            self.stack.setCurrentWidget(self.loading)
        try:
            thread = await self._context.gateway.thread(id)
        except KNOWN_ERRORS as error:
            if opening == self._opening:
                self._fail(str(error))
            return
        if opening != self._opening:
            return
        if thread is None:
            self._fail(tr("It no longer exists: it was deleted, or is no longer kept."))
            return
        if not keep:
            self._traces, self._asides, self._chosen, self._words = (), frozenset(), {}, words
        if turn is not None:
            self._chosen = way_to(thread.turns, turn)
        await self._show(thread, opening, keep=keep, turn=turn)

    async def _show(self, thread: Thread, opening: int, *, keep: bool, turn: int | None) -> None:
        made = await self._told_by_worker(thread)
        if opening != self._opening:
            return
        # Head, thread, timeline and costs each in a turn of the loop.
        self.head.show_thread(thread.row, thread.turns)
        await asyncio.sleep(_PAINTED_S)
        if opening != self._opening:
            return
        self.thread_shown, self.told = thread, made
        self.stack.setCurrentWidget(self._middle)
        self._fit()
        waiting = next((each for each in thread.turns if each.running), None)
        self.view.waiting_since_us = waiting.started_us if waiting is not None else None
        self.view.set_blocks(made.blocks, keep=keep, extents=made.extents)
        await asyncio.sleep(_PAINTED_S)
        if opening != self._opening:
            return
        if not keep:
            self.inspector.begin_another()
        self._show_rows()
        if not keep:
            # Of another conversation the parts are not known yet, and those before are not its own.
            self.inspector.show_costs(whole_of(thread.row), parts_follow=True)
        if turn is not None:
            self.go_to_turn(turn)
        self.shown.emit(thread.row.id)
        await self._split_costs(thread, opening)
        if self._words and turn is None and not keep:
            await self.look_for(self._words)
        await self._read_traces(thread, opening)

    async def look_for(self, words: str) -> None:
        """Marks the words, and goes to the first block that holds them, if need be on another way."""
        self._words, thread = words, self.thread_shown
        for turned in (False, True):
            blocks = self.told.blocks
            found = await asyncio.to_thread(first_with, blocks, words)
            if words != self._words or blocks is not self.told.blocks:
                return
            if found is None and thread is not None and not turned and await self._turn_to(thread, words):
                continue
            self.view.mark(words, found)
            return

    async def _turn_to(self, thread: Thread, words: str) -> bool:
        """Whether another way of the thread that is shown holds the words, which is then shown."""
        turn = await asyncio.to_thread(turn_with, thread.messages, words)
        if turn is None or words != self._words or self.thread_shown is not thread:
            return False
        self._chosen = {**self._chosen, **way_to(thread.turns, turn)}
        await self._tell_anew(thread, None)
        return True

    def clear(self) -> None:
        """Nothing is shown any more."""
        self._opening += 1
        self.thread_shown, self.told, self.rows = None, Told(blocks=(), steps=()), ()
        self.view.set_blocks((), keep=False)
        self.inspector.hide()
        self.stack.setCurrentWidget(self.nothing)
        self.shown.emit("")

    def _fail(self, text: str) -> None:
        self.clear()
        self.failed.set_text(text)
        self.stack.setCurrentWidget(self.failed)

    async def _told_by_worker(self, thread: Thread) -> Told:
        """By what is chosen at its end: another way or sub-agent may be asked for meanwhile."""
        while True:
            asked = self._traces, self._chosen, self._asides
            made = await asyncio.to_thread(self._tell, thread)
            if asked == (self._traces, self._chosen, self._asides):
                return made

    def _tell(self, thread: Thread) -> Told:
        times = tool_times(self._traces)
        return told(
            thread, self._chosen, self._asides, provider_title=self._context.provider_names.name, tool_times=times
        )

    async def _read_traces(self, thread: Thread, opening: int) -> None:
        """The spans that apps sent, beside the thread that stands already."""
        told_by_apps = any(source != "gateway" for turn in thread.turns for source in turn.sources)
        found = []
        for trace_id in thread.trace_ids[:MOST_TRACES] if told_by_apps else ():
            try:
                trace = await self._context.gateway.trace(trace_id)
            except KNOWN_ERRORS as error:
                self.toast.emit(tr("Its spans cannot be read: {error}").format(error=error))
                return
            if opening != self._opening:
                return
            if trace is not None:
                found.append(trace)
        if not found:
            return
        self._traces = tuple(found)
        if tool_times(self._traces):
            await self._tell_anew(thread, None)
        else:
            self._show_rows()

    async def _split_costs(self, thread: Thread, opening: int) -> None:
        """In slices of the loop: a turn's arithmetic is short, that of thousands is not."""
        await asyncio.sleep(_PAINTED_S)
        splitter = Splitter()
        began = time.perf_counter()
        prices = {row.id: row.input_price for row in self._context.gateway.models()}
        for turn in thread.turns:
            if time.perf_counter() - began > _SLICE_S:
                await asyncio.sleep(0)
                began = time.perf_counter()
            if opening != self._opening:
                return
            splitter.add(turn, self._context.gateway.explain(record_of(turn)), prices.get(turn.model or ""))
        self.inspector.show_costs(splitter.split())

    # ways and turns

    async def _tell_anew(self, thread: Thread, turn: int | None) -> None:
        """The same thread on another way, or with another sub-agent opened."""
        made = await self._told_by_worker(thread)
        if self.thread_shown is not thread:
            return
        self.told = made
        self.view.set_blocks(made.blocks, keep=True, extents=made.extents)
        self._show_rows()
        if turn is not None:
            self.go_to_turn(turn)

    def _tell_times_anew(self) -> None:
        thread = self.thread_shown
        if thread is not None:
            self.head.show_thread(thread.row, thread.turns)
            self._facts.start()
            self._context.spawn(self._tell_anew(thread, None))

    def _choose_way(self, fork: int, turn: int) -> None:
        if self.thread_shown is not None:
            self._chosen = {**self._chosen, fork: turn}
            self._context.spawn(self._tell_anew(self.thread_shown, None))

    def _toggle_aside(self, turn: int) -> None:
        if self.thread_shown is not None:
            self._asides = self._asides ^ {turn}
            self._context.spawn(self._tell_anew(self.thread_shown, None))

    async def _make_pieces(self, key: str, shown: str) -> None:
        block = self.block(key)
        if block is not None:
            pieces = await asyncio.to_thread(pieces_of, block, shown)
            if self.block(key) is block:
                self.view.set_shown(key, shown, pieces)

    def turn(self, number: int | None) -> Turn | None:
        turns = self.thread_shown.turns if self.thread_shown is not None else ()
        return next((turn for turn in turns if turn.n == number), None)

    def block(self, key: str) -> Block | None:
        return next((block for block in self.told.blocks if block.key == key), None)

    def go_to_turn(self, number: int) -> None:
        """Brings the first answer of a turn into sight."""
        blocks = [block for block in self.told.blocks if block.turn == number and KINDS[block.kind].card]
        answers = [block for block in blocks if block.kind in _ANSWERS]
        for block in (answers or blocks)[:1]:
            self.view.go_to(block.key)

    # thread and timeline

    def _show_rows(self) -> None:
        if self.thread_shown is not None:
            self.rows = rows_of(self.thread_shown, self.told.steps, self._traces, glue=self._glue)
            unread = len(self.thread_shown.trace_ids) - MOST_TRACES if self._traces else 0
            self.inspector.show_rows(self.rows, hidden_glue(self._traces), unread)
            self._follow(self.view.current)

    def _show_glue(self, on: bool) -> None:
        self._glue = on
        self._show_rows()

    def _block_chosen(self, key: str) -> None:
        if self._following and not self._marking.isActive():
            self._marking.start()

    def _follow(self, key: str) -> None:
        """Marks the timeline's row of a block."""
        block = self.block(key)
        row = row_of(block, self.rows) if block is not None else None
        self.inspector.select(row.key if row is not None else "")
        self._show_facts(row)

    def _span_chosen(self, row: SpanRow) -> None:
        """Scrolls the thread to what a row of the timeline tells of."""
        self._marking.stop()
        self._show_facts(row)
        key = block_of(row, self.told.blocks)
        if key is not None:
            self._following = False
            self.view.go_to(key)
            self._following = True

    def _show_facts(self, row: SpanRow | None) -> None:
        """Once the choice stands still: holding a key or scrolling chooses many."""
        self._chosen_row = row
        self._facts.start()

    def _tell_facts(self) -> None:
        row = self._chosen_row
        if row is None or row.role == "conversation" or not self.rows:
            self.inspector.show_facts(None)
        else:
            start = self.rows[0].start_us
            self.inspector.show_facts(facts_of(row, self.turn(row.turn), start, self._context.provider_names.name))

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where there is no room beside the thread, the inspector is a tab of it."""
        narrow = self.width() < NARROW_BELOW
        self.head.set_narrow(narrow)
        inside = self._body.indexOf(self.inspector) >= 0
        if narrow and not inside:
            self._beside.removeWidget(self.inspector)
            self.grip.hide()
            self._body.addWidget(self.inspector, 1)
            self.inspector.setMinimumWidth(0)
            self.inspector.setMaximumWidth(_NO_LIMIT)
        elif not narrow and inside:
            self._body.removeWidget(self.inspector)
            self._beside.addWidget(self.inspector)
            self.grip.show()
            self.grip.fit()
        shows_thread = not narrow or self.head.panes.current == "thread"
        self.view.setVisible(shows_thread)
        self.inspector.setVisible(self.thread_shown is not None and (not narrow or not shows_thread))
