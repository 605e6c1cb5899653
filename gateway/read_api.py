"""The read API's words and shapes: query parameters → `UsageQuery`, records → plain JSON values. Pure.

Money leaves as a string of decimal dollars with nine places, times as ISO 8601 in UTC; both are null where unknown.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from gateway.errors import ClientError
from gateway.number_filters import NUMBERS, parse_number
from gateway.parameters import Parameters, every, refuse_empty, single
from gateway.price_records import CostExplanation
from gateway.records import (
    COST_SOURCES,
    EXPORTS,
    FORMATS,
    OUTCOMES,
    USAGE_SOURCES,
    Breakdown,
    BreakdownRow,
    Completeness,
    ConversationPage,
    ConversationRow,
    Distribution,
    ExchangeRecord,
    Export,
    RequestPage,
    Summary,
    TagCondition,
    TimeBucket,
    UsageQuery,
)
from gateway.tags import MAX_CHARACTERS
from gateway.time_zones import EARLIEST_US, LATEST_US, zone_of

DIMENSION_PARAMETERS = (
    "provider",
    "model",
    "key",
    "user",
    "door",
    "client",
    "app",
    "conversation",
    "trace",
    "outcome",
)
TEXT_PARAMETER = "text"
FILTERS = ("from", "to", "tz", "tag", *DIMENSION_PARAMETERS, *NUMBERS, TEXT_PARAMETER)
_EXPORT_WORDS = ("what", "format", "bucket", "by", "sort")
EXPORT_PARAMETERS = (*_EXPORT_WORDS, "bom")
_WORDS_OF_EXPORTS: Mapping[str, tuple[str, ...]] = {
    "bucket": ("buckets",),
    "by": ("buckets", "breakdown"),
    "sort": ("breakdown", "conversations"),
}
NANO_PER_DOLLAR = 1_000_000_000
NOTHING = Summary(usage_sources=dict.fromkeys(USAGE_SOURCES, 0), cost_sources=dict.fromkeys(COST_SOURCES, 0))
MOST_ROWS = 1000
USUAL_ROWS = 100
MOST_WORDS = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLUS_LOST = re.compile(r" (?=\d\d:?\d\d$)")
_FORBIDDEN_IN_TAG = re.compile(r"[,!|\x00-\x1f\x7f]")


def parse_query(params: Parameters) -> UsageQuery:
    """The filters (`FILTERS`) among these parameters; others are the caller's. Raises ClientError that names one.

    An empty one is refused. A time without an offset is read in `tz`. A dimension may be repeated: any of its values
    matches.
    """
    refuse_empty(params, FILTERS)
    tz = single(params, "tz") or "UTC"
    zone = zone_of(tz)
    start, end = (_parse_time(name, single(params, name), zone) for name in ("from", "to"))
    if start is not None and end is not None and start > end:
        raise ClientError("The time `from` lies after `to`; exchange them.", param="from")
    dimensions = {name: tuple(dict.fromkeys(every(params, name))) for name in DIMENSION_PARAMETERS}
    for outcome in dimensions["outcome"]:
        if outcome not in OUTCOMES:
            raise ClientError(
                f"The outcome {outcome!r} is unknown; use one of {', '.join(OUTCOMES)}.", param="outcome"
            )
    tags = tuple(_parse_tag_condition(value) for value in every(params, "tag"))
    numbers = tuple(dict.fromkeys(parse_number(name, value) for name in NUMBERS for value in every(params, name)))
    text = tuple(dict.fromkeys(every(params, TEXT_PARAMETER)))
    if len(text) > MOST_WORDS or any(len(word) > MAX_CHARACTERS for word in text):
        raise ClientError(
            f"A text is at most {MAX_CHARACTERS} characters, and at most {MOST_WORDS} can be asked for together.",
            param=TEXT_PARAMETER,
        )
    return UsageQuery(start_us=start, end_us=end, tz=tz, tags=tags, numbers=numbers, text=text, **dimensions)


def parse_limit(params: Parameters, *, most: int = MOST_ROWS) -> int:
    """`limit`, from 1 to `most`; 100 where it is not given. Raises ClientError."""
    value = single(params, "limit")
    if value is None:
        return USUAL_ROWS
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most):
        raise ClientError(f"The limit {value!r} is not a whole number from 1 to {most}.", param="limit")
    return int(value)


def parse_moment(name: str, value: str | None) -> int | None:
    """ISO 8601, in UTC where it says no zone, or epoch seconds. Raises ClientError."""
    return _parse_time(name, value, ZoneInfo("UTC"))


def parse_export(params: Parameters, *, format: str = "csv") -> Export:
    """What an export is to hold, and how; filters are `parse_query`'s. Raises ClientError."""
    given: dict[str, Any] = {name: value for name in _EXPORT_WORDS if (value := single(params, name))}
    bom = single(params, "bom") or "0"
    if bom not in ("0", "1"):
        raise ClientError("bom must be 1, for a byte order mark, or 0.", param="bom")
    for name, known in (("what", EXPORTS), ("format", FORMATS)):
        if given.setdefault(name, {"what": known[0], "format": format}[name]) not in known:
            raise ClientError(f"The {name} {given[name]!r} is unknown; use one of {', '.join(known)}.", param=name)
    for name, exports in _WORDS_OF_EXPORTS.items():
        if name in given and given["what"] not in exports:
            raise ClientError(f"{name} is for {' and '.join(exports)}: leave it out, or set what.", param=name)
    export = Export(**given, bom=bom == "1")
    if export.bom and export.format != FORMATS[0]:
        raise ClientError("Only CSV has a byte order mark: leave bom out.", param="bom")
    return export


def _parse_time(name: str, value: str | None, zone: ZoneInfo) -> int | None:
    if value is None:
        return None
    us = _epoch_us(value)
    if us is None:
        us = _iso_us(value, zone)
    if us is None or not EARLIEST_US <= us <= LATEST_US:
        raise ClientError(
            f"The time {value!r} cannot be read; use ISO 8601, like 2026-11-23T18:00:00Z, or seconds since 1970.",
            param=name,
        )
    return us


def _epoch_us(value: str) -> int | None:
    try:
        seconds = Decimal(value)
    except InvalidOperation:
        return None
    # A bare year is a date to people and a second of 1970 to nobody.
    if not seconds.is_finite() or seconds.adjusted() > 12 or re.fullmatch(r"\d{8}|\d{4}", value):
        return None
    return int(seconds * 1_000_000)


def _iso_us(value: str, zone: ZoneInfo) -> int | None:
    # In a URL an unescaped plus sign arrives as a space.
    text = _PLUS_LOST.sub("+", value) if "T" in value else value
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def _parse_tag_condition(value: str) -> TagCondition:
    negated = value.startswith("!")
    parts = (value[1:] if negated else value).split("|")
    return TagCondition(any_of=tuple(dict.fromkeys(_parse_tag(part, value) for part in parts)), negated=negated)


def _parse_tag(part: str, whole: str) -> str:
    key, colon, tag_value = (piece.strip() for piece in part.partition(":"))
    tag = f"{key}:{tag_value}" if colon else key
    if not key or (colon and not tag_value) or len(tag) > MAX_CHARACTERS or _FORBIDDEN_IN_TAG.search(tag):
        raise ClientError(
            f"The tag filter {whole!r} cannot be read; use team:ml-ops, team:a|team:b or !env:dev.", param="tag"
        )
    return tag


def render_money(nano: int | None) -> str | None:
    """Nano-dollars as decimal dollars with nine places."""
    if nano is None:
        return None
    dollars, rest = divmod(abs(nano), NANO_PER_DOLLAR)
    return f"{'-' if nano < 0 else ''}{dollars}.{rest:09d}"


def render_time(us: int) -> str:
    """ISO 8601 in UTC, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def render_ms(us: float | None) -> float | None:
    """Microseconds as milliseconds."""
    return None if us is None else us / 1000


def render_row(record: ExchangeRecord) -> dict[str, Any]:
    """A row of `/usage/requests`, and of its CSV."""
    return {
        "id": record.id,
        "started_at": render_time(record.started_us),
        "door": record.door,
        "provider": record.provider,
        "model_requested": record.model_requested,
        "model": record.model,
        "key": record.key,
        "user": record.user,
        "end_user": record.end_user,
        "principal": record.principal,
        "conversation_id": record.conversation_id,
        "tags": list(record.tags),
        "byok": record.byok,
        "streamed": record.streamed,
        "status": record.status,
        "outcome": record.outcome,
        "error_type": record.error_type,
        "input_tokens": record.input_tokens,
        "cached_tokens": record.cached_tokens,
        "cache_write_tokens": record.cache_write_tokens,
        "output_tokens": record.output_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "usage_source": record.usage_source,
        "cost_usd": render_money(record.cost_nano),
        "cost_source": record.cost_source,
        "price_id": record.price_id,
        "price_fuzzy": record.price_fuzzy,
        "latency_ms": render_ms(record.latency_us),
        "ttft_ms": render_ms(record.ttft_us),
        "overhead_us": record.overhead_us,
        "attempts": len(record.attempts),
        "dropped": list(record.dropped),
        "trace_id": record.trace_id,
        "client": record.client,
        "app": record.app,
    }


def render_explanation(explanation: CostExplanation) -> dict[str, Any]:
    """How a row's cost came about. Unit prices and amounts are exact decimals, of dollars and of nano-dollars."""
    known = explanation.price_list
    fetched = None if known is None or known.fetched_us is None else render_time(known.fetched_us)
    return {
        "cost_usd": render_money(explanation.cost_nano),
        "cost_source": explanation.source,
        "price_id": explanation.price_id,
        "price_fuzzy": explanation.fuzzy,
        "parts": [
            {
                "unit": part.unit,
                "count": part.count,
                "usd": part.price_usd,
                "per": part.per,
                "amount_nano_usd": part.amount_nano,
            }
            for part in explanation.parts
        ],
        "sum_nano_usd": explanation.exact_nano,
        "above_input_tokens": explanation.tier_above,
        "list": None if known is None else {"version": known.version, "fetched_at": fetched, "models": known.models},
        "notes": list(explanation.notes),
    }


def render_beside_page(page: RequestPage | ConversationPage) -> dict[str, Any]:
    """What a page says besides its rows."""
    return {"next_cursor": page.next_cursor, **_render_gap(page.complete_from_us)}


def render_summary(summary: Summary, previous: Summary | None = None) -> dict[str, Any]:
    """The answer of `/usage/summary`; `previous` where a comparison was asked for."""
    shape = _render_sums(summary)
    if summary.completeness is not None:
        shape["completeness"] = _render_completeness(summary.completeness)
    shape |= _render_gap(summary.complete_from_us)
    if previous is not None:
        shape["previous"] = render_summary(previous)
    return shape


def render_bucket(bucket: TimeBucket, by: str | None = None) -> dict[str, Any]:
    """One slice of time, as in JSON and in its CSV; `value` only where it was asked `by` something."""
    value: Mapping[str, str | None] = {} if by is None else {"value": bucket.value}
    return {
        "start": render_time(bucket.start_us),
        "end": render_time(bucket.end_us),
        **value,
        **_render_sums(bucket.summary),
        **({} if bucket.complete else {"complete": False}),
    }


def row_of_breakdown(
    breakdown: Breakdown, previous: Mapping[str | None, Summary] | None = None, *, mark: bool = False
) -> Callable[[BreakdownRow], dict[str, Any]]:
    """What makes a row of `/usage/breakdown` of one of this breakdown's. `previous` where a comparison was asked for:
    what each value had used before. `mark` says of each row whether it is the costliest."""
    costliest = max((row.summary.cost_nano or 0 for row in breakdown.rows), default=0) if mark else 0
    if breakdown.others is not None:
        costliest = max(costliest, breakdown.others.most_nano)

    def rendered(row: BreakdownRow) -> dict[str, Any]:
        shape = {"value": row.value, **_render_sums(row.summary)}
        if mark:
            shape["costliest"] = bool(costliest) and row.summary.cost_nano == costliest
        if previous is not None:
            shape["previous"] = _render_sums(previous.get(row.value, NOTHING))
        return shape

    return rendered


def render_beside_rows(
    breakdown: Breakdown, previous_others: Summary = NOTHING, *, compared: bool = False
) -> dict[str, Any]:
    """What `/usage/breakdown` says besides its rows."""
    shape: dict[str, Any] = {}
    others = breakdown.others
    if others is not None:
        shape["others"] = {"values": others.values, **_render_sums(others.summary)}
        if compared:
            shape["others"]["previous"] = _render_sums(previous_others)
    return {
        **shape,
        "overlapping": breakdown.overlapping,
        **_render_gap(breakdown.complete_from_us),
    }


def render_conversation(row: ConversationRow) -> dict[str, Any]:
    """A conversation and its usage, as in JSON and in its CSV."""
    return {
        "id": row.id,
        "started_at": render_time(row.started_us),
        "ended_at": render_time(row.ended_us),
        "user": row.user,
        "app": row.app,
        "models": list(row.models),
        "tags": list(row.tags),
        **_render_sums(row.summary),
    }


def _render_gap(complete_from_us: int | None) -> dict[str, str]:
    """Only where retention has taken away what an answer needs."""
    return {} if complete_from_us is None else {"complete_from": render_time(complete_from_us)}


def _render_sums(summary: Summary) -> dict[str, Any]:
    return {
        "requests": summary.requests,
        "errors": summary.errors,
        "input_tokens": summary.input_tokens,
        "cached_tokens": summary.cached_tokens,
        "cache_write_tokens": summary.cache_write_tokens,
        "output_tokens": summary.output_tokens,
        "reasoning_tokens": summary.reasoning_tokens,
        "cost_usd": render_money(summary.cost_nano),
        "unpriced_requests": summary.unpriced_requests,
        "price_fuzzy_requests": summary.price_fuzzy_requests,
        "usage_sources": dict(summary.usage_sources),
        "cost_sources": dict(summary.cost_sources),
        "latency_ms": _render_distribution(summary.latency_ms),
        "ttft_ms": _render_distribution(summary.ttft_ms),
        "tokens_per_s": _rounded(summary.tokens_per_s),
    }


def _render_distribution(distribution: Distribution) -> dict[str, float | None]:
    return {
        "avg": _rounded(distribution.avg),
        "p50": _rounded(distribution.p50),
        "p95": _rounded(distribution.p95),
        "p99": _rounded(distribution.p99),
    }


def _rounded(number: float | None) -> float | None:
    # Far finer than anybody shows it: a figure that is rounded twice may differ from one that is rounded once.
    return None if number is None else round(number, 6)


def render_counts(completeness: Completeness) -> dict[str, int]:
    """The meter's counts alone, as everybody may see them."""
    return {
        "seen": completeness.seen,
        "written": completeness.written,
        "priced": completeness.priced,
        "open": completeness.open,
    }


def _render_completeness(completeness: Completeness) -> dict[str, Any]:
    differences = [
        {
            "kind": difference.kind,
            "count": difference.count,
            "of": difference.of,
            "attention": difference.attention,
            "meaning": difference.meaning,
        }
        for difference in completeness.differences
    ]
    return {**render_counts(completeness), "differences": differences}
