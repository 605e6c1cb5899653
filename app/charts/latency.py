"""Latency's median and 95th percentile, with gaps where there was no traffic."""

from app.charts.data import ChartInput, ChartSpec, Series, duration_axis, values_of
from app.formats import duration


def _read(given: ChartInput) -> tuple[Series, ...]:
    median = values_of(given.buckets, lambda bucket: bucket.summary.latency_ms.p50)
    high = values_of(given.buckets, lambda bucket: bucket.summary.latency_ms.p95)
    return (
        Series(key="p95", name="p95", colour=1, values=high),
        Series(key="p50", name="p50", colour=0, values=median),
    )


LATENCY = ChartSpec(
    key="latency",
    title="Latency",
    kind="lines",
    read=_read,
    axis_text=duration_axis,
    value_text=duration,
    idle=1000,
    total=False,
)
