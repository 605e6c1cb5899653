"""What the path needs on which a chat body passes as it is: a look at it, and changes by byte offsets.

`peek` decodes a handful of fields and skips the rest, which may hold what no parser of ours takes (1e400, half
surrogates). `splice` finds top-level members with two regular expressions that never look back, replaces only the
bytes of their values, and leaves everything else as it is: white space, order, escapes, numbers, duplicate keys.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import msgspec
from msgspec import Raw, Struct

from gateway.errors import ClientError


class Peek(Struct, frozen=True, kw_only=True):
    """`include_usage`: the client itself asked for the usage chunk. `user` is the end user as the body says it."""

    model: str
    stream: bool = False
    include_usage: bool = False
    user: str | None = None
    legacy_functions: bool = False


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Body(Struct):
    model: str = ""
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    user: str | None = None
    safety_identifier: str | None = None
    functions: Raw = Raw()
    tools: Raw = Raw()


_DECODER = msgspec.json.Decoder(_Body)
_ABSENT = (b"", b"null", b"[]")


def peek(body: bytes) -> Peek:
    """Raises ClientError: bad JSON, no model, or a field of a wrong type (named by `param`)."""
    try:
        found = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        _refuse(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _peek_slowly(body)
    if not found.model:
        raise ClientError("`model` is missing: name the model to use.", param="model")
    return Peek(
        model=found.model,
        stream=found.stream or False,
        include_usage=bool(found.stream_options and found.stream_options.include_usage),
        user=found.safety_identifier or found.user,
        legacy_functions=bytes(found.functions) not in _ABSENT and bytes(found.tools) in (b"", b"null"),
    )


def _peek_slowly(body: bytes) -> _Body:
    """For bodies with half surrogates, which the fast decoder takes for broken JSON."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ClientError(f"The request body is not valid JSON: {error}.") from error
    if isinstance(value, dict):
        wanted = {key: value[key] for key in _Body.__struct_fields__ if key in value}
        for name in ("functions", "tools"):
            if name in wanted:
                wanted[name] = Raw(json.dumps(wanted[name]).encode())
        value = wanted
    try:
        return msgspec.convert(value, _Body)
    except msgspec.ValidationError as error:
        _refuse(error)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _refuse(error: msgspec.ValidationError) -> NoReturn:
    said, _, path = str(error).partition(" - at ")
    param = path.strip("`").removeprefix("$").removeprefix(".") or None
    what = f"`{param}`" if param else "The request body"
    raise ClientError(f"{what} has a wrong type: {said[:1].lower()}{said[1:]}.", param=param) from error


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb"[^,\]}\s]++")
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_USAGE_ASKED = b'"stream_options":{"include_usage":true}'


class _Member(NamedTuple):
    key: str
    start: int
    end: int


def splice(body: bytes, *, model: str | None, include_usage: bool) -> bytes:
    """The body with another model's name (None: its own) and with the usage chunk asked for, else byte for byte.

    `body` is one that `peek` accepted. Raises ClientError where it is no JSON object after all.
    """
    has_options = include_usage and (b'"stream_options"' in body or b"\\u" in body)
    if model is None and not has_options:
        return _insert(body, _end(_SPACE, body, 0), _USAGE_ASKED) if include_usage else body
    at = _end(_SPACE, body, 0)
    members = list(_members(body, at))
    edits: list[tuple[int, int, bytes]] = []
    if model is not None:
        name = msgspec.json.encode(model)
        edits += [(m.start, m.end, name) for m in members if m.key == "model" and body[m.start] == 0x22]
    if include_usage:
        options = [m for m in members if m.key == "stream_options"]
        for member in options:
            edits.append((member.start, member.end, _with_usage(body, member)))
        if not options:
            edits.append((at + 1, at + 1, _USAGE_ASKED + (b"," if members else b"")))
    return _edited(body, edits)


def _insert(body: bytes, at: int, member: bytes) -> bytes:
    first = _end(_SPACE, body, at + 1)
    empty = body[first : first + 1] == b"}"
    return b"%b%b%b%b" % (body[: at + 1], member, b"" if empty else b",", body[at + 1 :])


def _edited(body: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    pieces: list[bytes] = []
    last = 0
    for start, end, replacement in sorted(edits):
        pieces += (body[last:start], replacement)
        last = end
    return b"".join((*pieces, body[last:]))


def _with_usage(body: bytes, member: _Member) -> bytes:
    """The value of `stream_options` with `include_usage` true, its other members untouched."""
    value = body[member.start : member.end]
    if value[:1] != b"{":
        return b'{"include_usage":true}'
    inner = list(_members(value, 0))
    asked = [(m.start, m.end, b"true") for m in inner if m.key == "include_usage"]
    if not asked:
        asked = [(1, 1, b'"include_usage":true' + (b"," if inner else b""))]
    return _edited(value, asked)


def _members(body: bytes, at: int) -> Iterator[_Member]:
    """The members of the object that begins at `at`, with the offsets of their values."""
    _expect(body, at, b"{")
    at = _end(_SPACE, body, at + 1)
    if body[at : at + 1] == b"}":
        return
    while True:
        key_end = _end(_STRING, body, at)
        key = body[at + 1 : key_end - 1]
        name = json.loads(body[at:key_end]) if b"\\" in key else key.decode("utf-8", "replace")
        at = _end(_SPACE, body, key_end)
        _expect(body, at, b":")
        start = _end(_SPACE, body, at + 1)
        end = _value_end(body, start)
        yield _Member(name, start, end)
        at = _end(_SPACE, body, end)
        if body[at : at + 1] == b"}":
            return
        _expect(body, at, b",")
        at = _end(_SPACE, body, at + 1)


def _value_end(body: bytes, at: int) -> int:
    first = body[at : at + 1]
    if first == b'"':
        return _end(_STRING, body, at)
    if first not in (b"{", b"["):
        return _end(_SCALAR, body, at)
    depth = 0
    while True:
        bracket = body[at : at + 1]
        if not bracket:
            _broken(at)
        depth += 1 if bracket in b"{[" else -1
        at += 1
        if depth == 0:
            return at
        at = _end(_TO_BRACKET, body, at)


def _end(pattern: "re.Pattern[bytes]", body: bytes, at: int) -> int:
    match = pattern.match(body, at)
    if match is None:
        _broken(at)
    return match.end()


def _expect(body: bytes, at: int, char: bytes) -> None:
    if body[at : at + 1] != char:
        _broken(at)


def _broken(at: int) -> NoReturn:
    raise ClientError(f"The request body is not valid JSON (byte {at}).")


class _Chunk(Struct):
    choices: list[Any] | None = None
    usage: Any = None


_CHUNK_DECODER = msgspec.json.Decoder(_Chunk)
_LINE_ENDS = rb"(?>\r\n|\n|\r)"
_EVENT_END = re.compile(_LINE_ENDS + rb"(?:\r\n|\n|\r)")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class UsageCutter:
    """Takes out of a chat stream the usage chunk that the client did not ask for; all other bytes pass as they are.

    That chunk is the one with `choices: []` and a `usage` object. An event's bytes are held until its end at most.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        # Set where an event ended with CR, its LF perhaps still to come: whether that goes to the client.
        self._pass_lf: bool | None = None

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client."""
        kept: list[bytes] = []
        if self._pass_lf is not None and data:
            if data.startswith(b"\n"):
                kept.append(data[:1] if self._pass_lf else b"")
                data = data[1:]
            self._pass_lf = None
        if not self._held and not kept and data.endswith(b"\n\n") and not _NO_CHOICES.search(data):
            return data
        # An end mark may have begun in the held bytes: it is at most four bytes long.
        search_from = max(0, len(self._held) - 3)
        self._held += data
        done = 0
        for end in _EVENT_END.finditer(self._held, search_from):
            event = bytes(self._held[done : end.end()])
            done = end.end()
            passes = not _is_usage_only(event)
            if passes:
                kept.append(event)
            if done == len(self._held) and event.endswith(b"\r"):
                self._pass_lf = passes
        del self._held[:done]
        return b"".join(kept)

    def close(self) -> bytes:
        """What is left at the end of the stream."""
        rest, self._held = bytes(self._held), bytearray()
        return b"" if _is_usage_only(rest) else rest


def _is_usage_only(event: bytes) -> bool:
    if not _NO_CHOICES.search(event):
        return False
    lines = [line.removeprefix(b"data:") for line in event.splitlines() if line.startswith(b"data:")]
    try:
        chunk = _CHUNK_DECODER.decode(b"\n".join(lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return chunk.choices == [] and isinstance(chunk.usage, dict)
