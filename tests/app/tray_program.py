"""A window on the fake gateway under a real display, for the tray's test: answers questions on its standard input."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication, QMessageBox

from app import tray as tray_module
from app.host import Host
from app.launch import prepare
from app.loop import make_loop
from tests.app.fake_gateway import FakeGateway

tray_module._CHECK_MS = 300


def answer(host: Host, question: str) -> str:
    tray, window = host.tray, host.window
    match question:
        case "tray":
            return str(tray.available)
        case "window":
            return str(window.isVisible())
        case "tooltip":
            return tray.icon.toolTip()
        case "place":
            box = tray.icon.geometry()
            return f"{box.center().x()}|{box.center().y()}"
        case "question":
            return str(window.findChild(QMessageBox, "question.close") is not None)
        case "close":
            window.close()
        case "quit":
            host.quit()
            return "quitting"
    return "done"


async def talk(host: Host) -> None:
    """A line in, a line out."""
    reading = asyncio.get_running_loop()
    while True:
        question = (await reading.run_in_executor(None, sys.stdin.readline)).strip()
        if not question:
            return
        print(answer(host, question), flush=True)
        if question == "quit":
            return


def main() -> int:
    app = QApplication(["faregate"])
    app.setQuitOnLastWindowClosed(False)
    loop = make_loop(app)
    asyncio.set_event_loop(loop)

    def make(folder: Any, settings: Any, demo: bool) -> Any:
        return FakeGateway(100, now_us=time.time_ns() // 1000, folder=folder.path, demo=demo)

    host = Host(app, prepare(Path(sys.argv[1])), make)
    # Beside the tray, not over it: there is no window manager.
    host.window.resize(1024, 680)
    host.window.move(0, 0)
    talking = loop.create_task(talk(host))
    code = loop.run_until_complete(host.run())
    talking.cancel()
    return code


if __name__ == "__main__":
    sys.exit(main())
