"""Turns as joining needs them: the gateway's exchanges that a telling may be of, and what was found written down.

A call that went past the gateway is a turn of its own; one that the gateway has a row of only adds to that row's
turn.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from gateway.store.conversation_rows import Conversations
from gateway.store.names import json_array
from gateway.store.placed_before import PlacedBefore, Prints, prints_of
from gateway.store.placing import Placer
from gateway.store.removal import forget_turns
from gateway.store.turn_rows import stored_identity
from gateway.telemetry.calls import SLACK_NS, Exchanged
from gateway.thread_records import Figures
from gateway.told import Told

_COLUMNS = (
    "t.id, t.request_id, t.trace_id, t.parent_span_id, t.response_id, t.client_response_id, t.model, "
    "t.model_requested, t.user, t.principal, t.started_us, t.ended_us, t.outcome"
)
_NEAR = (
    f"SELECT {_COLUMNS} FROM json_each(:times) w CROSS JOIN turns t INDEXED BY turns_started "
    "ON t.started_us BETWEEN json_extract(w.value, '$[0]') AND json_extract(w.value, '$[1]') "
    "WHERE t.source = 'gateway' AND t.scope = :scope "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.trace_id IN (SELECT value FROM json_each(:traces)) "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.response_id IN (SELECT value FROM json_each(:ids)) "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.identity IN (SELECT value FROM json_each(:ids)) "
    f"UNION SELECT {_COLUMNS} FROM turns t WHERE t.source = 'gateway' AND t.scope = :scope "
    "AND t.client_response_id IN (SELECT value FROM json_each(:ids))"
)
_STALE = (
    "SELECT id, conversation FROM turns WHERE scope = :scope AND (identity IN (SELECT value FROM json_each(:gone)) "
    "OR (source IN ('span', 'log') AND trace_id = :trace AND identity NOT IN (SELECT value FROM json_each(:kept))))"
)
_BY_TRACE = (
    "SELECT t.id, t.conversation FROM turns t JOIN conversations c ON c.id = t.conversation "
    "WHERE t.identity = ? AND c.given = t.trace_id"
)
# Spans at a time whose calls stand for themselves, or were joined by nothing but their time.
_AROUND = (
    "FROM spans s JOIN turns t ON t.id = s.turn WHERE s.turn IS NOT NULL AND s.scope = :scope "
    "AND s.ended_us BETWEEN :from AND :latest AND s.started_us <= :to AND (t.source <> 'gateway' OR t.inferred = 1)"
)
_BESIDE = (
    "SELECT DISTINCT trace_id FROM turns WHERE source = 'span' AND scope = :scope AND response_id IN "
    "(SELECT value FROM json_each(:ids)) "
    f"UNION SELECT trace_id FROM (SELECT DISTINCT s.trace_id {_AROUND} LIMIT :most) "
    "UNION SELECT DISTINCT trace_id FROM spans WHERE scope = :scope AND turn IN (SELECT value FROM json_each(:turns))"
)
_ASKED = (
    "SELECT id, scope, started_us, ended_us, json_array(response_id, client_response_id, request_id) "
    "FROM turns WHERE identity = ? AND source = 'gateway'"
)
_TELLERS = (
    "SELECT DISTINCT trace_id FROM turns WHERE source IN ('span', 'log') AND scope = :scope AND trace_id IS NOT NULL "
    "AND response_id IN (SELECT value FROM json_each(:ids)) "
    "UNION SELECT DISTINCT trace_id FROM turns WHERE source = 'log' AND scope = :scope AND trace_id IS NOT NULL "
    "AND ended_us BETWEEN :from AND :latest AND started_us <= :to "
    # Told again, it has lost what was joined with it.
    "UNION SELECT DISTINCT trace_id FROM spans WHERE turn = :turn AND scope = :scope "
    f"UNION SELECT DISTINCT s.trace_id {_AROUND}"
)
_SESSIONS = (
    "SELECT DISTINCT session FROM logs WHERE scope = :scope AND session IS NOT NULL AND trace_id IS NULL "
    # A record comes after what it tells of.
    "AND stored_us >= :from AND started_us BETWEEN :from AND :to"
)
_LAST_SPANS = "SELECT DISTINCT trace_id, scope, key FROM (SELECT * FROM spans ORDER BY id DESC LIMIT ?)"
_LAST_LOGS = (
    "SELECT DISTINCT session, scope, key FROM (SELECT * FROM logs ORDER BY id DESC LIMIT ?) WHERE session IS NOT NULL"
)
_ATTACH = (
    "UPDATE turns SET figures = :figures, joined = :joined, inferred = :inferred, app = COALESCE(:app, app), "
    "agent = COALESCE(:agent, agent), session = :session, "
    "joined_session_id = :session_id WHERE id = :turn RETURNING conversation, request_id"
)
_MOVED = "UPDATE turns SET moved = 1 WHERE id = ?"
_TOLD = "SELECT trace_id, span_id, turn FROM spans WHERE trace_id IN (SELECT value FROM json_each(?)) AND scope = ?"
_OF_EXCHANGES = "SELECT id FROM turns WHERE source = 'gateway' AND id IN (SELECT value FROM json_each(?))"
_STILL_TOLD = "SELECT 1 FROM spans WHERE turn = ? LIMIT 1"
# Exchanges that records of a session were joined with before.
_OF_SESSION = "SELECT id FROM turns WHERE session = ? AND scope = ? AND source = 'gateway'"
_DETACH = (
    "UPDATE turns SET figures = NULL, joined = NULL, inferred = 0, app = NULL, agent = NULL, session = NULL, "
    "joined_session_id = NULL WHERE id = ? "
    "RETURNING request_id, moved"
)
_BY_IDENTITY = "SELECT id FROM turns WHERE identity = ?"
_REPARENT = "UPDATE turns SET parent = :to WHERE parent = :from"
_SPAN_TURN = "UPDATE spans SET turn = ? WHERE trace_id = ? AND span_id = ?"
_FIGURES = "UPDATE turns SET figures = ?, joined = ? WHERE id = ?"
# A call is looked for among those that ended so long after, at most.
LONGEST_US = 3600 * 1_000_000
# From and to.
Time = tuple[int, int]
# So many other traces are looked at beside one, at most.
MOST_BESIDE = 64
# What was received last before a gateway ended is looked at again at its start.
LAST = 2000


class Attached(Struct, frozen=True, kw_only=True):
    """What tellings add to an exchange's turn. `identities` are those of turns that they may have had themselves,
    `session` that of a tool whose records are all that tells, `session_id` that of the session around it."""

    turn: int
    figures: tuple[Figures, ...]
    joined: str
    inferred: bool
    identities: tuple[str, ...]
    app: str | None = None
    agent: str | None = None
    conversation: str | None = None
    spans: tuple[tuple[str, str], ...] = ()
    session: str | None = None
    session_id: str | None = None


class Own(Struct, frozen=True):
    """A call without a row, the spans that tell it, what its other tellings say, and identities that it might have
    had."""

    told: Told
    spans: tuple[tuple[str, str], ...] = ()
    figures: tuple[Figures, ...] = ()
    joined: str | None = None
    identities: tuple[str, ...] = ()


def times_of(calls: Iterable[Time]) -> list[Time]:
    """From and to (ns) of calls, as the times (µs) in which an exchange of theirs began, in order and apart.

    One that says no start, or lasted longer than any does, is found by no time: all that was ever stored is near it.
    """
    found: list[Time] = []
    for start_ns, end_ns in sorted(calls):
        if start_ns <= 0 or end_ns - start_ns > LONGEST_US * 1000:
            continue
        start, end = (start_ns - SLACK_NS) // 1000, (max(start_ns, end_ns) + SLACK_NS) // 1000
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        found.append((start, end))
    return found


def exchanged(
    connection: sqlite3.Connection,
    scope: str,
    traces: Collection[str],
    ids: Collection[str],
    times: Sequence[Time],
) -> list[Exchanged]:
    """Exchanges of a key that calls of these times (`times_of`), in these traces or with these ids may be."""
    values = {
        "scope": scope,
        "traces": json_array(traces),
        "ids": json_array(ids),
        "times": msgspec.json.encode(times).decode(),
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
    principal: str | None,
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
        principal=principal,
        started_us=started_us,
        ended_us=ended_us,
        outcome=outcome,
    )


def beside(
    connection: sqlite3.Connection,
    scope: str,
    near: Collection[Exchanged],
    ids: Collection[str],
    times: Sequence[Time],
) -> set[str]:
    """Other traces that may tell the same calls, or be told by the same exchanges."""
    from_us, to_us = (times[0][0], times[-1][1]) if times else (0, 0)
    values = {"scope": scope, "from": from_us, "to": to_us, "latest": to_us + LONGEST_US} | {
        "ids": json_array(ids),
        "turns": json_array(each.turn for each in near),
        "most": MOST_BESIDE,
    }
    found = {trace_id for (trace_id,) in connection.execute(_BESIDE, values) if trace_id}
    return found | {each.trace_id for each in near if each.trace_id is not None}


def tellers(connection: sqlite3.Connection, request_id: str) -> tuple[set[str], set[str]] | None:
    """(traces, sessions) that may tell of an exchange that has just ended; None where it is not stored."""
    found = connection.execute(_ASKED, (request_id,)).fetchone()
    if found is None:
        return None
    turn, scope, started_us, ended_us, ids = found
    values = _window(scope, started_us, ended_us)
    traces = {trace_id for (trace_id,) in connection.execute(_TELLERS, values | {"ids": ids, "turn": turn})}
    return traces, {session for (session,) in connection.execute(_SESSIONS, values)}


def _window(scope: str, from_us: int, to_us: int) -> dict[str, object]:
    slack_us = SLACK_NS // 1000
    from_us -= slack_us
    return {"scope": scope, "from": from_us, "to": to_us + slack_us, "latest": to_us + LONGEST_US}


def received_last(connection: sqlite3.Connection) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """(trace, scope, key) and (session, scope, key) of what came last."""
    return (
        connection.execute(_LAST_SPANS, (LAST,)).fetchall(),
        connection.execute(_LAST_LOGS, (LAST,)).fetchall(),
    )


class Written(Struct):
    """(request id, app) of rows that have an app now; ids of those that have no app any more, and of those of them
    whose conversation is nobody else's now; other traces that were looked at before and have to be again; ids of
    requests that were joined; what is to be noted once this is stored."""

    apps: list[tuple[str, str]] = []
    detached: list[str] = []
    alone: list[str] = []
    again: set[str] = set()
    joined: tuple[str, ...] = ()
    prints: Prints | None = None


def write(
    connection: sqlite3.Connection,
    placer: Placer,
    conversations: Conversations,
    scope: str,
    trace_id: str | None,
    own: Sequence[Own],
    attached: Sequence[Attached],
    session: str | None,
    placed: PlacedBefore,
) -> Written:
    """What was found of a trace, or of a session where `trace_id` is None. Doing it again changes nothing: what
    stands as it was is not placed again."""
    written = Written([], [], [], set())
    spans = {span for told in (*(each.spans for each in own), *(each.spans for each in attached)) for span in told}
    before = _turns_of(connection, scope, spans)
    if session is not None:
        before |= {turn for (turn,) in connection.execute(_OF_SESSION, (session, scope))}
    for each in attached:
        _attach(connection, placer, conversations, scope, each, written)
    forgotten = _forget_stale(connection, placer, scope, trace_id, own, attached)
    written.prints = prints_of(scope, own, attached)
    same = 0 if forgotten else placed.unchanged(connection, scope, (trace_id, session, scope), own, written.prints)
    for call in own[same:]:
        placer.place(call.told)
        (turn,) = connection.execute(_BY_IDENTITY, (stored_identity(scope, call.told.identity),)).fetchone()
        if call.figures:
            connection.execute(_FIGURES, (msgspec.json.encode(call.figures).decode(), call.joined, turn))
        _mark(connection, turn, call.spans)
    for turn in sorted(before - {each.turn for each in attached}):
        _detach(connection, placer, turn, written)
    return written


def _turns_of(connection: sqlite3.Connection, scope: str, spans: Collection[tuple[str, str]]) -> set[int]:
    """Turns of exchanges that these spans were joined with."""
    turns = {turn for turn, _ in _stored(connection, scope, spans)}
    return {turn for (turn,) in connection.execute(_OF_EXCHANGES, (json_array(turns),))}


def _stored(
    connection: sqlite3.Connection, scope: str, spans: Collection[tuple[str, str]]
) -> list[tuple[int, tuple[str, str]]]:
    """Which turns these spans tell, as far as they were looked at."""
    traces = json_array({trace_id for trace_id, _ in spans})
    return [
        (turn, (trace_id, span_id))
        for trace_id, span_id, turn in connection.execute(_TOLD, (traces, scope))
        if turn is not None and (trace_id, span_id) in spans
    ]


def changed(connection: sqlite3.Connection, scope: str, expected: Mapping[tuple[str, str], int | None]) -> set[str]:
    """Traces with a span that was joined with another exchange than the one that it is expected to tell (None: none),
    or was not and should be."""
    stored = _stored(connection, scope, expected.keys())
    exchanges = {turn for (turn,) in connection.execute(_OF_EXCHANGES, (json_array({turn for turn, _ in stored}),))}
    return {span[0] for turn, span in stored if expected[span] != (turn if turn in exchanges else None)}


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
        "session": each.session,
        "session_id": each.session_id,
    }
    conversation, request_id = connection.execute(_ATTACH, values).fetchone()
    for identity in each.identities:
        earlier = connection.execute(_BY_IDENTITY, (stored_identity(scope, identity),)).fetchone()
        if earlier is not None and connection.execute(_REPARENT, {"from": earlier[0], "to": each.turn}).rowcount:
            placer.reparented()
    if each.conversation is not None and not conversations.is_given(conversation):
        placer.merge(conversation, conversations.given(each.conversation, scope))
        connection.execute(_MOVED, (each.turn,))
    _mark(connection, each.turn, each.spans)
    if each.app and request_id:
        written.apps.append((request_id, each.app))


def _detach(
    connection: sqlite3.Connection,
    placer: Placer,
    turn: int,
    written: Written,
) -> None:
    """A join that does not hold any more is taken back: what was told of the exchange is another call, or may be."""
    if connection.execute(_STILL_TOLD, (turn,)).fetchone() is not None:
        return
    request_id, moved = connection.execute(_DETACH, (turn,)).fetchone()
    if moved and len(placer.leave(turn)) == 1:
        written.alone.append(request_id)
    written.detached.append(request_id)


def _forget_stale(
    connection: sqlite3.Connection,
    placer: Placer,
    scope: str,
    trace_id: str | None,
    own: Sequence[Own],
    attached: Sequence[Attached],
) -> bool:
    """Whether turns of their own turned out to be somebody else's, or are told under another identity now."""
    kept = {stored_identity(scope, call.told.identity) for call in own}
    others = [*(call.identities for call in own), *(each.identities for each in attached)]
    gone = {stored_identity(scope, identity) for identities in others for identity in identities} - kept
    values = {"scope": scope, "trace": trace_id, "kept": json_array(kept), "gone": json_array(gone)}
    stale = connection.execute(_STALE, values).fetchall()
    for call in own:
        if call.told.conversation is None:
            # While nothing was said its trace stood for it, and a name that was given would stay.
            stale += connection.execute(_BY_TRACE, (stored_identity(scope, call.told.identity),)).fetchall()
    if stale:
        forget_turns(connection, [turn for turn, _ in stale])
        for _, conversation in stale:
            placer.recount(conversation)
    return bool(stale)


def _mark(connection: sqlite3.Connection, turn: int | None, spans: Iterable[tuple[str, str]]) -> None:
    connection.executemany(_SPAN_TURN, [(turn, trace_id, span_id) for trace_id, span_id in spans])
