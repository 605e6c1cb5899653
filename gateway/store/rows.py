"""Records as rows of `requests` and `attempts`, and back, without loss.

A table of columns says which are texts that repeat (kept as numbers of `names`) and which are kept as they are; the
SQL, the way in and the way out all follow from it. `user` and `generation_us` are derived, for filters and speed.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from gateway.records import AttemptRecord, ExchangeRecord
from gateway.store.measures import COUNTS, generation_us
from gateway.store.names import Names, Texts, json_array

NAMED = (
    "door",
    "key_id",
    "key",
    "principal",
    "end_user",
    "user",
    "provider",
    "model_requested",
    "model",
    "client",
    "app",
    "outcome",
    "error_type",
    "usage_source",
    "cost_source",
    "price_id",
    "service_tier",
    "speed",
    "inference_geo",
)
PLAIN = (
    "id",
    "started_us",
    "status",
    "byok",
    "streamed",
    *COUNTS,
    "cache_write_12h_tokens",
    "cost_nano",
    "price_fuzzy",
    "latency_us",
    "ttft_us",
    "overhead_us",
    "conversation_id",
    "trace_id",
    "span_id",
    "upstream_request_id",
    "error_message",
)
FLAGS = ("byok", "streamed", "price_fuzzy")
# The column is named for the dimension, the field for what it holds.
_COLUMN_OF = {"conversation_id": "conversation"}
_STORED = (*NAMED, *(_COLUMN_OF.get(field, field) for field in PLAIN), "tag_set", "dropped", "adapted")
# What most rows do not know: a column that is left out costs nothing, and a bound None more than a number.
_OPTIONAL = (
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "cache_write_12h_tokens",
    "input_audio_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "web_searches",
    "trace_id",
    "span_id",
    "upstream_request_id",
    "error_message",
)
_LISTS = ("dropped", "adapted")
_USUAL = tuple(field for field in PLAIN if field not in (*_OPTIONAL, *FLAGS))
ATTEMPT_NAMED = ("provider", "model", "error_type")
_ATTEMPT_PLAIN = (
    "n",
    "started_us",
    "latency_us",
    "status",
    "input_tokens",
    "output_tokens",
    "cost_nano",
    "upstream_request_id",
)

INSERT_ATTEMPT = (
    f"INSERT INTO attempts (request, {', '.join(ATTEMPT_NAMED + _ATTEMPT_PLAIN)}) "
    f"VALUES ({', '.join('?' * (1 + len(ATTEMPT_NAMED + _ATTEMPT_PLAIN)))})"
)
LAST_REQUEST = "SELECT COALESCE(MAX(n), 0) FROM requests"
KNOWN_REQUESTS = "SELECT id FROM requests WHERE id IN (SELECT value FROM json_each(?))"
REQUEST_COLUMNS = ", ".join(f"b.{column}" for column in ("n", *_STORED))
_ATTEMPTS_OF = (
    f"SELECT request, {', '.join(ATTEMPT_NAMED + _ATTEMPT_PLAIN)} FROM attempts "
    "WHERE request IN (SELECT value FROM json_each(?)) ORDER BY request, n"
)

_named_of = attrgetter(*NAMED)
_optional_of = attrgetter(*_OPTIONAL)
_attempt_named_of = attrgetter(*ATTEMPT_NAMED)
_attempt_plain_of = attrgetter(*_ATTEMPT_PLAIN)
_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode


class _Kind(NamedTuple):
    """How rows are written that know the same columns."""

    statement: str
    plain_of: Callable[[ExchangeRecord], tuple[Any, ...]]
    lists: tuple[str, ...]


@lru_cache(maxsize=256)
def _kind(known: tuple[bool, ...]) -> _Kind:
    """Of rows for which these of `_OPTIONAL` and `_LISTS` are known."""
    fields = (*_USUAL, *compress(_OPTIONAL, known))
    lists = tuple(compress(_LISTS, known[len(_OPTIONAL) :]))
    plain = (_COLUMN_OF.get(field, field) for field in fields)
    columns = ("n", *NAMED, *plain, *FLAGS, "tag_set", "generation_us", *lists)
    statement = f"INSERT INTO requests ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    return _Kind(statement, attrgetter(*fields), lists)


def insert(connection: sqlite3.Connection, names: Names, records: Sequence[ExchangeRecord]) -> None:
    """Write rows and attempts, those that know the same columns one after the other; the records' ids are new."""
    kinds: defaultdict[tuple[bool, ...], list[ExchangeRecord]] = defaultdict(list)
    for record in records:
        fields = [value is not None for value in _optional_of(record)]
        kinds[(*fields, bool(record.dropped), bool(record.adapted))].append(record)
    first: int = connection.execute(LAST_REQUEST).fetchone()[0] + 1
    number, tag_set = names.number, names.tag_set
    for known, alike in kinds.items():
        statement, plain_of, lists = _kind(known)
        connection.executemany(
            statement,
            # One by one: thousands of them at once would be looked through by the garbage collection.
            (
                (
                    n,
                    *map(number, _named_of(record)),
                    *plain_of(record),
                    # A number is bound faster than a bool.
                    +record.byok,
                    +record.streamed,
                    +record.price_fuzzy,
                    tag_set(record.tags),
                    generation_us(record),
                    *(json_array(getattr(record, field)) for field in lists),
                )
                for n, record in enumerate(alike, first)
            ),
        )
        _insert_attempts(connection, number, first, alike)
        first += len(alike)


def _insert_attempts(
    connection: sqlite3.Connection, number: Callable[[str | None], int], first: int, records: Sequence[ExchangeRecord]
) -> None:
    connection.executemany(
        INSERT_ATTEMPT,
        (
            (n, *map(number, _attempt_named_of(attempt)), *_attempt_plain_of(attempt))
            for n, record in enumerate(records, first)
            for attempt in (record.attempts if len(record.attempts) < 2 else _by_number(record.attempts))
        ),
    )


def _by_number(attempts: Iterable[AttemptRecord]) -> Iterable[AttemptRecord]:
    return {attempt.n: attempt for attempt in attempts}.values()


def read(connection: sqlite3.Connection, texts: Texts, rows: Sequence[Sequence[Any]]) -> list[ExchangeRecord]:
    """Records of rows that were selected as `REQUEST_COLUMNS`."""
    attempts = _attempts(connection, texts, [row[0] for row in rows])
    named_end = 1 + len(NAMED)
    plain_end = named_end + len(PLAIN)
    text_of = texts.texts(connection, {number for row in rows for number in row[1:named_end]})
    tags_of = texts.tags(connection, {row[plain_end] for row in rows})
    records = []
    for row in rows:
        fields = dict(zip(NAMED, map(text_of.__getitem__, row[1:named_end]), strict=True))
        del fields["user"]
        plain: dict[str, Any] = dict(zip(PLAIN, row[named_end:plain_end], strict=True))
        for flag in FLAGS:
            plain[flag] = bool(plain[flag])
        tag_set, dropped, adapted = row[plain_end:]
        records.append(
            ExchangeRecord(
                **fields,  # type: ignore[arg-type]
                **plain,
                tags=tags_of[tag_set],
                dropped=_decode_texts(dropped) if dropped else (),
                adapted=_decode_texts(adapted) if adapted else (),
                attempts=tuple(attempts.get(row[0], ())),
            )
        )
    return records


def _attempts(connection: sqlite3.Connection, texts: Texts, ns: Sequence[int]) -> dict[int, list[AttemptRecord]]:
    rows = connection.execute(_ATTEMPTS_OF, (json_array(ns),)).fetchall()
    named_end = 1 + len(ATTEMPT_NAMED)
    text_of = texts.texts(connection, {number for row in rows for number in row[1:named_end]})
    attempts: dict[int, list[AttemptRecord]] = {}
    for row in rows:
        fields: dict[str, Any] = dict(zip(ATTEMPT_NAMED, map(text_of.__getitem__, row[1:named_end]), strict=True))
        fields.update(zip(_ATTEMPT_PLAIN, row[named_end:], strict=True))
        attempts.setdefault(row[0], []).append(AttemptRecord(**fields))
    return attempts


def in_chunks(records: Iterable[ExchangeRecord], size: int) -> Iterator[list[ExchangeRecord]]:
    """The records in lists of at most `size`."""
    chunk: list[ExchangeRecord] = []
    for record in records:
        chunk.append(record)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
