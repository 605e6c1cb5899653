"""One call at a time that tries a door, and may be given up."""

import asyncio
from collections.abc import Awaitable

from app.known_errors import KNOWN_ERRORS
from gateway import DoorTrial


class Trying:
    def __init__(self) -> None:
        self._running: asyncio.Future[tuple[DoorTrial]] | None = None

    @property
    def running(self) -> bool:
        return self._running is not None

    def begin(self, call: Awaitable[DoorTrial]) -> None:
        """Make a call; within a task."""
        self._running = asyncio.gather(call)

    async def end(self) -> DoorTrial | None:
        """What became of it; None where it was given up. A cancelling from elsewhere (the page's gateway goes) is the
        caller's."""
        mine = self._running
        assert mine is not None
        try:
            (trial,) = await mine
        except asyncio.CancelledError:
            if self._running is mine:
                raise
            return None
        except KNOWN_ERRORS as error:
            trial = DoorTrial(ok=False, message=str(error))
        if self._running is not mine:
            return None
        self._running = None
        return trial

    def give_up(self) -> bool:
        """Break it off; whether one ran. What it used until then is in its row, where it has one."""
        running, self._running = self._running, None
        if running is None:
            return False
        # One that came to an end in this turn is not told of any more either.
        running.cancel()
        return True
