"""The probed app, which also tells how long each single slot of the window takes, in CPU time of its thread.

Each event of Qt's passes through Python's hands for it, hundreds in a slot that shows many widgets. What one such
passage takes is measured at the start, and most of that is taken off for each.
"""

import sys

from PySide6.QtCore import QEvent, QObject
from shiboken6 import isValid

import app.window_process
from tests.benchmarks import probed_app
from tests.benchmarks.hold_probe import Pieces, ProbedLoop
from tests.benchmarks.passages import plain_s, sending_s
from tests.benchmarks.slots import Slots, SlotSteps, Told
from tests.window.probe import ProbedHost
from tests.window.questions import QUESTIONS

# Kinds of events differ by so much: none is to be told as shorter than it is.
_TAKEN_OFF = 0.75


class SlotLoop(ProbedLoop):
    """The probed loop with `slots` in it."""

    def make_steps(self) -> Pieces:
        self.slots = Slots()
        SlotApplication.loop = self
        # As within a slot.
        self.slots.begin()
        self.slots.passage_s = max(0.0, sending_s() - plain_s()) * _TAKEN_OFF
        self.slots.end()
        self.slots.take()
        return SlotSteps(self.slots)


class SlotApplication(app.window_process.Application):
    """Times the events that Qt delivers, but for those that are the loop's turns."""

    loop: SlotLoop | None = None

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        loop = self.loop
        if loop is None or loop.slots.open or loop.wakes(receiver):
            if loop is not None:
                loop.slots.passages += 1
            return super().notify(receiver, event)
        kind = event.type()
        loop.slots.begin()
        try:
            return super().notify(receiver, event)
        finally:
            if loop.slots.end():
                loop.slots.what(_words(receiver, kind))


def _words(receiver: QObject, kind: QEvent.Type) -> str:
    name = type(receiver).__name__
    if not isValid(receiver):
        return f"{kind.name} to {name}"
    owner = receiver.parent()
    of = f" of {type(owner).__name__} {owner.objectName()}" if owner is not None else ""
    return f"{kind.name} to {name} {receiver.objectName()}{of}"


def take_slots(_host: ProbedHost) -> Told:
    """The slots since this was last asked."""
    assert SlotApplication.loop is not None
    return SlotApplication.loop.slots.take()


QUESTIONS[take_slots.__name__] = take_slots

if __name__ == "__main__":
    app.window_process.Application = SlotApplication  # type: ignore[misc]
    probed_app.use_loop(SlotLoop)
    sys.exit(probed_app.run(sys.argv))
