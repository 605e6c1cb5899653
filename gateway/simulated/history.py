"""The demo's example history: weeks of a small company's traffic, drawn by chance but the same for the same seed.

Each day draws from its own generator, so that a longer history ends like a shorter one. Traffic follows the hours
and weekdays of `workloads`, grows by a seventh a month, and reaches up to now; latencies are log-normal around the
models' pace, with one bad afternoon at one provider. Prices come from the caller: they are the real list's.
"""

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from msgspec import Struct, structs

from gateway.events import broken_off
from gateway.model import Usage
from gateway.records import AttemptRecord, ExchangeRecord
from gateway.simulated.pacing import profile
from gateway.simulated.workloads import (
    COUNTS_CACHE_WRITES,
    COUNTS_REASONING,
    PROVIDER_TITLES,
    REPORTS_COST,
    WORKLOADS,
    Workload,
)

Price = Callable[[str, str, Usage, int], tuple[int | None, str, str | None]]
"""(provider, model, usage, Unix microseconds) → nano-dollars or None, cost source, id of the price."""

_S = 1_000_000
_HOUR = 3600 * _S
_DAY = 24 * _HOUR
_WEEKDAY_REQUESTS = 660
_GROWTH_PER_DAY = 0.005
# Whenever the demo is opened, its last hours show something.
_RECENT_HOURS, _RECENT_PER_HOUR = 6, 18
_SPIKE_PROVIDER, _SPIKE_HOURS, _SPIKE_FACTOR = "anthropic", range(13, 18), 3.2
_ERROR_RATE = 0.0135
_OVERHEAD_US = 1300
_MIN_CACHED = 1024


class _Failure(Struct, frozen=True):
    """`status` is what the client was told, `latency_s` a median, `partial` whether tokens had come by then."""

    weight: float
    status: int
    outcome: str
    error_type: str
    message: str
    latency_s: float
    upstream_status: int | None = None
    partial: bool = False


_FAILURES = (
    _Failure(36, 429, "error", "rate_limited", "{} answered 429, too many requests; try again in 7 s.", 0.3, 429),
    _Failure(20, 502, "error", "provider_error", "{} answered 500; try again, or choose another model.", 1.8, 500),
    _Failure(8, 503, "error", "overloaded", "{} is overloaded; try again in a moment.", 0.6, 503),
    _Failure(6, 502, "error", "connection_lost", broken_off("{}"), 4.0, 200, True),
    _Failure(3, 504, "error", "timeout", "{} was silent for 30 s; try again, or raise the time-out.", 31.0),
    _Failure(5, 400, "error", "context_too_long", "{} says that the prompt is too long; shorten it.", 0.25, 400),
    _Failure(22, 499, "aborted", "client_left", "The client left before the answer was complete.", 2.4, 200, True),
)


class _Plan(Struct, frozen=True):
    """One request before its figures: `turn` counts from 0 in its conversation, `seed` draws the rest."""

    at_us: int
    workload: Workload
    provider: str
    model: str
    end_user: str | None
    conversation: str | None
    turn: int
    seed: int
    spiky: bool


def history(
    now_us: int, price: Price, *, days: int = 30, seed: int = 7, utc_offset_s: int = 0
) -> Iterator[ExchangeRecord]:
    """Finished exchanges of the last `days`, oldest first, none ending after `now_us` (Unix microseconds).

    `utc_offset_s` is the viewer's distance from UTC, so that working hours are the viewer's.
    """
    offset = utc_offset_s * _S
    today = (now_us + offset) // _DAY
    spike = _spike_day(today)
    # One day more: the oldest day is cut where the history begins.
    plans = [
        plan
        for day in range(today - days, today + 1)
        for plan in _day(day, now_us, offset, seed, day == spike)
        if now_us - days * _DAY <= plan.at_us < now_us
    ]
    plans.sort(key=lambda plan: (plan.at_us, plan.seed))
    for plan in plans:
        record = _record(plan, price)
        if record.started_us + (record.latency_us or 0) < now_us:
            yield record


def _spike_day(today: int) -> int:
    """A weekday two to four days ago."""
    return next(day for day in range(today - 2, today - 6, -1) if _weekday(day) < 5)


def _weekday(day: int) -> int:
    return datetime.fromtimestamp(day * 86400, UTC).weekday()


def _day(day: int, now_us: int, offset: int, seed: int, spike: bool) -> Iterator[_Plan]:
    rng = random.Random(f"{seed}/{day}")
    mood = rng.lognormvariate(0, 0.07)
    weekend = _weekday(day) >= 5
    for hour in range(24):
        start = day * _DAY + hour * _HOUR - offset
        end = min(start + _HOUR, now_us)
        growth = math.exp(-_GROWTH_PER_DAY * max(0, now_us - start) / _DAY)
        rates = [
            _WEEKDAY_REQUESTS
            * growth
            * mood
            * workload.share
            * (workload.weekend if weekend else 1.0)
            * workload.hours[hour]
            / sum(workload.hours)
            for workload in WORKLOADS
        ]
        if start > now_us - _RECENT_HOURS * _HOUR and sum(rates) < _RECENT_PER_HOUR:
            rates = [rate * _RECENT_PER_HOUR / sum(rates) for rate in rates]
        spiky = spike and hour in _SPIKE_HOURS
        for workload, rate in zip(WORKLOADS, rates, strict=True):
            # Conversations, so that their requests come to the rate; the rest of the hour is not lost by rounding.
            wanted = rate * rng.lognormvariate(0, 0.15) / workload.turns
            count = int(wanted) + (rng.random() < wanted % 1)
            for _ in range(count):
                at = start + int(rng.random() * _HOUR)
                if at < end:
                    yield from _conversation(rng, workload, at, now_us, spiky)


def _conversation(rng: random.Random, workload: Workload, at: int, now_us: int, spiky: bool) -> Iterator[_Plan]:
    age = min(1.0, (now_us - at) / (56 * _DAY))
    shares = workload.models
    chosen = rng.choices(shares, [row.now + (row.before - row.now) * age for row in shares])[0]
    people = workload.people
    end_user = rng.choices([name for name, _ in people], [weight for _, weight in people])[0]
    single = workload.turns <= 1
    turns = 1 if single else 1 + min(60, int(rng.expovariate(1 / max(0.1, workload.turns - 1)) + 0.5))
    conversation = None if single else f"{rng.getrandbits(64):016x}"
    for turn in range(turns):
        yield _Plan(
            at,
            workload,
            chosen.provider,
            chosen.model,
            end_user,
            conversation,
            turn,
            rng.getrandbits(64),
            spiky and chosen.provider == _SPIKE_PROVIDER,
        )
        at += int(rng.lognormvariate(math.log(24), 0.9) * _S)


def _record(plan: _Plan, price: Price) -> ExchangeRecord:
    rng = random.Random(plan.seed)
    usage = _usage(rng, plan)
    failing = rng.random() < _ERROR_RATE * (4 if plan.spiky else 1)
    failure = rng.choices(_FAILURES, [row.weight for row in _FAILURES])[0] if failing else None
    if failure is not None:
        usage = _part_of(usage, rng) if failure.partial else Usage()
    streamed = rng.random() < plan.workload.streamed
    latency, ttft = _times(rng, plan, usage, failure, streamed)
    cost, source, price_id = None, "none", None
    if usage != Usage():
        cost, source, price_id = price(plan.provider, plan.model, usage, plan.at_us)
    if cost is not None and usage.output_tokens and plan.provider in REPORTS_COST and failure is None:
        source = "provider"
    upstream_id = f"req_{rng.getrandbits(80):020x}"
    record = ExchangeRecord(
        id=f"req_{plan.at_us // 1000:012x}{rng.getrandbits(64):016x}",
        started_us=plan.at_us,
        door=plan.workload.door,
        key_id=plan.workload.key_id,
        key=plan.workload.key,
        principal=plan.workload.principal,
        end_user=plan.end_user,
        provider=plan.provider,
        model_requested=plan.model,
        model=plan.model,
        conversation_id=plan.conversation,
        tags=plan.workload.tags,
        streamed=streamed,
        status=200,
        outcome="ok",
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        usage_source="provider",
        cost_nano=cost,
        cost_source=source,
        price_id=price_id,
        latency_us=latency,
        ttft_us=ttft,
        overhead_us=int(rng.lognormvariate(math.log(_OVERHEAD_US), 0.35)),
        attempts=(_attempt(plan, usage, failure, latency, cost, upstream_id),),
        trace_id=f"{rng.getrandbits(128):032x}",
        span_id=f"{rng.getrandbits(64):016x}",
        client=plan.workload.client,
        app=plan.workload.app,
        upstream_request_id=upstream_id,
    )
    return record if failure is None else _failed(record, failure)


def _attempt(
    plan: _Plan, usage: Usage, failure: _Failure | None, latency: int, cost: int | None, upstream_id: str
) -> AttemptRecord:
    return AttemptRecord(
        n=1,
        provider=plan.provider,
        model=plan.model,
        started_us=plan.at_us + _OVERHEAD_US // 2,
        latency_us=max(1, latency - _OVERHEAD_US),
        status=failure.upstream_status if failure is not None else 200,
        error_type=failure.error_type if failure is not None else None,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_nano=cost,
        upstream_request_id=upstream_id,
    )


def _failed(record: ExchangeRecord, failure: _Failure) -> ExchangeRecord:
    title = PROVIDER_TITLES[record.provider or ""]
    return structs.replace(
        record,
        status=failure.status,
        outcome=failure.outcome,
        error_type=failure.error_type,
        error_message=failure.message.format(title),
        usage_source="partial" if failure.partial else "none",
    )


def _usage(rng: random.Random, plan: _Plan) -> Usage:
    work = plan.workload
    repeated = work.prompt + work.growth * max(0, plan.turn - 1) if plan.turn else work.prompt * 0.6
    total = int((work.prompt + work.growth * plan.turn) * rng.lognormvariate(0, 0.3))
    cached = int(min(repeated, total) * work.cached * rng.uniform(0.9, 1.0))
    if cached < _MIN_CACHED or rng.random() > (0.95 if plan.turn else 0.55):
        cached = 0
    writes = plan.provider in COUNTS_CACHE_WRITES
    written = int((total - cached) * rng.uniform(0.7, 0.95)) if writes and total > _MIN_CACHED else 0
    reasoning = profile(plan.model).reasoning
    thought = int(reasoning * rng.lognormvariate(0, 0.6)) if reasoning else 0
    return Usage(
        input_tokens=total,
        cached_tokens=cached,
        cache_write_tokens=written if writes else None,
        cache_write_5m_tokens=written if writes else None,
        cache_write_1h_tokens=0 if writes else None,
        output_tokens=max(8, int(work.output * rng.lognormvariate(0, 0.8))) + thought,
        reasoning_tokens=thought if plan.provider in COUNTS_REASONING else None,
    )


def _part_of(usage: Usage, rng: random.Random) -> Usage:
    output = max(1, int((usage.output_tokens or 0) * rng.random()))
    reasoning = None if usage.reasoning_tokens is None else min(usage.reasoning_tokens, output)
    return structs.replace(usage, output_tokens=output, reasoning_tokens=reasoning)


def _times(
    rng: random.Random, plan: _Plan, usage: Usage, failure: _Failure | None, streamed: bool
) -> tuple[int, int | None]:
    """Latency and time to the first byte, in microseconds."""
    figures = profile(plan.model)
    slow = (_SPIKE_FACTOR if plan.spiky else 1.0) * rng.lognormvariate(0, 0.32)
    first = figures.ttft_s * slow * (1 + (usage.input_tokens or 0) / 60_000)
    if failure is not None and not failure.partial:
        return int(failure.latency_s * rng.lognormvariate(0, 0.3) * _S), None
    # Thinking is faster than its tokens suggest: it is not sent.
    speed = figures.tokens_per_s * rng.lognormvariate(0, 0.2) / math.sqrt(slow)
    whole = first + ((usage.output_tokens or 0) - 0.6 * (usage.reasoning_tokens or 0)) / speed
    latency = int(whole * _S)
    return latency, int(first * _S) if streamed else latency
