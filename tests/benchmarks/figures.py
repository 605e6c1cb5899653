"""Samples to figures. What is added is judged pair by pair, since neighbours on the machine come and go."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.load import Slice


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Lane:
    """The slices of one target in one phase, one for each round, and the seconds of CPU that each took."""

    slices: list[Slice] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(len(one.total) for one in self.slices)

    @property
    def bad(self) -> int:
        return sum(one.bad for one in self.slices)

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU for each request, its share of what is written afterwards included."""
        return sum(self.cpu_s) / max(1, self.requests) * 1e6

    def times_cpu_of(self, other: "Lane") -> float:
        """CPU for each request as a multiple of another lane's, the median of the rounds."""
        both = zip(self._by_round(), other._by_round(), strict=True)
        ratios = [mine / theirs for mine, theirs in both if mine and theirs]
        return median(ratios) if ratios else 0.0

    def _by_round(self) -> list[float]:
        return [
            spent / len(one.total) if one.total else 0.0 for spent, one in zip(self.cpu_s, self.slices, strict=True)
        ]

    def own_ms(self, share: float) -> float | None:
        """Milliseconds of CPU that the target itself spent on an answer, other processes' turns left out."""
        own = [spent for one in self.slices for spent in one.own]
        return percentile(own, share) * 1000 if own else None


@dataclass
class Phase:
    """One kind of load, by lane. `chunks` is 0 for whole answers."""

    clients: int
    chunks: int
    lanes: defaultdict[str, Lane] = field(default_factory=lambda: defaultdict(Lane))

    def added_ms(self, lane: str, share: float, *, first: bool = False) -> float | None:
        """Milliseconds over the direct call of the same round: the median of the rounds."""
        pairs = [
            percentile(_times(mine, first), share) - percentile(_times(direct, first), share)
            for mine, direct in zip(self.lanes[lane].slices, self.lanes["direct"].slices, strict=True)
            if mine.total and direct.total
        ]
        return median(pairs) * 1000 if pairs else None


def _times(one: Slice, first: bool) -> Sequence[float]:
    return one.first if first else one.total
