"""A `UsageQuery`'s filters as SQL conditions and bound values, for rows and combined buckets alike.

Both tables are called `b` and name their dimensions alike. Values come in as JSON arrays of numbers of `names`; a
text that no row ever held has no number, and a filter without numbers matches nothing.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec import Struct

from gateway.records import TagCondition, UsageQuery
from gateway.store.names import NAMES_BY_TEXT, json_array

# Contract dimension → column; the last two are kept as text.
NAMED_DIMENSIONS = ("provider", "model", "key", "user", "door", "client", "app", "outcome")
CONVERSATION, TRACE = "conversation", "trace"
TEXTS = (CONVERSATION, TRACE)

_COLUMN_OF = {TRACE: "trace_id"}
_IN: dict[str, str] = {
    name: f"b.{_COLUMN_OF.get(name, name)} IN (SELECT value FROM json_each(?))"
    for name in (*NAMED_DIMENSIONS, *TEXTS)
}
# The plus keeps the planner from a look-up for each set, of which a tag can have very many.
_WITH_TAGS = (
    "+b.tag_set IN (SELECT tag_set FROM tag_set_members WHERE tag IN (SELECT value FROM json_each(?)) "
    "UNION SELECT tag_set FROM tag_set_members WHERE key IN (SELECT value FROM json_each(?)))"
)
_WITHOUT_TAGS = _WITH_TAGS.replace("IN", "NOT IN", 1)


class Condition(Struct, frozen=True):
    """SQL of constants, to be joined with AND, and what is bound in it."""

    sql: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f" AND {part}" for part in self.sql)


def filtered_dimensions(query: UsageQuery) -> dict[str, tuple[str, ...]]:
    """The dimensions that this query restricts, tags aside."""
    return {name: values for name in (*NAMED_DIMENSIONS, *TEXTS) if (values := getattr(query, name))}


def ids_of(connection: sqlite3.Connection, texts: Sequence[str]) -> list[int]:
    """The numbers of those of the texts that were ever stored."""
    return [number for _, number in connection.execute(NAMES_BY_TEXT, (json_array(_storable(texts)),)).fetchall()]


def _storable(texts: Iterable[str]) -> list[str]:
    """Without texts that no row can hold, which JSON in SQLite would cut short and so mistake for others."""
    return [text for text in texts if "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)]


def condition(connection: sqlite3.Connection, query: UsageQuery) -> Condition:
    """All filters but the time."""
    sql: list[str] = []
    values: list[str] = []
    for name, wanted in filtered_dimensions(query).items():
        sql.append(_IN[name])
        values.append(json_array(_storable(wanted) if name in TEXTS else ids_of(connection, wanted)))
    for tags in query.tags:
        sql.append(_WITHOUT_TAGS if tags.negated else _WITH_TAGS)
        values += _tag_ids(connection, tags)
    return Condition(tuple(sql), tuple(values))


def _tag_ids(connection: sqlite3.Connection, tags: TagCondition) -> tuple[str, str]:
    whole = [tag for tag in tags.any_of if ":" in tag]
    keys = [tag for tag in tags.any_of if ":" not in tag]
    return json_array(ids_of(connection, whole)), json_array(ids_of(connection, keys))
