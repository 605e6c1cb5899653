"""One conversation, whole: its turns in order of time, each message once, instructions and tools once each."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.keys.sealing import SealBroken
from gateway.model import Role
from gateway.store.branches import branch_words, later_attempts
from gateway.store.cache_misses import Unit, explain
from gateway.store.content import TEXT, Opened, Sealed
from gateway.store.conversation_rows import conversation_number
from gateway.store.thread_lists import UNREADABLE, described
from gateway.thread_records import Figures, Thread, ThreadMessage, Turn

_CONVERSATION = (
    "SELECT c.id, c.name, c.title, c.line, c.started_us, c.ended_us, c.requests, c.errors, c.unpriced, "
    "c.input_tokens, c.output_tokens, c.cost_nano, c.duration_us, c.given FROM conversations c WHERE c.id = ?"
)
_TURNS = "SELECT * FROM turns WHERE conversation = ? ORDER BY started_us, id"
_SAID = (
    "SELECT s.id, s.turn, s.content, s.role, s.output, s.choice, s.repeated, s.finish, c.size FROM said s "
    "LEFT JOIN contents c ON c.id = s.content WHERE s.turn IN (SELECT id FROM turns WHERE conversation = ?) "
    "ORDER BY s.turn, s.place"
)
_OF_REQUEST = (
    "SELECT c.name, (SELECT COUNT(*) FROM turns b WHERE b.conversation = t.conversation "
    "AND (b.started_us, b.id) < (t.started_us, t.id)) FROM turns t JOIN conversations c ON c.id = t.conversation "
    "WHERE t.identity = ?"
)

_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_figures = msgspec.json.Decoder(tuple[Figures, ...]).decode
Row = Mapping[str, Any]


def thread(
    connection: sqlite3.Connection, sealed: Sealed, name: str, scope: str | None, unit: Unit | None
) -> Thread | None:
    """The conversation of this name, else of this given id, within a scope where one is told. `unit` prices what the
    cache missed."""
    found = connection.execute(_CONVERSATION, (conversation_number(connection, name, scope),)).fetchone()
    if found is None:
        return None
    cursor = connection.execute(_TURNS, (found[0],))
    names = [column[0] for column in cursor.description]
    rows: list[Row] = [dict(zip(names, row, strict=True)) for row in cursor]
    said = connection.execute(_SAID, (found[0],)).fetchall()
    opened = Opened(connection, sealed)
    opened.fetch(row[2] for row in said)
    opened.fetch(row[column] for row in rows for column in ("system", "tools"))
    number_of = {row["id"]: number for number, row in enumerate(rows)}
    systems = _numbered(row["system"] for row in rows)
    toolsets = _numbered(row["tools"] for row in rows)
    turns = _turns(sealed, rows, number_of, systems, toolsets, unit)
    messages = sorted((_message(opened, row, number_of) for row in said), key=lambda message: message.turn)
    return Thread(
        row=described(connection, sealed, [found], {})[0],
        turns=tuple(turns),
        messages=tuple(messages),
        systems=tuple(opened.system(number) for number in systems),
        toolsets=tuple(opened.tools(number) for number in toolsets),
        trace_ids=tuple(dict.fromkeys(row["trace_id"] for row in rows if row["trace_id"])),
    )


def thread_of_request(connection: sqlite3.Connection, request_id: str) -> tuple[str, int] | None:
    """The conversation of a request, and the number of its turn there."""
    found = connection.execute(_OF_REQUEST, (request_id,)).fetchone()
    return None if found is None else (found[0], found[1])


def _numbered(numbers: Any) -> dict[int, int]:
    """Each entry's place by first appearance."""
    return {number: place for place, number in enumerate(dict.fromkeys(each for each in numbers if each is not None))}


def _message(opened: Opened, row: Sequence[Any], number_of: Mapping[int, int]) -> ThreadMessage:
    id, turn, content, role, output, choice, repeated, finish, size = row
    message = opened.message(content)
    return ThreadMessage(
        id=id,
        turn=number_of[turn],
        role=Role(role),
        parts=message.parts,
        output=bool(output),
        choice=choice,
        repeated=bool(repeated),
        name=message.name,
        bytes=size or 0,
        finish_reason=finish,
    )


def _turns(
    sealed: Sealed,
    rows: Sequence[Row],
    number_of: Mapping[int, int],
    systems: Mapping[int, int],
    toolsets: Mapping[int, int],
    unit: Unit | None,
) -> list[Turn]:
    attempts, words = later_attempts(rows), branch_words(rows)
    by_id = {row["id"]: row for row in rows}
    turns = []
    for number, row in enumerate(rows):
        before = by_id.get(row["parent"])
        said: dict[str, Any] = {name: row[name] for name in _PLAIN}
        said |= {name: _decode_texts(row[name]) for name in ("tags", "dropped", "adapted", "hints")}
        turns.append(
            Turn(
                n=number,
                parent=number_of.get(row["parent"]),
                branch=words.get(row["id"]),
                attempt_of=number_of.get(attempts.get(row["id"], -1)),
                sources=_sources(row),
                system=systems.get(row["system"]),
                tools=toolsets.get(row["tools"]),
                error_message=_error(sealed, row),
                cache_miss=explain(before, row, unit) if before is not None else None,
                other_figures=_decode_figures(row["figures"]) if row["figures"] else (),
                # What it continued may be gone for its age.
                shortened=bool(row["shortened"]) or (row["parent"] is not None and before is None),
                inferred=bool(row["inferred"]),
                session_id=row["session_id"] or row["joined_session_id"],
                **said,
            )
        )
    return turns


_PLAIN = (
    *("request_id", "trace_id", "span_id", "door", "client", "agent", "provider", "model", "model_requested"),
    *("started_us", "latency_us", "ttft_us", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens"),
    *("reasoning_tokens", "usage_source", "cost_nano", "cost_source", "status", "outcome", "error_type", "joined"),
)


def _sources(row: Row) -> tuple[str, ...]:
    others = _decode_figures(row["figures"]) if row["figures"] else ()
    return tuple(dict.fromkeys((row["source"], *(each.source for each in others))))


def _error(sealed: Sealed, row: Row) -> str | None:
    try:
        return sealed.unpack_text(TEXT, f"error {row['identity']}", row["error_message"])
    except SealBroken:
        return UNREADABLE
