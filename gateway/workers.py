"""The threads of one gateway for what blocks: SQL, keyring, price table, files. Its loop never waits for them.

What takes minutes has threads of its own: an export, a clean-up and the settling together would take all of those
that answer pages and look after keys.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from gateway.errors import FaregateError
from gateway.schema import unusable
from gateway.store.asking import Asking

QUICK_THREADS, LONG_THREADS = 4, 8

# How much is done, and of how much.
Progress = Callable[[int, int], None]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Workers:
    """`folder` is named where one of its databases cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pool = ThreadPoolExecutor(max_workers=QUICK_THREADS, thread_name_prefix="faregate")
        self.long_pool = ThreadPoolExecutor(max_workers=LONG_THREADS, thread_name_prefix="faregate-long")

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run in a worker thread; its reads stop where the task that asks is cancelled. Raises FaregateError where
        SQLite cannot go on."""
        return await self._run(self.pool, partial(call, *args, **kwargs))

    async def run_long(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The same for what may take minutes: nothing that `run` is asked for waits for it."""
        return await self._run(self.long_pool, partial(call, *args, **kwargs))

    async def run_until_cancelled(self, call: Callable[[Progress], _T], progress: Progress | None = None) -> _T:
        """The same, and it ends at the next step once nobody waits any more."""
        left = threading.Event()

        def told(done: int, total: int) -> None:
            if left.is_set():
                raise FaregateError("It was given up.")
            if progress is not None:
                progress(done, total)

        try:
            return await self.run_long(call, told)
        except asyncio.CancelledError:
            left.set()
            raise

    async def _run(self, threads: Executor, call: Callable[[], _T]) -> _T:
        asking = Asking()
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, asking.ask, call)
        except asyncio.CancelledError:
            asking.drop()
            raise
        except sqlite3.Error as error:
            raise unusable(self._folder, error) from None

    async def close(self) -> None:
        """What runs is waited for."""
        for pool in (self.long_pool, self.pool):
            await asyncio.to_thread(pool.shutdown, wait=True)
