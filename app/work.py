"""Work that takes long, in one place for the whole window: what runs, how far it is, and the way to cancel it.

A page wraps its call in `run`; the strip at the window's foot (`work_strip`) shows every job. Progress may be told
from any thread: it is two numbers that the strip looks at, some times a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

_T = TypeVar("_T")


class Job:
    """One piece of work. `unit` names what is counted ("rows"); `total` is None until it is known. `waits` says what
    it waits for, until it has begun."""

    def __init__(self, title: str, unit: str, task: "asyncio.Task[Any] | None") -> None:
        self.title = title
        self.unit = unit
        self.done = 0
        self.total: int | None = None
        self.waits = ""
        self.cancelled = False
        self._task = task

    def told(self, done: int, total: int | None = None) -> None:
        """How far it is; from any thread."""
        self.waits = ""
        self.done = done
        if total is not None:
            self.total = total

    def cancel(self) -> None:
        """End it; what it has begun is undone or left off as its own call says."""
        if not self.cancelled and self._task is not None:
            self.cancelled = True
            self._task.cancel()


class Work(QObject):
    """`changed` when a job begins or ends."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Those that run, oldest first."""
        return tuple(self._jobs)

    async def run(self, title: str, unit: str, work: Callable[[Job], Awaitable[_T]]) -> _T | None:
        """The work's result, None where the person cancelled it. Its errors, and a cancelling from elsewhere (the
        page's gateway goes), are the caller's."""
        task = asyncio.current_task()
        job = Job(title, unit, task)
        self._jobs.append(job)
        self.changed.emit()
        try:
            return await work(job)
        except asyncio.CancelledError:
            if not job.cancelled or task is None or task.uncancel():
                raise
            return None
        finally:
            self._jobs.remove(job)
            self.changed.emit()
