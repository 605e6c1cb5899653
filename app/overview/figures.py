"""What the five cards say: figures of a summary as words, and how they stand to the period before.

Pure: from the query's answers to text. A change is good or bad, not only up or down: less cost is good, more latency
is bad. Where a figure is unknown it is "—", never zero.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from app import sources
from app.formats import UNKNOWN, count, delta_percent, delta_points, duration, money, money_exact, percent, rate
from app.translation import tr
from gateway import Summary, TimeBucket

MAX_POINTS = 28
_HOUR_US = 3_600_000_000

Direction = Literal["up", "down", "level"]
Verdict = Literal["good", "bad", "neutral"]


class Delta(Struct, frozen=True):
    """A change against the period before; `text` is without a sign."""

    text: str
    direction: Direction
    verdict: Verdict


class Figure(Struct, frozen=True, kw_only=True):
    """One card. `exact` is the value without rounding; `delta` None and `is_new` where there is nothing before.

    `definition` says in words what the value counts and what it leaves out.
    """

    key: str
    title: str
    icon: str
    value: str
    exact: str
    definition: str
    fact: str
    delta: Delta | None = None
    is_new: bool = False
    warning: bool = False
    points: tuple[float | None, ...] = ()


def figures(
    summary: Summary, previous: Summary | None, buckets: Sequence[TimeBucket], span_us: int
) -> tuple[Figure, ...]:
    """The five cards for a range of `span_us` microseconds that has begun."""
    before = previous if previous is not None and previous.requests else None
    return (
        _requests(summary, before, buckets, span_us),
        _tokens(summary, before, buckets),
        _cost(summary, before, buckets),
        _latency(summary, before, buckets),
        _error_rate(summary, before, buckets),
    )


def tokens(summary: Summary) -> int | None:
    """Input and output together; None only where neither is known."""
    if summary.input_tokens is None and summary.output_tokens is None:
        return None
    return (summary.input_tokens or 0) + (summary.output_tokens or 0)


def error_rate(summary: Summary) -> float | None:
    """Errors among all requests, as a fraction."""
    return summary.errors / summary.requests if summary.requests else None


def split_unit(text: str) -> tuple[str, str]:
    """A value and the unit that is written smaller: "1.42 s" → ("1.42", "s"), "1.1 %" or "1.1%" → ("1.1", "%")."""
    if text.endswith("%"):
        return text[:-1].rstrip(), "%"
    number, space, unit = text.rpartition(" ")
    if space and unit.isalpha() and " " not in number:
        return number, unit
    return text, ""


def _requests(now: Summary, before: Summary | None, buckets: Sequence[TimeBucket], span_us: int) -> Figure:
    hours = max(span_us / _HOUR_US, 1 / 60)
    often, unit = (now.requests / hours, "h") if hours > 2 else (now.requests / (hours * 60), "min")
    return Figure(
        key="requests",
        title=tr("Requests"),
        icon="activity",
        value=count(now.requests),
        exact=f"{now.requests:,}",
        definition=tr("Every request that arrived with a valid key, however it ended."),
        fact=tr("avg {shown} / {unit}").format(shown=rate(often), unit=unit),
        delta=_delta(now.requests, before.requests if before else None, good="up"),
        is_new=before is None and now.requests > 0,
        points=_points(buckets, lambda summary: summary.requests, None),
    )


def _tokens(now: Summary, before: Summary | None, buckets: Sequence[TimeBucket]) -> Figure:
    total = tokens(now)
    each = count(round(total / now.requests)) if total is not None and now.requests else UNKNOWN
    return Figure(
        key="tokens",
        title=tr("Tokens"),
        icon="scroll-text",
        value=sources.marked(count(total), sources.estimated_output(now)),
        exact=_exact(UNKNOWN if total is None else f"{total:,}", sources.counts_tooltip(now)),
        definition=(
            tr(
                "Input and output together. Input includes what was read from and written to a cache, output "
                "includes reasoning; both as the provider counted them, or estimated where it did not."
            )
        ),
        fact=tr("{each} / request").format(each=each),
        delta=_delta(total, tokens(before) if before else None, good="up"),
        is_new=before is None and bool(total),
        points=_points(buckets, tokens, None),
    )


def _cost(now: Summary, before: Summary | None, buckets: Sequence[TimeBucket]) -> Figure:
    priced = now.requests - now.unpriced_requests
    each = money(round(now.cost_nano / priced)) if now.cost_nano is not None and priced > 0 else UNKNOWN
    missing = now.unpriced_requests
    return Figure(
        key="cost",
        title=tr("Cost"),
        icon="coins",
        value=sources.marked_money(now.cost_nano, sources.estimated_cost(now)),
        exact=_exact(
            UNKNOWN
            if now.cost_nano is None
            else tr("{cost} · {each} / request").format(cost=money_exact(now.cost_nano), each=each),
            sources.costs_tooltip(now),
        ),
        definition=(
            tr(
                "What the priced requests cost: your own price, else the provider's figure, else the day's list "
                "price. Requests without a known price are counted beside it, never as $0."
            )
        ),
        fact=tr("{missing} not priced").format(missing=count(missing))
        if missing
        else tr("{each} / request").format(each=each),
        delta=_delta(now.cost_nano, before.cost_nano if before else None, good="down"),
        is_new=before is None and bool(now.cost_nano),
        warning=missing > 0,
        points=_points(buckets, lambda summary: summary.cost_nano, None),
    )


def _latency(now: Summary, before: Summary | None, buckets: Sequence[TimeBucket]) -> Figure:
    average = now.latency_ms.avg
    return Figure(
        key="latency",
        title=tr("Avg latency"),
        icon="clock",
        value=duration(average),
        exact=UNKNOWN if average is None else f"{average:,.1f} ms",
        definition=tr(
            "From a request's headers to the last byte of its answer, the mean over all that were measured; "
            "p95 is at most 5 % off."
        ),
        fact=f"p95 {duration(now.latency_ms.p95)}",
        delta=_delta(average, before.latency_ms.avg if before else None, good="down"),
        is_new=before is None and average is not None,
        points=_points(buckets, lambda summary: summary.latency_ms.avg, lambda summary: summary.requests),
    )


def _error_rate(now: Summary, before: Summary | None, buckets: Sequence[TimeBucket]) -> Figure:
    rate = error_rate(now)
    rate_before = error_rate(before) if before else None
    delta = None
    if rate is not None and rate_before is not None:
        delta = _judge(delta_points(rate, rate_before), rate - rate_before, 0.0005, good="down")
    return Figure(
        key="errors",
        title=tr("Error rate"),
        icon="circle-alert",
        value=percent(rate),
        exact=tr("{errors:,} of {requests:,} requests").format(errors=now.errors, requests=now.requests),
        definition=tr("Requests that ended in an error or were interrupted, among all that arrived."),
        fact=tr("{errors} failed").format(errors=count(now.errors)),
        delta=delta,
        is_new=before is None and rate is not None,
        points=_points(buckets, error_rate, lambda summary: summary.requests),
    )


def _exact(number: str, tooltip: str) -> str:
    """The number in full, and where it comes from."""
    return "\n".join(filter(None, (number, tooltip)))


def _delta(now: float | None, before: float | None, *, good: Direction) -> Delta | None:
    if now is None or not before:
        return None
    text = delta_percent(now, before)
    return _judge(text, (now - before) / before, 0.0005, good=good) if text is not None else None


def _judge(text: str, change: float, threshold: float, *, good: Direction) -> Delta:
    text = text.lstrip("+-−")
    if abs(change) < threshold:
        return Delta(text, "level", "neutral")
    direction: Direction = "up" if change > 0 else "down"
    return Delta(text, direction, "good" if direction == good else "bad")


def _points(
    buckets: Sequence[TimeBucket],
    value: Callable[[Summary], float | None],
    weight: Callable[[Summary], float] | None,
) -> tuple[float | None, ...]:
    """At most 28 points: sums of neighbouring buckets, or with `weight` their weighted means; None where nothing is
    known, as of what has no price, or no traffic to be timed."""
    size = -(-len(buckets) // MAX_POINTS) if buckets else 1
    points: list[float | None] = []
    for start in range(0, len(buckets), size):
        total = weights = 0.0
        told = False
        for bucket in buckets[start : start + size]:
            known = value(bucket.summary)
            if known is not None:
                share = weight(bucket.summary) if weight else 1.0
                total += known * share
                weights += share
                told = True
        if weight is not None:
            points.append(total / weights if weights else None)
        else:
            points.append(total if told else None)
    return tuple(points)
