"""Waiting for what comes by itself: for as long as a busy machine may need, never for a number of tries.

Only a fault takes all of the patience. What a limit promises to people is held by the limit's own value, not by a
clock beside it.
"""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable

PATIENCE_S = 40.0
PATIENCE_MS = int(PATIENCE_S * 1000)


def wait_until(
    holds: Callable[[], object], seconds: float = PATIENCE_S, what: str = "It", *, pause: float = 0.01
) -> None:
    """Ask until it holds, `pause` seconds apart. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds:g} s.")
        time.sleep(pause)


async def until(holds: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """The same while the loop goes on; what holds may have to be awaited. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (await told if isawaitable(told := holds()) else told):
            await asyncio.sleep(0.01)
