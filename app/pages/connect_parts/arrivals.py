"""Whether a tool's requests arrive: its keys, known by their names, and the last request made with them."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from app import formats, sources
from app.pages.connect_parts.tools import BY_KEY, FRAMEWORKS, SDKS, TOOLS, Tool
from app.pages.page import RequestTarget, ThreadTarget
from gateway import TEST_CLIENT, ApiKeyRow, ExchangeRecord, LastTold, UsageQuery

if TYPE_CHECKING:
    from gateway import Gateway

_LATELY_US = 30 * 86_400_000_000
_MOST = 1000
_BY_CLIENT = {tool.client: tool for tool in TOOLS if tool.client is not None}


class Arrival(Struct, frozen=True, kw_only=True):
    """`row` is the last request of the tool with one of its keys, `good` the last of them that succeeded, `other` the
    last good one that it made with another key. `stranger`: where it made none, the last request of another tool with
    one of its keys. `told`: what came last from apps that tell of their calls, with whatever key."""

    row: ExchangeRecord | None = None
    good: ExchangeRecord | None = None
    other: ExchangeRecord | None = None
    stranger: ExchangeRecord | None = None
    told: LastTold | None = None

    @property
    def connected(self) -> bool:
        return bool(self.good or self.other or self.told)


class ArrivalWords(Struct, frozen=True, kw_only=True):
    """`tone` is a colour token; `icon` says the same without colour. `request` or `thread`: the id of what a link
    leads to."""

    text: str
    detail: str
    tone: str
    icon: str
    request: str | None = None
    thread: str | None = None

    @property
    def target(self) -> RequestTarget | ThreadTarget | None:
        if self.request is not None:
            return RequestTarget(self.request)
        return ThreadTarget(self.thread) if self.thread is not None else None


def whose(key: str, client: str | None) -> Tool | None:
    """The tool behind a request, by the name of its key and by what the request calls itself.

    A key that was made for a tool says it, unless the request is by its own word another tool's: whoever tries a key
    with curl has not connected Codex, and neither has this page's own test. What builds on an SDK may call itself by
    the SDK's name.
    """
    if client == TEST_CLIENT:
        return None
    by_client, by_key = _BY_CLIENT.get(client or ""), BY_KEY.get(_made_for(key))
    if by_key is None or by_client is None:
        return by_key or by_client
    builds_on_others = by_key.client is None or by_key.category == FRAMEWORKS
    return by_key if builds_on_others and by_client.category == SDKS else by_client


def _made_for(key: str) -> str:
    """`codex` of `codex`, `codex-2` and so on."""
    return re.sub(r"-\d+\Z", "", key)


def keys_of(tool_key: str, rows: Sequence[ApiKeyRow]) -> tuple[ApiKeyRow, ...]:
    """The keys in force that were made for a tool, by their names; the newest first."""
    mine = [row for row in rows if row.revoked_us is None and _made_for(row.name) == tool_key]
    return tuple(sorted(mine, key=lambda row: row.created_us, reverse=True))


def free_name(tool_key: str, rows: Sequence[ApiKeyRow]) -> str:
    """A name that no key has, revoked ones included: their requests are others'."""
    taken = {row.name for row in rows}
    names = (tool_key, *(f"{tool_key}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


async def read_arrival(gateway: "Gateway", tool: Tool, keys: Sequence[ApiKeyRow]) -> Arrival:
    """Asks for a few rows at most."""
    if tool.sends_spans:
        own = await gateway.last_told([row.id for row in keys]) if keys else None
        return Arrival(told=own or await gateway.last_told())
    stranger = None
    if keys:
        names, since = tuple(row.name for row in keys), min(row.created_us for row in keys)
        mine = UsageQuery(start_us=since, key=names)
        row = await _last(gateway, mine)
        if row is not None and whose(row.key, row.client) is not tool:
            stranger, mine = row, await _without_strangers(gateway, tool, mine)
            row = await _last(gateway, mine) if mine.client else None
        if row is not None:
            good = row if row.outcome == "ok" else await _last(gateway, replace(mine, outcome=("ok",)))
            return Arrival(row=row, good=good)
    if tool.client is None:
        return Arrival(stranger=stranger)
    return Arrival(other=await _last_with_other_key(gateway, tool), stranger=stranger)


async def _without_strangers(gateway: "Gateway", tool: Tool, query: UsageQuery) -> UsageQuery:
    """Of the requests with the tool's keys those that are its own; without a client where none is."""
    clients = await _values(gateway, query, "client")
    return replace(query, client=tuple(name for name in clients if whose(query.key[0], name) is tool))


async def _last_with_other_key(gateway: "Gateway", tool: Tool) -> ExchangeRecord | None:
    assert tool.client is not None
    query = UsageQuery(client=(tool.client,), outcome=("ok",))
    row = await _last(gateway, query)
    if row is None or whose(row.key, row.client) is tool:
        return row
    # Of all requests: keys are counted ahead, while each request of a client would have to be read.
    names = await _values(gateway, UsageQuery(), "key")
    keys = tuple(name for name in names if whose(name, tool.client) is tool)
    return await _last(gateway, replace(query, key=keys)) if keys else None


async def read_seen(gateway: "Gateway", now_us: int) -> frozenset[str]:
    """The keys of the tools whose requests succeeded in the last thirty days, or that told of calls: a sum for each
    key that was made for a tool and used, and two more, however many requests there were."""
    lately = UsageQuery(start_us=now_us - _LATELY_US, outcome=("ok",))
    groups: dict[str, list[str]] = {}
    for name in await _values(gateway, lately, "key"):
        by_key = whose(name, None)
        groups.setdefault(by_key.key if by_key is not None else "", []).append(name)
    seen: set[str] = set()
    for names in groups.values():
        clients = await gateway.breakdown(replace(lately, key=tuple(names)), "client", limit=_MOST)
        found = (whose(names[0], row.value) for row in clients.rows)
        seen.update(tool.key for tool in found if tool is not None)
    told = await gateway.last_told()
    if told is not None and told.stored_us >= now_us - _LATELY_US:
        seen.update(tool.key for tool in TOOLS if tool.sends_spans)
    return frozenset(seen)


async def _values(gateway: "Gateway", query: UsageQuery, by: str) -> list[str]:
    """The names that there are; not that of what has none."""
    sums = await gateway.breakdown(query, by, sort="requests", limit=_MOST)
    return [row.value for row in sums.rows if row.value is not None]


async def _last(gateway: "Gateway", query: UsageQuery) -> ExchangeRecord | None:
    page = await gateway.requests(query, limit=1)
    return page.rows[0] if page.rows else None


def span_told(told: LastTold, now_us: int) -> str:
    """When, from which app, and what."""
    return " · ".join(part for part in (formats.ago(told.stored_us, now_us), told.app, told.name) if part)


def told(row: ExchangeRecord, now_us: int) -> str:
    """When, with which model, how long it took and what it cost."""
    cost = sources.marked_money(row.cost_nano, sources.estimated_cost(row))
    latency = None if row.latency_us is None else row.latency_us / 1000
    parts = (formats.ago(row.started_us, now_us), row.model or row.model_requested, formats.duration(latency), cost)
    return " · ".join(part for part in parts if part)
