"""Turns as joining needs them: the gateway's exchanges that a telling may be of, and what was found written down.

A call that went past the gateway is a turn of its own; one that the gateway has a row of only adds to that row's
turn.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import Struct

from gateway.store.conversation_rows import Conversations
from gateway.store.names import json_array
from gateway.store.placing import Placer
from gateway.store.removal import forget_turns
from gateway.telemetry.calls import SLACK_NS, Exchanged
from gateway.thread_records import Figures
from gateway.told import Told

_COLUMNS = (
    "t.id, t.request_id, t.trace_id, t.parent_span_id, t.response_id, t.client_response_id, t.model, "
    "t.model_requested, t.user, t.started_us, t.ended_us, t.outcome"
)
_NEAR = (
    f"SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope AND t.started_us >= :from "
    "AND t.started_us <= :to "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope AND t.trace_id = :trace "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.response_id IN (SELECT value FROM json_each(:ids)) "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.request_id IN (SELECT value FROM json_each(:ids)) "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.client_response_id IN (SELECT value FROM json_each(:ids))"
)
_STALE = (
    "SELECT id, conversation FROM turns WHERE source = 'span' AND scope = :scope AND trace_id = :trace "
    "AND identity NOT IN (SELECT value FROM json_each(:identities))"
)
_STALE_LOGS = (
    "SELECT id, conversation FROM turns WHERE source = 'log' AND scope = :scope "
    "AND identity IN (SELECT value FROM json_each(:identities))"
)
_ATTACH = (
    "UPDATE turns SET figures = :figures, joined = :joined, inferred = :inferred, app = COALESCE(:app, app), "
    "agent = COALESCE(:agent, agent) WHERE id = :turn RETURNING conversation, request_id"
)
_BY_IDENTITY = "SELECT id FROM turns WHERE identity = ?"
_REPARENT = "UPDATE turns SET parent = :to WHERE parent = :from"
_SPAN_TURN = "UPDATE spans SET turn = ? WHERE trace_id = ? AND span_id = ?"
_TOLD_BEFORE = "SELECT response_id FROM turns WHERE source = 'span' AND scope = ? AND response_id IN ({marks})"


class Attached(Struct, frozen=True, kw_only=True):
    """What tellings add to an exchange's turn. `identity` is that of the turn of its own that they may have had."""

    turn: int
    figures: tuple[Figures, ...]
    joined: str
    inferred: bool
    identity: str
    app: str | None = None
    agent: str | None = None
    conversation: str | None = None
    spans: tuple[tuple[str, str], ...] = ()


class Own(Struct, frozen=True):
    """A call without a row, and the spans that tell it."""

    told: Told
    spans: tuple[tuple[str, str], ...] = ()


def exchanged(
    connection: sqlite3.Connection, scope: str, trace_id: str, ids: Collection[str], from_ns: int, to_ns: int
) -> list[Exchanged]:
    """Exchanges of a key that calls between two times, or with these ids, may be."""
    values = {
        "scope": scope,
        "trace": trace_id,
        "ids": json_array(ids),
        "from": (from_ns - SLACK_NS) // 1000,
        "to": (to_ns + SLACK_NS) // 1000,
    }
    return [_exchanged(*row) for row in connection.execute(_NEAR, values)]


def _exchanged(
    turn: int,
    request_id: str,
    trace_id: str | None,
    caller: str | None,
    response_id: str | None,
    client_response_id: str | None,
    model: str | None,
    requested: str | None,
    user: str | None,
    started_us: int,
    ended_us: int,
    outcome: str,
) -> Exchanged:
    return Exchanged(
        turn=turn,
        request_id=request_id,
        trace_id=trace_id,
        caller_span_id=caller,
        response_ids=frozenset(id for id in (response_id, client_response_id) if id),
        models=frozenset(name for name in (model, requested) if name),
        user=user,
        started_us=started_us,
        ended_us=ended_us,
        outcome=outcome,
    )


def told_by_spans(connection: sqlite3.Connection, scope: str, ids: Sequence[str]) -> set[str]:
    """Those of these response ids that a span's turn has: a log record of the same call adds nothing."""
    statement = _TOLD_BEFORE.format(marks=", ".join("?" * len(ids)))
    return {id for (id,) in connection.execute(statement, (scope, *ids))} if ids else set()


class Written(Struct):
    """(request id, app) of rows that have an app now."""

    apps: list[tuple[str, str]] = []


def write(
    connection: sqlite3.Connection,
    placer: Placer,
    conversations: Conversations,
    scope: str,
    trace_id: str | None,
    own: Sequence[Own],
    attached: Sequence[Attached],
) -> Written:
    """What was found of a trace, or of a session where `trace_id` is None. Doing it again changes nothing."""
    written = Written([])
    for each in attached:
        _attach(connection, placer, conversations, scope, each, written)
    _forget_stale(connection, placer, scope, trace_id, [each.told for each in own], attached)
    for call in own:
        placer.place(call.told)
        identity = f"{scope} {call.told.identity}"
        turn = connection.execute(_BY_IDENTITY, (identity,)).fetchone()
        _mark(connection, turn[0] if turn else None, call.spans)
    return written


def _attach(
    connection: sqlite3.Connection,
    placer: Placer,
    conversations: Conversations,
    scope: str,
    each: Attached,
    written: Written,
) -> None:
    values = {
        "figures": msgspec.json.encode(each.figures).decode(),
        "joined": each.joined,
        "inferred": each.inferred,
        "app": each.app,
        "agent": each.agent,
        "turn": each.turn,
    }
    conversation, request_id = connection.execute(_ATTACH, values).fetchone()
    earlier = connection.execute(_BY_IDENTITY, (f"{scope} {each.identity}",)).fetchone()
    if earlier is not None:
        connection.execute(_REPARENT, {"from": earlier[0], "to": each.turn})
    if each.conversation is not None and not conversations.is_given(conversation):
        conversation = placer.merge(conversation, conversations.given(each.conversation, scope))
    placer.touch(conversation)
    _mark(connection, each.turn, each.spans)
    if each.app and request_id:
        written.apps.append((request_id, each.app))


def _forget_stale(
    connection: sqlite3.Connection,
    placer: Placer,
    scope: str,
    trace_id: str | None,
    own: Iterable[Told],
    attached: Iterable[Attached],
) -> None:
    """Turns of their own that turned out to be somebody else's."""
    if trace_id is not None:
        kept = json_array(f"{scope} {told.identity}" for told in own)
        values = {"scope": scope, "trace": trace_id, "identities": kept}
        stale = connection.execute(_STALE, values).fetchall()
    else:
        gone = json_array(f"{scope} {each.identity}" for each in attached)
        stale = connection.execute(_STALE_LOGS, {"scope": scope, "identities": gone}).fetchall()
    if stale:
        forget_turns(connection, [turn for turn, _ in stale])
        for _, conversation in stale:
            placer.touch(conversation)


def _mark(connection: sqlite3.Connection, turn: int | None, spans: Iterable[tuple[str, str]]) -> None:
    connection.executemany(_SPAN_TURN, [(turn, trace_id, span_id) for trace_id, span_id in spans])
