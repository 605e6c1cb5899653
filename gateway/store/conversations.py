"""Conversations with their usage, costliest first: one statement ranks them, others tell what each was.

Where nothing but a long time is asked for, most are ranked by the totals that were counted ahead, and rows tell the
others (`conversation_totals`). Ranking holds one number per conversation; sums, percentiles, models and tags are read
for those of a page only, so memory depends on the page. A cursor names the sort, and the last one seen.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.errors import ClientError
from gateway.records import ConversationPage, ConversationRow, UsageQuery
from gateway.store import conversation_totals
from gateway.store.conversation_totals import Rank
from gateway.store.cursors import EARLIEST, LATEST, Cursors
from gateway.store.filters import CONVERSATION, HOLDING, Condition, condition, holding
from gateway.store.measures import RANKS, Sums
from gateway.store.names import Texts, json_array
from gateway.store.plan import Rows, whole
from gateway.store.storable import sound_text
from gateway.store.sums import Plan, Table, gather

_UNKNOWN = -(2**63)
_MEDIAN = {"latency_ms": "latency_ms.p50", "ttft_ms": "ttft_ms.p50"}
_RANKS: Mapping[str, str] = {
    **RANKS,
    "ended_at": "MAX(b.started_us)",
    "started_at": "MIN(b.started_us)",
    # Ids are what equals are ordered by.
    "id": "0",
}
_IN_RANGE = " WHERE b.conversation IS NOT NULL AND b.started_us >= ? AND b.started_us < ?"
# Left to itself, SQLite reads the index of all conversations there ever were, for that is in the order of the groups.
_FROM, _FROM_SHORT = " FROM requests b", " FROM requests b INDEXED BY requests_started"
_FROM_SOME = " FROM requests b INDEXED BY requests_conversation"
_OF_NONE = Condition(("b.conversation IS NULL",), ())
_OF_SOME = Condition(("b.conversation IN (SELECT value FROM json_each(?))",), ())
# With more to ask the rows for, these are read at once.
_MOST_UNCOUNTED, _MOST_NOT_TOLD = 500_000, 50_000
_SHORT = 12
_NAMED = (
    "SELECT 1 FROM requests b INDEXED BY requests_conversation "
    "WHERE b.conversation = ? AND b.started_us >= ? AND b.started_us < ? LIMIT 1"
)
_HOLDING = (
    "SELECT DISTINCT b.conversation FROM requests b INDEXED BY requests_conversation"
    f" WHERE b.conversation IS NOT NULL AND {HOLDING.format('b.conversation')}"
    " AND b.started_us >= ? AND b.started_us < ? LIMIT ?"
)
_EXTENT = "SELECT (SELECT MIN(started_us) FROM requests), (SELECT MAX(started_us) FROM requests)"
_PARTS = (
    "SELECT b.conversation, b.user, b.app, b.model, b.tag_set, MIN(b.started_us), MAX(b.started_us)"
    " FROM requests b INDEXED BY requests_conversation"
    " WHERE b.conversation IN (SELECT value FROM json_each(?)) AND b.started_us >= ? AND b.started_us < ?"
)
_PARTS_GROUPED = " GROUP BY 1, 2, 3, 4, 5 ORDER BY 6, 7"

_CURSORS = Cursors(msgspec.json.Decoder(tuple[str, Rank]))
_encode = msgspec.json.encode


def page(
    connection: sqlite3.Connection, texts: Texts, query: UsageQuery, *, sort: str, limit: int, cursor: str | None
) -> ConversationPage:
    """Up to `limit` conversations, largest `sort` first, unknown last. Raises ClientError."""
    after = None if cursor is None else _CURSORS.parse(cursor, sort)
    ranked = list(_ranked(connection, query, sort, after=after, limit=limit + 1))
    more, ranked = len(ranked) > limit, ranked[:limit]
    rows = described(connection, texts, query, [each for _, each in ranked])
    return ConversationPage(rows=rows, next_cursor=_CURSORS.render(ranked[-1], sort) if more else None)


def spooled(connection: sqlite3.Connection, query: UsageQuery, sort: str) -> "Spool":
    """The ids of all that match, in order, in a file that goes with its closing: memory does not grow with them."""
    spool = Spool()
    try:
        for _, conversation in _ranked(connection, query, sort):
            spool.add(conversation)
    except BaseException:
        spool.close()
        raise
    return spool


class Spool:
    """Texts put by on disk, to be read once, in their order. `count`: how many."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self.count = 0

    def add(self, text: str) -> None:
        self.count += 1
        self._file.write(_encode(text) + b"\n")

    def chunks(self, size: int) -> Iterator[list[str]]:
        self._file.seek(0)
        chunk: list[str] = []
        for line in self._file:
            chunk.append(msgspec.json.decode(line))
            if len(chunk) == size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def close(self) -> None:
        self._file.close()


def named(connection: sqlite3.Connection, query: UsageQuery, text: str, most: int) -> tuple[str, ...]:
    """The conversation of this id with requests in the query's time; else those that have it in theirs, in whichever
    case. Raises ClientError where these are more than `most`."""
    if sound_text(text) != text:
        # No row can hold it, and SQLite's functions would cut it short.
        return ()
    bounds = _bounds(query)
    if connection.execute(_NAMED, (text, *bounds)).fetchone() is not None:
        return (text,)
    found = connection.execute(_HOLDING, (*holding(text), *bounds, most + 1)).fetchall()
    if len(found) > most:
        raise ClientError(
            f"More than {most} conversations have “{text}” in their id: write more of it.", param=CONVERSATION
        )
    return tuple(each for (each,) in found)


def ranks(sort: str) -> bool:
    """Whether conversations can be ordered by this."""
    return _MEDIAN.get(sort, sort) in _RANKS


def largest(connection: sqlite3.Connection, query: UsageQuery, sort: str, limit: int) -> Table:
    """Sums of the first `limit` conversations, and of the rows that belong to none. Of a year's, sums and percentiles
    of each would take a minute, and hundreds of megabytes."""
    ids = tuple(each for _, each in _ranked(connection, query, sort, limit=limit))
    plan = Plan(Rows(), [], whole([_bounds(query)]))
    table = gather(connection, replace(query, conversation=ids), CONVERSATION, plan) if ids else {}
    return table | gather(connection, query, None, plan, _OF_NONE)


def described(
    connection: sqlite3.Connection, texts: Texts, query: UsageQuery, ids: Sequence[str]
) -> tuple[ConversationRow, ...]:
    """What these conversations used, in the order of `ids`; one whose rows are gone meanwhile is left out."""
    if not ids:
        return ()
    asked = replace(query, conversation=tuple(ids))
    bounds = _bounds(query)
    table = gather(connection, asked, CONVERSATION, Plan(Rows(), [], whole([bounds])))
    parts = _parts(connection, texts, asked)
    return tuple(
        _row(conversation, sums, parts[conversation])
        for conversation in ids
        if (sums := table.get((0, conversation))) is not None
    )


class _Part(msgspec.Struct, frozen=True):
    user: str | None
    app: str | None
    model: str | None
    tags: tuple[str, ...]
    first_us: int
    last_us: int


def _row(conversation: str, sums: Sums, parts: Sequence[_Part]) -> ConversationRow:
    return ConversationRow(
        id=conversation,
        started_us=min(part.first_us for part in parts),
        ended_us=max(part.last_us for part in parts),
        user=next((part.user for part in parts if part.user is not None), None),
        app=next((part.app for part in parts if part.app is not None), None),
        models=tuple(dict.fromkeys(part.model for part in parts if part.model is not None)),
        tags=tuple(dict.fromkeys(tag for part in parts for tag in part.tags)),
        summary=sums.summary(),
    )


def _parts(connection: sqlite3.Connection, texts: Texts, query: UsageQuery) -> Mapping[str, list[_Part]]:
    """Who and what took part in each conversation, by first appearance."""
    where = condition(connection, replace(query, conversation=()))
    given = (json_array(query.conversation), *_bounds(query), *where.values)
    rows = connection.execute(_PARTS + where.text + _PARTS_GROUPED, given).fetchall()
    names = texts.texts(connection, {number for row in rows for number in row[1:4]})
    tags = texts.tags(connection, {row[4] for row in rows})
    parts: dict[str, list[_Part]] = {}
    for conversation, user, app, model, tag_set, first, last in rows:
        part = _Part(names[user], names[app], names[model], tags[tag_set], first, last)
        parts.setdefault(conversation, []).append(part)
    return parts


def _ranked(
    connection: sqlite3.Connection,
    query: UsageQuery,
    sort: str,
    *,
    after: Rank | None = None,
    limit: int = -1,
) -> Iterator[Rank]:
    """(rank, id), largest rank first; among equals by id."""
    where = condition(connection, query)
    name = _MEDIAN.get(sort, sort)
    if name not in _RANKS:
        raise ClientError(
            f"Conversations cannot be sorted by {sort!r}; use one of {', '.join((*_RANKS, *_MEDIAN))}.", param="sort"
        )
    bounds = _bounds(query)
    rank, place = f"COALESCE({_RANKS[name]}, {_UNKNOWN})", (after, limit)
    if not query.conversation and not query.trace and _is_short(connection, bounds):
        return _of_rows(connection, rank, _FROM_SHORT, bounds, where, place)
    # Of all of them there is no bound to how many the totals do not tell.
    by_totals = limit >= 0 and not where.sql and name in conversation_totals.RANKS
    asked = _not_told(connection, bounds) if by_totals else None
    if asked is None:
        return _of_rows(connection, rank, _FROM, bounds, where, place)
    told = conversation_totals.ranked(
        connection,
        f"COALESCE({conversation_totals.RANKS[name]}, {_UNKNOWN})",
        bounds,
        after,
        limit + len(asked),
    )
    some = replace(_OF_SOME, values=(json_array(asked),))
    both = (
        (each for each in told if each[1] not in asked),
        _of_rows(connection, rank, _FROM_SOME, bounds, some, place),
    )
    return islice(merge(*both, key=lambda each: (-each[0], each[1])), limit)


def _not_told(connection: sqlite3.Connection, bounds: tuple[int, int]) -> set[str] | None:
    """The conversations that their totals do not tell; None where totals are of no help."""
    if conversation_totals.uncounted(connection) > _MOST_UNCOUNTED:
        return None
    asked = conversation_totals.not_told(connection, *bounds)
    return set(asked) if len(asked) <= _MOST_NOT_TOLD else None


def _of_rows(
    connection: sqlite3.Connection,
    rank: str,
    origin: str,
    bounds: tuple[int, int],
    where: Condition,
    place: tuple[Rank | None, int],
) -> Iterator[Rank]:
    statement = f"SELECT {rank} AS rank, b.conversation{origin}{_IN_RANGE}{where.text} GROUP BY b.conversation"
    bound: list[Any] = [*bounds, *where.values]
    after, limit = place
    if after is not None:
        statement += " HAVING rank < ? OR (rank = ? AND b.conversation > ?)"
        bound += [after[0], *after]
    statement += " ORDER BY rank DESC, b.conversation LIMIT ?"
    yield from connection.execute(statement, (*bound, limit))


def _is_short(connection: sqlite3.Connection, bounds: tuple[int, int]) -> bool:
    """Whether the time asked for is a small part of what there is."""
    found: tuple[int | None, int | None] = connection.execute(_EXTENT).fetchone()
    first, last = found
    if first is None or last is None:
        return False
    return (min(bounds[1], last) - max(bounds[0], first)) * _SHORT < last - first


def _bounds(query: UsageQuery) -> tuple[int, int]:
    start = EARLIEST if query.start_us is None else max(EARLIEST, min(query.start_us, LATEST))
    end = LATEST if query.end_us is None else max(EARLIEST, min(query.end_us, LATEST))
    return start, end
