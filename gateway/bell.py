"""What has changed, told at most four times a second, so that a window may simply look again."""

import asyncio
from collections.abc import Callable

from gateway.records import Changes

TOLD_EVERY_S = 0.25


class Bell:
    """`tell` is called on the loop that called `open`, with all that was noted since it was last called."""

    def __init__(self, tell: Callable[[Changes], None]) -> None:
        self._tell = tell
        self._pending = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """What is not told yet is told no more."""
        if self._timer is not None:
            self._timer.cancel()

    def note(self, changes: Changes) -> None:
        """A state is told at once, and with it what waits."""
        self._pending |= changes
        if changes.state:
            self._ring()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOLD_EVERY_S, self._ring)

    def note_from_thread(self, changes: Changes) -> None:
        """The same from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.note, changes)

    def _ring(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        told, self._pending = self._pending, Changes()
        if told != Changes():
            self._tell(told)
