"""Cycles with Qt objects in them are collected on Qt's thread and on no other."""

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.garbage import _SETTLED_AT, COUNTED_EVERY, MANY, MOST_GROWN, GarbageTimer
from app.window_process import settling


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


def test_what_the_gateways_import_leaves_is_set_aside_before_anything_looks_at_it(garbage: GarbageTimer) -> None:
    left = []

    def make(folder: object, settings: object, demo: bool) -> object:
        left.extend([number] for number in range(1_000))
        return "gateway"

    before = gc.get_freeze_count()
    made = settling(make, garbage)(None, None, False)  # type: ignore[arg-type]
    assert made == "gateway" and gc.get_freeze_count() >= before + len(left)


def test_what_is_young_is_looked_at_sooner_where_there_is_much_of_it(garbage: GarbageTimer) -> None:
    Cycle.died_on = []
    beat(garbage, _SETTLED_AT[-1])
    Cycle()
    beat(garbage, 1)
    assert Cycle.died_on == [], "little has come to life"
    kept = [[number] for number in range(MANY)]
    beat(garbage, 1)
    assert len(Cycle.died_on) == 1 and kept


def test_what_has_lived_for_five_seconds_is_not_looked_at_again_and_again(garbage: GarbageTimer) -> None:
    beat(garbage, _SETTLED_AT[-1] + 1)
    kept = [[number] for number in range(1_000)]
    before = gc.get_freeze_count()
    beat(garbage, 5)
    assert gc.get_freeze_count() >= before + len(kept)


def pass_to_next_count(garbage: GarbageTimer) -> None:
    """As if most of the time had passed."""
    garbage._beat = COUNTED_EVERY * (garbage._beat // COUNTED_EVERY + 1) - 1
    beat(garbage, 1)


def test_what_is_set_aside_is_looked_at_again_once_there_is_much_more_of_it(garbage: GarbageTimer) -> None:
    Cycle.died_on = []
    garbage.set_aside()
    pass_to_next_count(garbage)
    gone = Cycle()
    beat(garbage, 30)
    del gone
    pass_to_next_count(garbage)
    assert Cycle.died_on == [], "set aside, and there is not much more of it than before"
    kept = [[number] for number in range(MOST_GROWN + 1)]
    beat(garbage, 30)
    pass_to_next_count(garbage)
    assert len(Cycle.died_on) == 1
    # What lives is known by then, and is no reason to look at it again.
    gone = Cycle()
    beat(garbage, 30)
    del gone
    pass_to_next_count(garbage)
    pass_to_next_count(garbage)
    assert len(Cycle.died_on) == 1 and len(kept) > MOST_GROWN
    garbage.release()
    beat(garbage, 9)
    assert len(Cycle.died_on) == 2


def test_a_page_that_was_built_is_no_growth(garbage: GarbageTimer) -> None:
    Cycle.died_on = []
    garbage.set_aside()
    pass_to_next_count(garbage)
    gone = Cycle()
    beat(garbage, 30)
    del gone
    built = [[number] for number in range(MOST_GROWN + 1)]
    garbage.settle()
    garbage._settling.clear()
    pass_to_next_count(garbage)
    pass_to_next_count(garbage)
    assert Cycle.died_on == [] and built
