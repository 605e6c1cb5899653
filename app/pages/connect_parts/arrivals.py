"""Whether a tool's requests arrive: its keys, known by their names, and the last request made with them."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from app import formats, sources
from app.pages.connect_parts.tools import Tool
from gateway import ApiKeyRow, ExchangeRecord, UsageQuery

if TYPE_CHECKING:
    from gateway import Gateway

_LATELY_US = 30 * 86_400_000_000
_MOST = 1000


class Arrival(Struct, frozen=True, kw_only=True):
    """`row` is the last request with one of the tool's keys, `good` the last of them that succeeded, `other` the last
    good one that the tool made with another key. `used_us`: when one of the keys was last used, for a tool that makes
    no requests itself."""

    row: ExchangeRecord | None = None
    good: ExchangeRecord | None = None
    other: ExchangeRecord | None = None
    used_us: int | None = None

    @property
    def connected(self) -> bool:
        return bool(self.good or self.other or self.used_us)


class Seen(Struct, frozen=True, kw_only=True):
    """The keys and the clients whose requests succeeded lately."""

    keys: frozenset[str] = frozenset()
    clients: frozenset[str] = frozenset()

    def has(self, tool: Tool, keys: Sequence[ApiKeyRow]) -> bool:
        if tool.sends_spans:
            return any(row.last_used_us is not None for row in keys)
        return tool.client in self.clients or any(row.name in self.keys for row in keys)


class ArrivalWords(Struct, frozen=True, kw_only=True):
    """`tone` is a colour token; `icon` says the same without colour. `request`: the id that a link leads to."""

    text: str
    detail: str
    tone: str
    icon: str
    request: str | None = None


def keys_of(tool_key: str, rows: Sequence[ApiKeyRow]) -> tuple[ApiKeyRow, ...]:
    """The keys in force that were made for a tool: `codex`, `codex-2` and so on; the newest first."""
    name = re.compile(rf"{re.escape(tool_key)}(-\d+)?")
    mine = [row for row in rows if row.revoked_us is None and name.fullmatch(row.name)]
    return tuple(sorted(mine, key=lambda row: row.created_us, reverse=True))


def free_name(tool_key: str, rows: Sequence[ApiKeyRow]) -> str:
    """A name that no key has, revoked ones included: their requests are others'."""
    taken = {row.name for row in rows}
    names = (tool_key, *(f"{tool_key}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


async def read_arrival(gateway: "Gateway", tool: Tool, keys: Sequence[ApiKeyRow]) -> Arrival:
    """Asks for three rows at most."""
    if tool.sends_spans:
        return Arrival(used_us=max((row.last_used_us for row in keys if row.last_used_us is not None), default=None))
    if keys:
        names, since = tuple(row.name for row in keys), min(row.created_us for row in keys)
        row = await _last(gateway, UsageQuery(start_us=since, key=names))
        if row is not None:
            good = row if row.outcome == "ok" else None
            good = good or await _last(gateway, UsageQuery(start_us=since, key=names, outcome=("ok",)))
            return Arrival(row=row, good=good)
    if tool.client is None:
        return Arrival()
    return Arrival(other=await _last(gateway, UsageQuery(client=(tool.client,), outcome=("ok",))))


async def read_seen(gateway: "Gateway", now_us: int) -> Seen:
    """Of the last thirty days: two sums, however many requests there were."""
    lately = UsageQuery(start_us=now_us - _LATELY_US, outcome=("ok",))
    keys = await gateway.breakdown(lately, "key", sort="requests", limit=_MOST)
    clients = await gateway.breakdown(lately, "client", sort="requests", limit=_MOST)
    names = (frozenset(row.value for row in sums.rows if row.value is not None) for sums in (keys, clients))
    return Seen(keys=next(names), clients=next(names))


async def _last(gateway: "Gateway", query: UsageQuery) -> ExchangeRecord | None:
    page = await gateway.requests(query, limit=1)
    return page.rows[0] if page.rows else None


def told(row: ExchangeRecord, now_us: int) -> str:
    """When, with which model, how long it took and what it cost."""
    cost = sources.marked(formats.money(row.cost_nano), sources.estimated_cost(row))
    latency = None if row.latency_us is None else row.latency_us / 1000
    parts = (formats.ago(row.started_us, now_us), row.model or row.model_requested, formats.duration(latency), cost)
    return " · ".join(part for part in parts if part)
