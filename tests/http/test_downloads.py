"""Pieces of an export: what they hold together, that they are made on demand only, and let go of their source."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.http.downloads import PIECE_CHARACTERS, Pieces, downloaded
from tests.waiting import PATIENCE_S


class Lines:
    """Numbered lines, counted as they are made; `closed` when their generator has ended."""

    def __init__(self, count: int, length: int = 100) -> None:
        self.made = 0
        self.closed = threading.Event()
        self.lines = self._made(count, length)

    def _made(self, count: int, length: int) -> Iterator[str]:
        try:
            for number in range(count):
                self.made += 1
                yield f"{number:0{length - 1}}\n"
        finally:
            self.closed.set()


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def on(workers: ThreadPoolExecutor) -> Callable[[Callable[[], bytes]], asyncio.Future[bytes]]:
    return lambda call: asyncio.get_running_loop().run_in_executor(workers, call)


async def test_the_pieces_are_the_lines_and_none_is_made_before_it_is_asked_for(workers: ThreadPoolExecutor) -> None:
    source = Lines(3000)
    pieces = downloaded(source.lines, on(workers), workers)
    first = await anext(pieces)
    assert PIECE_CHARACTERS <= len(first) < PIECE_CHARACTERS + 100 and source.made == len(first) // 100
    for _ in range(50):
        await asyncio.sleep(0)
    assert source.made == len(first) // 100
    whole = first + b"".join([piece async for piece in pieces])
    assert whole.decode() == "".join(f"{number:099}\n" for number in range(3000))


async def test_a_client_that_leaves_ends_its_source(workers: ThreadPoolExecutor) -> None:
    source = Lines(10**9)
    pieces = downloaded(source.lines, on(workers), workers)
    await anext(pieces)
    await pieces.aclose()
    assert await asyncio.to_thread(source.closed.wait, PATIENCE_S)


async def test_one_that_leaves_while_a_piece_is_made_is_not_waited_for_and_ends_it_too(
    workers: ThreadPoolExecutor,
) -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[str]:
        try:
            begun.set()
            go_on.wait(30)
            while True:
                yield "a line\n"
        finally:
            closed.set()

    pieces = downloaded(slow(), on(workers), workers)
    asking = asyncio.ensure_future(anext(pieces))
    await asyncio.to_thread(begun.wait, 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not closed.is_set()
    go_on.set()
    assert await asyncio.to_thread(closed.wait, PATIENCE_S)


def test_an_error_of_the_source_is_the_askers() -> None:
    def broken() -> Iterator[str]:
        yield "x" * PIECE_CHARACTERS
        raise OSError("The disk is gone.")

    pieces = Pieces(broken())
    assert len(pieces.next()) == PIECE_CHARACTERS
    with pytest.raises(OSError, match="The disk is gone"):
        pieces.next()


def test_a_lone_surrogate_ends_no_export() -> None:
    pieces = Pieces(iter(["a\ud800b\n"]))
    assert (pieces.next(), pieces.next()) == (b"a?b\n", b"")
