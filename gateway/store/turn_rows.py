"""A turn as a row of `turns`: what was told of a call, beside what it says."""

import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.store.content import TEXT, Sealed
from gateway.store.storable import LARGEST, LIMITS, is_sound, sound_text
from gateway.told import Told

COLUMNS = (
    *("identity", "conversation", "sub", "parent", "choice", "via", "length", "question", "shortened", "changed"),
    *("system", "tools", "source", "scope", "request_id", "response_id"),
    *("client_response_id", "previous_response_id", "session_id"),
    *("trace_id", "span_id", "parent_span_id", "started_us", "ended_us", "latency_us", "ttft_us"),
    *("key", "user", "principal", "app", "client", "agent", "door", "provider", "model", "model_requested"),
    *("input_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens"),
    *("reasoning_tokens", "usage_source", "cost_nano", "cost_source", "status", "outcome", "error_type"),
    *("error_message", "streamed", "tags", "dropped", "adapted", "hints"),
)
# How the turn that this one continues was found.
NOTHING, CHAIN, RESPONSE, SLIDE, FOLLOW = 0, 1, 2, 3, 4

_TEXTS = (
    *("key", "user", "principal", "app", "client", "agent", "door", "provider", "model", "model_requested"),
    "error_type",
)
_IDS = (
    *("session_id", "request_id", "response_id", "client_response_id", "previous_response_id"),
    *("trace_id", "span_id", "parent_span_id"),
)
_SOUND = ("scope", "identity", "conversation", "parent_conversation", "title", *_TEXTS, *_IDS)
_AS_TOLD = (*_TEXTS, *_IDS)
_sound_of, _as_told = attrgetter(*_SOUND), attrgetter(*_AS_TOLD)
_TOKENS = (
    *("input_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens"),
    "reasoning_tokens",
)
_tokens_of = attrgetter(*_TOKENS)


class Brief(Struct, frozen=True):
    """What placing a call has to know of an earlier one."""

    id: int
    conversation: int
    parent: int | None
    choice: int
    via: int
    started_us: int
    ended_us: int
    outcome: str
    question: bytes | None
    system: int | None
    given: str | None


BRIEF = (
    "t.id, t.conversation, t.parent, t.choice, t.via, t.started_us, t.ended_us, t.outcome, t.question, t.system, "
    "c.given"
)
BRIEFS = f"SELECT {BRIEF} FROM turns t JOIN conversations c ON c.id = t.conversation WHERE "


def sound(told: Told) -> Told:
    """With ids and names that SQLite can hold, and a beginning that a calendar has."""
    texts = _sound_of(told)
    begins = 0 <= told.started_us <= LARGEST
    if begins and is_sound("".join(filter(None, texts))):
        return told
    mended: dict[str, Any] = {name: sound_text(text) for name, text in zip(_SOUND, texts, strict=True) if text}
    return replace(told, started_us=min(max(0, told.started_us), LARGEST), **mended)


def identity_of(told: Told) -> str:
    """What makes two tellings the same one: told again, it replaces the first."""
    if told.identity:
        return stored_identity(told.scope, told.identity)
    if told.request_id:
        return told.request_id
    return f"{told.scope} {told.trace_id} {told.span_id} {told.started_us if told.span_id is None else ''}"


def stored_identity(scope: str, identity: str | None) -> str:
    """What a telling with an identity of its own is stored as: what a sender calls a session is a part of it."""
    return sound_text(f"{scope} {identity}")


def ended_us(told: Told) -> int:
    return told.started_us + (_counted("latency_us", told.latency_us) or 0)


def row_of(told: Told, sealed: Sealed) -> dict[str, Any]:
    """All columns that the telling alone, a sound one, decides."""
    usage, identity = told.usage, identity_of(told)
    cost_nano = _counted("cost_nano", told.cost_nano)
    return {
        **dict(zip(_AS_TOLD, _as_told(told), strict=True)),
        **dict(zip(_TOKENS, map(_counted, _TOKENS, _tokens_of(usage)), strict=True)),
        "tags": encoded(told.tags),
        "dropped": encoded(told.dropped),
        "adapted": encoded(told.adapted),
        "hints": encoded(told.hints),
        "identity": identity,
        "source": told.source,
        "scope": told.scope,
        "started_us": told.started_us,
        "ended_us": ended_us(told),
        "latency_us": _counted("latency_us", told.latency_us),
        "ttft_us": _counted("ttft_us", told.ttft_us),
        "usage_source": told.usage_source,
        "cost_nano": cost_nano,
        "cost_source": told.cost_source if cost_nano == told.cost_nano else "none",
        "status": told.status,
        "outcome": told.outcome,
        "error_message": sealed.pack_text(TEXT, f"error {identity}", told.error_message),
        "streamed": told.streamed,
    }


def insert(connection: sqlite3.Connection, row: Mapping[str, Any]) -> None:
    """Write a row. What it does not know is not named: a value that is bound costs more than one that is absent, and
    one that is bound by its name twice as much."""
    known = {name: value for name, value in row.items() if value is not None}
    connection.execute(_statement(tuple(known)), tuple(known.values()))


@lru_cache(256)
def _statement(columns: tuple[str, ...]) -> str:
    return f"INSERT INTO turns ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


@lru_cache(1024)
def encoded(texts: tuple[str, ...]) -> str:
    """A list of texts as JSON."""
    return msgspec.json.encode([sound_text(each) for each in texts]).decode()


def _counted(name: str, number: int | None) -> int | None:
    """A number that SQLite can add up, as often as turns may have it; a wild one is unknown."""
    return number if number is not None and 0 <= number <= LIMITS[name] else None


def briefs(connection: sqlite3.Connection, where: str, values: Mapping[str, Any]) -> list[Brief]:
    return [Brief(*row) for row in connection.execute(BRIEFS + where, values)]
