"""Tasks that someone keeps: none is collected while it runs, none outlives its owner, no error is lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class KeptTasks:
    """`report` is told each task's error, once."""

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = False

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start a task; after `end` nothing is started any more."""
        if self._ended:
            coroutine.close()
            return
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    async def end(self) -> None:
        """Cancel all but the one that asks, and wait until they have let go."""
        self._ended = True
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error)
