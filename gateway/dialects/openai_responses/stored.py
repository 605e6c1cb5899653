"""What clients leave out because an earlier answer was to be stored, put back as it was said.

The API stores an answer unless `store` is false. Its clients then name the answer (`previous_response_id`), or single
items of it (`item_reference`: the Vercel AI SDK does so by default), in place of what was said.
Instructions and tools are told anew in any case. Source: the SDK's ResponseCreateParams and ResponseInputItem.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.sse import Decoder

REFERENCE = "item_reference"
# An answer of more is none that a model gave, and looking through it would hold up whatever else is to be done.
MOST_ITEMS = 1000
_PREVIOUS = "previous_response_id"
_WORDS = (b'"%b"' % REFERENCE.encode(), b'"%b"' % _PREVIOUS.encode())


class StoredAnswer(Struct, frozen=True):
    """`items` are the answer's output, each in JSON with its id."""

    id: str
    items: tuple[tuple[str, bytes], ...]


class Kept(Struct, frozen=True):
    """An answer's items in JSON, and the request that led to it, which may name earlier ones."""

    request: bytes
    items: tuple[bytes, ...]


class _Item(Struct, gc=False):
    type: Any = None
    id: Any = None


class _Answer(Struct, gc=False):
    id: str
    output: list[Raw]


class _Ended(Struct, gc=False):
    response: _Answer


_WHOLE = msgspec.json.Decoder(_Answer)
_ENDED = msgspec.json.Decoder(_Ended)
_ITEM = msgspec.json.Decoder(_Item)
_BODY = msgspec.json.Decoder(dict[str, Raw])
_ITEMS = msgspec.json.Decoder(list[Raw])


def stored_answer(data: bytes) -> StoredAnswer | None:
    """Of a whole answer, or of the last events of a stream; None where they are none that can be read, or that has
    more than MOST_ITEMS."""
    if data.lstrip().startswith(b"{"):
        return _stored(_WHOLE.decode, data)
    sse = Decoder()
    # Some providers send a mark of their own behind the last event.
    found = (_stored(_ended, event.data) for event in reversed([*sse.feed(data), *sse.close()]))
    return next((stored for stored in found if stored is not None), None)


def _ended(data: bytes) -> _Answer:
    return _ENDED.decode(data).response


def _stored(read: Callable[[bytes], _Answer], data: bytes) -> StoredAnswer | None:
    try:
        answer = read(data)
        if len(answer.output) > MOST_ITEMS:
            return None
        texts = [(_ITEM.decode(text).id, text) for text in map(bytes, answer.output)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return StoredAnswer(answer.id, tuple((id, text) for id, text in texts if isinstance(id, str)))


def names_stored(body: bytes) -> bool:
    """Whether a request may leave something out that was stored."""
    return any(word in body for word in _WORDS)


def with_stored(
    body: bytes,
    answer: Callable[[str], Kept | None],
    item: Callable[[str], bytes | None],
    has: Callable[[str], bool],
) -> bytes:
    """The body with what it left out, as far as that is known; else the same object.

    `answer` gives an earlier answer, `item` a single item to be put in the place of its reference; `has` tells of an
    answer whether the body may go on naming it.
    """
    try:
        fields = _BODY.decode(body)
        said = _items(fields)
        previous = _previous(fields)
        before = None if previous is None or has(previous) else _before(previous, answer)
        resolved = [_resolved(raw, item) for raw in (*(before or ()), *said)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Whoever parses it in full says what is wrong with it.
        return body
    if before is None and all(new is old for new, old in zip(resolved, said, strict=True)):
        return body
    if before is not None:
        del fields[_PREVIOUS]
    fields["input"] = Raw(msgspec.json.encode(resolved))
    return msgspec.json.encode(fields)


def _before(previous: str, answer: Callable[[str], Kept | None]) -> list[Raw] | None:
    """All that was said up to this answer, from the first; None where not all of it is known."""
    turns: list[list[Raw]] = []
    met: set[str] = set()
    named: str | None = previous
    while named is not None:
        found = answer(named)
        if found is None or named in met:
            return None
        met.add(named)
        fields = _BODY.decode(found.request)
        turns.append([*_items(fields), *map(Raw, found.items)])
        named = _previous(fields)
    return [raw for turn in reversed(turns) for raw in turn]


def _previous(fields: dict[str, Raw]) -> str | None:
    raw = fields.get(_PREVIOUS)
    value = None if raw is None else msgspec.json.decode(raw)
    return value if isinstance(value, str) else None


def _items(fields: dict[str, Raw]) -> list[Raw]:
    raw = fields.get("input")
    if raw is None:
        return []
    text = bytes(raw)
    if text.startswith(b'"'):
        return [Raw(b'{"role":"user","content":%b}' % text)]
    return _ITEMS.decode(text)


def _resolved(raw: Raw, item: Callable[[str], bytes | None]) -> Raw:
    text = bytes(raw)
    if _WORDS[0] not in text:
        return raw
    named = _ITEM.decode(text)
    found = item(named.id) if named.type == REFERENCE and isinstance(named.id, str) else None
    return raw if found is None else Raw(found)
