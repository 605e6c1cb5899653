"""Records as rows of `requests` and `attempts`, and back, without loss.

A table of columns says which are texts that repeat (kept as numbers of `names`) and which are kept as they are; the
SQL, the way in and the way out all follow from it. `user` and `generation_us` are derived, for filters and speed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from gateway.records import AttemptRecord, ExchangeRecord
from gateway.store.measures import COUNTS, generation_us
from gateway.store.names import Names, Texts, json_array
from gateway.tags import tag_key

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
_WRITTEN = ("n", *_STORED, "generation_us")
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

INSERT_REQUEST = f"INSERT INTO requests ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"
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
_plain_of = attrgetter(*PLAIN)
_attempt_named_of = attrgetter(*ATTEMPT_NAMED)
_attempt_plain_of = attrgetter(*_ATTEMPT_PLAIN)
_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode


def texts_of(records: Iterable[ExchangeRecord]) -> set[str | None]:
    """Every repeating text in these records."""
    texts: set[str | None] = set()
    tag_lists: set[tuple[str, ...]] = set()
    for record in records:
        texts.update(_named_of(record))
        tag_lists.add(record.tags)
        for attempt in record.attempts:
            texts.update(_attempt_named_of(attempt))
    for tags in tag_lists:
        texts.update(tags)
        texts.update(map(tag_key, tags))
    return texts


def insert(connection: sqlite3.Connection, names: Names, records: Sequence[ExchangeRecord]) -> None:
    """Write rows and attempts; the records' ids are new and their texts learnt."""
    first: int = connection.execute(LAST_REQUEST).fetchone()[0] + 1
    number = names.number
    connection.executemany(
        INSERT_REQUEST,
        [
            (
                n,
                *map(number, _named_of(record)),
                *_plain_of(record),
                names.tag_set_id(record.tags),
                json_array(record.dropped) if record.dropped else None,
                json_array(record.adapted) if record.adapted else None,
                generation_us(record),
            )
            for n, record in enumerate(records, first)
        ],
    )
    connection.executemany(
        INSERT_ATTEMPT,
        [
            (n, *map(number, _attempt_named_of(attempt)), *_attempt_plain_of(attempt))
            for n, record in enumerate(records, first)
            for attempt in {attempt.n: attempt for attempt in record.attempts}.values()
        ],
    )


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
