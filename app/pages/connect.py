"""Connect: what each tool is told to come here, with a key and a model, a test of the way, and whether its requests
arrive.

On an empty folder the page begins with the three first steps; they can be left and come back until they are done.
"""

import time
from collections.abc import Callable

from msgspec.structs import replace
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.context import AppContext
from app.first_steps import PREFERENCE, FirstSteps, is_first_run, read_first_steps
from app.focus import pause
from app.known_errors import KNOWN_ERRORS
from app.next_turn import NextTurn
from app.pages.connect_parts.arrivals import free_name, keys_of, read_arrival, read_seen
from app.pages.connect_parts.choices import Choice, choice_text, kept_choice
from app.pages.connect_parts.first_run import FirstRun
from app.pages.connect_parts.snippets import can_be_pasted
from app.pages.connect_parts.tool_list import ToolList
from app.pages.connect_parts.tool_view import ToolView
from app.pages.connect_parts.tools import BY_KEY, TOOLS, Tool
from app.pages.connect_parts.trying import Trying
from app.pages.page import Page, PartTarget, RequestTarget, StepsTarget, Target, ThreadTarget
from app.preferences import OFF, ON
from app.translation import later, tr
from app.widgets import Banner, Curtain, PushButton, ScrollRing
from app.widgets.places import list_places
from app.widgets.scroll_bar import KeptScrollBar
from gateway import ApiKeyRow, Changes

_WIDEST = 900
# What an error was told of.
_PAGE, _ARRIVAL = "page", "arrival"


class ConnectPage(Page):
    title = later("Connect")
    icon = "link"
    key = "connect"
    places = staticmethod(list_places)
    shortcuts = (("Ctrl+F, /", later("Find a tool")),)

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setObjectName("connect_page")
        self._keys: tuple[ApiKeyRow, ...] = ()
        self._steps = FirstSteps()
        self._has_vault = True
        self._looked = False
        self._seen: frozenset[str] = frozenset()
        self._looks_anew = True
        self._connected: set[str] = set()
        self._unseen: dict[str, str] = {}
        self._trying = Trying()
        self._snippets = NextTurn(self)
        self._build()
        self.list.chosen.connect(lambda _key: self._show_tool())
        self.view.choices.key_asked.connect(self._make_key)
        self.view.choices.key_chosen.connect(lambda id: self._choose(key=id))
        self.view.choices.model_chosen.connect(self._choose_model)
        self.view.trial.test_asked.connect(lambda: context.spawn(self._test()))
        self.view.trial.given_up.connect(self._give_up)
        self.first_run.skipped.connect(self._skip)
        self.first_run.finished.connect(self._finish)
        self.first_run.demo_asked.connect(context.shell.demo_asked)
        self.first_run.vault_asked.connect(lambda: self.navigate.emit("providers", None))
        self.first_run.changed.connect(self._look_again)
        self.steps_button.clicked.connect(self.open_first_steps)
        self.banner.action.connect(self._look_again)
        for part in (self.view, self.first_run):
            part.copied.connect(self.toast)
        self.view.asked.connect(self._show_behind)
        self.first_run.request_asked.connect(lambda id: self.navigate.emit("requests", RequestTarget(id)))
        self.list.choose(TOOLS[0].key)

    def header_controls(self) -> list[QWidget]:
        return [self.steps_button]

    def _build(self) -> None:
        theme = self.context.theme
        self.steps_button = PushButton(theme, tr("First steps"), "play")
        self.steps_button.setObjectName("first_steps")
        self.steps_button.hide()
        self.banner = Banner(theme, "bad", "", tr("Retry"))
        self.banner.setObjectName("connect_error")
        self.list = ToolList(theme)
        self.view = ToolView(theme)
        self.first_run = FirstRun(self.context)
        tools = QWidget()
        line = QHBoxLayout(tools)
        line.setContentsMargins(24, 16, 0, 16)
        line.setSpacing(16)
        line.addWidget(self.list)
        self._area = _scrolled(self.view, tr("How to connect"), margins=(0, 0))
        self._curtain = Curtain(tools)
        line.addWidget(self._area, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(tools)
        self.stack.addWidget(_scrolled(self.first_run, tr("First steps"), margins=(24, 14)))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._around = QWidget()
        self._around.hide()
        around = QVBoxLayout(self._around)
        around.setContentsMargins(24, 16, 24, 0)
        around.addWidget(self.banner)
        column.addWidget(self._around)
        column.addWidget(self.stack, 1)

    def find_here(self) -> None:
        """The tools, also from the first steps."""
        if self.stack.currentIndex() != 0:
            self._show_tools()
        self.list.search.begin()

    # data

    async def refresh(self, changes: Changes) -> None:
        gateway = self.context.gateway
        try:
            self._steps = await read_first_steps(gateway)
            self._has_vault = (await gateway.vault_state()).available
            self._keys = self._steps.keys
            self.view.choices.offer_models(gateway.models(), self._steps.providers)
            await self._read_arrival()
            await self._read_seen()
        except KNOWN_ERRORS as error:
            self._show_problem(str(error), _PAGE)
            return
        self._show_problem("", _PAGE)
        if not self._looked:
            self._looked = True
            if is_first_run(self._steps, self.context.shell.preferences, demo=gateway.demo):
                self.stack.setCurrentIndex(1)
        if self.stack.currentIndex() == 1:
            self._tell_steps()
        self.steps_button.setVisible(not gateway.demo and not self._steps.done and self.stack.currentIndex() == 0)
        self._show_tool(again=True)
        self._tell()

    def _tell_steps(self) -> None:
        self.first_run.show_steps(self._steps, self.context.gateway.state.url, vault=self._has_vault)

    async def _read_arrival(self) -> None:
        """Of the tool on show; another one may be chosen meanwhile."""
        tool = BY_KEY[self.list.current]
        arrival = await read_arrival(self.context.gateway, tool, keys_of(tool.key, self._keys))
        if self.list.current == tool.key:
            if self.view.tool is not tool:
                self._show(tool)
            self.view.show_arrival(arrival)
            if arrival.connected:
                self._connected.add(tool.key)

    async def _read_seen(self) -> None:
        """Once for each time that the page is shown: other tools may have come meanwhile."""
        if self._looks_anew:
            self._looks_anew = False
            try:
                self._seen = await read_seen(self.context.gateway, time.time_ns() // 1000)
            except BaseException:
                self._looks_anew = True
                raise

    def _tell(self) -> None:
        done = self._connected | self._seen
        self.list.mark_done(done)
        self.subtitle.emit(tr("{done} of {all} tools connected").format(done=len(done), all=len(TOOLS)))

    def _look_again(self) -> None:
        self.context.spawn(self.refresh(Changes(usage=True, keys=True, providers=True)))

    def _show_tool(self, *, again: bool = False) -> None:
        self._show(BY_KEY[self.list.current])
        if not again and self._looked:
            self.context.spawn(self._look_at_arrival())

    def _show(self, tool: Tool) -> None:
        other = self.view.tool is not tool
        if other:
            self._give_up()
            # Thirty widgets say something else.
            self._curtain.draw(self._area.geometry())
            self._snippets.ask(self._show_snippets)
        url, choice = self.context.gateway.state.url, self._choice_of(tool.key)
        self.view.show_tool(tool, url, self._keys, choice, snippets=not other)
        if made := self._unseen.pop(tool.key, ""):
            self.view.show_fresh(made)

    def _show_snippets(self) -> None:
        """Of another tool, in a turn of their own: they take as long as all the rest of it."""
        self._curtain.draw(self._area.geometry())
        self.view.show_snippets()

    async def _look_at_arrival(self) -> None:
        try:
            await self._read_arrival()
            await self._read_seen()
        except KNOWN_ERRORS as error:
            self._show_problem(str(error), _ARRIVAL)
        else:
            self.banner.clear(_ARRIVAL)
            self._around.setVisible(bool(self.banner.text()))
            self._tell()

    def _show_problem(self, words: str, of: str) -> None:
        """What was read before stays. "" is for where all is well."""
        self.banner.tell(words, of)
        self._around.setVisible(bool(words))

    def _show_behind(self, target: Target) -> None:
        self.navigate.emit("conversations" if isinstance(target, ThreadTarget) else "requests", target)

    def on_shown(self) -> None:
        self._looks_anew = True
        super().on_shown()

    def as_time_passes(self) -> None:
        # Before the first look it is read whole in a moment.
        if self._looked:
            self.context.spawn(self._look_at_arrival())
            if self.stack.currentIndex() == 1:
                self._tell_steps()

    def on_hidden(self) -> None:
        """A key is seen once: leaving the page ends that."""
        self.view.forget_key()
        self.first_run.forget()

    # the tool's key and model

    def _choice_of(self, tool: str) -> Choice:
        return kept_choice(self.context.shell.preferences.kept(f"connect.{tool}"))

    def _keep_choice(self, tool: str, **chosen: str) -> None:
        choice = replace(self._choice_of(tool), **chosen)
        self.context.shell.preferences.keep(f"connect.{tool}", choice_text(choice))

    def _choose(self, **chosen: str) -> None:
        self._keep_choice(self.list.current, **chosen)
        self._give_up()
        self._show_tool()

    def _choose_model(self, model: str) -> None:
        if not can_be_pasted(model):
            self.toast.emit(tr("{name} cannot be used in a snippet: give it another name.").format(name=model))
            return
        usual = BY_KEY[self.list.current].models.main
        self._choose(model="" if model == usual else model)

    def _make_key(self) -> None:
        self.context.spawn(self._make(self.list.current, pause(self.view.choices.make)))

    async def _make(self, tool: str, resume: Callable[[], None]) -> None:
        try:
            made = await self.context.gateway.create_api_key(free_name(tool, self._keys))
        except KNOWN_ERRORS as error:
            self.toast.emit(str(error))
            return
        finally:
            resume()
        self._keys = (*self._keys, made.row)
        self._keep_choice(tool, key="")
        self._unseen[tool] = made.key
        if self.list.current == tool:
            self._give_up()
            self._show_tool()
        else:
            words = tr("{tool} has its key, {name}: it is shown as soon as you choose {tool} again.")
            self.toast.emit(words.format(tool=BY_KEY[tool].title, name=made.row.name))

    # the test

    async def _test(self) -> None:
        """One call at the tool's own door, with what stands in the snippets."""
        view, gateway = self.view, self.context.gateway
        tool, key = view.tool, view.fresh
        assert tool is not None
        model = view.models.main
        view.trial.show_running(model)
        self._trying.begin(gateway.try_door(tool.door, model, key or None))
        trial = await self._trying.end()
        if trial is not None:
            view.show_trial(trial, bool(key))

    def _give_up(self) -> None:
        if self._trying.give_up():
            model = self.view.models.main
            said = tr("Cancelled. Its request says what it used.") if model else tr("Cancelled.")
            self.view.trial.show_idle(model, said)

    # the first steps

    def show_target(self, target: Target) -> None:
        if isinstance(target, StepsTarget):
            self.open_first_steps()
        elif isinstance(target, PartTarget):
            self._open_tool(target.key)

    def _open_tool(self, key: str) -> None:
        """Also where a search has left it out."""
        if self.stack.currentIndex() != 0:
            self._show_tools()
        self.list.choose(key)
        if self.list.current != key:
            self.list.search.clear()
            self.list.choose(key)
        self.list.view.setFocus()

    def open_first_steps(self) -> None:
        """Again, until they are done."""
        self.context.shell.preferences.set(PREFERENCE, ON)
        self._tell_steps()
        self.stack.setCurrentIndex(1)
        self.steps_button.hide()
        self.first_run.field.setFocus()

    def _skip(self) -> None:
        self.context.shell.preferences.set(PREFERENCE, OFF)
        self._show_tools()
        self.toast.emit(tr("“First steps” brings them back"))

    def _finish(self) -> None:
        self._show_tools()
        self.navigate.emit("overview", None)

    def _show_tools(self) -> None:
        self.first_run.forget()
        self.stack.setCurrentIndex(0)
        self.steps_button.setVisible(not self._steps.done)
        self.list.view.setFocus()


def _scrolled(content: QWidget, name: str, *, margins: tuple[int, int]) -> QScrollArea:
    """In a column that is not too wide to read; `margins` are those at the left and above."""
    area = QScrollArea()
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(*margins, KeptScrollBar.in_margin(area, 24), 16)
    content.setMaximumWidth(_WIDEST)
    line.addWidget(content, 1)
    # Takes what the widest column leaves, and nothing before.
    line.addStretch(0)
    area.setAccessibleName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidget(holder)
    ScrollRing(area)
    return area
