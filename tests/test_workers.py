"""What takes minutes keeps nobody waiting: pages, keys and the meter have threads of their own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import Cleaned, ConversationRow, DataFolder, Export, Gateway, Settings, UsageQuery
from gateway.workers import QUICK_THREADS, Workers
from tests.waiting import PATIENCE_S


async def started(folder: Path) -> Gateway:
    gateway = Gateway(DataFolder(folder / "home"), Settings(port=0, vault_backend="memory"))
    await gateway.start()
    return gateway


async def whole(download: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([piece async for piece in download])


async def test_quick_work_goes_on_beside_any_number_of_long_ones(tmp_path: Path) -> None:
    workers, go_on = Workers(tmp_path), threading.Event()
    long = [asyncio.ensure_future(workers.run_long(go_on.wait, PATIENCE_S)) for _ in range(2 * QUICK_THREADS)]
    long.append(asyncio.ensure_future(workers.run_until_cancelled(lambda told: go_on.wait(PATIENCE_S))))
    assert await asyncio.wait_for(workers.run(lambda: "answered"), PATIENCE_S / 2) == "answered"
    assert not any(task.done() for task in long)
    go_on.set()
    assert all(await asyncio.gather(*long))
    await workers.close()


async def test_the_loop_goes_on_while_what_runs_is_waited_for_at_the_end(tmp_path: Path) -> None:
    workers, go_on = Workers(tmp_path), threading.Event()
    running = asyncio.ensure_future(workers.run_long(go_on.wait, PATIENCE_S))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(go_on.set)
    await workers.close()
    assert await running, "else it waited until its patience was over"


@pytest.mark.parametrize(
    ("held", "ask"),
    [
        ("clean_up", lambda gateway, path: gateway.clean_up()),
        ("export_to", lambda gateway, path: gateway.export_file(UsageQuery(), Export(), path)),
        ("settle", lambda gateway, path: gateway._upkeep.settle()),
        ("combine", lambda gateway, path: gateway._upkeep.combine()),
    ],
)
async def test_pages_are_answered_while_the_store_is_busy_for_long(
    held: str,
    ask: Callable[[Gateway, Path], Coroutine[Any, Any, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = await started(tmp_path)
    monkeypatch.setattr("gateway.upkeep.FIRST_SETTLE_S", 0.0)
    monkeypatch.setattr("gateway.upkeep.COMBINE_EVERY_S", 0.0)
    began, go_on = threading.Semaphore(0), threading.Event()

    def busy(*_: object) -> Cleaned:
        began.release()
        go_on.wait(PATIENCE_S)
        return Cleaned()

    monkeypatch.setattr(gateway._parts.store, held, busy)
    tasks = [asyncio.ensure_future(ask(gateway, tmp_path / f"{n}.csv")) for n in range(QUICK_THREADS)]
    for _ in tasks:
        assert await asyncio.to_thread(began.acquire, timeout=PATIENCE_S)
    assert await asyncio.wait_for(gateway.request_count(UsageQuery()), PATIENCE_S / 2) == 0
    go_on.set()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await gateway.close()


async def test_pages_are_answered_while_downloads_look_for_their_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await started(tmp_path)
    began, go_on = threading.Semaphore(0), threading.Event()

    def ranked(*_: object) -> Iterator[ConversationRow]:
        began.release()
        go_on.wait(PATIENCE_S)
        yield from ()

    monkeypatch.setattr(gateway._parts.store, "iter_conversations", ranked)
    downloads = [gateway.download(UsageQuery(), Export(what="conversations")) for _ in range(QUICK_THREADS)]
    tasks = [asyncio.ensure_future(whole(download)) for download in downloads]
    for _ in tasks:
        assert await asyncio.to_thread(began.acquire, timeout=PATIENCE_S)
    assert await asyncio.wait_for(gateway.request_count(UsageQuery()), PATIENCE_S / 2) == 0
    go_on.set()
    assert all([b"id" in found for found in await asyncio.gather(*tasks)])
    await gateway.close()


async def test_a_download_that_is_left_lets_its_source_go_beside_what_answers_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = await started(tmp_path)
    began, go_on = threading.Semaphore(0), threading.Event()

    def lines(*_: object) -> Iterator[str]:
        try:
            yield "x" * 100_000
        finally:
            began.release()
            go_on.wait(PATIENCE_S)

    monkeypatch.setattr(gateway._parts.store, "export", lines)
    for _ in range(QUICK_THREADS):
        download = gateway.download(UsageQuery(), Export(what="requests"))
        assert await anext(download)
        await download.aclose()
        assert await asyncio.to_thread(began.acquire, timeout=PATIENCE_S)
    assert await asyncio.wait_for(gateway.request_count(UsageQuery()), PATIENCE_S / 2) == 0
    go_on.set()
    await gateway.close()
