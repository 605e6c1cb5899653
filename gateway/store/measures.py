"""What is summed: one list of measures, read from rows in SQL, and from buckets in SQL.

Both give the same numbers in the same order, so any mix of them adds up to one `Sums`, and that becomes a `Summary`;
what a row adds to its buckets is in `shares`. A count that a row does not know adds to neither its sum nor its
known-count: unknown never becomes zero. Generation speed is output tokens over generation time, over the rows that
know both: latency − time to first token where the answer was streamed, the whole latency where it came at once.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from gateway.records import COST_SOURCES, USAGE_SOURCES, Distribution, ExchangeRecord, Summary
from gateway.store import histogram, packed_bins
from gateway.store.names import FIXED_IDS, NO_NAME

FAILED_OUTCOMES = ("error", "interrupted")
UNUSED = "none"
# `ExchangeRecord.use_unknown` of a row that no provider counted and that has no cost.
_USE_UNKNOWN = (
    f"(b.outcome = {FIXED_IDS['interrupted']} AND b.latency_us IS NULL AND b.provider <> {NO_NAME}) OR EXISTS "
    "(SELECT 1 FROM attempts a WHERE a.request = b.n AND (a.status IS NULL OR a.status < 300))"
)
COUNTS = (
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "web_searches",
)
DURATIONS = ("latency_us", "ttft_us")
_DISTRIBUTIONS = {"latency_ms": "latency_us", "ttft_ms": "ttft_us"}


def generation_us(record: ExchangeRecord) -> int | None:
    """How long the answer took to generate; None where the row cannot tell a speed."""
    if record.output_tokens is None or record.latency_us is None or record.latency_us <= 0:
        return None
    if record.streamed and record.ttft_us is not None and record.ttft_us < record.latency_us:
        return record.latency_us - record.ttft_us
    return record.latency_us


# Whether a row lacks no price: what used nothing (a refusal) needs none. By cases, since most rows need no look at
# their attempts.
PRICED = (
    f"CASE WHEN b.cost_nano IS NOT NULL THEN 1 WHEN b.usage_source <> {FIXED_IDS[UNUSED]} THEN 0 "
    f"ELSE NOT ({_USE_UNKNOWN}) END"
)


def _row_expressions() -> dict[str, str]:
    failed = ", ".join(str(FIXED_IDS[outcome]) for outcome in FAILED_OUTCOMES)
    expressions = {
        "requests": "COUNT(*)",
        "errors": f"SUM(b.outcome IN ({failed}))",
        "priced": f"SUM({PRICED})",
        "cost_nano": "COALESCE(SUM(b.cost_nano), 0)",
    }
    for source in USAGE_SOURCES:
        expressions[f"usage_{source}"] = f"SUM(b.usage_source = {FIXED_IDS[source]})"
    for source in COST_SOURCES:
        expressions[f"cost_{source}"] = f"SUM(b.cost_source = {FIXED_IDS[source]})"
    for count in COUNTS:
        expressions[count] = f"COALESCE(SUM(b.{count}), 0)"
        expressions[f"{count}_known"] = f"COUNT(b.{count})"
    expressions["generated_tokens"] = "COALESCE(SUM(IIF(b.generation_us IS NULL, 0, b.output_tokens)), 0)"
    expressions["generation_us"] = "COALESCE(SUM(b.generation_us), 0)"
    for duration in DURATIONS:
        expressions[duration] = f"COALESCE(SUM(b.{duration}), 0)"
        expressions[f"{duration}_known"] = f"COUNT(b.{duration})"
    # A later one stands behind these: packed sums of before lack it.
    expressions["price_fuzzy"] = "SUM(b.price_fuzzy AND b.cost_nano IS NOT NULL)"
    return expressions


ROW_EXPRESSIONS = _row_expressions()
MEASURES = tuple(ROW_EXPRESSIONS)
HISTOGRAMS = tuple(f"{duration}_histogram" for duration in DURATIONS)
SUM_ROWS = ", ".join([*ROW_EXPRESSIONS.values(), *(f"histogram_of(b.{duration})" for duration in DURATIONS)])
SUM_BUCKETS = ", ".join(
    [*(f"SUM(b.{measure})" for measure in MEASURES), *(f"sum_histograms(b.{blob})" for blob in HISTOGRAMS)]
)

_SPEED = f"{ROW_EXPRESSIONS['generated_tokens']} * 1000000.0 / NULLIF({ROW_EXPRESSIONS['generation_us']}, 0)"
_COST = (
    f"IIF(COUNT(*) > {ROW_EXPRESSIONS['cost_none']} OR COUNT(*) = {ROW_EXPRESSIONS['priced']}, "
    f"{ROW_EXPRESSIONS['cost_nano']}, NULL)"
)
# What a `Summary`'s field would say of rows, for SQL to order by: NULL where it is unknown.
RANKS: Mapping[str, str] = {
    "cost_usd": _COST,
    "requests": "COUNT(*)",
    "errors": ROW_EXPRESSIONS["errors"],
    "unpriced_requests": f"COUNT(*) - {ROW_EXPRESSIONS['priced']}",
    "price_fuzzy_requests": ROW_EXPRESSIONS["price_fuzzy"],
    "tokens_per_s": _SPEED,
    **{
        count: f"SUM(b.{count})"
        for count in ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    },
    **{f"{name}.avg": f"AVG(b.{duration})" for name, duration in _DISTRIBUTIONS.items()},
    **{
        f"{name}.p{percent}": f"percentile_of(histogram_of(b.{duration}), {percent}, AVG(b.{duration}))"
        for name, duration in _DISTRIBUTIONS.items()
        for percent in (50, 95, 99)
    },
}

_INDEX = {measure: index for index, measure in enumerate(MEASURES)}
_FRACTIONS = (0.50, 0.95, 0.99)


def _places(prefix: str, sources: Sequence[str]) -> slice:
    """Where the counts of sources stand, which lie side by side."""
    first = _INDEX[f"{prefix}_{sources[0]}"]
    return slice(first, first + len(sources))


_USAGE, _COST_FROM = _places("usage", USAGE_SOURCES), _places("cost", COST_SOURCES)
_TOLD = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_summed_of = itemgetter(
    *map(
        _INDEX.__getitem__,
        (
            *("requests", "errors", "priced", "price_fuzzy", "cost_nano", "cost_none"),
            *("generated_tokens", "generation_us"),
            *(name for count in (*_TOLD, *DURATIONS) for name in (count, f"{count}_known")),
        ),
    )
)


class Stored(NamedTuple):
    """How a table stores histograms: how such bytes are read, and their percentiles told."""

    decode: Callable[[bytes], histogram.Bins]
    percentiles: Callable[[bytes, Sequence[float], float | None], list[float | None]]


IN_PAIRS = Stored(packed_bins.decode, packed_bins.percentiles)
IN_BUCKETS = Stored(
    histogram.decode, lambda blob, fractions, mean: histogram.percentiles(histogram.decode(blob), fractions, mean)
)


class Sums:
    """Measures and both histograms, added up from any source. A histogram stays as it is `stored` until something is
    added to it or it is added to others: as bins it takes twenty times as much memory."""

    __slots__ = ("_latency", "_stored", "_ttft", "values")

    def __init__(
        self,
        values: list[int] | None = None,
        latency: histogram.Bins | bytes | None = None,
        ttft: histogram.Bins | bytes | None = None,
        stored: Stored = IN_PAIRS,
    ) -> None:
        self.values: list[int] = [0] * len(MEASURES) if values is None else values
        self._latency: histogram.Bins | bytes = {} if latency is None else latency
        self._ttft: histogram.Bins | bytes = {} if ttft is None else ttft
        self._stored = stored

    @property
    def latency(self) -> histogram.Bins:
        if isinstance(self._latency, bytes):
            self._latency = self._stored.decode(self._latency)
        return self._latency

    @property
    def ttft(self) -> histogram.Bins:
        if isinstance(self._ttft, bytes):
            self._ttft = self._stored.decode(self._ttft)
        return self._ttft

    def packed(self) -> "Sums":
        """The same with both histograms as pairs store them, which is small."""
        if isinstance(self._latency, bytes) and isinstance(self._ttft, bytes) and self._stored is IN_PAIRS:
            return self
        return Sums(self.values, packed_bins.encode(self.latency), packed_bins.encode(self.ttft))

    def add(
        self,
        values: Sequence[int],
        latency: Mapping[int, int],
        ttft: Mapping[int, int],
        sign: int = 1,
    ) -> None:
        self.values = [have + sign * more for have, more in zip(self.values, values, strict=True)]
        histogram.add(self.latency, latency, sign)
        histogram.add(self.ttft, ttft, sign)

    def __getitem__(self, name: str) -> int:
        return self.values[_INDEX[name]]

    def summary(self) -> Summary:
        """The sums as people read them: None where rows exist and none knows the number."""
        values = self.values
        # By their places, since a long series has tens of thousands of these.
        requests, errors, priced, fuzzy, cost, cost_none, generated, generation, *rest = _summed_of(values)
        fresh, fresh_known, cached, cached_known, written, written_known, *rest = rest
        output, output_known, thought, thought_known, latency, latency_known, ttft, ttft_known = rest
        nothing, unpriced = not requests, requests - priced
        return Summary(
            requests=requests,
            errors=errors,
            input_tokens=fresh if fresh_known or nothing else None,
            cached_tokens=cached if cached_known or nothing else None,
            cache_write_tokens=written if written_known or nothing else None,
            output_tokens=output if output_known or nothing else None,
            reasoning_tokens=thought if thought_known or nothing else None,
            cost_nano=cost if requests > cost_none or not unpriced else None,
            unpriced_requests=unpriced,
            price_fuzzy_requests=fuzzy,
            usage_sources=dict(zip(USAGE_SOURCES, values[_USAGE], strict=True)),
            cost_sources=dict(zip(COST_SOURCES, values[_COST_FROM], strict=True)),
            latency_ms=self._distribution(latency, latency_known, self._latency),
            ttft_ms=self._distribution(ttft, ttft_known, self._ttft),
            tokens_per_s=generated * 1_000_000 / generation if generation else None,
        )

    def _distribution(self, total_us: int, known: int, bins: histogram.Bins | bytes) -> Distribution:
        avg = total_us / known / 1000 if known else None
        if isinstance(bins, bytes):
            p50, p95, p99 = self._stored.percentiles(bins, _FRACTIONS, avg)
        else:
            p50, p95, p99 = histogram.percentiles(bins, _FRACTIONS, avg)
        return Distribution(avg=avg, p50=p50, p95=p95, p99=p99)
