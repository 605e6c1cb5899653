"""Tasks that are kept: errors told once, nothing started after the end, nothing left running."""

import asyncio

from app.kept_tasks import KeptTasks
from tests.waiting import PATIENCE_S


async def test_errors_are_told_and_cancellations_are_not() -> None:
    told: list[BaseException] = []
    tasks = KeptTasks(told.append)
    ended: list[str] = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("let go")

    tasks.spawn(fail())
    tasks.spawn(wait())
    await asyncio.sleep(0.01)
    assert [type(error) for error in told] == [ZeroDivisionError]
    await tasks.end()
    assert ended == ["let go"]
    tasks.spawn(fail())
    await asyncio.sleep(0.01)
    assert len(told) == 1, "nothing is started after the end"


async def test_the_task_that_ends_the_others_goes_on() -> None:
    tasks = KeptTasks(lambda error: None)
    done = asyncio.Event()

    async def end() -> None:
        await tasks.end()
        done.set()

    tasks.spawn(end())
    assert await asyncio.wait_for(done.wait(), PATIENCE_S)
