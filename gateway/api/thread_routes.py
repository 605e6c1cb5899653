"""Conversations and traces over HTTP: what the window shows, for scripts. The contract has the shapes.

A key that is no admin's sees what was said with itself.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.api.long_answers import of_one
from gateway.errors import ClientError, missing
from gateway.header_records import CALLERS, ExchangeHeaders
from gateway.read_api import FILTERS, parse_limit, parse_query, render_money, render_ms, render_time
from gateway.routes import Call, Read, Route, taking
from gateway.telemetry.genai_json import message_json, part_json, tool_json
from gateway.telemetry.reported import Reported
from gateway.thread_records import (
    THREAD_SORTS,
    CacheMiss,
    Figures,
    Thread,
    ThreadPage,
    ThreadQuery,
    ThreadRow,
    Trace,
    TraceSpan,
    Turn,
)

BASE = "/api/ai/v1"
MOST = 200
_MOST_SEARCH = 1000


class Threads(Protocol):
    """What the routes ask of the gateway. `scope` is a key's id."""

    async def threads(self, query: ThreadQuery, *, limit: int = 50, cursor: str | None = None) -> ThreadPage: ...

    async def thread(self, id: str, *, scope: str | None = None) -> Thread | None: ...

    async def headers_of_thread(self, id: str, *, scope: str | None = None) -> Mapping[str, ExchangeHeaders]: ...

    async def trace(self, trace_id: str, *, scope: str | None = None) -> Trace | None: ...

    async def delete_thread(self, id: str) -> bool: ...

    def reported(self) -> tuple[Reported, ...]: ...


def thread_routes(threads: Threads) -> tuple[Route, ...]:
    async def conversations(call: Call) -> Any:
        sort, text = call.one("sort") or THREAD_SORTS[0], call.one("q")
        if text is not None and len(text) > _MOST_SEARCH:
            raise ClientError(f"The text searched for is longer than {_MOST_SEARCH} characters.", param="q")
        query = ThreadQuery(text=text or None, among=parse_query(call.query), scope=call.scope, sort=sort)
        page = await threads.threads(query, limit=parse_limit(call.query, most=MOST), cursor=call.one("cursor"))
        return {"data": [_row(row) for row in page.rows], "next_cursor": page.next_cursor}

    async def conversation(call: Call) -> Any:
        include = call.one("include")
        if include not in (None, "headers"):
            raise ClientError("include must be headers.", param="include")
        found = await threads.thread(call.rest, scope=call.scope)
        if found is None:
            raise _unknown("conversation", "/conversations")
        kept = await threads.headers_of_thread(call.rest, scope=call.scope) if include else None
        # It can have thousands of turns.
        return await of_one(lambda: _told(found, kept, call))

    async def delete(call: Call) -> Any:
        if not await threads.delete_thread(call.rest):
            raise _unknown("conversation", "/conversations")
        return {"id": call.rest, "deleted": True}

    async def trace(call: Call) -> Any:
        found = await threads.trace(call.rest.lower(), scope=call.scope)
        if found is None:
            raise _unknown("trace", "/usage/requests")
        return await of_one(
            lambda: {
                "trace_id": found.trace_id,
                "conversations": list(found.conversation_ids),
                "spans": [_span(span) for span in found.spans],
            }
        )

    async def reported(_call: Call) -> Any:
        return {"data": [_reported(each) for each in threads.reported()]}

    def route(method: str, path: str, role: str, read: Read, *known: str) -> Route:
        return Route(method=method, path=BASE + path, role=role, read=taking(known, read))

    return (
        route("GET", "/usage/reported", "admin", reported),
        route("GET", "/conversations", "read", conversations, *FILTERS, "q", "sort", "limit", "cursor"),
        route("GET", "/conversations/", "read", conversation, "include"),
        route("DELETE", "/conversations/", "admin", delete),
        route("GET", "/traces/", "read", trace),
    )


def _reported(told: Reported) -> dict[str, Any]:
    """What a tool's or app's metrics say of it since this gateway's start: beside our own figures, never in them."""
    names = ("app", "model", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    shape: dict[str, Any] = {name: getattr(told, name) for name in (*names, "reasoning_tokens")}
    shape["cost_usd"] = render_money(told.cost_nano)
    return shape | {"first_at": render_time(told.first_us), "last_at": render_time(told.last_us)}


def _unknown(what: str, where: str) -> ClientError:
    return missing(f"No {what} has this id: see {where}.")


def _row(row: ThreadRow) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": row.id,
        "ids": list(row.ids),
        "sessions": list(row.sessions),
        "title": row.title,
        "started_at": render_time(row.started_us),
        "ended_at": render_time(row.ended_us),
        "requests": row.requests,
        "errors": row.errors,
        "user": row.user,
        "app": row.app,
        "client": row.client,
        "models": list(row.models),
        "providers": list(row.providers),
        "tags": list(row.tags),
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": render_money(row.cost_nano),
        "unpriced_requests": row.unpriced,
        "usage_sources": list(row.usage_sources),
        "cost_sources": list(row.cost_sources),
        "sources": list(row.sources),
    }
    if row.match is not None:
        shape["match"] = row.match
    return shape


def _thread(thread: Thread) -> dict[str, Any]:
    return {
        **_row(thread.row),
        # The latest ones first stand for the conversation; each turn says which it had.
        "system_instructions": [part_json(part) for part in (thread.systems[-1] if thread.systems else ())],
        "systems": [[part_json(part) for part in system] for system in thread.systems],
        "tool_definitions": [[tool_json(tool) for tool in tools] for tools in thread.toolsets],
        "messages": [
            {
                **message_json(message.role, message.parts, name=message.name, finish=message.finish_reason),
                "turn": message.turn,
                **({"output": True, "choice": message.choice} if message.output else {}),
                **({"repeated": True} if message.repeated else {}),
            }
            for message in thread.messages
        ],
        "turns": [_turn(turn) for turn in thread.turns],
        "trace_ids": list(thread.trace_ids),
    }


def _told(thread: Thread, kept: Mapping[str, ExchangeHeaders] | None, call: Call) -> dict[str, Any]:
    told = _thread(thread)
    if kept is not None:
        for turn in told["turns"]:
            turn["headers"] = _headers(kept.get(turn["request_id"]), call)
    return told


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "turn": turn.n,
        "parent": turn.parent,
        "branch": turn.branch,
        "attempt_of": turn.attempt_of,
        "request_id": turn.request_id,
        "trace_id": turn.trace_id,
        "span_id": turn.span_id,
        "session_id": turn.session_id,
        "sources": list(turn.sources),
        "joined": turn.joined,
        "inferred": turn.inferred,
        "door": turn.door,
        "client": turn.client,
        "agent": turn.agent,
        "provider": turn.provider,
        "model": turn.model,
        "model_requested": turn.model_requested,
        "started_at": render_time(turn.started_us),
        "latency_ms": render_ms(turn.latency_us),
        "ttft_ms": render_ms(turn.ttft_us),
        "input_tokens": turn.input_tokens,
        "cached_tokens": turn.cached_tokens,
        "cache_write_tokens": turn.cache_write_tokens,
        "output_tokens": turn.output_tokens,
        "reasoning_tokens": turn.reasoning_tokens,
        "usage_source": turn.usage_source,
        "cost_usd": render_money(turn.cost_nano),
        "cost_source": turn.cost_source,
        "status": turn.status,
        "outcome": turn.outcome,
        "error_type": turn.error_type,
        "error_message": turn.error_message,
        "tags": list(turn.tags),
        "dropped": list(turn.dropped),
        "adapted": list(turn.adapted),
        "system": turn.system,
        "tools": turn.tools,
        "cache_miss": _cache_miss(turn.cache_miss),
        "other_figures": [_figures(each) for each in turn.other_figures],
        "shortened": turn.shortened,
        "hints": list(turn.hints),
    }


def _headers(kept: ExchangeHeaders | None, call: Call) -> list[dict[str, Any]]:
    """What is between gateway and provider says of the operator's account: a key that is no admin's gets its own."""
    return [
        {
            "from": group.whose,
            "attempt": group.attempt or None,
            "line": group.line,
            "headers": [list(pair) for pair in zip(group.names, group.values, strict=True)],
        }
        for group in (kept.groups if kept is not None else ())
        if call.scope is None or group.whose in CALLERS
    ]


def _cache_miss(miss: CacheMiss | None) -> Mapping[str, Any] | None:
    if miss is None:
        return None
    return {
        "reason": miss.reason,
        "where": miss.where,
        "lost_tokens": miss.lost_tokens,
        "cost_usd": render_money(miss.cost_nano),
    }


def _figures(figures: Figures) -> Mapping[str, Any]:
    names = ("source", "model", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens")
    shape: dict[str, Any] = {name: getattr(figures, name) for name in (*names, "reasoning_tokens")}
    return shape | {"cost_usd": render_money(figures.cost_nano), "latency_ms": render_ms(figures.latency_us)}


def _span(span: TraceSpan) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": span.name,
        "kind": span.kind,
        "started_at": render_time(span.started_us),
        "duration_ms": span.duration_us / 1000,
        "status": span.status,
        "attributes": dict(span.attributes),
        "events": [
            {"name": name, "at": render_time(at_us), "attributes": dict(attributes)}
            for name, at_us, attributes in span.events
        ],
        "resource": dict(span.resource),
        "role": span.role,
        "app": span.app,
        "source": span.source,
        "hints": list(span.hints),
    }
    if span.request_id is not None:
        shape["request_id"] = span.request_id
    if span.conversation_id is not None:
        shape |= {"conversation_id": span.conversation_id, "turn": span.turn}
    return shape
