"""What the app takes while nobody does anything: `python -m tests.benchmarks.idle [--readings N]`.

The window and the tray icon are shown, in a desktop session with a keyring: once over the demo's history, once in a
home that is empty. CPU time is of all threads, also of the provider that the demo brings with it.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

from tests.benchmarks.report import mark
from tests.benchmarks.startup import free_port, serves, started
from tests.benchmarks.tables import table
from tests.cpu_time import cpu_seconds
from tests.waiting import wait_until
from tests.window.display import Display
from tests.window.session_bus import SessionBus

LIMIT = 0.01
"""Of a core, from the window's specification."""
_READING_S = 15.0
# By then the pages have been made and the past hours of the demo's folder been settled.
_SETTLED_S = 90.0
_KINDS = {"demo": ["demo"], "empty home": []}


def measure(words: list[str], display: Display, folder: Path, readings: int) -> list[float]:
    """Shares of a core."""
    port = free_port()
    with SessionBus(folder / "desktop") as bus:
        environ = display.environment() | bus.environment | {"FAREGATE_PORT": str(port)}
        with started([sys.executable, "-m", "app", *words], environ) as process:
            wait_until(lambda: serves(port), what="The gateway")
            wait_until(lambda: display.windows_of(process.pid, "Faregate"), what="The window")
            time.sleep(_SETTLED_S)
            return [_share(process.pid) for _ in range(readings)]


def _share(pid: int) -> float:
    pids = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    began, before = time.monotonic(), sum(map(cpu_seconds, pids))
    time.sleep(_READING_S)
    return (sum(map(cpu_seconds, pids)) - before) / (time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.idle", description=__doc__)
    parser.add_argument("--readings", type=int, default=4, help=f"of {_READING_S:g} seconds each")
    readings = parser.parse_args().readings
    # People's Python keeps what it has compiled; the shell here may forbid it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as made, Display(Path(made) / "display.log") as display:
        found = {name: measure(words, display, Path(made) / name, readings) for name, words in _KINDS.items()}
    return 0 if _show(found) else 1


def _show(found: dict[str, list[float]]) -> bool:
    rows = [("window and tray", "% of a core", "least", "most")]
    rows += [(name, *(f"{of(shares) * 100:.2f}" for of in (median, min, max))) for name, shares in found.items()]
    usual = {name: median(shares) for name, shares in found.items()}
    marks = [mark(f"{name}: below {LIMIT:.0%} of a core", one < LIMIT, f"{one:.2%}") for name, one in usual.items()]
    print("\n".join(["Idle", *table(rows, left=1), "", "Marks", *marks]))
    return all(one < LIMIT for one in usual.values())


if __name__ == "__main__":
    sys.exit(main())
