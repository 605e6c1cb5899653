"""Sums since the gateway's start, for monitors: what `GET /metrics` and the exported metrics tell.

They are counted apart from the store and are never added to its figures.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from gateway.records import ExchangeRecord

# Seconds; the bounds that the GenAI conventions advise for durations.
DURATION_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
OVERHEAD_BOUNDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
# A monitor suffers from more; what comes after them is counted under OTHER.
MOST_SERIES = 2000
OTHER = "other"
TOKENS: Mapping[str, str] = {
    "input_tokens": "input",
    "cached_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "output_tokens": "output",
    "reasoning_tokens": "reasoning",
}


class Labels(Struct, frozen=True, order=True):
    """One series; "" where an exchange got no further."""

    key_id: str
    key: str
    provider: str
    model: str
    door: str
    outcome: str


class Histogram:
    """Seconds. `counts` has one more place than `bounds`: for what is above the last."""

    __slots__ = ("bounds", "count", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.count = 0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.count += 1
        self.total += seconds

    def take_in(self, other: "Histogram") -> None:
        """Add another of the same bounds."""
        self.counts = [mine + others for mine, others in zip(self.counts, other.counts, strict=True)]
        self.count += other.count
        self.total += other.total


class Series:
    """`priced`: how many have a cost, which may be nothing."""

    __slots__ = ("cost_nano", "latency", "overhead", "priced", "requests", "tokens", "ttft", "unpriced")

    def __init__(self) -> None:
        self.requests = 0
        self.priced = 0
        self.unpriced = 0
        self.cost_nano = 0
        self.tokens = dict.fromkeys(TOKENS, 0)
        self.latency = Histogram(DURATION_BOUNDS)
        self.ttft = Histogram(DURATION_BOUNDS)
        self.overhead = Histogram(OVERHEAD_BOUNDS)

    def add(self, record: ExchangeRecord) -> None:
        self.requests += 1
        if record.cost_nano is not None:
            self.priced += 1
            self.cost_nano += record.cost_nano
        elif record.unpriced:
            self.unpriced += 1
        for name in TOKENS:
            self.tokens[name] += getattr(record, name) or 0
        for histogram, micros in (
            (self.latency, record.latency_us),
            (self.ttft, record.ttft_us),
            (self.overhead, record.overhead_us),
        ):
            if micros is not None:
                histogram.add(micros / 1e6)

    def take_in(self, other: "Series") -> None:
        self.requests += other.requests
        self.priced += other.priced
        self.unpriced += other.unpriced
        self.cost_nano += other.cost_nano
        for name, number in other.tokens.items():
            self.tokens[name] += number
        self.latency.take_in(other.latency)
        self.ttft.take_in(other.ttft)
        self.overhead.take_in(other.overhead)


class Totals:
    """Fed by one thread, read by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[Labels, Series] = {}

    def add(self, record: ExchangeRecord) -> None:
        labels = Labels(
            record.key_id,
            record.key,
            record.provider or "",
            record.model or "",
            record.door,
            record.outcome,
        )
        with self._lock:
            series = self._series.get(labels)
            if series is None:
                if len(self._series) >= MOST_SERIES:
                    labels = Labels(record.key_id, record.key, OTHER, OTHER, OTHER, record.outcome)
                series = self._series.setdefault(labels, Series())
            series.add(record)

    def each(self, key_id: str | None = None) -> Iterator[tuple[Labels, Series]]:
        """As they are at this moment, in a steady order; only one key's where it is given. Keys of one name, of which
        all but the last are revoked, are one: a monitor knows them by their name."""
        found: dict[Labels, Series] = {}
        with self._lock:
            for labels, series in self._series.items():
                if key_id in (None, labels.key_id):
                    found.setdefault(replace(labels, key_id=""), Series()).take_in(series)
        return iter(sorted(found.items(), key=lambda item: item[0]))
