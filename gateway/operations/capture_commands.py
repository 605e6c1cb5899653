"""What is said can be kept from the store for some minutes, and the pause be ended before its time."""

import asyncio
from collections.abc import Callable

from gateway.capture.pause import LONGEST_MIN, Pause
from gateway.parts import Parts


class CaptureCommands:
    """`told` is called on the loop whenever a pause begins or ends, with when it ends by itself (microseconds since
    the epoch) or None."""

    def __init__(self, parts: Parts, told: Callable[[int | None], None]) -> None:
        self._parts = parts
        self._told = told
        self._timer: asyncio.TimerHandle | None = None

    def pause_capture(self, minutes: float = LONGEST_MIN) -> None:
        """Keep nothing of what is said from now on, for up to 15 minutes, nor of what runs now; every exchange is
        counted as ever. Raises FaregateError."""
        pause = self._parts.pause
        pause.begin(minutes)
        if self._parts.capture is not None:
            self._parts.capture.forget_running()
        self._tell()

    def resume_capture(self) -> None:
        """Keep what is said again: what begins from now on."""
        self._parts.pause.end()
        self._tell()

    def take_over_pause(self, pause: Pause) -> None:
        """Go on with the pause of the gateway before this one on the same machine, and remember its earlier ones."""
        self._parts.pause.take_over(pause)
        self._tell()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        """Say how it is now, and again when it ends."""
        self.close()
        left_s = self._parts.pause.left_s
        if left_s > 0:
            self._timer = asyncio.get_running_loop().call_later(left_s, self._tell)
        self._told(self._parts.pause.until_us)
