"""The headers of turns, sealed: once what they have in common, and of each turn what differs from that.

What does not change from call to call (who asks with which program, which model answers) finds a turn's base: the
headers of the first turn that had these names with these values. Of a turn the rest is written down where it is not
the base's, mostly ids, times and limits. A base lasts as long as a turn refers to it.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.header_records import ExchangeHeaders, HeaderGroup
from gateway.keys.sealing import SealBroken
from gateway.store.content import HEADERS, Contents, Sealed
from gateway.store.conversation_rows import conversation_number
from gateway.told import NOTHING_KEPT, Told

# By whose values a base is found: others that stay the same for long cost little where they change at last.
_FIXED = frozenset(
    (
        *("user-agent", "host", "content-type", "accept", "server", "via", "authorization", "x-api-key"),
        *("x-goog-api-key", "x-goog-api-client", "x-stainless-package-version", "x-stainless-runtime-version"),
        *("anthropic-version", "anthropic-beta", "anthropic-organization-id", "openai-beta", "openai-version"),
        *("openai-organization", "x-faregate-provider", "x-faregate-model"),
    )
)
# Stands for the request's own id, which the turn knows.
_OWN_ID = "\0"
_REMEMBERED = 500
_PUT = "INSERT INTO headers (turn, base, data) VALUES (?, ?, ?)"
_READ = (
    "SELECT t.identity, t.request_id, t.source, t.hints, h.base, h.data FROM turns t "
    "LEFT JOIN headers h ON h.turn = t.id WHERE "
)
_OF_REQUEST = f"{_READ}t.identity = :request AND (:scope IS NULL OR t.scope = :scope)"
_OF_THREAD = f"{_READ}t.conversation = :conversation"
_BASES = "SELECT id, hash, kind, data FROM contents WHERE id IN (SELECT value FROM json_each(?))"

_NOTHING = "Nothing of this request is kept: it was no turn of a conversation, or its time is over."
_PAST_US = "This call went past the gateway: telemetry tells of it."
_LEFT_OUT = "Headers were left out (capture.parts_off names them), or the Faregate that kept this request kept none."
_BROKEN = "Headers cannot be opened: they were changed on the disk, or sealed under another seal.key."

_decode_texts = msgspec.json.Decoder(tuple[str, ...]).decode


class _Base(Struct, frozen=True, array_like=True):
    """`loose` are the places, counted through all groups' lines and values, of what a turn may have of its own."""

    groups: tuple[HeaderGroup, ...]
    loose: tuple[int, ...]


class _Known(Struct, frozen=True):
    """A base in memory: its entry's number, its loose places, and what stands there."""

    number: int
    loose: tuple[int, ...]
    texts: tuple[str, ...]


_decode_base = msgspec.json.Decoder(_Base).decode
_decode_own = msgspec.json.Decoder(list[int | str]).decode
_Pick = Callable[[Sequence[str]], Any]
_Shape = tuple[tuple[str, int, tuple[str, ...]], ...]


class TurnHeaders:
    """The writer's side, within its transaction. Remembers bases for as long as `contents` remembers entries."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed, contents: Contents) -> None:
        self._connection = connection
        self._sealed = sealed
        self._contents = contents
        self._shapes: dict[_Shape, tuple[_Pick, tuple[int, ...]]] = {}
        self._bases: dict[tuple[_Shape, Any], _Known] = {}
        self._forgotten = 0

    def put(self, turn: int, identity: str, told: Told) -> None:
        """Write down what was told of a turn's headers."""
        groups = told.headers
        texts = _texts(groups, told.request_id)
        base = self._base(groups, texts)
        own: list[int | str] = []
        places: dict[str, int] = {}
        for place, first in zip(base.loose, base.texts, strict=True):
            text = texts[place]
            if text != first:
                # Some stand there twice: a provider's id is told to the caller too.
                own += (place, places.get(text, text))
                places.setdefault(text, place)
        packed = self._sealed.pack_plain(HEADERS, identity.encode(), msgspec.json.encode(own))
        self._connection.execute(_PUT, (turn, base.number, packed))

    def _base(self, groups: Sequence[HeaderGroup], texts: Sequence[str]) -> _Known:
        if self._forgotten != self._contents.forgotten:
            self._bases.clear()
            self._forgotten = self._contents.forgotten
        shape = tuple((group.whose, group.attempt, group.names) for group in groups)
        pick, loose = self._shapes.get(shape) or self._learnt(shape)
        fixed = pick(texts)
        base = self._bases.get((shape, fixed))
        if base is None:
            if len(self._bases) >= _REMEMBERED:
                self._bases.clear()
            base = self._bases[shape, fixed] = self._found(groups, texts, shape, fixed, loose)
        return base

    def _learnt(self, shape: _Shape) -> tuple[_Pick, tuple[int, ...]]:
        fixed: list[int] = []
        loose: list[int] = []
        at = 0
        for _, _, names in shape:
            # The line of each group, which says as what its headers went.
            fixed.append(at)
            for place, name in enumerate(names, at + 1):
                (fixed if name.lower() in _FIXED else loose).append(place)
            at += 1 + len(names)
        if len(self._shapes) >= _REMEMBERED:
            self._shapes.clear()
        pick: _Pick = itemgetter(*fixed)
        self._shapes[shape] = found = pick, tuple(loose)
        return found

    def _found(
        self, groups: Sequence[HeaderGroup], texts: Sequence[str], shape: _Shape, fixed: Any, loose: tuple[int, ...]
    ) -> _Known:
        """The base that is there, or these headers as a new one."""
        data = msgspec.json.encode(_Base(_filled(groups, texts), loose))
        number, there = self._contents.base(msgspec.json.encode((shape, fixed)), data)
        base = _decode_base(there)
        first = _texts(base.groups, None)
        return _Known(number, base.loose, tuple(first[place] for place in base.loose))


def headers_of_request(
    connection: sqlite3.Connection, sealed: Sealed, request_id: str, scope: str | None
) -> ExchangeHeaders:
    """What is kept of a request's headers, and else why there is nothing."""
    found = _read(connection, sealed, _OF_REQUEST, {"request": request_id, "scope": scope})
    return found.get(request_id) or ExchangeHeaders(why=_NOTHING)


def headers_of_thread(
    connection: sqlite3.Connection, sealed: Sealed, name: str, scope: str | None
) -> Mapping[str, ExchangeHeaders]:
    """Of each request of the conversation of this name, else of this given id."""
    return _read(connection, sealed, _OF_THREAD, {"conversation": conversation_number(connection, name, scope)})


def _read(
    connection: sqlite3.Connection, sealed: Sealed, statement: str, values: Mapping[str, Any]
) -> dict[str, ExchangeHeaders]:
    rows = connection.execute(statement, values).fetchall()
    numbers = msgspec.json.encode(sorted({row[4] for row in rows if row[4] is not None})).decode()
    bases: dict[int, _Base] = {}
    for number, address, kind, data in connection.execute(_BASES, (numbers,)):
        try:
            bases[number] = _decode_base(sealed.unpack(kind, address, data))
        except (SealBroken, msgspec.MsgspecError):
            continue
    return {
        request_id: ExchangeHeaders(why=_why(source, _decode_texts(hints)))
        if base is None
        else _opened(sealed, identity, request_id, bases.get(base), data)
        for identity, request_id, source, hints, base, data in rows
        if request_id is not None
    }


def _opened(sealed: Sealed, identity: str, request_id: str, base: _Base | None, data: bytes) -> ExchangeHeaders:
    try:
        if base is None:
            raise SealBroken(_BROKEN)
        own = _decode_own(sealed.unpack(HEADERS, identity.encode(), data))
        texts = _texts(base.groups, None)
        for place, text in zip(own[::2], own[1::2], strict=True):
            assert isinstance(place, int)
            texts[place] = texts[text] if isinstance(text, int) else text
    except (SealBroken, msgspec.MsgspecError, IndexError, ValueError):
        return ExchangeHeaders(why=_BROKEN)
    return ExchangeHeaders(groups=_filled(base.groups, [request_id if each == _OWN_ID else each for each in texts]))


def _why(source: str, hints: Sequence[str]) -> str:
    if source != "gateway":
        return _PAST_US
    return next((hint for hint in hints if hint.startswith(NOTHING_KEPT)), _LEFT_OUT)


def _texts(groups: Sequence[HeaderGroup], request_id: str | None) -> list[str]:
    """Lines and values of all groups, in order."""
    texts = [text for group in groups for text in (group.line, *group.values)]
    return texts if request_id is None else [_OWN_ID if text == request_id else text for text in texts]


def _filled(groups: Sequence[HeaderGroup], texts: Sequence[str]) -> tuple[HeaderGroup, ...]:
    """The groups with these texts in the places of theirs."""
    made, at = [], 0
    for group in groups:
        end = at + 1 + len(group.names)
        made.append(replace(group, line=texts[at], values=tuple(texts[at + 1 : end])))
        at = end
    return tuple(made)
