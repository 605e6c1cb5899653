"""The probed app, which also tells how long each single slot of the window takes, in CPU time of its thread.

Each event of Qt's passes through Python's hands for it, so slots are a little longer here than they are.
"""

import sys

from PySide6.QtCore import QEvent, QObject
from shiboken6 import isValid

import app.window_process
from tests.benchmarks import probed_app
from tests.benchmarks.hold_probe import Pieces, ProbedLoop
from tests.benchmarks.slots import Slots, SlotSteps, Told
from tests.window.probe import ProbedHost
from tests.window.questions import QUESTIONS


class SlotLoop(ProbedLoop):
    """The probed loop with `slots` in it."""

    def make_steps(self) -> Pieces:
        self.slots = Slots()
        SlotApplication.loop = self
        return SlotSteps(self.slots)


class SlotApplication(app.window_process.Application):
    """Times the events that Qt delivers, but for those that are the loop's turns."""

    loop: SlotLoop | None = None

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        loop = self.loop
        if loop is None or loop.slots.open or loop.wakes(receiver):
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
