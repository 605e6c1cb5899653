"""Ledgers drawn at random, and the bills that providers would write for them, in each of their forms."""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import BinaryIO
from zoneinfo import ZoneInfo

from gateway.reconcile import Opener
from gateway.records import ExchangeRecord, UsageQuery

# Nano-dollars per token: uncached input, cached, written to the cache, output.
RATES = {
    "gpt-4.1-mini": (400, 100, 400, 1600),
    "gpt-5": (1250, 125, 1250, 10_000),
    "gpt-5-nano": (50, 5, 50, 400),
    "claude-sonnet-4-6": (3000, 300, 3750, 15_000),
    "claude-haiku-4-5": (1000, 100, 1250, 5000),
    "gemini-2.5-flash": (300, Fraction(75, 2), 300, 2500),
    "gemini-2.5-flash-lite": (100, 10, 100, 400),
    "grok-4.3": (3000, 750, 3000, 15_000),
}
PROVIDERS = {
    "openai": ("gpt-4.1-mini", "gpt-5", "gpt-5-nano"),
    "anthropic": ("claude-sonnet-4-6", "claude-haiku-4-5"),
    "google": ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
    "xai": ("grok-4.3",),
}
CACHE_WRITES = ("anthropic",)
US = 1_000_000


@dataclass(frozen=True)
class Billed:
    """A request as the provider knows it; `dollars` exact."""

    id: str
    us: int
    model: str
    input: int
    cached: int
    written: int
    output: int
    dollars: Decimal

    def day(self, zone: ZoneInfo) -> date:
        return datetime.fromtimestamp(self.us // US, zone).date()


def nano(model: str, input: int, cached: int, written: int, output: int) -> int:
    """What our row says: the exact cost, rounded half-even once."""
    tokens = (input - cached - written, cached, written, output)
    return round(
        sum((Fraction(rate) * number for rate, number in zip(RATES[model], tokens, strict=True)), Fraction(0))
    )


def ledger(
    provider: str, *, first: date = date(2026, 10, 20), days: int = 20, per_day: int = 12, seed: int = 1
) -> list[ExchangeRecord]:
    """Rows of every hour of these days (in UTC, and a day more on either side), newest first."""
    draw = random.Random(seed)
    start = int(datetime(first.year, first.month, first.day, tzinfo=ZoneInfo("UTC")).timestamp()) - 86_400
    rows = []
    for model in PROVIDERS[provider]:
        for number in range((days + 2) * per_day):
            cached = draw.choice((0, draw.randrange(1, 50_000)))
            written = draw.randrange(1, 20_000) if provider in CACHE_WRITES and draw.random() < 0.3 else 0
            input, output = cached + written + draw.randrange(1, 300_000), draw.randrange(1, 20_000)
            rows.append(
                ExchangeRecord(
                    id=f"req_{model}_{number}",
                    started_us=(start + draw.randrange((days + 2) * 86_400)) * US,
                    door="openai_chat",
                    key_id="key_1",
                    key="laptop",
                    provider=provider,
                    model=model,
                    status=200,
                    outcome="ok",
                    input_tokens=input,
                    cached_tokens=cached,
                    cache_write_tokens=written,
                    output_tokens=output,
                    usage_source="provider",
                    cost_nano=nano(model, input, cached, written, output),
                    cost_source="list",
                    latency_us=2_000_000,
                    upstream_request_id=f"up_{model}_{number}",
                )
            )
    return sorted(rows, key=lambda row: -row.started_us)


def billed(rows: Iterable[ExchangeRecord]) -> list[Billed]:
    """The same requests on the provider's side."""
    return [
        Billed(
            id=row.upstream_request_id or "",
            us=row.started_us,
            model=row.model or "",
            input=row.input_tokens or 0,
            cached=row.cached_tokens or 0,
            written=row.cache_write_tokens or 0,
            output=row.output_tokens or 0,
            dollars=Decimal(row.cost_nano or 0) / 10**9,
        )
        for row in rows
    ]


def dearer(requests: Iterable[Billed], model: str, share: str = "1.01") -> list[Billed]:
    """One model at another price."""
    return [replace(r, dollars=r.dollars * Decimal(share)) if r.model == model else r for r in requests]


def within(requests: Iterable[Billed], first: date, last: date, zone: ZoneInfo) -> list[Billed]:
    return [request for request in requests if first <= request.day(zone) <= last]


def text(titles: Sequence[str], lines: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(titles)
    writer.writerows(lines)
    return file.getvalue()


def rounded(dollars: Decimal, places: int) -> Decimal:
    return dollars.quantize(Decimal(1).scaleb(-places), context=Context(prec=60))


Cells = dict[tuple[date, str], list[Billed]]


def cells(requests: Iterable[Billed], zone: ZoneInfo) -> Cells:
    found: Cells = defaultdict(list)
    for request in requests:
        found[request.day(zone), request.model].append(request)
    return dict(sorted(found.items()))


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


OPENAI_USAGE = [
    "start_time",
    "end_time",
    "start_time_iso",
    "end_time_iso",
    "project_id",
    "num_model_requests",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "input_tokens",
    "output_tokens",
    "input_cached_tokens",
    "input_uncached_tokens",
]
OPENAI_COSTS = [
    "start_time",
    "end_time",
    "start_time_iso",
    "end_time_iso",
    "amount_value",
    "amount_currency",
    "quantity",
    "quantity_unit",
    "line_item",
    "user_id",
    "api_key_id",
    "project_id",
]
ANTHROPIC_USAGE = [
    "usage_date_utc",
    "model_version",
    "api_key",
    "workspace",
    "usage_type",
    "context_window",
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
    "usage_output_tokens",
    "web_search_count",
    "inference_geo",
    "speed",
]
ANTHROPIC_COSTS = [
    "usage_date_utc",
    "model",
    "workspace",
    "api_key",
    "usage_type",
    "context_window",
    "token_type",
    "cost_usd",
    "list_price_usd",
    "cost_type",
    "inference_geo",
    "speed",
]
GOOGLE = [
    "Billing account name",
    "Billing account ID",
    "Project name",
    "Project ID",
    "Service description",
    "Service ID",
    "SKU description",
    "SKU ID",
    "Credit type",
    "Cost type",
    "Usage start date",
    "Usage end date",
    "Usage amount",
    "Usage unit",
    "Unrounded Cost ($)",
    "Cost ($)",
]
XAI = ("Date", "Description", "Unit type", "Num units", "Amount (USD)")


def openai_usage(requests: Sequence[Billed], zone: ZoneInfo) -> str:
    lines = []
    for (day, model), found in cells(requests, zone).items():
        start, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        total, cached = sum(r.input for r in found), sum(r.cached for r in found)
        lines.append(
            [
                start,
                end,
                "",
                "",
                "proj_1",
                len(found),
                "",
                "key_1",
                f"{model}-2025-08-07",
                "False",
                "default",
                total,
                sum(r.output for r in found),
                cached,
                total - cached,
            ]
        )
    # A day on which nothing was used.
    lines.append([_midnight(max(r.day(zone) for r in requests), zone), "", "", "", *[""] * 11])
    return text(OPENAI_USAGE, lines)


def openai_costs(requests: Sequence[Billed], zone: ZoneInfo, places: int = 30) -> str:
    lines = []
    for (day, model), found in cells(requests, zone).items():
        start, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        cost = rounded(sum((r.dollars for r in found), Decimal(0)), places)
        lines.append(
            [start, end, "", "", f"{cost:f}", "usd", "", "", f"{model}-2025-08-07, input_tokens", "", "", ""]
        )
    return text(OPENAI_COSTS, lines)


def anthropic_usage(requests: Sequence[Billed], zone: ZoneInfo) -> str:
    lines = [
        [
            day,
            f"{model}-20250929",
            "app",
            "Default",
            "standard",
            "≤ 200k",
            sum(r.input - r.cached - r.written for r in found),
            sum(r.written for r in found),
            0,
            sum(r.cached for r in found),
            sum(r.output for r in found),
            0,
            "global",
            "",
        ]
        for (day, model), found in cells(requests, zone).items()
    ]
    return text(ANTHROPIC_USAGE, lines)


TITLES = {"claude-sonnet-4-6": "Claude Sonnet 4.6", "claude-haiku-4-5": "Claude Haiku 4.5"}


def anthropic_costs(requests: Sequence[Billed], zone: ZoneInfo, places: int = 2) -> str:
    """A line per kind of token, each rounded: here a third and the rest."""
    lines = []
    for (day, model), found in cells(requests, zone).items():
        cost = sum((r.dollars for r in found), Decimal(0))
        for kind, part in (("input_no_cache", cost / 3), ("output", cost - cost / 3)):
            amount = rounded(part, places)
            lines.append(
                [day, TITLES[model], "Default", "app", "message", "≤ 200k", kind, amount, amount, "token", "", ""]
            )
    return text(ANTHROPIC_COSTS, lines)


def google(requests: Sequence[Billed], zone: ZoneInfo, places: int = 6) -> str:
    """With the invoice's own data above, another service's lines among them, and a sum below."""
    lines = []
    for (day, model), found in cells(requests, zone).items():
        sku = model.replace("-", " ") + " short input text"
        cost = sum((r.dollars for r in found), Decimal(0))
        kinds = {
            "Generate content input token count": sum(r.input - r.cached for r in found),
            "Generate content cached input token count": sum(r.cached for r in found),
            "Generate content output token count": sum(r.output for r in found),
        }
        for (kind, amount), part in zip(kinds.items(), (cost / 2, cost / 4, cost - cost / 2 - cost / 4), strict=True):
            lines.append(
                [
                    "Acme",
                    "0-1",
                    "p",
                    "p-1",
                    "Gemini API",
                    "S",
                    f"{kind} {sku}",
                    "K",
                    "",
                    "Usage",
                    day,
                    day,
                    f"{amount:,}",
                    "count",
                    rounded(part, places),
                    rounded(part, 2),
                ]
            )
        lines.append(
            [
                "Acme",
                "0-1",
                "p",
                "p-1",
                "Compute Engine",
                "S",
                "Core",
                "K",
                "",
                "Usage",
                day,
                day,
                "7.5",
                "hour",
                9,
                9,
            ]
        )
    lines.append(["Total", *[""] * 14, "123.45"])
    return "Invoice number,5\nCurrency,USD\n\n" + text(GOOGLE, lines)


def xai(requests: Sequence[Billed], zone: ZoneInfo, places: int = 4) -> str:
    lines = []
    for (day, model), found in cells(requests, zone).items():
        cost = sum((r.dollars for r in found), Decimal(0))
        kinds = {
            "Prompt text tokens": sum(r.input - r.cached for r in found),
            "Cached prompt text tokens": sum(r.cached for r in found),
            "Completion text tokens": sum(r.output for r in found) - len(found),
            "Reasoning text tokens": len(found),
        }
        parts = (cost / 2, cost / 8, cost / 8, cost - cost / 2 - cost / 8 - cost / 8)
        for (kind, amount), part in zip(kinds.items(), parts, strict=True):
            lines.append([day, f"Chat {model}", kind, amount, rounded(part, places)])
    return text(XAI, lines)


def per_request(requests: Iterable[Billed], zone: ZoneInfo, places: int = 4) -> str:
    titles = ("Request ID", "Date", "Model", "Input tokens", "Cached tokens", "Output tokens", "Cost (USD)")
    return text(
        titles,
        (
            [
                r.id,
                f"{datetime.fromtimestamp(r.us // US, zone):%Y-%m-%d %H:%M:%S}",
                r.model,
                r.input,
                r.cached,
                r.output,
                rounded(r.dollars, places),
            ]
            for r in requests
        ),
    )


def usage_and_costs(requests: Iterable[Billed], zone: ZoneInfo, places: int = 6) -> str:
    """Nobody's form: a line per day and model with counts and costs."""
    titles = ("Date", "Model", "Requests", "Input tokens", "Cached tokens", "Output tokens", "Cost (USD)")
    lines = (
        [
            day,
            model,
            len(found),
            sum(r.input for r in found),
            sum(r.cached for r in found),
            sum(r.output for r in found),
            rounded(sum((r.dollars for r in found), Decimal(0)), places),
        ]
        for (day, model), found in cells(requests, zone).items()
    )
    return text(titles, lines)


def opener(content: str | bytes) -> Opener:
    data = content.encode() if isinstance(content, str) else content

    def opened() -> BinaryIO:
        return io.BytesIO(data)

    return opened


def rows_of(records: Sequence[ExchangeRecord]) -> "Rows":
    return Rows(records)


class Rows:
    """What the store answers: the provider's rows within the time."""

    def __init__(self, records: Sequence[ExchangeRecord]) -> None:
        self._records = records

    def __call__(self, query: UsageQuery) -> Iterator[ExchangeRecord]:
        assert query.start_us is not None and query.end_us is not None
        for record in self._records:
            if record.provider in query.provider and query.start_us <= record.started_us < query.end_us:
                yield record
