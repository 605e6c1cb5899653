"""Whether the wall clock may be believed by whoever deletes for good what it calls too old.

A machine whose battery is empty starts decades off until it hears of the time, and a user may set a date by mistake.
"""

import time
from collections.abc import Callable

DAY_US = 86_400_000_000
# Longer than most are away from their machine: nothing that is bounded has come for so long.
SILENCE_US = 45 * DAY_US


def _wall_us() -> int:
    return time.time_ns() // 1000


class ClockTrust:
    """Asked now and then, e.g. each hour. A clock that leapt since it was asked before, or at first one that is far
    ahead of the last thing that happened, is believed once it has gone on steadily until it is asked again."""

    def __init__(self, wall_us: Callable[[], int] = _wall_us, steady_s: Callable[[], float] = time.monotonic) -> None:
        self._wall_us = wall_us
        self._steady_s = steady_s
        self._ahead_us: int | None = None

    def now_us(self, newest_us: int | None) -> int | None:
        """The time; None where it may be far ahead of what it is. `newest_us`: when something last happened."""
        now_us = self._wall_us()
        ahead_us = now_us - int(self._steady_s() * 1_000_000)
        before_us, self._ahead_us = self._ahead_us, ahead_us
        if before_us is None:
            doubtful = newest_us is not None and now_us - newest_us > SILENCE_US
        else:
            doubtful = ahead_us - before_us > DAY_US
        return None if doubtful else now_us
