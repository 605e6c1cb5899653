"""The window's process, and the only file that knows which loop runs where.

There is one thread: Qt's loop and asyncio's in one, and the gateway on it.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QApplication

from app.garbage import GarbageTimer
from app.host import Host, MakeGateway, make_gateway
from app.launch import Launch
from app.loop import make_loop
from app.preferences import use_size
from app.single_instance import call_first
from app.translation import tr
from gateway import DataFolder, FaregateError, Settings, share_heap

if TYPE_CHECKING:
    from gateway import Gateway

# A call goes in and out of the interpreter a dozen times, and waits for that long for each way back in while workers
# read for a page: at half a millisecond every caller felt the Overview.
SWITCH_INTERVAL_S = 0.0001


def settling(make: MakeGateway, garbage: GarbageTimer) -> MakeGateway:
    """Set aside at once what the gateway's import leaves: sixty thousand objects, seen by the first look after it."""

    def made(folder: DataFolder, settings: Settings, demo: bool) -> "Gateway":
        gateway = make(folder, settings, demo)
        garbage.settle()
        return gateway

    return made


class Application(QApplication):
    """`ended`: the system asks the application to end (a logout, or Quit in macOS's own menu)."""

    ended = Signal()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Quit:
            self.ended.emit()
            event.ignore()
            return True
        return super().event(event)


class LogFile(RotatingFileHandler):
    """A disk that is full is told in the window, and no terminal gets a traceback for each line that it refuses."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def log_to(folder: Path) -> LogFile:
    handler = LogFile(folder / "faregate.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    return handler


def _run(loop: asyncio.AbstractEventLoop, host: Host) -> int:
    task = loop.create_task(host.run())
    try:
        return loop.run_until_complete(task)
    except RuntimeError:
        if task.done():
            raise
        # Qt ends its loop where the display server dies, and would end each further one.
        words = tr(
            "The display is gone, and the window with it: start Faregate again. What ended until now is metered."
        )
        raise FaregateError(words) from None


def _close(loop: asyncio.AbstractEventLoop) -> None:
    # Where the display is gone Qt ends this loop too.
    with contextlib.suppress(RuntimeError):
        loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    asyncio.set_event_loop(None)


def run_window(launch: Launch) -> int:
    """The window, until it is quit. Raises FaregateError where another gateway holds the folder, and where the
    display goes."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    share_heap()
    use_size(launch.outer.path, os.environ)
    app = Application(["faregate"])
    app.setApplicationName("Faregate")
    app.setDesktopFileName("faregate")
    app.setQuitOnLastWindowClosed(False)
    if call_first(launch.folder.path, to_front=not launch.in_tray):
        return 0
    log = log_to(launch.outer.logs)
    garbage = GarbageTimer()
    loop = make_loop(app)
    asyncio.set_event_loop(loop)
    try:
        host = Host(app, launch, settling(make_gateway, garbage))
        host.window.painted.connect(garbage.settle)
        host.window.built.connect(garbage.settle)
        host.window.retired.connect(garbage.release)
        app.ended.connect(host.quit)
        sys.excepthook = lambda _kind, error, _trace: host.report(error)
        if sys.platform != "win32":
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, host.quit)
        return _run(loop, host)
    finally:
        _close(loop)
        garbage.stop()
        logging.getLogger().removeHandler(log)
        log.close()
