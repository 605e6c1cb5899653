"""The benchmark's probe tells the window's holds from the gateway's work on the same loop."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from PySide6.QtCore import QEvent, QRect, QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.kept_tasks import KeptTasks
from tests.benchmarks import blamed_app, pages
from tests.benchmarks.blamed_app import Spent, without_small
from tests.benchmarks.hold_probe import SLOT_S, WINDOWS_CODE, Hold, HoldProbe, ProbedLoop, Unbroken
from tests.benchmarks.slots import Slots, SlotSteps, Told
from tests.window.real_app import ROOT

if TYPE_CHECKING:
    from tests.window.probe import ProbedHost

SPUN_S = 0.06


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[ProbedLoop]:
    made = ProbedLoop(qapp)
    asyncio.set_event_loop(made)
    yield made
    asyncio.set_event_loop(None)
    made.close()


def spin(seconds: float = SPUN_S) -> None:
    """Work of this thread, whatever others on the machine do."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def longest(loop: ProbedLoop, act: Callable[[], None]) -> tuple[Hold, str]:
    """The beat that waited longest while this was done, and what the probe says of it."""
    probe = HoldProbe(loop)

    async def main() -> None:
        probe.start()
        probe.blame()
        await asyncio.sleep(0.02)
        probe.take()
        act()
        # A turn of Qt comes in between, and then a beat.
        await asyncio.sleep(0.1)

    try:
        loop.run_until_complete(main())
        holds, long = probe.take()
    finally:
        probe.stop()
    return max(holds, key=lambda hold: hold.late), " ".join(words for _, words in long)


def test_a_slot_is_a_hold_by_the_window(loop: ProbedLoop) -> None:
    hold, words = longest(loop, lambda: QTimer.singleShot(0, spin))
    assert SPUN_S / 2 < hold.own <= hold.clock <= hold.late
    assert "spin" in words


def test_what_the_gateway_does_on_the_loop_is_none(loop: ProbedLoop) -> None:
    hold, words = longest(loop, lambda: loop.call_soon(spin) and None)
    assert hold.late > SPUN_S / 2
    assert hold.own < SPUN_S / 4 and "spin" not in words


def test_a_step_of_the_windows_task_is_one(loop: ProbedLoop) -> None:
    async def page() -> None:
        spin()

    # The probe knows the window's code by where it lies.
    page.__code__ = page.__code__.replace(co_filename=f"{WINDOWS_CODE}/page.py")
    tasks = KeptTasks(lambda error: None)
    hold, _ = longest(loop, lambda: tasks.spawn(page()))
    assert SPUN_S / 2 < hold.own <= hold.late


def test_slots_between_which_the_gateway_had_its_turn_are_pieces_of_a_hold(loop: ProbedLoop) -> None:
    slots = 3

    def slot(left: int) -> None:
        spin(SPUN_S / slots)
        if left > 1:
            QTimer.singleShot(0, lambda: slot(left - 1))

    def act() -> None:
        # A beat that is due waits for all of them, and each is a turn of its own.
        loop._turn_s = 0.0
        for _ in range(40):
            loop.call_soon(spin, 0.002)
        QTimer.singleShot(0, lambda: slot(slots))

    hold, _ = longest(loop, act)
    assert hold.own > SPUN_S * 0.9
    assert SPUN_S / slots < hold.unbroken < SPUN_S / slots * 2


def test_a_turn_that_found_nothing_to_do_is_no_break() -> None:
    unbroken = Unbroken()
    for by_others in (0.00001, 0.01, 0.01):
        spin(0.02)
        unbroken.turn_begins()
        unbroken.turn_ends(0.005, by_others)
    assert 0.05 <= unbroken.take() < 0.07
    assert unbroken.take() == 0.0


def test_long_events_say_what_they_were_made_of() -> None:
    blamed_app._long.clear()
    paints = [Spent(f"Paint to Label {n}", 0.0003, []) for n in range(20)]
    table = Spent("Paint to Table", 0.004, [])
    for spent in (
        Spent("UpdateRequest to Window", 0.011, without_small([*paints, table])),
        Spent("Timer to QTimer", 0.002, []),
        Spent("KeyPress to Window", 0.040, []),
    ):
        blamed_app._note(spent)
    assert blamed_app.take_long_events(cast("ProbedHost", None)) == [
        "1 × 40.0 ms at most: KeyPress to Window",
        "1 × 11.0 ms at most: UpdateRequest to Window > 20 short ones: Paint",
        "  40.0 ms, itself 40.0: KeyPress to Window",
        "  11.0 ms, itself 1.0: UpdateRequest to Window\n"
        "     4.0 ms, itself 4.0: Paint to Table\n"
        "     6.0 ms, itself 6.0: 20 short ones: Paint",
    ]
    assert blamed_app.take_long_events(cast("ProbedHost", None)) == []


def test_a_long_hold_says_of_which_slots_it_was(qapp: QApplication) -> None:
    blamed_app._latest.clear()
    timer = QTimer(qapp)
    for words in ("KeyPress to Window", blamed_app._words(timer, QEvent(QEvent.Type.Timer))):
        blamed_app._note(Spent(words, 0.010 + len(words) / 1000, []))
    now = time.monotonic()
    blamed_app._latest.appendleft((now - 5, Spent("Paint to Window", 1.0, [])))
    slots = blamed_app.Slots()
    slots.hold(now - 1, now, 0.07)
    timer_words = f"Timer to QTimer of {type(qapp).__name__} {qapp.objectName()}"
    told = [(0.07, f"2 slots: {10 + len(timer_words):.1f} {timer_words}; 28.0 KeyPress to Window")]
    assert slots.take() == told
    assert slots.take() == []
    timer.deleteLater()


def test_a_paint_of_a_part_says_how_much_of_it(qapp: QApplication) -> None:
    widget = QWidget()
    widget.resize(40, 30)
    assert blamed_app._words(widget, QPaintEvent(QRect(0, 0, 40, 30))) == "Paint to QWidget  40x30"
    assert blamed_app._words(widget, QPaintEvent(QRect(0, 5, 40, 9))) == "Paint to QWidget  40x30, 40x9 of it"
    widget.deleteLater()


def test_how_much_of_what_came_late_was_the_windows() -> None:
    holds = [Hold(0.0, 0.0, 0.005), Hold(0.004, 0.010, 0.020), Hold(0.001, 0.002, 0.020)]
    told = pages.told_late(holds)
    assert told.startswith("In steady state 2 of 3 beats came more than 8 ms late; 30% of that was the window's")
    assert "0 of 0" in pages.told_late([])


def test_a_slot_is_counted_once_and_told_where_it_was_long() -> None:
    slots = Slots()
    for seconds in (0.001, SLOT_S * 2, 0.002):
        slots.begin()
        spin(seconds)
        if slots.end():
            slots.what("the second")
    told = slots.take()
    assert told.count == 3 and SLOT_S * 2 <= told.longest < SLOT_S * 4
    ((longest, what),) = told.long
    assert longest == told.longest and what.startswith("the second (and then the fixed work took ")
    assert told.fixed_work_ms > 0
    assert slots.take().count == 0


def test_what_the_bench_itself_took_of_a_slot_is_taken_off() -> None:
    slots = Slots()
    slots.passage_s = SLOT_S / 4
    slots.begin()
    spin(SLOT_S * 1.5)
    slots.passages = 3
    assert not slots.end()
    assert SLOT_S * 0.7 < slots.take().longest < SLOT_S
    slots.begin()
    spin(SLOT_S * 1.5)
    assert slots.end(), "each slot has its own"


def test_an_event_costs_more_that_passes_through_pythons_hands() -> None:
    taken_off_s, passages = said_by(_PASSAGES)
    assert 0.2e-6 < taken_off_s < 20e-6
    assert passages == 3


def test_a_step_of_the_windows_task_is_a_slot() -> None:
    slots = Slots()
    steps = SlotSteps(slots)

    async def page() -> None: ...

    task = page()
    steps.begin(task)
    spin(SLOT_S * 1.5)
    assert slots.open
    steps.end()
    task.close()
    told = slots.take()
    assert told.count == 1 and ".page (and then" in told.long[0][1] and not slots.open


def said_by(code: str) -> Any:
    """What an application of its own printed, as JSON."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    return json.loads(ran.stdout)


_PASSAGES = """
import json
from PySide6.QtWidgets import QLabel, QWidget
from tests.benchmarks.slots_app import SlotApplication, SlotLoop

loop = SlotLoop(SlotApplication(["passages"]))
whole = QWidget()
labels = [QLabel(whole), QLabel(whole)]
loop.slots.begin()
whole.setEnabled(False)
print(json.dumps([loop.slots.passage_s, loop.slots.passages]))
loop.close()
"""

_SLOTS_OF_AN_APP = """
import asyncio, json, time
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from tests.benchmarks.slots_app import SlotApplication, SlotLoop

def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until: pass

class Inner(QObject):
    def event(self, event):
        spin(0.02)
        return True

app = SlotApplication(["slots"])
inner = Inner(objectName="inner")
loop = SlotLoop(app)

async def main():
    loop.slots.take()
    # One slot that is an event with another inside it; one that is short; and a callback, which is the gateway's.
    timer = QTimer(singleShot=True, objectName="outer")
    timer.timeout.connect(lambda: (spin(0.01), QCoreApplication.sendEvent(inner, QEvent(QEvent.Type.User))))
    timer.start()
    QCoreApplication.postEvent(inner, QEvent(QEvent.Type.User))
    loop.call_soon(spin, 0.05)
    await asyncio.sleep(0.2)
    return loop.slots.take()

asyncio.set_event_loop(loop)
print(json.dumps(loop.run_until_complete(main())))
"""


def test_events_are_slots_and_the_loops_turns_are_none() -> None:
    told = Told(*said_by(_SLOTS_OF_AN_APP))
    (first, second) = sorted(told.long)
    assert SLOT_S < 0.02 <= first[0] < 0.03 <= second[0] < 0.05
    assert [what.partition(" (and")[0] for _, what in (first, second)] == [
        "User to Inner inner",
        "Timer to QTimer outer",
    ]
