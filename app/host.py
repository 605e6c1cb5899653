"""One window on one gateway: what runs when, and what one tells the other.

The shell is painted first, then the gateway is imported and started, then the pages. What the gateway says has
changed becomes flags that the window looks at. `Host` also does what the window and the tray ask for: the switch,
leaving the demo, closing, quitting in order. Errors end here: those with a sentence for people are shown, others are
logged.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace
from PySide6.QtWidgets import QApplication

import app.plain_imports  # noqa: F401
from app.alerts import Alerts
from app.autostart import system_autostart
from app.context import AppContext
from app.demo_gateway import DemoGateway
from app.filters import FilterState
from app.first_steps import is_first_run, read_first_steps
from app.kept_tasks import KeptTasks
from app.known_errors import KNOWN_ERRORS
from app.launch import Launch, announcement, wants_demo
from app.notifications import Notifications
from app.pages import PAGES, PageEntry
from app.preferences import Preferences, window_store
from app.questions import DEMO, QUIT, RESTART, Ending, ask_how_to_close, ask_to_end_without, ask_to_leave_demo
from app.shell import Shell
from app.single_instance import FirstInstance
from app.state_notices import StateNotices
from app.theme import MODES, Theme
from app.today import Today
from app.translation import tr
from app.tray import Tray
from app.window import Window
from gateway import (
    Changes,
    DataFolder,
    FaregateError,
    FolderHeld,
    GatewayState,
    Settings,
    load_settings,
)

if TYPE_CHECKING:
    from gateway import Gateway

DRAIN_S = 10.0
# An end that takes no longer is not told.
_AT_ONCE_S = 0.1
_COUNTED_S = 1.0
# What some hundred rows a second come back to; a server's writer, for thousands, keeps eight times as much.
CACHE_KIB = 4_000
_PAINT_WAIT_S = 2.0
# At login a tray may be slower to start than what wants to sit in it.
_TRAY_WAIT_S = 25.0
_log = logging.getLogger("faregate")

MakeGateway = Callable[[DataFolder, Settings, bool], "Gateway"]


def make_gateway(folder: DataFolder, settings: Settings, demo: bool) -> "Gateway":
    """The real one; its import is what the first paint does not wait for."""
    from gateway import Gateway

    return Gateway(folder, settings, demo=demo, cache_kib=CACHE_KIB)


class _NotYet:
    """Stands for the gateway until the first paint."""

    def __init__(self, launch: Launch) -> None:
        self.demo = bool(launch.demo)
        self.folder = launch.folder.path
        self.state = GatewayState(word="starting", url=launch.settings.url)


def _nobody(_changes: Changes) -> None:
    return


class Host:
    """One window on one gateway. `run` returns the exit code after an orderly end."""

    def __init__(
        self,
        app: QApplication,
        launch: Launch,
        make: MakeGateway = make_gateway,
        pages: Sequence[PageEntry] = PAGES,
    ) -> None:
        self._app = app
        self._launch = launch
        self._make = make
        self._tasks = KeptTasks(self.report)
        self._page_tasks = KeptTasks(self.report)
        self._asked_to_quit = asyncio.Event()
        self._in_a_hurry = asyncio.Event()
        self._lock = launch.folder.lock(launch.settings.url)
        self._first = FirstInstance(launch.folder.path)
        self._gateway: Gateway | None = None
        self._real: Gateway | None = None
        self._store = window_store(launch.outer.path)
        mode = self._store.value("theme")
        self.theme = Theme(mode if mode in MODES else "system")
        self.theme.apply(app)
        self.filters = FilterState()
        self.shell = Shell(
            self.theme,
            self.filters,
            Preferences(self._store),
            system_autostart(launch.outer.path, os.environ),
        )
        self._welcomed: set[Path] = set()
        self.window = Window(self._context(cast("Gateway", _NotYet(launch))), self._store, pages)
        self.tray = Tray(self.theme, self.window.context.gateway.state)
        self._notifications = Notifications(self.tray)
        self._alerts = Alerts(self.shell.preferences, self._notifications.deliver)
        self._notices = StateNotices(
            self.window.notices,
            self._ask_to_leave_demo,
            lambda: self._switch_soon(True),
            partial(self.window.open_page, "providers"),
            lambda: self._pause(False),
            self.quit,
        )
        # Whether the gateway is meant to run; what stops it then is told.
        self._wanted = True
        # One gateway at a time gives way to another.
        self._giving_way = asyncio.Lock()
        # Of the person's own folder, beside a demo, one is enough for all who ask meanwhile.
        self._opening_real = asyncio.Lock()
        self._today = Today(self.window, self.tray, self.spawn)
        self._connect()

    def _connect(self) -> None:
        window, tray = self.window, self.tray
        self._first.called.connect(window.come_to_front)
        for side in (window, tray):
            side.gateway_switched.connect(self._switch_soon)
            side.quit_asked.connect(self._ask_to_quit)
            side.pause_asked.connect(self._pause)
        window.close_asked.connect(self._close_window)
        tray.toggle_asked.connect(self._toggle_window)
        tray.open_asked.connect(window.come_to_front)
        tray.copy_asked.connect(window.sidebar.card.copy_endpoint)
        tray.settings_asked.connect(lambda: self._open_page("settings"))
        shell = self.shell
        shell.restart_asked.connect(lambda: self._unless_lost(RESTART, partial(self._change_soon, self._restart)))
        shell.demo_asked.connect(lambda: self._unless_lost(DEMO, partial(self._change_soon, self._enter_demo)))
        shell.leave_demo_asked.connect(self._ask_to_leave_demo)
        shell.delete_demo_asked.connect(lambda: self.spawn(self._delete_demo()))
        # A new theme is kept at once: the process may be killed later.
        self.theme.mode_changed.connect(lambda: self._store.setValue("theme", self.theme.mode))

    def _context(self, gateway: "Gateway") -> AppContext:
        return AppContext(gateway, self.theme, self.filters, self._page_tasks.spawn, self.shell)

    # tasks and errors

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start a task and keep it; its error is shown."""
        self._tasks.spawn(coroutine)

    def report(self, error: BaseException) -> None:
        """Show an error: its sentence where it has one for people, else where to read of it."""
        if isinstance(error, KNOWN_ERRORS):
            self.window.tell_error(str(error))
            return
        _log.error("A fault in the window", exc_info=error)
        self.window.toast(
            tr("Something went wrong in Faregate: {logs} says what.").format(
                logs=self._launch.outer.logs / "faregate.log"
            )
        )

    # life

    async def run(self) -> int:
        """Show the window unless it is to stay in the tray, run the gateway, end when asked to."""
        # A folder without a past has steps to show, which nobody looks for in a tray.
        if self._launch.in_tray and self._launch.outer.state_db.exists():
            self.spawn(self._wait_for_tray())
        else:
            await self._show_window()
        try:
            await self._open()
            await self._asked_to_quit.wait()
        finally:
            await self._finish()
        return 0

    async def _show_window(self) -> None:
        painted = asyncio.Event()
        self.window.painted.connect(painted.set)
        self.window.show()
        # A window that comes up hidden or minimised is never painted.
        await asyncio.wait({asyncio.get_running_loop().create_task(painted.wait())}, timeout=_PAINT_WAIT_S)
        painted.set()

    async def _wait_for_tray(self) -> None:
        """A window that is neither on the screen nor in a tray would be lost to its owner."""
        await asyncio.sleep(_TRAY_WAIT_S)
        if not self.tray.available:
            self.window.show()

    async def _needs_somebody(self) -> bool:
        """Whether the gateway waits for what only its owner can do, as to type a passphrase."""
        gateway = self._gateway
        if gateway is None or gateway.state.word not in ("running", "off"):
            return True
        return not gateway.demo and not (await gateway.vault_state()).available

    async def _open(self) -> None:
        """Decide what to run on, and run it."""
        launch = self._launch
        if launch.demo is None:
            await self._decide()
        self._wanted = launch.announce or self.shell.preferences.is_on("gateway_at_start")
        await self._start(self._make(self._launch.folder, launch.settings, bool(self._launch.demo)))
        if launch.in_tray and await self._needs_somebody():
            self.window.show()
        if launch.announce:
            gateway = self._gateway
            assert gateway is not None
            running = gateway.state.word == "running"
            print(await announcement(gateway) if running else gateway.state.message, flush=True)

    async def _decide(self) -> None:
        """The demo, or the person's own folder."""
        looking = self._make(self._launch.outer, replace(self._launch.settings, port=0), False)
        if await wants_demo(looking):
            self._change_folder(demo=True)
        else:
            self._launch = replace(self._launch, demo=False)

    def _change_folder(self, *, demo: bool) -> None:
        """Work in the demo's folder or in the person's own: hold it, and let go of the other. Raises FolderHeld, and
        then nothing has changed."""
        launch = replace(self._launch, demo=demo)
        lock = launch.folder.lock(launch.settings.url)
        self._launch = launch
        self._lock.release()
        self._lock = lock
        self._first.close()
        self._first = FirstInstance(self._launch.folder.path)
        self._first.called.connect(self.window.come_to_front)

    async def _start(self, gateway: "Gateway") -> None:
        # What the pages asked of the gateway before is theirs no more.
        await self._page_tasks.end()
        self._page_tasks = KeptTasks(self.report)
        if self._gateway is not None:
            # It ends when its user was told that it would.
            gateway.take_over(self._gateway)
        self._gateway = gateway
        gateway.changed = self._on_changed
        shown = gateway
        if gateway.demo:
            moved = self._leave_demo_soon
            shown = cast("Gateway", DemoGateway(gateway, self._open_real, moved))
        self.window.change_context(self._context(shown))
        await (gateway.start() if self._wanted else gateway.open())
        self._show_state()
        self._tell_folder()
        if gateway.state.word != "error":
            self.window.start_pages()
            await self._show_vault()
            await self._welcome(gateway)

    async def _welcome(self, gateway: "Gateway") -> None:
        """On an empty folder the first steps are what is to be seen: once, and not by who went elsewhere already."""
        has_steps = "connect" in {entry.key for entry in self.window.entries}
        if gateway.state.word == "running" and has_steps and gateway.folder not in self._welcomed:
            self._welcomed.add(gateway.folder)
            steps = await read_first_steps(gateway)
            wanted = is_first_run(steps, self.shell.preferences, demo=gateway.demo)
            if wanted:
                self.window.show()
                if self.window.stands_at_the_start:
                    self.window.open_page("connect", remember=False)

    def _switch_soon(self, on: bool) -> None:
        self._change_soon(partial(self._switch, on))

    async def _switch(self, on: bool) -> None:
        gateway = self._gateway
        if gateway is None:
            return
        self._wanted = on
        if on:
            await gateway.start()
            if gateway.state.word == "running":
                self.window.start_pages()
        else:
            await gateway.stop(DRAIN_S)
        self._tell_folder()
        self._show_state()

    def _tell_folder(self) -> None:
        """Whoever else comes to the folder is told where it is served, and no address that another one has."""
        gateway = self._running()
        self._lock.set_url(gateway.state.url if gateway is not None else "")

    def _pause(self, on: bool) -> None:
        """Keep nothing of what is said for a quarter of an hour, or keep it again."""
        gateway = self._gateway
        if gateway is not None:
            gateway.pause_capture() if on else gateway.resume_capture()
            self._show_state()

    def _change_soon(self, change: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Change the gateway once the change before is over: else one of them would be left running, or one that has
        given way would be started again."""

        async def in_turn() -> None:
            async with self._giving_way:
                await change()

        self.spawn(in_turn())

    async def _restart(self) -> None:
        """Take the settings as they are saved: another gateway on the same folder. Raises SettingsError."""
        before = self._gateway
        if before is None:
            return
        settings = await asyncio.to_thread(load_settings, self._launch.outer.path, os.environ)
        old_url = before.state.url
        self.window.pause_pages()
        self._wanted = self._wanted or before.state.word != "off"
        before.changed = self._on_giving_way
        await before.stop(DRAIN_S)
        await before.close()
        self._launch = replace(self._launch, settings=settings)
        await self._start(self._make(self._launch.folder, settings, bool(self._launch.demo)))
        gateway = self._running()
        if gateway is None:
            return
        if gateway.state.url == old_url:
            self.window.toast(tr("The gateway runs with its new settings."))
        else:
            self.window.toast(tr("The gateway is at {url} now: point tools there.").format(url=gateway.state.url))

    async def _finish(self) -> None:
        """Let running requests end, up to ten seconds or until asked again; then close everything."""
        self._today.stop()
        self.window.remember()
        self.window.pause_pages()
        gateway = self._gateway
        if gateway is not None:
            loop = asyncio.get_running_loop()
            draining = loop.create_task(gateway.stop(DRAIN_S))
            hurrying = loop.create_task(self._in_a_hurry.wait())
            counting = loop.create_task(self._count_down())
            await asyncio.wait({draining, hurrying}, return_when=asyncio.FIRST_COMPLETED)
            for task in (draining, hurrying, counting):
                task.cancel()
            await asyncio.gather(draining, hurrying, counting, return_exceptions=True)
        await self._page_tasks.end()
        await self._tasks.end()
        # A restart that ended meanwhile has left another one.
        for one in (self._gateway, self._real):
            if one is not None:
                await one.close()
        self.tray.close()
        self._first.close()
        self.window.close_for_good()
        self._lock.release()

    async def _count_down(self) -> None:
        """Where requests run that are waited for, say for how long."""
        await asyncio.sleep(_AT_ONCE_S)
        for seconds in range(int(DRAIN_S), 0, -1):
            self._notices.show_quitting(seconds)
            await asyncio.sleep(_COUNTED_S)

    def _ask_to_quit(self) -> None:
        if self._asked_to_quit.is_set():
            self.quit()
        else:
            self._unless_lost(QUIT, self.quit)

    def _unless_lost(self, ending: Ending, end: Callable[[], object]) -> None:
        """`end()`, which ends the gateway, unless that loses requests which the disk has refused so far, and a person
        would rather keep them."""
        gateway = self._gateway
        differences = gateway.completeness().differences if gateway is not None else ()
        unkept = sum(each.count for each in differences if each.kind == "memory_only")
        if not unkept:
            end()
            return
        self.window.come_to_front()
        ask_to_end_without(self.window, ending, unkept, end)

    def quit(self) -> None:
        """End in order; asked again, do not wait for running requests."""
        if self._asked_to_quit.is_set():
            self._in_a_hurry.set()
        self._asked_to_quit.set()

    # the demo

    async def _open_real(self) -> "Gateway":
        """The gateway on the user's own folder, beside the demo's and on a port of its own until it takes over."""
        async with self._opening_real:
            if self._real is None:
                self._real = await self._another_real()
            return self._real

    async def _another_real(self) -> "Gateway":
        outer, settings = self._launch.outer, self._launch.settings
        holder = outer.holder()
        if holder is not None:
            raise FolderHeld(outer.path, holder)
        real = self._make(outer, replace(settings, port=0), False)
        await real.start()
        if real.state.word == "error":
            message = real.state.message
            await real.close()
            raise FaregateError(message)
        return real

    async def _enter_demo(self) -> None:
        """Go on in the demo's own folder, on simulated providers. Raises FolderHeld."""
        before, own = self._launch, self._gateway
        if own is None or before.demo:
            return
        self._change_folder(demo=True)
        self.window.pause_pages()
        own.changed = self._on_giving_way
        await own.stop(DRAIN_S)
        await own.close()
        self._wanted = True
        self.filters.clear()
        await self._start(self._make(self._launch.folder, before.settings, True))
        self.window.open_page("overview", remember=False)

    def _ask_to_leave_demo(self) -> None:
        ask_to_leave_demo(self.window, self._leave_demo_soon)

    def _leave_demo_soon(self) -> None:
        self._change_soon(self._leave_demo)

    async def _leave_demo(self) -> None:
        """Go on in the user's own folder; the demo's is deleted."""
        demo = self._gateway
        if demo is None or not self._launch.demo:
            return
        before = self._launch
        self._change_folder(demo=False)
        self.window.pause_pages()
        demo.changed = _nobody
        await demo.close()
        real, self._real = self._real, None
        if real is not None:
            await real.stop(0.0)
            real.settings = before.settings
        else:
            real = self._make(before.outer, before.settings, False)
        self.filters.clear()
        await self._start(real)
        await asyncio.to_thread(shutil.rmtree, before.outer.demo_path, True)
        self.window.toast(tr("You have left the demo; its example data is deleted."))

    async def _delete_demo(self) -> None:
        """What a demo left behind that nobody works in. Raises FolderHeld."""
        demo = self._launch.outer.demo()
        lock = demo.lock("")
        try:
            await asyncio.to_thread(shutil.rmtree, demo.path, True)
        finally:
            lock.release()
        self.window.toast(tr("The demo's example data is deleted."))

    # what is shown

    def _on_changed(self, changes: Changes) -> None:
        self.window.mark(changes)
        self._today.mark(changes)
        if changes.state:
            self._show_state()
        if changes.providers and self._running() is not None:
            self.spawn(self._show_vault())
            self.spawn(self._watch_keys())

    def _on_giving_way(self, _changes: Changes) -> None:
        """Of a gateway that ends for another one only this is told: that it is no longer to be reached."""
        gateway = self._gateway
        if gateway is not None and gateway.state.word == "stopping":
            self.window.show_state(gateway.state)
            self.tray.show_state(gateway.state)

    def _running(self) -> "Gateway | None":
        gateway = self._gateway
        return gateway if gateway is not None and gateway.state.word == "running" else None

    def _show_state(self) -> None:
        gateway = self._gateway
        if gateway is None:
            return
        state = gateway.state
        self.window.show_state(state)
        self.tray.show_state(state)
        self._alerts.show_state(state, wanted=self._wanted and not self._asked_to_quit.is_set())
        self._notices.show_state(state, demo=gateway.demo)

    async def _show_vault(self) -> None:
        gateway = self._gateway
        if gateway is None or gateway.demo:
            self._notices.show_vault(None)
        else:
            self._notices.show_vault(await gateway.vault_state())

    async def _watch_keys(self) -> None:
        gateway = self._gateway
        if gateway is not None and not gateway.demo:
            self._alerts.show_providers(await gateway.providers())

    def _open_page(self, key: str) -> None:
        self.window.come_to_front()
        self.window.open_page(key)

    # closing

    def _toggle_window(self) -> None:
        if self.window.isVisible() and not self.window.isMinimized():
            self.window.hide()
        else:
            self.window.come_to_front()

    def _close_window(self) -> None:
        self.window.remember()
        if not self.shell.preferences.is_on("close_to_tray"):
            self._ask_to_quit()
            return
        if not self.tray.available:
            ask_how_to_close(self.window, self._ask_to_quit, self.window.showMinimized)
            return
        self.window.hide()
        if self._store.value("closed_to_tray") is None:
            self._store.setValue("closed_to_tray", "explained")
            self.tray.notify(
                tr("Faregate keeps running in the tray"), tr("The gateway keeps running. Quit from the tray's menu.")
            )
