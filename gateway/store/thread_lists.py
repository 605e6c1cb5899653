"""Conversations in a list: a page of them in any order, what each was, and a line around what was searched for."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import ClientError
from gateway.keys.sealing import SealBroken
from gateway.store.content import TEXT, Sealed
from gateway.store.cursors import EARLIEST, LATEST, Cursors
from gateway.store.names import json_array
from gateway.store.thread_filters import where
from gateway.thread_records import THREAD_SORTS, ThreadPage, ThreadQuery, ThreadRow

# By sort: what is largest comes first.
_RANKS: Mapping[str, str] = {
    "newest": "c.ended_us",
    "oldest": "-c.started_us",
    "cost": f"COALESCE(c.cost_nano, {EARLIEST})",
    "duration": "c.duration_us",
    "requests": "c.requests",
}
_PAGE = (
    "SELECT {rank} AS rank, c.id, c.name, c.title, c.line, c.started_us, c.ended_us, c.requests, c.errors, "
    "c.unpriced, c.input_tokens, c.output_tokens, c.cost_nano, c.duration_us, c.given FROM conversations c "
    "WHERE {where} "
    "AND c.requests > 0 AND (rank < ? OR (rank = ? AND c.id < ?)) ORDER BY rank DESC, c.id DESC LIMIT ?"
)
_COUNT = "SELECT COUNT(*) FROM conversations c WHERE {where} AND c.requests > 0"
_AMONG = " AND c.id IN (SELECT value FROM json_each(?))"
_PARTS = (
    "SELECT conversation, user, app, client, model, provider, tags, source, figures, usage_source, cost_source, sub, "
    "session_id, joined_session_id FROM turns "
    "WHERE conversation IN (SELECT value FROM json_each(?)) ORDER BY started_us, id"
)
UNREADABLE = "(cannot be opened)"

_CURSORS = Cursors(msgspec.json.Decoder(tuple[str, tuple[int, int]]))
_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode


def page(
    connection: sqlite3.Connection,
    sealed: Sealed,
    query: ThreadQuery,
    *,
    limit: int,
    cursor: str | None,
    among: Mapping[int, str] | None = None,
) -> ThreadPage:
    """Up to `limit` conversations; `among` are those that hold the text, with a line of it. Raises ClientError."""
    rank = _RANKS.get(query.sort)
    if rank is None:
        raise ClientError(
            f"Conversations cannot be sorted by {query.sort!r}; use one of {', '.join(THREAD_SORTS)}.", param="sort"
        )
    place = (LATEST, LATEST) if cursor is None else _CURSORS.parse(cursor, query.sort)
    condition = where(query)
    sql, values = condition.sql, condition.values
    if among is not None:
        sql, values = sql + _AMONG, (*values, json_array(among))
    statement = _PAGE.format(rank=rank, where=sql)
    found = connection.execute(statement, (*values, place[0], place[0], place[1], limit + 1)).fetchall()
    more, found = len(found) > limit, found[:limit]
    total = connection.execute(_COUNT.format(where=sql), values).fetchone()[0] if cursor is None else None
    return ThreadPage(
        rows=described(connection, sealed, [row[1:] for row in found], among or {}),
        next_cursor=_CURSORS.render((found[-1][0], found[-1][1]), query.sort) if more else None,
        total=total,
    )


def described(
    connection: sqlite3.Connection, sealed: Sealed, rows: Sequence[tuple[Any, ...]], matches: Mapping[int, str]
) -> tuple[ThreadRow, ...]:
    """Conversations with who and what took part, by first appearance."""
    parts: dict[int, list[tuple[Any, ...]]] = {row[0]: [] for row in rows}
    for conversation, *part in connection.execute(_PARTS, (json_array(parts),)):
        parts[conversation].append(tuple(part))
    return tuple(_row(sealed, row, parts[row[0]], matches.get(row[0])) for row in rows)


def _row(sealed: Sealed, row: tuple[Any, ...], parts: list[tuple[Any, ...]], match: str | None) -> ThreadRow:
    number, name, title, line, started, ended, requests, errors, unpriced, input_, output, cost, duration, given = row
    users, apps, clients, models, providers, tags, sources, figures, usage, costs, subs, *sessions = zip(
        *parts, strict=True
    )
    ids = {name, given, *subs}
    return ThreadRow(
        id=name,
        ids=tuple(id for id in _each((given, *subs)) if id != name),
        sessions=tuple(id for id in _each((*sessions[0], *sessions[1])) if id not in ids),
        title=title_of(sealed, number, title, line),
        started_us=started,
        ended_us=ended,
        requests=requests,
        errors=errors,
        user=_first(users),
        app=_first(apps),
        client=_first(clients),
        models=_each(models),
        providers=_each(providers),
        tags=_each(tag for texts in dict.fromkeys(tags) for tag in _decode_texts(texts)),
        input_tokens=input_,
        output_tokens=output,
        cost_nano=cost,
        unpriced=unpriced,
        usage_sources=_each(usage),
        cost_sources=_each(costs),
        duration_us=duration,
        sources=_each((*sources, *(source for told in figures if told for source in _sources(told)))),
        match=match,
    )


def title_of(sealed: Sealed, number: int, title: bytes | None, line: bytes | None) -> str:
    """The user's own title, else the first line."""
    try:
        own = sealed.unpack_text(TEXT, f"title {number}", title)
        return own or sealed.unpack_text(TEXT, f"line {number}", line) or ""
    except SealBroken:
        return UNREADABLE


def _sources(figures: str) -> list[str]:
    return [each["source"] for each in msgspec.json.decode(figures)]


def _first(values: Collection[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _each(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value is not None))
