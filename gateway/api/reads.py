"""The GET routes: usage, models and health, each a few lines over the same queries that the window uses.

A key that is no admin's sees the rows of its own key only.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from msgspec.structs import replace

from gateway.api.long_answers import of_rows
from gateway.api.model_lists import SHAPES
from gateway.errors import ClientError, missing
from gateway.keys.access import Principal
from gateway.periods import period_before
from gateway.price_records import CostExplanation
from gateway.providers.models import Model
from gateway.read_api import (
    EXPORT_PARAMETERS,
    FILTERS,
    NOTHING,
    parse_export,
    parse_limit,
    parse_query,
    render_beside_page,
    render_beside_rows,
    render_bucket,
    render_conversation,
    render_explanation,
    render_row,
    render_summary,
    row_of_breakdown,
)
from gateway.records import (
    FORMATS,
    Breakdown,
    BreakdownRow,
    ConversationPage,
    ExchangeRecord,
    Export,
    OtherRows,
    RequestPage,
    Summary,
    TimeBucket,
    UsageQuery,
)
from gateway.routes import OPEN, Call, Download, Read, Route, taking

BASE = "/api/ai/v1"
CONTENT_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/x-ndjson",
}


class Queries(Protocol):
    """What the reads ask of the gateway."""

    async def summary(
        self, query: UsageQuery, *, before: UsageQuery | None = None
    ) -> tuple[Summary, Summary | None]: ...

    async def timeseries(self, query: UsageQuery, bucket: str, by: str | None = None) -> tuple[TimeBucket, ...]: ...

    async def breakdown(
        self,
        query: UsageQuery,
        by: str,
        *,
        sort: str = "cost_usd",
        limit: int | None = None,
        only: Collection[str | None] | None = None,
        others: bool = False,
    ) -> Breakdown: ...

    async def conversations(
        self, query: UsageQuery, *, sort: str = "cost_usd", limit: int = 100, cursor: str | None = None
    ) -> ConversationPage: ...

    def download(self, query: UsageQuery, export: Export) -> AsyncGenerator[bytes, None]: ...

    async def requests(
        self, query: UsageQuery, *, limit: int = 100, offset: int = 0, cursor: str | None = None
    ) -> RequestPage: ...

    async def request(self, id: str) -> ExchangeRecord | None: ...

    def explain(self, record: ExchangeRecord) -> CostExplanation: ...


class Models(Protocol):
    """The models that can be asked."""

    @property
    def offered(self) -> Sequence[Model]: ...

    def listed(self, name: str) -> Model | None: ...


def read_routes(
    queries: Queries, health: Callable[[], dict[str, Any]], models: Callable[[], Models]
) -> tuple[Route, ...]:
    """All routes that only read; `models` gives those in force."""

    async def requests(call: Call) -> Any:
        page = await queries.requests(_query(call), limit=parse_limit(call.query), cursor=call.one("cursor"))
        return of_rows("data", page.rows, render_row, render_beside_page(page))

    async def request(call: Call) -> Any:
        id, slash, part = call.rest.partition("/")
        row = await queries.request(id) if not slash or part == "cost" else None
        if row is None or call.scope not in (None, row.key_id):
            raise missing("No request has this id: see /usage/requests.")
        return render_explanation(queries.explain(row)) if slash else render_row(row)

    async def summary(call: Call) -> Any:
        now, previous = await queries.summary(_query(call), before=_before(call))
        # Without a beginning there is no period before, which is null and not left out.
        return render_summary(now, previous) | ({"previous": None} if _compared(call) and previous is None else {})

    async def timeseries(call: Call) -> Any:
        by = call.one("by")
        buckets = await queries.timeseries(_query(call), call.one("bucket") or "hour", by)
        return of_rows("buckets", buckets, lambda bucket: render_bucket(bucket, by), {})

    async def breakdown(call: Call) -> Any:
        return await _breakdown(queries, call)

    async def conversations(call: Call) -> Any:
        sort, limit = call.one("sort") or "cost_usd", parse_limit(call.query)
        page = await queries.conversations(_query(call), sort=sort, limit=limit, cursor=call.one("cursor"))
        return of_rows("data", page.rows, render_conversation, render_beside_page(page))

    def export(format: str) -> Callable[[Call], Awaitable[Any]]:
        async def download(call: Call) -> Any:
            asked = parse_export(call.query, format=format)
            headers = {
                "content-type": CONTENT_TYPES[asked.format],
                "content-disposition": f'attachment; filename="faregate-{asked.what}.{asked.format}"',
            }
            return Download(headers=headers, chunks=queries.download(_query(call), asked))

        return download

    async def healthz(_call: Call) -> Any:
        return health()

    reads: tuple[tuple[str, Read, tuple[str, ...]], ...] = (
        ("requests", requests, ("limit", "cursor")),
        ("summary", summary, ("compare",)),
        ("timeseries", timeseries, ("bucket", "by")),
        ("breakdown", breakdown, ("by", "sort", "limit", "compare")),
        ("conversations", conversations, ("sort", "limit", "cursor")),
        *((f"export.{format}", export(format), EXPORT_PARAMETERS) for format in FORMATS),
    )
    routes = tuple(
        Route(method="GET", path=f"{BASE}/usage/{path}", role="read", read=taking((*FILTERS, *own), read))
        for path, read, own in reads
    )
    one = Route(method="GET", path=f"{BASE}/usage/requests/", role="read", read=taking((), request))
    return (*routes, one, Route(method="GET", path="/healthz", role=OPEN, read=healthz), *_model_routes(models))


async def _breakdown(queries: Queries, call: Call) -> Any:
    by, sort, query = call.one("by") or "model", call.one("sort") or "cost_usd", _query(call)
    # Without a limit a row for each value; how many there are is for the caller to say.
    limit, before = parse_limit(call.query) if call.one("limit") else None, _before(call)
    found = await queries.breakdown(query, by, sort=sort, limit=limit, others=limit is not None)
    previous, previous_others = None, NOTHING
    if before is not None:
        only = {row.value for row in found.rows} if limit is not None else None
        then = await queries.breakdown(before, by, sort=sort, only=only, others=limit is not None)
        # Of very many rows this takes longer than the loop can wait.
        found, previous, previous_others = await asyncio.to_thread(_beside, found, then)
    rendered = row_of_breakdown(found, previous, mark=bool(query.conversation or query.trace))
    rest = render_beside_rows(found, previous_others, compared=before is not None)
    return of_rows("data", found.rows, rendered, rest)


def _beside(found: Breakdown, then: Breakdown) -> tuple[Breakdown, Mapping[str | None, Summary], Summary]:
    """A breakdown with the values that were used before and no longer are, what each used then, and the others."""
    listed = {row.value for row in found.rows}
    previous = {row.value: row.summary for row in then.rows}
    # What has stopped is a difference too.
    stopped = (BreakdownRow(value=row.value, summary=NOTHING) for row in then.rows if row.value not in listed)
    found = replace(found, rows=(*found.rows, *stopped))
    if then.others is None:
        return found, previous, NOTHING
    return replace(found, others=found.others or OtherRows(values=0, summary=NOTHING)), previous, then.others.summary


def _model_routes(models: Callable[[], Models]) -> tuple[Route, ...]:
    async def page(call: Call) -> Any:
        return SHAPES[call.dialect].page(models().offered, call.query, datetime.now(UTC).date())

    async def one(call: Call) -> Any:
        row = models().listed(call.rest)
        if row is None:
            name = call.rest.removeprefix("models/")
            raise ClientError(
                f"The model '{name[:100]}' is not in the list: GET {BASE}/models says what is.",
                status=404,
                kind="not_found",
                param="model",
                code="model_not_found",
            )
        return SHAPES[call.dialect].model(row, datetime.now(UTC).date())

    return tuple(
        Route(method="GET", path=f"/api/ai/{version}/{path}", role="read", read=read, any_dialect=True)
        for version in ("v1", "v1beta")
        for path, read in (("models", page), ("models/", one))
    )


def _query(call: Call) -> UsageQuery:
    return _seen_by(call.principal, parse_query(call.query))


def _before(call: Call) -> UsageQuery | None:
    """The period before the range that is asked for; None where none is to be compared, or there is none."""
    before = period_before(parse_query(call.query), time.time_ns() // 1000) if _compared(call) else None
    return None if before is None else _seen_by(call.principal, before)


def _seen_by(principal: Principal | None, query: UsageQuery) -> UsageQuery:
    if principal is None or principal.role == "admin":
        return query
    if query.key and principal.key_name not in query.key:
        raise ClientError(
            "This key sees only its own usage: ask for key=" + principal.key_name + ", or use an admin key.",
            status=403,
            kind="forbidden",
            param="key",
        )
    # Rows bear the key's name, and a revoked key may have had the same one: what is older than the key was another's.
    begun_us = principal.created_us if query.start_us is None else max(query.start_us, principal.created_us)
    end_us = None if query.end_us is None else max(begun_us, query.end_us)
    return replace(query, key=(principal.key_name,), start_us=begun_us, end_us=end_us)


def _compared(call: Call) -> bool:
    compare = call.one("compare")
    if compare not in (None, "previous"):
        raise ClientError("compare must be previous.", param="compare")
    return compare is not None
