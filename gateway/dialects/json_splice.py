"""Changes to a JSON body by byte offsets, so that everything else stays as it is.

Top-level members are found with a few regular expressions that never look back; only the bytes of their values are
replaced. White space, order, escapes, numbers and duplicate keys pass untouched, and so does what no parser of ours
takes (1e400, half surrogates).
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import msgspec

from gateway.errors import ClientError

Edit = tuple[int, int, bytes]
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb"[^,\]}\s]++")
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)


class Member(NamedTuple):
    """A member of an object: its key decoded, the place of its value."""

    key: str
    start: int
    end: int


def replace_model(body: bytes, model: str) -> list[Edit]:
    """The edits that put another name in the place of the top-level `model`; where it stands twice, in both."""
    return replace_model_at(body, start(body), model)


def replace_model_at(body: bytes, at: int, model: str) -> list[Edit]:
    """The same for the object that begins at `at`."""
    name = msgspec.json.encode(model)
    found = members(body, at)
    return [(item.start, item.end, name) for item in found if item.key == "model" and body[item.start] == 0x22]


def start(body: bytes) -> int:
    """Where the first value begins, behind a byte order mark and white space."""
    return _end(_SPACE, body, len(_BOM) if body.startswith(_BOM) else 0)


def is_empty_object(body: bytes, at: int) -> bool:
    """Whether the object that begins at `at` has no members."""
    first = _end(_SPACE, body, at + 1)
    return body[first : first + 1] == b"}"


def edited(body: bytes, edits: list[Edit]) -> bytes:
    """The body with bytes replaced; edits do not overlap."""
    pieces: list[bytes] = []
    last = 0
    for start, end, replacement in sorted(edits):
        pieces += (body[last:start], replacement)
        last = end
    return b"".join((*pieces, body[last:]))


def members(body: bytes, at: int) -> Iterator[Member]:
    """The members of the object that begins at `at`, with the offsets of their values. Raises ClientError."""
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
        yield Member(name, start, end)
        at = _end(_SPACE, body, end)
        if body[at : at + 1] == b"}":
            return
        _expect(body, at, b",")
        at = _end(_SPACE, body, at + 1)


def elements(body: bytes, at: int) -> Iterator[int]:
    """Where the values begin of the array that begins at `at`. Raises ClientError."""
    _expect(body, at, b"[")
    at = _end(_SPACE, body, at + 1)
    if body[at : at + 1] == b"]":
        return
    while True:
        yield at
        at = _end(_SPACE, body, _value_end(body, at))
        if body[at : at + 1] == b"]":
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
