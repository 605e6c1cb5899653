"""One window on one gateway, from the first paint to the last: start, switch, demo, errors, closing, quitting."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

import app.host
from app import formats
from app.host import Host
from app.launch import Launch, prepare, running_at
from app.loop import TURN_S, QtLoop
from app.pages import PageEntry
from app.state_notices import StateNotices
from app.widgets import Banner
from app.window import Window
from app.window_process import LogFile, log_to
from gateway import Changes, Completeness, Difference, FaregateError, FolderHeld, VaultState
from tests.app.fake_gateway import FakeGateway
from tests.app.probe_pages import Probe, Telling, probe_entries
from tests.app.test_single_instance import CALLER
from tests.waiting import PATIENCE_S, until

Drive = Callable[[Host], Awaitable[None]]


class Stage:
    """Runs a host on fake gateways, which it keeps.

    `change(gateway)` is called with each before it starts, `watch(host)` before the host runs: the window may be
    painted before the first line of what drives it.
    """

    def __init__(self, app: QApplication, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self.pages = probe_entries()
        self.turn_s = TURN_S
        self.gateways: list[FakeGateway] = []
        self.change: Callable[[FakeGateway], None] = lambda gateway: None
        self.watch: Callable[[Host], None] = lambda host: None

    def make(self, folder: Any, settings: Any, demo: bool) -> Any:
        gateway = FakeGateway(50, now_us=time.time_ns() // 1000, folder=folder.path, demo=demo)
        gateway.settings = settings  # type: ignore[attr-defined]
        self.change(gateway)
        self.gateways.append(gateway)
        return gateway

    def launch(self, **options: Any) -> Launch:
        return prepare(self.folder, **options)

    def run(self, drive: Drive, **options: Any) -> int:
        """The exit code; what goes wrong in `drive` is raised."""
        loop = QtLoop(self.app, self.turn_s)
        hosts: list[Host] = []
        asyncio.set_event_loop(loop)

        async def main() -> int:
            host = Host(self.app, self.launch(**options), self.make, self.pages)
            hosts.append(host)
            self.watch(host)
            running = loop.create_task(host.run())
            try:
                await asyncio.wait_for(drive(host), PATIENCE_S)
            finally:
                host.quit()
                host.quit()
                code = await asyncio.wait_for(running, PATIENCE_S)
            return code

        try:
            return loop.run_until_complete(main())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            loop.close()
            for host in hosts:
                host.window.deleteLater()


@pytest.fixture
def stage(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for name in ("FAREGATE_OPENAI_API_KEY", "FAREGATE_ANTHROPIC_API_KEY", "FAREGATE_GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    qapp.setQuitOnLastWindowClosed(False)
    yield Stage(qapp, tmp_path / "folder")
    qapp.setQuitOnLastWindowClosed(True)
    qapp.setStyle("Fusion")


async def started(host: Host) -> None:
    await until(lambda: host.window.page is not None)


def notice(host: Host, subject: str) -> Banner:
    banner = host.window.notices.banner(subject)
    assert banner is not None
    return banner


def served_at(stage: Stage) -> str | None:
    """Where others are told that the folder is served."""
    return running_at(stage.launch().outer)


def press(banner: Banner) -> None:
    assert banner.button is not None
    banner.button.click()


@pytest.mark.parametrize("turn_s", [0.0, TURN_S], ids=["Qt's events after each step", "usual turns"])
def test_the_shell_is_painted_before_the_gateway_is_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, turn_s: float
) -> None:
    seen: list[str] = []
    stage.turn_s = turn_s
    stage.change = lambda gateway: seen.append("made")
    # A busy machine may take longer over the first paint than people are kept waiting.
    monkeypatch.setattr(app.host, "_PAINT_WAIT_S", PATIENCE_S)

    def watch(host: Host) -> None:
        host.window.painted.connect(lambda: seen.append(f"painted: {host.window.sidebar.card.word.text()}"))

    stage.watch = watch
    assert stage.run(started) == 0
    assert seen == ["painted: Starting", "made"]


def test_a_window_that_is_never_painted_gets_its_gateway(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.host, "_PAINT_WAIT_S", 0.01)
    monkeypatch.setattr(Window, "show", lambda window: None)

    async def drive(host: Host) -> None:
        await started(host)
        assert not host.window.isVisible()

    assert stage.run(drive) == 0


def test_it_starts_shows_pages_and_ends_in_order(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        await until(lambda: host.window.sidebar.buttons["requests"].count == "50")
        assert host.window.sidebar.card.word.text() == "Running"
        assert host.tray.icon.toolTip().startswith("Gateway on")
        assert stage.launch().outer.holder() is not None, "the folder is held while it runs"

    assert stage.run(drive) == 0
    assert stage.gateways[0].calls[-2:] == ["stop", "close"]
    assert stage.launch().outer.holder() is None
    assert not (stage.folder / "window.sock").exists()


def test_changes_of_the_gateway_reach_the_page(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[0]
        await until(lambda: host.window.sidebar.buttons["requests"].count == "50")
        gateway.put(gateway.rows[0])
        await until(lambda: host.window.sidebar.buttons["requests"].count == "51")

    assert stage.run(drive) == 0


def test_the_switch_stops_and_starts_the_gateway(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        host.window.toggle_gateway()
        await until(lambda: host.window.sidebar.card.word.text() == "Off")
        assert "off" in notice(host, "state").text()
        assert host.tray.icon.toolTip().startswith("Gateway off")
        press(notice(host, "state"))
        await until(lambda: host.window.sidebar.card.word.text() == "Running")
        assert host.window.notices.banner("state") is None
        host.tray.gateway_switched.emit(False)
        await until(lambda: host.window.sidebar.card.word.text() == "Off")

    assert stage.run(drive) == 0


def test_a_port_in_use_is_a_state_that_can_be_tried_again(stage: Stage) -> None:
    async def refuse() -> None:
        stage.gateways[0]._set_word("port_in_use", "Port 4210 is in use: end what uses it, or choose another.")

    def occupied(gateway: FakeGateway) -> None:
        gateway.start = refuse  # type: ignore[method-assign]

    stage.change = occupied

    async def drive(host: Host) -> None:
        await started(host)
        banner = notice(host, "state")
        assert "Port 4210 is in use" in banner.text()
        assert host.window.sidebar.card.word.text() == "Port in use"
        assert served_at(stage) == "", "whoever has that port is another one"
        assert host.window.page is not None, "queries work without a port"
        del stage.gateways[0].start  # type: ignore[method-assign]
        press(banner)
        await until(lambda: host.window.sidebar.card.word.text() == "Running")
        await until(lambda: served_at(stage) == stage.gateways[0].state.url)
        host.window.toggle_gateway()
        await until(lambda: served_at(stage) == "")

    assert stage.run(drive) == 0


def test_a_folder_that_cannot_be_used_shows_its_reason_and_no_pages(stage: Stage) -> None:
    async def fail() -> None:
        stage.gateways[0]._set_word("error", "The usage database is of a newer version: update Faregate.")

    stage.change = lambda gateway: setattr(gateway, "start", fail)

    async def drive(host: Host) -> None:
        await until(lambda: host.window.notices.banner("state"))
        assert "newer version" in notice(host, "state").text()
        await asyncio.sleep(0.05)
        assert host.window.page is None

    assert stage.run(drive) == 0


def test_a_missing_keyring_is_told_until_it_is_chosen_around(stage: Stage) -> None:
    message = "This system has no keyring: choose where keys are kept."
    stage.change = lambda gateway: setattr(
        gateway, "vault", VaultState(backend="keyring", available=False, message=message)
    )

    async def drive(host: Host) -> None:
        await until(lambda: host.window.notices.banner("vault"))
        press(notice(host, "vault"))
        assert host.window.header.title.text() == "Providers"
        assert not host.window.notices.isVisible(), "the page tells it"
        host.window.open_page("api_keys")
        assert notice(host, "vault").isVisible()
        await stage.gateways[0].choose_vault("memory")
        await until(lambda: host.window.notices.banner("vault") is None)

    assert stage.run(drive) == 0


# started at login


def _lived_in(stage: Stage, monkeypatch: pytest.MonkeyPatch, *, wait_s: float = PATIENCE_S) -> None:
    stage.launch()
    (stage.folder / "state.db").touch()
    monkeypatch.setattr(app.host, "_TRAY_WAIT_S", wait_s)


def test_in_the_tray_the_gateway_runs_and_no_window_comes(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _lived_in(stage, monkeypatch, wait_s=0.1)
    # It may be there later than Faregate.
    stage.watch = lambda host: monkeypatch.setattr(host.tray, "available", True)

    async def drive(host: Host) -> None:
        await until(lambda: stage.gateways and stage.gateways[0].state.word == "running")
        await asyncio.sleep(0.2)
        assert not host.window.isVisible()
        host.tray.toggle_asked.emit()
        await until(lambda: host.window.isVisible() and host.window.page is not None)

    assert stage.run(drive, in_tray=True) == 0


def test_where_no_tray_comes_the_window_does(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _lived_in(stage, monkeypatch, wait_s=0.3)

    async def drive(host: Host) -> None:
        await until(lambda: stage.gateways and stage.gateways[0].state.word == "running")
        assert not host.window.isVisible()
        await until(host.window.isVisible)

    assert stage.run(drive, in_tray=True) == 0


def test_what_starts_in_the_tray_is_raised_by_a_second_start_and_quits_while_it_waits(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lived_in(stage, monkeypatch)

    async def drive(host: Host) -> None:
        await until(lambda: stage.gateways and stage.gateways[0].state.word == "running")
        assert not host.window.isVisible()
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", CALLER, str(stage.folder), "quietly"])
        assert not host.window.isVisible()
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", CALLER, str(stage.folder)])
        assert host.window.isVisible()

    assert stage.run(drive, in_tray=True) == 0


@pytest.mark.parametrize("lived_in", [False, True], ids=["a folder without a past", "nothing was done in it"])
def test_the_first_steps_are_shown_also_at_login(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, lived_in: bool
) -> None:
    if lived_in:
        _lived_in(stage, monkeypatch)
    stage.pages, stage.change = _with_steps(), _emptied

    async def drive(host: Host) -> None:
        await until(lambda: host.window.isVisible() and host.window.windowTitle() == "Connect – Faregate")

    assert stage.run(drive, in_tray=True) == 0


@pytest.mark.parametrize("trouble", ["the port is taken", "a passphrase is asked for"])
def test_what_needs_its_owner_at_login_shows_the_window(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    _lived_in(stage, monkeypatch)

    def change(gateway: FakeGateway) -> None:
        async def refuse() -> None:
            gateway._set_word("port_in_use", "Port 4210 is in use: end what uses it, or choose another.")

        if trouble == "the port is taken":
            gateway.start = refuse  # type: ignore[method-assign]
        else:
            gateway.vault = VaultState(backend="file", available=False, message="The passphrase is missing.")

    stage.change = change

    async def drive(host: Host) -> None:
        await until(host.window.isVisible)

    assert stage.run(drive, in_tray=True) == 0


# errors


def test_an_error_with_a_sentence_is_shown_and_another_is_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def known() -> None:
        raise FaregateError("The disk is full: make room.")

    async def unknown() -> None:
        raise ZeroDivisionError

    async def drive(host: Host) -> None:
        await started(host)
        host.spawn(known())
        await until(lambda: "The disk is full: make room." in host.window.toasts.texts)
        host.spawn(unknown())
        await until(lambda: any("faregate.log" in text for text in host.window.toasts.texts))

    with caplog.at_level(logging.ERROR):
        assert stage.run(drive) == 0
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("page_first", [True, False], ids=["page", "note"])
def test_an_error_that_the_page_tells_is_told_once(stage: Stage, page_first: bool) -> None:
    """The sidebar's figures are read from the same disk as the page's, and fail with the same words."""
    words = "usage.db cannot be read: look at the disk, then retry."
    told: list[tuple[str, ...]] = []

    async def fail() -> None:
        raise FaregateError(words)

    async def drive(host: Host) -> None:
        await started(host)
        page = host.window.page
        assert isinstance(page, Telling)
        if page_first:
            page.problem = words
            host.window.refresh_now()
            await until(lambda: page.banner.text() == words)
            host.spawn(fail())
        else:
            host.spawn(fail())
            await until(lambda: words in host.window.toasts.texts)
            page.problem = words
            host.window.refresh_now()
            await until(lambda: page.banner.text() == words)
        host.spawn(other())
        # Errors are told in their order: the first one's turn is over when the second is there.
        await until(lambda: "Another one." in host.window.toasts.texts)
        told.append(host.window.toasts.texts)
        page.banner.hide()
        host.spawn(fail())
        await until(lambda: words in host.window.toasts.texts)

    async def other() -> None:
        raise FaregateError("Another one.")

    stage.pages = probe_entries(Telling)
    assert stage.run(drive) == 0
    assert told == [("Another one.",)]


def test_what_the_disk_does_not_take_of_the_log_is_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = log_to(tmp_path / "gone")
    handler.handle(logging.makeLogRecord({"msg": "Told."}))
    assert capsys.readouterr().err == ""
    handler = log_to(tmp_path)
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
    assert "Logging error" in capsys.readouterr().err, "a fault of ours is not hidden"
    for each in tuple(logging.getLogger().handlers):
        if isinstance(each, LogFile):
            logging.getLogger().removeHandler(each)
            each.close()


def test_the_log_is_bounded(tmp_path: Path) -> None:
    handler = log_to(tmp_path)
    try:
        for number in range(600):
            logging.getLogger("gateway.example").warning("%d %s", number, "x" * 10_000)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert 3_000_000 < sum(sizes) <= 4_000_000 and len(sizes) == 4
    assert "599 xxx" in (tmp_path / "faregate.log").read_text()


def test_a_held_folder_is_refused_before_there_is_a_window(stage: Stage) -> None:
    lock = stage.launch().outer.lock("http://127.0.0.1:4999")

    async def drive(host: Host) -> None:
        raise AssertionError("there is no host")

    with pytest.raises(FolderHeld, match="4999"):
        stage.run(drive)
    lock.release()


# the demo


def test_the_demo_is_marked_and_left_after_a_question(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        demo_folder = stage.folder / "demo"
        assert stage.gateways[0].folder == demo_folder
        (demo_folder / "usage.db").write_text("rows")
        press(notice(host, "demo"))
        question = host.window.findChild(QMessageBox, "question.leave_demo")
        assert question is not None
        next(button for button in question.buttons() if button.text() == "Leave demo").click()
        await until(lambda: len(stage.gateways) == 2 and host.window.page is not None)
        await until(lambda: not demo_folder.exists())
        assert stage.gateways[1].folder == stage.folder
        assert not stage.gateways[1].demo
        assert host.window.notices.banner("demo") is None
        assert host.window.context.gateway is stage.gateways[1]

    assert stage.run(drive, demo=True) == 0
    assert "close" in stage.gateways[0].calls


def test_a_real_key_stored_in_the_demo_moves_to_the_own_folder(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway = host.window.context.gateway
        trial = await gateway.try_provider_key("openai", "sk-real")
        assert trial.ok
        demo, real = stage.gateways
        assert "try_provider_key" not in demo.calls, "the simulated providers never see a real key"
        assert (real.folder, real.settings.port) == (stage.folder, 0)  # type: ignore[attr-defined]
        await gateway.store_provider_key("openai", "sk-real")
        await until(lambda: host.window.context.gateway is real and host.window.page is not None)
        assert "store_provider_key" in real.calls
        assert "store_provider_key" not in demo.calls
        assert real.settings.port == 4210  # type: ignore[attr-defined]
        assert len(stage.gateways) == 2

    assert stage.run(drive, demo=True) == 0


def test_two_keys_that_are_tried_at_once_in_the_demo_open_the_own_folder_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyring that asks to be unlocked holds its start for as long as nobody answers."""
    begin = FakeGateway.start

    async def slowly(gateway: FakeGateway) -> None:
        await asyncio.sleep(0.05)
        await begin(gateway)

    async def drive(host: Host) -> None:
        await started(host)
        monkeypatch.setattr(FakeGateway, "start", slowly)
        gateway = host.window.context.gateway
        await asyncio.gather(
            gateway.try_provider_key("openai", "sk-real"), gateway.try_provider_key("anthropic", "sk-ant")
        )
        _, real = stage.gateways
        assert real.calls.count("try_provider_key") == 2

    assert stage.run(drive, demo=True) == 0
    assert all("close" in gateway.calls for gateway in stage.gateways)


def _emptied(gateway: FakeGateway) -> None:
    if not gateway.demo:
        gateway.rows, gateway.keys = [], []
        gateway.provider_list = [
            msgspec.structs.replace(row, key_source="none", masked=None, state="unconfigured", detail=None)
            for row in gateway.provider_list
        ]


def _with_steps() -> tuple[PageEntry, ...]:
    return (
        *probe_entries(),
        PageEntry("overview", "Overview", "list", "Observe", lambda: Probe),
        PageEntry("connect", "Connect", "link", "Set up", lambda: Probe),
    )


def test_an_empty_folder_opens_on_the_first_steps_and_the_demo_is_one_click_away(stage: Stage) -> None:
    stage.pages, stage.change = _with_steps(), _emptied

    async def drive(host: Host) -> None:
        await until(lambda: host.window.windowTitle() == "Connect – Faregate")
        host.shell.demo_asked.emit()
        await until(lambda: len(stage.gateways) == 2 and host.window.windowTitle() == "Overview – Faregate")
        own, demo = stage.gateways
        assert "close" in own.calls and demo.demo and demo.folder == stage.folder / "demo"
        assert host.window.context.gateway.demo and host.window.notices.banner("demo") is not None

    assert stage.run(drive) == 0


def test_who_has_a_key_or_wants_none_of_it_opens_where_they_were(stage: Stage) -> None:
    seen: list[str] = []
    stage.pages = _with_steps()

    async def drive(host: Host) -> None:
        await until(lambda: len(stage.gateways) > len(seen) and "requests 1 0" in stage.gateways[-1].calls)
        seen.append(host.window.windowTitle())

    assert stage.run(drive) == 0
    stage.change = _emptied
    stage.watch = lambda host: host.shell.preferences.set("first_steps", "off")
    assert stage.run(drive) == 0
    assert seen == ["Requests – Faregate"] * 2


def test_the_demo_is_not_left_while_the_own_folder_is_held(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        lock = stage.launch().outer.lock("http://127.0.0.1:4999")
        with pytest.raises(FaregateError, match="4999"):
            await host.window.context.gateway.try_provider_key("openai", "sk-real")
        host._leave_demo_soon()
        await until(lambda: any("already runs" in text for text in host.window.toasts.texts))
        assert stage.gateways[0].state.word == "running"
        lock.release()

    assert stage.run(drive, demo=True) == 0


@pytest.mark.parametrize("with_key", [True, False])
def test_make_run_takes_the_stored_keys_and_else_the_demo(
    stage: Stage, with_key: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    # An earlier run: only the folder's own gateway can tell whether its vault holds a key.
    (stage.folder).mkdir()
    (stage.folder / "state.db").touch()
    if not with_key:
        stage.change = lambda gateway: setattr(gateway, "provider_list", [])

    async def drive(host: Host) -> None:
        await started(host)
        await until(lambda: stage.gateways[-1].calls.count("create_api_key"))

    assert stage.run(drive, demo=None, announce=True) == 0
    assert [gateway.demo for gateway in stage.gateways] == [False, not with_key]
    out = capsys.readouterr().out
    assert "http://127.0.0.1:4210" in out
    assert 'curl http://127.0.0.1:4210/api/ai/v1/chat/completions -H "Authorization: Bearer tk_' in out
    assert ("(demo)" in out) == (not with_key)


# closing and quitting


def test_closing_hides_to_the_tray_and_explains_it_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def drive(host: Host) -> None:
        await started(host)
        monkeypatch.setattr(host.tray, "available", True)
        monkeypatch.setattr(host.tray, "notify", lambda title, text: told.append(title))
        for _ in range(2):
            host.window.close()
            assert not host.window.isVisible()
            host.tray.toggle_asked.emit()
            assert host.window.isVisible()
        host.tray.toggle_asked.emit()
        assert not host.window.isVisible()
        host.tray.open_asked.emit()
        assert host.window.isVisible()

    assert stage.run(drive) == 0
    assert len(told) == 1


@pytest.mark.parametrize(("answer", "quits"), [("Quit", True), ("Keep running", False), ("Cancel", False)])
def test_without_a_tray_closing_asks(stage: Stage, answer: str, quits: bool) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        host.window.close()
        question = host.window.findChild(QMessageBox, "question.close")
        assert question is not None
        next(button for button in question.buttons() if button.text() == answer).click()
        if quits:
            await until(lambda: "close" in stage.gateways[0].calls)
        else:
            await asyncio.sleep(0.05)
            assert host.window.isMinimized() == (answer == "Keep running")
            assert "close" not in stage.gateways[0].calls

    assert stage.run(drive) == 0


@pytest.mark.parametrize("side", ["window", "tray", "close"])
def test_quitting_asks_where_it_would_lose_requests(stage: Stage, monkeypatch: pytest.MonkeyPatch, side: str) -> None:
    """A full disk had refused 80 of them, and Quit lost them without a word."""
    difference = Difference(kind="memory_only", count=80, of="kept", attention=True, meaning="Make room.")

    async def drive(host: Host) -> None:
        await started(host)
        host.shell.preferences.set("close_to_tray", "off")
        ask = {"window": host.window.ask_to_quit, "tray": host.tray.quit_asked.emit, "close": host.window.close}[side]
        with monkeypatch.context() as full:
            full.setattr(FakeGateway, "completeness", lambda _: Completeness(seen=80, differences=(difference,)))
            ask()
            ask()
            (question,) = host.window.findChildren(QMessageBox, "question.quit")
            assert question.text() == "Quit and lose 80 requests?"
            buttons = {button.text(): button for button in question.buttons()}
            assert question.defaultButton() is buttons["Keep running"]
            buttons["Keep running"].click()
            await until(lambda: not host.window.findChildren(QMessageBox, "question.quit"))
            assert "close" not in stage.gateways[0].calls and host.window.isVisible()
            ask()
            (question,) = host.window.findChildren(QMessageBox, "question.quit")
            next(button for button in question.buttons() if button.text() == "Quit").click()
        await until(lambda: "close" in stage.gateways[0].calls)

    assert stage.run(drive) == 0


@pytest.mark.parametrize("hurry", ["asked again", "the button"])
def test_quitting_waits_for_running_requests_and_asked_again_does_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, hurry: str
) -> None:
    monkeypatch.setattr("app.host._COUNTED_S", 0.001)
    told: list[str] = []
    shown = StateNotices.show_quitting

    def show(notices: StateNotices, seconds: int) -> None:
        shown(notices, seconds)
        banner = notices._notices.banner("quitting")
        assert banner is not None
        told.append(banner.text())

    monkeypatch.setattr(StateNotices, "show_quitting", show)
    drained: list[str] = []

    async def drain(drain_s: float = 10.0) -> None:
        drained.append(f"up to {drain_s:.0f} s")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            drained.append("hurried")
            raise

    stage.change = lambda gateway: setattr(gateway, "stop", drain)

    async def drive(host: Host) -> None:
        await started(host)
        host.quit()
        await until(lambda: len(told) == 10)
        assert told == [
            *(f"Quitting: running requests may take up to {left} s more." for left in range(10, 1, -1)),
            "Quitting: running requests may take 1 s more.",
        ]
        assert drained == ["up to 10 s"]
        if hurry == "the button":
            press(notice(host, "quitting"))
            await until(lambda: "hurried" in drained)

    assert stage.run(drive) == 0
    assert drained == ["up to 10 s", "hurried"]
    assert "close" in stage.gateways[0].calls


def test_the_trays_figures_stay_right_while_the_window_is_hidden(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[0]
        await until(lambda: "summary" in gateway.calls and host.window.coalescer.pending == Changes())
        host.window.hide()
        await until(lambda: not host.window._busy)
        host._today._timer.stop()
        newest = gateway.rows[0]
        for number, look in enumerate((host.tray.menu.aboutToShow, host._today._timer.timeout)):
            before = host.tray.icon.toolTip()
            gateway.put(msgspec.structs.replace(newest, id=f"new{number}", started_us=time.time_ns() // 1000))
            for _ in range(3):
                await asyncio.sleep(0)
            assert host.tray.icon.toolTip() == before, "nobody looks yet"
            look.emit()
            await until(lambda before=before: host.tray.icon.toolTip() != before)
        assert "QMenu" in host.tray.menu.styleSheet(), "it wears the theme without a window around it"

    assert stage.run(drive) == 0


def test_what_the_trays_menu_asks_for_is_done(stage: Stage) -> None:
    stage.pages = (*probe_entries(), PageEntry("settings", "Settings", "settings", "", lambda: Probe))

    async def drive(host: Host) -> None:
        await started(host)
        host.window.hide()
        QGuiApplication.clipboard().setText("before")
        host.tray.copy_asked.emit()
        assert QGuiApplication.clipboard().text() == "http://127.0.0.1:4210/api/ai/v1"
        assert not host.window.isVisible()
        host.tray.settings_asked.emit()
        assert host.window.isVisible() and host.window.windowTitle() == "Settings – Faregate"
        host.tray.quit_asked.emit()
        await until(lambda: "close" in stage.gateways[0].calls)

    assert stage.run(drive) == 0


def test_a_second_start_brings_the_first_window_to_the_front(stage: Stage) -> None:
    """Where it works: in its own folder, in the demo's, and in its own again once the demo was left."""

    async def called(folder: Path) -> bool:
        command = [sys.executable, "-c", CALLER, str(folder)]
        return (await asyncio.to_thread(subprocess.run, command)).returncode == 0

    async def drive_own(host: Host) -> None:
        await started(host)
        host.window.hide()
        assert await called(stage.folder) and host.window.isVisible()

    assert stage.run(drive_own) == 0
    (stage.folder / "state.db").touch()
    stage.change = lambda gateway: setattr(gateway, "provider_list", [])

    async def drive(host: Host) -> None:
        await started(host)
        host.window.hide()
        assert await called(stage.launch().outer.demo().path) and host.window.isVisible()
        host._leave_demo_soon()
        await until(lambda: not stage.gateways[-1].demo and stage.gateways[-1].state.word == "running")
        host.window.showMinimized()
        assert await called(stage.folder) and not host.window.isMinimized()

    assert stage.run(drive, demo=None) == 0


@pytest.mark.parametrize("demo", [False, True])
def test_what_stops_the_gateway_and_a_key_that_fails_reach_the_desktop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, demo: bool
) -> None:
    told: list[tuple[str, str]] = []

    async def drive(host: Host) -> None:
        await started(host)
        monkeypatch.setattr(host.tray, "available", True)
        monkeypatch.setattr(host.tray, "notify", lambda title, text: told.append((title, text)))
        gateway = stage.gateways[0]
        gateway._set_word("error", "The disk is full.")
        gateway._set_word("running")
        assert told == [("The gateway does not run", "The disk is full.")]
        gateway.provider_list = [
            msgspec.structs.replace(
                row, state="rejected", state_at_us=time.time_ns() // 1000, detail="401: invalid key"
            )
            for row in gateway.provider_list
        ][:1]
        gateway.calls.clear()
        gateway.changed(Changes(providers=True))
        await until(lambda: "providers" in gateway.calls or "summary" in gateway.calls)
        await host._watch_keys()
        keys = [] if demo else [("OpenAI rejects its key", "401: invalid key")]
        assert told[1:] == keys, "a simulated provider's key is nobody's"

    assert stage.run(drive, demo=demo) == 0


def test_the_trays_last_error_opens_its_request(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway, tray = stage.gateways[0], host.tray
        host.window.open_page("providers")
        now = time.time_ns() // 1000
        failed = msgspec.structs.replace(gateway.rows[0], id="failed", started_us=now, outcome="error", status=429)
        gateway.put(failed)
        host.window.hide()
        tray.menu.aboutToShow.emit()
        await until(lambda: "429" in tray.error_action.text())
        tray.error_action.trigger()
        assert host.window.isVisible()
        page = host.window.page
        assert isinstance(page, Probe)
        assert [target.id for target in page.targets] == ["failed"]

    assert stage.run(drive) == 0


def test_the_theme_is_kept_at_once(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        host.theme.set_mode("dark")

    assert stage.run(drive) == 0

    async def again(host: Host) -> None:
        assert host.theme.mode == "dark"
        await started(host)

    assert stage.run(again) == 0


def test_a_pause_is_told_in_the_window_outlives_new_settings_and_is_ended_there(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[0]
        host.tray.pause_action.trigger()
        assert gateway.paused_minutes == 15 and "Resume" in host.tray.pause_action.text()
        until_us = gateway.state.capture_paused_until_us
        assert until_us is not None
        assert formats.time_of_day(until_us) in notice(host, "pause").text()
        host.shell.restart_asked.emit()
        await until(lambda: len(stage.gateways) == 2 and stage.gateways[1].state.word == "running")
        again = stage.gateways[1]
        assert again.state.capture_paused_until_us == until_us, "it ends when it was said to"
        await until(lambda: host.window.sidebar.card.word.text() == "Running")
        press(notice(host, "pause"))
        assert again.state.capture_paused_until_us is None
        assert host.window.notices.banner("pause") is None
        for paused in (True, False):
            host.window.toggle_pause()
            assert (again.state.capture_paused_until_us is not None) is paused
        assert host.tray.pause_action.text() == "Pause logging 15 min"

    assert stage.run(drive) == 0
