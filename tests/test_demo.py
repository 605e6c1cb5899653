"""The demo's folder: a history, the keys that it was made with, and providers that answer."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import DataFolder, Gateway, Settings, ThreadQuery, UsageQuery
from gateway import demo as demo_module
from gateway.demo import DAY_US, GAP_HOURS, HOUR_US, Demo
from gateway.prices.pricing import Pricing
from gateway.records import ApiKeyRow
from gateway.simulated.stories import STORIES
from gateway.store import UsageStore
from tests.waiting import until


async def compare_what_was_said(gateway: Gateway) -> None:
    """The example conversations are there once each, and their calls are rows with the same figures."""
    page = await gateway.threads(ThreadQuery(), limit=200)
    assert page.total == len(page.rows) > 30
    assert {row.title for row in page.rows} == {story.title for story in STORIES}
    longest = max(page.rows, key=lambda row: row.requests)
    for row in (*page.rows[:6], longest):
        thread = await gateway.thread(row.id)
        assert thread is not None and thread.row == row, "a list that differs would be read again for ever"
        for turn in thread.turns:
            record = await gateway.request(str(turn.request_id))
            assert record is not None and record.conversation_id == row.id
            for name in (
                "model",
                "started_us",
                "input_tokens",
                "cached_tokens",
                "output_tokens",
                "cost_nano",
                "outcome",
            ):
                assert getattr(record, name) == getattr(turn, name)
    found = await gateway.threads(ThreadQuery(text="TWO THREADS can spend"), limit=9)
    assert {row.title for row in found.rows} == {"Review PR 2231: retry budget"}


async def look(
    folder: Path,
) -> tuple[tuple[ApiKeyRow, ...], dict[str | None, int], dict[str, tuple[str, str | None]]]:
    """Keys, requests by key, and what the providers' cards say, once the history reaches as far back as it goes."""
    gateway = Gateway(DataFolder(folder), Settings(port=0), demo=True)
    await gateway.start()
    try:
        long_ago = time.time_ns() // 1000 - (demo_module.DAYS - 2) * DAY_US
        await until(lambda: gateway.request_count(UsageQuery(end_us=long_ago)))
        await compare_what_was_said(gateway)
        by_key = await gateway.breakdown(UsageQuery(), "key")
        return (
            await gateway.api_keys(),
            {row.value: row.summary.requests for row in by_key.rows},
            {row.name: (row.state, row.masked) for row in await gateway.providers()},
        )
    finally:
        await gateway.close()


def test_the_history_and_its_keys_belong_together(tmp_path: Path) -> None:
    keys, by_key, providers = asyncio.run(look(tmp_path))
    assert {key.name for key in keys} == by_key.keys()
    assert all(requests > 100 for requests in by_key.values())
    now_us = time.time_ns() // 1000
    for key in keys:
        assert key.last_used_us is not None and key.created_us < key.last_used_us <= now_us
        assert len(key.prefix) == 7 and key.role == "execute" and key.user
    assert {tag for key in keys if key.name == "engineering" for tag in key.tags} == {"team:platform", "env:dev"}
    assert set(providers.values()) == {("connected", "sim-…demo")}
    # Another start finds everything there.
    again, counted, _ = asyncio.run(look(tmp_path))
    assert [(key.id, key.created_us) for key in again] == [(key.id, key.created_us) for key in keys]
    assert all(counted[key] >= requests for key, requests in by_key.items())


@contextmanager
def opened(folder: Path) -> Iterator[UsageStore]:
    store = UsageStore(folder)
    store.start()
    yield store
    store.close()


def fill(store: UsageStore, *, most_chunks: int | None = None) -> int:
    """What one run of the demo adds; with `most_chunks` it is killed after so many."""
    missing = Demo(Pricing())._missing(store)
    return sum(store.insert_history(chunk) for chunk in list(demo_module._newest_first(missing))[:most_chunks])


def days_of(store: UsageStore) -> list[int]:
    """Requests by day, newest first."""
    now_us = time.time_ns() // 1000
    query = UsageQuery(start_us=now_us - demo_module.DAYS * DAY_US, end_us=now_us)
    return [bucket.summary.requests for bucket in reversed(store.timeseries(query, "day"))]


def longest_silence_us(store: UsageStore) -> int:
    starts = [row.started_us for row in store.iter_requests(UsageQuery())]
    now_us = time.time_ns() // 1000
    begun = now_us - demo_module.DAYS * DAY_US
    return max(late - early for late, early in zip([now_us, *starts], [*starts, begun], strict=True))


@pytest.fixture
def short_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module, "DAYS", 12)
    monkeypatch.setattr(demo_module, "CHUNK", 700)


@pytest.mark.usefixtures("short_history")
def test_a_history_that_was_cut_short_is_completed_and_not_doubled(tmp_path: Path) -> None:
    with opened(tmp_path / "whole") as store:
        whole = fill(store)
        assert fill(store) == 0
        expected = days_of(store)
    with opened(tmp_path / "cut") as store:
        assert fill(store, most_chunks=0) == 0
        first = fill(store, most_chunks=2)
        second = fill(store, most_chunks=1)
        rest = fill(store)
        assert first == 1400 and second == 700 and abs(first + second + rest - whole) < 30
        assert fill(store) == 0
        assert all(abs(day - want) < 30 for day, want in zip(days_of(store), expected, strict=True))


@pytest.mark.usefixtures("short_history")
def test_a_week_later_the_week_between_is_filled_in_even_in_several_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time_ns
    with opened(tmp_path) as store:
        with monkeypatch.context() as a_week_ago:
            a_week_ago.setattr(time, "time_ns", lambda: real() - 7 * DAY_US * 1000)
            fill(store)
        before = store.request_count(UsageQuery())
        assert longest_silence_us(store) > 6.9 * DAY_US
        # Killed after its newest part: a gap is left in the middle, with rows on both sides of it.
        assert fill(store, most_chunks=1) == 700
        assert fill(store) > 700
        assert longest_silence_us(store) < GAP_HOURS * HOUR_US
        assert fill(store) == 0
        assert (
            len({row.id for row in store.iter_requests(UsageQuery())}) == store.request_count(UsageQuery()) > before
        )


def test_somebody_has_just_been_at_work_whenever_the_demo_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The conversation to look at first stands first, and a start that comes soon after does not tell it anew."""
    monkeypatch.setattr(demo_module, "DAYS", 1)
    now_us = time.time_ns() // 1000 // demo_module._QUARTER_US * demo_module._QUARTER_US
    monkeypatch.setattr(time, "time_ns", lambda: now_us * 1000)
    demo = Demo(Pricing())
    told = [episode.record for episode in demo._just_now(now_us)]
    assert [row.id for row in told] == [row.id for row in (each.record for each in demo._just_now(now_us + 1))]
    assert {row.app for row in told} == {STORIES[0].app} and len(told) > 5
    for row in told:
        assert now_us - 20 * 60_000_000 < row.started_us < row.started_us + (row.latency_us or 0) < now_us
    with opened(tmp_path) as store:
        missing = {row.id for row in demo._missing(store)}
        assert {row.id for row in told} <= missing and {row.id for row in told} <= {
            each.request_id for each in demo._said
        }
        store.insert_history(demo._missing(store))
        assert demo._missing(store) == ()
