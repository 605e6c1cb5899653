"""A window that runs for weeks: the day changes while nobody calls, and its machine is carried to another zone."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from PySide6.QtTest import QSignalSpy

from app import formats
from app.filters import FilterState
from app.local_days import midnight_us, today
from app.range_picker import day_range
from app.shell import Shell
from app.theme import Theme
from app.throttle import EVERYTHING
from gateway import Changes
from tests.app.test_host import Host, Stage, stage, started
from tests.app.test_preferences import MON_18_03
from tests.waiting import until

__all__ = ["stage"]
DAY_US = 86_400_000_000


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What is changed of the machine is as it was afterwards."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def us(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("zone", "now", "begins"),
    [
        # The clock goes back over midnight: the day has begun at the first of the two.
        ("Atlantic/Azores", us(2026, 10, 25, 1, 30), us(2026, 10, 25)),
        ("America/Havana", us(2026, 11, 1, 5, 30), us(2026, 11, 1, 4)),
        # There is no midnight: the day begins at one.
        ("Africa/Cairo", us(2026, 4, 24, 5), us(2026, 4, 23, 22)),
        ("Europe/Berlin", us(2026, 10, 25, 12), us(2026, 10, 24, 22)),
    ],
)
def test_the_day_has_begun_when_the_clock_first_said_so(zone: str, now: int, begins: int) -> None:
    day = today(now, zone)
    assert (midnight_us(now, zone), day.start_us) == (begins, begins)
    assert day.end_us is not None and now < day.end_us <= begins + DAY_US + 3_600_000_000
    assert today(day.end_us, zone).start_us == day.end_us, "the next one begins where it ends"
    local = datetime.fromtimestamp(now / 1_000_000, ZoneInfo(zone)).date()
    assert day_range(local, local, zone)[0] == begins


def test_the_machines_zone_is_followed_while_the_window_runs(theme: Theme, carried: pytest.MonkeyPatch) -> None:
    filters = FilterState()
    shell = Shell(theme, filters)
    anew = QSignalSpy(shell.redraw_asked)
    shell.follow_system_zone()
    assert (filters.tz, anew.count()) == ("Europe/Berlin", 0)
    carried.setenv("TZ", "Asia/Tokyo")
    shell.follow_system_zone()
    assert (filters.tz, anew.count()) == ("Asia/Tokyo", 1)
    assert formats.time_of_day(MON_18_03) == "03:03", "rows and charts tell the same time"
    # What a person chose stands; what they take back later is the machine's as it is by then.
    shell.preferences.set_zone("America/Lima")
    carried.setenv("TZ", "Europe/Paris")
    shell.follow_system_zone()
    assert filters.tz == "America/Lima"
    shell.preferences.set_zone("")
    assert filters.tz == "Europe/Paris"


def test_a_new_day_has_its_own_figures_also_where_nobody_calls(stage: Stage) -> None:
    """What yesterday had cost stood as today's until the first request."""

    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[0]
        host._today._timer.stop()
        await until(lambda: "summary" in gateway.calls)
        await until(lambda: not host.window._busy and not host.window.coalescer.pending.usage)
        host.window.hide()
        host._today._timer.timeout.emit()
        before = host.tray.icon.toolTip()
        newest = gateway.rows[0]
        gateway.rows.insert(0, msgspec.structs.replace(newest, id="new", started_us=time.time_ns() // 1000))
        host._today._began_us -= DAY_US
        host._today._timer.timeout.emit()
        await until(lambda: host.tray.icon.toolTip() != before)

    assert stage.run(drive) == 0


@pytest.mark.parametrize("days", [1, -1])
def test_on_a_new_day_all_that_depends_on_it_is_told_anew(stage: Stage, days: int) -> None:
    """Times of yesterday stood without their date, and prices that began today as those to come. A clock that is put
    back makes another day too."""

    async def drive(host: Host) -> None:
        await started(host)
        gateway, today = stage.gateways[0], host._today
        today._timer.stop()
        await until(lambda: not host.window._busy and host.window.coalescer.pending == Changes())
        host.window.hide()
        drawn = QSignalSpy(host.theme.changed)
        gateway.put(
            msgspec.structs.replace(
                gateway.rows[0], id="bad", outcome="error", status=500, started_us=time.time_ns() // 1000
            )
        )
        today._read_error()
        await until(lambda: today._last_error is not None)
        gateway.rows.clear()
        today._timer.timeout.emit()
        assert drawn.count() == 0 and not host.window.coalescer.pending.prices
        today._began_us -= days * DAY_US
        today._timer.timeout.emit()
        assert drawn.count() == 1 and host.window.coalescer.pending == EVERYTHING
        await until(lambda: today._last_error is None)
        assert not host.tray.error_action.isVisible(), "yesterday's last error is none of today's"

    assert stage.run(drive) == 0


def test_what_a_clock_that_was_ahead_left_is_not_of_today(stage: Stage) -> None:
    """Its rows bear later days."""
    seen: list[str] = []

    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[-1]
        now = time.time_ns() // 1000
        (row, *_) = gateway.rows
        gateway.rows = [
            msgspec.structs.replace(row, id=str(days), started_us=now + days * DAY_US, cost_nano=10**9)
            for days in (2, 1, 0)
        ]
        await host.window.refresh_today()
        seen.append(host.tray.icon.toolTip())

    assert stage.run(drive) == 0
    assert seen == ["Gateway on · $1.00 today · 1 request"]


def test_a_new_day_begins_while_the_gateway_is_off_too(stage: Stage) -> None:
    async def drive(host: Host) -> None:
        await started(host)
        gateway = stage.gateways[0]
        host._today._timer.stop()
        gateway.rows = [msgspec.structs.replace(gateway.rows[0], started_us=time.time_ns() // 1000)]
        await host._switch(False)
        host.window.hide()
        await host.window.refresh_today()
        assert (
            host.tray.icon.toolTip().startswith("Gateway off · $") and "· 0 requests" not in host.tray.icon.toolTip()
        )
        host._today._timer.timeout.emit()
        await asyncio.sleep(0)
        gateway.rows.clear()
        gateway.calls.clear()
        host._today._timer.timeout.emit()
        assert gateway.calls == [], "what is known is not asked again"
        host._today._began_us -= DAY_US
        host._today._timer.timeout.emit()
        await until(lambda: host.tray.icon.toolTip() == "Gateway off · $0.00 today · 0 requests")

    assert stage.run(drive) == 0
