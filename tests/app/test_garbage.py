"""Cycles with Qt objects in them are collected on Qt's thread and on no other."""

import gc
import threading
from collections.abc import Iterator
from types import SimpleNamespace

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


class Looks:
    """What is done with garbage, second by second. `young`: so many objects are told to have come to life."""

    def __init__(self, garbage: GarbageTimer) -> None:
        self._garbage = garbage
        self._done: list[str] = []
        self.young = 0
        self.standing_for = SimpleNamespace(
            collect=lambda generation=2: self._done.append(f"look {generation}"),
            freeze=lambda: self._done.append("set aside"),
            unfreeze=lambda: self._done.append("take back"),
            get_count=lambda: (self.young, 0, 0),
        )

    def count(self) -> int:
        self._done.append("count")
        return 0

    def done(self) -> list[str]:
        """Since the last time."""
        done, self._done[:] = list(self._done), []
        return done

    def until(self, beat: int) -> dict[int, list[str]]:
        """What the seconds up to this one do, but for those that do nothing."""
        seconds: dict[int, list[str]] = {}
        while self._garbage._beat < beat:
            self._garbage.collect()
            if done := self.done():
                seconds[self._garbage._beat] = done
        return seconds


@pytest.fixture
def looks(garbage: GarbageTimer) -> Iterator[Looks]:
    made = Looks(garbage)
    # Over before the timer stops.
    with pytest.MonkeyPatch.context() as standing:
        standing.setattr("app.garbage.gc", made.standing_for)
        standing.setattr("app.garbage.sys", SimpleNamespace(getallocatedblocks=made.count))
        yield made


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
    gc.collect()
    gc.enable()
    garbage = GarbageTimer()
    assert not gc.isenabled() and garbage._timer.isActive()
    garbage.set_aside()
    assert gc.get_freeze_count() > 1000
    garbage.stop()
    assert gc.get_freeze_count() == 0
    assert gc.isenabled() and not garbage._timer.isActive()


ALL = ["look 2", "set aside"]
YOUNG = ["look 1", "set aside"]


def test_start_up_is_set_aside_twice_unseen_and_only_what_is_young_is_looked_at_until_then(looks: Looks) -> None:
    first, second = _SETTLED_AT
    assert looks.until(second + 9) == {
        **{beat: ["look 1"] for beat in range(1, second)},
        **{beat: ALL for beat in range(2, second, 2)},
        **{second + more: YOUNG for more in (2, 4, 6, 8)},
        first: ["set aside", "look 1"],
        second: ["set aside", *ALL],
    }


def test_what_is_young_is_looked_at_where_it_is_as_many_as_are_many(looks: Looks) -> None:
    looks.until(_SETTLED_AT[-1])
    looks.young = MANY - 1
    assert looks.until(_SETTLED_AT[-1] + 1) == {}
    looks.until(_SETTLED_AT[-1] + 2)
    looks.young = MANY
    assert looks.until(_SETTLED_AT[-1] + 3) == {_SETTLED_AT[-1] + 3: ["look 1"]}


def test_what_is_built_is_set_aside_at_once_and_what_completes_it_four_seconds_later(
    garbage: GarbageTimer, looks: Looks
) -> None:
    built = _SETTLED_AT[-1] + 2
    looks.until(built)
    garbage.settle()
    assert looks.done() == ["set aside"]
    assert looks.until(built + 9) == {
        built + 2: YOUNG,
        built + 4: ALL,
        **{built + more: YOUNG for more in (6, 8)},
    }


def test_what_completes_a_part_of_start_up_is_left_to_the_end_of_that(garbage: GarbageTimer, looks: Looks) -> None:
    looks.until(3)
    garbage.settle()
    assert looks.done() == ["set aside"]
    assert looks.until(8)[7] == ["look 1"]


def test_what_is_there_no_more_is_taken_back_and_looked_at_four_seconds_later(
    garbage: GarbageTimer, looks: Looks
) -> None:
    gone = _SETTLED_AT[-1] + 2
    looks.until(gone)
    garbage.release()
    assert looks.done() == ["take back"]
    assert looks.until(gone + 9) == {
        gone + 2: ALL,
        gone + 4: ALL,
        **{gone + more: YOUNG for more in (6, 8)},
    }


def test_what_is_set_aside_is_counted_each_quarter_of_an_hour(looks: Looks) -> None:
    assert [beat for beat, done in looks.until(3600).items() if "count" in done] == [900, 1800, 2700, 3600]


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
