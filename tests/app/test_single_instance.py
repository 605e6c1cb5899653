"""A second start calls the first one's window, and does not mind what a crash left behind."""

import socket
import subprocess
import sys
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.single_instance import FirstInstance, call_first, socket_name

CALLER = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.single_instance import call_first
app = QCoreApplication([])
sys.exit(not call_first(Path(sys.argv[1]), to_front=sys.argv[2:] != ["quietly"]))
"""


def test_the_first_is_called(qtbot: QtBot, tmp_path: Path) -> None:
    first = FirstInstance(tmp_path)
    assert first.listening
    with qtbot.waitSignal(first.called):
        caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path)])
    qtbot.waitUntil(lambda: caller.poll() is not None)
    assert caller.returncode == 0
    assert Path(socket_name(tmp_path)).stat().st_mode & 0o077 == 0, "only the owner may call"
    first.close()
    assert not call_first(tmp_path)


def test_what_starts_at_login_beside_the_first_leaves_its_window_where_it_is(qtbot: QtBot, tmp_path: Path) -> None:
    """A session may be restored, and its entries started besides."""
    first = FirstInstance(tmp_path)
    called: list[bool] = []
    first.called.connect(lambda: called.append(True))
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(tmp_path), "quietly"])
    qtbot.waitUntil(lambda: caller.poll() is not None)
    assert (caller.returncode, called) == (0, [])
    first.close()


def test_a_socket_left_behind_is_taken_over(qtbot: QtBot, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(socket_name(tmp_path))
    assert not call_first(tmp_path)
    first = FirstInstance(tmp_path)
    assert first.listening
    first.close()


def test_noise_on_the_socket_calls_nobody(qtbot: QtBot, tmp_path: Path) -> None:
    first = FirstInstance(tmp_path)
    called: list[None] = []
    first.called.connect(lambda: called.append(None))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(socket_name(tmp_path))
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        qtbot.wait(100)
    assert called == []
    first.close()


def test_folders_are_told_apart_and_long_paths_have_a_name_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    names = {socket_name(tmp_path), socket_name(tmp_path / "demo"), socket_name(deep)}
    assert len(names) == 3
    assert len(socket_name(deep)) < 60
