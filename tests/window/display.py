"""A real X display of its own: Xvfb on a free number, with a tray host where the desktop is to have one.

There is no window manager: what one would do (give a window the keyboard) is done by `focus`. Mouse and keyboard are
xdotool's, so that the app sees the X server's own events.
"""

import os
import subprocess
from pathlib import Path
from typing import Self

from tests.waiting import PATIENCE_S, wait_until


def end(process: subprocess.Popen[bytes]) -> int:
    """Ask a process of ours to end, and wait for it."""
    process.terminate()
    try:
        return process.wait(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Display:
    """`with Display(log) as display:`; `name` is what DISPLAY must say.

    `size` and all places are in logical pixels: with `scale` 2 the screen has twice as many each way.
    """

    def __init__(self, log: Path, *, size: tuple[int, int] = (1600, 1000), tray: bool = True, scale: int = 1) -> None:
        self._log = log
        self._scale = scale
        self._size = size
        self._tray = tray
        self._processes: list[subprocess.Popen[bytes]] = []
        self.name = ""

    def __enter__(self) -> Self:
        read, write = os.pipe()
        width, height = self._size
        screen = ["-screen", "0", f"{width * self._scale}x{height * self._scale}x24"]
        # Keys do not repeat: on a busy machine the release of one comes late, and it would be typed several times.
        flags = ["-nolisten", "tcp", "-noreset", "-r"]
        try:
            self._run(["Xvfb", "-displayfd", str(write), *screen, *flags], keep=write)
        finally:
            os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        assert number, self._log.read_text()
        self.name = f":{number}"
        if self._tray:
            self.start_tray()
        return self

    def start_tray(self) -> None:
        """A tray host, in the corner at the bottom."""
        self._run(["trayer", "--edge", "bottom", "--align", "right", "--widthtype", "request", "--height", "32"])
        wait_until(lambda: self._xdotool("search", "--class", "trayer").stdout.strip(), what="The tray host")

    def __exit__(self, *_error: object) -> None:
        for process in reversed(self._processes):
            end(process)

    def _run(self, command: list[str], *, keep: int | None = None) -> None:
        with self._log.open("ab") as log:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                pass_fds=() if keep is None else (keep,),
            )
        self._processes.append(started)

    def environment(self) -> dict[str, str]:
        """This process's, on this display, without what would lead a program to another one or to another bus."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DBUS_", "XDG_", "QT_", "FAREGATE_", "WAYLAND_")) and name != "DISPLAY"
        }
        scaled = {"QT_SCALE_FACTOR": str(self._scale)} if self._scale != 1 else {}
        return {**kept, "DISPLAY": self.name, **scaled} if self.name else kept

    def _xdotool(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["xdotool", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def _do(self, *words: str) -> None:
        done = self._xdotool(*words)
        assert done.returncode == 0 and not done.stderr, (words, done.stderr)

    # hands

    def point(self, x: int, y: int) -> None:
        self._do("mousemove", *self._pixels(x, y))

    def _pixels(self, *logical: int) -> list[str]:
        return [str(one * self._scale) for one in logical]

    def click(self, x: int, y: int, button: int = 1) -> None:
        # A person's pointer arrives before its button goes down.
        self._do("mousemove", *self._pixels(x, y), "sleep", "0.03", "click", str(button))

    def type(self, text: str) -> None:
        self._do("type", "--delay", "3", "--", text)

    def press(self, *keys: str) -> None:
        """Keys by their X names: `ctrl+a`, `Return`."""
        self._do("key", "--clearmodifiers", *keys)

    def focus(self, window: int) -> None:
        """Give a window the keyboard, as a window manager does."""
        self._do("windowfocus", "--sync", str(window))

    def resize(self, window: int, width: int, height: int) -> None:
        self._do("windowmove", str(window), "0", "0", "windowsize", str(window), *self._pixels(width, height))

    # eyes

    def windows_of(self, pid: int, title: str) -> list[int]:
        """The ids of a process's windows that are mapped and have this title (a regular expression)."""
        return [
            int(one)
            for one in self._xdotool(
                "search", "--all", "--onlyvisible", "--pid", str(pid), "--name", title
            ).stdout.split()
        ]

    def picture(self, path: Path, window: int | None = None) -> None:
        """The whole screen as a PNG, or one window."""
        target = "root" if window is None else str(window)
        command = ["import", "-silent", "-window", target, "-strip", f"PNG24:{path}"]
        subprocess.run(command, env=self.environment(), check=True, timeout=60)

    def pixels(self, window: int) -> bytes:
        """What a window shows, to be compared with what it shows later."""
        command = ["import", "-silent", "-window", str(window), "-depth", "8", "rgb:-"]
        return subprocess.run(command, env=self.environment(), check=True, timeout=60, capture_output=True).stdout
