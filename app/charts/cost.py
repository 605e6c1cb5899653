"""Cost by model, or by what else it is split by: the costliest ones, and the rest of the total.

Values are nano-dollars, which a float holds exactly up to nine million dollars a bucket.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from app.charts.data import ChartInput, ChartSpec, Series, flags_of, money_axis, sums_of
from app.formats import adding_places, money, money_column, money_places
from app.sources import estimated_cost
from app.translation import later
from gateway import Summary

REST = ""


def _read(given: ChartInput) -> tuple[Series, ...]:
    rest, doubtful = sums_of(given.buckets, lambda summary: summary.cost_nano), sums_of(given.buckets, _doubtful)
    layers = []
    for group in given.groups:
        values = sums_of(group.buckets, lambda summary: summary.cost_nano)
        rest, doubtful = rest - np.nan_to_num(values), doubtful - sums_of(group.buckets, _doubtful)
        guessed = flags_of(group.buckets, estimated_cost)
        key, name = group.value or group.name, group.name or group.value
        layers.append(Series(key=key, name=name, colour=group.slot, values=values, estimated=guessed))
    # Rows that arrived between the two queries would make the rest negative for a moment.
    rest = np.maximum(rest, 0)
    if np.nan_to_num(rest).any() or not layers:
        layers.append(Series(key=REST, name=given.rest, colour="other", values=rest, estimated=doubtful > 0))
    return tuple(layers)


def _doubtful(summary: Summary) -> int:
    """Above 0 where `estimated_cost`; of several groups it is the sum of theirs."""
    sources = summary.usage_sources
    return sources.get("estimated", 0) + sources.get("partial", 0) + summary.price_fuzzy_requests


def dollars(nano: float) -> str:
    """Decimal dollars with all nine places."""
    whole, part = divmod(round(nano), 1_000_000_000)
    return f"{whole}.{part:09d}"


def _column(values: Sequence[float], add_up: bool) -> Callable[[float], str]:
    known = [round(value) for value in values if not math.isnan(value)]
    places = adding_places(known) if add_up else money_places(max(known, default=0))
    return lambda nano: money_column(round(nano), places)


COST = ChartSpec(
    key="cost",
    title=later("Cost"),
    kind="bars",
    read=_read,
    axis_text=money_axis,
    value_text=lambda nano: money(round(nano)),
    column_text=_column,
    plain_text=dollars,
    unit="usd",
    idle=1e9,
    split=True,
)
