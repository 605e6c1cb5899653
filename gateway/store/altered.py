"""Answers that were sent back altered, and those of several calls that said the same: known by the question before
them and by the ids of their calls.

Claude Code writes the arguments of calls anew before it sends them back: it adds what a tool's schema has by default,
and takes `cd` to its own folder and spaces at the ends of lines away (its own requests, 2.1.332). What such an answer
says is found nowhere then, and its conversation would seem edited, or cut off before it. Semantic Kernel leaves out
what was said beside a call: an agent that is run several times is then found in another of its runs.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from gateway.model import Message, Role, ToolCall, ToolCallResponse
from gateway.store.content import Contents, Opened, Sealed
from gateway.store.links import MOST_ALIKE, MOST_ALIKE_AMONG_OTHERS, WINDOW_US, Call, Continued, Link
from gateway.store.said_apart import Answer
from gateway.store.turn_rows import BRIEF, CHAIN, RESPONSE, Brief

_ANSWERS = (
    f"SELECT s.choice, s.content, {BRIEF} FROM "
    "(SELECT id FROM turns WHERE question = :question AND id <> :turn AND scope = :scope "
    "AND started_us BETWEEN :from AND :started AND (:conversation IS NULL OR conversation = :conversation) "
    "ORDER BY started_us DESC LIMIT :most) a "
    "JOIN turns t ON t.id = a.id JOIN conversations c ON c.id = t.conversation "
    "JOIN said s ON s.turn = t.id AND s.output = 1 "
    f"ORDER BY t.user IS :user DESC, t.started_us DESC, t.id DESC LIMIT {MOST_ALIKE}"
)
_ASKED_ALIKE = (
    f"SELECT s.place, {BRIEF} FROM "
    f"(SELECT turn, place FROM said WHERE chain = :question AND output = 0 ORDER BY id DESC LIMIT {MOST_ALIKE}) s "
    "JOIN turns t ON t.id = s.turn JOIN conversations c ON c.id = t.conversation "
    "WHERE t.id <> :turn AND t.scope = :scope AND t.started_us BETWEEN :started AND :to"
)
_INPUT = "SELECT content FROM said WHERE turn = ? AND output = 0"
# Answers whose calls' ids are remembered: some hundred bytes each. Runs of one agent at once all ask the same.
MOST_REMEMBERED = 4096
# One with more in its ids than so many letters is opened each time.
LONGEST_REMEMBERED = 1000
_BEHIND = "SELECT place, content, role FROM said WHERE turn = ? AND output = 0 AND place > ? ORDER BY place"


class _Answered(Struct, frozen=True):
    """An answer within a history: its messages are those from `start` to before `end`."""

    start: int
    end: int
    calls: Sequence[str]


def calls_of(messages: Iterable[Message]) -> list[str]:
    """The ids of the calls in these."""
    return [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]


class CallIds:
    """The ids of the calls in messages that are stored, by their entries. On the writer's side: the last ones are
    remembered, for as long as `contents` remembers entries."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed, contents: Contents) -> None:
        self._opened = Opened(connection, sealed)
        self._contents = contents
        self._ids: OrderedDict[int, Sequence[str]] = OrderedDict()
        self._forgotten = 0

    def note(self, content: int, message: Message) -> None:
        """This message stands in this entry."""
        self._remember(content, calls_of([message]))

    def of(self, content: int) -> Sequence[str]:
        self._keep_true()
        ids = self._ids.get(content)
        if ids is None:
            ids = calls_of([self._opened.only(content)])
            self._remember(content, ids)
        return ids

    def _remember(self, content: int, ids: Sequence[str]) -> None:
        self._keep_true()
        if sum(map(len, ids)) <= LONGEST_REMEMBERED:
            self._ids[content] = ids
            self._ids.move_to_end(content)
            if len(self._ids) > MOST_REMEMBERED:
                self._ids.popitem(last=False)

    def _keep_true(self) -> None:
        if self._forgotten != self._contents.forgotten:
            self._ids.clear()
            self._forgotten = self._contents.forgotten


def by_calls(
    connection: sqlite3.Connection, call_ids: CallIds, call: Call, history: Sequence[Message], link: Link | None
) -> Link | None:
    """The turn whose answer, sent back altered, stands further behind in this history than that of `link` does, or
    which made the very calls that stand there; else `link`."""
    if link is not None and link.via == RESPONSE:
        return link
    told = call.told
    values = call.asked | {"from": told.started_us - WINDOW_US, "started": told.started_us}
    values["conversation"] = call.conversation
    # Within a conversation the latest are its own; of others, one's own user's may be further behind.
    values["most"] = MOST_ALIKE if call.conversation or not told.user else MOST_ALIKE_AMONG_OTHERS
    after = 0 if link is None else link.start - (link.via == CHAIN)
    for answered in _answers(history, after):
        if link is not None and answered.end == link.start and _made(call_ids, link, answered.calls):
            # Of those that said the same and made the same calls, it is the newest.
            return link
        question = call.walk.places[answered.start - 1].chain
        for choice, content, *brief in connection.execute(_ANSWERS, values | {"question": question}).fetchall():
            if call_ids.of(content) == answered.calls:
                return Link(Brief(*brief), choice, CHAIN, answered.end)
    return link


def late_by_calls(
    connection: sqlite3.Connection, call_ids: CallIds, call: Call, answers: Sequence[Answer], continued: Continued
) -> Iterator[tuple[int, Link]]:
    """(place, link) of later turns that have this call's answer altered, as `links.late`."""
    by_ids = {tuple(ids): answer.choice for answer in answers if (ids := calls_of([answer.message]))}
    if not by_ids or not call.walk.places or not continued.by_calls(call):
        return
    told = call.told
    values = call.asked | {"question": call.walk.places[-1].chain, "started": told.started_us}
    values["to"] = told.started_us + WINDOW_US
    for place, *brief in connection.execute(_ASKED_ALIKE, values).fetchall():
        later, last, ids = Brief(*brief), place, list[str]()
        for behind, content, role in connection.execute(_BEHIND, (later.id, place)).fetchall():
            if role != Role.ASSISTANT.value:
                break
            ids += call_ids.of(content)
            last = behind
        if (choice := by_ids.get(tuple(ids))) is not None:
            yield last, Link(later, choice, CHAIN, 0)


def answers_others(
    connection: sqlite3.Connection, sealed: Sealed, turn: int, answers: Sequence[Answer], choice: int
) -> bool:
    """Whether a later turn brings the results of other calls than those of this answer, which says the same."""
    made = calls_of(answer.message for answer in answers if answer.choice == choice)
    if not made:
        return False
    opened = Opened(connection, sealed)
    contents = [content for (content,) in connection.execute(_INPUT, (turn,))]
    opened.fetch(contents)
    parts = [part for content in contents for part in opened.message(content).parts]
    answered = {part.id for part in parts if isinstance(part, ToolCallResponse)}
    return bool(answered) and answered.isdisjoint(made)


def _made(call_ids: CallIds, link: Link, calls: Sequence[str]) -> bool:
    return link.content is not None and call_ids.of(link.content) == calls


def _answers(history: Sequence[Message], after: int) -> Iterator[_Answered]:
    """The answers with calls that end behind a place in a history, the last one first."""
    end = len(history)
    while end > after:
        if history[end - 1].role is not Role.ASSISTANT:
            end -= 1
            continue
        start = end - 1
        while start > 0 and history[start - 1].role is Role.ASSISTANT:
            start -= 1
        if start > 0 and (calls := calls_of(history[start:end])):
            yield _Answered(start, end, calls)
        end = start
