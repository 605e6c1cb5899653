"""How long a start takes, from source and frozen: `python -m tests.benchmarks.startup [--rounds N]`.

Seen from outside: the window is painted when the virtual screen shows it, and the gateway serves when its health
answers. Each start is a new process in a new home; the first one, which may have to read files from the disk, is told
apart from the median of the others. The CPU time until the window is painted is what a busy machine does not change.
The frozen program is measured where `make package` has built it.
"""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
from PySide6.QtGui import QGuiApplication, QImage

from tests.benchmarks.report import mark
from tests.benchmarks.tables import table
from tests.cpu_time import cpu_seconds
from tests.waiting import wait_until
from tests.window.display import Display

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "build" / "package" / "faregate" / "faregate"
PAINTED_S, SERVING_S = 1.5, 2.0
# The shell alone has more colours than this on the points that are looked at; an empty screen has one.
_COLOURS = 4
_SETTLE_S = 5.0

# People's Python keeps what it has compiled; the shell here may forbid it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class Start(NamedTuple):
    """Seconds after which the window was painted and the gateway served, CPU seconds until painted, MB at rest."""

    painted: float | None
    serving: float
    cpu: float
    memory: float


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def serves(port: int) -> bool:
    """Whether a gateway answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def is_painted(image: QImage) -> bool:
    """Whether a screen shows more than its empty ground."""
    points = ((x, y) for x in range(8, image.width(), 24) for y in range(8, image.height(), 24))
    return len({image.pixel(x, y) for x, y in points}) > _COLOURS


def _screen() -> QImage:
    screen = QGuiApplication.primaryScreen()
    assert screen is not None
    return screen.grabWindow(0).toImage()


@contextmanager
def _started(command: Sequence[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure(command: Sequence[str], display: Display, home: Path, *, window: bool) -> Start:
    """One start in an empty home; without a window it is `faregate serve`."""
    port = free_port()
    home.mkdir(parents=True)
    environ = display.environment() | {"HOME": str(home), "FAREGATE_VAULT": "memory", "FAREGATE_PORT": str(port)}
    if window:
        wait_until(lambda: not is_painted(_screen()), what="An empty screen")
    began = time.monotonic()
    with _started([*command, *([] if window else ["serve"])], environ) as process:
        seen: dict[str, float] = {}
        wanted: dict[str, Callable[[], bool]] = {"serving": lambda: serves(port)}
        cpu = 0.0
        if window:
            wanted["painted"] = lambda: is_painted(_screen())

        def all_seen() -> bool:
            nonlocal cpu
            for name in [name for name in wanted if name not in seen]:
                if wanted[name]():
                    seen[name] = time.monotonic() - began
                    if name == "painted" or not window:
                        cpu = cpu_seconds(process.pid)
            return len(seen) == len(wanted)

        wait_until(all_seen, what=f"The start of {command[0]}", pause=0.02)
        # Pages and price lists that are loaded behind the first paint belong to what is resident.
        time.sleep(_SETTLE_S)
        memory = float(psutil.Process(process.pid).memory_full_info().pss) / 2**20
    return Start(seen.get("painted"), seen["serving"], cpu, memory)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="starts of each kind, the first one told apart")
    rounds = parser.parse_args().rounds
    programs = {"source": [sys.executable, "-m", "app"]}
    if FROZEN.exists():
        programs["frozen"] = [str(FROZEN)]
    good = True
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with Display(folder / "display.log", tray=False) as display:
            os.environ |= {"DISPLAY": display.name, "QT_QPA_PLATFORM": "xcb"}
            screen = QGuiApplication(["startup"])
            found = {
                (name, window): [
                    measure(command, display, folder / f"{name}{window}{number}", window=window)
                    for number in range(rounds)
                ]
                for name, command in programs.items()
                for window in (True, False)
            }
            screen.quit()
    good = _show(found)
    return 0 if good else 1


def _show(found: dict[tuple[str, bool], list[Start]]) -> bool:
    rows = [("start", "painted s", "first", "serving s", "first", "CPU s", "memory MB (PSS)")]
    marks = []
    for (name, window), starts in found.items():
        later = starts[1:] or starts
        painted = median(one.painted for one in later if one.painted is not None) if window else None
        serving = median(one.serving for one in later)
        what = f"{name}, {'window' if window else 'serve'}"
        rows.append(
            (
                what,
                "" if painted is None else f"{painted:.2f}",
                "" if starts[0].painted is None else f"{starts[0].painted:.2f}",
                f"{serving:.2f}",
                f"{starts[0].serving:.2f}",
                f"{median(one.cpu for one in later):.2f}",
                f"{median(one.memory for one in later):.0f}",
            )
        )
        if painted is not None:
            marks.append((f"{what}: painted below {PAINTED_S} s", painted < PAINTED_S, f"{painted:.2f} s"))
        marks.append((f"{what}: serving below {SERVING_S:.0f} s", serving < SERVING_S, f"{serving:.2f} s"))
    print("\n".join(["Start-up", *table(rows), "", "Marks", *(mark(*one) for one in marks)]))
    return all(one[1] for one in marks)


if __name__ == "__main__":
    sys.exit(main())
