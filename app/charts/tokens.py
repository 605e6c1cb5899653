"""Tokens by part. A row's input includes what came from the cache, so the bar shows the rest of it and the cached
part apart, and the three layers add up to input plus output."""

from app.charts.data import ChartInput, ChartSpec, Series, count_axis, exact_counts, flags_of, some_known, values_of
from app.formats import count
from app.sources import estimated_input, estimated_output
from app.translation import later, tr


def _read(given: ChartInput) -> tuple[Series, ...]:
    cached = values_of(given.buckets, lambda bucket: bucket.summary.cached_tokens or 0)
    fresh = values_of(given.buckets, lambda bucket: bucket.summary.input_tokens or 0) - cached
    output = values_of(given.buckets, lambda bucket: bucket.summary.output_tokens or 0)
    guessed, guessed_output = flags_of(given.buckets, estimated_input), flags_of(given.buckets, estimated_output)
    counted = some_known(given.buckets, lambda summary: summary.input_tokens)
    return (
        Series(key="input", name=tr("Input"), colour=0, values=fresh, estimated=guessed, known=counted),
        Series(key="cached", name=tr("Cached input"), colour="tint", values=cached, known=counted),
        Series(
            key="output",
            name=tr("Output"),
            colour=1,
            values=output,
            estimated=guessed_output,
            known=some_known(given.buckets, lambda summary: summary.output_tokens),
        ),
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
