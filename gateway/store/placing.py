"""Where a call belongs: its conversation, the turn that it continues, and what of it is new.

A given id decides the conversation. Without one it is that of the turn which is continued, else a new one. Turns that
arrive late take the calls that continue them along: conversations that turn out to be one are merged.
"""

import sqlite3
from collections.abc import Sequence
from operator import itemgetter

from msgspec import Struct

from gateway.keys.sealing import SealBroken
from gateway.model import Message, Role
from gateway.store.altered import CallIds, answers_others, by_calls, calls_of, late_by_calls
from gateway.store.cache_blocks import HASH_BYTES, NOT_COMPARED, Blocks, first_changed
from gateway.store.chain import Place
from gateway.store.content import Contents, Sealed
from gateway.store.conversation_rows import Conversations
from gateway.store.conversation_sums import COUNTED, Change
from gateway.store.leaving import leave
from gateway.store.links import Call, Continued, Link, akin, late, link_of
from gateway.store.names import json_array
from gateway.store.removal import forget_contents, forget_said
from gateway.store.said_apart import Said, before_last_answer, has_answer, said_of
from gateway.store.said_before import said_before
from gateway.store.summaries import by_summary
from gateway.store.title_lines import first_line, user_texts
from gateway.store.turn_headers import TurnHeaders
from gateway.store.turn_rows import (
    CHAIN,
    FOLLOW,
    NOTHING,
    RESPONSE,
    SLIDE,
    ended_us,
    identity_of,
    insert,
    row_of,
    sound,
)
from gateway.store.walks import Walks
from gateway.told import Told

# A line that is shorter may stand in anything.
QUOTED_FROM = 8

_KNOWN = (
    f"SELECT id, conversation, system, tools, (SELECT base FROM headers WHERE turn = turns.id), {COUNTED} "
    "FROM turns WHERE identity = ?"
)
_BEGUN = (
    "SELECT system, tools IS NOT NULL, EXISTS (SELECT 1 FROM turns c WHERE c.parent = t.id) FROM turns t "
    "WHERE conversation = ? AND started_us = ? AND id <> ? AND parent IS NULL LIMIT 1"
)
_STORED = "SELECT identity FROM turns WHERE identity IN (SELECT value FROM json_each(?))"
_SUB = "SELECT conversation FROM turns WHERE sub = ? AND scope = ? LIMIT 1"
_LATEST = "SELECT COALESCE(MAX(id), 0) FROM turns"
_ROWS = "SELECT id, content FROM said WHERE turn = ?"
_DELETE_TURN = "DELETE FROM turns WHERE id = ?"
_INSERT_SAID = (
    "INSERT INTO said (turn, place, content, role, output, choice, repeated, finish, chain, mark, tail) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_REPARENT = "UPDATE turns SET parent = ?, choice = ?, via = ?, shortened = ?, changed = ? WHERE id = ?"
_ASKED = "SELECT id, content, mark FROM said WHERE turn = ? AND output = 0 AND place <= ?"
_TAKE_BLOCKS = "DELETE FROM blocks WHERE turn = ? RETURNING hashes"
_PUT_BLOCKS = "INSERT OR REPLACE INTO blocks (turn, hashes) VALUES (?, ?)"
_DROP_BLOCKS = "DELETE FROM blocks WHERE turn = ?"
_DROP_HEADERS = "DELETE FROM headers WHERE turn = ?"
_LATER = (
    "SELECT t.id, t.conversation, t.started_us, t.via, p.id, p.started_us FROM turns t "
    "LEFT JOIN turns p ON p.id = t.parent WHERE t.id = ?"
)
_GOES_ON_FROM = (
    "WITH RECURSIVE up (id) AS (SELECT :turn UNION SELECT t.parent FROM up u JOIN turns t ON t.id = u.id "
    "WHERE t.parent IS NOT NULL) SELECT 1 FROM up WHERE id = :other"
)
_MOVE_BRANCH = (
    "WITH RECURSIVE branch (id) AS (SELECT :turn UNION SELECT t.id FROM branch b JOIN turns t ON t.parent = b.id) "
    "UPDATE turns SET conversation = :to WHERE id IN branch RETURNING id"
)
_TURNS_OF = "SELECT id, conversation FROM turns WHERE id IN (SELECT value FROM json_each(?))"


_counted_of = itemgetter(*COUNTED.split(", "))


class _Earlier(Struct, frozen=True):
    """What was told of a call before: its number and conversation, and the contents that it used."""

    number: int
    conversation: int
    freed: set[int]


class _Later(Struct, frozen=True):
    """A later turn that may continue a call, and the turn that it continues now."""

    id: int
    conversation: int
    started_us: int
    via: int
    parent: int | None
    parent_us: int | None


class Placer:
    """On the writer's connection, within one transaction; `finish` ends what a transaction has touched."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed) -> None:
        self._connection = connection
        self.sealed = sealed
        self._contents = Contents(connection, sealed)
        self._headers = TurnHeaders(connection, sealed, self._contents)
        self._call_ids = CallIds(connection, sealed, self._contents)
        self._conversations = Conversations(connection, sealed)
        # Conversations whose turns changed, how; None where their sums are to be made anew.
        self._touched: dict[int, Change | None] = {}
        self._moved: set[int] = set()
        self._last_number = 0
        self._continued = Continued(connection)
        self._walks = Walks(sealed.hasher)
        self._blocks = Blocks(sealed.hasher)

    def begin(self) -> None:
        """A transaction has begun."""
        self._contents.begin()
        (self._last_number,) = self._connection.execute(_LATEST).fetchone()

    def place(self, *calls: Told) -> None:
        """Store calls, or store them again, one after the other."""
        mended = [sound(told) for told in calls]
        identities = [identity_of(told) for told in mended]
        stored = {row[0] for row in self._connection.execute(_STORED, (json_array(identities),))}
        for told, identity in zip(mended, identities, strict=True):
            self._place(told, self._cleared(identity) if identity in stored else None)
            stored.add(identity)

    def _place(self, told: Told, earlier: _Earlier | None) -> None:
        if earlier is not None:
            self._continued.unsure()
        said = said_of(told)
        blocks = self._blocks.of(said.tools, said.system, said.history) if told.request else None
        hashes = blocks[-HASH_BYTES * len(said.history) :] if blocks and said.history else b""
        walk = self._walks.walk(told.scope, said.history, hashes, [each.message for each in said.answers])
        given = told.parent_conversation or told.conversation
        call = Call(
            id=self._next_number() if earlier is None else earlier.number,
            told=told,
            walk=walk,
            system=self._contents.system(said.system),
            ended_us=ended_us(told),
            conversation=self._given(told, given) if given else None,
        )
        link = self._link(call, said)
        if link is not None and earlier is not None and self._goes_on_from(link.turn.id, call.id):
            link = None
        conversation = self._conversation(call, link, earlier)
        self._insert(call, said, link, conversation, blocks)
        conversation = self._take_along(call, said, conversation)
        self._continued.note(call)
        self._begin(call, said, link, conversation)
        if given is None or self._conversations.name(conversation) != told.conversation:
            self._moved.add(call.id)
        if earlier is not None and earlier.freed:
            self._forget_contents(earlier.freed)

    def _given(self, told: Told, id: str) -> int:
        """The conversation of a given id; a sub-agent of a sub-agent's is where that one's is."""
        if told.parent_conversation:
            found = self._connection.execute(_SUB, (id, told.scope)).fetchone()
            if found is not None:
                return int(found[0])
        return self._conversations.given(id, told.scope)

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def reparented(self) -> None:
        """Other work made turns go on from others."""
        self._continued.unsure()

    def recount(self, conversation: int) -> None:
        """Other work took turns of a conversation away."""
        self._touched[conversation] = None
        self._contents.forget()

    def merge(self, one: int, other: int) -> int:
        """One conversation of two; which. Two given ids stay two."""
        keep, moved = self._conversations.merge(one, other)
        if moved:
            for each in (one, other):
                self._touched.pop(each, None)
            self.recount(keep)
        self._change(keep)
        self._moved.update(moved)
        return keep

    def leave(self, turn: int) -> frozenset[int]:
        """Take a turn with its branch out of the conversation that telemetry put it into; which turns, none where
        that still holds."""
        left = leave(self._connection, self.sealed, self._conversations, turn)
        if left is None:
            return frozenset()
        self.recount(left.before)
        self.recount(left.conversation)
        self._moved |= left.turns
        return left.turns

    def forget(self) -> None:
        """The transaction is over."""
        self._touched, self._moved = {}, set()
        self._conversations.forget()
        self._blocks.forget()

    def start_over(self) -> None:
        """The transaction came to nothing, or other work was done in it: nothing that is remembered need be true."""
        self.forget()
        self._contents.forget()

    def _change(self, conversation: int) -> Change | None:
        """What is noted of a conversation; None where all of it is counted again in any case."""
        return self._touched.setdefault(conversation, Change())

    def finish(self) -> set[int]:
        """Sum up what was touched; the turns whose conversation is to be told: it was recognised, or has a name of
        its own."""
        tell: set[int] = set()
        told: set[int] = set()
        for number, change in self._touched.items():
            settled = self._conversations.settle(number, change)
            if settled.requests == 0 or (settled.requests == 1 and not settled.given):
                continue
            if settled.renamed or (settled.before < 2 and not settled.given):
                tell.update(self._conversations.turns(number))
            else:
                told.add(number)
        if self._moved:
            moved = self._connection.execute(_TURNS_OF, (json_array(self._moved),))
            tell.update(turn for turn, conversation in moved if conversation in told)
        self.forget()
        return tell

    def _cleared(self, identity: str) -> _Earlier:
        """Take away what was told before of a call that is told again."""
        known = self._connection.execute(_KNOWN, (identity,)).fetchone()
        number, conversation, system, tools, headers, *counted = known
        rows = self._connection.execute(_ROWS, (number,)).fetchall()
        forget_said(self._connection, [row for row, _ in rows])
        self._connection.execute(_DELETE_TURN, (number,))
        self._connection.execute(_DROP_BLOCKS, (number,))
        self._connection.execute(_DROP_HEADERS, (number,))
        if (change := self._change(conversation)) is not None:
            change.go(counted)
        freed = {content for _, content in rows} | {each for each in (system, tools, headers) if each is not None}
        return _Earlier(number, conversation, freed)

    def _link(self, call: Call, said: Said) -> Link | None:
        link = by_calls(self._connection, self._call_ids, call, said.history, link_of(self._connection, call))
        if link is None or link.via in (SLIDE, FOLLOW):
            link = by_summary(self._connection, self.sealed, call, said.history) or link
        if link is None or link.via != FOLLOW or call.conversation is None:
            return link
        try:
            line = self._conversations.line(call.conversation)
        except SealBroken:
            return link
        # A title or a summary quotes what it is about.
        quoted = (
            line is not None
            and len(line) >= QUOTED_FROM
            and any(line in text and text.strip() != line for text in user_texts(said.history))
        )
        return None if quoted else link

    def _conversation(self, call: Call, link: Link | None, earlier: _Earlier | None) -> int:
        if call.conversation is not None:
            return call.conversation
        if link is not None:
            return link.turn.conversation
        if earlier is not None:
            return earlier.conversation
        found = akin(self._connection, call, self._continued)
        if found is not None:
            return found.conversation
        return self._conversations.recognised(call.told.scope, identity_of(call.told))

    def _begin(self, call: Call, said: Said, link: Link | None, conversation: int) -> None:
        """Note the line that a conversation is listed by.

        A tool asks for a title without tools and under other instructions, before the question itself or after it:
        that call's own line is not what the conversation is about.
        """
        line_us, other = self._conversations.line_us(conversation), None
        if link is None and line_us is not None:
            other = self._connection.execute(_BEGUN, (conversation, line_us, call.id)).fetchone()
        anew = False
        if other is not None and other[0] != call.system:
            _, other_tools, other_continued = other
            if other_tools and not said.tools:
                return
            anew = bool(said.tools) and not other_tools and not other_continued
        told = call.told
        self._conversations.begin_with(
            conversation, lambda: told.title or first_line(said.history), told.started_us, anew=anew
        )

    def _insert(self, call: Call, said: Said, link: Link | None, conversation: int, blocks: bytes | None) -> None:
        told, places = call.told, call.walk.places
        row = {
            **row_of(told, self.sealed),
            "id": call.id,
            "conversation": conversation,
            "sub": told.conversation if told.parent_conversation else None,
            "parent": link.turn.id if link else None,
            "choice": link.choice if link else 0,
            "via": link.via if link else NOTHING,
            "length": len(said.history),
            "question": places[-1].chain if places else None,
            "shortened": link.shortened if link else False,
            "changed": self._changed(link, blocks),
            "system": call.system,
            "tools": self._contents.tools(said.tools),
        }
        insert(self._connection, row)
        if blocks is not None:
            self._connection.execute(_PUT_BLOCKS, (call.id, blocks))
        if told.headers:
            self._headers.put(call.id, row["identity"], told)
        if (change := self._change(conversation)) is not None:
            change.come(_counted_of(row), row["identity"])
        self._insert_said(call, said, link)
        if link is not None and link.via == CHAIN:
            self._continued.goes_on_from(places[link.start - 1].chain, told.started_us)

    def _changed(self, link: Link | None, blocks: bytes | None) -> int | None:
        if link is None or blocks is None or link.via not in (CHAIN, SLIDE):
            return NOT_COMPARED
        found = self._connection.execute(_TAKE_BLOCKS, (link.turn.id,)).fetchone()
        return NOT_COMPARED if found is None else first_changed(found[0], blocks)

    def _insert_said(self, call: Call, said: Said, link: Link | None) -> None:
        start = link.start if link else 0
        places, history = call.walk.places, said.history
        seen = self._seen(places, history, link)
        new = list(range(start, len(history)))
        if link is not None and link.via == SLIDE:
            new = [index for index in range(start) if places[index].mark not in seen] + new
        rows: list[tuple[Message, int, Place, bool, int, bool, str | None]] = []
        for order, index in enumerate(new):
            place, message = places[index], history[index]
            repeated = index >= start and place.mark in seen and before_last_answer(history, index)
            self._continued.took_for_new(place, call.told.started_us)
            if index and place.answer and not places[index - 1].answer and calls_of([message]):
                self._continued.took_calls_for_new(places[index - 1], call.told.started_us)
            rows.append((message, order, place, False, 0, repeated, None))
        for order, (answer, place) in enumerate(zip(said.answers, call.walk.outputs, strict=True), len(rows)):
            rows.append((answer.message, order, place, True, answer.choice, False, answer.finish))
        self._connection.executemany(
            _INSERT_SAID,
            [
                (
                    *(call.id, order, self._entry(message), message.role.value, output, choice, repeated),
                    # An answer without words continues nothing.
                    *(finish, place.chain if place.mark or not output else b"", place.mark, place.tail),
                )
                for message, order, place, output, choice, repeated, finish in rows
            ],
        )

    def _entry(self, message: Message) -> int:
        content = self._contents.message(message)
        if message.role is Role.ASSISTANT:
            self._call_ids.note(content, message)
        return content

    def _seen(self, places: Sequence[Place], history: Sequence[Message], link: Link | None) -> set[bytes | None]:
        """Marks of this history that the turns before have said, where it does not simply go on."""
        if link is None or (link.via == CHAIN and not has_answer(history[link.start :])) or link.via == RESPONSE:
            return set()
        return {*said_before(self._connection, link.turn.id, {place.mark for place in places if place.mark})}

    def _take_along(self, call: Call, said: Said, conversation: int) -> int:
        """Let later turns continue this one that arrived after them; the conversation of it all."""
        outputs = [(answer.choice, place) for answer, place in zip(said.answers, call.walk.outputs, strict=True)]
        found = list(late(self._connection, call, outputs, self._continued))
        found += late_by_calls(self._connection, self._call_ids, call, said.answers, self._continued)
        for last, link in found:
            later = self._later(link.turn.id)
            ours = later is not None and later.parent == call.id
            if later is None or not (ours or _better(later, call, link)):
                continue
            if not ours and self._goes_on_from(call.id, later.id):
                continue
            stays = not ours and later.parent is not None and link.via == CHAIN
            if stays and answers_others(self._connection, self.sealed, later.id, said.answers, link.choice):
                continue
            if later.conversation != conversation:
                if self._conversations.is_given(later.conversation):
                    continue
                if ours or later.parent is None:
                    conversation = self.merge(conversation, later.conversation)
                else:
                    self._move_branch(later.id, later.conversation, conversation)
            if not ours:
                self._continue(later.id, call, last, link)
        return conversation

    def _goes_on_from(self, turn: int, other: int) -> bool:
        """Whether the other one is before this turn. Where two name each other's answers, as those of a provider do
        that gives all the same id, only one goes on from the other: a circle has no beginning to be shown from."""
        return self._connection.execute(_GOES_ON_FROM, {"turn": turn, "other": other}).fetchone() is not None

    def _later(self, turn: int) -> _Later | None:
        """As it is now: what was found before may have been merged meanwhile."""
        found = self._connection.execute(_LATER, (turn,)).fetchone()
        return None if found is None else _Later(*found)

    def _continue(self, turn: int, call: Call, last: int, link: Link) -> None:
        self._connection.execute(_REPARENT, (call.id, link.choice, link.via, link.shortened, NOT_COMPARED, turn))
        self._connection.execute(_DROP_BLOCKS, (call.id,))
        self._trim(call, turn, last, link)

    def _move_branch(self, turn: int, one: int, other: int) -> None:
        moved = [row[0] for row in self._connection.execute(_MOVE_BRANCH, {"turn": turn, "to": other})]
        self.recount(one)
        self.recount(other)
        self._moved.update(moved)

    def _trim(self, call: Call, turn: int, last: int, link: Link) -> None:
        """Take away what a turn had for new and this one has said."""
        asked = self._connection.execute(_ASKED, (turn, last)).fetchall()
        if link.via == SLIDE:
            seen = said_before(self._connection, call.id, {mark for _, _, mark in asked if mark})
            asked = [row for row in asked if row[2] in seen]
        forget_said(self._connection, [row for row, _, _ in asked])
        self._forget_contents({content for _, content, _ in asked})

    def _forget_contents(self, contents: set[int]) -> None:
        forget_contents(self._connection, contents)
        self._contents.forget()


def _better(later: _Later, call: Call, link: Link) -> bool:
    """Whether a later turn continues this call rather than the turn that was found for it before."""
    if later.parent is None or later.via == FOLLOW:
        return True
    if link.via == CHAIN:
        return later.via != RESPONSE
    return later.via == SLIDE and (later.parent_us or 0) < call.told.started_us
