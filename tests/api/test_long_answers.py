"""Answers of very many rows: a year has hundreds of thousands of conversations, and tens of thousands of quarters."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, TypeVar

import msgspec
import pytest

from gateway.api.long_answers import PIECE_ROWS
from gateway.api.thread_routes import BASE, Threads, thread_routes
from gateway.read_api import render_beside_rows, render_bucket, row_of_breakdown
from gateway.records import Breakdown, BreakdownRow, Summary, TimeBucket, UsageQuery
from gateway.routes import Call, Download
from gateway.thread_records import Thread
from tests.api.test_reads import Asked, answer, principal
from tests.app.fake_threads import long_thread

Result = TypeVar("Result")
ROWS = 20 * PIECE_ROWS + 1
HOUR_US = 3_600_000_000
ADMIN = principal("admin")


class Many(Asked):
    """A series of very many buckets."""

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]:
        return tuple(
            TimeBucket(start_us=number * HOUR_US, end_us=(number + 1) * HOUR_US, summary=Summary(requests=number))
            for number in range(ROWS)
        )


def breakdown(rows: int, first: int = 0) -> Breakdown:
    each = (BreakdownRow(value=f'"{number}"', summary=Summary(cost_nano=number)) for number in range(first, rows))
    return Breakdown(rows=tuple(each), complete_from_us=5)


def at_once(whole: Breakdown) -> dict[str, Any]:
    rendered = row_of_breakdown(whole)
    return {"data": [rendered(row) for row in whole.rows], **render_beside_rows(whole)}


async def with_turns(work: Awaitable[Result]) -> tuple[Result, int]:
    """What comes of it, and how many turns others had on the loop meanwhile."""
    turns, ended = 0, False

    async def count() -> None:
        nonlocal turns
        while not ended:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    result = await work
    ended = True
    await counting
    return result, turns


async def received(chunks: AsyncGenerator[bytes, None]) -> Any:
    return msgspec.json.decode(b"".join([chunk async for chunk in chunks]))


@pytest.mark.parametrize("compared", [False, True])
async def test_a_breakdown_of_very_many_values_leaves_the_loop_its_turns(compared: bool) -> None:
    asked = Many()
    now, before = breakdown(ROWS), breakdown(ROWS + 3, first=7)
    asked.breakdowns = [now, before]
    given = [("compare", "previous"), ("from", "1790000000"), ("to", "1790086400")] if compared else []
    said = await answer(asked, "/usage/breakdown", *given, who=ADMIN)
    assert isinstance(said, Download) and said.headers["content-type"] == "application/json"
    told, turns = await with_turns(received(said.chunks))
    if compared:
        assert [row["value"] for row in told["data"][-3:]] == [row.value for row in before.rows[-3:]]
        assert told["data"][9]["previous"]["cost_usd"] == "0.000000009"
        assert told["data"][3]["previous"]["requests"] == 0
    else:
        assert told == at_once(now)
    assert turns >= ROWS / PIECE_ROWS


async def test_a_series_of_very_many_buckets_leaves_the_loop_its_turns() -> None:
    said = await answer(Many(), "/usage/timeseries", who=ADMIN)
    assert isinstance(said, Download)
    told, turns = await with_turns(received(said.chunks))
    buckets = await Many().timeseries(UsageQuery(), "hour")
    assert told == {"buckets": [render_bucket(bucket) for bucket in buckets]}
    assert turns >= ROWS / PIECE_ROWS


async def test_few_rows_are_one_answer() -> None:
    asked = Asked()
    asked.breakdowns = [breakdown(PIECE_ROWS)]
    assert await answer(asked, "/usage/breakdown", who=ADMIN) == at_once(breakdown(PIECE_ROWS))


class Thousand(Threads):
    """A conversation of very many turns."""

    async def thread(self, id: str, *, scope: str | None = None) -> Thread:
        return long_thread(1_800_000_000_000_000, 3_000, 400_000)


async def test_a_conversation_of_thousands_of_turns_leaves_the_loop_its_turns() -> None:
    route = next(route for route in thread_routes(Thousand()) if route.path == f"{BASE}/conversations/")
    assert route.read is not None
    said, turns = await with_turns(route.read(Call(principal=ADMIN, query=(), rest="long")))
    told = await received(said.chunks)
    assert len(told["messages"]) == 3_000 and told["turns"]
    # How many they are is up to the system: made on the loop there would be none.
    assert turns
