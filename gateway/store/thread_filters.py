"""A `ThreadQuery` as SQL on `conversations` (c) and their turns (t). Texts are bound, never written into it."""

from typing import Any

from msgspec import Struct

from gateway.records import TagCondition
from gateway.store.filters import HOLDING, compared, holding
from gateway.store.names import json_array
from gateway.store.storable import sound_text
from gateway.thread_records import ThreadQuery

_DIMENSIONS = ("provider", "model", "key", "user", "door", "client", "app", "outcome")
_COLUMNS = {name: f"t.{name}" for name in _DIMENSIONS} | {"trace": "t.trace_id"}
_WITH_TEXT = "({})".format(" OR ".join(HOLDING.format(column) for column in ("t.model", "t.user", "t.key")))
# By its name, by the id that was given where two keys gave the same, by that of a sub-agent's run within it, and by
# that of the session around it.
_KNOWN_AS = (
    "c.id IN (WITH ids AS (SELECT value FROM json_each(?)) "
    "SELECT id FROM conversations WHERE name IN (SELECT value FROM ids) "
    "UNION SELECT id FROM conversations WHERE given IN (SELECT value FROM ids) AND given IS NOT NULL "
    + " ".join(
        f"UNION SELECT conversation FROM turns WHERE {column} IN (SELECT value FROM ids) AND {column} IS NOT NULL"
        for column in ("sub", "session_id", "joined_session_id")
    )
    + ")"
)
_SINGLE = ("key", "user", "app", "client", "model", "provider")
_TAG = (
    "EXISTS (SELECT 1 FROM json_each(t.tags) g WHERE g.value IN (SELECT value FROM json_each(?)) "
    "OR substr(g.value, 1, instr(g.value || ':', ':') - 1) IN (SELECT value FROM json_each(?)))"
)


class Where(Struct, frozen=True):
    """Conditions joined with AND, and what is bound in them."""

    sql: str
    values: tuple[Any, ...]


def where(query: ThreadQuery) -> Where:
    """Everything but the text that is searched for."""
    sql, values = ["1"], list[Any]()
    among = query.among
    start, end = _latest(query.from_us, among.start_us), _earliest(query.to_us, among.end_us)
    if start is not None:
        sql.append("c.ended_us >= ?")
        values.append(start)
    if end is not None:
        sql.append("c.started_us < ?")
        values.append(end)
    if query.scope is not None:
        sql.append("c.scope = ?")
        values.append(query.scope)
    if among.conversation:
        sql.append(_KNOWN_AS)
        values.append(json_array(sound_text(each) for each in among.conversation))
    if query.errors_only:
        sql.append("c.errors > 0")
    turn, bound = _of_turns(query, start, end)
    if turn:
        sql.append(f"EXISTS (SELECT 1 FROM turns t WHERE t.conversation = c.id AND {' AND '.join(turn)})")
        values += bound
    return Where(" AND ".join(sql), tuple(values))


def _of_turns(query: ThreadQuery, start: int | None, end: int | None) -> tuple[list[str], list[Any]]:
    """What one and the same turn has to be."""
    sql: list[str] = []
    values: list[Any] = []
    for name in _SINGLE:
        if (wanted := getattr(query, name)) is not None:
            sql.append(f"{_COLUMNS[name]} = ?")
            values.append(sound_text(wanted))
    for name, column in _COLUMNS.items():
        if several := getattr(query.among, name):
            sql.append(f"{column} IN (SELECT value FROM json_each(?))")
            values.append(json_array(sound_text(each) for each in several))
    for condition in (*(TagCondition((tag,)) for tag in query.tags), *query.among.tags):
        sql.append(f"NOT {_TAG}" if condition.negated else _TAG)
        tags = [sound_text(tag) for tag in condition.any_of]
        values += [json_array(tags), json_array(tag for tag in tags if ":" not in tag)]
    for number in query.among.numbers:
        sql.append(compared("t", number))
        values.append(number.value)
    for word in query.among.text:
        sql.append(_WITH_TEXT)
        values += holding(sound_text(word)) * 3
    if sql and start is not None:
        sql.append("t.started_us >= ?")
        values.append(start)
    if sql and end is not None:
        sql.append("t.started_us < ?")
        values.append(end)
    return sql, values


def _latest(*times: int | None) -> int | None:
    return max((each for each in times if each is not None), default=None)


def _earliest(*times: int | None) -> int | None:
    return min((each for each in times if each is not None), default=None)
