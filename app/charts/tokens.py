"""Tokens by part. A row's input includes what came from the cache, so the bar shows the rest of it and the cached
part apart, and the three layers add up to input plus output."""

import numpy as np

from app.charts.data import ChartInput, ChartSpec, Series, count_axis, exact_counts, flags_of, sums_of
from app.formats import count
from app.sources import estimated_input, estimated_output
from app.translation import later, tr


def _read(given: ChartInput) -> tuple[Series, ...]:
    cached = sums_of(given.buckets, lambda summary: summary.cached_tokens)
    fresh = sums_of(given.buckets, lambda summary: summary.input_tokens) - np.nan_to_num(cached)
    output = sums_of(given.buckets, lambda summary: summary.output_tokens)
    guessed, guessed_output = flags_of(given.buckets, estimated_input), flags_of(given.buckets, estimated_output)
    return (
        Series(key="input", name=tr("Input"), colour=0, values=fresh, estimated=guessed),
        Series(key="cached", name=tr("Cached input"), colour="tint", values=cached),
        Series(key="output", name=tr("Output"), colour=1, values=output, estimated=guessed_output),
    )


TOKENS = ChartSpec(
    key="tokens",
    title=later("Tokens"),
    kind="bars",
    read=_read,
    axis_text=count_axis,
    value_text=lambda value: count(round(value)),
    column_text=exact_counts,
    unit="tokens",
    whole=True,
    idle=4,
)
