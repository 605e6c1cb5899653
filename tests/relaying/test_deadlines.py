"""Deadlines: what is late is cancelled with its reason, what is not goes on, and nothing ticks when nothing runs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from gateway.relaying.deadlines import SWEEP_S, Deadline, Deadlines
from tests.virtual_time import in_virtual_time

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines()


@pytest.fixture
def run(deadlines: Deadlines, monkeypatch: pytest.MonkeyPatch) -> Run:
    async def until_closed(main: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await main
        finally:
            deadlines.close()

    return lambda main: in_virtual_time(until_closed(main), monkeypatch, "gateway.relaying.deadlines")


async def waiting(deadlines: Deadlines, total_s: float, prepare: Any) -> tuple[str | None, float]:
    """The limit that ended a wait without end, and after how long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    deadline: Deadline | None = None
    try:
        with deadlines.start(total_s) as deadline:
            await prepare(deadline)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None and deadline is not None
        task.uncancel()
    assert deadline is not None
    return deadline.expired, loop.time() - began


async def nothing(_deadline: Deadline) -> None:
    return


async def first_byte(deadline: Deadline) -> None:
    deadline.within(0.1, "first_byte")


async def chunks(deadline: Deadline) -> None:
    """Each wait shorter than the limit, all of them together longer."""
    deadline.within(0.4, "between_chunks")
    for _ in range(6):
        await asyncio.sleep(0.15)
        deadline.within(0.4, "between_chunks")


async def switched_off(deadline: Deadline) -> None:
    deadline.within(0.05, "between_chunks")
    deadline.off()


async def beyond(deadline: Deadline) -> None:
    deadline.within(60, "first_byte")


@pytest.mark.parametrize(
    ("total_s", "prepare", "reason", "least"),
    [
        (0.1, nothing, "total", 0.1),
        (60, first_byte, "first_byte", 0.1),
        (60, chunks, "between_chunks", 1.3),
        (0.5, chunks, "total", 0.5),
        (0.7, switched_off, "total", 0.7),
        (0.1, beyond, "total", 0.1),
    ],
    ids=["total", "first byte", "chunks", "total over chunks", "off", "beyond the total"],
)
def test_what_is_late_is_ended_and_told_why(
    deadlines: Deadlines, run: Run, total_s: float, prepare: Any, reason: str, least: float
) -> None:
    expired, seconds = run(waiting(deadlines, total_s, prepare))
    assert expired == reason
    assert least - 1e-6 <= seconds <= least + SWEEP_S + 1e-6


def test_a_client_that_leaves_is_no_deadline(deadlines: Deadlines, run: Run) -> None:
    async def leave() -> str | None:
        task = asyncio.get_running_loop().create_task(waiting(deadlines, 60, nothing))
        await asyncio.sleep(0)
        task.cancel()
        return (await task)[0]

    assert run(leave()) is None


def test_many_at_once_and_only_the_late_ones(deadlines: Deadlines, run: Run) -> None:
    async def in_time() -> str:
        with deadlines.start(60) as deadline:
            deadline.within(30, "first_byte")
            await asyncio.sleep(0.6)
            assert deadline.expired is None
            return "in time"

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        late = [loop.create_task(waiting(deadlines, 60, first_byte)) for _ in range(50)]
        good = [loop.create_task(in_time()) for _ in range(50)]
        assert [expired for expired, _ in await asyncio.gather(*late)] == ["first_byte"] * 50
        assert await asyncio.gather(*good) == ["in time"] * 50

    run(all_of_them())


def test_the_ticker_sleeps_while_nothing_runs(deadlines: Deadlines, run: Run) -> None:
    async def now_and_then() -> None:
        assert deadlines._ticker is None
        with deadlines.start(60):
            assert deadlines._ticker is not None
        await asyncio.sleep(2 * SWEEP_S)
        assert deadlines._ticker is None
        with deadlines.start(60):
            assert deadlines._ticker is not None

    run(now_and_then())
