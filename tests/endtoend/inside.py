"""A gateway in this process, with a store of conversations that only keeps what it is told."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from gateway import DataFolder, Gateway, load_settings
from gateway.capture.capture import Capture
from gateway.told import Told
from tests.endtoend.serving import Served, wait_until


class Kept:
    """A store of conversations that only keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def put(self, told: Told) -> bool:
        self.told.append(told)
        return True


class Inside(Served):
    """A gateway on a loop of a thread here, asked as `Served` asks one in a process of its own."""

    def __init__(self, folder: Path, config: str = "", **variables: str) -> None:
        super().__init__(folder, **variables)
        self.kept = Kept()
        self._config = config
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self) -> None:
        self.folder.mkdir()
        (self.folder / "config.toml").write_text(self._config)
        environ = {"FAREGATE_VAULT": "memory", "FAREGATE_PORT": "0", **self._variables}
        settings = load_settings(self.folder, environ)
        self.gateway = Gateway(DataFolder(self.folder), settings)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.gateway.start(), self._loop).result(60)
        self.capture._threads = self.kept
        self.url = self.gateway.state.url

    def __exit__(self, *_exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self.gateway.close(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def key(self, role: str = "execute", **more: Any) -> str:
        name = more.get("name", role)
        if name not in self._keys:
            made = self.gateway.create_api_key(name, role=role)
            self._keys[name] = asyncio.run_coroutine_threadsafe(made, self._loop).result(60).key
        return self._keys[name]

    @property
    def capture(self) -> Capture:
        assert self.gateway._parts.capture is not None
        return self.gateway._parts.capture

    def last_told(self) -> Told:
        """Of what the client has had the last byte of."""
        return self.all_told()[-1]

    def all_told(self) -> list[Told]:
        wait_until(lambda: not self.gateway._parts.arrivals.running)
        assert self.capture.flush(60)
        return self.kept.told
