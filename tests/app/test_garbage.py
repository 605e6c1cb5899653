"""Cycles with Qt objects in them are collected on Qt's thread and on no other."""

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.garbage import _SETTLED_AT, GarbageTimer


@pytest.fixture
def garbage(qtbot: QtBot) -> Iterator[GarbageTimer]:
    made = GarbageTimer()
    yield made
    made.stop()


def beat(garbage: GarbageTimer, times: int) -> None:
    for _ in range(times):
        garbage.collect()


class Cycle(QObject):
    """Says on which thread it died."""

    died_on: list[int] = []

    def __init__(self) -> None:
        super().__init__()
        self.itself = self

    def __del__(self) -> None:
        self.died_on.append(threading.get_ident())


def test_a_worker_collects_nothing(garbage: GarbageTimer) -> None:
    Cycle.died_on = []
    Cycle()

    def work() -> None:
        kept = [[object()] for _ in range(100_000)]
        assert kept

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert Cycle.died_on == []
    beat(garbage, 10)
    assert Cycle.died_on == [threading.get_ident()]


def test_what_start_up_made_is_set_aside_until_the_end(qtbot: QtBot) -> None:
    garbage = GarbageTimer()
    garbage.set_aside()
    assert gc.get_freeze_count() > 1000
    assert not gc.isenabled()
    garbage.stop()
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()


def test_what_is_built_later_is_set_aside_once_it_is_complete(garbage: GarbageTimer) -> None:
    beat(garbage, _SETTLED_AT[-1])
    garbage.set_aside()
    garbage.settle()
    before = gc.get_freeze_count()
    completed = [[number] for number in range(1_000)]
    garbage.collect()
    assert gc.get_freeze_count() <= before, "it may still lack something"
    beat(garbage, 9)
    assert gc.get_freeze_count() >= before + len(completed)


def test_what_was_set_aside_is_collected_once_it_has_gone(garbage: GarbageTimer) -> None:
    Cycle.died_on = []
    page = Cycle()
    beat(garbage, _SETTLED_AT[-1])
    del page
    beat(garbage, 60)
    assert Cycle.died_on == [], "nobody looks at it"
    garbage.release()
    beat(garbage, 9)
    assert Cycle.died_on == [threading.get_ident()]
