"""Lines of an export as pieces of bytes, made on worker threads as fast as a client takes them, and no faster.

No thread waits for a client: one is used for each piece, while it is being made.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from threading import Lock

PIECE_CHARACTERS = 64 * 1024


class Pieces:
    """UTF-8 in pieces of 64 KiB or a little more, by any thread, one at a time."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._lock = Lock()
        self._closed = False

    def next(self) -> bytes:
        """The next piece; empty at the end, and after `close`. Raises what the lines' source raises."""
        with self._lock:
            found: list[str] = []
            size = 0
            while size < PIECE_CHARACTERS and not self._closed:
                line = next(self._lines, None)
                if line is None:
                    break
                found.append(line)
                size += len(line)
            # A lone surrogate, which no database holds, must not end an export midway.
            return "".join(found).encode(errors="replace")

    def close(self) -> None:
        """Let the source go. A piece that is being made ends early."""
        self._closed = True
        with self._lock:
            if close := getattr(self._lines, "close", None):
                close()


async def downloaded(
    lines: Iterator[str], work: Callable[[Callable[[], bytes]], Awaitable[bytes]], closer: Executor
) -> AsyncGenerator[bytes, None]:
    """The pieces. `work` runs a function on a worker thread; `closer` lets the source go, and nobody waits for it."""
    pieces = Pieces(lines)
    try:
        while piece := await work(pieces.next):
            yield piece
    finally:
        closer.submit(pieces.close)
