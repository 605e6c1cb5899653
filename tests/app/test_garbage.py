"""Cycles with Qt objects in them are collected on Qt's thread and on no other."""

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.garbage import GarbageTimer


@pytest.fixture
def garbage(qtbot: QtBot) -> Iterator[GarbageTimer]:
    made = GarbageTimer()
    yield made
    made.stop()


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
    for _ in range(10):
        garbage.collect()
    assert Cycle.died_on == [threading.get_ident()]


def test_what_start_up_made_is_set_aside_until_the_end(qtbot: QtBot) -> None:
    garbage = GarbageTimer()
    garbage.set_aside()
    assert gc.get_freeze_count() > 1000
    assert not gc.isenabled()
    garbage.stop()
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()
