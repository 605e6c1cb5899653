"""The app as `tests.window.probe` runs it, with a probe of its holds that can be asked too."""

import socket
import sys
from collections.abc import Sequence
from typing import Any

import psutil
from PySide6.QtWidgets import QApplication

import app.window_process
from app.__main__ import main
from tests.benchmarks import memory_parts
from tests.benchmarks.hold_probe import Collections, HoldProbe, ProbedLoop
from tests.window.probe import ProbedHost
from tests.window.questions import QUESTIONS

_probes: list[HoldProbe] = []
_looked: list[object] = []
_collections: list[Collections] = []


_kind: list[type[ProbedLoop]] = [ProbedLoop]


def use_loop(kind: type[ProbedLoop]) -> None:
    """Another kind of loop, before the app runs."""
    _kind[0] = kind


def make_probed_loop(application: QApplication) -> ProbedLoop:
    loop = _kind[0](application)
    probe = HoldProbe(loop)
    _probes.append(probe)
    loop.call_soon(probe.start)
    return loop


def blame_holds(_host: ProbedHost, longer_s: float) -> None:
    """Also say from now on what ran during each hold that takes longer."""
    _probes[0].blame(longer_s)


def take_collections(_host: ProbedHost) -> list[tuple[int, float, int]]:
    """Garbage collections since the last time: generation, seconds, and what was collected."""
    return _collections[0].take()


def take_holds(_host: ProbedHost) -> dict[str, Any]:
    """Holds since the last time, in seconds: own CPU, by the clock, of whatever cause; and what the long ones did."""
    holds, long = _probes[0].take()
    return {"holds": holds, "long": long}


def memory(_host: ProbedHost) -> dict[str, float]:
    """Resident megabytes, those that no file backs, and what lives: widgets, and objects that Python's collector
    knows."""
    memory = psutil.Process().memory_info()
    objects = memory_parts.count_objects()
    widgets = len(QApplication.allWidgets())
    own = memory.rss - memory.shared
    return {"rss": memory.rss / 2**20, "own": own / 2**20, "widgets": widgets, "objects": objects}


def where_memory_lies(_host: ProbedHost, of_objects: bool) -> list[str]:
    return memory_parts.told(of_objects=of_objects)


def look_every(host: ProbedHost, milliseconds: int) -> None:
    """How often the window looks at what has changed, however long that takes; counted from now on."""
    coalescer = host.window.coalescer
    coalescer.looked(0.0)
    coalescer.looked = lambda took_s: None  # type: ignore[method-assign]
    coalescer._interval_ms = milliseconds
    coalescer.due.connect(_looked.append)


def looks(_host: ProbedHost) -> int:
    return len(_looked)


_ASKED = (blame_holds, take_holds, take_collections, memory, where_memory_lies, look_every, looks)
QUESTIONS |= {question.__name__: question for question in _ASKED}


def run(words: Sequence[str]) -> int:
    """The app with the probe in it; `words` as for `tests.window.probe`."""
    _collections.append(Collections())
    ProbedHost.channel = socket.socket(fileno=int(words[1]))
    app.window_process.Host = ProbedHost  # type: ignore[misc]
    app.window_process.make_loop = make_probed_loop  # type: ignore[assignment]
    return main(list(words[2:]))


if __name__ == "__main__":
    sys.exit(run(sys.argv))
