"""What a chart draws, as arrays, and the row that describes a chart.

A `ChartSpec` turns the query's answers (`ChartInput`) into series; nothing else differs between the charts. Values
stay in the unit of the answer (counts, nano-dollars, milliseconds), so that a tooltip shows the very number of the
API. NaN is "nothing measured".
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from app.translation import later
from gateway import Summary, TimeBucket

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]
Flags = NDArray[np.bool_]
Colour = int | str
"""A slot of the categorical colours, or the name of a token."""
_LONGEST_DOLLARS, _LONGEST_CENTS = 4, 6
# From here on in nano-dollars, an axis reaches a hundred thousand dollars.
_LONG_STEP = 20e12


class Series(Struct, frozen=True, kw_only=True, eq=False):
    """One named row of values, one for each bucket, NaN for what is unknown. `estimated` marks those that are not
    their provider's own counts; None: none can be."""

    key: str
    name: str
    colour: Colour
    values: Floats
    estimated: Flags | None = None

    def holds_estimate(self, index: int) -> bool:
        """Whether the bucket's value holds estimates; nothing holds none, and neither does what is unknown."""
        return self.estimated is not None and bool(self.estimated[index] and self.values[index] > 0)


class Group(Struct, frozen=True, kw_only=True):
    """The same buckets for one value of a dimension (a model), with the colour slot that it keeps. `name` where it is
    read differently."""

    value: str
    slot: int
    buckets: Sequence[TimeBucket]
    name: str = ""


class ChartInput(Struct, frozen=True, kw_only=True):
    """The answers that charts are drawn from. `groups` are the costliest of a split, and what is left besides them is
    called `rest`; of none of them a chart shows all. `overlapping`: a request can count in several groups."""

    buckets: Sequence[TimeBucket]
    groups: Sequence[Group] = ()
    rest: str = later("Other")
    overlapping: bool = False
    now_us: int = 0
    tz: str = "UTC"


class ChartData(Struct, frozen=True, kw_only=True, eq=False):
    """Bucket edges in microseconds, and the series from the bottom of the stack upwards. `adds_up`: they are parts of
    a sum. `peak`: what the value axis reaches at least, so that charts beside each other share one scale."""

    starts_us: Instants
    ends_us: Instants
    series: tuple[Series, ...]
    now_us: int
    tz: str
    adds_up: bool = True
    peak: float | None = None


class ChartSpec(Struct, frozen=True, kw_only=True):
    """`read` gives the series bottom first. `axis_text` words a tick, given the step too; `value_text` a value;
    `plain_text` writes it with all its digits in `unit`, for files. `column_text` gives how values are worded
    that stand below each other, and whether they add up; None: as `value_text`.

    `whole`: only whole numbers mean something.
    `idle`: the axis' top while there is nothing. `total`: the series are parts of a sum that the tooltip names.
    `split`: the series are the values of a dimension that can be chosen.
    """

    key: str
    title: str
    kind: Literal["bars", "lines"]
    read: Callable[[ChartInput], tuple[Series, ...]]
    axis_text: Callable[[float, float], str]
    value_text: Callable[[float], str]
    column_text: Callable[[Sequence[float], bool], Callable[[float], str]] | None = None
    plain_text: Callable[[float], str] = lambda value: f"{round(value)}"
    unit: str = ""
    whole: bool = False
    idle: float | None = None
    total: bool = True
    split: bool = False


def chart_data(spec: ChartSpec, given: ChartInput) -> ChartData:
    """What `spec` draws of the answers."""
    count = len(given.buckets)
    return ChartData(
        starts_us=np.fromiter((bucket.start_us for bucket in given.buckets), np.int64, count),
        ends_us=np.fromiter((bucket.end_us for bucket in given.buckets), np.int64, count),
        series=spec.read(given),
        now_us=given.now_us,
        tz=given.tz,
        adds_up=spec.total and not (spec.split and given.overlapping),
    )


def peak_of(kind: str, layers: Sequence[Floats]) -> float:
    """How high the data reaches: bars stand on each other, lines beside each other."""
    if not layers:
        return 0.0
    known = np.nan_to_num(np.vstack(layers))
    return float((known.sum(axis=0) if kind == "bars" else known).max(initial=0.0))


def values_of(buckets: Sequence[TimeBucket], value: Callable[[TimeBucket], float | None]) -> Floats:
    """One value for each bucket, NaN for None."""
    return np.fromiter((np.nan if (v := value(b)) is None else v for b in buckets), np.float64, len(buckets))


def flags_of(buckets: Sequence[TimeBucket], flag: Callable[[Summary], bool]) -> Flags:
    """Whether something is so, for each bucket."""
    return np.fromiter((flag(bucket.summary) for bucket in buckets), np.bool_, len(buckets))


def sums_of(buckets: Sequence[TimeBucket], value: Callable[[Summary], float | None]) -> Floats:
    """The same of a sum over requests, which is 0 and not unknown where there were none."""

    def known(bucket: TimeBucket) -> float | None:
        found = value(bucket.summary)
        return 0 if found is None and not bucket.summary.requests else found

    return values_of(buckets, known)


def exact_counts(values: Sequence[float], add_up: bool) -> Callable[[float], str]:
    """Counts below each other, with all their digits."""
    return lambda value: f"{round(value):,}"


def count_axis(value: float, step: float) -> str:
    """A tick of counts: 200, 500k, 1.0M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            least = 1 if step < size else 0
            return f"{value / size:,.{max(least, _decimals(value / size))}f}{letter}"
    return f"{value:,.{_decimals(step)}f}"


def money_axis(nano: float, step: float) -> str:
    """A tick of nano-dollars: $4, $0.50, $0.0002; where that would be too long in thousands, in cents or in parts of
    a dollar: $150k, 0.0025¢, $2.5µ, $25n."""
    if nano == 0:
        return "$0"
    if step >= _LONG_STEP:
        return f"${count_axis(nano / 1e9, step / 1e9)}"
    decimals = _decimals(step / 1e9)
    if decimals > _LONGEST_CENTS:
        part, letter = (1e3, "µ") if step >= 100 else (1, "n")
        return f"${nano / part:,.{_decimals(step / part)}f}{letter}"
    if decimals > _LONGEST_DOLLARS:
        return f"{nano / 1e7:.{decimals - 2}f}¢"
    return f"${nano / 1e9:,.{2 if decimals == 1 else decimals}f}"


def duration_axis(ms: float, step: float) -> str:
    """A tick of milliseconds: 500 ms, 2.5 s."""
    if ms == 0:
        return "0"
    if step < 250:
        return f"{ms:,.{_decimals(step)}f} ms"
    return f"{ms / 1000:,.{max(1, _decimals(step / 1000)) if step < 10_000 else 0}f} s"


def _decimals(step: float) -> int:
    """How many decimals tell the ticks of this step apart."""
    for decimals in range(10):
        if abs(round(step, decimals) - step) < 1e-9 * max(1.0, step) and round(step, decimals) > 0:
            return decimals
    return 10
