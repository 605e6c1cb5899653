"""The app as `tests.window.probe` runs it, with a probe of its holds that can be asked too."""

import gc
import socket
import sys
from typing import Any

import psutil
from PySide6.QtWidgets import QApplication, QWidget

import app.host
from app.__main__ import main
from tests.benchmarks.hold_probe import HoldProbe, ProbedLoop
from tests.window.probe import ProbedHost
from tests.window.questions import QUESTIONS

_probes: list[HoldProbe] = []


def make_probed_loop(application: QApplication) -> ProbedLoop:
    loop = ProbedLoop(application)
    probe = HoldProbe(loop)
    _probes.append(probe)
    loop.call_soon(probe.start)
    return loop


def blame_holds(_host: ProbedHost) -> None:
    """Also say from now on what ran during each long hold."""
    _probes[0].blame()


def take_holds(_host: ProbedHost) -> dict[str, Any]:
    """Holds since the last time, in seconds: own CPU, by the clock, of whatever cause; and what the long ones did."""
    holds, long = _probes[0].take()
    return {"holds": holds, "long": long}


def memory(_host: ProbedHost) -> dict[str, float]:
    """Resident megabytes, and what lives: widgets and objects that Python's collector knows."""
    rss = psutil.Process().memory_info().rss / 2**20
    widgets = sum(isinstance(one, QWidget) for one in QApplication.allWidgets())
    return {"rss": rss, "widgets": widgets, "objects": len(gc.get_objects())}


QUESTIONS |= {question.__name__: question for question in (blame_holds, take_holds, memory)}

if __name__ == "__main__":
    ProbedHost.channel = socket.socket(fileno=int(sys.argv[1]))
    app.host.Host = ProbedHost  # type: ignore[misc]
    app.host.make_loop = make_probed_loop  # type: ignore[assignment]
    sys.exit(main(sys.argv[2:]))
