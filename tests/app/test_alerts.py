"""What a person is told on the desktop: once for each cause, and not where it is switched off."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.alerts import Alerts
from app.notifications import Notifications
from app.preferences import OFF, Preferences
from app.theme import Theme
from app.tray import Tray
from gateway import GatewayState, ProviderRow
from tests.waiting import PATIENCE_S

URL = "http://127.0.0.1:4210"


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def preferences(qapp: QApplication) -> Preferences:
    return Preferences()


@pytest.fixture
def alerts(told: list[tuple[str, str]], preferences: Preferences) -> Alerts:
    return Alerts(preferences, lambda title, text: told.append((title, text)))


def state(word: str, message: str = "") -> GatewayState:
    return GatewayState(word=word, url=URL, message=message)


def provider(
    state: str, detail: str | None = None, source: str = "vault", name: str = "openai", at_us: int | None = None
) -> ProviderRow:
    return ProviderRow(
        name=name,
        title="OpenAI",
        dialect="openai_chat",
        base_url="https://api.example.com",
        key_source=source,
        masked="sk-…a1b2",
        state=state,
        state_at_us=time.time_ns() // 1000 if at_us is None else at_us,
        detail=detail,
    )


def test_a_gateway_that_stops_is_told_once_for_each_cause(alerts: Alerts, told: list[tuple[str, str]]) -> None:
    title = "The gateway does not run"
    for word in ("starting", "running", "stopping"):
        alerts.show_state(state(word), wanted=True)
    assert told == []
    for _ in range(3):
        alerts.show_state(state("port_in_use", "Port 4210 is in use."), wanted=True)
    assert told == [(title, "Port 4210 is in use.")]
    alerts.show_state(state("error", "The disk is full."), wanted=True)
    alerts.show_state(state("running"), wanted=True)
    alerts.show_state(state("error", "The disk is full."), wanted=True)
    assert told[1:] == [(title, "The disk is full.")] * 2
    alerts.show_state(state("running"), wanted=True)
    alerts.show_state(state("off"), wanted=True)
    assert told[3:] == [(title, "Tools cannot reach it until it is turned on again.")]


def test_a_gateway_that_is_turned_off_is_no_news(alerts: Alerts, told: list[tuple[str, str]]) -> None:
    alerts.show_state(state("off"), wanted=False)
    assert told == []


def test_a_key_that_fails_is_told_until_it_works_again(alerts: Alerts, told: list[tuple[str, str]]) -> None:
    alerts.show_providers([provider("connected"), provider("unreachable", name="xai")])
    assert told == []
    for _ in range(2):
        alerts.show_providers([provider("rejected", "401: invalid key")])
    alerts.show_providers([provider("unreachable")])
    alerts.show_providers([provider("rejected", "401: invalid key")])
    assert told == [("OpenAI rejects its key", "401: invalid key")]
    alerts.show_providers([provider("connected")])
    alerts.show_providers([provider("rejected")])
    assert told[1:] == [("OpenAI rejects its key", "Requests to it fail until another key is set under Providers.")]
    alerts.show_providers([provider("unconfigured", source="none")])
    alerts.show_providers([provider("rejected")])
    assert len(told) == 3


def test_a_key_that_failed_before_the_last_start_was_told_then(alerts: Alerts, told: list[tuple[str, str]]) -> None:
    alerts.show_providers([provider("rejected", at_us=1)])
    assert told == []
    alerts.show_providers([provider("connected")])
    alerts.show_providers([provider("rejected")])
    assert len(told) == 1


def test_what_a_key_may_not_do_is_told_once(alerts: Alerts, told: list[tuple[str, str]]) -> None:
    """It does other things in between."""
    for _ in range(2):
        alerts.show_providers([provider("limited", "No access to o1.")])
        alerts.show_providers([provider("connected")])
    assert told == [("OpenAI limits its key", "No access to o1.")]
    for seconds in ("34.07", "7"):
        alerts.show_providers([provider("limited", f"The quota is spent: retry in {seconds} s.")])
        alerts.show_providers([provider("connected")])
    assert told[1:] == [("OpenAI limits its key", "The quota is spent: retry in 34.07 s.")]


def test_each_kind_can_be_switched_off(alerts: Alerts, told: list[tuple[str, str]], preferences: Preferences) -> None:
    preferences.set("notify_keys", OFF)
    alerts.show_providers([provider("rejected")])
    alerts.show_providers([provider("limited", "The quota is spent.")])
    assert told == []
    alerts.show_state(state("error", "It failed."), wanted=True)
    assert len(told) == 1
    preferences.set("notify_gateway", OFF)
    alerts.show_state(state("error", "It failed again."), wanted=True)
    assert len(told) == 1


def test_the_tray_delivers_where_there_is_one(theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    tray = Tray(theme, state("running"))
    shown: list[tuple[str, str]] = []
    monkeypatch.setattr(tray, "notify", lambda title, text: shown.append((title, text)))
    tray.available = True
    assert Notifications(tray).deliver("Title", "Text")
    assert shown == [("Title", "Text")]
    tray.close()


PROGRAM = """
import sys
import time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.notifications import Notifications
from app.theme import Theme
from app.tray import Tray
from gateway import GatewayState
app = QApplication(sys.argv)
tray = Tray(Theme("light"), GatewayState(word="running", url=""))
notifications = Notifications(tray)
QTimer.singleShot(0, lambda: notifications.deliver("The gateway does not run", "Port 4210 is in use."))
QTimer.singleShot(20000, app.quit)
app.exec()
"""


def test_without_a_tray_the_desktops_portal_delivers() -> None:
    """Under a session bus of its own, on which a portal prints what it is asked for."""
    portal = Path(__file__).with_name("notification_portal.py")
    script = (
        f'"{shutil.which("python3", path="/usr/bin")}" "{portal}" & PORTAL=$!; sleep 1; '
        f'"{sys.executable}" -c "$PROGRAM" & APP=$!; wait $PORTAL; kill $APP'
    )
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PROGRAM": PROGRAM}
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script],
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("notified ")]
    assert said == ["notified faregate-1 The gateway does not run | Port 4210 is in use."], done.stderr


def test_a_clock_that_is_put_back_silences_no_key(
    alerts: Alerts, told: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    hour_ns = 3_600_000_000_000
    put_back = time.time_ns
    monkeypatch.setattr("app.alerts.time.time_ns", lambda: put_back() - hour_ns)
    before = (time.time_ns() - hour_ns) // 1000
    alerts.show_providers([provider("rejected", name="xai", at_us=before)])
    assert told == [], "what was learnt before the start was told then"
    alerts.show_providers([provider("rejected", at_us=time.time_ns() // 1000)])
    assert [title for title, _ in told] == ["OpenAI rejects its key"]
