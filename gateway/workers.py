"""The threads of one gateway for what blocks: SQL, keyring, price table, files. Its loop never waits for them."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from gateway.errors import FaregateError
from gateway.schema import unusable
from gateway.store.asking import Asking

# How much is done, and of how much.
Progress = Callable[[int, int], None]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Workers:
    """`folder` is named where one of its databases cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="faregate")

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run in a worker thread; its reads stop where the task that asks is cancelled. Raises FaregateError where
        SQLite cannot go on."""
        asking = Asking()
        run = partial(asking.ask, call, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, run)
        except asyncio.CancelledError:
            asking.drop()
            raise
        except sqlite3.Error as error:
            raise unusable(self._folder, error) from None

    async def run_until_cancelled(self, call: Callable[[Progress], _T], progress: Progress | None = None) -> _T:
        """Run in a worker thread, and end there at the next step once nobody waits any more."""
        left = threading.Event()

        def told(done: int, total: int) -> None:
            if left.is_set():
                raise FaregateError("It was given up.")
            if progress is not None:
                progress(done, total)

        try:
            return await self.run(call, told)
        except asyncio.CancelledError:
            left.set()
            raise

    def close(self) -> None:
        """What runs is waited for."""
        self.pool.shutdown(wait=True)
