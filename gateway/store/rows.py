"""Records as rows of `requests` and `attempts`, and back, without loss.

A table of columns says which are texts that repeat (kept as numbers of `names`) and which are kept as they are; the
SQL, the way in and the way out all follow from it. `user` and `generation_us` are derived, for filters and speed.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, compress
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from gateway.records import AttemptRecord, ExchangeRecord
from gateway.store.insertion import AT_ONCE, Insertion
from gateway.store.measures import COUNTS, generation_us
from gateway.store.names import NO_NAME, Names, Texts, json_array

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
_LISTS = ("dropped", "adapted", "rare_counts")
# The column is named for the dimension, or for what it held at first; the field for what it holds.
_COLUMN_OF = {"conversation_id": "conversation", "rare_counts": "by_medium"}


def _columns(fields: Iterable[str]) -> Iterator[str]:
    return (_COLUMN_OF.get(field, field) for field in fields)


_STORED = (*NAMED, *_columns(PLAIN), "tag_set", *_columns(_LISTS))
# What most rows do not know: a column that is left out costs nothing, and a bound None more than a number.
_OPTIONAL_NAMED = ("end_user", "error_type", "price_id", "service_tier", "speed", "inference_geo")
_OPTIONAL_PLAIN = (
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
_OPTIONAL = (*_OPTIONAL_NAMED, *_OPTIONAL_PLAIN)
_USUAL_NAMED = tuple(field for field in NAMED if field not in (*_OPTIONAL_NAMED, "user"))
_USUAL_PLAIN = tuple(field for field in PLAIN if field not in (*_OPTIONAL_PLAIN, *FLAGS))
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

LAST_REQUEST = "SELECT COALESCE(MAX(n), 0) FROM requests"
KNOWN_REQUESTS = "SELECT id FROM requests WHERE id IN (SELECT value FROM json_each(?))"
REQUEST_COLUMNS = ", ".join(f"b.{column}" for column in ("n", *_STORED))
_ATTEMPTS_OF = (
    f"SELECT request, {', '.join(ATTEMPT_NAMED + _ATTEMPT_PLAIN)} FROM attempts "
    "WHERE request IN (SELECT value FROM json_each(?)) ORDER BY request, n"
)

_FIELDS = ExchangeRecord.__struct_fields__
_TAGS = _FIELDS.index("tags")
_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_counts = msgspec.json.Decoder(tuple[tuple[str, int], ...]).decode
# SQLite takes it for NULL, and Python's binds it at once: for None it looks for a way to adapt it, each time.
_NULL = float("nan")

_ATTEMPTS = Insertion("attempts", dict.fromkeys(("request", *ATTEMPT_NAMED, *_ATTEMPT_PLAIN), "?"))


class _Kind(NamedTuple):
    """How rows are written that know the same columns, and which of a record's fields these are, by their places."""

    insertion: Insertion
    named: Sequence[int]
    plain: Sequence[int]
    lists: Sequence[int]


_Has = tuple[bool, ...]
"""Whether a record has each of `_OPTIONAL`, `FLAGS` and `_LISTS`."""


def _has(record: ExchangeRecord) -> _Has:
    # By their names: getters take three times as long.
    return (
        record.end_user is not None,
        record.error_type is not None,
        record.price_id is not None,
        record.service_tier is not None,
        record.speed is not None,
        record.inference_geo is not None,
        record.cache_write_tokens is not None,
        record.cache_write_1h_tokens is not None,
        record.cache_write_12h_tokens is not None,
        record.input_audio_tokens is not None,
        record.reasoning_tokens is not None,
        record.output_audio_tokens is not None,
        record.web_searches is not None,
        record.trace_id is not None,
        record.span_id is not None,
        record.upstream_request_id is not None,
        record.error_message is not None,
        record.byok,
        record.streamed,
        record.price_fuzzy,
        record.dropped != (),
        record.adapted != (),
        record.rare_counts != (),
    )


@lru_cache(maxsize=256)
def _kind(has: _Has) -> _Kind:
    optional = set(compress((*_OPTIONAL, *FLAGS, *_LISTS), has))
    named = (*_USUAL_NAMED, *(field for field in _OPTIONAL_NAMED if field in optional))
    plain = (*_USUAL_PLAIN, *(field for field in _OPTIONAL_PLAIN if field in optional))
    lists = tuple(field for field in _LISTS if field in optional)
    columns = {
        **{flag: str(int(flag in optional)) for flag in FLAGS},
        **{field: str(NO_NAME) for field in _OPTIONAL_NAMED if field not in optional},
        **dict.fromkeys(("n", "user", *named, *_columns(plain)), "?"),
        **dict.fromkeys(("tag_set", "generation_us", *_columns(lists)), "?"),
    }
    return _Kind(
        Insertion("requests", columns), *(list(map(_FIELDS.index, fields)) for fields in (named, plain, lists))
    )


def insert(connection: sqlite3.Connection, names: Names, records: Sequence[ExchangeRecord]) -> None:
    """Write rows and attempts, those that know the same columns one after the other; the records' ids are new."""
    kinds: defaultdict[_Has, list[ExchangeRecord]] = defaultdict(list)
    for record in records:
        kinds[_has(record)].append(record)
    first: int = connection.execute(LAST_REQUEST).fetchone()[0] + 1
    for has, alike in kinds.items():
        kind = _kind(has)
        rows = chain.from_iterable(
            _as_rows(names, kind, first + at, alike[at : at + AT_ONCE]) for at in range(0, len(alike), AT_ONCE)
        )
        kind.insertion.write(connection, rows, len(alike))
        _ATTEMPTS.write(connection, _attempts_as_rows(names.number, first, alike), len(alike))
        first += len(alike)


def _as_rows(names: Names, kind: _Kind, first: int, records: Sequence[ExchangeRecord]) -> Iterator[tuple[Any, ...]]:
    """One column after the other, without a step of Python's for each value; of few records, for so wide a table is
    turned fastest in parts."""
    fields = tuple(zip(*map(astuple, records), strict=True))
    return zip(
        range(first, first + len(records)),
        [names.number(record.user) for record in records],
        *[map(names.number, fields[place]) for place in kind.named],
        *[fields[place] for place in kind.plain],
        map(names.tag_set, fields[_TAGS]),
        map(generation_us, records),
        *[map(json_array, fields[place]) for place in kind.lists],
        strict=True,
    )


def _attempts_as_rows(
    number: Callable[[str | None], int], first: int, records: Sequence[ExchangeRecord]
) -> Iterator[tuple[Any, ...]]:
    """In the order of `ATTEMPT_NAMED` and `_ATTEMPT_PLAIN`; by their names: getters take four times as long."""
    for n, record in enumerate(records, first):
        attempts = record.attempts
        for attempt in attempts if len(attempts) < 2 else _by_number(attempts):
            status, upstream_id = attempt.status, attempt.upstream_request_id
            fresh, output, cost = attempt.input_tokens, attempt.output_tokens, attempt.cost_nano
            yield (
                n,
                number(attempt.provider),
                number(attempt.model),
                number(attempt.error_type),
                attempt.n,
                attempt.started_us,
                attempt.latency_us,
                _NULL if status is None else status,
                _NULL if fresh is None else fresh,
                _NULL if output is None else output,
                _NULL if cost is None else cost,
                _NULL if upstream_id is None else upstream_id,
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
        tag_set, dropped, adapted, rare = row[plain_end:]
        records.append(
            ExchangeRecord(
                **fields,  # type: ignore[arg-type]
                **plain,
                tags=tags_of[tag_set],
                dropped=_decode_texts(dropped) if dropped else (),
                adapted=_decode_texts(adapted) if adapted else (),
                rare_counts=rare_counts(rare),
                attempts=tuple(attempts.get(row[0], ())),
            )
        )
    return records


def rare_counts(column: str | None) -> tuple[tuple[str, int], ...]:
    """What the column `by_medium` says."""
    return _decode_counts(column) if column else ()


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
