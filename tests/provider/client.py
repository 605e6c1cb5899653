"""Starts the independent provider for a test, and reads its ledger."""

import json
import os
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.nursery import Forked, nursery
from tests.waiting import PATIENCE_S


class ProviderProcess:
    """A running provider: `base_urls` by provider name, `url` of its root, `pid`.

    `with ProviderProcess(tmp_path / "ledger.jsonl", seed=3) as provider: …`
    """

    def __init__(self, ledger: Path, *, seed: int = 1, port: int = 0) -> None:
        self._path = ledger
        self._seed = seed
        self._port = port
        self._process: Forked | None = None
        self.base_urls: dict[str, str] = {}
        self.url = ""
        # Of the file so far: the bytes that were read, what they say, and how much of that `fresh` has given.
        self._read = 0
        self._entries: list[dict[str, Any]] = []
        self._told = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Raises RuntimeError where the process ends before it is ready."""
        words = ["--port", str(self._port), "--ledger", str(self._path), "--seed", str(self._seed)]
        reading, writing = os.pipe()
        with open(reading) as said:
            try:
                place = nursery("tests.provider.server")
                self._process = place.fork("tests.provider", words, os.environ, {1: writing, 2: 2})
            finally:
                os.close(writing)
            line = said.readline()
        if not line:
            code = self._process.wait()
            self.stop()
            raise RuntimeError(f"The provider ended with code {code} before it was ready.")
        ready = json.loads(line)
        self.base_urls = ready["base_urls"]
        self.url = f"http://127.0.0.1:{ready['port']}"

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=PATIENCE_S)
        except TimeoutError:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """At once: what it was answering is in no ledger. A later `start` is on the same port."""
        assert self._process is not None
        self._port = int(self.url.rpartition(":")[2])
        self._process.kill()
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def order(self, behaviour: str, *, provider: str | None = None, times: int = 1, value: int | None = None) -> None:
        """The next `times` calls (of one provider, or of any) behave so."""
        self._post({"behaviour": behaviour, "provider": provider, "times": times, "value": value})

    def clear(self) -> None:
        self._post({"clear": True})

    def open(self) -> int:
        """Calls that are being answered right now."""
        with urllib.request.urlopen(f"{self.url}/control/open", timeout=PATIENCE_S) as answer:
            return int(json.load(answer)["open"])

    def wait_idle(self, timeout_s: float = PATIENCE_S) -> None:
        """Until no call is open. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        while still := self.open():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{still} calls are still open at the provider.")
            time.sleep(0.02)

    def ledger(self, *, wait: bool = True) -> list[dict[str, Any]]:
        """All entries so far, oldest first; see `ledger.Entry` for the fields. Waits until no call is open."""
        if wait:
            self.wait_idle()
        with self._path.open("rb") as file:
            file.seek(self._read)
            # What is being written is read when it is whole.
            data = file.read().rpartition(b"\n")[0]
        if data:
            self._read += len(data) + 1
            # Bytes: str.splitlines would also cut at the U+2028 that the answers hold.
            self._entries += [json.loads(line) for line in data.split(b"\n") if line]
        return list(self._entries)

    def fresh(self) -> list[dict[str, Any]]:
        """The entries since the last call of this, oldest first. Waits until no call is open."""
        entries = self.ledger()[self._told :]
        self._told += len(entries)
        return entries

    def _post(self, order: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.url}/control", data=json.dumps(order).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            answer.read()
