"""Processes that are forked where everything they import lies ready.

To import it takes a second of a gateway's start, and five of a provider's, whose official SDKs are large; a run of all
tests starts hundreds. What is forked is a process of its own all the same, with its own memory, descriptors, variables
and end, and it runs a module as `python -m` does. How a start is for a user, imports and all, is tested where nothing is
forked: tests/test_serve.py, tests/test_cli_streams.py, tests/window/test_starts.py.

`python -m tests.nursery FD MODULE…` is the place itself: it imports the modules, and ends when the other side of the
socket FD is closed.

What an interpreter takes up as it starts is the nursery's: variables for Python, the locale, the seed of hashes. So a
gateway and the one that follows it on the same folder hash alike here, and not for a user.
"""

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[1]
# Where what a child is given lies until all of it has its place; no descriptor of a test is as high.
_ASIDE = 700


class Nursery:
    """Where processes of some modules are forked. It is started with the first of them, and ends with this process.

    `flags` are the interpreter's; `modules` are imported before anything is forked.
    """

    def __init__(self, flags: Sequence[str], modules: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, *flags, "-m", "tests.nursery", str(theirs.fileno()), *modules]
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                # A process with threads cannot be forked safely, and numpy's library would start some.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        atexit.register(self._close)

    def _close(self) -> None:
        self._control.close()
        self._process.wait()

    def fork(
        self, module: str, words: Sequence[str], environment: Mapping[str, str], descriptors: Mapping[int, int]
    ) -> "Forked":
        """`descriptors`: which of ours is which of the child's; it has no others. Raises ValueError for variables that
        would say nothing."""
        pythons = {name: value for name, value in environment.items() if name.startswith("PYTHON")}
        if late := [name for name, value in pythons.items() if os.environ.get(name) != value]:
            raise ValueError(f"Read before anything is forked, so start a process of its own: {', '.join(late)}.")
        channel, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"+"], [theirs.fileno(), *descriptors.values()])
        order = {
            "module": module,
            "words": list(words),
            "environment": dict(environment),
            "descriptors": list(descriptors),
        }
        channel.sendall(json.dumps(order).encode() + b"\n")
        return Forked(channel)

    def run(
        self, module: str, words: Sequence[str], environment: Mapping[str, str], stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Until it has ended, or all patience has."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode())
            given.seek(0)
            forked = self.fork(module, words, environment, {0: given.fileno(), 1: out.fileno(), 2: err.fileno()})
            try:
                code = forked.wait(PATIENCE_S)
            finally:
                forked.kill()
            return subprocess.CompletedProcess([module, *words], code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@cache
def nursery(*modules: str, flags: tuple[str, ...] = ()) -> Nursery:
    """One for each set of modules."""
    return Nursery(flags, modules)


def commands() -> Nursery:
    """Of `gateway`, the commands that need no window."""
    names = ("serve", "api_key", "provider", "export", "check", "reconcile", "prune", "doctor")
    modules = ("gateway.cli", "gateway.gateway", *(f"gateway.commands.{name}" for name in names))
    # The last three are imported late by a gateway, the last one to make its databases.
    return nursery(*modules, "uvloop", "genai_prices.data", "sqlite_utils", flags=("-W", "error"))


class Forked:
    """A child of a nursery, in the words of `subprocess.Popen`."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._code: int | None = None
        self.pid = int(self._line())

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            piece = self._channel.recv(1)
            if not piece:
                raise RuntimeError("The nursery is gone.")
            line += piece
        return line

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal's number. Raises TimeoutError."""
        if self._code is None:
            self._channel.settimeout(timeout)
            self._code = int(self._line())
            self._channel.close()
        return self._code

    def poll(self) -> int | None:
        if self._code is None and select.select([self._channel], [], [], 0)[0]:
            self.wait()
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Does not wait; without an effect on one that has ended."""
        self.send_signal(signal.SIGKILL)


# What follows is the nursery's own process.


def _tend(control: socket.socket) -> list[int] | None:
    """Fork as told, and tell how each child ended. In a child its descriptors, in the nursery None at its end."""
    ended, waker = socket.socketpair()
    with ended, waker:
        waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        channels: dict[int, socket.socket] = {}
        while True:
            ready, _, _ = select.select([control, ended], [], [])
            if ended in ready:
                ended.recv(4096)
                _tell_of_ends(channels)
            if control not in ready:
                continue
            told, descriptors, _, _ = socket.recv_fds(control, 1, 16)
            if not told:
                return None
            child = os.fork()
            if not child:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for channel in channels.values():
                    channel.close()
                return descriptors
            channels[child] = socket.socket(fileno=descriptors[0])
            channels[child].sendall(b"%d\n" % child)
            for descriptor in descriptors[1:]:
                os.close(descriptor)


def _tell_of_ends(channels: dict[int, socket.socket]) -> None:
    while channels:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with channels.pop(child) as channel, contextlib.suppress(OSError):
            channel.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(descriptors: list[int]) -> None:
    """Read what this child is to be, and be it."""
    channel, *given = (fcntl.fcntl(number, fcntl.F_DUPFD, _ASIDE) for number in descriptors)
    for number in descriptors:
        os.close(number)
    with socket.socket(fileno=channel) as read, read.makefile("rb") as lines:
        order = json.loads(lines.readline())
    for number, target in zip(given, order["descriptors"], strict=True):
        os.dup2(number, target)
        os.close(number)
    _open_streams()
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.argv[1:] = order["words"]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def _open_streams() -> None:
    """The nursery's own know by now what they lead to, whether it can seek for one."""
    code = sys.getfilesystemencoding()
    sys.stdin = sys.__stdin__ = open(0, encoding=code, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding=code, closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding=code, errors="backslashreplace", closefd=False)  # noqa: SIM115


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as control:
        for name in sys.argv[2:]:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
        descriptors = _tend(control)
    if descriptors is not None:
        _become(descriptors)


if __name__ == "__main__":
    main()
