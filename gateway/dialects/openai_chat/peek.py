"""What the path needs on which a chat body passes as it is: a look at it, and changes by byte offsets.

`peek` decodes a handful of fields and skips the rest. `splice` replaces the bytes of two members and leaves
everything else as it is. `UsageCutter` takes out of the answer what was asked for on the client's behalf.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.dialects.body_look import look, refuse_later
from gateway.dialects.dialect import Peek
from gateway.dialects.json_splice import Edit, Member, edited, is_empty_object, members, replace_model, start
from gateway.errors import ClientError
from gateway.sse import EVENT_END

__all__ = ["Peek", "UsageCutter", "peek", "splice"]


class _StreamOptions(Struct):
    include_usage: bool | None = None


class _Body(Struct):
    model: str = ""
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    user: str | None = None
    safety_identifier: str | None = None
    reasoning_effort: Any = None
    functions: Raw = Raw()
    tools: Raw = Raw()
    deferred: Any = None


_DECODER = msgspec.json.Decoder(_Body)
_ABSENT = (b"", b"null", b"[]")


def peek(body: bytes, path_model: str | None = None, path_stream: bool | None = None) -> Peek:
    """Raises ClientError: bad JSON, no model, a field of a wrong type (named by `param`), or an answer for later."""
    found = look(body, _DECODER)
    if not found.model:
        raise ClientError("`model` is missing: name the model to use.", param="model")
    stream = found.stream or False
    refuse_later("deferred", asked=found.deferred is True, stream=stream)
    return Peek(
        model=found.model,
        stream=stream,
        include_usage=bool(found.stream_options and found.stream_options.include_usage),
        user=found.safety_identifier or found.user,
        legacy_functions=bytes(found.functions) not in _ABSENT and bytes(found.tools) in (b"", b"null"),
        tools=bytes(found.tools) not in _ABSENT,
        effort=found.reasoning_effort if isinstance(found.reasoning_effort, str) else None,
    )


_USAGE_ASKED = b'"stream_options":{"include_usage":true}'


def splice(body: bytes, *, model: str | None, include_usage: bool) -> bytes:
    """The body with another model's name (None: its own) and with the usage chunk asked for, else byte for byte.

    `body` is one that `peek` accepted. Raises ClientError where it is no JSON object after all.
    """
    at = start(body)
    has_options = include_usage and (b'"stream_options"' in body or b"\\u" in body)
    if not has_options:
        edits = replace_model(body, model) if model is not None else []
        return edited(body, [*edits, *([_asked(body, at)] if include_usage else ())])
    edits = replace_model(body, model) if model is not None else []
    options = [member for member in members(body, at) if member.key == "stream_options"]
    edits += [(member.start, member.end, _with_usage(body, member)) for member in options]
    return edited(body, edits if options else [*edits, _asked(body, at)])


def _asked(body: bytes, at: int) -> Edit:
    return at + 1, at + 1, _USAGE_ASKED + (b"" if is_empty_object(body, at) else b",")


def _with_usage(body: bytes, member: Member) -> bytes:
    """The value of `stream_options` with `include_usage` true, its other members untouched."""
    value = body[member.start : member.end]
    if value[:1] != b"{":
        return b'{"include_usage":true}'
    inner = list(members(value, 0))
    asked = [(m.start, m.end, b"true") for m in inner if m.key == "include_usage"]
    if not asked:
        asked = [(1, 1, b'"include_usage":true' + (b"," if inner else b""))]
    return edited(value, asked)


class _Chunk(Struct):
    choices: list[Any] | None = None
    usage: Any = None


_CHUNK_DECODER = msgspec.json.Decoder(_Chunk)
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
        for end in EVENT_END.finditer(self._held, search_from):
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
