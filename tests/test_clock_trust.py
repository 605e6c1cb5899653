"""Nothing is deleted by a clock that may be decades off; a user who was away for long waits for an hour."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import clock_trust
from gateway.clock_trust import DAY_US, ClockTrust
from gateway.configuration.setting_values import Keep
from gateway.configuration.settings import Retention, Settings
from gateway.folder import DataFolder
from gateway.gateway import Gateway
from gateway.records import UsageQuery
from gateway.store.usage import UsageStore
from tests.store.examples import BASE_US, record
from tests.waiting import until

HOUR_US = DAY_US // 24


class Clocks:
    """A wall clock that may be set, and one that nobody sets."""

    def __init__(self) -> None:
        self.wall_us = BASE_US
        self.steady_s = 5.0

    def go_on(self, us: int) -> None:
        self.wall_us += us
        self.steady_s += us / 1_000_000

    def trust(self) -> ClockTrust:
        return ClockTrust(lambda: self.wall_us, lambda: self.steady_s)


def test_a_clock_that_goes_on_steadily_is_believed() -> None:
    clocks = Clocks()
    for newest in (None, BASE_US - 40 * DAY_US, BASE_US, BASE_US + 1000 * DAY_US):
        trust = clocks.trust()
        for us in (HOUR_US, 3 * DAY_US, HOUR_US):
            assert trust.now_us(newest) == clocks.wall_us
            clocks.go_on(us)


def test_a_silence_of_45_days_and_a_leap_of_one_are_believed_and_no_longer_ones() -> None:
    clocks = Clocks()
    for more_us in (0, 1):
        believed = clocks.wall_us if not more_us else None
        assert clocks.trust().now_us(clocks.wall_us - 45 * DAY_US - more_us) == believed
        trust = clocks.trust()
        trust.now_us(None)
        clocks.wall_us += DAY_US + more_us
        assert trust.now_us(None) == (clocks.wall_us if not more_us else None)


def test_one_that_starts_far_ahead_is_believed_an_hour_later_or_once_it_is_set_right() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    assert trust.now_us(BASE_US - 400 * DAY_US) is None
    clocks.go_on(HOUR_US)
    assert trust.now_us(BASE_US - 400 * DAY_US) == clocks.wall_us
    trust = clocks.trust()
    assert trust.now_us(BASE_US - 400 * DAY_US) is None
    clocks.wall_us -= 399 * DAY_US
    assert trust.now_us(BASE_US - 400 * DAY_US) == clocks.wall_us


def test_a_leap_is_believed_once_an_hour_has_gone_by_since() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    assert trust.now_us(BASE_US) == clocks.wall_us
    clocks.wall_us += 10_000 * DAY_US
    clocks.go_on(HOUR_US)
    assert trust.now_us(clocks.wall_us) is None
    # A laptop that slept over the weekend has leapt too, and is not far off.
    clocks.go_on(HOUR_US)
    assert trust.now_us(clocks.wall_us) == clocks.wall_us


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    now = [BASE_US]
    monkeypatch.setattr("time.time_ns", lambda: now[0] * 1000)
    monkeypatch.setattr("gateway.upkeep.CLEAN_UP_EVERY_S", 0.05)

    def set_to(us: int) -> None:
        now[0] = us

    return set_to


async def test_a_gateway_that_starts_with_its_clock_decades_ahead_takes_nothing_away(
    tmp_path: Path, wall: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = UsageStore(tmp_path)
    store.start()
    store.insert_history(record(number) for number in range(10))
    store.close()
    monkeypatch.setattr(clock_trust, "DAY_US", -(2**62))
    settings = Settings(port=0, vault_backend="memory", retention=Retention(requests=Keep(days=30)))
    wall(BASE_US + 30_000 * DAY_US)
    gateway = Gateway(DataFolder(tmp_path), settings)
    await gateway.start()
    # At the start, and as long as it leaps.
    await until(lambda: caplog.messages.count(TOLD) >= 3)
    assert await gateway.request_count(UsageQuery()) == 10
    # It goes on steadily from now on, and who was away for so long keeps no more than was asked.
    monkeypatch.undo()
    monkeypatch.setattr("time.time_ns", lambda: (BASE_US + 30_000 * DAY_US) * 1000)

    async def is_empty() -> bool:
        return not await gateway.request_count(UsageQuery())

    await until(is_empty)
    await gateway.close()


TOLD = "The clock leapt, or is far ahead of the last request: nothing is taken away in this hour."
