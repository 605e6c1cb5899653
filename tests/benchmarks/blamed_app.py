"""The probed app, which also writes down what each long slot was made of: `--events` of the pages' bench.

A slot is an event of Qt's, or a step of one of the window's tasks; turns of the loop are the gateway's. Other than a
beat, a slot is as long on a busy machine as on a quiet one: it is one piece of work, in its own CPU time. Every event
passes through Python's hands for it, which costs a few microseconds each: its figures are for finding what to mend,
and no marks.
"""

import gc
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

import app.window_process
from tests.benchmarks import probed_app
from tests.benchmarks.hold_probe import BEAT_S, SLOT_S, Pieces, ProbedLoop
from tests.window.probe import ProbedHost
from tests.window.questions import QUESTIONS

_PART_S = 0.0005
_MOST = 400
# Of the slots between two beats.
_SLOTS = 2000
_TOLD = 5


class Spent(NamedTuple):
    """CPU seconds of a slot, and of the events that it sent itself."""

    what: str
    seconds: float
    parts: "list[Spent]"

    def cause(self) -> str:
        """What most of it was spent in, from the outside in."""
        largest = max(self.parts, key=lambda part: part.seconds, default=None)
        if largest is None or largest.seconds < self.seconds / 2:
            return self.what
        return f"{self.what} > {largest.cause()}"

    def lines(self, depth: int = 0) -> Iterator[str]:
        own = self.seconds - sum(part.seconds for part in self.parts)
        yield f"{'  ' * depth}{self.seconds * 1000:6.1f} ms, itself {own * 1000:.1f}: {self.what}"
        for part in self.parts:
            yield from part.lines(depth + 1)


_long: list[Spent] = []
_open: list[list[Spent]] = []
_loops: list[ProbedLoop] = []
# By the clock when each ended.
_latest: deque[tuple[float, Spent]] = deque(maxlen=_SLOTS)


class _Slot:
    """`with _Slot(words):` is timed, and told to what it is part of."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._parts: list[Spent] = []
        _open.append(self._parts)
        self._began = time.thread_time()

    def __exit__(self, *_error: object) -> None:
        seconds = time.thread_time() - self._began
        _open.pop()
        _note(Spent(self._what, seconds, without_small(self._parts)))


class TimedApplication(app.window_process.Application):
    """Times each event that it passes on, but for the loop's turns."""

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if any(loop.wakes(receiver) for loop in _loops):
            return super().notify(receiver, event)
        with _Slot(_words(receiver, event)):
            return super().notify(receiver, event)


class _TimedSteps(Pieces):
    """Steps of the window's tasks, each a slot."""

    _slot: _Slot | None = None

    def begin(self, of: object = None) -> None:
        super().begin(of)
        self._slot = _Slot(f"Step of {_place(of)}")
        self._slot.__enter__()

    def end(self) -> None:
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.__exit__()
        super().end()


class TimedLoop(ProbedLoop):
    def make_steps(self) -> Pieces:
        _loops.append(self)
        return _TimedSteps()


def _place(coroutine: Any) -> str:
    """Where a task stands: its own function, and the innermost ones that it waits in."""
    calls: list[str] = []
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        calls.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        coroutine = coroutine.cr_await
    return " > ".join((*calls[:1], *calls[1:][-2:]))


class _TimedCollections:
    """Garbage collections, as parts of the slots that they are in."""

    def __init__(self) -> None:
        self._slot: _Slot | None = None
        gc.callbacks.append(self._on_step)

    def _on_step(self, phase: str, told: Mapping[str, int]) -> None:
        if phase == "start":
            self._slot = _Slot(f"Collection of generation {told['generation']}")
            self._slot.__enter__()
        elif self._slot is not None:
            self._slot.__exit__()
            self._slot = None


def without_small(parts: "list[Spent]") -> "list[Spent]":
    """Short ones of a kind are told as one."""
    kept = [part for part in parts if part.seconds >= _PART_S]
    small: defaultdict[str, list[float]] = defaultdict(list)
    for part in parts:
        if part.seconds < _PART_S:
            small[part.what.split(" to ")[0]].append(part.seconds)
    return kept + [Spent(f"{len(of)} short ones: {kind}", sum(of), []) for kind, of in small.items()]


def _note(spent: Spent) -> None:
    if _open:
        _open[-1].append(spent)
        return
    _latest.append((time.monotonic(), spent))
    if spent.seconds >= SLOT_S and len(_long) < _MOST:
        _long.append(spent)


class Slots:
    """A witness of long holds: the longest slots of each, from one beat to the next."""

    def __init__(self) -> None:
        self._found: list[tuple[float, str]] = []

    def hold(self, since: float, until: float, seconds: float) -> None:
        within = [spent for ended, spent in _latest if since - BEAT_S <= ended <= until]
        largest = sorted(within, key=lambda spent: -spent.seconds)[:_TOLD]
        told = "; ".join(f"{spent.seconds * 1000:.1f} {spent.cause()}" for spent in largest)
        self._found.append((seconds, f"{len(within)} slots: {told}"))

    def take(self) -> list[tuple[float, str]]:
        found, self._found = self._found, []
        return found

    def stop(self) -> None:
        """Nothing of its own runs."""


def blame_holds(_host: ProbedHost, longer_s: float) -> None:
    """Say from now on of which slots each hold is that takes longer."""
    probed_app._probes[0].blame(longer_s, Slots())


def _words(receiver: QObject, event: QEvent) -> str:
    kind = event.type().name
    try:
        size = f" {receiver.width()}x{receiver.height()}" if isinstance(receiver, QWidget) else ""
        part = ""
        if isinstance(event, QPaintEvent) and event.rect().size() != receiver.size():
            part = f", {event.rect().width()}x{event.rect().height()} of it"
        return f"{kind} to {type(receiver).__name__} {receiver.objectName()}{size}{part}{_of(receiver)}"
    except RuntimeError:
        return f"{kind} to what is gone"


def _of(receiver: QObject) -> str:
    """Whose a timer is: it has no name of its own."""
    owner = receiver.parent() if isinstance(receiver, QTimer) else None
    return f"of {type(owner).__name__} {owner.objectName()}" if owner is not None else ""


def take_long_events(_host: ProbedHost) -> list[str]:
    """What the longest slots since the last time were made of, after a line for each cause with how many it had."""
    found = sorted(_long, key=lambda spent: -spent.seconds)
    _long.clear()
    causes: defaultdict[str, list[float]] = defaultdict(list)
    for spent in found:
        causes[spent.cause()].append(spent.seconds * 1000)
    counted = [f"{len(of)} × {max(of):.1f} ms at most: {cause}" for cause, of in causes.items()]
    return [*counted, *("\n".join(spent.lines()) for spent in found)]


QUESTIONS |= {question.__name__: question for question in (take_long_events, blame_holds)}

if __name__ == "__main__":
    app.window_process.Application = TimedApplication  # type: ignore[misc]
    probed_app.use_loop(TimedLoop)
    _TimedCollections()
    sys.exit(probed_app.run(sys.argv))
