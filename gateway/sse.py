"""Server-sent events, decoded incrementally from bytes and encoded again; pure.

Works on bytes, so that a cut inside a UTF-8 character is nothing special. Each byte is looked at once: the newly
arrived bytes are split at line ends, and only the unfinished last line is kept. Line ends (LF, CR, CRLF) are made
one kind first, and a CRLF that two chunks share is remembered by one flag.
The format is that of the WHATWG HTML standard, section "Server-sent events"; `id` and `retry` mean nothing here.
"""

import re

from msgspec import Struct

# A CRLF is one line end, not two.
EVENT_END = re.compile(rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r)")
# Between events: comments, by which a server shows that it is there, and blank lines.
_BETWEEN = re.compile(rb"(?:(?::[^\r\n]*+)?(?:\r\n|\n|\r))++")
_BOM = b"\xef\xbb\xbf"
# Line ends to Node's readline, by which Gemini CLI reads a stream, or to Python's `splitlines`, by which httpx does;
# none to the standard. JSON has them in texts only, and says them so too.
_OTHER_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


class ServerSentEvent(Struct, frozen=True, gc=False):
    """One event: its `event` field where it had one, and its `data` lines joined by LF."""

    event: str | None
    data: bytes


class Decoder:
    """Bytes in, events out, however the bytes are cut."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._after_cr = False
        self._first_line = True
        self._event: str | None = None
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete."""
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 0x0D
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in data:
            self._tail += data
            return []
        lines = data.split(b"\n")
        tail = lines.pop()
        events: list[ServerSentEvent] = []
        if self._tail:
            self._tail += lines[0]
            lines[0] = bytes(self._tail)
            self._tail = bytearray()
        if self._first_line:
            self._first_line = False
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                events.append(self._dispatch())
            else:
                self._event = None
        self._tail += tail
        return events

    def close(self) -> list[ServerSentEvent]:
        """The last event, where the stream ended without the blank line that completes it.

        The standard discards it; providers do end so after their terminator. Whether it is whole shows in its data.
        """
        line, self._tail = bytes(self._tail), bytearray()
        if self._first_line:
            line = line.removeprefix(_BOM)
        if line:
            self._field(line)
        return [self._dispatch()] if self._data else []

    def _dispatch(self) -> ServerSentEvent:
        lines = self._data
        event = ServerSentEvent(self._event, lines[0] if len(lines) == 1 else b"\n".join(lines))
        self._event, self._data = None, []
        return event

    def _field(self, line: bytes) -> None:
        if line.startswith(b"data: "):
            self._data.append(line[6:])
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")


class WholeEvents:
    """Events' bytes as they are, each held until it is whole: nobody can read a part of one, and what it is, an error
    with a key among its words perhaps, shows at its end alone. Comments between them wait for nothing."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """The bytes of all events that are whole now, and of what is between them."""
        if not self._held and data.endswith((b"\n\n", b"\r\n\r\n")):
            return data
        if b"\n" not in data and b"\r" not in data:
            # No line ends in it, and none is looked for in what is held: that may be long.
            self._held += data
            return b""
        # An end mark may have begun in the held bytes: it is at most four bytes long.
        search_from = max(0, len(self._held) - 3)
        self._held += data
        done = 0
        for end in EVENT_END.finditer(self._held, search_from):
            done = end.end()
        if between := _BETWEEN.match(self._held, done):
            done = between.end()
        whole = bytes(self._held[:done])
        del self._held[:done]
        return whole

    def close(self) -> bytes:
        """What is left at the end of the stream."""
        return bytes(self._held)


def on_one_line(json: bytes) -> bytes:
    """JSON without letters in which some readers of streams see the end of a line."""
    for end, escaped in _OTHER_ENDS:
        if end in json:
            json = json.replace(end, escaped)
    return json


def encode(data: bytes, event: str | None = None) -> bytes:
    """One event's bytes. `data` is JSON, or has no letters but ASCII; one with line ends becomes several lines."""
    head = b"" if event is None else b"event: %b\n" % event.encode()
    data = on_one_line(data)
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return b"%bdata: %b\n\n" % (head, data)
