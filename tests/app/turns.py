"""`AppContext.spawn` for tests that care when things happen: nothing runs before the test lets a later turn come."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Turns:
    """`waiting` is what was spawned and has not run; an error in it is raised by `run`."""

    def __init__(self) -> None:
        self.waiting: list[Coroutine[Any, Any, Any]] = []

    def __call__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.waiting.append(coroutine)

    def run(self) -> None:
        """Runs all that was spawned, and what that spawns, in order."""
        while self.waiting:
            asyncio.run(self.waiting.pop(0))

    def close(self) -> None:
        for coroutine in self.waiting:
            coroutine.close()
        self.waiting.clear()
