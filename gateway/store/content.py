"""What was said, sealed: messages, instructions, tools and media as entries that are stored once each.

An entry's address is a keyed hash of its exact bytes, so that what is said again takes no room. Bytes are compressed
where that pays and sealed with their kind and address bound in: an entry that was changed, or put in another's place,
is refused. Texts and media above 64 KiB are entries of their own, to which a message refers: the same picture in
two messages lies there once. Nothing but sizes and hashes stands in the clear.
"""

import base64
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.keys.sealing import SEAL_BYTES, Seal, SealBroken
from gateway.model import Blob, HostedTool, Message, Opaque, Part, Role, Text, Tool, ToolCall, ToolCallResponse
from gateway.store.chain import Hasher, unmarked
from gateway.store.compression import RAW, Unreadable, compressed, expanded

# What an entry holds.
MESSAGE, SYSTEM, TOOLS, TEXT, BYTES, HEADERS = 1, 2, 3, 4, 5, 6
# Those in which nothing can be searched for.
UNSEARCHED = f"({TOOLS}, {BYTES}, {HEADERS})"
APART_BYTES = 64 * 1024
# A title, or the first line of what was asked.
LINE_BYTES = 200
# A row that nearly fills a page of SQLite's leaves no room there for a short one, as answers are: with what it takes
# to be too large for a page (PAGE_BYTES), all but its first bytes goes into a page of its own, and short ones lie
# together. `_SPILLED` are the bytes of such a page, `_LEAST` and `_MOST` those of a row that stay in the first one.
PAGE_BYTES = 1024
_SPILLED, _LEAST, _MOST = PAGE_BYTES - 4, (PAGE_BYTES - 12) * 32 // 255 - 23, PAGE_BYTES - 35
_FILLED_FROM = PAGE_BYTES * 3 // 4
# What a row of `contents` takes beside its data, and by how much more some do.
_ROW_BYTES, _ROW_BYTES_MORE = 25, 4
_KINDS = tuple(bytes([kind]) for kind in range(256))
REMEMBERED = 4096

_INSERT = "INSERT INTO contents (hash, kind, size, data) VALUES (?, ?, ?, ?)"
_VERSION = "PRAGMA data_version"
_FIND = "SELECT id FROM contents WHERE hash = ?"
_FIND_WHOLE = "SELECT id, data FROM contents WHERE hash = ?"
_REFER = "INSERT INTO content_parts (content, part) VALUES (?, ?) ON CONFLICT DO NOTHING"
_READ = "SELECT id, hash, kind, data FROM contents WHERE id IN (SELECT value FROM json_each(?))"
_PARTS = (
    "SELECT c.id, c.hash, c.kind, c.data FROM contents c WHERE c.id IN "
    "(SELECT part FROM content_parts WHERE content IN (SELECT value FROM json_each(?)))"
)

_T = TypeVar("_T")
Entry = tuple[int, bytes, int, bytes]


class _Apart(Struct, frozen=True, array_like=True):
    """A large text's place in a message: part, part within a tool's result (-1: none), and its entry's hash, hex."""

    part: int
    within: int
    hash: str


class _Stored(Struct, frozen=True, array_like=True):
    message: Message
    apart: tuple[_Apart, ...] = ()


Instructions = tuple[Message, ...]
Tools = tuple[Tool | HostedTool, ...]
_decode_message = msgspec.json.Decoder(_Stored).decode
_decode_system = msgspec.json.Decoder(Instructions).decode
_decode_tools = msgspec.json.Decoder(Tools).decode


def encode(value: Any) -> bytes:
    """JSON. Halves of surrogate pairs, which UTF-8 has no bytes for, become the mark of what cannot be shown."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_sound(msgspec.to_builtins(value)))


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_sound(name): _sound(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sound(each) for each in value]
    return value


def _filling(size: int) -> int:
    """How many bytes to add to so many before they are sealed, that no row nearly fills a page."""
    row = size + SEAL_BYTES + _ROW_BYTES
    kept = row if row <= _MOST else _LEAST + (row - _LEAST) % _SPILLED
    return _MOST + 1 + _ROW_BYTES_MORE - kept if _FILLED_FROM < kept <= _MOST else 0


def _expanded(plain: bytes) -> bytes:
    try:
        return expanded(plain)
    except Unreadable:
        raise SealBroken("What was stored cannot be read: it was written by another version.") from None


class Sealed:
    """Packs and opens what stands in the database; shared by the writer and all readers."""

    def __init__(self, key: bytes, hasher: Hasher) -> None:
        self.hasher = hasher
        self._seal = Seal(key, "conversations")

    def pack(self, kind: int, address: bytes, data: bytes) -> bytes:
        return self._seal.close(compressed(data), bytes([kind]) + address)

    def pack_plain(self, kind: int, address: bytes, data: bytes) -> bytes:
        """As it is: short lines, ids, times and numbers hold little that could be said shorter."""
        return self._seal.close(RAW + data, bytes([kind]) + address)

    def pack_json(self, kind: int, address: bytes, data: bytes) -> bytes:
        """JSON for a row of `contents`: spaces at its end, and what follows on compressed bytes, say nothing."""
        plain = compressed(data)
        return self._seal.close(plain + b" " * _filling(len(plain)), bytes([kind]) + address)

    def unpack(self, kind: int, address: bytes, sealed: bytes) -> bytes:
        """Raises SealBroken."""
        return _expanded(self._seal.open(sealed, bytes([kind]) + address))

    def opened(self, entries: Iterable[Entry]) -> Iterator[tuple[int, int, bytes]]:
        """(number, kind, bytes) of each that can be opened."""
        unseal = self._seal.open
        for number, address, kind, sealed in entries:
            try:
                plain = unseal(sealed, _KINDS[kind] + address)
                yield number, kind, plain[1:] if plain[:1] == RAW else _expanded(plain)
            except SealBroken:
                continue

    def pack_text(self, kind: int, address: str, text: str | None) -> bytes | None:
        """A short text that stands in a row of its own. A line is not compressed: that saves a few bytes, and takes a
        fifteenth of what a call takes to be placed."""
        if text is None:
            return None
        data = text.encode("utf-8", "replace")
        pack = self.pack_plain if len(data) <= LINE_BYTES else self.pack
        return pack(kind, address.encode(), data)

    def unpack_text(self, kind: int, address: str, sealed: bytes | None) -> str | None:
        """Raises SealBroken."""
        return None if sealed is None else self.unpack(kind, address.encode(), sealed).decode("utf-8", "replace")


class Contents:
    """The writer's side: entries on one connection, within its transaction.

    Remembers the numbers of the entries that were used last, for as long as nobody takes any away.
    """

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed) -> None:
        self._connection = connection
        self._sealed = sealed
        self._numbers: OrderedDict[bytes, int] = OrderedDict()
        self._version: int | None = None
        # How often; who remembers numbers of entries elsewhere goes by it.
        self.forgotten = 0

    def begin(self) -> None:
        """A transaction has begun: what another connection changed since the one before may be a clean-up."""
        (version,) = self._connection.execute(_VERSION).fetchone()
        if version != self._version:
            self.forget()
        self._version = version

    def forget(self) -> None:
        """Entries were taken away, or those that were made are none."""
        self._numbers.clear()
        self.forgotten += 1

    def message(self, message: Message) -> int:
        """The entry of a message, made where there is none yet."""
        stored, parts = self._split(message)
        number = self._keep(MESSAGE, encode(stored))
        if parts:
            self._connection.executemany(_REFER, [(number, part) for part in parts])
        return number

    def system(self, messages: Instructions) -> int | None:
        """The entry of system instructions, by what they say: a cache mark makes no other ones."""
        return self._keep(SYSTEM, encode(tuple(unmarked(each) for each in messages))) if messages else None

    def tools(self, tools: Tools) -> int | None:
        return self._keep(TOOLS, encode(tools)) if tools else None

    def base(self, name: bytes, data: bytes) -> tuple[int, bytes]:
        """The headers that stand under this name, and their entry; these where there are none that can be opened."""
        address = self._sealed.hasher.content(HEADERS, name)
        found = self._connection.execute(_FIND_WHOLE, (address,)).fetchone()
        if found is None:
            return self._made(HEADERS, address, data), data
        try:
            return int(found[0]), self._sealed.unpack(HEADERS, address, found[1])
        except SealBroken:
            return self._keep(HEADERS, data), data

    def _keep(self, kind: int, data: bytes) -> int:
        address = self._sealed.hasher.content(kind, data)
        number = self._numbers.get(address)
        if number is not None:
            self._numbers.move_to_end(address)
            return number
        found = self._connection.execute(_FIND, (address,)).fetchone()
        number = self._made(kind, address, data) if found is None else int(found[0])
        self._numbers[address] = number
        if len(self._numbers) > REMEMBERED:
            self._numbers.popitem(last=False)
        return number

    def _made(self, kind: int, address: bytes, data: bytes) -> int:
        pack = self._sealed.pack if kind in (TEXT, BYTES) else self._sealed.pack_json
        packed = pack(kind, address, data)
        number = self._connection.execute(_INSERT, (address, kind, len(data), packed)).lastrowid
        assert number is not None
        return number

    def _split(self, message: Message) -> tuple[_Stored, list[int]]:
        apart: list[_Apart] = []
        entries: list[int] = []

        def put_by(part: int, within: int, text: str, media: bool) -> bool:
            if len(text) <= APART_BYTES:
                return False
            kind, data = _large(text, media)
            apart.append(_Apart(part, within, self._sealed.hasher.content(kind, data).hex()))
            entries.append(self._keep(kind, data))
            return True

        parts: list[Part] = []
        for number, part in enumerate(message.parts):
            if isinstance(part, ToolCallResponse):
                content = tuple(
                    _emptied(each, partial(put_by, number, within)) for within, each in enumerate(part.content)
                )
                parts.append(replace(part, content=content))
            else:
                parts.append(_emptied(part, partial(put_by, number, -1)))
        if not apart:
            return _Stored(message), []
        return _Stored(replace(message, parts=tuple(parts)), tuple(apart)), entries


def _emptied(part: Any, put_by: Callable[[str, bool], bool]) -> Any:
    """The part, without its text where that was put by."""
    match part:
        case Text() if put_by(part.text, False):
            return replace(part, text="")
        case Blob() if put_by(part.data, True):
            return replace(part, data="")
        case ToolCall() if put_by(part.arguments, False):
            return replace(part, arguments="")
    return part


def _large(text: str, media: bool) -> tuple[int, bytes]:
    """Base64 is a third larger than what it says; kept as bytes only where it is spelt the one usual way."""
    if media:
        try:
            data = base64.b64decode(text, validate=True)
            if base64.b64encode(data).decode() == text:
                return BYTES, data
        except ValueError:
            pass
    return TEXT, text.encode("utf-8", "replace")


class Opened:
    """The readers' side: entries of one snapshot, opened when they are asked for."""

    def __init__(self, connection: sqlite3.Connection, sealed: Sealed) -> None:
        self._connection = connection
        self._sealed = sealed
        self._entries: dict[int, Entry] = {}
        self._large: dict[str, str | None] = {}

    def fetch(self, numbers: Iterable[int | None]) -> None:
        """Read what will be asked for, in two statements."""
        wanted = msgspec.json.encode(sorted({each for each in numbers if each is not None})).decode()
        self._entries.update((row[0], row) for row in self._connection.execute(_READ, (wanted,)))
        for _, address, kind, data in self._connection.execute(_PARTS, (wanted,)):
            self._large[address.hex()] = self._text(kind, address, data)

    def only(self, number: int) -> Message:
        """One message, of which nothing is kept here."""
        self.fetch([number])
        message = self.message(number)
        self._entries, self._large = {}, {}
        return message

    def message(self, number: int) -> Message:
        """A message; where its entry is gone or broken, one that says so."""
        stored = self._open(number, _decode_message)
        return _broken() if stored is None else self.joined(stored)

    def system(self, number: int) -> tuple[Part, ...]:
        messages = self._open(number, _decode_system)
        return _broken().parts if messages is None else tuple(part for each in messages for part in each.parts)

    def tools(self, number: int) -> Tools:
        return self._open(number, _decode_tools) or ()

    def _open(self, number: int, decode: Callable[[bytes], _T]) -> _T | None:
        entry = self._entries.get(number)
        if entry is None:
            return None
        _, address, kind, data = entry
        try:
            return decode(self._sealed.unpack(kind, address, data))
        except (SealBroken, msgspec.MsgspecError):
            return None

    def _text(self, kind: int, address: bytes, data: bytes) -> str | None:
        try:
            plain = self._sealed.unpack(kind, address, data)
        except SealBroken:
            return None
        return base64.b64encode(plain).decode() if kind == BYTES else plain.decode("utf-8", "replace")

    def joined(self, stored: _Stored) -> Message:
        """The message with its large texts in their places again."""
        if not stored.apart:
            return stored.message
        parts: list[Any] = list(stored.message.parts)
        for place in stored.apart:
            part, text = parts[place.part], self._large.get(place.hash)
            if place.within < 0:
                parts[place.part] = _filled(part, text)
            else:
                content = list(part.content)
                content[place.within] = _filled(content[place.within], text)
                parts[place.part] = replace(part, content=tuple(content))
        return replace(stored.message, parts=tuple(parts))


def _filled(part: Any, text: str | None) -> Any:
    match part:
        case _ if text is None:
            return BROKEN
        case Text():
            return replace(part, text=text)
        case Blob():
            return replace(part, data=text)
        case ToolCall():
            return replace(part, arguments=text)
    return part


BROKEN = Opaque("faregate", {"type": "unreadable", "reason": "changed on the disk, or sealed under another seal.key"})


def _broken() -> Message:
    return Message(Role.USER, (BROKEN,))


def texts(parts: Sequence[Any]) -> Iterable[str]:
    """All that can be searched for in these parts, one text at a time."""
    for part in parts:
        match part:
            case ToolCall():
                yield part.name
                yield part.arguments
            case ToolCallResponse():
                yield from texts(part.content)
            case Opaque():
                yield encode(part.value).decode()
            case Blob():
                if part.filename:
                    yield part.filename
            case _:
                text = getattr(part, "text", None) or getattr(part, "filename", None)
                if text:
                    yield text


def texts_of(kind: int, plain: bytes) -> Iterable[str]:
    """All that can be searched for in an entry that was opened, one text at a time. Raises msgspec.MsgspecError."""
    if kind == TEXT:
        return (plain.decode("utf-8", "replace"),)
    if kind == SYSTEM:
        return texts([part for message in _decode_system(plain) for part in message.parts])
    return texts(_decode_message(plain).message.parts)
