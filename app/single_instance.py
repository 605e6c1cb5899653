"""One window for each data folder: a second start asks the first to come to the front, and ends. One that
nobody asked for, at login, only asks whether there is a first.

The two meet at a local socket inside the folder (which only its owner can enter), or, where that path is too long for
a socket, under a name made of the folder's path. The folder's lock decides who is first; the socket only carries the
call, so a socket left behind by a crash is taken over.
"""

import hashlib
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_LONGEST = 100
_CALL = b"raise\n"
_ASK = b"there?\n"
_WAIT_MS = 1000
# Who listens may still be building its window, or the machine be busy.
_ANSWER_MS = 15_000


def socket_name(folder: Path) -> str:
    """Where a folder's window listens."""
    inside = str(folder / "window.sock")
    if sys.platform != "win32" and len(inside.encode()) <= _LONGEST:
        return inside
    return f"faregate-{hashlib.sha256(str(folder).encode()).hexdigest()[:24]}"


def call_first(folder: Path, *, to_front: bool = True) -> bool:
    """Ask the folder's window to come to the front, or only whether it is there; False where none answers."""
    socket = QLocalSocket()
    socket.connectToServer(socket_name(folder))
    if not socket.waitForConnected(_WAIT_MS):
        return False
    socket.write(_CALL if to_front else _ASK)
    answered = socket.waitForBytesWritten(_WAIT_MS) and socket.waitForReadyRead(_ANSWER_MS)
    socket.disconnectFromServer()
    return answered


class FirstInstance(QObject):
    """`called` when a second start asks for the window. Make it only while the folder's lock is held."""

    called = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = socket_name(folder)
        self._sockets: list[QLocalSocket] = []
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        QLocalServer.removeServer(self._name)
        self.listening = self._server.listen(self._name)

    def close(self) -> None:
        self._server.close()

    def _on_connection(self) -> None:
        while self._server.hasPendingConnections():
            socket = self._server.nextPendingConnection()
            # Bound methods are held weakly: a lambda would keep this object alive from within its own child.
            self._sockets.append(socket)
            socket.readyRead.connect(self._read)
            socket.disconnected.connect(self._drop)
        self._read()

    def _read(self) -> None:
        for socket in self._sockets:
            asked = bytes(socket.readAll().data())
            if asked == _CALL:
                self.called.emit()
            if asked in (_CALL, _ASK):
                socket.write(b"heard\n")
                socket.flush()

    def _drop(self) -> None:
        for socket in tuple(self._sockets):
            if socket.state() == QLocalSocket.LocalSocketState.UnconnectedState:
                self._sockets.remove(socket)
                socket.deleteLater()
