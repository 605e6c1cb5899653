"""`faregate` as a person runs it: a process of its own on a real display, worked by mouse and keyboard from outside."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from gateway.folder import DataFolder
from gateway.keys.access import AccessKeys
from tests.nursery import Forked, nursery
from tests.waiting import PATIENCE_S, wait_until
from tests.window.display import Display

ROOT = Path(__file__).parents[2]
API = "/api/ai/v1"
_TYPED_S = PATIENCE_S / 4


class RealApp:
    """`with RealApp(display, home) as app:` runs it, and ends it in order: exit code 0, nothing on standard error.

    `words` are those of `faregate`; `variables` of its environment.
    """

    module = "tests.window.probe"
    # What it need not import where it starts, which is more than half of a start. Empty: it starts as for a user.
    ready: tuple[str, ...] = (
        "app.window_process",
        "app.launch",
        "app.display",
        "gateway.gateway",
        "genai_prices.data",
        "sqlite_utils",
        "tests.window.questions",
    )

    def __init__(self, display: Display, home: Path, *words: str, **variables: str) -> None:
        self.display = display
        self.home = home
        self._words = words
        self._variables = {"FAREGATE_HOME": str(home), "FAREGATE_PORT": "0", "TZ": "Europe/Berlin", **variables}
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._channel: Any = None
        self.printed = home.parent / f"{home.name}.out"
        self.errors = home.parent / f"{home.name}.err"

    # life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if self._process is None:
            return
        if kind is not None:
            picture = self.home.parent / "failed.png"
            self.display.picture(picture)
            self.kill()
            print(f"See {picture}. The app said: {self.errors.read_text()}", file=sys.stderr)
            return
        self.process.send_signal(signal.SIGTERM)
        self.ended()

    def start(self) -> None:
        """Raises TimeoutError where the window does not answer."""
        ours, theirs = socket.socketpair()
        flags = ("-W", "error", "-X", "faulthandler")
        with self.printed.open("wb") as printed, self.errors.open("wb") as errors, theirs:
            words = [str(theirs.fileno()), *self._words]
            variables = self.display.environment() | self._variables
            if self.ready:
                given = {1: printed.fileno(), 2: errors.fileno(), theirs.fileno(): theirs.fileno()}
                self._process = nursery(*self.ready, flags=flags).fork(self.module, words, variables, given)
            else:
                self._process = subprocess.Popen(
                    [sys.executable, *flags, "-m", self.module, *words],
                    cwd=ROOT,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=errors,
                    pass_fds=(theirs.fileno(),),
                )
        ours.settimeout(PATIENCE_S)
        self._channel = ours.makefile("rwb")
        ours.close()
        wait_until(lambda: self.ask("state") != "Starting" and self.ask("page"), what="The window")
        self.focus()

    @property
    def process(self) -> subprocess.Popen[bytes] | Forked:
        assert self._process is not None
        return self._process

    def ended(self, code: int = 0) -> None:
        """Wait for the end, which must be an orderly one."""
        found = self.process.wait(timeout=PATIENCE_S)
        self._let_go()
        said = self.errors.read_text()
        assert (found, said) == (code, ""), f"exit code {found}, and it said: {said}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._let_go()

    def _let_go(self) -> None:
        self._process = None
        with contextlib.suppress(OSError):
            self._channel.close()

    # what it shows

    def ask(self, question: str, **arguments: object) -> Any:
        """Raises LookupError where the window cannot answer."""
        try:
            self._channel.write(json.dumps({"question": question, "arguments": arguments}).encode() + b"\n")
            self._channel.flush()
            line = self._channel.readline()
        except OSError as error:
            raise AssertionError(f"The window is gone ({error}): {self.errors.read_text()}") from error
        assert line, f"The window is gone: {self.errors.read_text()}"
        answer = json.loads(line)
        if "problem" in answer:
            raise LookupError(answer["problem"])
        return answer["answer"]

    def wait_for(
        self, question: str, wanted: object = True, seconds: float = PATIENCE_S, **arguments: object
    ) -> None:
        """Until the answer is `wanted`."""
        last: object = None

        def holds() -> bool:
            nonlocal last
            try:
                last = self.ask(question, **arguments)
            except LookupError as error:
                last = error
            return last == wanted

        try:
            wait_until(holds, seconds)
        except TimeoutError:
            raise AssertionError(
                f"{question} {arguments} was {last!r} and not {wanted!r} for {seconds:g} s"
            ) from None

    def wait_for_window(self, kind: str, wanted: bool = True) -> None:
        """Until there is a window of this class, or none."""
        wait_until(lambda: any(window["class"] == kind for window in self.ask("windows")) is wanted, what=kind)

    def find(self, question: str, seconds: float = PATIENCE_S, **arguments: object) -> tuple[int, int]:
        """A place, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                x, y = self.ask(question, **arguments)
                return x, y
            except LookupError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.03)

    # what is done to it

    def focus(self) -> None:
        """The keyboard goes to the main window, or to the dialog that stands before it."""
        frames = [
            window for window in self.ask("windows") if window["class"] in ("Window", "QFileDialog", "QMessageBox")
        ]
        if frames:
            self.display.focus(max(frames, key=lambda window: window["class"] != "Window")["id"])

    def fill_screen(self, size: tuple[int, int]) -> None:
        """The main window over the whole screen, as a window manager maximises it."""
        window = next(window for window in self.ask("windows") if window["class"] == "Window")
        self.display.resize(window["id"], *size)
        wait_until(lambda: self.ask("window_size") == list(size), what="The size")

    def click(self, name: str, within: str | None = None, button: int = 1) -> None:
        self.display.click(*self.find("place", name=name, within=within), button)

    def click_on(self, question: str, **arguments: object) -> None:
        """A click on any place that can be asked for."""
        self.display.click(*self.find(question, **arguments))

    def write(self, name: str, text: str) -> None:
        """Click into a field, and type over what it says."""
        self.click(name)
        self.display.press("ctrl+a")
        self.display.type(text)

    def filter_by_tag(self, key: str, *values: str) -> None:
        """Choose values of a tag in the popover behind "Add filter"."""
        self.click("filter.add")
        for entry in (key, *values):
            self.click_on("place_in_list", text=entry)
        self.display.press("Escape")
        self.wait_for("shown", False, name="filterPopover")
        self.focus()

    def clear_filters(self) -> None:
        """Press the crosses of all chips."""
        while chips := self.ask("chips"):
            self.click_on("place_of_chip_cross")
            self.wait_for("chips", chips[1:])

    def save_as(self, path: Path) -> None:
        """Type a path into the file dialog that is open."""
        self.wait_for_window("QFileDialog")
        self.give_path(path, self._asks_for_nothing)
        self.wait_for_window("QFileDialog", False)
        self.focus()

    def open_file(self, path: Path) -> None:
        """Type a path into the dialog that asks for a file."""
        wait_until(lambda: not self._asks_for_nothing(), what="The dialog")
        self.give_path(path, self._asks_for_nothing)
        self.focus()

    def _asks_for_nothing(self) -> bool:
        return not self.ask("dialogs")

    def give_path(self, path: Path, taken: Callable[[], bool]) -> None:
        """Type a path into the file dialog until it is `taken`. The dialog completes paths meanwhile: it may follow
        one, or take Return for the list of those that it offers."""
        self.focus()

        def done() -> bool:
            if not taken():
                self.write("fileNameEdit", str(path))
                with contextlib.suppress(AssertionError, TimeoutError):
                    # Only when all of it has arrived: a part of a path is a folder, which is gone into.
                    self.wait_for("text", str(path), _TYPED_S, name="fileNameEdit")
                    self.display.press("Return")
                    wait_until(taken, _TYPED_S)
            return taken()

        wait_until(done, PATIENCE_S, "The end of the dialog")

    def leave_dialogs(self) -> None:
        """Those that a test before left open."""

        def left() -> bool:
            if self._asks_for_nothing():
                return True
            self.focus()
            self.display.press("Escape")
            return False

        wait_until(left, what="The end of a dialog", pause=0.2)
        self.focus()

    # its gateway

    @property
    def url(self) -> str:
        return f"http://{self.ask('address')}"

    def api(self, path: str, key: str, body: Any = None, **more: Any) -> Any:
        """What the gateway answers as JSON; raises AssertionError for anything but 200."""
        status, answer, _ = call(self.url, f"{API}{path}", key, body, **more)
        assert status == 200, answer
        return json.loads(answer)

    def usage(self, what: str, key: str, **parameters: object) -> Any:
        """The usage API; a list is a parameter given several times."""
        return self.api(f"/usage/{what}?{urlencode(parameters, doseq=True)}", key)


def new_key(home: Path, role: str = "admin") -> str:
    """A key that is there before the app starts."""
    with contextlib.closing(AccessKeys(DataFolder(home))) as keys:
        return keys.create("test", role, "ana").key


def call(
    url: str,
    path: str,
    key: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str | None = None,
) -> tuple[int, bytes, Mapping[str, str]]:
    """One request on a connection of its own: status, all of the answer, headers. `method` is GET or, with a body, POST
    where it is not given. Raises OSError where none answers."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S)
    try:
        sent = {"Authorization": f"Bearer {key}", **(headers or {})}
        data = None if body is None else json.dumps(body).encode()
        connection.request(method or ("GET" if body is None else "POST"), path, data, sent)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
