"""One refresh's answers: every query at once, and of the split series only those that are drawn.

A time series split by model (or user, or the values of a tag key) has models × buckets entries; asking for the five
costliest keeps it at five times the total's, and the rest is the total less these.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from app.overview.breakdown import TAG_KEY, unnamed
from app.translation import tr
from gateway import Breakdown, Summary, TagCondition, TimeBucket, UsageQuery

MODEL = "model"

TOP_PARTS = 5
MOST_PROVIDERS = 4
TABLE_ROWS = 100
MAX_BUCKETS = 750

_WIDTHS_US: Mapping[str, int] = {
    "1m": 60_000_000,
    "15m": 900_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
    "month": 2_592_000_000_000,
}


class UsageReads(Protocol):
    """The queries of `gateway.Gateway` that the page asks."""

    async def summary(
        self, query: UsageQuery, *, before: UsageQuery | None = None
    ) -> tuple[Summary, Summary | None]: ...

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]: ...

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown: ...

    async def request_count(self, query: UsageQuery) -> int: ...


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """`side` is what `by_side` groups by, `by_split` the breakdown by `split`. `parts` maps its costliest values, in
    order, to buckets that match `buckets` one by one. `before` is the question that `previous` answers, None where
    nothing is compared. `providers` are the costliest ones' buckets in the same way, where they were asked for.
    `ever`: whether any request was recorded at all."""

    query: UsageQuery
    bucket: str
    summary: Summary
    before: UsageQuery | None
    previous: Summary | None
    buckets: Sequence[TimeBucket]
    by_model: Breakdown
    side: str
    by_side: Breakdown
    split: str
    by_split: Breakdown
    parts: Mapping[str, Sequence[TimeBucket]]
    ever: bool
    providers: Mapping[str, Sequence[TimeBucket]] = {}


def fitting_bucket(bucket: str, span_us: int) -> str:
    """`bucket`, or the next wider one of which at most 750 cover the span."""
    widths = list(_WIDTHS_US)
    for wider in widths[widths.index(bucket) :]:
        if span_us <= MAX_BUCKETS * _WIDTHS_US[wider]:
            return wider
    return widths[-1]


async def load(
    gateway: UsageReads,
    query: UsageQuery,
    bucket: str,
    side: str,
    split: str = MODEL,
    before: UsageQuery | None = None,
    *,
    providers: bool = False,
) -> Answers:
    """Ask everything that the page shows; `side` is what the second table groups by, `split` the cost chart, `before`
    what the figures are compared with. `providers`: over time too.

    Raises what the gateway's queries raise.
    """
    (summary, previous), buckets, by_model, (by_split, series), by_side, each = await asyncio.gather(
        _summaries(gateway, query, before),
        gateway.timeseries(query, bucket),
        _by_model(gateway, query, split),
        _parts(gateway, query, bucket, split),
        gateway.breakdown(query, side, limit=TABLE_ROWS),
        _each_provider(gateway, query, bucket, wanted=providers),
    )
    ever = bool(summary.requests) or await gateway.request_count(UsageQuery()) > 0
    # Thousands of buckets: not on the loop.
    parts = await asyncio.to_thread(_in_step, top_parts(by_split), series, buckets)
    of_providers = await asyncio.to_thread(_in_step, *each, buckets)
    return Answers(
        query=query,
        bucket=bucket,
        summary=summary,
        before=before,
        previous=previous,
        buckets=buckets,
        by_model=by_model or by_split,
        side=side,
        by_side=by_side,
        split=split,
        by_split=by_split,
        parts=parts,
        ever=ever,
        providers=of_providers,
    )


async def _summaries(
    gateway: UsageReads, query: UsageQuery, before: UsageQuery | None
) -> tuple[Summary, Summary | None]:
    if before is None:
        return (await gateway.summary(query))[0], None
    (now, _), (previous, _) = await asyncio.gather(gateway.summary(query), gateway.summary(before))
    return now, previous


async def _by_model(gateway: UsageReads, query: UsageQuery, split: str) -> Breakdown | None:
    """None where the split's breakdown is the same."""
    return None if split == MODEL else await gateway.breakdown(query, MODEL, limit=TABLE_ROWS)


async def _parts(
    gateway: UsageReads, query: UsageQuery, bucket: str, split: str
) -> tuple[Breakdown, Sequence[TimeBucket]]:
    breakdown = await gateway.breakdown(query, split, limit=TABLE_ROWS)
    top = top_parts(breakdown)
    if not top:
        return breakdown, ()
    return breakdown, await gateway.timeseries(_of_values(query, split, top), bucket, split)


async def _each_provider(
    gateway: UsageReads, query: UsageQuery, bucket: str, *, wanted: bool
) -> tuple[tuple[str, ...], Sequence[TimeBucket]]:
    """The costliest providers, those without a price after them, and their series."""
    if not wanted:
        return (), ()
    rows = (await gateway.breakdown(query, "provider", limit=TABLE_ROWS)).rows
    names = tuple(row.value for row in rows if row.value is not None)[:MOST_PROVIDERS]
    if not names:
        return (), ()
    return names, await gateway.timeseries(_of_values(query, "provider", names), bucket, "provider")


def _of_values(query: UsageQuery, split: str, values: Sequence[str]) -> UsageQuery:
    """The requests that have one of these values."""
    if not split.startswith(TAG_KEY):
        return msgspec.structs.replace(query, **{split: tuple(values)})
    key = split.removeprefix(TAG_KEY)
    # A tag without a value is its key alone, and a filter by it takes every value.
    wanted = TagCondition(any_of=tuple(f"{key}:{value}" if value else key for value in values))
    return msgspec.structs.replace(query, tags=(*query.tags, wanted))


def top_parts(breakdown: Breakdown) -> tuple[str, ...]:
    """The costliest values that have a name and a price, five at most."""
    return tuple(_priced(breakdown)[:TOP_PARTS])


def rest_name(answers: Answers) -> str:
    """What the cost that no part shows is called."""
    if not answers.parts:
        return tr("All models") if answers.split == MODEL else tr("All requests")
    return unnamed(answers.split) if len(_priced(answers.by_split)) <= TOP_PARTS else tr("Other")


def _priced(breakdown: Breakdown) -> list[str]:
    return [row.value for row in breakdown.rows if row.value is not None and row.summary.cost_nano]


def _in_step(
    values: Sequence[str], series: Sequence[TimeBucket], buckets: Sequence[TimeBucket]
) -> Mapping[str, Sequence[TimeBucket]]:
    """The parts' buckets, one for each of the total's; empty where a part has none there."""
    known = {(bucket.value, bucket.start_us): bucket for bucket in series}
    return {
        value: [
            known.get((value, total.start_us))
            or TimeBucket(start_us=total.start_us, end_us=total.end_us, summary=Summary())
            for total in buckets
        ]
        for value in values
    }
