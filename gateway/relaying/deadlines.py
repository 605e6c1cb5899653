"""Deadlines of running exchanges, kept by one ticker instead of a timer each.

A timer per request costs a Qt timer under the window's loop, and a cancelled one stays armed. Here a task says how
long its next wait may last; a sweep four times a second cancels those that are late and leaves word why, so that
the task can tell its own deadline from a client that went away.
"""

import asyncio
import time
from types import TracebackType

SWEEP_S = 0.25


class Deadline:
    """One exchange's. `expired` is the name of the limit that was passed, None while none was."""

    __slots__ = ("_at", "_owner", "_reason", "_task", "_total_at", "expired")

    def __init__(self, owner: "Deadlines", task: "asyncio.Task[object]", total_s: float) -> None:
        self._owner = owner
        self._task = task
        self._total_at = time.monotonic() + total_s
        self._at = self._total_at
        self._reason = "total"
        self.expired: str | None = None

    def within(self, seconds: float, reason: str) -> None:
        """From now on, the task's wait ends after `seconds`, or at the total limit if that comes first.

        Cheap enough for every chunk of a stream.
        """
        at = time.monotonic() + seconds
        if at < self._total_at:
            self._at, self._reason = at, reason
        else:
            self._at, self._reason = self._total_at, "total"

    def off(self) -> None:
        """No limit but the total one: the wait is the client's, not the provider's."""
        self._at, self._reason = self._total_at, "total"

    def check(self, now: float) -> None:
        if now >= self._at and self.expired is None:
            self.expired = self._reason
            self._task.cancel()

    def __enter__(self) -> "Deadline":
        self._owner.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.discard(self)


class Deadlines:
    """All running deadlines and their ticker, which sleeps while there are none."""

    def __init__(self) -> None:
        self._running: set[Deadline] = set()
        self._ticker: asyncio.TimerHandle | None = None

    def start(self, total_s: float) -> Deadline:
        """A deadline for the current task; use it as a context manager."""
        task = asyncio.current_task()
        assert task is not None
        return Deadline(self, task, total_s)

    def add(self, deadline: Deadline) -> None:
        self._running.add(deadline)
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def discard(self, deadline: Deadline) -> None:
        self._running.discard(deadline)

    def close(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    def _sweep(self) -> None:
        now = time.monotonic()
        for deadline in tuple(self._running):
            deadline.check(now)
        self._ticker = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep) if self._running else None
