"""The window begins as large as the text of a desktop that says it over D-Bus, which is never waited for."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import text_scale as module
from app.text_scale import WAIT_S, text_scale
from tests.app.text_portal import GNOME, KDE, Settings, TextPortal, text_of
from tests.window.display import Display

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Only Linux has D-Bus")
PATIENT_S = 10.0
BUSY_S = 1.0
STARTED = """
import os, sys
from pathlib import Path
from app import text_scale
text_scale.WAIT_S = 10
from app.preferences import use_size
from PySide6.QtWidgets import QApplication
use_size(Path(sys.argv[1]), os.environ)
print(QApplication([]).devicePixelRatio())
"""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the answer matters: a busy machine takes longer for it."""
    monkeypatch.setattr(module, "WAIT_S", PATIENT_S)


def at(portal: TextPortal) -> dict[str, str]:
    return {"DBUS_SESSION_BUS_ADDRESS": portal.address, "QT_QPA_PLATFORM": "offscreen"}


# who answers


@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        (text_of(1.5), 1.5),
        ({KDE: ("s", "Noto Sans,13,-1,5,50,0,0,0,0,0")}, 1.3),
        ({GNOME: ("d", 1.25), KDE: ("s", "Noto Sans,12,-1")}, 1.5),
        ({GNOME: ("d", 3.0), KDE: ("s", "Noto Sans,20,-1")}, 6.0),
        ({GNOME: ("s", "large"), KDE: ("u", 13)}, 1.0),
        ({}, 1.0),
        (None, 1.0),
    ],
)
def test_the_portal_is_asked(patient: None, tmp_path: Path, settings: Settings | None, scale: float) -> None:
    with TextPortal(tmp_path / "bus", settings) as portal:
        assert text_scale(at(portal)) == scale
    assert set(portal.asked) == (set() if settings is None else {GNOME, KDE})


def test_a_portal_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with TextPortal(tmp_path / "bus", text_of(1.5), slow=(GNOME, KDE)) as portal:
        text_scale(at(portal))
        began = time.monotonic()
        assert text_scale(at(portal)) is None
        assert time.monotonic() - began < WAIT_S + BUSY_S


def test_that_one_setting_is_unknown_is_no_answer_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "WAIT_S", 1.0)
    with TextPortal(tmp_path / "bus", text_of(1.5), slow=(GNOME,)) as portal:
        assert text_scale(at(portal)) is None


def test_what_has_been_answered_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "WAIT_S", 1.0)
    with TextPortal(tmp_path / "bus", text_of(1.5), slow=(KDE,)) as portal:
        assert text_scale(at(portal)) == 1.5


@pytest.fixture
def odd_bus(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "odd"))
        listening.listen()
        yield listening


def test_a_bus_that_says_nothing_is_not_waited_for(odd_bus: socket.socket) -> None:
    environ = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={odd_bus.getsockname()}"}
    text_scale(environ)
    began = time.monotonic()
    assert text_scale(environ) is None
    assert time.monotonic() - began < WAIT_S + BUSY_S


def says(listening: socket.socket, *lines: bytes) -> socket.socket:
    """A connection to a bus that says one of these after each line that it is told."""
    connection, _ = listening.accept()
    for each in lines:
        while b"\r\n" not in connection.recv(1024):
            pass
        connection.sendall(each)
    return connection


def test_a_bus_that_trickles_is_not_waited_for(odd_bus: socket.socket) -> None:
    ended = threading.Event()
    # A message that is never whole.
    long = b"l\x02\x00\x01\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x00\x00"

    def trickle() -> None:
        with says(odd_bus, b"OK 1234\r\n", long) as connection, contextlib.suppress(OSError):
            while not ended.wait(0.02):
                connection.sendall(b"\0")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        began = time.monotonic()
        assert text_scale({"DBUS_SESSION_BUS_ADDRESS": f"unix:path={odd_bus.getsockname()}"}) is None
        assert time.monotonic() - began < WAIT_S + BUSY_S
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("said", [(), (b"REJECTED\r\n",), (b"OK 1234\r\n",), (b"OK 1234\r\n", b"\xff" * 64)])
def test_a_bus_that_talks_nonsense_says_nothing(
    patient: None, odd_bus: socket.socket, said: tuple[bytes, ...]
) -> None:
    thread = threading.Thread(target=lambda: says(odd_bus, *said).close())
    thread.start()
    assert text_scale({"DBUS_SESSION_BUS_ADDRESS": f"unix:path={odd_bus.getsockname()}"}) == 1.0
    thread.join()


@pytest.mark.parametrize("address", ["", "nonsense", "unix:path=/nowhere/bus", "tcp:host=127.0.0.1,port=1", "unix:"])
def test_without_a_bus_it_is_the_usual_size(address: str) -> None:
    assert text_scale({"DBUS_SESSION_BUS_ADDRESS": address}) == text_scale({}) == 1.0


# Qt


def ratio(folder: Path, **variables: str) -> float:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("QT_", "XDG_", "WAYLAND_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STARTED, str(folder)],
        env={**plain, **variables},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def test_an_environment_that_says_a_scale_wins(tmp_path: Path) -> None:
    with TextPortal(tmp_path / "bus", text_of(1.5)) as portal:
        assert ratio(tmp_path, **at(portal)) == 1.5
        assert ratio(tmp_path, **at(portal), QT_SCALE_FACTOR="2") == 2.0


def test_a_display_that_is_scaled_by_the_desktop_is_not_scaled_twice(tmp_path: Path) -> None:
    """GNOME on X11: its own service makes the display's resolution larger, and Qt follows that by itself."""
    with Display(tmp_path / "log", tray=False) as display, TextPortal(tmp_path / "bus", text_of(1.5)) as portal:
        variables = {"DISPLAY": display.name, "DBUS_SESSION_BUS_ADDRESS": portal.address}
        assert ratio(tmp_path / "plain", **variables) == 1.0
        subprocess.run(
            ["xrdb", "-merge"], input=b"Xft.dpi:\t144\n", env={**os.environ, "DISPLAY": display.name}, check=True
        )
        assert ratio(tmp_path / "scaled", **variables) == 1.5


@pytest.mark.parametrize(
    ("session", "scale"),
    [
        ({"DISPLAY": ":1"}, 1.3),
        ({"QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": "wayland-0"}, 1.3),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":1"}, 1.95),
        ({"XDG_SESSION_TYPE": "wayland"}, 1.95),
        ({"QT_QPA_PLATFORM": "wayland"}, 1.95),
    ],
)
def test_only_waylands_windows_take_gnomes_factor(
    patient: None, tmp_path: Path, session: dict[str, str], scale: float
) -> None:
    """Under X11 the display has it."""
    with TextPortal(tmp_path / "bus", text_of(1.5) | {KDE: ("s", "Noto Sans,13,-1")}) as portal:
        assert text_scale({"DBUS_SESSION_BUS_ADDRESS": portal.address, **session}) == pytest.approx(scale)
