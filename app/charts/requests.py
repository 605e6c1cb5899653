"""Requests by outcome: those that went well, and errors on top."""

from app.charts.data import ChartInput, ChartSpec, Series, count_axis, exact_counts, values_of
from app.formats import count
from app.translation import later, tr


def _read(given: ChartInput) -> tuple[Series, ...]:
    good = values_of(given.buckets, lambda bucket: bucket.summary.requests - bucket.summary.errors)
    errors = values_of(given.buckets, lambda bucket: bucket.summary.errors)
    return (
        Series(key="success", name=tr("Success"), colour=0, values=good),
        Series(key="errors", name=tr("Errors"), colour="bad", values=errors),
    )


REQUESTS = ChartSpec(
    key="requests",
    title=later("Requests"),
    kind="bars",
    read=_read,
    axis_text=count_axis,
    value_text=lambda value: count(round(value)),
    column_text=exact_counts,
    unit="requests",
    whole=True,
    idle=4,
)
