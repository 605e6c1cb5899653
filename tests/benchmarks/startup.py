"""How long a start takes, from source and frozen: `python -m tests.benchmarks.startup [--rounds N]`.

Seen from outside: the window is painted when the virtual screen shows it, and the gateway serves when its health
answers. Each start is a new process in a new home; the first one, which may have to read files from the disk, is told
apart from the median of the others. CPU time is what a busy machine does not change.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Seconds by the clock and CPU seconds until the window was painted and the gateway served; MB at rest."""

    painted: float | None
    painted_cpu: float | None
    serving: float
    serving_cpu: float
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
def started(command: Sequence[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
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
    with started([*command, *([] if window else ["serve"])], environ) as process:
        seen: dict[str, tuple[float, float]] = {}
        wanted: dict[str, Callable[[], bool]] = {"serving": lambda: serves(port)}
        if window:
            wanted["painted"] = lambda: is_painted(_screen())

        def all_seen() -> bool:
            for name in [name for name in wanted if name not in seen]:
                if wanted[name]():
                    seen[name] = time.monotonic() - began, cpu_seconds(process.pid)
            return len(seen) == len(wanted)

        wait_until(all_seen, what=f"The start of {command[0]}", pause=0.02)
        # Pages and price lists that are loaded behind the first paint belong to what is resident.
        time.sleep(_SETTLE_S)
        memory = float(psutil.Process(process.pid).memory_full_info().pss) / 2**20
    return Start(*seen.get("painted", (None, None)), *seen["serving"], memory)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="starts of each kind, the first one told apart")
    rounds = parser.parse_args().rounds
    programs = {"source": [sys.executable, "-m", "app"]}
    if FROZEN.exists():
        programs["frozen"] = [str(FROZEN)]
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
    return 0 if _show(found) else 1


def _show(found: dict[tuple[str, bool], list[Start]]) -> bool:
    rows = [("start", "painted s", "first", "CPU s", "serving s", "first", "CPU s", "memory MB (PSS)")]
    marks = []
    for (name, window), starts in found.items():
        first, later = starts[0], starts[1:] or starts
        what = f"{name}, {'window' if window else 'serve'}"
        cells = {
            field: _median(getattr(one, field) for one in later)
            for field in ("painted", "painted_cpu", "serving", "serving_cpu")
        }
        rows.append(
            (
                what,
                _seconds(cells["painted"]),
                _seconds(first.painted),
                _seconds(cells["painted_cpu"]),
                _seconds(cells["serving"]),
                _seconds(first.serving),
                _seconds(cells["serving_cpu"]),
                f"{median(one.memory for one in later):.0f}",
            )
        )
        for field, limit in (("painted", PAINTED_S), ("serving", SERVING_S)):
            value = cells[field]
            if value is not None:
                marks.append((f"{what}: {field} below {limit:g} s", value < limit, f"{value:.2f} s"))
    print("\n".join(["Start-up", *table(rows), "", "Marks", *(mark(*one) for one in marks)]))
    return all(one[1] for one in marks)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(main())
