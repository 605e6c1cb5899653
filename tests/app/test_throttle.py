"""What has changed is gathered, told at most once a second, and kept while nobody looks."""

import pytest
from pytestqt.qtbot import QtBot

from app.throttle import EVERYTHING, NOTHING, Coalescer
from gateway import Changes
from tests.waiting import PATIENCE_MS

USAGE, KEYS = Changes(usage=True), Changes(keys=True)


@pytest.fixture
def told() -> list[Changes]:
    return []


@pytest.fixture
def coalescer(qtbot: QtBot, told: list[Changes]) -> Coalescer:
    made = Coalescer(interval_ms=150)
    made.due.connect(told.append)
    return made


def test_changes_add_up() -> None:
    assert Changes(usage=True, keys=True) == USAGE | KEYS
    assert NOTHING | NOTHING == NOTHING
    assert EVERYTHING | NOTHING == EVERYTHING


def test_the_first_is_told_at_once(qtbot: QtBot, told: list[Changes]) -> None:
    coalescer = Coalescer(interval_ms=10 * PATIENCE_MS)
    coalescer.due.connect(told.append)
    coalescer.set_active(True)
    coalescer.mark(USAGE)
    qtbot.waitUntil(lambda: told == [USAGE])


def test_what_follows_is_told_together(qtbot: QtBot, coalescer: Coalescer, told: list[Changes]) -> None:
    coalescer.set_active(True)
    coalescer.mark(USAGE)
    qtbot.waitUntil(lambda: told == [USAGE])
    for _ in range(50):
        coalescer.mark(USAGE)
    coalescer.mark(KEYS)
    assert told == [USAGE]
    qtbot.waitUntil(lambda: len(told) == 2)
    assert told[1] == Changes(usage=True, keys=True)
    qtbot.wait(200)
    assert len(told) == 2, "nothing new, nothing told"


def test_nothing_is_told_while_nobody_looks(qtbot: QtBot, coalescer: Coalescer, told: list[Changes]) -> None:
    coalescer.mark(USAGE)
    coalescer.set_active(True)
    coalescer.set_active(False)
    coalescer.mark(USAGE)
    qtbot.wait(200)
    assert told == [], "neither what was marked before nobody looked, nor what is marked now"
    assert coalescer.pending == USAGE
    coalescer.set_active(True)
    qtbot.waitUntil(lambda: told == [USAGE])


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("took_s", "pause_ms"), [(0.0, 1000), (0.15, 1000), (0.4, 2000), (0.5, 2500), (9.0, 3000)])
def test_a_look_that_takes_long_has_longer_to_rest(qtbot: QtBot, took_s: float, pause_ms: float) -> None:
    """A page's questions and paints take the loop and the cores that a gateway with much to do needs."""
    clock = Clock()
    coalescer = Coalescer(clock=clock)
    coalescer.set_active(True)
    coalescer.mark(USAGE)
    coalescer._timer.stop()
    coalescer._tell()
    # Something has changed before what was told is shown.
    coalescer.mark(USAGE)
    clock.now += took_s
    coalescer.looked(took_s)
    assert coalescer.pause_ms == pytest.approx(pause_ms)
    assert coalescer._timer.interval() == pytest.approx(max(0.0, pause_ms - took_s * 1000), abs=1)


def test_a_short_look_after_a_long_one_is_followed_soon(qtbot: QtBot) -> None:
    coalescer = Coalescer()
    for took_s, pause_ms in ((0.4, 2000), (0.1, 1000)):
        coalescer.looked(took_s)
        assert coalescer.pause_ms == pytest.approx(pause_ms)
