"""How fast answers were, with gaps where there was no traffic: median and 95th percentile of the whole answer or of
its first token, or output tokens per second."""

from collections.abc import Callable

from app.charts.data import ChartInput, ChartSpec, Series, count_axis, duration_axis, values_of
from app.formats import duration, rate
from app.time_words import TTFT
from app.translation import later, tr
from gateway import Distribution, Summary


def _percentiles(of: Callable[[Summary], Distribution]) -> Callable[[ChartInput], tuple[Series, ...]]:
    def read(given: ChartInput) -> tuple[Series, ...]:
        median = values_of(given.buckets, lambda bucket: of(bucket.summary).p50)
        high = values_of(given.buckets, lambda bucket: of(bucket.summary).p95)
        return (
            Series(key="p95", name="p95", colour=1, values=high),
            Series(key="p50", name="p50", colour=0, values=median),
        )

    return read


def _speed(given: ChartInput) -> tuple[Series, ...]:
    values = values_of(given.buckets, lambda bucket: bucket.summary.tokens_per_s)
    return (Series(key="speed", name=tr("Output tokens/s"), colour=0, values=values),)


def _milliseconds(key: str, title: str, of: Callable[[Summary], Distribution]) -> ChartSpec:
    return ChartSpec(
        key=key,
        title=title,
        kind="lines",
        read=_percentiles(of),
        axis_text=duration_axis,
        value_text=duration,
        plain_text=lambda ms: f"{ms:.3f}",
        unit="ms",
        idle=1000,
        total=False,
    )


LATENCY = _milliseconds("latency", later("Latency"), lambda summary: summary.latency_ms)
FIRST_TOKEN = _milliseconds("ttft", TTFT, lambda summary: summary.ttft_ms)
SPEED = ChartSpec(
    key="speed",
    title=later("Speed"),
    kind="lines",
    read=_speed,
    axis_text=count_axis,
    value_text=lambda speed: tr("{rate} tokens/s").format(rate=rate(speed)),
    plain_text=lambda rate: f"{rate:.3f}",
    unit="tokens_per_s",
    idle=100,
    total=False,
)
TIMINGS = (LATENCY, FIRST_TOKEN, SPEED)
"""What the fourth chart can show."""
