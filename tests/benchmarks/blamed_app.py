"""The probed app, which also writes down what each long event of Qt's was made of: `--events` of the pages' bench.

Every event passes through Python's hands for it, which costs a few microseconds each: its figures are for finding
what to mend, and no marks.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

import app.host
from tests.benchmarks import probed_app
from tests.window.probe import ProbedHost
from tests.window.questions import QUESTIONS

LONG_S = 0.008
_PART_S = 0.0005
_MOST = 400


class Spent(NamedTuple):
    """CPU seconds of an event, and of those that it sent itself."""

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


class TimedApplication(app.host._Application):
    """Times each event that it passes on."""

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        kind = event.type()
        parts: list[Spent] = []
        _open.append(parts)
        began = time.thread_time()
        try:
            return super().notify(receiver, event)
        finally:
            seconds = time.thread_time() - began
            _open.pop()
            _note(Spent(_words(receiver, kind), seconds, without_small(parts)))


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
    elif spent.seconds >= LONG_S and len(_long) < _MOST:
        _long.append(spent)


def _words(receiver: QObject, kind: QEvent.Type) -> str:
    try:
        size = f" {receiver.width()}x{receiver.height()}" if isinstance(receiver, QWidget) else ""
        return f"{kind.name} to {type(receiver).__name__} {receiver.objectName()}{size}"
    except RuntimeError:
        return f"{kind.name} to what is gone"


def take_long_events(_host: ProbedHost) -> list[str]:
    """What the longest events since the last time were made of, after a line for each cause with how many it had."""
    found = sorted(_long, key=lambda spent: -spent.seconds)
    _long.clear()
    causes: defaultdict[str, list[float]] = defaultdict(list)
    for spent in found:
        causes[spent.cause()].append(spent.seconds * 1000)
    counted = [f"{len(of)} × {max(of):.1f} ms at most: {cause}" for cause, of in causes.items()]
    return [*counted, *("\n".join(spent.lines()) for spent in found)]


QUESTIONS[take_long_events.__name__] = take_long_events

if __name__ == "__main__":
    app.host._Application = TimedApplication  # type: ignore[misc]
    sys.exit(probed_app.run(sys.argv))
