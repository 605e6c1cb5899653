"""Compare: one question to two to six models at once, their answers side by side, and what people thought of them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.colour_slots import ColourSlots
from app.context import AppContext
from app.known_errors import KNOWN_ERRORS
from app.launch import has_provider
from app.links import open_link
from app.pages.compare_parts.answer_column import AnswerColumn
from app.pages.compare_parts.answer_words import winners
from app.pages.compare_parts.asked import Asked, taken_from
from app.pages.compare_parts.question_card import QuestionCard
from app.pages.conversations_parts.pictures import Pictures
from app.pages.page import Page, PartTarget, RequestTarget, StepsTarget, Target, ThreadTarget
from app.pages.page_parts import compare_tabs
from app.translation import later, tr
from app.vault_words import vault_words
from app.widgets import Banner, EmptyState, PaneTurns, SegmentedControl
from app.widgets.places import question_places
from gateway import LEAST_MODELS, AnswerEstimate, Changes, ComparedAnswer, ModelRow, ProviderRow, RatedAnswer

if TYPE_CHECKING:
    from app.pages.compare_parts.history import HistoryPane

_ESTIMATE_AFTER_MS = 250
# Between two answers that are shown, so that the gateway's callbacks have their turns.
_PAUSE_MS = 3
_OFFERED = 3
_NARROW_BELOW, _LOW_BELOW = 1100, 720
# What an error was told of.
_OFF, _READING, _ESTIMATE = "off", "reading", "estimate"


class ComparePage(Page):
    title = later("Compare")
    icon = "columns-2"
    key = "compare"
    places = staticmethod(question_places)

    shortcuts = (
        ("Ctrl+Return", later("Ask all models")),
        ("Esc", later("Stop all answers")),
        ("Ctrl+F, /", later("Search what was rated")),
    )

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("compare_page")
        self.columns: tuple[AnswerColumn, ...] = ()
        self.comparison = ""
        self._asked = Asked()
        # How many calls wait for answers, and who begins a comparison of which nothing was heard yet; the same of
        # the places that are asked again.
        self._asking = 0
        self._beginning: asyncio.Task[Any] | None = None
        self._again: dict[int, asyncio.Task[Any] | None] = {}
        # What was heard and is not shown yet: models without columns, columns that still tell of a model before, and
        # by place the latest of an answer.
        self._wanted: Sequence[str] = ()
        self._renamed: list[tuple[AnswerColumn, str]] = []
        self._heard: dict[int, ComparedAnswer] = {}
        self._hearing = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._hearing.timeout.connect(self._show_next)
        self._learned = False
        self._any_key = False
        self._open = True
        self.history: HistoryPane | None = None
        self._slots = ColourSlots(context.colours, "model")
        self._pictures = Pictures(context.spawn, self)
        self._estimating = QTimer(self, singleShot=True, interval=_ESTIMATE_AFTER_MS)
        self._estimating.timeout.connect(lambda: context.spawn(self._estimate()))
        self._build()
        self.panes.changed.connect(lambda key: self._pane_turns.ask(partial(self.show_pane, key)))
        self.question.changed.connect(self._estimating.start)
        self.question.run_asked.connect(self.run)
        self.question.stop_asked.connect(self.stop_all)
        self.error.action.connect(lambda: self.error.tell(""))
        self.keyless.action.connect(lambda: self.navigate.emit("providers", None))
        entered = QShortcut(QKeySequence("Ctrl+Return"), self)
        entered.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        entered.activated.connect(self.run)

    def header_controls(self) -> list[QWidget]:
        return [self.panes]

    def _build(self) -> None:
        theme = self.context.theme
        self.panes = SegmentedControl(theme, [(part.key, part.title) for part in compare_tabs()])
        self.panes.setAccessibleName(tr("What is shown"))
        self.panes.setObjectName("compare_panes")
        self.error = Banner(theme, "bad", "", tr("Dismiss"))
        self.error.setObjectName("compare_error")
        self.error.hide()
        self.keyless = Banner(theme, "warn", "", tr("Open Providers"))
        self.keyless.setObjectName("compare_keyless")
        self.keyless.hide()
        self.question = QuestionCard(theme)
        self.empty = EmptyState(
            theme,
            "columns-2",
            tr("One question, several answers side by side"),
            tr(
                "Write a prompt, choose two to six models and run it. Each answer is a request of its "
                "own, metered like any other and tagged compare."
            ),
        )
        self.empty.setObjectName("compare_empty")
        self._row = QWidget()
        self._line = QHBoxLayout(self._row)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(12)
        self.area = QScrollArea()
        self.area.setObjectName("compare_answers")
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(self._row)
        self.results = QStackedWidget()
        self.results.addWidget(self.empty)
        self.results.addWidget(self.area)
        self.asking = QWidget()
        column = QVBoxLayout(self.asking)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addWidget(self.error)
        column.addWidget(self.keyless)
        column.addWidget(self.question)
        column.addWidget(self.results, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.asking)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)
        self._pane_turns = PaneTurns(self, self.stack)

    # what can be asked

    def on_shown(self) -> None:
        if self.stack.currentWidget() is self.asking:
            self.question.user.setFocus(Qt.FocusReason.OtherFocusReason)

    async def refresh(self, changes: Changes) -> None:
        """Reads models and providers anew, and what was compared, where it has changed."""
        gateway = self.context.gateway
        if gateway.state.word == "running":
            self.error.clear(_OFF)
        try:
            if not self._learned or changes.providers or changes.prices:
                providers = await gateway.providers()
                rows = gateway.models()
                self.context.provider_names.learn(providers)
                self._any_key = has_provider(providers)
                self._open = (await gateway.vault_state()).available
                self.question.models.offer(rows, providers)
                if not self._learned and not self.question.models.models:
                    self.question.models.choose(await self._usual_models(rows, providers))
                self._learned = True
                self.error.clear(_READING)
                self._estimating.start()
            if self.history is not None and (changes.comparisons or changes.conversations):
                await self.history.refresh()
        except KNOWN_ERRORS as error:
            self._fail(str(error), _READING)

    async def _usual_models(self, rows: Sequence[ModelRow], providers: Sequence[ProviderRow]) -> tuple[str, ...]:
        """Those that were compared last, else one of each provider that can be asked."""
        last = await self.context.gateway.comparisons(limit=1)
        # One may have been asked twice, by a script.
        models = tuple(dict.fromkeys(answer.model_requested for answer in last))
        if len(models) >= LEAST_MODELS:
            return models
        found: dict[str, str] = {}
        able = {row.name for row in providers if row.ready}
        for row in rows:
            if row.provider in able and row.kind == "chat" and row.state == "live" and row.output_price is not None:
                found.setdefault(row.provider, row.id)
        return tuple(found.values())[:_OFFERED]

    async def _estimate(self) -> None:
        """What it would cost, worked out beside the loop: a long history is some megabytes."""
        asked, models = self.question.asked(), self.question.models.models
        if asked.is_empty or not models:
            self.question.show_estimates(())
            self._tell_keyless(())
            return
        try:
            found = await asyncio.to_thread(self.context.gateway.estimate_comparison, models, asked.body())
        except KNOWN_ERRORS as error:
            self._fail(str(error), _ESTIMATE)
            return
        self.error.clear(_ESTIMATE)
        if (asked, models) == (self.question.asked(), self.question.models.models):
            self.question.show_estimates(found)
            told = (each for each in found if each.problem and (self._open or each.provider is None))
            self._tell_keyless([self._in_the_way(each) for each in told])

    def _in_the_way(self, estimate: AnswerEstimate) -> str:
        """Why a model cannot be asked. That nobody has it is said to programs in other words."""
        if estimate.provider is not None:
            return vault_words(estimate.problem or "")
        return tr("{model} is not known: check its name, or add its provider.").format(model=estimate.model)

    def _tell_keyless(self, problems: Sequence[str]) -> None:
        """Why some of the models cannot be asked, or that none can. Of keys that cannot be read the window tells on
        every page: whether there is one is not known then."""
        words = list(dict.fromkeys(problems))
        if self._open and self._learned and not self._any_key:
            words = [tr("No provider has a key yet: add one, and its models can be asked.")]
        self.keyless.set_text(" ".join(words))
        self.keyless.setVisible(bool(words))

    # what was compared

    def show_pane(self, key: str) -> None:
        """`ask` or `history`. The latter draws charts, which are loaded when it is first asked for."""
        self.panes.set_current(key)
        if key == "ask":
            self._pane_turns.show(self.asking)
            return
        if self.history is None:
            from app.pages.compare_parts.history import HistoryPane

            made = self.history = HistoryPane(self.context)
            made.empty.action.connect(lambda: self.show_pane("ask"))
            made.rated.connect(lambda answer, stars, note: self._give(answer.request_id, stars, note))
            made.request_asked.connect(lambda id: self.navigate.emit("requests", RequestTarget(id)))
            made.conversation_asked.connect(lambda id: self.open_said("conversations", id))
            made.ask_asked.connect(self._ask_kept)
            made.toast.connect(self.toast)
            self.stack.addWidget(made)
        self._pane_turns.show(self.history)
        self.context.spawn(self._read_history())

    async def _read_history(self) -> None:
        with self.loading():
            await self.refresh(Changes(comparisons=True))

    def _ask_kept(self, answer: RatedAnswer) -> None:
        """The question of a kept answer, as far as its conversation is kept, to be asked once more."""
        self.show_target(RequestTarget(answer.request_id))

    def find_here(self) -> None:
        if self.history is not None and self.panes.current == "history":
            self.history.search.begin()

    def start_export(self) -> None:
        if self.history is not None and self.panes.current == "history":
            self.history.start_export()

    # asking

    @property
    def running(self) -> bool:
        return self._asking > 0

    def run(self) -> None:
        self.context.spawn(self._run())

    async def _run(self) -> None:
        # Not where it was pressed: two presses may come before the first has begun.
        if not self.question.can_run:
            return
        asked, models = self.question.asked(), self.question.models.models
        self.error.tell("")
        task = self._beginning = asyncio.current_task()
        assert task is not None
        with self._waiting():
            await self.context.gateway.compare(models, asked.body(), told=partial(self._hear_of, task, asked, models))

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Nothing else is asked meanwhile; what fails is told."""
        self._asking += 1
        self.question.set_running(True)
        try:
            yield
        except KNOWN_ERRORS as error:
            self._fail(str(error))
        finally:
            self._asking -= 1
            self._beginning = None
            self._settle()

    def _take_columns(self, models: Sequence[str]) -> None:
        """One for each model: those that stand there, as far as they go."""
        self._cover_answers()
        for column in self.columns[len(models) :]:
            self._line.removeWidget(column)
            column.hide()
            column.deleteLater()
        made = tuple(self._make_column(place) for place in range(len(self.columns), len(models)))
        self.columns = (*self.columns[: len(models)], *made)
        self._slots.assign(models)
        self._renamed = list(zip(self.columns, models, strict=True))
        self.results.setCurrentWidget(self.area)

    def _take_model(self, column: AnswerColumn, model: str) -> None:
        row = self.question.models.known.get(model)
        provider = self.context.provider_names.name(row.provider) if row is not None else ""
        column.show_model(model, self._slots.slot(model), provider)
        if not self._renamed:
            self._cover_answers()

    def _cover_answers(self) -> None:
        """All columns change: sixty widgets, painted some in each turn."""
        self._pane_turns.curtain.draw(QRect(self.results.mapTo(self, QPoint(0, 0)), self.results.size()))

    def _make_column(self, place: int) -> AnswerColumn:
        column = AnswerColumn(self.context.theme, self._pictures, place)
        column.stopped.connect(partial(self._stop, place))
        column.asked_again.connect(partial(self.ask_again, place))
        column.rated.connect(partial(self._rate, column))
        column.request_asked.connect(partial(self._open_request, column))
        column.copied.connect(self.toast)
        column.link_asked.connect(open_link)
        self._line.addWidget(column, 1)
        return column

    def _hear_of(self, task: asyncio.Task[Any], asked: Asked, models: Sequence[str], answer: ComparedAnswer) -> None:
        """Of a comparison that was begun: what was answered before stays until then."""
        if self._beginning is task:
            self._beginning = None
            self.comparison, self._asked = answer.comparison, asked
            self._heard.clear()
            self._wanted = models
        self._hear(answer)

    def _hear(self, answer: ComparedAnswer) -> None:
        """An answer has grown, or is over. One of an earlier comparison has no column any more. It is the gateway
        that calls: what is shown of it is shown in a turn of the window's, one answer in each."""
        if answer.comparison == self.comparison:
            self._heard[answer.place] = answer
            if not self._hearing.isActive():
                self._hearing.start()

    def _show_next(self) -> None:
        """Columns for the models of a comparison that has begun, and one of them after the other; then, of the
        answers that were heard, the one that has waited longest; at last what they are to each other."""
        if self._wanted:
            models, self._wanted = self._wanted, ()
            self._take_columns(models)
        elif self._renamed:
            self._take_model(*self._renamed.pop(0))
        elif self._heard:
            self._show_heard(self._heard.pop(next(iter(self._heard))))
        if self._has_more:
            self._hearing.start()
        else:
            self._settle()

    @property
    def _has_more(self) -> bool:
        return bool(self._wanted or self._renamed or self._heard)

    def _show_heard(self, answer: ComparedAnswer) -> None:
        column = self.columns[answer.place]
        provider = answer.record.provider if answer.record is not None else None
        if provider is not None:
            column.show_provider(self.context.provider_names.name(provider))
        column.show_answer(answer)

    def _settle(self) -> None:
        """All are over: who was cheapest and fastest, and how each differs from the first."""
        if self.running or self._has_more:
            return
        self.question.set_running(False)
        self._cover_answers()
        answers = [column.answer for column in self.columns if column.answer is not None]
        won = winners(answers)
        first = answers[0] if answers else None
        for column in self.columns:
            column.show_first(first)
            column.show_marks([name for name, place in won.items() if place == column.place])
        if not answers:
            self.results.setCurrentWidget(self.empty)

    def stop_all(self) -> None:
        for task in (self._beginning, *self._again.values()):
            if task is not None:
                # There is no answer yet that could be given up.
                task.cancel()
        if self._beginning is None and self.comparison:
            self.context.gateway.cancel_comparison(self.comparison)

    def _stop(self, place: int) -> None:
        self.context.gateway.cancel_comparison(self.comparison, place)

    def ask_again(self, place: int) -> None:
        """What it answered before stays until it is heard again."""
        self.context.spawn(self._ask_again(place))

    async def _ask_again(self, place: int) -> None:
        if self._beginning is not None or self._wanted or self._renamed:
            # A column's model may be that of a comparison before.
            return
        if place in self._again or self.columns[place].running:
            return
        model = self.columns[place].model
        self._again[place] = asyncio.current_task()

        def hear(answer: ComparedAnswer) -> None:
            if self._again[place] is not None and place == 0:
                # All are told against what it said before.
                for column in self.columns:
                    column.show_first(None)
            self._again[place] = None
            self._hear(answer)

        try:
            with self._waiting():
                await self.context.gateway.ask_again(self.comparison, place, model, self._asked.body(), told=hear)
        finally:
            del self._again[place]

    def _fail(self, text: str, of: str = "") -> None:
        """`of`: what goes well again without the person, and what is said then no more."""
        off = self.context.gateway.state.word != "running"
        self.error.tell(text, of or (_OFF if off else ""))

    # what became of it

    def _rate(self, column: AnswerColumn, stars: int, note: str) -> None:
        if column.answer is not None:
            self._give(column.answer.request_id, stars, note)

    def _give(self, request_id: str, stars: int, note: str) -> None:
        self._show_rating(request_id, stars or None, note)
        self.context.spawn(self._keep_rating(request_id, stars, note))

    def _show_rating(self, request_id: str, stars: int | None, note: str) -> None:
        """Wherever this answer stands."""
        if self.history is not None:
            self.history.show_rating(request_id, stars, note)
        for column in self.columns:
            if column.answer is not None and column.answer.request_id == request_id:
                column.rating.show_rating(stars, note)

    async def _keep_rating(self, request_id: str, stars: int, note: str) -> None:
        gateway = self.context.gateway
        try:
            if stars:
                await gateway.rate(request_id, stars, note)
            else:
                await gateway.remove_rating(request_id)
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            await self._show_kept_rating(request_id)

    async def _show_kept_rating(self, request_id: str) -> None:
        """Where another one could not be kept."""
        stars: int | None = None
        note = ""
        with suppress(*KNOWN_ERRORS):
            kept = await self.context.gateway.compared_answer(request_id)
            stars, note = kept.stars, kept.note
        self._show_rating(request_id, stars, note)

    def _open_request(self, column: AnswerColumn) -> None:
        if column.answer is not None:
            self.navigate.emit("requests", RequestTarget(column.answer.request_id))

    # taken from elsewhere

    def show_target(self, target: Target) -> None:
        """What a request or a conversation's last turn asked, to be asked of others; or one of the tabs."""
        if isinstance(target, PartTarget):
            self._pane_turns.ask(partial(self.show_pane, target.key))
        elif not isinstance(target, StepsTarget):
            self.context.spawn(self._take(target))

    async def _take(self, target: RequestTarget | ThreadTarget) -> None:
        gateway = self.context.gateway
        id, number = target.id, target.turn if isinstance(target, ThreadTarget) else None
        try:
            if isinstance(target, RequestTarget):
                found = await gateway.thread_of_request(target.id)
                if found is None:
                    self.toast.emit(tr("The messages of this request were not kept"))
                    return
                id, number = found
            thread = await gateway.thread(id)
        except KNOWN_ERRORS as error:
            self._fail(str(error))
            return
        if thread is None or not thread.turns:
            self.toast.emit(tr("The messages of this conversation were not kept"))
            return
        number = thread.turns[-1].n if number is None else number
        asked = await asyncio.to_thread(taken_from, thread, number)
        if asked.is_empty:
            self.toast.emit(tr("The messages of this request were not kept"))
            return
        self.show_pane("ask")
        self.question.show_asked(asked)
        model = next((turn.model_requested or turn.model for turn in thread.turns if turn.n == number), None)
        models = self.question.models
        if model and model not in models.models:
            models.choose((model, *models.models))
        self.question.user.setFocus()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.question.set_room(narrow=self.width() < _NARROW_BELOW, low=self.height() < _LOW_BELOW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.running:
            self.stop_all()
        else:
            super().keyPressEvent(event)
