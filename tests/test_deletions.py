"""A stretch of time is deleted: what goes, what is said of it before, and that every sum stays as it was."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway import ClientError, DataFolder, Deletion, DeletionPreview, Gateway, Settings, UsageQuery
from gateway.relaying.exchange import new_id
from gateway.store.quarters import QUARTER_US
from gateway.thread_records import ThreadQuery
from tests.store.examples import BASE_US, record
from tests.store.tellings import told, user

MINUTE_US = 60_000_000


async def filled(folder: Path, rows: int = 120) -> Gateway:
    """A request a minute, each its own conversation."""
    gateway = Gateway(DataFolder(folder), Settings(port=0, vault_backend="memory"))
    await gateway.open()
    gateway._parts.store.insert_history(record(60 * n, id=f"req_{n:03}", model=f"m-{n % 3}") for n in range(rows))
    threads = gateway._parts.threads
    assert threads is not None
    for n in range(rows):
        at_us = BASE_US + n * MINUTE_US
        telling = told(n, [user(f"question {n}")], "answer", conversation=f"c-{n}", request_id=f"req_{n:03}")
        assert threads.put(replace(telling, started_us=at_us))
    assert threads.flush()
    return gateway


async def test_words_of_a_stretch_go_and_all_rows_stay(tmp_path: Path) -> None:
    gateway = await filled(tmp_path)
    asked = Deletion(start_us=BASE_US + 30 * MINUTE_US, end_us=BASE_US + 60 * MINUTE_US)
    sums, _ = await gateway.summary(UsageQuery())
    preview = await gateway.preview_deletion(asked)
    assert preview == DeletionPreview(turns=30, conversations=30, bytes=preview.bytes)
    assert preview.bytes > 0
    heard: list[tuple[int, int]] = []
    cleaned = await gateway.delete_range(asked, lambda done, total: heard.append((done, total)))
    assert cleaned.taken == {"requests": 0, "buckets": 0, "content": 30} and cleaned.finished
    assert heard[-1] == (30, 30)
    assert (await gateway.threads(ThreadQuery())).total == 90
    assert (await gateway.summary(UsageQuery()))[0] == sums
    assert len((await gateway.requests(UsageQuery(), limit=200)).rows) == 120
    assert gateway._parts.store.check() == []
    assert await gateway.preview_deletion(asked) == DeletionPreview(bytes=0)
    await gateway.close()


async def test_rows_go_up_to_a_day_and_sums_stay_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("FIRST_ENTRIES", "MOST_ENTRIES"):
        monkeypatch.setattr(f"gateway.store.clean_up.{bound}", 25)
    gateway = await filled(tmp_path)
    # Sums are told by the quarter of an hour: the last rows stay with theirs.
    asked = Deletion(end_us=BASE_US + 4 * QUARTER_US + 7 * MINUTE_US, requests=True)
    (sums, _), series = await gateway.summary(UsageQuery()), await gateway.timeseries(UsageQuery(), "hour", "model")
    preview = await gateway.preview_deletion(asked)
    assert (preview.requests, preview.turns, preview.entries) == (60, 67, 127)
    cleaned = await gateway.delete_range(asked)
    assert cleaned.taken == {"requests": 60, "buckets": 0, "content": 67} and cleaned.finished
    assert replace((await gateway.summary(UsageQuery()))[0], complete_from_us=sums.complete_from_us) == sums
    assert await gateway.timeseries(UsageQuery(), "hour", "model") == series
    left = (await gateway.requests(UsageQuery(), limit=200)).rows
    assert len(left) == 60 and min(row.started_us for row in left) == BASE_US + 4 * QUARTER_US
    assert (await gateway.sizes()).rows_from_us == BASE_US + 4 * QUARTER_US
    assert gateway._parts.store.check() == []
    # What retention took before is not counted again.
    assert (await gateway.preview_deletion(asked)).requests == 0
    await gateway.close()


async def test_what_cannot_be_deleted_is_refused(tmp_path: Path) -> None:
    gateway = await filled(tmp_path, 1)
    with pytest.raises(ClientError, match="no gap is left"):
        await gateway.delete_range(Deletion(start_us=1, end_us=2, requests=True))
    with pytest.raises(ClientError, match="ends before it begins"):
        await gateway.preview_deletion(Deletion(start_us=2, end_us=2))
    await gateway.close()


async def test_a_deletion_that_is_given_up_ends_after_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.range_removal.FIRST_ENTRIES", 2)
    monkeypatch.setattr("gateway.store.range_removal.MOST_ENTRIES", 2)
    gateway = await filled(tmp_path, 60)
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told_of(_done: int, _total: int) -> None:
        loop.call_soon_threadsafe(begun.set)

    task = loop.create_task(gateway.delete_range(Deletion(end_us=BASE_US + 60 * MINUTE_US), told_of))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    threads = gateway._parts.threads
    assert threads is not None
    # The step that ran is over once another is done.
    await asyncio.to_thread(threads.flush)
    left = (await gateway.threads(ThreadQuery())).total
    assert 0 < left < 60
    await asyncio.sleep(0.2)
    assert (await gateway.threads(ThreadQuery())).total >= left - 2, "and no other follows"
    await gateway.close()


async def test_what_comparisons_kept_of_the_words_goes_too(tmp_path: Path) -> None:
    gateway = await filled(tmp_path, 3)
    asked: list[str] = []
    forget = gateway._parts.ratings.forget_prompts_of
    gateway._parts.ratings.forget_prompts_of = lambda ids: (asked.extend(ids), forget(ids))[1]  # type: ignore[method-assign]
    await gateway.delete_range(Deletion(end_us=BASE_US + 2 * MINUTE_US))
    assert sorted(asked) == ["req_000", "req_001"]
    await gateway.close()


async def test_what_the_relay_kept_of_the_words_goes_too(tmp_path: Path) -> None:
    gateway = await filled(tmp_path, 3)
    memory = gateway._parts.relay._stored
    for n in range(3):
        answer = b'{"id":"resp_%d","output":[{"id":"msg_%d","content":"said"}]}' % (n, n)
        memory.keep("k", new_id(BASE_US + n * MINUTE_US), "", b"{}", answer)
    await gateway.delete_range(Deletion(end_us=BASE_US + 2 * MINUTE_US - 1000))
    named = [b'{"previous_response_id":"resp_%d"}' % n for n in range(3)]
    named += [b'{"input":[{"type":"item_reference","id":"msg_%d"}]}' % n for n in range(3)]
    left = [b"said" in memory.completed("k", "google", body) for body in named]
    assert left == [False, False, True] * 2
    await gateway.close()


async def test_what_was_just_read_of_telemetry_is_not_told_again_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session is read, then deleted, and only then is what it tells written."""
    gateway = await filled(tmp_path, 2)
    threads = gateway._parts.threads
    assert threads is not None
    telling = replace(told(0, [user("words")], "answer", identity="told", source="log"), started_us=BASE_US)

    def written_now() -> None:
        written.append(threads.put(telling) and threads.flush())

    written: list[bool] = []

    monkeypatch.setattr(gateway._parts.joiner, "flush", written_now)
    await gateway.delete_range(Deletion(end_us=BASE_US + 2 * MINUTE_US))
    assert written == [True] and (await gateway.threads(ThreadQuery())).total == 0
    monkeypatch.undo()
    await gateway.close()
