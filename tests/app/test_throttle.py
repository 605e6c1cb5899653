"""What has changed is gathered, told at most once a second, and kept while nobody looks."""

import pytest
from pytestqt.qtbot import QtBot

from app.throttle import EVERYTHING, NOTHING, Coalescer, merged
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
    assert merged(USAGE, KEYS) == Changes(usage=True, keys=True)
    assert merged(NOTHING, NOTHING) == NOTHING
    assert merged(EVERYTHING, NOTHING) == EVERYTHING


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
    qtbot.wait(200)
    assert told == []
    assert coalescer.pending == USAGE
    coalescer.set_active(True)
    qtbot.waitUntil(lambda: told == [USAGE])
