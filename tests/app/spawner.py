"""`AppContext.spawn` for tests without a loop: a coroutine that waits for nothing real is run to its end at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Spawner:
    """Errors are kept, and raised by `check`; a test that expects one takes it out of `errors`."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def __call__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._run(coroutine)
        else:
            task = loop.create_task(coroutine)
            task.add_done_callback(self._on_done)

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            asyncio.run(coroutine)
        except Exception as error:
            self.errors.append(error)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.errors.append(task.exception())  # type: ignore[arg-type]

    def check(self) -> None:
        if self.errors:
            raise self.errors[0]
