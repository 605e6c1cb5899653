"""One refresh's answers: every query at once, and of the series by model only those that are drawn.

A time series split by model has models × buckets entries; asking for the five costliest keeps it at five times the
total's, and the rest is the total less these.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from gateway import Breakdown, Summary, TimeBucket, UsageQuery

TOP_MODELS = 5
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

    async def summary(self, query: UsageQuery, *, previous: bool = False) -> tuple[Summary, Summary | None]: ...

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]: ...

    async def breakdown(
        self, query: UsageQuery, by: str, *, sort: str = "cost_usd", limit: int | None = None
    ) -> Breakdown: ...

    async def request_count(self, query: UsageQuery) -> int: ...


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """`models` maps the costliest models, in order, to buckets that match `buckets` one by one. `ever`: whether any
    request was recorded at all."""

    query: UsageQuery
    bucket: str
    summary: Summary
    previous: Summary | None
    buckets: Sequence[TimeBucket]
    by_model: Breakdown
    by_side: Breakdown
    models: Mapping[str, Sequence[TimeBucket]]
    ever: bool


def fitting_bucket(bucket: str, span_us: int) -> str:
    """`bucket`, or the next wider one of which at most 750 cover the span."""
    widths = list(_WIDTHS_US)
    for wider in widths[widths.index(bucket) :]:
        if span_us <= MAX_BUCKETS * _WIDTHS_US[wider]:
            return wider
    return widths[-1]


async def load(gateway: UsageReads, query: UsageQuery, bucket: str, side: str) -> Answers:
    """Ask everything that the page shows; `side` is the dimension of the second table (or "tag").

    Raises what the gateway's queries raise.
    """
    (summary, previous), buckets, (by_model, series), by_side = await asyncio.gather(
        gateway.summary(query, previous=True),
        gateway.timeseries(query, bucket),
        _by_model(gateway, query, bucket),
        gateway.breakdown(query, side, limit=TABLE_ROWS),
    )
    ever = bool(summary.requests) or await gateway.request_count(UsageQuery()) > 0
    return Answers(
        query=query,
        bucket=bucket,
        summary=summary,
        previous=previous,
        buckets=buckets,
        by_model=by_model,
        by_side=by_side,
        models=_in_step(by_model, series, buckets),
        ever=ever,
    )


async def _by_model(gateway: UsageReads, query: UsageQuery, bucket: str) -> tuple[Breakdown, Sequence[TimeBucket]]:
    breakdown = await gateway.breakdown(query, "model", limit=TABLE_ROWS)
    top = top_models(breakdown)
    if not top:
        return breakdown, ()
    return breakdown, await gateway.timeseries(msgspec.structs.replace(query, model=top), bucket, "model")


def top_models(breakdown: Breakdown) -> tuple[str, ...]:
    """The costliest models that have a name and a price, five at most."""
    priced = [row.value for row in breakdown.rows if row.value is not None and row.summary.cost_nano]
    return tuple(priced[:TOP_MODELS])


def _in_step(
    breakdown: Breakdown, series: Sequence[TimeBucket], buckets: Sequence[TimeBucket]
) -> Mapping[str, Sequence[TimeBucket]]:
    """The models' buckets, one for each of the total's; empty where a model has none there."""
    known = {(bucket.value, bucket.start_us): bucket for bucket in series}
    return {
        model: [
            known.get((model, total.start_us))
            or TimeBucket(start_us=total.start_us, end_us=total.end_us, summary=Summary())
            for total in buckets
        ]
        for model in top_models(breakdown)
    }
