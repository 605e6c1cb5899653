"""A summary in place of the history: some tools have one written by a call of its own, and go on from what it says.

Claude Code (2.1.332) puts what stands within <summary> before the next question, among its own reminders. No answer
of before comes back, and what follows would seem to have begun beside the conversation.
"""

import sqlite3
from collections.abc import Sequence
from itertools import takewhile

from gateway.model import Message, Role, Text
from gateway.store.content import Opened, Sealed
from gateway.store.links import Call, Link
from gateway.store.title_lines import user_texts
from gateway.store.turn_rows import BRIEF, SLIDE, Brief

# What is shorter may stand in anything.
SHORTEST = 40
# The call that wrote it is among the latest: one that failed may have come between, or a tool's small tasks.
MOST_BETWEEN = 4

_LATEST = (
    f"SELECT s.choice, s.content, {BRIEF} FROM turns t JOIN conversations c ON c.id = t.conversation "
    "JOIN said s ON s.turn = t.id AND s.output = 1 "
    "WHERE t.conversation = :conversation AND t.id <> :turn AND t.ended_us <= :started AND t.system IS :system "
    f"AND t.sub IS :sub ORDER BY t.started_us DESC, t.id DESC LIMIT {MOST_BETWEEN}"
)
_FROM, _TO = "<summary>", "</summary>"


def by_summary(connection: sqlite3.Connection, sealed: Sealed, call: Call, history: Sequence[Message]) -> Link | None:
    """The turn of the same conversation and instructions whose answer is quoted before the first answer of this
    history."""
    told = call.told
    text = "\n".join(user_texts(list(takewhile(lambda each: each.role is not Role.ASSISTANT, history))))
    if call.conversation is None or len(text) <= SHORTEST:
        return None
    values = {
        "conversation": call.conversation,
        "turn": call.id,
        "started": told.started_us,
        "system": call.system,
        "sub": told.conversation if told.parent_conversation else None,
    }
    answers = connection.execute(_LATEST, values).fetchall()
    opened = Opened(connection, sealed)
    if answers:
        opened.fetch(content for _, content, *_ in answers)
    for choice, content, *brief in answers:
        summary = summary_of(opened.message(content))
        if len(summary) >= SHORTEST and summary in text:
            # Between the summary and what is new may stand what was said last, as it was.
            kept = next((end for end in range(len(history), 0, -1) if history[end - 1].role is Role.ASSISTANT), 0)
            return Link(Brief(*brief), choice, SLIDE, kept, shortened=True)
    return None


def summary_of(answer: Message) -> str:
    """What stands within the marks of an answer, else all that it says."""
    said = "".join(part.text for part in answer.parts if isinstance(part, Text))
    marked, end, _ = said.partition(_FROM)[2].partition(_TO)
    return (marked if end else said).strip()
