"""A virtual display of its own for a test, with a tray host where one is wanted."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE_S


class Display:
    """`name` is for DISPLAY. `start` runs a program on it, and all of them end with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.programs: list[subprocess.Popen[bytes]] = []

    @property
    def environ(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")
        }
        return {**kept, "DISPLAY": self.name}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        program = subprocess.Popen(command, env=self.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.programs.append(program)
        return program

    def run(self, *command: str) -> str:
        return subprocess.run(
            command, env=self.environ, check=True, capture_output=True, text=True, timeout=PATIENCE_S
        ).stdout


@contextmanager
def free_display() -> Iterator[Display]:
    """An Xvfb that chooses its own number and says it when it is ready."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as said:
        number = said.readline().strip()
    display = Display(f":{number}")
    try:
        yield display
    finally:
        for program in reversed(display.programs):
            program.terminate()
            program.wait(PATIENCE_S)
        server.terminate()
        server.wait(PATIENCE_S)
