"""A pause of the capture ends by itself, in time, whatever becomes of the wall clock."""

import pytest

from gateway.capture.pause import Pause
from gateway.errors import FaregateError

START_US = 1_795_456_980_000_000
MINUTE_US = 60_000_000


class Clocks:
    def __init__(self) -> None:
        self.now_us = START_US
        self.steady_s = 100.0
        self.pause = Pause(lambda: self.now_us, lambda: self.steady_s)

    def go(self, minutes: float) -> None:
        self.now_us += round(minutes * MINUTE_US)
        self.steady_s += minutes * 60


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_it_ends_by_itself(clocks: Clocks) -> None:
    pause = clocks.pause
    assert (pause.left_s, pause.until_us, pause.known) == (0, None, False)
    pause.begin(15)
    assert (pause.left_s, pause.until_us) == (900, START_US + 15 * MINUTE_US)
    clocks.go(14.5)
    assert pause.left_s == 30
    clocks.go(0.5)
    assert (pause.left_s, pause.until_us, pause.known) == (0, None, True)


def test_a_wall_clock_that_is_put_back_makes_it_no_longer(clocks: Clocks) -> None:
    clocks.pause.begin(15)
    clocks.go(15)
    clocks.now_us -= 60 * MINUTE_US
    assert clocks.pause.left_s == 0


def test_another_goes_on_as_it_does(clocks: Clocks) -> None:
    """The gateway that takes over from one that paused: what happened before is as private as what follows."""
    clocks.pause.begin(2)
    clocks.go(3)
    clocks.pause.begin(15)
    clocks.go(5)
    after = Pause(lambda: clocks.now_us, lambda: clocks.steady_s)
    after.take_over(clocks.pause)
    assert (after.left_s, after.until_us) == (600, START_US + 18 * MINUTE_US)
    at = [START_US + minute * MINUTE_US for minute in (1, 2.5, 4)]
    assert [after.touches(round(each), round(each)) for each in at] == [True, False, True]


def test_it_is_ended_before_its_time_and_begins_anew(clocks: Clocks) -> None:
    pause = clocks.pause
    pause.begin(10)
    clocks.go(4)
    pause.begin(10)
    assert pause.until_us == START_US + 14 * MINUTE_US
    clocks.go(1)
    pause.end()
    pause.end()
    assert (pause.left_s, pause.until_us) == (0, None)
    clocks.go(5)
    assert [pause.touches(at, at) for at in (START_US - 1, START_US, START_US + 5 * MINUTE_US)] == [False, True, True]
    assert not pause.touches(START_US + 5 * MINUTE_US + 1, clocks.now_us)
    assert pause.touches(START_US - 1, clocks.now_us)


def test_one_that_goes_on_takes_no_earlier_one_away(clocks: Clocks) -> None:
    pause = clocks.pause
    pause.begin(2)
    clocks.go(3)
    pause.begin(5)
    clocks.go(1)
    pause.begin(5)
    at = [START_US + round(minute * MINUTE_US) for minute in (1, 2.5, 3.5)]
    assert [pause.touches(each, each) for each in at] == [True, False, True]


@pytest.mark.parametrize("minutes", [0, -1, 15.01, float("nan"), float("inf")])
def test_no_pause_is_longer_than_a_quarter_of_an_hour(clocks: Clocks, minutes: float) -> None:
    with pytest.raises(FaregateError, match="up to 15 minutes"):
        clocks.pause.begin(minutes)
    assert not clocks.pause.known
