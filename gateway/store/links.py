"""Which earlier turn a call continues: the longest history that was said before, or what an id says.

A turn is continued after one of its answers; of those that said the same, the newest of the same user. Where ids
decide a conversation, only its own turns are looked at. Only turns that began before the call count, and those that
arrive late look for the calls that continue them (`late`), so that the order of arrival makes no difference.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from gateway.store.chain import Place, Walk
from gateway.store.turn_rows import BRIEF, CHAIN, FOLLOW, NOTHING, RESPONSE, SLIDE, Brief, briefs
from gateway.told import Told

WINDOW_US = 24 * 3600 * 1_000_000
# A client that was refused tries again within this.
RETRY_US = 120 * 1_000_000
# The longest that a failed call can have taken.
LONGEST_CALL_US = 2 * 3600 * 1_000_000
# Answers that are known to have been said again: about 200 bytes each.
MOST_ANSWERS = 10_000
# What is said alike over and over (a prompt that an app sends all day) is looked for among the latest so many; among
# more where it may have been said in the call's own conversation, or to its own user.
MOST_ALIKE, MOST_ALIKE_AMONG_OTHERS = 64, 512

# Before the digest of a question: what was answered to it, by calls.
_CALLS = b"calls"

_FOUND = (
    f"SELECT s.choice, s.content, {BRIEF} FROM "
    "(SELECT turn, choice, content FROM said WHERE {column} = :digest AND output = 1 ORDER BY id DESC LIMIT :most) s "
    "JOIN turns t ON t.id = s.turn JOIN conversations c ON c.id = t.conversation "
    "WHERE t.id <> :turn AND t.scope = :scope AND t.started_us BETWEEN :from AND :started "
    "AND (:conversation IS NULL OR t.conversation = :conversation) "
    "ORDER BY t.user IS :user DESC, t.started_us DESC, t.id DESC LIMIT 1"
)
_LATE = (
    f"SELECT MAX(s.place), {BRIEF} FROM "
    "(SELECT turn, place FROM said WHERE {column} = ? AND output = 0 ORDER BY id DESC LIMIT ?) s "
    "JOIN turns t ON t.id = s.turn JOIN conversations c ON c.id = t.conversation "
    "WHERE t.id <> ? AND t.scope = ? AND t.started_us BETWEEN ? AND ? GROUP BY t.id"
)
_SAME_ANSWER = (
    f"SELECT {BRIEF} FROM "
    "(SELECT turn, choice FROM said WHERE chain = :chain AND output = 1 ORDER BY id DESC LIMIT :most) s "
    "JOIN turns w ON w.id = s.turn JOIN turns t ON t.parent = w.id AND t.choice = s.choice "
    "JOIN conversations c ON c.id = t.conversation WHERE w.id <> :turn AND w.scope = :scope "
    f"AND t.via = {CHAIN} AND t.started_us > :started AND t.started_us <= :to "
    "AND (w.user IS t.user, w.started_us) < (:user IS t.user, :started)"
)
_GOES_ON = (
    "SELECT COALESCE(MAX(started_us), 0), EXISTS (SELECT 1 FROM turns WHERE previous_response_id IS NOT NULL), "
    "(SELECT COALESCE(MAX(ended_us), 0) FROM turns WHERE outcome = 'error') FROM turns"
)
_ASKED = "t.question = :question AND t.id <> :turn AND t.scope = :scope AND c.given IS NULL"
_ASKED_LAST = f"{_ASKED} AND t.started_us BETWEEN :from AND :to ORDER BY t.started_us DESC, t.id DESC LIMIT 1"
_FAILED = (
    f"{_ASKED} AND t.system IS :system AND t.outcome = 'error' AND t.started_us BETWEEN :from AND :to "
    f"AND t.ended_us BETWEEN :ended AND :to ORDER BY t.ended_us DESC, t.started_us DESC LIMIT {MOST_ALIKE}"
)
_AFTER = f"{_ASKED} AND t.system IS :system AND t.started_us BETWEEN :from AND :to"
_TRIED_AGAIN = f"{_AFTER} AND t.conversation = :conversation LIMIT 1"
_ASKED_NEXT = f"{_AFTER} ORDER BY t.started_us LIMIT 1"


class Link(Struct, frozen=True):
    """The turn that is continued after its answer `choice`; what of the input is new begins at `start`.

    `shortened`: the history before it is not all there any more. `content` is the answer's entry, where its words led
    to the turn.
    """

    turn: Brief
    choice: int
    via: int
    start: int
    shortened: bool = False
    content: int | None = None


class Call(Struct, frozen=True):
    """A call that is to be placed. `conversation` is that of a given id."""

    id: int
    told: Told
    walk: Walk
    system: int | None
    ended_us: int
    conversation: int | None

    @property
    def asked(self) -> dict[str, Any]:
        """What is bound in every question about other turns."""
        return {"turn": self.id, "scope": self.told.scope, "system": self.system, "user": self.told.user}


def link_of(connection: sqlite3.Connection, call: Call) -> Link | None:
    """The turn that a call continues."""
    return (
        _by_response(connection, call)
        or _by_chain(connection, call)
        or _by_tail(connection, call)
        or (_by_answer(connection, call) or _by_time(connection, call) if call.conversation is not None else None)
    )


def akin(connection: sqlite3.Connection, call: Call, continued: "Continued") -> Brief | None:
    """A turn that was asked the same as a part of this call that holds an answer, whose own beginnings nobody saw;
    else a call that failed and is tried again here, or the other way round."""
    walk, started = call.walk, call.told.started_us
    asked = list(dict.fromkeys(place.chain for place in walk.places if place.answered))
    for digest in reversed(asked):
        values = call.asked | {"question": digest, "from": started - WINDOW_US, "to": started + WINDOW_US}
        if found := briefs(connection, _ASKED_LAST, values):
            return found[0]
    if asked or not walk.places or walk.places[-1].mark is None:
        return None
    return _attempt(connection, call, walk.places[-1].chain, continued)


def _attempt(connection: sqlite3.Connection, call: Call, question: bytes, continued: "Continued") -> Brief | None:
    """A call that failed a moment before this one and was not tried again yet; else, where this one failed, the first
    that asks the same after it."""
    started, values = call.told.started_us, call.asked | {"question": question}
    bounds = {"from": started - RETRY_US - LONGEST_CALL_US, "to": started, "ended": started - RETRY_US}
    for failed in briefs(connection, _FAILED, values | bounds) if continued.after_failure(call) else ():
        until = call.ended_us + RETRY_US
        again = values | {"conversation": failed.conversation, "from": failed.ended_us, "to": until}
        if not briefs(connection, _TRIED_AGAIN, again):
            return failed
    if call.told.outcome != "error":
        return None
    after = values | {"from": call.ended_us, "to": call.ended_us + RETRY_US}
    return next(iter(briefs(connection, _ASKED_NEXT, after)), None)


class Continued:
    """What keeps calls from looking for others in vain: which answers were said again by calls that were placed here,
    of all others when the last began that may have, whether any goes on from an answer that its provider holds, and
    when the last one failed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        latest_us, by_response, failed_us = connection.execute(_GOES_ON).fetchone()
        self._latest_us, self._by_response = int(latest_us), bool(by_response)
        self._failed_us = int(failed_us)
        # By digest of an answer, when the last began that took it for new, or goes on from it.
        self._answers: OrderedDict[bytes, int] = OrderedDict()

    def note(self, call: Call) -> None:
        if call.told.outcome == "error":
            self._failed_us = max(self._failed_us, call.ended_us)
        self._by_response = self._by_response or call.told.previous_response_id is not None

    def goes_on_from(self, answer: bytes, started_us: int) -> None:
        """A call that began then has a turn before it that ends with this answer."""
        started_us = max(started_us, self._answers.pop(answer, 0))
        self._answers[answer] = started_us
        if len(self._answers) > MOST_ANSWERS:
            self._latest_us = max(self._latest_us, self._answers.popitem(last=False)[1])

    def took_for_new(self, place: Place, started_us: int) -> None:
        """A call that began then has this message as one that no turn before it has."""
        if place.answer:
            for digest in _digests(place):
                self.goes_on_from(digest, started_us)

    def took_calls_for_new(self, question: Place, started_us: int) -> None:
        """A call that began then has calls, behind this place, that no turn before it has."""
        self.goes_on_from(_CALLS + question.chain, started_us)

    def unsure(self) -> None:
        """Turns go on from others than they did when they were placed, or these say something else."""
        self._latest_us = max((self._latest_us, *self._answers.values()))
        self._answers.clear()

    def by_history(self, call: Call, outputs: Iterable[tuple[int, Place]]) -> bool:
        """Whether a later call may have said again what this one said."""
        started_us, of = call.told.started_us, self._answers.get
        return started_us <= self._latest_us or any(
            started_us <= of(digest, -1) for _, place in outputs for digest in _digests(place)
        )

    def by_calls(self, call: Call) -> bool:
        """Whether a later call may have said again, otherwise, what this one's calls were."""
        started_us = call.told.started_us
        asked = _CALLS + call.walk.places[-1].chain
        return started_us <= self._latest_us or started_us <= self._answers.get(asked, -1)

    def after_failure(self, call: Call) -> bool:
        """Whether a call that failed may be tried again by this one."""
        return call.told.started_us - RETRY_US <= self._failed_us

    def by_response(self, call: Call) -> bool:
        return self._by_response and call.told.response_id is not None


def _digests(place: Place) -> Iterable[bytes]:
    return filter(None, (place.chain, place.mark, place.tail))


def late(
    connection: sqlite3.Connection, call: Call, outputs: Sequence[tuple[int, Place]], continued: Continued
) -> Iterator[tuple[int, Link]]:
    """(place, link) of later turns that continue this one, and of what they took for new all up to `place` was said
    here already; -1: nothing of it."""
    if continued.by_history(call, outputs):
        yield from _late_by_history(connection, call, outputs)
    if continued.by_response(call):
        where = "t.previous_response_id = :response AND t.scope = :scope AND t.id <> :turn"
        values = {"response": call.told.response_id, "scope": call.told.scope, "turn": call.id}
        for brief in briefs(connection, where, values):
            yield -1, Link(brief, 0, RESPONSE, 0)


def _late_by_history(
    connection: sqlite3.Connection, call: Call, outputs: Sequence[tuple[int, Place]]
) -> Iterator[tuple[int, Link]]:
    started, told = call.told.started_us, call.told
    bounds = (MOST_ALIKE, call.id, told.scope, started, started + WINDOW_US)
    for choice, place in outputs:
        if place.mark is None:
            continue
        for last, *brief in connection.execute(_LATE.format(column="chain"), (place.chain, *bounds)):
            yield last, Link(Brief(*brief), choice, CHAIN, 0)
        values = call.asked | {"chain": place.chain, "started": started, "to": bounds[-1], "most": MOST_ALIKE}
        for brief in connection.execute(_SAME_ANSWER, values):
            yield -1, Link(Brief(*brief), choice, CHAIN, 0)
        for column, digest in (("tail", place.tail), ("mark", place.mark)):
            if digest is None:
                continue
            for last, *brief in connection.execute(_LATE.format(column=column), (digest, *bounds)).fetchall():
                found = Brief(*brief)
                same = call.conversation is not None and found.conversation == call.conversation
                if found.via in (NOTHING, FOLLOW, SLIDE) and (column == "tail" or same):
                    yield last, Link(found, choice, SLIDE, 0, shortened=True)


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
    return _longest(connection, call, "chain", CHAIN)


def _by_tail(connection: sqlite3.Connection, call: Call) -> Link | None:
    """The last question and answer of an earlier state, in the midst of a history whose beginning was cut off."""
    return _longest(connection, call, "tail", SLIDE)


def _by_answer(connection: sqlite3.Connection, call: Call) -> Link | None:
    """Within a conversation one answer that is sent back is enough."""
    return _longest(connection, call, "mark", SLIDE)


def _longest(connection: sqlite3.Connection, call: Call, column: str, via: int) -> Link | None:
    """The newest turn whose answer has the digest that stands furthest behind in this history; one of the same user
    first: many of them may be greeted alike by one app."""
    statement, started = _FOUND.format(column=column), call.told.started_us
    values = call.asked | {"from": started - WINDOW_US, "started": started, "conversation": call.conversation}
    values["most"] = MOST_ALIKE_AMONG_OTHERS if call.conversation or call.told.user else MOST_ALIKE
    asked: set[bytes] = set()
    places = call.walk.places
    for end in range(len(places), 0, -1):
        # The last message with a digest: one that says nothing leaves it as it was, and belongs to what was there.
        if not places[end - 1].answer or (digest := getattr(places[end - 1], column)) in asked or digest is None:
            continue
        asked.add(digest)
        found = connection.execute(statement, values | {"digest": digest}).fetchone()
        if found is not None:
            choice, content, *brief = found
            return Link(Brief(*brief), choice, via, end, shortened=via == SLIDE, content=content)
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
