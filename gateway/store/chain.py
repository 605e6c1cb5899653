"""What was said, as hashes: how a call is recognised as the continuation of an earlier one. Pure.

Every call repeats the history. Two keyed hashes tell it apart: that of exact bytes addresses storage; the match hash
counts only what was said, without what clients change when they send an answer back (ids, reasoning, pictures that
the model made, side pockets, line ends, the order of keys in arguments, where one message ends and the next of the
same role begins). System instructions and tools stand outside: they vary by date or reminder. One running hash over
the history gives a digest after each message, so that the digest after an answer is found again inside the next
call's input.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from operator import is_
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.model import (
    Blob,
    Extra,
    File,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolCallResponse,
    Uri,
)

DIGEST_BYTES, EXACT_BYTES = 16, 8
# Of a digest that is looked for among one key's calls of a day: three of them and an index for each are the larger
# part of what a short message takes.
PLACE_BYTES = 8
# Begins where a run of spaces does, and gives none of it back: each is looked at once.
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n)")
_SAID = b"said"
_CALL, _RESULT, _MEDIA, _OTHER = b"call", b"result", b"media", b"other"
_ROLES = {role: role.value.encode() for role in Role}

# Kind and payload; texts as they were said.
Atom = tuple[bytes, bytes | str]


class Place(Struct, frozen=True, gc=False):
    """A point in a history, after one message.

    `chain` is the digest of all that was said until here, `mark` that of this message alone, None where it says
    nothing that counts; `tail` that of this message and the one before; PLACE_BYTES each. `answered`: an assistant
    has spoken by now; `answer`: nobody else has since.
    """

    chain: bytes
    mark: bytes | None
    tail: bytes | None
    answered: bool
    answer: bool


class Walk(Struct, frozen=True):
    """A call's history message by message, and its answers, each as if it were said next."""

    places: tuple[Place, ...]
    outputs: tuple[Place, ...]


class Hasher:
    """Keyed hashes of 16 bytes: without the key nobody can tell from a database whether something was said."""

    def __init__(self, key: bytes) -> None:
        # Copied for each text: to make a keyed one anew takes several times as long.
        self._blank = hashlib.blake2b(key=key, digest_size=DIGEST_BYTES)
        self._exact = hashlib.blake2b(key=key, digest_size=EXACT_BYTES, person=b"exact")
        self._content: dict[int, hashlib.blake2b] = {}

    def content(self, kind: int, data: bytes) -> bytes:
        """The address of exact bytes."""
        begun = self._content.get(kind)
        if begun is None:
            begun = self._content[kind] = self._new(b"content", bytes([kind]))
        made = begun.copy()
        made.update(data)
        return made.digest()

    def name(self, *texts: str) -> str:
        """24 hex digits that name these texts for ever."""
        return self._new(b"name", *(text.encode("utf-8", "replace") + b"\0" for text in texts)).hexdigest()[:24]

    def exact(self, data: bytes) -> bytes:
        """8 bytes that change with these."""
        made = self._exact.copy()
        made.update(data)
        return made.digest()

    def running(self, scope: str) -> "Running":
        """The hash of a history that has not begun. Those of different scopes never meet."""
        return Running(self._new(b"chain", scope.encode("utf-8", "replace")), self._blank)

    def _new(self, *pieces: bytes) -> "hashlib.blake2b":
        made = self._blank.copy()
        for piece in pieces:
            made.update(piece)
        return made


class Running:
    """The hash of a history that grows."""

    def __init__(self, chain: "hashlib.blake2b", blank: "hashlib.blake2b") -> None:
        self._chain = chain
        self._blank = blank
        self._last: tuple[Role, bytes] | None = None
        self._spaces = ""
        self._mark: bytes | None = None
        self._answered = self._answer = False

    def copy(self) -> "Running":
        other = Running(self._chain.copy(), self._blank)
        other._last, other._spaces = self._last, self._spaces
        other._mark, other._answered, other._answer = self._mark, self._answered, self._answer
        return other

    @property
    def held(self) -> int:
        """Characters of text that it holds: spaces at the end, which count once something follows."""
        return len(self._spaces)

    def after(self, message: Message) -> Place:
        """Go on by a message."""
        mark = tail = None
        role = message.role
        if role is not Role.SYSTEM and (found := _atoms(message)):
            own = self._blank.copy()
            own.update(_ROLES[role])
            for kind, payload in found:
                # Adjacent texts of one role run on: where a message ends is the client's habit.
                if kind is not _SAID or self._last != (role, kind):
                    self._chain.update(b"\x1e" + _ROLES[role] + kind)
                    self._spaces = ""
                self._last = (role, kind)
                if isinstance(payload, str):
                    payload = self._run_on(payload)
                else:
                    self._chain.update(payload)
                own.update(b"\x1e" + kind + payload)
            whole = own.digest()
            mark = whole[:PLACE_BYTES]
            if self._mark is not None:
                both = self._blank.copy()
                both.update(self._mark + whole)
                tail = both.digest()[:PLACE_BYTES]
            self._mark = whole
            self._answer = role is Role.ASSISTANT
            self._answered = self._answered or self._answer
        return Place(self._chain.digest()[:PLACE_BYTES], mark, tail, self._answered, self._answer)

    def _run_on(self, text: str) -> bytes:
        """Add a text; what counts of it by itself. Spaces at its end count once something follows them."""
        before = self._spaces
        whole = _without_trailing(before + text)
        said = whole.rstrip()
        self._spaces = whole[len(said) :]
        self._chain.update(_bytes(said))
        return _bytes(plain(text) if before else said)


def _atoms(message: Message) -> Sequence[Atom]:
    """`atoms`, at once where a message is one text, as most are."""
    if len(message.parts) == 1 and isinstance(part := message.parts[0], Text):
        return [(_SAID, part.text)] if part.text and not part.text.isspace() else ()
    return list(atoms(message))


def atoms(message: Message) -> Iterator[Atom]:
    """What counts of a message, in order: adjacent texts as one, without what stands between them and may not come
    back."""
    texts: list[str] = []
    for part in message.parts:
        match part:
            case Text() | Refusal():
                texts.append(part.text)
            case Reasoning():
                continue
            case Blob() if message.role is Role.ASSISTANT:
                # What a model drew: most histories have no place for it.
                continue
            case _:
                yield from _text_atom(texts)
                texts = []
                yield _atom(part)
    yield from _text_atom(texts)


def _text_atom(texts: Sequence[str]) -> Iterator[Atom]:
    text = "".join(texts)
    if text and not text.isspace():
        yield _SAID, text


def _atom(part: ToolCall | ToolCallResponse | Opaque | Blob | Uri | File) -> Atom:
    match part:
        case ToolCall():
            arguments = part.arguments if part.custom else _canonical(part.arguments or "{}")
            return _CALL, _bytes(part.name) + b"\0" + _bytes(arguments)
        case ToolCallResponse():
            return _RESULT, _result(part)
        case Opaque():
            # Of a block that is not modelled only the kind: what stands in it changes on its way back.
            return _OTHER, _bytes(f"{part.dialect} {part.value.get('type', '')}")
        case Blob() | Uri() | File():
            return _MEDIA, _media(part)


def _result(part: ToolCallResponse) -> bytes:
    texts = [each.text for each in part.content if isinstance(each, Text)]
    media = [_media(each) for each in part.content if isinstance(each, Blob | Uri | File)]
    return b"\0".join([_bytes(_canonical(plain("".join(texts)))), *media])


def _media(part: Blob | Uri | File) -> bytes:
    match part:
        case Uri():
            return _bytes(part.uri)
        case File():
            return _bytes(part.file_id)
        case Blob():
            try:
                data = base64.b64decode(part.data)
            except (binascii.Error, ValueError):
                data = _bytes(part.data)
            return hashlib.sha256(data).digest()


def plain(text: str) -> str:
    """Text without what editors and libraries change: line ends, spaces before them and at the end."""
    return _without_trailing(text).rstrip()


def _without_trailing(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if " \n" in text or "\t\n" in text:
        text = _TRAILING.sub("", text)
    return text


def _canonical(text: str) -> str:
    """JSON text with sorted keys and no spaces; anything else as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        value = msgspec.json.decode(text)
        if "." in text or "e" in text or "E" in text:
            value = _whole(value)
        return msgspec.json.encode(value, order="sorted").decode()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return text


def _whole(value: Any) -> Any:
    """JavaScript writes 1.0 as 1."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return value


def in_common(one: Sequence[Message], other: Sequence[Message]) -> int:
    """How many messages, from the first on, are the very same objects in two histories."""
    if all(map(is_, one, other)):
        return min(len(one), len(other))
    number = 0
    for mine, others in zip(one, other, strict=False):
        if mine is not others:
            break
        number += 1
    return number


_MARKS = ("cache_control", "prompt_cache_breakpoint")


def unmarked(message: Message) -> Message:
    """The message without cache marks: they move along a history, and what is cached does not change with them."""
    if not message.extra and not any(map(_may_be_marked, message.parts)):
        return message
    return replace(message, parts=tuple(_unmarked(part) for part in message.parts), extra=_without(message.extra))


def _may_be_marked(part: Any) -> bool:
    if isinstance(part, ToolCallResponse) and any(map(_may_be_marked, part.content)):
        return True
    return bool(getattr(part, "extra", None))


def _unmarked(part: Any) -> Any:
    if isinstance(part, Opaque):
        return part
    if isinstance(part, ToolCallResponse):
        part = replace(part, content=tuple(_unmarked(each) for each in part.content))
    return replace(part, extra=_without(part.extra))


def _without(extra: Extra) -> Extra:
    if not extra:
        return extra
    kept = {
        name: {field: value for field, value in pocket.items() if field not in _MARKS}
        for name, pocket in extra.items()
    }
    return {name: pocket for name, pocket in kept.items() if pocket}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
