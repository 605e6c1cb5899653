"""A `UsageQuery`'s filters as SQL conditions and bound values, for rows and combined buckets alike.

Both tables are called `b` and name their dimensions alike. Values come in as JSON arrays of numbers of `names`; a
text that no row ever held has no number, and a filter without numbers matches nothing. Conditions on a row's own
numbers (`numbers` of the query) can only be asked of rows.
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from gateway.records import OPERATORS, NumberCondition, TagCondition, UsageQuery
from gateway.store.database import HOLDS_FUNCTION
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

# What is unknown is NULL, which no comparison finds. Turns of conversations name these as requests do.
_NUMBERS: Mapping[str, str] = {
    "status": "NULLIF({0}.status, 0)",
    "cost": "{0}.cost_nano",
    "latency": "{0}.latency_us",
    "ttft": "{0}.ttft_us",
    "overhead": "{0}.overhead_us",
    "tokens": "COALESCE({0}.input_tokens + {0}.output_tokens, {0}.input_tokens, {0}.output_tokens)",
    "input": "{0}.input_tokens",
    "output": "{0}.output_tokens",
    "cached": "{0}.cached_tokens",
    "reasoning": "{0}.reasoning_tokens",
}
_COMPARED = {
    (table, field, sign): f"{sql.format(table)} {sign} ?"
    for table in ("b", "t")
    for field, sql in _NUMBERS.items()
    for sign in OPERATORS
    if (table, field) != ("t", "overhead")
}
# LIKE knows both cases of ASCII's letters alone. What knows all is ours, and slower: it sees texts with others.
HOLDING = (
    r"({0} LIKE ? ESCAPE '\' OR (length({0}) <> length(CAST({0} AS BLOB)) "
    f"AND {HOLDS_FUNCTION}({{0}}, ?)))"
)
_LONGEST_PATTERN = 50_000
_NAMES_WITH = f"SELECT id FROM names WHERE {HOLDING.format('text')}"
_WITH_TEXT = "({})".format(" OR ".join(_IN[name] for name in ("model", "user", "key")))


class Condition(Struct, frozen=True):
    """SQL of constants, to be joined with AND, and what is bound in it."""

    sql: tuple[str, ...]
    values: tuple[str | int, ...]

    @property
    def text(self) -> str:
        return "".join(f" AND {part}" for part in self.sql)


def filtered_dimensions(query: UsageQuery) -> dict[str, tuple[str, ...]]:
    """The dimensions that this query restricts, tags aside."""
    return {name: values for name in (*NAMED_DIMENSIONS, *TEXTS) if (values := getattr(query, name))}


def needs_rows(query: UsageQuery) -> bool:
    """Whether no bucket can tell which rows match."""
    return bool(query.numbers or query.conversation or query.trace)


def ids_of(connection: sqlite3.Connection, texts: Sequence[str]) -> list[int]:
    """The numbers of those of the texts that were ever stored."""
    return [number for _, number in connection.execute(NAMES_BY_TEXT, (json_array(_storable(texts)),)).fetchall()]


def _storable(texts: Iterable[str]) -> list[str]:
    """Without texts that no row can hold, which JSON in SQLite would cut short and so mistake for others."""
    return [text for text in texts if "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)]


def condition(connection: sqlite3.Connection, query: UsageQuery) -> Condition:
    """All filters but the time."""
    sql: list[str] = []
    values: list[str | int] = []
    for name, wanted in filtered_dimensions(query).items():
        sql.append(_IN[name])
        values.append(json_array(_storable(wanted) if name in TEXTS else ids_of(connection, wanted)))
    for tags in query.tags:
        sql.append(_WITHOUT_TAGS if tags.negated else _WITH_TAGS)
        values += _tag_ids(connection, tags)
    for number in query.numbers:
        sql.append(compared("b", number))
        values.append(number.value)
    for word in query.text:
        sql.append(_WITH_TEXT)
        values += [_ids_with(connection, word)] * 3
    return Condition(tuple(sql), tuple(values))


def _tag_ids(connection: sqlite3.Connection, tags: TagCondition) -> tuple[str, str]:
    whole = [tag for tag in tags.any_of if ":" in tag]
    keys = [tag for tag in tags.any_of if ":" not in tag]
    return json_array(ids_of(connection, whole)), json_array(ids_of(connection, keys))


def _ids_with(connection: sqlite3.Connection, word: str) -> str:
    """The numbers of all texts that hold this one, in whichever case."""
    if not _storable((word,)):
        return json_array(())
    return json_array(number for (number,) in connection.execute(_NAMES_WITH, holding(word)))


def compared(table: str, condition: NumberCondition) -> str:
    """SQL that compares a number of requests (`b`) or of turns (`t`) with a bound value."""
    # A turn does not know the gateway's own share of its time: none is known to match.
    return _COMPARED.get((table, condition.field, condition.operator), "? IS NULL")


def holding(word: str) -> tuple[str | None, str]:
    """What is bound in HOLDING, which is whether a text holds this one in whichever case. One that is too long for
    SQLite's patterns is held by none in ASCII."""
    folded = word.casefold()
    pattern = "%{}%".format(re.sub(r"([\\%_])", r"\\\1", folded))
    return pattern if len(pattern.encode()) <= _LONGEST_PATTERN else None, folded
