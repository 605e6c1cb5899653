"""Which earlier turn a call continues: the longest history that was said before, or what an id says.

A turn is continued after one of its answers. Where ids decide a conversation, only its own turns are looked at. Only
turns that began before the call count, and those that arrive late look for the calls that continue them (`late`), so
that the order of arrival makes no difference.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from gateway.store.chain import Place, Walk
from gateway.store.turn_rows import BRIEF, CHAIN, FOLLOW, NOTHING, RESPONSE, SLIDE, Brief, briefs
from gateway.told import Told

WINDOW_US = 24 * 3600 * 1_000_000
# A client that was refused tries again within this.
RETRY_US = 120 * 1_000_000
CHUNK = 64

_FOUND = (
    f"SELECT s.chain, s.choice, {BRIEF} FROM said s JOIN turns t ON t.id = s.turn "
    "JOIN conversations c ON c.id = t.conversation WHERE s.output = 1 AND t.id <> ? AND t.scope = ? "
    "AND t.started_us BETWEEN ? AND ? AND (? IS NULL OR t.conversation = ?) AND s.{column} IN ({marks}) "
    "ORDER BY t.started_us DESC, t.id DESC"
)
_LATE = (
    f"SELECT MAX(s.place), {BRIEF} FROM said s JOIN turns t ON t.id = s.turn "
    "JOIN conversations c ON c.id = t.conversation WHERE s.output = 0 AND t.id <> ? AND t.scope = ? "
    "AND t.started_us BETWEEN ? AND ? AND s.{column} = ? GROUP BY t.id"
)
_SAME_ANSWER = (
    f"SELECT {BRIEF} FROM said s JOIN turns w ON w.id = s.turn "
    "JOIN turns t ON t.parent = w.id AND t.choice = s.choice JOIN conversations c ON c.id = t.conversation "
    "WHERE s.output = 1 AND s.chain = :chain AND w.id <> :turn AND w.scope = :scope "
    f"AND t.via = {CHAIN} AND w.started_us < :started AND t.started_us > :started"
)


class Link(Struct, frozen=True):
    """The turn that is continued after its answer `choice`; what of the input is new begins at `start`.

    `shortened`: the history before it is not all there any more.
    """

    turn: Brief
    choice: int
    via: int
    start: int
    shortened: bool = False


class Call(Struct, frozen=True):
    """A call that is to be placed. `conversation` is that of a given id."""

    id: int
    told: Told
    walk: Walk
    system: int | None
    ended_us: int
    conversation: int | None

    @property
    def bounds(self) -> tuple[Any, ...]:
        started = self.told.started_us
        return self.id, self.told.scope, started - WINDOW_US, started, self.conversation, self.conversation


def link_of(connection: sqlite3.Connection, call: Call) -> Link | None:
    """The turn that a call continues."""
    return (
        _by_response(connection, call)
        or _by_chain(connection, call)
        or _by_tail(connection, call)
        or (_by_answer(connection, call) or _by_time(connection, call) if call.conversation is not None else None)
    )


def akin(connection: sqlite3.Connection, call: Call) -> Brief | None:
    """A turn that was asked the same as a part of this call that holds an answer, whose own beginnings nobody saw;
    else a call that failed and is tried again here, or the other way round."""
    walk, started = call.walk, call.told.started_us
    asked = [place.chain for place in walk.places if place.answered]
    for chunk in _from_the_end(asked):
        found = _by_question(connection, call, chunk, started - WINDOW_US, started + WINDOW_US)
        if found:
            return max(found, key=lambda brief: (chunk.index(brief.question or b""), brief.started_us))
    if asked or not walk.places or walk.places[-1].mark is None:
        return None
    same = _by_question(connection, call, [walk.places[-1].chain], started - WINDOW_US, call.ended_us + RETRY_US)
    same = [brief for brief in same if brief.system == call.system]
    before = [each for each in same if each.outcome == "error" and 0 <= started - each.ended_us <= RETRY_US]
    for failed in sorted(before, key=lambda each: -each.ended_us):
        if not any(each.conversation == failed.conversation and each.started_us >= failed.ended_us for each in same):
            return failed
    if call.told.outcome == "error":
        after = [each for each in same if each.started_us >= call.ended_us]
        return min(after, key=lambda each: each.started_us, default=None)
    return None


def late(
    connection: sqlite3.Connection, call: Call, outputs: Sequence[tuple[int, Place]]
) -> Iterator[tuple[int, Link]]:
    """(place, link) of later turns that continue this one, and of what they took for new all up to `place` was said
    here already; -1: nothing of it."""
    started, told = call.told.started_us, call.told
    bounds = (call.id, told.scope, started, started + WINDOW_US)
    for choice, place in outputs:
        if place.mark is None:
            continue
        for last, *brief in connection.execute(_LATE.format(column="chain"), (*bounds, place.chain)):
            yield last, Link(Brief(*brief), choice, CHAIN, 0)
        values = {"chain": place.chain, "turn": call.id, "scope": told.scope, "started": started}
        for brief in connection.execute(_SAME_ANSWER, values):
            yield -1, Link(Brief(*brief), choice, CHAIN, 0)
        for column, digest in (("tail", place.tail), ("mark", place.mark)):
            for last, *brief in connection.execute(_LATE.format(column=column), (*bounds, digest)).fetchall():
                found = Brief(*brief)
                same = call.conversation is not None and found.conversation == call.conversation
                if found.via in (NOTHING, FOLLOW, SLIDE) and (column == "tail" or same):
                    yield last, Link(found, choice, SLIDE, 0, shortened=True)
    if told.response_id:
        where = "t.previous_response_id = :response AND t.scope = :scope AND t.id <> :turn"
        values = {"response": told.response_id, "scope": told.scope, "turn": call.id}
        for brief in briefs(connection, where, values):
            yield -1, Link(brief, 0, RESPONSE, 0)


def _by_response(connection: sqlite3.Connection, call: Call) -> Link | None:
    """History that the provider holds."""
    if not call.told.previous_response_id:
        return None
    where = "t.response_id = :response AND t.scope = :scope AND t.id <> :turn ORDER BY t.started_us DESC LIMIT 1"
    values = {"response": call.told.previous_response_id, "scope": call.told.scope, "turn": call.id}
    found = briefs(connection, where, values)
    if not found or call.conversation not in (None, found[0].conversation):
        return None
    return Link(found[0], 0, RESPONSE, 0)


def _by_chain(connection: sqlite3.Connection, call: Call) -> Link | None:
    """The longest beginning that ends in an answer of ours."""
    # The last message with this digest: one that says nothing leaves it as it was, and belongs to what was there.
    ends = {place.chain: index + 1 for index, place in enumerate(call.walk.places) if place.answered}
    for chunk in _from_the_end(list(ends)):
        found = _found(connection, call, "chain", chunk)
        if found:
            # Newest first; the longest wins.
            digest, choice, brief = max(found, key=lambda each: ends[each[0]])
            return Link(brief, choice, CHAIN, ends[digest])
    return None


def _by_tail(connection: sqlite3.Connection, call: Call) -> Link | None:
    """The last question and answer of an earlier state, in the midst of a history whose beginning was cut off."""
    ends = {place.tail: index + 1 for index, place in enumerate(call.walk.places) if place.tail and place.answered}
    for chunk in _from_the_end([digest for digest in ends if digest]):
        found = _found(connection, call, "tail", chunk)
        if found:
            digest, choice, brief = max(found, key=lambda each: ends[each[0]])
            return Link(brief, choice, SLIDE, ends[digest], shortened=True)
    return None


def _by_answer(connection: sqlite3.Connection, call: Call) -> Link | None:
    """Within a conversation one answer that is sent back is enough."""
    ends = {place.mark: index + 1 for index, place in enumerate(call.walk.places) if place.mark and place.answered}
    for chunk in _from_the_end([digest for digest in ends if digest]):
        found = _found(connection, call, "mark", chunk)
        if found:
            digest, choice, brief = max(found, key=lambda each: ends[each[0]])
            return Link(brief, choice, SLIDE, ends[digest], shortened=True)
    return None


def _by_time(connection: sqlite3.Connection, call: Call) -> Link | None:
    """The turn before, of an app that names its conversation and sends only what is new.

    A title or a summary has other instructions or another model, and stays apart; so does a call beside others that
    do send their history.
    """
    where = (
        "t.conversation = :conversation AND t.id <> :turn AND t.ended_us <= :started AND t.system IS :system "
        "AND t.model_requested IS :model AND t.sub IS :sub ORDER BY t.started_us DESC, t.id DESC LIMIT 1"
    )
    told = call.told
    values = {
        "conversation": call.conversation,
        "turn": call.id,
        "started": told.started_us,
        "system": call.system,
        "model": told.model_requested,
        "sub": told.conversation if told.parent_conversation else None,
    }
    found = briefs(connection, where, values)
    if not found or found[0].via in (CHAIN, SLIDE) or not call.walk.places:
        return None
    if found[0].question == call.walk.places[-1].chain and found[0].outcome != "ok":
        return None
    return Link(found[0], 0, FOLLOW, 0, shortened=call.walk.places[-1].answered)


def _by_question(
    connection: sqlite3.Connection, call: Call, digests: Sequence[bytes], from_us: int, to_us: int
) -> list[Brief]:
    marks = ", ".join(f":q{number}" for number in range(len(digests)))
    where = (
        f"t.question IN ({marks}) AND t.id <> :turn AND t.scope = :scope AND t.started_us BETWEEN :from AND :to "
        "AND c.given IS NULL"
    )
    values: dict[str, Any] = {f"q{number}": digest for number, digest in enumerate(digests)}
    values |= {"turn": call.id, "scope": call.told.scope, "from": from_us, "to": to_us}
    return briefs(connection, where, values)


def _found(
    connection: sqlite3.Connection, call: Call, column: str, digests: Sequence[bytes]
) -> list[tuple[bytes, int, Brief]]:
    """(digest, choice, turn) of answers, newest turn first."""
    statement = _FOUND.replace("s.chain, s.choice", f"s.{column}, s.choice", 1)
    statement = statement.format(column=column, marks=", ".join("?" * len(digests)))
    rows = connection.execute(statement, (*call.bounds, *digests)).fetchall()
    return [(digest, choice, Brief(*brief)) for digest, choice, *brief in rows]


def _from_the_end(digests: Sequence[bytes]) -> Iterator[list[bytes]]:
    """In chunks, each in its own order: what is longest is nearly always what is found."""
    for end in range(len(digests), 0, -CHUNK):
        yield list(digests[max(0, end - CHUNK) : end])
