"""`GET /metrics`: the totals in Prometheus' text form, by its own library.

The library is loaded when a monitor first asks.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gateway.records import Completeness
from gateway.telemetry.totals import TOKENS, Histogram, Labels, Series

if TYPE_CHECKING:
    from prometheus_client.core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LABELS = ("key", "provider", "model", "door", "outcome")
_HISTOGRAMS: tuple[tuple[str, str, Callable[[Series], Histogram]], ...] = (
    (
        "faregate_request_duration_seconds",
        "Request headers read until the last byte handed to the socket.",
        lambda series: series.latency,
    ),
    (
        "faregate_time_to_first_token_seconds",
        "Request headers read until the first content byte handed to the socket.",
        lambda series: series.ttft,
    ),
    (
        "faregate_overhead_seconds",
        "What the gateway itself added: neither the provider's time nor the client's.",
        lambda series: series.overhead,
    ),
)


def prometheus_text(
    series: Iterable[tuple[Labels, Series]], *, version: str, meter: Completeness | None, open_requests: int | None
) -> bytes:
    """The exposition. `meter` and `open_requests` are the whole gateway's: None for a key that sees only its own."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(tuple(series), version, meter, open_requests))
    return generate_latest(registry)


class _Collector:
    def __init__(
        self,
        series: tuple[tuple[Labels, Series], ...],
        version: str,
        meter: Completeness | None,
        open_requests: int | None,
    ) -> None:
        self._series = series
        self._version = version
        self._meter = meter
        self._open = open_requests

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        build = GaugeMetricFamily("faregate_build_info", "The version that runs.", labels=("version",))
        build.add_metric((self._version,), 1)
        yield build
        yield from self._counters(CounterMetricFamily)
        yield from self._histograms()
        if self._open is not None:
            yield GaugeMetricFamily("faregate_open_requests", "Requests that run now.", value=self._open)
        if self._meter is not None:
            metered = CounterMetricFamily(
                "faregate_exchanges", "The completeness meter: exchanges by how far they came.", labels=("state",)
            )
            for state in ("seen", "written", "priced"):
                metered.add_metric((state,), getattr(self._meter, state))
            yield metered

    def _counters(self, family: Any) -> "Iterator[Metric]":
        requests = family("faregate_requests", "Exchanges that ended.", labels=_LABELS)
        tokens = family(
            "faregate_tokens",
            "Tokens. Input includes cached and cache-written ones, output includes reasoning.",
            labels=(*_LABELS, "type"),
        )
        cost = family("faregate_cost_usd", "Cost of the priced exchanges, in dollars.", labels=_LABELS)
        unpriced = family("faregate_unpriced_requests", "Exchanges without a known price.", labels=_LABELS)
        for labels, series in self._series:
            values = _values(labels)
            requests.add_metric(values, series.requests)
            # What nobody has a price for has no cost: 0 would be one.
            if series.priced or not series.unpriced:
                cost.add_metric(values, series.cost_nano / 1e9)
            unpriced.add_metric(values, series.unpriced)
            for name, word in TOKENS.items():
                tokens.add_metric((*values, word), series.tokens[name])
        yield from (requests, tokens, cost, unpriced)

    def _histograms(self) -> "Iterator[Metric]":
        from prometheus_client.core import HistogramMetricFamily

        for name, help_text, pick in _HISTOGRAMS:
            family = HistogramMetricFamily(name, help_text, labels=_LABELS)
            for labels, series in self._series:
                histogram = pick(series)
                if histogram.count:
                    family.add_metric(_values(labels), _cumulative(histogram), histogram.total)
            yield family


def _values(labels: Labels) -> tuple[str, ...]:
    return tuple(getattr(labels, name) for name in _LABELS)


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    so_far, buckets = 0, []
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        so_far += count
        buckets.append((bound, float(so_far)))
    return buckets
